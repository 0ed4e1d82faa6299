//! The shared store: a schema of its own in a PostgreSQL database, for many runners at once. The tables are described in
//! `migrations/postgres`; edits by hand are noticed there, by triggers.
//!
//! One connection, since pairform does one thing at a time; a pool is the server's or PgBouncer's business (session mode).
//! A group of saves is one statement and commits by itself. Every wait has an end, and a connection that breaks is
//! made again once: nearly all statements can be repeated without harm, a save because it finds its own. One that cannot be
//! made again is not waited for again.

mod ahead;
mod client;
mod connect;
mod copy;
mod failure;
mod layout;
mod owners;
mod passfile;
mod reconcile;
mod rules;
mod save;
mod section;
mod shared;
mod text;
mod wire;

use std::collections::BTreeMap;

use crate::model::Hidden;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use self::ahead::{Ahead, DEPLOYED};
use self::client::{Client, Fault};
use self::connect::{Access, Target};
use self::text::{decode, encode};
use super::address::Address;
use super::contract::Store;
use super::copy::{GiveRows, TakeRow};
use super::data::{
    Ask, Asked, Deleted, Deployed, Lock, Note, Origin, Past, RENAME, Record, Run, Save, Saved, Unusable,
};
use super::document::{document, past_document, unusable, without_null};
use super::error::StoreError;
use super::head::{Reading, TakeHeads};
use super::identity;
use super::layout::{Found, Has, READABLE};
use super::reconcile::{Behind, LastCommit, Matter, Reconciled, Reconciling};
use super::rename::{Moved, Rename};
use super::rules::{Recording, Rules, Said, unpack};
use super::section::{FeedItem, Registered, Session, SyncReport, Token, past_all};
use super::shared::Soon;
use crate::model::Settings;

pub(super) use connect::place;

/// A store in one schema of a PostgreSQL database.
pub(super) struct Postgres {
    client: Client,
    target: Target,
    access: Access,
    identity: String,
    key: Hidden<Vec<u8>>,
    /// Why the connection could not be made again; then nothing else is tried.
    lost: Option<String>,
    has: Has,
    /// Answers to what will be asked soon: gone once anything else is.
    ahead: Ahead,
}

/// Opens the store for reading and writing; makes its schema when it is not there.
pub(super) fn open(at: &Address) -> Result<Box<dyn Store>, StoreError> {
    let target = Target::parse(at)?;
    let mut client = target.connect(Access::Write)?;
    if layout::inspect(&mut client, &target)? != Found::Current {
        layout::migrate(&mut client, &target)?;
    }
    let (identity, key) = layout::facts(&mut client, &target)?;
    Ok(Box::new(Postgres {
        client,
        target,
        access: Access::Write,
        identity,
        key,
        lost: None,
        has: Has::ALL,
        ahead: Ahead::new(),
    }))
}

/// Opens the store for reading; the server refuses every write. `None` when the schema is not there.
pub(super) fn open_existing(at: &Address) -> Result<Option<Box<dyn Store>>, StoreError> {
    let target = Target::parse(at)?;
    let mut client = target.connect(Access::Read)?;
    match layout::inspect(&mut client, &target)? {
        Found::Empty => Ok(None),
        Found::Older(found) if found < READABLE => {
            Err(StoreError::Older { store: target.shown, found, known: layout::known() })
        }
        found => {
            let has = Has::of(found, layout::CAME);
            let (identity, key) = layout::facts(&mut client, &target)?;
            Ok(Some(Box::new(Postgres {
                client,
                target,
                access: Access::Read,
                identity,
                key,
                lost: None,
                has,
                ahead: Ahead::new(),
            })))
        }
    }
}

/// How a statement went.
struct Done<T> {
    value: T,
    /// The connection broke, and this is the answer of the second time.
    repeated: bool,
}

impl Postgres {
    /// Runs statements that may be repeated; once more on a new connection when the first one broke.
    fn run<T>(
        &mut self,
        what: &mut dyn FnMut(&mut Client) -> client::Result<T>,
    ) -> Result<Done<T>, StoreError> {
        let broken = match self.once(what)? {
            Ok(value) => return Ok(Done { value, repeated: false }),
            Err(fault) if failure::is_broken(&fault) => fault,
            Err(fault) => return Err(self.failed(&fault)),
        };
        match self.target.reconnect(self.access) {
            Ok(client) => self.client = client,
            Err(_) => return Err(self.lose(&broken)),
        }
        match self.once(what)? {
            Ok(value) => Ok(Done { value, repeated: true }),
            Err(fault) if failure::is_broken(&fault) => Err(self.lose(&fault)),
            Err(fault) => Err(self.failed(&fault)),
        }
    }

    /// Runs statements, anew where the server says that something is locked, as long as that is waited for: it has done nothing
    /// of them, and its word tells a server that waits from one that is silent.
    fn once<T>(
        &mut self,
        what: &mut dyn FnMut(&mut Client) -> client::Result<T>,
    ) -> Result<client::Result<T>, StoreError> {
        self.ahead.clear();
        if let Some(reason) = self.lost.clone() {
            return Err(StoreError::Lost { store: self.target.shown.clone(), reason });
        }
        for _ in 1..self.target.lock_waits {
            match what(&mut self.client) {
                Err(fault) if failure::is_locked(&fault) => {}
                other => return Ok(other),
            }
        }
        Ok(what(&mut self.client))
    }

    fn lose(&mut self, fault: &Fault) -> StoreError {
        let (store, reason) = (self.target.shown.clone(), failure::words(fault));
        self.lost = Some(reason.clone());
        match fault {
            Fault::Silent(silence) => StoreError::Silent { store, seconds: silence.as_secs() },
            _ => StoreError::Lost { store, reason },
        }
    }

    fn failed(&mut self, fault: &Fault) -> StoreError {
        if matches!(fault, Fault::Silent(_)) {
            return self.lose(fault);
        }
        if failure::is_locked(fault) {
            self.target.lose_patience(&mut self.client);
        }
        failure::failed(&self.target.shown, fault)
    }

    fn not_copied(&mut self, broken: copy::Broken) -> StoreError {
        match broken {
            copy::Broken::Server(fault) => self.failed(&fault),
            copy::Broken::Other(error) => error,
        }
    }

    fn query(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        self.run(&mut |client| client.query(sql, parameters)).map(|done| done.value)
    }

    /// Saves of the history, each with its number.
    fn saves(
        &mut self,
        which: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<(u64, Record)>, StoreError> {
        let sql = format!(
            "SELECT revision, settings, saved_by, saved_at, commit_id, run, commit_author, commit_dirty,
                    history.digest, integration, category, number
             FROM history LEFT JOIN run ON run.digest = history.run {which}"
        );
        let rows = self.query(&sql, parameters)?;
        rows.iter()
            .map(|row| {
                let (integration, category) = (decode(row.get(9)), decode(row.get(10)));
                let past = authored(row, &self.target.shown, &integration, &category)?;
                Ok((row.get::<_, i64>(11).unsigned_abs(), Record { integration, category, past }))
            })
            .collect()
    }
}

/// When a lock ends that lasts for `$2` seconds.
const EXPIRY: &str = "to_char(least(clock_timestamp() AT TIME ZONE 'utc' + make_interval(secs => $2), '9999-12-31 23:59:59'), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";

impl Store for Postgres {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn fingerprint_key(&self) -> &[u8] {
        &self.key
    }

    fn read(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deployed>, StoreError> {
        let rows = match integrations {
            Some([one]) => self.soon(Soon::Deployed(one.clone()))?,
            _ => {
                let names = integrations.map(encode_all);
                let which =
                    "WHERE $1::text[] IS NULL OR integration = ANY($1) ORDER BY integration, category";
                self.query(&format!("{DEPLOYED} {which}"), &[&names])?
            }
        };
        rows.iter().map(|row| deployed(row, &self.target.shown)).collect()
    }

    fn each_heads(
        &mut self,
        integrations: Option<&[String]>,
        take: &mut TakeHeads<'_>,
    ) -> Result<(), StoreError> {
        let names = integrations.map(encode_all);
        let marks =
            if self.has.marks { "leaves, digest, settled, secrets" } else { "0::bigint, digest, '', ''" };
        let sql = format!(
            "SELECT integration, category, revision, {marks}
             FROM category
             WHERE ($1::text[] IS NULL OR integration = ANY($1)) AND ($2::text IS NULL OR integration > $2)
             ORDER BY integration"
        );
        let shown = self.target.shown.clone();
        // The last integration of which all was handed out; on a new connection reading goes on after it.
        let mut given: Option<String> = None;
        let mut unusable = None;
        self.run(&mut |client| {
            let mut current: Option<String> = None;
            let mut heads = Reading::of(take);
            let parameters = [&names as &(dyn ToSql + Sync), &given.clone()];
            client.each(&sql, &parameters, &mut |row| {
                let stored: String = row.get(0);
                let (integration, category) = (decode(stored.clone()), decode(row.get(1)));
                match counted(row.get(2), &shown, &integration, &category) {
                    Ok(revision) => heads.add(
                        &integration,
                        &category,
                        revision,
                        row.get(3),
                        [row.get(4), row.get(5), row.get(6)],
                    ),
                    Err(error) => {
                        unusable = Some(error);
                        return false;
                    }
                }
                if current.as_ref() != Some(&stored) {
                    given = current.replace(stored);
                }
                true
            })?;
            if unusable.is_none() {
                heads.give();
            }
            Ok(())
        })?;
        unusable.map_or(Ok(()), Err)
    }

    fn deleted(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deleted>, StoreError> {
        let sql = "SELECT integration, category, max(revision), max(saved_at) FROM history
                   WHERE ($1::text[] IS NULL OR integration = ANY($1)) AND NOT EXISTS (
                       SELECT FROM category
                       WHERE category.integration = history.integration AND category.category = history.category)
                   GROUP BY integration, category ORDER BY integration, category";
        let rows = self.query(sql, &[&integrations.map(encode_all)])?;
        let deleted = |row: &Row| {
            let (integration, category) = (decode(row.get(0)), decode(row.get(1)));
            let revision = counted(row.get(2), &self.target.shown, &integration, &category)?;
            Ok(Deleted { integration, category, revision, saved_at: decode(row.get(3)) })
        };
        rows.iter().map(deleted).collect()
    }

    fn save_all(&mut self, saves: &[Save<'_>]) -> Result<Vec<Result<Saved, StoreError>>, StoreError> {
        self.save_guarded(saves, None, None)
    }

    fn save_alone(
        &mut self,
        save: &Save<'_>,
        rests_on: &BTreeMap<String, u64>,
        note: Option<&Note>,
    ) -> Result<Saved, StoreError> {
        let rests_on = serde_json::json!(rests_on).to_string();
        self.save_guarded(std::slice::from_ref(save), Some(&rests_on), note)?
            .pop()
            .unwrap_or(Ok(Saved::LockLost))
    }

    fn rename(&mut self, rename: &Rename<'_>) -> Result<Moved, StoreError> {
        // The history tells by time what was saved before; the clock may have been set back since.
        let sql = "WITH moved AS (
                 UPDATE category SET integration = $2
                 WHERE integration = $1 AND NOT EXISTS (SELECT FROM category WHERE integration = $2)
                 RETURNING 1),
             noted AS (
                 INSERT INTO note (at, by, kind, text, run)
                 SELECT greatest($3, (SELECT max(saved_at) FROM history WHERE integration = $1)), $4, $5, $6, $7
                 WHERE EXISTS (SELECT FROM moved))
             SELECT (SELECT count(*) FROM moved), EXISTS (SELECT FROM category WHERE integration = $2)";
        let text = rename.text();
        let parameters =
            [rename.from, rename.to, rename.at, rename.by, RENAME, &text, rename.run].map(encode);
        let parameters = parameters.each_ref().map(|text| text as &(dyn ToSql + Sync));
        self.run(&mut Client::prove)?;
        // Not repeated: what it moved would then look like the new id's own.
        let row = match self.once(&mut |client| client.query_one(sql, &parameters))? {
            Ok(row) => row,
            // Another connection may do what comes next.
            Err(fault) if failure::is_broken(&fault) => {
                let (store, reason) = (self.target.shown.clone(), failure::words(&fault));
                return Err(in_doubt(StoreError::Lost { store, reason }));
            }
            Err(fault) if failure::is_lost(&fault) => return Err(in_doubt(self.lose(&fault))),
            Err(fault) => return Err(self.failed(&fault)),
        };
        let moved = usize::try_from(row.get::<_, i64>(0)).unwrap_or_default();
        Ok(if moved == 0 && row.get(1) { Moved::Taken } else { Moved::Moved(moved) })
    }

    fn begin(&mut self, run: &str, at: &str, by: &str, origin: Origin<'_>) -> Result<Run, StoreError> {
        let run = encode(run);
        let sql = "INSERT INTO run (digest, begun_at, begun_by, commit_author, commit_dirty)
                   VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (digest) DO NOTHING";
        let author = origin.author.map(encode);
        let begun = self.run(&mut |client| {
            client.execute(sql, &[&run, &encode(at), &encode(by), &author, &origin.dirty])
        })?;
        if begun.value == 1 {
            return Ok(Run::New);
        }
        let sql = "SELECT finished_at, begun_at = $2 AND begun_by = $3 FROM run WHERE digest = $1";
        let rows = self.query(sql, &[&run, &encode(at), &encode(by)])?;
        Ok(match rows.first().map(|row| (row.get::<_, Option<String>>(0), row.get(1))) {
            Some((Some(at), _)) => Run::Finished { at: decode(at) },
            // The first time went through after all, and only its answer was lost.
            Some((None, true)) if begun.repeated => Run::New,
            _ => Run::Resumed,
        })
    }

    fn finish(&mut self, run: &str, at: &str) -> Result<(), StoreError> {
        let sql = "UPDATE run SET finished_at = coalesce(finished_at, $2) WHERE digest = $1";
        let changed = self.run(&mut |client| client.execute(sql, &[&encode(run), &encode(at)]))?;
        if changed.value == 0 {
            let reason = format!("the plan {run} was never begun here");
            return Err(StoreError::Failed { store: self.target.shown.clone(), reason });
        }
        Ok(())
    }

    fn histories(&mut self, of: &[(String, String)]) -> Result<Vec<Record>, StoreError> {
        let (integrations, categories): (Vec<_>, Vec<_>) =
            of.iter().map(|(integration, category)| (encode(integration), encode(category))).unzip();
        let which = "WHERE (integration, category) IN (SELECT * FROM unnest($1::text[], $2::text[]))
                     ORDER BY integration, category, revision";
        let found = self.saves(which, &[&integrations, &categories])?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn records(&mut self) -> Result<Vec<Record>, StoreError> {
        let found = self.saves("ORDER BY number", &[])?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn saves_of(&mut self, runs: &str) -> Result<Vec<Record>, StoreError> {
        let which = "WHERE history.run ~>=~ $1 AND history.run ~<~ $2 ORDER BY number";
        let found = self.saves(which, &[&encode(runs), &encode(&past_all(runs))])?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn feed(&mut self, after: u64, limit: usize) -> Result<Vec<FeedItem>, StoreError> {
        let which = "WHERE number > $1 AND settings IS DISTINCT FROM (
                         SELECT former.settings FROM history AS former
                         WHERE former.integration = history.integration AND former.category = history.category
                           AND former.revision < history.revision
                         ORDER BY former.revision DESC LIMIT 1)
                     ORDER BY number LIMIT $2";
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let found = self.saves(which, &[&number(after), &number(limit as u64)])?;
        Ok(found.into_iter().map(|(number, record)| FeedItem { number, record }).collect())
    }

    fn last_number(&mut self) -> Result<u64, StoreError> {
        let rows = self.query("SELECT coalesce(max(number), 0) FROM history", &[])?;
        Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).unsigned_abs()))
    }

    fn dump(&mut self, take: &mut TakeRow<'_>) -> Result<(), StoreError> {
        layout::require_current(&mut self.client, &self.target)?;
        copy::dump(&mut self.client, take).map_err(|broken| self.not_copied(broken))
    }

    fn fill(&mut self, epoch: u64, give: &mut GiveRows<'_>) -> Result<(), StoreError> {
        let shown = self.target.shown.clone();
        self.ahead.clear();
        copy::fill(&mut self.client, &shown, epoch, give).map_err(|broken| self.not_copied(broken))
    }

    fn epoch(&mut self) -> Result<u64, StoreError> {
        let rows = self.soon(Soon::Epoch)?;
        Ok(rows.first().and_then(|row| row.get::<_, String>(0).parse().ok()).unwrap_or(1))
    }

    fn integrations(&mut self, after: &str, limit: usize) -> Result<Vec<Registered>, StoreError> {
        self.run(&mut |client| section::integrations(client, after, limit)).map(|done| done.value)
    }

    fn integration(&mut self, id: &str) -> Result<Option<Registered>, StoreError> {
        Ok(self.soon(Soon::Integration(id.to_owned()))?.first().map(section::registered))
    }

    fn register(&mut self, new: &Registered) -> Result<bool, StoreError> {
        let made = self.run(&mut |client| section::register(client, new))?;
        // The first time went through after all, and only its answer was lost.
        Ok(made.value || made.repeated && self.integration(&new.id)?.as_ref() == Some(new))
    }

    fn forget(&mut self, id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM integration WHERE id = $1
                   AND NOT EXISTS (SELECT FROM category WHERE integration = $1)";
        self.query(sql, &[&encode(id)]).map(|_| ())
    }

    fn tokens(&mut self) -> Result<Vec<Token>, StoreError> {
        self.run(&mut section::tokens).map(|done| done.value)
    }

    fn token(&mut self, hash: &str) -> Result<Option<Token>, StoreError> {
        Ok(self.soon(Soon::Token(hash.to_owned()))?.first().map(section::token))
    }

    fn add_token(&mut self, token: &Token) -> Result<bool, StoreError> {
        let added = self.run(&mut |client| section::add_token(client, token))?;
        Ok(added.value || added.repeated && self.token(&token.hash)?.as_ref() == Some(token))
    }

    fn revoke_token(&mut self, name: &str, at: &str, by: &str) -> Result<bool, StoreError> {
        let revoked = self.run(&mut |client| section::revoke_token(client, name, at, by))?;
        Ok(revoked.value || revoked.repeated)
    }

    fn session(&mut self, hash: &str, now: &str) -> Result<Option<Session>, StoreError> {
        self.run(&mut |client| section::session(client, hash, now)).map(|done| done.value)
    }

    fn add_session(&mut self, session: &Session) -> Result<(), StoreError> {
        self.run(&mut |client| section::add_session(client, session)).map(|done| done.value)
    }

    fn end_session(&mut self, hash: &str) -> Result<(), StoreError> {
        self.run(&mut |client| section::end_session(client, hash)).map(|done| done.value)
    }

    fn report_sync(&mut self, sync: &SyncReport) -> Result<(), StoreError> {
        self.run(&mut |client| section::report_sync(client, sync)).map(|done| done.value)
    }

    fn last_syncs(&mut self, integration: &str) -> Result<Vec<SyncReport>, StoreError> {
        self.run(&mut |client| section::last_syncs(client, integration)).map(|done| done.value)
    }

    fn lock_all(&mut self, asks: &[Ask<'_>]) -> Result<Vec<Asked>, StoreError> {
        let failed = |error: identity::NoRandomBytes| StoreError::Failed {
            store: self.target.shown.clone(),
            reason: error.to_string(),
        };
        let ids: Vec<String> =
            asks.iter().map(|_| identity::random_id()).collect::<Result<_, _>>().map_err(failed)?;
        let texts = |of: &dyn for<'s> Fn(&'s Ask<'s>) -> &'s str| -> Vec<String> {
            asks.iter().map(|ask| encode(of(ask)).into_owned()).collect()
        };
        let (integrations, owners) = (texts(&|ask| ask.integration), texts(&|ask| ask.owner));
        let (holders, reasons) = (texts(&|ask| ask.holder), texts(&|ask| ask.reason));
        let seconds: Vec<f64> = asks.iter().map(|ask| f64::from(ask.seconds)).collect();
        let over: Vec<Option<&str>> = asks.iter().map(|ask| ask.over).collect();
        // In the order of their names, so that two who ask for the same ones never wait for each other. A save without a lock that is
        // being made is waited for: whoever has the lock reads it, and one that begins later finds the lock taken.
        let sql = "WITH wanted AS (
                 SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::text[])
                     AS wanted (id, integration, owner, holder, reason, seconds, over)),
             waited AS MATERIALIZED (
                 SELECT pg_advisory_xact_lock($8, number)
                 FROM (SELECT DISTINCT hashtext(integration) AS number FROM wanted ORDER BY number) AS numbers)
             INSERT INTO lock (id, integration, token, owner, holder, reason, taken_at, expires_at)
             SELECT id, integration, 1, owner, holder, reason, instant(),
                 to_char(least(clock_timestamp() AT TIME ZONE 'utc' + make_interval(secs => seconds), '9999-12-31 23:59:59'), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
             FROM wanted, (SELECT count(*) FROM waited) AS all_waited ORDER BY integration
             ON CONFLICT (integration) DO UPDATE
             SET id = excluded.id, token = lock.token + 1, owner = excluded.owner, holder = excluded.holder,
                 reason = excluded.reason, taken_at = excluded.taken_at, expires_at = excluded.expires_at
             WHERE lock.id IS NULL OR lock.expires_at <= instant()
                OR lock.id IN (SELECT over FROM wanted WHERE wanted.integration = lock.integration)";
        self.run(&mut |client| {
            client.execute(
                sql,
                &[&ids, &integrations, &owners, &holders, &reasons, &seconds, &over, &save::SAVING],
            )
        })?;
        // What it says of itself, since the first answer may have been lost with the connection.
        let sql = "SELECT coalesce(id, ''), integration, token, owner, holder, reason, taken_at, expires_at
                   FROM lock WHERE integration = ANY($1)";
        let locks: Vec<Lock> = self.query(sql, &[&integrations])?.iter().map(lock).collect();
        let answer = |(ask, id): (&Ask<'_>, &String)| match locks
            .iter()
            .find(|lock| lock.integration == ask.integration)
        {
            Some(lock) if lock.id == *id => Ok(Asked::Taken(lock.clone())),
            Some(lock) => Ok(Asked::Held(lock.clone())),
            None => Err(StoreError::Failed {
                store: self.target.shown.clone(),
                reason: "a row of the table `lock` was deleted while it was taken".to_owned(),
            }),
        };
        asks.iter().zip(&ids).map(answer).collect()
    }

    fn renew_all(&mut self, locks: &[&Lock], seconds: u32) -> Result<(), StoreError> {
        let sql = format!(
            "WITH held AS (SELECT integration FROM lock WHERE integration = ANY($3) AND id = ANY($1)
                           ORDER BY integration FOR UPDATE)
             UPDATE lock SET expires_at = {EXPIRY} FROM held
             WHERE lock.integration = held.integration AND id = ANY($1)"
        );
        let (ids, integrations) = named(locks);
        self.query(&sql, &[&ids, &f64::from(seconds), &integrations]).map(|_| ())
    }

    fn unlock_all(&mut self, locks: &[&Lock]) -> Result<Vec<Lock>, StoreError> {
        // In the order of their names too: who asks for them at the same time waits, and holds none that is wanted here.
        let sql = "WITH held AS (SELECT * FROM lock WHERE integration = ANY($2) AND id = ANY($1)
                                ORDER BY integration FOR UPDATE)
                   UPDATE lock SET id = NULL FROM held
                   WHERE lock.integration = held.integration AND lock.id = held.id
                   RETURNING held.id, held.integration, held.token, held.owner, held.holder, held.reason, held.taken_at,
                             held.expires_at";
        let (ids, integrations) = named(locks);
        Ok(self.query(sql, &[&ids, &integrations])?.iter().map(lock).collect())
    }

    fn locks(&mut self) -> Result<Vec<Lock>, StoreError> {
        let sql = "SELECT id, integration, token, owner, holder, reason, taken_at, expires_at
                   FROM lock WHERE id IS NOT NULL ORDER BY integration";
        Ok(self.query(sql, &[])?.iter().map(lock).collect())
    }

    fn note(&mut self, note: &Note) -> Result<(), StoreError> {
        // Not repeated: it would be there twice.
        let noted = self.once(&mut |client| keep(client, note))?;
        noted.map_err(|fault| self.failed(&fault))
    }

    fn notes_of(&mut self, kinds: &[&str], since: &str) -> Result<Vec<Note>, StoreError> {
        // Of all kinds no index is of use.
        let of_kinds = if kinds.is_empty() { "cardinality($1::text[]) = 0" } else { "kind = ANY($1)" };
        let sql =
            format!("SELECT at, by, kind, text, run FROM note WHERE {of_kinds} AND at >= $2 ORDER BY number");
        let rows = match kinds {
            [kind] if since.is_empty() => self.soon(Soon::Notes((*kind).to_owned()))?,
            _ => self.query(&sql, &[&kinds, &since])?,
        };
        let note = |row: &Row| Note {
            at: decode(row.get(0)),
            by: decode(row.get(1)),
            kind: decode(row.get(2)),
            text: decode(row.get(3)),
            run: row.get::<_, Option<String>>(4).map(decode),
        };
        Ok(rows.iter().map(note).collect())
    }

    fn rules(&mut self) -> Result<Vec<Rules>, StoreError> {
        if !self.has.rules {
            return Ok(Vec::new());
        }
        self.run(&mut rules::all).map(|done| done.value)
    }

    fn last_rules(&mut self, commit: Option<&str>) -> Result<Vec<Rules>, StoreError> {
        if !self.has.rules {
            return Ok(Vec::new());
        }
        let rows = match commit {
            None => self.soon(Soon::Rules)?,
            Some(commit) => self.query(&rules::last(), &[&encode(commit)])?,
        };
        Ok(rows.iter().map(rules::rules).collect())
    }

    fn record(&mut self, recording: &Recording) -> Result<(), StoreError> {
        self.run(&mut |client| rules::record(client, recording)).map(|done| done.value)
    }

    fn said(&mut self, integrations: Option<&[String]>) -> Result<Vec<Said>, StoreError> {
        if !self.has.rules {
            return Ok(Vec::new());
        }
        let rows = match integrations {
            Some([one]) => self.soon(Soon::Said(one.clone()))?,
            _ => {
                let which = "$1::text[] IS NULL OR integration = ANY($1)";
                self.query(&rules::said_by(which), &[&integrations.map(encode_all)])?
            }
        };
        Ok(rows.iter().map(rules::one_said).collect())
    }

    fn sources(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        if !self.has.rules {
            return Ok(Vec::new());
        }
        self.run(&mut rules::sources).map(|done| done.value)
    }

    fn document(&mut self, digest: &str) -> Result<Option<String>, StoreError> {
        if !self.has.rules {
            return Ok(None);
        }
        let packed = self.run(&mut |client| rules::document(client, digest))?.value;
        let unpacked = packed.map(|packed| unpack(&packed, digest)).transpose();
        unpacked.map_err(|reason| StoreError::Failed { store: self.target.shown.clone(), reason })
    }

    fn reconciled(&mut self, environment: &str) -> Result<Option<Reconciled>, StoreError> {
        if !self.has.reconcile {
            return Ok(None);
        }
        let has = self.has;
        self.run(&mut |client| reconcile::reconciled(client, environment, has)).map(|done| done.value)
    }

    fn behind(&mut self, environment: &str) -> Result<Vec<Behind>, StoreError> {
        if !self.has.reconcile {
            return Ok(Vec::new());
        }
        let has = self.has;
        self.run(&mut |client| reconcile::behind(client, environment, has)).map(|done| done.value)
    }

    fn matters(&mut self, environment: &str) -> Result<Vec<Matter>, StoreError> {
        if !self.has.reconcile {
            return Ok(Vec::new());
        }
        self.run(&mut |client| reconcile::matters(client, environment)).map(|done| done.value)
    }

    fn last_commits(&mut self, integrations: &[String]) -> Result<Vec<LastCommit>, StoreError> {
        self.run(&mut |client| reconcile::last_commits(client, integrations)).map(|done| done.value)
    }

    fn note_reconciled(&mut self, lease: &Lock, what: &Reconciling) -> Result<bool, StoreError> {
        self.run(&mut |client| reconcile::note(client, lease, what)).map(|done| done.value)
    }
}

fn keep(client: &mut Client, note: &Note) -> client::Result<()> {
    let sql = "INSERT INTO note (at, by, kind, text, run) VALUES ($1, $2, $3, $4, $5)";
    let run = note.run.as_deref().map(encode);
    let parameters: [&(dyn ToSql + Sync); 5] =
        [&encode(&note.at), &encode(&note.by), &encode(&note.kind), &encode(&note.text), &run];
    client.execute(sql, &parameters).map(|_| ())
}

/// The store went away while a save was on its way.
fn in_doubt(error: StoreError) -> StoreError {
    match error {
        StoreError::Lost { store, reason } => StoreError::InDoubt { store, reason },
        StoreError::Silent { store, seconds } => {
            StoreError::InDoubt { store, reason: format!("no answer for {seconds} seconds") }
        }
        other => other,
    }
}

/// The ids of locks, and the integrations by which they are found.
fn named(locks: &[&Lock]) -> (Vec<String>, Vec<String>) {
    locks.iter().map(|lock| (encode(&lock.id).into_owned(), encode(&lock.integration).into_owned())).unzip()
}

fn encode_all(names: &[String]) -> Vec<String> {
    names.iter().map(|name| encode(name).into_owned()).collect()
}

/// From the columns of [`past`], then integration, category and applied.
fn deployed(row: &Row, shown: &str) -> Result<Deployed, StoreError> {
    let (integration, category) = (decode(row.get(6)), decode(row.get(7)));
    let settings = document(row.get::<_, String>(1).as_bytes(), "settings");
    let past = past(row, settings, shown, &integration, &category)?;
    let applied = document(row.get::<_, String>(8).as_bytes(), "applied")
        .map_err(|found| unusable(shown, &integration, &category, &found.why))?;
    let Past { revision, settings, saved_by, saved_at, commit, run, .. } = past;
    let settings = settings.map_err(|found| unusable(shown, &integration, &category, &found.why))?;
    Ok(Deployed { integration, category, revision, settings, applied, saved_by, saved_at, commit, run })
}

/// From the columns revision, settings, saved_by, saved_at, commit_id and run.
fn past(
    row: &Row,
    settings: Result<Settings, Unusable>,
    shown: &str,
    integration: &str,
    category: &str,
) -> Result<Past, StoreError> {
    Ok(Past {
        revision: counted(row.get(0), shown, integration, category)?,
        settings: settings.map(|settings| without_null(&settings)),
        saved_by: decode(row.get(2)),
        saved_at: decode(row.get(3)),
        commit: row.get::<_, Option<String>>(4).map(decode),
        run: row.get::<_, Option<String>>(5).map(decode),
        author: None,
        dirty: false,
    })
}

/// As [`past`], with what the run was made from in the two columns after it.
fn authored(row: &Row, shown: &str, integration: &str, category: &str) -> Result<Past, StoreError> {
    let author = row.get::<_, Option<String>>(6).map(decode);
    let dirty = row.get::<_, Option<bool>>(7).unwrap_or_default();
    let settings = past_document(row.get::<_, String>(1).as_bytes(), row.get(8));
    Ok(Past { author, dirty, ..past(row, settings, shown, integration, category)? })
}

fn lock(row: &Row) -> Lock {
    Lock {
        id: decode(row.get(0)),
        integration: decode(row.get(1)),
        token: row.get::<_, i64>(2).unsigned_abs(),
        owner: decode(row.get(3)),
        holder: decode(row.get(4)),
        reason: decode(row.get(5)),
        taken_at: decode(row.get(6)),
        expires_at: decode(row.get(7)),
    }
}

fn counted(revision: i64, shown: &str, integration: &str, category: &str) -> Result<u64, StoreError> {
    u64::try_from(revision)
        .map_err(|_| unusable(shown, integration, category, &format!("the revision is {revision}")))
}
