//! `store: "https://HOST"`: a project whose store is a server's, read through its API. What is read so is what is read of the store
//! itself; a token goes nowhere else; and what cannot be done so says where it is done.

use std::process::{Command, Output};

use pairform::model;
use pairform::store::{self, Ask, Asked, Save};
use serde_json::json;

use crate::run::Project;
use crate::serve::{Server, apply_with, stores, token};

/// A project whose store is a server's.
pub struct Far {
    pub project: Project,
    /// The server's own.
    pub store: String,
    pub server: Server,
    pub token: String,
    /// Where the server runs: no project is there.
    pub folder: tempfile::TempDir,
}

/// The example of a group of shops, once for each kind of store.
fn examples() -> Vec<(Project, String)> {
    let one = |at: usize| {
        let project = Project::copy_example("nordic-group");
        let store = stores(&project).remove(at);
        (project, store)
    };
    (0..stores(&Project::empty()).len()).map(one).collect()
}

impl Far {
    /// The example, applied to each kind of store.
    fn all() -> Vec<Far> {
        let applied = |(project, store): (Project, String)| {
            apply_with(&project, &store, &[], &["--allow-live"]);
            Far::over(project, store)
        };
        examples().into_iter().map(applied).collect()
    }

    /// The example, of which nothing is applied yet.
    pub fn new_ones() -> Vec<Far> {
        examples().into_iter().map(|(project, store)| Far::over(project, store)).collect()
    }

    pub fn over(project: Project, store: String) -> Far {
        let token = token(&project, &store, &["ci", "--role", "applier"]);
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start_in(folder.path(), &store, &[]);
        Far { project, store, server, token, folder }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    pub fn run(&self, store: &str, arguments: &[&str]) -> Output {
        self.command(store, arguments).output().unwrap()
    }

    pub fn command(&self, store: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
        command
            .current_dir(self.project.path())
            .env("PAIRFORM_ACTOR", "mallory")
            .env("PAIRFORM_STORE_TOKEN", &self.token)
            .args(arguments)
            .args(["--store", store, "--no-input"]);
        command
    }

    pub fn far(&self, arguments: &[&str]) -> Output {
        self.run(&self.url(), arguments)
    }

    /// What the files say of Klarna's terms from now on.
    pub fn set_terms(&self, terms: &str) {
        let path = self.project.path().join("bases/swedish-shop.yaml");
        let base = std::fs::read_to_string(&path).unwrap();
        let (before, after) = base.split_once("{Klarna: {terms: \"").unwrap();
        let rest = after.split_once('"').unwrap().1;
        std::fs::write(&path, format!("{before}{{Klarna: {{terms: \"{terms}\"{rest}")).unwrap();
    }
}

/// Somebody changes a setting past every program.
pub fn change_outside(url: &str) {
    let mut store = store::open(&url.to_owned()).unwrap();
    let rows = store.read(Some(&["nordic-outdoor".to_owned()])).unwrap();
    let row = rows.into_iter().find(|row| row.category == "stock").unwrap();
    let mut document = model::to_json(&row.settings);
    document["negative_to_zero"] = json!(false);
    let settings = model::from_json(&document);
    let save = Save {
        integration: "nordic-outdoor",
        category: "stock",
        expected_revision: row.revision,
        settings: &settings,
        applied: &row.applied,
        saved_by: "Sara Nyberg",
        saved_at: "2026-11-27T15:40:00Z",
        commit: None,
        run: "outside",
        fence: None,
        lease: None,
    };
    store.save(&save).unwrap();
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_is_read_through_a_server_is_what_is_read_of_its_store() {
    for far in Far::all() {
        far.set_terms("14");
        change_outside(&far.store);
        for arguments in [
            &["plan"][..],
            &["plan", "-o", "json"],
            &["plan", "-o", "json", "--assume-secrets"],
            &["plan", "--integration", "nordic-outdoor"],
            &["drift"],
            &["drift", "-o", "json"],
            &["history"],
            &["history", "nordic-outdoor", "-o", "json"],
            &["list"],
            &["list", "-o", "json"],
            &["audit", "export"],
            &["show", "nordic-outdoor"],
            &["pull", "--check"],
            &["revert", "nordic-outdoor", "--category", "invoice", "--revision", "1"],
        ] {
            let (near, away) = (far.run(&far.store, arguments), far.far(arguments));
            // Where it is read is told in a line of its own, and the end of a hold is counted from now.
            let told = |out: &[u8]| {
                let text = text(out);
                let lines = text
                    .lines()
                    .filter(|line| !line.starts_with("store ") && !line.contains("a hold stands"));
                lines.map(str::to_owned).collect::<Vec<_>>().join("\n")
            };
            assert_eq!(told(&near.stdout), told(&away.stdout), "{arguments:?} {}", text(&away.stderr));
            assert_eq!(near.status.code(), away.status.code(), "{arguments:?} {}", text(&away.stderr));
        }
    }
}

#[test]
fn what_only_the_server_may_do_says_where_it_is_done() {
    let far = Far::all().remove(0);
    let other = format!("sqlite:{}", far.project.path().join("other.db").display());
    let url = far.url();
    let ask = Ask {
        integration: "nordic-outdoor",
        owner: "karin",
        holder: "elsewhere",
        reason: "apply",
        seconds: 600,
        over: None,
    };
    let Asked::Taken(lock) = store::open(&far.store).unwrap().lock(&ask).unwrap() else {
        panic!("it is free")
    };
    std::fs::remove_file(far.project.path().join("integrations/cykelboden.yaml")).unwrap();
    for arguments in [
        &["unlock", &lock.id][..],
        &["token", "create", "karin", "--role", "viewer"],
        &["token", "list"],
        &["token", "revoke", "ci"],
        &["release", "cykelboden", "--reason", "it left"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["store", "copy", &url, &other],
    ] {
        let done = far.far(arguments);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(64), "{arguments:?} {said}");
        assert!(said.contains("written by its server alone"), "{arguments:?} {said}");
    }
}
