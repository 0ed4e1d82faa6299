//! Files that look like ours and that nobody reads: a folder, a name or an ending that is nearly one of those that are.
//!
//! Which files are looked at is known in [`crate::source::names`]. What lies in an integration's folder and is not read is told
//! where integrations are put together, and what lies in `schemas/` where parts are read.

use super::project::Manifest;
use crate::diagnostic::codes::compose as codes;
use crate::diagnostic::{Finding, nearest};
use crate::options::lists::is_list;
use crate::source::names::{
    FOLDERS, POLICY_FILE, PROJECT_FILE, is_codeowners, is_source, nearly_folder, nearly_template,
};
use crate::source::{Sources, Span};

/// What is told of each of them.
pub fn check(sources: &Sources, project: &Manifest) -> Vec<Finding> {
    let told = |path: &str| why(path, sources, project).map(|(why, help)| (why, help, path.to_owned()));
    let found = sources.iter().filter_map(|(file, source)| Some((file, told(&source.path)?)));
    found
        .map(|(file, (why, help, path))| codes::unread_file(&path, &why, &help, Span::new(file, 0, 0)))
        .collect()
}

/// Why a file is not read and what to do; nothing where it is read, or where somebody else tells it.
fn why(path: &str, sources: &Sources, project: &Manifest) -> Option<(String, String)> {
    if is_codeowners(path) {
        return None;
    }
    if path == POLICY_FILE {
        return is_policy(path, sources).then(|| {
            let why = "what pairform may reach out to is said outside of the repository".to_owned();
            (why, "move it out of the repository, and name it with `--policy`".to_owned())
        });
    }
    let Some((folder, inside)) = path.split_once('/') else {
        let why = format!("the project file is `{PROJECT_FILE}`");
        let help = format!("move what it says into `{PROJECT_FILE}`, and take this file away");
        return (path != PROJECT_FILE && path.contains('.')).then_some((why, help));
    };
    if let Some(template) = nearly_template(path) {
        let why = "a report's templates are `templates/comment.md` and `templates/page.html`".to_owned();
        return Some((why, format!("rename it to `{template}`")));
    }
    if !FOLDERS.contains(&folder) {
        if inside == PROJECT_FILE {
            let why = "a project is what lies in the folder of the upper `pairform.yaml`".to_owned();
            let help =
                format!("run pairform in `{folder}/` if that is a project of its own, or take the file away");
            return Some((why, help));
        }
        let near = nearly_folder(folder)?;
        let why = format!(
            "sources are read from `{}` alone",
            FOLDERS.map(|folder| format!("{folder}/")).join("`, `")
        );
        return Some((why, format!("move it to `{near}/{inside}`")));
    }
    if !is_source(path) {
        let stem = inside.split_once('.').map_or(inside, |(stem, _)| stem);
        let ending = if folder == "options" { ".lock.yaml" } else { ".yaml" };
        let why = "files end in `.yaml` or `.yml`".to_owned();
        return Some((why, format!("rename it to `{folder}/{stem}{ending}`, or move it out of `{folder}/`")));
    }
    match folder {
        "environments" if !project.broken => {
            let name = inside.strip_suffix(".yaml").or_else(|| inside.strip_suffix(".yml"))?;
            let other = format!("environments/{name}.yaml");
            if path.ends_with(".yml") && sources.by_path(&other).is_some() {
                let why = format!("an environment has one file, and `{other}` is the one that is read");
                return Some((why, format!("move what it says into `{other}`, and take this file away")));
            }
            let known: Vec<&str> = project.environments.keys().map(String::as_str).collect();
            if known.contains(&name) {
                return None;
            }
            let why = match known.as_slice() {
                [] => "`pairform.yaml` declares no environments".to_owned(),
                known => format!("`pairform.yaml` declares the environments {}", known.join(", ")),
            };
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!(
                    "rename it to `environments/{near}.yaml`, or declare `{name}` under `environments`"
                ),
                None => {
                    format!("declare `{name}` under `environments` in `pairform.yaml`, or take the file away")
                }
            };
            Some((why, help))
        }
        "options" => {
            let why = "a list of dropdown values is `options/CONNECTOR/ACCOUNT.lock.yaml`".to_owned();
            let help = "move it there, or fetch it with `pairform options refresh`".to_owned();
            (!is_list(path)).then_some((why, help))
        }
        _ => None,
    }
}

/// Other tools have files of that name, too.
fn is_policy(path: &str, sources: &Sources) -> bool {
    let text = sources.by_path(path).map(|file| sources.file(file).text()).unwrap_or_default();
    let keys = ["allow:", "require_signed:", "signers:"];
    text.lines().any(|line| keys.iter().any(|key| line.starts_with(key)))
}
