//! Where secrets come from, through the real binary: variables, private files, and programs that the project allows.

use std::path::Path;
use std::process::{Command, Output};

/// With lines of what is allowed, and a variable that a program might want to see.
fn allowing(lines: &str, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("PAIRFORM_ALLOW", lines)
        .env("SEEN", "seen")
        .env("AWS_SECRET_ACCESS_KEY", CANARY)
        .output()
        .unwrap()
}

const CANARY: &str = "canary-7781";

/// A project whose shop token comes from `reference`.
fn project(reference: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("integrations")).unwrap();
    std::fs::write(folder.path().join("pairform.yaml"), "version: 1\n").unwrap();
    let text = format!(
        "integration: shop\npair: fortnox-shopify\nunmanaged: []\nconnectors:\n  shopify:\n    active: production\n    connections: {{production: {{shop: shop, access_token: {{secret: {reference}}}}}}}\n"
    );
    std::fs::write(folder.path().join("integrations/shop.yaml"), text.replace("unmanaged: []\n", ""))
        .unwrap();
    folder
}

fn connectors_error(output: &Output) -> String {
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains(CANARY), "{said}");
    said
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_is_for_its_owner_alone_and_inside_the_project() {
    let outside = tempfile::tempdir().unwrap();
    let far = outside.path().join("token");
    std::fs::write(&far, CANARY).unwrap();
    set_mode(&far, 0o600);
    let allow = |lines: &str, reference: &str, mode: u32| {
        let folder = project(reference);
        let near = folder.path().join("token");
        std::fs::write(&near, CANARY).unwrap();
        set_mode(&near, mode);
        std::os::unix::fs::symlink(&far, folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("token", folder.path().join("near")).unwrap();
        std::os::unix::fs::symlink(".git/config", folder.path().join("hop")).unwrap();
        for private in [".git/config", ".pairform/tokens/one.json"] {
            let private = folder.path().join(private);
            std::fs::create_dir_all(private.parent().unwrap()).unwrap();
            std::fs::write(&private, CANARY).unwrap();
            set_mode(&private, 0o600);
        }
        let output = allowing(lines, folder.path(), &["apply", "--yes"]);
        (output.status.code(), connectors_error(&output))
    };
    let apply = |reference: &str, mode: u32| allow("", reference, mode);
    for (reference, mode, part) in [
        ("file/token", 0o600, None),
        ("file/near", 0o600, None),
        ("file/token", 0o640, Some("chmod 600")),
        ("file/token", 0o604, Some("others than its owner")),
        ("file/link", 0o600, Some("outside the project")),
        ("file/../../etc/passwd", 0o600, Some("leads out of the project")),
        ("file/integrations", 0o600, Some("it is a folder")),
        ("file/.git/config", 0o600, Some("holds no secrets")),
        ("file/hop", 0o600, Some("holds no secrets")),
        ("file/.pairform/tokens/one.json", 0o600, Some("holds no secrets")),
    ] {
        let (code, said) = apply(reference, mode);
        match part {
            None => assert_eq!(code, Some(0), "{reference}: {said}"),
            Some(part) => assert!(code != Some(0) && said.contains(part), "{reference}: {code:?} {said}"),
        }
    }
    let absolute = format!("file/{}", far.display());
    let (code, said) = apply(&absolute, 0o600);
    assert!(code == Some(6) && said.contains(&format!("file={}", far.display())), "{code:?} {said}");
    let (code, said) = allow(&format!("file={}/*", outside.path().display()), &absolute, 0o600);
    assert_eq!(code, Some(0), "a line allows it: {said}");
}

/// What a program that lies outside the repository does.
const PROGRAMS: [(&str, &str); 4] = [
    ("token", "touch $0.ran; env > $0.seen; pwd > $0.folder; echo canary-7781"),
    ("broken", "exit 3"),
    ("long", "head -c 100000 /dev/zero"),
    ("another", "echo canary-7781"),
];

#[cfg(unix)]
#[test]
fn a_program_runs_when_a_line_allows_it_and_only_to_apply() {
    let outside = tempfile::tempdir().unwrap();
    for (name, does) in PROGRAMS {
        let path = outside.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
        set_mode(&path, 0o755);
    }
    let at = |name: &str| outside.path().join(name).display().to_string();
    let with = |reference: &str, command: &str| {
        let folder = project(reference);
        let own = folder.path().join("own").display().to_string();
        let command = command.replace("OWN", &own);
        let declared = format!("version: 1\nsecrets: {{exec: {{it: {command}}}}}\n");
        std::fs::write(folder.path().join("pairform.yaml"), declared).unwrap();
        std::fs::copy(at("token"), &own).unwrap();
        // A link outside, into the project that was made last.
        let _ = std::fs::remove_file(at("link"));
        std::os::unix::fs::symlink(&own, at("link")).unwrap();
        folder
    };
    let (token, line) = (at("token"), format!("'program=SEEN {} *'", at("token")));
    let folder = with("exec/it", &format!("[{token}, read]"));
    let beside = |what: &str| outside.path().join(format!("token.{what}"));
    let ran = || beside("ran").exists();
    let planned = allowing(&line, folder.path(), &["plan"]);
    assert!(planned.status.success(), "{}", connectors_error(&planned));
    for (lines, arguments) in
        [(&*line, &["apply"][..]), (&line, &["apply", "--no-input"]), ("", &["apply", "--yes"])]
    {
        let refused = allowing(lines, folder.path(), arguments);
        assert!(!refused.status.success() && !ran(), "{lines} {arguments:?}: {}", connectors_error(&refused));
    }
    let applied = allowing(&line, folder.path(), &["apply", "--yes"]);
    assert!(applied.status.success() && ran(), "{}", connectors_error(&applied));
    let folder_of_it = std::fs::read_to_string(beside("folder")).unwrap();
    assert_eq!(folder_of_it, "/\n", "a branch writes no file where it begins");
    let seen = std::fs::read_to_string(beside("seen")).unwrap();
    assert!(seen.contains("SEEN=seen") && !seen.contains("AWS_SECRET") && !seen.contains("HOME="), "{seen}");
    let store = std::fs::read(folder.path().join(".pairform/state.db")).unwrap();
    let holds = |text: &str| store.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("exec/it") && !holds(CANARY));
    std::fs::remove_file(beside("ran")).unwrap();
    // What is not at hand for a plan is unknown, and may have changed.
    let unknown = allowing(&line, folder.path(), &["plan", "--detailed-exitcode"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(connectors_error(&unknown).contains("→ unknown: its value is not at hand here"));
    let assumed = allowing(&line, folder.path(), &["plan", "--detailed-exitcode", "--assume-secrets"]);
    assert_eq!(assumed.status.code(), Some(0), "{}", connectors_error(&assumed));
    let assumed = allowing(&line, folder.path(), &["apply", "--yes", "--assume-secrets"]);
    assert_eq!(assumed.status.code(), Some(0), "{}", connectors_error(&assumed));
    assert!(!ran(), "nothing is saved, so nothing is asked for");
    // Once it is agreed to, the program tells that nothing changed, and nothing is saved.
    let same = allowing(&line, folder.path(), &["apply", "--yes"]);
    assert_eq!(same.status.code(), Some(0));
    assert!(ran());
    assert!(connectors_error(&same).contains("connectors         is so already, as revision 1"));
    std::fs::remove_file(beside("ran")).unwrap();
    for (reference, command, line, part) in [
        ("exec/other", format!("[{token}]"), "", "lists no program"),
        ("exec/it", format!("[{}]", at("broken")), &*format!("program={}", at("broken")), "ended with"),
        ("exec/it", format!("[{}]", at("long")), &format!("program={}", at("long")), "too long"),
        ("exec/it", format!("[{}]", at("none")), &format!("program={}", at("none")), "is not run"),
        // Another program, other arguments, and what a branch can write, under each of its names.
        ("exec/it", format!("[{}, read]", at("another")), &line, "the line `program="),
        ("exec/it", format!("[{token}, delete, all]"), &line, "the line `program="),
        (
            "exec/it",
            format!("[{}]", at("link")),
            &format!("program={}", at("link")),
            "lies in the repository",
        ),
        ("exec/it", "[OWN]".to_owned(), "program=OWN", "lies in the repository"),
        ("exec/it", "[token, read]".to_owned(), &line, "the line `program="),
    ] {
        let folder = with(reference, &command);
        let line = line.replace("OWN", &folder.path().join("own").display().to_string());
        let output = allowing(&line, folder.path(), &["apply", "--yes"]);
        let said = connectors_error(&output);
        assert!(!output.status.success() && said.contains(part), "{reference} {command}: {said}");
        assert!(!ran() && !folder.path().join("own.ran").exists(), "{command}");
    }
}
