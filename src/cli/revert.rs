//! `revert`: the way back to what was deployed before, as an ordinary plan that is reviewed and applied like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;

use super::args::{Common, Form, Revert};
use super::deployed;
use super::exit::{self, Stop};
use super::project;
use super::streams::Streams;
use crate::compile::project::Project as Declared;
use crate::compile::{Compiled, Selection};
use crate::model::{GENERAL, Settings};
use crate::plan::{self, Current, Integration, Mode, back, safety};
use crate::report::{self, json};
use crate::store::{self, REVERT, Record};

/// Runs the command.
///
/// # Errors
/// When the store holds no such point to go back to, or the plan file cannot be written.
pub fn run(common: &Common, args: &Revert, streams: &mut Streams) -> Result<u8, Stop> {
    let (root, sources) = project::read(common)?;
    let selection =
        Selection { integrations: vec![args.what.clone()], ..project::selection(common, &root, &sources)? };
    let declared = Declared::read(&sources, &mut Vec::new());
    let opened = project::compile_selected(root.clone(), sources, selection)
        .map_err(|stop| in_no_file(common, args, &declared, &root).unwrap_or(stop))?;
    let mut plan = super::planner::make(common, &opened)?;
    let (_, url) = opened.store(common)?;
    let mut store = store::open_existing(&url)?
        .ok_or_else(|| Stop::usage("there is no store yet, so nothing was saved"))?;
    let read = deployed::read(
        store.as_mut(),
        &opened.compilation.integrations,
        Some(std::slice::from_ref(&args.what)),
    )?;
    let name = read.renamed.get(&args.what).unwrap_or(&args.what);
    let mut records = deployed::records(store.as_mut())?;
    records.retain(|record| record.integration == *name);
    let compiled = opened.compilation.integrations.iter().find(|compiled| compiled.name == args.what);
    for Record { category, past, .. } in &mut records {
        if let (Some(compiled), Ok(settings)) = (compiled, &mut past.settings) {
            *settings = deployed::present(compiled, category, std::mem::take(settings));
        }
    }
    let deployed: BTreeMap<String, Current> = read
        .rows
        .into_iter()
        .map(|now| {
            let current = Current { revision: now.revision, settings: now.settings, applied: now.applied };
            (now.category, current)
        })
        .collect();
    let notes = store.notes()?;
    let reverts: BTreeSet<&str> =
        notes.iter().filter(|note| note.kind == REVERT).filter_map(|note| note.run.as_deref()).collect();
    let commit = args.commit.as_ref().map(|commit| project::commit_id(&root, commit)).transpose()?;
    let (until, to) = point(common, args, commit.as_deref(), &records, &reverts)?;
    plan.revert = Some(to);
    let mut said = vec![
        "Orders, invoices and other documents that were synced meanwhile keep what they were given; this does not touch them.".to_owned(),
        "The files are not changed: the next plan from them shows these settings again until they are reverted there too.".to_owned(),
    ];
    let mut integrations: Vec<Integration> = std::mem::take(&mut plan.integrations).into_iter().collect();
    for integration in &mut integrations {
        integration.deployed_mode = deployed.get(GENERAL).map(|general| Mode::of(&general.settings));
        for category in &mut integration.categories {
            let now = deployed.get(category.category.as_str());
            let found = records
                .iter()
                .take(until)
                .rev()
                .find(|record| record.category == category.category)
                .map(|record| record.past.settings.as_ref());
            let then = found.and_then(Result::ok);
            *category = match (now, then) {
                (Some(now), Some(then)) if !then.is_empty() || now.settings.is_empty() => {
                    back::category(&category.category, &category.title, now, then)
                }
                (now, _) => {
                    if let Some(now) = now.filter(|now| !now.settings.is_empty()) {
                        let why = match found {
                            Some(Ok(_)) => "held nothing".to_owned(),
                            Some(Err(unusable)) => format!("held what cannot be used ({})", unusable.why),
                            None => "was not saved yet".to_owned(),
                        };
                        said.push(format!(
                            "`{}` {why} then; it stays at revision {}.",
                            category.category, now.revision
                        ));
                    }
                    let none = Current { revision: 0, settings: Settings::new(), applied: Settings::new() };
                    let current = now.unwrap_or(&none);
                    let mut same =
                        back::category(&category.category, &category.title, current, &current.settings);
                    same.revision = now.map(|now| now.revision);
                    same.deployed = now.map(|now| now.settings.len());
                    same
                }
            };
        }
        // Not what the files say counts here, but what will be deployed.
        let turned = integration.categories.iter().find_map(plan::turns_live);
        let turned = turned.map(|live| if live { Mode::Live } else { Mode::Onboarding });
        integration.mode = turned.or(integration.deployed_mode).unwrap_or(integration.mode);
        let required = compiled.into_iter().flat_map(Compiled::required).map(|(category, _, _)| category);
        let revision = |category: &str| deployed.get(category).map_or(0, |current| current.revision);
        integration.live_depends_on = safety::live_depends_on(integration, required, &revision);
    }
    plan.notes = said;
    // The findings are about the files, and this plan is not made from them.
    plan.findings.clear();
    plan.released.clear();
    let gap = |planned: &Integration| {
        let required = compiled.into_iter().flat_map(Compiled::required);
        safety::live_with_gaps(planned, required, Some(&deployed))
    };
    plan.refusals = integrations.iter().filter_map(gap).collect();
    plan.integrations = integrations.into_iter().collect();
    plan.summary = plan.integrations.tally().summary.clone();
    super::safety::foretell(&mut plan, &opened.compilation.project, jiff::Timestamp::now())?;
    plan::file::seal(&mut plan);
    if let Some(path) = &args.out {
        super::plan::write(path, &mut plan)?;
    }
    match common.output {
        Form::Json => json::print_plan(&mut plan, "revert", exit::OK, &mut |text| streams.result(text)),
        _ => report::plan::text(&plan, &mut |text| streams.result(text)),
    }
    let next = match &args.out {
        Some(path) => {
            let next = super::plan::apply_with(common, path);
            report::clean(&format!("Plan saved to {}; {next}.\n", path.display()))
        }
        None => "Nothing was saved; with --out FILE this becomes a plan to apply.\n".to_owned(),
    };
    streams.say(&next);
    Ok(exit::OK)
}

/// What to do about an integration that is deployed and left the files; nothing of it is known without its pair.
fn in_no_file(common: &Common, args: &Revert, declared: &Declared, root: &Path) -> Option<Stop> {
    let name = &args.what;
    let (_, url) = project::store_of(declared, root, common.env.as_deref(), common.store.as_deref()).ok()?;
    let mut store = store::open_existing(&url).ok()??;
    let now = store::name_now(&store.renames().ok()?, name, "");
    if now != *name {
        return Some(
            Stop::usage(format!("{name} is called {now} now")).help(format!("`pairform revert {now} …`")),
        );
    }
    let heads = store.heads(Some(std::slice::from_ref(name))).ok()?;
    (!heads.is_empty()).then(|| {
        Stop::usage(format!("`{name}` is deployed and in no file, so it is not known what its settings may be"))
            .help(format!("read a revision that has its file: `pairform revert {name} --rev REVISION …`; or adopt what is deployed with `pairform pull {name} --pair PAIR`"))
    })
}

/// How many of the records, oldest first, had been made at the point to go back to, and that point in words. A way back that
/// was applied carries the commit of its day and none of its settings, so no commit is found by it.
fn point(
    common: &Common,
    args: &Revert,
    commit: Option<&str>,
    records: &[Record],
    reverts: &BTreeSet<&str>,
) -> Result<(usize, String), Stop> {
    let (found, to) = match (args.revision, &args.time, commit) {
        (Some(revision), _, _) => {
            let [category] = common.category.as_slice() else {
                return Err(Stop::usage("--revision is of one category: name it with --category"));
            };
            let is_it = |record: &Record| record.category == *category && record.past.revision == revision;
            (records.iter().rposition(is_it), format!("to revision {revision} of {category}"))
        }
        (None, Some(text), _) => {
            let time = text.parse::<Timestamp>().map_err(|_| {
                Stop::usage(format!("`{text}` is no time")).help("write it as 2026-11-23T14:00:00Z")
            })?;
            let is_it = |record: &Record| {
                record.past.saved_at.parse::<Timestamp>().is_ok_and(|saved_at| saved_at <= time)
            };
            (records.iter().rposition(is_it), format!("to what was deployed at {text}"))
        }
        (None, None, Some(commit)) => {
            let is_it = |record: &Record| {
                let went_back = record.past.run.as_deref().is_some_and(|run| reverts.contains(run));
                !went_back && record.past.commit.as_ref().is_some_and(|id| id.starts_with(commit))
            };
            (records.iter().rposition(is_it), format!("to what was deployed after commit {commit}"))
        }
        (None, None, None) => {
            return Err(Stop::usage("say where to go back to: --revision, --time or --commit")
                .help(format!("`pairform history {}` lists what there is", args.what)));
        }
    };
    let found = found.ok_or_else(|| {
        let nothing = match (args.revision, &args.time, &args.commit) {
            (Some(revision), _, _) => {
                format!("{} has no revision {revision} of {}", args.what, common.category.join(", "))
            }
            (_, Some(time), _) => format!("nothing of {} was saved by {time}", args.what),
            (_, _, commit) => format!(
                "nothing of {} was saved from commit {}",
                args.what,
                commit.as_deref().unwrap_or_default()
            ),
        };
        Stop::usage(nothing).help(format!("`pairform history {}` lists what there is", args.what))
    })?;
    Ok((found + 1, to))
}
