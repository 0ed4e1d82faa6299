//! The embedded store: one SQLite file, readable and mendable with the `sqlite3` shell. The tables are described in
//! `migrations/sqlite`; edits by hand are noticed there, by triggers.
//!
//! It writes with a rollback journal that is deleted after each save, not with a write-ahead log: a log needs two files
//! beside the store even to be read, and reading must leave a folder as it was. `synchronous = EXTRA` also syncs the
//! folder after the journal is gone, so that a save that was reported survives a power cut (about 2 ms a save on a
//! virtual disk with ext4, where a log takes 0.6 ms). Not for network drives: SQLite relies on their locks.

mod copy;
mod failure;
pub(super) mod file;
mod guard;
mod layout;
mod locks;
mod reconcile;
mod rules;
mod section;
mod shared;

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Error::FromSqlConversionFailure;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, TransactionBehavior};

use self::layout::Facts;
use super::address::Address;
use super::contract::Store;
use super::copy::{GiveRows, TakeRow};
use super::data::{
    Ask, Asked, Deleted, Deployed, Lock, Note, Origin, Past, RENAME, Record, Run, Save, Saved, Unusable,
};
use super::document::{document, past_document, unusable, without_null};
use super::error::StoreError;
use super::head::{Documents, Reading, TakeHeads};
use super::layout::{Found, Has, READABLE};
use super::reconcile::{Behind, LastCommit, Matter, Reconciled, Reconciling};
use super::rename::{Moved, Rename};
use super::rules::{Recording, Rules, Said};
use super::section::{FeedItem, Registered, Session, SyncReport, Token, past_all};
use crate::model::Settings;

/// A store in one SQLite file.
pub(super) struct Sqlite {
    connection: Connection,
    /// The path as the user wrote it, for errors.
    shown: String,
    facts: Facts,
    has: Has,
}

/// Opens the store for reading and writing; makes it, and its folder, when it is not there.
pub(super) fn open(path: &Path, at: &Address) -> Result<Sqlite, StoreError> {
    let shown = path.display().to_string();
    let (full, flags) = guard::settle(path, at.within.as_deref(), &shown)?;
    if !file::is_there(&full, &shown)? {
        file::make(&full).map_err(|error| failure::file(&shown, &error))?;
    }
    guard::require_own_journal(&full, &shown)?;
    let mut connection = connect(&full, flags | OpenFlags::SQLITE_OPEN_READ_WRITE, &shown)?;
    if connection.is_readonly("main").map_err(|error| failure::open(&shown, &error))? {
        let reason = "it cannot be written; check the permissions of the file".to_owned();
        return Err(StoreError::Open { store: shown, reason });
    }
    guard::require_whole(&connection, &full, &shown)?;
    guard::require_ours(&connection, at.own_triggers, &shown)?;
    // Before anything is set: the journal mode stays in the file, and the file may be another program's.
    let found = layout::inspect(&connection, &shown)?;
    guard::require_sound(&connection, &shown)?;
    connection
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;")
        .map_err(|error| failure::open(&shown, &error))?;
    if found != Found::Current {
        layout::migrate(&mut connection, &shown)?;
    }
    prove_writable(&mut connection).map_err(|error| failure::open(&shown, &error))?;
    let facts = layout::facts(&connection, &shown)?;
    Ok(Sqlite { connection, shown, facts, has: Has::ALL })
}

/// A folder in which no journal can be made would fail the first save; better to fail before anything was begun.
fn prove_writable(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // A real change: SQLite touches nothing when a row is overwritten by itself.
    transaction.execute("INSERT INTO meta (key, value) VALUES ('probe', '')", [])?;
    transaction.rollback()
}

/// Opens the store for reading; `None` when no file, or an empty one, is there.
pub(super) fn open_existing(path: &Path, at: &Address) -> Result<Option<Sqlite>, StoreError> {
    let shown = path.display().to_string();
    let (full, flags) = guard::settle(path, at.within.as_deref(), &shown)?;
    if !file::is_there(&full, &shown)? {
        return Ok(None);
    }
    guard::require_own_journal(&full, &shown)?;
    let connection = connect(&full, flags | OpenFlags::SQLITE_OPEN_READ_ONLY, &shown)?;
    recover(&connection, &full, flags, &shown)?;
    guard::require_whole(&connection, &full, &shown)?;
    guard::require_ours(&connection, at.own_triggers, &shown)?;
    match layout::inspect(&connection, &shown)? {
        Found::Empty => Ok(None),
        Found::Older(found) if found < READABLE => {
            Err(StoreError::Older { store: shown, found, known: layout::known() })
        }
        found => {
            let has = Has::of(found, layout::CAME);
            let facts = layout::facts(&connection, &shown)?;
            Ok(Some(Sqlite { connection, shown, facts, has }))
        }
    }
}

fn connect(path: &Path, access: OpenFlags, shown: &str) -> Result<Connection, StoreError> {
    let open = |error| failure::open(shown, &error);
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(open)?;
    connection.busy_handler(Some(failure::wait_for_others)).map_err(open)?;
    guard::harden(&connection).map_err(open)?;
    Ok(connection)
}

/// After a crash in the middle of a save the half-written pages must be taken back before anything can be read, and only
/// a writer may do that. It restores the file as it was before that save; nothing else makes a reader write.
fn recover(reader: &Connection, path: &Path, flags: OpenFlags, shown: &str) -> Result<(), StoreError> {
    let look = |connection: &Connection| {
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
    };
    match look(reader) {
        Err(error) if failure::needs_recovery(&error) => {
            let writer = connect(path, flags | OpenFlags::SQLITE_OPEN_READ_WRITE, shown)?;
            look(&writer).map(|_| ()).map_err(|error| failure::open(shown, &error))
        }
        // Whatever else is wrong is reported by the reading that follows.
        _ => Ok(()),
    }
}

impl Store for Sqlite {
    fn identity(&self) -> &str {
        &self.facts.identity
    }

    fn fingerprint_key(&self) -> &[u8] {
        &self.facts.key
    }

    fn read(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deployed>, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        // As one JSON array: SQLite bounds the number of parameters, and there may be thousands of names.
        let names = integrations.map(|names| serde_json::json!(names).to_string());
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT integration, category, revision, settings, applied, saved_by, saved_at, commit_id, run
                 FROM category {} ORDER BY integration, category",
                those(names.as_ref())
            ))
            .map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(names)).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            found.push(deployed(row, &self.shown)?);
        }
        Ok(found)
    }

    fn each_heads(
        &mut self,
        integrations: Option<&[String]>,
        take: &mut TakeHeads<'_>,
    ) -> Result<(), StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let names = integrations.map(|names| serde_json::json!(names).to_string());
        let marks = if self.has.marks { "leaves, digest, settled, secrets" } else { "0, digest, '', ''" };
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT integration, category, revision, {marks} FROM category {} ORDER BY integration",
                those(names.as_ref())
            ))
            .map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(names)).map_err(failed)?;
        let mut heads = Reading::of(take);
        while let Some(row) = rows.next().map_err(failed)? {
            add_head(&mut heads, row, &self.shown)?;
        }
        heads.give();
        Ok(())
    }

    fn deleted(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deleted>, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT integration, category, max(revision), max(saved_at) FROM history
                 WHERE (?1 IS NULL OR integration IN (SELECT value FROM json_each(?1))) AND NOT EXISTS (
                     SELECT 1 FROM category
                     WHERE category.integration = history.integration AND category.category = history.category)
                 GROUP BY integration, category ORDER BY integration, category",
            )
            .map_err(failed)?;
        let names = integrations.map(|names| serde_json::json!(names).to_string());
        let mut rows = statement.query([names]).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let (integration, category): (String, String) =
                (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
            let revision = counted(row.get(2).map_err(failed)?, &self.shown, &integration, &category)?;
            found.push(Deleted { integration, category, revision, saved_at: row.get(3).map_err(failed)? });
        }
        Ok(found)
    }

    fn save_all(&mut self, saves: &[Save<'_>]) -> Result<Vec<Result<Saved, StoreError>>, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut saved = Vec::with_capacity(saves.len());
        for save in saves {
            let settings = without_null(save.settings);
            saved.push(match compare_and_save(&transaction, save, &settings).map_err(failed)? {
                Some(revision) => counted(revision, &self.shown, save.integration, save.category)
                    .map(|revision| Saved::Saved { revision }),
                None => why_not_saved(&transaction, save, &settings, &self.shown),
            });
        }
        if saved.iter().any(|saved| matches!(saved, Ok(Saved::Saved { .. }))) {
            transaction.commit().map_err(|error| failure::committing(&self.shown, &error))?;
        }
        Ok(saved)
    }

    fn save_alone(
        &mut self,
        save: &Save<'_>,
        rests_on: &BTreeMap<String, u64>,
        note: Option<&Note>,
    ) -> Result<Saved, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let settings = without_null(save.settings);
        if !locks::is_free(&transaction, save.integration).map_err(failed)?
            || !rests(&transaction, save.integration, rests_on).map_err(failed)?
        {
            // The same run may have saved it before.
            return match why_not_saved(&transaction, save, &settings, &self.shown)? {
                already @ Saved::Already { .. } => Ok(already),
                _ => Ok(Saved::LockLost),
            };
        }
        match compare_and_save(&transaction, save, &settings).map_err(failed)? {
            Some(revision) => {
                let revision = counted(revision, &self.shown, save.integration, save.category)?;
                note.map_or(Ok(()), |note| keep(&transaction, note)).map_err(failed)?;
                transaction.commit().map_err(|error| failure::committing(&self.shown, &error))?;
                Ok(Saved::Saved { revision })
            }
            None => why_not_saved(&transaction, save, &settings, &self.shown),
        }
    }

    fn records(&mut self) -> Result<Vec<Record>, StoreError> {
        let found = self.saves("ORDER BY history.rowid", [])?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn saves_of(&mut self, runs: &str) -> Result<Vec<Record>, StoreError> {
        let which = "WHERE history.run >= ?1 AND history.run < ?2 ORDER BY history.rowid";
        let found = self.saves(which, [runs, &past_all(runs)])?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn feed(&mut self, after: u64, limit: usize) -> Result<Vec<FeedItem>, StoreError> {
        let sql = "WHERE history.rowid > ?1 AND settings IS NOT (
                       SELECT former.settings FROM history AS former
                       WHERE former.integration = history.integration AND former.category = history.category
                         AND former.revision < history.revision
                       ORDER BY former.revision DESC LIMIT 1)
                   ORDER BY history.rowid LIMIT ?2";
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let found = self.saves(sql, [number(after), number(limit as u64)])?;
        Ok(found.into_iter().map(|(number, record)| FeedItem { number, record }).collect())
    }

    fn last_number(&mut self) -> Result<u64, StoreError> {
        let last = self
            .connection
            .query_row("SELECT coalesce(max(rowid), 0) FROM history", [], |row| row.get::<_, i64>(0));
        last.map(i64::unsigned_abs).map_err(|error| failure::failed(&self.shown, &error))
    }

    fn dump(&mut self, take: &mut TakeRow<'_>) -> Result<(), StoreError> {
        layout::require_current(&self.connection, &self.shown)?;
        copy::dump(&mut self.connection, &self.shown, take)
    }

    fn fill(&mut self, epoch: u64, give: &mut GiveRows<'_>) -> Result<(), StoreError> {
        copy::fill(&mut self.connection, &self.shown, epoch, give)
    }

    fn epoch(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch'), 1)";
        let epoch = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        epoch.map(i64::unsigned_abs).map_err(|error| failure::failed(&self.shown, &error))
    }

    fn integrations(&mut self, after: &str, limit: usize) -> Result<Vec<Registered>, StoreError> {
        section::integrations(&self.connection, &self.shown, after, limit)
    }

    fn integration(&mut self, id: &str) -> Result<Option<Registered>, StoreError> {
        section::integration(&self.connection, &self.shown, id)
    }

    fn register(&mut self, new: &Registered) -> Result<bool, StoreError> {
        section::register(&self.connection, &self.shown, new)
    }

    fn forget(&mut self, id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM integration WHERE id = ?1
                   AND NOT EXISTS (SELECT 1 FROM category WHERE integration = ?1)";
        self.connection.execute(sql, [id]).map(|_| ()).map_err(|error| failure::failed(&self.shown, &error))
    }

    fn tokens(&mut self) -> Result<Vec<Token>, StoreError> {
        section::tokens(&self.connection, &self.shown)
    }

    fn token(&mut self, hash: &str) -> Result<Option<Token>, StoreError> {
        section::token_of(&self.connection, &self.shown, hash)
    }

    fn add_token(&mut self, token: &Token) -> Result<bool, StoreError> {
        section::add_token(&self.connection, &self.shown, token)
    }

    fn revoke_token(&mut self, name: &str, at: &str, by: &str) -> Result<bool, StoreError> {
        section::revoke_token(&self.connection, &self.shown, name, at, by)
    }

    fn session(&mut self, hash: &str, now: &str) -> Result<Option<Session>, StoreError> {
        section::session(&self.connection, &self.shown, hash, now)
    }

    fn add_session(&mut self, session: &Session) -> Result<(), StoreError> {
        section::add_session(&self.connection, &self.shown, session)
    }

    fn end_session(&mut self, hash: &str) -> Result<(), StoreError> {
        section::end_session(&self.connection, &self.shown, hash)
    }

    fn report_sync(&mut self, sync: &SyncReport) -> Result<(), StoreError> {
        section::report_sync(&self.connection, &self.shown, sync)
    }

    fn last_syncs(&mut self, integration: &str) -> Result<Vec<SyncReport>, StoreError> {
        section::last_syncs(&self.connection, &self.shown, integration)
    }

    fn lock_all(&mut self, asks: &[Ask<'_>]) -> Result<Vec<Asked>, StoreError> {
        locks::take(&mut self.connection, &self.shown, asks)
    }

    fn renew_all(&mut self, locks: &[&Lock], seconds: u32) -> Result<(), StoreError> {
        locks::renew(&self.connection, &self.shown, locks, seconds)
    }

    fn unlock_all(&mut self, locks: &[&Lock]) -> Result<Vec<Lock>, StoreError> {
        locks::release(&mut self.connection, &self.shown, locks)
    }

    fn locks(&mut self) -> Result<Vec<Lock>, StoreError> {
        locks::held(&self.connection, &self.shown)
    }

    fn note(&mut self, note: &Note) -> Result<(), StoreError> {
        keep(&self.connection, note).map_err(|error| failure::failed(&self.shown, &error))
    }

    fn notes_of(&mut self, kinds: &[&str], since: &str) -> Result<Vec<Note>, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        // Of all kinds no index is of use.
        let of_kinds =
            if kinds.is_empty() { "?1 = '[]'" } else { "kind IN (SELECT value FROM json_each(?1))" };
        let sql =
            format!("SELECT at, by, kind, text, run FROM note WHERE {of_kinds} AND at >= ?2 ORDER BY number");
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let rows = statement.query_map((serde_json::json!(kinds).to_string(), since), |row| {
            Ok(Note {
                at: row.get(0)?,
                by: row.get(1)?,
                kind: row.get(2)?,
                text: row.get(3)?,
                run: row.get(4)?,
            })
        });
        rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
    }

    fn rename(&mut self, rename: &Rename<'_>) -> Result<Moved, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let taken = "SELECT EXISTS (SELECT 1 FROM category WHERE integration = ?1)";
        if transaction.query_row(taken, [rename.to], |row| row.get(0)).map_err(failed)? {
            return Ok(Moved::Taken);
        }
        let sql = "UPDATE category SET integration = ?2 WHERE integration = ?1";
        let moved = transaction.execute(sql, [rename.from, rename.to]).map_err(failed)?;
        if moved > 0 {
            // The history tells by time what was saved before; the clock may have been set back since.
            let sql = "INSERT INTO note (at, by, kind, text, run)
                       SELECT max(?1, coalesce(max(saved_at), '')), ?2, ?3, ?4, ?5 FROM history WHERE integration = ?6";
            let note = (rename.at, rename.by, RENAME, rename.text(), rename.run, rename.from);
            transaction.execute(sql, note).map_err(failed)?;
            transaction.commit().map_err(|error| failure::committing(&self.shown, &error))?;
        }
        Ok(Moved::Moved(moved))
    }

    fn begin(&mut self, run: &str, at: &str, by: &str, origin: Origin<'_>) -> Result<Run, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let finished: Option<Option<String>> = transaction
            .query_row("SELECT finished_at FROM run WHERE digest = ?1", [run], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        match finished {
            Some(Some(at)) => Ok(Run::Finished { at }),
            Some(None) => Ok(Run::Resumed),
            None => {
                transaction
                    .execute(
                        "INSERT INTO run (digest, begun_at, begun_by, commit_author, commit_dirty)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                        (run, at, by, origin.author, origin.dirty),
                    )
                    .map_err(failed)?;
                transaction.commit().map_err(failed)?;
                Ok(Run::New)
            }
        }
    }

    fn finish(&mut self, run: &str, at: &str) -> Result<(), StoreError> {
        let changed = self
            .connection
            .execute("UPDATE run SET finished_at = coalesce(finished_at, ?2) WHERE digest = ?1", [run, at])
            .map_err(|error| failure::failed(&self.shown, &error))?;
        if changed == 0 {
            let reason = format!("the plan {run} was never begun here");
            return Err(StoreError::Failed { store: self.shown.clone(), reason });
        }
        Ok(())
    }

    fn histories(&mut self, of: &[(String, String)]) -> Result<Vec<Record>, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT revision, settings, saved_by, saved_at, commit_id, run, commit_author, commit_dirty,
                        history.digest
                 FROM history LEFT JOIN run ON run.digest = history.run
                 WHERE integration = ?1 AND category = ?2 ORDER BY revision",
            )
            .map_err(failed)?;
        let mut found = Vec::new();
        for (integration, category) in of {
            let mut rows = statement.query([integration, category]).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                let past = authored(row, &self.shown, integration, category)?;
                found.push(Record { integration: integration.clone(), category: category.clone(), past });
            }
        }
        Ok(found)
    }

    fn rules(&mut self) -> Result<Vec<Rules>, StoreError> {
        if !self.has.rules {
            return Ok(Vec::new());
        }
        rules::all(&self.connection, &self.shown)
    }

    fn last_rules(&mut self, commit: Option<&str>) -> Result<Vec<Rules>, StoreError> {
        if !self.has.rules {
            return Ok(Vec::new());
        }
        rules::last(&self.connection, &self.shown, commit)
    }

    fn record(&mut self, recording: &Recording) -> Result<(), StoreError> {
        rules::record(&mut self.connection, &self.shown, recording)
    }

    fn said(&mut self, integrations: Option<&[String]>) -> Result<Vec<Said>, StoreError> {
        if !self.has.rules {
            return Ok(Vec::new());
        }
        rules::said(&self.connection, &self.shown, integrations)
    }

    fn sources(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        if !self.has.rules {
            return Ok(Vec::new());
        }
        rules::sources(&self.connection, &self.shown)
    }

    fn document(&mut self, digest: &str) -> Result<Option<String>, StoreError> {
        if !self.has.rules {
            return Ok(None);
        }
        rules::document(&self.connection, &self.shown, digest)
    }

    fn reconciled(&mut self, environment: &str) -> Result<Option<Reconciled>, StoreError> {
        if !self.has.reconcile {
            return Ok(None);
        }
        reconcile::reconciled(&self.connection, &self.shown, environment, self.has)
    }

    fn behind(&mut self, environment: &str) -> Result<Vec<Behind>, StoreError> {
        if !self.has.reconcile {
            return Ok(Vec::new());
        }
        reconcile::behind(&self.connection, &self.shown, environment, self.has)
    }

    fn matters(&mut self, environment: &str) -> Result<Vec<Matter>, StoreError> {
        if !self.has.reconcile {
            return Ok(Vec::new());
        }
        reconcile::matters(&self.connection, &self.shown, environment)
    }

    fn last_commits(&mut self, integrations: &[String]) -> Result<Vec<LastCommit>, StoreError> {
        reconcile::last_commits(&self.connection, &self.shown, integrations)
    }

    fn note_reconciled(&mut self, lease: &Lock, what: &Reconciling) -> Result<bool, StoreError> {
        reconcile::note(&mut self.connection, &self.shown, lease, what)
    }
}

impl Sqlite {
    /// Saves of the history, each with its number.
    fn saves(
        &self,
        which: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<(u64, Record)>, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let sql = format!(
            "SELECT revision, settings, saved_by, saved_at, commit_id, run, commit_author, commit_dirty,
                    history.digest, integration, category, history.rowid
             FROM history LEFT JOIN run ON run.digest = history.run {which}"
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let mut rows = statement.query(parameters).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let (integration, category): (String, String) =
                (row.get(9).map_err(failed)?, row.get(10).map_err(failed)?);
            let past = authored(row, &self.shown, &integration, &category)?;
            let number = row.get::<_, i64>(11).map_err(failed)?.unsigned_abs();
            found.push((number, Record { integration, category, past }));
        }
        Ok(found)
    }
}

fn keep(connection: &Connection, note: &Note) -> rusqlite::Result<()> {
    let sql = "INSERT INTO note (at, by, kind, text, run) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.execute(sql, (&note.at, &note.by, &note.kind, &note.text, &note.run)).map(|_| ())
}

/// Whether categories of an integration are at these revisions.
fn rests(connection: &Connection, integration: &str, on: &BTreeMap<String, u64>) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (
                   SELECT 1 FROM json_each(?2) AS rest
                   WHERE rest.value IS NOT coalesce(
                       (SELECT revision FROM category WHERE integration = ?1 AND category = rest.key), 0))";
    connection
        .prepare_cached(sql)?
        .query_row((integration, serde_json::json!(on).to_string()), |row| row.get(0))
}

/// Writes the category if it is at the expected revision; the new revision if so. The triggers keep the history.
///
/// The next revision is one more than any in the history, since a row may have been deleted by hand.
fn compare_and_save(
    connection: &Connection,
    save: &Save<'_>,
    settings: &Settings,
) -> rusqlite::Result<Option<i64>> {
    let insert = "INSERT INTO category
            (integration, category, settings, applied, digest, saved_by, saved_at, commit_id, run, revision,
             settled, secrets, leaves)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1 + coalesce(max(revision), ?10), ?12, ?13, ?14
         FROM history WHERE integration = ?1 AND category = ?2
         HAVING (?11 IS NULL OR EXISTS (SELECT 1 FROM lock WHERE integration = ?1 AND token = ?11 AND id IS NOT NULL))
            AND (?15 IS NULL OR EXISTS (SELECT 1 FROM lock WHERE integration = ?15 AND token = ?16 AND id IS NOT NULL))
         ON CONFLICT (integration, category) DO NOTHING
         RETURNING revision";
    let update = "UPDATE category
         SET settings = ?3, applied = ?4, digest = ?5, saved_by = ?6, saved_at = ?7, commit_id = ?8, run = ?9,
             revision = 1 + max(?10, coalesce(
                 (SELECT max(revision) FROM history WHERE integration = ?1 AND category = ?2), 0)),
             settled = ?12, secrets = ?13, leaves = ?14
         WHERE integration = ?1 AND category = ?2 AND revision = ?10
           AND (?11 IS NULL OR EXISTS (SELECT 1 FROM lock WHERE integration = ?1 AND token = ?11 AND id IS NOT NULL))
           AND (?15 IS NULL OR EXISTS (SELECT 1 FROM lock WHERE integration = ?15 AND token = ?16 AND id IS NOT NULL))
         RETURNING revision";
    let Ok(expected) = i64::try_from(save.expected_revision) else { return Ok(None) };
    let token = |token: u64| i64::try_from(token).unwrap_or(i64::MAX);
    let fence = save.fence.map(token);
    let (lease, lease_token) = save.lease.map(|lease| (&lease.integration, token(lease.token))).unzip();
    let documents = Documents::of(save, settings);
    connection
        .prepare_cached(if expected == 0 { insert } else { update })?
        .query_row(
            (
                save.integration,
                save.category,
                documents.settings,
                documents.applied,
                documents.digest,
                save.saved_by,
                save.saved_at,
                save.commit,
                save.run,
                expected,
                fence,
                documents.settled,
                documents.secrets,
                documents.setting_count,
                lease,
                lease_token,
            ),
            |row| row.get(0),
        )
        .optional()
}

/// Why a category was not saved: the same run did it before, or somebody else did something.
fn why_not_saved(
    connection: &Connection,
    save: &Save<'_>,
    wanted: &Settings,
    shown: &str,
) -> Result<Saved, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let mut statement = connection
        .prepare_cached(
            "SELECT revision, settings, saved_by, saved_at, commit_id, run, 0 AS gone
             FROM category WHERE integration = ?1 AND category = ?2
             UNION ALL
             SELECT revision, settings, saved_by, saved_at, commit_id, run, 1
             FROM history WHERE integration = ?1 AND category = ?2
             ORDER BY gone, revision DESC LIMIT 1",
        )
        .map_err(failed)?;
    let mut rows = statement.query([save.integration, save.category]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else {
        if save.expected_revision == 0 {
            return Ok(Saved::LockLost);
        }
        // A plan made against another store, or a store that was started afresh.
        return Ok(Saved::Conflict { revision: 0, saved_by: String::new(), saved_at: String::new() });
    };
    let now = past(row, read_document(row, 1, shown)?, shown, save.integration, save.category)?;
    if row.get(6).map_err(failed)? {
        if save.expected_revision == 0 {
            return Ok(Saved::LockLost);
        }
        return Ok(Saved::Conflict { revision: 0, saved_by: now.saved_by, saved_at: now.saved_at });
    }
    if now.run.as_deref() == Some(save.run) && now.settings.as_ref() == Ok(wanted) {
        return Ok(Saved::Already { revision: now.revision });
    }
    if now.revision == save.expected_revision {
        return Ok(Saved::LockLost);
    }
    Ok(Saved::Conflict { revision: now.revision, saved_by: now.saved_by, saved_at: now.saved_at })
}

fn add_head(heads: &mut Reading<'_>, row: &Row<'_>, shown: &str) -> Result<(), StoreError> {
    let failed = |error| failure::failed(shown, &error);
    // Nothing is copied of a column that is not kept.
    let text = |column| {
        let value = row.get_ref(column)?;
        value.as_str().map_err(|error| FromSqlConversionFailure(column, value.data_type(), Box::new(error)))
    };
    let (integration, category) = (text(0).map_err(failed)?, text(1).map_err(failed)?);
    let revision = counted(row.get(2).map_err(failed)?, shown, integration, category)?;
    let marks = [text(4).map_err(failed)?, text(5).map_err(failed)?, text(6).map_err(failed)?];
    heads.add(integration, category, revision, row.get(3).map_err(failed)?, marks);
    Ok(())
}

fn deployed(row: &Row<'_>, shown: &str) -> Result<Deployed, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let integration: String = row.get(0).map_err(failed)?;
    let category: String = row.get(1).map_err(failed)?;
    let usable = |column| {
        let found = read_document(row, column, shown)?;
        found.map_err(|found| unusable(shown, &integration, &category, &found.why))
    };
    Ok(Deployed {
        revision: counted(row.get(2).map_err(failed)?, shown, &integration, &category)?,
        settings: without_null(&usable(3)?),
        applied: usable(4)?,
        saved_by: row.get(5).map_err(failed)?,
        saved_at: row.get(6).map_err(failed)?,
        commit: row.get(7).map_err(failed)?,
        run: row.get(8).map_err(failed)?,
        integration,
        category,
    })
}

/// From the columns revision, settings, saved_by, saved_at, commit_id and run.
fn past(
    row: &Row<'_>,
    settings: Result<Settings, Unusable>,
    shown: &str,
    integration: &str,
    category: &str,
) -> Result<Past, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    Ok(Past {
        revision: counted(row.get(0).map_err(failed)?, shown, integration, category)?,
        settings: settings.map(|settings| without_null(&settings)),
        saved_by: row.get(2).map_err(failed)?,
        saved_at: row.get(3).map_err(failed)?,
        commit: row.get(4).map_err(failed)?,
        run: row.get(5).map_err(failed)?,
        author: None,
        dirty: false,
    })
}

/// As [`past`], with what the run was made from in the two columns after it, and then the digest.
fn authored(row: &Row<'_>, shown: &str, integration: &str, category: &str) -> Result<Past, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let author = row.get(6).map_err(failed)?;
    let dirty = row.get::<_, Option<bool>>(7).map_err(failed)?.unwrap_or_default();
    let digest: String = row.get(8).map_err(failed)?;
    let text = row.get_ref(1).map_err(failed)?.as_bytes().unwrap_or_default();
    let settings = past_document(text, &digest);
    Ok(Past { author, dirty, ..past(row, settings, shown, integration, category)? })
}

/// The rows of the integrations that a JSON array names, found by the index; without one all.
fn those(names: Option<&String>) -> &'static str {
    names.map_or("", |_| "WHERE integration IN (SELECT value FROM json_each(?1))")
}

/// The settings in one column.
fn read_document(
    row: &Row<'_>,
    column: usize,
    shown: &str,
) -> Result<Result<Settings, Unusable>, StoreError> {
    let bytes =
        row.get_ref(column).map_err(|error| failure::failed(shown, &error))?.as_bytes().unwrap_or_default();
    Ok(document(bytes, row.as_ref().column_name(column).unwrap_or("settings")))
}

fn counted(revision: i64, shown: &str, integration: &str, category: &str) -> Result<u64, StoreError> {
    u64::try_from(revision)
        .map_err(|_| unusable(shown, integration, category, &format!("the revision is {revision}")))
}
