//! What the servers over a PostgreSQL store share. Nothing here decides who may do what.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::text::{decode, encode};
use super::{Postgres, failure};
use crate::store::error::StoreError;
use crate::store::shared::{Awaited, Clearing, KeptList, Proposed, Shared, Soon};

const CLEARING: &str = "integration, run, asked_by, asked_at, until, ended_at, document";
const PROPOSAL: &str =
    "id, integration, branch, commit_id, base, document, state, link, made_by, made_at, ended_by, ended_at";

/// Another one whenever somebody committed something, or the server began anew.
const MARK: &str = "SELECT txid_current_snapshot()::text || ' ' || pg_postmaster_start_time()::text";

impl Shared for Postgres {
    fn foresee(&mut self, soon: &[Soon]) {
        self.read_ahead(soon);
    }

    fn kept_lists(&mut self) -> Result<Vec<KeptList>, StoreError> {
        let sql = "SELECT connector, account, name, document, fetched_at, fetched_by FROM option_list
                   ORDER BY connector, account, name";
        let list = |row: &Row| KeptList {
            connector: decode(row.get(0)),
            account: decode(row.get(1)),
            name: decode(row.get(2)),
            document: decode(row.get(3)),
            fetched_at: decode(row.get(4)),
            fetched_by: decode(row.get(5)),
        };
        Ok(self.query(sql, &[])?.iter().map(list).collect())
    }

    fn lists_mark(&mut self) -> Result<u64, StoreError> {
        let rows = self.query("SELECT coalesce(sum(number), 0)::bigint FROM option_list", &[])?;
        Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).unsigned_abs()))
    }

    /// Which transactions are over: the same ones show the same. A server that took the place of another counts its own.
    fn mark(&mut self) -> Result<String, StoreError> {
        let rows = self.query(MARK, &[])?;
        Ok(rows.first().map(|row| row.get(0)).unwrap_or_default())
    }

    fn mark_awaited(&mut self) -> Option<Awaited<'_>> {
        let shown = &self.target.shown;
        let asked = self.client.query_awaited(MARK)?;
        Some(Box::pin(async move {
            let rows = asked.await.map_err(|fault| failure::failed(shown, &fault))?;
            Ok(rows.first().map(|row| row.get(0)).unwrap_or_default())
        }))
    }

    /// One after the other, as each takes the next number; repeated it is kept once more.
    fn keep_list(&mut self, list: &KeptList) -> Result<(), StoreError> {
        let sql = "INSERT INTO option_list AS kept (connector, account, name, document, fetched_at, fetched_by, number)
                   VALUES ($1, $2, $3, $4, $5, $6, (SELECT coalesce(max(number), 0) + 1 FROM option_list))
                   ON CONFLICT (connector, account, name) DO UPDATE SET document = excluded.document,
                       fetched_at = excluded.fetched_at, fetched_by = excluded.fetched_by,
                       number = greatest(excluded.number, kept.number + 1)";
        let KeptList { connector, account, name, document, fetched_at, fetched_by } = list;
        let texts = [connector, account, name, document, fetched_at, fetched_by].map(|text| encode(text));
        let parameters = texts.each_ref().map(|text| text as &(dyn ToSql + Sync));
        self.query(sql, &parameters).map(|_| ())
    }

    fn clearing(&mut self, integration: &str) -> Result<Option<Clearing>, StoreError> {
        let sql = format!("SELECT {CLEARING} FROM clearing WHERE integration = $1");
        let clearing = |row: &Row| Clearing {
            integration: decode(row.get(0)),
            run: decode(row.get(1)),
            asked_by: decode(row.get(2)),
            asked_at: decode(row.get(3)),
            until: decode(row.get(4)),
            ended_at: row.get::<_, Option<String>>(5).map(decode),
            document: decode(row.get(6)),
        };
        Ok(self.query(&sql, &[&encode(integration)])?.first().map(clearing))
    }

    fn begin_clearing(&mut self, new: &Clearing, seen: Option<&str>) -> Result<Clearing, StoreError> {
        let sql = format!(
            "INSERT INTO clearing ({CLEARING}) VALUES ($1, $2, $3, $4, $5, NULL, $6)
             ON CONFLICT (integration) DO UPDATE SET run = excluded.run, asked_by = excluded.asked_by,
                 asked_at = excluded.asked_at, until = excluded.until, ended_at = NULL, document = excluded.document
             WHERE clearing.run = $7"
        );
        let Clearing { integration, run, asked_by, asked_at, until, document, .. } = new;
        let texts = [integration, run, asked_by, asked_at, until, document].map(|text| encode(text));
        let seen = seen.map(encode);
        let parameters =
            texts.iter().map(|text| text as &(dyn ToSql + Sync)).chain([&seen as &(dyn ToSql + Sync)]);
        self.query(&sql, &parameters.collect::<Vec<_>>())?;
        Ok(self.clearing(&new.integration)?.unwrap_or_else(|| new.clone()))
    }

    fn tell_clearing(&mut self, now: &Clearing) -> Result<bool, StoreError> {
        let sql =
            "UPDATE clearing SET until = $3, ended_at = $4, document = $5 WHERE integration = $1 AND run = $2
                   RETURNING run";
        let ended_at = now.ended_at.as_deref().map(encode);
        let parameters: [&(dyn ToSql + Sync); 5] = [
            &encode(&now.integration),
            &encode(&now.run),
            &encode(&now.until),
            &ended_at,
            &encode(&now.document),
        ];
        Ok(!self.query(sql, &parameters)?.is_empty())
    }

    fn proposals(&mut self, integration: Option<&str>) -> Result<Vec<Proposed>, StoreError> {
        let sql = format!(
            "SELECT {PROPOSAL} FROM proposal WHERE $1::text IS NULL OR integration = $1 ORDER BY made_at DESC, id"
        );
        let rows = self.query(&sql, &[&integration.map(encode)])?;
        Ok(rows.iter().map(proposed).collect())
    }

    fn keep_proposal(&mut self, new: &Proposed) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO proposal ({PROPOSAL}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (id) DO NOTHING"
        );
        let optional = [&new.link, &new.ended_by, &new.ended_at].map(|text| text.as_deref().map(encode));
        let [link, ended_by, ended_at] = &optional;
        let parameters: [&(dyn ToSql + Sync); 12] = [
            &encode(&new.id),
            &encode(&new.integration),
            &encode(&new.branch),
            &encode(&new.commit),
            &encode(&new.base),
            &encode(&new.document),
            &encode(&new.state),
            link,
            &encode(&new.made_by),
            &encode(&new.made_at),
            ended_by,
            ended_at,
        ];
        self.query(&sql, &parameters).map(|_| ())
    }

    /// Repeated, the first time may have ended it: then who did, and when, tells.
    fn end_proposal(&mut self, id: &str, state: &str, at: &str, by: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE proposal SET state = $2, ended_at = $3, ended_by = $4
                   WHERE id = $1 AND (state = 'open' OR (state = $2 AND ended_at = $3 AND ended_by = $4))
                   RETURNING id";
        Ok(!self.query(sql, &[&encode(id), &encode(state), &encode(at), &encode(by)])?.is_empty())
    }
}

fn proposed(row: &Row) -> Proposed {
    let text = |at: usize| decode(row.get(at));
    let optional = |at: usize| row.get::<_, Option<String>>(at).map(decode);
    Proposed {
        id: text(0),
        integration: text(1),
        branch: text(2),
        commit: text(3),
        base: text(4),
        document: text(5),
        state: text(6),
        link: optional(7),
        made_by: text(8),
        made_at: text(9),
        ended_by: optional(10),
        ended_at: optional(11),
    }
}
