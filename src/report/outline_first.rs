//! What a reader has to see first, and findings, as templates are filled with them. What says the same is one row, with whom it concerns.
//!
//! Everything in it is plain text and trusted by nobody; the form's own escaping happens in `template`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::alike::alike;
use super::budget::{Counter, text};
use super::content::{By, Content, Item, release_told};
use super::words::{shown_after, shown_in};
use super::{clean_text, count};
use crate::model::Name;
use crate::ops::check::by_check;
use crate::plan::{ChangeKind, Integration, Origin, Refusal};

/// What is wrong with each integration.
pub(super) type Errors<'a> = BTreeMap<&'a str, Vec<&'a Item>>;

/// Findings alone are told as what they are.
pub(super) fn has_urgent(content: &Content<'_>) -> bool {
    content.plan.is_some() || content.stopped.is_some()
}

/// Whether a finding tells of a required setting that is not set.
pub(super) fn is_gap(item: &Item) -> bool {
    item.name.starts_with("required-")
}

/// A row of what comes first, before it is put together with those that say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    rank: u8,
    kind: &'static str,
    integration: String,
    what: String,
    place: String,
    help: String,
}

impl Row {
    fn new(rank: u8, kind: &'static str, integration: &str, what: String) -> Self {
        Row {
            rank,
            kind,
            integration: integration.to_owned(),
            what,
            place: String::new(),
            help: String::new(),
        }
    }
}

/// Why there is no result, errors and refusals, resets and conflicts, then what else needs a second look, the worst first.
pub(super) fn urgent(
    content: &Content<'_>,
    items: &[Item],
    errors: &Errors<'_>,
    pairs: &BTreeMap<String, Name>,
    counter: &mut Counter,
) -> Vec<Json> {
    if !has_urgent(content) {
        return Vec::new();
    }
    let mut all: Vec<(u8, Json)> = Vec::new();
    if let Some(stopped) = content.stopped {
        let helps: Vec<(&Refusal, &str)> =
            stopped.refusals.iter().map(|(refusal, help)| (refusal, help.as_str())).collect();
        all.extend(refused(&helps));
        if stopped.refusals.is_empty() {
            let help = stopped.help.unwrap_or_default().to_owned();
            let row = Row { help, ..Row::new(0, "stopped", "", stopped.message.to_owned()) };
            all.push((0, told(content, &[&row])));
        }
    }
    let refusals: Vec<(&Refusal, &str)> =
        content.plan.iter().flat_map(|plan| &plan.refusals).map(|refusal| (refusal, "")).collect();
    all.extend(refused(&refusals));
    for some in alike(items, Item::said).into_iter().filter(|some| some[0].severity == "error") {
        let mut json = finding_of(content, &some, pairs);
        json["kind"] = "error".into();
        json["text"] = text(&format!("{}: {}", some[0].code, some[0].message)).into();
        all.push((1, json));
    }
    let rows = rows(content, errors);
    for some in alike(&rows, |row| (row.rank, row.kind, &row.what, &row.place, &row.help)) {
        all.push((some[0].rank, told(content, &some)));
    }
    all.sort_by_key(|(rank, _)| *rank);
    all.into_iter()
        .filter(|(rank, _)| counter.take(if *rank <= 1 { "error" } else { "risk" }))
        .map(|(_, row)| row)
        .collect()
}

/// What refuses: of each check one row, with all its reasons.
fn refused(refusals: &[(&Refusal, &str)]) -> Vec<(u8, Json)> {
    let owned: Vec<Refusal> = refusals.iter().map(|(refusal, _)| (*refusal).clone()).collect();
    let help_of = |wanted: &Refusal| {
        let found = refusals
            .iter()
            .find(|(refusal, _)| refusal.check == wanted.check && refusal.message == wanted.message);
        found.map_or("", |(_, help)| help)
    };
    let row = |reasons: &[&Refusal]| {
        let integration = reasons[0].integration.as_deref().unwrap_or_default();
        let names = if integration.is_empty() { Vec::new() } else { vec![text(integration)] };
        json!({
            "kind": "refused", "severity": "error", "integration": text(integration), "integrations": names,
            "text": text(&reasons[0].message), "help": clean_text(help_of(reasons[0])), "place": "", "href": null,
            "check": reasons[0].check, "reasons": reasons.iter().skip(1).map(|one| text(&one.message)).collect::<Vec<_>>(),
        })
    };
    by_check(&owned).into_iter().map(|(_, reasons)| (0, row(&reasons))).collect()
}

/// Rows that say the same as one.
fn told(content: &Content<'_>, some: &[&Row]) -> Json {
    let Row { kind, integration, what, place, help, .. } = some[0];
    let names: Vec<String> =
        some.iter().filter(|row| !row.integration.is_empty()).map(|row| text(&row.integration)).collect();
    let whose = match names.len() {
        0 | 1 => text(integration),
        number => content.language.count("p.integrations", number),
    };
    json!({
        "kind": kind, "severity": if matches!(*kind, "stopped" | "not saved") { "error" } else { "warning" },
        "integration": whose, "integrations": names, "text": text(what), "place": text(place),
        "href": content.address(place), "help": clean_text(help),
    })
}

/// All that is neither refused nor an error.
fn rows(content: &Content<'_>, errors: &Errors<'_>) -> Vec<Row> {
    let mut all: Vec<Row> = Vec::new();
    if let Some(report) = content.outcome {
        for (integration, category, outcome) in &report.outcomes {
            if !super::apply::is_saved(outcome) {
                let said = content.outcome_of(integration, category).unwrap_or_default();
                all.push(Row::new(1, "not saved", integration, format!("`{category}` {said}")));
            }
        }
    }
    for release in content.plan.iter().flat_map(|plan| plan.releases()) {
        let rank = if release.live { 2 } else { 3 };
        all.push(Row::new(rank, "released", release.integration, release_told(content.language, &release)));
    }
    let mut look = |integration: &Integration| {
        let name = &integration.integration;
        let live = integration.is_live();
        // Else they are told by group.
        let by_integration = content.by == By::Integration;
        for category in integration.categories.iter().filter(|_| by_integration) {
            for change in &category.changes {
                let what = format!("`{}.{}`", category.category, change.setting);
                let moved = format!(
                    "{what}: {} → {}",
                    shown_in(content.language, &change.before, change.before_label.as_deref()),
                    shown_after(content.language, change)
                );
                let place = change.path.as_ref().map(|path| format!("{path}:{}", change.line.unwrap_or(1)));
                let turns_live = category.category == crate::model::GENERAL && change.setting == "live_mode";
                let found = match (change.kind, change.origin) {
                    (_, Origin::Both) => Some((2, "conflict")),
                    (ChangeKind::Reset, _) if content.command != "drift" => Some((2, "reset")),
                    (_, Origin::Outside) => Some((3, "drift")),
                    _ if turns_live => Some((2, "live mode")),
                    _ => None,
                };
                if let Some((rank, kind)) = found {
                    all.push(Row { place: place.unwrap_or_default(), ..Row::new(rank, kind, name, moved) });
                }
            }
        }
        let gaps =
            integration.readiness.required - integration.readiness.set.min(integration.readiness.required);
        if live && gaps > 0 && !errors.contains_key(&**name) {
            all.push(Row::new(2, "required", name, content.language.count("row.gaps", gaps)));
        }
        let effects = integration.effects.clone().unwrap_or_default();
        if by_integration && live && integration.is_worth_showing() {
            let what = format!("live: {}", count(super::content::changes(integration), "setting"));
            all.push(Row::new(4, "live", name, what));
        }
        if by_integration && !effects.newly_required.is_empty() {
            let what = format!("now required: {}", effects.newly_required.join(", "));
            all.push(Row::new(3, "required", name, what));
        }
    };
    content.plan.iter().for_each(|plan| plan.integrations.for_each(&mut look));
    all
}

pub(super) fn finding(content: &Content<'_>, item: &Item) -> Json {
    let place = format!("{}:{}", item.path, item.line);
    json!({
        "code": text(&item.code),
        "severity": item.severity,
        "message": text(&item.message),
        "help": text(&item.help),
        "integration": text(&item.integration),
        "category": text(&item.category),
        "setting": text(&item.setting),
        "required": is_gap(item),
        "place": text(&place),
        "href": content.address(&place),
    })
}

/// What would mend each of several findings, with the places where that is so.
pub(super) fn helps<'i>(some: &[&'i Item]) -> Vec<(&'i str, Vec<&'i Item>)> {
    let with: Vec<&Item> = some.iter().copied().filter(|item| !item.help.is_empty()).collect();
    let groups = alike(with, |item| item.help.as_str());
    groups.into_iter().map(|items| (items[0].help.as_str(), items)).collect()
}

/// One of several that say the same, with all their places and what mends it at each.
pub(super) fn finding_of(content: &Content<'_>, some: &[&Item], pairs: &BTreeMap<String, Name>) -> Json {
    let place = |item: &Item| format!("{}:{}", item.path, item.line);
    let mut json = finding(content, some[0]);
    let also: usize = some.iter().map(|item| 1 + item.also.len()).sum();
    json["count"] = some.len().into();
    json["reach"] = match (some[0].integration.as_str(), also) {
        ("", _) => content.language.count("p.places_n", some.len()),
        (only, 1) => text(only),
        (_, number) => content.language.count("p.integrations", number),
    }
    .into();
    let places: Vec<String> = some.iter().map(|item| place(item)).collect();
    json["places"] = places.iter().map(|place| text(place)).collect();
    json["hrefs"] = places.iter().map(|place| content.address(place)).collect();
    let helps = helps(some);
    if helps.len() > 1 {
        json["help"] = "".into();
    }
    let told = |(help, items): &(&str, Vec<&Item>)| {
        let places: Vec<Json> = items
            .iter()
            .map(|item| place(item))
            .map(|place| json!({"place": text(&place), "href": content.address(&place)}))
            .collect();
        json!({"text": text(help), "count": items.len(), "places": places})
    };
    json["helps"] = helps.iter().filter(|_| helps.len() > 1).map(told).collect();
    json["notes"] = some[0].notes.iter().map(|note| text(note)).collect();
    // By what it is called, where that is known; the key is one step away.
    let called = Some(some[0]).filter(|item| is_gap(item)).and_then(|item| content.settings_of(item, pairs));
    json["unset"] = called.map(|called| text(&called)).into();
    json["unset_n"] = some[0].settings.len().max(1).into();
    json
}
