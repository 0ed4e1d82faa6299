//! The tables of a PostgreSQL store: is the schema one, is it of a layout that we know, and bringing it up to date.
//! What the tables mean is written in the migrations; nothing here reads a category.

use super::client::{Client, Fault};
use super::connect::Target;
use super::{failure, owners};
use crate::model;
use crate::model::Hidden;
use crate::store::error::StoreError;
use crate::store::identity;
use crate::store::layout::{Came, Found, judge, newest, numbered};

/// Position + 1 is the number. Never change one that was released: stores remember its checksum. Append the next.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/postgres/0001-categories.sql"),
    include_str!("../migrations/postgres/0002-locks.sql"),
    include_str!("../migrations/postgres/0003-authors.sql"),
    include_str!("../migrations/postgres/0004-marks.sql"),
    include_str!("../migrations/postgres/0005-rules.sql"),
    include_str!("../migrations/postgres/0006-section.sql"),
    include_str!("../migrations/postgres/0007-sessions.sql"),
    include_str!("../migrations/postgres/0008-shared.sql"),
    include_str!("../migrations/postgres/0009-reconcile.sql"),
    include_str!("../migrations/postgres/0010-notes.sql"),
    include_str!("../migrations/postgres/0011-accepts.sql"),
];

/// The layouts with which came what an older one has not.
pub(super) const CAME: Came = Came { rules: 5, reconcile: 9, accepts: 11 };

/// The number of the newest layout.
pub(super) fn known() -> i64 {
    newest(MIGRATIONS)
}

const LEDGER: &str = "\
CREATE TABLE IF NOT EXISTS migration (
  number     bigint NOT NULL PRIMARY KEY,
  checksum   text   NOT NULL,
  applied_at text   NOT NULL DEFAULT to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
);";

/// Names the lock that those who make or migrate a store take in turn: "pair".
const MIGRATING: i64 = 0x7061_6972;

/// Reads the ledger. Writes nothing.
pub(super) fn inspect(client: &mut Client, target: &Target) -> Result<Found, StoreError> {
    let ledger = in_transaction(client, target, |client| read_ledger(client, target))?;
    judge(MIGRATIONS, &ledger, &target.shown)
}

/// Of an older layout not all tables are there.
pub(super) fn require_current(client: &mut Client, target: &Target) -> Result<(), StoreError> {
    match inspect(client, target)? {
        Found::Older(found) => Err(StoreError::Older { store: target.shown.clone(), found, known: known() }),
        Found::Empty | Found::Current => Ok(()),
    }
}

/// All or nothing of what is done.
fn in_transaction<T>(
    client: &mut Client,
    target: &Target,
    what: impl FnOnce(&mut Client) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let open = |fault: Fault| failure::open(&target.shown, &fault);
    client.batch_execute("BEGIN").map_err(open)?;
    let done = what(client);
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = client.batch_execute(end).map_err(open);
    done.and_then(|value| ended.map(|()| value))
}

/// Brings the store to the current layout, in one transaction that waits for others who do the same.
pub(super) fn migrate(client: &mut Client, target: &Target) -> Result<(), StoreError> {
    let waits = target.lock_waits;
    for _ in 1..waits {
        match in_transaction(client, target, |client| migrate_within(client, target)) {
            // Somebody migrates it; see `Postgres::once`.
            Err(StoreError::Busy { .. }) => {}
            other => return other,
        }
    }
    in_transaction(client, target, |client| migrate_within(client, target))
}

fn migrate_within(client: &mut Client, target: &Target) -> Result<(), StoreError> {
    let open = |fault: Fault| failure::open(&target.shown, &fault);
    client.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING]).map_err(open)?;
    // Another process may have done it while this one waited.
    let ledger = read_ledger(client, target)?;
    let done = match judge(MIGRATIONS, &ledger, &target.shown)? {
        Found::Current => return Ok(()),
        Found::Empty => 0,
        Found::Older(number) => number,
    };
    if done == 0 {
        client
            .batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {}", target.quoted_schema()))
            .map_err(open)?;
    }
    // Somebody may have made it in this very moment.
    owners::prove(client, &target.schema).map_err(open)?;
    client.batch_execute(LEDGER).map_err(open)?;
    for (number, sql) in numbered(MIGRATIONS).filter(|(number, _)| *number > done) {
        client.batch_execute(sql).map_err(open)?;
        let insert = "INSERT INTO migration (number, checksum) VALUES ($1, $2)";
        client.execute(insert, &[&number, &model::digest_text(sql)]).map_err(open)?;
    }
    let (identity, key) = identity::invent()
        .map_err(|error| StoreError::Open { store: target.shown.clone(), reason: error.to_string() })?;
    let insert = "INSERT INTO meta (key, value) VALUES ('identity', $1), ('fingerprint_key', $2)
                  ON CONFLICT (key) DO NOTHING";
    client.execute(insert, &[&identity, &key.as_str()]).map_err(open)?;
    Ok(())
}

/// Reads what [`migrate`] invented: the identity and the key.
pub(super) fn facts(client: &mut Client, target: &Target) -> Result<(String, Hidden<Vec<u8>>), StoreError> {
    let rows = client
        .query(
            "SELECT key, value FROM meta WHERE key IN ('identity', 'fingerprint_key') AND value <> ''",
            &[],
        )
        .map_err(|error| failure::open(&target.shown, &error))?;
    let fact = |key: &str| {
        let found = rows.iter().find(|row| row.get::<_, &str>(0) == key);
        found.map(|row| row.get::<_, String>(1)).ok_or_else(|| damaged(target, key))
    };
    let key = Hidden::new(fact("fingerprint_key")?);
    let key = identity::from_hex(&key).ok_or_else(|| damaged(target, "fingerprint_key"))?;
    Ok((fact("identity")?, key))
}

fn damaged(target: &Target, key: &str) -> StoreError {
    StoreError::Open { store: target.shown.clone(), reason: format!("table `meta` holds no usable `{key}`") }
}

/// The applied migrations by number; none when there is no table in the schema.
fn read_ledger(client: &mut Client, target: &Target) -> Result<Vec<(i64, String)>, StoreError> {
    let open = |fault: Fault| failure::open(&target.shown, &fault);
    // Who may not use a schema sees its tables here, and nowhere else.
    let sql = "SELECT count(*), count(*) FILTER (WHERE tablename = 'migration'),
                   coalesce((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1), true)
               FROM pg_tables WHERE schemaname = $1";
    let row = client.query_one(sql, &[&target.schema]).map_err(open)?;
    if !row.get::<_, bool>(2) {
        return Err(StoreError::Denied {
            store: target.shown.clone(),
            reason: format!(
                "the user may not use the schema `{0}`; its owner can say GRANT USAGE ON SCHEMA {0} TO the user",
                target.schema
            ),
        });
    }
    match (row.get::<_, i64>(0), row.get::<_, i64>(1)) {
        (0, _) => return Ok(Vec::new()),
        (_, 0) => {
            return Err(StoreError::Open {
                store: target.shown.clone(),
                reason: format!(
                    "its schema `{}` is another program's; name another one with `?schema=NAME`",
                    target.schema
                ),
            });
        }
        _ => {}
    }
    let rows = client.query("SELECT number, checksum FROM migration ORDER BY number", &[]).map_err(open)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_looked_after() {
        let made = MIGRATIONS.iter().chain([&LEDGER]).flat_map(|sql| sql.lines());
        let made = made.filter_map(|line| line.strip_prefix("CREATE TABLE "));
        let mut made: Vec<&str> =
            made.filter_map(|rest| rest.trim_start_matches("IF NOT EXISTS ").split(' ').next()).collect();
        made.sort_unstable();
        assert_eq!(made, owners::TABLES);
    }
}
