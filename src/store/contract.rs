//! What every store does. How, each of them knows alone.

use std::collections::BTreeMap;

use super::copy::{GiveRows, TakeRow};
use super::data::{
    Ask, Asked, Deleted, Deployed, Lock, Note, Origin, Past, RENAME, Record, Run, Save, Saved,
};
use super::error::StoreError;
use super::handed::TakesPlans;
use super::head::{Heads, TakeHeads};
use super::reconcile::{Behind, LastCommit, Matter, Reconciled, Reconciling};
use super::rename::{Moved, Rename, Renamed};
use super::rules::{Recording, Rules, Said};
use super::section::{FeedItem, Registered, Session, SyncReport, Token};
use super::shared::Shared;

/// A place that holds deployed settings. Every implementation passes `tests/it/store.rs`.
pub trait Store: Send + Shared {
    /// What takes whole plans, where nobody but a server writes this store: whatever else would write it is refused.
    fn takes_plans(&mut self) -> Option<&mut dyn TakesPlans> {
        None
    }

    /// A random id given when the store was made; a plan is bound to it.
    fn identity(&self) -> &str;

    /// The key under which secrets are fingerprinted; empty where a server does not give it, and secrets are unknown then.
    fn fingerprint_key(&self) -> &[u8];

    /// The deployed categories of these integrations (`None`: of all), sorted by integration and category.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn read(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deployed>, StoreError>;

    /// Hands out what [`Store::read`] gives, without the settings: once for each integration, all of its categories.
    ///
    /// # Errors
    /// When the store cannot be read; what was handed out is so all the same.
    fn each_heads(
        &mut self,
        integrations: Option<&[String]>,
        take: &mut TakeHeads<'_>,
    ) -> Result<(), StoreError>;

    /// All that [`Store::each_heads`] hands out.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn heads(&mut self, integrations: Option<&[String]>) -> Result<Heads, StoreError> {
        let mut heads = Heads::default();
        self.each_heads(integrations, &mut |name, found| heads.put(name, found))?;
        Ok(heads)
    }

    /// What the history has of these integrations (`None`: of all) and is not deployed, sorted by integration and category.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn deleted(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deleted>, StoreError>;

    /// Saves categories in one transaction, each if it still is at its expected revision; durable when it returns, and kept
    /// in the history. What became of each, in their order; what is told as an error was not written, except where it is in
    /// doubt.
    ///
    /// # Errors
    /// When the transaction failed: nothing was written, except where it is in doubt.
    fn save_all(&mut self, saves: &[Save<'_>]) -> Result<Vec<Result<Saved, StoreError>>, StoreError>;

    /// As [`Store::save_all`], for one.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn save(&mut self, save: &Save<'_>) -> Result<Saved, StoreError> {
        self.save_all(std::slice::from_ref(save))?.pop().unwrap_or(Ok(Saved::LockLost))
    }

    /// Saves a category at once, with a note where there is one to keep, without a lock: if nobody holds the lock on its integration, and the categories of it that
    /// the save rests on are at these revisions (0: never saved). [`Saved::LockLost`] where one of these does not hold.
    ///
    /// # Errors
    /// As [`Store::save_all`].
    fn save_alone(
        &mut self,
        save: &Save<'_>,
        rests_on: &BTreeMap<String, u64>,
        note: Option<&Note>,
    ) -> Result<Saved, StoreError>;

    /// Gives what is deployed under one id another, at the same revisions and with a note; atomic. The history stays as it
    /// was written.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing was.
    fn rename(&mut self, rename: &Rename<'_>) -> Result<Moved, StoreError>;

    /// Integrations that were given another id, in the order in which that was done.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn renames(&mut self) -> Result<Vec<Renamed>, StoreError> {
        Ok(self.notes_of(&[RENAME], "")?.iter().filter_map(Renamed::read).collect())
    }

    /// Notes that a plan (by its digest) is about to be applied.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn begin(&mut self, run: &str, at: &str, by: &str, origin: Origin<'_>) -> Result<Run, StoreError>;

    /// Notes that every category of the plan was saved, so that it cannot be applied again. The first time counts.
    ///
    /// # Errors
    /// When the store cannot be written, or the plan was never begun.
    fn finish(&mut self, run: &str, at: &str) -> Result<(), StoreError>;

    /// All saves of some categories of integrations, those of each together and oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn histories(&mut self, of: &[(String, String)]) -> Result<Vec<Record>, StoreError>;

    /// All saves of one category, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn history(&mut self, integration: &str, category: &str) -> Result<Vec<Past>, StoreError> {
        let saves = self.histories(&[(integration.to_owned(), category.to_owned())])?;
        Ok(saves.into_iter().map(|record| record.past).collect())
    }

    /// All saves of all categories, in the order in which they were made.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn records(&mut self) -> Result<Vec<Record>, StoreError>;

    /// Takes the lock on each of these integrations that nobody holds: it was released, has expired, or is the one that
    /// may be taken over. What became of each, in their order.
    ///
    /// # Errors
    /// When the store cannot be written; then none was taken.
    fn lock_all(&mut self, asks: &[Ask<'_>]) -> Result<Vec<Asked>, StoreError>;

    /// As [`Store::lock_all`], for one.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn lock(&mut self, ask: &Ask<'_>) -> Result<Asked, StoreError> {
        let asked = self.lock_all(std::slice::from_ref(ask))?.pop();
        asked.ok_or_else(|| StoreError::Failed {
            store: self.identity().to_owned(),
            reason: "it gave no answer".to_owned(),
        })
    }

    /// Lets these locks last for so many seconds from now on, those of them that are held.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn renew_all(&mut self, locks: &[&Lock], seconds: u32) -> Result<(), StoreError>;

    /// Releases these locks; those that were held.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn unlock_all(&mut self, locks: &[&Lock]) -> Result<Vec<Lock>, StoreError>;

    /// As [`Store::unlock_all`], for the one of this id; `None` when nobody holds it (any more).
    ///
    /// # Errors
    /// When the store cannot be written.
    fn unlock(&mut self, id: &str) -> Result<Option<Lock>, StoreError> {
        match self.locks()?.iter().find(|lock| lock.id == id) {
            Some(lock) => Ok(self.unlock_all(&[lock])?.pop()),
            None => Ok(None),
        }
    }

    /// The locks that are held, expired ones included, sorted by integration.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn locks(&mut self) -> Result<Vec<Lock>, StoreError>;

    /// Keeps a note for good.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn note(&mut self, note: &Note) -> Result<(), StoreError>;

    /// All notes, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn notes(&mut self) -> Result<Vec<Note>, StoreError> {
        self.notes_of(&[], "")
    }

    /// The notes of these kinds, of all where none is named, that are not older than this time (RFC 3339, UTC), oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn notes_of(&mut self, kinds: &[&str], since: &str) -> Result<Vec<Note>, StoreError>;

    /// All rules that were recorded, oldest first; none in a store of an older layout.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn rules(&mut self) -> Result<Vec<Rules>, StoreError>;

    /// Of each environment the rules that were recorded last: of this commit and of others, of trees with changes and without, and of
    /// those that count at once, so that the last which count for an apply are among them (see [`Rules::count_for`]). Oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last_rules(&mut self, commit: Option<&str>) -> Result<Vec<Rules>, StoreError>;

    /// Records what judges and what the files say, in one transaction; durable when it returns.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing was.
    fn record(&mut self, recording: &Recording) -> Result<(), StoreError>;

    /// What the files said of these integrations (`None`: of all), sorted by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn said(&mut self, integrations: Option<&[String]>) -> Result<Vec<Said>, StoreError>;

    /// The lists and schema parts that were recorded: path and digest, sorted by path.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sources(&mut self) -> Result<Vec<(String, String)>, StoreError>;

    /// The document of this digest.
    ///
    /// # Errors
    /// When the store cannot be read, or the document is not what was recorded.
    fn document(&mut self, digest: &str) -> Result<Option<String>, StoreError>;

    /// Hands out the rows of all tables, of one moment, as [`super::copy`] says.
    ///
    /// # Errors
    /// When the store cannot be read, or is of an older layout; what `take` says.
    fn dump(&mut self, take: &mut TakeRow<'_>) -> Result<(), StoreError>;

    /// Has these rows instead of its own, in one transaction, and a new epoch.
    ///
    /// # Errors
    /// When the store cannot be written, or a row does not fit; then nothing was.
    fn fill(&mut self, epoch: u64, give: &mut GiveRows<'_>) -> Result<(), StoreError>;

    /// How often something was copied into the store, and one: what was numbered before is gone then.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn epoch(&mut self) -> Result<u64, StoreError>;

    /// So many integrations at most that come after an id, sorted by their ids; those of which nothing is saved yet too.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn integrations(&mut self, after: &str, limit: usize) -> Result<Vec<Registered>, StoreError>;

    /// The integration of this id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn integration(&mut self, id: &str) -> Result<Option<Registered>, StoreError>;

    /// Makes an integration known; false where one of this id is.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn register(&mut self, new: &Registered) -> Result<bool, StoreError>;

    /// Takes back what [`Store::register`] made, while nothing is saved of it.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn forget(&mut self, id: &str) -> Result<(), StoreError>;

    /// So many saves at most that come after a number, of all categories, in the order in which they can be seen; those that
    /// moved no setting are left out. A later call gives none with a number that is smaller than one that was given.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn feed(&mut self, after: u64, limit: usize) -> Result<Vec<FeedItem>, StoreError>;

    /// The number of the last save; 0 where there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last_number(&mut self) -> Result<u64, StoreError>;

    /// What runs saved whose names begin so, in the order in which they did.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn saves_of(&mut self, runs: &str) -> Result<Vec<Record>, StoreError>;

    /// All tokens, sorted by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tokens(&mut self) -> Result<Vec<Token>, StoreError>;

    /// The token of this hash, revoked or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn token(&mut self, hash: &str) -> Result<Option<Token>, StoreError>;

    /// Keeps a token; false where its name is taken.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn add_token(&mut self, token: &Token) -> Result<bool, StoreError>;

    /// Ends a token; false where none of this name is in force.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn revoke_token(&mut self, name: &str, at: &str, by: &str) -> Result<bool, StoreError>;

    /// The session of this hash; one that is over is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn session(&mut self, hash: &str, now: &str) -> Result<Option<Session>, StoreError>;

    /// Keeps a session, and forgets those that were over when it began.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn add_session(&mut self, session: &Session) -> Result<(), StoreError>;

    /// Ends a session.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn end_session(&mut self, hash: &str) -> Result<(), StoreError>;

    /// Keeps how a sync went.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn report_sync(&mut self, sync: &SyncReport) -> Result<(), StoreError>;

    /// The last report of each flow of an integration, sorted by flow.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last_syncs(&mut self, integration: &str) -> Result<Vec<SyncReport>, StoreError>;

    /// What the reconciler of an environment left after its last round; none before one, and in a store of an older layout.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn reconciled(&mut self, environment: &str) -> Result<Option<Reconciled>, StoreError>;

    /// The categories of an environment that stayed behind, sorted.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn behind(&mut self, environment: &str) -> Result<Vec<Behind>, StoreError>;

    /// What there is to tell of an environment, sorted by id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn matters(&mut self, environment: &str) -> Result<Vec<Matter>, StoreError>;

    /// The last save that was made from a commit, of each category of these integrations, under the names that they had then.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last_commits(&mut self, integrations: &[String]) -> Result<Vec<LastCommit>, StoreError>;

    /// Keeps what a round leaves, in one transaction; false, and nothing is kept, where the lease is held no more.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing was.
    fn note_reconciled(&mut self, lease: &Lock, what: &Reconciling) -> Result<bool, StoreError>;
}
