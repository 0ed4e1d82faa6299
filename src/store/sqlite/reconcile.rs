//! What the reconciler keeps in a SQLite store. Nothing here decides what is reconciled.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::failure;
use crate::store::data::Lock;
use crate::store::error::StoreError;
use crate::store::layout::Has;
use crate::store::reconcile::{Behind, LastCommit, Matter, Reconciled, Reconciling, Seen};

/// See `Store::reconciled`.
pub(super) fn reconciled(
    connection: &Connection,
    shown: &str,
    environment: &str,
    has: Has,
) -> Result<Option<Reconciled>, StoreError> {
    let accepts = if has.accepts { "accepts" } else { "0" };
    let sql = format!(
        "SELECT environment, commit_id, number, at, document, {accepts} FROM reconciled WHERE environment = ?1"
    );
    let found = connection.prepare_cached(&sql).and_then(|mut statement| {
        statement
            .query_row([environment], |row| {
                Ok(Reconciled {
                    environment: row.get(0)?,
                    commit: row.get(1)?,
                    number: row.get::<_, i64>(2)?.unsigned_abs(),
                    at: row.get(3)?,
                    document: row.get(4)?,
                    accepts: row.get::<_, i64>(5)?.unsigned_abs(),
                })
            })
            .optional()
    });
    found.map_err(|error| failure::failed(shown, &error))
}

/// See `Store::behind`.
pub(super) fn behind(
    connection: &Connection,
    shown: &str,
    environment: &str,
    has: Has,
) -> Result<Vec<Behind>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let accepts = if has.accepts { "accepts" } else { "0" };
    let sql = format!(
        "SELECT integration, category, commit_id, number, {accepts} FROM behind WHERE environment = ?1
         ORDER BY integration, category"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map([environment], |row| {
        let commit: Option<String> = row.get(2)?;
        let number = row.get::<_, Option<i64>>(3)?.unwrap_or_default().unsigned_abs();
        let accepts = row.get::<_, i64>(4)?.unsigned_abs();
        Ok(Behind {
            integration: row.get(0)?,
            category: row.get(1)?,
            seen: commit.map(|commit| Seen { commit, number, accepts }),
        })
    });
    rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}

/// See `Store::matters`.
pub(super) fn matters(
    connection: &Connection,
    shown: &str,
    environment: &str,
) -> Result<Vec<Matter>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = "SELECT id, opened_at, updated_at, closed_at, document, told FROM matter WHERE environment = ?1
               ORDER BY id";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([environment], |row| {
        Ok(Matter {
            id: row.get(0)?,
            opened_at: row.get(1)?,
            updated_at: row.get(2)?,
            closed_at: row.get(3)?,
            document: row.get(4)?,
            told: row.get(5)?,
        })
    });
    rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}

/// See `Store::last_commits`.
pub(super) fn last_commits(
    connection: &Connection,
    shown: &str,
    integrations: &[String],
) -> Result<Vec<LastCommit>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    // With `max` alone the other columns are those of its row.
    let sql = "SELECT integration, category, commit_id, max(rowid) FROM history
               WHERE integration IN (SELECT value FROM json_each(?1)) AND commit_id IS NOT NULL
               GROUP BY integration, category";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([serde_json::json!(integrations).to_string()], |row| {
        Ok(LastCommit {
            integration: row.get(0)?,
            category: row.get(1)?,
            commit: row.get(2)?,
            number: row.get::<_, i64>(3)?.unsigned_abs(),
        })
    });
    rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}

/// See `Store::note_reconciled`.
pub(super) fn note(
    connection: &mut Connection,
    shown: &str,
    lease: &Lock,
    what: &Reconciling,
) -> Result<bool, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let held = "SELECT EXISTS (SELECT 1 FROM lock WHERE integration = ?1 AND token = ?2 AND id IS NOT NULL)";
    let token = i64::try_from(lease.token).unwrap_or(i64::MAX);
    if !transaction.query_row(held, (&lease.integration, token), |row| row.get(0)).map_err(failed)? {
        return Ok(false);
    }
    write(&transaction, what).map_err(failed)?;
    transaction.commit().map_err(|error| failure::committing(shown, &error))?;
    Ok(true)
}

fn write(connection: &Connection, what: &Reconciling) -> rusqlite::Result<()> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let Reconciling { environment, reconciled, behind, caught_up, matters, forgotten } = what;
    if let Some(now) = reconciled {
        connection.execute(
            "INSERT OR REPLACE INTO reconciled (environment, commit_id, number, at, document, accepts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (environment, &now.commit, number(now.number), &now.at, &now.document, number(now.accepts)),
        )?;
    }
    for Behind { integration, category, seen } in behind {
        let (commit, at) = seen.as_ref().map(|seen| (&seen.commit, number(seen.number))).unzip();
        let accepts = seen.as_ref().map_or(0, |seen| number(seen.accepts));
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO behind (environment, integration, category, commit_id, number, accepts)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((environment, integration, category, commit, at, accepts))?;
    }
    for (integration, category) in caught_up {
        connection
            .prepare_cached(
                "DELETE FROM behind WHERE environment = ?1 AND integration = ?2 AND category = ?3",
            )?
            .execute((environment, integration, category))?;
    }
    for Matter { id, opened_at, updated_at, closed_at, document, told } in matters {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO matter (environment, id, opened_at, updated_at, closed_at, document, told)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((environment, id, opened_at, updated_at, closed_at, document, told))?;
    }
    for id in forgotten {
        connection
            .prepare_cached("DELETE FROM matter WHERE environment = ?1 AND id = ?2")?
            .execute((environment, id))?;
    }
    Ok(())
}
