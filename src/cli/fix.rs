//! `fix`: the mends that findings offer, made in the files. What is a mend is decided where a finding is; here they are
//! put together, shown and written.

use std::collections::BTreeSet;

use serde_json::json;

use super::args::{Common, Fix, Form};
use super::exit::{self, Stop};
use super::project;
use super::rewrite;
use super::streams::Streams;
use crate::compile::project::Project as Declared;
use crate::compile::{Compilation, Front, Selection};
use crate::diagnostic::{Edit, Finding, codes};
use crate::plan::FORMAT_VERSION;
use crate::report::{clean, count, json as machine};
use crate::source::{FileId, SourceFile, Sources};

/// A mend may bring to light what another mends; so often is looked again.
const ROUNDS: usize = 10;

/// A finding that was mended.
struct Mended {
    code: &'static str,
    path: String,
    line: usize,
    message: String,
}

/// Runs the command.
///
/// # Errors
/// When there is no project, a filter names nothing, the answer was no, or a file cannot be written.
pub fn run(common: &Common, args: &Fix, streams: &mut Streams) -> Result<u8, Stop> {
    let known: Vec<&str> = codes::all().iter().map(|code| code.id).collect();
    args.code.iter().try_for_each(|code| project::require_known("code", code, &known))?;
    let chosen = project::paths(&args.paths)?;
    let (root, sources) = project::read_tree()?;
    let wanted = |sources: &Sources, finding: &Finding| {
        let code = args.code.is_empty() || args.code.iter().any(|code| code == finding.code.id);
        let target = root.join(sources.path(finding.primary.span));
        code && (chosen.is_empty() || chosen.iter().any(|path| target.starts_with(path)))
    };
    let (_, mut now) = project::read_tree()?;
    let mut files = rewrite::Files::new();
    let mut mended = Vec::new();
    let mut left = 0;
    let mut hidden = Vec::new();
    for round in 0..ROUNDS {
        let (mut findings, credentials) = judge(common, &now)?;
        if round == 0 {
            hidden = credentials;
        }
        findings.retain(|finding| wanted(&now, finding));
        left = findings.len();
        let edits = edits(&findings, args.guesses, &now, &mut mended);
        if edits.is_empty() {
            break;
        }
        for (file, edits) in edits {
            let path = now.file(file).path.clone();
            let text = edited(now.file(file).text(), edits);
            files.insert(path.clone(), text.clone());
            now.replace(file, SourceFile::new(path, text));
        }
    }
    let diffs = rewrite::show(common, &sources, &hidden, &files, streams);
    if !files.is_empty() {
        rewrite::confirm(common, args.yes, &files, streams)?;
        rewrite::write(&root, &sources, &files)?;
    }
    if common.output == Form::Json {
        let mended: Vec<_> = mended
            .iter()
            .map(|one| json!({"code": one.code, "path": one.path, "line": one.line, "message": one.message}))
            .collect();
        let body = json!({"format_version": FORMAT_VERSION, "command": "fix", "exit_code": exit::OK,
            "files": diffs, "mended": mended, "left": left});
        streams.result(&machine::print(&body));
        return Ok(exit::OK);
    }
    for Mended { code, path, line, message } in &mended {
        streams.say(&clean(&format!("{code}  {path}:{line}  {message}\n")));
    }
    let left = match left {
        0 => String::new(),
        left => format!(
            " {} left that no machine should mend; `pairform validate` shows what there is.",
            count(left, "finding")
        ),
    };
    let said = match mended.len() {
        0 => "Nothing to mend.".to_owned(),
        some => format!("{} mended in {}.", count(some, "finding"), count(files.len(), "file")),
    };
    streams.say(&format!("{said}{left}\n"));
    Ok(exit::OK)
}

/// The findings of the project, in each of its environments unless one was named; and where credentials may stand.
fn judge(common: &Common, sources: &Sources) -> Result<(Vec<Finding>, Vec<crate::source::Span>), Stop> {
    let declared = Declared::read(sources, &mut Vec::new());
    let environments: Vec<Option<String>> = match &common.env {
        Some(name) => vec![Some(name.clone())],
        None if declared.environments.is_empty() => vec![None],
        None => declared.environments.keys().cloned().map(Some).collect(),
    };
    let (mut findings, mut hidden) = (Vec::new(), BTreeSet::new());
    for environment in environments {
        let selection = Selection {
            environment,
            today: Some(project::today()),
            integrations: common.integration.clone(),
            exclude: common.exclude.clone(),
            pairs: common.pair.clone(),
            affected: None,
        };
        let compiled: Compilation<()> = Front::read(sources, &selection).compile(|_| ());
        project::require_selected(&compiled, &selection)?;
        hidden.extend(compiled.hidden);
        for finding in compiled.findings {
            let known = findings.iter().any(|other: &Finding| {
                other.code == finding.code && other.primary.span == finding.primary.span
            });
            if !known {
                findings.push(finding);
            }
        }
    }
    Ok((findings, hidden.into_iter().collect()))
}

/// The edits of one round by file, none in the way of another.
fn edits(
    findings: &[Finding],
    guesses: bool,
    sources: &Sources,
    mended: &mut Vec<Mended>,
) -> std::collections::BTreeMap<FileId, Vec<Edit>> {
    let mut taken: std::collections::BTreeMap<FileId, Vec<Edit>> = Default::default();
    for finding in findings {
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safe || guesses) else { continue };
        let free = |edit: &Edit| {
            let others = taken.get(&edit.span.file).map(Vec::as_slice).unwrap_or_default();
            others.iter().all(|other| other.span.end <= edit.span.start || edit.span.end <= other.span.start)
        };
        if fix.edits.is_empty() || !fix.edits.iter().all(free) {
            continue;
        }
        for edit in &fix.edits {
            taken.entry(edit.span.file).or_default().push(edit.clone());
        }
        mended.push(Mended {
            code: finding.code.id,
            path: sources.path(finding.primary.span).to_owned(),
            line: sources.position(finding.primary.span).line,
            message: format!("{}: {}", finding.message, fix.message),
        });
    }
    taken
}

/// A text with these ranges replaced; they do not overlap.
fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    let mut text = text.to_owned();
    for edit in edits {
        text.replace_range(edit.span.range(), &edit.text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn edits_of_one_text_do_not_move_each_other() {
        let edit =
            |start, end, text: &str| Edit { span: Span::new(FileId(0), start, end), text: text.to_owned() };
        assert_eq!(edited("a: 1\nb: 2\n", vec![edit(0, 1, "long"), edit(5, 6, "")]), "long: 1\n: 2\n");
    }
}
