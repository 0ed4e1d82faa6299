//! What the servers over a SQLite store share. Nothing here decides who may do what.

use rusqlite::{OptionalExtension as _, Row};

use super::{Sqlite, failure};
use crate::store::error::StoreError;
use crate::store::shared::{Awaited, Clearing, KeptList, Proposed, Shared};

const CLEARING: &str = "integration, run, asked_by, asked_at, until, ended_at, document";
const PROPOSAL: &str =
    "id, integration, branch, commit_id, base, document, state, link, made_by, made_at, ended_by, ended_at";

impl Sqlite {
    /// What tells that another connection committed something.
    fn data_version(&self) -> rusqlite::Result<String> {
        let mut statement = self.connection.prepare_cached("PRAGMA data_version")?;
        statement.query_row([], |row| row.get::<_, i64>(0)).map(|version| version.to_string())
    }
}

impl Shared for Sqlite {
    fn kept_lists(&mut self) -> Result<Vec<KeptList>, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let sql = "SELECT connector, account, name, document, fetched_at, fetched_by FROM option_list
                   ORDER BY connector, account, name";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows = statement.query_map([], |row| {
            Ok(KeptList {
                connector: row.get(0)?,
                account: row.get(1)?,
                name: row.get(2)?,
                document: row.get(3)?,
                fetched_at: row.get(4)?,
                fetched_by: row.get(5)?,
            })
        });
        rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
    }

    fn lists_mark(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(sum(number), 0) FROM option_list";
        let mark = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        mark.map(i64::unsigned_abs).map_err(|error| failure::failed(&self.shown, &error))
    }

    fn mark(&mut self) -> Result<String, StoreError> {
        self.data_version().map_err(|error| failure::failed(&self.shown, &error))
    }

    fn mark_awaited(&mut self) -> Option<Awaited<'_>> {
        self.connection.busy_timeout(std::time::Duration::ZERO).ok()?;
        let mark = self.data_version();
        self.connection.busy_handler(Some(failure::wait_for_others)).ok()?;
        Some(Box::pin(std::future::ready(Ok(mark.ok()?))))
    }

    fn keep_list(&mut self, list: &KeptList) -> Result<(), StoreError> {
        let sql = "INSERT INTO option_list (connector, account, name, document, fetched_at, fetched_by, number)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(number), 0) + 1 FROM option_list))
                   ON CONFLICT (connector, account, name) DO UPDATE SET document = excluded.document,
                       fetched_at = excluded.fetched_at, fetched_by = excluded.fetched_by, number = excluded.number";
        let KeptList { connector, account, name, document, fetched_at, fetched_by } = list;
        let kept = self.connection.execute(sql, [connector, account, name, document, fetched_at, fetched_by]);
        kept.map(|_| ()).map_err(|error| failure::failed(&self.shown, &error))
    }

    fn clearing(&mut self, integration: &str) -> Result<Option<Clearing>, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let sql = format!("SELECT {CLEARING} FROM clearing WHERE integration = ?1");
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        statement.query_row([integration], clearing).optional().map_err(failed)
    }

    fn begin_clearing(&mut self, new: &Clearing, seen: Option<&str>) -> Result<Clearing, StoreError> {
        let sql = format!(
            "INSERT INTO clearing ({CLEARING}) VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6)
             ON CONFLICT (integration) DO UPDATE SET run = excluded.run, asked_by = excluded.asked_by,
                 asked_at = excluded.asked_at, until = excluded.until, ended_at = NULL, document = excluded.document
             WHERE clearing.run = ?7"
        );
        let row = (&new.integration, &new.run, &new.asked_by, &new.asked_at, &new.until, &new.document, seen);
        self.connection.execute(&sql, row).map_err(|error| failure::failed(&self.shown, &error))?;
        Ok(self.clearing(&new.integration)?.unwrap_or_else(|| new.clone()))
    }

    fn tell_clearing(&mut self, now: &Clearing) -> Result<bool, StoreError> {
        let sql = "UPDATE clearing SET until = ?3, ended_at = ?4, document = ?5 WHERE integration = ?1 AND run = ?2";
        let row = (&now.integration, &now.run, &now.until, &now.ended_at, &now.document);
        let told = self.connection.execute(sql, row);
        told.map(|rows| rows > 0).map_err(|error| failure::failed(&self.shown, &error))
    }

    fn proposals(&mut self, integration: Option<&str>) -> Result<Vec<Proposed>, StoreError> {
        let failed = |error| failure::failed(&self.shown, &error);
        let sql = format!(
            "SELECT {PROPOSAL} FROM proposal WHERE ?1 IS NULL OR integration = ?1 ORDER BY made_at DESC, id"
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let rows = statement.query_map([integration], proposed).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    fn keep_proposal(&mut self, new: &Proposed) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO proposal ({PROPOSAL}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (id) DO NOTHING"
        );
        let row = (
            &new.id,
            &new.integration,
            &new.branch,
            &new.commit,
            &new.base,
            &new.document,
            &new.state,
            &new.link,
            &new.made_by,
            &new.made_at,
            &new.ended_by,
            &new.ended_at,
        );
        let kept = self.connection.execute(&sql, row);
        kept.map(|_| ()).map_err(|error| failure::failed(&self.shown, &error))
    }

    fn end_proposal(&mut self, id: &str, state: &str, at: &str, by: &str) -> Result<bool, StoreError> {
        let sql =
            "UPDATE proposal SET state = ?2, ended_at = ?3, ended_by = ?4 WHERE id = ?1 AND state = 'open'";
        let ended = self.connection.execute(sql, [id, state, at, by]);
        ended.map(|rows| rows > 0).map_err(|error| failure::failed(&self.shown, &error))
    }
}

fn clearing(row: &Row<'_>) -> rusqlite::Result<Clearing> {
    Ok(Clearing {
        integration: row.get(0)?,
        run: row.get(1)?,
        asked_by: row.get(2)?,
        asked_at: row.get(3)?,
        until: row.get(4)?,
        ended_at: row.get(5)?,
        document: row.get(6)?,
    })
}

fn proposed(row: &Row<'_>) -> rusqlite::Result<Proposed> {
    Ok(Proposed {
        id: row.get(0)?,
        integration: row.get(1)?,
        branch: row.get(2)?,
        commit: row.get(3)?,
        base: row.get(4)?,
        document: row.get(5)?,
        state: row.get(6)?,
        link: row.get(7)?,
        made_by: row.get(8)?,
        made_at: row.get(9)?,
        ended_by: row.get(10)?,
        ended_at: row.get(11)?,
    })
}
