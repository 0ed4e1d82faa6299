//! What goes into a store and comes out of it, as data.

use serde::{Deserialize, Serialize};

use crate::model::{self, Settings};

/// Who saved what was edited by hand, as the triggers of every store write it.
pub const OUTSIDE: &str = "outside pairform";

/// The kinds of notes that tell of a run: that it gave an integration another id, that it lifted a check, that it went back to
/// what was deployed before and until when that is held, that it moved no setting, as files and deployed settings agree, and that
/// it forgot what left the files.
pub const RENAME: &str = "rename";
pub const FORCE: &str = "force";
pub const REVERT: &str = "revert";
pub const HOLD: &str = "hold";
pub const AGREED: &str = "agreed";
/// A person's save moved what git owns.
pub const OVERRIDE: &str = "override";
/// Somebody asked a server for what he may not, or for what git or the rules keep from him.
pub const REFUSAL: &str = "refusal";
pub const RELEASE: &str = "release";
/// A person accepted a commit that does not go on from what was deployed.
pub const ACCEPT: &str = "accept";
/// A person passed by a wave of a rollout, or began the rollout anew.
pub const ROLLOUT: &str = "rollout";

/// One category of one integration as it is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    pub integration: String,
    pub category: String,
    /// Counts saves from 1, edits by hand included.
    pub revision: u64,
    /// Never holds `Value::Null`: a setting that is null is not set.
    #[serde(with = "model::document")]
    pub settings: Settings,
    /// What the last apply set from the files, the base of the three-way comparison: `Value::Null` for a reset.
    #[serde(with = "model::document")]
    pub applied: Settings,
    /// `outside pairform` after an edit by hand.
    pub saved_by: String,
    /// RFC 3339, UTC.
    pub saved_at: String,
    /// The commit that was applied, and the digest of its plan; `None` when the save did not come from pairform.
    pub commit: Option<String>,
    pub run: Option<String>,
}

/// What stands in place of a plan's digest where a person saved one category begins so.
pub const PERSON: &str = "person:";

/// The plan of a run; none where a person saved, in the store itself or through a server.
fn plan_of(run: Option<&String>) -> Option<&String> {
    run.filter(|run| !run.starts_with(PERSON))
}

impl Deployed {
    /// The digest of the plan that saved it; none where a person did.
    #[must_use]
    pub fn plan(&self) -> Option<&String> {
        plan_of(self.run.as_ref())
    }
}

impl Past {
    /// The digest of the plan that saved it; none where a person did.
    #[must_use]
    pub fn plan(&self) -> Option<&String> {
        plan_of(self.run.as_ref())
    }
}

/// A category that the history has and that is not deployed any more: it was deleted by hand, or its integration has another
/// id now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    pub integration: String,
    pub category: String,
    /// The last that the history has, and when that was.
    pub revision: u64,
    pub saved_at: String,
}

/// A request to save one category.
#[derive(Debug, Clone)]
pub struct Save<'a> {
    pub integration: &'a str,
    pub category: &'a str,
    /// The revision that must be deployed now; 0 when the category was never saved.
    pub expected_revision: u64,
    /// Stored without its nulls.
    pub settings: &'a Settings,
    /// Stored with its nulls, which are resets.
    pub applied: &'a Settings,
    pub saved_by: &'a str,
    pub saved_at: &'a str,
    pub commit: Option<&'a str>,
    /// Digest of the plan that is applied; see `Store::begin`.
    pub run: &'a str,
    /// The token of the lock under which is saved; a save whose lock was lost writes nothing.
    pub fence: Option<u64>,
    /// What whoever saves has to hold besides, by its token; the same for all that is saved at once.
    pub lease: Option<&'a Lock>,
}

/// What became of a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    Saved {
        revision: u64,
    },
    /// The same run saved just these settings before, and nobody has saved since (it was interrupted afterwards);
    /// nothing was written now.
    Already {
        revision: u64,
    },
    /// Somebody else saved the category since; nothing was written. Revision 0 when the category is not there (any
    /// more); who and when are then of its deletion, or empty when the store never had it.
    Conflict {
        revision: u64,
        saved_by: String,
        saved_at: String,
    },
    /// The lock that the save was fenced with is held no more; nothing was written.
    LockLost,
}

/// Whether a plan was applied before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    New,
    /// Begun before and not finished; saves that it made are reported as [`Saved::Already`].
    Resumed,
    /// Applied in full before, at this time (RFC 3339).
    Finished {
        at: String,
    },
}

/// One line of a category's history: what a save left. A deletion by hand leaves no settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    pub revision: u64,
    /// A person may have left what cannot be used, and it stays in the history for good: it is no failure of the others.
    #[serde(with = "usable")]
    pub settings: Result<Settings, Unusable>,
    pub saved_by: String,
    pub saved_at: String,
    pub commit: Option<String>,
    pub run: Option<String>,
    /// Who wrote the commit.
    pub author: Option<String>,
    /// The tree had changes that were not committed.
    pub dirty: bool,
}

/// A document that a person left and that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{why}")]
pub struct Unusable {
    pub why: String,
    /// As it stands in the store.
    pub text: String,
    /// It is in the history, and it is not what was saved.
    pub changed: bool,
}

/// What a run was made from, beside its commit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    pub author: Option<&'a str>,
    pub dirty: bool,
}

/// A lock on one integration, as long as somebody holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Names it for `Store::unlock`.
    pub id: String,
    pub integration: String,
    /// Fencing: greater than that of every earlier lock on the integration.
    pub token: u64,
    pub owner: String,
    /// The machine and process that hold it, as they were given.
    pub holder: String,
    pub reason: String,
    /// RFC 3339, UTC, by the store's clock.
    pub taken_at: String,
    pub expires_at: String,
}

/// A request to lock one integration.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub integration: &'a str,
    pub owner: &'a str,
    pub holder: &'a str,
    pub reason: &'a str,
    /// After so many seconds anybody may take it.
    pub seconds: u32,
    /// The id of a lock that may be taken over although it has not expired: its holder is dead.
    pub over: Option<&'a str>,
}

/// What became of an [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Taken(Lock),
    /// Somebody else has it.
    Held(Lock),
}

/// What is kept besides saves: a check that was lifted, a way back, a lock that was released by hand, an integration that was
/// renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// RFC 3339, UTC.
    pub at: String,
    pub by: String,
    /// `force`, `revert`, `hold`, `agreed`, `release`, `accept`, `unlock` or `rename`
    pub kind: String,
    pub text: String,
    pub run: Option<String>,
}

/// One save of any category, with what it left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub integration: String,
    pub category: String,
    pub past: Past,
}

/// What a save left, as it is told by one program to another: the document, or why there is none.
mod usable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Unusable;
    use crate::model::{self, Settings};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Told {
        Document(#[serde(with = "model::document")] Settings),
        Unusable(Unusable),
    }

    pub fn serialize<S: Serializer>(
        found: &Result<Settings, Unusable>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let told = found.clone().map_or_else(Told::Unusable, Told::Document);
        told.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Result<Settings, Unusable>, D::Error> {
        Ok(match Told::deserialize(deserializer)? {
            Told::Document(settings) => Ok(settings),
            Told::Unusable(why) => Err(why),
        })
    }
}
