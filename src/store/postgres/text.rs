//! Texts as PostgreSQL can hold them: all but U+0000, which it refuses. Documents need nothing, JSON escapes it.

use std::borrow::Cow;

/// Stands before `0` for U+0000, and before itself for itself: the picture that Unicode has of U+0000.
const MARK: char = '\u{2400}';

/// A text as it is stored.
pub(super) fn encode(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', MARK]) {
        return Cow::Borrowed(text);
    }
    let mut stored = String::with_capacity(text.len() + 4);
    for character in text.chars() {
        match character {
            '\0' => stored.extend([MARK, '0']),
            MARK => stored.extend([MARK, MARK]),
            other => stored.push(other),
        }
    }
    Cow::Owned(stored)
}

/// What [`encode`] was given. A mark that a person wrote with the shell stands for itself.
pub(super) fn decode(stored: String) -> String {
    if !stored.contains(MARK) {
        return stored;
    }
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            (MARK, Some('0')) => {
                characters.next();
                text.push('\0');
            }
            (MARK, Some(&MARK)) => {
                characters.next();
                text.push(MARK);
            }
            (other, _) => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_text_reads_back_and_has_no_zero(text in "[a0\u{0}\u{2400}]{0,12}") {
            let stored = encode(&text).into_owned();
            proptest::prop_assert!(!stored.contains('\0'));
            proptest::prop_assert_eq!(decode(stored), text);
        }
    }
}
