//! Words for people: text that is not ours made harmless, numbers and lists in words, and what was meant by a word.
//!
//! Nothing here knows what it is said of.

/// Makes text that is not ours harmless, for every form and on one line: what a terminal would act upon, a line break, what
/// nobody sees, and what a CI runner would take for a command become visible escapes.
#[must_use]
pub fn clean(text: &str) -> String {
    no_command(without_marks(escape(text, |c| c == '\n' || is_harmful(c))))
}

/// As [`clean`], for a text of several lines. A line that a CI runner would take for a command is none any more.
#[must_use]
pub fn clean_text(text: &str) -> String {
    let text = without_marks(escape(text, is_harmful));
    if !text.contains("::") {
        return text;
    }
    text.split('\n').map(|line| no_command(line.to_owned())).collect::<Vec<_>>().join("\n")
}

/// A line that begins with what a CI runner takes for a command there does so no more.
fn no_command(mut line: String) -> String {
    let start = line.len() - line.trim_start().len();
    if line[start..].starts_with("::") {
        line.replace_range(start..=start, "\\u{3a}");
    }
    line
}

/// What a CI server acts upon wherever in a line it stands: commands of GitHub's and Azure's runners and of TeamCity, and
/// files that GitLab and Jenkins would attach to a test.
pub const MARKS: [&str; 4] = ["##[", "##vso[", "##teamcity[", "[[ATTACHMENT|"];

fn without_marks(mut text: String) -> String {
    if !text.contains("##") && !text.contains("[[") {
        return text;
    }
    for mark in MARKS {
        let (first, rest) = mark.split_at(1);
        let shown = first.chars().map(|c| c.escape_unicode().to_string()).collect::<String>();
        text = text.replace(mark, &(shown + rest));
    }
    text
}

fn escape(text: &str, is_bad: impl Fn(char) -> bool) -> String {
    // Nearly all that is told is of these characters, none of which is ever bad.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.chars().any(&is_bad) {
        return text.to_owned();
    }
    let shown = |c: char| match c {
        '\n' if is_bad(c) => "\\n".to_owned(),
        c if is_bad(c) => c.escape_unicode().to_string(),
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}

/// JSON as it is let out: what a reader of lines, or a terminal, would act upon stands as an escape, which means the same to whoever
/// reads JSON. Outside of its texts JSON has no such character.
#[must_use]
pub fn outward_json(json: String) -> String {
    if json.bytes().all(|byte| byte < 0x7f) || !json.chars().any(|c| c != '\n' && is_harmful(c)) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if c == '\n' || !is_harmful(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// Whether a terminal, a page or a reader would act upon the character, or pass it by, in place of showing it. Joiners are
/// left, which scripts and emoji need.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    let is_direction_mark =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}');
    let is_line_break = matches!(c, '\u{2028}' | '\u{2029}');
    let is_unseen = matches!(c, '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    let is_no_character = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    is_direction_mark || is_line_break || is_unseen || is_no_character || (c.is_control() && c != '\n')
}

/// `1 integration`, `2 integrations`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    };
    format!("{number} {}", if number == 1 { noun } else { &plural })
}

/// The candidate nearest to `word`, when it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    let length = word.chars().count();
    // Another letter in a country's code is another country.
    let allowed = (length / 3).min(3);
    let letters_of_word = letters(word);
    candidates
        .into_iter()
        // What is there but broken is not what was meant instead.
        .filter(|candidate| *candidate != word)
        // No way to change one word into another is shorter than the letters that it lacks.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        // Each step from one to the other takes a letter away and brings another, at most.
        .filter(|candidate| (letters(candidate) ^ letters_of_word).count_ones() as usize <= 2 * allowed)
        .map(|candidate| (strsim::osa_distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()))
        .map(|(_, candidate)| candidate)
}

fn fold(word: &str) -> String {
    word.chars().map(fold_one).collect()
}

fn fold_one(c: char) -> char {
    if c == '-' || c == ' ' { '_' } else { c.to_ascii_lowercase() }
}

/// Which letters a folded word has, some of them under one bit.
fn letters(word: &str) -> u64 {
    word.chars().map(fold_one).fold(0, |all, c| all | 1 << (u32::from(c) % 64))
}

/// A title as it reads within a sentence: `Refresh token` as `refresh token`, and what is written in capitals (`API key`) as it is.
#[must_use]
pub fn in_sentence(title: &str) -> String {
    let first = title.split_whitespace().next().unwrap_or_default();
    if first.chars().skip(1).any(|c| !c.is_lowercase()) {
        return title.to_owned();
    }
    let mut chars = title.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list_words<S: AsRef<str>>(words: &[S], conjunction: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [rest @ .., last] => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} {conjunction} {}", rest.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_within_a_sentence_keeps_its_capitals() {
        for (title, said) in [
            ("Refresh token", "refresh token"),
            ("API key", "API key"),
            ("HMAC key", "HMAC key"),
            ("e-conomic token", "e-conomic token"),
            ("", ""),
        ] {
            assert_eq!(in_sentence(title), said);
        }
    }

    #[test]
    fn what_nobody_would_see_is_made_visible() {
        assert_eq!(clean("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(clean("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(clean("a\n::stop-commands::x"), "a\\n::stop-commands::x");
        for c in [
            '\u{2028}',
            '\u{2029}',
            '\u{200b}',
            '\u{2060}',
            '\u{feff}',
            '\u{e0041}',
            '\u{fffe}',
            '\u{1ffff}',
            '\u{ad}',
            '\r',
        ] {
            assert_eq!(clean(&format!("a{c}b")), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
        assert_eq!(clean("Åre 👩\u{200d}💻 नमस्ते"), "Åre 👩\u{200d}💻 नमस्ते");
    }

    #[test]
    fn json_that_is_let_out_means_the_same_and_fakes_no_line() {
        let text = "a\u{2028}b\u{85}\u{9b}31m\u{202e}\u{feff}\u{e0041}\u{7f}\u{1ffff}Åre 👩\u{200d}💻";
        let json = serde_json::json!({ text: [text, "plain\n"] });
        for form in [json.to_string(), format!("{json:#}")] {
            let out = outward_json(form);
            assert!(!out.chars().any(is_harmful) && out.contains("Åre 👩"), "{out}");
            assert!(
                out.contains("a\\u2028b\\u0085\\u009b31m\\u202e\\ufeff\\udb40\\udc41\\u007f\\ud83f\\udfff"),
                "{out}"
            );
            assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), json);
        }
    }

    #[test]
    fn no_line_of_a_text_is_a_command_of_a_runner() {
        assert_eq!(
            clean_text("a: x::y\n  ::error::no\n\t##[error]no\n## [fine]\n::"),
            "a: x::y\n  \\u{3a}:error::no\n\\u{9}\\u{23}#[error]no\n## [fine]\n\\u{3a}:"
        );
        assert_eq!(clean_text(" ##[warning]"), " \\u{23}#[warning]");
        for mark in MARKS {
            for cleaned in [clean(&format!("x {mark}a]")), clean_text(&format!("x\ny {mark}a]"))] {
                assert!(!cleaned.contains(mark), "{cleaned}");
            }
        }
    }

    #[test]
    fn counts_read_as_words() {
        assert_eq!(count(1, "category"), "1 category");
        assert_eq!(count(2, "category"), "2 categories");
        assert_eq!(count(5, "day"), "5 days");
        assert_eq!(count(0, "setting"), "0 settings");
    }

    #[test]
    fn nearest_forgives_case_separators_and_swaps() {
        let keys = ["terms_of_payment", "map", "live_mode"];
        assert_eq!(nearest("Terms-of-payment", keys), Some("terms_of_payment"));
        assert_eq!(nearest("live_moed", keys), Some("live_mode"));
        assert_eq!(nearest("stock", keys), None);
        assert_eq!(nearest("map", keys), None);
    }

    #[test]
    fn words_are_joined_as_a_sentence() {
        assert_eq!(list_words(&["a"], "or"), "a");
        assert_eq!(list_words(&["a", "b", "c"], "or"), "a, b or c");
    }
}
