//! The page of a category, and those that are made of one or two: General, Connectors, Scheduling, Webhooks. Each category is a
//! form with its own Save.

use axum::response::Response;
use serde_json::{Value as Json, json};

use super::draft::{Beside, Draft, name_of};
use super::fields::Form;
use super::found::{is_gap, settings_of, told};
use super::visit::{Hand, Shown, Visit};
use super::{connected, general, shell, timing};
use crate::diagnostic::Severity;
use crate::diagnostic::placed::PlacedFinding;
use crate::model::{CONNECTORS, FLOWS, GENERAL, SCHEDULES, Secret, SettingPath, Settings, WEBHOOKS, hex};
use crate::ops::forge::Lines;
use crate::ops::section::{self, Judged, Known, Right};
use crate::secrets::{Reach, Secrets};
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

/// A page with the forms of some categories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Settings(String),
    General,
    Connectors,
    Scheduling,
    Webhooks,
}

impl Place {
    /// Its categories, each with the settings that it shows; all where none is named.
    #[must_use]
    pub fn categories(&self) -> Vec<(&str, &'static [&'static str])> {
        match self {
            Place::Settings(category) => vec![(category, &[])],
            Place::General => vec![(GENERAL, &["name", "onboarding_mode", "live_mode"]), (FLOWS, &[])],
            Place::Connectors => vec![(CONNECTORS, &[])],
            Place::Scheduling => vec![(SCHEDULES, &[])],
            Place::Webhooks => vec![(WEBHOOKS, &[])],
        }
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Place::Settings(_) => "settings",
            Place::General => "general",
            Place::Connectors => "connectors",
            Place::Scheduling => "scheduling",
            Place::Webhooks => "webhooks",
        }
    }

    #[must_use]
    pub fn address(&self, id: &str) -> String {
        match self {
            Place::Settings(category) => format!("/integrations/{id}/settings/{category}"),
            other => format!("/integrations/{id}/{}", other.name()),
        }
    }
}

/// `GET /integrations/{id}`
pub async fn begin(Named(id): Named<String>, visit: Visit) -> Response {
    visit.show(move |_, _| Ok(Shown::Elsewhere(format!("/integrations/{id}/settings")))).await
}

pub async fn settings(Named((id, category)): Named<(String, String)>, visit: Visit) -> Response {
    show(id, Place::Settings(category), visit).await
}

pub async fn general(Named(id): Named<String>, visit: Visit) -> Response {
    show(id, Place::General, visit).await
}

pub async fn connectors(Named(id): Named<String>, visit: Visit) -> Response {
    show(id, Place::Connectors, visit).await
}

pub async fn scheduling(Named(id): Named<String>, visit: Visit) -> Response {
    show(id, Place::Scheduling, visit).await
}

pub async fn webhooks(Named(id): Named<String>, visit: Visit) -> Response {
    show(id, Place::Webhooks, visit).await
}

async fn show(id: String, place: Place, visit: Visit) -> Response {
    visit
        .show(move |work, hand| {
            let (known, judged) = shell::known(&id, hand, work)?;
            if let Place::Settings(category) = &place {
                let is_own = known.pair.settings.iter().any(|one| one.id == *category);
                if !is_own {
                    return Err(Problem::absent(format!(
                        "{} has no settings `{category}`",
                        known.pair.title
                    )));
                }
            }
            let note = told_in_address(&known, &judged, hand, work)?;
            let over = hand.query.get("over").and_then(|said| said.split_once('.'));
            let over = over
                .and_then(|(category, path)| Some((category.to_owned(), vec![SettingPath::parse(path)?])));
            let look = Look { note, over, ..Look::default() };
            page(&known, &judged, &place, look, hand, work)
        })
        .await
}

/// What a page shows besides what is deployed.
#[derive(Debug, Default)]
pub struct Look {
    /// The category that something is typed in, and what.
    pub draft: Option<(String, Draft)>,
    /// What is wrong with what was typed.
    pub findings: Vec<PlacedFinding>,
    /// A message on top.
    pub note: Option<Json>,
    /// Settings of a category that git owns and that somebody wants to save over.
    pub over: Option<(String, Vec<SettingPath>)>,
    /// What is typed for other categories of the page.
    pub beside: Vec<Beside>,
}

/// A page, with what was typed and what is to be told.
///
/// # Errors
/// When the store cannot be read.
pub fn page(
    known: &Known,
    judged: &Judged,
    place: &Place,
    look: Look,
    hand: &Hand<'_>,
    work: &mut Work<'_>,
) -> Result<Shown, Problem> {
    let mut forms = Vec::new();
    for (category, only) in place.categories() {
        let part = name_of(category, forms.is_empty());
        forms.push(form(known, judged, (category, only, part), &look, hand, work)?);
    }
    let title = match place {
        Place::Settings(_) => {
            forms.first().and_then(|form| form["title"].as_str()).unwrap_or_default().to_owned()
        }
        other => hand.language.say(&format!("nav.{}", other.name()), &[]),
    };
    let mut context = json!({
        "title": title, "integration": shell::of(known, judged, place.name(), hand), "place": place.name(), "forms": forms,
        "note": look.note, "address": place.address(known.id()), "now": work.host.stamp(),
        "fetched": fetched(known, judged, work),
    });
    if context["note"]["live"] == true {
        let error =
            json!([{"severity": "error", "message": hand.language.say("live.not_yet", &[]), "ours": true}]);
        let fields = context["forms"].as_array_mut().into_iter().flatten();
        let mut fields = fields.flat_map(|form| form["fields"].as_array_mut().into_iter().flatten());
        if let Some(live) = fields.find(|field| field["id"] == "f-live_mode") {
            live["errors"] = error;
        }
    }
    match place {
        Place::General => {
            context["missing"] = shell::missing(known, judged, hand).into();
            context["hides"] = general::hides(known, judged);
        }
        Place::Connectors => context["status"] = connected::told(known, hand, work),
        Place::Scheduling => {
            let syncs = work.store.last_syncs(known.id())?;
            context["chains"] = timing::chains(known, &syncs, (work.host.now)()).into();
        }
        _ => {}
    }
    Ok(Shown::page("category.html", context))
}

/// The form of a category.
fn form(
    known: &Known,
    judged: &Judged,
    (category, only, part): (&str, &[&str], String),
    look: &Look,
    hand: &Hand<'_>,
    work: &mut Work<'_>,
) -> Result<Json, Problem> {
    let category = known.category(category)?;
    let row = known.rows.get(category.id.as_str());
    let (none, empty) = (Settings::new(), Draft::default());
    let of_this = look.draft.as_ref().filter(|(typed, _)| *typed == *category.id);
    let beside = look.beside.iter().find(|one| *one.category == *category.id);
    let typed = of_this.map(|(_, draft)| draft).or(beside.map(|one| &one.draft));
    let past = section::past(known, &category.id, work.store)?;
    let reasons = section::reasons(known, work.store)?;
    let findings = match of_this {
        Some(_) if !look.findings.is_empty() => look.findings.clone(),
        _ => found(judged, &category.id),
    };
    let may_save = hand.access.saves(known.id(), &category.id)
        && !hand.app.serving.is_read_only
        && known.says.as_ref().is_none_or(|says| !says.is_broken);
    let syncs = work.store.last_syncs(known.id())?;
    let effect = timing::effect(known, judged, category, &syncs, (work.host.now)());
    let mut proposed = section::proposals(known, hand.access, &work.ground, work.store, work.host)?;
    proposed.retain(section::Proposal::is_open);
    proposed.extend(section::reaching(known, hand.access, &work.ground, work.store)?);
    let commit = known.says.as_deref().and_then(|says| says.commit.as_deref());
    let forge = hand.app.serving.proposing.forge.clone();
    let lines = forge
        .zip(work.ground.repository())
        .zip(commit)
        .map(|((forge, workspace), commit)| Lines::on(forge, workspace.root(), commit));
    let host = *work.host;
    let root = hand.app.serving.project.clone().unwrap_or_default();
    let secrets = Secrets::new(host.secrets, Reach::plan(&root, host.trust), work.store.fingerprint_key());
    let at_hand = |secret: &Secret| match secrets.fingerprint(&secret.reference) {
        Err(_) => "missing",
        Ok(now) if secret.fingerprint.as_ref().is_some_and(|known| *known != now) => "changed",
        Ok(_) => "at-hand",
    };
    let may_override = may_save && hand.access.has(Right::Override);
    let over = look.over.as_ref().filter(|(of, _)| may_override && *of == *category.id);
    let over = over.map_or(&[][..], |(_, paths)| paths.as_slice());
    let made = Form {
        over,
        reasons: &reasons,
        settings: row.map_or(&none, |row| &row.settings),
        draft: typed.unwrap_or(&empty),
        part: &part,
        findings: &findings,
        may_save,
        past: &past,
        secrets: &at_hand,
        readers: &|path| work.ground.readers(path),
        only,
        proposed: &proposed,
        lines: lines.as_ref(),
        ..Form::of(known, category, judged, work.ground.options(), hand.language)
    };
    let fields = made.fields();
    // What no field can show is told above all of them.
    let is_shown = |finding: &PlacedFinding| settings_of(finding).next().is_some();
    let loose: Vec<Json> = findings
        .iter()
        .filter(|one| !is_shown(one))
        .map(|one| told(one, known, &category.id, hand.language))
        .collect();
    // Where all is git's there is nothing to save.
    let can_type = fields.fields.iter().chain(&fields.additional).any(|field| field["kind"] != "fixed");
    let visible = judged.compiled().is_none_or(|compiled| compiled.visible.contains(&category.id));
    let mut key = [0_u8; 16];
    getrandom::fill(&mut key).map_err(|error| {
        Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    })?;
    let mut borrowed = Vec::new();
    let all = fields.fields.iter().chain(&fields.additional);
    all.for_each(|field| borrowed_in(field, &mut borrowed));
    Ok(json!({
        "borrowed": borrowed, "category": category.id, "title": shell::title_of(category, hand.language), "description": category.description,
        "revision": known.revision(&category.id), "part": part, "began": beside.map_or(known.revision(&category.id), |one| one.revision), "saved_by": row.map(|row| &row.saved_by),
        "saved_at": row.map(|row| &row.saved_at), "next_revision": known.revision(&category.id) + 1,
        "fields": fields.fields, "additional": fields.additional, "open": fields.open, "missing": fields.missing,
        "required": fields.required, "set": fields.set, "outside": fields.outside, "changed": fields.changed, "may_save": may_save, "can_save": may_save && can_type, "visible": visible,
        "may_propose": shell::may_propose(known, &category.id, hand, work),
        "may_override": may_override, "over": over.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "broken": known.says.as_ref().is_some_and(|says| says.is_broken), "effect": effect, "loose": loose, "key": hex(&key),
        "added": made.draft.added.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "removed": made.draft.removed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "typed": *made.draft != empty, "history": format!("/integrations/{}/history?category={}", known.id(), category.id),
    }))
}

/// Whose values the dropdowns of a field offer, each once.
fn borrowed_in(field: &Json, all: &mut Vec<Json>) {
    match field {
        Json::Object(inner) => {
            let own = inner
                .get("borrowed")
                .filter(|own| own.is_object() && inner.get("kind") != Some(&"fixed".into()));
            if let Some(own) = own.filter(|own| !all.contains(own)) {
                all.push(own.clone());
            }
            inner.values().for_each(|inner| borrowed_in(inner, all));
        }
        Json::Array(inner) => inner.iter().for_each(|inner| borrowed_in(inner, all)),
        _ => {}
    }
}

/// What is found in a category as it is deployed, but that something is missing: its field says so itself.
fn found(judged: &Judged, category: &str) -> Vec<PlacedFinding> {
    let all = judged.compilation.findings.iter();
    let own = all.filter(|finding| finding.about.category.as_deref() == Some(category));
    let own = own.filter(|finding| finding.severity != Severity::Note);
    let own: Vec<_> = own.cloned().collect();
    let mut placed = PlacedFinding::all(&own, judged.workspace.sources());
    placed.retain(|finding| !is_gap(finding));
    placed
}

/// On which day the dropdown values of its platforms were fetched: the oldest counts.
#[must_use]
pub fn fetched(known: &Known, judged: &Judged, work: &Work<'_>) -> Json {
    let Some(compiled) = judged.compiled() else { return Json::Null };
    let (shop, erp) = &compiled.accounts;
    let accounts = [(&known.pair.shop.id, shop), (&known.pair.erp.id, erp)];
    let lists = work.ground.options().lists().filter(|(connector, list)| {
        accounts.iter().any(|(id, account)| {
            *id == connector && account.as_ref().is_none_or(|account| *account == list.account)
        })
    });
    let days = lists.flat_map(|(_, list)| list.sets.values().map(|set| set.fetched.clone()));
    let Some(oldest) = days.min() else { return Json::Null };
    let age = crate::options::lists::days_between(&oldest, &work.host.today().to_string());
    json!({"day": oldest, "age": age.filter(|age| *age >= 7)})
}

/// What is told after a save, where the address says that there was one and the store has it.
fn told_in_address(
    known: &Known,
    judged: &Judged,
    hand: &Hand<'_>,
    work: &mut Work<'_>,
) -> Result<Option<Json>, Problem> {
    let said = hand.query.get("saved").and_then(|said| said.rsplit_once('.'));
    let Some((category, revision)) = said else {
        let same = hand.query.get("same").and_then(|category| known.pair.category(category));
        return Ok(same.map(|category| {
            let named = shell::title_of(category, hand.language);
            json!({"kind": "info", "title": hand.language.say("note.same", &[("category", &named)])})
        }));
    };
    let Some(category) = known.pair.category(category) else { return Ok(None) };
    let row = known.rows.get(category.id.as_str());
    let is_so = revision.parse() == Ok(known.revision(&category.id))
        && row.is_some_and(|row| row.saved_by == hand.access.name && shell::is_new(&row.saved_at, work));
    if !is_so {
        return Ok(None);
    }
    saved_note(known, judged, &category.id, known.revision(&category.id), hand, work).map(Some)
}

/// What is told after a save.
///
/// # Errors
/// When the store cannot be read.
pub fn saved_note(
    known: &Known,
    judged: &Judged,
    category: &str,
    revision: u64,
    hand: &Hand<'_>,
    work: &mut Work<'_>,
) -> Result<Json, Problem> {
    let category = known.category(category)?;
    let (named, revision) = (shell::title_of(category, hand.language), revision.to_string());
    let title = hand.language.say("note.saved", &[("category", &named), ("revision", &revision)]);
    let syncs = work.store.last_syncs(known.id())?;
    let effect = timing::effect(known, judged, category, &syncs, (work.host.now)());
    let mut note = json!({"kind": "ok", "title": title, "effect": effect});
    let unconnected = section::unconnected(known);
    if let Some(first) = unconnected.first().filter(|_| category.id == GENERAL && shell::is_live(known)) {
        let second = unconnected.get(1).map(|one| one.title.as_str()).unwrap_or_default();
        let filled = [("first", &*first.title), ("second", second), ("n", &unconnected.len().to_string())];
        note["text"] = hand.language.say("note.idle", &filled).into();
        note["links"] = shell::connections(known, hand)
            .into_iter()
            .map(|one| json!({"href": one["href"], "text": one["title"]}))
            .collect();
    }
    Ok(note)
}
