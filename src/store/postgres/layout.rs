//! The tables of a PostgreSQL store: is the schema one, is it of a layout that we know, and bringing it up to date.
//! What the tables mean is written in the migrations; nothing here reads a category.

use crate::model::Hidden;
use postgres::Client;

use super::connect::Target;
use super::failure;
use crate::model;
use crate::store::error::StoreError;
use crate::store::identity;
use crate::store::layout::{Found, judge, newest, numbered};

/// Position + 1 is the number. Never change one that was released: stores remember its checksum. Append the next.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/postgres/0001-categories.sql"),
    include_str!("../migrations/postgres/0002-locks.sql"),
    include_str!("../migrations/postgres/0003-authors.sql"),
    include_str!("../migrations/postgres/0004-marks.sql"),
    include_str!("../migrations/postgres/0005-rules.sql"),
];

/// The layout since which there are recorded rules.
pub(super) const RULES: i64 = 5;

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
    let open = |error: postgres::Error| failure::open(&target.shown, &error);
    let mut reading = client.transaction().map_err(open)?;
    let ledger = read_ledger(&mut reading, target)?;
    reading.commit().map_err(open)?;
    judge(MIGRATIONS, &ledger, &target.shown)
}

/// Brings the store to the current layout, in one transaction that waits for others who do the same.
pub(super) fn migrate(client: &mut Client, target: &Target) -> Result<(), StoreError> {
    let open = |error: postgres::Error| failure::open(&target.shown, &error);
    let mut transaction = client.transaction().map_err(open)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING]).map_err(open)?;
    // Another process may have done it while this one waited.
    let ledger = read_ledger(&mut transaction, target)?;
    let done = match judge(MIGRATIONS, &ledger, &target.shown)? {
        Found::Current => return Ok(()),
        Found::Empty => 0,
        Found::Older(number) => number,
    };
    if done == 0 {
        transaction
            .batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {}", target.quoted_schema()))
            .map_err(open)?;
    }
    transaction.batch_execute(LEDGER).map_err(open)?;
    for (number, sql) in numbered(MIGRATIONS).filter(|(number, _)| *number > done) {
        transaction.batch_execute(sql).map_err(open)?;
        let insert = "INSERT INTO migration (number, checksum) VALUES ($1, $2)";
        transaction.execute(insert, &[&number, &model::digest_text(sql)]).map_err(open)?;
    }
    let (identity, key) = identity::invent()
        .map_err(|error| StoreError::Open { store: target.shown.clone(), reason: error.to_string() })?;
    let insert = "INSERT INTO meta (key, value) VALUES ('identity', $1), ('fingerprint_key', $2)
                  ON CONFLICT (key) DO NOTHING";
    transaction.execute(insert, &[&identity, &key.as_str()]).map_err(open)?;
    transaction.commit().map_err(open)
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
fn read_ledger(
    transaction: &mut postgres::Transaction<'_>,
    target: &Target,
) -> Result<Vec<(i64, String)>, StoreError> {
    let open = |error: postgres::Error| failure::open(&target.shown, &error);
    // Who may not use a schema sees its tables here, and nowhere else.
    let sql = "SELECT count(*), count(*) FILTER (WHERE tablename = 'migration'),
                   coalesce((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1), true)
               FROM pg_tables WHERE schemaname = $1";
    let row = transaction.query_one(sql, &[&target.schema]).map_err(open)?;
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
    let rows =
        transaction.query("SELECT number, checksum FROM migration ORDER BY number", &[]).map_err(open)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
