//! What a round takes, what is known while it is made, and what is kept of what it judged. Nothing is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::ancestry::{Ancestry, Standing};
use super::concern::Concern;
use super::matrix::Verdict;
use crate::ops::check::Consent;
use crate::ops::error::Result;
use crate::ops::load::Candidate;
use crate::ops::project::Project;
use crate::ops::request::Request;
use crate::plan::Integration;
use crate::plan::policy::reconcile::Rules;
use crate::store::Address;
use crate::trust::Signatures;

/// What a round takes.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Where the repository is.
    pub start: &'a Path,
    /// The ref that holds what was fetched.
    pub revision: &'a str,
    /// Fetches it.
    pub fetch: &'a (dyn Fn() -> Result<()> + Sync + 'a),
    pub request: &'a Request,
    /// The store that is reconciled, whatever the commit says: another one is another deployment.
    pub address: &'a Address,
    pub environment: Option<&'a str>,
    pub signatures: &'a Signatures,
    /// What is said outside the repository about differences, and has the last word.
    pub last_word: &'a Rules,
    /// What whoever started it agrees to for every round.
    pub consent: &'a Consent,
    /// How long to wait for a lock on an integration.
    pub lock_wait: Duration,
    /// Pushes a branch of this clone.
    pub push: &'a Push<'a>,
    /// Judge all, however quiet it is.
    pub anew: bool,
}

/// Pushes a branch, by its name.
pub type Push<'a> = dyn Fn(&str) -> Result<()> + Sync + 'a;

/// What is kept of what was planned.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) verdicts: BTreeMap<String, Verdict>,
    pub(super) concerns: Vec<Concern>,
    /// Integrations of which nothing is saved.
    pub(super) held: BTreeSet<String>,
    /// Those whose files could not be judged.
    pub(super) unjudged: BTreeSet<String>,
    /// Integrations and categories of which the files are not taken.
    pub(super) behind: BTreeSet<(String, String)>,
    /// Present names to those that the store has.
    pub(super) renamed: BTreeMap<String, String>,
    /// Those of which nothing is saved since all that would be was refused.
    pub(super) stopped: BTreeSet<String>,
    /// Nothing of the commit is saved: too much of all would move, or no window is open.
    pub(super) is_stopped: bool,
}

impl Judged {
    /// Nothing of an integration is saved.
    pub(super) fn hold(&mut self, integration: &Integration) {
        let saved = integration.categories.iter().filter(|category| category.save.is_some());
        let name = &integration.integration;
        self.behind.extend(saved.map(|category| (name.clone(), category.category.to_string())));
        self.held.insert(name.clone());
    }
}

/// What is known while a round is made.
pub(super) struct State<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) project: &'a Project<'a>,
    pub(super) request: &'a Request,
    pub(super) open: &'a [Candidate],
    pub(super) ancestry: &'a Ancestry<'a>,
    /// That of a newer commit, which waits.
    pub(super) newer: Option<Ancestry<'a>>,
    /// Nothing of the commit is taken: only what was changed outside is judged.
    pub(super) is_outside_only: bool,
    /// It is about some integrations alone, with a commit of before.
    pub(super) is_of_some: bool,
    pub(super) standing: &'a Standing,
    /// Those that judge, and the last word.
    pub(super) rules: [&'a Rules; 2],
}
