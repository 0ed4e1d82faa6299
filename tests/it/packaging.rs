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

/// What each system built, of which one has the launcher of npm.
fn built(folder: &Path, systems: &[(&str, &[&str])]) {
    for (system, names) in systems {
        let place = folder.join(system);
        std::fs::create_dir_all(&place).unwrap();
        let mut sums = String::new();
        for name in *names {
            let about = match *name {
                "pairform-1.0.0.tgz" => {
                    r#"{"optionalDependencies": {"@pairform/linux-x64": "1.0.0", "@pairform/darwin-arm64": "1.0.0"}}"#
                }
                _ => "{}",
            };
            let package = tempfile::tempdir().unwrap();
            std::fs::create_dir(package.path().join("package")).unwrap();
            std::fs::write(package.path().join("package/package.json"), about).unwrap();
            let mut tar = Command::new("tar");
            tar.arg("-czf").arg(place.join(name)).arg("-C").arg(package.path()).arg("package");
            assert!(tar.status().unwrap().success());
            let digest = sha256(&std::fs::read(place.join(name)).unwrap());
            sums.push_str(&format!("{digest}  {name}\n"));
        }
        std::fs::write(place.join("SHA256SUMS"), sums).unwrap();
    }
}

fn sha256(content: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn packages_are_gathered_of_all_systems_or_not_at_all() {
    let linux: &[&str] = &["pairform-1.0.0.tgz", "pairform-linux-x64-1.0.0.tgz"];
    let mac: &[&str] = &["pairform-darwin-arm64-1.0.0.tgz"];
    let gathered = |systems: &[(&str, &[&str])], gone: Option<&str>| {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("all");
        built(&from, systems);
        gone.into_iter().for_each(|gone| std::fs::remove_file(from.join(gone)).unwrap());
        python("packaging/gather", &[&from, &folder.path().join("to")])
    };
    gathered(&[("linux", linux), ("mac", mac)], None).assert_code(0);
    for (systems, gone, why) in [
        (&[("linux", linux)][..], None, "pairform-darwin-arm64-1.0.0.tgz: a system is missing"),
        (&[("mac", mac)], None, "no launcher"),
        (
            &[("linux", linux), ("mac", mac)],
            Some("mac/pairform-darwin-arm64-1.0.0.tgz"),
            "which is not there",
        ),
    ] {
        let run = gathered(systems, gone);
        assert!(run.code == 1 && run.stderr.contains(why), "{run:?}");
    }
}

/// Registries that keep what they were given in a folder, and one of which stops once.
const REGISTRY: &str = r##"#!/bin/sh
echo "$(basename "$0") $*" >> "$REGISTRY/asked"
case "$(basename "$0") $*" in
  "gh release view"*) test -f "$REGISTRY/release" || { echo "release not found" >&2; exit 1; }; cat "$REGISTRY/release" ;;
  "gh release create"*) echo '{"isDraft": true}' > "$REGISTRY/release" ;;
  "gh release edit"*) echo '{"isDraft": false}' > "$REGISTRY/release" ;;
  "gh release download"*) for folder; do :; done; cp "$PAIRFORM_PACKAGES/SHA256SUMS" "$folder" ;;
  "npm view"*) test -f "$REGISTRY/${2##*/}" || { echo "npm error code E404" >&2; exit 1; }; cat "$REGISTRY/${2##*/}" ;;
  "npm publish"*)
    for file; do :; done
    case "$file" in *darwin*) if test ! -f "$REGISTRY/stopped"; then touch "$REGISTRY/stopped"; exit 1; fi ;; esac
    name="$(basename "$file" .tgz)"
    scoped="${name%-*}"
    python3 -c 'import base64, hashlib, sys
print("sha512-" + base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())' "$file" > "$REGISTRY/${scoped#pairform-}@${name##*-}" ;;
  "docker buildx imagetools inspect ghcr.io"*) test -f "$REGISTRY/image" || { echo "ghcr.io/x: not found" >&2; exit 1; }; cat "$REGISTRY/image" ;;
  "docker buildx imagetools inspect"*) echo sha256:base ;;
  "docker buildx build"*) echo sha256:image > "$REGISTRY/image" ;;
esac
"##;

/// A registry that stops half way leaves what can be gone on with; what is published is left as it is, and held to what is there.
#[test]
fn a_release_that_was_stopped_is_finished_by_running_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let version = env!("CARGO_PKG_VERSION");
    for name in ["packages", "tools", "registry"] {
        std::fs::create_dir(at(name)).unwrap();
    }
    let names = ["pairform-darwin-arm64", "pairform-linux-x64", "pairform"];
    for name in names {
        std::fs::write(at("packages").join(format!("{name}-{version}.tgz")), name).unwrap();
    }
    std::fs::write(at("packages").join(format!("pairform-{version}-py3-none-any.whl")), "wheel").unwrap();
    std::fs::write(at("packages/SHA256SUMS"), "sums").unwrap();
    std::fs::write(at("notes.md"), "notes").unwrap();
    for tool in ["gh", "npm", "uv", "docker"] {
        std::fs::write(at("tools").join(tool), REGISTRY).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(at("tools").join(tool), mode).unwrap();
    }
    let path = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<_>>();
    let path = std::env::join_paths(std::iter::once(at("tools")).chain(path)).unwrap();
    let publish = |arguments: &[&str]| {
        let output = Command::new("python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/publish"))
            .args(arguments)
            .env("PATH", &path)
            .env("REGISTRY", at("registry"))
            .env("PAIRFORM_PACKAGES", at("packages"))
            .env("GITHUB_REF_NAME", format!("v{version}"))
            .env("GITHUB_REPOSITORY", "Pairform/pairform")
            .env("GITHUB_ACTOR", "robot")
            .env("GITHUB_OUTPUT", at("output"))
            .env("GH_TOKEN", "token")
            .output();
        Run::of_output(&output.unwrap())
    };
    let notes = at("notes.md").display().to_string();
    let steps: [&[&str]; 5] = [&["draft", &notes], &["pypi"], &["npm"], &["image"], &["release", &notes]];
    // As the workflow has them, in this order.
    let workflow =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows/release.yml"));
    let workflow = workflow.unwrap();
    let said: Vec<usize> =
        steps.iter().map(|step| workflow.find(&format!("packaging/publish {}", step[0])).unwrap()).collect();
    assert!(said.is_sorted(), "{said:?}");
    let runs = |steps: &[&[&str]]| -> Vec<i32> { steps.iter().map(|step| publish(step).code).collect() };
    assert_eq!(runs(&steps[..3]), [0, 0, 1]);
    let release = || std::fs::read_to_string(at("registry/release")).unwrap();
    assert!(release().contains("true"), "nobody is given a release that is not whole");
    assert_eq!(runs(&steps), [0; 5]);
    assert!(release().contains("false"));
    // Once more: nothing is published twice.
    assert_eq!(runs(&steps), [0; 5]);
    let asked = std::fs::read_to_string(at("registry/asked")).unwrap();
    let times = |what: &str| asked.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(
        (times("npm publish"), times("docker buildx build"), times("gh release create")),
        (4, 1, 1),
        "{asked}"
    );
    let published: Vec<&str> = asked
        .lines()
        .filter(|line| line.starts_with("npm publish"))
        .map(|line| line.rsplit_once('/').unwrap().1.split("-0.").next().unwrap())
        .collect();
    assert_eq!(
        published,
        ["pairform-darwin-arm64", "pairform-darwin-arm64", "pairform-linux-x64", "pairform"]
    );
    assert!(asked.contains("--check-url"), "{asked}");
    let output = std::fs::read_to_string(at("output")).unwrap();
    assert!(output.ends_with("name=ghcr.io/pairform/pairform\ndigest=sha256:image\n"), "{output}");
    // What is there and is another is an error.
    std::fs::write(at("packages").join(format!("pairform-linux-x64-{version}.tgz")), "another").unwrap();
    let run = publish(&["npm"]);
    assert!(run.code == 1 && run.stderr.contains("@pairform/linux-x64@"), "{run:?}");
}
