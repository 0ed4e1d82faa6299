//! What credentials look like: the forms that platforms give them, found in any text. What they are called is
//! `model::credential`'s, and what is said of them is `check::secrets`'s and `exposed`'s.
//!
//! | of | begins with | then |
//! |---|---|---|
//! | Shopify | `shpat_` `shpca_` `shppa_` `shpss_` `shprt_` | 8 or more letters and digits |
//! | WooCommerce | `ck_` `cs_` | 32 or more hex digits |
//! | Stripe, webhooks | `sk_live_` `rk_live_` `whsec_` | 8 or more letters and digits |
//! | GitHub | `ghp_` `gho_` `ghu_` `ghs_` `ghr_` `github_pat_` | 20 or more letters, digits and `_` |
//! | GitLab | `glpat-` | 16 or more letters, digits, `_` and `-` |
//! | AWS | `AKIA` `ASIA` | 16 capital letters and digits |
//! | Google | `AIza` | 30 or more letters, digits, `_` and `-` |
//! | Slack | `xoxb-` `xoxp-` `xoxa-` `xoxr-` `xoxs-` | 10 or more letters, digits and `-` |
//! | Vault | `hvs.` | 20 or more letters, digits, `_` and `-` |
//! | JSON web tokens | `eyJhbGciOi` | two dots, and letters, digits, `_` and `-` |
//! | private keys | `-----BEGIN` | `PRIVATE KEY-----` on that line |

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

struct Form {
    begins: &'static str,
    /// What follows: which characters, and at least how many of them.
    takes: fn(u8) -> bool,
    least: usize,
    /// Nothing else begins so: a whole text that does is one, whatever follows.
    is_sure: bool,
}

const fn form(begins: &'static str, takes: fn(u8) -> bool, least: usize) -> Form {
    Form { begins, takes, least, is_sure: false }
}

const fn sure(begins: &'static str) -> Form {
    Form { is_sure: true, ..form(begins, plain, 8) }
}

const FORMS: [Form; 26] = [
    sure("shpat_"),
    sure("shpca_"),
    sure("shppa_"),
    sure("shpss_"),
    sure("shprt_"),
    form("ck_", hex, 32),
    form("cs_", hex, 32),
    sure("sk_live_"),
    sure("rk_live_"),
    sure("whsec_"),
    form("ghp_", plain, 20),
    form("gho_", plain, 20),
    form("ghu_", plain, 20),
    form("ghs_", plain, 20),
    form("ghr_", plain, 20),
    form("github_pat_", word, 20),
    form("glpat-", dashed, 16),
    form("AKIA", capital, 16),
    form("ASIA", capital, 16),
    form("AIza", dashed, 30),
    form("xoxb-", dashed, 10),
    form("xoxp-", dashed, 10),
    form("xoxa-", dashed, 10),
    form("xoxr-", dashed, 10),
    form("xoxs-", dashed, 10),
    form("hvs.", dashed, 20),
];

/// These end otherwise.
const WEB_TOKEN: &str = "eyJhbGciOi";
const KEY: &str = "-----BEGIN";

fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn word(byte: u8) -> bool {
    plain(byte) || byte == b'_'
}

fn dashed(byte: u8) -> bool {
    word(byte) || byte == b'-'
}

/// With what credentials begin.
fn beginnings() -> impl Iterator<Item = &'static str> {
    FORMS.iter().map(|form| form.begins).chain([WEB_TOKEN, KEY])
}

/// Whether a whole text has the form of a known kind of credential.
#[must_use]
pub fn has_shape(text: &str) -> bool {
    // Nearly all texts are told from a credential by their first letter.
    let begins = |text: &str| {
        matches!(
            text.as_bytes().first(),
            Some(b's' | b'w' | b'e' | b'-' | b'c' | b'g' | b'r' | b'A' | b'x' | b'h')
        )
    };
    let is_blank_before = text.bytes().next().is_some_and(|byte| !byte.is_ascii_graphic());
    if !is_blank_before && !begins(text) {
        return false;
    }
    let text = text.trim();
    if !begins(text) {
        return false;
    }
    let sure = FORMS.iter().filter(|form| form.is_sure).map(|form| form.begins).chain([WEB_TOKEN, KEY]);
    let is_begun = |begins: &str| text.strip_prefix(begins).is_some_and(|rest| rest.len() >= 8);
    sure.into_iter().any(is_begun) || find(text).first().is_some_and(|range| range.start == 0)
}

/// Where a text has the beginning of a credential, whatever follows it, in the order of the places.
pub fn begun(text: &str) -> impl Iterator<Item = usize> + use<'_> {
    let mut found: Vec<usize> = BEGINNINGS
        .iter()
        .flat_map(|all| all.find_overlapping_iter(text))
        .map(|found| found.start())
        .collect();
    found.sort_unstable();
    found.into_iter()
}

static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(beginnings()).ok());

/// Where credentials stand in a text, in the order of their places.
#[must_use]
pub fn find(text: &str) -> Vec<Range<usize>> {
    let Some(beginnings) = &*BEGINNINGS else { return Vec::new() };
    let bytes = text.as_bytes();
    let begun = beginnings.find_iter(bytes).filter(|found| {
        // Within a word it is part of a name.
        begins_anew(&bytes[..found.start()])
    });
    begun
        .filter_map(|found| {
            let rest = &bytes[found.end()..];
            let length = match FORMS.get(found.pattern().as_usize()) {
                Some(form) => body(rest, form)?,
                None if found.start() + WEB_TOKEN.len() == found.end() && bytes[found.start()] == b'e' => {
                    let mut length = run(rest, |byte| dashed(byte) || byte == b'.');
                    while length > 0 && rest[length - 1] == b'.' {
                        length -= 1;
                    }
                    (rest[..length].iter().filter(|byte| **byte == b'.').count() == 2).then_some(length)?
                }
                None => {
                    let line = &text[found.end()..];
                    let line = &line[..line.find('\n').unwrap_or(line.len())];
                    line.find("PRIVATE KEY-----")? + "PRIVATE KEY-----".len()
                }
            };
            Some(found.start()..found.end() + length)
        })
        .collect()
}

/// Whether a word begins after this: the letter before may be the end of an escape, or of what colours a terminal.
fn begins_anew(before: &[u8]) -> bool {
    if before.last().is_none_or(|byte| !word(*byte)) {
        return true;
    }
    let ends_with = |mark: &[u8], length: usize, fits: fn(u8) -> bool| {
        let tail = before.len().checked_sub(mark.len() + length).and_then(|start| before.get(start..));
        tail.is_some_and(|tail| tail.starts_with(mark) && tail[mark.len()..].iter().all(|byte| fits(*byte)))
    };
    let colour = || {
        let inside = before[..before.len() - 1]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b';');
        let length = inside.count();
        before.ends_with(b"m") && before[..before.len() - 1 - length].ends_with(b"\x1b[")
    };
    ends_with(b"\\", 1, |byte| b"nrtbf".contains(&byte))
        || ends_with(b"\\u", 4, hex)
        || ends_with(b"%", 2, hex)
        || colour()
}

/// A text as it is let out: stars stand for each credential in it.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let found = find(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = text.to_owned();
    for range in found {
        let stars = "*".repeat(range.len());
        masked.replace_range(range, &stars);
    }
    Cow::Owned(masked)
}

/// How long what follows a beginning is, where it is no placeholder: those repeat one character, or are a word.
fn body(rest: &[u8], form: &Form) -> Option<usize> {
    let length = run(rest, form.takes);
    let body = &rest[..length];
    let is_random = body.iter().any(u8::is_ascii_digit) && body.iter().any(|byte| *byte != body[0]);
    (length >= form.least && is_random).then_some(length)
}

fn run(bytes: &[u8], takes: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| takes(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_found_and_what_only_looks_like_it_is_not() {
        let hex = "0123456789abcdef0123456789abcdef01234567";
        for token in [
            format!("shpat_{}", &hex[..32]),
            format!("ck_{hex}"),
            format!("sk_live_{}", &hex[..24]),
            format!("ghp_{}", &hex[..36]),
            format!("github_pat_11A_{hex}"),
            format!("glpat-{}", &hex[..20]),
            "AKIA0123456789ABCDEF".to_owned(),
            format!("AIza{}", &hex[..35]),
            format!("xoxb-{}-abc", &hex[..12]),
            format!("hvs.{}", &hex[..24]),
            format!("{WEB_TOKEN}JIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", &hex[..20]),
            format!("{KEY} RSA PRIVATE KEY-----"),
        ] {
            let text = format!("å: \"{token}\" # {token}.\n");
            let found: Vec<&str> = find(&text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, [&*token, &*token], "{text}");
            assert!(find(&format!("x{token}")).is_empty() || token.starts_with('-'), "{token}");
            for before in ["\\n", "\\t", "\\u0085", "%20", "\u{1b}[1;32m", "\u{1b}[0m", "é", ""] {
                let text = format!("{before}{token} {before}");
                assert_eq!(
                    masked(&text),
                    format!("{before}{} {before}", "*".repeat(token.len())),
                    "{before:?}"
                );
            }
        }
        for harmless in [
            "shpat_…",
            "shpat_xxxxxxxxxxxxxxxx",
            "shpat_production",
            "sk_live_token1",
            "ck_0123456789",
            "the keys begin with AKIA",
            "AKIAAAAAAAAAAAAAAAAA",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN\nPRIVATE KEY-----",
            "eyJhbGciOiJIUzI1NiJ9",
        ] {
            assert!(find(harmless).is_empty(), "{harmless}");
        }
    }
}
