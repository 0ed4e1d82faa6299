//! Locks of a SQLite store. The clock is the machine's: whoever shares the file shares that.

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};

use super::failure;
use crate::store::data::{Ask, Asked, Lock};
use crate::store::error::StoreError;
use crate::store::identity;

const COLUMNS: &str = "id, integration, token, owner, holder, reason, taken_at, expires_at";
const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')";
/// What SQLite gives for no moment after the year 9999.
const LAST: &str = "'9999-12-31T23:59:59Z'";

/// See `Store::lock_all`.
pub(super) fn take(
    connection: &mut Connection,
    shown: &str,
    asks: &[Ask<'_>],
) -> Result<Vec<Asked>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let mut asked = Vec::with_capacity(asks.len());
    for ask in asks {
        let id = identity::random_id()
            .map_err(|error| StoreError::Failed { store: shown.to_owned(), reason: error.to_string() })?;
        asked.push(take_one(&transaction, &id, ask).map_err(failed)?);
    }
    if asked.iter().any(|asked| matches!(asked, Asked::Taken(_))) {
        transaction.commit().map_err(failed)?;
    }
    Ok(asked)
}

fn take_one(connection: &Connection, id: &str, ask: &Ask<'_>) -> rusqlite::Result<Asked> {
    let sql = format!(
        "INSERT INTO lock (id, integration, token, owner, holder, reason, taken_at, expires_at)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, {NOW},
                 coalesce(strftime('%Y-%m-%dT%H:%M:%SZ', 'now', ?6 || ' seconds'), {LAST}))
         ON CONFLICT (integration) DO UPDATE
         SET id = excluded.id, token = lock.token + 1, owner = excluded.owner, holder = excluded.holder,
             reason = excluded.reason, taken_at = excluded.taken_at, expires_at = excluded.expires_at
         WHERE lock.id IS NULL OR lock.expires_at <= {NOW} OR lock.id = ?7
         RETURNING {COLUMNS}"
    );
    let parameters = (id, ask.integration, ask.owner, ask.holder, ask.reason, ask.seconds, ask.over);
    if let Some(taken) = connection.prepare_cached(&sql)?.query_row(parameters, lock).optional()? {
        return Ok(Asked::Taken(taken));
    }
    let sql = format!("SELECT {COLUMNS} FROM lock WHERE integration = ?1");
    connection.query_row(&sql, [ask.integration], lock).map(Asked::Held)
}

/// See `Store::renew_all`.
pub(super) fn renew(
    connection: &Connection,
    shown: &str,
    locks: &[&Lock],
    seconds: u32,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE lock SET expires_at = coalesce(strftime('%Y-%m-%dT%H:%M:%SZ', 'now', ?2 || ' seconds'), {LAST})
         WHERE integration IN (SELECT value FROM json_each(?1)) AND id IN (SELECT value FROM json_each(?3))"
    );
    let integrations: Vec<&str> = locks.iter().map(|lock| lock.integration.as_str()).collect();
    let ids: Vec<&str> = locks.iter().map(|lock| lock.id.as_str()).collect();
    connection
        .execute(
            &sql,
            (serde_json::json!(integrations).to_string(), seconds, serde_json::json!(ids).to_string()),
        )
        .map(|_| ())
        .map_err(|error| failure::failed(shown, &error))
}

/// See `Store::unlock_all`.
pub(super) fn release(
    connection: &mut Connection,
    shown: &str,
    locks: &[&Lock],
) -> Result<Vec<Lock>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // RETURNING tells what the row became, and its id is wanted as it was.
    let sql = "UPDATE lock SET id = NULL WHERE integration = ?2 AND id = ?1
               RETURNING ?1, integration, token, owner, holder, reason, taken_at, expires_at";
    let mut released = Vec::new();
    for held in locks {
        let found = transaction
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([&held.id, &held.integration], lock).optional());
        released.extend(found.map_err(failed)?);
    }
    transaction.commit().map_err(failed)?;
    Ok(released)
}

/// Whether nobody holds the lock on an integration.
pub(super) fn is_free(connection: &Connection, integration: &str) -> rusqlite::Result<bool> {
    let sql = format!(
        "SELECT NOT EXISTS (SELECT 1 FROM lock WHERE integration = ?1 AND id IS NOT NULL AND expires_at > {NOW})"
    );
    connection.prepare_cached(&sql)?.query_row([integration], |row| row.get(0))
}

/// See `Store::locks`.
pub(super) fn held(connection: &Connection, shown: &str) -> Result<Vec<Lock>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = format!("SELECT {COLUMNS} FROM lock WHERE id IS NOT NULL ORDER BY integration");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map([], lock).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

fn lock(row: &Row<'_>) -> rusqlite::Result<Lock> {
    Ok(Lock {
        id: row.get(0)?,
        integration: row.get(1)?,
        token: row.get::<_, i64>(2)?.unsigned_abs(),
        owner: row.get(3)?,
        holder: row.get(4)?,
        reason: row.get(5)?,
        taken_at: row.get(6)?,
        expires_at: row.get(7)?,
    })
}
