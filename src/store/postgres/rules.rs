//! What applies recorded in a PostgreSQL store: rules, and what the files said. Nothing here judges.

use tokio_postgres::Row;

use super::client::{Client, Result};
use super::text::{decode, encode};
use crate::store::rules::{Recording, Rules, Said};

const COLUMNS: &str =
    "environment, digest, document, recorded_by, recorded_at, commit_id, commit_dirty, run, at_once";

/// See `Store::rules`.
pub(super) fn all(client: &mut Client) -> Result<Vec<Rules>> {
    let rows = client.query(&format!("SELECT {COLUMNS} FROM rules ORDER BY number"), &[])?;
    Ok(rows.iter().map(rules).collect())
}

/// See `Store::last_rules`.
pub(super) fn last() -> String {
    format!(
        "SELECT {COLUMNS} FROM rules WHERE number IN (
             SELECT max(number) FROM rules GROUP BY environment
             UNION
             SELECT max(number) FROM rules
             GROUP BY environment, $1::text IS NOT NULL AND commit_id IS NOT DISTINCT FROM $1, commit_dirty, at_once)
         ORDER BY number"
    )
}

pub(super) fn rules(row: &Row) -> Rules {
    let optional = |at: usize| row.get::<_, Option<String>>(at).map(decode);
    Rules {
        environment: decode(row.get(0)),
        digest: row.get(1),
        document: row.get(2),
        recorded_by: decode(row.get(3)),
        recorded_at: decode(row.get(4)),
        commit: optional(5),
        dirty: row.get(6),
        run: optional(7),
        at_once: row.get(8),
    }
}

/// See `Store::record`. What it wrote before a connection broke is not there twice when it is
/// repeated.
pub(super) fn record(client: &mut Client, recording: &Recording) -> Result<()> {
    client.in_transaction(|client| write(client, recording))
}

fn write(client: &mut Client, recording: &Recording) -> Result<()> {
    if !recording.documents.is_empty() {
        let (digests, packed): (Vec<&str>, Vec<&[u8]>) = recording
            .documents
            .iter()
            .map(|document| (document.digest.as_str(), document.packed.as_slice()))
            .unzip();
        let sql = "INSERT INTO document (digest, packed)
                   SELECT DISTINCT ON (digest) digest, packed
                   FROM unnest($1::text[], $2::bytea[]) AS new (digest, packed) ORDER BY digest
                   ON CONFLICT DO NOTHING";
        client.execute(sql, &[&digests, &packed])?;
    }
    if let Some(rules) = &recording.rules {
        let sql = format!(
            "INSERT INTO rules ({COLUMNS}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
             WHERE NOT EXISTS (
                 SELECT FROM rules
                 WHERE environment = $1 AND digest = $2 AND recorded_by = $4 AND recorded_at = $5
                   AND commit_id IS NOT DISTINCT FROM $6 AND run IS NOT DISTINCT FROM $8 AND at_once = $9
                   AND number = (SELECT max(number) FROM rules WHERE environment = $1))"
        );
        let Rules { environment, digest, document, recorded_by, recorded_at, commit, dirty, run, at_once } =
            rules;
        let (commit, run) = (commit.as_deref().map(encode), run.as_deref().map(encode));
        client.execute(
            &sql,
            &[
                &encode(environment),
                digest,
                document,
                &encode(recorded_by),
                &encode(recorded_at),
                &commit,
                dirty,
                &run,
                at_once,
            ],
        )?;
    }
    if !recording.unsaid.is_empty() {
        let names: Vec<_> = recording.unsaid.iter().map(|name| encode(name)).collect();
        client.execute("DELETE FROM said WHERE integration = ANY($1)", &[&names])?;
    }
    say(client, &recording.said)?;
    if !recording.sources_gone.is_empty() {
        let paths: Vec<_> = recording.sources_gone.iter().map(|path| encode(path)).collect();
        client.execute("DELETE FROM source WHERE path = ANY($1)", &[&paths])?;
    }
    if !recording.sources.is_empty() {
        let (paths, digests): (Vec<_>, Vec<&str>) =
            recording.sources.iter().map(|(path, digest)| (encode(path), digest.as_str())).unzip();
        let sql = "INSERT INTO source (path, digest) SELECT * FROM unnest($1::text[], $2::text[])
                   ON CONFLICT (path) DO UPDATE SET digest = excluded.digest";
        client.execute(sql, &[&paths, &digests])?;
    }
    Ok(())
}

fn say(client: &mut Client, said: &[Said]) -> Result<()> {
    if said.is_empty() {
        return Ok(());
    }
    let texts = |of: &dyn for<'s> Fn(&'s Said) -> &'s str| -> Vec<String> {
        said.iter().map(|one| encode(of(one)).into_owned()).collect()
    };
    let commits: Vec<_> = said.iter().map(|one| one.commit.as_deref().map(encode)).collect();
    let dirty: Vec<bool> = said.iter().map(|one| one.dirty).collect();
    let sql = "INSERT INTO said (integration, environment, pair, facts, schema, settings, said_at, commit_id, commit_dirty)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                                    $8::text[], $9::boolean[]) AS new (integration) ORDER BY integration
               ON CONFLICT (integration) DO UPDATE
               SET environment = excluded.environment, pair = excluded.pair, facts = excluded.facts,
                   schema = excluded.schema, settings = excluded.settings, said_at = excluded.said_at,
                   commit_id = excluded.commit_id, commit_dirty = excluded.commit_dirty";
    client.execute(
        sql,
        &[
            &texts(&|one| &one.integration),
            &texts(&|one| &one.environment),
            &texts(&|one| &one.pair),
            &texts(&|one| &one.facts),
            &texts(&|one| &one.schema),
            &texts(&|one| &one.settings),
            &texts(&|one| &one.said_at),
            &commits,
            &dirty,
        ],
    )?;
    Ok(())
}

/// See `Store::said`; of those of which this is so.
pub(super) fn said_by(which: &str) -> String {
    format!(
        "SELECT integration, environment, pair, facts, schema, settings, said_at, commit_id, commit_dirty
         FROM said WHERE {which} ORDER BY integration"
    )
}

pub(super) fn one_said(row: &Row) -> Said {
    Said {
        integration: decode(row.get(0)),
        environment: decode(row.get(1)),
        pair: decode(row.get(2)),
        facts: decode(row.get(3)),
        schema: row.get(4),
        settings: row.get(5),
        said_at: decode(row.get(6)),
        commit: row.get::<_, Option<String>>(7).map(decode),
        dirty: row.get(8),
    }
}

/// See `Store::sources`.
pub(super) fn sources(client: &mut Client) -> Result<Vec<(String, String)>> {
    let rows = client.query("SELECT path, digest FROM source ORDER BY path", &[])?;
    Ok(rows.iter().map(|row| (decode(row.get(0)), row.get(1))).collect())
}

/// See `Store::document`.
pub(super) fn document(client: &mut Client, digest: &str) -> Result<Option<Vec<u8>>> {
    let row = client.query_opt("SELECT packed FROM document WHERE digest = $1", &[&digest])?;
    Ok(row.map(|row| row.get(0)))
}
