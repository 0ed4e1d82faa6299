//! The text of a Rust file as tokens, as far as tests ask what is in it.

pub struct Token<'a> {
    pub text: &'a str,
    pub line: usize,
    /// A text in quotes, with them.
    pub is_text: bool,
}

/// Words, `::`, texts in quotes, and single other characters; no comments, and no lifetimes.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (length, kept) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (comment(rest), None)
        } else if let Some(length) = raw_text(rest) {
            (length, Some(true))
        } else if c == '"' {
            (quoted(rest, '"'), Some(true))
        } else if c == '\'' && is_character(rest) {
            (quoted(rest, '\''), None)
        } else if c == '\'' {
            (1 + word(&rest[1..]), None)
        } else if c.is_whitespace() {
            (c.len_utf8(), None)
        } else {
            let length = if rest.starts_with("::") { 2 } else { word(rest).max(c.len_utf8()) };
            (length, Some(false))
        };
        tokens.extend(kept.map(|is_text| Token { text: &rest[..length], line, is_text }));
        line += rest[..length].matches('\n').count();
        at += length;
    }
    tokens
}

/// A character in quotes and no lifetime.
fn is_character(text: &str) -> bool {
    let mut after = text.chars().skip(1);
    after.next() == Some('\\') || after.next() == Some('\'')
}

/// The length of the word that begins here.
pub fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The length of a text in quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        if c == quote {
            return at + 1;
        }
        if c == '\\' {
            characters.next();
        }
    }
    text.len()
}

/// The length of a text such as `r#"…"#`, if one begins here.
fn raw_text(text: &str) -> Option<usize> {
    let start = ["r", "br", "cr"].iter().find_map(|start| text.strip_prefix(start))?;
    let marks = start.len() - start.trim_start_matches('#').len();
    let inside = start[marks..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    let before = text.len() - inside.len();
    Some(inside.find(&end).map_or(text.len(), |at| before + at + end.len()))
}

/// The length of a block comment, which may hold others.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[test]
fn a_file_is_read_as_words_and_texts() {
    let code = "// \"no\"\nfn r<'a>(b: &'a str) -> [char; 2] { /* \"/* no */\" */ f::<u8>(\"a\\\"b\", r#\"c\"d\"#, b\"e\") + ['\"', '\\''] }";
    let all = tokens(code);
    let texts: Vec<&str> = all.iter().filter(|token| token.is_text).map(|token| token.text).collect();
    assert_eq!(texts, ["\"a\\\"b\"", "r#\"c\"d\"#", "\"e\""]);
    let words: Vec<&str> = all.iter().filter(|token| !token.is_text).map(|token| token.text).collect();
    assert_eq!(words.join(" "), "fn r < > ( b : & str ) - > [ char ; 2 ] { f :: < u8 > ( , , b ) + [ , ] }");
    assert!(all.iter().all(|token| token.line == 2));
}
