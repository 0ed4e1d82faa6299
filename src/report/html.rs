//! HTML: one self-contained page that looks like the Configure section. It loads nothing and runs only its own script,
//! which its content security policy names by hash.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::content::Content;
use super::explain;
use super::outline::{Budget, arranged, outline, policy_first};
use super::template::{TemplateError, fill};

/// The name of the template, in the project's `templates/` too.
pub const TEMPLATE: &str = "page.html";

const BUILT_IN: &str = include_str!("templates/page.html");
/// Filters and search of a plan and of findings.
pub const SCRIPT: &str = include_str!("templates/page.js");
/// Colours and sizes, and what is drawn with them: all pages share both.
pub const STYLE: &str =
    concat!(include_str!("templates/tokens.css"), include_str!("templates/components.css"));

/// The page; `own` is the project's template.
///
/// # Errors
/// When the project's template is wrong.
pub fn render(content: &Content<'_>, own: Option<&str>) -> Result<String, TemplateError> {
    let (content, groups) = &arranged(content, own);
    let (mut outline, _) = outline(content, groups, Budget(usize::MAX));
    outline["codes"] = codes(&outline);
    outline["served"] = false.into();
    outline["style"] = STYLE.into();
    outline["script"] = SCRIPT.into();
    outline["policy"] = policy(Some(SCRIPT)).into();
    outline["title"] = title(content).into();
    let template = own.unwrap_or(BUILT_IN);
    if own.is_some() {
        policy_first(&mut outline, template);
    }
    fill(TEMPLATE, template, &outline)
}

/// What each code means that the page tells of, in a sentence or two.
#[must_use]
pub fn codes(outline: &Json) -> Json {
    let found = ["urgent", "findings"].into_iter().filter_map(|key| outline[key].as_array()).flatten();
    let all: BTreeSet<&str> = found.filter_map(|one| one["code"].as_str()).collect();
    let told = |code: &str| {
        let page = explain::page(code)?;
        let name = page.lines().next()?.strip_prefix("# ")?.strip_prefix(code)?.trim();
        let text = page.split("\n\n").nth(1)?.replace('\n', " ");
        Some(json!({"id": code, "name": name, "text": text}))
    };
    all.into_iter().filter_map(told).collect()
}

/// What the page is, in the words of its first heading.
fn title(content: &Content<'_>) -> String {
    let environment = content.plan.and_then(|plan| plan.environment.as_deref());
    if content.stopped.is_some() {
        return format!("{} stopped", content.command);
    }
    match (content.command, environment) {
        ("validate" | "show", _) => "Findings".to_owned(),
        ("diff", _) => "What a merge would change".to_owned(),
        ("drift", None) => "Changed outside the files".to_owned(),
        ("drift", Some(environment)) => format!("Changed outside the files in {environment}"),
        ("apply", None) => "What was applied".to_owned(),
        ("apply", Some(environment)) => format!("What was applied to {environment}"),
        (_, None) => "Plan".to_owned(),
        (_, Some(environment)) => format!("Plan for {environment}"),
    }
}

/// The content security policy of a page with our style and perhaps a script.
pub(super) fn policy(script: Option<&str>) -> String {
    let hash = |text: &str| base64(&Sha256::digest(text.as_bytes()));
    let script = script.map(|script| format!("script-src 'sha256-{}'; ", hash(script))).unwrap_or_default();
    let style = hash(STYLE);
    format!("default-src 'none'; style-src 'sha256-{style}'; {script}base-uri 'none'; form-action 'none'")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let all = chunk.iter().fold(0_usize, |all, byte| all << 8 | usize::from(*byte))
                << (8 * (3 - chunk.len()));
            (0..4).map(
                move |at| {
                    if at > chunk.len() { '=' } else { char::from(DIGITS[all >> (18 - 6 * at) & 63]) }
                },
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_as_the_standard_has_it() {
        for (text, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(super::base64(text.as_bytes()), coded);
        }
    }
}
