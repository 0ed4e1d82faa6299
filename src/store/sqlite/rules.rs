//! What applies recorded in a SQLite store: rules, and what the files said. Nothing here judges.

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};

use super::failure;
use crate::store::error::StoreError;
use crate::store::rules::{Recording, Rules, Said, unpack};

const COLUMNS: &str =
    "environment, digest, document, recorded_by, recorded_at, commit_id, commit_dirty, run, at_once";

/// See `Store::rules`.
pub(super) fn all(connection: &Connection, shown: &str) -> Result<Vec<Rules>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = format!("SELECT {COLUMNS} FROM rules ORDER BY number");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map([], rules).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// See `Store::last_rules`.
pub(super) fn last(
    connection: &Connection,
    shown: &str,
    commit: Option<&str>,
) -> Result<Vec<Rules>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = format!(
        "SELECT {COLUMNS} FROM rules WHERE number IN (
             SELECT max(number) FROM rules GROUP BY environment
             UNION
             SELECT max(number) FROM rules
             GROUP BY environment, ?1 IS NOT NULL AND commit_id IS ?1, commit_dirty, at_once)
         ORDER BY number"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map([commit], rules).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

fn rules(row: &Row<'_>) -> rusqlite::Result<Rules> {
    Ok(Rules {
        environment: row.get(0)?,
        digest: row.get(1)?,
        document: row.get(2)?,
        recorded_by: row.get(3)?,
        recorded_at: row.get(4)?,
        commit: row.get(5)?,
        dirty: row.get(6)?,
        run: row.get(7)?,
        at_once: row.get(8)?,
    })
}

/// See `Store::record`.
pub(super) fn record(
    connection: &mut Connection,
    shown: &str,
    recording: &Recording,
) -> Result<(), StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    for document in &recording.documents {
        let sql = "INSERT INTO document (digest, packed) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
        statement.execute((&document.digest, &document.packed)).map_err(failed)?;
    }
    if let Some(rules) = &recording.rules {
        let sql = format!("INSERT INTO rules ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        let Rules { environment, digest, document, recorded_by, recorded_at, commit, dirty, run, at_once } =
            rules;
        let row = (environment, digest, document, recorded_by, recorded_at, commit, dirty, run, at_once);
        transaction.execute(&sql, row).map_err(failed)?;
    }
    for name in &recording.unsaid {
        transaction.execute("DELETE FROM said WHERE integration = ?1", [name]).map_err(failed)?;
    }
    for one in &recording.said {
        let sql = "INSERT OR REPLACE INTO said
                 (integration, environment, pair, facts, schema, settings, said_at, commit_id, commit_dirty)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let Said { integration, environment, pair, facts, schema, settings, said_at, commit, dirty } = one;
        let row = (integration, environment, pair, facts, schema, settings, said_at, commit, dirty);
        transaction.prepare_cached(sql).and_then(|mut statement| statement.execute(row)).map_err(failed)?;
    }
    for path in &recording.sources_gone {
        transaction.execute("DELETE FROM source WHERE path = ?1", [path]).map_err(failed)?;
    }
    for (path, digest) in &recording.sources {
        let sql = "INSERT OR REPLACE INTO source (path, digest) VALUES (?1, ?2)";
        transaction
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute((path, digest)))
            .map_err(failed)?;
    }
    transaction.commit().map_err(|error| failure::committing(shown, &error))
}

/// See `Store::said`.
pub(super) fn said(
    connection: &Connection,
    shown: &str,
    integrations: Option<&[String]>,
) -> Result<Vec<Said>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql =
        "SELECT integration, environment, pair, facts, schema, settings, said_at, commit_id, commit_dirty
               FROM said WHERE ?1 IS NULL OR integration IN (SELECT value FROM json_each(?1))
               ORDER BY integration";
    let names = integrations.map(|names| serde_json::json!(names).to_string());
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([names], |row| {
        Ok(Said {
            integration: row.get(0)?,
            environment: row.get(1)?,
            pair: row.get(2)?,
            facts: row.get(3)?,
            schema: row.get(4)?,
            settings: row.get(5)?,
            said_at: row.get(6)?,
            commit: row.get(7)?,
            dirty: row.get(8)?,
        })
    });
    rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}

/// See `Store::sources`.
pub(super) fn sources(connection: &Connection, shown: &str) -> Result<Vec<(String, String)>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = "SELECT path, digest FROM source ORDER BY path";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// See `Store::document`.
pub(super) fn document(
    connection: &Connection,
    shown: &str,
    digest: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT packed FROM document WHERE digest = ?1";
    let packed: Option<Vec<u8>> = connection
        .query_row(sql, [digest], |row| row.get(0))
        .optional()
        .map_err(|error| failure::failed(shown, &error))?;
    let unpacked = packed.map(|packed| unpack(&packed, digest)).transpose();
    unpacked.map_err(|reason| StoreError::Failed { store: shown.to_owned(), reason })
}
