//! Random histories of git, a store, a clock and people, against a model of what a round may do that is written once more here: by the
//! last commit that a shop came from, by what git says, what was applied and what is deployed.
//!
//! PAIRFORM_TEST_LONG=1 tries many more; a history that fails says its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use git2::{Oid, Repository, Signature};
use jiff::Timestamp;
use pairform::model::{from_json, to_json};
use pairform::ops::apply::Manner;
use pairform::ops::check::{Consent, check};
use pairform::ops::load::Purpose;
use pairform::ops::reconcile::{Asked, Done, Held, accept, lease, let_go, round};
use pairform::ops::signed::require_signature;
use pairform::ops::{self, Host, Request, Workspace};
use pairform::plan::policy::reconcile::Rules;
use pairform::store::{self, Address, PERSON, Save, Store};
use pairform::trust::{Signatures, Trust};
use pairform::{http, secrets};
use rayon::prelude::*;

use crate::dice::Dice;

/// Histories, and steps of each.
const HISTORIES: u64 = 40;
const MANY: u64 = 10_000;
const STEPS: usize = 30;

const SHOPS: [&str; 2] = ["fjord", "nordic"];
const METHODS: [&str; 2] = ["Klarna", "Swish"];

/// The terms of each method of a shop.
type Terms = [u64; 2];
type Tree = [Terms; 2];

struct NoSecrets;

impl secrets::Source for NoSecrets {
    fn read(&self, _: &str, _: &secrets::Reach<'_>) -> Result<secrets::Bytes, http::Fault> {
        Err(http::Fault::new(http::FaultKind::Denied, "none"))
    }
}

/// Deployed and applied terms of a shop, and its revision.
type Row = ([Option<u64>; 2], [Option<u64>; 2], u64);

/// What a history is played in.
struct World {
    folder: tempfile::TempDir,
    repository: Repository,
    rules: [&'static str; 3],
    grace: i64,
    address: Address,
    clock: AtomicI64,
    /// So many events of progress until the process is killed; none when it is zero.
    killed_after: AtomicUsize,
    cancel: AtomicBool,
    trust: Trust,
}

/// What a round is expected to know.
#[derive(Default)]
struct Model {
    commits: Vec<(Oid, Option<usize>, Tree)>,
    main: usize,
    step: usize,
    /// The commit that a shop came from or was last seen at, and when.
    came: [Option<(usize, usize)>; 2],
    accepted: Vec<(usize, usize)>,
    /// When somebody last changed a setting outside.
    since: [[i64; 2]; 2],
    open: BTreeSet<String>,
}

impl World {
    fn new(dice: &mut Dice) -> World {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let repository = Repository::init_bare(folder.path().join("git")).unwrap();
        let url = format!("sqlite:{}", folder.path().join("state.db").display());
        let rules = [
            ["apply", "report", "hold"][dice.below(3)],
            ["report", "heal", "hold"][dice.below(3)],
            ["hold", "apply", "report"][dice.below(3)],
        ];
        World {
            folder,
            repository,
            rules,
            grace: [0, 4][dice.below(2)],
            address: Address::from(url.as_str()),
            clock: AtomicI64::new(1_796_000_000),
            killed_after: AtomicUsize::new(0),
            cancel: AtomicBool::new(false),
            trust: Trust::default(),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock.load(Ordering::SeqCst)).unwrap()
    }

    fn with_host<T>(&self, work: impl FnOnce(&Host<'_>) -> T) -> T {
        // The repository is for this thread alone.
        let (clock, killed_after) = (&self.clock, &self.killed_after);
        work(&Host {
            now: &|| Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap(),
            elapsed: &|| Duration::ZERO,
            sleep: &|_| (),
            actor: &|_| "robot".to_owned(),
            holder: &|| "model/1/1".to_owned(),
            open_store: &ops::open_store,
            secrets: &NoSecrets,
            trust: &self.trust,
            ask: &|_, _| false,
            progress: &|_| {
                let left = killed_after.load(Ordering::SeqCst);
                if left > 0 && killed_after.fetch_sub(1, Ordering::SeqCst) == 1 {
                    std::panic::resume_unwind(Box::new("killed"));
                }
            },
            cancel: &self.cancel,
        })
    }

    fn request(&self) -> Request {
        Request { store: Some(self.address.url.clone()), ..Request::default() }
    }

    fn commit(&self, tree: &Tree, parent: Option<Oid>, number: usize) -> Oid {
        let [git, outside, both] = self.rules;
        let rules = format!(
            "version: 1\nreconcile: {{git: {git}, outside: {outside}, both: {both}, grace: {}h}}\n",
            self.grace
        );
        let mut integrations = self.repository.treebuilder(None).unwrap();
        for (shop, terms) in SHOPS.iter().zip(tree) {
            let text = format!(
                "integration: {shop}\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  general: {{name: {shop}}}\n  payment_methods:\n    methods:\n      Klarna: {{terms: \"{}\"}}\n      Swish: {{terms: \"{}\"}}\n",
                terms[0], terms[1]
            );
            let blob = self.repository.blob(text.as_bytes()).unwrap();
            integrations.insert(format!("{shop}.yaml"), blob, 0o100_644).unwrap();
        }
        let mut root = self.repository.treebuilder(None).unwrap();
        root.insert("integrations", integrations.write().unwrap(), 0o040_000).unwrap();
        root.insert("pairform.yaml", self.repository.blob(rules.as_bytes()).unwrap(), 0o100_644).unwrap();
        let root = self.repository.find_tree(root.write().unwrap()).unwrap();
        let signature = Signature::now("Ada", "ada@example.com").unwrap();
        let parent = parent.map(|parent| self.repository.find_commit(parent).unwrap());
        let parents: Vec<_> = parent.iter().collect();
        let message = format!("Commit {number}");
        self.repository.commit(None, &signature, &signature, &message, &root, &parents).unwrap()
    }

    fn move_main(&self, to: Oid) {
        self.repository.reference("refs/heads/main", to, true, "moved").unwrap();
    }

    fn store(&self) -> Box<dyn Store> {
        store::open(&self.address).unwrap()
    }

    /// Deployed and applied terms of a shop, and the revision; none where it was never saved.
    fn row(&self, shop: usize) -> Option<Row> {
        let rows = self.store().read(Some(&[SHOPS[shop].to_owned()])).unwrap();
        let row = rows.into_iter().find(|row| row.category == "payment_methods")?;
        let of = |settings: &pairform::model::Settings| {
            let document = to_json(settings);
            METHODS.map(|method| document["methods"][method]["terms"].as_str()?.parse().ok())
        };
        Some((of(&row.settings), of(&row.applied), row.revision))
    }

    fn save_outside(&self, shop: usize, method: usize, terms: u64) {
        let rows = self.store().read(Some(&[SHOPS[shop].to_owned()])).unwrap();
        let row = rows.into_iter().find(|row| row.category == "payment_methods").unwrap();
        let mut document = to_json(&row.settings);
        document["methods"][METHODS[method]]["terms"] = terms.to_string().into();
        let at = self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (settings, run) = (from_json(&document), format!("{PERSON}{at} {}", row.revision));
        let save = Save {
            integration: SHOPS[shop],
            category: "payment_methods",
            expected_revision: row.revision,
            settings: &settings,
            applied: &row.applied,
            saved_by: "karin",
            saved_at: &at,
            commit: None,
            run: &run,
            fence: None,
            lease: None,
        };
        self.store().save(&save).unwrap();
    }

    /// CI applies a commit, whatever was changed outside.
    fn apply(&self, commit: Oid) {
        self.with_host(|host| {
            let workspace = Workspace::at(&self.folder.path().join("git"), &commit.to_string()).unwrap();
            let mut planned = ops::plan::plan(&workspace, &self.request(), host, Purpose::Apply).unwrap();
            planned.seal();
            let ops::plan::Planned { project, plan, judging } = planned;
            let signed = require_signature(None, &Signatures::default(), self.now()).unwrap();
            let approved = check(plan, &judging, &Consent::default(), &signed, self.now()).unwrap();
            let manner = Manner::default();
            let done = ops::apply::apply(&project, &judging, &self.address, approved, None, manner, host);
            assert!(done.unwrap().report.complete());
        });
    }

    fn round(&self) -> ops::Result<Done> {
        let start = self.folder.path().join("git");
        let (request, rules, consent) = (self.request(), Rules::default(), Consent::default());
        self.with_host(|host| {
            // The one that was killed is dead on this machine, or its lease is over.
            let Held::Ours(lock) = lease(&self.address, None, &start, 0, host)? else { panic!("it is over") };
            let asked = Asked {
                start: &start,
                revision: "refs/heads/main",
                fetch: &|| Ok(()),
                push: &|_| Ok(()),
                request: &request,
                address: &self.address,
                environment: None,
                signatures: &Signatures::default(),
                last_word: &rules,
                consent: &consent,
                lock_wait: Duration::ZERO,
                anew: false,
            };
            let done = round(&asked, &lock, host);
            let_go(&self.address, &lock, host)?;
            done
        })
    }
}

/// What is expected of one shop: what is deployed afterwards, which kinds of matters are open, and whether all that git says is taken.
struct Expected {
    deployed: [Option<u64>; 2],
    kinds: BTreeSet<&'static str>,
    is_taken: bool,
}

impl Model {
    fn has(&self, commit: usize, of: usize) -> bool {
        let mut at = Some(of);
        while let Some(now) = at {
            if now == commit {
                return true;
            }
            at = self.commits[now].1;
        }
        false
    }

    fn expect(&self, world: &World, shop: usize) -> Expected {
        let wanted = self.commits[self.main].2[shop].map(Some);
        let row = world.row(shop);
        let (deployed, applied) =
            row.map_or(([None; 2], [None; 2]), |(deployed, applied, _)| (deployed, applied));
        let mut expected = Expected { deployed, kinds: BTreeSet::new(), is_taken: true };
        let is_pending = wanted != deployed;
        let parts = row.is_some()
            && self.came[shop].is_some_and(|(commit, at)| {
                let is_accepted =
                    |&(accepted, when): &(usize, usize)| when >= at && self.has(accepted, self.main);
                !self.has(commit, self.main) && !self.accepted.iter().any(is_accepted)
            });
        if parts {
            expected.is_taken = !is_pending;
            if is_pending {
                expected.kinds.insert("history");
            }
            return expected;
        }
        let [git, outside, both] = world.rules;
        let opens_gate = self.accepted.iter().any(|(accepted, _)| *accepted == self.main);
        let now = world.clock.load(Ordering::SeqCst);
        // What is left, by which kind, and whether git's side of it is.
        let mut left: [Option<(&'static str, bool)>; 2] = [None; 2];
        let mut holds_all = false;
        for at in 0..2 {
            let (d, b, s) = (wanted[at], applied[at], deployed[at]);
            if d == s {
                continue;
            }
            let in_grace = now < self.since[shop][at] + world.grace * 3_600;
            left[at] = if b.is_none() || b == s {
                (git != "apply" && !(git == "hold" && opens_gate)).then_some(("gated", true))
            } else if b == d {
                holds_all |= outside == "hold";
                (outside != "heal" || in_grace).then_some(("drift", false))
            } else {
                holds_all |= both == "hold";
                match both {
                    "apply" => in_grace.then_some(("drift", true)),
                    _ => Some(("conflict", true)),
                }
            };
        }
        for at in 0..2 {
            if wanted[at] == deployed[at] {
                continue;
            }
            if holds_all && left[at].is_none() {
                let of_git =
                    applied[at].is_none() || applied[at] == deployed[at] || applied[at] != wanted[at];
                left[at] = Some(("waits", of_git));
            }
            match left[at] {
                None => expected.deployed[at] = wanted[at],
                Some((kind, of_git)) => {
                    expected.kinds.insert(kind);
                    expected.is_taken &= !of_git;
                }
            }
        }
        expected
    }

    /// What a round did, against what was expected.
    fn check(&mut self, world: &World, before: &[Option<u64>; 2], expected: &[Expected; 2], done: &Done) {
        for shop in 0..2 {
            let (deployed, _, revision) = world.row(shop).map_or(([None; 2], [None; 2], 0), |row| row);
            assert_eq!(deployed, expected[shop].deployed, "what is deployed of {}", SHOPS[shop]);
            let is_saved = before[shop] != Some(revision) && revision > 0;
            if expected[shop].is_taken || is_saved {
                self.came[shop] = Some((self.main, self.step));
            }
        }
        let found: BTreeSet<String> = done.open.iter().map(|concern| concern.id()).collect();
        let wanted: BTreeSet<String> = (0..2)
            .flat_map(|shop| {
                let id = move |kind: &&str| format!("{kind}/{}/payment_methods", SHOPS[shop]);
                expected[shop].kinds.iter().map(id)
            })
            .collect();
        // A new shop's name is gated too.
        let is_of_terms = |id: &&String| id.ends_with("/payment_methods");
        assert_eq!(found.iter().filter(is_of_terms).cloned().collect::<BTreeSet<_>>(), wanted);
        for concern in &done.moved.opened {
            assert!(self.open.insert(concern.id()), "told twice: {}", concern.id());
        }
        for concern in &done.moved.closed {
            assert!(self.open.remove(&concern.id()), "closed twice: {}", concern.id());
        }
        assert_eq!(self.open, found, "all that is open was told, and nothing else");
    }
}

fn play(seed: u64) {
    let mut dice = Dice(seed);
    let world = World::new(&mut dice);
    let mut model = Model::default();
    let first: Tree = [[30, 0], [30, 0]];
    let oid = world.commit(&first, None, 0);
    model.commits.push((oid, None, first));
    world.move_main(oid);
    for step in 1..=STEPS {
        model.step = step;
        world.clock.fetch_add(60, Ordering::SeqCst);
        let (shop, method, terms) = (dice.below(2), dice.below(2), dice.below(6) as u64);
        let main = model.main;
        let next = |model: &mut Model, tree: Tree, parent: usize| {
            let oid = world.commit(&tree, Some(model.commits[parent].0), model.commits.len());
            model.commits.push((oid, Some(parent), tree));
            model.commits.len() - 1
        };
        let what = dice.below(14);
        match what {
            // A commit on the branch.
            0..=2 => {
                let mut tree = model.commits[main].2;
                tree[shop][method] = terms;
                model.main = next(&mut model, tree, main);
                world.move_main(model.commits[model.main].0);
            }
            // CI applies a branch of its own, which may be squashed afterwards.
            3 => {
                let mut tree = model.commits[main].2;
                tree[shop][method] = terms;
                let side = next(&mut model, tree, main);
                apply(&world, &mut model, side);
                if dice.below(2) == 0 {
                    model.main = next(&mut model, tree, main);
                    world.move_main(model.commits[model.main].0);
                }
            }
            // A force-push to another commit, or on from it.
            4 => {
                let mut to = dice.below(model.commits.len());
                if dice.below(2) == 0 {
                    let mut tree = model.commits[to].2;
                    tree[shop][method] = terms;
                    to = next(&mut model, tree, to);
                }
                model.main = to;
                world.move_main(model.commits[to].0);
            }
            5 | 6 => {
                if let Some((deployed, _, _)) = world.row(shop)
                    && deployed[method] != Some(terms)
                {
                    world.save_outside(shop, method, terms);
                    model.since[shop][method] = world.clock.load(Ordering::SeqCst);
                }
            }
            7 => _ = world.clock.fetch_add(3_600 * (1 + dice.below(8) as i64), Ordering::SeqCst),
            8 => apply(&world, &mut model, main),
            9 => {
                if world.row(0).is_some() {
                    let oid = model.commits[main].0.to_string();
                    let workspace = Workspace::at(&world.folder.path().join("git"), &oid).unwrap();
                    let request = Request { revision: Some(oid), ..world.request() };
                    world.with_host(|host| accept(&workspace, &request, "agreed", host)).unwrap();
                    model.accepted.push((main, step));
                }
            }
            10 => killed(&world, &mut model, 1 + dice.below(12)),
            _ => {
                let expected = [model.expect(&world, 0), model.expect(&world, 1)];
                let before = [0, 1].map(|shop| world.row(shop).map(|row| row.2));
                let done = world.round().unwrap();
                model.check(&world, &before, &expected, &done);
            }
        }
    }
}

/// CI applies: where anything moves, or is noted to agree, the shop comes from that commit.
fn apply(world: &World, model: &mut Model, commit: usize) {
    let rows = [0, 1].map(|shop| world.row(shop));
    world.apply(model.commits[commit].0);
    for (shop, row) in rows.iter().enumerate() {
        if world.row(shop) != *row {
            model.came[shop] = Some((commit, model.step));
        }
    }
}

/// A round that ends in the middle: each setting is as it was, or as it would have been.
fn killed(world: &World, model: &mut Model, after: usize) {
    let expected = [model.expect(world, 0), model.expect(world, 1)];
    let rows = [0, 1].map(|shop| world.row(shop));
    world.killed_after.store(after, Ordering::SeqCst);
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| world.round()));
    world.killed_after.store(0, Ordering::SeqCst);
    if let Ok(done) = ended {
        let before = rows.map(|row| row.map(|row| row.2));
        model.check(world, &before, &expected, &done.unwrap());
        return;
    }
    for (shop, row) in rows.iter().enumerate() {
        let now = world.row(shop);
        let (was, is) = (row.map(|row| row.0), now.map(|row| row.0));
        assert!(is == was || is == Some(expected[shop].deployed), "{was:?} {is:?}");
        if now != *row {
            model.came[shop] = Some((model.main, model.step));
        }
    }
}

/// Seeds that once failed.
const KEPT: [u64; 0] = [];

#[test]
fn over_any_history_no_commit_is_skipped_nothing_forbidden_is_healed_and_each_matter_is_told_once() {
    let many = std::env::var_os("PAIRFORM_TEST_LONG").is_some_and(|value| value == "1");
    let only = std::env::var("PAIRFORM_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = match only {
        Some(seed) => vec![seed],
        None => KEPT.into_iter().chain(1..=if many { MANY } else { HISTORIES }).collect(),
    };
    let played = seeds.into_par_iter().map(|seed| (seed, std::panic::catch_unwind(|| play(seed))));
    let mut failed: BTreeMap<u64, String> = BTreeMap::new();
    for (seed, played) in played.collect::<Vec<_>>() {
        if let Err(error) = played {
            let text = error.downcast_ref::<String>().cloned();
            failed.insert(
                seed,
                text.or_else(|| error.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                    .unwrap_or_default(),
            );
        }
    }
    assert!(failed.is_empty(), "by seed: {failed:#?}");
}
