//! Appliers whose calls to a store are put in every kind of order, one call at a time, by dice: what each of them is told is
//! what the history shows.
//!
//! Not here: appliers that really run at once (`apply`). More orders with PAIRFORM_TEST_LONG=1.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex};

use pairform::apply::{self, ApplyError, Caller, Cause, Outcome, Report};
use pairform::http::{Fault, FaultKind};
use pairform::model::{SettingPath, Value};
use pairform::plan::Plan;
use pairform::store::{
    self, Ask, Asked, Behind, Clearing, Deleted, Deployed, FeedItem, GiveRows, KeptList, LastCommit, Lock,
    Matter, Moved, Note, Origin, Proposed, Reconciled, Reconciling, Record, Recording, Registered, Rename,
    Rules, Run, Said, Save, Saved, Session, Shared, Store, StoreError, SyncReport, TakeHeads, TakeRow, Token,
};

use crate::dice::Dice;
use crate::halves::{Halves, Served};
use crate::place::{Project, each_kind};
use crate::plans;

const INTEGRATIONS: usize = 3;
const CATEGORIES: [&str; 3] = ["general", "payment_methods", "schedules"];

/// Lets one of several appliers call the store at a time. Who is next is thrown for once all of them wait.
struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    dice: Dice,
    waiting: BTreeSet<usize>,
    /// Who has not ended yet.
    live: usize,
    turn: Option<usize>,
}

impl Turns {
    fn new(seed: u64, appliers: usize) -> Self {
        let state = State { dice: Dice(seed), waiting: BTreeSet::new(), live: appliers, turn: None };
        Turns { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn next(&self, state: &mut State) {
        if state.turn.is_none() && !state.waiting.is_empty() && state.waiting.len() == state.live {
            let at = state.dice.below(state.waiting.len());
            state.turn = state.waiting.iter().nth(at).copied();
            self.changed.notify_all();
        }
    }

    fn take<T>(&self, me: usize, call: impl FnOnce() -> T) -> T {
        let mut state = self.state.lock().unwrap();
        state.waiting.insert(me);
        self.next(&mut state);
        let mut state = self.changed.wait_while(state, |state| state.turn != Some(me)).unwrap();
        state.waiting.remove(&me);
        drop(state);
        let result = call();
        self.state.lock().unwrap().turn = None;
        result
    }

    fn end(&self) {
        let mut state = self.state.lock().unwrap();
        state.live -= 1;
        self.next(&mut state);
    }
}

/// A store of which each call waits for its turn.
struct InTurns<'a> {
    inner: Box<dyn Store>,
    turns: &'a Turns,
    me: usize,
}

/// Hands the methods on, each in its turn.
macro_rules! in_turns {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&mut self $(, $argument: $type)*) -> $result {
            let (inner, turns) = (&mut self.inner, self.turns);
            turns.take(self.me, || inner.$name($($argument),*))
        })*
    };
}

impl Store for InTurns<'_> {
    fn identity(&self) -> &str {
        self.inner.identity()
    }

    fn fingerprint_key(&self) -> &[u8] {
        self.inner.fingerprint_key()
    }

    in_turns! {
        fn read(integrations: Option<&[String]>) -> Result<Vec<Deployed>, StoreError>;
        fn each_heads(integrations: Option<&[String]>, take: &mut TakeHeads<'_>) -> Result<(), StoreError>;
        fn deleted(integrations: Option<&[String]>) -> Result<Vec<Deleted>, StoreError>;
        fn save_all(saves: &[Save<'_>]) -> Result<Vec<Result<Saved, StoreError>>, StoreError>;
        fn save_alone(save: &Save<'_>, rests_on: &BTreeMap<String, u64>, note: Option<&Note>) -> Result<Saved, StoreError>;
        fn rename(rename: &Rename<'_>) -> Result<Moved, StoreError>;
        fn begin(run: &str, at: &str, by: &str, origin: Origin<'_>) -> Result<Run, StoreError>;
        fn finish(run: &str, at: &str) -> Result<(), StoreError>;
        fn histories(of: &[(String, String)]) -> Result<Vec<Record>, StoreError>;
        fn records() -> Result<Vec<Record>, StoreError>;
        fn rules() -> Result<Vec<Rules>, StoreError>;
        fn last_rules(commit: Option<&str>) -> Result<Vec<Rules>, StoreError>;
        fn record(recording: &Recording) -> Result<(), StoreError>;
        fn said(integrations: Option<&[String]>) -> Result<Vec<Said>, StoreError>;
        fn sources() -> Result<Vec<(String, String)>, StoreError>;
        fn document(digest: &str) -> Result<Option<String>, StoreError>;
        fn lock_all(asks: &[Ask<'_>]) -> Result<Vec<Asked>, StoreError>;
        fn renew_all(locks: &[&Lock], seconds: u32) -> Result<(), StoreError>;
        fn unlock_all(locks: &[&Lock]) -> Result<Vec<Lock>, StoreError>;
        fn locks() -> Result<Vec<Lock>, StoreError>;
        fn note(note: &Note) -> Result<(), StoreError>;
        fn notes_of(kinds: &[&str], since: &str) -> Result<Vec<Note>, StoreError>;
        fn epoch() -> Result<u64, StoreError>;
        fn dump(take: &mut TakeRow<'_>) -> Result<(), StoreError>;
        fn fill(epoch: u64, give: &mut GiveRows<'_>) -> Result<(), StoreError>;
        fn integrations(after: &str, limit: usize) -> Result<Vec<Registered>, StoreError>;
        fn integration(id: &str) -> Result<Option<Registered>, StoreError>;
        fn register(new: &Registered) -> Result<bool, StoreError>;
        fn forget(id: &str) -> Result<(), StoreError>;
        fn feed(after: u64, limit: usize) -> Result<Vec<FeedItem>, StoreError>;
        fn last_number() -> Result<u64, StoreError>;
        fn saves_of(runs: &str) -> Result<Vec<Record>, StoreError>;
        fn tokens() -> Result<Vec<Token>, StoreError>;
        fn token(hash: &str) -> Result<Option<Token>, StoreError>;
        fn add_token(token: &Token) -> Result<bool, StoreError>;
        fn revoke_token(name: &str, at: &str, by: &str) -> Result<bool, StoreError>;
        fn session(hash: &str, now: &str) -> Result<Option<Session>, StoreError>;
        fn add_session(session: &Session) -> Result<(), StoreError>;
        fn end_session(hash: &str) -> Result<(), StoreError>;
        fn report_sync(sync: &SyncReport) -> Result<(), StoreError>;
        fn last_syncs(integration: &str) -> Result<Vec<SyncReport>, StoreError>;
        fn reconciled(environment: &str) -> Result<Option<Reconciled>, StoreError>;
        fn behind(environment: &str) -> Result<Vec<Behind>, StoreError>;
        fn matters(environment: &str) -> Result<Vec<Matter>, StoreError>;
        fn last_commits(integrations: &[String]) -> Result<Vec<LastCommit>, StoreError>;
        fn note_reconciled(lease: &Lock, what: &Reconciling) -> Result<bool, StoreError>;
    }
}

impl Shared for InTurns<'_> {
    in_turns! {
        fn kept_lists() -> Result<Vec<KeptList>, StoreError>;
        fn lists_mark() -> Result<u64, StoreError>;
        fn mark() -> Result<String, StoreError>;
        fn keep_list(list: &KeptList) -> Result<(), StoreError>;
        fn clearing(integration: &str) -> Result<Option<Clearing>, StoreError>;
        fn begin_clearing(new: &Clearing, seen: Option<&str>) -> Result<Clearing, StoreError>;
        fn tell_clearing(now: &Clearing) -> Result<bool, StoreError>;
        fn proposals(integration: Option<&str>) -> Result<Vec<Proposed>, StoreError>;
        fn keep_proposal(new: &Proposed) -> Result<(), StoreError>;
        fn end_proposal(id: &str, state: &str, at: &str, by: &str) -> Result<bool, StoreError>;
    }
}

/// A plan of some of the integrations of one case, at a revision; what it saves names who applies it.
fn plan(template: &Plan, case: usize, revision: u64, by: &str, some: &[usize]) -> Plan {
    let mut plan = template.clone();
    let one = plans::only(&plan);
    let mut integrations = Vec::new();
    for number in some {
        let mut one = one.clone();
        one.integration = format!("case-{case:05}-{number}");
        one.categories.retain(|category| CATEGORIES.contains(&category.category.as_str()));
        for category in &mut one.categories {
            category.revision = Some(revision).filter(|revision| *revision > 0);
            let save = category.save.as_mut().unwrap();
            let mut settings = (*save.settings).clone();
            settings.insert(SettingPath::root().child("mark"), Value::Text(by.to_owned()));
            save.settings = settings.into();
        }
        integrations.push(one);
    }
    plan.integrations = integrations.into_iter().collect();
    pairform::plan::file::seal(&mut plan);
    plan
}

fn apply_in_turns(
    plan: &Plan,
    store: &mut InTurns<'_>,
    by: &str,
    patience: u32,
) -> Result<Report, ApplyError> {
    let left = std::cell::Cell::new(patience);
    let caller = Caller {
        saved_by: by,
        now: &|| "2026-12-01T09:30:00Z".to_owned(),
        fingerprint: &|_| Err(Fault::new(FaultKind::Denied, "none")),
        stopped: &|| false,
        holder: "test/1",
        is_dead: &|_| false,
        wait: &|| {
            left.set(left.get().saturating_sub(1));
            left.get() > 0
        },
        forced: &[],
        lease: None,
        begun: None,
        record: &|_| Ok(false),
    };
    apply::apply(plan, store, &caller, &mut |_| ())
}

/// Who saved what at which revision, by its own account.
type Told = BTreeMap<(String, String, u64), String>;

/// One order: each applier applies a plan of its own from the same state.
fn one(
    case: usize,
    revision: u64,
    stores: Vec<Box<dyn Store>>,
    template: &Plan,
    told: &mut Told,
) -> Vec<Box<dyn Store>> {
    let mut dice = Dice(case as u64 * 31 + revision + 1);
    let turns = Turns::new(dice.below(1 << 30) as u64, stores.len());
    let work: Vec<(String, Plan, u32)> = (0..stores.len())
        .map(|me| {
            let mut some: Vec<usize> = (0..INTEGRATIONS).filter(|_| dice.below(3) > 0).collect();
            if some.is_empty() {
                some.push(dice.below(INTEGRATIONS));
            }
            let by = format!("{me}-{case}-{revision}");
            // Some wait for a lock as long as it takes, some lose patience.
            let patience = if dice.below(4) == 0 { 2 } else { 10_000 };
            (by.clone(), plan(template, case, revision, &by, &some), patience)
        })
        .collect();
    let ended: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = stores
            .into_iter()
            .zip(&work)
            .enumerate()
            .map(|(me, (inner, (by, plan, patience)))| {
                let turns = &turns;
                scope.spawn(move || {
                    let mut store = InTurns { inner, turns, me };
                    let result = apply_in_turns(plan, &mut store, by, *patience);
                    turns.end();
                    (result, store.inner)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut stores = Vec::new();
    for ((result, store), (by, plan, _)) in ended.into_iter().zip(&work) {
        stores.push(store);
        match result {
            // Nothing was begun, and it says why.
            Err(ApplyError::Stale(why)) => {
                assert!(!why.is_empty());
                assert!(why.iter().all(|why| why.contains("saved revision") || why.contains("removed")));
            }
            Err(other) => panic!("{other}"),
            Ok(report) => account(&report, by, plan, told),
        }
    }
    stores
}

/// What an applier says of what it did, in words, in codes and to the history, is one story.
fn account(report: &Report, by: &str, plan: &Plan, told: &mut Told) {
    assert_eq!(report.outcomes.len(), plan.integrations.len() * CATEGORIES.len());
    let mut saved = 0;
    for (integration, category, outcome) in &report.outcomes {
        match outcome {
            Outcome::Saved { revision } => {
                saved += 1;
                let key = (integration.to_string(), category.to_string(), *revision);
                assert_eq!(told.insert(key, by.to_owned()), None, "two saved the same revision");
            }
            Outcome::Conflict { saved_by, .. } => assert_ne!(saved_by, by),
            Outcome::Failed { cause, .. } => assert_eq!(*cause, Cause::Locked),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(report.wrote(), saved > 0);
    assert_eq!(report.complete(), saved == report.outcomes.len());
    // A loser was late or was kept waiting, and nothing else.
    assert!(report.causes().all(|cause| matches!(cause, Cause::Stale | Cause::Locked)));
}

fn template(project: &Project) -> Plan {
    project.run(&["plan", "--out", "p.plan"]).expect(0);
    let mut plan = plans::read(&std::fs::read_to_string(project.path("p.plan")).unwrap());
    plan.store = Some(project.store().identity().to_owned());
    plan
}

#[test]
fn in_every_order_each_save_is_of_one_and_nobody_is_told_otherwise() {
    let long = std::env::var_os("PAIRFORM_TEST_LONG").is_some();
    for project in each_kind() {
        let cases = [(2, if long { 2_000 } else { 120 }), (10, if long { 500 } else { 12 })];
        in_every_order(&project, &cases, 500, &|| store::open(&project.url).unwrap());
    }
}

/// What appliers read they read through a server, and what they save they save as it is: two who see each other only so.
#[test]
fn in_every_order_what_is_read_through_a_server_is_what_was_saved() {
    let long = std::env::var_os("PAIRFORM_TEST_LONG").is_some();
    for project in each_kind() {
        let folder = tempfile::tempdir().unwrap();
        let served = Served::over(&project.url, folder.path());
        let open = || -> Box<dyn Store> {
            Box::new(Halves { read: served.read(), write: store::open(&project.url).unwrap() })
        };
        in_every_order(
            &project,
            &[(2, if long { 500 } else { 12 }), (6, if long { 100 } else { 3 })],
            50,
            &open,
        );
    }
}

/// Orders of so many appliers, so often each.
fn in_every_order(
    project: &Project,
    cases: &[(usize, usize)],
    least: usize,
    open: &dyn Fn() -> Box<dyn Store>,
) {
    let template = template(project);
    let mut told = Told::new();
    // Orders of two and of ten appliers; each case is played from nothing, and then from what that left.
    for &(appliers, cases) in cases {
        let mut stores: Vec<_> = (0..appliers).map(|_| open()).collect();
        for case in 0..cases {
            let case = appliers * 10_000 + case;
            for revision in [0, 1] {
                stores = one(case, revision, stores, &template, &mut told);
            }
        }
    }
    let mut store = project.store();
    assert!(store.locks().unwrap().is_empty());
    let mut last: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut kept = Told::new();
    for Record { integration, category, past } in store.records().unwrap() {
        let before = last.insert((integration.clone(), category.clone()), past.revision).unwrap_or(0);
        assert_eq!(past.revision, before + 1, "no revision is skipped or used twice");
        let settings = past.settings.unwrap();
        assert!(settings.iter().any(|(_, value)| value.to_string().contains(&past.saved_by)));
        kept.insert((integration, category, past.revision), past.saved_by);
    }
    assert_eq!(kept, told, "what the appliers say is what the history shows");
    assert!(told.len() > least);
}
