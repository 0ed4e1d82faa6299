//! Marks in texts that mean something to other programs, and nothing here: quotes of a word processor, placeholders of a shell or
//! of a template, a line break after the only line of a block.

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::yaml as codes;
use crate::schema::pointer::about;
use crate::source::Span;
use crate::yaml::Trail;

pub(super) fn of_text(context: &Context<'_>, text: &str, trail: &Trail<'_>, at: Span) -> Option<Finding> {
    let (what, help) = marks(text)?;
    let finding = codes::foreign_marks(trail.key(), what, help, at);
    Some(finding.about(about(Some(context.name), &trail.pointer())))
}

/// What is wrong with a text, and what to do. Asked of every text, nearly none of which has a byte of these.
fn marks(text: &str) -> Option<(&'static str, &'static str)> {
    let last = *text.as_bytes().last()?;
    if last == b'\n' && !text[..text.len() - 1].contains('\n') {
        let what = "a block with `|` or `>` ends in a line break, which is part of the value";
        return Some((what, "write the text on the line of its key, or `|-` in place of `|`"));
    }
    let is_quote = |c: char| matches!(c, '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '‚');
    if last >= 0x80 && text.chars().count() > 1 && text.starts_with(is_quote) && text.ends_with(is_quote) {
        let what = "these are quotes of a word processor, which are part of the value";
        return Some((what, "write plain quotes in their place, or none"));
    }
    let is_of_shell = text.as_bytes().contains(&b'$') && (text.contains("${") || text.contains("$("));
    let placeholder = is_of_shell || (last == b'%' && is_variable(text));
    placeholder.then_some((
        "this placeholder of another program is not replaced here",
        "write the value itself, or a variable of `vars` as an expression: `\"{{ name }}\"`",
    ))
}

/// `%NAME%`, as on Windows.
fn is_variable(text: &str) -> bool {
    let name = text.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')).unwrap_or_default();
    let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_texts_that_were_meant() {
        for text in ["“1234567”", "„ja”", "«oui»", "${NAME}", "x $(date)", "%NAME%", "one\n"] {
            assert!(marks(text).is_some(), "{text:?}");
        }
        for text in [
            "",
            "one",
            "one\ntwo\n",
            "Anna’s",
            "“a” and b",
            "30%",
            "100 %",
            "$ 5",
            "%",
            "%%",
            "{{ brand }}",
            "’",
        ] {
            assert!(marks(text).is_none(), "{text:?}");
        }
    }
}
