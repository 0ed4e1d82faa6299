//! The outline that templates are filled with: what a reader needs first, then integration by integration.
//!
//! Everything in it is plain text and trusted by nobody; the form's own escaping happens in `template`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use serde_json::{Value as Json, json};

use super::budget::{Counter, text};
use super::content::{By, Content, Item, state};
use super::groups::Groups;
use super::outline_groups;
use super::words::{changed_connectors, shown, shown_after, who_and_when};
use super::{clean_text, count};
use crate::model::SettingPath;
use crate::model::category::POLICY;
use crate::plan::policy::PolicyChange;
use crate::plan::{CategoryPlan, Change, ChangeKind, Effects, Integration, Origin, Plan};

/// As many owners as are named.
const OWNERS: usize = 20;

/// How much of the content to keep: the first so many units, errors and resets before detail.
#[derive(Debug, Clone, Copy)]
pub struct Budget(pub usize);

/// The changes of a plan for a template; a project's own may know nothing of groups, and then wants integrations.
#[must_use]
pub fn arranged<'a>(content: &Content<'a>, own: Option<&str>) -> (Content<'a>, Groups) {
    let by =
        if own.is_some_and(|template| !template.contains("groups")) { By::Integration } else { content.by };
    let groups = match (by, content.plan) {
        (By::Change, Some(plan)) => Groups::of(&plan.integrations, content.catalogue),
        _ => Groups::default(),
    };
    (Content { by, ..*content }, groups)
}

/// The outline, and how many units there are in all; content and groups are as [`arranged`] has them.
#[must_use]
pub fn outline(content: &Content<'_>, groups: &Groups, budget: Budget) -> (Json, usize) {
    let items = content.items();
    let mut counter = Counter::new(budget.0);
    let mut errors = Errors::new();
    for item in items.iter().filter(|item| item.severity == "error") {
        errors.entry(item.integration.as_str()).or_default().push(item);
    }
    let policy: Vec<Json> = content
        .policy
        .iter()
        .filter(|_| counter.take("change of policy"))
        .map(|change| policy_row(content, change))
        .collect();
    let urgent = urgent(content, &items, &errors, &mut counter);
    let (first, others) = outline_groups::rows(content, groups, &mut counter);
    // Rows of an integration that is not shown are dropped with it.
    let (mut kept, mut left) = (0, 0);
    let mut shown: Vec<Json> = Vec::new();
    if let Some(plan) = content.plan.filter(|_| content.by == By::Integration) {
        plan.integrations.for_each(&mut |one| {
            if one.is_worth_showing() {
                let is_kept = counter.take("integration");
                kept += usize::from(is_kept);
                left += if is_kept { 0 } else { super::content::changes(one) };
            }
        });
        // Those that are kept come first.
        let _ = plan.integrations.try_for_each(&mut |one| {
            if shown.len() == kept {
                return ControlFlow::Break(());
            }
            if one.is_worth_showing() {
                shown.push(integration(content, one, &errors, &mut counter));
            }
            ControlFlow::Continue(())
        });
    }
    for _ in 0..left {
        counter.take("setting");
    }
    let findings: Vec<Json> = distinct(&items)
        .into_iter()
        .filter(|some| some[0].severity != "error" || !has_urgent(content))
        .filter(|_| counter.take("finding"))
        .map(|some| finding_of(content, &some))
        .collect();
    let dropped: Vec<String> = counter.dropped.iter().map(|(what, number)| count(*number, what)).collect();
    // What is saved is reviewed.
    let reviews = if content.outcome.is_none() { content.reviews() } else { Vec::new() };
    let named: Vec<Json> = reviews
        .iter()
        .take(OWNERS)
        .map(|(owner, what)| json!({"owner": text(owner), "categories": owned(what), "first": what.iter().take(3).map(|one| text(one)).collect::<Vec<_>>()}))
        .collect();
    let plan = content.plan;
    let is_right = content.errors() == 0
        && content.stopped.is_none()
        && plan.is_none_or(|plan| plan.refusals.is_empty() && !has_drifted(content, plan));
    let is_released = plan.is_some_and(|plan| !plan.released.is_empty());
    let good = is_right
        && !is_released
        && !super::policy::needs_a_look(content.policy)
        && !plan.is_some_and(|plan| undoes(content, plan));
    let outline = json!({
        "command": content.command,
        "marker": marker(content),
        "verdict": content.verdict(),
        "good": good,
        "mark": match (is_right, good) { (false, _) => "❌", (true, false) => "⚠️", (true, true) => "✅" },
        "policy_changes": policy,
        "environment": plan.and_then(|plan| plan.environment.clone()),
        "commit": plan.and_then(|plan| plan.commit.as_ref()).map(|commit| json!({"id": commit.id.get(..8).unwrap_or(&commit.id), "dirty": commit.dirty})),
        "base": plan.and_then(|plan| plan.comparison.as_ref()).map(|comparison| side(&comparison.base)),
        "head": plan.and_then(|plan| plan.comparison.as_ref()).map(|comparison| side(&comparison.head)),
        "scope": scope(content),
        "author": plan.and_then(|plan| plan.commit.as_ref()).and_then(|commit| commit.author.as_deref()).map(text),
        "digest": plan.filter(|plan| plan.comparison.is_none()).and_then(|plan| plan.digest.get(..19)),
        "store": content.store.map(text),
        "made": content.made.map(text),
        "summary": plan.map(|plan| serde_json::to_value(&plan.summary).unwrap_or_default()),
        "urgent": urgent,
        "filters": filters(&first, &others),
        "first": first,
        "groups": others,
        "new": outline_groups::names(&groups.new),
        "renamed": groups.renamed.iter().map(|(former, present)| json!({"from": text(former), "to": text(present)})).collect::<Vec<_>>(),
        "effects": outline_groups::effects(groups),
        "reach": json!({"integrations": groups.touched, "live": groups.live}),
        "integrations": shown,
        "released": plan.map(released),
        "findings": findings,
        "reviews": named,
        "more_reviews": reviews.len().saturating_sub(OWNERS),
        "dropped": dropped,
        "whole": format!("pairform {}", content.command),
        "next_sync": content.command != "drift" && plan.is_some_and(|plan| plan.integrations.tally().next_sync),
    });
    (outline, counter.next)
}

/// What rows can be chosen by: each kind of change with how many rows it has, owners, and the titles of pairs.
fn filters(first: &[Json], others: &[Json]) -> Json {
    const KINDS: [(&str, &str); 8] = [
        ("conflict", "Conflicts"),
        ("live-mode", "Live mode"),
        ("reset", "Resets"),
        ("address", "Addresses"),
        ("credential", "Credentials"),
        ("drift", "Drift"),
        ("change", "Changed"),
        ("add", "Added"),
    ];
    let rows = || first.iter().chain(others);
    let kinds = KINDS.iter().filter_map(|(id, word)| {
        let number = rows().filter(|row| row["filter"] == *id).count();
        (number > 0).then(|| json!({"id": id, "word": word, "count": number}))
    });
    let all = |key: &str| {
        let of = rows().filter_map(|row| row[key].as_array()).flatten().filter_map(Json::as_str);
        of.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    json!({"kinds": kinds.collect::<Vec<_>>(), "owners": all("owners"), "pairs": all("pairs")})
}

fn policy_row(content: &Content<'_>, change: &PolicyChange) -> Json {
    let place = super::policy::place(change);
    json!({
        "kind": super::policy::word(change.direction),
        "item": text(&change.item),
        "text": text(&change.told()),
        "place": place.as_deref().map(text),
        "href": place.as_deref().and_then(|place| content.address(place)),
        "owners": change.owners.iter().map(|owner| text(owner)).collect::<Vec<_>>(),
    })
}

/// How much of somebody's changes: `policy`, `3 categories`.
fn owned(what: &[String]) -> String {
    let categories = what.iter().filter(|one| *one != POLICY).count();
    match (what.len() > categories, categories) {
        (true, 0) => POLICY.to_owned(),
        (true, categories) => format!("{POLICY}, {}", count(categories, "category")),
        (false, categories) => count(categories, "category"),
    }
}

/// Whether an apply would take something away or save over what somebody else did.
fn undoes(content: &Content<'_>, plan: &Plan) -> bool {
    let settings = &plan.summary.settings;
    content.outcome.is_none() && settings.reset + settings.outside + settings.conflicts > 0
}

/// Of `drift`, which is not as it should be once it has found something.
fn has_drifted(content: &Content<'_>, plan: &Plan) -> bool {
    content.command == "drift" && plan.integrations.tally().touched > 0
}

/// Puts the changes of policy before what else comes first, for a template that knows nothing of them.
pub fn policy_first(outline: &mut Json, template: &str) {
    if template.contains("policy_changes") {
        return;
    }
    let rows = outline["policy_changes"].as_array().cloned().unwrap_or_default();
    let urgent = outline["urgent"].as_array_mut();
    let as_urgent = |row: &Json| {
        let what = format!(
            "`{}` {}",
            row["item"].as_str().unwrap_or_default(),
            row["text"].as_str().unwrap_or_default()
        );
        json!({"kind": format!("policy {}", row["kind"].as_str().unwrap_or_default()), "integration": "", "text": what, "place": row["place"]})
    };
    if let Some(urgent) = urgent {
        urgent.splice(0..0, rows.iter().map(as_urgent).collect::<Vec<_>>());
    }
}

/// What is wrong with each integration.
type Errors<'a> = BTreeMap<&'a str, Vec<&'a Item>>;

/// Findings alone are told as what they are.
fn has_urgent(content: &Content<'_>) -> bool {
    content.plan.is_some() || content.stopped.is_some()
}

/// Why there is no result, errors and refusals, resets and conflicts, then what else needs a second look, the worst first.
fn urgent(content: &Content<'_>, items: &[Item], errors: &Errors<'_>, counter: &mut Counter) -> Vec<Json> {
    let mut all: Vec<(u8, Json)> = Vec::new();
    let row = |kind: &str, integration: &str, what: String, place: String| json!({"kind": kind, "integration": text(integration), "text": text(&what), "place": text(&place), "href": content.address(&place)});
    if !has_urgent(content) {
        return Vec::new();
    }
    if let Some(stopped) = content.stopped {
        let with_help = |mut row: Json, help: &str| {
            row["help"] = clean_text(help).into();
            (0, row)
        };
        for (refusal, help) in stopped.refusals {
            let integration = refusal.integration.as_deref().unwrap_or_default();
            all.push(with_help(row("refused", integration, refusal.message.clone(), String::new()), help));
        }
        if stopped.refusals.is_empty() {
            let row = row("stopped", "", stopped.message.to_owned(), String::new());
            all.push(with_help(row, stopped.help.unwrap_or_default()));
        }
    }
    for refusal in content.plan.iter().flat_map(|plan| &plan.refusals) {
        all.push((0, row("refused", "", refusal.message.clone(), String::new())));
    }
    for some in distinct(items).into_iter().filter(|some| some[0].severity == "error") {
        let item = some[0];
        let place = format!("{}:{}", item.path, item.line);
        let mut row = row("error", &item.integration, format!("{}: {}", item.code, item.message), place);
        row["count"] = some.len().into();
        row["help"] = text(&item.help).into();
        row["required"] = item.name.starts_with("required-").into();
        all.push((1, row));
    }
    if let Some(report) = content.outcome {
        for (integration, category, outcome) in &report.outcomes {
            if !super::apply::is_saved(outcome) {
                let said = content.outcome_of(integration, category).unwrap_or_default();
                all.push((1, row("not saved", integration, format!("`{category}` {said}"), String::new())));
            }
        }
    }
    for release in content.plan.iter().flat_map(|plan| plan.releases()) {
        let told = super::content::release_told(&release);
        all.push((
            if release.live { 2 } else { 3 },
            row("released", release.integration, told, String::new()),
        ));
    }
    let mut look = |integration: &Integration| {
        let live = integration.is_live();
        // Else they are told by group.
        let by_integration = content.by == By::Integration;
        for category in integration.categories.iter().filter(|_| by_integration) {
            for change in &category.changes {
                let what = format!("`{}.{}`", category.category, change.setting);
                let moved = format!(
                    "{what}: {} → {}",
                    shown(&change.before, change.before_label.as_deref()),
                    shown_after(change)
                );
                let place = change
                    .path
                    .as_ref()
                    .map(|path| format!("{path}:{}", change.line.unwrap_or(1)))
                    .unwrap_or_default();
                let turns_live = category.category == crate::model::GENERAL && change.setting == "live_mode";
                let found = match (change.kind, change.origin) {
                    (_, Origin::Both) => Some((2, "conflict")),
                    (ChangeKind::Reset, _) if content.command != "drift" => Some((2, "reset")),
                    (_, Origin::Outside) => Some((3, "drift")),
                    _ if turns_live => Some((2, "live mode")),
                    _ => None,
                };
                if let Some((rank, kind)) = found {
                    all.push((rank, row(kind, &integration.integration, moved, place)));
                }
            }
        }
        let gaps =
            integration.readiness.required - integration.readiness.set.min(integration.readiness.required);
        if live && gaps > 0 && !errors.contains_key(&*integration.integration) {
            all.push((
                2,
                row(
                    "required",
                    &integration.integration,
                    format!("{} not set", count(gaps, "required setting")),
                    String::new(),
                ),
            ));
        }
        let effects = integration.effects.clone().unwrap_or_default();
        if by_integration && live && integration.is_worth_showing() {
            let what = format!("live: {}", count(super::content::changes(integration), "setting"));
            all.push((4, row("live", &integration.integration, what, String::new())));
        }
        if by_integration && !effects.newly_required.is_empty() {
            let what = format!("now required: {}", effects.newly_required.join(", "));
            all.push((3, row("required", &integration.integration, what, String::new())));
        }
    };
    content.plan.iter().for_each(|plan| plan.integrations.for_each(&mut look));
    all.sort_by_key(|(rank, _)| *rank);
    all.into_iter()
        .filter(|(rank, _)| counter.take(if *rank <= 1 { "error" } else { "risk" }))
        .map(|(_, row)| row)
        .collect()
}

fn integration(content: &Content<'_>, one: &Integration, errors: &Errors<'_>, counter: &mut Counter) -> Json {
    let errors = errors.get(&*one.integration).map(Vec::as_slice).unwrap_or_default();
    let pair = content.catalogue.pair_beside(&one.pair, changed_connectors(one).iter().map(String::as_str));
    let worth = |category: &&CategoryPlan| {
        category.action.saves()
            || category.action == crate::plan::Action::Blocked
            || !category.changes.is_empty()
    };
    let categories: Vec<Json> = one
        .categories
        .iter()
        .filter(worth)
        .map(|category| {
            let schema = pair.as_ref().and_then(|pair| pair.category(&category.category));
            let mut rows = Vec::new();
            let mut left = 0;
            for change in &category.changes {
                if counter.take("setting") {
                    rows.push(row(content, change, schema));
                } else {
                    left += 1;
                }
            }
            let additional = rows.iter().filter(|row| row["additional"] == true).count();
            let missing: Vec<Json> = errors
                .iter()
                .filter(|item| item.category == category.category)
                .map(|item| finding(content, item))
                .collect();
            json!({
                "category": text(&category.category),
                "title": text(&category.title),
                "state": match (content.command, category.revision) {
                    ("drift", None) => "deleted",
                    ("drift", Some(_)) => "changed outside",
                    _ => state(category),
                },
                "blocked": missing,
                "revision": category.revision,
                "next_sync": category.next_sync.as_deref().map(text),
                "owners": category.owners.iter().map(|owner| text(owner)).collect::<Vec<_>>(),
                "outcome": content.outcome_of(&one.integration, &category.category).map(|said| text(&said)),
                "rows": rows,
                "additional": count(additional, "setting"),
                "has_additional": additional > 0,
                "left": left,
            })
        })
        .collect();
    let kinds = |kind: ChangeKind| {
        one.categories
            .iter()
            .flat_map(|category| &category.changes)
            .filter(|change| change.kind == kind)
            .count()
    };
    let unchanged =
        one.categories.iter().filter(|category| category.action == crate::plan::Action::None).count();
    json!({
        "integration": text(&one.integration),
        "title": text(&one.title),
        "pair": text(&one.pair),
        "live": one.is_live(),
        "mode": one.mode.as_str(),
        "required": one.readiness.required,
        "set": one.readiness.set,
        "link": one.link.as_deref().filter(|link| link.starts_with("https://") || link.starts_with("http://")),
        "settings": count(super::content::changes(one), "setting"),
        "added": kinds(ChangeKind::Add),
        "changed": kinds(ChangeKind::Change),
        "reset": kinds(ChangeKind::Reset),
        "categories": categories,
        "unchanged": count(unchanged, "category"),
        "effects": effects(one),
    })
}

fn row(content: &Content<'_>, change: &Change, category: Option<&crate::schema::Category>) -> Json {
    let place = change.path.as_ref().map(|path| format!("{path}:{}", change.line.unwrap_or(1)));
    let setting = category.and_then(|category| category.setting(&SettingPath::parse(&change.setting)?));
    let changed = who_and_when(change);
    let note = match change.origin {
        Origin::Git => String::new(),
        Origin::Outside if change.unmanaged => text(&format!("drift: changed {changed}; no file manages it")),
        Origin::Outside => text(&format!("drift: changed {changed}")),
        Origin::Both => text(&format!("conflict: changed here and {changed}")),
    };
    json!({
        "setting": text(&change.setting),
        "title": setting.map(|setting| text(&setting.title)),
        "additional": setting.is_some_and(|setting| setting.additional),
        "required": setting.is_some_and(|setting| !matches!(setting.required, crate::schema::Required::No)),
        "kind": match change.kind { ChangeKind::Add => "add", ChangeKind::Change => "change", ChangeKind::Reset => "reset" },
        "sign": match change.kind { ChangeKind::Add => "+", ChangeKind::Change => "~", ChangeKind::Reset => "−" },
        "before": text(&shown(&change.before, change.before_label.as_deref())),
        "after": text(&shown_after(change)),
        "note": note,
        "place": place.as_deref().map(text),
        "href": place.as_deref().and_then(|place| content.address(place)),
        "touched": change.touched.as_ref().map(|touched| {
            let commit = touched.commit.as_deref().map_or("not committed", |id| id.get(..8).unwrap_or(id));
            text(format!("{commit} {}", touched.author).trim())
        }),
    })
}

fn effects(one: &Integration) -> Vec<Json> {
    let former = one.renamed_from.as_slice();
    let renamed = (!former.is_empty()).then_some(("renamed from", former));
    let told = one.effects.as_ref().map(Effects::told).unwrap_or_default();
    renamed
        .into_iter()
        .chain(told)
    .map(|(what, list)| {
        let more = list.len().saturating_sub(12);
        json!({"what": what, "list": list.iter().take(12).map(|one| text(one)).collect::<Vec<_>>(), "more": more})
    })
    .collect()
}

fn finding(content: &Content<'_>, item: &Item) -> Json {
    let place = format!("{}:{}", item.path, item.line);
    json!({
        "code": text(&item.code),
        "severity": item.severity,
        "message": text(&item.message),
        "help": text(&item.help),
        "integration": text(&item.integration),
        "category": text(&item.category),
        "setting": text(&item.setting),
        "required": item.name.starts_with("required-"),
        "place": text(&place),
        "href": content.address(&place),
    })
}

/// Findings that say the very same, together; in the order of the first.
pub(super) fn distinct(items: &[Item]) -> Vec<Vec<&Item>> {
    let mut all: Vec<Vec<&Item>> = Vec::new();
    let mut known = HashMap::new();
    for item in items {
        let key = (&item.code, &item.severity, &item.message, &item.help, &item.category, &item.setting);
        let at = *known.entry(key).or_insert(all.len());
        if at == all.len() {
            all.push(Vec::new());
        }
        all[at].push(item);
    }
    all
}

/// One of several that are the same, with all their places.
fn finding_of(content: &Content<'_>, some: &[&Item]) -> Json {
    let mut json = finding(content, some[0]);
    let also: usize = some.iter().map(|item| 1 + item.also.len()).sum();
    json["count"] = some.len().into();
    json["reach"] =
        if some[0].integration.is_empty() { count(some.len(), "place") } else { count(also, "integration") }
            .into();
    let places: Vec<String> = some.iter().map(|item| format!("{}:{}", item.path, item.line)).collect();
    json["places"] = places.iter().map(|place| text(place)).collect();
    json["hrefs"] = places.iter().map(|place| content.address(place)).collect();
    json["notes"] = some[0].notes.iter().map(|note| text(note)).collect();
    json
}

fn released(plan: &crate::plan::Plan) -> Json {
    const SHOWN: usize = 20;
    let names: Vec<String> = plan
        .released
        .iter()
        .take(SHOWN)
        .map(|released| text(&format!("{} {}", released.integration, released.category)))
        .collect();
    json!({"names": names, "count": plan.released.len(), "more": plan.released.len().saturating_sub(SHOWN)})
}

fn side(side: &crate::plan::Side) -> Json {
    json!({"name": text(&side.name), "id": side.id.as_deref().map(|id| id.get(..8).unwrap_or(id))})
}

fn scope(content: &Content<'_>) -> Option<String> {
    let scope = &content.plan?.scope;
    let mut said = Vec::new();
    if let Some(since) = &scope.changed_since {
        said.push(format!("only what can have changed since {since}"));
    }
    if scope.left_out_integrations + scope.left_out_categories > 0 {
        said.push(format!(
            "{} and {} left out by the filters",
            count(scope.left_out_integrations, "integration"),
            count(scope.left_out_categories, "category")
        ));
    }
    (!said.is_empty()).then(|| text(&said.join("; ")))
}

/// What tells a comment from those of other commands, environments and projects of the repository.
fn marker(content: &Content<'_>) -> String {
    let environment = content.plan.and_then(|plan| plan.environment.as_deref()).unwrap_or("");
    let safe: String = environment.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let environment = if safe.is_empty() { safe } else { format!(":{safe}") };
    let project = content.project();
    let project = if project.is_empty() { project } else { format!(" {project}") };
    format!("pairform:{}{environment}{project}", content.command)
}
