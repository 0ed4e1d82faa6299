//! A plan as a person reads it.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;

use super::alike::alike;
use super::content::{By, Content, Item};
use super::grouped::{lines, sign};
use super::groups::Groups;
use super::moved::Moved;
use super::outline_first::helps;
use super::texts::Language;
use super::{PIECE, clean, count, words};
use crate::ops::check::summarize_refusals;
use crate::plan::{Action, CategoryPlan, Change, ChangeKind, Effects, Integration, Mode, Origin, Plan};

/// The whole plan, piece by piece: where it leads, what is wrong (which is drawn already), what changes, what is blocked, what else was
/// found, and how much is unchanged. Identical changes are one, unless they are asked for integration by integration; where but one
/// integration changes, that is the same.
pub fn text(content: &Content<'_>, errors: &str, take: &mut dyn FnMut(&str)) {
    let Some(plan) = content.plan else { return };
    let mut out = String::new();
    head(&mut out, content, plan);
    out.push_str(errors);
    if content.by == By::Change && plan.integrations.tally().touched > 1 {
        super::grouped::text(&Groups::of(&plan.integrations, content.catalogue), &mut out, take);
    } else {
        let shown =
            |integration: &Integration| integration.is_worth_showing().then(|| integration_text(integration));
        plan.integrations.map_each(shown, &mut |text| {
            out.push_str(text.as_deref().unwrap_or_default());
            if out.len() >= PIECE {
                take(&out);
                out.clear();
            }
        });
    }
    released(&mut out, plan);
    remarks(&mut out, content);
    summary(&mut out, plan);
    take(&out);
}

/// Warnings and notes, shorter than where they are all that is asked for: what a plan is about are its changes.
fn remarks(out: &mut String, content: &Content<'_>) {
    let items = content.items();
    let remarks = alike(&items, Item::said).into_iter().filter(|some| some[0].severity != "error");
    for some in remarks {
        let item = some[0];
        let severity = match item.severity.as_str() {
            "warning" => "warning".yellow().bold().to_string(),
            other => other.green().bold().to_string(),
        };
        let code = clean(&item.code);
        let _ = writeln!(out, "{severity}[{code}]: {}", clean(&item.message));
        let mut said = vec![match some.len() {
            1 => format!("{}:{}", item.path, item.line),
            number => format!("{}:{} and {}", item.path, item.line, count(number - 1, "other place")),
        }];
        let reach: usize = some.iter().map(|item| 1 + item.also.len()).sum();
        if reach > 1 && !item.integration.is_empty() {
            said.push(format!("in {}", count(reach, "integration")));
        }
        let _ = writeln!(out, "    {}", clean(&said.join(" · ")).dimmed());
        let helps = helps(&some);
        for (help, places) in &helps {
            let of = match helps.len() {
                1 => String::new(),
                _ => format!("{}: ", count(places.len(), "place")),
            };
            let _ = writeln!(out, "    {}", clean(&format!("{of}{help}")).dimmed());
        }
        out.push('\n');
    }
}

/// What is planned for what: never out of sight.
fn head(out: &mut String, content: &Content<'_>, plan: &Plan) {
    let mut said = Vec::new();
    if let Some(environment) = &plan.environment {
        said.push(format!("environment {}", clean(environment).bold()));
    }
    if let Some(store) = content.store {
        said.push(format!("store {}", clean(store)));
    }
    if let Some(commit) = &plan.commit {
        let id = commit.id.get(..8).unwrap_or(&commit.id);
        let dirty = if commit.dirty {
            " and changes that are not committed".yellow().to_string()
        } else {
            String::new()
        };
        said.push(format!("commit {id}{dirty}"));
    }
    if let Some(comparison) = &plan.comparison {
        said.push(format!("{} against {}", clean(&comparison.head.name), clean(&comparison.base.name)));
    }
    if let Some(digest) = plan.digest.get(..19).filter(|_| plan.comparison.is_none()) {
        said.push(format!("digest {digest}"));
    }
    if let Some(made) = content.made {
        said.push(format!("made {}", clean(made)));
    }
    if !said.is_empty() {
        let _ = writeln!(out, "{}\n", said.join(" · ").dimmed());
    }
}

/// As many flows, categories or settings as one line of effects names.
const EFFECTS: usize = 12;

fn integration_text(integration: &Integration) -> String {
    let mut all = String::new();
    let out = &mut all;
    let mode = match integration.mode {
        Mode::Live => "live".yellow().bold().to_string(),
        Mode::Onboarding => "onboarding".to_owned(),
    };
    let deployed = integration.deployed_mode.filter(|deployed| *deployed != integration.mode);
    let deployed = deployed.map(|deployed| format!(" (deployed: {})", deployed.as_str())).unwrap_or_default();
    let readiness = integration.readiness;
    let ready = format!("{} of {} required settings set", readiness.set, readiness.required);
    let ready = if readiness.set < readiness.required {
        ready.yellow().to_string()
    } else {
        ready.dimmed().to_string()
    };
    let _ = writeln!(
        out,
        "{}  {}  {mode}{deployed}  {ready}",
        clean(&integration.integration).bold(),
        clean(&integration.title),
    );
    if let Some(link) = &integration.link {
        let _ = writeln!(out, "  {}", clean(link).dimmed());
    }
    if let Some(former) = &integration.renamed_from {
        let _ = writeln!(out, "  {} renamed from {}", "~".yellow(), clean(former).bold());
    }
    for (what, list) in integration.effects.iter().flat_map(Effects::told) {
        let more = list.len().saturating_sub(EFFECTS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let list: Vec<String> = list.iter().take(EFFECTS).map(|one| clean(one)).collect();
        let _ = writeln!(out, "  {} {}{more}", format!("{what}:").dimmed(), list.join(", "));
    }
    for category in &integration.categories {
        category_text(out, category);
    }
    out.push('\n');
    all
}

fn category_text(out: &mut String, category: &CategoryPlan) {
    let name = clean(&category.category);
    let next = category.next_sync.as_ref().map(|next| words::next_sync(Language::english(), next));
    let next = next.map(|next| format!("   {}", clean(&next))).unwrap_or_default();
    let saved = match category.revision {
        Some(revision) => format!("revision {revision} → {}", revision + 1),
        None => "changed".to_owned(),
    };
    let (sign, state) = match category.action {
        Action::Create => {
            let standing = match category.deleted {
                Some(revision) => format!("deleted outside as revision {revision}"),
                None => "not saved yet".to_owned(),
            };
            ("+".green().to_string(), format!("{standing}{next}"))
        }
        Action::Update => ("~".yellow().to_string(), format!("{saved}{next}")),
        Action::Reset => ("-".red().to_string(), format!("{saved}{next}")),
        Action::Blocked => ("!".red().bold().to_string(), blocked(category)),
        Action::None | Action::NotManaged => return,
    };
    let _ = writeln!(out, "  {sign} {:<18} {}", name.bold(), state.dimmed());
    let width = category
        .changes
        .iter()
        .map(|change| clean(&change.setting).chars().count())
        .max()
        .unwrap_or(0)
        .min(48);
    for change in &category.changes {
        change_text(out, change, width);
    }
}

fn blocked(category: &CategoryPlan) -> String {
    match category.blocked.as_slice() {
        [] => "blocked".to_owned(),
        [one] => clean(one),
        [first, rest @ ..] => format!("{} (and {})", clean(first), count(rest.len(), "more error")),
    }
}

fn change_text(out: &mut String, change: &Change, width: usize) {
    let setting = clean(&change.setting);
    let moved = Moved::of(Language::english(), change);
    let said = match (change.kind, &moved) {
        (ChangeKind::Add, Moved::Value { after, .. }) => clean(after),
        _ => clean(&moved.line()),
    };
    let _ = writeln!(out, "      {} {setting:<width$}  {said}{}", sign(change.kind), origin(change));
    lines(out, &moved, 10);
}

/// What else there is to know about who moved the setting.
fn origin(change: &Change) -> String {
    let last =
        clean(&words::last_applied(Language::english(), change).unwrap_or_else(|| "not set".to_owned()));
    let who = clean(&words::who_and_day(change));
    match change.origin {
        Origin::Git => String::new(),
        Origin::Outside => format!("   {}", format!("drift: changed {who}, last applied {last}").cyan()),
        Origin::Both => {
            let said = format!("conflict: changed here, and {who}, last applied {last}");
            format!("   {}", said.magenta().bold())
        }
    }
}

/// What left the files, live first; it stays as it is deployed.
fn released(out: &mut String, plan: &Plan) {
    const SHOWN: usize = 50;
    let mut releases = plan.releases();
    if releases.is_empty() {
        return;
    }
    releases.sort_by_key(|release| !release.live);
    let _ = writeln!(
        out,
        "{}",
        "Released: in no file any more, left as deployed and managed by nobody".yellow().bold()
    );
    for release in releases.iter().take(SHOWN) {
        let mode = if release.live { format!("  {}", "live".yellow().bold()) } else { String::new() };
        let what = if release.whole {
            count(release.categories.len(), "category")
        } else {
            words::some(&release.categories)
        };
        let _ =
            writeln!(out, "  {} {}{mode}  {}", "!".yellow(), clean(release.integration).bold(), clean(&what));
    }
    if releases.len() > SHOWN {
        let _ = writeln!(out, "  and {} more", count(releases.len() - SHOWN, "integration"));
    }
    out.push('\n');
}

fn summary(out: &mut String, plan: &Plan) {
    let (categories, settings) = (&plan.summary.categories, &plan.summary.settings);
    let to_save = categories.create + categories.update + categories.reset;
    let blocked =
        if categories.blocked > 0 { format!("{} blocked, ", categories.blocked) } else { String::new() };
    let renamed = plan.integrations.tally().renamed;
    let renamed = if renamed > 0 { format!("{renamed} renamed, ") } else { String::new() };
    let released = super::content::released(Language::english(), plan)
        .map(|said| format!(" {}.", said.yellow()))
        .unwrap_or_default();
    let integrations = count(plan.summary.integrations, "integration");
    if to_save + categories.blocked + settings.add + settings.change + settings.reset == 0
        && renamed.is_empty()
        && released.is_empty()
    {
        let what = match (&plan.comparison, &plan.commit) {
            (Some(_), _) => "Both configure the same".to_owned(),
            (None, Some(commit)) if !commit.dirty => {
                format!("What is deployed is what commit {} says", commit.id.get(..8).unwrap_or(&commit.id))
            }
            (None, _) => "What is deployed is what the files say".to_owned(),
        };
        let unchanged = count(categories.none, "category");
        let _ = match plan.summary.errors {
            0 => writeln!(out, "{} {what}: {integrations}, {unchanged}.", "No changes.".green().bold()),
            _ => writeln!(out, "Nothing changes in what could be read: {integrations}, {unchanged}."),
        };
    } else {
        let _ = writeln!(
            out,
            "{integrations}: {renamed}{} to save, {blocked}{} unchanged. {} added, {} changed, {} reset.{released}",
            count(to_save, "category"),
            categories.none,
            count(settings.add, "setting"),
            settings.change,
            settings.reset
        );
    }
    if settings.outside > 0 {
        let _ = writeln!(
            out,
            "{}",
            format!("{} changed outside these files would be set back.", count(settings.outside, "setting"))
                .cyan()
        );
    }
    if settings.conflicts > 0 {
        let _ = writeln!(
            out,
            "{}",
            format!("{} in conflict: changed both here and outside.", count(settings.conflicts, "setting"))
                .magenta()
                .bold()
        );
    }
    let scope = &plan.scope;
    if let Some(since) = &scope.changed_since {
        let _ = writeln!(out, "Only integrations that can have changed since {}.", clean(since));
    }
    if scope.left_out_integrations + scope.left_out_categories > 0 {
        let _ = writeln!(
            out,
            "Left out by the filters: {}, {}.",
            count(scope.left_out_integrations, "integration"),
            count(scope.left_out_categories, "category")
        );
    }
    for said in summarize_refusals(&plan.refusals) {
        let _ = writeln!(out, "{} {}", "apply would be refused:".red().bold(), clean(&said));
    }
    if plan.summary.errors > 0 {
        let errors = count(plan.summary.errors, "error");
        // Of a diff these are the ones that the base does not have.
        let said = match plan.comparison {
            Some(_) => format!("The changes bring {errors}."),
            None => format!("The plan has {errors} and cannot be applied."),
        };
        let _ = writeln!(out, "{}", said.red().bold());
        return;
    }
    for note in &plan.notes {
        let _ = writeln!(out, "{} {}", "note:".bold(), clean(note));
    }
    if to_save > 0 && plan.integrations.tally().next_sync {
        let _ = writeln!(out, "Takes effect at the next sync; orders already synced keep their old values.");
    }
}
