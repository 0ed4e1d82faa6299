//! What each kind of user does from beginning to end, and how many lines it takes from outside the repository: none for one shop,
//! one variable for a team, one line for a connector of one's own.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::forge::Forge;
use crate::pipelines::release;
use crate::revisions::Repository;
use crate::run::{Project, Run};
use crate::runner::{Event, Runner, yaml};
use crate::server::{self, PASSWORD};

/// A run in an example, with its secrets and nothing allowed but these lines.
fn run(project: &Project, arguments: &[&str], secret: &str, lines: &str) -> Run {
    let names = secrets_of(&walk_text(project.path()));
    let mut command = project.command(arguments);
    command.env("PAIRFORM_ALLOW", lines).envs(names.into_iter().map(|name| (name, secret)));
    Run::of_output(&command.output().unwrap())
}

/// All that the YAML files of a folder say.
fn walk_text(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| match path.is_dir() {
        true => walk_text(&path),
        false if path.extension().is_some_and(|ending| ending == "yaml") => {
            std::fs::read_to_string(path).unwrap()
        }
        false => String::new(),
    });
    texts.collect()
}

/// An example in a repository of its own, whose `main` is deployed by the jobs of `examples/ci/github`.
struct Kit {
    repository: Repository,
    forge: Forge,
    /// Lines beyond what the kit itself has.
    lines: &'static str,
    names: Vec<String>,
}

impl Kit {
    fn of(project: &Project, lines: &'static str) -> Kit {
        let repository = Repository::new();
        let from = format!("{}/.", project.path().display());
        let copied = Command::new("cp").args(["-r", &from]).arg(repository.path()).status().unwrap();
        assert!(copied.success());
        let forge = Forge::start();
        release(&forge, env!("CARGO_PKG_VERSION"));
        let mut names = secrets_of(&walk_text(project.path()));
        names.sort();
        names.dedup();
        let kit = Kit { repository, forge, lines, names };
        kit.merge();
        kit
    }

    /// What the tree has is on `main`, here and at the forge.
    fn merge(&self) {
        let commit = self.repository.commit("A change");
        self.repository.git(&["update-ref", "refs/remotes/origin/main", &commit]);
    }

    /// How the job ended that is the last to run, and what its summary says; `word` is behind each secret.
    fn deploy(&self, word: &str) -> (&'static str, i32, String) {
        let mut secrets = serde_json::Map::new();
        secrets.extend(self.names.iter().map(|name| (name.clone(), word.into())));
        let runner = Runner::new(&self.repository, &self.forge, secrets.into());
        let mut merge = yaml("examples/ci/github/merge.yml");
        let written = merge["env"]["PAIRFORM_ALLOW"].as_str().unwrap().to_owned();
        assert_eq!(written, "approved=origin/main");
        if !self.lines.is_empty() {
            merge["env"]["PAIRFORM_ALLOW"] = self.lines.into();
        }
        for (job, name) in
            ["plan", "apply"].iter().flat_map(|job| self.names.iter().map(move |name| (job, name)))
        {
            merge["jobs"][job]["env"][name] = format!("${{{{ secrets.{name} }}}}").into();
        }
        let done = runner.run(&merge, Event::Push("main"));
        let (name, job) = if done["apply"].ran { ("Apply", &done["apply"]) } else { ("Plan", &done["plan"]) };
        (name, job.step(name).code, format!("{}{}", job.summary, job.step(name).printed))
    }
}

/// The variables that references name.
fn secrets_of(text: &str) -> Vec<String> {
    let names = text.split("env/").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest[..end].to_owned()
    });
    names.collect()
}

/// The jobs of the kit need no line for one shop: `approved=origin/main` is theirs, and allows nothing that is not allowed anyway.
#[test]
fn one_shop_is_deployed_by_the_kit_without_a_line_and_a_secret_is_rotated_by_its_next_run() {
    let project = Project::copy_example("one-shop");
    // No branch is approved either: whatever is said in its place allows nothing.
    let kit = Kit::of(&project, "secret=env/NORDIC_*");
    let (job, code, said) = kit.deploy("first");
    assert_eq!((job, code), ("Apply", 0), "{said}");
    let (job, code, said) = kit.deploy("first");
    assert!((job, code) == ("Apply", 0) && said.contains("Nothing to save"), "{said}");
    // Another value behind the same reference.
    let (job, code, said) = kit.deploy("second");
    assert!((job, code) == ("Apply", 0) && !said.contains("Nothing to save"), "{said}");
    let (job, code, said) = kit.deploy("second");
    assert!((job, code) == ("Apply", 0) && said.contains("Nothing to save"), "{said}");
    // The first apply into an empty store is judged by the files.
    project.edit("pairform.yaml", "minimum: 10}", "minimum: 10, live: require-leave}");
    let kit = Kit::of(&project, "");
    let (job, code, said) = kit.deploy("first");
    assert_eq!((job, code), ("Apply", 5), "{said}");
}

#[test]
fn one_shop_and_a_local_store_need_no_line_and_a_secret_is_rotated_by_an_apply() {
    let project = Project::copy_example("one-shop");
    run(&project, &["validate"], "first", "").assert_code(0);
    // The first apply into an empty store is judged by the files.
    project.edit("pairform.yaml", "minimum: 10}", "minimum: 10, live: require-leave}");
    run(&project, &["plan", "--out", "first.plan"], "first", "").assert_code(0);
    run(&project, &["apply", "first.plan"], "first", "").assert_code(5);
    run(&project, &["apply", "first.plan", "--allow-live"], "first", "").assert_code(0);
    run(&project, &["plan", "--detailed-exitcode"], "first", "").assert_code(0);
    // Another value behind the same reference.
    run(&project, &["plan", "--detailed-exitcode"], "second", "").assert_code(2);
    run(&project, &["apply", "--yes", "--allow-live"], "second", "").assert_code(0);
    run(&project, &["plan", "--detailed-exitcode"], "second", "").assert_code(0);
}

#[test]
fn all_variables_that_are_missing_are_named_in_one_run() {
    let project = Project::copy_example("one-shop");
    let refused =
        Run::of_output(&project.command(&["apply", "--yes", "--category", "connectors"]).output().unwrap());
    let said = refused.assert_code(6).all();
    for name in [
        "NORDIC_FORTNOX_ID",
        "NORDIC_FORTNOX_SECRET",
        "NORDIC_SHOPIFY_TOKEN",
        "NORDIC_SHOPIFY_WEBHOOK_SECRET",
    ] {
        assert!(said.contains(&format!("the environment variable {name} is not set")), "{said}");
    }
}

#[test]
fn a_connector_of_ones_own_needs_one_line() {
    let project = Project::copy_example("own-connector");
    project.edit(
        "integrations/strandboden.yaml",
        "unmanaged: [connectors]",
        "connectors:\n  fortnox: {active: p, connections: {p: {client_id: {secret: env/F_ID}, client_secret: {secret: env/F_SECRET}, tenant_id: \"1\"}}}\n  quickbutik: {active: p, connections: {p: {shop: strandboden, api_key: {secret: env/Q_KEY}}}}\n",
    );
    let told = run(&project, &["plan"], "word", "");
    assert!(told.assert_code(0).stdout.contains("quickbutik=api.quickbutik.com"), "{}", told.stdout);
    let refused = run(&project, &["apply", "--yes", "--allow-live"], "word", "");
    assert!(refused.assert_code(6).stderr.contains("quickbutik=api.quickbutik.com"), "{}", refused.stderr);
    let line = "quickbutik=api.quickbutik.com";
    run(&project, &["apply", "--yes", "--allow-live"], "word", line).assert_code(0);
    // By the kit: with that line, and with none but its own, since what is merged is approved.
    std::fs::remove_dir_all(project.at(".pairform")).unwrap();
    for (lines, expected) in [("quickbutik=api.quickbutik.com", 0), ("", 0), ("secret=**", 6)] {
        let (job, code, said) = Kit::of(&project, lines).deploy("word");
        assert_eq!((job, code), ("Apply", expected), "{lines}: {said}");
        assert!(code == 0 || said.contains("quickbutik=api.quickbutik.com"), "{said}");
    }
}

/// A shop at a host of its own.
fn fjord(host: &str) -> String {
    format!(
        "integration: fjord\npair: fortnox-woocommerce\nconnectors:\n  woocommerce:\n    active: p\n    connections:\n      p: {{store_url: \"https://{host}\", consumer_key: {{secret: env/W_KEY}}, consumer_secret: {{secret: env/W_SECRET}}}}\n"
    )
}

/// The jobs of `examples/ci/github`, with one variable: a branch, a fork, a merge, and an apply.
#[test]
fn a_team_with_shops_at_hosts_of_their_own_needs_one_variable() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url().replace(&format!(":{PASSWORD}@"), "@");
    let repository = Repository::new();
    repository
        .write("pairform.yaml", &format!("version: 1\nenvironments:\n  production: {{store: \"{url}\"}}\n"));
    repository.write(
        "integrations/nordic.yaml",
        "integration: nordic\npair: fortnox-shopify\nsettings: {general: {name: Nordic}}\n",
    );
    let first = repository.commit("first");
    let merge_to_main = |commit: &str| repository.git(&["update-ref", "refs/remotes/origin/main", commit]);
    merge_to_main(&first);

    let forge = Forge::start();
    release(&forge, env!("CARGO_PKG_VERSION"));
    let secrets = json!({"PAIRFORM_STORE_PASSWORD": PASSWORD, "W_KEY": "key", "W_SECRET": "secret"});
    let runner = Runner::new(&repository, &forge, secrets);
    let mut merge = yaml("examples/ci/github/merge.yml");
    let written = merge["env"]["PAIRFORM_ALLOW"].as_str().unwrap();
    assert_eq!(written, "approved=origin/main");
    let allow = format!("store=127.0.0.1:{} {written}", server.port);
    merge["env"]["PAIRFORM_ALLOW"] = allow.as_str().into();
    for (job, name) in [("plan", "W_KEY"), ("plan", "W_SECRET"), ("apply", "W_KEY"), ("apply", "W_SECRET")] {
        merge["jobs"][job]["env"][name] = format!("${{{{ secrets.{name} }}}}").into();
    }
    // How the job ended that is the last to run.
    let deployed = || {
        let done = runner.run(&merge, Event::Push("main"));
        let (name, job) = if done["apply"].ran { ("Apply", &done["apply"]) } else { ("Plan", &done["plan"]) };
        (name, job.step(name).code)
    };
    assert_eq!(deployed(), ("Apply", 0));

    // A branch brings a shop. Its job has no secret, and needs none.
    repository.git(&["switch", "-q", "-c", "fjord"]);
    repository.write("integrations/fjord.yaml", &fjord("fjord.example.com"));
    let branch = repository.commit("a shop");
    let review = yaml("examples/ci/github/pull-request.yml");
    let described = |event: Event| {
        let job = runner.run(&review, event).remove("review").unwrap();
        assert!(!job.failed, "{job:?}");
        assert!(job.steps.iter().all(|step| !format!("{:?}", step.given).contains(PASSWORD)), "{job:?}");
        job.summary.replace("&#46;", ".")
    };
    let comment = described(Event::PullRequest);
    assert!(comment.contains("fjord.example.com"), "{comment}");
    // Applied before it is merged, the host is not allowed.
    assert_eq!(deployed(), ("Apply", 6));
    merge_to_main(&branch);
    assert_eq!(deployed(), ("Apply", 0));

    // A fork leads the shop's credentials elsewhere: it is told first, and reaches nothing.
    repository.git(&["switch", "-q", "-c", "fork"]);
    repository.write("integrations/fjord.yaml", &fjord("evil.example.com"));
    repository.commit("a fork");
    let comment = described(Event::PullRequestOfFork);
    let (policy, rest) = comment.split_once("#### Decide before you apply").unwrap();
    assert!(policy.contains("Changes of policy") && policy.contains("evil.example.com"), "{comment}");
    assert!(rest.contains("evil.example.com"), "{comment}");
    assert_eq!(deployed(), ("Apply", 6));

    // An owner relaxes a limit: one apply records it, the next uses it.
    repository.git(&["switch", "-q", "fjord"]);
    let declared = |limit: &str| {
        format!(
            "version: 1\nsafety: {{max_changed: {limit}}}\nenvironments:\n  production: {{store: \"{url}\"}}\n"
        )
    };
    repository.write("pairform.yaml", &declared("1%"));
    merge_to_main(&repository.commit("a limit"));
    assert_eq!(deployed(), ("Apply", 0));
    repository.write("pairform.yaml", &declared("100%"));
    repository.write(
        "integrations/nordic.yaml",
        "integration: nordic\npair: fortnox-shopify\nsettings: {general: {name: Nordic Outdoor}}\n",
    );
    merge_to_main(&repository.commit("a larger limit, and a change"));
    assert_eq!(deployed(), ("Apply", 5));
    let record = Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(["apply", "--record-only", "--yes"])
        .current_dir(repository.path())
        .env("PAIRFORM_ALLOW", &allow)
        .env("PAIRFORM_STORE_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(record.status.success(), "{record:?}");
    assert_eq!(deployed(), ("Apply", 0));
}
