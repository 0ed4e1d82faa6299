//! Saving in a PostgreSQL store: a group in one statement, and one category by itself under the lock that its transaction takes.
//! What is saved is decided elsewhere.

use tokio_postgres::types::ToSql;

use super::text::encode;
use super::{Postgres, counted, failure, in_doubt, past};
use crate::model::Settings;
use crate::store::data::{Note, Save, Saved};
use crate::store::document::{document, without_null};
use crate::store::error::StoreError;
use crate::store::head::Documents;

/// The first half of the number of a lock that lasts for a transaction; the second is of an integration's id. Whoever saves without
/// the lock on an integration holds it, and whoever takes that lock waits for it.
pub(super) const SAVING: i32 = 0x7361_7665;

/// A save by itself is planned once and not each time: that takes longer than saving.
const PLANNED_ONCE: &str = "SET LOCAL plan_cache_mode = force_generic_plan";

/// One statement with [`SAVED`], so that it commits by itself.
const SAVE: &str = "WITH wanted AS (
         SELECT wanted.*, coalesce(
             (SELECT max(revision) FROM history
              WHERE history.integration = wanted.integration AND history.category = wanted.category), 0) AS last
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[])
              WITH ORDINALITY AS wanted (integration, category, settings, applied, digest, settled, secrets, saved_by,
                                         saved_at, commit_id, run, leaves, expected, fence, number)
         WHERE (fence IS NULL OR EXISTS (
                 SELECT FROM lock WHERE lock.integration = wanted.integration AND token = fence AND id IS NOT NULL))
             AND ($16::text IS NULL OR EXISTS (
                 SELECT FROM lock WHERE lock.integration = $16 AND token = $17 AND id IS NOT NULL))),
     guarded AS (
         SELECT * FROM wanted
         WHERE $15::text IS NULL OR (
             NOT EXISTS (
                 SELECT FROM lock
                 WHERE lock.integration = wanted.integration AND id IS NOT NULL AND expires_at > instant())
             AND NOT EXISTS (
                 SELECT FROM json_each_text($15::json) AS rest
                 WHERE rest.value::bigint IS DISTINCT FROM coalesce(
                     (SELECT revision FROM category
                      WHERE category.integration = wanted.integration AND category.category = rest.key), 0)))),
     updated AS (
         UPDATE category
         SET settings = wanted.settings, applied = wanted.applied, digest = wanted.digest, settled = wanted.settled,
             secrets = wanted.secrets, leaves = wanted.leaves, saved_by = wanted.saved_by, saved_at = wanted.saved_at,
             commit_id = wanted.commit_id, run = wanted.run, revision = 1 + greatest(expected, last)
         FROM guarded AS wanted
         WHERE category.integration = wanted.integration AND category.category = wanted.category
           AND expected > 0 AND revision = expected
         RETURNING number, revision),
     inserted AS (
         INSERT INTO category (integration, category, settings, applied, digest, settled, secrets, leaves, saved_by,
                               saved_at, commit_id, run, revision)
         SELECT integration, category, settings, applied, digest, settled, secrets, leaves, saved_by, saved_at,
                commit_id, run, 1 + last
         FROM guarded WHERE expected = 0 ORDER BY number
         ON CONFLICT (integration, category) DO NOTHING
         RETURNING integration, category, revision)";

/// Between the two, where there is a note to keep of what is saved.
const NOTED: &str = ", noted AS (
         INSERT INTO note (at, by, kind, text, run) SELECT $18, $19, $20, $21, $22
         WHERE EXISTS (SELECT FROM updated) OR EXISTS (SELECT FROM inserted))";

/// Those that were saved, by their number in the arrays.
const SAVED: &str = " SELECT number, revision FROM updated
     UNION ALL
     SELECT number, revision FROM inserted JOIN wanted USING (integration, category)";

impl Postgres {
    /// See `Store::save_all`, and with what it rests on (a JSON object) `Store::save_alone`.
    pub(super) fn save_guarded(
        &mut self,
        saves: &[Save<'_>],
        rests_on: Option<&str>,
        note: Option<&Note>,
    ) -> Result<Vec<Result<Saved, StoreError>>, StoreError> {
        let wanted: Vec<Settings> = saves.iter().map(|save| without_null(save.settings)).collect();
        let documents: Vec<Documents> =
            saves.iter().zip(&wanted).map(|(save, settings)| Documents::of(save, settings)).collect();
        let texts = |of: &dyn for<'s> Fn(&'s Save<'s>) -> &'s str| -> Vec<String> {
            saves.iter().map(|save| encode(of(save)).into_owned()).collect()
        };
        let (integrations, categories) = (texts(&|save| save.integration), texts(&|save| save.category));
        let (by, at, runs) =
            (texts(&|save| save.saved_by), texts(&|save| save.saved_at), texts(&|save| save.run));
        let commits: Vec<_> = saves.iter().map(|save| save.commit.map(encode)).collect();
        let written = |of: &dyn Fn(&Documents) -> &str| -> Vec<String> {
            documents.iter().map(|documents| of(documents).to_owned()).collect()
        };
        let settings = written(&|documents| &documents.settings);
        let applied = written(&|documents| &documents.applied);
        let digests = written(&|documents| &documents.digest);
        let settled = written(&|documents| &documents.settled);
        let secrets = written(&|documents| &documents.secrets);
        let setting_counts: Vec<i64> = documents.iter().map(|documents| documents.setting_count).collect();
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let expected: Vec<i64> = saves.iter().map(|save| number(save.expected_revision)).collect();
        let fences: Vec<Option<i64>> = saves.iter().map(|save| save.fence.map(number)).collect();
        let lease = saves.first().and_then(|save| save.lease);
        let (lease, lease_token) =
            lease.map(|lease| (encode(&lease.integration), number(lease.token))).unzip();
        let note = note.map(|note| {
            [Some(&note.at), Some(&note.by), Some(&note.kind), Some(&note.text), note.run.as_ref()]
                .map(|text| text.map(|text| encode(text)))
        });
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
            &integrations,
            &categories,
            &settings,
            &applied,
            &digests,
            &settled,
            &secrets,
            &by,
            &at,
            &commits,
            &runs,
            &setting_counts,
            &expected,
            &fences,
            &rests_on,
            &lease,
            &lease_token,
        ];
        parameters.extend(note.iter().flatten().map(|text| text as &(dyn ToSql + Sync)));
        let sql = [SAVE, if note.is_some() { NOTED } else { "" }, SAVED].concat();
        let mut sent = 0;
        let done = self.run(&mut |client| {
            // Only what was sent on a connection that answers may have been done where it breaks then.
            match saves {
                [save] if rests_on.is_some() => {
                    // What it rests on stays as it is until it is saved: whoever saves something else of it waits.
                    let lock = "SELECT pg_advisory_xact_lock($1, hashtext($2))";
                    let on: [&(dyn ToSql + Sync); 2] = [&SAVING, &encode(save.integration)];
                    sent += 1;
                    let done = client.query_all(&[
                        ("BEGIN", &[]),
                        (PLANNED_ONCE, &[]),
                        (lock, &on),
                        (&sql, &parameters),
                        ("COMMIT", &[]),
                    ])?;
                    Ok(done.into_iter().nth(3).unwrap_or_default())
                }
                _ => {
                    client.prove()?;
                    sent += 1;
                    client.query(&sql, &parameters)
                }
            }
        });
        let rows = match done.map(|done| done.value) {
            Err(error) if sent > 0 && error.is_lost() => return Err(in_doubt(error)),
            // Somebody deleted a row and saved it anew in the same moment.
            Err(StoreError::Failed { reason, .. }) if reason == failure::DUPLICATE && saves.len() == 1 => {
                Vec::new()
            }
            other => other?,
        };
        let mut saved: Vec<Option<Result<Saved, StoreError>>> = vec![None; saves.len()];
        for row in &rows {
            let at = usize::try_from(row.get::<_, i64>(0) - 1).unwrap_or(usize::MAX);
            if let (Some(saved), Some(save)) = (saved.get_mut(at), saves.get(at)) {
                let revision = counted(row.get(1), &self.target.shown, save.integration, save.category);
                *saved = Some(revision.map(|revision| Saved::Saved { revision }));
            }
        }
        // What is saved is saved, whatever becomes of asking why the others are not.
        let others: Vec<usize> = (0..saves.len()).filter(|at| saved[*at].is_none()).collect();
        let found =
            self.why_not_saved(&others.iter().map(|at| (&saves[*at], &wanted[*at])).collect::<Vec<_>>());
        for (number, at) in others.into_iter().enumerate() {
            saved[at] = Some(match &found {
                Ok(found) => match &found[number] {
                    // The first time went through after all, and only its answer was lost.
                    Ok(Saved::Already { revision }) if sent > 1 => Ok(Saved::Saved { revision: *revision }),
                    other => other.clone(),
                },
                Err(error) if sent > 1 && error.is_lost() => Err(in_doubt(error.clone())),
                Err(error) => Err(error.clone()),
            });
        }
        Ok(saved.into_iter().flatten().collect())
    }

    /// Why categories were not saved, in their order: the same run did it before, or somebody else did something.
    fn why_not_saved(
        &mut self,
        saves: &[(&Save<'_>, &Settings)],
    ) -> Result<Vec<Result<Saved, StoreError>>, StoreError> {
        if saves.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "SELECT now.*, number
             FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (integration, category, number),
                  LATERAL (
                      SELECT revision, settings, saved_by, saved_at, commit_id, run, false AS gone
                      FROM category
                      WHERE category.integration = wanted.integration AND category.category = wanted.category
                      UNION ALL
                      SELECT revision, settings, saved_by, saved_at, commit_id, run, true
                      FROM history
                      WHERE history.integration = wanted.integration AND history.category = wanted.category
                      ORDER BY gone, revision DESC LIMIT 1) AS now";
        let integrations: Vec<_> = saves.iter().map(|(save, _)| encode(save.integration)).collect();
        let categories: Vec<_> = saves.iter().map(|(save, _)| encode(save.category)).collect();
        let rows = self.query(sql, &[&integrations, &categories])?;
        let row_of = |number: usize| {
            rows.iter().find(|row| usize::try_from(row.get::<_, i64>(7)).is_ok_and(|at| at == number + 1))
        };
        let stands = |(number, (save, wanted)): (usize, &(&Save<'_>, &Settings))| {
            let fenced_out = save.expected_revision == 0;
            let Some(row) = row_of(number) else {
                let nothing =
                    Saved::Conflict { revision: 0, saved_by: String::new(), saved_at: String::new() };
                return Ok(if fenced_out { Saved::LockLost } else { nothing });
            };
            let settings = document(row.get::<_, String>(1).as_bytes(), "settings");
            let now = past(row, settings, &self.target.shown, save.integration, save.category)?;
            if row.get(6) {
                let deleted = Saved::Conflict { revision: 0, saved_by: now.saved_by, saved_at: now.saved_at };
                return Ok(if fenced_out { Saved::LockLost } else { deleted });
            }
            if now.run.as_deref() == Some(save.run) && now.settings.as_ref() == Ok(*wanted) {
                return Ok(Saved::Already { revision: now.revision });
            }
            if now.revision == save.expected_revision {
                return Ok(Saved::LockLost);
            }
            Ok(Saved::Conflict { revision: now.revision, saved_by: now.saved_by, saved_at: now.saved_at })
        };
        Ok(saves.iter().enumerate().map(stands).collect())
    }
}
