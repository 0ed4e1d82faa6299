//! `fix`: the mends that findings offer, made in the files. What is a mend is decided where a finding is; here they are
//! put together, shown and written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::args::{Common, Fix, Form};
use super::exit::{self, Stop};
use super::project;
use super::rewrite;
use super::streams::Streams;
use crate::compile::project::Project as Declared;
use crate::compile::{Compilation, Front, Selection};
use crate::diagnostic::{Edit, Finding, codes, settle};
use crate::plan::FORMAT_VERSION;
use crate::report::{clean, count, json as machine};
use crate::source::{FileId, SourceFile, Sources, Span};

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
    let mut state = judge(common, &now)?;
    let hidden = std::mem::take(&mut state.hidden);
    loop {
        let offered: Vec<&Finding> = state
            .findings
            .iter()
            .filter(|finding| wanted(&now, finding))
            .filter(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safe || args.guesses))
            .collect();
        // All at once where that leads on; where one is in the way, each by itself.
        let together = free_of_each_other(&offered);
        let alone = offered.iter().map(|finding| vec![*finding]);
        let mut done = None;
        for some in std::iter::once(together).chain(alone).filter(|some| !some.is_empty()) {
            let texts = edited(&now, &some);
            let mut next = copy(&now);
            for (file, text) in &texts {
                next.replace(*file, SourceFile::new(&now.file(*file).path, text.as_str()));
            }
            let judged = judge(common, &next)?;
            if is_better(&state, &now, &judged, &next) {
                mended.extend(
                    some.iter()
                        .filter(|one| !is_still_there(one, &now, &judged, &next))
                        .map(|one| Mended::of(one, &now)),
                );
                files.extend(texts.into_iter().map(|(file, text)| (now.file(file).path.clone(), text)));
                done = Some((judged, next));
                break;
            }
        }
        match done {
            Some((judged, next)) => (state, now) = (judged, next),
            None => break,
        }
    }
    let left = state.findings.iter().filter(|finding| wanted(&now, finding)).count();
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

impl Mended {
    fn of(finding: &Finding, sources: &Sources) -> Mended {
        let mend = finding.fix.as_ref().map(|fix| fix.message.as_str()).unwrap_or_default();
        Mended {
            code: finding.code.id,
            path: sources.path(finding.primary.span).to_owned(),
            line: sources.line(finding.primary.span),
            message: format!("{}: {mend}", finding.message),
        }
    }
}

/// What is found in the project as it is now.
struct State {
    findings: Vec<Finding>,
    /// Where credentials may stand.
    hidden: Vec<Span>,
}

/// The findings of the project, in each of its environments unless one was named.
fn judge(common: &Common, sources: &Sources) -> Result<State, Stop> {
    let declared = Declared::read(sources, &mut Vec::new());
    let mut state = State { findings: Vec::new(), hidden: Vec::new() };
    for environment in project::environments(common, &declared) {
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
        state.hidden.extend(compiled.hidden);
        state.findings.extend(compiled.findings);
    }
    state.hidden.sort_unstable();
    state.hidden.dedup();
    settle(&mut state.findings, sources);
    Ok(state)
}

/// What a finding says and where, as far as edits do not move it.
fn key<'a>(finding: &'a Finding, sources: &'a Sources) -> (&'static str, &'a str, &'a str) {
    (finding.code.id, sources.path(finding.primary.span), &finding.message)
}

/// Whether a mend led on: text that could not be read can be now, or less is found and nothing that was not before.
fn is_better(before: &State, then: &Sources, after: &State, now: &Sources) -> bool {
    let unread =
        |state: &State| state.findings.iter().filter(|finding| finding.code.id.starts_with("E01")).count();
    let known: BTreeSet<_> = before.findings.iter().map(|finding| key(finding, then)).collect();
    let is_new = |finding: &Finding| !known.contains(&key(finding, now));
    unread(after) < unread(before)
        || after.findings.len() < before.findings.len() && !after.findings.iter().any(is_new)
}

fn is_still_there(finding: &Finding, then: &Sources, after: &State, now: &Sources) -> bool {
    after.findings.iter().any(|other| key(other, now) == key(finding, then))
}

fn copy(sources: &Sources) -> Sources {
    let mut all = Sources::default();
    for (_, file) in sources.iter() {
        all.add(match file.fault() {
            Some(fault) => SourceFile::with_fault(&*file.path, file.text(), fault.clone()),
            None => SourceFile::new(&*file.path, file.text()),
        });
    }
    all
}

/// As many of them as have no edit in the way of another's.
fn free_of_each_other<'a>(findings: &[&'a Finding]) -> Vec<&'a Finding> {
    let mut taken: Vec<Span> = Vec::new();
    let mut free = Vec::new();
    for finding in findings {
        let spans: Vec<Span> = finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span).collect();
        let meets = |one: &Span| {
            taken.iter().any(|other| one.file == other.file && one.start < other.end && other.start < one.end)
        };
        if !spans.iter().any(meets) {
            taken.extend(spans);
            free.push(*finding);
        }
    }
    free
}

/// The texts of the files that the mends of these findings are in, mended.
fn edited(sources: &Sources, findings: &[&Finding]) -> BTreeMap<FileId, String> {
    let mut edits: Vec<&Edit> =
        findings.iter().filter_map(|one| one.fix.as_ref()).flat_map(|fix| &fix.edits).collect();
    // From the end, so that no edit moves another.
    edits.sort_by_key(|edit| std::cmp::Reverse((edit.span.file, edit.span.start)));
    let mut texts = BTreeMap::new();
    for edit in edits {
        let text: &mut String =
            texts.entry(edit.span.file).or_insert_with(|| sources.file(edit.span.file).text().to_owned());
        text.replace_range(edit.span.range(), &edit.text);
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Label;

    #[test]
    fn edits_of_one_text_do_not_move_each_other() {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("a.yaml", "a: 1\nb: 2\n"));
        let finding = |start, end, text: &str| {
            let span = Span::new(file, start, end);
            Finding::new(codes::all()[0], "wrong", Label::new(span, "")).fix("mend", span, text)
        };
        let (one, two, three) = (finding(0, 1, "long"), finding(5, 6, ""), finding(0, 4, "c: 3"));
        let free = free_of_each_other(&[&one, &two, &three]);
        assert_eq!(free.len(), 2);
        assert_eq!(edited(&sources, &free)[&file], "long: 1\n: 2\n");
    }
}
