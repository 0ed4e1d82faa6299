//! `reconcile`: rounds of the reconciler, once or until it is interrupted; where it stands; accepting a commit; the steps of a rollout.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::args::{Form, Reconcile as Args, ReconcileCommand, RoundArgs};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use super::telling::Targets;
use crate::apply::{Cause, Outcome};
use crate::diagnostic::clean;
use crate::ops::approved::learn_approved;
use crate::ops::check::Consent;
use crate::ops::host::Whose;
use crate::ops::reconcile::{
    Asked, Done, Held, LEASE, Rounds, Step, Telling, accept, fetch, lease, let_go, push, round, status, tell,
    with_lease,
};
use crate::ops::serving::{Server, Showing};
use crate::ops::{self, Error, ErrorKind, Host, Request, Workspace};
use crate::plan::FORMAT_VERSION;
use crate::plan::policy::reconcile::Rules;
use crate::report::{self, json as machine};
use crate::source::git::{History, RemoteBranch};
use crate::store::{Address, Lock};
use crate::trust::Need;

/// Whoever waits for the lease looks as often.
const WAITING: Duration = Duration::from_secs(2);

/// Between two looks whether somebody asked to stop.
const LOOK: Duration = Duration::from_millis(200);

/// A single round is made anew where somebody saved in the middle of it, so often.
const ANEW: usize = 3;

/// Runs the command.
///
/// # Errors
/// When a single round cannot be made, or the loop cannot be begun.
pub fn run(
    mut session: Session,
    args: &Args,
    server: Option<Server>,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    // Nobody is asked for what a branch brings.
    session.common.no_input = true;
    match &args.command {
        Some(ReconcileCommand::Status) => show(&session, streams),
        Some(ReconcileCommand::Accept { commit, reason }) => accept_commit(&session, commit, reason, streams),
        Some(ReconcileCommand::Next { reason }) => take_step(&session, Step::Next, reason, streams),
        Some(ReconcileCommand::Restart { reason }) => take_step(&session, Step::Restart, reason, streams),
        None => work(&session, args, server, streams),
    }
}

fn show(session: &Session, streams: &mut Streams) -> Result<u8, Stop> {
    let (environment, address, _) = session.place()?;
    let status = session.host(|host| status(&address, environment.as_deref(), host))?;
    match session.common.output {
        Form::Json => streams.result(&machine::print(&report::reconcile::status_json(&status))),
        Form::Html => {
            let page = report::reconcile::status_html(&status);
            streams.result(&page.map_err(|error| Stop::new(exit::INTERNAL, error.to_string()))?);
        }
        _ => streams.result(&report::reconcile::status_text(&status)),
    }
    Ok(exit::OK)
}

fn accept_commit(session: &Session, commit: &str, reason: &str, streams: &mut Streams) -> Result<u8, Stop> {
    let workspace = Workspace::at(&session.here, commit)?;
    let request = Request { revision: Some(commit.to_owned()), ..session.request() };
    let id = session.host(|host| accept(&workspace, &request, reason, host))?;
    if session.common.output == Form::Json {
        let body = json!({"format_version": FORMAT_VERSION, "command": "reconcile accept", "exit_code": exit::OK,
            "commit": id, "reason": reason});
        streams.result(&machine::print(&body));
    } else {
        streams.result(&clean(&format!("Accepted: commit {id}; the next round goes on with it")));
        streams.result("\n");
    }
    Ok(exit::OK)
}

fn take_step(session: &Session, step: Step, reason: &str, streams: &mut Streams) -> Result<u8, Stop> {
    let (environment, address, _) = session.place()?;
    let rollout = session.host(|host| {
        ops::reconcile::step(step, &address, environment.as_deref(), &session.here, reason, host)
    })?;
    let wave = rollout.wave + 1;
    if session.common.output == Form::Json {
        let command = format!("reconcile {}", step.as_str());
        let body = json!({"format_version": FORMAT_VERSION, "command": command, "exit_code": exit::OK,
            "commit": rollout.commit, "wave": wave, "reason": reason});
        streams.result(&machine::print(&body));
    } else {
        let what = match step {
            Step::Next => format!("wave {wave} is taken for done; the next round begins the next one"),
            Step::Restart => "the next round begins with the newest commit and the first wave".to_owned(),
        };
        streams.result(&(clean(&format!("Noted: {what}")) + "\n"));
    }
    Ok(exit::OK)
}

/// What is reconciled with what.
struct Place {
    /// A fetched branch, and the ref that has it.
    branch: RemoteBranch,
    revision: String,
    root: PathBuf,
    environment: Option<String>,
    address: Address,
    request: Request,
}

fn work(session: &Session, args: &Args, server: Option<Server>, streams: &mut Streams) -> Result<u8, Stop> {
    if session.common.output == Form::Json && !args.once {
        return Err(Stop::usage("rounds without an end are no single JSON value")
            .help("make one round with --once, or read `pairform reconcile status -o json`"));
    }
    session.watch_interrupts();
    let rounds = Arc::<Rounds>::default();
    let Some(address) = args.listen else {
        return reconcile(session, &args.rounds, args.once, &rounds, streams);
    };
    let server = server.ok_or_else(|| {
        Stop::usage("this pairform was built without its server, so it cannot listen")
            .help("build it with the feature `serve`")
    })?;
    let cannot = |error| Stop::usage(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).map_err(cannot)?;
    // Port 0 took one that was free.
    let at = listener.local_addr().map_err(cannot)?;
    streams.say(&format!("how it does is shown on http://{at}/metrics\n"));
    let ended = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let showing = Showing { listener, rounds: Arc::clone(&rounds) };
        let stop = Arc::clone(&ended);
        let shown = scope.spawn(move || (server.show)(showing, stop));
        let done = reconcile(session, &args.rounds, args.once, &rounds, streams);
        ended.store(true, Ordering::SeqCst);
        // What could not be shown is no fault of what was done.
        let _ = shown.join();
        done
    })
}

/// Reconciles beside a server, until somebody asks to stop; what it says goes to stderr.
///
/// # Errors
/// When it cannot be begun.
pub fn beside(session: &Session, args: &RoundArgs, rounds: &Rounds) -> Result<u8, Stop> {
    reconcile(session, args, false, rounds, &mut Streams::new(session.common.color))
}

fn reconcile(
    session: &Session,
    args: &RoundArgs,
    once: bool,
    rounds: &Rounds,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    if session.is_untrusted() {
        return Err(Stop::new(
            exit::NOT_ALLOWED,
            "an untrusted run uses no git of the system and no store, so nothing is reconciled",
        )
        .help("reconcile where what is fetched was merged"));
    }
    let request = session.request();
    if !request.is_all() || request.revision.is_some() || !request.filter.categories.is_empty() {
        return Err(Stop::usage("reconcile takes all that a branch has, and no selection of it")
            .help("leave out what selects; rules by integration and category stand in pairform.yaml under `reconcile`"));
    }
    let last_word = session.gathered().policy.as_ref().map(|(_, policy)| policy.reconcile.clone());
    session.host(|host| {
        let file = args.tell.as_ref().map(|file| session.path(file));
        let targets = Targets::read(file.as_deref(), &session.here, host)?;
        let last_word = last_word.unwrap_or_default();
        Reconciler { session, args, once, last_word, targets, rounds }.run(host, streams)
    })
}

struct Reconciler<'a> {
    session: &'a Session,
    args: &'a RoundArgs,
    once: bool,
    last_word: Rules,
    targets: Targets,
    rounds: &'a Rounds,
}

impl Reconciler<'_> {
    fn run(&self, host: &Host<'_>, streams: &mut Streams) -> Result<u8, Stop> {
        let mut said = String::new();
        let place = loop {
            match self.find(host) {
                Ok(place) => break place,
                // What a branch has wrong is mended by its next commit.
                Err(error) if self.once || !(is_passing(&error) || error.kind == ErrorKind::Invalid) => {
                    return Err(error.into());
                }
                Err(error) => {
                    self.rounds.failed();
                    say_once(&error.message, &mut said, streams);
                }
            }
            if self.pause(self.args.every, None, host) {
                return Ok(exit::OK);
            }
        };
        self.rounds.begin(place.environment.as_deref());
        // A branch that is approved is the one that is reconciled as soon as it is fetched, and nobody is asked.
        let trust = host.trust.reading(&place.branch.names(), &place.revision);
        let reading = Host { trust: &trust, ..*host };
        let ask = |need: &Need, whose: Whose<'_>| {
            let unread = learn_approved(whose, &reading);
            let mut streams = Streams::new(self.session.common.color);
            unread.iter().for_each(|why| streams.say(&format!("warning: {}\n", clean(why))));
            trust.judge(need).is_ok()
        };
        let host = &Host { ask: &ask, ..reading };
        let what = place.environment.as_deref().unwrap_or("the store");
        if !self.once {
            let branch = format!("{}/{}", place.branch.remote, place.branch.branch);
            streams.say(&(clean(&format!("reconciling {what} with {branch}")) + "\n"));
        }
        loop {
            let asked = lease(&place.address, place.environment.as_deref(), &place.root, LEASE, host);
            match asked {
                Ok(Held::Ours(ours)) => {
                    said.clear();
                    self.rounds.holds(true);
                    let ended = self.work_under(&place, &ours, host, streams);
                    self.rounds.holds(false);
                    // Whoever waits goes on at once; else it is over in its time.
                    let _ = let_go(&place.address, &ours, host);
                    if self.once || host.is_cancelled() {
                        return ended;
                    }
                }
                Ok(Held::Theirs(lock)) if self.once => {
                    let why = format!("{} reconciles {what} since {}", lock.owner, lock.taken_at);
                    return Err(
                        Stop::new(exit::LOCKED, why).help("nothing is left to do: one works at a time")
                    );
                }
                Ok(Held::Theirs(lock)) => {
                    self.rounds.holds(false);
                    let why = format!("waiting: {} reconciles {what} since {}", lock.owner, lock.taken_at);
                    say_once(&why, &mut said, streams);
                }
                Err(error) if self.once || !is_passing(&error) => return Err(error.into()),
                Err(error) => {
                    self.rounds.failed();
                    say_once(&error.message, &mut said, streams);
                }
            }
            if self.pause(WAITING, None, host) {
                return Ok(exit::OK);
            }
        }
    }

    /// Finds what the branch is deployed to. What was fetched before says it, and a round fetches anew; where that is nothing or broken, the
    /// newest commit says it.
    fn find(&self, host: &Host<'_>) -> Result<Place, Error> {
        let start = &self.session.here;
        let history = History::open(start)?;
        let remote = &self.args.place.remote;
        let branch = match &self.args.place.branch {
            Some(branch) => branch.clone(),
            None => history.usual_branch(remote),
        };
        let branch = RemoteBranch::new(remote, &branch)?;
        let revision = branch.local_ref();
        let request = self.session.request();
        let read = || {
            let workspace = Workspace::at(start, &revision)?;
            let (environment, address) = workspace.store(&request, host)?;
            Ok::<_, Error>((workspace.root().to_owned(), environment, address))
        };
        let (root, environment, address) = read().or_else(|_| {
            fetch(start, &branch, self.args.git_timeout)?;
            read()
        })?;
        Ok(Place { branch, revision, root, environment, address, request })
    }

    fn work_under(
        &self,
        place: &Place,
        lease: &Lock,
        host: &Host<'_>,
        streams: &mut Streams,
    ) -> Result<u8, Stop> {
        let lost = AtomicBool::new(false);
        with_lease(&place.address, lease, LEASE, &lost, host, || {
            if self.once {
                return self.once(place, lease, host, streams);
            }
            let (mut said, mut anew) = (String::new(), true);
            loop {
                match self.round(place, lease, anew, host) {
                    Ok(done) => {
                        anew &= done.measures.is_none();
                        match &done.stopped {
                            None => {
                                said.clear();
                                self.rounds.made((host.now)().as_second(), done.measures.as_ref());
                            }
                            Some(error) => {
                                say_once(&error.message, &mut said, streams);
                                self.rounds.failed();
                            }
                        }
                        streams.say(&report::reconcile::text(&done));
                        self.tell(place, lease, Some(&done), host, streams);
                    }
                    Err(error) => {
                        say_once(&error.message, &mut said, streams);
                        self.rounds.failed();
                        self.tell(place, lease, None, host, streams);
                    }
                }
                if lost.load(Ordering::SeqCst) || self.pause(self.args.every, Some(&lost), host) {
                    return Ok(exit::OK);
                }
            }
        })
    }

    fn once(&self, place: &Place, lease: &Lock, host: &Host<'_>, streams: &mut Streams) -> Result<u8, Stop> {
        let mut done = Done::default();
        for at in 1..=ANEW {
            match self.round(place, lease, true, host) {
                Ok(now) if at < ANEW && now.stopped.as_ref().is_some_and(is_stale) => continue,
                Ok(now) => done = then(done, now),
                Err(error) => {
                    self.tell(place, lease, None, host, streams);
                    return Err(error.into());
                }
            }
            let is_conflict = |outcome: &Outcome| matches!(outcome, Outcome::Conflict { .. });
            if !done.report.outcomes.iter().any(|(_, _, outcome)| is_conflict(outcome)) {
                break;
            }
        }
        self.tell(place, lease, Some(&done), host, streams);
        // What was set back all the same is told with the rest.
        if let Some(error) = done.stopped.take().filter(|_| !done.report.wrote()) {
            return Err(error.into());
        }
        let interrupted = self.session.interrupt().filter(|_| done.report.interrupted);
        let code = interrupted.unwrap_or_else(|| exit_code(&done));
        if self.session.common.output == Form::Json {
            streams.result(&machine::print(&report::reconcile::json(&done, code)));
        } else {
            streams.result(&report::reconcile::text(&done));
            streams.result(&report::reconcile::summary(&done));
        }
        Ok(code)
    }

    fn round(&self, place: &Place, lease: &Lock, anew: bool, host: &Host<'_>) -> Result<Done, Error> {
        let (start, patience) = (&self.session.here, self.args.git_timeout);
        let consent = Consent { live: self.args.allow_live, ..Consent::default() };
        let asked = Asked {
            start,
            revision: &place.revision,
            fetch: &|| fetch(start, &place.branch, patience),
            push: &|branch| push(start, &place.branch.remote, branch, patience),
            request: &place.request,
            address: &place.address,
            environment: place.environment.as_deref(),
            signatures: &self.session.signatures,
            last_word: &self.last_word,
            consent: &consent,
            lock_wait: Duration::from_secs(self.args.lock_timeout),
            anew,
        };
        round(&asked, lease, host)
    }

    /// Tells what a round left; what cannot be told is said, and fails nothing.
    fn tell(&self, place: &Place, lease: &Lock, done: Option<&Done>, host: &Host<'_>, streams: &mut Streams) {
        let environment = place.environment.as_deref();
        let status = done.and_then(report::telling::status);
        let telling = Telling {
            listeners: &self.targets.listeners(),
            daily: self.targets.daily(),
            status: status.as_ref(),
            deliver: &|message| self.targets.send(message, (host.now)().as_second()),
            show: &|target, status| self.targets.show(target, status, environment),
        };
        let told = tell(&place.address, environment, lease, telling, host);
        for why in told.unwrap_or_else(|error| vec![error.message]) {
            streams.say(&(clean(&format!("warning: {why}")) + "\n"));
        }
    }

    /// Waits; true where somebody asked to stop. It ends early where the lease is lost.
    fn pause(&self, time: Duration, lost: Option<&AtomicBool>, host: &Host<'_>) -> bool {
        let until = (host.elapsed)() + time;
        while (host.elapsed)() < until
            && !host.is_cancelled()
            && !lost.is_some_and(|lost| lost.load(Ordering::SeqCst))
        {
            (host.sleep)(LOOK);
        }
        host.is_cancelled()
    }
}

/// Somebody saved in the middle of it.
fn is_stale(error: &Error) -> bool {
    error.kind == ErrorKind::Stale
}

/// What goes over by itself.
fn is_passing(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Locked | ErrorKind::Stale)
}

/// What is the same again and again is said once.
fn say_once(message: &str, said: &mut String, streams: &mut Streams) {
    if message != said {
        streams.say(&(clean(message) + "\n"));
        message.clone_into(said);
    }
}

/// Two rounds, told as one.
fn then(before: Done, now: Done) -> Done {
    let mut done = now;
    let is_done = |outcome: &Outcome| matches!(outcome, Outcome::Saved { .. });
    let saved = before.report.outcomes.into_iter().filter(|(_, _, outcome)| is_done(outcome));
    done.report.outcomes.splice(0..0, saved);
    done.moved.opened.splice(0..0, before.moved.opened);
    done.moved.updated.splice(0..0, before.moved.updated);
    done.moved.closed.splice(0..0, before.moved.closed);
    done
}

fn exit_code(done: &Done) -> u8 {
    let (wrote, is_complete) = (done.report.wrote(), done.report.complete());
    let is_held = done.open.iter().any(|concern| concern.held);
    if wrote && (is_held || !is_complete) {
        return exit::PARTLY;
    }
    if !is_complete {
        let codes = done.report.causes().map(|cause| match cause {
            Cause::Stale => exit::STALE,
            Cause::Secret | Cause::Denied => exit::NOT_ALLOWED,
            Cause::Store | Cause::InDoubt | Cause::SecretUnreachable => exit::UNREACHABLE,
            Cause::Locked => exit::LOCKED,
        });
        return codes.min().unwrap_or(exit::PARTLY);
    }
    if is_held { exit::REFUSED } else { exit::OK }
}
