//! Reads of one integration that a server makes for nearly every request: what they ask, and their answers where they were brought ahead.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::client::{Client, Result};
use super::text::encode;
use super::{Postgres, rules, section};
use crate::store::error::StoreError;
use crate::store::shared::Soon;

/// From the columns of `super::deployed`.
pub(super) const DEPLOYED: &str = "SELECT revision, settings, saved_by, saved_at, commit_id, run, integration, category, applied FROM category";

/// One question: its text, and what is asked with it.
type Question = (String, Option<String>);

/// What was read ahead.
pub(super) type Ahead = Vec<(Soon, Vec<Row>)>;

/// All that is to be asked for one of these.
fn question(soon: &Soon) -> Question {
    let one = |sql: &str, of: &str| (sql.to_owned(), Some(encode(of).into_owned()));
    match soon {
        Soon::Epoch => ("SELECT value FROM meta WHERE key = $1".to_owned(), Some("epoch".to_owned())),
        Soon::Token(hash) => one(&section::token_by("hash = $1"), hash),
        Soon::Integration(id) => one(section::INTEGRATION, id),
        Soon::Deployed(id) => one(&format!("{DEPLOYED} WHERE integration = $1 ORDER BY category"), id),
        Soon::Said(id) => one(&rules::said_by("integration = $1"), id),
        Soon::Rules => (rules::last(), None),
        Soon::Notes(kind) => {
            one("SELECT at, by, kind, text, run FROM note WHERE kind = $1 ORDER BY number", kind)
        }
    }
}

/// Asks all of these in one round trip.
fn ask(client: &mut Client, all: &[Soon]) -> Result<Ahead> {
    let questions: Vec<Question> = all.iter().map(question).collect();
    let asked: Vec<(&str, [&(dyn ToSql + Sync); 1])> =
        questions.iter().map(|(sql, of)| (sql.as_str(), [of as &(dyn ToSql + Sync)])).collect();
    let asked: Vec<(&str, &[&(dyn ToSql + Sync)])> = asked.iter().map(|(sql, of)| (*sql, &of[..])).collect();
    Ok(all.iter().cloned().zip(client.query_all(&asked)?).collect())
}

impl Postgres {
    /// See `Shared::foresee`. Where it fails nothing is there ahead, and whoever reads is told why.
    pub(super) fn read_ahead(&mut self, all: &[Soon]) {
        self.ahead.clear();
        let has = self.has;
        let known: Vec<Soon> = all
            .iter()
            .filter(|soon| has.rules || !matches!(soon, Soon::Said(_) | Soon::Rules))
            .cloned()
            .collect();
        if known.is_empty() {
            return;
        }
        if let Ok(done) = self.run(&mut |client| ask(client, &known)) {
            self.ahead = done.value;
        }
    }

    /// What was read ahead, once; else what is asked now.
    pub(super) fn soon(&mut self, soon: Soon) -> std::result::Result<Vec<Row>, StoreError> {
        if let Some(at) = self.ahead.iter().position(|(known, _)| *known == soon) {
            return Ok(self.ahead.swap_remove(at).1);
        }
        let asked = [soon];
        let done = self.run(&mut |client| ask(client, &asked))?;
        Ok(done.value.into_iter().next().map(|(_, rows)| rows).unwrap_or_default())
    }
}
