//! What a finding is made of, and the order in which findings are told.
//!
//! Places are spans here: what a machine reads is in [`super::placed`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::source::{Sources, Span};

/// How bad it is; ordered from worst to mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Note,
}

impl Severity {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A diagnostic's identity: never reused, never renumbered.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    /// `E0312`: the letter is the default severity (E error, W warning, N note), the first two digits are the stage.
    pub id: &'static str,
    /// Kebab name that reads after "allow".
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
}

impl Code {
    #[must_use]
    pub fn default_severity(&self) -> Severity {
        match self.id.as_bytes()[0] {
            b'E' => Severity::Error,
            b'W' => Severity::Warning,
            _ => Severity::Note,
        }
    }
}

/// A place with a few words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    /// May be empty: then only the carets show.
    pub text: String,
}

impl Label {
    #[must_use]
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Label { span, text: text.into() }
    }
}

/// Replace the bytes of `span` by `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// A mend that a machine may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub message: String,
    pub edits: Vec<Edit>,
    /// True when the mend cannot change what the author meant.
    pub safe: bool,
}

/// What a finding speaks of, in the domain's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    pub integration: Option<String>,
    pub category: Option<String>,
    pub setting: Option<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: &'static Code,
    pub severity: Severity,
    /// One line, in the user's words; never holds a credential.
    pub message: String,
    pub primary: Label,
    pub related: Vec<Label>,
    pub notes: Vec<String>,
    pub help: Option<String>,
    pub fix: Option<Fix>,
    pub about: About,
    /// Other integrations that suffer from the same place (a base), sorted.
    pub also: Vec<String>,
    /// The settings that it speaks of, where these are more than one.
    pub settings: Vec<String>,
}

impl Finding {
    #[must_use]
    pub fn new(code: &'static Code, message: impl Into<String>, primary: Label) -> Self {
        Finding {
            code,
            severity: code.default_severity(),
            message: message.into(),
            primary,
            related: Vec::new(),
            notes: Vec::new(),
            help: None,
            fix: None,
            about: About::default(),
            also: Vec::new(),
            settings: Vec::new(),
        }
    }

    /// How many things are wrong: each setting that is not set is one.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.settings.len().max(1)
    }

    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label::new(span, text));
        self
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A safe fix of one edit.
    #[must_use]
    pub fn fix(mut self, message: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.fix =
            Some(Fix { message: message.into(), edits: vec![Edit { span, text: text.into() }], safe: true });
        self
    }

    #[must_use]
    pub fn about(mut self, about: About) -> Self {
        self.about = about;
        self
    }
}

/// Sorts findings by place, then code, and folds what several integrations suffer from one place into one finding.
pub fn sort_and_merge(findings: &mut Vec<Finding>, sources: &Sources) {
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.primary.span.start, finding.code.id);
        (sources.path(a.primary.span), key(a))
            .cmp(&(sources.path(b.primary.span), key(b)))
            .then_with(|| a.message.cmp(&b.message))
            .then_with(|| a.severity.cmp(&b.severity))
            .then_with(|| a.about.integration.cmp(&b.about.integration))
    });
    let mut settled: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings.drain(..) {
        let same = settled.last_mut().filter(|last| {
            last.code == finding.code
                && last.primary.span == finding.primary.span
                && last.message == finding.message
                // What is an error for one integration may be allowed to another.
                && last.severity == finding.severity
        });
        let Some(last) = same else {
            match settled.last_mut().filter(|last| is_by_alias(last, &finding)) {
                Some(last) => last.notes.extend(by_alias(&finding)),
                None => settled.push(finding),
            }
            continue;
        };
        if let Some(name) = finding.about.integration
            && last.about.integration.as_ref() != Some(&name)
            // Those of one name follow each other.
            && last.also.last() != Some(&name)
        {
            last.also.push(name);
        }
    }
    *findings = settled;
}

/// Whether one place is told of as two settings: an anchor stands there, and an alias brings the same to the other.
fn is_by_alias(first: &Finding, other: &Finding) -> bool {
    let last = |finding: &Finding| {
        let setting = finding.about.setting.as_deref()?;
        Some(setting.rsplit_once('.')?.1.to_owned())
    };
    let name = last(first);
    let of_one = first.about.integration == other.about.integration
        || other.about.integration.as_ref().is_some_and(|name| first.also.contains(name));
    name.is_some()
        && name == last(other)
        && first.code == other.code
        && first.severity == other.severity
        && first.primary.span == other.primary.span
        && first.primary.span.start < first.primary.span.end
        && of_one
        && first.about.category == other.about.category
        && first.about.setting != other.about.setting
}

/// What to say of the setting to which an alias brings the same.
fn by_alias(finding: &Finding) -> Option<String> {
    let setting = finding.about.setting.as_deref()?;
    Some(format!("an alias brings the same to `{setting}`"))
}

/// How many things are wrong, of each severity; a finding about several settings counts each of them.
#[must_use]
pub fn counts(findings: &[Finding]) -> BTreeMap<Severity, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.severity).or_default() += finding.weight();
    }
    counts
}
