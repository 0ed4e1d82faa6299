//! What `validate` keeps between runs: the same bytes when nothing changed, and never an answer to another question.

use sha2::{Digest as _, Sha256};

use crate::run::{Project, Run};

/// Large enough to be kept; the program's cache lies in the project's folder, which is its home.
fn fleet() -> Project {
    let project = Project::empty();
    for number in 0..220 {
        project.write(
            &format!("integrations/s{number:03}.yaml"),
            format!(
                "integration: s{number:03}\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  sales_accounts: {{home_country: SE, home: {{\"25\": 3001}}}}\n"
            ),
        );
    }
    project
}

fn kept(project: &Project) -> Vec<std::path::PathBuf> {
    let folder = project.at(".cache/pairform/validate");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn printed(run: &Run) -> (i32, String, String) {
    (run.code, run.stdout.clone(), run.stderr.clone())
}

#[test]
fn a_second_run_prints_the_same_and_a_change_is_judged_anew() {
    let project = fleet();
    for form in ["text", "json"] {
        let fresh = project.run(&["validate", "--no-cache", "-o", form]);
        let cold = project.run(&["validate", "-o", form]);
        let warm = project.run(&["validate", "-o", form]);
        assert_eq!(printed(&cold), printed(&fresh), "{form}");
        assert_eq!(printed(&warm), printed(&fresh), "{form}");
    }
    assert_eq!(kept(&project).len(), 2);
    // What is asked twice prints what a run prints that keeps nothing.
    let asked = |arguments: &[&str], code: i32, words: &str| {
        let fresh = project.run(&[&["validate", "--no-cache"], arguments].concat());
        fresh.assert_code(code);
        assert!(fresh.stdout.contains(words), "{words}: {}", fresh.stdout);
        for run in ["judged", "kept"] {
            let again = project.run(&[&["validate"], arguments].concat());
            assert_eq!(printed(&again), printed(&fresh), "{words}, {run}");
        }
    };
    // Each lacks the same.
    let one = project.run(&["validate", "--integration", "s001"]).stdout;
    let (_, lacks) = one.split_once("1 integration checked: ").unwrap();
    let lacks: usize = lacks.split(' ').next().unwrap().parse().unwrap();
    let all = &format!("220 integrations checked: {} warnings", 220 * lacks);
    asked(&[], 0, all);
    asked(&["--integration", "s001"], 0, &format!("1 integration checked: {lacks} warnings"));
    // The smallest change of a file of any kind is another question; taken back it is the former one.
    let declared = "version: 1\nenvironments: {test: {store: 'sqlite:test.db'}}\n";
    project.write("pairform.yaml", declared);
    project.write("environments/test.yaml", "all: {}\n");
    project.write("bases/group.yaml", "settings: {}\n");
    project.edit("integrations/s001.yaml", "unmanaged:", "extends: [group]\nunmanaged:");
    asked(&[], 0, all);
    for (path, sound, wrong, place) in [
        ("integrations/s100.yaml", "sales_accounts:", "sales_acounts:", "integrations/s100.yaml:5:3"),
        ("bases/group.yaml", "settings:", "setings:", "bases/group.yaml:1:1"),
        ("environments/test.yaml", "all:", "al:", "environments/test.yaml:1:1"),
        ("pairform.yaml", "version: 1\n", "version: 1\nsaftey: {}\n", "pairform.yaml:2:1"),
    ] {
        project.edit(path, sound, wrong);
        asked(&[], 1, place);
        project.edit(path, wrong, sound);
        asked(&[], 0, all);
    }
    project.write("schemas/pairs/own-shop.yaml", "title: Own\n");
    asked(&[], 1, "schemas/pairs/own-shop.yaml:1:1");
    std::fs::remove_file(project.at("schemas/pairs/own-shop.yaml")).unwrap();
    asked(&[], 0, all);
    std::fs::remove_file(project.at("integrations/s100.yaml")).unwrap();
    asked(&[], 0, &format!("219 integrations checked: {} warnings", 219 * lacks));
}

#[test]
fn what_is_kept_is_used_only_while_it_is_whole() {
    let project = fleet();
    let cold = project.run(&["validate"]);
    let file = kept(&project).remove(0);
    let whole = std::fs::read_to_string(&file).unwrap();
    // It is this file that answers the second run.
    let (_, body) = whole.split_once('\n').unwrap();
    let other = body.replace("220 integrations checked", "221 integrations checked");
    let digest: String = Sha256::digest(other.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(&file, format!("{digest}\n{other}")).unwrap();
    assert!(project.run(&["validate"]).stdout.contains("221 integrations checked"));
    // Cut, changed, empty or no text, it is as if it were not there.
    let broken: [&[u8]; 4] = [&whole.as_bytes()[..whole.len() / 2], other.as_bytes(), b"", b"\xff\xfe"];
    for bytes in broken {
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(printed(&project.run(&["validate"])), printed(&cold));
    }
    // A folder that cannot be written costs nothing but time.
    std::fs::remove_dir_all(project.at(".cache")).unwrap();
    project.write(".cache", "a file");
    assert_eq!(printed(&project.run(&["validate"])), printed(&cold));
}

#[test]
fn runs_at_once_and_many_questions_leave_whole_answers() {
    let project = fleet();
    let cold = printed(&project.run(&["validate", "--no-cache"]));
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(|| project.run(&["validate"]))).collect();
        assert!(runs.into_iter().all(|run| printed(&run.join().unwrap()) == cold));
    });
    for number in 0..40 {
        project.run(&["validate", "--integration", &format!("s{number:03}")]);
    }
    assert!(kept(&project).len() <= 32, "{}", kept(&project).len());
    // The few files that were asked for are judged, and nothing is kept of that.
    let before = kept(&project);
    project.run(&["validate", "integrations/s050.yaml"]);
    assert_eq!(kept(&project), before);
}

/// Eight integrations of each pair; one mistake in every second, of kinds that stop reading, composing and judging.
fn faulty_fleet() -> Project {
    let project = Project::empty();
    let samples = format!("{}/tests/schemas", env!("CARGO_MANIFEST_DIR"));
    let mut number = 0;
    for sample in std::fs::read_dir(samples).unwrap() {
        let sample = sample.unwrap().path();
        let pair = sample.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(sample.join("valid.yaml")).unwrap();
        for _ in 0..8 {
            let name = format!("shop-{number}");
            let sound = text.replacen(&format!("integration: {pair}"), &format!("integration: {name}"), 1);
            let (from, to) = [
                ("    match_by: ", "    match_bye: "),
                ("    name: ", "\tname: "),
                ("\nflows:", "\nextends: [gone]\nflows:"),
                ("    name: ", "    name: |\n      a\n    name: "),
                ("    direction: ", "    direction: \"{{ gone }}\" # "),
                ("\nsettings:", "\nsettings: [\nsettings:"),
                ("    name: \"Nordic Outdoor\"", "    name: >-\n      Nordic\n      Outdoor"),
            ][number / 2 % 7];
            let faulty = if number % 2 == 0 { sound.replacen(from, to, 1) } else { sound };
            project.write(&format!("integrations/{name}.yaml"), faulty);
            number += 1;
        }
    }
    project
}

#[test]
fn findings_are_the_same_on_every_way_to_them() {
    let project = faulty_fleet();
    crate::revisions::git(project.path(), &["init", "-q"]);
    crate::revisions::git(project.path(), &["add", "integrations", "pairform.yaml"]);
    crate::revisions::git(project.path(), &["commit", "-q", "-m", "fleet"]);
    for form in ["text", "json"] {
        let validate = |more: &[&str], threads: &str| {
            let words = [&["validate", "-o", form], more].concat();
            printed(&project.run_with(&words, &[("RAYON_NUM_THREADS", threads)]))
        };
        let alone = validate(&["--no-cache"], "1");
        assert_eq!(alone.0, 1, "{}", alone.2);
        assert!(["E01", "E02", "E03"].iter().all(|code| alone.1.contains(code)), "{}", alone.1);
        for (way, more, threads) in [
            ("many threads", &["--no-cache"][..], "7"),
            ("kept", &[], "7"),
            ("found again", &[], "1"),
            ("a revision", &["--rev", "HEAD"], "7"),
        ] {
            assert!(validate(more, threads) == alone, "{form}, {way}");
        }
    }
}
