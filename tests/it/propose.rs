//! Proposals: the smallest edit that makes settings so, and such an edit as a commit on a branch of its own, which touches
//! nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use pairform::model::{SettingPath, Value};
use pairform::ops::branch::{NewBranch, commit_on_branch};
use pairform::ops::left::Why;
use pairform::ops::propose::{Destination, Proposal, ProposedValue, compile_with, propose};
use pairform::ops::workspace::Files;
use pairform::ops::{self, Error, ErrorKind, Host, Request, Workspace, project};
use pairform::secrets;
use pairform::yaml::edit;

/// An operation with a host of its own, on a day long ago.
fn host<T>(operation: impl FnOnce(&Host<'_>) -> T) -> T {
    operation(&Host {
        now: &|| Timestamp::from_second(1_600_000_000).unwrap(),
        elapsed: &|| Duration::ZERO,
        sleep: &|_| (),
        actor: &|_| "Åsa Öberg <asa@example.com>".to_owned(),
        holder: &|| "here".to_owned(),
        open_store: &ops::open_store,
        secrets: &secrets::Local::default(),
        trust: &pairform::trust::Trust::default(),
        ask: &|_, _| false,
        progress: &|_| (),
        cancel: &AtomicBool::new(false),
    })
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const BASE: &str = "settings:\n  payment_methods:\n    # Agreed with finance.\n    default_terms_of_payment: \"30\"  # of the group\n";
const SHOP: &str = "# The shop.\nintegration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nextends: [group]\n\nsettings:\n  general: {name: Shop}  # its name\n  order:\n    delivery_days: 4   # working days\n";

/// A repository with a project in a folder of it.
fn repository() -> tempfile::TempDir {
    let around = tempfile::tempdir().unwrap();
    let root = around.path();
    write(root, "README.md", "All of it.\n");
    write(root, "shops/pairform.yaml", "version: 1\n");
    write(root, "shops/bases/group.yaml", BASE);
    write(root, "shops/integrations/shop.yaml", SHOP);
    write(root, "shops/integrations/market.yaml", &SHOP.replace("shop\n", "market\n"));
    git(root, &["init", "-q"]);
    git(root, &["add", "-A"]);
    git(root, &["commit", "-qm", "first"]);
    around
}

fn value(integration: &str, setting: &str, value: Option<Value>) -> ProposedValue {
    let (category, path) = setting.split_once('.').unwrap();
    ProposedValue {
        integration: integration.to_owned(),
        category: category.into(),
        path: SettingPath::parse(path).unwrap(),
        value,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn proposed(
    workspace: &Workspace,
    wanted: Vec<ProposedValue>,
    destination: Destination,
) -> Result<Proposal, Error> {
    let opened = host(|host| project::open(workspace, &Request::default(), host)).unwrap();
    propose(&opened, wanted, destination)
}

fn terms(workspace: &Workspace) -> Files {
    let wanted = vec![value("shop", "payment_methods.default_terms_of_payment", Some(text("10")))];
    proposed(workspace, wanted, Destination::OwnFiles).unwrap().files
}

fn branched(workspace: &Workspace, files: &Files, name: &str) -> Result<String, Error> {
    let branch = NewBranch { name, message: "Ten days for the shop", author: None };
    host(|host| commit_on_branch(workspace, files, branch, host))
}

/// Every file of a repository that a proposal must not touch, with its bytes.
fn untouched(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                if ![".git/objects", ".git/refs/heads", ".git/logs/refs"].contains(&&*name) {
                    folders.push(path);
                }
            } else {
                found.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.iter().any(|(path, _)| path.ends_with(".git/index")));
    assert!(found.iter().any(|(path, _)| path.ends_with(".git/HEAD")));
    found
}

#[test]
fn a_proposal_is_a_commit_that_touches_neither_tree_nor_index_nor_head() {
    let around = repository();
    let root = around.path();
    // What somebody is at outside the project stays theirs.
    write(root, "README.md", "Half written.\n");
    write(root, "notes.txt", "staged");
    git(root, &["add", "notes.txt"]);
    let workspace = Workspace::open(&root.join("shops")).unwrap();
    let files = terms(&workspace);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["integrations/shop.yaml"]);
    let before = untouched(root);
    let commit = branched(&workspace, &files, "pairform/shop").unwrap();
    assert_eq!(untouched(root), before);
    assert_eq!(git(root, &["rev-parse", "refs/heads/pairform/shop"]).trim(), commit);
    assert_eq!(git(root, &["rev-parse", "pairform/shop^"]), git(root, &["rev-parse", "main"]));
    assert_eq!(
        git(root, &["diff", "--name-status", "main", "pairform/shop"]),
        "M\tshops/integrations/shop.yaml\n"
    );
    assert_eq!(
        git(root, &["log", "-1", "--format=%an|%ae|%at|%cn|%B", "pairform/shop"]).trim(),
        "Åsa Öberg|asa@example.com|1600000000|Åsa Öberg|Ten days for the shop"
    );
    git(root, &["fsck", "--strict"]);
    // The edit is the smallest, and no comment is lost.
    let now = git(root, &["show", "pairform/shop:shops/integrations/shop.yaml"]);
    assert_eq!(now, format!("{SHOP}  payment_methods:\n    default_terms_of_payment: \"10\"\n"));
    assert_eq!(edit::comments(&now), edit::comments(SHOP));
    // And it compiles to what was wanted.
    let there = Workspace::at(&root.join("shops"), "pairform/shop").unwrap();
    let opened = host(|host| project::open(&there, &Request::default(), host)).unwrap();
    let path = SettingPath::parse("default_terms_of_payment").unwrap();
    let settings = &opened.compilation.find("shop").unwrap().configuration.categories["payment_methods"];
    assert_eq!(settings.get(&path), Some(text("10")).as_ref());
}

#[test]
fn a_branch_that_is_there_is_never_moved() {
    let around = repository();
    let root = around.path();
    let workspace = Workspace::open(&root.join("shops")).unwrap();
    let files = terms(&workspace);
    branched(&workspace, &files, "proposal").unwrap();
    branched(&workspace, &files, "team/shop").unwrap();
    let before = git(root, &["show-ref"]);
    for (name, kind) in [
        ("proposal", ErrorKind::Stale),
        ("main", ErrorKind::Stale),
        ("proposal/deeper", ErrorKind::Usage),
        ("team", ErrorKind::Usage),
    ] {
        let error = branched(&workspace, &files, name).unwrap_err();
        assert_eq!(error.kind, kind, "{name}: {error}");
    }
    git(root, &["pack-refs", "--all"]);
    assert_eq!(branched(&workspace, &files, "proposal").unwrap_err().kind, ErrorKind::Stale, "packed");
    assert_eq!(git(root, &["show-ref"]), before);
    // HEAD may be on a branch that has no commit yet.
    let at = Workspace::at(&root.join("shops"), "main").unwrap();
    git(root, &["symbolic-ref", "HEAD", "refs/heads/next"]);
    assert_eq!(branched(&at, &files, "next").unwrap_err().kind, ErrorKind::Stale);
}

#[test]
fn of_many_that_begin_a_branch_at_once_one_does() {
    let around = repository();
    let root = around.path();
    let files: Vec<Files> = (11..=18)
        .map(|days| {
            let workspace = Workspace::open(&root.join("shops")).unwrap();
            let wanted = vec![value("shop", "order.delivery_days", Some(Value::number(&days.to_string())))];
            proposed(&workspace, wanted, Destination::OwnFiles).unwrap().files
        })
        .collect();
    for round in 0..10 {
        let name = format!("race-{round}");
        let done: Vec<Result<String, Error>> = std::thread::scope(|scope| {
            let begun = files.iter().map(|files| {
                let name = &name;
                scope.spawn(move || {
                    let workspace = Workspace::at(&root.join("shops"), "main").unwrap();
                    branched(&workspace, files, name)
                })
            });
            begun.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let won: Vec<&String> = done.iter().filter_map(|done| done.as_ref().ok()).collect();
        assert_eq!(won.len(), 1, "{done:?}");
        assert!(
            done.iter().filter_map(|done| done.as_ref().err()).all(|error| error.kind == ErrorKind::Stale)
        );
        assert_eq!(git(root, &["rev-parse", &format!("refs/heads/{name}")]).trim(), won[0]);
    }
}

#[test]
fn a_name_that_git_would_not_take_is_refused() {
    let around = repository();
    let workspace = Workspace::open(&around.path().join("shops")).unwrap();
    let files = terms(&workspace);
    for name in [
        "", "-x", "HEAD", "a b", "a..b", "a.lock", "a@{b", "/a", "a/", "a//b", ".a", "a~1", "a:b", "a\\b",
        "a\nb",
    ] {
        let error = branched(&workspace, &files, name).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Usage, "{name:?}: {error}");
    }
    assert_eq!(git(around.path(), &["for-each-ref"]).lines().count(), 1);
}

#[test]
fn a_bare_repository_takes_a_proposal() {
    let around = repository();
    let root = around.path();
    git(root, &["mv", "shops/pairform.yaml", "shops/bases", "shops/integrations", "."]);
    git(root, &["commit", "-qm", "to the top"]);
    let bare = tempfile::tempdir().unwrap();
    git(bare.path(), &["clone", "-q", "--bare", &root.to_string_lossy(), "bare.git"]);
    let bare = bare.path().join("bare.git");
    let head = std::fs::read(bare.join("HEAD")).unwrap();
    let workspace = Workspace::at(&bare, "main").unwrap();
    branched(&workspace, &terms(&workspace), "proposal").unwrap();
    assert_eq!(git(&bare, &["diff", "--name-only", "main", "proposal"]), "integrations/shop.yaml\n");
    assert_eq!(std::fs::read(bare.join("HEAD")).unwrap(), head);
    assert!(!bare.join("index").exists());
    git(&bare, &["fsck", "--strict"]);
}

#[cfg(unix)]
#[test]
fn modes_stay_links_are_written_through_and_none_leads_out() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let around = repository();
    let root = around.path();
    let shop = root.join("shops/integrations/shop.yaml");
    std::fs::set_permissions(&shop, std::fs::Permissions::from_mode(0o755)).unwrap();
    let kept = root.join("shops/bases/kept.yaml");
    std::fs::rename(root.join("shops/integrations/market.yaml"), &kept).unwrap();
    symlink("../bases/kept.yaml", root.join("shops/integrations/market.yaml")).unwrap();
    symlink("/etc", root.join("shops/environments")).unwrap();
    git(root, &["add", "-A"]);
    git(root, &["commit", "-qm", "links"]);
    let workspace = Workspace::at(&root.join("shops"), "main").unwrap();
    let files: Files =
        [("integrations/shop.yaml", "a"), ("integrations/market.yaml", "b"), ("bases/new.yaml", "c")]
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .into();
    branched(&workspace, &files, "proposal").unwrap();
    let changed = git(root, &["diff", "--raw", "--no-abbrev", "main", "proposal"]);
    let changed: Vec<(&str, &str)> =
        changed.lines().map(|line| (&line[1..14], line.split_once('\t').unwrap().1)).collect();
    assert_eq!(
        changed,
        [
            ("100644 100644", "shops/bases/kept.yaml"),
            ("000000 100644", "shops/bases/new.yaml"),
            ("100755 100755", "shops/integrations/shop.yaml"),
        ]
    );
    for path in [
        "../README.md",
        "/etc/passwd",
        "a/../../b",
        "environments/new.yaml",
        ".git/hooks/x",
        "integrations",
        "",
    ] {
        let files: Files = [(path.to_owned(), "x".to_owned())].into();
        assert_eq!(branched(&workspace, &files, "other").unwrap_err().kind, ErrorKind::Refused, "{path}");
    }
}

#[test]
fn only_what_is_committed_is_built_on() {
    let around = repository();
    let root = around.path();
    write(root, "shops/bases/group.yaml", &BASE.replace("30", "14"));
    let workspace = Workspace::open(&root.join("shops")).unwrap();
    let files = terms(&workspace);
    assert_eq!(branched(&workspace, &files, "proposal").unwrap_err().kind, ErrorKind::Refused);
    // Of the revision it can be proposed all the same.
    let revision = Workspace::at(&root.join("shops"), "HEAD").unwrap();
    branched(&revision, &terms(&revision), "proposal").unwrap();
    // What was edited on something else would take more with it.
    git(root, &["checkout", "-q", "shops"]);
    let clean = Workspace::open(&root.join("shops")).unwrap();
    let other = clean.overlay(&[("integrations/shop.yaml".to_owned(), format!("{SHOP}# mine\n"))].into());
    assert_eq!(branched(&other, &files, "third").unwrap_err().kind, ErrorKind::Refused);
    let same = [("integrations/shop.yaml".to_owned(), SHOP.to_owned())].into();
    assert_eq!(branched(&clean, &same, "third").unwrap_err().kind, ErrorKind::Usage, "nothing would change");
}

#[test]
fn a_value_goes_where_it_is_set_or_over_it_and_whom_that_reaches_is_told() {
    let around = repository();
    let workspace = Workspace::open(&around.path().join("shops")).unwrap();
    let wanted = || vec![value("shop", "payment_methods.default_terms_of_payment", Some(text("10")))];
    let only_here = proposed(&workspace, wanted(), Destination::OwnFiles).unwrap();
    assert_eq!((only_here.files.len(), only_here.others.len(), only_here.left.len()), (1, 0, 0));
    let for_all = proposed(&workspace, wanted(), Destination::WhereSet).unwrap();
    assert_eq!(for_all.files, [("bases/group.yaml".to_owned(), BASE.replace("30", "10"))].into());
    assert_eq!(for_all.others.iter().collect::<Vec<_>>(), ["market"]);
    // Not set: the key goes, or what a base says is covered.
    let gone = vec![
        value("shop", "order.delivery_days", None),
        value("shop", "payment_methods.default_terms_of_payment", None),
    ];
    let said = vec![value("shop", "order.delivery_days", Some(Value::number("4")))];
    let said = proposed(&workspace, said, Destination::OwnFiles).unwrap();
    assert_eq!((said.files.len(), said.made.len()), (0, 1));
    let gone = proposed(&workspace, gone, Destination::OwnFiles).unwrap();
    let text = &gone.files["integrations/shop.yaml"];
    assert!(!text.contains("delivery_days:") && text.contains("default_terms_of_payment: null"), "{text}");
    assert_eq!(edit::comments(text), edit::comments(SHOP));
}

#[test]
fn what_would_make_the_files_wrong_is_left() {
    let around = repository();
    let workspace = Workspace::open(&around.path().join("shops")).unwrap();
    let wanted = vec![
        value("shop", "order.exclude_before", Some(text("soon"))),
        value("shop", "order.delivery_days", Some(Value::number("7"))),
    ];
    let proposal = proposed(&workspace, wanted, Destination::OwnFiles).unwrap();
    assert_eq!(proposal.files["integrations/shop.yaml"], SHOP.replace("days: 4 ", "days: 7 "));
    let [left] = &proposal.left[..] else { panic!("{:?}", proposal.left) };
    assert_eq!((left.integration.as_str(), left.setting.as_str()), ("shop", "order.exclude_before"));
    assert!(matches!(left.why, Why::FilesWrong(_)));
    assert_eq!(proposal.made.len(), 1);
}

#[test]
fn an_edited_project_is_judged_on_the_day_of_the_project() {
    let around = repository();
    let workspace = Workspace::open(&around.path().join("shops")).unwrap();
    let opened = host(|host| project::open(&workspace, &Request::default(), host)).unwrap();
    assert_eq!(opened.compilation.today.to_string(), "2020-09-13");
    let after = compile_with(&opened, &terms(&workspace), &["shop".to_owned()]);
    assert_eq!(after.today, opened.compilation.today);
}
