//! The texts of the pages, a file a language. Nothing else of the pages is in words, but what schemas and findings say.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// All texts of one language.
#[derive(Debug)]
pub struct Language {
    /// As HTML names it: `en`.
    pub id: &'static str,
    /// As those who speak it call it.
    pub name: String,
    texts: BTreeMap<String, String>,
}

/// Every language, the one that is taken where none fits first.
static ALL: LazyLock<Vec<Language>> = LazyLock::new(|| {
    [("en", include_str!("texts/en.yaml")), ("sv", include_str!("texts/sv.yaml"))]
        .into_iter()
        .map(|(id, text)| {
            // A file that cannot be read shows its keys; a test keeps that from happening.
            let texts: BTreeMap<String, String> = serde_yaml::from_str(text).unwrap_or_default();
            Language { id, name: texts.get("language").cloned().unwrap_or_default(), texts }
        })
        .collect()
});

impl Language {
    #[must_use]
    pub fn all() -> &'static [Language] {
        &ALL
    }

    /// The language of this id.
    #[must_use]
    pub fn of(id: &str) -> Option<&'static Language> {
        ALL.iter().find(|one| one.id == id)
    }

    /// What somebody chose, else the first of those that his browser asks for.
    #[must_use]
    pub fn chosen(cookie: Option<&str>, wanted: Option<&str>) -> &'static Language {
        let mut asked: Vec<(f32, &str)> = wanted
            .unwrap_or_default()
            .split(',')
            .map(|one| {
                let (tag, quality) = one.split_once(";q=").unwrap_or((one, "1"));
                (quality.trim().parse().unwrap_or(0.0), tag.trim().split('-').next().unwrap_or_default())
            })
            .collect();
        asked.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let mut asked = asked.into_iter().filter(|(quality, _)| *quality > 0.0);
        let asked = asked.find_map(|(_, tag)| Language::of(&tag.to_ascii_lowercase()));
        cookie.and_then(Language::of).or(asked).unwrap_or(&ALL[0])
    }

    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.texts.contains_key(key)
    }

    /// A text; of two, parted by ` | `, the first where a number is 1. A key that no file has is shown as it is.
    #[must_use]
    pub fn text<'a>(&'a self, key: &'a str, number: Option<i64>) -> &'a str {
        let text = self.texts.get(key).or_else(|| ALL[0].texts.get(key)).map_or(key, String::as_str);
        match text.split_once(" | ") {
            Some((one, _)) if number == Some(1) => one,
            Some((_, more)) => more,
            None => text,
        }
    }

    /// The one that the command line speaks.
    #[must_use]
    pub fn english() -> &'static Language {
        &ALL[0]
    }

    /// `1 Jan 2026`
    #[must_use]
    pub fn date(&self, day: jiff::civil::Date) -> String {
        let month = usize::try_from(day.month() - 1).unwrap_or(0);
        let month = self.text("months", None).split(' ').nth(month).unwrap_or_default();
        format!("{} {month} {}", day.day(), day.year())
    }

    /// The day of a time; the text as it is where it is no time.
    #[must_use]
    pub fn day_of(&self, time: &str) -> String {
        time.parse::<jiff::Timestamp>()
            .map_or_else(|_| time.to_owned(), |time| self.date(time.to_zoned(jiff::tz::TimeZone::UTC).date()))
    }

    /// So many of something.
    #[must_use]
    pub fn count(&self, key: &str, number: usize) -> String {
        self.say(key, &[("n", &number.to_string())])
    }

    /// `1 January 2026`
    #[must_use]
    pub fn long_date(&self, day: jiff::civil::Date) -> String {
        let month = usize::try_from(day.month() - 1).unwrap_or(0);
        let month = self.text("months.long", None).split(' ').nth(month).unwrap_or_default();
        format!("{} {month} {}", day.day(), day.year())
    }

    /// A text with what stands in it filled in.
    #[must_use]
    pub fn say(&self, key: &str, filled: &[(&str, &str)]) -> String {
        let number = filled.iter().find(|(name, _)| *name == "n").and_then(|(_, value)| value.parse().ok());
        fill(self.text(key, number), |name| {
            filled.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned())
        })
    }
}

/// A text in which each `{name}` is what `value` gives for it.
pub fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match value(name) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&format!("{{{name}}}")),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let mut names: Vec<String> =
            text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0.to_owned())).collect();
        names.sort();
        names.dedup();
        names
    }

    #[test]
    fn every_language_says_all_that_the_first_says() {
        let first = &ALL[0];
        assert!(first.texts.len() > 100, "the texts cannot be read");
        for other in &ALL[1..] {
            let missing: Vec<_> = first.texts.keys().filter(|key| !other.texts.contains_key(*key)).collect();
            let stray: Vec<_> = other.texts.keys().filter(|key| !first.texts.contains_key(*key)).collect();
            assert!(
                missing.is_empty() && stray.is_empty(),
                "{}: missing {missing:?}, stray {stray:?}",
                other.id
            );
            for (key, text) in &first.texts {
                assert_eq!(names(text), names(&other.texts[key]), "{} {key}", other.id);
            }
        }
    }

    #[test]
    fn a_language_is_chosen_or_asked_for() {
        let chosen = |cookie, wanted| Language::chosen(cookie, wanted).id;
        assert_eq!(chosen(None, None), "en");
        assert_eq!(chosen(None, Some("sv-SE,sv;q=0.9,en;q=0.8")), "sv");
        assert_eq!(chosen(None, Some("de, en;q=0.5, sv;q=0.7")), "sv");
        assert_eq!(chosen(Some("en"), Some("sv")), "en");
        assert_eq!(chosen(Some("xx"), Some("sv;q=0, en-GB")), "en");
    }

    #[test]
    fn a_text_is_filled_in_once() {
        let value = |name: &str| (name == "a").then(|| "{b}".to_owned());
        assert_eq!(fill("x {a} {b} {", value), "x {b} {b} {");
    }
}
