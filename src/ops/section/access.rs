//! Who asks, and what he may: roles, rights, and the categories and integrations that a token is for. Tokens themselves are made
//! here and kept by the store as hashes.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use globset::Glob;
use jiff::Timestamp;

use crate::model::{digest_text, hex};
use crate::store::{PERSON, Token};

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Saves categories.
    Editor,
    /// Hands in whole plans.
    Applier,
    /// A sync runtime: reads what it needs, and reports.
    Runtime,
    /// All of it, and tokens.
    Admin,
}

/// What somebody may besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Force,
    Unlock,
    Rename,
    Release,
    Override,
}

macro_rules! words {
    ($kind:ident: $($variant:ident $word:literal),+) => {
        impl $kind {
            /// All, in the order in which they are told.
            pub const ALL: &[$kind] = &[$($kind::$variant),+];

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($kind::$variant => $word),+ }
            }
        }

        impl FromStr for $kind {
            type Err = BadToken;

            fn from_str(text: &str) -> Result<Self, BadToken> {
                match text {
                    $($word => Ok($kind::$variant),)+
                    other => Err(BadToken::Word {
                        what: stringify!($kind).to_ascii_lowercase(),
                        word: other.to_owned(),
                        known: [$($word),+].join(", "),
                    }),
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! { Role: Viewer "viewer", Editor "editor", Applier "applier", Runtime "runtime", Admin "admin" }
words! { Right: Force "force", Unlock "unlock", Rename "rename", Release "release", Override "override" }

/// Why a token cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    #[error("there is no {what} `{word}`; there are {known}")]
    Word { what: String, word: String, known: String },
    #[error("a token is named in 1 to {LONGEST_NAME} characters on one line")]
    Name,
    #[error("`{0}` is no pattern of names: {1}")]
    Pattern(String, String),
    #[error("the token was revoked")]
    Revoked,
    #[error("the token ended at {0}")]
    Ended(String),
    #[error("the system gives no random bytes: {0}")]
    NoRandom(String),
}

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Access {
    /// As the history has him.
    pub name: String,
    role: Role,
    rights: Vec<Right>,
    categories: Names,
    integrations: Names,
    /// When it ends.
    pub until: Option<Timestamp>,
}

impl Access {
    /// What a token gives.
    ///
    /// # Errors
    /// When it is not in force at this moment, or says what this program does not know.
    pub fn of(token: &Token, now: Timestamp) -> Result<Self, BadToken> {
        if token.revoked_at.is_some() {
            return Err(BadToken::Revoked);
        }
        let until = token.expires_at.as_ref().and_then(|end| end.parse::<Timestamp>().ok());
        if let (Some(end), Some(until)) = (&token.expires_at, until)
            && until <= now
        {
            return Err(BadToken::Ended(end.clone()));
        }
        Ok(Access {
            name: token.name.clone(),
            role: token.role.parse()?,
            rights: token.rights.iter().map(|right| right.parse()).collect::<Result<_, _>>()?,
            categories: Names::of(&token.categories)?,
            integrations: Names::of(&token.integrations)?,
            until,
        })
    }

    /// Whoever runs a server, at the machine that it runs on.
    #[must_use]
    pub fn of_operator(name: &str) -> Self {
        Access {
            name: name.to_owned(),
            role: Role::Admin,
            rights: Vec::new(),
            categories: Names::default(),
            integrations: Names::default(),
            until: None,
        }
    }

    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    #[must_use]
    pub fn has(&self, right: Right) -> bool {
        self.role == Role::Admin || self.rights.contains(&right)
    }

    /// Whether something of an integration may be read.
    #[must_use]
    pub fn reads(&self, integration: &str) -> bool {
        self.integrations.take(integration)
    }

    /// Whether a category of an integration may be saved.
    #[must_use]
    pub fn saves(&self, integration: &str, category: &str) -> bool {
        matches!(self.role, Role::Editor | Role::Admin)
            && self.integrations.take(integration)
            && self.categories.take(category)
    }

    /// Whether integrations may be made: whose name and mode somebody may save.
    #[must_use]
    pub fn makes(&self) -> bool {
        matches!(self.role, Role::Editor | Role::Admin) && self.categories.take(crate::model::GENERAL)
    }

    /// Whether the dropdown values of an integration may be fetched anew.
    #[must_use]
    pub fn clears(&self, integration: &str) -> bool {
        matches!(self.role, Role::Editor | Role::Admin) && self.integrations.take(integration)
    }

    /// Whether no integration is kept from whoever it is.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.integrations.0.is_empty()
    }

    /// Whether the plan of an integration, or of all, may be applied: whoever may not save every category of it may not.
    #[must_use]
    pub fn applies(&self, integration: Option<&str>) -> bool {
        let is_for_it = integration.map_or(self.is_everywhere(), |id| self.integrations.take(id));
        matches!(self.role, Role::Applier | Role::Admin) && is_for_it && self.categories.0.is_empty()
    }

    /// Whether plans may be handed in, of the integrations that he may see: whoever may not save every category may not.
    #[must_use]
    pub fn hands_in(&self) -> bool {
        matches!(self.role, Role::Applier | Role::Admin) && self.categories.0.is_empty()
    }

    /// Whether a token is of no more integrations and categories than these: who may see and revoke it.
    #[must_use]
    pub fn covers(&self, token: &Token) -> bool {
        self.integrations.cover(&token.integrations) && self.categories.cover(&token.categories)
    }

    /// Why a token would give more than whoever makes it has; none where it does not.
    #[must_use]
    pub fn gives_more(&self, asked: &TokenAsked) -> Option<String> {
        let more = |of: &str| {
            Some(format!(
                "{} is for some {of} only, and may make tokens for no others: name these, or the patterns of its own token",
                self.name
            ))
        };
        if !self.integrations.cover(&asked.integrations) {
            return more("integrations");
        }
        if !self.categories.cover(&asked.categories) {
            return more("categories");
        }
        let end = self.until?;
        let is_longer = asked.expires_at.is_none_or(|asked| asked > end);
        is_longer.then(|| format!("{} ends at {end}, and may make tokens for no longer", self.name))
    }

    /// Whether syncs of an integration may be reported.
    #[must_use]
    pub fn reports(&self, integration: &str) -> bool {
        matches!(self.role, Role::Runtime | Role::Admin) && self.integrations.take(integration)
    }
}

/// Patterns of names; all where there is none.
#[derive(Debug, Clone, Default)]
struct Names(Vec<globset::GlobMatcher>);

impl Names {
    fn of(patterns: &[String]) -> Result<Self, BadToken> {
        let compiled = patterns.iter().map(|pattern| {
            let glob =
                Glob::new(pattern).map_err(|error| BadToken::Pattern(pattern.clone(), error.to_string()))?;
            Ok(glob.compile_matcher())
        });
        Ok(Names(compiled.collect::<Result<_, BadToken>>()?))
    }

    /// Whether these patterns stand for no name that is not of these: each is one of them, or a name that they take.
    fn cover(&self, patterns: &[String]) -> bool {
        let is_name = |pattern: &str| !pattern.contains(['*', '?', '[', ']', '{', '}', '\\', '!']);
        let is_own = |pattern: &str| self.0.iter().any(|own| own.glob().glob() == pattern);
        let covers = |pattern: &String| is_own(pattern) || (is_name(pattern) && self.take(pattern));
        self.0.is_empty() || (!patterns.is_empty() && patterns.iter().all(covers))
    }

    fn take(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.is_match(name))
    }
}

/// A token as it is asked for.
#[derive(Debug, Clone)]
pub struct TokenAsked {
    pub name: String,
    pub role: Role,
    pub rights: Vec<Right>,
    pub categories: Vec<String>,
    pub integrations: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

/// In characters: names stand in every history.
const LONGEST_NAME: usize = 100;

/// What tokens begin with, so that scanners of leaked credentials know them.
const PREFIX: &str = "pairform_";

/// Makes a token: the secret text, which is told once, and what is kept of it.
///
/// # Errors
/// When its name is none, a pattern is none, or the system gives no random bytes.
pub fn make_token(asked: &TokenAsked, at: &str, by: &str) -> Result<(String, Token), BadToken> {
    let fits = !asked.name.trim().is_empty() && asked.name.chars().count() <= LONGEST_NAME;
    if !fits || asked.name.chars().any(char::is_control) {
        return Err(BadToken::Name);
    }
    Names::of(&asked.categories)?;
    Names::of(&asked.integrations)?;
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| BadToken::NoRandom(error.to_string()))?;
    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let token = Token {
        name: asked.name.clone(),
        hash: hash_token(&secret),
        role: asked.role.to_string(),
        rights: asked.rights.iter().map(Right::to_string).collect(),
        categories: asked.categories.clone(),
        integrations: asked.integrations.clone(),
        expires_at: asked.expires_at.map(|end| end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        made_at: at.to_owned(),
        made_by: by.to_owned(),
        revoked_at: None,
        revoked_by: None,
    };
    Ok((secret, token))
}

/// By which the store finds a token. Of 256 random bits, so that nobody learns one from how long a comparison takes.
#[must_use]
pub fn hash_token(secret: &str) -> String {
    digest_text(secret)
}

/// A name for what was asked twice: whose, and by which key.
#[must_use]
pub(super) fn key_of(access: &Access, key: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    hash.update(access.name.len().to_be_bytes());
    hash.update(&access.name);
    hash.update(key);
    format!("{PERSON}key:{}", hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> TokenAsked {
        TokenAsked {
            name: "karin".to_owned(),
            role: Role::Editor,
            rights: vec![Right::Override],
            categories: vec!["invoice".to_owned(), "payment_*".to_owned()],
            integrations: vec!["nordic-*".to_owned()],
            expires_at: Some("2027-01-01T00:00:00Z".parse().unwrap()),
        }
    }

    #[test]
    fn a_token_says_what_it_is_for_and_until_when() {
        let (secret, token) = make_token(&asked(), "2026-11-29T00:00:00Z", "ann").unwrap();
        assert!(
            secret.starts_with("pairform_") && secret.len() > 50 && !format!("{token:?}").contains(&secret)
        );
        assert_eq!(hash_token(&secret), token.hash);
        let access = Access::of(&token, "2026-12-31T23:59:59Z".parse().unwrap()).unwrap();
        assert!(access.saves("nordic-outdoor", "payment_methods") && access.has(Right::Override));
        for (integration, category) in [("other", "invoice"), ("nordic-outdoor", "stock")] {
            assert!(!access.saves(integration, category), "{integration} {category}");
        }
        assert!(!access.reads("other") && !access.reports("nordic-outdoor") && !access.has(Right::Force));
        let ended = Access::of(&token, "2027-01-01T00:00:00Z".parse().unwrap());
        assert!(matches!(ended, Err(BadToken::Ended(_))));
        let revoked = Token { revoked_at: Some("2026-11-30T00:00:00Z".to_owned()), ..token };
        assert!(matches!(
            Access::of(&revoked, "2026-12-01T00:00:00Z".parse().unwrap()),
            Err(BadToken::Revoked)
        ));
    }

    #[test]
    fn whoever_is_limited_gives_no_more_than_he_has() {
        let (_, token) = make_token(&TokenAsked { role: Role::Admin, ..asked() }, "", "").unwrap();
        let access = Access::of(&token, "2026-12-01T00:00:00Z".parse().unwrap()).unwrap();
        let of = |integrations: &[&str], categories: &[&str], end: &str| TokenAsked {
            integrations: integrations.iter().map(|name| (*name).to_owned()).collect(),
            categories: categories.iter().map(|name| (*name).to_owned()).collect(),
            expires_at: end.parse().ok(),
            ..asked()
        };
        let (own, end) = (["invoice", "payment_*"].as_slice(), "2027-01-01T00:00:00Z");
        for (integrations, categories, end, is_given) in [
            (["nordic-*"].as_slice(), own, end, true),
            (&["nordic-outdoor"], &["payment_methods"], "2026-12-02T00:00:00Z", true),
            (&[], own, end, false),
            (&["*"], own, end, false),
            (&["nordic-*", "other"], own, end, false),
            (&["nordic-[a-z]*"], own, end, false),
            (&["{nordic-a,other}"], own, end, false),
            (&["nordic-*"], &[], end, false),
            (&["nordic-*"], &["stock"], end, false),
            (&["nordic-*"], own, "2027-01-01T00:00:01Z", false),
            (&["nordic-*"], own, "", false),
        ] {
            let wanted = of(integrations, categories, end);
            assert_eq!(access.gives_more(&wanted).is_none(), is_given, "{wanted:?}");
            let (_, made) = make_token(&wanted, "", "").unwrap();
            assert_eq!(
                access.covers(&made),
                is_given || !end.starts_with("2027-01-01T00:00:00"),
                "{wanted:?}"
            );
            assert!(Access::of_operator("ann").gives_more(&wanted).is_none());
        }
    }

    #[test]
    fn what_is_not_known_gives_nothing() {
        let (_, token) = make_token(&asked(), "", "").unwrap();
        let now = "2026-12-01T00:00:00Z".parse().unwrap();
        assert!(Access::of(&Token { role: "owner".to_owned(), ..token.clone() }, now).is_err());
        assert!(Access::of(&Token { rights: vec!["fly".to_owned()], ..token.clone() }, now).is_err());
        for name in ["", " ", "a\nb", &"x".repeat(101)] {
            let wrong = TokenAsked { name: name.to_owned(), ..asked() };
            assert_eq!(make_token(&wrong, "", "").unwrap_err(), BadToken::Name, "{name}");
        }
        assert!(make_token(&TokenAsked { categories: vec!["[".to_owned()], ..asked() }, "", "").is_err());
    }
}
