//! A page with the forms of several categories is one form with a Save for each: what is typed for one goes along while another is
//! saved. Fields of the first are called as they are, those of others under the name of their category: `flows/s.orders`.

use super::category::Place;
use super::draft::{Beside, Draft};
use super::fields::moved;
use super::visit::Sent;
use crate::model::Settings;
use crate::ops::section::{self, Judged, Known};
use crate::serve::app::Work;
use crate::serve::problem::Problem;

/// A form that was sent: what is asked of which category, and what is typed for others.
pub struct Parts {
    pub category: String,
    pub asked: String,
    pub sent: Sent,
    pub beside: Vec<Beside>,
}

/// The revision that a form moves.
///
/// # Errors
/// When it says none.
pub fn revision(sent: &Sent) -> Result<u64, Problem> {
    let revision = sent.text("revision").and_then(|text| text.parse().ok());
    revision.ok_or_else(|| Problem::bad_request("the form says no revision"))
}

/// Parts a form by its categories. Enter is of the first of them in which something is typed.
///
/// # Errors
/// When it is of no category of the page, or says no revision.
pub fn of(
    place: &Place,
    sent: &Sent,
    known: &Known,
    judged: &Judged,
    work: &mut Work<'_>,
) -> Result<Parts, Problem> {
    let all: Vec<&str> = place.categories().into_iter().map(|(category, _)| category).collect();
    let first = sent.text("category").unwrap_or_default();
    let first = *all
        .iter()
        .find(|one| **one == first)
        .ok_or_else(|| Problem::bad_request("the form is of no category of this page"))?;
    let split = |name: &str| match name.split_once('/') {
        Some((category, rest)) if all.contains(&category) => (category.to_owned(), rest.to_owned()),
        _ => (first.to_owned(), name.to_owned()),
    };
    let (named, asked) = split(sent.text("do").unwrap_or_default());
    let mut parts: Vec<(&str, Sent)> = Vec::new();
    for (name, value) in &sent.0 {
        let (category, name) = split(name);
        match parts.iter_mut().find(|(one, _)| **one == category) {
            Some((_, part)) => part.0.push((name, value.clone())),
            None => {
                let id = all.iter().find(|one| ***one == category).copied().unwrap_or(first);
                parts.push((id, Sent(vec![(name, value.clone())])));
            }
        }
    }
    let mut typed = Vec::new();
    for (id, part) in parts {
        let category = known.category(id)?;
        let (draft, revision) = (Draft::of(&part), revision(&part)?);
        let before = opened(known, id, revision, work)?;
        let view = judged.compiled().map(|compiled| compiled.view(work.ground.options()));
        let is_typed = draft.is_begun() || !moved(category, &before, &draft, view.as_ref()).is_empty();
        typed.push((is_typed, Beside { category: id.to_owned(), draft, revision, sent: part }));
    }
    let acting = match asked.as_str() {
        "enter" => typed.iter().position(|(is_typed, _)| *is_typed),
        _ => typed.iter().position(|(_, part)| part.category == named),
    };
    let (_, part) = typed.remove(acting.unwrap_or(0));
    let beside = typed.into_iter().filter(|(is_typed, _)| *is_typed).map(|(_, part)| part).collect();
    Ok(Parts { category: part.category, asked, sent: part.sent, beside })
}

/// What was deployed at a revision: nothing where it was never saved by then.
pub fn opened(
    known: &Known,
    category: &str,
    revision: u64,
    work: &mut Work<'_>,
) -> Result<Settings, Problem> {
    if revision == known.revision(category) {
        return Ok(known.rows.get(category).map(|row| row.settings.clone()).unwrap_or_default());
    }
    let past = section::past(known, category, work.store)?;
    let then = past.into_iter().find(|past| past.revision == revision);
    Ok(then.and_then(|past| past.settings.ok()).unwrap_or_default())
}
