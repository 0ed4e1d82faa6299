//! One run of the program: the folder it works in, what was asked for, and the host that operations are given. The clock, the
//! environment and the signals of the process are read here.
#![expect(clippy::disallowed_methods, reason = "the door through which the process is seen")]

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{Common, Form};
use super::exit::{self, Stop};
use super::interrupts::Interrupts;
use super::streams::Streams;
use super::trust::{self, Gathered};
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::{clean, count};
use crate::ops::approved::learn_approved;
use crate::ops::section::Pipeline;
use crate::ops::{self, Filter, Host, Progress, Request, Whose, Workspace};
use crate::source::git;
use crate::source::load::find_root;
use crate::store::Address;
use crate::trust::{Line, Need, Signatures};
use crate::{apply, options, report, secrets};

/// From so many integrations on, somebody who waits at a terminal is shown how far it is.
const MANY: usize = 2_000;

/// What a command is run in.
pub struct Session {
    pub common: Common,
    /// The folder that the program works in: its own, or the one that `-C` names.
    pub here: PathBuf,
    /// Where the archive lies that the catalogue is read from, where it is not what is built in.
    pub catalogue: Option<PathBuf>,
    /// Whose signatures of plans count.
    pub signatures: Signatures,
    /// Pipelines that may ask a server.
    pub pipelines: Vec<Pipeline>,
    begun: Instant,
    secrets: secrets::Local,
    cancel: Arc<AtomicBool>,
    display: Display,
    gathered: Gathered,
}

/// How far the work is, drawn on stderr where that is a terminal; and what is in flight, for whoever interrupts.
#[derive(Default)]
struct Display {
    bar: Mutex<Option<ProgressBar>>,
    interrupts: Mutex<Option<Interrupts>>,
}

impl Session {
    /// # Errors
    /// When the folder that `-C` names cannot be worked in.
    pub fn new(common: Common, judges_policy: bool) -> Result<Self, Stop> {
        let here = folder(&common);
        if let Some(named) = &common.directory {
            let refused = |error| Stop::usage(format!("cannot work in {}: {error}", named.display()));
            std::fs::read_dir(&here).map_err(refused)?;
        }
        let gathered = match trust::gather(&common, &here) {
            // What is wrong in a policy is what such a command tells.
            Err(_) if judges_policy => Gathered::default(),
            gathered => gathered?,
        };
        let policy = gathered.policy.as_ref().map(|(_, policy)| policy.signatures.clone());
        let signatures = policy.unwrap_or_default();
        let pipelines =
            gathered.policy.as_ref().map(|(_, policy)| policy.pipelines.clone()).unwrap_or_default();
        Ok(Session {
            gathered,
            common,
            here,
            catalogue: None,
            signatures,
            pipelines,
            begun: Instant::now(),
            secrets: secrets::Local::default(),
            cancel: Arc::default(),
            display: Display::default(),
        })
    }

    /// A path of the command line.
    #[must_use]
    pub fn path(&self, given: &Path) -> PathBuf {
        self.here.join(given)
    }

    /// What the flags ask for.
    #[must_use]
    pub fn request(&self) -> Request {
        let Common { env, store, integration, pair, category, exclude, rev, changed_since, .. } =
            self.common.clone();
        Request {
            environment: env,
            store,
            revision: rev,
            changed_since,
            filter: Filter { integrations: integration, pairs: pair, categories: category, exclude },
            ..Request::default()
        }
    }

    /// The project that was asked for.
    ///
    /// # Errors
    /// When there is none here, or no such revision.
    pub fn workspace(&self) -> Result<Workspace, Stop> {
        Ok(self.vouched(Workspace::find(&self.here, &self.request())?))
    }

    /// The project that was asked for; none where there is none here, which some commands can do without.
    ///
    /// # Errors
    /// When there is one that cannot be opened.
    pub fn workspace_if_any(&self) -> Result<Option<Workspace>, Stop> {
        let is_asked = self.common.rev.is_some() || find_root(&self.here).is_some();
        is_asked.then(|| self.workspace()).transpose()
    }

    /// The environment, its store, and the project if there is one here; else a store has to be named.
    ///
    /// # Errors
    /// When there is neither.
    pub fn place(&self) -> Result<(Option<String>, Address, Option<PathBuf>), Stop> {
        let request = self.request();
        let Some(root) = find_root(&self.here) else {
            let url = request.store.ok_or_else(|| {
                Stop::usage("there is no pairform.yaml here or in a folder above, and no store was named")
                    .help("name the store: --store URL")
            })?;
            return Ok((request.environment, Address::from(url.as_str()), None));
        };
        let workspace = Workspace::open(&self.here)?;
        let (environment, address) = self.host(|host| workspace.store(&request, host))?;
        Ok((environment, address, Some(root)))
    }

    /// As it is, or in an untrusted run without what nobody vouches for.
    fn vouched(&self, workspace: Workspace) -> Workspace {
        if self.is_untrusted() { workspace.untrusted() } else { workspace }
    }

    /// What is allowed, and the policy that says so.
    #[must_use]
    pub fn gathered(&self) -> &Gathered {
        &self.gathered
    }

    /// Whether the run uses nothing but the files, and these for what they are.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        self.gathered.trust.is_untrusted
    }

    /// As [`Session::workspace`], compared with a base where one is named; what is not used of it is said.
    ///
    /// # Errors
    /// As [`Session::workspace`], and where the base cannot be read.
    pub fn compared(&self, base: Option<&str>, streams: &mut Streams) -> Result<Workspace, Stop> {
        let workspace = match &self.request().revision {
            Some(revision) => Workspace::at(&self.here, revision)?,
            None => Workspace::open_with_commit(&self.here)?,
        };
        let workspace = match base {
            Some(base) => workspace.compared_with(base)?,
            None => workspace,
        };
        let workspace = self.vouched(workspace);
        say_unvouched(&workspace, streams);
        Ok(workspace)
    }

    /// As [`Session::workspace`], while git looks for the commit under a working tree.
    ///
    /// # Errors
    /// As [`Session::workspace`].
    pub fn workspace_with_commit(&self) -> Result<Workspace, Stop> {
        let request = self.request();
        Ok(self.vouched(match &request.revision {
            Some(revision) => Workspace::at(&self.here, revision)?,
            None => Workspace::open_with_commit(&self.here)?,
        }))
    }

    /// The project in the working tree, whatever revision was asked for.
    ///
    /// # Errors
    /// When there is none here.
    pub fn tree(&self) -> Result<Workspace, Stop> {
        Ok(self.vouched(Workspace::open(&self.here)?))
    }

    /// What every command owes that compiled a project for another end than to judge it: the errors of its files are told beside
    /// the result, and the exit code is that of errors where it would say that all is well.
    pub fn judged(&self, errors: &[PlacedFinding], code: u8, streams: &mut Streams) -> u8 {
        if errors.is_empty() {
            return code;
        }
        if self.common.output == Form::Text {
            streams.say(&report::findings::without_lines(errors.iter()));
        }
        if matches!(code, exit::OK | exit::PENDING) { exit::ERRORS } else { code }
    }

    /// From now on the first signal to stop lets what is being saved finish.
    pub fn watch_interrupts(&self) {
        let watching = Interrupts::watch(Arc::clone(&self.cancel));
        *self.display.interrupts.lock().unwrap_or_else(PoisonError::into_inner) = Some(watching);
    }

    /// True once somebody asked to stop.
    #[must_use]
    pub fn cancelled(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }

    /// The exit code of the signal that came.
    #[must_use]
    pub fn interrupt(&self) -> Option<u8> {
        self.display.interrupts.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.code()
    }

    /// Whether an approved branch names something. A branch that cannot be read is told once.
    fn is_approved(&self, need: &Need, whose: Whose<'_>) -> bool {
        let unread = self.host(|host| learn_approved(whose, host));
        let mut streams = Streams::new(self.common.color);
        unread.iter().for_each(|why| streams.say(&format!("warning: {}\n", clean(why))));
        self.gathered.trust.judge(need).is_ok()
    }

    /// Asks whether something that no line allows may be from now on; no where there is nobody to ask.
    fn ask(&self, need: &Need) -> bool {
        let mut streams = Streams::new(self.common.color);
        if self.common.no_input || !streams.can_ask() {
            return false;
        }
        let line = Line::only(need);
        let (asked, shown) = (clean(&need.to_string()), clean(&line.to_string()));
        let agreed = streams.ask(&format!(
            "{asked} is not allowed yet.\nAllow it from now on (`{shown}`)? Type `yes` to go on: "
        ));
        if agreed && let Err(error) = trust::keep_answer(&line, &self.here) {
            streams
                .say(&format!("warning: the answer could not be kept, and counts for this run: {error}\n"));
        }
        agreed
    }

    /// Runs an operation with this process as its host.
    pub fn host<T>(&self, operation: impl FnOnce(&Host<'_>) -> T) -> T {
        let (silence, own_triggers) = (self.common.store_timeout, self.common.own_triggers);
        operation(&Host {
            now: &|| moment(std::time::SystemTime::now()),
            elapsed: &|| self.begun.elapsed(),
            sleep: &|time: Duration| std::thread::sleep(time),
            actor: &actor,
            holder: &ops::holder::this_process,
            open_store: &move |address: &Address, access| {
                let address = Address { silence, own_triggers, ..address.clone() };
                ops::open_store(&address, access)
            },
            secrets: &self.secrets,
            trust: &self.gathered.trust,
            ask: &|need, whose| self.is_approved(need, whose) || self.ask(need),
            progress: &|event| self.display.show(&event),
            cancel: &self.cancel,
        })
    }
}

/// The folder to work in: the program's own, or the one that `-C` names, whether it can be worked in or not.
#[must_use]
pub fn folder(common: &Common) -> PathBuf {
    let own = std::env::current_dir().unwrap_or_default();
    common.directory.as_ref().map_or(own.clone(), |folder| own.join(folder))
}

/// Names the parts that an untrusted run does not use.
pub fn say_unvouched(workspace: &Workspace, streams: &mut Streams) {
    let used = workspace
        .base()
        .map_or("the built-in part is".to_owned(), |base| format!("what {} has is", base.name()));
    for path in workspace.unvouched() {
        streams.say(&clean(&format!("note: {path} is not used in an untrusted run; {used}")));
        streams.say("\n");
    }
}

/// Who acts where nothing says it.
pub const UNKNOWN: &str = "unknown";

/// Who acts: `PAIRFORM_ACTOR`, else git's user, else the system's.
fn actor(root: &Path) -> String {
    let named = |variable: &str| std::env::var(variable).ok().filter(|name| !name.trim().is_empty());
    named("PAIRFORM_ACTOR")
        .or_else(|| git::user(root))
        .or_else(|| named("USER"))
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

impl Display {
    fn show(&self, event: &Progress<'_>) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Progress::Compiling(number) => *bar = of_many(*number, "integrations"),
            Progress::Planning(number) => *bar = of_many(*number, "integrations planned"),
            Progress::Advanced(number) => bar.iter().for_each(|bar| bar.inc(*number as u64)),
            Progress::Finished => bar.take().iter().for_each(ProgressBar::finish_and_clear),
            Progress::Apply(event) => self.show_apply(&mut bar, event),
            Progress::Fetching(accounts) => {
                let made = new_bar();
                made.set_length(accounts.iter().map(|account| account.sets.len() as u64).sum());
                *bar = Some(made);
            }
            Progress::Fetch(options::fetch::Event::Begin { account, set }) => {
                let (title, name) = (&account.descriptor.title, &account.name);
                let said = clean(&format!("{title} {name} {}", set.replace('_', " ")));
                bar.iter().for_each(|bar| bar.set_message(said.clone()));
            }
            Progress::Fetch(options::fetch::Event::End { .. }) => bar.iter().for_each(|bar| bar.inc(1)),
        }
    }

    fn show_apply(&self, bar: &mut Option<ProgressBar>, event: &apply::Event<'_>) {
        let saving = |what: Option<String>| {
            let interrupts = self.interrupts.lock().unwrap_or_else(PoisonError::into_inner);
            interrupts.iter().for_each(|interrupts| interrupts.saving(what.clone()));
        };
        match event {
            apply::Event::Begin { categories } => {
                let made = new_bar();
                made.set_length(*categories as u64);
                *bar = Some(made);
            }
            apply::Event::Saving { integration, category, categories } => {
                let first = format!("`{category}` of {integration}");
                saving(Some(match categories - 1 {
                    0 => first,
                    more => format!("{first}, saved together with {},", count(more, "more category")),
                }));
                bar.iter().for_each(|bar| bar.set_message(format!("{integration} {category}")));
            }
            apply::Event::Done { categories } => {
                saving(None);
                bar.iter().for_each(|bar| bar.inc(*categories as u64));
            }
        }
    }
}

/// None where they are few.
fn of_many(integrations: usize, said: &'static str) -> Option<ProgressBar> {
    (integrations >= MANY).then(|| {
        let bar = new_bar();
        bar.set_length(integrations as u64);
        bar.set_message(said);
        bar
    })
}

/// Drawn on stderr, where that is a terminal.
fn new_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

/// The clock's time, within what can be written as a date: one that is set to nowhere stops no command.
fn moment(time: std::time::SystemTime) -> jiff::Timestamp {
    use jiff::Timestamp;
    let after = time > std::time::UNIX_EPOCH;
    Timestamp::try_from(time).unwrap_or(if after { Timestamp::MAX } else { Timestamp::MIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_of_the_clock_stops_a_command() {
        let of = |seconds: u64| moment(std::time::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(of(1_796_000_000).as_second(), 1_796_000_000);
        for seconds in [253_402_207_200, 253_402_214_400, 253_402_300_799, 253_402_300_800, 1 << 50] {
            assert!(of(seconds) <= jiff::Timestamp::MAX, "{seconds}");
        }
        assert_eq!(of(253_402_300_799), jiff::Timestamp::MAX);
    }
}
