//! One run of the program: the folder it works in, what was asked for, and the host that operations are given. The clock, the
//! environment and the signals of the process are read here.
#![expect(clippy::disallowed_methods, reason = "the door through which the process is seen")]

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Common;
use super::exit::Stop;
use super::interrupts::Interrupts;
use crate::diagnostic::{clean, count};
use crate::ops::{self, Filter, Host, Progress, Request, Workspace};
use crate::source::git;
use crate::trust::Signatures;
use crate::{apply, options, secrets};

/// From so many integrations on, somebody who waits at a terminal is shown how far it is.
const MANY: usize = 2_000;

/// What a command is run in.
pub struct Session {
    pub common: Common,
    /// The folder that the program works in: its own, or the one that `-C` names.
    pub here: PathBuf,
    /// Whose signatures of plans count.
    pub signatures: Signatures,
    begun: Instant,
    secrets: secrets::Local,
    cancel: Arc<AtomicBool>,
    display: Display,
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
    pub fn new(common: Common) -> Result<Self, Stop> {
        let own = std::env::current_dir().unwrap_or_default();
        let here = match &common.directory {
            Some(folder) => {
                let here = own.join(folder);
                let refused = |error| Stop::usage(format!("cannot work in {}: {error}", folder.display()));
                std::fs::read_dir(&here).map_err(refused)?;
                here
            }
            None => own,
        };
        Ok(Session {
            common,
            here,
            signatures: Signatures::default(),
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
        Ok(Workspace::find(&self.here, &self.request())?)
    }

    /// As [`Session::workspace`], while git looks for the commit under a working tree.
    ///
    /// # Errors
    /// As [`Session::workspace`].
    pub fn workspace_with_commit(&self) -> Result<Workspace, Stop> {
        let request = self.request();
        Ok(match &request.revision {
            Some(revision) => Workspace::at(&self.here, revision)?,
            None => Workspace::open_with_commit(&self.here)?,
        })
    }

    /// The project in the working tree, whatever revision was asked for.
    ///
    /// # Errors
    /// When there is none here.
    pub fn tree(&self) -> Result<Workspace, Stop> {
        Ok(Workspace::open(&self.here)?)
    }

    /// From now on the first signal to stop lets what is being saved finish.
    pub fn watch_interrupts(&self) {
        let watching = Interrupts::watch(Arc::clone(&self.cancel));
        *self.display.interrupts.lock().unwrap_or_else(PoisonError::into_inner) = Some(watching);
    }

    /// The exit code of the signal that came.
    #[must_use]
    pub fn interrupt(&self) -> Option<u8> {
        self.display.interrupts.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.code()
    }

    /// Runs an operation with this process as its host.
    pub fn host<T>(&self, operation: impl FnOnce(&Host<'_>) -> T) -> T {
        operation(&Host {
            now: &jiff::Timestamp::now,
            elapsed: &|| self.begun.elapsed(),
            sleep: &|time: Duration| std::thread::sleep(time),
            actor: &actor,
            holder: &ops::holder::this_process,
            open_store: &ops::open_store,
            secrets: &self.secrets,
            progress: &|event| self.display.show(&event),
            cancel: &self.cancel,
        })
    }
}

/// Who acts: `PAIRFORM_ACTOR`, else git's user, else the system's.
fn actor(root: &Path) -> String {
    let named = |variable: &str| std::env::var(variable).ok().filter(|name| !name.trim().is_empty());
    named("PAIRFORM_ACTOR")
        .or_else(|| git::user(root))
        .or_else(|| named("USER"))
        .unwrap_or_else(|| "unknown".to_owned())
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
            Progress::Fetching(number) => {
                let made = new_bar();
                made.set_length(*number as u64);
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
