//! `fmt`: the project's YAML in canonical layout. Comments, order and quotes stay; a file that cannot be laid out
//! without changing its meaning is left alone and named.

use serde_json::json;

use super::args::{Common, Fmt, Form};
use super::exit::{self, Stop};
use super::project;
use super::rewrite;
use super::streams::Streams;
use crate::plan::FORMAT_VERSION;
use crate::report::{clean, count, json as machine};
use crate::source::load;
use crate::yaml::layout;

/// Runs the command.
///
/// # Errors
/// When there is no project, a path names no file of it, or a file cannot be written.
pub fn run(common: &Common, args: &Fmt, streams: &mut Streams) -> Result<u8, Stop> {
    let (root, sources) = project::read_tree()?;
    let chosen = project::paths(&args.paths)?;
    let (mut changed, mut failed, mut seen) = (rewrite::Files::new(), Vec::new(), 0);
    for (_, file) in sources.iter() {
        let target = root.join(&file.path);
        let taken = chosen.is_empty() || chosen.iter().any(|path| target.starts_with(path));
        if !taken || !is_layable(&file.path) {
            continue;
        }
        seen += 1;
        if file.fault().is_some() {
            failed.push((file.path.clone(), "the file cannot be read".to_owned()));
            continue;
        }
        match layout::layout(file.text()) {
            Ok(text) if text == file.text() => {}
            Ok(text) => {
                changed.insert(file.path.clone(), text);
            }
            Err(error) => failed.push((file.path.clone(), error.to_string())),
        }
    }
    if seen == 0 && !chosen.is_empty() {
        return Err(Stop::usage("no file of the project is there")
            .help("fmt takes pairform.yaml and what lies below integrations, bases and environments"));
    }
    if !args.check {
        rewrite::write(&root, &sources, &changed)?;
    }
    let changed: Vec<&String> = changed.keys().collect();
    let code = match (failed.is_empty(), args.check && !changed.is_empty()) {
        (false, _) => exit::ERRORS,
        (true, true) => exit::PENDING,
        (true, false) => exit::OK,
    };
    match common.output {
        Form::Json => {
            let failed: Vec<_> = failed.iter().map(|(path, why)| json!({"path": path, "why": why})).collect();
            let body = json!({"format_version": FORMAT_VERSION, "command": "fmt", "exit_code": code,
                "changed": changed, "failed": failed, "files": seen});
            streams.result(&machine::print(&body));
        }
        _ => {
            changed.iter().for_each(|path| streams.result(&clean(&format!("{path}\n"))));
            for (path, why) in &failed {
                streams.say(&clean(&format!("left alone  {path}: {why}\n")));
            }
            let verb = if args.check { "would change" } else { "changed" };
            streams.say(&format!("{} of {} {verb}.\n", changed.len(), count(seen, "file")));
        }
    }
    Ok(code)
}

/// Locks are written by programs, and schemas are not configuration.
fn is_layable(path: &str) -> bool {
    let known = ["integrations/", "bases/", "environments/"].iter().any(|folder| path.starts_with(folder));
    (known && !path.contains(".lock.")) || path == load::PROJECT_FILE
}
