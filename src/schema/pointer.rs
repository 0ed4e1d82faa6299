//! JSON Pointers into an integration's document, and what they speak of.

use crate::diagnostic::About;
use crate::model::{SettingPath, is_top_level};

/// The keys of a JSON Pointer.
pub(super) fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Which category and setting a pointer into an integration's document speaks of.
#[must_use]
pub fn about(integration: Option<&str>, pointer: &str) -> About {
    let segments = segments(pointer);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (category, rest): (Option<&str>, &[&str]) = match &segments[..] {
        _ if integration.is_none() => (None, &[]),
        ["settings", category, rest @ ..] => (Some(category), rest),
        [category, rest @ ..] if is_top_level(category) => (Some(category), rest),
        _ => (None, &[]),
    };
    let setting = (!rest.is_empty()).then(|| rest.iter().collect::<SettingPath>().to_string());
    About { integration: integration.map(str::to_owned), category: category.map(str::to_owned), setting }
}
