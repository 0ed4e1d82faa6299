//! What all requests share: stores that are open, what judges, and the bound on how much is done at once. Work runs on blocking
//! threads, with a store, a host and the ground of that moment.
#![expect(clippy::disallowed_methods, reason = "measures how old something is")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};

use super::answers::Answers;
use super::attempts::Attempts;
use super::counted::Counted;
use super::metrics::Metrics;
use super::oidc::Pipelines;
use super::problem::Problem;
use super::sessions::Sessions;
use super::unmoved::Unmoved;
use crate::ops::section::{self, Access, Clearing, Ground};
use crate::ops::serving::{Hosts, Serving};
use crate::ops::{Host, Workspace, workspace};
use crate::store::Store;

/// Pieces of work that run at once, each with a connection of its own to the store.
const AT_ONCE: usize = 16;
/// Integrations whose dropdown values this server fetches at once; more wait.
const FETCHES: usize = 4;
/// Between two times that a forge is asked about an integration.
const ASK_FORGE: Duration = Duration::from_secs(20);
/// So long what judges is taken as it was found.
const FRESH: Duration = Duration::from_secs(1);

/// What all requests share.
pub struct App {
    pub serving: Serving,
    pub metrics: Metrics,
    pub attempts: Attempts,
    pub sessions: Sessions,
    pub unmoved: Unmoved,
    /// What platforms answered when somebody had their connections tried.
    pub tried: Answers,
    pub pipelines: Pipelines,
    /// The number of the last save that this server knows of.
    pub last: watch::Sender<u64>,
    /// True once the server is to stop.
    pub stopping: watch::Sender<bool>,
    /// Whoever works on a plan that was handed in: it takes all processors and much room, and one that is asked for again waits for
    /// its end.
    pub turn: Semaphore,
    hosts: Hosts,
    stores: Mutex<Vec<Box<dyn Store>>>,
    room: Arc<Semaphore>,
    fetching: Arc<Semaphore>,
    /// By integration, when a forge was asked about it.
    asked_forge: Mutex<HashMap<String, Instant>>,
    ground: Mutex<Option<Found>>,
}

/// What judges, what it was made from, and when that was last looked at.
struct Found {
    ground: Arc<Ground>,
    made_from: String,
    looked_at: Instant,
}

/// What a piece of work is done with.
pub struct Work<'a> {
    pub store: &'a mut (dyn Store + 'static),
    pub ground: Arc<Ground>,
    pub host: &'a Host<'a>,
}

impl Work<'_> {
    /// Refuses what somebody who is known may not, and keeps that it was asked for.
    pub fn forbid(&mut self, what: &str, why: String, access: &Access) -> Problem {
        section::keep_forbidden(&why, what, access, self.store, self.host);
        Problem::forbidden(why)
    }
}

impl App {
    #[must_use]
    pub fn new(serving: Serving, hosts: Hosts) -> Self {
        let counted = serving.rounds.clone().map(Counted::new);
        App {
            metrics: Metrics::new(counted),
            sessions: Sessions::new(serving.is_read_only),
            pipelines: Pipelines::new(serving.pipelines.clone()),
            serving,
            unmoved: Unmoved::default(),
            tried: Answers::default(),
            attempts: Attempts::default(),
            last: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
            turn: Semaphore::new(1),
            hosts,
            stores: Mutex::default(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
            fetching: Arc::new(Semaphore::new(FETCHES)),
            asked_forge: Mutex::default(),
            ground: Mutex::default(),
        }
    }

    /// Does something with the store, on a thread that may wait.
    ///
    /// # Errors
    /// What the work gives; or the store cannot be opened.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { return Err(stopped()) };
        let app = Arc::clone(self);
        // Whoever asked may have gone; the room is taken until the work is done.
        let done = tokio::task::spawn_blocking(move || {
            let done = app.work(work);
            drop(room);
            done
        });
        let done = done.await;
        done.unwrap_or_else(|_| {
            let why = "this is a fault of pairform; nothing that was saved is lost";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", why))
        })
    }

    /// Fetches dropdown values, in the background.
    pub fn fetch(self: &Arc<Self>, clearing: Clearing) {
        let app = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(room) = Arc::clone(&app.fetching).acquire_owned().await else { return };
            let done = tokio::task::spawn_blocking(move || {
                let done = app.work(|work| {
                    section::fetch(&clearing, &work.ground, work.store, work.host);
                    Ok(())
                });
                drop(room);
                done
            });
            // What became of it stands in the store; where that is lost, its time is over soon.
            let _ = done.await;
        });
    }

    /// Asks the forge what became of what was proposed for an integration, in the background and once in a while.
    pub fn ask_forge(self: &Arc<Self>, id: &str) {
        let proposing = &self.serving.proposing;
        if proposing.api.is_none() || self.serving.is_read_only {
            return;
        }
        let mut asked = self.asked_forge.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, at| at.elapsed() < ASK_FORGE);
        if asked.contains_key(id) {
            return;
        }
        asked.insert(id.to_owned(), Instant::now());
        drop(asked);
        let (app, id) = (Arc::clone(self), id.to_owned());
        tokio::spawn(async move {
            let Ok(room) = Arc::clone(&app.fetching).acquire_owned().await else { return };
            let done = tokio::task::spawn_blocking(move || {
                let done = app
                    .work(|work| Ok(section::ask_forge(&id, &app.serving.proposing, work.store, work.host)?));
                drop(room);
                done
            });
            // A forge or a store that does not answer is asked another time.
            let _ = done.await;
        });
    }

    /// By what things are done as whoever runs the server does them.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The time, as whoever runs the server has it.
    pub fn now(&self) -> Timestamp {
        let mut now = Timestamp::UNIX_EPOCH;
        (self.hosts)(&mut |host| now = (host.now)());
        now
    }

    /// Whether this is what judges, as far as that was looked at a moment ago.
    pub fn judges(&self, ground: &Weak<Ground>) -> bool {
        // Whoever looks at it anew takes his time.
        let Ok(found) = self.ground.try_lock() else { return false };
        let is_it = |found: &Found| std::ptr::eq(Arc::as_ptr(&found.ground), ground.as_ptr());
        found.as_ref().is_some_and(|found| found.looked_at.elapsed() < FRESH && is_it(found))
    }

    fn work<T>(&self, work: impl FnOnce(&mut Work<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let (mut work, mut done) = (Some(work), None);
        (self.hosts)(&mut |host| {
            if let Some(work) = work.take() {
                done = Some(self.with_store(host, work));
            }
        });
        done.unwrap_or_else(|| Err(stopped()))
    }

    fn with_store<T>(
        &self,
        host: &Host<'_>,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let kept = self.stores.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut store = match kept {
            Some(store) => store,
            None if self.serving.is_read_only => host.store(&self.serving.store)?.ok_or_else(|| {
                let why = "there is no store yet, and a server that only shows makes none";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unreachable", why)
            })?,
            None => host.make_store(&self.serving.store)?,
        };
        let ground = self.ground(store.as_mut(), host)?;
        let done = work(&mut Work { store: store.as_mut(), ground, host });
        // What this request foresaw is nothing of the next one's.
        store.foresee(&[]);
        // A connection that broke is not used again.
        let is_usable = !matches!(&done, Err(problem) if problem.code() == "unreachable");
        if is_usable {
            self.stores.lock().unwrap_or_else(PoisonError::into_inner).push(store);
        }
        done
    }

    /// What judges now.
    fn ground(&self, store: &mut dyn Store, host: &Host<'_>) -> Result<Arc<Ground>, Problem> {
        let mut found = self.ground.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = found.as_ref().filter(|found| found.looked_at.elapsed() < FRESH) {
            return Ok(Arc::clone(&found.ground));
        }
        let made_from = self.made_from(store, host)?;
        if let Some(found) = found.as_mut().filter(|found| found.made_from == made_from) {
            found.looked_at = Instant::now();
            return Ok(Arc::clone(&found.ground));
        }
        let environment = self.serving.environment.clone();
        let ground = Arc::new(match &self.serving.project {
            Some(project) => {
                // What is not committed is not git's, where there is git.
                let workspace = match self.revision(project, store)? {
                    Some((revision, _)) => Workspace::at(project, &revision)?,
                    None => Workspace::open(project)?,
                };
                Ground::of_repository(workspace, store, environment)?
            }
            None => Ground::of_store(store, environment)?,
        });
        *found = Some(Found { ground: Arc::clone(&ground), made_from, looked_at: Instant::now() });
        Ok(ground)
    }

    /// The revision that says what git says, and its commit: the one that the reconciler of this server keeps the store at, which nobody
    /// checks out; else the one that is checked out. None outside a repository.
    fn revision(&self, project: &Path, store: &mut dyn Store) -> Result<Option<(String, String)>, Problem> {
        if self.serving.rounds.is_some() {
            let key = self.serving.environment.as_deref().unwrap_or_default();
            let commit = store.reconciled(key)?.map(|last| last.commit);
            if let Some(commit) = commit.filter(|commit| workspace::history(project, commit).is_ok()) {
                return Ok(Some((commit.clone(), commit)));
            }
        }
        let head = workspace::history(project, "HEAD").ok();
        Ok(head.map(|(_, head)| ("HEAD".to_owned(), head.commit.id)))
    }

    /// What tells that what judges is no longer what it was; and on another day the same is judged otherwise.
    fn made_from(&self, store: &mut dyn Store, host: &Host<'_>) -> Result<String, Problem> {
        let of = match &self.serving.project {
            Some(project) => match self.revision(project, store)? {
                Some((_, commit)) => commit,
                // Outside a repository the files count as they are.
                None => host.stamp(),
            },
            None => store.sources()?.into_iter().map(|(path, digest)| format!("{path} {digest}\n")).collect(),
        };
        Ok(format!("{} {} {of}", host.today(), store.lists_mark()?))
    }

    /// Tells those who wait for saves that something may have been saved; where nobody does, the store is not asked for its number.
    pub fn tell_saved(&self, store: &mut dyn Store) {
        if self.last.receiver_count() > 0
            && let Ok(number) = store.last_number()
        {
            self.saved(number);
        }
    }

    /// Tells those who wait for saves.
    pub fn saved(&self, number: u64) {
        self.last.send_if_modified(|last| {
            let is_news = number > *last;
            *last = number.max(*last);
            is_news
        });
    }
}

fn stopped() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the server is stopping")
}
