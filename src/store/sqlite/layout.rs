//! The tables of a SQLite store: is this file one, is it of a layout that we know, and bringing it up to date.
//! What the tables mean is written in the migrations; nothing here reads a category.

use std::sync::OnceLock;

use crate::model::Hidden;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::failure;
use crate::model;
use crate::store::error::StoreError;
use crate::store::identity;
use crate::store::layout::{Came, Found, judge, newest, numbered};

/// In the file's header (`PRAGMA application_id`), so that no other program's database is taken for a store: "pair".
const APPLICATION: i64 = 0x7061_6972;

/// Position + 1 is the number. Never change one that was released: stores remember its checksum. Append the next.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001-categories.sql"),
    include_str!("../migrations/sqlite/0002-locks.sql"),
    include_str!("../migrations/sqlite/0003-authors.sql"),
    include_str!("../migrations/sqlite/0004-marks.sql"),
    include_str!("../migrations/sqlite/0005-heads.sql"),
    include_str!("../migrations/sqlite/0006-rules.sql"),
    include_str!("../migrations/sqlite/0007-section.sql"),
    include_str!("../migrations/sqlite/0008-sessions.sql"),
    include_str!("../migrations/sqlite/0009-shared.sql"),
    include_str!("../migrations/sqlite/0010-reconcile.sql"),
    include_str!("../migrations/sqlite/0011-notes.sql"),
    include_str!("../migrations/sqlite/0012-accepts.sql"),
];

/// The layouts with which came what an older one has not.
pub(super) const CAME: Came = Came { rules: 6, reconcile: 10, accepts: 12 };

/// The number of the newest layout.
pub(super) fn known() -> i64 {
    newest(MIGRATIONS)
}

const LEDGER: &str = "\
CREATE TABLE IF NOT EXISTS migration (
  number     INTEGER NOT NULL PRIMARY KEY,
  checksum   TEXT    NOT NULL,
  applied_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;";

/// What was made: the names of tables, and triggers with their text.
type Made = (Vec<String>, Vec<(String, String)>);

/// What all migrations together make, as SQLite keeps it.
pub(super) fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| make_in_memory().unwrap_or_default())
}

fn make_in_memory() -> rusqlite::Result<Made> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(LEDGER)?;
    MIGRATIONS.iter().try_for_each(|sql| connection.execute_batch(sql))?;
    let mut all =
        connection.prepare("SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table', 'trigger')")?;
    let rows = all.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)))?;
    let (mut tables, mut triggers) = Made::default();
    for row in rows {
        match row? {
            (kind, name, _) if kind == "table" => tables.push(name),
            (_, name, sql) => triggers.push((name, sql)),
        }
    }
    Ok((tables, triggers))
}

/// The random facts that a store is given when it is made.
pub(super) struct Facts {
    pub identity: String,
    pub key: Hidden<Vec<u8>>,
}

/// Reads the ledger. Writes nothing.
pub(super) fn inspect(connection: &Connection, store: &str) -> Result<Found, StoreError> {
    inspect_for(MIGRATIONS, connection, store)
}

/// Of an older layout not all tables are there.
pub(super) fn require_current(connection: &Connection, store: &str) -> Result<(), StoreError> {
    match inspect(connection, store)? {
        Found::Older(found) => Err(StoreError::Older { store: store.to_owned(), found, known: known() }),
        Found::Empty | Found::Current => Ok(()),
    }
}

/// Brings the store to the current layout, in one transaction that waits for other writers.
pub(super) fn migrate(connection: &mut Connection, store: &str) -> Result<(), StoreError> {
    migrate_with(MIGRATIONS, connection, store)
}

fn inspect_for(migrations: &[&str], connection: &Connection, store: &str) -> Result<Found, StoreError> {
    let found = read_ledger(connection).map_err(|error| failure::open(store, &error))?;
    let Some(ledger) = found else {
        return Err(StoreError::Open {
            store: store.to_owned(),
            reason: "it is the database of another program, not a pairform store".to_owned(),
        });
    };
    judge(migrations, &ledger, store)
}

fn migrate_with(migrations: &[&str], connection: &mut Connection, store: &str) -> Result<(), StoreError> {
    let open = |error| failure::open(store, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(open)?;
    // Another process may have done it while this one waited.
    let done = match inspect_for(migrations, &transaction, store)? {
        Found::Current => return Ok(()),
        Found::Empty => 0,
        Found::Older(number) => number,
    };
    transaction.execute_batch(LEDGER).map_err(open)?;
    for (number, sql) in numbered(migrations).filter(|(number, _)| *number > done) {
        transaction.execute_batch(sql).map_err(open)?;
        transaction
            .execute(
                "INSERT INTO migration (number, checksum) VALUES (?1, ?2)",
                (number, model::digest_text(sql)),
            )
            .map_err(open)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(open)?;
    invent_facts(&transaction, store)?;
    transaction.commit().map_err(open)
}

/// Reads what [`migrate`] invented.
pub(super) fn facts(connection: &Connection, store: &str) -> Result<Facts, StoreError> {
    let fact = |key: &str| {
        connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, String>(0))
            .optional()
            .map_err(|error| failure::open(store, &error))?
            .filter(|value| !value.is_empty())
            .ok_or_else(|| damaged(store, key))
    };
    let key = Hidden::new(fact("fingerprint_key")?);
    Ok(Facts {
        identity: fact("identity")?,
        key: identity::from_hex(&key).ok_or_else(|| damaged(store, "fingerprint_key"))?,
    })
}

fn damaged(store: &str, key: &str) -> StoreError {
    StoreError::Open { store: store.to_owned(), reason: format!("table `meta` holds no usable `{key}`") }
}

/// The applied migrations by number; `None` when the file belongs to another program.
fn read_ledger(connection: &Connection) -> rusqlite::Result<Option<Vec<(i64, String)>>> {
    // One statement, so that both are of one moment while another process makes the tables.
    let (application, tables) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id), count(*) FROM sqlite_schema",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    )?;
    match (application, tables) {
        (0, 0) => Ok(Some(Vec::new())),
        (APPLICATION, _) => {
            let mut rows = connection.prepare("SELECT number, checksum FROM migration ORDER BY number")?;
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>().map(Some)
        }
        _ => Ok(None),
    }
}

fn invent_facts(connection: &Connection, store: &str) -> Result<(), StoreError> {
    let (identity, key) = identity::invent()
        .map_err(|error| StoreError::Open { store: store.to_owned(), reason: error.to_string() })?;
    connection
        .execute(
            "INSERT OR IGNORE INTO meta (key, value) VALUES ('identity', ?1), ('fingerprint_key', ?2)",
            (identity, key.as_str()),
        )
        .map(|_| ())
        .map_err(|error| failure::open(store, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: &str = "CREATE TABLE next (x TEXT) STRICT;";

    #[test]
    fn an_older_store_is_brought_up_to_date_once_and_keeps_its_facts() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, "here").unwrap();
        let identity = facts(&connection, "here").unwrap().identity;
        let newer: Vec<&str> = MIGRATIONS.iter().copied().chain([NEXT]).collect();
        let known = i64::try_from(MIGRATIONS.len()).unwrap();
        assert_eq!(inspect_for(&newer, &connection, "here").unwrap(), Found::Older(known));
        for _ in 0..2 {
            migrate_with(&newer, &mut connection, "here").unwrap();
            assert_eq!(inspect_for(&newer, &connection, "here").unwrap(), Found::Current);
        }
        assert_eq!(facts(&connection, "here").unwrap().identity, identity);
        let refused = inspect(&connection, "here");
        assert!(matches!(refused, Err(StoreError::Newer { found, .. }) if found == known + 1));
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(migrate_with(&[NEXT, "CREATE TABLE oops ("], &mut connection, "here").is_err());
        assert_eq!(inspect(&connection, "here").unwrap(), Found::Empty);
    }
}
