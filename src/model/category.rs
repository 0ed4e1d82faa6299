//! Categories by name: those that are no page of settings, where a category stands in a document, and in which order pages
//! list them.
//!
//! Which categories a pair has is known to `schema`; in which order they are saved, to `apply`.

/// The categories outside the Settings page.
pub const CONNECTORS: &str = "connectors";
pub const FLOWS: &str = "flows";
pub const SCHEDULES: &str = "schedules";
pub const WEBHOOKS: &str = "webhooks";
/// The settings category that carries the integration's name, onboarding mode and live mode.
pub const GENERAL: &str = "general";

/// What stands among categories where it is told whose review is needed: the rules themselves.
pub const POLICY: &str = "policy";

/// The key under which a document has its settings categories.
pub const SETTINGS: &str = "settings";

/// The categories that stand at the top of a document, beside [`SETTINGS`], in the order in which pages list them. Settings
/// categories have an order of their own, which their parts say.
pub const TOP_LEVEL: [&str; 4] = [CONNECTORS, FLOWS, SCHEDULES, WEBHOOKS];

/// Whether a category stands at the top of a document.
#[must_use]
pub fn is_top_level(category: &str) -> bool {
    TOP_LEVEL.contains(&category)
}

/// The keys from a document's root to a category.
pub fn keys_to(category: &str) -> impl Iterator<Item = &str> {
    (!is_top_level(category)).then_some(SETTINGS).into_iter().chain([category])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_categories_stand_under_settings() {
        assert_eq!(keys_to(GENERAL).collect::<Vec<_>>(), [SETTINGS, GENERAL]);
        for category in TOP_LEVEL {
            assert_eq!(keys_to(category).collect::<Vec<_>>(), [category]);
        }
    }
}
