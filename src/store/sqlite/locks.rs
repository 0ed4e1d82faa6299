//! Locks of a SQLite store. The clock is the machine's: whoever shares the file shares that.

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};

use super::failure;
use crate::store::{Ask, Asked, Lock, StoreError, identity};

const COLUMNS: &str = "id, integration, token, owner, holder, reason, taken_at, expires_at";
const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')";

/// See `Store::lock`.
pub(super) fn take(connection: &mut Connection, shown: &str, ask: &Ask<'_>) -> Result<Asked, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let id =
        identity::random_id().map_err(|reason| StoreError::Failed { store: shown.to_owned(), reason })?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let sql = format!(
        "INSERT INTO lock (id, integration, token, owner, holder, reason, taken_at, expires_at)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, {NOW}, strftime('%Y-%m-%dT%H:%M:%SZ', 'now', ?6 || ' seconds'))
         ON CONFLICT (integration) DO UPDATE
         SET id = excluded.id, token = lock.token + 1, owner = excluded.owner, holder = excluded.holder,
             reason = excluded.reason, taken_at = excluded.taken_at, expires_at = excluded.expires_at
         WHERE lock.id IS NULL OR lock.expires_at <= {NOW} OR lock.id = ?7
         RETURNING {COLUMNS}"
    );
    let taken = transaction
        .query_row(
            &sql,
            (&id, ask.integration, ask.owner, ask.holder, ask.reason, ask.seconds, ask.over),
            lock,
        )
        .optional()
        .map_err(failed)?;
    if let Some(taken) = taken {
        transaction.commit().map_err(failed)?;
        return Ok(Asked::Taken(taken));
    }
    let sql = format!("SELECT {COLUMNS} FROM lock WHERE integration = ?1");
    transaction.query_row(&sql, [ask.integration], lock).map(Asked::Held).map_err(failed)
}

/// See `Store::unlock`.
pub(super) fn release(connection: &Connection, shown: &str, id: &str) -> Result<Option<Lock>, StoreError> {
    // RETURNING tells what the row became, and its id is wanted as it was.
    let sql = "UPDATE lock SET id = NULL WHERE id = ?1
               RETURNING ?1, integration, token, owner, holder, reason, taken_at, expires_at";
    connection.query_row(sql, [id], lock).optional().map_err(|error| failure::failed(shown, &error))
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
