//! Integrations, tokens, reports of syncs and the feed of a PostgreSQL store. Nothing here decides who may do what.

use tokio_postgres::Row;

use super::client::{Client, Result};
use super::text::{decode, encode};
use crate::store::section::{Registered, Session, SyncReport, Token, from_column, to_column};

/// See `Store::integrations`.
pub(super) fn integrations(client: &mut Client, after: &str, limit: usize) -> Result<Vec<Registered>> {
    let sql = "SELECT id, pair, made_at, made_by FROM integration WHERE id > $1 ORDER BY id LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(client.query(sql, &[&encode(after), &limit])?.iter().map(registered).collect())
}

/// See `Store::integration`.
pub(super) const INTEGRATION: &str = "SELECT id, pair, made_at, made_by FROM integration WHERE id = $1";

pub(super) fn registered(row: &Row) -> Registered {
    Registered {
        id: decode(row.get(0)),
        pair: row.get::<_, Option<String>>(1).map(decode),
        made_at: decode(row.get(2)),
        made_by: decode(row.get(3)),
    }
}

/// See `Store::register`. Whether this call made it is told by who and when, since the first answer may be lost.
pub(super) fn register(client: &mut Client, new: &Registered) -> Result<bool> {
    let sql = "INSERT INTO integration (id, pair, made_at, made_by) VALUES ($1, $2, $3, $4)
               ON CONFLICT (id) DO NOTHING";
    let pair = new.pair.as_deref().map(encode);
    let made =
        client.execute(sql, &[&encode(&new.id), &pair, &encode(&new.made_at), &encode(&new.made_by)])?;
    Ok(made > 0)
}

const TOKEN: &str = "name, hash, role, rights, categories, integrations, expires_at, made_at, made_by, revoked_at, revoked_by";

/// See `Store::tokens`.
pub(super) fn tokens(client: &mut Client) -> Result<Vec<Token>> {
    Ok(client.query(&token_by("true"), &[])?.iter().map(token).collect())
}

/// Tokens of which this is so.
pub(super) fn token_by(which: &str) -> String {
    format!("SELECT {TOKEN} FROM token WHERE {which} ORDER BY name")
}

pub(super) fn token(row: &Row) -> Token {
    let text = |at: usize| decode(row.get(at));
    let list = |at: usize| from_column(row.get(at));
    let optional = |at: usize| row.get::<_, Option<String>>(at).map(decode);
    Token {
        name: text(0),
        hash: text(1),
        role: text(2),
        rights: list(3),
        categories: list(4),
        integrations: list(5),
        expires_at: optional(6),
        made_at: text(7),
        made_by: text(8),
        revoked_at: optional(9),
        revoked_by: optional(10),
    }
}

/// See `Store::add_token`.
pub(super) fn add_token(client: &mut Client, token: &Token) -> Result<bool> {
    let sql = format!(
        "INSERT INTO token ({TOKEN}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, NULL) ON CONFLICT DO NOTHING"
    );
    let added = client.execute(
        &sql,
        &[
            &encode(&token.name),
            &encode(&token.hash),
            &encode(&token.role),
            &to_column(&token.rights),
            &to_column(&token.categories),
            &to_column(&token.integrations),
            &token.expires_at.as_deref().map(encode),
            &encode(&token.made_at),
            &encode(&token.made_by),
        ],
    )?;
    Ok(added > 0)
}

/// See `Store::revoke_token`.
pub(super) fn revoke_token(client: &mut Client, name: &str, at: &str, by: &str) -> Result<bool> {
    let sql = "UPDATE token SET revoked_at = $2, revoked_by = $3 WHERE name = $1 AND revoked_at IS NULL";
    Ok(client.execute(sql, &[&encode(name), &encode(at), &encode(by)])? > 0)
}

/// See `Store::session`.
pub(super) fn session(client: &mut Client, hash: &str, now: &str) -> Result<Option<Session>> {
    let sql =
        "SELECT hash, by_name, token, made_at, expires_at FROM session WHERE hash = $1 AND expires_at > $2";
    let read = client.query_opt(sql, &[&encode(hash), &encode(now)])?;
    Ok(read.map(|row| Session {
        hash: decode(row.get(0)),
        by: decode(row.get(1)),
        token: row.get::<_, Option<String>>(2).map(decode),
        made_at: decode(row.get(3)),
        expires_at: decode(row.get(4)),
    }))
}

/// See `Store::add_session`. Not there twice when it is repeated.
pub(super) fn add_session(client: &mut Client, new: &Session) -> Result<()> {
    client.execute("DELETE FROM session WHERE expires_at <= $1", &[&encode(&new.made_at)])?;
    let sql = "INSERT INTO session (hash, by_name, token, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (hash) DO NOTHING";
    let token = new.token.as_deref().map(encode);
    let texts = [&new.hash, &new.by, &new.made_at, &new.expires_at].map(|text| encode(text));
    let [hash, by, made_at, expires_at] = &texts;
    client.execute(sql, &[hash, by, &token, made_at, expires_at]).map(|_| ())
}

/// See `Store::end_session`.
pub(super) fn end_session(client: &mut Client, hash: &str) -> Result<()> {
    client.execute("DELETE FROM session WHERE hash = $1", &[&encode(hash)]).map(|_| ())
}

/// See `Store::report_sync`. Not there twice when it is repeated.
pub(super) fn report_sync(client: &mut Client, sync: &SyncReport) -> Result<()> {
    let sql =
        "INSERT INTO sync (integration, flow, etag, outcome, message, ended_at, reported_at, reported_by)
               SELECT $1, $2, $3, $4, $5, $6, $7, $8
               WHERE NOT EXISTS (
                   SELECT FROM sync WHERE integration = $1 AND flow = $2 AND etag = $3 AND outcome = $4 AND message = $5
                       AND ended_at = $6 AND reported_at = $7 AND reported_by = $8)";
    let SyncReport { integration, flow, etag, outcome, message, ended_at, reported_at, reported_by } = sync;
    let texts = [integration, flow, etag, outcome, message, ended_at, reported_at, reported_by];
    let texts = texts.map(|text| encode(text));
    let parameters = texts.each_ref().map(|text| text as &(dyn tokio_postgres::types::ToSql + Sync));
    client.execute(sql, &parameters).map(|_| ())
}

/// See `Store::last_syncs`.
pub(super) fn last_syncs(client: &mut Client, integration: &str) -> Result<Vec<SyncReport>> {
    let sql = "SELECT DISTINCT ON (flow) integration, flow, etag, outcome, message, ended_at, reported_at, reported_by
               FROM sync WHERE integration = $1 ORDER BY flow, number DESC";
    let sync = |row: &Row| SyncReport {
        integration: decode(row.get(0)),
        flow: decode(row.get(1)),
        etag: decode(row.get(2)),
        outcome: decode(row.get(3)),
        message: decode(row.get(4)),
        ended_at: decode(row.get(5)),
        reported_at: decode(row.get(6)),
        reported_by: decode(row.get(7)),
    };
    Ok(client.query(sql, &[&encode(integration)])?.iter().map(sync).collect())
}
