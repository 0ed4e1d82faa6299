//! Levels: whether a project or an integration ignores a finding, warns of it or takes it for an error.
//!
//! Only codes that are warnings or notes have a level; errors stay errors. An integration raises a level as it likes and lowers
//! it only where the project excepts it. Nothing of this is deployed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::diagnostic::{About, Code, Finding, Severity, codes};
use crate::source::Span;
use crate::yaml::{Entry, Node};

/// Levels by code, as one file declares them.
#[derive(Debug, Clone, Default)]
pub struct Levels(BTreeMap<String, Judgement>);

/// What a file says of a code.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(from = "Written")]
pub struct Judgement {
    /// None: the usual one.
    pub level: Option<Level>,
    pub reason: Option<String>,
    /// Of a project: integrations that may give themselves a lower one.
    pub except: Vec<String>,
    /// Where it is written.
    #[serde(skip)]
    pub at: Option<Span>,
}

/// How a finding is to count.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Allow,
    Warn,
    Deny,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Plain(Level),
    Reasoned {
        level: Option<Level>,
        reason: Option<String>,
        #[serde(default)]
        except: Vec<String>,
    },
}

impl From<Written> for Judgement {
    fn from(written: Written) -> Self {
        let (level, reason, except) = match written {
            Written::Plain(level) => (Some(level), None, Vec::new()),
            Written::Reasoned { level, reason, except } => (level, reason, except),
        };
        Judgement { level, reason, except, at: None }
    }
}

impl Level {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Allow => "allow",
            Level::Warn => "warn",
            Level::Deny => "deny",
        }
    }

    /// What a finding becomes; none where it is not told.
    fn severity(self) -> Option<Severity> {
        match self {
            Level::Allow => None,
            Level::Warn => Some(Severity::Warning),
            Level::Deny => Some(Severity::Error),
        }
    }
}

impl Levels {
    /// The levels of a document. What has no meaning is left out: the schema has reported it.
    #[must_use]
    pub fn of(root: &Node) -> Levels {
        let entries = declared(root).filter_map(|entry| {
            let read: Judgement = serde_json::from_value(entry.value.to_json()).ok()?;
            Some((entry.key.text.to_string(), Judgement { at: Some(entry.key.span), ..read }))
        });
        Levels(entries.collect())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Levels by code, and who is excepted, as they were said once.
    #[must_use]
    pub fn recorded(said: impl IntoIterator<Item = (String, Option<Level>, Vec<String>)>) -> Levels {
        let judgements = said
            .into_iter()
            .map(|(code, level, except)| (code, Judgement { level, reason: None, except, at: None }));
        Levels(judgements.collect())
    }

    /// Each code that something is said of, by its number.
    pub fn given(&self) -> impl Iterator<Item = (&'static Code, &Judgement)> {
        self.0.iter().filter_map(|(code, judgement)| Some((codes::find(code)?, judgement)))
    }

    fn get(&self, code: &Code) -> Option<&Judgement> {
        self.0.get(code.id).or_else(|| self.0.get(code.name))
    }
}

/// The levels of the base of a comparison. What a change says of levels lowers none below these.
#[derive(Debug, Clone, Default)]
pub struct Floor {
    /// The base in words: `origin/main`.
    pub name: String,
    pub project: Levels,
    /// Those of integrations, as far as they may differ from what is judged.
    pub own: BTreeMap<String, Levels>,
}

/// All levels that bear on the findings of a project.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    pub project: &'a Levels,
    pub floor: Option<&'a Floor>,
}

/// An integration and what it says of levels itself.
#[derive(Clone, Copy)]
pub struct Own<'a> {
    pub name: &'a str,
    /// What it was called before: another id is no way into an exception.
    pub former: Option<&'a str>,
    pub levels: &'a Levels,
}

impl Judge<'_> {
    /// Sets the level that a finding has; false when it is not to be told.
    pub fn apply(&self, own: Option<Own<'_>>, finding: &mut Finding) -> bool {
        if finding.code.default_severity() == Severity::Error {
            return true;
        }
        let (code, usual) = (finding.code, finding.severity);
        let here = judged((code, usual), self.project, own.map(|own| (own.name, own.levels)));
        let there = self.floor.map(|floor| floor.judged((code, usual), own));
        let (found, of_base) = match there {
            Some(there) if strength(there.severity) > strength(here.severity) => (there, true),
            _ => (here, false),
        };
        let Some(severity) = found.severity else { return false };
        finding.severity = severity;
        let word = match severity {
            Severity::Error => "an error",
            Severity::Warning => "a warning",
            Severity::Note => "a note",
        };
        match (self.floor.filter(|_| of_base), found.reason) {
            (Some(floor), None) => finding.notes.push(format!("it is {word} in {}", floor.name)),
            (Some(floor), Some(reason)) => {
                finding.notes.push(format!("it is {word} in {}: {reason}", floor.name));
            }
            (None, Some(reason)) => finding.notes.push(format!("it is {word} here: {reason}")),
            (None, None) => {}
        }
        true
    }
}

/// A finding that is no error, and would be one by the levels that the last apply recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    /// The number of its code.
    pub code: &'static str,
    pub integration: Option<String>,
}

/// What recorded levels make of a finding to which the present ones gave its level (false: it is not to be told): it is told as
/// what it was, but never as an error.
pub fn apply_recorded(
    recorded: &Floor,
    own: Option<Own<'_>>,
    usual: Severity,
    is_told: &mut bool,
    finding: &mut Finding,
) -> Option<Denied> {
    if finding.code.default_severity() == Severity::Error {
        return None;
    }
    let there = recorded.judged((finding.code, usual), own);
    let here = is_told.then_some(finding.severity);
    let severity = there.severity.filter(|_| strength(there.severity) > strength(here))?;
    *is_told = true;
    finding.severity = severity.max(Severity::Warning);
    let is_denied = severity == Severity::Error;
    finding.notes.push(match is_denied {
        true => format!("it was an error by the rules of {}, and refuses an apply", recorded.name),
        false => format!("it is told by the rules of {}", recorded.name),
    });
    let integration = own.map(|own| own.name.to_owned());
    is_denied.then_some(Denied { code: finding.code.id, integration })
}

impl Floor {
    /// Below what a finding does not go: nothing where the base lets the integration choose.
    fn judged(&self, code: Judgeable<'_>, own: Option<Own<'_>>) -> Judged<'_> {
        let Some(own) = own else { return judged(code, &self.project, None) };
        let by_name = |name: &str| match bound(code, &self.project, Some(name)) {
            (_, true) => Judged { severity: None, reason: None },
            _ => judged(code, &self.project, Some((name, self.own.get(name).unwrap_or(&EMPTY)))),
        };
        let (now, former) = (by_name(own.name), own.former.map(by_name));
        former.filter(|former| strength(former.severity) > strength(now.severity)).unwrap_or(now)
    }
}

static EMPTY: Levels = Levels(BTreeMap::new());

/// A code, and the severity that a finding of it has as long as nobody says otherwise.
type Judgeable<'a> = (&'a Code, Severity);

/// What becomes of a finding; none of it is told where there is no severity.
#[derive(Clone, Copy)]
struct Judged<'a> {
    severity: Option<Severity>,
    reason: Option<&'a str>,
}

impl<'a> Judged<'a> {
    fn by(judgement: &'a Judgement, usual: Severity) -> Self {
        let severity = judgement.level.map_or(Some(usual), Level::severity);
        Judged { severity, reason: judgement.reason.as_deref().filter(|_| judgement.level.is_some()) }
    }
}

/// The higher, the stricter.
fn strength(severity: Option<Severity>) -> Option<Reverse<Severity>> {
    severity.map(Reverse)
}

/// What binds an integration: the project's level, or the usual one where it says none; and whether the integration may go
/// below it.
fn bound<'a>((code, usual): Judgeable<'_>, project: &'a Levels, name: Option<&str>) -> (Judged<'a>, bool) {
    let said = project.get(code);
    let is_excepted =
        name.is_some_and(|name| said.is_some_and(|said| said.except.iter().any(|one| one == name)));
    (said.map_or(Judged { severity: Some(usual), reason: None }, |said| Judged::by(said, usual)), is_excepted)
}

fn judged<'a>(code: Judgeable<'_>, project: &'a Levels, own: Option<(&str, &'a Levels)>) -> Judged<'a> {
    let (bound, may_lower) = bound(code, project, own.map(|(name, _)| name));
    let own = own.and_then(|(_, levels)| levels.get(code.0)).filter(|own| own.level.is_some());
    let own = own.map(|own| Judged::by(own, code.1));
    own.filter(|own| may_lower || strength(own.severity) >= strength(bound.severity)).unwrap_or(bound)
}

/// Levels for codes that do not exist, or that are errors.
pub fn check(root: &Node, about: &About, findings: &mut Vec<Finding>) {
    for entry in declared(root) {
        let finding = match codes::find(&entry.key.text) {
            None => codes::compose::unknown_code(&entry.key.text, entry.key.span),
            Some(code) if code.default_severity() == Severity::Error => {
                codes::compose::error_level(code.id, entry.key.span)
            }
            Some(_) => continue,
        };
        findings.push(finding.about(about.clone()));
    }
}

/// Levels of an integration that go below what the project lets them.
pub fn check_lowered(root: &Node, name: &str, project: &Levels, findings: &mut Vec<Finding>) {
    let about = About { integration: Some(name.to_owned()), ..About::default() };
    for (code, own) in Levels::of(root).given() {
        let (Some(level), Some(at)) = (own.level, own.at) else { continue };
        let (bound, may_lower) = bound((code, code.default_severity()), project, Some(name));
        let is_error = code.default_severity() == Severity::Error;
        if is_error || may_lower || strength(level.severity()) >= strength(bound.severity) {
            continue;
        }
        let said = project.get(code);
        let of_project = said.and_then(|said| Some((said.level?.as_str(), said.at?)));
        let mut excepted: Vec<&str> =
            said.into_iter().flat_map(|said| &said.except).map(String::as_str).collect();
        excepted.push(name);
        let finding = codes::compose::level_lowered(code, level.as_str(), of_project, &excepted, at);
        findings.push(finding.about(about.clone()));
    }
}

/// Names in `except` that no integration has; `integrations` are these.
#[must_use]
pub fn unknown_excepted(root: &Node, integrations: &[&str]) -> Vec<Finding> {
    let names = declared(root).filter_map(|entry| entry.value.get("except")?.as_list()).flatten();
    let names = names.filter_map(|item| Some((item.as_text()?, item.span)));
    let unknown = names.filter(|(name, _)| !integrations.contains(name));
    unknown
        .map(|(name, at)| {
            let near = crate::diagnostic::nearest(name, integrations.iter().copied());
            codes::compose::unknown_excepted(name, near, at)
        })
        .collect()
}

fn declared(root: &Node) -> impl Iterator<Item = &Entry> {
    root.get("levels").and_then(Node::as_map).into_iter().flat_map(|levels| levels.entries())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diagnostic::Label;
    use crate::source::{FileId, SourceFile, Sources};
    use crate::yaml;

    /// A code that is a warning, and one that is a note.
    const CODES: [&str; 2] = ["W0417", "N0425"];
    const NAMES: [&str; 2] = ["nordic", "bike-shop"];

    fn root(text: &str) -> Node {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("pairform.yaml", text));
        yaml::parse(&sources, file, &mut Vec::new()).unwrap()
    }

    fn level() -> impl Strategy<Value = Option<&'static str>> {
        prop_oneof![Just(None), Just(Some("allow")), Just(Some("warn")), Just(Some("deny"))]
    }

    /// A project's line on a code: a level, and whether each integration is excepted.
    fn line() -> impl Strategy<Value = (Option<&'static str>, [bool; 2])> {
        (level(), any::<[bool; 2]>())
    }

    fn project(code: &str, (level, excepted): (Option<&str>, [bool; 2])) -> Levels {
        let level = level.map(|level| format!("level: {level}, ")).unwrap_or_default();
        let names = NAMES.iter().zip(excepted).filter(|(_, is)| *is).map(|(name, _)| *name);
        let except = names.collect::<Vec<_>>().join(", ");
        Levels::of(&root(&format!("levels: {{{code}: {{{level}except: [{except}]}}}}\n")))
    }

    fn own(code: &str, level: Option<&str>) -> Node {
        root(&level.map_or("levels: {}\n".to_owned(), |level| format!("levels: {{{code}: {level}}}\n")))
    }

    fn rank(level: Option<&str>, code: &str) -> usize {
        let usual = if code.starts_with('W') { "warn" } else { "note" };
        ["allow", "note", "warn", "deny"].iter().position(|one| *one == level.unwrap_or(usual)).unwrap()
    }

    fn told(judge: Judge<'_>, code: &str, own: Option<Own<'_>>) -> usize {
        let mut finding =
            Finding::new(codes::find(code).unwrap(), "", Label::new(Span::new(FileId(0), 0, 0), ""));
        match judge.apply(own, &mut finding).then_some(finding.severity) {
            None => 0,
            Some(Severity::Note) => 1,
            Some(Severity::Warning) => 2,
            Some(Severity::Error) => 3,
        }
    }

    proptest! {
        #[test]
        fn an_integration_lowers_a_level_only_where_the_project_excepts_it(
            code in prop::sample::select(&CODES[..]), of_project in line(), of_own in level(), name in 0..2_usize
        ) {
            let levels = project(code, of_project);
            let written = own(code, of_own);
            let of_integration = Levels::of(&written);
            let judge = Judge { project: &levels, floor: None };
            let found = told(judge, code, Some(Own { name: NAMES[name], former: None, levels: &of_integration }));
            let mut findings = Vec::new();
            check_lowered(&written, NAMES[name], &levels, &mut findings);
            let is_excepted = of_project.1[name];
            let bound = rank(of_project.0, code);
            let wanted = of_own.map(|level| rank(Some(level), code));
            if is_excepted {
                prop_assert_eq!(found, wanted.unwrap_or(bound));
                prop_assert!(findings.is_empty());
            } else {
                prop_assert_eq!(found, wanted.unwrap_or(bound).max(bound));
                prop_assert_eq!(findings.len(), usize::from(wanted.is_some_and(|wanted| wanted < bound)));
            }
            // What the finding says to write is what allows it.
            if let Some(finding) = findings.first() {
                let help = finding.help.as_deref().unwrap();
                let line = help.split('`').nth(1).unwrap();
                let mended = Levels::of(&root(&format!("{line}\n")));
                let mut again = Vec::new();
                check_lowered(&written, NAMES[name], &mended, &mut again);
                prop_assert!(again.is_empty(), "{line}");
                let judge = Judge { project: &mended, floor: None };
                let own = Own { name: NAMES[name], former: None, levels: &of_integration };
                prop_assert_eq!(told(judge, code, Some(own)), wanted.unwrap());
                prop_assert_eq!(told(judge, code, None), rank(of_project.0, code));
            }
        }

        #[test]
        fn no_change_is_judged_more_mildly_than_by_its_base(
            code in prop::sample::select(&CODES[..]), base in line(), of_base in level(), head in line(), of_head in level(),
            name in 0..2_usize, former in prop::option::of(0..2_usize)
        ) {
            let (before, after) = (project(code, base), project(code, head));
            let (old, new) = (Levels::of(&own(code, of_base)), Levels::of(&own(code, of_head)));
            let former = former.map(|at| NAMES[at]);
            let floor = Floor {
                name: "main".to_owned(),
                project: before.clone(),
                own: [(former.unwrap_or(NAMES[name]).to_owned(), old.clone())].into(),
            };
            let is = |project, levels, name, floor| {
                told(Judge { project, floor }, code, Some(Own { name, former, levels }))
            };
            let found = is(&after, &new, NAMES[name], Some(&floor));
            let by_base = is(&before, &old, former.unwrap_or(NAMES[name]), None);
            let by_head = is(&after, &new, NAMES[name], None);
            prop_assert!(found >= by_head, "{found} {by_head}");
            let is_free = |name: &str| base.1[NAMES.iter().position(|one| *one == name).unwrap()];
            if !is_free(former.unwrap_or(NAMES[name])) {
                prop_assert!(found >= by_base, "{found} {by_base}");
            } else if is_free(NAMES[name]) {
                prop_assert_eq!(found, by_head);
            }
            // What speaks of no integration takes the project's.
            let whole = told(Judge { project: &after, floor: Some(&floor) }, code, None);
            prop_assert_eq!(whole, rank(base.0, code).max(rank(head.0, code)));
        }
    }
}
