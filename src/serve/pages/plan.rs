//! The plan of what git says against what is deployed, of one integration or of all, laid out as the report has it; and Apply, for
//! whoever may. What refuses it is `ops::check`'s to say.

use axum::response::Response;
use serde_json::{Value as Json, json};

use super::found::is_for_pages;
use super::shell;
use super::visit::{Hand, Sent, Shown, Visit};
use crate::ops::plan::Planned;
use crate::ops::section::{self, ApplyAsked};
use crate::report;
use crate::report::content::Content;
use crate::report::outline::{Budget, arranged, outline};
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;
use crate::store::Past;

/// So much of a plan is shown; a larger one is for `pairform plan`.
const UNITS: usize = 2000;

/// `GET /plan`
pub async fn show_all(visit: Visit) -> Response {
    visit.show(move |work, hand| page(None, None, None, work, hand)).await
}

/// `GET /integrations/{id}/plan`
pub async fn show(Named(id): Named<String>, visit: Visit) -> Response {
    visit.show(move |work, hand| page(Some(&id), None, None, work, hand)).await
}

/// `POST /plan`
pub async fn apply_all(visit: Visit, sent: Sent) -> Response {
    visit.take_typed(sent, move |work, hand, sent| apply(None, sent, work, hand)).await
}

/// `POST /integrations/{id}/plan`
pub async fn apply_one(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    visit.take_typed(sent, move |work, hand, sent| apply(Some(&id), sent, work, hand)).await
}

fn apply(id: Option<&str>, sent: &Sent, work: &mut Work<'_>, hand: &Hand<'_>) -> Result<Shown, Problem> {
    if let Some(id) = id.filter(|id| !hand.access.reads(id)) {
        return Err(Problem::absent(format!("there is no integration `{id}`")));
    }
    if sent.is_again() {
        let note = json!({"kind": "info", "title": hand.language.say("note.again", &[])});
        return page(id, Some(note), Some(sent), work, hand);
    }
    let typed: Vec<String> = sent.all("typed").map(|name| name.trim().to_owned()).collect();
    let asked = ApplyAsked {
        integration: id,
        digest: sent.text("digest").unwrap_or_default(),
        live: sent.text("live") == Some("yes"),
        typed: &typed,
        signatures: &hand.app.serving.signatures,
        request: &hand.app.serving.request,
    };
    let done = section::apply_seen(&asked, hand.access, &work.ground, work.host);
    match section::kept_refusal(
        done,
        "an apply of the plan that was seen",
        hand.access,
        work.store,
        work.host,
    ) {
        Ok(applied) => {
            hand.app.tell_saved(work.store);
            // Whoever loads the page again is told once more, and applies nothing.
            if applied.report.complete() {
                return Ok(Shown::Elsewhere(format!("{}?applied={}", address(id), applied.plan.digest)));
            }
            // What failed is told in this answer alone. Sent again, it is refused, as the plan is another one by now.
            let what = report::apply::sum(&applied.report);
            let title = hand.language.say("plan.not_whole", &[("what", &what)]);
            let mut told = String::new();
            report::apply::text(&applied.report, false, &mut |text| told.push_str(text));
            let note = json!({"kind": "bad", "title": title, "text": told, "english": true});
            page(id, Some(note), None, work, hand)
        }
        Err(why) => {
            let problem = Problem::from(why);
            let title = hand.language.say("plan.not_applied", &[]);
            let note = json!({"kind": "bad", "title": title, "text": problem.detail(), "help": problem.more("help"), "english": true});
            Ok(page(id, Some(note), Some(sent), work, hand)?.status(problem.status()))
        }
    }
}

fn address(id: Option<&str>) -> String {
    id.map_or_else(|| "/plan".to_owned(), |id| format!("/integrations/{id}/plan"))
}

/// What is told of an apply that the address names, where the store has it and it was his.
fn applied_note(work: &mut Work<'_>, hand: &Hand<'_>) -> Result<Option<Json>, Problem> {
    let Some(digest) = hand.query.get("applied").filter(|digest| digest.len() >= 64) else { return Ok(None) };
    let saves = work.store.saves_of(digest)?;
    let is_mine = |past: &Past| past.saved_by == hand.access.name && shell::is_new(&past.saved_at, work);
    let mine = saves.iter().filter(|save| is_mine(&save.past)).count();
    let title = hand.language.say("plan.applied", &[("n", &mine.to_string())]);
    Ok((mine > 0).then(|| json!({"kind": "ok", "title": title})))
}

fn page(
    id: Option<&str>,
    note: Option<Json>,
    sent: Option<&Sent>,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
) -> Result<Shown, Problem> {
    let note = match note {
        Some(note) => Some(note),
        None => applied_note(work, hand)?,
    };
    let integration = match id {
        Some(id) => {
            let (known, judged) = shell::known(id, hand, work)?;
            let integration = shell::of(&known, &judged, "plan", hand);
            // Of what no file has there is no plan, and that is no fault.
            if known.says.is_none() {
                let context = json!({"integration": integration, "note": note, "not_in_git": true, "now": work.host.stamp()});
                return Ok(Shown::page("plan.html", context));
            }
            Some(integration)
        }
        None => None,
    };
    let planned = section::planned_now(id, hand.access, &work.ground, &hand.app.serving.request, work.host);
    let mut context = match &planned {
        Ok(planned) => told(id, planned, sent, hand),
        Err(_) => json!({}),
    };
    context["integration"] = json!(integration);
    context["now"] = json!(work.host.stamp());
    let note = note.map(|mut note| {
        // What is to be typed or ticked is told in the words of the form, where it is.
        let wrong = context["consent"].as_array().filter(|wrong| note["kind"] == "bad" && !wrong.is_empty());
        if let Some(wrong) = wrong {
            note = json!({"kind": "bad", "summary": true, "title": note["title"], "links": wrong});
        }
        note
    });
    context["note"] = json!(note);
    let shown = |context| Shown::page("plan.html", context);
    if let Err(why) = planned {
        let problem = Problem::from(why);
        if note.is_none() {
            let title = hand.language.say("plan.cannot", &[]);
            context["note"] = json!({"kind": "bad", "title": title, "text": problem.detail(), "help": problem.more("help")});
        }
        return Ok(shown(context).status(problem.status()));
    }
    Ok(shown(context))
}

/// The plan as the report tells it, and what it takes to apply it.
fn told(id: Option<&str>, planned: &Planned<'_>, sent: Option<&Sent>, hand: &Hand<'_>) -> Json {
    let Planned { project, plan, .. } = planned;
    let content =
        Content { language: hand.language, ..Content::of_plan("plan", plan, &project.compilation.catalogue) };
    let (content, groups) = &arranged(&content, None);
    let (mut outline, _) = outline(content, groups, Budget(UNITS));
    let to_type = section::to_type(planned);
    // What is to be written into a file, or run, is for whoever has the files at hand.
    for of in ["findings", "urgent"] {
        for one in outline[of].as_array_mut().into_iter().flatten() {
            let is_for_others = |help: &Json| help.as_str().is_some_and(|help| !is_for_pages(help));
            if is_for_others(&one["help"]) {
                one["help"] = Json::Null;
            }
            if let Some(helps) = one["helps"].as_array_mut() {
                helps.retain(|help| !is_for_others(&help["text"]));
            }
        }
    }
    let is_idle = !plan.is_pending()
        && plan.summary.errors + plan.summary.warnings + plan.refusals.len() == 0
        && groups.touched == 0
        && plan.released.is_empty();
    outline["idle"] = is_idle.into();
    outline["served"] = true.into();
    // What somebody changed outside can be kept: by the same page as at its field.
    for one in outline["first"].as_array_mut().into_iter().flatten() {
        let place = one["setting"].as_str().and_then(|setting| setting.split_once('.'));
        let whose = one["only"].as_str().filter(|_| !hand.app.serving.is_read_only);
        if let (Some((category, setting)), Some(only)) = (place, whose)
            && hand.access.saves(only, category)
        {
            let of = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            let (category, setting) = (of(category), of(setting));
            one["take"] =
                format!("/integrations/{}/propose?category={category}&setting={setting}", of(only)).into();
        }
    }
    outline["codes"] = report::html::codes(&outline);
    outline["pending"] = (plan.is_pending() && !project.has_errors()).into();
    outline["refusals"] = json!(plan.refusals);
    outline["plan_notes"] = json!(plan.notes);
    outline["whole_digest"] = plan.digest.as_str().into();
    let is_live = outline["reach"]["live"].as_u64().unwrap_or(0) > 0;
    let typed: Vec<&str> = sent.map(|sent| sent.all("typed").collect()).unwrap_or_default();
    let is_ticked = sent.is_some_and(|sent| sent.text("live") == Some("yes"));
    let (mut names, mut consent) = (Vec::new(), Vec::new());
    if sent.is_some() && is_live && !is_ticked {
        consent.push(json!({"href": "#live", "text": hand.language.say("plan.tick", &[])}));
    }
    for (at, name) in to_type.iter().enumerate() {
        let text = typed.get(at).copied().unwrap_or_default();
        let key = if text.trim().is_empty() { "plan.type_none" } else { "plan.type_wrong" };
        let is_wrong = sent.is_some() && text.trim() != *name;
        let why = is_wrong.then(|| hand.language.say(key, &[("typed", text.trim()), ("name", name)]));
        consent.extend(why.as_ref().map(|why| json!({"href": format!("#type-{}", at + 1), "text": why})));
        names.push(json!({"name": name, "text": text, "wrong": why}));
    }
    outline["type_names"] = json!(names);
    outline["is_ticked"] = is_ticked.into();
    outline["consent"] = json!(consent);
    outline["may_apply"] = hand.access.applies(id).into();
    outline["address"] = address(id).into();
    outline
}
