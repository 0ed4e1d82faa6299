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
    /// Sentences that are said elsewhere in English, those with most words of their own first.
    sentences: Vec<Sentence>,
}

/// A sentence with names for what may stand in it, and how it is said here.
#[derive(Debug)]
struct Sentence {
    said: Vec<Piece>,
    here: String,
}

#[derive(Debug)]
enum Piece {
    Words(String),
    Name(String),
}

/// What the key of a sentence begins with.
const SENTENCE: &str = "= ";

/// Every language, the one that is taken where none fits first.
static ALL: LazyLock<Vec<Language>> = LazyLock::new(|| {
    [("en", include_str!("texts/en.yaml")), ("sv", include_str!("texts/sv.yaml"))]
        .into_iter()
        .map(|(id, text)| {
            // A file that cannot be read shows its keys; a test keeps that from happening.
            let mut texts: BTreeMap<String, String> = serde_yaml::from_str(text).unwrap_or_default();
            let said = texts.split_off(SENTENCE);
            let (said, after): (BTreeMap<_, _>, BTreeMap<_, _>) =
                said.into_iter().partition(|(key, _)| key.starts_with(SENTENCE));
            texts.extend(after);
            let one = |(key, here): (String, String)| Sentence { said: pieces(&key[SENTENCE.len()..]), here };
            let mut sentences: Vec<Sentence> = said.into_iter().map(one).collect();
            sentences.sort_by_key(|one| std::cmp::Reverse(one.words()));
            let name = texts.get("language").cloned().unwrap_or_default();
            Language { id, name, texts, sentences }
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

impl Language {
    /// What the program says in English of settings, as a page of this language says it; none where it has no words of its own for that.
    #[must_use]
    pub fn sentence(&self, said: &str) -> Option<String> {
        self.sentences.iter().find_map(|one| {
            let filled = one.filled(said)?;
            let value = |name: &str| {
                let (_, value) = filled.iter().find(|(found, _)| *found == name)?;
                Some(self.sentence(value).unwrap_or_else(|| (*value).to_owned()))
            };
            Some(fill(&one.here, value))
        })
    }
}

impl Sentence {
    fn words(&self) -> usize {
        let of = |piece: &Piece| match piece {
            Piece::Words(words) => words.len(),
            Piece::Name(_) => 0,
        };
        self.said.iter().map(of).sum()
    }

    /// What stands for each name, where it is this sentence.
    fn filled<'a>(&'a self, said: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        let (mut rest, mut open, mut filled) = (said, None, Vec::new());
        for (at, piece) in self.said.iter().enumerate() {
            match (piece, open.take()) {
                (Piece::Name(name), _) => open = Some(name.as_str()),
                (Piece::Words(words), None) => rest = rest.strip_prefix(words.as_str())?,
                (Piece::Words(words), Some(name)) => {
                    let is_last = at + 1 == self.said.len();
                    let (value, after) = match is_last {
                        true => (rest.strip_suffix(words.as_str())?, ""),
                        false => rest.split_once(words.as_str())?,
                    };
                    filled.push((name, value));
                    rest = after;
                }
            }
        }
        if let Some(name) = open {
            filled.push((name, std::mem::take(&mut rest)));
        }
        (rest.is_empty() && filled.iter().all(|(_, value)| !value.is_empty())).then_some(filled)
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        if !before.is_empty() {
            all.push(Piece::Words(before.to_owned()));
        }
        all.push(Piece::Name(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        all.push(Piece::Words(rest.to_owned()));
    }
    all
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
    fn a_sentence_is_said_in_the_words_of_a_language() {
        let swedish = Language::of("sv").unwrap();
        let said = |text: &str| swedish.sentence(text).unwrap_or_default();
        assert_eq!(said("`Days` must be a whole number"), "`Days` ska vara ett heltal");
        assert_eq!(
            said("Stock is not visible while the flow `stock` is off"),
            "Inget av Stock används medan flödet `stock` är av"
        );
        assert_eq!(said("nothing of this is known"), "");
        for language in Language::all() {
            for one in &language.sentences {
                let filled: Vec<&str> = one
                    .said
                    .iter()
                    .filter_map(|piece| match piece {
                        Piece::Name(name) => Some(&**name),
                        Piece::Words(_) => None,
                    })
                    .collect();
                assert!(names(&one.here).iter().all(|name| filled.contains(&&**name)), "{one:?}");
            }
        }
        // English has words of its own only where others have theirs too.
        let of = |language: &Language| {
            language.sentences.iter().map(|one| format!("{:?}", one.said)).collect::<Vec<_>>()
        };
        let (english, other) = (of(Language::english()), of(swedish));
        assert!(english.iter().all(|one| other.contains(one)));
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
