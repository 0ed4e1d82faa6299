//! Integrations, tokens, reports of syncs and the feed of a SQLite store. Nothing here decides who may do what.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::failure;
use crate::store::error::StoreError;
use crate::store::section::{Registered, Session, SyncReport, Token, from_column, to_column};

/// See `Store::integrations`.
pub(super) fn integrations(
    connection: &Connection,
    shown: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<Registered>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = "SELECT id, pair, made_at, made_by FROM integration WHERE id > ?1 ORDER BY id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map((after, limit), registered).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// See `Store::integration`.
pub(super) fn integration(
    connection: &Connection,
    shown: &str,
    id: &str,
) -> Result<Option<Registered>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = "SELECT id, pair, made_at, made_by FROM integration WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    statement.query_row([id], registered).optional().map_err(failed)
}

fn registered(row: &Row<'_>) -> rusqlite::Result<Registered> {
    Ok(Registered { id: row.get(0)?, pair: row.get(1)?, made_at: row.get(2)?, made_by: row.get(3)? })
}

/// See `Store::register`.
pub(super) fn register(connection: &Connection, shown: &str, new: &Registered) -> Result<bool, StoreError> {
    let sql = "INSERT INTO integration (id, pair, made_at, made_by) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (id) DO NOTHING";
    let made = connection.execute(sql, (&new.id, &new.pair, &new.made_at, &new.made_by));
    made.map(|rows| rows > 0).map_err(|error| failure::failed(shown, &error))
}

const TOKEN: &str = "name, hash, role, rights, categories, integrations, expires_at, made_at, made_by, revoked_at, revoked_by";

/// See `Store::tokens`.
pub(super) fn tokens(connection: &Connection, shown: &str) -> Result<Vec<Token>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = format!("SELECT {TOKEN} FROM token ORDER BY name");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map([], token).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// See `Store::token`.
pub(super) fn token_of(
    connection: &Connection,
    shown: &str,
    hash: &str,
) -> Result<Option<Token>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = format!("SELECT {TOKEN} FROM token WHERE hash = ?1");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    statement.query_row([hash], token).optional().map_err(failed)
}

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    let list = |at| Ok::<_, rusqlite::Error>(from_column(&row.get::<_, String>(at)?));
    Ok(Token {
        name: row.get(0)?,
        hash: row.get(1)?,
        role: row.get(2)?,
        rights: list(3)?,
        categories: list(4)?,
        integrations: list(5)?,
        expires_at: row.get(6)?,
        made_at: row.get(7)?,
        made_by: row.get(8)?,
        revoked_at: row.get(9)?,
        revoked_by: row.get(10)?,
    })
}

/// See `Store::add_token`.
pub(super) fn add_token(connection: &Connection, shown: &str, token: &Token) -> Result<bool, StoreError> {
    let sql = format!(
        "INSERT INTO token ({TOKEN}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, NULL) ON CONFLICT DO NOTHING"
    );
    let row = (
        &token.name,
        &token.hash,
        &token.role,
        to_column(&token.rights),
        to_column(&token.categories),
        to_column(&token.integrations),
        &token.expires_at,
        &token.made_at,
        &token.made_by,
    );
    connection.execute(&sql, row).map(|rows| rows > 0).map_err(|error| failure::failed(shown, &error))
}

/// See `Store::revoke_token`.
pub(super) fn revoke_token(
    connection: &Connection,
    shown: &str,
    name: &str,
    at: &str,
    by: &str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE token SET revoked_at = ?2, revoked_by = ?3 WHERE name = ?1 AND revoked_at IS NULL";
    let revoked = connection.execute(sql, [name, at, by]);
    revoked.map(|rows| rows > 0).map_err(|error| failure::failed(shown, &error))
}

/// See `Store::session`.
pub(super) fn session(
    connection: &Connection,
    shown: &str,
    hash: &str,
    now: &str,
) -> Result<Option<Session>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql =
        "SELECT hash, by_name, token, made_at, expires_at FROM session WHERE hash = ?1 AND expires_at > ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let read = statement.query_row([hash, now], |row| {
        Ok(Session {
            hash: row.get(0)?,
            by: row.get(1)?,
            token: row.get(2)?,
            made_at: row.get(3)?,
            expires_at: row.get(4)?,
        })
    });
    read.optional().map_err(failed)
}

/// See `Store::add_session`.
pub(super) fn add_session(connection: &Connection, shown: &str, new: &Session) -> Result<(), StoreError> {
    let failed = |error| failure::failed(shown, &error);
    connection.execute("DELETE FROM session WHERE expires_at <= ?1", [&new.made_at]).map_err(failed)?;
    let sql = "INSERT INTO session (hash, by_name, token, made_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let Session { hash, by, token, made_at, expires_at } = new;
    connection.execute(sql, (hash, by, token, made_at, expires_at)).map(|_| ()).map_err(failed)
}

/// See `Store::end_session`.
pub(super) fn end_session(connection: &Connection, shown: &str, hash: &str) -> Result<(), StoreError> {
    let ended = connection.execute("DELETE FROM session WHERE hash = ?1", [hash]);
    ended.map(|_| ()).map_err(|error| failure::failed(shown, &error))
}

/// See `Store::report_sync`.
pub(super) fn report_sync(connection: &Connection, shown: &str, sync: &SyncReport) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO sync (integration, flow, etag, outcome, message, ended_at, reported_at, reported_by)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let SyncReport { integration, flow, etag, outcome, message, ended_at, reported_at, reported_by } = sync;
    let row = (integration, flow, etag, outcome, message, ended_at, reported_at, reported_by);
    connection.execute(sql, row).map(|_| ()).map_err(|error| failure::failed(shown, &error))
}

/// See `Store::last_syncs`.
pub(super) fn last_syncs(
    connection: &Connection,
    shown: &str,
    integration: &str,
) -> Result<Vec<SyncReport>, StoreError> {
    let failed = |error| failure::failed(shown, &error);
    let sql = "SELECT integration, flow, etag, outcome, message, ended_at, reported_at, reported_by FROM sync
               WHERE number IN (SELECT max(number) FROM sync WHERE integration = ?1 GROUP BY flow) ORDER BY flow";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([integration], |row| {
        Ok(SyncReport {
            integration: row.get(0)?,
            flow: row.get(1)?,
            etag: row.get(2)?,
            outcome: row.get(3)?,
            message: row.get(4)?,
            ended_at: row.get(5)?,
            reported_at: row.get(6)?,
            reported_by: row.get(7)?,
        })
    });
    rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}
