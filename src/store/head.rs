//! What a store tells of a category without its settings, and whether that is enough: the marks that a save leaves beside the
//! documents. Knows no table.

use sha2::{Digest as _, Sha256};

use super::Save;
use crate::model::{self, Settings, Value, hex};

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
    /// True when it is certain that nothing differs: what the last apply set is `desired`, and all of it is deployed. A
    /// secret whose value is not at hand counts by its reference.
    #[must_use]
    pub fn is_settled(&self, desired: &Settings) -> bool {
        let secrets = desired.values().filter_map(|value| match value {
            Value::Secret(secret) => Some(secret.fingerprint.is_some()),
            _ => None,
        });
        let (known, unknown): (Vec<bool>, Vec<bool>) = secrets.partition(|known| *known);
        let secrets_agree = match (known.len(), unknown.len()) {
            (0, _) => true,
            (_, 0) => self.marks.secrets == secrets_mark(desired),
            _ => false,
        };
        secrets_agree
            && !self.marks.settled.is_empty()
            && self.marks.settled == settled_mark(&self.marks.digest, desired)
    }

    /// True when somebody edited it by hand since the last save, or made it so.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.marks.digest.is_empty()
    }

    /// True unless somebody edited it by hand since the last save, or the save is older than the marks.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        !self.marks.digest.is_empty() && !self.marks.settled.is_empty()
    }

    /// True when the last apply left no setting of its own here.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.is_settled(&Settings::new())
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
        let settled = if save.applied.iter().all(deployed) {
            settled_mark(&digest, save.applied)
        } else {
            String::new()
        };
        Documents {
            applied: model::canonical(save.applied),
            leaves: i64::try_from(settings.len()).unwrap_or(i64::MAX),
            marks: Marks { digest, settled, secrets: secrets_mark(save.applied) },
            settings: text,
        }
    }
}

fn settled_mark(digest: &str, applied: &Settings) -> String {
    let mut hash = Sha256::new();
    hash.update(digest);
    hash.update("\n");
    hash.update(model::canonical_references(applied));
    hex(&hash.finalize())
}

fn secrets_mark(settings: &Settings) -> String {
    let mut hash = Sha256::new();
    let mut any = false;
    for (path, value) in settings {
        if let Value::Secret(secret) = value {
            hash.update(format!("{path}\n{}\n", secret.fingerprint.as_deref().unwrap_or_default()));
            any = true;
        }
    }
    if any { hex(&hash.finalize()) } else { String::new() }
}
