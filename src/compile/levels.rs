//! Levels: whether a project or an integration ignores a finding, warns of it or takes it for an error.
//!
//! Only codes that are warnings or notes have a level; errors stay errors. Nothing of this is deployed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::diagnostic::{About, Finding, Severity, codes};
use crate::yaml::{Entry, Node};

/// Levels by code, as one file declares them.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Levels(BTreeMap<String, Judgement>);

/// How a finding is to count.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Allow,
    Warn,
    Deny,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Judgement {
    Plain(Level),
    Reasoned { level: Level, reason: Option<String> },
}

impl Levels {
    /// The levels of an integration's document. What has no meaning is left out: the schema has reported it.
    #[must_use]
    pub fn of(root: &Node) -> Levels {
        let entries = declared(root).filter_map(|entry| {
            Some((entry.key.text.to_string(), serde_json::from_value(entry.value.to_json()).ok()?))
        });
        Levels(entries.collect())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each code that has a level here, by its number.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, Level)> {
        self.0.iter().filter_map(|(code, judgement)| {
            let level = match judgement {
                Judgement::Plain(level) | Judgement::Reasoned { level, .. } => *level,
            };
            Some((codes::find(code)?.id, level))
        })
    }
}

/// Sets the level that the first of several levels gives a finding; false when the finding is allowed.
pub fn apply(levels: &[&Levels], finding: &mut Finding) -> bool {
    if finding.code.default_severity() == Severity::Error {
        return true;
    }
    let judgement = levels
        .iter()
        .find_map(|levels| levels.0.get(finding.code.id).or_else(|| levels.0.get(finding.code.name)));
    let (level, reason) = match judgement {
        None => return true,
        Some(Judgement::Plain(level)) => (*level, None),
        Some(Judgement::Reasoned { level, reason }) => (*level, reason.as_ref()),
    };
    let (severity, word) = match level {
        Level::Allow => return false,
        Level::Warn => (Severity::Warning, "a warning"),
        Level::Deny => (Severity::Error, "an error"),
    };
    finding.severity = severity;
    if let Some(reason) = reason {
        finding.notes.push(format!("it is {word} here: {reason}"));
    }
    true
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

fn declared(root: &Node) -> impl Iterator<Item = &Entry> {
    root.get("levels").and_then(Node::as_map).into_iter().flat_map(|levels| levels.entries())
}
