//! What every store must do: one suite over [`Place`], run for each kind of store, and then what only the embedded
//! store promises (its file). To add a store, implement `Place` and add a line to `conformance!`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pairform::model::{self, Secret, SettingPath, Settings, Value};
use pairform::store::{
    self, Ask, Asked, Cell, Clearing, Document, KeptList, Lock, Moved, Note, Origin, Proposed, Recording,
    Registered, Rename, Rules, Run, Said, Save, Saved, Session, Soon, Store, StoreError, SyncReport, Token,
    Wanted,
};
use proptest::prelude::*;
use serde_json::json;

use crate::halves::{Halves, Served};
use crate::server::{self, Server};

/// Where one fresh store lives, however many connections are opened to it.
trait Place: Sync {
    fn url(&self) -> String;
    fn open(&self) -> Box<dyn Store>;
    fn open_existing(&self) -> Option<Box<dyn Store>>;
    /// What a person does with the database's own shell. The SQL is understood by every store.
    fn by_hand(&self, sql: &str) -> Result<usize, String>;
}

struct SqlitePlace {
    folder: tempfile::TempDir,
}

impl SqlitePlace {
    fn new() -> Self {
        SqlitePlace { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    fn shell(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }
}

impl Place for SqlitePlace {
    fn url(&self) -> String {
        format!("sqlite:{}", self.file().display())
    }

    fn open(&self) -> Box<dyn Store> {
        store::open(&self.url()).unwrap()
    }

    fn open_existing(&self) -> Option<Box<dyn Store>> {
        store::open_existing(&self.url()).unwrap()
    }

    fn by_hand(&self, sql: &str) -> Result<usize, String> {
        self.shell().execute(sql, []).map_err(|error| error.to_string())
    }
}

/// A schema of its own on the shared server.
struct PostgresPlace {
    server: &'static Server,
    url: String,
}

impl PostgresPlace {
    #[track_caller]
    fn new() -> Option<Self> {
        server::shared().map(|server| PostgresPlace { server, url: server.fresh_url() })
    }
}

impl Place for PostgresPlace {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn open(&self) -> Box<dyn Store> {
        store::open(&self.url).unwrap()
    }

    fn open_existing(&self) -> Option<Box<dyn Store>> {
        store::open_existing(&self.url).unwrap()
    }

    fn by_hand(&self, sql: &str) -> Result<usize, String> {
        let mut shell = self.server.shell();
        let schema = self.url.split("schema=").nth(1).unwrap();
        shell.batch_execute(&format!("SET search_path = {schema}")).unwrap();
        shell
            .execute(sql, &[])
            .map(|rows| usize::try_from(rows).unwrap())
            .map_err(|error| error.as_db_error().map_or(error.to_string(), |told| told.message().to_owned()))
    }
}

/// A store that is written as it is and read through a server of the Configure section.
struct ServedPlace<P> {
    own: P,
    folder: tempfile::TempDir,
    server: OnceLock<Served>,
}

impl<P: Place> ServedPlace<P> {
    fn over(own: P) -> Self {
        ServedPlace { own, folder: tempfile::tempdir().unwrap(), server: OnceLock::new() }
    }

    fn read(&self) -> Box<dyn Store> {
        self.server.get_or_init(|| Served::over(&self.own.url(), self.folder.path())).read()
    }
}

impl<P: Place> Place for ServedPlace<P> {
    fn url(&self) -> String {
        self.own.url()
    }

    fn open(&self) -> Box<dyn Store> {
        let write = self.own.open();
        Box::new(Halves { read: self.read(), write })
    }

    fn open_existing(&self) -> Option<Box<dyn Store>> {
        let write = self.own.open_existing()?;
        Some(Box::new(Halves { read: self.read(), write }))
    }

    fn by_hand(&self, sql: &str) -> Result<usize, String> {
        self.own.by_hand(sql)
    }
}

/// Runs every fact for each kind of store; a kind that is not to be had here says so.
macro_rules! conformance {
    ($($kind:ident, $place:expr;)* => $facts:tt) => { $(conformance! { @one $kind, $place; $facts })* };
    (@one $kind:ident, $place:expr; [$($fact:ident)*]) => {
        mod $kind {
            use super::*;
            $(#[test] fn $fact() { if let Some(place) = $place { super::$fact(&place); } })*
        }
    };
}

conformance! { sqlite, Some(SqlitePlace::new()); postgres, PostgresPlace::new(); => [
    a_store_keeps_its_identity_and_key
    what_is_not_there_is_not_made_by_reading
    a_first_save_is_revision_1
    a_save_counts_on_and_replaces
    a_save_at_another_revision_is_a_conflict_and_writes_nothing
    a_category_that_was_never_saved_conflicts_at_any_revision_but_0
    an_interrupted_run_finds_its_own_saves
    a_run_does_not_take_other_settings_for_its_own
    a_run_does_not_take_an_edit_by_hand_for_its_own
    a_plan_is_new_once_then_resumed_then_finished
    a_plan_that_was_never_begun_cannot_be_finished
    reading_some_integrations_is_sorted_and_complete
    thousands_of_names_can_be_read
    resets_are_kept_in_applied_and_never_in_settings
    a_secret_is_kept_as_reference_and_fingerprint
    names_and_texts_are_data
    an_edit_by_hand_is_a_save_of_its_own
    an_edit_by_hand_that_counts_up_itself_is_noticed_too
    an_edit_of_nothing_is_no_save
    a_row_inserted_by_hand_is_noticed
    a_row_deleted_by_hand_is_gone_and_its_revisions_are_not_used_again
    the_history_only_grows
    what_cannot_be_used_stays_in_the_history_and_harms_nothing_else
    two_threads_lose_no_update
    eight_threads_lose_no_update
    eight_threads_make_one_store
    a_finished_save_is_seen_by_every_connection
    a_lock_is_held_by_one_until_it_is_released
    a_lock_that_expired_or_whose_holder_is_dead_is_taken_over
    a_save_alone_needs_no_lock_and_what_it_rests_on
    eight_threads_that_save_alone_break_nothing_that_they_rest_on
    the_feed_has_each_save_once_and_in_order
    integrations_are_known_by_what_is_saved_and_said_of_them
    a_token_is_in_force_until_it_is_revoked
    a_session_lasts_until_its_end
    the_last_report_of_each_flow_is_kept
    a_list_that_is_kept_takes_the_place_of_the_one_before_and_moves_the_mark
    whatever_another_connection_commits_moves_what_a_store_is_like
    what_is_foreseen_is_answered_once_and_by_nothing_of_before
    of_two_that_begin_to_clear_one_does
    a_proposal_is_open_until_it_is_ended_once
    what_a_run_saved_is_found_by_the_beginning_of_its_name
    a_lock_that_is_renewed_lasts_on_and_one_that_was_lost_does_not_come_back
    ten_threads_take_one_lock_in_turn
    a_save_without_its_lock_writes_nothing
    records_and_notes_are_in_order_and_kept
    recorded_rules_only_grow_and_those_of_a_commit_do_not_count_for_it
    what_the_files_said_is_kept_once_and_read_back
    a_document_that_was_changed_is_refused
    a_save_knows_who_wrote_its_commit
    an_older_layout_is_brought_up_to_date_by_whoever_writes
    what_the_reconciler_kept_before_is_read_as_it_is
    a_copy_has_all_that_the_other_has_and_is_a_new_epoch
    a_rename_moves_what_is_deployed_and_leaves_the_history
    saves_together_are_judged_one_by_one
    locks_together_leave_those_of_others
    heads_tell_what_is_settled
    a_clock_that_was_set_back_mixes_nothing_up
    what_the_reconciler_keeps_is_written_under_its_lease_alone
] }

// What is not here is of writing alone, of tokens and sessions, or of a store that no server has opened yet.
conformance! {
    served, Some(ServedPlace::over(SqlitePlace::new()));
    served_of_postgres, PostgresPlace::new().map(ServedPlace::over); => [
    a_store_keeps_its_identity_and_key
    a_first_save_is_revision_1
    a_save_counts_on_and_replaces
    a_save_at_another_revision_is_a_conflict_and_writes_nothing
    an_interrupted_run_finds_its_own_saves
    reading_some_integrations_is_sorted_and_complete
    thousands_of_names_can_be_read
    resets_are_kept_in_applied_and_never_in_settings
    a_secret_is_kept_as_reference_and_fingerprint
    names_and_texts_are_data
    an_edit_by_hand_is_a_save_of_its_own
    an_edit_by_hand_that_counts_up_itself_is_noticed_too
    an_edit_of_nothing_is_no_save
    a_row_inserted_by_hand_is_noticed
    a_row_deleted_by_hand_is_gone_and_its_revisions_are_not_used_again
    the_history_only_grows
    what_cannot_be_used_stays_in_the_history_and_harms_nothing_else
    a_finished_save_is_seen_by_every_connection
    a_lock_is_held_by_one_until_it_is_released
    a_save_alone_needs_no_lock_and_what_it_rests_on
    the_feed_has_each_save_once_and_in_order
    integrations_are_known_by_what_is_saved_and_said_of_them
    the_last_report_of_each_flow_is_kept
    what_a_run_saved_is_found_by_the_beginning_of_its_name
    records_and_notes_are_in_order_and_kept
    recorded_rules_only_grow_and_those_of_a_commit_do_not_count_for_it
    what_the_files_said_is_kept_once_and_read_back
    a_document_that_was_changed_is_refused
    a_save_knows_who_wrote_its_commit
    a_rename_moves_what_is_deployed_and_leaves_the_history
    saves_together_are_judged_one_by_one
    locks_together_leave_those_of_others
    heads_tell_what_is_settled
    a_clock_that_was_set_back_mixes_nothing_up
    what_the_reconciler_keeps_is_written_under_its_lease_alone
] }

const AT: &str = "2026-12-01T09:30:00Z";
const RUN: &str = "sha256:aa";

fn settings(document: serde_json::Value) -> Settings {
    model::from_json(&document)
}

fn terms(days: &str) -> Settings {
    settings(json!({"default_terms_of_payment": days, "map": {"Klarna": days}}))
}

/// A save of payment methods by the run [`RUN`]; change what matters with `..`.
fn save_of(settings: &Settings, expected_revision: u64) -> Save<'_> {
    Save {
        integration: "nordic-outdoor",
        category: "payment_methods",
        expected_revision,
        settings,
        applied: settings,
        saved_by: "ann",
        saved_at: AT,
        commit: Some("c0ffee"),
        run: RUN,
        fence: None,
        lease: None,
    }
}

fn save(store: &mut dyn Store, days: &str, expected_revision: u64) -> Saved {
    store.save(&save_of(&terms(days), expected_revision)).unwrap()
}

fn only(store: &mut dyn Store) -> store::Deployed {
    let mut all = store.read(None).unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn history(store: &mut dyn Store) -> Vec<store::Past> {
    store.history("nordic-outdoor", "payment_methods").unwrap()
}

// ---- every store -----------------------------------------------------------------------------------------------------

fn rests_on(all: &[(&str, u64)]) -> BTreeMap<String, u64> {
    all.iter().map(|(category, revision)| ((*category).to_owned(), *revision)).collect()
}

fn a_save_alone_needs_no_lock_and_what_it_rests_on(place: &dyn Place) {
    let (mut store, mut other) = (place.open(), place.open());
    let first = terms("30");
    let nothing = rests_on(&[]);
    assert_eq!(store.save_alone(&save_of(&first, 0), &nothing, None).unwrap(), Saved::Saved { revision: 1 });
    // Asked again, it finds itself; asked at another revision, it is a conflict.
    assert_eq!(
        store.save_alone(&save_of(&first, 0), &nothing, None).unwrap(),
        Saved::Already { revision: 1 }
    );
    let next = terms("14");
    let late = store.save_alone(&Save { run: "sha256:bb", ..save_of(&next, 7) }, &nothing, None).unwrap();
    assert!(matches!(late, Saved::Conflict { revision: 1, .. }), "{late:?}");
    // What it rests on is as it was seen, or nothing is saved.
    let general = Save { category: "general", run: "sha256:cc", ..save_of(&first, 0) };
    for (rests, saved) in [(("payment_methods", 2), false), (("invoice", 1), false), (("invoice", 0), true)] {
        let done = store.save_alone(&general, &rests_on(&[("payment_methods", 1), rests]), None).unwrap();
        let expected = if saved { Saved::Saved { revision: 1 } } else { Saved::LockLost };
        assert_eq!(done, expected, "{rests:?}");
    }
    // Whoever holds the lock is not passed by.
    let lock = taken(&mut *other, &ask("bo"));
    let while_locked = Save { run: "sha256:dd", ..save_of(&next, 1) };
    assert_eq!(store.save_alone(&while_locked, &nothing, None).unwrap(), Saved::LockLost);
    assert!(other.unlock(&lock.id).unwrap().is_some());
    assert_eq!(store.save_alone(&while_locked, &nothing, None).unwrap(), Saved::Saved { revision: 2 });
}

/// Two categories that must never both be off: whoever switches one off rests on the other being as he saw it.
fn eight_threads_that_save_alone_break_nothing_that_they_rest_on(place: &dyn Place) {
    let on = settings(json!({"on": true}));
    let mut store = place.open();
    for category in ["a", "b"] {
        store.save(&Save { category, ..save_of(&on, 0) }).unwrap();
    }
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let mut store = place.open();
                for round in 0..25 {
                    let now: BTreeMap<String, store::Deployed> = store
                        .read(None)
                        .unwrap()
                        .into_iter()
                        .map(|row| (row.category.clone(), row))
                        .collect();
                    let (mine, other) = if (thread + round) % 2 == 0 { ("a", "b") } else { ("b", "a") };
                    let path: SettingPath = ["on"].into_iter().collect();
                    let is_on =
                        |category: &str| now[category].settings.get(&path) == Some(&Value::Bool(true));
                    let wanted = !is_on(mine) || !is_on(other);
                    let wanted = settings(json!({"on": wanted}));
                    let run = format!("sha256:{thread}-{round}");
                    let save = Save { category: mine, run: &run, ..save_of(&wanted, now[mine].revision) };
                    store.save_alone(&save, &rests_on(&[(other, now[other].revision)]), None).unwrap();
                }
            });
        }
    });
    let mut state = BTreeMap::from([("a".to_owned(), true), ("b".to_owned(), true)]);
    for record in store.records().unwrap() {
        let on = record.past.settings.unwrap().values().any(|value| *value == Value::Bool(true));
        state.insert(record.category, on);
        assert!(state.values().any(|on| *on), "both are off");
    }
}

fn the_feed_has_each_save_once_and_in_order(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!((store.epoch().unwrap(), store.last_number().unwrap()), (1, 0));
    assert!(store.feed(0, 10).unwrap().is_empty());
    save(&mut *store, "30", 0);
    save_as(&mut *store, "sha256:2", "14", 1);
    // A save that moves nothing is no news.
    save_as(&mut *store, "sha256:3", "14", 2);
    save_as(&mut *store, "sha256:4", "0", 3);
    place.by_hand("DELETE FROM category").unwrap();
    let all = store.feed(0, 10).unwrap();
    let revisions: Vec<u64> = all.iter().map(|item| item.record.past.revision).collect();
    assert_eq!(revisions, [1, 2, 4, 5]);
    assert!(all.is_sorted_by(|one, next| one.number < next.number));
    assert_eq!(store.last_number().unwrap(), all.last().unwrap().number);
    let some = store.feed(all[0].number, 2).unwrap();
    assert_eq!(some, all[1..3]);
    assert!(store.feed(all[3].number, 10).unwrap().is_empty());
}

fn save_as(store: &mut dyn Store, run: &str, days: &str, expected: u64) {
    let settings = terms(days);
    let saved = store.save(&Save { run, ..save_of(&settings, expected) }).unwrap();
    assert_eq!(saved, Saved::Saved { revision: expected + 1 });
}

fn integrations_are_known_by_what_is_saved_and_said_of_them(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    let new = Registered {
        id: "another".to_owned(),
        pair: Some("fortnox-shopify".to_owned()),
        made_at: AT.to_owned(),
        made_by: "bo".to_owned(),
    };
    assert!(store.register(&new).unwrap() && !store.register(&new).unwrap());
    assert_eq!(store.integration("another").unwrap(), Some(new.clone()));
    assert_eq!(store.integration("nobody").unwrap(), None);
    let of_save = Registered {
        id: "nordic-outdoor".to_owned(),
        pair: None,
        made_at: AT.to_owned(),
        made_by: "ann".to_owned(),
    };
    assert_eq!(store.integrations("", 10).unwrap(), [new.clone(), of_save.clone()]);
    assert_eq!(store.integrations("another", 10).unwrap(), [of_save]);
    assert_eq!(store.integrations("", 1).unwrap(), [new]);
    // An apply says the pair, and a rename keeps all of it.
    let said = Said {
        integration: "nordic-outdoor".to_owned(),
        environment: String::new(),
        pair: "fortnox-woocommerce".to_owned(),
        facts: "{}".to_owned(),
        schema: String::new(),
        settings: String::new(),
        said_at: AT.to_owned(),
        commit: None,
        dirty: false,
    };
    store.record(&Recording { said: vec![said], ..Recording::default() }).unwrap();
    let renamed = Rename { from: "nordic-outdoor", to: "nordic", at: AT, by: "ann", run: RUN };
    store.rename(&renamed).unwrap();
    let now = store.integration("nordic").unwrap().unwrap();
    assert_eq!((now.pair.as_deref(), now.made_by.as_str()), (Some("fortnox-woocommerce"), "ann"));
    assert_eq!(store.integration("nordic-outdoor").unwrap(), None);
}

fn a_token_is_in_force_until_it_is_revoked(place: &dyn Place) {
    let mut store = place.open();
    let token = Token {
        name: "karin ␀ \0".to_owned(),
        hash: "sha256:aa".to_owned(),
        role: "editor".to_owned(),
        rights: vec!["override".to_owned()],
        categories: vec!["pay_*".to_owned(), "in\"voice".to_owned()],
        integrations: Vec::new(),
        expires_at: Some(AT.to_owned()),
        made_at: AT.to_owned(),
        made_by: "ann".to_owned(),
        revoked_at: None,
        revoked_by: None,
    };
    assert!(store.add_token(&token).unwrap());
    // Neither its name nor its hash is given twice.
    assert!(!store.add_token(&Token { hash: "sha256:bb".to_owned(), ..token.clone() }).unwrap());
    assert!(!store.add_token(&Token { name: "bo".to_owned(), ..token.clone() }).unwrap());
    assert_eq!(store.token("sha256:aa").unwrap(), Some(token.clone()));
    assert_eq!(store.token("sha256:ab").unwrap(), None);
    assert!(store.revoke_token(&token.name, "2027-01-01T00:00:00Z", "bo").unwrap());
    assert!(!store.revoke_token(&token.name, "2027-01-02T00:00:00Z", "ann").unwrap());
    let revoked = Token {
        revoked_at: Some("2027-01-01T00:00:00Z".to_owned()),
        revoked_by: Some("bo".to_owned()),
        ..token
    };
    assert_eq!(store.tokens().unwrap(), [revoked]);
}

fn a_list_that_is_kept_takes_the_place_of_the_one_before_and_moves_the_mark(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!((store.kept_lists().unwrap(), store.lists_mark().unwrap()), (Vec::new(), 0));
    let list = |account: &str, document: &str| KeptList {
        connector: "fortnox".to_owned(),
        account: account.to_owned(),
        name: "terms \0 of \"payment".to_owned(),
        document: document.to_owned(),
        fetched_at: AT.to_owned(),
        fetched_by: "ann".to_owned(),
    };
    let mut marks = vec![0];
    for (account, document) in [("2", "a"), ("1", "b"), ("2", "c"), ("2", "c")] {
        store.keep_list(&list(account, document)).unwrap();
        marks.push(store.lists_mark().unwrap());
    }
    assert!(marks.is_sorted_by(|one, next| one < next), "{marks:?}");
    assert_eq!(store.kept_lists().unwrap(), [list("1", "b"), list("2", "c")]);
}

fn whatever_another_connection_commits_moves_what_a_store_is_like(place: &dyn Place) {
    let (mut ours, mut other) = (place.open(), place.open());
    let mut marks = vec![ours.mark().unwrap()];
    save(other.as_mut(), "30", 0);
    marks.push(ours.mark().unwrap());
    let note = Note { at: AT.into(), by: "ann".into(), kind: "force".into(), text: "one".into(), run: None };
    other.note(&note).unwrap();
    marks.push(ours.mark().unwrap());
    taken(other.as_mut(), &ask("bo"));
    marks.push(ours.mark().unwrap());
    let all: BTreeSet<&String> = marks.iter().collect();
    assert_eq!(all.len(), marks.len(), "{marks:?}");
}

fn what_is_foreseen_is_answered_once_and_by_nothing_of_before(place: &dyn Place) {
    let (mut ours, mut other) = (place.open(), place.open());
    let name = "nordic-outdoor".to_owned();
    let soon = [
        Soon::Epoch,
        Soon::Token("none".into()),
        Soon::Integration(name.clone()),
        Soon::Deployed(name.clone()),
        Soon::Said(name.clone()),
        Soon::Rules,
        Soon::Notes("force".into()),
    ];
    let revision = |store: &mut dyn Store| {
        let rows = store.read(Some(std::slice::from_ref(&name))).unwrap();
        rows.first().map_or(0, |row| row.revision)
    };
    ours.foresee(&soon);
    assert_eq!(revision(ours.as_mut()), 0);
    save(other.as_mut(), "30", 0);
    assert_eq!(revision(ours.as_mut()), 1);
    ours.foresee(&soon);
    assert_eq!(ours.epoch().unwrap(), 1);
    assert_eq!(ours.token("none").unwrap(), None);
    assert_eq!(ours.integration(&name).unwrap().unwrap().made_by, "ann");
    assert_eq!(ours.integration("another").unwrap(), None);
    assert_eq!(ours.said(Some(std::slice::from_ref(&name))).unwrap(), []);
    assert_eq!(ours.last_rules(None).unwrap(), []);
    assert_eq!(ours.notes_of(&["force"], "").unwrap(), []);
    assert_eq!(revision(ours.as_mut()), 1);
    // What was saved here meanwhile is read anew.
    save(other.as_mut(), "31", 1);
    ours.foresee(&soon);
    save(ours.as_mut(), "32", 2);
    assert_eq!(revision(ours.as_mut()), 3);
    ours.foresee(&soon);
    save(other.as_mut(), "33", 3);
    ours.foresee(&[]);
    assert_eq!(revision(ours.as_mut()), 4);
    // Where something else was asked, nothing of before is left.
    ours.foresee(&soon);
    save(other.as_mut(), "34", 4);
    ours.locks().unwrap();
    assert_eq!(revision(ours.as_mut()), 5);
}

fn of_two_that_begin_to_clear_one_does(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!(store.clearing("shop").unwrap(), None);
    let new = |run: &str| Clearing {
        integration: "shop".to_owned(),
        run: run.to_owned(),
        asked_by: "ann".to_owned(),
        asked_at: AT.to_owned(),
        until: AT.to_owned(),
        ended_at: None,
        document: "{}".to_owned(),
    };
    let (one, two, three) = (new("one"), new("two"), new("three"));
    assert_eq!(store.begin_clearing(&one, None).unwrap(), one);
    // Who saw nothing, or something else, is told what there is.
    assert_eq!(store.begin_clearing(&two, None).unwrap(), one);
    assert_eq!(store.begin_clearing(&two, Some("one")).unwrap(), two);
    assert_eq!(store.begin_clearing(&three, Some("one")).unwrap(), two);
    assert!(!store.tell_clearing(&Clearing { document: "late".to_owned(), ..one }).unwrap());
    let ended = Clearing { ended_at: Some(AT.to_owned()), document: "[]".to_owned(), ..two };
    assert!(store.tell_clearing(&ended).unwrap());
    assert_eq!(store.clearing("shop").unwrap(), Some(ended));
    assert_eq!(store.begin_clearing(&three, Some("two")).unwrap(), three);
}

fn a_proposal_is_open_until_it_is_ended_once(place: &dyn Place) {
    let mut store = place.open();
    let new = |id: &str, integration: &str, made_at: &str| Proposed {
        id: id.to_owned(),
        integration: integration.to_owned(),
        branch: "pairform/å\0".to_owned(),
        commit: "c".to_owned(),
        base: "b".to_owned(),
        document: "{}".to_owned(),
        state: "open".to_owned(),
        link: None,
        made_by: "ann".to_owned(),
        made_at: made_at.to_owned(),
        ended_by: None,
        ended_at: None,
    };
    let link = Some("https://forge.example/1".to_owned());
    let (one, two) = (new("1", "shop", "2026-01-01T00:00:00Z"), new("2", "shop", "2026-01-02T00:00:00Z"));
    let other = Proposed { link, ..new("3", "other", "2026-01-03T00:00:00Z") };
    for proposal in [&one, &two, &other, &Proposed { branch: "again".to_owned(), ..one.clone() }] {
        store.keep_proposal(proposal).unwrap();
    }
    assert_eq!(store.proposals(Some("shop")).unwrap(), [two.clone(), one.clone()]);
    assert!(store.end_proposal("1", "merged", AT, "bo").unwrap());
    assert!(!store.end_proposal("1", "closed", AT, "bo").unwrap());
    assert!(!store.end_proposal("4", "closed", AT, "bo").unwrap());
    let merged = Proposed {
        state: "merged".to_owned(),
        ended_by: Some("bo".to_owned()),
        ended_at: Some(AT.to_owned()),
        ..one
    };
    assert_eq!(store.proposals(None).unwrap(), [other, two, merged]);
}

fn a_session_lasts_until_its_end(place: &dyn Place) {
    let mut store = place.open();
    let session = Session {
        hash: "sha256:aa".to_owned(),
        by: "karin ␀ \0".to_owned(),
        token: None,
        made_at: "2027-01-01T08:00:00Z".to_owned(),
        expires_at: "2027-01-01T20:00:00Z".to_owned(),
    };
    store.add_session(&session).unwrap();
    assert_eq!(store.session("sha256:aa", "2027-01-01T19:59:59Z").unwrap(), Some(session.clone()));
    assert_eq!(store.session("sha256:aa", "2027-01-01T20:00:00Z").unwrap(), None);
    assert_eq!(store.session("sha256:ab", "2027-01-01T08:00:00Z").unwrap(), None);
    let later = Session {
        hash: "sha256:bb".to_owned(),
        token: Some("sha256:cc".to_owned()),
        made_at: "2027-01-01T21:00:00Z".to_owned(),
        expires_at: "2027-01-02T09:00:00Z".to_owned(),
        ..session
    };
    store.add_session(&later).unwrap();
    // One that was over is forgotten.
    assert_eq!(store.session("sha256:aa", "2027-01-01T08:00:00Z").unwrap(), None);
    assert_eq!(store.session("sha256:bb", "2027-01-01T22:00:00Z").unwrap(), Some(later));
    store.end_session("sha256:bb").unwrap();
    store.end_session("sha256:bb").unwrap();
    assert_eq!(store.session("sha256:bb", "2027-01-01T22:00:00Z").unwrap(), None);
}

fn the_last_report_of_each_flow_is_kept(place: &dyn Place) {
    let mut store = place.open();
    let sync = |flow: &str, etag: &str| SyncReport {
        integration: "nordic-outdoor".to_owned(),
        flow: flow.to_owned(),
        etag: etag.to_owned(),
        outcome: "ok".to_owned(),
        message: String::new(),
        ended_at: AT.to_owned(),
        reported_at: AT.to_owned(),
        reported_by: "runtime".to_owned(),
    };
    for (flow, etag) in [("stock", "1"), ("orders", "1"), ("orders", "2")] {
        store.report_sync(&sync(flow, etag)).unwrap();
    }
    assert_eq!(store.last_syncs("nordic-outdoor").unwrap(), [sync("orders", "2"), sync("stock", "1")]);
    assert!(store.last_syncs("another").unwrap().is_empty());
}

fn what_a_run_saved_is_found_by_the_beginning_of_its_name(place: &dyn Place) {
    let mut store = place.open();
    let (one, two) = (terms("30"), terms("14"));
    store.save(&Save { run: "key:ab:first", ..save_of(&one, 0) }).unwrap();
    store.save(&Save { run: "key:ac:second", ..save_of(&two, 1) }).unwrap();
    let found = store.saves_of("key:ab:").unwrap();
    assert_eq!(found.iter().map(|record| record.past.revision).collect::<Vec<_>>(), [1]);
    assert!(
        store.saves_of("key:a:").unwrap().is_empty() && store.saves_of("key:ab:first:").unwrap().is_empty()
    );
}

fn a_store_keeps_its_identity_and_key(place: &dyn Place) {
    let (identity, key) = {
        let store = place.open();
        (store.identity().to_owned(), store.fingerprint_key().to_vec())
    };
    assert_eq!(identity.len(), 36);
    assert_eq!(key.len(), 32);
    assert_ne!(key, [0; 32]);
    for again in [place.open(), place.open_existing().unwrap()] {
        assert_eq!(again.identity(), identity);
        assert_eq!(again.fingerprint_key(), key);
    }
}

fn what_is_not_there_is_not_made_by_reading(place: &dyn Place) {
    assert!(place.open_existing().is_none());
    assert!(place.open_existing().is_none());
    let mut store = place.open();
    assert!(store.read(None).unwrap().is_empty());
    assert!(history(&mut *store).is_empty());
}

fn a_first_save_is_revision_1(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!(save(&mut *store, "30", 0), Saved::Saved { revision: 1 });
    let now = only(&mut *store);
    assert_eq!((now.integration.as_str(), now.category.as_str()), ("nordic-outdoor", "payment_methods"));
    assert_eq!((now.revision, now.saved_by.as_str(), now.saved_at.as_str()), (1, "ann", AT));
    assert_eq!(now.commit.as_deref(), Some("c0ffee"));
    assert_eq!(now.settings, terms("30"));
    assert_eq!(now.applied, terms("30"));
}

fn a_save_counts_on_and_replaces(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    let next = settings(json!({"map": {"Swish": "0"}}));
    let second = Save { saved_by: "bo", commit: None, run: "sha256:bb", ..save_of(&next, 1) };
    assert_eq!(store.save(&second).unwrap(), Saved::Saved { revision: 2 });
    let now = only(&mut *store);
    assert_eq!((now.revision, now.saved_by.as_str(), now.commit), (2, "bo", None));
    assert_eq!(now.settings, next);
    // The same settings again are a save too: who asks for it decides.
    assert_eq!(
        store.save(&Save { run: "sha256:cc", ..save_of(&next, 2) }).unwrap(),
        Saved::Saved { revision: 3 }
    );

    let past = history(&mut *store);
    assert_eq!(past.iter().map(|past| past.revision).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(past[0].settings, Ok(terms("30")));
    assert_eq!((past[0].commit.as_deref(), past[0].run.as_deref()), (Some("c0ffee"), Some(RUN)));
    assert_eq!((past[1].saved_by.as_str(), past[1].run.as_deref()), ("bo", Some("sha256:bb")));
}

fn a_save_at_another_revision_is_a_conflict_and_writes_nothing(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    let theirs = terms("10");
    store.save(&Save { saved_by: "bo", run: "sha256:bb", ..save_of(&theirs, 1) }).unwrap();
    for expected in [0, 1, 3, u64::MAX] {
        assert_eq!(
            save(&mut *store, "14", expected),
            Saved::Conflict { revision: 2, saved_by: "bo".into(), saved_at: AT.into() }
        );
    }
    assert_eq!(only(&mut *store).settings, theirs);
    assert_eq!(history(&mut *store).len(), 2);
}

fn a_category_that_was_never_saved_conflicts_at_any_revision_but_0(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!(
        save(&mut *store, "30", 7),
        Saved::Conflict { revision: 0, saved_by: String::new(), saved_at: String::new() }
    );
    assert!(store.read(None).unwrap().is_empty());
}

fn an_interrupted_run_finds_its_own_saves(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!(store.begin(RUN, AT, "ann", Origin::default()).unwrap(), Run::New);
    save(&mut *store, "30", 0);
    drop(store); // the process dies before it hears of the save
    let mut store = place.open();
    assert_eq!(store.begin(RUN, AT, "ann", Origin::default()).unwrap(), Run::Resumed);
    assert_eq!(save(&mut *store, "30", 0), Saved::Already { revision: 1 });
    assert_eq!(history(&mut *store).len(), 1);
    // Somebody saves: the run's own save is no longer what is deployed.
    store.save(&Save { run: "sha256:bb", ..save_of(&terms("30"), 1) }).unwrap();
    assert!(matches!(save(&mut *store, "30", 0), Saved::Conflict { revision: 2, .. }));
}

fn a_run_does_not_take_other_settings_for_its_own(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    assert!(matches!(save(&mut *store, "14", 0), Saved::Conflict { revision: 1, .. }));
}

fn a_run_does_not_take_an_edit_by_hand_for_its_own(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    edit(place, "14");
    edit(place, "30");
    assert!(matches!(save(&mut *store, "30", 0), Saved::Conflict { revision: 3, .. }));
}

fn a_plan_is_new_once_then_resumed_then_finished(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!(store.begin(RUN, AT, "ann", Origin::default()).unwrap(), Run::New);
    assert_eq!(store.begin("sha256:bb", AT, "bo", Origin::default()).unwrap(), Run::New);
    assert_eq!(store.begin(RUN, "2026-12-01T09:31:00Z", "bo", Origin::default()).unwrap(), Run::Resumed);
    store.finish(RUN, "2026-12-01T09:32:00Z").unwrap();
    store.finish(RUN, "2026-12-01T09:33:00Z").unwrap();
    let finished = Run::Finished { at: "2026-12-01T09:32:00Z".into() };
    assert_eq!(store.begin(RUN, AT, "ann", Origin::default()).unwrap(), finished);
    assert_eq!(place.open().begin(RUN, AT, "ann", Origin::default()).unwrap(), finished);
    assert_eq!(store.begin("sha256:bb", AT, "bo", Origin::default()).unwrap(), Run::Resumed);
}

fn a_plan_that_was_never_begun_cannot_be_finished(place: &dyn Place) {
    let error = place.open().finish(RUN, AT).unwrap_err().to_string();
    assert!(error.contains(RUN), "{error}");
}

fn reading_some_integrations_is_sorted_and_complete(place: &dyn Place) {
    let mut store = place.open();
    let value = terms("30");
    for integration in ["b", "a", "c", "B"] {
        for category in ["stock", "article"] {
            store.save(&Save { integration, category, ..save_of(&value, 0) }).unwrap();
        }
    }
    let mut names = |integrations: Option<&[String]>| -> Vec<String> {
        let found = store.read(integrations).unwrap();
        found.into_iter().map(|deployed| format!("{}/{}", deployed.integration, deployed.category)).collect()
    };
    let all =
        ["B/article", "B/stock", "a/article", "a/stock", "b/article", "b/stock", "c/article", "c/stock"];
    assert_eq!(names(None), all);
    assert_eq!(
        names(Some(&["c".into(), "a".into(), "c".into(), "zzz".into()])),
        [all[2], all[3], all[6], all[7]]
    );
    assert!(names(Some(&[])).is_empty());
}

fn thousands_of_names_can_be_read(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    let mut names: Vec<String> = (0..50_000).map(|number| format!("shop-{number}")).collect();
    assert!(store.read(Some(&names)).unwrap().is_empty());
    names.push("nordic-outdoor".into());
    assert_eq!(store.read(Some(&names)).unwrap().len(), 1);
}

fn resets_are_kept_in_applied_and_never_in_settings(place: &dyn Place) {
    let mut store = place.open();
    let asked = settings(json!({"map": {"Klarna": null, "Swish": "0"}}));
    store.save(&save_of(&asked, 0)).unwrap();
    let now = only(&mut *store);
    assert_eq!(now.applied, asked);
    assert_eq!(now.settings, settings(json!({"map": {"Swish": "0"}})));
    assert_eq!(store.save(&save_of(&asked, 0)).unwrap(), Saved::Already { revision: 1 });
    place.by_hand(r#"UPDATE category SET settings = '{"map":{"Swish":null}}'"#).unwrap();
    assert_eq!(only(&mut *store).settings, Settings::new());
}

fn a_secret_is_kept_as_reference_and_fingerprint(place: &dyn Place) {
    let mut store = place.open();
    let fingerprint = model::value::fingerprint(store.fingerprint_key(), b"canary");
    let path: SettingPath = ["shopify", "connections", "production", "access_token"].iter().collect();
    for fingerprint in [Some(fingerprint), None] {
        let secret = Value::Secret(Secret { reference: "env/TOKEN".into(), fingerprint });
        let asked = Settings::from([(path.clone(), secret)]);
        let revision = store.read(None).unwrap().first().map_or(0, |now| now.revision);
        store.save(&save_of(&asked, revision)).unwrap();
        assert_eq!(only(&mut *store).settings, asked);
    }
}

fn names_and_texts_are_data(place: &dyn Place) {
    let mut store = place.open();
    let odd = "x'; DROP TABLE category; -- \u{0} \"å\" %_\\ \u{1f600}";
    let asked = Settings::from([([odd, "", "a.b"].iter().collect(), Value::Text(odd.into()))]);
    let request = Save {
        integration: odd,
        category: odd,
        saved_by: odd,
        commit: Some(odd),
        run: odd,
        ..save_of(&asked, 0)
    };
    store.save(&request).unwrap();
    let now = store.read(Some(&[odd.to_owned()])).unwrap().remove(0);
    assert_eq!((now.integration.as_str(), now.category.as_str(), now.saved_by.as_str()), (odd, odd, odd));
    assert_eq!(now.settings, asked);
    assert_eq!(store.history(odd, odd).unwrap()[0].run.as_deref(), Some(odd));
}

fn edit(place: &dyn Place, days: &str) {
    let document = model::canonical(&terms(days));
    let sql = format!("UPDATE category SET settings = '{document}' WHERE category = 'payment_methods'");
    assert_eq!(place.by_hand(&sql), Ok(1));
}

fn an_edit_by_hand_is_a_save_of_its_own(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    edit(place, "14");
    let now = only(&mut *store);
    assert_eq!((now.revision, now.saved_by.as_str(), now.commit), (2, "outside pairform", None));
    assert_eq!((now.settings, now.applied), (terms("14"), terms("30")));
    assert!(
        now.saved_at.len() == 20 && now.saved_at.ends_with('Z') && now.saved_at != AT,
        "{}",
        now.saved_at
    );

    let past = history(&mut *store);
    assert_eq!(past.len(), 2);
    assert_eq!((past[1].revision, &past[1].settings, &past[1].run), (2, &Ok(terms("14")), &None));
    assert_eq!(past[1].saved_at, now.saved_at);

    edit(place, "10");
    assert_eq!(
        save(&mut *store, "30", 2),
        Saved::Conflict {
            revision: 3,
            saved_by: "outside pairform".into(),
            saved_at: only(&mut *store).saved_at
        }
    );
    assert_eq!(save(&mut *store, "30", 3), Saved::Saved { revision: 4 });
    assert_eq!(only(&mut *store).saved_by, "ann");
    assert_eq!(history(&mut *store).len(), 4);
}

fn an_edit_by_hand_that_counts_up_itself_is_noticed_too(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    place.by_hand(r#"UPDATE category SET settings = '{"a":1}', revision = revision + 1"#).unwrap();
    let now = only(&mut *store);
    assert_eq!((now.saved_by.as_str(), now.commit), ("outside pairform", None));
    assert!(now.revision > 1);
    assert_eq!(history(&mut *store).last().unwrap().revision, now.revision);
    assert_eq!(save(&mut *store, "30", now.revision), Saved::Saved { revision: now.revision + 1 });
}

fn an_edit_of_nothing_is_no_save(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    edit(place, "30");
    assert_eq!((only(&mut *store).revision, only(&mut *store).saved_by.as_str()), (1, "ann"));
}

fn a_row_inserted_by_hand_is_noticed(place: &dyn Place) {
    let mut store = place.open();
    let sql = r#"INSERT INTO category (integration, category, settings)
                 VALUES ('nordic-outdoor', 'payment_methods', '{"a":1}')"#;
    place.by_hand(sql).unwrap();
    let now = only(&mut *store);
    assert_eq!((now.revision, now.saved_by.as_str(), now.commit), (1, "outside pairform", None));
    assert_eq!((now.settings, now.applied), (settings(json!({"a": 1})), Settings::new()));
    assert_eq!(history(&mut *store).len(), 1);
    assert_eq!(save(&mut *store, "30", 1), Saved::Saved { revision: 2 });
}

fn a_row_deleted_by_hand_is_gone_and_its_revisions_are_not_used_again(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    save(&mut *store, "14", 1);
    assert!(store.deleted(Some(&["nordic-outdoor".into()])).unwrap().is_empty());
    place.by_hand("DELETE FROM category").unwrap();
    assert!(store.read(None).unwrap().is_empty());
    let gone = store.deleted(Some(&["another".into(), "nordic-outdoor".into()])).unwrap();
    assert_eq!(
        gone.iter().map(|gone| (gone.category.as_str(), gone.revision)).collect::<Vec<_>>(),
        [("payment_methods", 3)]
    );
    let past = history(&mut *store);
    assert_eq!((past[2].revision, past[2].saved_by.as_str()), (3, "outside pairform"));
    assert_eq!((&past[2].settings, &past[1].settings), (&Ok(Settings::new()), &Ok(terms("14"))));
    assert_eq!(
        save(&mut *store, "30", 2),
        Saved::Conflict {
            revision: 0,
            saved_by: "outside pairform".into(),
            saved_at: past[2].saved_at.clone()
        }
    );
    assert_eq!(save(&mut *store, "30", 0), Saved::Saved { revision: 4 });
    assert!(store.deleted(Some(&["nordic-outdoor".into()])).unwrap().is_empty());
    assert_eq!(save(&mut *store, "30", 0), Saved::Already { revision: 4 });
    assert_eq!(save(&mut *store, "10", 4), Saved::Saved { revision: 5 });
    assert_eq!(history(&mut *store).iter().map(|past| past.revision).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

fn the_history_only_grows(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    for sql in ["UPDATE history SET saved_by = 'nobody'", "DELETE FROM history"] {
        let error = place.by_hand(sql).unwrap_err();
        assert!(error.contains("append-only"), "{error}");
    }
    assert_eq!(history(&mut *store)[0].saved_by, "ann");
}

fn what_cannot_be_used_stays_in_the_history_and_harms_nothing_else(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let wrong = [r#"{"safety_stock":1e999}"#, r#"{"name":"\ud800"}"#, &deep];
    let mut refused = 0;
    for wrong in wrong {
        // What a store does not take at all is no fault of its history.
        let taken = place.by_hand(&format!("UPDATE category SET settings = '{wrong}'")).is_ok();
        refused += usize::from(!taken);
        if !taken {
            continue;
        }
        // While it is deployed it is said which row it is; a save of it is a conflict like any other.
        assert!(store.read(None).unwrap_err().to_string().contains("`payment_methods`"));
        assert!(matches!(save(&mut *store, "14", 99), Saved::Conflict { revision: 2.., .. }));
        edit(place, "10");
        let past = history(&mut *store);
        let unusable = past[past.len() - 2].settings.as_ref().unwrap_err();
        assert!(unusable.text == wrong && unusable.why.contains("`settings`"), "{unusable:?}");
        assert_eq!(past.last().unwrap().settings, Ok(terms("10")));
        assert_eq!(past[0].settings, Ok(terms("30")));
        edit(place, "11");
    }
    assert!(refused < 2, "too little was tried");
    assert_eq!(store.records().unwrap().len(), history(&mut *store).len());
}

/// Saves, reading the revision anew after each conflict, as often as `times`; how many saves were accepted.
fn contend(place: &dyn Place, category: &str, writer: usize, times: usize) -> u64 {
    let mut store = place.open();
    let (by, run) = (format!("writer-{writer}"), format!("run-{writer}"));
    let mut revision = 0;
    let mut saved = 0;
    for turn in 0..times {
        let asked = settings(json!({"writer": writer, "turn": turn}));
        let request = Save { category, saved_by: &by, run: &run, ..save_of(&asked, revision) };
        match store.save(&request).unwrap() {
            Saved::Saved { revision: now } => {
                assert!(now > revision);
                revision = now;
                saved += 1;
            }
            Saved::Conflict { revision: now, .. } => revision = now,
            other => panic!("{other:?}"),
        }
    }
    saved
}

fn no_update_is_lost(place: &dyn Place, writers: usize) {
    drop(place.open());
    let categories = ["article", "stock"];
    let accepted: Vec<[u64; 2]> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                scope.spawn(move || categories.map(|category| contend(place, category, writer, 15)))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut store = place.open();
    for (at, now) in store.read(None).unwrap().into_iter().enumerate() {
        let sum: u64 = accepted.iter().map(|saved| saved[at]).sum();
        assert_eq!(now.revision, sum, "{}", now.category);
        let past = store.history(&now.integration, &now.category).unwrap();
        assert!(past.iter().map(|past| past.revision).eq(1..=sum));
        assert_eq!(past.last().unwrap().settings, Ok(now.settings));
    }
}

fn two_threads_lose_no_update(place: &dyn Place) {
    no_update_is_lost(place, 2);
}

fn eight_threads_lose_no_update(place: &dyn Place) {
    no_update_is_lost(place, 8);
}

fn eight_threads_make_one_store(place: &dyn Place) {
    let identities: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(move || place.open().identity().to_owned())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(identities.iter().all(|identity| *identity == identities[0]), "{identities:?}");
}

fn a_finished_save_is_seen_by_every_connection(place: &dyn Place) {
    let mut writer = place.open();
    let mut reader = place.open_existing().unwrap();
    for revision in 0..5 {
        save(&mut *writer, "30", revision);
        assert_eq!(only(&mut *reader).revision, revision + 1);
    }
}

fn ask(owner: &str) -> Ask<'_> {
    Ask {
        integration: "nordic-outdoor",
        owner,
        holder: "machine/1",
        reason: "apply",
        seconds: 600,
        over: None,
    }
}

fn taken(store: &mut dyn Store, ask: &Ask<'_>) -> Lock {
    match store.lock(ask).unwrap() {
        Asked::Taken(lock) => lock,
        Asked::Held(lock) => panic!("{lock:?}"),
    }
}

fn a_lock_is_held_by_one_until_it_is_released(place: &dyn Place) {
    let (mut ann, mut bo) = (place.open(), place.open());
    let first = taken(&mut *ann, &ask("ann"));
    assert_eq!((first.integration.as_str(), first.owner.as_str(), first.token), ("nordic-outdoor", "ann", 1));
    assert!(first.expires_at > first.taken_at && first.expires_at.ends_with('Z'), "{first:?}");
    assert_eq!(bo.lock(&ask("bo")).unwrap(), Asked::Held(first.clone()));
    assert_eq!(bo.locks().unwrap(), std::slice::from_ref(&first));
    taken(&mut *bo, &Ask { integration: "other", ..ask("bo") });

    assert_eq!(bo.unlock("nothing").unwrap(), None);
    assert_eq!(bo.unlock(&first.id).unwrap().as_ref(), Some(&first));
    assert_eq!(ann.unlock(&first.id).unwrap(), None);
    let second = taken(&mut *bo, &ask("bo"));
    assert_eq!(second.token, 2);
    assert_ne!(second.id, first.id);
    // Who lost a lock cannot release the next one's.
    assert_eq!(ann.unlock(&first.id).unwrap(), None);
    assert_eq!(ann.locks().unwrap().len(), 2);
}

fn a_lock_that_expired_or_whose_holder_is_dead_is_taken_over(place: &dyn Place) {
    let mut store = place.open();
    taken(&mut *store, &Ask { seconds: 0, ..ask("ann") });
    let second = taken(&mut *store, &ask("bo"));
    assert_eq!((second.owner.as_str(), second.token), ("bo", 2));
    assert!(matches!(store.lock(&Ask { over: Some("another"), ..ask("ann") }).unwrap(), Asked::Held(_)));
    let third = taken(&mut *store, &Ask { over: Some(&second.id), ..ask("ann") });
    assert_eq!((third.owner.as_str(), third.token), ("ann", 3));
}

fn a_lock_that_is_renewed_lasts_on_and_one_that_was_lost_does_not_come_back(place: &dyn Place) {
    let mut store = place.open();
    let first = taken(&mut *store, &Ask { seconds: 0, ..ask("ann") });
    let other = taken(&mut *store, &Ask { integration: "other", seconds: 0, ..ask("ann") });
    let nothing = Lock { id: "nothing".to_owned(), ..other.clone() };
    store.renew_all(&[&first, &nothing], 600).unwrap();
    let Asked::Held(held) = store.lock(&ask("bo")).unwrap() else { panic!("it was renewed") };
    assert!(held.expires_at > first.expires_at, "{held:?}");
    assert_eq!(held, Lock { expires_at: held.expires_at.clone(), ..first.clone() });
    // The other was not, and is gone for good once somebody else has it.
    let theirs = taken(&mut *store, &Ask { integration: "other", ..ask("bo") });
    store.renew_all(&[&first, &other], 600).unwrap();
    assert!(store.locks().unwrap().contains(&theirs));
    assert_eq!(store.unlock_all(&[&first, &other]).unwrap().len(), 1);
    store.renew_all(&[&first], 600).unwrap();
    taken(&mut *store, &ask("bo"));
}

fn ten_threads_take_one_lock_in_turn(place: &dyn Place) {
    drop(place.open());
    let held = std::sync::atomic::AtomicUsize::new(0);
    let tokens: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    let mut store = place.open();
                    let lock = loop {
                        match store.lock(&ask("ann")).unwrap() {
                            Asked::Taken(lock) => break lock,
                            Asked::Held(_) => std::thread::sleep(Duration::from_millis(2)),
                        }
                    };
                    assert_eq!(held.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0, "one at a time");
                    held.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    assert!(store.unlock(&lock.id).unwrap().is_some());
                    lock.token
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let sorted: std::collections::BTreeSet<u64> = tokens.into_iter().collect();
    assert!(sorted.into_iter().eq(1..=10));
}

fn a_save_without_its_lock_writes_nothing(place: &dyn Place) {
    let mut store = place.open();
    let asked = terms("30");
    let fenced = |expected, token| Save { fence: Some(token), ..save_of(&asked, expected) };
    assert_eq!(store.save(&fenced(0, 1)).unwrap(), Saved::LockLost);
    let lock = taken(&mut *store, &ask("ann"));
    assert_eq!(store.save(&fenced(0, lock.token)).unwrap(), Saved::Saved { revision: 1 });
    let other = Save { run: "sha256:bb", ..fenced(1, lock.token) };
    assert_eq!(store.save(&other).unwrap(), Saved::Saved { revision: 2 });

    let next = taken(&mut *store, &Ask { over: Some(&lock.id), ..ask("bo") });
    assert_eq!(store.save(&Save { run: "sha256:cc", ..fenced(2, lock.token) }).unwrap(), Saved::LockLost);
    store.unlock(&next.id).unwrap();
    assert_eq!(store.save(&Save { run: "sha256:cc", ..fenced(2, next.token) }).unwrap(), Saved::LockLost);
    assert_eq!(only(&mut *store).revision, 2);
}

fn what_the_reconciler_keeps_is_written_under_its_lease_alone(place: &dyn Place) {
    use store::{Behind, LastCommit, Matter, Reconciled, Reconciling, Seen};
    let mut store = place.open();
    let reconcile = |seconds| Ask { integration: "reconcile:production", seconds, ..ask("one") };
    let lost = taken(&mut *store, &reconcile(0));
    let lease = taken(&mut *store, &reconcile(60));
    let asked = terms("30");
    // A save proves the lease beside its lock.
    let fence = taken(&mut *store, &ask("ann")).token;
    let leased =
        |expected, lease| Save { fence: Some(fence), lease: Some(lease), ..save_of(&asked, expected) };
    assert_eq!(store.save(&leased(0, &lost)).unwrap(), Saved::LockLost);
    assert_eq!(store.save(&leased(0, &lease)).unwrap(), Saved::Saved { revision: 1 });
    let other = Save { run: "sha256:bb", commit: Some("beef"), ..leased(1, &lease) };
    assert_eq!(store.save(&Save { lease: Some(&lost), ..other.clone() }).unwrap(), Saved::LockLost);
    assert_eq!(store.save(&other).unwrap(), Saved::Saved { revision: 2 });
    let by_hand = Save { run: "sha256:cc", commit: None, lease: None, ..leased(2, &lease) };
    assert_eq!(store.save(&by_hand).unwrap(), Saved::Saved { revision: 3 });
    let names = ["nordic-outdoor".to_owned(), "nobody".to_owned()];
    let last = store.last_commits(&names).unwrap();
    let [LastCommit { integration, category, commit, number }] = last.as_slice() else { panic!("{last:?}") };
    assert_eq!((&**integration, &**category, &**commit), ("nordic-outdoor", "payment_methods", "beef"));
    assert!(*number < store.last_number().unwrap());

    let now = Reconciled {
        environment: "production".to_owned(),
        commit: "beef".to_owned(),
        number: 2,
        accepts: 4,
        at: AT.to_owned(),
        document: "{\"a\": 'b'\u{e5}}".to_owned(),
    };
    let behind = |category: &str, seen: Option<(&str, u64, u64)>| Behind {
        integration: "nordic-outdoor".to_owned(),
        category: category.to_owned(),
        seen: seen.map(|(commit, number, accepts)| Seen { commit: commit.to_owned(), number, accepts }),
    };
    let matter = |id: &str, closed: Option<&str>| Matter {
        id: id.to_owned(),
        opened_at: AT.to_owned(),
        updated_at: AT.to_owned(),
        closed_at: closed.map(str::to_owned),
        document: "{}".to_owned(),
        told: String::new(),
    };
    let write = Reconciling {
        environment: "production".to_owned(),
        reconciled: Some(now.clone()),
        behind: vec![behind("stock", Some(("c0ffee", 1, 3))), behind("order", None)],
        matters: vec![matter("drift/b", None), matter("drift/a", None)],
        ..Reconciling::default()
    };
    assert!(!store.note_reconciled(&lost, &write).unwrap());
    assert_eq!(
        (store.reconciled("production").unwrap(), store.matters("production").unwrap().len()),
        (None, 0)
    );
    assert!(store.note_reconciled(&lease, &write).unwrap());
    assert_eq!(store.reconciled("production").unwrap(), Some(now.clone()));
    assert_eq!(store.reconciled("").unwrap(), None, "each environment has its own");
    let found = store.behind("production").unwrap();
    assert_eq!(found, [behind("order", None), behind("stock", Some(("c0ffee", 1, 3)))]);
    assert_eq!(store.matters("production").unwrap(), [matter("drift/a", None), matter("drift/b", None)]);

    let next = Reconciling {
        environment: "production".to_owned(),
        reconciled: Some(Reconciled { number: 3, accepts: 5, ..now.clone() }),
        behind: vec![behind("stock", None)],
        caught_up: vec![("nordic-outdoor".to_owned(), "order".to_owned())],
        matters: vec![matter("drift/a", Some(AT))],
        forgotten: vec!["drift/b".to_owned()],
    };
    assert!(store.note_reconciled(&lease, &next).unwrap());
    let mut read = place.open_existing().unwrap();
    assert_eq!(read.reconciled("production").unwrap().map(|now| (now.number, now.accepts)), Some((3, 5)));
    assert_eq!(read.behind("production").unwrap(), [behind("stock", None)]);
    assert_eq!(read.matters("production").unwrap(), [matter("drift/a", Some(AT))]);
    store.unlock(&lease.id).unwrap();
    assert!(!store.note_reconciled(&lease, &next).unwrap(), "it was given back");
}

fn records_and_notes_are_in_order_and_kept(place: &dyn Place) {
    let mut store = place.open();
    let asked = terms("30");
    for (integration, category, expected) in [("b", "stock", 0), ("a", "stock", 0), ("b", "stock", 1)] {
        let run = format!("run-{integration}-{expected}");
        let request = Save { integration, category, run: &run, ..save_of(&asked, expected) };
        assert!(matches!(store.save(&request).unwrap(), Saved::Saved { .. }));
    }
    let order: Vec<(String, u64)> = store
        .records()
        .unwrap()
        .into_iter()
        .map(|record| (record.integration, record.past.revision))
        .collect();
    assert_eq!(order, [("b".into(), 1), ("a".into(), 1), ("b".into(), 2)]);

    let note = |at: &str, kind: &str, text: &str| Note {
        at: at.into(),
        by: "ann".into(),
        kind: kind.into(),
        text: text.into(),
        run: Some(RUN.into()),
    };
    // A clock may have gone back.
    let (later, now, before) =
        (note(AT, "force", "one"), note(AT, "hold", "two"), note("2026-11-01T00:00:00Z", "force", "three"));
    let all = [later.clone(), now.clone(), before.clone()];
    for note in &all {
        store.note(note).unwrap();
    }
    assert_eq!(store.notes().unwrap(), all);
    assert_eq!(store.notes_of(&["force"], "").unwrap(), [later.clone(), before]);
    assert_eq!(store.notes_of(&["force", "hold"], AT).unwrap(), [later.clone(), now.clone()]);
    assert_eq!(store.notes_of(&[], AT).unwrap(), [later, now.clone()]);
    assert_eq!(store.notes_of(&["hold", "no such kind"], "").unwrap(), [now]);
    assert_eq!(store.notes_of(&["it's"], "").unwrap(), []);
    for sql in ["UPDATE note SET text = ''", "DELETE FROM note"] {
        assert!(place.by_hand(sql).unwrap_err().contains("append-only"));
    }
}

fn rules(environment: &str, document: &str, commit: Option<&str>) -> Rules {
    Rules {
        environment: environment.into(),
        digest: model::digest_text(document),
        document: document.into(),
        recorded_by: "ann \0 🦊".into(),
        recorded_at: AT.into(),
        commit: commit.map(str::to_owned),
        dirty: false,
        run: Some(RUN.into()),
        at_once: false,
    }
}

fn record_rules(store: &mut dyn Store, rules: Rules) {
    store.record(&Recording { rules: Some(rules), ..Recording::default() }).unwrap();
}

fn recorded_rules_only_grow_and_those_of_a_commit_do_not_count_for_it(place: &dyn Place) {
    let mut store = place.open();
    assert!(store.last_rules(Some("a1")).unwrap().is_empty());
    let all = [
        rules("production", "one", Some("a1")),
        rules("test", "other", Some("a1")),
        rules("production", "two", Some("b2")),
        Rules { dirty: true, ..rules("production", "three", Some("c3")) },
        rules("production", "four", None),
        rules("production", "five", Some("d4")),
        Rules { at_once: true, run: None, ..rules("production", "six", Some("e5")) },
    ];
    let mut kept: Vec<Rules> = Vec::new();
    for one in all {
        record_rules(&mut *store, one.clone());
        kept.push(one);
        assert_eq!(store.rules().unwrap(), kept);
        for commit in [None, Some("a1"), Some("b2"), Some("c3"), Some("d4"), Some("e5"), Some("f6")] {
            // By the definition, over all that there is: the last of each kind, and of all that count for a tree.
            let kind = |one: &Rules| {
                (
                    one.environment.clone(),
                    commit.is_some() && one.commit.as_deref() == commit,
                    one.dirty,
                    one.at_once,
                )
            };
            let is_last = |at: &usize| kept[at + 1..].iter().all(|later| kind(later) != kind(&kept[*at]));
            let expected: Vec<usize> = (0..kept.len()).filter(is_last).collect();
            for environment in ["production", "test"] {
                for dirty in [false, true] {
                    let counts = |one: &Rules| one.environment == environment && one.count_for(commit, dirty);
                    assert!(kept.iter().rposition(counts).is_none_or(|at| expected.contains(&at)));
                }
            }
            let expected: Vec<Rules> = expected.into_iter().map(|at| kept[at].clone()).collect();
            assert_eq!(store.last_rules(commit).unwrap(), expected, "{commit:?}");
        }
    }
    let is_own = rules("production", "five", Some("d4"));
    assert!(
        !is_own.count_for(Some("d4"), false)
            && is_own.count_for(Some("e5"), false)
            && is_own.count_for(None, false)
    );
    let of_tree = Rules { dirty: true, ..is_own.clone() };
    assert!(
        is_own.count_for(Some("d4"), true)
            && of_tree.count_for(Some("d4"), false)
            && !of_tree.count_for(Some("d4"), true)
    );
    for sql in ["UPDATE rules SET document = ''", "DELETE FROM rules"] {
        assert!(place.by_hand(sql).unwrap_err().contains("append-only"));
    }
    assert_eq!(place.open_existing().unwrap().rules().unwrap(), kept);
}

fn said(integration: &str, settings: &Document) -> Said {
    Said {
        integration: integration.into(),
        environment: "production".into(),
        pair: "fortnox-shopify".into(),
        facts: r#"{"flows":["orders"],"unmanaged":[]}"#.into(),
        schema: "sha256:00".into(),
        settings: settings.digest.clone(),
        said_at: AT.into(),
        commit: Some("c0ffee".into()),
        dirty: true,
    }
}

fn what_the_files_said_is_kept_once_and_read_back(place: &dyn Place) {
    let mut store = place.open();
    let (one, two) = (Document::of("one").unwrap(), Document::of("zwei \0 🦊").unwrap());
    let source = |path: &str, document: &Document| (path.to_owned(), document.digest.clone());
    let recording = Recording {
        documents: vec![one.clone(), two.clone(), one.clone()],
        said: vec![said("b", &one), said("a", &two)],
        sources: vec![source("options/fortnox/1.lock.yaml", &one)],
        ..Recording::default()
    };
    assert!(Recording::default().is_empty() && !recording.is_empty());
    for _ in 0..2 {
        store.record(&recording).unwrap();
        assert_eq!(store.said(None).unwrap(), [said("a", &two), said("b", &one)]);
        assert_eq!(store.sources().unwrap(), recording.sources);
        for (document, text) in [(&one, "one"), (&two, "zwei \0 🦊")] {
            assert_eq!(store.document(&document.digest).unwrap().as_deref(), Some(text));
        }
    }
    assert_eq!(store.document("sha256:00").unwrap(), None);
    assert_eq!(store.said(Some(&["b".into(), "c".into()])).unwrap(), [said("b", &one)]);
    let later = Recording {
        said: vec![said("b", &two)],
        unsaid: vec!["a".into()],
        sources: vec![source("schemas/categories/x.yaml", &two)],
        sources_gone: vec!["options/fortnox/1.lock.yaml".into()],
        ..Recording::default()
    };
    store.record(&later).unwrap();
    assert_eq!(store.said(None).unwrap(), [said("b", &two)]);
    assert_eq!(store.sources().unwrap(), later.sources);
    assert_eq!(place.by_hand("DELETE FROM document"), Ok(2), "no text is there twice");
}

fn a_document_that_was_changed_is_refused(place: &dyn Place) {
    let mut store = place.open();
    let (one, two) = (Document::of("one").unwrap(), Document::of("two").unwrap());
    let documents = vec![one.clone(), two];
    store.record(&Recording { documents, ..Recording::default() }).unwrap();
    let sql = format!(
        "UPDATE document SET packed = (SELECT packed FROM document WHERE digest <> '{0}') WHERE digest = '{0}'",
        one.digest
    );
    place.by_hand(&sql).unwrap();
    let refused = store.document(&one.digest).unwrap_err().to_string();
    assert!(refused.contains("was changed after it was recorded"), "{refused}");
}

/// Scalars, lists and nested objects; what a category's document may hold, resets aside.
fn a_save_knows_who_wrote_its_commit(place: &dyn Place) {
    let mut store = place.open();
    let origin = Origin { author: Some("bo"), dirty: true };
    store.begin(RUN, AT, "ann", origin).unwrap();
    save(&mut *store, "30", 0);
    let past = history(&mut *store).remove(0);
    assert_eq!((past.saved_by.as_str(), past.author.as_deref(), past.dirty), ("ann", Some("bo"), true));
    assert_eq!(store.records().unwrap()[0].past, past);
    // What was saved outside any run has no author.
    edit(place, "14");
    let past = history(&mut *store).remove(1);
    assert_eq!((past.author, past.dirty), (None, false));
}

/// A program of before that reconciles beside this one knows of no acceptances; nor has its store any, which is read as it is.
fn what_the_reconciler_kept_before_is_read_as_it_is(place: &dyn Place) {
    use store::Seen;
    let mut store = place.open();
    for sql in [
        "INSERT INTO reconciled (environment, commit_id, number, at, document) VALUES ('', 'beef', 1, '', '{}')",
        "INSERT INTO behind (environment, integration, category, commit_id, number) VALUES ('', 'shop', 'stock', 'c0ffee', 1)",
    ] {
        place.by_hand(sql).unwrap();
    }
    let read = |store: &mut dyn Store| {
        let now = store.reconciled("").unwrap().unwrap();
        let behind = store.behind("").unwrap();
        assert_eq!((&*now.commit, now.number, now.accepts), ("beef", 1, 0));
        let seen = Seen { commit: "c0ffee".to_owned(), number: 1, accepts: 0 };
        assert_eq!((behind.len(), &behind[0].seen), (1, &Some(seen)));
    };
    read(&mut *store);
    drop(store);
    for sql in [
        "ALTER TABLE reconciled DROP COLUMN accepts",
        "ALTER TABLE behind DROP COLUMN accepts",
        "DELETE FROM migration WHERE number = (SELECT max(number) FROM migration)",
    ] {
        place.by_hand(sql).unwrap();
    }
    read(&mut *place.open_existing().unwrap());
    store::upgrade(&place.url()).unwrap();
    read(&mut *place.open_existing().unwrap());
}

fn an_older_layout_is_brought_up_to_date_by_whoever_writes(place: &dyn Place) {
    save(&mut *place.open(), "30", 0);
    // Each store drops what its triggers do in its own words.
    for [sqlite, postgres] in [
        ["DROP TRIGGER integration_of_category", "DROP FUNCTION note_integration CASCADE"],
        ["DROP TRIGGER integration_renamed", "DROP FUNCTION note_pair CASCADE"],
        ["DROP TRIGGER shared_renamed", "DROP FUNCTION note_shared CASCADE"],
    ] {
        place.by_hand(sqlite).or_else(|_| place.by_hand(postgres)).unwrap();
    }
    for sql in [
        "ALTER TABLE run DROP COLUMN commit_author",
        "ALTER TABLE run DROP COLUMN commit_dirty",
        "DROP INDEX IF EXISTS category_heads",
        "DROP TABLE rules",
        "DROP TABLE document",
        "DROP TABLE said",
        "DROP TABLE source",
        "DROP INDEX history_of_run",
        "DROP INDEX note_of_kind",
        "DROP TABLE integration",
        "DROP TABLE token",
        "DROP TABLE sync",
        "DROP TABLE option_list",
        "DROP TABLE clearing",
        "DROP TABLE proposal",
        "DROP TABLE session",
        "DROP TABLE reconciled",
        "DROP TABLE behind",
        "DROP TABLE matter",
        "ALTER TABLE category DROP COLUMN settled",
        "ALTER TABLE category DROP COLUMN secrets",
        "ALTER TABLE category DROP COLUMN leaves",
        "DELETE FROM migration WHERE number > 2",
    ] {
        place.by_hand(sql).unwrap();
    }
    let refused = store::open_existing(&place.url());
    assert!(matches!(refused, Err(StoreError::Older { found: 2, known: 11 | 12, .. })));
    store::upgrade(&place.url()).unwrap();
    let mut store = place.open_existing().unwrap();
    assert_eq!(history(&mut *store).len(), 1);
    assert!(store.rules().unwrap().is_empty(), "it begins with what the files say");
    let known = store.integrations("", 10).unwrap();
    assert_eq!((known.len(), known[0].id.as_str(), known[0].made_by.as_str()), (1, "nordic-outdoor", "ann"));
}

fn a_rename_moves_what_is_deployed_and_leaves_the_history(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    let rename = Rename { from: "nordic-outdoor", to: "store", at: AT, by: "ann", run: RUN };
    assert_eq!(store.rename(&rename).unwrap(), Moved::Moved(1));
    let moved = only(&mut *store);
    assert_eq!((moved.integration.as_str(), moved.revision, moved.saved_by.as_str()), ("store", 1, "ann"));
    assert_eq!(history(&mut *store).len(), 1);
    assert_eq!(store.renames().unwrap().len(), 1);
    // What is there is never overwritten, and what is gone is nothing to move.
    save(&mut *store, "14", 0);
    assert_eq!(store.rename(&rename).unwrap(), Moved::Taken);
    assert_eq!(store.rename(&Rename { from: "none", to: "new", ..rename }).unwrap(), Moved::Moved(0));
    assert_eq!((store.renames().unwrap().len(), store.read(None).unwrap().len()), (1, 2));
    // A save goes on from the revision that was moved.
    let wanted = terms("10");
    let on = store.save(&Save { integration: "store", ..save_of(&wanted, 1) }).unwrap();
    assert_eq!(on, Saved::Saved { revision: 2 });
}

fn saves_together_are_judged_one_by_one(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    let (kept, late) = (terms("14"), terms("7"));
    let at = |integration, settings, revision| Save {
        integration,
        run: "sha256:bb",
        ..save_of(settings, revision)
    };
    let saves = [
        at("new-shop", &kept, 0),
        at("nordic-outdoor", &late, 0),
        at("nowhere", &kept, 3),
        at("other-shop", &kept, 0),
    ];
    let saved: Vec<Saved> = store.save_all(&saves).unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!((&saved[0], &saved[3]), (&Saved::Saved { revision: 1 }, &Saved::Saved { revision: 1 }));
    assert!(
        matches!(&saved[1], Saved::Conflict { revision: 1, saved_by, .. } if saved_by == "ann"),
        "{saved:?}"
    );
    assert!(matches!(saved[2], Saved::Conflict { revision: 0, .. }), "{saved:?}");
    // The same again finds its own, and goes on from them.
    let again = store.save_all(&[at("new-shop", &kept, 0), at("other-shop", &late, 1)]).unwrap();
    let again: Vec<Saved> = again.into_iter().map(Result::unwrap).collect();
    assert_eq!(again, [Saved::Already { revision: 1 }, Saved::Saved { revision: 2 }]);
    assert!(store.save_all(&[]).unwrap().is_empty());
    let names: Vec<String> = store.records().unwrap().into_iter().map(|record| record.integration).collect();
    assert_eq!(names, ["nordic-outdoor", "new-shop", "other-shop", "other-shop"]);
}

fn locks_together_leave_those_of_others(place: &dyn Place) {
    let (mut ann, mut bo) = (place.open(), place.open());
    let of = |integration, owner| Ask { integration, ..ask(owner) };
    let first = taken(&mut *bo, &of("b", "bo"));
    let asked = ann.lock_all(&[of("a", "ann"), of("b", "ann"), of("c", "ann")]).unwrap();
    let [Asked::Taken(a), Asked::Held(held), Asked::Taken(c)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((held, a.owner.as_str(), c.integration.as_str()), (&first, "ann", "c"));
    // A dead holder's is taken over beside the others.
    let over = Ask { over: Some(&first.id), ..of("b", "ann") };
    let asked = ann.lock_all(&[over, of("c", "cy")]).unwrap();
    assert!(
        matches!(&asked[..], [Asked::Taken(b), Asked::Held(_)] if b.token == first.token + 1),
        "{asked:?}"
    );
    let nothing = Lock { id: "nothing".to_owned(), ..first.clone() };
    let mut released = ann.unlock_all(&[c, &nothing, a]).unwrap();
    released.sort_by(|x, y| x.integration.cmp(&y.integration));
    assert_eq!(released, [a.clone(), c.clone()]);
    assert_eq!(ann.locks().unwrap().len(), 1);
}

/// What a head tells is what reading and comparing would tell, or that it is not known.
fn heads_tell_what_is_settled(place: &dyn Place) {
    let mut store = place.open();
    let secret = |fingerprint: Option<&str>| json!({"secret": "env/TOKEN", "fingerprint": fingerprint});
    let (one, two) = ("hmac-sha256:01", "hmac-sha256:02");
    // What is deployed, what the files said, what they say now, and whether that is settled.
    let cases = [
        (
            json!({"a": 1, "b": {"c": "x"}}),
            json!({"a": 1, "b": {"c": "x"}}),
            json!({"b": {"c": "x"}, "a": 1.0}),
            true,
        ),
        (json!({"a": 1, "clicked": 2}), json!({"a": 1}), json!({"a": 1}), true),
        (json!({"a": 1, "clicked": 2}), json!({"a": 1}), json!({"a": 1, "clicked": 2}), false),
        (json!({"a": 1}), json!({"a": 1}), json!({"a": 2}), false),
        (json!({"a": 1}), json!({"a": 1}), json!({}), false),
        (json!({"a": 1}), json!({"a": 2}), json!({"a": 2}), false),
        (json!({"a": 1}), json!({"a": 1, "b": null}), json!({"a": 1, "b": null}), true),
        (json!({"a": 1, "b": {"c": 1}}), json!({"a": 1, "b": null}), json!({"a": 1, "b": null}), false),
        (
            json!({"s": secret(Some(one))}),
            json!({"s": secret(Some(one))}),
            json!({"s": secret(Some(one))}),
            true,
        ),
        (
            json!({"s": secret(Some(one))}),
            json!({"s": secret(Some(one))}),
            json!({"s": secret(Some(two))}),
            false,
        ),
        (json!({"s": secret(Some(one))}), json!({"s": secret(Some(one))}), json!({"s": secret(None)}), true),
    ];
    for (number, (deployed, applied, desired, settled)) in cases.into_iter().enumerate() {
        let (deployed, applied) = (settings(deployed), settings(applied));
        let name = format!("case-{number:02}");
        let request = Save { integration: &name, applied: &applied, ..save_of(&deployed, 0) };
        store.save(&request).unwrap();
        let heads = store.heads(Some(std::slice::from_ref(&name))).unwrap();
        let [head] = heads.of(&name) else { panic!("{heads:?}") };
        assert_eq!((head.revision, head.settings), (1, deployed.len()));
        assert_eq!(head.is_up_to_date(Wanted::of(&settings(desired))), settled, "{name}");
    }
    assert_eq!(store.heads(None).unwrap().iter().count(), 11);
    // An edit by hand leaves nothing certain, however it goes about it.
    let said = settings(json!({"a": 1}));
    for (number, edit) in [
        "settings = '{\"a\":2}'",
        "settings = '{\"a\":2}', revision = revision + 1",
        "settings = '{\"a\":2}', revision = revision + 1, digest = 'sha256:00'",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("edited-{number}");
        store.save(&Save { integration: &name, applied: &said, ..save_of(&said, 0) }).unwrap();
        place.by_hand(&format!("UPDATE category SET {edit} WHERE integration = '{name}'")).unwrap();
        let heads = store.heads(Some(std::slice::from_ref(&name))).unwrap();
        assert!(!heads.of(&name)[0].is_up_to_date(Wanted::of(&said)), "{edit}");
    }
}

fn a_clock_that_was_set_back_mixes_nothing_up(place: &dyn Place) {
    let mut store = place.open();
    save(&mut *store, "30", 0);
    let later = terms("14");
    let back = Save { saved_at: "2026-06-01T00:00:00Z", run: "sha256:bb", ..save_of(&later, 1) };
    assert_eq!(store.save(&back).unwrap(), Saved::Saved { revision: 2 });
    let past: Vec<u64> = history(&mut *store).iter().map(|past| past.revision).collect();
    assert_eq!(past, [1, 2], "the order is that of the saves, not of the clock");
    assert_eq!(only(&mut *store).saved_at, "2026-06-01T00:00:00Z");
    let rename = Rename {
        from: "nordic-outdoor",
        to: "nordic",
        at: "2026-05-01T00:00:00Z",
        by: "ann",
        run: "sha256:cc",
    };
    assert_eq!(store.rename(&rename).unwrap(), store::Moved::Moved(1));
    let renames = store.renames().unwrap();
    for record in store.records().unwrap() {
        assert_eq!(store::name_now(&renames, &record.integration, &record.past.saved_at), "nordic");
    }
    // A lock that seems to be taken in time to come is held until it is released, and by its id it can be.
    let lock = taken(&mut *store, &ask("ann"));
    place
        .by_hand("UPDATE lock SET taken_at = '2099-01-01T00:00:00Z', expires_at = '2099-01-01T00:10:00Z'")
        .unwrap();
    assert!(matches!(store.lock(&ask("bo")).unwrap(), Asked::Held(_)));
    assert_eq!(store.unlock(&lock.id).unwrap().map(|lock| lock.id), Some(lock.id));
    taken(&mut *store, &ask("bo"));
}

/// All rows but the store's own, sorted.
fn all_rows(store: &mut dyn Store) -> Vec<(String, BTreeMap<String, Cell>)> {
    let mut all = Vec::new();
    store
        .dump(&mut |row| {
            all.push((row.table.to_owned(), row.columns.iter().cloned().zip(row.cells).collect()));
            Ok(())
        })
        .unwrap();
    all.sort_by_key(|row| format!("{row:?}"));
    all
}

fn a_copy_has_all_that_the_other_has_and_is_a_new_epoch(place: &dyn Place) {
    let mut store = place.open();
    let store = store.as_mut();
    store.begin(RUN, AT, "ann", Origin { author: Some("Karin \u{2400}\0"), dirty: true }).unwrap();
    save(store, "30", 0);
    save(store, "31", 1);
    edit(place, "32");
    place
        .by_hand("INSERT INTO category (integration, category, settings) VALUES ('gone', 'order', '{}')")
        .unwrap();
    place.by_hand("DELETE FROM category WHERE integration = 'gone'").unwrap();
    let note = |text: &str| Note {
        at: AT.into(),
        by: "ann".into(),
        kind: "force".into(),
        text: text.into(),
        run: None,
    };
    store.note(&note("why \0 not")).unwrap();
    record_rules(store, rules("", "{}", Some("c1")));
    let document = Document::of("one").unwrap();
    let recording = Recording {
        said: vec![said("shop", &document)],
        documents: vec![document],
        sources: vec![("options/a.yaml".to_owned(), "sha256:1".to_owned())],
        ..Recording::default()
    };
    store.record(&recording).unwrap();
    let lock = taken(store, &ask("ann"));

    let copied = SqlitePlace::new();
    let mut copy = copied.open();
    let (epoch, rows) = store::copy(store, copy.as_mut()).unwrap();
    let all = all_rows(store);
    assert_eq!((epoch, rows), (2, all.len()));
    assert!(rows > 12, "{all:?}");
    let mut copy = copied.open();
    assert_eq!(all_rows(copy.as_mut()), all);
    assert_eq!(copy.epoch().unwrap(), 2);
    assert_eq!(copy.fingerprint_key(), store.fingerprint_key());
    assert_ne!(copy.identity(), store.identity());
    let (own, was): (Vec<_>, Vec<_>) = (copy.feed(0, 100).unwrap(), store.feed(0, 100).unwrap());
    assert_eq!(own, was);

    // It goes on where the other was, and is copied back, past what the other saved meanwhile.
    save(copy.as_mut(), "33", 3);
    save(store, "44", 3);
    save(store, "45", 4);
    let identity = store.identity().to_owned();
    let (epoch, _) = store::copy(copy.as_mut(), store).unwrap();
    let mut store = place.open();
    assert_eq!((epoch, store.epoch().unwrap()), (3, 3));
    assert_eq!(store.identity(), identity);
    assert_eq!(all_rows(store.as_mut()), all_rows(copy.as_mut()));
    assert_eq!(only(store.as_mut()).settings, terms("33"));
    // Whoever worked in it has to begin anew, and what is saved by hand is still noticed.
    let settings = terms("50");
    let fenced = Save { fence: Some(lock.token), run: "sha256:bb", ..save_of(&settings, 4) };
    assert_eq!(store.save(&fenced).unwrap(), Saved::LockLost);
    edit(place, "34");
    assert_eq!(history(store.as_mut()).len(), history(copy.as_mut()).len() + 1);
    place.by_hand("DELETE FROM history").unwrap_err();
}

fn any_document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        any::<f64>()
            .prop_filter("JSON has no such number", |f| f.is_finite())
            .prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::hash_map(any::<String>(), inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    proptest::collection::hash_map(any::<String>(), value, 0..5)
        .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_settings_that_were_saved_are_read_back_equal(documents in proptest::collection::vec(any_document(), 1..4)) {
        let place = SqlitePlace::new();
        let mut store = place.open();
        for (revision, document) in documents.iter().enumerate() {
            let asked = model::from_json(document);
            let saved = store.save(&save_of(&asked, revision as u64)).unwrap();
            prop_assert_eq!(saved, Saved::Saved { revision: revision as u64 + 1 });
            let now = only(&mut *store);
            prop_assert_eq!(&now.settings, &asked);
            prop_assert_eq!(&now.applied, &asked);
            prop_assert_eq!(&history(&mut *store)[revision].settings, &Ok(asked));
        }
    }
}

// ---- the embedded store's file ---------------------------------------------------------------------------------------

/// Every file below a folder with its bytes.
fn listing(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(listing(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

fn refused(url: &str) -> (String, String) {
    let writing = store::open(url).err().expect("opening for writing is refused").to_string();
    let reading = store::open_existing(url).err().expect("opening for reading is refused").to_string();
    (writing, reading)
}

fn refused_saying(place: &SqlitePlace, words: &str) {
    let before = listing(place.folder.path());
    let (writing, reading) = refused(&place.url());
    let path = place.file().display().to_string();
    for message in [&writing, &reading] {
        assert!(message.contains(words) && message.contains(&path), "{message}");
    }
    assert_eq!(listing(place.folder.path()), before);
}

#[test]
fn a_url_must_name_a_sqlite_file() {
    for url in ["", "sqlite:", "state.db", "mysql:x", "sqlite://state.db"] {
        assert!(matches!(store::open(url), Err(StoreError::Url(_))), "{url}");
        assert!(matches!(store::open_existing(url), Err(StoreError::Url(_))), "{url}");
    }
}

#[test]
fn reading_writes_nothing() {
    let place = SqlitePlace::new();
    assert!(place.open_existing().is_none());
    assert!(listing(place.folder.path()).is_empty());

    save(&mut *place.open(), "30", 0);
    let before = listing(place.folder.path());
    assert_eq!(before.keys().collect::<Vec<_>>(), [&place.file()]);
    let mut reader = place.open_existing().unwrap();
    assert_eq!(only(&mut *reader).settings, terms("30"));
    assert_eq!(history(&mut *reader).len(), 1);
    assert_eq!(listing(place.folder.path()), before, "while it is open");
    let error = reader.save(&save_of(&terms("14"), 1)).unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    drop(reader);
    assert_eq!(listing(place.folder.path()), before);
}

#[test]
fn an_empty_file_is_no_store_yet() {
    let place = SqlitePlace::new();
    std::fs::write(place.file(), "").unwrap();
    assert!(place.open_existing().is_none());
    save(&mut *place.open(), "30", 0);
    assert!(place.open_existing().is_some());
}

#[test]
fn a_pairform_folder_keeps_itself_out_of_git() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a/.pairform");
    let url = format!("sqlite:{}/deep/test.db", home.display());
    assert!(store::open_existing(&url).unwrap().is_none());
    assert!(!home.exists());
    drop(store::open(&url).unwrap());
    assert_eq!(std::fs::read_to_string(home.join(".gitignore")).unwrap(), "*\n");

    // A folder that was there before is the user's.
    let theirs = folder.path().join("b/.pairform");
    std::fs::create_dir_all(&theirs).unwrap();
    drop(store::open(&format!("sqlite:{}/test.db", theirs.display())).unwrap());
    drop(store::open(&format!("sqlite:{}/c/test.db", folder.path().display())).unwrap());
    assert_eq!(std::fs::read_dir(theirs).unwrap().count(), 1);
    assert!(!folder.path().join("c/.gitignore").exists());
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = SqlitePlace::new();
    place.open();
    assert_eq!(std::fs::metadata(place.file()).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Says nothing when it is run by root, who may write everywhere.
#[cfg(unix)]
#[test]
fn a_store_that_may_not_be_written_can_be_read_and_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let place = SqlitePlace::new();
    save(&mut *place.open(), "30", 0);
    for (path, locked, open) in [(place.file(), 0o400, 0o600), (place.folder.path().to_owned(), 0o500, 0o700)]
    {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(locked)).unwrap();
        if std::fs::OpenOptions::new().write(true).open(place.file()).is_err()
            || std::fs::write(place.folder.path().join("probe"), "").is_err()
        {
            let error = store::open(&place.url()).err().expect("it cannot be written");
            assert!(matches!(error, StoreError::Open { .. }), "{error}");
            assert!(error.to_string().contains("check the permissions"), "{error}");
        }
        assert_eq!(only(&mut *place.open_existing().unwrap()).revision, 1);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(open)).unwrap();
    }
}

#[test]
fn a_name_that_means_something_to_sqlite_is_a_file_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:x.db?mode=memory"] {
        let url = format!("sqlite:{}/{name}", folder.path().display());
        save(&mut *store::open(&url).unwrap(), "30", 0);
        assert!(folder.path().join(name).is_file());
        assert!(store::open_existing(&url).unwrap().is_some());
    }
}

#[test]
fn a_newer_layout_is_refused() {
    let place = SqlitePlace::new();
    place.open();
    place.by_hand("INSERT INTO migration (number, checksum) VALUES (9999, 'sha256:00')").unwrap();
    refused_saying(&place, "newer pairform (layout 9999");
    assert!(matches!(store::open(&place.url()), Err(StoreError::Newer { found: 9999, .. })));
}

#[test]
fn a_layout_that_is_not_ours_is_refused() {
    let place = SqlitePlace::new();
    place.open();
    place.by_hand("UPDATE migration SET checksum = 'sha256:00'").unwrap();
    refused_saying(&place, "layout 1 is not the one");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let place = SqlitePlace::new();
    std::fs::write(place.file(), "integration: nordic-outdoor\n".repeat(99)).unwrap();
    refused_saying(&place, "not an SQLite database");
}

#[test]
fn another_program_s_database_is_refused_and_left_alone() {
    let place = SqlitePlace::new();
    place.shell().execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE bookmark (url TEXT);").unwrap();
    let (writing, reading) = refused(&place.url());
    assert!(
        writing.contains("another program") && reading.contains("another program"),
        "{writing} {reading}"
    );
    let mode: String = place.shell().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_folder_or_a_path_through_a_file_is_refused() {
    let place = SqlitePlace::new();
    std::fs::create_dir(place.file()).unwrap();
    refused_saying(&place, "it is a folder");
    std::fs::remove_dir(place.file()).unwrap();
    std::fs::write(place.file(), "x").unwrap();
    let url = format!("{}/state.db", place.url());
    let (writing, reading) = refused(&url);
    assert!(writing.contains("is a file, not a folder") && reading == writing, "{writing} {reading}");
}

#[test]
fn a_damaged_file_is_an_error() {
    let place = SqlitePlace::new();
    save(&mut *place.open(), "30", 0);
    let mut bytes = std::fs::read(place.file()).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(place.file(), &bytes).unwrap();
    let error = match store::open_existing(&place.url()) {
        Ok(store) => store.unwrap().read(None).unwrap_err(),
        Err(error) => error,
    };
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn a_store_without_its_key_is_refused() {
    let place = SqlitePlace::new();
    place.open();
    place.by_hand("UPDATE meta SET value = 'zz' WHERE key = 'fingerprint_key'").unwrap();
    refused_saying(&place, "`fingerprint_key`");
    let (writing, _) = refused(&place.url());
    assert!(!writing.contains("zz"));
}

#[test]
fn the_shell_refuses_settings_that_are_no_object() {
    let place = SqlitePlace::new();
    save(&mut *place.open(), "30", 0);
    for wrong in ["{oops", "[1]", "", "null"] {
        let error = place.by_hand(&format!("UPDATE category SET settings = '{wrong}'")).unwrap_err();
        assert!(error.contains("settings_is_a_json_object") || error.contains("malformed JSON"), "{error}");
    }
    assert_eq!(only(&mut *place.open()).revision, 1);
}

#[test]
fn the_documented_edit_works_as_it_stands() {
    let place = SqlitePlace::new();
    save(&mut *place.open(), "30", 0);
    let sql = "UPDATE category SET settings = json_set(settings, '$.map.Klarna', '14')
               WHERE integration = 'nordic-outdoor' AND category = 'payment_methods'";
    assert_eq!(place.by_hand(sql), Ok(1));
    let now = only(&mut *place.open());
    assert_eq!(now.settings, settings(json!({"default_terms_of_payment": "30", "map": {"Klarna": "14"}})));
    let (digest, run): (String, Option<String>) = place
        .shell()
        .query_row("SELECT digest, run FROM category", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((digest.as_str(), run), ("", None));
}

#[test]
fn replacing_rows_by_hand_cannot_rewrite_the_history() {
    let place = SqlitePlace::new();
    let mut store = place.open();
    save(&mut *store, "30", 0);
    for sql in [
        "INSERT OR REPLACE INTO history SELECT integration, category, revision, '{}', '', '', '', NULL, NULL FROM history",
        "INSERT OR REPLACE INTO category (integration, category, revision, settings) VALUES ('nordic-outdoor', 'payment_methods', 1, '{}')",
    ] {
        let error = place.by_hand(sql).unwrap_err();
        assert!(error.contains("append-only"), "{error}");
    }
    let sql = "INSERT OR REPLACE INTO category (integration, category, settings) VALUES ('nordic-outdoor', 'payment_methods', '{}')";
    place.by_hand(sql).unwrap();
    assert_eq!(only(&mut *store).revision, 2);
    assert_eq!(history(&mut *store)[0].settings, Ok(terms("30")));
}

#[test]
fn a_row_renamed_by_hand_can_still_be_saved() {
    let place = SqlitePlace::new();
    let mut store = place.open();
    for revision in 0..3 {
        save(&mut *store, "30", revision);
    }
    place.by_hand("DELETE FROM category").unwrap();
    let asked = terms("14");
    store.save(&Save { integration: "other", ..save_of(&asked, 0) }).unwrap();
    place.by_hand("UPDATE category SET integration = 'nordic-outdoor'").unwrap();
    assert_eq!(save(&mut *store, "10", 1), Saved::Saved { revision: 5 });
}

#[test]
fn an_unusable_row_is_named() {
    let place = SqlitePlace::new();
    let mut store = place.open();
    save(&mut *store, "30", 0);
    let deep = "[".repeat(500);
    let deep = format!("{{\"a\":{deep}{}}}", "]".repeat(500));
    for (column, wrong) in [("settings", "{oops"), ("applied", "7"), ("settings", deep.as_str())] {
        let shell = place.shell();
        shell.execute_batch("PRAGMA ignore_check_constraints = ON; BEGIN;").unwrap();
        let good: String =
            shell.query_row(&format!("SELECT {column} FROM category"), [], |row| row.get(0)).unwrap();
        shell.execute(&format!("UPDATE category SET {column} = ?1"), [wrong]).unwrap();
        shell.execute_batch("COMMIT").unwrap();
        let error = store.read(None).unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{error}");
        let message = error.to_string();
        let path = place.file().display().to_string();
        for part in ["`nordic-outdoor`", "`payment_methods`", &format!("`{column}`"), path.as_str()] {
            assert!(message.contains(part), "{message}");
        }
        shell.execute(&format!("UPDATE category SET {column} = ?1"), [good]).unwrap();
        assert_eq!(only(&mut *store).settings, terms("30"));
    }
}

#[test]
fn a_store_that_somebody_else_keeps_busy_says_so() {
    let place = SqlitePlace::new();
    let mut store = place.open();
    let shell = place.shell();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let error = store.save(&save_of(&terms("30"), 0)).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    assert!(begun.elapsed() >= Duration::from_secs(4));
    // A writer that is at work does not keep readers out.
    assert!(place.open_existing().unwrap().read(None).unwrap().is_empty());
    shell.execute_batch("ROLLBACK").unwrap();
    assert_eq!(save(&mut *store, "30", 0), Saved::Saved { revision: 1 });
}

/// What a process leaves that dies while it writes: half-written pages, and the journal to take them back.
#[test]
fn a_save_that_a_crash_left_half_done_is_taken_back() {
    for reading in [true, false] {
        let place = SqlitePlace::new();
        save(&mut *place.open(), "30", 0);
        let crashed = SqlitePlace::new();
        let shell = place.shell();
        // A cache of one page makes SQLite write to the file before the commit.
        shell.execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE;").unwrap();
        for number in 0..200 {
            let settings = model::canonical(&settings(json!({"text": "x".repeat(2000)})));
            let row = (format!("shop-{number}"), settings);
            shell
                .execute(
                    "INSERT INTO category (integration, category, settings) VALUES (?1, 'stock', ?2)",
                    row,
                )
                .unwrap();
        }
        let journal = |place: &SqlitePlace| place.folder.path().join("state.db-journal");
        std::fs::copy(place.file(), crashed.file()).unwrap();
        std::fs::copy(journal(&place), journal(&crashed)).unwrap();
        shell.execute_batch("ROLLBACK").unwrap();
        assert!(std::fs::metadata(crashed.file()).unwrap().len() > 100_000, "pages were written");

        let mut store = if reading { crashed.open_existing().unwrap() } else { crashed.open() };
        assert_eq!(only(&mut *store).settings, terms("30"));
        assert!(!journal(&crashed).exists());
    }
}

/// Not a test of right or wrong: run with `--ignored --nocapture` to see what durable saves cost on a disk.
#[test]
#[ignore = "a measurement"]
fn a_thousand_saves_are_timed() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut store = store::open(&format!("sqlite:{}/state.db", folder.path().display())).unwrap();
    let text: BTreeMap<String, String> =
        (0..60).map(|number| (format!("method-{number}"), "x".repeat(30))).collect();
    let asked = settings(json!({ "map": text }));
    for round in 0..2 {
        let begun = Instant::now();
        for number in 0..1000 {
            let integration = format!("shop-{number}");
            let saved = store.save(&Save { integration: &integration, ..save_of(&asked, round) }).unwrap();
            assert_eq!(saved, Saved::Saved { revision: round + 1 });
        }
        eprintln!("1,000 saves of {} bytes: {:?}", model::canonical(&asked).len(), begun.elapsed());
    }
    let begun = Instant::now();
    assert_eq!(store.read(None).unwrap().len(), 1000);
    eprintln!("reading 1,000: {:?}", begun.elapsed());
}
