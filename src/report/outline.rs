//! The outline that templates are filled with: what a reader needs first, then integration by integration.
//!
//! Everything in it is plain text and trusted by nobody; the form's own escaping happens in `template`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde_json::{Value as Json, json};

use super::alike::alike;
use super::budget::{Counter, text};
use super::content::{By, Content, Item, state};
use super::count;
use super::groups::Groups;
use super::outline_first::{Errors, finding, finding_of, has_urgent, is_gap, urgent};
use super::outline_groups;
use super::texts::Language;
use super::words::{changed_connectors, next_sync, person, shown_after, shown_in, who_and_when};
use crate::model::SettingPath;
use crate::model::category::POLICY;
use crate::plan::policy::PolicyChange;
use crate::plan::{CategoryPlan, Change, ChangeKind, Effects, Integration, Origin, Plan, Release};

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
        for one in std::iter::once(&item.integration).chain(&item.also) {
            errors.entry(one.as_str()).or_default().push(item);
        }
    }
    let pairs = if items.iter().any(is_gap) { content.pair_of_each() } else { BTreeMap::new() };
    let policy: Vec<Json> = content
        .policy
        .iter()
        .filter(|_| counter.take("change of policy"))
        .map(|change| policy_row(content, change))
        .collect();
    let urgent = urgent(content, &items, &errors, &pairs, &mut counter);
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
    let findings: Vec<Json> = alike(&items, Item::said)
        .into_iter()
        .filter(|some| some[0].severity != "error" || !has_urgent(content))
        .filter(|_| counter.take("finding"))
        .map(|some| finding_of(content, &some, &pairs))
        .collect();
    let released = content.plan.map(|plan| released(plan, &mut counter));
    let dropped: Vec<String> = counter.dropped.iter().map(|(what, number)| count(*number, what)).collect();
    // What would be saved is reviewed; drift saves nothing.
    let is_reviewed = content.outcome.is_none() && content.command != "drift";
    let reviews = if is_reviewed { content.reviews() } else { Vec::new() };
    let named: Vec<Json> = reviews
        .iter()
        .take(OWNERS)
        .map(|(owner, what)| json!({"owner": text(owner), "categories": owned(content.language, what), "first": what.iter().take(3).map(|one| text(one)).collect::<Vec<_>>()}))
        .collect();
    let plan = content.plan;
    let commit = plan.and_then(|plan| plan.commit.as_ref()).or(content.revision);
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
        "project": content.named.map(text),
        "commit": commit.map(|commit| json!({"id": commit.id.get(..8).unwrap_or(&commit.id), "dirty": commit.dirty})),
        "base": plan.and_then(|plan| plan.comparison.as_ref()).map(|comparison| side(&comparison.base)),
        "head": plan.and_then(|plan| plan.comparison.as_ref()).map(|comparison| side(&comparison.head)),
        "scope": scope(content),
        "author": commit.and_then(|commit| commit.author.as_deref()).map(|author| text(person(author))),
        "digest": plan.filter(|plan| plan.comparison.is_none()).and_then(|plan| plan.digest.get(..19)),
        "store": content.store.map(text),
        "made": content.made.map(text),
        "summary": plan.map(|plan| serde_json::to_value(&plan.summary).unwrap_or_default()),
        "urgent": urgent,
        "filters": filters(content.language, &first, &others, &urgent, &findings),
        "first": first,
        "groups": others,
        "new": outline_groups::names(&groups.new),
        "renamed": groups.renamed.iter().map(|(former, present)| json!({"from": text(former), "to": text(present)})).collect::<Vec<_>>(),
        "effects": outline_groups::effects(content.language, groups),
        "reach": json!({"integrations": groups.touched, "live": groups.live}),
        "integrations": shown,
        "released": released,
        "findings": findings,
        "reviews": named,
        "more_reviews": reviews.len().saturating_sub(OWNERS),
        "dropped": dropped,
        "whole": format!("pairform {}", content.command),
        "next_sync": content.command != "drift" && plan.is_some_and(|plan| plan.integrations.tally().next_sync),
    });
    (outline, counter.next)
}

/// What rows can be chosen by: each kind of change with how many rows it has, how bad a finding is, owners, pairs, codes, categories.
fn filters(language: &Language, first: &[Json], others: &[Json], urgent: &[Json], findings: &[Json]) -> Json {
    const KINDS: [&str; 8] =
        ["conflict", "live-mode", "reset", "address", "credential", "drift", "change", "add"];
    let rows = || first.iter().chain(others);
    let found = || urgent.iter().filter(|row| row["kind"] != "released").chain(findings);
    let numbered = |id: &'static str, number: usize| {
        (number > 0)
            .then(|| json!({"id": id, "word": language.text(&format!("f.{id}"), None), "count": number}))
    };
    let kinds = KINDS.into_iter().map(|id| numbered(id, rows().filter(|row| row["filter"] == id).count()));
    let severities = ["error", "warning", "note"];
    let severities =
        severities.into_iter().map(|id| numbered(id, found().filter(|row| row["severity"] == id).count()));
    let all = |key: &str| {
        let of = rows().filter_map(|row| row[key].as_array()).flatten().filter_map(Json::as_str);
        of.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let said = |key: &str| {
        let of = found().filter_map(|row| row[key].as_str()).filter(|said| !said.is_empty());
        of.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    json!({
        "kinds": severities.chain(kinds).flatten().collect::<Vec<_>>(), "owners": all("owners"), "pairs": all("pairs"),
        "codes": said("code"), "categories": said("category"),
    })
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
fn owned(language: &Language, what: &[String]) -> String {
    let categories = what.iter().filter(|one| *one != POLICY).count();
    let policy = language.text("owned.policy", None);
    match (what.len() > categories, categories) {
        (true, 0) => policy.to_owned(),
        (true, categories) => format!("{policy}, {}", language.count("owned.categories", categories)),
        (false, categories) => language.count("owned.categories", categories),
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
                "next_sync": category.next_sync.as_deref().map(|next| text(&next_sync(content.language, next))),
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
        "before": text(&shown_in(content.language, &change.before, change.before_label.as_deref())),
        "after": text(&shown_after(content.language, change)),
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

/// What left the files, an integration a row, the live ones first.
fn released(plan: &Plan, counter: &mut Counter) -> Json {
    let mut releases = plan.releases();
    releases.sort_by_key(|release| !release.live);
    let number = releases.len();
    let live = releases.iter().filter(|release| release.live).count();
    let row = |release: &Release<'_>| {
        let categories: Vec<String> = release.categories.iter().map(|one| text(one)).collect();
        json!({
            "integration": text(release.integration), "live": release.live, "whole": release.whole, "categories": categories,
            "count": count(categories.len(), "category"),
        })
    };
    let rows: Vec<Json> = releases.iter().filter(|_| counter.take("released integration")).map(row).collect();
    let named = |row: &Json| {
        format!(
            "{}: {}",
            row["integration"].as_str().unwrap_or_default(),
            row["count"].as_str().unwrap_or_default()
        )
    };
    let names: Vec<String> = rows.iter().map(named).collect();
    json!({"names": names, "rows": rows, "count": number, "live": live, "more": number - names.len()})
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
