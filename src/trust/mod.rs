//! What is allowed from outside: where a credential may go, which secrets may be read, which stores may be opened and which
//! programs may run. *Outside* is what a branch cannot write: flags, variables, the policy file, and what a person answered.
//!
//! Pure data and its judgement. Where the lines come from is read by `ops::policy_file` and `cli::trust`; who is asked is the door's matter; what is
//! allowed is obeyed by `secrets`, `options::fetch` and `ops::places`, which are given this when they are made.

mod line;
mod need;
mod signatures;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

pub use line::{Line, LineError, Pattern};
pub use need::{Endpoint, HTTPS, Need, POSTGRES};
pub use signatures::{Signatures, Signer, SignerError};

/// What is allowed in this run.
#[derive(Debug, Default)]
pub struct Trust {
    /// Nothing is used but the files themselves: no secret, store, platform or program.
    pub is_untrusted: bool,
    grants: Vec<Grant>,
    /// What the tips of approved refs name, each as the environment that it was read as.
    learned: RwLock<BTreeMap<(String, Option<String>), Tip>>,
    /// What a person allowed while this ran, as good as a line.
    answered: RwLock<BTreeSet<Need>>,
}

/// What an approved ref named when it was read.
#[derive(Debug, Default)]
struct Tip {
    /// None where it could not be read.
    commit: Option<String>,
    needs: BTreeSet<Need>,
}

/// A line, and who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub line: Line,
    pub from: Origin,
}

/// Where a line comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A line of the policy file.
    Policy { file: PathBuf, line: usize },
    /// `--allow` or `PAIRFORM_ALLOW`.
    Given,
    /// The store that the caller named.
    Store,
    /// The Vault that the environment names.
    Vault,
    /// A person's answer, kept in this file.
    Answer(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Policy { file, line } => write!(f, "{}:{line}", file.display()),
            Origin::Given => f.write_str("--allow or PAIRFORM_ALLOW"),
            Origin::Store => f.write_str("--store or PAIRFORM_STORE"),
            Origin::Vault => f.write_str("VAULT_ADDR"),
            Origin::Answer(file) => write!(f, "an answer, kept in {}", file.display()),
        }
    }
}

/// Why something is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// Nothing of its kind is used in this run.
    Untrusted,
    /// No line allows it; this one would.
    NoLine(Line),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::Untrusted => f.write_str("this run is untrusted, and uses nothing but the files"),
            Denied::NoLine(line) => write!(f, "it is not allowed here; the line `{line}` would allow it"),
        }
    }
}

impl Trust {
    #[must_use]
    pub fn new(is_untrusted: bool, grants: Vec<Grant>) -> Self {
        Trust { is_untrusted, grants, ..Trust::default() }
    }

    /// Everything that is allowed by a line, in the order in which the lines were given.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Whether the tip of a ref says what is allowed, too.
    #[must_use]
    pub fn has_approved(&self) -> bool {
        self.grants.iter().any(|grant| matches!(grant.line, Line::Approved(_)))
    }

    /// The refs whose tips say what is allowed.
    pub fn approved(&self) -> impl Iterator<Item = &str> {
        self.grants.iter().filter_map(|grant| match &grant.line {
            Line::Approved(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The same lines, where a branch is approved that is read from another ref; nothing of what was learned.
    #[must_use]
    pub fn reading(&self, branch: &[String], from: &str) -> Self {
        let mut grants = self.grants.clone();
        for grant in &mut grants {
            if let Line::Approved(name) = &mut grant.line
                && branch.contains(name)
            {
                from.clone_into(name);
            }
        }
        Trust::new(self.is_untrusted, grants)
    }

    /// Whether something was learned from a tip, which may have moved since.
    #[must_use]
    pub fn has_learned(&self) -> bool {
        !self.learned.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether it is known what an approved ref names whose tip is this commit.
    #[must_use]
    pub fn knows(&self, name: &str, environment: Option<&str>, commit: &str) -> bool {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        let tip = learned.get(&(name.to_owned(), environment.map(str::to_owned)));
        tip.is_some_and(|tip| tip.commit.as_deref() == Some(commit))
    }

    /// Whether something is allowed by the lines, or was while this ran.
    ///
    /// # Errors
    /// Why it is not.
    pub fn judge(&self, need: &Need) -> Result<(), Denied> {
        if self.is_untrusted {
            return Err(Denied::Untrusted);
        }
        let learned = || {
            let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
            learned.values().any(|tip| tip.needs.contains(need))
        };
        if self.is_free(need) || self.is_named(need) || learned() {
            Ok(())
        } else {
            Err(Denied::NoLine(Line::of(need)))
        }
    }

    /// The line that allows something.
    #[must_use]
    pub fn grant_for(&self, need: &Need) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.line.allows(need))
    }

    /// Whether something is allowed without a line.
    #[must_use]
    pub fn is_free(&self, need: &Need) -> bool {
        !self.is_untrusted && need.is_usual() && !self.narrows(need)
    }

    /// A person allowed it.
    pub fn answer(&self, need: &Need) {
        self.answered.write().unwrap_or_else(PoisonError::into_inner).insert(need.clone());
    }

    /// Whether a line or a person's answer names it; what an approved ref names is less.
    #[must_use]
    pub fn is_named(&self, need: &Need) -> bool {
        let is_answered = || self.answered.read().unwrap_or_else(PoisonError::into_inner).contains(need);
        !self.is_untrusted && (self.grant_for(need).is_some() || is_answered())
    }

    /// From now on an approved ref allows what its tip names, and no more what a former one did; nothing where it cannot be read.
    pub fn learn(&self, name: &str, environment: Option<&str>, commit: Option<&str>, needs: BTreeSet<Need>) {
        let tip = Tip { commit: commit.map(str::to_owned), needs };
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        learned.insert((name.to_owned(), environment.map(str::to_owned)), tip);
    }

    /// Whether an approved ref could not be read the last time.
    #[must_use]
    pub fn is_unread(&self, name: &str, environment: Option<&str>) -> bool {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        let tip = learned.get(&(name.to_owned(), environment.map(str::to_owned)));
        tip.is_some_and(|tip| tip.commit.is_none())
    }

    /// Whether a line allows a server without TLS.
    #[must_use]
    pub fn is_plain(&self, server: &Need) -> bool {
        self.grants.iter().any(|grant| grant.line.is_plain() && grant.line.allows(server))
    }

    /// The variables that a program may see; `None` where no line allows it.
    #[must_use]
    pub fn variables_of(&self, command: &[String]) -> Option<&[String]> {
        let need = Need::Program(command.to_vec());
        self.grants.iter().find_map(|grant| match &grant.line {
            Line::Program { variables, .. } if grant.line.allows(&need) => Some(variables.as_slice()),
            _ => None,
        })
    }

    /// Lines about secrets make those the only ones.
    fn narrows(&self, need: &Need) -> bool {
        let is_about = |line: &Line| match need {
            Need::Secret(_) => matches!(line, Line::Secret(_)),
            Need::File { .. } => matches!(line, Line::Secret(_) | Line::File(_)),
            _ => false,
        };
        self.grants.iter().any(|grant| is_about(&grant.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(lines: &[&str]) -> Trust {
        let grant = |line: &&str| Grant { line: line.parse().unwrap(), from: Origin::Given };
        Trust::new(false, lines.iter().map(grant).collect())
    }

    fn host(connector: &str, host: &str, port: u16) -> Need {
        Need::Host { connector: connector.to_owned(), at: Endpoint::new(host, port), path: None }
    }

    fn database(host: &str, port: u16) -> Need {
        Need::Store { at: Endpoint::new(host, port), usual: POSTGRES }
    }

    fn server(host: &str, port: u16) -> Need {
        Need::Store { at: Endpoint::new(host, port), usual: HTTPS }
    }

    #[test]
    fn a_line_allows_what_it_names_and_nothing_else() {
        let allowed =
            trust(&["woocommerce=shop.example.com", "magento=*.example.org:8443", "store=db.internal!plain"]);
        for (need, expected) in [
            (host("woocommerce", "shop.example.com", 443), true),
            (host("woocommerce", "shop.example.com", 8443), false),
            (host("woocommerce", "shop.example.com.evil.example", 443), false),
            (host("woocommerce", "evil-shop.example.com", 443), false),
            (host("shopify", "shop.example.com", 443), false),
            (host("magento", "a.b.example.org", 8443), true),
            (host("magento", "a.example.org", 443), false),
            (host("magento", "example.org", 8443), false),
            (host("magento", "evilexample.org", 8443), false),
            (database("db.internal", 5432), true),
            (database("db.internal.", 5432), false),
            (Need::Secret("env/ANY".to_owned()), true),
        ] {
            assert_eq!(allowed.judge(&need).is_ok(), expected, "{need:?}");
        }
        let database = database("db.internal", 5432);
        assert!(allowed.is_plain(&database) && !trust(&["store=db.internal"]).is_plain(&database));
    }

    /// What else listens on a host may be anybody's.
    #[test]
    fn a_line_without_a_port_means_the_usual_one_and_no_other() {
        let vault = |port| Need::Vault(Endpoint::new("x.y.example", port));
        for line in ["store=x.y.example", "store=x.y.example!plain", "store=*.y.example"] {
            for (need, expected) in [
                (database("x.y.example", 5432), true),
                (database("x.y.example", 6432), false),
                (database("x.y.example", 443), false),
                (server("x.y.example", 443), true),
                (server("x.y.example", 5432), false),
                (server("x.y.example", 8443), false),
            ] {
                let trust = trust(&[line]);
                assert_eq!(trust.judge(&need).is_ok(), expected, "{line} {need:?}");
                assert_eq!(trust.is_plain(&need), expected && line.ends_with("plain"), "{line} {need:?}");
                assert_eq!(trust.is_named(&need), expected, "{line} {need:?}");
            }
        }
        for (line, need, expected) in [
            ("vault=x.y.example", vault(443), true),
            ("vault=x.y.example", vault(8200), false),
            ("vault=x.y.example:8200", vault(8200), true),
            ("vault=x.y.example:8200", vault(443), false),
            ("shopify=*.y.example", host("shopify", "x.y.example", 443), true),
            ("shopify=*.y.example", host("shopify", "x.y.example", 80), false),
            ("store=[::1]", database("[::1]", 5432), true),
            ("store=[::1]", database("[::1]", 5433), false),
            ("store=[::1]:5433", database("[::1]", 5433), true),
        ] {
            assert_eq!(trust(&[line]).judge(&need).is_ok(), expected, "{line} {need:?}");
        }
    }

    #[test]
    fn the_line_that_a_refusal_names_allows_it() {
        let program = ["/usr/bin/op", "read", "op://a b/*c", "it's"].map(str::to_owned).to_vec();
        for need in [
            host("woocommerce", "shop.example.com", 443),
            host("woocommerce", "127.0.0.1", 9001),
            host("magento", "[::1]", 443),
            database("db.internal", 6432),
            server("db.internal", 5432),
            server("db.internal", 443),
            Need::StoreFile(PathBuf::from("/srv/my state/x.db")),
            Need::File { path: PathBuf::from("/run/secrets/a[b]*c"), is_inside: false },
            Need::Vault(Endpoint::new("vault.example.com", 8200)),
            Need::Program(program),
        ] {
            let Err(Denied::NoLine(line)) = trust(&[]).judge(&need) else { panic!("{need:?} is allowed") };
            let written = line.to_string();
            assert!(trust(&[&written]).judge(&need).is_ok(), "{written} for {need:?}");
            // As it stands in a variable, among others.
            let listed = format!("store=x {}", line.quoted());
            let read = Line::read_list(&listed).unwrap();
            assert_eq!(read.last(), Some(&line), "{listed}");
        }
    }

    #[test]
    fn an_answer_is_kept_as_what_was_asked_about_and_nothing_else() {
        for (need, other) in [
            (host("magento", "shop.example.com", 443), host("magento", "shop.example.com", 8443)),
            (database("db.internal", 5432), database("db.internal", 6432)),
            (Need::Vault(Endpoint::new("[::1]", 443)), Need::Vault(Endpoint::new("[::1]", 8200))),
        ] {
            let kept = trust(&[&Line::only(&need).to_string()]);
            assert!(kept.judge(&need).is_ok() && kept.judge(&other).is_err(), "{need:?}");
        }
    }

    #[test]
    fn a_branch_allows_what_its_tip_names_and_no_more_what_a_former_one_did() {
        let trust = trust(&["approved=origin/main"]);
        assert_eq!(trust.approved().collect::<Vec<_>>(), ["origin/main"]);
        let need = |host: &str| database(host, 5432);
        let (one, two) = (need("one.example.com"), need("two.example.com"));
        assert!(!trust.has_learned() && trust.judge(&one).is_err());
        for environment in [Some("test"), None] {
            assert!(!trust.knows("origin/main", environment, "1"));
            trust.learn("origin/main", environment, Some("1"), [one.clone()].into());
            assert!(trust.knows("origin/main", environment, "1"));
        }
        assert!(trust.judge(&one).is_ok() && trust.judge(&two).is_err());
        assert!(!trust.knows("origin/main", None, "2"), "it moved");
        for environment in [Some("test"), None] {
            trust.learn("origin/main", environment, Some("2"), [two.clone()].into());
        }
        assert!(trust.judge(&one).is_err() && trust.judge(&two).is_ok());
        // One that cannot be read allows nothing.
        for environment in [Some("test"), None] {
            assert!(!trust.is_unread("origin/main", environment));
            trust.learn("origin/main", environment, None, BTreeSet::new());
            assert!(trust.is_unread("origin/main", environment));
        }
        assert!(trust.judge(&two).is_err());
        let reading = trust.reading(&["origin/main".to_owned()], "refs/own/main");
        assert_eq!(reading.approved().collect::<Vec<_>>(), ["refs/own/main"]);
    }

    #[test]
    fn lines_about_secrets_are_the_only_ones() {
        let narrowed = trust(&["secret=env/NORDIC_*", "file=/run/secrets/*"]);
        let secret = |text: &str| Need::Secret(text.to_owned());
        let file = |path: &str, is_inside| Need::File { path: PathBuf::from(path), is_inside };
        for (need, expected) in [
            (secret("env/NORDIC_TOKEN"), true),
            (secret("env/AWS_SECRET_ACCESS_KEY"), false),
            (secret("vault/kv/root#key"), false),
            (file("/run/secrets/a", false), true),
            (file("/run/secrets/a/b", false), false),
            (file("/run/secrets/../../etc/shadow", false), false),
            (file("secrets/token", true), false),
        ] {
            assert_eq!(narrowed.judge(&need).is_ok(), expected, "{need:?}");
        }
        assert!(trust(&[]).judge(&file("secrets/token", true)).is_ok());
        assert!(trust(&[]).judge(&file("/etc/shadow", false)).is_err());
        assert!(trust(&["secret=file/secrets/*"]).judge(&file("secrets/token", true)).is_ok());
    }

    #[test]
    fn a_program_runs_with_its_very_arguments_and_the_variables_of_its_line() {
        let trust = trust(&["program=OP_TOKEN HOME /usr/bin/op read *"]);
        let of = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let allowed = of(&["/usr/bin/op", "read", "op://vault/item"]);
        assert_eq!(trust.variables_of(&allowed), Some(of(&["OP_TOKEN", "HOME"]).as_slice()));
        for other in [
            of(&["/usr/bin/op", "read"]),
            of(&["/usr/bin/op", "read", "a", "b"]),
            of(&["/usr/bin/op", "delete", "a"]),
            of(&["op", "read", "a"]),
            of(&["/usr/bin/../bin/op", "read", "a"]),
        ] {
            assert_eq!(trust.variables_of(&other), None, "{other:?}");
        }
    }

    #[test]
    fn untrusted_uses_nothing() {
        let line = Grant { line: "secret=**".parse().unwrap(), from: Origin::Given };
        let untrusted = Trust::new(true, vec![line]);
        assert_eq!(untrusted.judge(&Need::Secret("env/A".to_owned())), Err(Denied::Untrusted));
    }

    #[test]
    fn what_is_no_line_says_why() {
        for wrong in [
            "",
            "shop.example.com",
            "=x",
            "woocommerce=",
            "woocommerce=https://shop.example.com",
            "woocommerce=*",
            "woocommerce=*.com*",
            "woocommerce=a/b",
            "store=",
            "secret=NORDIC",
            "file=",
            "program=op read",
            "program=",
            "woocommerce=user@host",
            "woocommerce=host:99999",
            "approved=",
            "Woo=host",
            "store=db!plainly",
            "file=/a\0b",
            "file=/a\nvault=b",
            "program=/usr/bin/op 'read\tb'",
        ] {
            assert!(wrong.parse::<Line>().is_err(), "{wrong:?}");
        }
    }
}
