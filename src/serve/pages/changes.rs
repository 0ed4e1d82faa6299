//! What was changed outside git, with what to do about it; and what is proposed, until it is merged or closed.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value as Json, json};

use super::fields::Form;
use super::shell::{self, Names};
use super::visit::{Hand, Sent, Shown, Visit};
use crate::model::{SettingPath, Value};
use crate::ops::names::random_name;
use crate::ops::section::{self, Drifted, Judged, Known, Ownership, Proposal};
use crate::options::Options;
use crate::report::texts::Language;
use crate::report::words;
use crate::schema::Category;
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

/// `GET /integrations/{id}/changes`
pub async fn show(Named(id): Named<String>, visit: Visit) -> Response {
    let app = Arc::clone(&visit.app);
    visit
        .show(move |work, hand| {
            let (known, judged) = shell::known(&id, hand, work)?;
            // What it says is told by the next look.
            app.ask_forge(known.id());
            page(&known, &judged, None, work, hand)
        })
        .await
}

/// `POST /integrations/{id}/changes`: closes a proposal.
pub async fn close(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    visit
        .take(sent, move |work, hand, sent| {
            let (known, judged) = shell::known(&id, hand, work)?;
            let proposal = sent.text("close").unwrap_or_default();
            match section::close(&known, proposal, hand.access, &work.ground, work.store, work.host) {
                Ok(closed) => {
                    Ok(Shown::Elsewhere(format!("/integrations/{id}/changes?closed={}", closed.id)))
                }
                Err(why) => {
                    let problem = Problem::from(why);
                    let title = hand.language.say("changes.not_closed", &[]);
                    let note = json!({"kind": "bad", "title": title, "text": problem.detail()});
                    Ok(page(&known, &judged, Some(note), work, hand)?.status(problem.status()))
                }
            }
        })
        .await
}

fn page(
    known: &Known,
    judged: &Judged,
    note: Option<Json>,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
) -> Result<Shown, Problem> {
    let drifted = section::changes(known, work.store)?;
    let proposals = section::proposals(known, hand.access, &work.ground, work.store, work.host)?;
    let note = note.or_else(|| told(&proposals, hand));
    let reaching = section::reaching(known, hand.access, &work.ground, work.store)?;
    let key = random_name()?;
    let names =
        if reaching.is_empty() && proposals.is_empty() { Names::default() } else { shell::names(work) };
    let about = About { known, judged, options: work.ground.options(), language: hand.language };
    let mut drift: Vec<Json> = drifted.iter().filter_map(|one| row(one, &about, work, hand)).collect();
    for (at, one) in drift.iter_mut().enumerate() {
        one["key"] = format!("{key}{at}").into();
    }
    let waits = waiting(&about, known);
    let all = || reaching.iter().chain(&proposals);
    let open = all().filter(|one| one.is_open()).count();
    let proposed: Vec<Json> = all().map(|one| proposal(one, &about, &names, hand)).collect();
    Ok(Shown::page(
        "changes.html",
        json!({
            "integration": shell::of(known, judged, "changes", hand), "drift": drift, "waits": waits, "proposals": proposed, "open": open,
            "note": note, "now": work.host.stamp(),
        }),
    ))
}

/// What is told of what was just done, where the address says that it was and the store has it.
fn told(proposals: &[Proposal], hand: &Hand<'_>) -> Option<Json> {
    let find = |key: &str| {
        let id = hand.query.get(key)?;
        proposals.iter().find(|one| one.id == *id)
    };
    let say = |key: &str, one: &Proposal| hand.language.say(key, &[("branch", &one.branch)]);
    if let Some(one) = find("closed").filter(|one| one.state == "closed") {
        return Some(json!({"kind": "ok", "title": say("changes.closed", one)}));
    }
    let one = find("proposed")?;
    let is = |key: &str| one.document.get(key) == Some(&Json::Bool(true));
    let (title, link) = match (is("is_opened"), is("is_pushed")) {
        (true, _) => ("changes.opened", "changes.request"),
        (false, true) => ("changes.pushed", "changes.open_link"),
        (false, false) => ("changes.stayed", "changes.open_link"),
    };
    let links =
        one.link.as_ref().map(|link_to| json!([{"href": link_to, "text": hand.language.say(link, &[])}]));
    Some(json!({"kind": "ok", "title": say(title, one), "text": one.document.get("command"), "links": links}))
}

/// What words values of a category.
fn wording<'a>(category: &'a Category, about: &About<'a>) -> Form<'a> {
    let About { known, judged, options, language } = *about;
    Form::of(known, category, judged, options, language)
}

/// What values are worded by.
#[derive(Clone, Copy)]
struct About<'a> {
    known: &'a Known,
    judged: &'a Judged,
    options: &'a Options,
    language: &'static Language,
}

/// A setting that was changed outside.
fn row(one: &Drifted, about: &About<'_>, work: &Work<'_>, hand: &Hand<'_>) -> Option<Json> {
    let known = about.known;
    let category = known.pair.category(&one.category)?;
    let path = SettingPath::parse(&one.setting)?;
    let schema = category.schema_at(&path)?;
    let form = wording(category, about);
    let held = known.held(category, &path, None);
    let shown = |value: Option<&Value>| form.shown(schema, value).get("text").cloned();
    let may_save = hand.access.saves(known.id(), &category.id) && !hand.app.serving.is_read_only;
    let back = (may_save && one.state == "changed-outside").then(|| shell::page_of(known.id(), &category.id));
    let page = shell::page_of(known.id(), &category.id);
    Some(json!({
        "category": category.id, "title": category.title, "setting": one.setting, "state": one.state,
        "words": words::named(category, &path), "git": shown(held.said), "deployed": shown(held.deployed),
        "applied": shown(held.applied), "path": one.path, "line": one.line, "by": one.by, "since": one.since, "reason": one.reason,
        "href": format!("{page}#f-{path}"), "back": back, "revision": known.revision(&category.id),
        "may_propose": shell::may_propose(known, &category.id, hand, work),
    }))
}

/// Settings that git changed and no apply saved yet.
fn waiting(about: &About<'_>, known: &Known) -> Vec<Json> {
    let mut all = Vec::new();
    for category in known.pair.categories() {
        let form = wording(category, about);
        let places = known.says.as_deref().and_then(|says| says.places.get(category.id.as_str()));
        let waits = known.owners(category).into_iter().filter(|(_, owner)| *owner == Ownership::Waits);
        all.extend(waits.filter_map(|(path, _)| {
            let schema = category.schema_at(&path)?;
            let held = known.held(category, &path, None);
            let shown = |value: Option<&Value>| form.shown(schema, value).get("text").cloned();
            let place = places.and_then(|places| places.get(&path));
            Some(json!({
                "title": category.title, "words": words::named(category, &path),
                "git": shown(held.said), "deployed": shown(held.deployed),
                "path": place.map(|place| &place.path), "line": place.map(|place| place.line),
                "href": format!("{}#f-{path}", shell::page_of(known.id(), &category.id)),
            }))
        }));
    }
    all
}

fn proposal(one: &Proposal, about: &About<'_>, names: &Names, hand: &Hand<'_>) -> Json {
    let known = about.known;
    let text = |key: &str| one.document.get(key).and_then(Json::as_str);
    let settings = one.document.get("settings").and_then(Json::as_array).into_iter().flatten();
    let moved: Vec<Json> = settings
        .filter_map(|of| {
            let category = known.pair.category(of["category"].as_str()?)?;
            let path = SettingPath::parse(of["setting"].as_str()?)?;
            let (schema, form) = (category.schema_at(&path)?, wording(category, about));
            let shown =
                |value: &Json| form.shown(schema, Some(&Value::from_json(value))).get("text").cloned();
            Some(json!({
                "words": format!("{} › {}", category.title, words::named(category, &path)),
                "before": shown(&of["before"]), "after": shown(&of["after"]),
            }))
        })
        .collect();
    let also = one.document.get("also").and_then(Json::as_array).into_iter().flatten();
    let also: Vec<&str> = also.filter_map(Json::as_str).map(|id| names.of(id)).collect();
    let is_own = one.integration == known.id();
    let may_close = is_own
        && (one.made_by == hand.access.name
            || one.settings().all(|(category, _, _)| hand.access.saves(known.id(), category)));
    let owner = Some(one.integration.as_str())
        .filter(|owner| !is_own && !owner.is_empty())
        .map(|owner| names.of(owner));
    json!({
        "id": one.id, "of": owner, "of_another": !is_own, "branch": one.branch, "state": one.state, "moved": moved, "also": also.join(", "),
        "first": text("message").and_then(|message| message.lines().next()), "not_opened": text("not_opened"),
        "command": text("command"), "made_at": one.made_at, "made_by": one.made_by, "ended_at": one.ended_at,
        "link": one.link, "is_opened": one.document.get("is_opened"), "may_close": may_close,
    })
}
