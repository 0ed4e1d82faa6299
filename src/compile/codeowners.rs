//! CODEOWNERS as far as it speaks of a project's files: a path at which nothing lies, an owner whom no forge knows, a file that no
//! forge reads. Whose review a change needs is `ops::owners`'s.

use crate::diagnostic::codes::compose as codes;
use crate::diagnostic::{Finding, nearest};
use crate::source::names::{FOLDERS, PROJECT_FILE, is_codeowners, is_source};
use crate::source::{FileId, Sources, Span};

/// What is told of each such file.
pub fn check(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in sources.iter().filter(|(_, source)| is_codeowners(&source.path)) {
        let (folder, name) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
        if name == "CODEOWNERS" {
            lines(sources, file, &mut findings);
            continue;
        }
        let meant = if folder.is_empty() { "CODEOWNERS".to_owned() } else { format!("{folder}/CODEOWNERS") };
        let why = "so nobody is asked for the changes that it names";
        findings.push(codes::unread_file(
            &source.path,
            why,
            &format!("rename it to `{meant}`"),
            Span::new(file, 0, 0),
        ));
    }
    findings
}

fn lines(sources: &Sources, file: FileId, findings: &mut Vec<Finding>) {
    let text = sources.file(file).text();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = |word: &str| {
            let from = start + (word.as_ptr() as usize - line.as_ptr() as usize);
            Span::new(file, from, from + word.len())
        };
        let said = line.split(" #").next().unwrap_or(line).trim();
        let mut words = said.split_whitespace();
        // Headings of GitLab's sections and what they except are no paths.
        if let Some(path) = words.next().filter(|path| !path.starts_with(['#', '[', '^', '!'])) {
            if let Some(near) = leads_nowhere(path, sources) {
                findings.push(codes::nothing_owned(path, near, at(path)));
            } else if is_ours(path) || path == "*" {
                let unknown = words.find(|owner| !owner.contains('@'));
                findings.extend(unknown.map(|owner| codes::no_owner(owner, at(owner))));
            }
        }
        start += line.len();
    }
}

/// Whether a path begins as those of a project's files do.
fn is_ours(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    first == PROJECT_FILE || (FOLDERS.contains(&first) && path.trim_start_matches('/').contains('/'))
}

/// For a path of ours, without a pattern, at which no file lies: the nearest that there is, if any.
fn leads_nowhere<'a>(path: &str, sources: &'a Sources) -> Option<Option<&'a str>> {
    let plain = path.trim_start_matches('/');
    let name = plain.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    // What is no source may lie there all the same.
    let may_be_read = is_source(plain) || !name.contains('.');
    if !is_ours(path) || !may_be_read || plain.contains(['*', '?', '[', '\\']) {
        return None;
    }
    let below = |file: &str| {
        let rest = file.strip_prefix(plain.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let paths = || sources.iter().map(|(_, source)| &*source.path);
    // A folder may be empty yet.
    let is_folder = FOLDERS.contains(&plain.trim_end_matches('/'));
    (!is_folder && !paths().any(below)).then(|| nearest(plain, paths()))
}
