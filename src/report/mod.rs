//! Findings, plans and apply reports in every output form. Decides nothing, prints nothing: it returns strings.
//!
//! Texts carry ANSI styles; whoever prints them goes through `anstream`, which takes them away where they are not
//! wanted.

pub mod apply;
pub mod audit;
pub mod content;
pub mod findings;
pub mod github;
pub mod gitlab;
pub mod history;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod outline;
pub mod plan;
pub mod reference;
pub mod sarif;
pub mod scaffold;
pub mod show;
pub mod template;

/// Makes text from files and stores harmless: control characters and direction marks become visible escapes.
#[must_use]
pub fn clean(text: &str) -> String {
    if !text.chars().any(is_harmful) {
        return text.to_owned();
    }
    text.chars().map(|c| if is_harmful(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// [`clean`], on one line: a text with line breaks must not look like lines of the report.
#[must_use]
pub fn clean_line(text: &str) -> String {
    clean(text).replace('\n', "\\n")
}

/// Whether a terminal would act upon the character in place of showing it.
fn is_harmful(c: char) -> bool {
    let is_direction_mark =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}');
    is_direction_mark || (c.is_control() && c != '\n')
}

/// What comes piece by piece is handed on in pieces of about so many bytes.
const PIECE: usize = 64 * 1024;

/// `1 integration`, `2 integrations`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    };
    format!("{number} {}", if number == 1 { noun } else { &plural })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_direction_marks_are_made_visible() {
        assert_eq!(clean("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(clean("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(clean("Åre"), "Åre");
    }

    #[test]
    fn counts_read_as_words() {
        assert_eq!(count(1, "category"), "1 category");
        assert_eq!(count(2, "category"), "2 categories");
        assert_eq!(count(5, "day"), "5 days");
        assert_eq!(count(0, "setting"), "0 settings");
    }
}
