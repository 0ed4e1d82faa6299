//! The saves of an integration, newest first, page by page: of one category by its revisions, of all by a cursor.

use axum::response::Response;
use serde_json::{Value as Json, json};

use super::ask::{Answer, Ask, Named};
use super::known::known;
use super::problem::Problem;
use crate::ops::{deployed, section};

/// Where a save stands among all: when it was made, then its revision, then its category.
type Place = (String, u64, String);

/// `GET /integrations/{id}/history`
pub async fn list(Named(id): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, query| {
        let known = known(&id, access, work)?;
        let limit = usize::try_from(query.number("limit", 50, 1..=1000)?).unwrap_or(50);
        let only = query.text("category").map(|category| Ok::<_, Problem>(known.category(category)?.id.to_string()));
        let only = only.transpose()?;
        let before = query.text("before").map(|text| Before::read(text, only.is_some())).transpose()?;
        let wanted = only.map_or_else(|| known.rows.keys().cloned().collect(), |one| vec![one]);
        let renames = work.store.renames()?;
        let mut saves: Vec<(Place, Json)> = Vec::new();
        for category in wanted {
            for past in deployed::history(work.store, &renames, &id, &category)? {
                let place = (past.saved_at.clone(), past.revision, category.clone());
                if before.as_ref().is_some_and(|before| !before.has(&place)) {
                    continue;
                }
                let settings = past.settings.as_ref().map(section::plain_form).ok();
                let told = json!({
                    "category": category, "revision": past.revision, "saved_by": past.saved_by, "saved_at": past.saved_at,
                    "commit": past.commit, "settings": settings,
                });
                saves.push((place, told));
            }
        }
        let is_one = query.text("category").is_some();
        match is_one {
            // The clock may have been set back between two.
            true => saves.sort_by_key(|((_, revision, _), _)| std::cmp::Reverse(*revision)),
            false => saves.sort_by(|(one, _), (other, _)| other.cmp(one)),
        }
        let is_more = saves.len() > limit;
        saves.truncate(limit);
        let next = saves.last().filter(|_| is_more).map(|((at, revision, category), _)| match is_one {
            true => revision.to_string(),
            false => format!("{at}/{revision}/{category}"),
        });
        let saves: Vec<Json> = saves.into_iter().map(|(_, told)| told).collect();
        let mut body = json!({"saves": saves});
        if let Some(next) = next {
            body["next"] = next.into();
        }
        Ok(Answer::ok(body))
    })
    .await
}

/// The saves that are asked for come before this one.
enum Before {
    Revision(u64),
    Place(Place),
}

impl Before {
    fn read(text: &str, is_of_one: bool) -> Result<Self, Problem> {
        if is_of_one {
            let number = text.parse().ok().filter(|number| *number > 0);
            let why = "`before` must be a revision of that category";
            return number.map(Before::Revision).ok_or_else(|| Problem::bad_request(why));
        }
        let place = || {
            let (at, rest) = text.split_once('/')?;
            let (revision, category) = rest.split_once('/')?;
            Some((at.to_owned(), revision.parse().ok()?, category.to_owned()))
        };
        let why =
            "`before` must be the `next` of the page before; of one category, with `category`, a revision";
        place().map(Before::Place).ok_or_else(|| Problem::bad_request(why))
    }

    fn has(&self, place: &Place) -> bool {
        match self {
            Before::Revision(revision) => place.1 < *revision,
            Before::Place(before) => place < before,
        }
    }
}
