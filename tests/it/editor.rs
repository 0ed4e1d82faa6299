//! The exported schemas in the real yaml-language-server: completion, enum values, hover and a wrong key.
//!
//! Needs `node` and the server; `tests/run` installs both and names the server in `PAIRFORM_YAML_LANGUAGE_SERVER`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::tools::{Tool, program, required};

/// Generous: the server starts cold on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

struct Server {
    child: Child,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    next_id: u64,
    diagnostics: Option<Value>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(node: &Path, server: &Path, root: &Path) -> Self {
        let mut child = Command::new(node)
            .arg(server)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read_message(&mut stdout) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut server = Server { child, stdin, messages, next_id: 0, diagnostics: None };
        let uri = format!("file://{}", root.display());
        server.request(
            "initialize",
            &json!({"processId": null, "rootUri": uri, "workspaceFolders": [{"uri": uri, "name": "project"}],
                "capabilities": {"workspace": {"configuration": true}, "textDocument": {"hover": {"contentFormat": ["markdown"]}}}}),
        );
        server.notify("initialized", &json!({}));
        server
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.stdin.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == id && message.get("method").is_none() {
                return message["result"].clone();
            }
        }
    }

    /// The next message; what the server asks of us is answered on the way.
    fn receive(&mut self) -> Value {
        let message = self.messages.recv_timeout(PATIENCE).expect("the language server answers");
        if let (Some(method), Some(id)) = (message["method"].as_str(), message.get("id")) {
            let result = match method {
                "workspace/configuration" => {
                    let items = message["params"]["items"].as_array().map_or(0, Vec::len);
                    let yaml = json!({"validate": true, "completion": true, "hover": true, "schemaStore": {"enable": false}});
                    Value::Array(vec![yaml; items])
                }
                _ => Value::Null,
            };
            self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
        }
        if message["method"] == "textDocument/publishDiagnostics" {
            self.diagnostics = Some(message["params"].clone());
        }
        message
    }

    fn open(&mut self, path: &Path) -> String {
        let uri = format!("file://{}", path.display());
        let text = std::fs::read_to_string(path).unwrap();
        self.notify(
            "textDocument/didOpen",
            &json!({"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}}),
        );
        uri
    }

    fn diagnostics_of(&mut self, uri: &str) -> Vec<Value> {
        loop {
            if let Some(found) = self.diagnostics.take().filter(|found| found["uri"] == uri) {
                return found["diagnostics"].as_array().unwrap().clone();
            }
            self.receive();
        }
    }

    fn completions(&mut self, uri: &str, line: usize, character: usize) -> Vec<String> {
        let at = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}});
        let answer = self.request("textDocument/completion", &at);
        let items = answer["items"].as_array().or_else(|| answer.as_array()).cloned().unwrap_or_default();
        items.iter().filter_map(|item| item["label"].as_str().map(str::to_owned)).collect()
    }
}

fn read_message(from: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("Content-Length: ") {
            length = number.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn an_editor_completes_explains_and_flags_settings() {
    let Some(node) = required(Tool::Node, program(&["node"], &[])) else { return };
    let server = std::env::var_os("PAIRFORM_YAML_LANGUAGE_SERVER").map(PathBuf::from);
    let Some(server) = required(Tool::LanguageServer, server) else { return };
    let integration = "integration: shop\npair: fortnox-shopify\nsettings:\n  order:\n    creates: \n    \n  invoice:\n    boook: true\n";
    let category = "default_terms_of_payment: \"30\"\nunmapped_key: 1\n";
    let folder = project(&[
        ("pairform.yaml", "version: 1\n"),
        ("integrations/shop.yaml", integration),
        ("integrations/split/integration.yaml", "integration: split\npair: fortnox-shopify\n"),
        ("integrations/split/settings/payment_methods.yaml", category),
    ]);
    let root = folder.path().canonicalize().unwrap();
    let exported = Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(["schema", "export"])
        .current_dir(&root)
        .output()
        .unwrap();
    assert!(exported.status.success(), "{exported:?}");
    let checked = Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(["schema", "export", "--check"])
        .current_dir(&root)
        .output()
        .unwrap();
    assert!(checked.status.success(), "a second export has nothing to do: {checked:?}");

    let mut server = Server::start(&node, &server, &root);
    let uri = server.open(&root.join("integrations/shop.yaml"));
    let flagged = server.diagnostics_of(&uri);
    assert!(flagged.iter().any(|each| each["message"].as_str().unwrap().contains("boook")), "{flagged:?}");
    // The export put one line before the text, so lines are one further down.
    let values = server.completions(&uri, 5, "    creates: ".len());
    assert!(values.iter().any(|value| value == "order_then_invoice"), "{values:?}");
    let keys = server.completions(&uri, 6, 4);
    assert!(keys.iter().any(|key| key == "exclude_before"), "{keys:?}");
    let at = json!({"textDocument": {"uri": uri}, "position": {"line": 5, "character": 6}});
    let hover = server.request("textDocument/hover", &at).to_string();
    assert!(hover.contains("What an order of the shop becomes"), "{hover}");

    let uri = server.open(&root.join("integrations/split/settings/payment_methods.yaml"));
    let flagged = server.diagnostics_of(&uri);
    assert!(
        flagged.iter().any(|each| each["message"].as_str().unwrap().contains("unmapped_key")),
        "{flagged:?}"
    );
}
