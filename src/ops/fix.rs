//! The mends that findings offer, put together. What is a mend is decided where a finding is; a mend stays only where less is
//! found with it. Writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::chosen::Chosen;
use super::error::{Result, require_known};
use super::host::Host;
use super::project::require_selected;
use super::request::{Filter, Request};
use super::workspace::{Files, Workspace};
use crate::compile::{Compilation, Compiled, Front, Judged};
use crate::diagnostic::{Edit, Finding, codes, sort_and_merge};
use crate::model::{Name, Settings, canonical, digest_text};
use crate::source::{FileId, Sources, Span};

/// Which findings to mend.
#[derive(Debug, Clone, Default)]
pub struct FixRequest {
    pub chosen: Chosen,
    /// Codes of findings; all where there are none.
    pub codes: Vec<String>,
    /// Also mends that may not be what was meant.
    pub guesses: bool,
}

/// What mending yields.
#[derive(Debug, Default)]
pub struct Fixed {
    pub files: Files,
    /// Places that hold a credential, in the files as they were.
    pub hidden: Vec<Span>,
    pub mended: Vec<Mended>,
    /// How many findings are left of those that were asked for.
    pub left: usize,
    /// How many of these have a mend that may not be what was meant, and that nobody asked for.
    pub guesses: usize,
}

/// A finding that was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    pub code: &'static str,
    pub path: String,
    pub line: usize,
    pub message: String,
}

/// Mends what can be mended, in each environment unless the request names one.
///
/// # Errors
/// When a filter or a code names nothing.
pub fn fix(workspace: &Workspace, request: &Request, fix: &FixRequest, host: &Host<'_>) -> Result<Fixed> {
    let known: Vec<&str> = codes::all().iter().map(|code| code.id).collect();
    fix.codes.iter().try_for_each(|code| require_known("code", code, &known))?;
    let wanted = |sources: &Sources, finding: &Finding| {
        let code = fix.codes.is_empty() || fix.codes.iter().any(|code| code == finding.code.id);
        code && fix.chosen.takes(workspace.root(), sources.path(finding.primary.span))
    };
    let mut state = State::judge(workspace, request, host)?;
    let mut fixed = Fixed { hidden: std::mem::take(&mut state.hidden), ..Fixed::default() };
    // Files keep their numbers: none is added.
    let mut edited: Option<Workspace> = None;
    loop {
        let now = edited.as_ref().unwrap_or(workspace).sources();
        let offered: Vec<&Finding> = state
            .findings
            .iter()
            .filter(|finding| wanted(now, finding))
            .filter(|finding| finding.fix.as_ref().is_some_and(|mend| mend.safe || fix.guesses))
            .collect();
        // All at once where that leads on, else without those that are in the way, else each by itself. What says the same in
        // another place is proved by that, and so made apart from the rest.
        let attempt =
            Attempt { workspace, request, host, state: &state, now: edited.as_ref().unwrap_or(workspace) };
        let (moves, others): (Vec<&Finding>, Vec<&Finding>) = offered.iter().copied().partition(is_move);
        let together = [others, moves].map(|some| free_of_each_other(&some));
        let alone = offered.iter().map(|finding| vec![*finding]);
        let mut done = None;
        'found: for mut some in together.into_iter().chain(alone) {
            while !some.is_empty() {
                match attempt.make(&some, &fixed.files)? {
                    Made::Better(better) => {
                        done = Some((some, *better));
                        break 'found;
                    }
                    Made::Worse(names) => {
                        let before = some.len();
                        let is_free = |finding: &&Finding| !about(finding).any(|name| names.contains(name));
                        some.retain(|finding| is_move(finding) && is_free(finding));
                        if some.len() == before {
                            break;
                        }
                    }
                }
            }
        }
        let done = done.map(|(some, Better { judged, next, files })| {
            let gone = some.iter().filter(|one| !is_still_there(one, now, &judged, next.sources()));
            fixed.mended.extend(gone.map(|one| Mended::of(one, now)));
            fixed.files = files;
            (judged, next)
        });
        let Some((judged, next)) = done else { break };
        (state, edited) = (judged, Some(next));
    }
    let now = edited.as_ref().unwrap_or(workspace).sources();
    let left: Vec<&Finding> = state.findings.iter().filter(|finding| wanted(now, finding)).collect();
    let guesses = left.iter().filter(|finding| finding.fix.as_ref().is_some_and(|mend| !mend.safe));
    (fixed.left, fixed.guesses) = (left.len(), if fix.guesses { 0 } else { guesses.count() });
    Ok(fixed)
}

/// What mends are made on.
struct Attempt<'a> {
    workspace: &'a Workspace,
    request: &'a Request,
    host: &'a Host<'a>,
    state: &'a State,
    /// With what was mended so far.
    now: &'a Workspace,
}

/// What came of some mends.
enum Made {
    Better(Box<Better>),
    /// The integrations that they are wrong for.
    Worse(BTreeSet<String>),
}

struct Better {
    judged: State,
    next: Workspace,
    files: Files,
}

impl Attempt<'_> {
    /// Makes some mends, on top of those that were made.
    fn make(&self, some: &[&Finding], files: &Files) -> Result<Made> {
        let now = self.now.sources();
        let mut files = files.clone();
        files.extend(texts(now, some).into_iter().map(|(file, text)| (now.file(file).path.clone(), text)));
        let next = self.workspace.overlay(&files);
        let judged = State::judge(&next, self.request, self.host)?;
        if !is_better(self.state, now, &judged, next.sources()) {
            let known: BTreeSet<_> = self.state.findings.iter().map(|finding| key(finding, now)).collect();
            let new = judged.findings.iter().filter(|finding| !known.contains(&key(finding, next.sources())));
            return Ok(Made::Worse(new.flat_map(about).cloned().collect()));
        }
        // A file alone may say the same, and no more with what it extends.
        if some.iter().any(is_move) {
            let before = configurations(self.now, self.request, self.host)?;
            let after = configurations(&next, self.request, self.host)?;
            let differs = before.symmetric_difference(&after).map(|(_, name, ..)| name.clone());
            let differs: BTreeSet<String> = differs.chain(reconciled(self.state, &judged)).collect();
            if !differs.is_empty() {
                return Ok(Made::Worse(differs));
            }
        }
        Ok(Made::Better(Box::new(Better { judged, next, files })))
    }
}

/// Integrations in which two places said different things and would do so no more: which of the two is meant is for a person to say.
fn reconciled(before: &State, after: &State) -> BTreeSet<String> {
    let at_odds = |state: &State| -> BTreeSet<String> {
        let said = state.findings.iter().filter(|one| one.code == &codes::rules::SAID_OTHERWISE);
        said.flat_map(about).cloned().collect()
    };
    &at_odds(before) - &at_odds(after)
}

/// The integrations that a finding is about.
fn about(finding: &Finding) -> impl Iterator<Item = &String> {
    finding.about.integration.iter().chain(&finding.also)
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

impl State {
    /// The findings of the project, in each of its environments unless one was named.
    fn judge(workspace: &Workspace, request: &Request, host: &Host<'_>) -> Result<State> {
        // What a store or a revision says does not matter to the files.
        let request = Request { store: None, changed_since: None, ..request.clone() };
        let mut state = State { findings: Vec::new(), hidden: Vec::new() };
        for selection in workspace.selections(&request, host)? {
            let compiled: Compilation<()> = Front::read(workspace.sources(), &selection).compile(|_| ());
            require_selected(&compiled, &selection)?;
            state.hidden.extend(compiled.hidden);
            state.findings.extend(compiled.findings);
        }
        state.hidden.sort_unstable();
        state.hidden.dedup();
        sort_and_merge(&mut state.findings, workspace.sources());
        Ok(state)
    }
}

/// A mend that says the same in another place.
fn is_move(finding: &&Finding) -> bool {
    finding.code == &codes::rules::OLD_PLACE
}

/// By number of the environment, integration and category, a digest of what the files say: also of integrations that were not
/// asked for, since they may share what is edited.
fn configurations(
    workspace: &Workspace,
    request: &Request,
    host: &Host<'_>,
) -> Result<BTreeSet<(usize, String, Name, String)>> {
    let request = Request { filter: Filter::default(), store: None, changed_since: None, ..request.clone() };
    let mut all = BTreeSet::new();
    for (number, selection) in workspace.selections(&request, host)?.into_iter().enumerate() {
        let digests = |judged: Judged| {
            let Compiled { name, configuration, .. } = judged.lower();
            let one = |(category, settings): (Name, Arc<Settings>)| {
                (number, name.clone(), category, digest_text(&canonical(&settings)))
            };
            configuration.categories.into_iter().map(one).collect::<Vec<_>>()
        };
        let compiled: Compilation<_> = Front::read(workspace.sources(), &selection).compile(digests);
        all.extend(compiled.integrations.into_iter().flatten());
    }
    Ok(all)
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
fn texts(sources: &Sources, findings: &[&Finding]) -> BTreeMap<FileId, String> {
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
    use crate::source::SourceFile;

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
        assert_eq!(texts(&sources, &free)[&file], "long: 1\n: 2\n");
    }
}
