//! The packages, made of the program that is tested, each installed into a clean place and tried.

use std::path::Path;
use std::process::Command;

use crate::run::Run;
use crate::tools::{Tool, program, required};

fn python(script: &str, arguments: &[&Path]) -> Run {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3").arg(script).args(arguments).current_dir(root).output().unwrap();
    Run::of_output(&output)
}

#[test]
fn each_package_installs_and_runs() {
    let tools = [("dpkg-deb", Tool::Dpkg), ("rpmbuild", Tool::Rpm), ("npm", Tool::Node)];
    if tools.into_iter().any(|(name, tool)| required(tool, program(&[name], &[])).is_none()) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (stripped, packages) = (folder.path().join("pairform"), folder.path().join("packages"));
    // What the tests are built with has a hundred megabytes of places in the source.
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(env!("CARGO_BIN_EXE_pairform")).status();
    assert!(done.unwrap().success());
    let packed = ["--lightly", "--binary"].map(Path::new);
    python("packaging/build", &[packed[0], packed[1], &stripped, Path::new("--out"), &packages])
        .assert_code(0);
    let checked = python("packaging/check", &[&packages]);
    checked.assert_code(0);
    for kind in ["archive", "wheel", "npm", "deb", "rpm"] {
        assert!(checked.stdout.contains(&format!("{kind}: installed, and runs")), "{checked:?}");
    }
    // What is packed once more is the same, to the byte.
    let sums = std::fs::read_to_string(packages.join("SHA256SUMS")).unwrap();
    let only = ["--only", "wheel,npm,archive"].map(Path::new);
    python(
        "packaging/build",
        &[packed[0], packed[1], &stripped, Path::new("--out"), &packages, only[0], only[1]],
    )
    .assert_code(0);
    let again = std::fs::read_to_string(packages.join("SHA256SUMS")).unwrap();
    assert!(again.lines().all(|line| sums.contains(line)), "{sums}\n{again}");
    // And a changed byte is told.
    let archive = std::fs::read_dir(&packages).unwrap().map(|entry| entry.unwrap().path());
    let archive =
        archive.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "xz")).unwrap();
    std::fs::write(&archive, "something else").unwrap();
    assert_ne!(python("packaging/check", &[&packages]).code, 0);
}

#[test]
fn every_file_names_one_version() {
    let run = python("packaging/version", &[]);
    run.assert_code(0);
    assert_eq!(run.stdout.trim(), env!("CARGO_PKG_VERSION"));
}
