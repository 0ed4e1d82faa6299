//! Values that begin with `#`: for YAML a comment, so that nothing stands there. Who finds that nothing stands there knows of no
//! comments, so that this is told at the end.

use super::Finding;
use super::codes::schema as codes;
use crate::source::Sources;

/// Says so where a finding speaks of a key without a value, and a `#` without a space behind it follows.
pub fn tell(findings: &mut [Finding], sources: &Sources) {
    for finding in findings {
        let is_empty = finding.code == &codes::REQUIRED_SETTING_UNSET
            || finding.code == &codes::WRONG_TYPE && finding.primary.text == "this is empty";
        if !is_empty || !is_followed(finding, sources) {
            continue;
        }
        finding.notes.insert(
            0,
            "for YAML, `#` and what follows it is a comment, so that nothing stands here".to_owned(),
        );
        let otherwise = finding.help.take().map(|help| format!("; else {help}")).unwrap_or_default();
        finding.help = Some(format!("put the value in quotes if it begins with `#`{otherwise}"));
    }
}

fn is_followed(finding: &Finding, sources: &Sources) -> bool {
    let span = finding.primary.span;
    let text = sources.file(span.file).text();
    let rest = text.get(span.end as usize..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let value = line.strip_prefix([':']).map(str::trim_start).and_then(|value| value.strip_prefix('#'));
    value.is_some_and(|value| !value.is_empty() && !value.starts_with([' ', '#', '!']))
}
