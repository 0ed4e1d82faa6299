//! `apply`: a saved plan exactly as it is; or plan, show, ask, apply.
#![expect(clippy::disallowed_methods, reason = "reads the plan file, the clock and who applies")]

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::args::{Apply, Common, Form};
use super::exit::{self, Stop};
use super::forms;
use super::holder;
use super::project;
use super::safety::{self, Forced};
use super::secrets::Secrets;
use super::settled::{self, Opened, Purpose};
use super::streams::Streams;
use super::vault::Vault;
use crate::apply::{self, ApplyError, Caller, Cause, Event, Report};
use crate::compile::project::{Live, Project as Declared};
use crate::plan::{self, Plan};
use crate::report;
use crate::report::content::Content;
use crate::schema::parts::Catalogue;
use crate::source::{git, load};
use crate::store::{self, Store};

/// Between two looks at a lock that somebody else has.
const LOCK_PAUSE_MS: u64 = 100;

/// Runs the command.
///
/// # Errors
/// When the plan cannot be read, is stale, has errors, is refused, or the store fails before anything was saved.
pub fn run(common: &Common, args: &Apply, streams: &mut Streams) -> Result<u8, Stop> {
    match &args.plan {
        Some(path) => apply_file(common, args, path, streams),
        None => apply_now(common, args, streams),
    }
}

fn apply_now(common: &Common, args: &Apply, streams: &mut Streams) -> Result<u8, Stop> {
    let Opened { project: opened, fleet, mut ground } = settled::open(common, Purpose::Apply)?;
    super::plan::say_if_broken(common, &opened, streams);
    let vault = Vault::default();
    let mut plan = super::planner::make_on(common, &opened, fleet, &mut ground, Some(&vault))?;
    drop(ground);
    plan::file::seal(&mut plan);
    if common.output == Form::Text {
        super::plan::show(&opened, &plan, streams);
    }
    if opened.has_errors() {
        return Err(Stop::new(exit::ERRORS, "the configuration has errors, so nothing was applied")
            .help("mend them, or leave the integrations that have them out with --exclude"));
    }
    let (environment, url) = opened.store(common)?;
    let project = &opened.compilation.project;
    let judge =
        |plan: &Plan| safety::judge(plan, project, environment.as_deref(), args, jiff::Timestamp::now());
    let mut forced = judge(&plan)?;
    say_if_idle(&forced, streams);
    let pending = plan.is_pending();
    if pending && !args.yes {
        confirm(common, &plan, project, streams)?;
        // The answer may have taken longer than the window was open.
        forced = judge(&plan)?;
    }
    // A store is made only when there is something to put into it.
    if !pending {
        return print(common, args, &mut plan, &Report::default(), None, streams);
    }
    let mut store = store::open(&url)?;
    let declared = &opened.compilation.project;
    let secrets = (opened.root.as_path(), declared, &vault);
    execute(common, args, &forced.kept, &mut plan, secrets, store.as_mut(), streams)
}

/// A reason was given for nothing, and is not kept.
fn say_if_idle(forced: &Forced, streams: &mut Streams) {
    for check in &forced.idle {
        streams.say(&report::clean(&format!(
            "warning: --force lifted nothing: `{check}` does not refuse this plan; nothing is kept of it\n"
        )));
    }
}

fn confirm(common: &Common, plan: &Plan, project: &Declared, streams: &mut Streams) -> Result<(), Stop> {
    if common.no_input || !streams.can_ask() {
        return Err(Stop::usage("there is nobody to ask whether to apply this")
            .help("apply with --yes, or save the plan with `pairform plan --out FILE` and apply that"));
    }
    let categories = &plan.summary.categories;
    let number = categories.create + categories.update + categories.reset;
    let renamed = plan.integrations.tally().renamed;
    let what = match (renamed, report::count(number, "category")) {
        (0, categories) => format!("Save {categories}"),
        (renamed, categories) => {
            format!("Rename {} and save {categories}", report::count(renamed, "integration"))
        }
    };
    // A word that nobody types by habit, where a shop is selling.
    let live = safety::live(plan);
    let word = match live.as_slice() {
        [only] if project.safety.live != Live::Allow => *only,
        [_, ..] if project.safety.live != Live::Allow => "live",
        _ => "yes",
    };
    let agreed = if word == "yes" {
        streams.ask(&format!("\n{what}? Only `yes` goes on: "))
    } else {
        let number = report::count(live.len(), "integration");
        streams.answer(&format!("\n{what}, {number} in live mode? Type `{word}` to go on: ")) == word
    };
    if agreed {
        return Ok(());
    }
    Err(Stop::new(exit::REFUSED, format!("not applied: only `{word}` goes on, and it was not typed")))
}

fn apply_file(common: &Common, args: &Apply, path: &Path, streams: &mut Streams) -> Result<u8, Stop> {
    let file = std::fs::File::open(path).map_err(|error| {
        Stop::usage(format!("cannot read the plan {}: {}", path.display(), load::reason(&error)))
    })?;
    let mut plan = plan::file::read(file)
        .map_err(|error| Stop::usage(format!("{} cannot be applied: {error}", path.display())))?;
    if plan.summary.errors > 0 {
        return Err(Stop::new(exit::ERRORS, "the plan has errors and cannot be applied")
            .help(format!("`pairform show {}` prints them; mend them and plan again", path.display())));
    }
    // A plan says what to save and the project says only where, so nothing is compiled again.
    let (root, sources) = project::read(common)?;
    let declared = Declared::read(&sources, &mut Vec::new());
    let asked = common.env.as_deref().or(plan.environment.as_deref());
    let (environment, url) = project::store_of(&declared, &root, asked, common.store.as_deref())?;
    if environment != plan.environment {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "no environment".to_owned());
        let (planned, asked) = (name(&plan.environment), name(&environment));
        return Err(Stop::new(exit::STALE, format!("the plan was made for {planned}, not for {asked}"))
            .help("make a plan for this environment"));
    }
    // Nothing else tells which store such a plan is for.
    let place = project::store_to_be(&declared, &root, environment.as_deref(), common.store.as_deref());
    if plan.store.is_none() && plan.planned_store.as_ref().is_some_and(|planned| *planned != place) {
        let why = "the plan was made before there was a store, and for one in another place than this";
        return Err(Stop::new(exit::STALE, why)
            .help("name the store as it was named for the plan; or apply without a plan file, which makes the store"));
    }
    let forced = safety::judge(&plan, &declared, environment.as_deref(), args, jiff::Timestamp::now())?;
    say_if_idle(&forced, streams);
    if plan.commit.as_ref().is_some_and(|commit| commit.dirty) {
        streams.say("warning: the plan was made from a tree with uncommitted changes\n");
    }
    // Looked at before one is made: it may be the wrong one.
    let found = store::open_existing(&url)?.map(|store| store.identity().to_owned());
    if plan.store.is_some() && found != plan.store {
        return Err(begin_failed(ApplyError::OtherStore));
    }
    let mut store = store::open(&url)?;
    let secrets = (root.as_path(), &declared, &Vault::default());
    execute(common, args, &forced.kept, &mut plan, secrets, store.as_mut(), streams)
}

fn execute(
    common: &Common,
    args: &Apply,
    forced: &[String],
    plan: &mut Plan,
    (root, declared, vault): (&Path, &Declared, &Vault),
    store: &mut dyn Store,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let key = store.fingerprint_key().to_vec();
    let secrets = Secrets::new(root, &key).running(&declared.secrets.exec).asking(vault);
    let interrupts = Interrupts::watch();
    let saved_by = who(root);
    let holder = holder::this_process();
    let patience = std::cell::Cell::new(args.lock_timeout.saturating_mul(1000) / LOCK_PAUSE_MS);
    let caller = Caller {
        saved_by: &saved_by,
        now: &now,
        fingerprint: &|reference| secrets.fingerprint(reference),
        stopped: &|| interrupts.code().is_some(),
        holder: &holder,
        is_dead: &holder::is_dead,
        wait: &|| {
            let left = patience.get();
            patience.set(left.saturating_sub(1));
            if left > 0 {
                std::thread::sleep(std::time::Duration::from_millis(LOCK_PAUSE_MS));
            }
            left > 0
        },
        forced,
    };
    let bar = progress_bar();
    let report = apply::apply(plan, store, &caller, &mut |event| match event {
        Event::Begin { categories } => bar.set_length(categories as u64),
        Event::Saving { integration, category, categories } => {
            let first = format!("`{category}` of {integration}");
            interrupts.saving(Some(match categories - 1 {
                0 => first,
                more => format!("{first}, saved together with {},", report::count(more, "more category")),
            }));
            bar.set_message(format!("{integration} {category}"));
        }
        Event::Done { categories } => {
            interrupts.saving(None);
            bar.inc(categories as u64);
        }
    });
    bar.finish_and_clear();
    let report = report.map_err(begin_failed)?;
    let interrupt = interrupts.code().filter(|_| report.interrupted);
    print(common, args, plan, &report, interrupt, streams)
}

fn begin_failed(error: ApplyError) -> Stop {
    let code = match error {
        ApplyError::Store(error) => return Stop::from(error),
        ApplyError::Applied { .. } | ApplyError::OtherStore | ApplyError::NotEmpty | ApplyError::Stale(_) => {
            exit::STALE
        }
    };
    let stop = Stop::new(code, error.to_string());
    match error {
        ApplyError::Stale(_) => stop.help("make the plan anew and look at what changed; nothing was saved"),
        _ => stop,
    }
}

fn print(
    common: &Common,
    args: &Apply,
    plan: &mut Plan,
    report: &Report,
    interrupt: Option<u8>,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let code = interrupt.unwrap_or_else(|| exit_code(report));
    match common.output {
        Form::Json => report::apply::print_json(plan, report, code, &mut |text| streams.result(text)),
        Form::Text => report::apply::text(report, args.plan.is_some(), &mut |text| streams.result(text)),
        _ => {
            let catalogue = Catalogue::default();
            let content = Content {
                command: "apply",
                findings: &plan.findings,
                integrations: plan.summary.integrations,
                plan: Some(plan),
                outcome: Some(report),
                catalogue: &catalogue,
                folder: "",
            };
            forms::print(common, &content, streams)?;
        }
    }
    Ok(code)
}

fn exit_code(report: &Report) -> u8 {
    if report.complete() {
        return exit::OK;
    }
    if report.wrote() {
        return exit::PARTLY;
    }
    let codes = report.causes().map(|cause| match cause {
        Cause::Stale => exit::STALE,
        Cause::Secret | Cause::Denied => exit::NOT_ALLOWED,
        Cause::Store | Cause::InDoubt | Cause::SecretUnreachable => exit::UNREACHABLE,
        Cause::Locked => exit::LOCKED,
    });
    codes.min().unwrap_or(exit::PARTLY)
}

/// The signals that ask to stop. The first lets the save in flight finish and stops before the next; a second one ends at
/// once and says what it leaves in doubt, which is safe too, as a save is atomic.
pub(super) struct Interrupts {
    /// The exit code of the signal that came last; 0 before any.
    code: Arc<AtomicU8>,
    /// What is being saved, in words.
    flight: Arc<Mutex<Option<String>>>,
}

impl Interrupts {
    pub(super) fn watch() -> Self {
        let interrupts = Interrupts { code: Arc::default(), flight: Arc::default() };
        // Where no handler can be set, the system's own behaviour remains.
        if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
            let (code, flight) = (Arc::clone(&interrupts.code), Arc::clone(&interrupts.flight));
            std::thread::spawn(move || {
                for signal in signals.forever() {
                    let asked = if signal == SIGTERM { exit::TERMINATED } else { exit::INTERRUPTED };
                    let second = code.swap(asked, Ordering::SeqCst) != 0;
                    let saving = flight.lock().map(|saving| saving.clone()).unwrap_or_default();
                    let said = match (second, saving) {
                        (false, Some(_)) => {
                            "stopping after the save in flight; once more stops at once\n".to_owned()
                        }
                        (false, None) => "stopping; once more stops at once\n".to_owned(),
                        (true, Some(what)) => format!(
                            "stopped at once: it is not known whether {what} was saved; apply again, which finds out\n"
                        ),
                        (true, None) => "stopped at once; nothing was being saved\n".to_owned(),
                    };
                    // Nobody may be there to read it.
                    let _ = std::io::stderr().write_all(report::clean(&said).as_bytes());
                    if second {
                        signal_hook::low_level::exit(i32::from(asked));
                    }
                }
            });
        }
        interrupts
    }

    /// Notes what is being saved from now on.
    fn saving(&self, what: Option<String>) {
        if let Ok(mut flight) = self.flight.lock() {
            *flight = what;
        }
    }

    /// The exit code of the signal that came.
    pub(super) fn code(&self) -> Option<u8> {
        Some(self.code.load(Ordering::SeqCst)).filter(|code| *code != 0)
    }
}

/// RFC 3339, UTC.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Who is saving: `PAIRFORM_ACTOR`, else git's user, else the system's.
pub(super) fn who(root: &Path) -> String {
    let named = |variable: &str| std::env::var(variable).ok().filter(|name| !name.trim().is_empty());
    named("PAIRFORM_ACTOR")
        .or_else(|| git::user(root))
        .or_else(|| named("USER"))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// Drawn on stderr, where that is a terminal.
pub(super) fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
