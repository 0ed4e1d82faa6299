//! Files that look like ours and that nobody reads: a folder, a name or an ending that is nearly one of those that are.
//!
//! Which files are looked at is known in [`crate::source::names`]. What lies in an integration's folder and is not read is told
//! where integrations are put together, and what lies in `schemas/` where parts are read.

use std::collections::BTreeMap;

use super::project::Manifest;
use crate::diagnostic::codes::{compose as codes, schema};
use crate::diagnostic::{Finding, nearest};
use crate::options::lists::is_list;
use crate::source::names::{
    FOLDERS, POLICY_FILE, PROJECT_FILE, belongs_to, is_codeowners, is_hidden, is_source, nearly_folder,
    nearly_inside, nearly_project_file, nearly_template,
};
use crate::source::{FileId, Sources, Span};

/// What is told of each of them.
pub fn check(sources: &Sources, project: &Manifest) -> Vec<Finding> {
    let told = |path: &str| why(path, sources, project).map(|(why, help)| (why, help, path.to_owned()));
    let found = sources.iter().filter_map(|(file, source)| Some((file, told(&source.path)?)));
    let mut findings: Vec<Finding> = found
        .map(|(file, (why, help, path))| codes::unread_file(&path, &why, &help, Span::new(file, 0, 0)))
        .collect();
    // A folder that is misnamed is one mistake, however many files it holds.
    let mut folders: BTreeMap<&str, Vec<FileId>> = BTreeMap::new();
    for (file, source) in sources.iter() {
        let folder = source.path.split_once('/').map(|(folder, _)| folder);
        if let Some(folder) = folder.filter(|folder| nearly_folder(folder).is_some()) {
            folders.entry(folder).or_default().push(file);
        }
    }
    for (folder, files) in folders.into_iter().filter(|(_, files)| files.len() > 1) {
        let Some(near) = nearly_folder(folder) else { continue };
        let is_in = |finding: &Finding| files.contains(&finding.primary.span.file);
        if let Some(first) =
            findings.iter().find(|finding| is_in(finding)).map(|finding| finding.primary.span)
        {
            findings.retain(|finding| !is_in(finding));
            findings.push(codes::unread_folder(
                folder,
                &folders_read(),
                &rename(folder, near, sources),
                first,
            ));
        }
    }
    findings
}

/// A file in a folder whose name is nearly right: the two folders, and the file's path within them.
struct Misplaced<'a> {
    folder: String,
    near: &'static str,
    inside: &'a str,
    file: FileId,
}

/// What is asked for and not found, while it lies in a folder whose name is nearly right, is one mistake, made there.
pub fn explain(findings: &mut Vec<Finding>, sources: &Sources) {
    let is_asked = |finding: &Finding| {
        finding.code == &codes::UNKNOWN_BASE
            || finding.code == &codes::UNKNOWN_PAIR
            || finding.code == &schema::PART_MISFIT && finding.message.starts_with("there is no connector")
    };
    if !findings.iter().any(is_asked) {
        return;
    }
    let misplaced: Vec<Misplaced<'_>> =
        sources.iter().filter_map(|(file, source)| misplaced(&source.path, file)).collect();
    let mut places: Vec<Span> = Vec::new();
    for finding in findings.iter_mut().filter(|finding| is_asked(finding)) {
        let Some(name) = finding.message.split('`').nth(1) else { continue };
        let (near, path) = match finding.code {
            code if code == &codes::UNKNOWN_BASE => ("bases", name.to_owned()),
            code if code == &codes::UNKNOWN_PAIR => ("schemas", format!("pairs/{name}")),
            _ => ("schemas/connectors", name.to_owned()),
        };
        let stem = |inside: &str| inside.rsplit_once('.').map_or(inside, |(stem, _)| stem).to_owned();
        let is_it = |file: &&Misplaced<'_>| {
            let whole = format!("{}/{}", file.near, stem(file.inside));
            whole == format!("{near}/{path}")
        };
        let Some(found) = misplaced.iter().find(is_it) else {
            continue;
        };
        let first =
            misplaced.iter().find(|file| file.folder == found.folder).map_or(found.file, |one| one.file);
        let at = Span::new(first, 0, 0);
        let help = rename(&found.folder, found.near, sources);
        let told = codes::folder_needed(finding.code, &found.folder, &finding.message, &help, at);
        *finding = Finding { about: std::mem::take(&mut finding.about), ..told };
        places.push(at);
    }
    if !places.is_empty() {
        findings
            .retain(|finding| finding.code != &codes::STRAY_FILE || !places.contains(&finding.primary.span));
    }
}

/// The folders of a project's own parts.
const PARTS: [&str; 3] = ["schemas/connectors", "schemas/categories", "schemas/pairs"];

fn misplaced(path: &str, file: FileId) -> Option<Misplaced<'_>> {
    let (folder, inside) = path.split_once('/')?;
    if let Some(near) = nearly_folder(folder) {
        return Some(Misplaced { folder: folder.to_owned(), near, inside, file });
    }
    let (within, inside) = inside.split_once('/').filter(|_| folder == "schemas")?;
    let near = PARTS.into_iter().find(|part| nearly_inside(within, &part["schemas/".len()..]))?;
    Some(Misplaced { folder: format!("{folder}/{within}"), near, inside, file })
}

/// What to do about a folder with a slip in its name.
fn rename(folder: &str, near: &str, sources: &Sources) -> String {
    let within = format!("{near}/");
    match sources.iter().any(|(_, source)| source.path.starts_with(&within)) {
        true => format!("move what is in `{folder}/` to `{near}/`"),
        false => format!("rename the folder `{folder}/` to `{near}/`"),
    }
}

/// The folders whose files are read.
fn folders_read() -> String {
    let folders = FOLDERS.map(|folder| format!("{folder}/")).join("`, `");
    format!("sources are read from `{folders}` alone")
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
        let text = sources.by_path(path).map(|file| sources.file(file).text()).unwrap_or_default();
        if let Some(folder) = belongs_to(text).filter(|_| path != PROJECT_FILE && !nearly_project_file(path))
        {
            return Some((folders_read(), format!("move it to `{folder}/{path}`")));
        }
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
        return Some((folders_read(), format!("move it to `{near}/{inside}`")));
    }
    if is_hidden(path) {
        let (above, name) = path.rsplit_once('/').unwrap_or_default();
        let plain = format!("{above}/{}", name.trim_start_matches(['.', '#', '_']));
        let why =
            "its name begins with a point, as of files that editors and systems leave behind".to_owned();
        let help = match sources.by_path(&plain) {
            Some(_) => "take it away".to_owned(),
            None => format!("take it away, or rename it to `{plain}`"),
        };
        return Some((why, help));
    }
    if !is_source(path) {
        let stem = inside.split_once('.').map_or(inside, |(stem, _)| stem);
        let ending = if folder == "options" { ".lock.yaml" } else { ".yaml" };
        let why = "files end in `.yaml` or `.yml`".to_owned();
        let meant = format!("{folder}/{stem}{ending}");
        let first = match sources.by_path(&meant) {
            // A copy that was kept.
            Some(_) => "take it away".to_owned(),
            None => format!("rename it to `{meant}`"),
        };
        return Some((why, format!("{first}, or move it out of `{folder}/`")));
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
            let last = name.rsplit('/').next().unwrap_or(name);
            let is_name = |name: &str| {
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
            };
            let inner = name.rsplit('/').find(|part| known.contains(part)).unwrap_or(last);
            let short: Vec<&str> =
                known.iter().copied().filter(|known| name.len() >= 3 && known.starts_with(name)).collect();
            let short = if let [only] = short[..] { Some(only) } else { None };
            let help = match nearest(name, known.iter().copied()).or(short) {
                _ if name.contains('/') && known.contains(&inner) => {
                    format!("move it to `environments/{inner}.yaml`")
                }
                Some(near) if !is_name(name) => format!("rename it to `environments/{near}.yaml`"),
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
