//! Where secrets come from, through the real binary: variables, private files, and programs that the project allows.

use std::path::Path;
use std::process::{Command, Output};

fn pairform(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap()
}

const CANARY: &str = "canary-7781";

/// A project whose shop token comes from `reference`.
fn project(reference: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("integrations")).unwrap();
    let project = format!(
        "version: 1\nsecrets: {{exec: {{token: [sh, -c, \"touch ran; echo {CANARY}\"], broken: [sh, -c, \"exit 3\"], long: [sh, -c, \"head -c 100000 /dev/zero\"], none: [no-such-program]}}}}\n"
    );
    std::fs::write(folder.path().join("pairform.yaml"), project).unwrap();
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
    let apply = |reference: &str, mode: u32| {
        let folder = project(reference);
        let near = folder.path().join("token");
        std::fs::write(&near, CANARY).unwrap();
        set_mode(&near, mode);
        std::os::unix::fs::symlink(&far, folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("token", folder.path().join("near")).unwrap();
        let output = pairform(folder.path(), &["apply", "--yes"]);
        (output.status.code(), connectors_error(&output))
    };
    for (reference, mode, part) in [
        ("file/token", 0o600, None),
        ("file/near", 0o600, None),
        ("file/token", 0o640, Some("chmod 600")),
        ("file/token", 0o604, Some("others than its owner")),
        ("file/link", 0o600, Some("outside the project")),
        ("file/../../etc/passwd", 0o600, Some("not at hand")),
        ("file/integrations", 0o600, Some("not a regular file")),
    ] {
        let (code, said) = apply(reference, mode);
        match part {
            None => assert_eq!(code, Some(0), "{reference}: {said}"),
            Some(part) => assert!(code != Some(0) && said.contains(part), "{reference}: {code:?} {said}"),
        }
    }
    let (code, said) = apply(&format!("file/{}", far.display()), 0o600);
    assert_eq!(code, Some(0), "an absolute path is meant: {said}");
}

#[cfg(unix)]
#[test]
fn a_program_runs_when_it_is_allowed_and_only_to_apply() {
    let folder = project("exec/token");
    let planned = pairform(folder.path(), &["plan"]);
    assert!(planned.status.success(), "{}", connectors_error(&planned));
    assert!(!folder.path().join("ran").exists(), "a plan runs nothing");
    // Nor does an apply before it is agreed to, or where nobody can be asked.
    for arguments in
        [&["apply", "--no-input"][..], &["apply"], &["apply", "--no-input", "--category", "flows"]]
    {
        let refused = pairform(folder.path(), arguments);
        assert_ne!(refused.status.code(), Some(70));
        assert!(!folder.path().join("ran").exists(), "{arguments:?}");
    }
    let applied = pairform(folder.path(), &["apply", "--yes"]);
    assert!(applied.status.success(), "{}", connectors_error(&applied));
    assert!(folder.path().join("ran").exists());
    let store = std::fs::read(folder.path().join(".pairform/state.db")).unwrap();
    let holds = |text: &str| store.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("exec/token") && !holds(CANARY));
    std::fs::remove_file(folder.path().join("ran")).unwrap();
    // What is not at hand for a plan is unknown, and may have changed.
    let unknown = pairform(folder.path(), &["plan", "--detailed-exitcode"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(connectors_error(&unknown).contains("→ unknown: its value is not at hand here"));
    let assumed = pairform(folder.path(), &["plan", "--detailed-exitcode", "--assume-secrets"]);
    assert_eq!(assumed.status.code(), Some(0), "{}", connectors_error(&assumed));
    let assumed = pairform(folder.path(), &["apply", "--yes", "--assume-secrets"]);
    assert_eq!(assumed.status.code(), Some(0), "{}", connectors_error(&assumed));
    assert!(!folder.path().join("ran").exists(), "nothing is saved, so nothing is asked for");
    // Once it is agreed to, the program tells that nothing changed, and nothing is saved.
    let same = pairform(folder.path(), &["apply", "--yes"]);
    assert_eq!(same.status.code(), Some(0));
    assert!(folder.path().join("ran").exists());
    assert!(connectors_error(&same).contains("connectors         is so already, as revision 1"));
    for (reference, part) in [
        ("exec/other", "lists no program"),
        ("exec/broken", "ended with"),
        ("exec/long", "too long"),
        ("exec/none", "cannot be run"),
    ] {
        let output = pairform(project(reference).path(), &["apply", "--yes"]);
        let said = connectors_error(&output);
        assert!(!output.status.success() && said.contains(part), "{reference}: {said}");
    }
}
