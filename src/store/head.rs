//! What a store tells of a category without its settings, and whether that is enough: the marks that a save leaves beside the
//! documents. Knows no table.

use sha2::{Digest as _, Sha256};

use super::Save;
use crate::model::{self, CanonicalText, Secret, SettingPath, Settings, Value, hex};

/// A category as a plan that changes nothing has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub integration: String,
    pub category: String,
    pub revision: u64,
    /// How many settings were deployed by the save that left the marks.
    pub settings: usize,
    pub(super) marks: Marks,
}

impl Head {
    /// True when it is certain that nothing differs: what the last apply set is what is wanted, and all of it is deployed.
    #[must_use]
    pub fn is_settled(&self, wanted: Wanted) -> bool {
        if self.marks.digest.is_empty() || self.marks.settled.is_empty() {
            return false;
        }
        let secrets_agree = match (wanted.known, wanted.unknown) {
            (false, _) => true,
            (true, false) => self.marks.secrets == wanted.secrets_mark(),
            (true, true) => false,
        };
        secrets_agree && self.marks.settled == wanted.settled_mark(&self.marks.digest)
    }

    /// True unless somebody edited it by hand since the last save, or the save is older than the marks.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        !self.marks.digest.is_empty() && !self.marks.settled.is_empty()
    }

    /// True when the last apply left no setting of its own here.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.is_settled(Wanted::default())
    }
}

/// What the files want of a category, in the form that marks are made of. A secret whose value is not at hand counts by its
/// reference.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Of secrets only the references.
    text: CanonicalText,
    /// Paths and fingerprints.
    secrets: String,
    is_some: bool,
    /// Secrets whose value is at hand, and whose is not.
    known: bool,
    unknown: bool,
}

impl Wanted {
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let mut wanted = Wanted::default();
        for (path, value) in model::leaves(settings) {
            wanted.add(&path.keys(), value);
        }
        wanted
    }

    /// Adds the next leaf, in the order of paths.
    pub fn add(&mut self, keys: &[&str], value: &Value) {
        self.is_some = true;
        let Value::Secret(secret) = value else { return self.text.leaf(keys, value) };
        let path: SettingPath = keys.iter().collect();
        let fingerprint = secret.fingerprint.as_deref();
        self.known |= fingerprint.is_some();
        self.unknown |= fingerprint.is_none();
        self.secrets.push_str(&format!("{path}\n{}\n", fingerprint.unwrap_or_default()));
        self.text.leaf(keys, &Value::Secret(Secret { fingerprint: None, ..secret.clone() }));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.is_some
    }

    /// Some secret is not at hand.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        self.unknown
    }

    fn secrets_mark(&self) -> String {
        if self.secrets.is_empty() { String::new() } else { hex(&Sha256::digest(&self.secrets)) }
    }

    fn settled_mark(self, digest: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(digest);
        hash.update("\n");
        hash.update(self.text.end());
        hex(&hash.finalize())
    }
}

/// What a save leaves beside its documents. An edit by hand empties `digest`, and with it nothing is certain any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Of the settings.
    pub digest: String,
    /// Of `digest` and what was applied, references for secrets; empty unless all that was applied is deployed.
    pub settled: String,
    /// Of the fingerprints of the secrets; empty where there are none.
    pub secrets: String,
}

/// What is written for one save.
pub(super) struct Documents {
    pub settings: String,
    pub applied: String,
    pub leaves: i64,
    pub marks: Marks,
}

impl Documents {
    /// `settings` are those of the save, without nulls.
    pub fn of(save: &Save<'_>, settings: &Settings) -> Documents {
        let text = model::canonical(settings);
        let digest = model::digest_text(&text);
        let deployed = |(path, value): (_, &Value)| match value {
            Value::Null => !settings.keys().any(|key| key.starts_with(path)),
            value => settings.get(path) == Some(value),
        };
        let applied = Wanted::of(save.applied);
        let secrets = applied.secrets_mark();
        let is_settled = save.applied.iter().all(deployed);
        let settled = if is_settled { applied.settled_mark(&digest) } else { String::new() };
        Documents {
            applied: model::canonical(save.applied),
            leaves: i64::try_from(settings.len()).unwrap_or(i64::MAX),
            marks: Marks { digest, settled, secrets },
            settings: text,
        }
    }
}
