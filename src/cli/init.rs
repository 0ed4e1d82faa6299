//! `init`: a new repository, or a commented integration. Nothing is ever overwritten.
#![expect(clippy::disallowed_methods, reason = "the door through which a repository is begun")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{Common, Form, Init};
use super::exit::{self, Stop};
use super::project;
use super::streams::Streams;
use crate::plan::FORMAT_VERSION;
use crate::report::{json as machine, scaffold};
use crate::schema::parts::Catalogue;
use crate::source::load;

const PROJECT: &str = "# The project. docs/language.md of pairform says what else may stand here: environments, safety, owners, levels.\nversion: 1\n";
const IGNORE: &str = ".pairform/\n";

/// Runs the command.
///
/// # Errors
/// When there is no such pair, or a file is there already.
pub fn run(common: &Common, args: &Init, streams: &mut Streams) -> Result<u8, Stop> {
    let here = std::env::current_dir().unwrap_or_default();
    let (root, catalogue) = match project::read_tree() {
        Ok((root, sources)) => (root, Catalogue::with_project(&sources, &mut Vec::new())),
        Err(_) => (here, Catalogue::default()),
    };
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    if !root.join(load::PROJECT_FILE).exists() {
        files.push((root.join(load::PROJECT_FILE), PROJECT.to_owned()));
        if !root.join(".gitignore").exists() {
            files.push((root.join(".gitignore"), IGNORE.to_owned()));
        }
    }
    if let Some(id) = &args.pair {
        let pair = catalogue.pair(id).ok_or_else(|| project::no_pair(id, &catalogue))?;
        let name = args.name.clone().unwrap_or_else(|| id.clone());
        require_name(&name)?;
        let path = root.join("integrations").join(format!("{name}.yaml"));
        if path.exists() || root.join("integrations").join(&name).exists() {
            return Err(Stop::usage(format!(
                "the integration `{name}` is there already; nothing was written"
            ))
            .help("give another name: `pairform init PAIR NAME`"));
        }
        files.push((path, scaffold::integration(&pair, &name)));
    }
    if files.is_empty() {
        return Err(Stop::usage("this is a pairform repository already")
            .help("name a pair to begin an integration: `pairform init fortnox-shopify nordic-outdoor`"));
    }
    for (path, text) in &files {
        create(path, text)?;
    }
    say(common, &root, &files, streams);
    Ok(exit::OK)
}

pub(super) fn require_name(name: &str) -> Result<(), Stop> {
    let fits = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if fits {
        Ok(())
    } else {
        Err(Stop::usage(format!("`{name}` cannot be an integration's id"))
            .help("write lower-case letters, digits and hyphens"))
    }
}

/// Fails when the file is there: two runs at once cannot overwrite each other either.
fn create(path: &Path, text: &str) -> Result<(), Stop> {
    let failed = |error: std::io::Error| Stop::usage(format!("cannot write {}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn say(common: &Common, root: &Path, files: &[(PathBuf, String)], streams: &mut Streams) {
    let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let paths: Vec<String> = files.iter().map(|(path, _)| shown(path)).collect();
    if common.output == Form::Json {
        let body = json!({"format_version": FORMAT_VERSION, "command": "init", "exit_code": exit::OK, "files": paths});
        streams.result(&machine::print(&body));
        return;
    }
    streams.result(&paths.iter().map(|path| format!("wrote {path}\n")).collect::<String>());
    streams.say("Next: fill in what is required, and run `pairform validate`.\n");
}
