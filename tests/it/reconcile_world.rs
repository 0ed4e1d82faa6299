//! A world in which rounds are made without a process: a bare repository, a store, a clock that is set, and a process that dies where
//! it is told to.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use git2::{Oid, Repository, Signature};
use jiff::Timestamp;
use pairform::apply::Report;
use pairform::model::{from_json, to_json};
use pairform::ops::apply::Manner;
use pairform::ops::check::{Consent, check};
use pairform::ops::load::Purpose;
use pairform::ops::reconcile::{
    Asked, CommitStatus, Daily, Done, Held, Listener, Message, Telling, lease, let_go, round, tell,
};
use pairform::ops::signed::require_signature;
use pairform::ops::{self, Host, Request, Workspace};
use pairform::plan::policy::reconcile::Rules;
use pairform::store::{self, Address, Deployed, PERSON, Save, Store};
use pairform::trust::{Signatures, Trust};
use pairform::{http, secrets};

struct NoSecrets;

impl secrets::Source for NoSecrets {
    fn read(&self, _: &str, _: &secrets::Reach<'_>) -> Result<secrets::Bytes, http::Fault> {
        Err(http::Fault::new(http::FaultKind::Denied, "none"))
    }
}

/// What was fetched of the branch.
const FETCHED: &str = "refs/pairform/reconcile/origin/main";

pub struct World {
    folder: tempfile::TempDir,
    pub repository: Repository,
    pub address: Address,
    /// The environment that is reconciled.
    pub environment: Option<&'static str>,
    pub clock: AtomicI64,
    /// The remote does not answer.
    pub is_cut_off: AtomicBool,
    /// So many events of progress until the process is killed; none when it is zero.
    pub killed_after: AtomicUsize,
    /// Processes so far: whoever goes on after a kill is another one.
    lives: AtomicUsize,
    /// Branches that were pushed.
    pub pushed: Mutex<Vec<String>>,
    /// How often a forge was asked that took nothing.
    pub asked_in_vain: AtomicUsize,
    cancel: AtomicBool,
    trust: Trust,
}

impl World {
    pub fn new() -> World {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let repository = Repository::init_bare(folder.path().join("git")).unwrap();
        let url = format!("sqlite:{}", folder.path().join("state.db").display());
        World {
            folder,
            repository,
            address: Address::from(url.as_str()),
            environment: None,
            is_cut_off: AtomicBool::new(false),
            clock: AtomicI64::new(1_796_000_000),
            killed_after: AtomicUsize::new(0),
            lives: AtomicUsize::new(1),
            pushed: Mutex::default(),
            asked_in_vain: AtomicUsize::new(0),
            cancel: AtomicBool::new(false),
            trust: Trust::default(),
        }
    }

    pub fn git(&self) -> PathBuf {
        self.folder.path().join("git")
    }

    pub fn seconds(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.seconds()).unwrap()
    }

    pub fn stamp(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    pub fn with_host<T>(&self, work: impl FnOnce(&Host<'_>) -> T) -> T {
        // The repository is for this thread alone.
        let (clock, killed_after, lives) = (&self.clock, &self.killed_after, &self.lives);
        work(&Host {
            now: &|| Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap(),
            elapsed: &|| Duration::ZERO,
            sleep: &|_| (),
            actor: &|_| "robot".to_owned(),
            holder: &|| format!("model/1/{}", lives.load(Ordering::SeqCst)),
            open_store: &ops::open_store,
            secrets: &NoSecrets,
            trust: &self.trust,
            ask: &|_, _| false,
            progress: &|_| {
                let left = killed_after.load(Ordering::SeqCst);
                if left > 0 && killed_after.fetch_sub(1, Ordering::SeqCst) == 1 {
                    lives.fetch_add(1, Ordering::SeqCst);
                    std::panic::resume_unwind(Box::new("killed"));
                }
            },
            cancel: &self.cancel,
        })
    }

    pub fn request(&self) -> Request {
        Request { store: Some(self.address.url.clone()), ..Request::default() }
    }

    /// Commits a project with these lines in pairform.yaml and these integrations.
    pub fn commit(&self, rules: &str, shops: &[(&str, String)], parent: Option<Oid>, message: &str) -> Oid {
        let mut integrations = self.repository.treebuilder(None).unwrap();
        for (shop, text) in shops {
            let blob = self.repository.blob(text.as_bytes()).unwrap();
            integrations.insert(format!("{shop}.yaml"), blob, 0o100_644).unwrap();
        }
        let mut root = self.repository.treebuilder(None).unwrap();
        root.insert("integrations", integrations.write().unwrap(), 0o040_000).unwrap();
        let rules = format!("version: 1\n{rules}\n");
        root.insert("pairform.yaml", self.repository.blob(rules.as_bytes()).unwrap(), 0o100_644).unwrap();
        let root = self.repository.find_tree(root.write().unwrap()).unwrap();
        let signature = Signature::now("Ada", "ada@example.com").unwrap();
        let parent = parent.map(|parent| self.repository.find_commit(parent).unwrap());
        let parents: Vec<_> = parent.iter().collect();
        self.repository.commit(None, &signature, &signature, message, &root, &parents).unwrap()
    }

    pub fn move_main(&self, to: Oid) {
        self.repository.reference("refs/heads/main", to, true, "moved").unwrap();
    }

    pub fn store(&self) -> Box<dyn Store> {
        store::open(&self.address).unwrap()
    }

    pub fn row(&self, shop: &str, category: &str) -> Option<Deployed> {
        let rows = self.store().read(Some(&[shop.to_owned()])).unwrap();
        rows.into_iter().find(|row| row.category == category)
    }

    /// Somebody changes what is deployed.
    pub fn save_outside(&self, shop: &str, category: &str, change: impl FnOnce(&mut serde_json::Value)) {
        let row = self.row(shop, category);
        let mut document = row.as_ref().map_or_else(|| serde_json::json!({}), |row| to_json(&row.settings));
        change(&mut document);
        let at = self.stamp();
        let revision = row.as_ref().map_or(0, |row| row.revision);
        let (settings, run) = (from_json(&document), format!("{PERSON}{at} {shop} {category} {revision}"));
        let applied = row.map(|row| row.applied).unwrap_or_default();
        let save = Save {
            integration: shop,
            category,
            expected_revision: revision,
            settings: &settings,
            applied: &applied,
            saved_by: "karin",
            saved_at: &at,
            commit: None,
            run: &run,
            fence: None,
            lease: None,
        };
        self.store().save(&save).unwrap();
    }

    /// CI applies a commit, whatever was changed outside; what became of it.
    pub fn apply(&self, commit: Oid) -> Report {
        self.with_host(|host| {
            let workspace = Workspace::at(&self.git(), &commit.to_string()).unwrap();
            let mut planned = ops::plan::plan(&workspace, &self.request(), host, Purpose::Apply).unwrap();
            planned.seal();
            let ops::plan::Planned { project, plan, judging } = planned;
            let signed = require_signature(None, &Signatures::default(), self.now()).unwrap();
            let approved = check(plan, &judging, &Consent::default(), &signed, self.now()).unwrap();
            let manner = Manner::default();
            let done = ops::apply::apply(&project, &judging, &self.address, approved, None, manner, host);
            done.unwrap().report
        })
    }

    pub fn round(&self) -> ops::Result<Done> {
        self.round_by(&Rules::default())
    }

    /// Tells these what they do not know yet: what was sent, and to whom. Who is `deaf` gets nothing.
    pub fn tell(
        &self,
        done: Option<&Done>,
        listeners: &[Listener],
        daily: &Daily,
        deaf: &str,
    ) -> Vec<(String, serde_json::Value)> {
        let sent = Mutex::new(Vec::new());
        let start = self.git();
        self.with_host(|host| {
            let held = lease(&self.address, self.environment, &start, 0, host).unwrap();
            let Held::Ours(lock) = held else { panic!() };
            let send = |message: &Message<'_>| {
                if message.target == deaf {
                    return Err("it is deaf".to_owned());
                }
                let body = pairform::report::telling::webhook(message);
                sent.lock().unwrap().push((message.target.to_owned(), body));
                Ok(())
            };
            let show = |target: &str, status: &CommitStatus| {
                if target == deaf {
                    self.asked_in_vain.fetch_add(1, Ordering::SeqCst);
                    return Err("it answered 422".to_owned());
                }
                let body = serde_json::json!({"type": "pairform.status", "data": {
                    "commit": status.commit, "state": format!("{:?}", status.state), "said": status.said,
                }});
                sent.lock().unwrap().push((target.to_owned(), body));
                Ok(())
            };
            let status = done.and_then(pairform::report::telling::status);
            let telling = Telling {
                listeners,
                daily: Some(daily),
                status: status.as_ref(),
                deliver: &send,
                show: &show,
            };
            tell(&self.address, self.environment, &lock, telling, host).unwrap();
            let_go(&self.address, &lock, host).unwrap();
        });
        sent.into_inner().unwrap()
    }

    /// A round in which these rules have the last word.
    pub fn round_by(&self, rules: &Rules) -> ops::Result<Done> {
        self.attempt(rules).and_then(|done| match done.stopped.clone() {
            Some(error) => Err(error),
            None => Ok(done),
        })
    }

    /// A round, whatever became of it.
    pub fn attempt(&self, rules: &Rules) -> ops::Result<Done> {
        let (is_cut_off, place) = (&self.is_cut_off, self.git());
        let fetch = || {
            if is_cut_off.load(Ordering::SeqCst) {
                return Err(ops::Error::new(ops::ErrorKind::Unreachable, "the remote does not answer"));
            }
            let repository = Repository::open(&place).unwrap();
            let tip = repository.refname_to_id("refs/heads/main").unwrap();
            repository.reference(FETCHED, tip, true, "fetched").unwrap();
            Ok(())
        };
        let start = self.git();
        let (request, consent) = (self.request(), Consent::default());
        let pushed = &self.pushed;
        self.with_host(|host| {
            // The one that was killed is dead on this machine, or its lease is over.
            let held = lease(&self.address, self.environment, &start, 0, host)?;
            let Held::Ours(lock) = held else { panic!("it is over") };
            let asked = Asked {
                start: &start,
                revision: FETCHED,
                fetch: &fetch,
                push: &|branch| {
                    pushed.lock().unwrap().push(branch.to_owned());
                    Ok(())
                },
                request: &request,
                address: &self.address,
                environment: self.environment,
                signatures: &Signatures::default(),
                last_word: rules,
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
