//! Whether a commit goes on from where a category stands: the commit that it was deployed from, or at which it was last seen to be as the
//! files said, has to be in the history of the one that is reconciled. After a force-push, somebody accepts the new one. Nothing is saved
//! here.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::ops::error::Result;
use crate::source::git::History;
use crate::store::{ACCEPT, Behind, LastCommit, Note, Reconciled, Renamed, Seen, Store, former_names};

/// Stands for all categories of an integration whose files could not be judged.
pub const ALL: &str = "*";

/// A commit that somebody accepted, whatever was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub commit: String,
    /// The last save that there was then: what comes later was not known.
    pub number: u64,
}

const AT: &str = " at ";
const REASON: &str = ": ";

impl Accepted {
    /// What the note of it says; read back by [`Accepted::read`].
    #[must_use]
    pub fn text(commit: &str, number: u64, reason: &str) -> String {
        format!("{commit}{AT}{number}{REASON}{reason}")
    }

    #[must_use]
    pub fn read(note: &Note) -> Option<Self> {
        let (commit, rest) = note.text.split_once(AT).filter(|_| note.kind == ACCEPT)?;
        let (number, _) = rest.split_once(REASON)?;
        Some(Accepted { commit: commit.to_owned(), number: number.parse().ok()? })
    }
}

/// Where every category stands.
pub struct Standing {
    reconciled: Option<Reconciled>,
    behind: BTreeMap<String, BTreeMap<String, Option<Seen>>>,
    last: BTreeMap<String, BTreeMap<String, Seen>>,
}

impl Standing {
    /// Reads where the categories of these integrations stand, by the names that the store has for them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(
        store: &mut (dyn Store + 'static),
        reconciled: Option<Reconciled>,
        behind: &[Behind],
        names: &[String],
        renames: &[Renamed],
    ) -> Result<Self> {
        let mut now: BTreeMap<String, String> = BTreeMap::new();
        for name in names {
            let former = former_names(renames, name);
            now.extend(former.into_iter().map(|former| (former, name.clone())));
            now.insert(name.clone(), name.clone());
        }
        let all: Vec<String> = now.keys().cloned().collect();
        let mut last: BTreeMap<String, BTreeMap<String, Seen>> = BTreeMap::new();
        let found = if all.is_empty() { Vec::new() } else { store.last_commits(&all)? };
        for LastCommit { integration, category, commit, number } in found {
            let Some(name) = now.get(&integration) else { continue };
            let of_one = last.entry(name.clone()).or_default();
            if of_one.get(&category).is_none_or(|known| number > known.number) {
                of_one.insert(category, Seen { commit, number, accepts: 0 });
            }
        }
        let mut by_name: BTreeMap<String, BTreeMap<String, Option<Seen>>> = BTreeMap::new();
        for Behind { integration, category, seen } in behind {
            by_name.entry(integration.clone()).or_default().insert(category.clone(), seen.clone());
        }
        Ok(Standing { reconciled, behind: by_name, last })
    }

    /// Where a category stands: what came later of its last save from a commit and of what was seen. `names` are those that the files
    /// and the store have for its integration.
    #[must_use]
    pub fn of(&self, names: &[&str], category: &str) -> Option<Seen> {
        let saved = names.iter().find_map(|name| self.last.get(*name)?.get(category)).cloned();
        let seen = self.seen(names, category);
        match (saved, seen) {
            (Some(saved), Some(seen)) if saved.number > seen.number => Some(saved),
            (saved, None) => saved,
            (_, seen) => seen,
        }
    }

    /// The last commit with which the files of an integration were judged: a save was made from it, or a round saw it.
    #[must_use]
    pub fn judged_at(&self, name: &str) -> Option<String> {
        let saved = self.last.get(name).into_iter().flat_map(BTreeMap::values).cloned();
        saved.chain(self.seen(&[name], ALL)).max_by_key(|seen| seen.number).map(|seen| seen.commit)
    }

    /// What was seen of a category: one that is behind was seen earlier than the others.
    fn seen(&self, names: &[&str], category: &str) -> Option<Seen> {
        let rows: Vec<&Option<Seen>> = names
            .iter()
            .filter_map(|name| self.behind.get(*name))
            .flat_map(|of| [of.get(category), of.get(ALL)])
            .flatten()
            .collect();
        match rows.as_slice() {
            [] => self.reconciled.as_ref().map(|now| Seen {
                commit: now.commit.clone(),
                number: now.number,
                accepts: now.accepts,
            }),
            rows => {
                let when = |seen: &Option<Seen>| seen.as_ref().map(|seen| (seen.number, seen.accepts));
                rows.iter().map(|seen| (*seen).clone()).min_by_key(when)?
            }
        }
    }
}

/// The history of a commit, asked once for each other one.
pub struct Ancestry<'a> {
    history: Mutex<&'a History>,
    commit: &'a str,
    /// In the order in which that was done.
    accepted: Vec<Accepted>,
    known: Mutex<HashMap<String, bool>>,
}

impl<'a> Ancestry<'a> {
    #[must_use]
    pub fn new(history: &'a History, commit: &'a str, accepted: Vec<Accepted>) -> Self {
        Ancestry { history: Mutex::new(history), commit, accepted, known: Mutex::default() }
    }

    /// Whether a commit is in the history. What git does not know is not.
    fn has(&self, other: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(other.to_owned()).or_insert_with(|| {
            let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
            history.is_ancestor(other, self.commit).unwrap_or(false)
        })
    }

    /// The commit from which this one does not go on, unless somebody accepted that since.
    #[must_use]
    pub fn parts_from(&self, seen: Option<Seen>) -> Option<String> {
        let Seen { commit, number, accepts } = seen?;
        // What was accepted while nothing was saved is told from what was seen then by the order of the acceptances alone.
        let known = usize::try_from(accepts).unwrap_or(usize::MAX);
        let mut since = self.accepted.iter().skip(known).filter(|one| one.number >= number);
        (!self.has(&commit) && !since.any(|one| self.has(&one.commit))).then_some(commit)
    }

    /// Whether somebody accepted just this commit.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.accepted.iter().any(|one| one.commit == self.commit)
    }
}
