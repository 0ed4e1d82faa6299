//! Whose signatures of plans and commits count: the lines of a file of allowed signers, as `ssh-keygen` reads them, and keys of
//! OpenPGP by their fingerprints. Nothing is signed or checked here.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ssh_key::PublicKey;

/// What is asked of plans that are applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signatures {
    /// Only plans are applied that one of the signers signed.
    pub required: bool,
    pub signers: Vec<Signer>,
}

/// One line: who signs with which key, for what, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Names, such as addresses.
    pub principals: Vec<String>,
    /// What the key may sign, as patterns; anything where none is named.
    pub namespaces: Vec<String>,
    pub valid_after: Option<Timestamp>,
    pub valid_before: Option<Timestamp>,
    /// As it was written.
    pub line: String,
    key: Key,
}

/// A key that signs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Ssh(Box<PublicKey>),
    /// Its fingerprint, in capitals.
    OpenPgp(String),
}

impl Key {
    /// A key of SSH as OpenSSH writes it, or the fingerprint of one of OpenPGP.
    fn read(text: &str) -> Option<Self> {
        let is_fingerprint =
            matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_fingerprint {
            return Some(Key::OpenPgp(text.to_ascii_uppercase()));
        }
        Some(Key::Ssh(Box::new(PublicKey::from_openssh(text).ok()?)))
    }

    fn is_same(&self, other: &Key) -> bool {
        match (self, other) {
            (Key::Ssh(one), Key::Ssh(other)) => one.key_data() == other.key_data(),
            (Key::OpenPgp(one), Key::OpenPgp(other)) => one == other,
            _ => false,
        }
    }
}

/// Why a line names no signer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    #[error(
        "a line is PRINCIPALS [OPTIONS] KEYTYPE KEY, as in an allowed_signers file of SSH, or PRINCIPALS [OPTIONS] openpgp FINGERPRINT"
    )]
    NoLine,
    #[error("the key of {0} cannot be read")]
    NoKey(String),
    #[error(
        "the option `{0}` is not known; there are namespaces=\"…\", valid-after=\"…\" and valid-before=\"…\""
    )]
    Option(String),
    #[error("`{0}` is no time: write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS (in UTC)")]
    Time(String),
    #[error("certificates are not taken: name the key that signs")]
    Certificate,
}

/// The kind of a key in a line, where it is one of OpenPGP.
const OPENPGP: &str = "openpgp";

impl Signatures {
    /// The names of those who sign with a key now, by what they sign; none where it is nobody's.
    #[must_use]
    pub fn who(&self, key: &str, namespace: &str, now: Timestamp) -> Vec<&str> {
        let Some(key) = Key::read(key) else { return Vec::new() };
        let signers = self.signers.iter().filter(|signer| {
            signer.key.is_same(&key)
                && (signer.namespaces.is_empty()
                    || signer.namespaces.iter().any(|pattern| is_like(pattern, namespace)))
                && signer.valid_after.is_none_or(|from| from <= now)
                && signer.valid_before.is_none_or(|until| now < until)
        });
        signers.flat_map(|signer| signer.principals.iter().map(String::as_str)).collect()
    }

    /// The signers of a file; empty lines and comments are passed by.
    ///
    /// # Errors
    /// The number of the first line that names none, and why.
    pub fn read(text: &str) -> Result<Vec<Signer>, (usize, SignerError)> {
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines.map(|(at, line)| line.parse().map_err(|error| (at, error))).collect()
    }
}

impl FromStr for Signer {
    type Err = SignerError;

    fn from_str(line: &str) -> Result<Self, SignerError> {
        let mut words = words(line).into_iter();
        let principals = words.next().ok_or(SignerError::NoLine)?;
        let mut next = words.next().ok_or(SignerError::NoLine)?;
        let principals: Vec<String> = principals
            .trim_matches('"')
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let name = principals.first().cloned().ok_or(SignerError::NoLine)?;
        let mut options = Vec::new();
        // Kinds of keys are known by their dash; no option begins with one of these words.
        let is_kind = |word: &str| {
            word == OPENPGP || ["ssh-", "ecdsa-", "sk-", "rsa-"].iter().any(|kind| word.starts_with(kind))
        };
        if !is_kind(&next) {
            options = parts(&next);
            next = words.next().ok_or(SignerError::NoLine)?;
        }
        let key = words.next().ok_or(SignerError::NoLine)?;
        if next.contains("-cert-") {
            return Err(SignerError::Certificate);
        }
        let is_openpgp = next == OPENPGP;
        let key = if is_openpgp { key } else { format!("{next} {key}") };
        let key = Key::read(&key).filter(|key| is_openpgp == matches!(key, Key::OpenPgp(_)));
        let key = key.ok_or(SignerError::NoKey(name))?;
        let mut signer = Signer {
            principals,
            namespaces: Vec::new(),
            valid_after: None,
            valid_before: None,
            line: line.to_owned(),
            key,
        };
        for option in options {
            let (what, value) = option.split_once('=').unwrap_or((&option, ""));
            let value = value.trim_matches('"');
            match what.to_ascii_lowercase().as_str() {
                "namespaces" => signer.namespaces = value.split(',').map(str::to_owned).collect(),
                "valid-after" => signer.valid_after = Some(time(value)?),
                "valid-before" => signer.valid_before = Some(time(value)?),
                "cert-authority" => return Err(SignerError::Certificate),
                _ => return Err(SignerError::Option(what.to_owned())),
            }
        }
        Ok(signer)
    }
}

/// Words at blanks that stand in no quotation marks.
fn words(line: &str) -> Vec<String> {
    split(line, |one| one == ' ' || one == '\t')
}

/// Options at commas that stand in no quotation marks.
fn parts(options: &str) -> Vec<String> {
    split(options, |one| one == ',')
}

fn split(text: &str, is_between: impl Fn(char) -> bool) -> Vec<String> {
    let (mut all, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for one in text.chars() {
        is_quoted ^= one == '"';
        if is_between(one) && !is_quoted {
            all.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        } else {
            word.push(one);
        }
    }
    all.extend((!word.is_empty()).then_some(word));
    all
}

/// A moment as `ssh-keygen` writes it; in UTC, whether it says so or not, as a pipeline has no time zone of its own.
fn time(text: &str) -> Result<Timestamp, SignerError> {
    let wrong = || SignerError::Time(text.to_owned());
    let digits = text.strip_suffix('Z').unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole = match digits.len() {
        8 => format!("{digits}000000"),
        12 => format!("{digits}00"),
        14 => digits.to_owned(),
        _ => return Err(wrong()),
    };
    let moment = DateTime::strptime("%Y%m%d%H%M%S", &whole).map_err(|_| wrong())?;
    Ok(moment.to_zoned(TimeZone::UTC).map_err(|_| wrong())?.timestamp())
}

/// Whether a text is as a pattern with `*` and `?` says.
fn is_like(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) if is_like(&pattern[1..], text) => true,
        (Some('*'), Some(one)) => is_like(pattern, &text[one.len_utf8()..]),
        (Some('?'), Some(one)) => is_like(&pattern[1..], &text[one.len_utf8()..]),
        (Some(wanted), Some(one)) if wanted == one => {
            is_like(&pattern[one.len_utf8()..], &text[one.len_utf8()..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn who(line: &str, namespace: &str, at: &str) -> Vec<String> {
        let signatures = Signatures { required: true, signers: Signatures::read(line).unwrap() };
        signatures.who(KEY, namespace, at.parse().unwrap()).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_says_who_signs_with_a_key_for_what_and_when() {
        let at = "2026-11-29T10:00:00Z";
        for (options, namespace, expected) in [
            ("", "pairform-plan", true),
            ("namespaces=\"pairform-plan\" ", "pairform-plan", true),
            ("namespaces=\"git,pairform-*\" ", "pairform-plan", true),
            ("namespaces=\"git\" ", "pairform-plan", false),
            ("valid-after=\"20261129\" ", "pairform-plan", true),
            ("valid-after=\"202611291001Z\" ", "pairform-plan", false),
            ("valid-before=\"20261129100001\",namespaces=\"*\" ", "pairform-plan", true),
            ("valid-before=\"20261129100000\" ", "pairform-plan", false),
        ] {
            let line = format!("# a comment\n\nann@example.com,bo@example.com {options}{KEY} a laptop\n");
            let names = if expected { vec!["ann@example.com", "bo@example.com"] } else { Vec::new() };
            assert_eq!(who(&line, namespace, at), names, "{options}");
        }
        let fingerprint = "0123456789abcdef0123456789ABCDEF01234567";
        let line = format!("ann namespaces=\"git\" openpgp {fingerprint}");
        let signatures = Signatures { required: true, signers: Signatures::read(&line).unwrap() };
        let whose = |key: &str, of: &str| signatures.who(key, of, at.parse().unwrap()).len();
        assert_eq!(whose(&fingerprint.to_ascii_uppercase(), "git"), 1);
        assert_eq!(
            (whose(fingerprint, "pairform-plan"), whose(&fingerprint.replace('0', "1"), "git")),
            (0, 0)
        );
        assert_eq!(whose(KEY, "git"), 0);
        let other = KEY.replace("LM+rvN", "LM+rvM");
        assert!(who(&format!("ann {other}"), "pairform-plan", at).is_empty());
    }

    #[test]
    fn a_line_that_names_no_signer_is_told_with_its_number() {
        for (line, expected) in [
            ("ann", SignerError::NoLine),
            ("ann ssh-ed25519", SignerError::NoLine),
            ("ann ssh-ed25519 AAAA", SignerError::NoKey("ann".to_owned())),
            ("ann openpgp 01234567", SignerError::NoKey("ann".to_owned())),
            (&format!("ann openpgp {KEY}"), SignerError::NoKey("ann".to_owned())),
            (&format!("ann cert-authority {KEY}"), SignerError::Certificate),
            (&format!("ann no-touch {KEY}"), SignerError::Option("no-touch".to_owned())),
            (&format!("ann valid-after=\"soon\" {KEY}"), SignerError::Time("soon".to_owned())),
            (&format!("ann valid-after=\"20261350\" {KEY}"), SignerError::Time("20261350".to_owned())),
        ] {
            assert_eq!(Signatures::read(&format!("# one\n{line}\n")), Err((2, expected)), "{line}");
        }
    }
}
