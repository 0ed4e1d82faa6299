//! What the reconciler keeps in a PostgreSQL store. Nothing here decides what is reconciled.

use std::borrow::Cow;

use tokio_postgres::Row;

use super::client::{Client, Result};
use super::text::{decode, encode};
use crate::store::data::Lock;
use crate::store::layout::Has;
use crate::store::reconcile::{Behind, LastCommit, Matter, Reconciled, Reconciling, Seen};

/// See `Store::reconciled`.
pub(super) fn reconciled(client: &mut Client, environment: &str, has: Has) -> Result<Option<Reconciled>> {
    let accepts = if has.accepts { "accepts" } else { "0::bigint" };
    let sql = format!(
        "SELECT environment, commit_id, number, at, document, {accepts} FROM reconciled WHERE environment = $1"
    );
    let found = client.query_opt(&sql, &[&encode(environment)])?;
    Ok(found.map(|row| Reconciled {
        environment: decode(row.get(0)),
        commit: decode(row.get(1)),
        number: row.get::<_, i64>(2).unsigned_abs(),
        at: decode(row.get(3)),
        document: decode(row.get(4)),
        accepts: row.get::<_, i64>(5).unsigned_abs(),
    }))
}

/// See `Store::behind`.
pub(super) fn behind(client: &mut Client, environment: &str, has: Has) -> Result<Vec<Behind>> {
    let accepts = if has.accepts { "accepts" } else { "0::bigint" };
    let sql = format!(
        "SELECT integration, category, commit_id, number, {accepts} FROM behind WHERE environment = $1
         ORDER BY integration, category"
    );
    let one = |row: &Row| Behind {
        integration: decode(row.get(0)),
        category: decode(row.get(1)),
        seen: row.get::<_, Option<String>>(2).map(|commit| Seen {
            commit: decode(commit),
            number: row.get::<_, Option<i64>>(3).unwrap_or_default().unsigned_abs(),
            accepts: row.get::<_, i64>(4).unsigned_abs(),
        }),
    };
    Ok(client.query(&sql, &[&encode(environment)])?.iter().map(one).collect())
}

/// See `Store::matters`.
pub(super) fn matters(client: &mut Client, environment: &str) -> Result<Vec<Matter>> {
    let sql = "SELECT id, opened_at, updated_at, closed_at, document, told FROM matter WHERE environment = $1
               ORDER BY id";
    let one = |row: &Row| Matter {
        id: decode(row.get(0)),
        opened_at: decode(row.get(1)),
        updated_at: decode(row.get(2)),
        closed_at: row.get::<_, Option<String>>(3).map(decode),
        document: decode(row.get(4)),
        told: decode(row.get(5)),
    };
    Ok(client.query(sql, &[&encode(environment)])?.iter().map(one).collect())
}

/// See `Store::last_commits`.
pub(super) fn last_commits(client: &mut Client, integrations: &[String]) -> Result<Vec<LastCommit>> {
    let names: Vec<_> = integrations.iter().map(|name| encode(name)).collect();
    let sql =
        "SELECT DISTINCT ON (integration, category) integration, category, commit_id, number FROM history
               WHERE integration = ANY($1) AND commit_id IS NOT NULL
               ORDER BY integration, category, number DESC";
    let one = |row: &Row| LastCommit {
        integration: decode(row.get(0)),
        category: decode(row.get(1)),
        commit: decode(row.get(2)),
        number: row.get::<_, i64>(3).unsigned_abs(),
    };
    Ok(client.query(sql, &[&names])?.iter().map(one).collect())
}

/// See `Store::note_reconciled`. Whoever takes the lease over waits until it is written, or finds that it is not.
pub(super) fn note(client: &mut Client, lease: &Lock, what: &Reconciling) -> Result<bool> {
    client.in_transaction(|client| {
        let held = "SELECT FROM lock WHERE integration = $1 AND token = $2 AND id IS NOT NULL FOR SHARE";
        let token = i64::try_from(lease.token).unwrap_or(i64::MAX);
        if client.query_opt(held, &[&encode(&lease.integration), &token])?.is_none() {
            return Ok(false);
        }
        write(client, what)?;
        Ok(true)
    })
}

fn all<'t>(texts: impl IntoIterator<Item = &'t String>) -> Vec<Cow<'t, str>> {
    texts.into_iter().map(|text| encode(text)).collect()
}

fn write(client: &mut Client, what: &Reconciling) -> Result<()> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let Reconciling { environment, reconciled, behind, caught_up, matters, forgotten } = what;
    let environment = encode(environment);
    if let Some(now) = reconciled {
        let sql = "INSERT INTO reconciled (environment, commit_id, number, at, document, accepts)
                   VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (environment) DO UPDATE
                   SET commit_id = excluded.commit_id, number = excluded.number, at = excluded.at,
                       document = excluded.document, accepts = excluded.accepts";
        let texts = [&now.commit, &now.at, &now.document].map(|text| encode(text));
        let [commit, at, document] = &texts;
        let (last, accepts) = (number(now.number), number(now.accepts));
        client.execute(sql, &[&environment, commit, &last, at, document, &accepts])?;
    }
    if !behind.is_empty() {
        let sql = "INSERT INTO behind (environment, integration, category, commit_id, number, accepts)
                   SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
                   ON CONFLICT (environment, integration, category) DO UPDATE
                   SET commit_id = excluded.commit_id, number = excluded.number, accepts = excluded.accepts";
        let integrations = all(behind.iter().map(|one| &one.integration));
        let categories = all(behind.iter().map(|one| &one.category));
        let seen = || behind.iter().map(|one| one.seen.as_ref());
        let commits: Vec<_> = seen().map(|seen| seen.map(|seen| encode(&seen.commit))).collect();
        let numbers: Vec<_> = seen().map(|seen| seen.map(|seen| number(seen.number))).collect();
        let accepts: Vec<_> = seen().map(|seen| seen.map_or(0, |seen| number(seen.accepts))).collect();
        client.execute(sql, &[&environment, &integrations, &categories, &commits, &numbers, &accepts])?;
    }
    if !caught_up.is_empty() {
        let sql = "DELETE FROM behind USING unnest($2::text[], $3::text[]) AS gone (integration, category)
                   WHERE environment = $1 AND behind.integration = gone.integration
                     AND behind.category = gone.category";
        let integrations = all(caught_up.iter().map(|(integration, _)| integration));
        let categories = all(caught_up.iter().map(|(_, category)| category));
        client.execute(sql, &[&environment, &integrations, &categories])?;
    }
    if !matters.is_empty() {
        let sql = "INSERT INTO matter (environment, id, opened_at, updated_at, closed_at, document, told)
                   SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
                   ON CONFLICT (environment, id) DO UPDATE
                   SET opened_at = excluded.opened_at, updated_at = excluded.updated_at,
                       closed_at = excluded.closed_at, document = excluded.document, told = excluded.told";
        let texts = |of: for<'m> fn(&'m Matter) -> &'m String| all(matters.iter().map(of));
        let closed: Vec<_> = matters.iter().map(|one| one.closed_at.as_deref().map(encode)).collect();
        client.execute(
            sql,
            &[
                &environment,
                &texts(|one| &one.id),
                &texts(|one| &one.opened_at),
                &texts(|one| &one.updated_at),
                &closed,
                &texts(|one| &one.document),
                &texts(|one| &one.told),
            ],
        )?;
    }
    if !forgotten.is_empty() {
        let ids = all(forgotten);
        client
            .execute("DELETE FROM matter WHERE environment = $1 AND id = ANY($2)", &[&environment, &ids])?;
    }
    Ok(())
}
