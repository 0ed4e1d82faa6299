//! Another version of the catalogue as an archive: made, taken in the place of what is built in, and given back; and archives that
//! somebody made to do harm.

use std::path::{Path, PathBuf};

use pairform::schema::archive::{self, Archive, ArchiveError, LARGEST, sealed};
use pairform::schema::parts::Catalogue;
use pairform::source::load;

use crate::run::{Project, Run};

/// A project, and beside it the folders of whoever runs the program.
struct Desk {
    project: Project,
    outside: tempfile::TempDir,
}

const INTEGRATION: &str = "integration: strand\npair: fortnox-quickbutik\nunmanaged: [connectors]\nsettings:\n  general: {name: Strand}\n";

impl Desk {
    fn new() -> Desk {
        let desk = Desk { project: Project::empty(), outside: tempfile::tempdir().unwrap() };
        std::fs::create_dir(desk.at("data")).unwrap();
        desk.project.write("integrations/strand.yaml", INTEGRATION);
        desk
    }

    fn at(&self, path: &str) -> PathBuf {
        self.outside.path().join(path)
    }

    fn taken(&self) -> PathBuf {
        self.at("data/pairform/catalogue")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Run {
        let (data, cache) = (self.at("data"), self.at("cache"));
        let own = [("XDG_DATA_HOME", data.to_str().unwrap()), ("XDG_CACHE_HOME", cache.to_str().unwrap())];
        self.project.run_with(arguments, &[&own[..], more].concat())
    }

    /// A copy of the parts that are built in.
    fn parts(&self) -> PathBuf {
        let folder = self.at("parts");
        if !folder.exists() {
            copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas"), &folder);
        }
        folder
    }

    /// With a connector and a pair more, and another rate.
    fn newer_parts(&self) -> PathBuf {
        let folder = self.parts();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-connector/schemas"), &folder);
        let vat = std::fs::read_to_string(folder.join("data/vat.yaml")).unwrap();
        assert!(vat.contains("updated: 2025-08-12"));
        std::fs::write(
            folder.join("data/vat.yaml"),
            vat.replace("updated: 2025-08-12", "updated: 2027-01-01"),
        )
        .unwrap();
        folder
    }

    fn pack(&self, folder: &Path, name: &str) -> PathBuf {
        let out = self.at(&format!("{name}.catalogue"));
        let arguments =
            ["schema", "pack", folder.to_str().unwrap(), "--name", name, "--out", out.to_str().unwrap()];
        let run = self.run(&arguments);
        assert!(run.assert_code(0).stdout.starts_with(&format!("catalogue {name} (")), "{run:?}");
        out
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

fn body_of(archive: &[u8]) -> &[u8] {
    let mut lines = archive.splitn(3, |byte| *byte == b'\n');
    lines.nth(2).unwrap()
}

#[test]
fn an_archive_stands_in_the_place_of_what_is_built_in_until_it_is_given_back() {
    let desk = Desk::new();
    let unknown = desk.run(&["validate"]);
    assert!(unknown.assert_code(1).stdout.contains("fortnox-quickbutik"), "{}", unknown.stdout);
    let archive = desk.pack(&desk.newer_parts(), "2027.1");
    let archive = archive.to_str().unwrap();
    let read = Archive::read(std::fs::read(archive).unwrap()).unwrap();

    let taken = desk.run(&["schema", "update", archive, "--digest", &read.digest]);
    let said = &taken.assert_code(0).stdout;
    for line in [
        "catalogue 2027.1 (",
        "  new      connectors/quickbutik.yaml\n  new      pairs/fortnox-quickbutik.yaml\n  changed  data/vat.yaml\n",
        "3 parts differ from before.",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert_eq!(std::fs::read(desk.taken()).unwrap(), std::fs::read(archive).unwrap());
    // An older one is taken where it is meant, and told as such.
    let older = desk.pack(&desk.at("parts"), "2026.12");
    for (name, told) in [(older.to_str().unwrap(), true), (archive, false), (archive, false)] {
        let said = desk.run(&["schema", "update", name]).assert_code(0).stderr.clone();
        assert_eq!(said.contains("the catalogue 2026.12 is older than 2027.1"), told, "{said}");
    }
    desk.run(&["validate"]).assert_code(0);
    assert!(desk.run(&["schema", "list"]).stdout.contains("  fortnox-quickbutik"));
    assert!(desk.run(&["schema", "list", "--facts"]).assert_code(0).stdout.contains("data/vat.yaml"));
    let version = desk.run(&["version"]).stdout;
    assert!(
        version.contains(&format!("catalogue 2027.1 ({}), {}\n", desk.taken().display(), read.digest)),
        "{version}"
    );
    let version = desk.run(&["version", "-o", "json"]).json();
    assert_eq!(version["catalogue"]["digest"], read.digest.as_str());
    crate::outputs::assert_fits("version", &version);
    crate::outputs::assert_fits("schema-list", &desk.run(&["schema", "list", "-o", "json"]).json());
    // A shell completes by it, too.
    let words = ["--", "pairform", "schema", "show", "fortnox-quick"];
    let completed = desk.run_with(&words, &[("PAIRFORM_COMPLETE", "fish")]);
    assert!(completed.stdout.starts_with("fortnox-quickbutik"), "{completed:?}");

    // The flag and the variable have the last word, in either direction.
    desk.run(&["validate", "--catalogue", "built-in"]).assert_code(1);
    desk.run_with(&["validate"], &[("PAIRFORM_CATALOGUE", "built-in")]).assert_code(1);
    let back = desk.run(&["schema", "update", "--built-in"]);
    assert!(back.assert_code(0).stdout.contains("gone     pairs/fortnox-quickbutik.yaml"), "{}", back.stdout);
    assert!(!desk.taken().exists());
    desk.run(&["validate"]).assert_code(1);
    desk.run(&["validate", "--catalogue", archive]).assert_code(0);
    desk.run_with(&["validate"], &[("PAIRFORM_CATALOGUE", archive)]).assert_code(0);
    let again = desk.run(&["schema", "update", "--built-in", "-o", "json"]).json();
    crate::outputs::assert_fits("schema-catalogue", &again);
    assert_eq!(again["catalogue"]["path"], serde_json::Value::Null);
    let taken = desk.run(&["schema", "update", archive, "-o", "json"]).json();
    crate::outputs::assert_fits("schema-catalogue", &taken);
    assert_eq!(taken["changed"], serde_json::json!(["data/vat.yaml"]));
}

#[test]
fn a_plan_is_for_the_catalogue_that_it_was_made_by() {
    let desk = Desk::new();
    desk.project
        .write("integrations/strand.yaml", INTEGRATION.replace("fortnox-quickbutik", "fortnox-shopify"));
    let same = desk.pack(&desk.parts(), "same");
    let newer = desk.pack(&desk.newer_parts(), "2027.1");
    let (same, newer) = (same.to_str().unwrap(), newer.to_str().unwrap());
    desk.run(&["plan", "--out", "by-own"]).assert_code(0);
    desk.run(&["plan", "--out", "by-newer", "--catalogue", newer]).assert_code(0);
    let refused = desk.run(&["apply", "by-own", "--catalogue", newer]);
    let why = &refused.assert_code(4).stderr;
    assert!(why.contains("made with other schemas") && why.contains("(catalogue 2027.1)"), "{why}");
    let refused = desk.run(&["apply", "by-newer"]);
    assert!(refused.assert_code(4).stderr.contains("made with other schemas"), "{}", refused.stderr);
    // What says the same is the same, whatever it is called.
    let taken = desk.run(&["schema", "update", same]);
    assert!(taken.assert_code(0).stdout.contains("It says what the one before it said."), "{}", taken.stdout);
    desk.run(&["apply", "by-own"]).assert_code(0);
}

/// Where no project is, nobody's branch can write, be it the home in which policies and catalogues lie.
#[test]
fn a_home_is_no_work_tree() {
    let desk = Desk::new();
    let archive = desk.pack(&desk.newer_parts(), "2027.1");
    let home = desk.at("home");
    for folder in [".config/pairform", ".local/share/pairform"] {
        std::fs::create_dir_all(home.join(folder)).unwrap();
    }
    std::fs::copy(archive, home.join(".local/share/pairform/catalogue")).unwrap();
    std::fs::write(home.join(".config/pairform/policy.yaml"), "allow: [store=db.internal]\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = desk.project.command(arguments);
        Run::of_output(&command.current_dir(&home).env("HOME", &home).output().unwrap())
    };
    let version = run(&["version"]);
    assert!(version.assert_code(0).stdout.contains("catalogue 2027.1 ("), "{version:?}");
    let policy = run(&["policy", "show"]);
    assert!(policy.assert_code(0).stdout.contains("store=db.internal"), "{policy:?}");
}

#[test]
fn what_validate_kept_by_one_catalogue_is_no_answer_by_another() {
    let desk = Desk::new();
    for number in 0..220 {
        let name = format!("s{number:03}");
        desk.project.write(&format!("integrations/{name}.yaml"), INTEGRATION.replace("strand", &name));
    }
    let archive = desk.pack(&desk.newer_parts(), "2027.1");
    for _ in 0..2 {
        desk.run(&["validate"]).assert_code(1);
        desk.run(&["validate", "--catalogue", archive.to_str().unwrap()]).assert_code(0);
    }
}

#[test]
fn no_branch_chooses_a_catalogue() {
    let desk = Desk::new();
    let archive = desk.pack(&desk.newer_parts(), "2027.1");
    let inside = desk.project.at("mine.catalogue");
    std::fs::copy(&archive, &inside).unwrap();
    std::os::unix::fs::symlink(&inside, desk.at("inwards")).unwrap();
    std::os::unix::fs::symlink(&archive, desk.project.at("outwards")).unwrap();
    let inwards = desk.at("inwards").display().to_string();
    for path in ["mine.catalogue", "outwards", "./integrations/../mine.catalogue", &inwards] {
        for run in [
            desk.run(&["validate", "--catalogue", path]),
            desk.run_with(&["validate"], &[("PAIRFORM_CATALOGUE", path)]),
            desk.run(&["schema", "update", path]),
        ] {
            assert!(run.assert_code(64).stderr.contains("lies in the work tree"), "{path}: {}", run.stderr);
        }
    }
    assert!(!desk.taken().exists());
    // A job whose home is the checkout: a branch may have committed one there.
    let home = desk.project.at(".local/share");
    desk.project.write(".local/share/pairform/catalogue", std::fs::read(&archive).unwrap());
    let run = desk.run_with(&["validate"], &[("XDG_DATA_HOME", home.to_str().unwrap())]);
    assert!(run.assert_code(64).stderr.contains("lies in the work tree"), "{}", run.stderr);
    // An untrusted run takes none for those after it, and judges by the one that is there: a branch has no say in it.
    let archive = archive.to_str().unwrap();
    let run = desk.run(&["schema", "update", archive, "--untrusted"]);
    assert!(run.assert_code(6).stderr.contains("untrusted"), "{}", run.stderr);
    assert!(!desk.taken().exists());
    desk.run(&["schema", "update", archive]).assert_code(0);
    desk.run(&["validate", "--untrusted"]).assert_code(0);
    assert_eq!(desk.run(&["schema", "update", "--built-in", "--untrusted"]).code, 6);
    assert!(desk.taken().exists());
}

#[test]
fn what_is_no_catalogue_is_refused_and_replaces_nothing() {
    let desk = Desk::new();
    let good = desk.pack(&desk.newer_parts(), "2027.1");
    desk.run(&["schema", "update", good.to_str().unwrap()]).assert_code(0);
    let bytes = std::fs::read(&good).unwrap();
    let text = |from: &str, to: &str| -> Vec<u8> {
        let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        assert_eq!(from.len(), to.len());
        let mut changed = bytes.clone();
        changed.splice(at..at + from.len(), to.bytes());
        changed
    };
    let resealed = |from: &str, to: &str| sealed(body_of(&text(from, to)));
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "it is no catalogue"),
        (b"connector: shopify\n".to_vec(), "it is no catalogue"),
        (bytes[..100].to_vec(), "it is damaged"),
        (flipped, "it is damaged"),
        (text("catalogue 1", "catalogue 0"), "it has to be made anew"),
        (text("catalogue 1", "catalogue 2"), "it takes a newer pairform"),
        (vec![b' '; LARGEST + 1], "it is larger than the 4 MiB"),
        (sealed(b""), "it is not written as a catalogue is"),
        ([&bytes[..], b"n"].concat(), "it is damaged"),
        (sealed(&[body_of(&bytes), b"n"].concat()), "it is not written as a catalogue is"),
        (resealed("\"\u{6}2027.1", "\"\u{6}20 7.1"), "is no name for a catalogue"),
        (
            resealed("connectors/quickbutik.yaml", "connectors/../../../x.yaml"),
            "it holds `connectors/../../../x.yaml`",
        ),
        (
            resealed("connectors/quickbutik.yaml", "../../../home/authorized/k"),
            "which is no part of a catalogue",
        ),
        (resealed("categories/stock.yaml", "meta/pair.schema.yaml"), "which is no part of a catalogue"),
        (resealed("data/vat.yaml", "data/vat.yamX"), "which is no part of a catalogue"),
        // Parts that are twice there, or out of order.
        (resealed("connectors/zettle.yaml", "connectors/adyeno.yaml"), "it is not written as a catalogue is"),
        // What names what there is not, and what this program's language of parts has not.
        (
            resealed("connectors/quickbutik.yaml", "connectors/quickbutix.yaml"),
            "its parts do not fit this program: ",
        ),
        (resealed("x-flows", "x-flowz"), "its parts do not fit this program: "),
    ];
    let file = desk.at("tried");
    for (content, why) in &cases {
        std::fs::write(&file, content).unwrap();
        for arguments in [&["schema", "update"][..], &["validate", "--catalogue"]] {
            let run = desk.run(&[arguments, &[file.to_str().unwrap()]].concat());
            assert!(run.assert_code(64).stderr.contains(why), "{arguments:?} {why}: {}", run.stderr);
        }
        assert_eq!(std::fs::read(desk.taken()).unwrap(), bytes, "{why}");
    }
    // What is no file, or never ends.
    let pipe = desk.at("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, why) in [
        (pipe.to_str().unwrap(), "it is not a regular file"),
        ("/dev/zero", "it is not a regular file"),
        (desk.outside.path().to_str().unwrap(), "it is a folder"),
    ] {
        let run = desk.run(&["schema", "update", path]);
        assert!(run.assert_code(64).stderr.contains(why), "{path}: {}", run.stderr);
    }
    desk.run(&["schema", "update", desk.at("gone").to_str().unwrap()]).assert_code(64);
    let other = format!("sha256:{}", "0".repeat(64));
    let run = desk.run(&["schema", "update", good.to_str().unwrap(), "--digest", &other]);
    assert!(run.assert_code(64).stderr.contains("has the digest sha256:"), "{}", run.stderr);
    desk.run(&["validate"]).assert_code(0);

    // One that was taken and is damaged since stops every command that judges, with the way out; that way is open.
    std::fs::write(desk.taken(), &bytes[..200]).unwrap();
    let run = desk.run(&["validate"]);
    assert!(run.assert_code(64).stderr.contains("schema update --built-in"), "{}", run.stderr);
    desk.run(&["completions", "bash"]).assert_code(0);
    desk.run(&["schema", "update", "--built-in"]).assert_code(0);
    desk.run(&["validate"]).assert_code(1);
}

#[test]
fn an_archive_that_was_proven_is_not_proven_again_and_another_program_proves_it_anew() {
    let desk = Desk::new();
    let archive = desk.pack(&desk.newer_parts(), "2027.1");
    let named = ["validate", "--catalogue", archive.to_str().unwrap()];
    desk.run(&named).assert_code(0);
    let proofs: Vec<PathBuf> = std::fs::read_dir(desk.at("cache/pairform/catalogues"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [proof] = &proofs[..] else { panic!("{proofs:?}") };
    let kept = std::fs::read_to_string(proof).unwrap();
    // What another program proved says nothing of this one.
    std::fs::write(proof, "0.0.1 1 1").unwrap();
    desk.run(&named).assert_code(0);
    assert_eq!(std::fs::read_to_string(proof).unwrap(), kept);
}

#[test]
fn a_catalogue_of_an_older_program_is_told() {
    let desk = Desk::new();
    let archive = desk.pack(&desk.newer_parts(), "2027.1");
    let bytes = std::fs::read(archive).unwrap();
    let body = body_of(&bytes);
    let version = env!("CARGO_PKG_VERSION");
    let at = body.windows(version.len()).position(|part| part == version.as_bytes()).unwrap();
    let mut older = body.to_vec();
    older.splice(at..at + version.len(), "0.0.1".bytes());
    let file = desk.at("older");
    std::fs::write(&file, sealed(&older)).unwrap();
    desk.run(&["schema", "update", file.to_str().unwrap()]).assert_code(0);
    let run = desk.run(&["validate"]);
    assert!(run.assert_code(0).stderr.contains("was made by pairform 0.0.1, and this is"), "{}", run.stderr);
    // Whoever names one knows which.
    assert_eq!(desk.run(&["validate", "--catalogue", file.to_str().unwrap()]).stderr, "");
}

#[test]
fn a_mistake_in_a_part_is_told_at_its_place_and_nothing_is_packed() {
    let desk = Desk::new();
    let parts = desk.parts();
    let pair = parts.join("pairs/fortnox-shopify.yaml");
    let text = std::fs::read_to_string(&pair).unwrap();
    std::fs::write(&pair, text.replace("fortnox, shopify", "fortnox, shopifi")).unwrap();
    let out = desk.at("out");
    let arguments =
        ["schema", "pack", parts.to_str().unwrap(), "--name", "one", "--out", out.to_str().unwrap()];
    let run = desk.run(&arguments);
    assert!(run.assert_code(1).stderr.contains("schemas/pairs/fortnox-shopify.yaml:"), "{run:?}");
    let told = desk.run(&[&arguments[..], &["-o", "json"]].concat()).json();
    crate::outputs::assert_fits("schema-catalogue", &told);
    assert_eq!(told["findings"][0]["path"], "schemas/pairs/fortnox-shopify.yaml");
    std::fs::write(&pair, text).unwrap();
    let flows = std::fs::read(parts.join("flows.yaml")).unwrap();
    std::fs::remove_file(parts.join("flows.yaml")).unwrap();
    assert_ne!(desk.run(&arguments).code, 0);
    std::fs::write(parts.join("flows.yaml"), flows).unwrap();
    assert!(!out.exists());
    for (folder, name) in
        [("nowhere", "one"), (parts.to_str().unwrap(), "a name"), (parts.to_str().unwrap(), "")]
    {
        desk.run(&["schema", "pack", folder, "--name", name, "--out", out.to_str().unwrap()]).assert_code(64);
    }
    assert!(!out.exists());
}

#[test]
fn what_is_built_in_packs_to_one_file_whoever_packs_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let sources = load::load_folder(&root, "schemas");
    let mut findings = Vec::new();
    let made = pairform::ops::catalogue::make("one", &sources, &mut findings).unwrap().unwrap();
    assert!(findings.is_empty(), "{}", findings.len());
    pairform::ops::catalogue::prove(&made).unwrap();
    assert_eq!(pairform::ops::catalogue::changes(None, Some(&made)), Default::default());
    let again = pairform::ops::catalogue::make("one", &sources, &mut findings).unwrap().unwrap();
    assert_eq!(made.bytes(), again.bytes());
    // A key that is there twice could be read as two things.
    let catalogue = Catalogue::alone(&sources, &mut findings);
    let bytes = archive::write("one", "0.2.0", catalogue.own_trees());
    let body = body_of(&bytes);
    let at = body.windows(6).position(|part| part == b"\x05title").unwrap();
    let mut twice = body.to_vec();
    twice.splice(at..at + 6, *b"\x05order");
    let twice = Archive::read(sealed(&twice)).unwrap();
    assert!(matches!(
        pairform::ops::catalogue::prove(&twice),
        Err(ArchiveError::Malformed | ArchiveError::Misfit { .. })
    ));
}
