//! The reconciler as a program: the matrix of who made a difference and what is done about it, guards, the lease, a kill at any point,
//! and what users of others complain of. What happens over long histories is in `reconcile_model`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pairform::store::{self, PERSON, Save};
use pairform::{model, store::Store};
use serde_json::{Value as Json, json};

use crate::revisions::{Repository, git};
use crate::run::{Run, closed_window};
use crate::tools::{Tool, program, required};

/// A bare repository that is pushed to, a clone in which commits are made, and one that is reconciled.
pub struct Ground {
    pub folder: tempfile::TempDir,
    pub author: Repository,
    pub store: String,
}

const SHOP: &str = "integration: NAME\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  general: {name: NAME}\n  payment_methods:\n    methods:\n      Klarna: {terms: \"KLARNA\"}\n      Swish: {terms: \"SWISH\"}\n";

impl Ground {
    /// With these shops, and these lines in pairform.yaml.
    pub fn of(shops: &[&str], rules: &str) -> Ground {
        Ground::on(None, shops, rules)
    }

    /// As that, with another store than a file beside it.
    pub fn on(store: Option<String>, shops: &[&str], rules: &str) -> Ground {
        // Where a disk need not be waited for.
        let memory = std::path::Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        git(folder.path(), &["init", "-q", "--bare", "-b", "main", "origin.git"]);
        let store = store.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("state.db").display()));
        let ground = Ground { folder, author: Repository::new(), store };
        ground.rules(rules);
        for shop in shops {
            ground.shop(shop, "30", "0");
        }
        ground.push("Begin");
        let origin = ground.origin();
        git(ground.folder.path(), &["clone", "-q", origin.to_str().unwrap(), "runner"]);
        ground
    }

    pub fn origin(&self) -> PathBuf {
        self.folder.path().join("origin.git")
    }

    pub fn runner(&self) -> PathBuf {
        self.folder.path().join("runner")
    }

    pub fn rules(&self, rules: &str) {
        self.author.write("pairform.yaml", &format!("version: 1\n{rules}\n"));
    }

    pub fn shop(&self, name: &str, klarna: &str, swish: &str) {
        let text = SHOP.replace("NAME", name).replace("KLARNA", klarna).replace("SWISH", swish);
        self.author.write(&format!("integrations/{name}.yaml"), &text);
    }

    /// Commits what there is, and pushes it whatever was there.
    pub fn push(&self, message: &str) -> String {
        let commit = self.author.commit(message);
        self.author.git(&["push", "-q", "--force", self.origin().to_str().unwrap(), "HEAD:main"]);
        commit
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
        command.args(arguments).current_dir(self.runner()).env_clear().stdin(Stdio::null());
        command.env("PAIRFORM_ACTOR", "robot").env("HOME", self.folder.path());
        command.env("PAIRFORM_STORE", &self.store).env("PATH", std::env::var_os("PATH").unwrap());
        command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        let run = Run::of_output(&self.command(arguments).output().unwrap());
        assert!(!run.stderr.contains("panicked"), "{}", run.all());
        run
    }

    /// One round: its exit code and what it says.
    pub fn once(&self, more: &[&str]) -> (i32, Json) {
        let run = self.run(&[&["reconcile", "--once", "-o", "json"], more].concat());
        let said = run.json();
        assert_eq!(said["exit_code"], run.code, "{}", run.all());
        crate::outputs::assert_fits(if said.get("error").is_some() { "error" } else { "reconcile" }, &said);
        (run.code, said)
    }

    pub fn open_store(&self) -> Box<dyn Store> {
        store::open(&self.store).unwrap()
    }

    fn row(&self, shop: &str) -> store::Deployed {
        let rows = self.open_store().read(Some(&[shop.to_owned()])).unwrap();
        rows.into_iter().find(|row| row.category == "payment_methods").unwrap()
    }

    /// The terms of both methods, as they are deployed.
    pub fn deployed(&self, shop: &str) -> (String, String) {
        let settings = model::to_json(&self.row(shop).settings);
        let of = |method: &str| settings["methods"][method]["terms"].as_str().unwrap_or("-").to_owned();
        (of("Klarna"), of("Swish"))
    }

    /// Somebody saves other terms for Klarna on a page.
    pub fn save_outside(&self, shop: &str, klarna: &str, by: &str, at: &str) {
        let row = self.row(shop);
        let mut document = model::to_json(&row.settings);
        document["methods"]["Klarna"]["terms"] = klarna.into();
        let settings = model::from_json(&document);
        let run = format!("{PERSON}{by} {at} {klarna}");
        let save = Save {
            integration: shop,
            category: "payment_methods",
            expected_revision: row.revision,
            settings: &settings,
            applied: &row.applied,
            saved_by: by,
            saved_at: at,
            commit: None,
            run: &run,
            fence: None,
            lease: None,
        };
        self.open_store().save(&save).unwrap();
    }
}

const LONG_AGO: &str = "2026-01-05T08:00:00Z";

/// The kinds and whether they are held, of what is open.
fn open(said: &Json) -> Vec<(String, bool)> {
    let of = |one: &Json| (one["kind"].as_str().unwrap().to_owned(), one["held"] == true);
    said["open"].as_array().unwrap().iter().map(of).collect()
}

fn opened(kinds: &[(&str, bool)]) -> Vec<(String, bool)> {
    kinds.iter().map(|(kind, held)| ((*kind).to_owned(), *held)).collect()
}

/// Who made the difference, what is done about it, the exit code, what Klarna has afterwards (git says 14, outside 60, it was 30), what
/// Swish has (git says 5, it was 0), and what is open.
type Cell = (&'static str, &'static str, i32, &'static str, &'static str, &'static [(&'static str, bool)]);

const MATRIX: [Cell; 15] = [
    ("git", "apply", 0, "14", "5", &[]),
    ("git", "report", 0, "30", "0", &[("gated", false)]),
    ("git", "hold", 5, "30", "0", &[("gated", true)]),
    ("git", "heal", 1, "30", "0", &[]),
    ("git", "pull", 1, "30", "0", &[]),
    ("outside", "apply", 1, "60", "0", &[]),
    ("outside", "report", 0, "60", "5", &[("drift", false)]),
    ("outside", "heal", 0, "30", "5", &[]),
    ("outside", "hold", 5, "60", "0", &[("drift", true), ("waits", true)]),
    ("outside", "pull", 0, "60", "5", &[("drift", false)]),
    ("both", "apply", 0, "14", "5", &[]),
    ("both", "report", 0, "60", "5", &[("conflict", false)]),
    ("both", "heal", 1, "60", "0", &[]),
    ("both", "hold", 5, "60", "0", &[("conflict", true), ("waits", true)]),
    ("both", "pull", 0, "60", "5", &[("conflict", false)]),
];

#[test]
fn every_cell_of_the_matrix_does_what_it_says_wherever_it_is_said() {
    for (origin, action, code, klarna, swish, matters) in MATRIX {
        let valid = code != 1;
        let said = format!("{{{origin}: {action}}}");
        let places = [
            format!("reconcile: {said}"),
            format!("reconcile: {{pairs: {{fortnox-shopify: {said}}}}}"),
            format!("reconcile: {{categories: {{payment_methods: {said}}}}}"),
            format!("reconcile: {{integrations: {{shop: {said}}}}}"),
        ];
        for rules in &places[..if valid { 4 } else { 1 }] {
            let ground = Ground::of(&["shop"], if valid { rules } else { "" });
            // Without a rule of its own, or by the first apply into an empty store, all of a new shop is applied but what git holds.
            ground.run(&["apply", "--yes"]).assert_code(0);
            if origin != "git" {
                ground.save_outside("shop", "60", "karin", LONG_AGO);
            }
            ground.shop("shop", if origin == "outside" { "30" } else { "14" }, "5");
            if !valid {
                ground.rules(rules);
            }
            ground.push("Other terms");
            if !valid {
                let run = ground.run(&["reconcile", "--once"]);
                run.assert_code(1);
                let validated = {
                    git(&ground.runner(), &["pull", "-q", "--ff-only"]);
                    ground.run(&["validate"])
                };
                assert!(validated.assert_code(1).stdout.contains("this must be `"), "{}", validated.all());
                assert_eq!(ground.deployed("shop"), (klarna.to_owned(), swish.to_owned()), "{rules}");
                continue;
            }
            let (found, said) = ground.once(&[]);
            assert_eq!(ground.deployed("shop"), (klarna.to_owned(), swish.to_owned()), "{rules}: {said:#}");
            assert_eq!(open(&said), opened(matters), "{rules}: {said:#}");
            // What was saved and held together is partly done.
            assert_eq!(found, code, "{rules}: {said:#}");
            let branches = git(&ground.origin(), &["branch", "--list", "pairform/*"]);
            assert_eq!(
                branches.contains("pairform/shop-payment-methods-"),
                action == "pull",
                "{rules}: {branches}"
            );
            if action == "pull" {
                let branch = branches.trim();
                let file = git(&ground.origin(), &["show", &format!("{branch}:integrations/shop.yaml")]);
                assert!(file.contains("terms: \"60\""), "{file}");
                let author = git(&ground.origin(), &["log", "-1", "--format=%an", branch]);
                assert_eq!(author.trim(), "karin");
            }
            // A second round moves nothing, and tells nothing again.
            let before = ground.open_store().last_number().unwrap();
            let (again, said) = ground.once(&[]);
            assert_eq!((again, ground.open_store().last_number().unwrap()), (code, before), "{rules}");
            assert_eq!(open(&said), opened(matters), "{rules}");
            for moved in ["opened", "updated", "closed"] {
                assert_eq!(said[moved], json!([]), "{rules}: {said:#}");
            }
        }
    }
}

#[test]
fn rules_name_what_exists() {
    let ground = Ground::of(
        &["shop"],
        "reconcile: {grace: soon, categories: {payments: {outside: heal}}, integrations: {shp: {git: hold}}, pairs: {fortnox-shopfy: {both: apply}}}",
    );
    let found = ground.run(&["validate"]);
    found.assert_code(1);
    assert!(found.stdout.contains("such as `30m`, `4h` or `2d`"), "{}", found.stdout);
    ground.rules("reconcile: {categories: {payments: {outside: heal}}, integrations: {shp: {git: hold}}, pairs: {fortnox-shopfy: {both: apply}}}");
    ground.push("Other rules");
    git(&ground.runner(), &["pull", "-q", "--ff-only"]);
    let found = ground.run(&["validate"]);
    for name in ["payments", "shp", "fortnox-shopfy"] {
        assert!(found.stdout.contains(&format!("`{name}`")), "{name}: {}", found.stdout);
    }
}

/// argo-cd#4414, #3465: heal drift, and gate new commits.
#[test]
fn drift_is_healed_while_new_commits_wait() {
    let ground = Ground::of(&["shop"], "reconcile: {git: hold, outside: heal}");
    ground.run(&["apply", "--yes"]).assert_code(0);
    ground.save_outside("shop", "60", "karin", LONG_AGO);
    ground.shop("shop", "30", "5");
    let commit = ground.push("Swish in five days");
    let (code, said) = ground.once(&[]);
    assert_eq!(ground.deployed("shop"), ("30".to_owned(), "0".to_owned()), "{said:#}");
    assert_eq!((code, open(&said)), (3, opened(&[("gated", true)])));
    // A person's word opens the gate for this commit, and is kept.
    ground.run(&["reconcile", "accept", &commit[..10], "--reason", ""]).assert_code(64);
    // Its files may not be in the clone: they are, as the round fetched them.
    let accepted =
        ground.run(&["reconcile", "accept", &commit, "--reason", "agreed with finance", "-o", "json"]);
    crate::outputs::assert_fits("reconcile-accept", &accepted.assert_code(0).json());
    let (code, said) = ground.once(&[]);
    assert_eq!((code, ground.deployed("shop")), (0, ("30".to_owned(), "5".to_owned())), "{said:#}");
    assert_eq!(said["closed"], json!(["gated/shop/payment_methods"]));
    let notes = ground.open_store().notes().unwrap();
    assert!(notes.iter().any(|note| note.kind == "accept" && note.text.contains("agreed with finance")));
    let audit = ground.run(&["audit", "export"]);
    assert!(audit.assert_code(0).stdout.contains("agreed with finance"), "{}", audit.stdout);
}

/// A person's save has its grace, and is told at once: who, what, and the way back.
#[test]
fn a_hand_edit_is_told_within_one_round_with_who_what_and_the_way_back_and_has_its_grace() {
    let ground = Ground::of(&["shop"], "reconcile: {outside: heal, grace: 4h}");
    ground.once(&[]);
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    ground.save_outside("shop", "60", "karin", &now);
    let (code, said) = ground.once(&[]);
    assert_eq!((code, ground.deployed("shop").0), (0, "60".to_owned()), "{said:#}");
    let matter = &said["open"][0];
    assert_eq!((&matter["kind"], &matter["held"]), (&json!("drift"), &json!(false)));
    let setting = &matter["settings"][0];
    assert_eq!(setting["setting"], "methods.Klarna.terms");
    assert_eq!((&setting["by"], &setting["since"]), (&json!("karin"), &json!(now)));
    assert_eq!((&setting["deployed"], &setting["files"]), (&json!("60"), &json!("30")));
    assert!(matter["until"].as_str().unwrap() > now.as_str());
    let ways = matter["ways"].to_string();
    assert!(
        ways.contains("pairform apply --integration shop") && ways.contains("pairform pull shop"),
        "{ways}"
    );
    // One that was made long ago has none left.
    ground.save_outside("shop", "61", "karin", LONG_AGO);
    let (_, said) = ground.once(&[]);
    assert_eq!(ground.deployed("shop").0, "30", "{said:#}");
    assert_eq!(said["closed"], json!(["drift/shop/payment_methods"]));
}

/// argo-cd#8207: nothing is healed in a closed window.
#[test]
fn nothing_is_saved_while_the_window_is_closed() {
    let window = format!("window: {}", closed_window());
    let store = |window: &str| {
        format!(
            "environments: {{production: {{store: \"sqlite:.pairform/x.db\"{window}}}}}\nreconcile: {{outside: heal}}"
        )
    };
    let ground = Ground::of(&["shop"], &store(""));
    ground.once(&["--env", "production"]);
    ground.rules(&store(&format!(", {window}")));
    ground.shop("shop", "30", "5");
    ground.push("A window");
    ground.save_outside("shop", "60", "karin", LONG_AGO);
    let (code, said) = ground.once(&["--env", "production"]);
    assert_eq!((code, ground.deployed("shop")), (5, ("60".to_owned(), "0".to_owned())), "{said:#}");
    let reasons = said["open"].to_string();
    assert!(reasons.contains("the window opens next on ") && reasons.contains("refused"), "{reasons}");
}

/// A force-push holds what it does not go on from, and that alone, until somebody accepts it.
#[test]
fn a_commit_that_does_not_go_on_from_what_is_deployed_is_held_until_it_is_accepted() {
    let ground = Ground::of(&["shop", "other"], "");
    let first = ground.author.git(&["rev-parse", "HEAD"]).trim().to_owned();
    ground.once(&[]);
    ground.shop("shop", "14", "0");
    ground.push("Fourteen days");
    assert_eq!(ground.once(&[]).0, 0);
    // Back to the first commit, and on from there.
    ground.author.git(&["reset", "-q", "--hard", &first]);
    ground.shop("third", "1", "1");
    let commit = ground.push("Another history");
    let (code, said) = ground.once(&[]);
    assert_eq!(ground.deployed("shop").0, "14", "no stale replay: {said:#}");
    assert_eq!(ground.deployed("third").0, "1", "a new shop comes from no commit");
    assert_eq!((code, open(&said)), (3, opened(&[("history", true)])));
    ground.run(&["reconcile", "accept", &commit, "--reason", "the branch was mended"]).assert_code(0);
    let (code, said) = ground.once(&[]);
    assert_eq!((code, ground.deployed("shop").0), (0, "30".to_owned()), "{said:#}");
    // Accepting counts for what was known then: the former history does not come back by itself.
    ground.shop("shop", "7", "0");
    ground.push("On from there");
    assert_eq!((ground.once(&[]).0, ground.deployed("shop").0), (0, "7".to_owned()));
}

/// What CI applied from a branch that was squashed afterwards goes on all the same; what CI applied ahead of git is not gone back on.
#[test]
fn a_squash_merge_goes_on_and_what_ci_applied_ahead_is_not_gone_back_on() {
    let ground = Ground::of(&["shop"], "");
    ground.once(&[]);
    let runner = ground.runner();
    // CI applies a branch.
    ground.author.git(&["checkout", "-q", "-b", "feature"]);
    ground.shop("shop", "14", "0");
    ground.author.commit("Fourteen days");
    git(&runner, &["fetch", "-q", ground.author.path().to_str().unwrap(), "feature"]);
    ground.run(&["apply", "--yes", "--rev", "FETCH_HEAD"]).assert_code(0);
    let (code, said) = ground.once(&[]);
    assert_eq!((code, ground.deployed("shop").0), (5, "14".to_owned()), "not gone back on: {said:#}");
    assert_eq!(open(&said), opened(&[("history", true)]));
    // It is squashed.
    ground.author.git(&["checkout", "-q", "main"]);
    ground.shop("shop", "14", "0");
    ground.push("Fourteen days, squashed");
    let (code, said) = ground.once(&[]);
    assert_eq!((code, said["open"].clone()), (0, json!([])), "{said:#}");
    ground.shop("shop", "7", "0");
    ground.push("Seven days");
    assert_eq!((ground.once(&[]).0, ground.deployed("shop").0), (0, "7".to_owned()));
}

/// rancher fleet#192: one that cannot be saved blocks no other.
#[test]
fn errors_refusals_and_locks_of_one_shop_hold_that_one_alone() {
    let ground =
        Ground::of(&["broken", "fine", "kept", "locked"], "safety: {holds: {kept: \"audit until June\"}}");
    ground.rules("");
    ground.push("No holds");
    ground.once(&[]);
    ground.rules("safety: {holds: {kept: \"audit until June\"}}");
    for shop in ["fine", "kept", "locked"] {
        ground.shop(shop, "14", "0");
    }
    ground.author.write(
        "integrations/broken.yaml",
        "integration: broken\npair: fortnox-shopify\nsettings: {general: {nme: x}}\n",
    );
    ground.push("Something of each");
    let lock = store::Ask {
        integration: "locked",
        owner: "ann",
        holder: "elsewhere/1/1",
        reason: "by hand",
        seconds: 600,
        over: None,
    };
    ground.open_store().lock(&lock).unwrap();
    let (code, said) = ground.once(&["--lock-timeout", "0"]);
    assert_eq!(code, 3, "{said:#}");
    assert_eq!(ground.deployed("fine").0, "14");
    for shop in ["broken", "kept", "locked"] {
        assert_eq!(ground.deployed(shop).0, "30", "{shop}");
    }
    let of =
        |one: &Json| format!("{} {}", one["integration"].as_str().unwrap(), one["kind"].as_str().unwrap());
    let mut found: Vec<String> = said["open"].as_array().unwrap().iter().map(of).collect();
    found.sort();
    assert_eq!(found, ["broken invalid", "kept refused", "locked failed"]);
    // flux2#4231: a pause says why.
    assert!(said["open"].to_string().contains("audit until June"));
    // All of it goes on once that is over.
    ground.rules("");
    ground.shop("broken", "14", "0");
    ground.push("Mended");
    let mut store = ground.open_store();
    let id = store.locks().unwrap().into_iter().find(|lock| lock.integration == "locked").unwrap().id;
    store.unlock(&id).unwrap();
    // The hold was recorded, and counts until another commit was applied.
    ground.once(&[]);
    ground.push("Once more");
    let (code, said) = ground.once(&[]);
    assert_eq!(code, 0, "{said:#}");
    for shop in ["broken", "fine", "kept", "locked"] {
        assert_eq!(ground.deployed(shop).0, "14", "{shop}: {said:#}");
    }
}

/// A mass change is stopped whole, and said once.
#[test]
fn a_threshold_stops_a_mass_change() {
    let ground = Ground::of(&["a", "b", "c"], "safety: {max_changed: 10%, minimum: 2}");
    ground.once(&[]);
    for shop in ["a", "b", "c"] {
        ground.shop(shop, "14", "5");
    }
    ground.push("All at once");
    let (code, said) = ground.once(&[]);
    assert_eq!((code, open(&said)), (5, opened(&[("refused", true)])), "{said:#}");
    assert_eq!(ground.deployed("a").0, "30");
    assert!(said["open"][0]["reasons"].to_string().contains("max_changed"), "{said:#}");
}

/// Live approval is by policy, as there is nobody to ask.
#[test]
fn live_shops_are_changed_only_with_leave_where_that_is_asked_for() {
    let ground = Ground::of(&["shop"], "safety: {live: require-leave}");
    let mut store = ground.open_store();
    ground.once(&[]);
    let rows = store.read(None).unwrap();
    let general = rows.iter().find(|row| row.category == "general").unwrap();
    let mut document = model::to_json(&general.settings);
    document["live_mode"] = true.into();
    let settings = model::from_json(&document);
    let save = Save {
        integration: "shop",
        category: "general",
        expected_revision: general.revision,
        settings: &settings,
        applied: &general.applied,
        saved_by: "karin",
        saved_at: LONG_AGO,
        commit: None,
        run: "person:live",
        fence: None,
        lease: None,
    };
    store.save(&save).unwrap();
    ground.shop("shop", "14", "0");
    ground.push("Fourteen days");
    let (code, said) = ground.once(&[]);
    assert_eq!((code, ground.deployed("shop").0), (5, "30".to_owned()), "{said:#}");
    assert!(said["open"].to_string().contains("in live mode"), "{said:#}");
    let (code, said) = ground.once(&["--allow-live"]);
    assert_eq!((code, ground.deployed("shop").0), (0, "14".to_owned()), "{said:#}");
}

/// The policy file has the last word.
#[test]
fn the_policy_file_has_the_last_word() {
    let ground = Ground::of(&["shop"], "reconcile: {outside: heal}");
    ground.once(&[]);
    ground.save_outside("shop", "60", "karin", LONG_AGO);
    let policy = ground.folder.path().join("policy.yaml");
    std::fs::write(&policy, "reconcile: {categories: {payment_methods: {outside: report}}}\n").unwrap();
    let (code, said) = ground.once(&["--policy", policy.to_str().unwrap()]);
    assert_eq!((code, ground.deployed("shop").0), (0, "60".to_owned()), "{said:#}");
    std::fs::write(&policy, "reconcile: {outside: apply}\n").unwrap();
    ground.run(&["policy", "check", policy.to_str().unwrap()]).assert_code(1);
    assert_eq!((ground.once(&[]).0, ground.deployed("shop").0), (0, "30".to_owned()));
}

/// Whoever writes a branch does not weaken the rules that it is judged by.
#[test]
fn recorded_rules_judge_the_commit_that_changes_them() {
    let ground = Ground::of(&["shop"], "");
    ground.once(&[]);
    ground.save_outside("shop", "60", "karin", LONG_AGO);
    ground.rules("reconcile: {outside: heal}");
    ground.push("Heal");
    assert_eq!((ground.once(&[]).0, ground.deployed("shop").0), (0, "60".to_owned()));
    ground.author.write("note.txt", "x");
    ground.push("Another commit");
    assert_eq!((ground.once(&[]).0, ground.deployed("shop").0), (0, "30".to_owned()));
}

fn key(ground: &Ground, name: &str) -> (PathBuf, String) {
    let path = ground.folder.path().join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    (path, public.trim().to_owned())
}

#[test]
fn where_plans_have_to_be_signed_the_commit_is() {
    if required(Tool::SshKeygen, program(&["ssh-keygen"], &[])).is_none() {
        return;
    }
    let ground = Ground::of(&["shop"], "");
    let (ours, public) = key(&ground, "ours");
    let (theirs, _) = key(&ground, "theirs");
    let policy = ground.folder.path().join("policy.yaml");
    std::fs::write(
        &policy,
        format!("require_signed: true\nsigners: [\"karin namespaces=\\\"git\\\" {public}\"]\n"),
    )
    .unwrap();
    let policy = policy.to_str().unwrap();
    let sign = |key: &PathBuf| {
        ground.author.git(&["config", "gpg.format", "ssh"]);
        ground.author.git(&["config", "user.signingkey", key.to_str().unwrap()]);
        ground.author.git(&["config", "commit.gpgsign", "true"]);
    };
    let refused = ground.run(&["reconcile", "--once", "--policy", policy]);
    assert!(
        refused.assert_code(6).stderr.contains("only what is signed is applied here"),
        "{}",
        refused.stderr
    );
    sign(&theirs);
    ground.push("Signed by another");
    let refused = ground.run(&["reconcile", "--once", "--policy", policy]);
    assert!(refused.assert_code(6).stderr.contains("none of the signers'"), "{}", refused.stderr);
    assert_eq!(ground.open_store().last_number().unwrap(), 0);
    sign(&ours);
    ground.push("Signed by one of us");
    assert_eq!(ground.once(&["--policy", policy]).0, 0);
    assert_eq!(ground.deployed("shop").0, "30");
    // Under one that nobody signed, what was changed outside is told all the same, and so is the way out.
    ground.author.git(&["config", "commit.gpgsign", "false"]);
    ground.shop("shop", "14", "0");
    ground.push("Signed by nobody");
    ground.save_outside("shop", "60", "karin", LONG_AGO);
    assert_eq!(ground.run(&["reconcile", "--once", "--policy", policy]).code, 6);
    let status = ground.run(&["reconcile", "status", "-o", "json"]).assert_code(0).json();
    assert_eq!(open(&status), opened(&[("drift", false), ("stopped", true)]));
    assert!(status["open"][1]["ways"][0].as_str().unwrap().contains("git commit -S"), "{status}");
}

/// The keyring of the machine has the key, and the policy its fingerprint.
#[test]
fn a_commit_may_be_signed_with_a_key_of_openpgp() {
    if required(Tool::GnuPg, program(&["gpg"], &[])).is_none() {
        return;
    }
    let ground = Ground::of(&["shop"], "");
    let keyring = ground.folder.path().join(".gnupg");
    std::fs::create_dir(&keyring).unwrap();
    std::fs::set_permissions(&keyring, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = |arguments: &[&str]| {
        let mut command = Command::new("gpg");
        command.args(["--batch", "--quiet", "--homedir"]).arg(&keyring).args(arguments);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let made = |name: &str| {
        gpg(&["--passphrase", "", "--quick-gen-key", name, "ed25519", "sign", "never"]);
        let listed = gpg(&["--with-colons", "--list-keys", name]);
        listed
            .lines()
            .find_map(|line| line.strip_prefix("fpr:::::::::"))
            .unwrap()
            .trim_end_matches(':')
            .to_owned()
    };
    let (ours, theirs) = (made("karin@example.com"), made("bo@example.com"));
    let policy = ground.folder.path().join("policy.yaml");
    std::fs::write(&policy, format!("require_signed: true\nsigners: [\"karin openpgp {ours}\"]\n")).unwrap();
    let policy = policy.to_str().unwrap();
    let own = ground.folder.path().join("own-gpg");
    std::fs::write(&own, format!("#!/bin/sh\nexec gpg --homedir '{}' \"$@\"\n", keyring.display())).unwrap();
    std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    ground.author.git(&["config", "gpg.program", own.to_str().unwrap()]);
    ground.author.git(&["config", "commit.gpgsign", "true"]);
    let sign = |key: &str| {
        ground.author.git(&["config", "user.signingkey", key]);
    };
    sign(&theirs);
    ground.push("Signed by another");
    let refused = ground.run(&["reconcile", "--once", "--policy", policy]);
    assert!(
        refused.assert_code(6).stderr.contains(&format!("key {theirs}, which is none")),
        "{}",
        refused.stderr
    );
    sign(&ours);
    ground.push("Signed by one of us");
    let home = ground.folder.path().join("nobody");
    std::fs::create_dir(&home).unwrap();
    let unknown =
        ground.command(&["reconcile", "--once", "--policy", policy]).env("HOME", home).output().unwrap();
    assert_eq!(
        unknown.status.code(),
        Some(6),
        "no keyring has it: {}",
        String::from_utf8_lossy(&unknown.stderr)
    );
    assert_eq!(ground.open_store().last_number().unwrap(), 0);
    assert_eq!(ground.once(&["--policy", policy]).0, 0);
    assert_eq!(ground.deployed("shop").0, "30");
    let ended = Command::new("gpgconf").arg("--homedir").arg(&keyring).args(["--kill", "all"]).status();
    assert!(ended.is_ok());
}

#[test]
fn what_git_cannot_fetch_is_told_once_and_stops_nothing_that_is_deployed() {
    let ground = Ground::of(&["shop"], "");
    ground.once(&[]);
    git(&ground.runner(), &["remote", "set-url", "origin", "https://bot:s3cr3t@127.0.0.1:1/x.git"]);
    let run = ground.run(&["reconcile", "--once"]);
    run.assert_code(7);
    assert!(!run.all().contains("s3cr3t"), "{}", run.all());
    let status = ground.run(&["reconcile", "status", "-o", "json"]);
    crate::outputs::assert_fits("reconcile-status", &status.assert_code(0).json());
    assert_eq!(
        open(&status.json()),
        opened(&[("stopped", true)]),
        "what is stopped is told: {}",
        status.stdout
    );
    let page = ground.run(&["reconcile", "status", "-o", "html"]);
    let page = &page.assert_code(0).stdout;
    assert!(page.starts_with("<!doctype html>") && page.contains("reconciliation is stopped"), "{page}");
    assert!(page.contains("it is tried again in the next round") && !page.contains("s3cr3t"), "{page}");
    ground.run(&["reconcile", "status", "-o", "sarif"]).assert_code(64);
    let none = ground.run(&["reconcile", "--once", "--remote", "--upload-pack=touch x"]);
    assert!(none.code == 64, "{}", none.all());
    ground.run(&["reconcile", "--once", "--remote", "nowhere"]).assert_code(7);
}

/// A file of the working tree that configures git could run programs.
#[test]
fn what_a_branch_can_write_tells_git_nothing() {
    let ground = Ground::of(&["shop"], "");
    let witness = ground.folder.path().join("ran");
    let runner = ground.runner();
    std::fs::write(
        runner.join("config"),
        format!("[core]\n\tsshCommand = touch {0}\n\tfsmonitor = touch {0}\n", witness.display()),
    )
    .unwrap();
    // Hooks run no more than what a monitor is told.
    let hooks = runner.join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for hook in ["reference-transaction", "post-fetch", "pre-push", "pre-auto-gc"] {
        let hook = hooks.join(hook);
        std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", witness.display())).unwrap();
        std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    git(&runner, &["config", "core.hooksPath", hooks.to_str().unwrap()]);
    assert_eq!(ground.once(&[]).0, 0);
    assert!(!witness.exists(), "a hook ran");
    git(&runner, &["config", "include.path", "../config"]);
    let refused = ground.run(&["reconcile", "--once"]);
    assert!(refused.assert_code(7).stderr.contains("a file of the working tree"), "{}", refused.stderr);
    assert!(!witness.exists(), "a program of the working tree ran");
}

#[test]
fn one_works_at_a_time_and_another_takes_over_from_the_dead_at_once() {
    let ground = Ground::of(&["shop"], "");
    let first = Running::start(&ground);
    ground.wait_for("the first round", || !ground.open_store().read(None).unwrap().is_empty());
    let refused = ground.run(&["reconcile", "--once"]);
    assert!(refused.assert_code(8).stderr.contains("robot reconciles"), "{}", refused.stderr);
    let second = Running::start(&ground);
    first.kill();
    ground.shop("shop", "14", "0");
    ground.push("Fourteen days");
    ground.wait_for("the second takes over", || ground.deployed("shop").0 == "14");
    let status = ground.run(&["reconcile", "status"]);
    assert!(status.stdout.contains("robot works since"), "{}", status.stdout);
    assert_eq!(second.stop(), 0);
    let status = ground.run(&["reconcile", "status", "-o", "json"]).json();
    assert_eq!(status["worker"], json!(null), "{status:#}");
    assert_eq!(ground.once(&[]).0, 0, "the lease is free at once");
}

/// Every save of whoever lost the lease is refused, and so is what he would note.
#[test]
fn whoever_lost_the_lease_saves_nothing() {
    use pairform::store::{Asked, Reconciling, Saved};
    let ground = Ground::of(&["shop"], "");
    ground.once(&[]);
    let mut store = ground.open_store();
    let ask = |seconds| store::Ask {
        integration: "reconcile:",
        owner: "one",
        holder: "elsewhere/1/1",
        reason: "reconcile",
        seconds,
        over: None,
    };
    let Asked::Taken(lost) = store.lock(&ask(0)).unwrap() else { panic!("it is free") };
    let Asked::Taken(lease) = store.lock(&ask(60)).unwrap() else { panic!("the first is over") };
    assert!(lease.token > lost.token);
    let row = ground.row("shop");
    let mut settings = row.settings.clone();
    settings.retain(|path, _| path.to_string() != "methods.Swish.terms");
    let save = |lease| Save {
        integration: "shop",
        category: "payment_methods",
        expected_revision: row.revision,
        settings: &settings,
        applied: &row.applied,
        saved_by: "one",
        saved_at: LONG_AGO,
        commit: None,
        run: "sha256:1",
        fence: None,
        lease: Some(lease),
    };
    assert_eq!(store.save(&save(&lost)).unwrap(), Saved::LockLost);
    let note = Reconciling { forgotten: vec!["x".to_owned()], ..Reconciling::default() };
    assert!(!store.note_reconciled(&lost, &note).unwrap());
    assert!(store.note_reconciled(&lease, &note).unwrap());
    assert!(matches!(store.save(&save(&lease)).unwrap(), Saved::Saved { .. }));
}

/// Killed at any moment, the next round ends where one that was not disturbed ends, with nothing saved twice.
#[test]
fn a_kill_at_any_moment_is_gone_on_from() {
    let shops: Vec<String> = (0..6).map(|at| format!("shop-{at}")).collect();
    let names: Vec<&str> = shops.iter().map(String::as_str).collect();
    let ground = Ground::of(&names, "reconcile: {outside: report}");
    ground.once(&[]);
    for round in 0..12u64 {
        for shop in &shops {
            ground.shop(shop, &format!("{}", 40 + round), "0");
        }
        ground.push(&format!("Round {round}"));
        let mut child = ground
            .command(&["reconcile", "--once"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Anywhere between nothing and all of a round.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(12 * round) && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
        let (code, said) = ground.once(&[]);
        assert_eq!(code, 0, "{said:#}");
        for shop in &shops {
            assert_eq!(ground.deployed(shop).0, format!("{}", 40 + round));
        }
    }
    // Each value was saved once.
    for shop in &shops {
        let past = ground.open_store().history(shop, "payment_methods").unwrap();
        assert_eq!(past.len(), 13, "{shop}");
    }
}

/// Rounds in which nothing moves leave nothing behind.
#[test]
fn a_quiet_round_writes_nothing() {
    let ground = Ground::of(&["shop"], "");
    let running = Running::start_with(&ground, &["--every", "1s"]);
    let at = || ground.open_store().reconciled("").unwrap().map(|now| now.at);
    ground.wait_for("the second round, in which nothing is saved", || {
        let document =
            ground.open_store().reconciled("").unwrap().map(|now| now.document).unwrap_or_default();
        document.contains("\"quiet\":true") && document.contains("\"saved\":0")
    });
    let before = at();
    let begun = Instant::now();
    ground.wait_for("some rounds", || begun.elapsed() > Duration::from_secs(3));
    assert_eq!(at(), before);
    assert_eq!(running.stop(), 0);
}

/// A reconciler that goes on; it is stopped with the test.
pub struct Running(pub Child);

impl Running {
    fn start(ground: &Ground) -> Running {
        Running::start_with(ground, &["--every", "1s"])
    }

    fn start_with(ground: &Ground, more: &[&str]) -> Running {
        let mut command = ground.command(&[&["reconcile"], more].concat());
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to stop; its exit code.
    fn stop(mut self) -> i32 {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.0.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ground {
    /// Looks until something is so: the program works by the clock of the machine.
    fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what} did not come");
            std::thread::yield_now();
        }
    }
}

fn example(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/gitops").join(path)
}

#[test]
fn the_example_runs_with_one_command() {
    let folder = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| {
        let mut command = Command::new(example("run"));
        command
            .args(more)
            .env("PAIRFORM", env!("CARGO_BIN_EXE_pairform"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GITOPS_FOLDER", folder.path()).env("PAIRFORM_ACTOR", "robot").stdin(Stdio::null());
        Run::of_output(&command.output().unwrap())
    };
    let first = run(&["--once"]);
    first.assert_code(0);
    assert!(first.stdout.contains("categories saved from commit"), "{}", first.all());
    let store = format!("sqlite:{}", folder.path().join("state.db").display());
    assert!(!store::open(&store).unwrap().read(None).unwrap().is_empty());
}

/// Flags that are written elsewhere exist, and mean the loop.
#[test]
fn the_unit_and_the_manifest_start_the_reconciler() {
    use clap::Parser as _;
    use pairform::cli::args::{Cli, Command as Asked};
    let is_loop = |words: Vec<String>| {
        let cli = Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        let Asked::Reconcile(args) = cli.command else { panic!("{words:?}") };
        assert!(args.command.is_none() && !args.once && cli.common.env.is_some(), "{words:?}");
    };
    let unit = std::fs::read_to_string(example("reconcile.service")).unwrap();
    let mut section = "";
    let mut started = 0;
    for line in unit.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            continue;
        }
        let (key, value) = line.split_once('=').unwrap();
        assert!(["Unit", "Service", "Install"].contains(&section) && !key.is_empty(), "{line}");
        if key == "ExecStart" {
            is_loop(value.split(' ').map(str::to_owned).collect());
            started += 1;
        }
    }
    assert_eq!(started, 1);
    let manifest = std::fs::read_to_string(example("kubernetes.yaml")).unwrap();
    let documents: Vec<Json> =
        manifest.split("\n---\n").map(|text| serde_yaml::from_str(text).unwrap()).collect();
    let of = |kind: &str| documents.iter().find(|one| one["kind"] == kind).unwrap();
    let deployment = of("Deployment");
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(
        deployment["spec"]["selector"]["matchLabels"],
        deployment["spec"]["template"]["metadata"]["labels"]
    );
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let words = container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
    is_loop(std::iter::once("pairform".to_owned()).chain(words).collect());
    // The policy that it mounts is one.
    let policy = of("ConfigMap")["data"]["policy.yaml"].as_str().unwrap().to_owned();
    let read = pairform::ops::policy_file::PolicyFile::read("policy.yaml".as_ref(), &policy);
    assert!(!read.has_errors(), "{:?}", read.findings);
}

#[test]
fn two_replicas_share_a_postgresql() {
    let Some(server) = crate::server::shared() else { return };
    let ground = Ground::on(Some(server.fresh_url()), &["shop", "other"], "reconcile: {outside: heal}");
    let (first, second) = (Running::start(&ground), Running::start(&ground));
    ground.wait_for("the first round", || ground.open_store().reconciled("").is_ok_and(|now| now.is_some()));
    assert_eq!(ground.open_store().history("shop", "payment_methods").unwrap().len(), 1, "one works");
    ground.save_outside("shop", "60", "karin", LONG_AGO);
    ground.wait_for("it is healed", || ground.deployed("shop").0 == "30");
    first.kill();
    ground.shop("other", "14", "0");
    ground.push("Fourteen days");
    ground.wait_for("one of them works", || ground.deployed("other").0 == "14");
    assert_eq!(second.stop(), 0);
    let status = ground.run(&["reconcile", "status"]);
    assert!(status.assert_code(0).stdout.contains("Nothing is open."), "{}", status.stdout);
}

/// All is judged, and only what has to be is written: a fleet of a thousand, of which one moves. `--nocapture` shows the times.
#[test]
fn a_round_of_a_fleet_writes_what_moved_and_no_more() {
    let number =
        if std::env::var_os("PAIRFORM_TEST_LONG").is_some_and(|value| value == "1") { 1_000 } else { 60 };
    let names: Vec<String> = (0..number).map(|at| format!("shop-{at:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ground = Ground::of(&names, "");
    let timed = |what: &str| {
        let begun = Instant::now();
        let (code, said) = ground.once(&[]);
        println!("{what} of {number}: {:?}", begun.elapsed());
        assert_eq!((code, said["open"].clone()), (0, json!([])));
        said["categories"].as_array().unwrap().len()
    };
    assert_eq!(timed("the first round"), 2 * number);
    assert_eq!(timed("a round without a change"), 0);
    ground.shop("shop-0007", "14", "0");
    ground.push("One of them");
    assert_eq!(timed("a round in which one moves"), 1);
    let mut store = ground.open_store();
    assert!(store.behind("").unwrap().is_empty() && store.matters("").unwrap().is_empty());
    assert_eq!(store.last_number().unwrap(), 2 * number as u64 + 1);
}
