//! What the reconciler knows from one round to the next: the commit up to which all is reconciled, the categories that stayed
//! behind it, and what it has to tell. A store keeps it for whoever holds the lease, and understands none of it.

use serde::{Deserialize, Serialize};

/// What the reconciler left after its last round, for one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Empty where the project has no environments.
    pub environment: String,
    /// Whatever is not [`Behind`] was seen to be as this commit says.
    pub commit: String,
    /// The number of the last save that there was then.
    pub number: u64,
    /// How many commits somebody had accepted then.
    #[serde(default)]
    pub accepts: u64,
    /// RFC 3339, UTC.
    pub at: String,
    /// How the round went, as JSON.
    pub document: String,
}

/// A commit at which a category was as the files said, and when: a save and an acceptance that came later are told from those that were
/// known by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    pub commit: String,
    /// The number of the last save that there was then.
    pub number: u64,
    /// How many commits somebody had accepted then; of a save none, since its own number tells.
    #[serde(default)]
    pub accepts: u64,
}

/// A category that stayed behind: what the files say of it was not taken yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Behind {
    pub integration: String,
    pub category: String,
    /// The last commit that it was as the files said at; none where it never was.
    pub seen: Option<Seen>,
}

/// The last save of a category that was made from a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCommit {
    pub integration: String,
    pub category: String,
    pub commit: String,
    /// Of that save; grows with each.
    pub number: u64,
}

/// Something that somebody is to know: told once, told again where it changed, and closed once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// What it is about; the same for as long as it lasts.
    pub id: String,
    /// RFC 3339, UTC.
    pub opened_at: String,
    pub updated_at: String,
    /// It is over. What is over is forgotten once that was told.
    pub closed_at: Option<String>,
    /// What there is to say, as JSON.
    pub document: String,
    /// Who was told what of it, as JSON.
    pub told: String,
}

/// What a round leaves, written at once.
#[derive(Debug, Clone, Default)]
pub struct Reconciling {
    /// Empty where the project has no environments.
    pub environment: String,
    pub reconciled: Option<Reconciled>,
    /// Added, or in the place of what is there of the same category.
    pub behind: Vec<Behind>,
    /// Integration and category of those that are behind no more.
    pub caught_up: Vec<(String, String)>,
    /// Added, or in the place of what is there with the same id.
    pub matters: Vec<Matter>,
    /// Ids of those that are forgotten.
    pub forgotten: Vec<String>,
}

impl Reconciling {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Reconciling { environment: _, reconciled, behind, caught_up, matters, forgotten } = self;
        reconciled.is_none()
            && behind.is_empty()
            && caught_up.is_empty()
            && matters.is_empty()
            && forgotten.is_empty()
    }
}
