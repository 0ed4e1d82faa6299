//! Reading revisions: `--rev`, `diff` and `--changed-since` on real repositories.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;

/// A repository in a folder of its own.
pub struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    pub fn new() -> Self {
        let repository = Repository { folder: tempfile::tempdir().unwrap() };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), arguments)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        pairform(self.path(), arguments)
    }

    pub fn json(&self, arguments: &[&str]) -> Json {
        let output = self.run(&[arguments, &["-o", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn pairform(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(["--color", "never"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

pub fn shop(name: &str, live: bool, warehouse: &str) -> String {
    format!(
        "integration: {name}\npair: fortnox-shopify\nextends: [shop]\nflows: {{articles: true, stock: true, orders: true}}\nsettings:\n  general: {{name: {name}, live_mode: {live}}}\n  payment_methods:\n    map: {{Klarna: \"{warehouse}\"}}\n"
    )
}

/// Two shops on one base, a third without it.
pub fn project() -> Repository {
    let repository = Repository::new();
    repository.write("pairform.yaml", "version: 1\n");
    repository.write("bases/shop.yaml", "settings:\n  order: {exclude_before: 2026-01-01}\n");
    repository.write("integrations/fjord.yaml", &shop("fjord", false, "30"));
    repository.write("integrations/nordic.yaml", &shop("nordic", false, "30"));
    repository.write("integrations/solo.yaml", &shop("solo", false, "30").replace("extends: [shop]\n", ""));
    repository.commit("Begin");
    repository
}

/// `integration category.setting kind before after` of every change.
fn changes(diff: &Json) -> Vec<String> {
    let mut all = Vec::new();
    for integration in diff["integrations"].as_array().unwrap() {
        for category in integration["categories"].as_array().unwrap() {
            for change in category["changes"].as_array().unwrap() {
                all.push(format!(
                    "{} {}.{} {} {} {}",
                    integration["integration"].as_str().unwrap(),
                    category["category"].as_str().unwrap(),
                    change["setting"].as_str().unwrap(),
                    change["kind"].as_str().unwrap(),
                    change["before"],
                    change["after"]
                ));
            }
        }
    }
    all
}

#[test]
fn a_diff_says_each_setting_that_changed_on_a_branch() {
    let repository = project();
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository.write("integrations/nordic.yaml", &shop("nordic", false, "14"));
    repository.commit("Shorter terms");
    // What happens on main meanwhile is no part of the branch.
    repository.git(&["switch", "-q", "main"]);
    repository.write("integrations/fjord.yaml", &shop("fjord", false, "0"));
    repository.commit("Elsewhere");
    repository.git(&["switch", "-q", "topic"]);
    let expected = ["nordic payment_methods.methods.Klarna.terms change \"30\" \"14\""];
    assert_eq!(changes(&repository.json(&["diff"])), expected);
    let diff = repository.json(&["diff", "--base", "main", "--head", "topic", "--blame"]);
    assert_eq!(changes(&diff), expected);
    let category = &diff["integrations"][0]["categories"];
    let change = category
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one["changes"].as_array().unwrap())
        .next()
        .unwrap();
    assert_eq!(change["touched"]["author"], "Ada");
    assert_eq!(change["touched"]["commit"], repository.git(&["rev-parse", "topic"]).trim());
    assert_eq!(changes(&repository.json(&["diff", "--base", "main", "--exact"])).len(), 2);
    assert_eq!(repository.json(&["diff", "--base", "HEAD"])["summary"]["settings"]["change"], 0);
}

#[test]
fn what_changes_through_a_base_is_said_and_nothing_else_is_compiled() {
    let repository = project();
    let before = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
    repository.write("bases/shop.yaml", "settings:\n  order: {exclude_before: 2026-02-01}\n");
    repository.commit("Later orders");
    let diff = repository.json(&["diff", "--base", &before, "--head", "HEAD"]);
    let names: Vec<&str> = diff["integrations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["integration"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["fjord", "nordic"]);
    assert_eq!(diff["integrations"][0]["effects"]["through"], serde_json::json!(["bases/shop.yaml"]));
    let validated = repository.json(&["validate", "--changed-since", &before]);
    assert_eq!(validated["summary"]["integrations"], 2);
    let nothing = repository.json(&["validate", "--changed-since", "HEAD"]);
    assert_eq!(nothing["summary"]["integrations"], 0);
}

#[test]
fn errors_that_the_changes_bring_are_counted_as_theirs() {
    let repository = project();
    repository.write("integrations/nordic.yaml", "integration: nordic\npair: fortnox-nothing\n");
    let diff = repository.run(&["diff", "--base", "HEAD"]);
    let said = String::from_utf8(diff.stdout).unwrap();
    assert!(said.ends_with("The changes bring 1 error.\n"), "{said}");
}

#[test]
fn flows_and_categories_that_appear_are_named_and_so_is_what_becomes_required() {
    let repository = project();
    let off = shop("nordic", false, "30").replace("stock: true", "stock: false");
    repository.write("integrations/nordic.yaml", &off);
    repository.commit("No stock");
    repository.write("integrations/nordic.yaml", &shop("nordic", false, "30"));
    let diff = repository.json(&["diff", "--base", "HEAD"]);
    let effects = &diff["integrations"][0]["effects"];
    assert_eq!(effects["flows_on"], serde_json::json!(["stock"]), "{diff:#}");
    assert_eq!(effects["categories_shown"], serde_json::json!(["stock"]), "{diff:#}");
    let required: Vec<&str> =
        effects["newly_required"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert!(!required.is_empty() && required.iter().all(|one| one.starts_with("stock.")), "{required:?}");
    assert!(effects["through"].as_array().unwrap().is_empty(), "its own file changed");
}

#[test]
fn a_revision_is_read_without_touching_the_tree_or_the_index() {
    let repository = project();
    let first = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
    repository.write("integrations/nordic.yaml", "integration: [\n");
    repository.git(&["rm", "-q", "integrations/fjord.yaml"]);
    let index = std::fs::read(repository.path().join(".git/index")).unwrap();
    let seen = repository.json(&["validate", "--rev", &first]);
    assert_eq!(seen["summary"]["integrations"], 3);
    assert!(repository.json(&["validate"])["summary"]["errors"].as_u64().unwrap() > 0);
    let shown = repository.json(&["show", "fjord", "--rev", "HEAD"]);
    assert_eq!(shown["configuration"]["integration"], "fjord");
    assert_eq!(std::fs::read(repository.path().join(".git/index")).unwrap(), index);
}

#[test]
fn a_revision_reads_as_its_checkout_would() {
    let repository = project();
    repository.write("integrations/odd/integration.yaml", "pair: fortnox-shopify\n\u{feff}");
    std::fs::write(repository.path().join("integrations/bytes.yaml"), b"pair: \xff\n").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("fjord.yaml", repository.path().join("integrations/linked.yaml")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", repository.path().join("integrations/outside.yaml"))
            .unwrap();
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"integrations/n\xe5.yaml");
        std::fs::write(repository.path().join(name), "pair: fortnox-shopify\n").unwrap();
    }
    repository.commit("Odd files");
    let tree = repository.json(&["validate"]);
    let revision = repository.json(&["validate", "--rev", "HEAD"]);
    assert_eq!(tree["findings"], revision["findings"]);
}

#[test]
fn bare_clones_and_detached_heads_and_subfolders_are_read() {
    let repository = project();
    let clones = tempfile::tempdir().unwrap();
    let source = repository.path().display().to_string();
    git(clones.path(), &["clone", "-q", "--bare", &source, "bare.git"]);
    let output = pairform(&clones.path().join("bare.git"), &["validate", "--rev", "main", "-o", "json"]);
    let body: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(body["summary"]["integrations"], 3, "{body:#}");
    repository.git(&["switch", "-q", "--detach"]);
    assert_eq!(repository.json(&["diff"])["summary"]["integrations"], 0);
    let inside = Repository::new();
    inside.write("config/pairform.yaml", "version: 1\n");
    inside.write("config/integrations/solo.yaml", "pair: fortnox-shopify\n");
    inside.commit("Begin");
    let output =
        pairform(&inside.path().join("config/integrations"), &["validate", "--rev", "HEAD", "-o", "json"]);
    let body: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(body["summary"]["integrations"], 1);
}

#[test]
fn a_submodule_is_read_at_the_commit_that_the_revision_names() {
    let shops = Repository::new();
    shops.write("solo.yaml", &shop("solo", false, "30"));
    shops.commit("Begin");
    let parent = Repository::new();
    parent.write("pairform.yaml", "version: 1\n");
    parent.write("bases/shop.yaml", "settings:\n  order: {exclude_before: 2026-01-01}\n");
    parent.git(&["submodule", "--quiet", "add", &shops.path().display().to_string(), "integrations"]);
    parent.commit("Begin");

    shops.write("solo.yaml", &shop("solo", false, "30").replace("stock: true", "stock: false"));
    shops.commit("Stop counting stock");
    git(&parent.path().join("integrations"), &["pull", "-q"]);
    parent.commit("Take the new shops");

    let named = |revision| {
        let body = parent.json(&["validate", "--rev", revision]);
        (body["summary"]["integrations"].clone(), body["findings"].clone())
    };
    let (count, now) = named("HEAD");
    assert_eq!(count, 1);
    assert_eq!(now, parent.json(&["validate"])["findings"]);
    assert_ne!(now, named("HEAD~1").1);
    let diff = parent.json(&["diff", "--base", "HEAD~1", "--head", "HEAD"]);
    assert_eq!(diff["summary"]["integrations"], 1, "{diff:#}");
    assert!(diff["integrations"][0].to_string().contains("stock"), "{diff:#}");

    let clones = tempfile::tempdir().unwrap();
    git(clones.path(), &["clone", "-q", &parent.path().display().to_string(), "clone"]);
    let clone = clones.path().join("clone");
    let said = |arguments: &[&str]| {
        let output = pairform(&clone, arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(said(&["validate", "--rev", "HEAD"]).contains("git submodule update --init"));
    git(&clone, &["submodule", "--quiet", "update", "--init"]);
    let within = pairform(&clone.join("integrations"), &["validate", "--rev", "HEAD", "-o", "json"]);
    let body: Json = serde_json::from_slice(&within.stdout).unwrap();
    assert_eq!(body["summary"]["integrations"], 1, "{body:#}");
}

#[test]
fn a_shallow_clone_and_a_missing_base_end_with_the_mend() {
    let repository = project();
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository.write("integrations/nordic.yaml", &shop("nordic", false, "14"));
    repository.commit("Topic");
    repository.git(&["switch", "-q", "main"]);
    repository.commit("Main");
    let clones = tempfile::tempdir().unwrap();
    let source = format!("file://{}", repository.path().display());
    git(clones.path(), &["clone", "-q", "--depth", "1", "--no-single-branch", &source, "shallow"]);
    let shallow: PathBuf = clones.path().join("shallow");
    for base in ["origin/topic", "HEAD~1"] {
        let output = pairform(&shallow, &["diff", "--base", base]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains("fetch-depth: 0"), "{said}");
    }
    let output = repository.run(&["diff", "--base", "origin/nowhere"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("git fetch origin nowhere"));
    let alone = tempfile::tempdir().unwrap();
    std::fs::write(alone.path().join("pairform.yaml"), "version: 1\n").unwrap();
    let output = pairform(alone.path(), &["diff"]);
    assert_eq!(output.status.code(), Some(64));
}

#[test]
fn an_integration_that_is_removed_or_renamed_is_released_and_one_that_moves_is_unchanged() {
    let repository = project();
    repository.git(&["mv", "integrations/nordic.yaml", "integrations/north.yaml"]);
    std::fs::create_dir_all(repository.path().join("integrations/more")).unwrap();
    repository.git(&["mv", "integrations/fjord.yaml", "integrations/more/fjord.yaml"]);
    let text = shop("north", false, "30");
    repository.write("integrations/north.yaml", &text);
    repository.commit("Rename");
    let diff = repository.json(&["diff", "--base", "HEAD~1"]);
    crate::outputs::assert_fits("plan", &diff);
    let released = diff["released"].as_array().unwrap();
    assert!(!released.is_empty() && released.iter().all(|one| one["integration"] == "nordic"), "{diff:#}");
    assert!(changes(&diff).iter().all(|change| change.starts_with("north ")));
}

#[test]
fn owners_are_read_from_the_project_and_from_codeowners() {
    let repository = project();
    repository.write("pairform.yaml", "version: 1\nowners: {payment_methods: [finance]}\n");
    repository.write(".github/CODEOWNERS", "/integrations/ @shops\n");
    repository.commit("Owners");
    repository.write("integrations/nordic.yaml", &shop("nordic", false, "14"));
    let diff = repository.json(&["diff", "--base", "HEAD"]);
    let categories = diff["integrations"][0]["categories"].as_array().unwrap();
    let payment = categories.iter().find(|one| one["category"] == "payment_methods").unwrap();
    assert_eq!(payment["owners"], serde_json::json!(["@shops", "finance"]));
}

#[test]
fn a_tree_is_dirty_by_what_is_read_of_it_alone() {
    let repository = project();
    let is_dirty = || repository.json(&["plan"])["commit"]["dirty"].as_bool().unwrap();
    assert!(!is_dirty());
    repository.write("one.plan", "{}");
    repository.write("notes/todo.txt", "");
    assert!(!is_dirty());
    repository.write("integrations/new.yaml", "");
    assert!(is_dirty());
}

/// Something that may happen to a tree that was clean.
type Event = (&'static str, fn(&Repository));

const EVENTS: [Event; 13] = [
    ("nothing", |_| {}),
    ("touched and not changed", |tree| tree.age("integrations/nordic.yaml", 50)),
    ("changed", |tree| tree.write("integrations/nordic.yaml", "integration: nordic\n")),
    ("put aside and replaced, the size and the time kept", |tree| {
        let file = tree.path().join("integrations/nordic.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::rename(&file, tree.path().join("old")).unwrap();
        tree.write("integrations/nordic.yaml", &text.replace("nordic", "cidron"));
        tree.age("integrations/nordic.yaml", 100);
    }),
    ("staged", |tree| {
        tree.write("bases/shop.yaml", "{}\n");
        tree.git(&["add", "bases/shop.yaml"]);
    }),
    ("staged and changed back", |tree| {
        let text = std::fs::read_to_string(tree.path().join("bases/shop.yaml")).unwrap();
        tree.write("bases/shop.yaml", "{}\n");
        tree.git(&["add", "bases/shop.yaml"]);
        tree.write("bases/shop.yaml", &text);
    }),
    ("removed", |tree| std::fs::remove_file(tree.path().join("integrations/nordic.yaml")).unwrap()),
    ("removed from the index alone", |tree| {
        tree.git(&["rm", "-q", "--cached", "integrations/nordic.yaml"]);
    }),
    ("new", |tree| tree.write("integrations/more/new.yaml", "")),
    ("new and ignored", |tree| tree.write("integrations/more/new.local.yaml", "")),
    ("a new empty folder", |tree| std::fs::create_dir_all(tree.path().join("schemas/empty")).unwrap()),
    ("a link for a file", |tree| {
        let file = tree.path().join("integrations/nordic.yaml");
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("fjord.yaml", file).unwrap();
    }),
    ("executable", |tree| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(tree.path().join("integrations/nordic.yaml"), mode).unwrap();
    }),
];

impl Repository {
    /// Sets the time of a file back by so many seconds.
    fn age(&self, path: &str, seconds: u64) {
        let file = std::fs::File::options().write(true).open(self.path().join(path)).unwrap();
        let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 - seconds);
        file.set_modified(then).unwrap();
    }
}

#[test]
fn a_tree_is_dirty_when_git_says_that_its_sources_differ() {
    for (name, event) in EVENTS {
        let repository = project();
        repository.write(".gitignore", "*.local.yaml\n");
        // Of files that are older than the index git does not look at the text.
        for path in repository.git(&["ls-files"]).lines() {
            repository.age(path, 100);
        }
        repository.commit("Begin");
        event(&repository);
        let is_dirty = pairform::source::git::commit(repository.path()).unwrap().dirty;
        let places = ["pairform.yaml", "bases", "environments", "integrations", "options", "schemas"];
        let status = ["status", "--porcelain", "--ignored", "--"];
        let said = repository.git(&[status.as_slice(), places.as_slice()].concat());
        assert_eq!(is_dirty, !said.is_empty(), "{name}: {said}");
    }
}

/// What git says nothing of, and what is read all the same.
const UNSAID: [Event; 9] = [
    ("an ignored environment", |tree| {
        tree.write("environments/production.local.yaml", "patch: {}\n");
    }),
    ("assumed to be unchanged", |tree| {
        tree.git(&["update-index", "--assume-unchanged", "integrations/nordic.yaml"]);
        tree.write("integrations/nordic.yaml", "integration: nordic\n");
    }),
    ("left out of the tree and written anew", |tree| {
        tree.git(&["update-index", "--skip-worktree", "integrations/nordic.yaml"]);
        tree.write("integrations/nordic.yaml", "integration: nordic\n");
    }),
    ("left out of the tree and not there", |tree| {
        tree.git(&["update-index", "--skip-worktree", "integrations/nordic.yaml"]);
        std::fs::remove_file(tree.path().join("integrations/nordic.yaml")).unwrap();
    }),
    ("ignored by this clone alone", |tree| {
        tree.write(".git/info/exclude", "*.yaml\n");
        tree.write("integrations/other.yaml", "integration: other\n");
    }),
    ("changed by a filter", |tree| {
        tree.git(&["config", "filter.odd.clean", "sed s/cidron/nordic/"]);
        tree.git(&["config", "filter.odd.smudge", "sed s/nordic/cidron/"]);
        tree.write(".git/info/attributes", "*.yaml filter=odd\n");
        std::fs::remove_file(tree.path().join("integrations/nordic.yaml")).unwrap();
        tree.git(&["checkout", "-q", "--", "integrations/nordic.yaml"]);
    }),
    ("line breaks that nobody asked for", |tree| {
        tree.git(&["update-index", "--assume-unchanged", "bases/shop.yaml"]);
        let text = std::fs::read_to_string(tree.path().join("bases/shop.yaml")).unwrap();
        tree.write("bases/shop.yaml", &text.replace('\n', "\r\n"));
    }),
    ("a change in a submodule", |tree| {
        with_submodule(tree);
        tree.write("options/fortnox/a.lock.yaml", "sets: {}\n");
    }),
    ("a new file in a submodule", |tree| {
        with_submodule(tree);
        tree.write("options/fortnox/b.lock.yaml", "sets: {}\n");
    }),
];

/// What looks odd, and is the commit's all the same.
const CLEAN: [Event; 4] = [
    ("assumed to be unchanged, and unchanged", |tree| {
        tree.git(&["update-index", "--assume-unchanged", "integrations/nordic.yaml"]);
    }),
    ("ignored and not read", |tree| tree.write("integrations/notes.local.txt", "x")),
    ("line breaks as git writes them here", |tree| {
        tree.git(&["config", "core.autocrlf", "true"]);
        std::fs::remove_file(tree.path().join("integrations/nordic.yaml")).unwrap();
        tree.git(&["checkout", "-q", "--", "integrations/nordic.yaml"]);
        let text = std::fs::read_to_string(tree.path().join("integrations/nordic.yaml")).unwrap();
        assert!(text.contains("\r\n"));
    }),
    ("a submodule as it was committed", with_submodule),
];

fn with_submodule(tree: &Repository) {
    let other = Repository::new();
    other.write("a.lock.yaml", "connector: fortnox\naccount: a\nsets: {}\n");
    other.commit("Lists");
    let from = other.path().to_str().unwrap().to_owned();
    tree.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "options/fortnox"]);
    tree.commit("Lists as a submodule");
}

#[test]
fn a_tree_is_dirty_by_what_git_says_nothing_of() {
    for (events, wanted) in [(UNSAID.as_slice(), true), (CLEAN.as_slice(), false)] {
        for (name, event) in events {
            let repository = project();
            repository.write(".gitignore", "*.local.*\n");
            repository.commit("Begin");
            event(&repository);
            let is_dirty = pairform::source::git::commit(repository.path()).unwrap().dirty;
            assert_eq!(is_dirty, wanted, "{name}");
        }
    }
}

#[test]
fn what_git_says_nothing_of_is_told_by_plan_and_refused_by_apply() {
    let repository = project();
    repository.write(".gitignore", "environments/production.yaml\n");
    repository.write("pairform.yaml", "version: 1\nenvironments: {production: {store: \"sqlite:.pairform/production.db\", require_clean: true}}\n");
    repository.commit("Clean only");
    assert_eq!(repository.json(&["plan"])["commit"]["dirty"], false);
    repository.write("environments/production.yaml", "# nothing yet\n");
    assert_eq!(repository.json(&["plan"])["commit"]["dirty"], true);
    let refused = repository.run(&["apply", "--yes", "--no-input"]);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    std::fs::remove_file(repository.path().join("environments/production.yaml")).unwrap();
    let applied = repository.run(&["apply", "--yes", "--no-input"]);
    assert_ne!(applied.status.code(), Some(5), "{applied:?}");
}
