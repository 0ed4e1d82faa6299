//! What a credential is called, and where in an address one stands. Not here: what one looks like (`compile::check::secrets`).

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{Secret, SettingPath, Value};

/// What the keys of credentials hold, each with its letters.
const WORDS: [(&[u8], u32); 11] = [
    with_letters(b"token"),
    with_letters(b"secret"),
    with_letters(b"password"),
    with_letters(b"passwd"),
    with_letters(b"private_key"),
    with_letters(b"api_key"),
    with_letters(b"apikey"),
    with_letters(b"privatekey"),
    with_letters(b"consumer_key"),
    with_letters(b"consumerkey"),
    with_letters(b"credential"),
];

/// What a credential's word may be grown together with and stay one: `tokens`, `secretkey`.
const GROWN: [&str; 5] = ["", "s", "key", "value", "hash"];

/// A key that goes on with one of these after a credential's word says something about it, and is none: `token_count`.
const ABOUT: [&str; 16] = [
    "url",
    "uri",
    "endpoint",
    "count",
    "counts",
    "policy",
    "policies",
    "type",
    "expiry",
    "expires",
    "expiration",
    "lifetime",
    "ttl",
    "length",
    "required",
    "enabled",
];

const fn with_letters(word: &[u8]) -> (&[u8], u32) {
    (word, letters(word))
}

/// A bit for each letter of a text, large or small.
const fn letters(text: &[u8]) -> u32 {
    let (mut bits, mut at) = (0, 0);
    while at < text.len() {
        let letter = (text[at] | 0x20).wrapping_sub(b'a');
        if letter < 26 {
            bits |= 1 << letter;
        }
        at += 1;
    }
    bits
}

/// Whether a text is a reference to a secret: `env/NAME`, `file/PATH`, `exec/NAME` or `vault/MOUNT/PATH#KEY`.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    let plain = ["env/", "file/", "exec/"]
        .iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    let in_vault = |rest: &str| {
        rest.split_once('#').is_some_and(|(path, key)| {
            // `..` would lead to another path than the one that is allowed.
            let is_name = |name: &str| !matches!(name, "" | "." | "..");
            path.contains('/') && path.split('/').all(is_name) && !key.is_empty()
        })
    };
    plain || text.strip_prefix("vault/").is_some_and(in_vault)
}

/// The reference in a text such as `{secret: env/NAME}`, which is one that quotes keep from being read as a map.
#[must_use]
pub fn reference_in_braces(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let reference = inner.strip_prefix("secret:")?.trim().trim_matches(['"', '\'']);
    // More than a name or a path may hide something behind it.
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '#');
    (is_reference(reference) && reference.chars().all(plain)).then_some(reference)
}

/// Whether a key is called as credentials are. Asked of every key: most lack a letter of each word.
#[must_use]
pub fn sounds_secret(key: &str) -> bool {
    let fold = |byte: &u8| if matches!(byte, b'-' | b' ') { b'_' } else { byte.to_ascii_lowercase() };
    let same = |one: &[u8], word: &[u8]| one.iter().map(fold).eq(word.iter().copied());
    let bytes = key.as_bytes();
    let has = letters(bytes);
    let holds = |(word, needs): &(&[u8], u32)| {
        needs & !has == 0 && bytes.windows(word.len()).any(|part| same(part, word))
    };
    WORDS.iter().any(holds) && has_word_of_credential(key)
}

/// Whether one of the words of a key is what a credential is called: `secret` is, `secretary` is another word.
fn has_word_of_credential(key: &str) -> bool {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for c in key.chars() {
        let begins = before.is_none_or(|before: char| {
            !before.is_alphanumeric() || (before.is_lowercase() && c.is_uppercase())
        });
        before = Some(c);
        if !c.is_alphanumeric() {
            continue;
        }
        if begins {
            words.push(String::new());
        }
        words.iter_mut().next_back().into_iter().for_each(|word| word.extend(c.to_lowercase()));
    }
    let words: Vec<&str> =
        words.iter().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
    let one = |word: &str| {
        let known =
            ["token", "secret", "password", "passwd", "apikey", "privatekey", "consumerkey", "credential"];
        // Other words may be grown together with it: `accesstoken`, `dbpassword`.
        known
            .iter()
            .any(|known| word.rfind(known).is_some_and(|at| GROWN.contains(&&word[at + known.len()..])))
    };
    let two = |pair: &[&str]| matches!(pair, [first, "key" | "keys"] if ["api", "private", "consumer"].iter().any(|known| first.ends_with(known)));
    let last = (0..words.len())
        .rev()
        .find(|at| one(words[*at]) || words.get(at.wrapping_sub(1)..=*at).is_some_and(two));
    last.is_some_and(|at| !words[at + 1..].last().is_some_and(|word| ABOUT.contains(word)))
}

/// Where words stand that the keys of credentials hold, in the order of the text: a line without one has no such key.
pub fn words_of_keys(text: &str) -> impl Iterator<Item = usize> + use<'_> {
    static ALL: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let words = WORDS.iter().map(|(word, _)| String::from_utf8_lossy(word));
        let spelt = words.flat_map(|word| ["_", "-", " "].map(|joint| word.replace('_', joint)));
        AhoCorasick::builder().ascii_case_insensitive(true).build(spelt).ok()
    });
    ALL.iter().flat_map(move |all| all.find_iter(text)).map(|found| found.start())
}

/// Whether a URL holds a password: before its host, or in its query. It may be written badly, such as `postgres//`.
#[must_use]
pub fn is_in_url(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("//") else { return false };
    let before_host = rest.rsplit_once('@').map_or("", |(before, _)| before);
    let password = before_host.split_once(':').is_some_and(|(_, word)| !word.is_empty());
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let named = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        !value.is_empty() && sounds_secret(&name)
    };
    password || query.split('&').any(named)
}

/// An address as a message may repeat it: without who logs in, and without its query, which may hold a credential. Where it
/// leads stays in sight; of one that can be read in two ways only what comes after the last `@` does.
#[must_use]
pub fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, after) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
    let (login, host) = authority.rsplit_once('@').map_or(("", authority), |(_, host)| ("***@", host));
    let port = if host.ends_with(']') { None } else { host.rsplit_once(':') };
    if port.is_some_and(|(_, port)| port.bytes().any(|byte| !byte.is_ascii_digit())) {
        // What looks like a port is the beginning of a password.
        let host = rest.rsplit_once('@').map_or("", |(_, host)| host);
        let host = host.split(['?', '#']).next().unwrap_or_default();
        return if host.is_empty() { format!("{scheme}://…") } else { format!("{scheme}://***@{host}") };
    }
    let path = after.split(['?', '#']).next().unwrap_or_default();
    if path.contains('@') {
        let name = port.map_or(host, |(name, _)| name);
        return format!("{scheme}://{login}{name}/…");
    }
    let more = if path.len() < after.len() { "?…" } else { "" };
    format!("{scheme}://{login}{host}{path}{more}")
}

/// The password in an address: `scheme://user:PASSWORD@host`, also where the colon before it is missing.
#[must_use]
pub fn password_in(line: &str) -> Option<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?' | '#' | ',' | '}');
    line.match_indices("//").find_map(|(at, mark)| {
        let start = at + mark.len();
        let authority = &line[start..];
        let authority = &authority[..authority.find(ends).unwrap_or(authority.len())];
        let (login, _) = authority.rsplit_once('@')?;
        let (user, password) = login.split_once(':')?;
        let start = start + user.len() + 1;
        (!password.is_empty()).then(|| start..start + password.len())
    })
}

/// What stands for a credential that somebody wrote into a store in the open, so that nothing shows it or saves it again.
const IN_THE_OPEN: &str = "written in the open, not shown";

/// Takes what is no reference out of the places where connections hold credentials.
pub fn hide(path: &SettingPath, value: &mut Value) {
    let [_, connections, _, field] = path.segments() else { return };
    let is_place = &**connections == "connections" && sounds_secret(field);
    if is_place && !matches!(value, Value::Secret(_) | Value::Null) {
        *value = Value::Secret(Secret { reference: IN_THE_OPEN.to_owned(), fingerprint: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_credentials_and_with_the_host_that_it_leads_to() {
        for (url, expected) in [
            ("https://shop.example.com/a/b", "https://shop.example.com/a/b"),
            ("https://shop.example.com:8443", "https://shop.example.com:8443"),
            ("https://[::1]:8443/x", "https://[::1]:8443/x"),
            ("https://[::1]", "https://[::1]"),
            ("https://{shop}.example.com/x", "https://{shop}.example.com/x"),
            ("https://u:canary@h/x", "https://***@h/x"),
            ("https://u:p@canary@h", "https://***@h"),
            ("https://h/?token=canary", "https://h/?…"),
            ("https://h#canary", "https://h?…"),
            ("https://u:ca/nary@h/x?canary", "https://***@h/x"),
            ("https://u:ca?nary@h", "https://***@h"),
            ("https://u:canary", "https://…"),
            // Another host than the one that it leads to is not put forward.
            ("https://evil.example/@good.example", "https://evil.example/…"),
            ("https://evil.example/?@good.example", "https://evil.example/?…"),
            ("https://evil.example#@good.example", "https://evil.example?…"),
            ("https://evil.example\\@good.example", "https://evil.example/…"),
            ("https://{shop}.evil.example/@good.example", "https://{shop}.evil.example/…"),
            ("https://u:123/canary@h", "https://u/…"),
            ("nordic", "nordic"),
            ("secret env/TOKEN", "secret env/TOKEN"),
        ] {
            assert_eq!(without_login(url), expected, "{url}");
        }
    }

    #[test]
    fn keys_are_judged_by_their_whole_words() {
        for key in [
            "token",
            "access_token",
            "acces_token",
            "accessToken",
            "accesstoken",
            "clientSecret",
            "client-secret",
            "Client Secret",
            "secret_key",
            "secretkey",
            "api_key",
            "apiKey",
            "API-KEY",
            "x-api-key",
            "myapi_key",
            "private_key",
            "db_password2",
            "passwords",
            "password_old",
            "token_1",
            "secret_access_key",
            "credentials",
            "agreement_grant_token",
            "report_password",
        ] {
            assert!(sounds_secret(key), "{key}");
        }
        for key in [
            "secretary",
            "token_count",
            "tokenizer",
            "password_policy",
            "token_url",
            "access_token_url",
            "monkey",
            "api_version",
            "key",
            "credentialed",
            "secret_type",
            "",
            "å",
        ] {
            assert!(!sounds_secret(key), "{key}");
        }
    }

    #[test]
    fn a_password_is_found_wherever_in_a_url_it_stands() {
        for (url, expected) in [
            ("postgres://u:secret@h/db", true),
            ("postgres://u:se@cr/et@h/db", true),
            ("postgres://:secret@h/db", true),
            ("postgres://u@h/db?password=secret", true),
            ("postgres://u@h/db?a=b&PASSWORD=secret", true),
            ("postgres://u@h/db?%70assword=secret", true),
            ("postgres://u@h/db?sslpassword=secret", true),
            ("https://u:secret@configure.example.com", true),
            ("https://configure.example.com/?access_token=secret", true),
            ("postgres://u@h:5432/db?schema=team", false),
            ("postgres://u:@h/db", false),
            ("postgres://[::1]:5432/db", false),
            ("postgres://h:5432/db?password=", false),
            ("sqlite:a:b@c.db", false),
        ] {
            assert_eq!(is_in_url(url), expected, "{url}");
        }
    }
}
