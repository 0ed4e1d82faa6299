//! What pairform keeps beside a project, in `.pairform`, is believed only where no commit brought it: whoever writes a branch would
//! write what was fetched, which token comes next, and what is deployed. Each way to bring it is tried with each of them.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::platforms::{self, Server};
use crate::revisions::Repository;
use crate::run::Run;

const OWN: &str = "shpat_1";
const PLANTED: &str = "planted-by-a-branch";

/// How a file gets there. `Nobody` is the control: what pairform itself left is used.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Nobody,
    Committed,
    Staged,
    FolderIsALink,
    FileIsALink,
    Submodule,
    /// One that the last commit took out again; git leaves its files.
    ForgottenSubmodule,
    /// A merge writes over what it is told to ignore.
    MergeOfAnIgnoredFile,
    /// The index was told to pass it by.
    AssumedUnchanged,
}

const WAYS: [Way; 8] = [
    Way::Committed,
    Way::Staged,
    Way::FolderIsALink,
    Way::FileIsALink,
    Way::Submodule,
    Way::ForgottenSubmodule,
    Way::MergeOfAnIgnoredFile,
    Way::AssumedUnchanged,
];

fn put(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Brings a file to a path below `.pairform` of a branch `topic`; `main` stays as it was.
fn bring(repository: &Repository, way: Way, path: &str, bytes: &[u8]) {
    let root = repository.path();
    let kept = root.join(".pairform");
    let rest = path.strip_prefix(".pairform/").unwrap();
    let own = std::fs::read(root.join(path)).ok();
    let empty = || {
        let _ = std::fs::remove_dir_all(&kept);
    };
    if way != Way::Nobody {
        repository.git(&["switch", "-q", "-c", "topic"]);
    }
    match way {
        Way::Nobody => put(root, path, bytes),
        Way::Committed | Way::Staged | Way::MergeOfAnIgnoredFile | Way::AssumedUnchanged => {
            put(root, path, bytes);
            repository.git(&["add", "-f", path]);
        }
        Way::FolderIsALink => {
            empty();
            put(root, &format!("shared/{rest}"), bytes);
            symlink("shared", &kept).unwrap();
            repository.git(&["add", "-f", ".pairform", "shared"]);
        }
        Way::FileIsALink => {
            put(root, "shared/file", bytes);
            let _ = std::fs::remove_file(root.join(path));
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            symlink(format!("{}shared/file", "../".repeat(path.matches('/').count())), root.join(path))
                .unwrap();
            repository.git(&["add", "-f", path, "shared"]);
        }
        Way::Submodule | Way::ForgottenSubmodule => {
            empty();
            let other = Repository::new();
            put(other.path(), rest, bytes);
            other.commit("Bring it");
            let from = other.path().to_str().unwrap().to_owned();
            repository.git(&["submodule", "--quiet", "add", "-f", &from, ".pairform"]);
        }
    }
    if !matches!(way, Way::Nobody | Way::Staged) {
        repository.git(&["commit", "-q", "-m", "innocent"]);
    }
    match way {
        Way::ForgottenSubmodule => {
            repository.git(&["rm", "-q", "--cached", ".pairform", ".gitmodules"]);
            repository.git(&["commit", "-q", "-m", "more innocent"]);
        }
        Way::MergeOfAnIgnoredFile => {
            repository.git(&["switch", "-q", "main"]);
            repository.git(&["switch", "-q", "-c", "deploy"]);
            if let Some(own) = own {
                put(root, path, &own);
            }
            repository.git(&["merge", "-q", "topic"]);
        }
        Way::AssumedUnchanged => {
            repository.git(&["update-index", "--assume-unchanged", path]);
        }
        _ => {}
    }
    assert_eq!(std::fs::read(root.join(path)).unwrap(), bytes, "{way:?}");
}

/// A shop whose locations come from a platform on this machine.
fn repository(server: &Server) -> Repository {
    let repository = Repository::new();
    repository.write(".gitignore", ".pairform/\n");
    repository.write("pairform.yaml", "version: 1\n");
    let shop = format!(
        "integration: nordic\npair: fortnox-shopify\nunmanaged: [order, invoice]\nconnectors:\n  shopify:\n    active: p\n    connections:\n      p: {{shop: nordic, access_token: {{secret: env/S_TOKEN}}, base_url: \"http://127.0.0.1:{}/shopify\"}}\nsettings:\n  stock: {{target_location: gid://shopify/Location/1}}\n",
        server.port
    );
    repository.write("integrations/nordic.yaml", &shop);
    repository.commit("Begin");
    repository
}

fn run(repository: &Repository, server: &Server, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
    command
        .args(arguments)
        .current_dir(repository.path())
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PAIRFORM_ACTOR", "ann")
        .env("S_TOKEN", OWN)
        .env("PAIRFORM_ALLOW", format!("shopify=127.0.0.1:{}", server.port));
    let run = Run::of_output(&command.output().unwrap());
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

/// Whoever reviews the change is told; `Staged` is no commit yet, and what one commit brought and the next took out is in none.
fn assert_told(repository: &Repository, server: &Server, way: Way) {
    if matches!(way, Way::Nobody | Way::Staged | Way::ForgottenSubmodule) {
        return;
    }
    for arguments in [&["diff", "--base", "main"][..], &["validate", "--base", "main"]] {
        let told = run(repository, server, arguments).all();
        let is_told = told.contains("is where pairform keeps tokens") || told.contains("a store, so that");
        assert!(is_told && told.contains(".pairform"), "{way:?} {arguments:?}: {told}");
    }
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn no_commit_brings_the_token_that_comes_next() {
    let path = format!(".pairform/tokens/{}.json", &digest("env/S_TOKEN")[..16]);
    let planted = json!({"of": digest(OWN), "token": PLANTED}).to_string();
    for way in [Way::Nobody].into_iter().chain(WAYS) {
        let server = Server::start(platforms::all);
        let repository = repository(&server);
        bring(&repository, way, &path, planted.as_bytes());
        let ran = run(&repository, &server, &["options", "refresh", "--connector", "shopify"]);
        let sent = server.hits().iter().any(|hit| hit.headers.values().any(|value| value.contains(PLANTED)));
        assert_eq!(sent, way == Way::Nobody, "{way:?}: {}", ran.all());
        if way != Way::Nobody {
            assert_ne!(ran.code, 0, "{way:?}: {}", ran.all());
            assert!(
                server.hits().is_empty() && ran.all().contains("came with a commit"),
                "{way:?}: {}",
                ran.all()
            );
        }
        assert!(!ran.all().contains(PLANTED) && !ran.all().contains(OWN), "{way:?}: {}", ran.all());
        assert_told(&repository, &server, way);
    }
}

#[test]
fn no_commit_brings_what_a_platform_is_to_have_answered() {
    for way in [Way::Nobody].into_iter().chain(WAYS) {
        let server = Server::start(platforms::all);
        let repository = repository(&server);
        // What it fetched itself is the form of what is planted.
        run(&repository, &server, &["options", "refresh", "--connector", "shopify"]).assert_code(0);
        let folder = repository.path().join(".pairform/cache/options/shopify");
        let name = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().file_name();
        let path = format!(".pairform/cache/options/shopify/{}", name.to_str().unwrap());
        let mut kept: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(repository.path().join(&path)).unwrap()).unwrap();
        for set in kept["sets"].as_object_mut().unwrap().values_mut() {
            for value in set["values"].as_array_mut().unwrap() {
                value["label"] = PLANTED.into();
            }
        }
        bring(&repository, way, &path, kept.to_string().as_bytes());
        let ran =
            run(&repository, &server, &["options", "refresh", "--connector", "shopify", "--max-age", "1h"]);
        let lists = std::fs::read_dir(repository.path().join("options/shopify")).unwrap();
        let lists: String =
            lists.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        assert_eq!(lists.contains(PLANTED), way == Way::Nobody, "{way:?}: {}", ran.all());
        if way == Way::FolderIsALink {
            // There is no place for what would come either.
            assert!(ran.assert_code(6).all().contains("a link lies in between"), "{}", ran.all());
        } else if way != Way::Nobody {
            assert!(ran.assert_code(0).all().contains("came with a commit"), "{way:?}: {}", ran.all());
            // And it is not written to, or what comes next would be committed.
            assert_eq!(
                std::fs::read(repository.path().join(&path)).unwrap(),
                kept.to_string().as_bytes(),
                "{way:?}"
            );
        }
        assert_told(&repository, &server, way);
    }
}

#[test]
fn no_commit_brings_what_is_deployed() {
    for way in [Way::Nobody].into_iter().chain(WAYS) {
        let server = Server::start(platforms::all);
        let repository = repository(&server);
        run(&repository, &server, &["apply", "--yes"]).assert_code(0);
        let state = std::fs::read(repository.path().join(".pairform/state.db")).unwrap();
        bring(&repository, way, ".pairform/state.db", &state);
        for arguments in [&["plan"][..], &["apply", "--yes"], &["history"], &["list"]] {
            let ran = run(&repository, &server, arguments);
            if way == Way::Nobody {
                ran.assert_code(0);
            } else {
                assert!(
                    ran.assert_code(6).all().contains("came with a commit"),
                    "{way:?} {arguments:?}: {}",
                    ran.all()
                );
            }
        }
        assert_told(&repository, &server, way);
    }
}

/// What cannot be told is not taken for granted: a repository that nobody can read may have brought anything.
#[test]
fn where_git_cannot_be_asked_what_is_kept_is_not_believed() {
    let server = Server::start(platforms::all);
    let repository = repository(&server);
    run(&repository, &server, &["apply", "--yes"]).assert_code(0);
    std::fs::write(repository.path().join(".git/config"), "[core\n").unwrap();
    let ran = run(&repository, &server, &["history"]);
    assert!(ran.assert_code(6).all().contains("cannot be told"), "{}", ran.all());
}
