//! All integrations: what each lacks, what was changed outside, who manages it. Filters stand in the address.

use axum::response::Response;
use serde_json::{Value as Json, json};

use super::shell;
use super::visit::{Hand, Shown, Visit};
use crate::ops::section::{self, Glance, Repository};
use crate::plan::Mode;
use crate::serve::app::Work;
use crate::serve::problem::Problem;

/// Integrations on one page.
const A_PAGE: usize = 50;
/// Ids that are told of many.
const NAMED: usize = 10;

/// `GET /integrations`
pub async fn show(visit: Visit) -> Response {
    visit.show(page).await
}

fn page(work: &mut Work<'_>, hand: &Hand<'_>) -> Result<Shown, Problem> {
    let (all, repository) = section::fleet(&work.ground, work.store, work.host)?;
    let asked = |name: &str| hand.query.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let (words, pair, mode) = (asked("q").map(str::to_lowercase), asked("pair"), asked("mode"));
    let (look, waits, after) = (asked("look").is_some(), asked("waits").is_some(), asked("after"));
    let mine: Vec<&Glance> = all.iter().map(|one| &**one).filter(|one| hand.access.reads(&one.id)).collect();
    let takes = |one: &&&Glance| {
        words.as_ref().is_none_or(|words| one.name.to_lowercase().contains(words) || one.id.contains(words))
            && pair.is_none_or(|pair| one.pair == pair)
            && mode.is_none_or(|mode| one.mode.as_str() == mode)
            && (!look || one.needs_a_look())
            && (!waits || one.waits > 0)
    };
    let found: Vec<&Glance> = mine.iter().filter(takes).copied().collect();
    let from = after.map_or(0, |after| found.partition_point(|one| one.id.as_str() <= after));
    let shown = &found[from..found.len().min(from + A_PAGE)];
    let next = (found.len() > from + shown.len()).then(|| shown.last().map(|last| last.id.clone())).flatten();
    let mut pairs: Vec<(&str, &str)> =
        mine.iter().map(|one| (one.title.as_str(), one.pair.as_str())).collect();
    pairs.sort_unstable_by_key(|(title, id)| (title.to_lowercase(), *id));
    pairs.dedup();
    let mut serializer = url::form_urlencoded::Serializer::new(String::new());
    for name in ["q", "pair", "mode", "look", "waits"] {
        if let Some(value) = asked(name) {
            serializer.append_pair(name, value);
        }
    }
    let filters = serializer.finish();
    Ok(Shown::page(
        "fleet.html",
        json!({
            "rows": shown.iter().map(|one| row(one)).collect::<Vec<_>>(), "count": mine.len(), "found": found.len(),
            "lacking": mine.iter().filter(|one| one.readiness.set < one.readiness.required).count(),
            "drifted": mine.iter().filter(|one| one.outside > 0).count(), "first": from + 1, "last": from + shown.len(),
            "pairs": pairs.iter().map(|(title, id)| json!({"id": id, "title": title})).collect::<Vec<_>>(),
            "asked": {"q": asked("q"), "pair": pair, "mode": mode, "look": look, "waits": waits}, "next": next, "filters": filters,
            "waiting": mine.iter().filter(|one| one.waits > 0).count(), "repository": repository.map(|one| told(one, hand)),
            "is_first": from == 0, "now": work.host.stamp(),
            "may_make": shell::may_make(hand),
        }),
    ))
}

/// What is in the repository beside the integrations that there are, as far as somebody may see it.
fn told(repository: Repository, hand: &Hand<'_>) -> Json {
    let Repository { mut first, mut broken, mut errors } = repository;
    first.retain(|id| hand.access.reads(id));
    broken.retain(|id| hand.access.reads(id));
    // What is written of others is not for everybody.
    if !hand.access.is_everywhere() {
        errors.clear();
    }
    let named = |ids: &[String]| {
        let shown: Vec<&str> = ids.iter().take(NAMED).map(String::as_str).collect();
        json!({"count": ids.len(), "names": shown.join(", "), "more": ids.len() - shown.len()})
    };
    let errors = errors.iter().map(|(place, message)| json!({"place": place, "message": message}));
    json!({"first": named(&first), "broken": named(&broken), "errors": errors.collect::<Vec<_>>()})
}

fn row(one: &Glance) -> Json {
    json!({
        "id": one.id, "name": one.name, "title": one.title, "live": one.mode == Mode::Live, "required": one.readiness.required,
        "set": one.readiness.set, "outside": one.outside, "unmanaged": one.unmanaged.as_ref().map(|all| all.join(", ")),
        "released": one.is_released, "waits": one.waits, "broken": one.is_broken, "saved_at": one.saved_at, "saved_by": one.saved_by, "unusable": one.unusable,
    })
}
