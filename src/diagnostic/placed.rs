//! A finding with its places in words, path and line in place of a span: what every machine form shows, and what a plan
//! keeps. It needs no text to be read again.
//!
//! Its fields, their order and what is left out when it is empty are the documented output (`schemas/output/`).

use serde::{Deserialize, Serialize};

use super::finding::{Edit, Finding, Fix, Label, Severity};
use crate::source::{Position, Sources, Span};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedFinding {
    /// `E0312`
    pub code: String,
    /// The code in words.
    pub name: String,
    pub severity: Severity,
    pub message: String,
    #[serde(flatten)]
    pub place: Place,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<String>,
    /// Other integrations that suffer from the same place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// The settings that it speaks of, where these are more than one; each counts in a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<PlacedLabel>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<PlacedFix>,
}

/// A file, and a range in it as [`Position`] says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Relative to the project, with forward slashes.
    pub path: String,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

/// A related place with a few words about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedLabel {
    #[serde(flatten)]
    pub place: Place,
    pub message: String,
}

/// A mend that a machine may make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedFix {
    pub message: String,
    /// True when the mend cannot change what the author meant.
    pub safe: bool,
    pub edits: Vec<PlacedEdit>,
}

/// Replace what stands at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedEdit {
    #[serde(flatten)]
    pub place: Place,
    pub replacement: String,
}

impl PlacedFinding {
    /// The finding as it is told to machines.
    #[must_use]
    pub fn of(finding: &Finding, sources: &Sources) -> Self {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        PlacedFinding {
            code: finding.code.id.to_owned(),
            name: finding.code.name.to_owned(),
            severity: finding.severity,
            message: finding.message.clone(),
            place: Place::of(finding.primary.span, sources),
            label: finding.primary.text.clone(),
            integration: said(&finding.about.integration),
            also: finding.also.clone(),
            category: said(&finding.about.category),
            setting: said(&finding.about.setting),
            settings: finding.settings.clone(),
            related: finding.related.iter().map(|label| PlacedLabel::of(label, sources)).collect(),
            notes: finding.notes.clone(),
            help: said(&finding.help),
            fix: finding.fix.as_ref().map(|fix| PlacedFix::of(fix, sources)),
        }
    }

    /// How many things are wrong, as [`Finding::weight`].
    #[must_use]
    pub fn weight(&self) -> usize {
        self.settings.len().max(1)
    }

    /// All of them, in their order.
    #[must_use]
    pub fn all(findings: &[Finding], sources: &Sources) -> Vec<Self> {
        findings.iter().map(|finding| PlacedFinding::of(finding, sources)).collect()
    }

    /// Whether it is about dropdown values, which another list of them may mend.
    #[must_use]
    pub fn is_of_options(&self) -> bool {
        self.code.get(1..3) == Some("05")
    }
}

impl Place {
    #[must_use]
    pub fn of(span: Span, sources: &Sources) -> Self {
        let Position { line, column, end_line, end_column } = sources.position(span);
        Place { path: sources.path(span).to_owned(), line, column, end_line, end_column }
    }
}

impl PlacedLabel {
    fn of(label: &Label, sources: &Sources) -> Self {
        PlacedLabel { place: Place::of(label.span, sources), message: label.text.clone() }
    }
}

impl PlacedFix {
    fn of(fix: &Fix, sources: &Sources) -> Self {
        let edit =
            |edit: &Edit| PlacedEdit { place: Place::of(edit.span, sources), replacement: edit.text.clone() };
        PlacedFix {
            message: fix.message.clone(),
            safe: fix.safe,
            edits: fix.edits.iter().map(edit).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::About;
    use crate::diagnostic::codes;
    use crate::source::SourceFile;

    fn sources() -> Sources {
        vec![SourceFile::new("a.yaml", "orders: {}\nstokc: 1\n"), SourceFile::new("b.yaml", "stock: 2\n")]
            .into()
    }

    fn rich(sources: &Sources) -> Finding {
        let [a, b] = ["a.yaml", "b.yaml"].map(|path| sources.by_path(path).unwrap());
        let at = Span::new(a, 11, 16);
        let mut finding = Finding::new(codes::all()[0], "wrong", Label::new(at, "here"))
            .related(Span::new(b, 0, 5), "")
            .note("why")
            .help("write `stock`")
            .fix("write `stock`", at, "stock")
            .about(About {
                integration: Some("one".to_owned()),
                category: Some("orders".to_owned()),
                setting: Some("stokc".to_owned()),
            });
        finding.also = vec!["two".to_owned()];
        finding
    }

    fn plain(sources: &Sources) -> Finding {
        let about = About { integration: Some(String::new()), ..About::default() };
        let at = Span::new(sources.by_path("b.yaml").unwrap(), 0, 5);
        Finding::new(codes::all()[0], "wrong", Label::new(at, "")).help("").about(about)
    }

    #[test]
    fn all_of_a_finding_is_said_in_the_documented_order() {
        let sources = sources();
        let code = codes::all()[0];
        let text = serde_json::to_string(&PlacedFinding::of(&rich(&sources), &sources)).unwrap();
        let head = format!(
            r#"{{"code":"{}","name":"{}","severity":"{}","message":"wrong","path":"a.yaml","line":2,"column":1,"end_line":2,"end_column":6,"#,
            code.id,
            code.name,
            code.default_severity().as_str()
        );
        let rest = concat!(
            r#""label":"here","integration":"one","also":["two"],"category":"orders","setting":"stokc","#,
            r#""related":[{"path":"b.yaml","line":1,"column":1,"end_line":1,"end_column":6,"message":""}],"#,
            r#""notes":["why"],"help":"write `stock`","fix":{"message":"write `stock`","safe":true,"#,
            r#""edits":[{"path":"a.yaml","line":2,"column":1,"end_line":2,"end_column":6,"replacement":"stock"}]}}"#,
        );
        assert_eq!(text, head + rest);
    }

    #[test]
    fn what_is_empty_is_left_out() {
        let sources = sources();
        let json = serde_json::to_value(PlacedFinding::of(&plain(&sources), &sources)).unwrap();
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let always =
            ["code", "name", "severity", "message", "path", "line", "column", "end_line", "end_column"];
        assert_eq!(keys, always);
    }

    #[test]
    fn a_finding_survives_its_json() {
        let sources = sources();
        for finding in [rich(&sources), plain(&sources)] {
            let placed = PlacedFinding::of(&finding, &sources);
            let text = serde_json::to_string(&placed).unwrap();
            let read: PlacedFinding = serde_json::from_str(&text).unwrap();
            assert_eq!(read, placed);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_known_of_a_finding_is_passed_by() {
        let sources = sources();
        let placed = PlacedFinding::of(&rich(&sources), &sources);
        let mut json = serde_json::to_value(&placed).unwrap();
        json["later"] = serde_json::json!({"a": 1});
        json["fix"]["later"] = true.into();
        assert_eq!(serde_json::from_value::<PlacedFinding>(json).unwrap(), placed);
    }
}
