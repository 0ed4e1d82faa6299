//! The kits for pipelines, as they are copied: `action.yml` and the workflows of GitHub, the components of GitLab, Azure Pipelines,
//! Bitbucket and pre-commit. Each step is run against a real repository, and against forges on this machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value as Json, json};

use crate::forge::{Forge, TOKEN};
use crate::revisions::{Repository, project, shop};
use crate::run::Run;
use crate::runner::{Event, Job, Runner, yaml};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const MARKER: &str = "<!-- pairform:diff -->";

/// A release of a program that says its version and else is the one that is tested.
pub fn release(forge: &Forge, version: &str) {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("pairform-{version}-{}-unknown-linux-gnu", std::env::consts::ARCH);
    let inner = folder.path().join(&name);
    std::fs::create_dir(&inner).unwrap();
    let program = env!("CARGO_BIN_EXE_pairform");
    std::fs::write(inner.join("pairform"), format!("#!/bin/sh\n# {version}\nexec {program} \"$@\"\n"))
        .unwrap();
    std::fs::copy(at("packaging/pairform-comment"), inner.join("pairform-comment")).unwrap();
    let packed = Command::new("tar").args(["-cJf", "a.tar.xz", &name]).current_dir(folder.path()).status();
    assert!(packed.unwrap().success());
    let content = std::fs::read(folder.path().join("a.tar.xz")).unwrap();
    let sums = format!("{}  {name}.tar.xz\n", sha256(&content));
    forge.release(version, &[(&format!("{name}.tar.xz"), &content), ("SHA256SUMS", sums.as_bytes())]);
}

fn sha256(content: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn at(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `main` with valid integrations, and a branch that changes one.
fn branches() -> Repository {
    let repository = project();
    for name in ["fjord", "nordic", "solo"] {
        repository.git(&["rm", "-q", &format!("integrations/{name}.yaml")]);
    }
    repository.git(&["rm", "-q", "bases/shop.yaml"]);
    let text = shop("nordic", false, "30").replace("extends: [shop]\n", "");
    repository.write("integrations/nordic.yaml", &text);
    repository.commit("One integration");
    repository.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository.write("integrations/nordic.yaml", &text.replace("\"30\"", "\"14\""));
    repository.commit("Shorter terms");
    repository
}

fn succeeded(job: &Job) {
    assert!(job.ran && !job.failed, "{job:?}");
}

const SECRET: &str = "password-of-the-store";

fn secrets() -> Json {
    json!({"PAIRFORM_STORE_PASSWORD": SECRET})
}

#[test]
fn a_pull_request_gets_one_comment_that_is_updated() {
    let (repository, forge) = (branches(), Forge::start());
    release(&forge, VERSION);
    // More than a page of comments, and a stranger who writes the marker first.
    (0..120).for_each(|number| forge.write(&format!("comment {number}")));
    forge.write(&format!("{MARKER}\nnothing changes, merge it"));
    let runner = Runner::new(&repository, &forge, secrets());
    let workflow = yaml("examples/ci/github/pull-request.yml");
    let job = &runner.run(&workflow, Event::PullRequest)["review"];
    succeeded(job);
    let comments = forge.comments();
    assert_eq!(comments.len(), 122, "{job:?}");
    let text = &comments[121].text;
    assert!(text.starts_with(MARKER) && text.contains("<code>14</code>"), "{text}");
    assert!(job.summary.contains("<code>14</code>"), "{}", job.summary);
    assert_eq!(forge.scans(), 1);
    assert!(job.steps.iter().all(|step| !format!("{:?}", step.given).contains(SECRET)));

    // What is pushed later updates it, and the archive comes out of the cache.
    let file = "integrations/nordic.yaml";
    let text = std::fs::read_to_string(repository.path().join(file)).unwrap();
    repository.write(file, &text.replace("\"14\"", "\"10\""));
    repository.commit("Other terms");
    succeeded(&runner.run(&workflow, Event::PullRequest)["review"]);
    let comments = forge.comments();
    assert_eq!(comments.len(), 122);
    assert!(comments[121].text.contains("<code>10</code>"), "{}", comments[121].text);
    assert_eq!(comments[120].text, format!("{MARKER}\nnothing changes, merge it"));
    let downloads = forge.asked().iter().filter(|(asked, _)| asked.ends_with(".tar.xz")).count();
    assert_eq!(downloads, 1);

    // A mistake fails the job at its line, and is described all the same.
    repository.write(file, &text.replace("live_mode: false", "live_mode: perhaps"));
    repository.commit("A mistake");
    let job = &runner.run(&workflow, Event::PullRequest)["review"];
    assert!(job.failed, "{job:?}");
    let annotated = &job.step("Annotate").printed;
    assert!(annotated.contains("::error file=integrations/nordic.yaml,line="), "{annotated}");
    assert_eq!((job.step("Comment").code, forge.comments().len()), (0, 122));
}

/// A token of an app is told from others by the one question that it may ask.
#[test]
fn an_app_updates_its_own_comment() {
    let (repository, forge) = (branches(), Forge::start());
    release(&forge, VERSION);
    forge.is_of("reviews-of-acme[bot]");
    let runner = Runner::new(&repository, &forge, secrets());
    let workflow = yaml("examples/ci/github/pull-request.yml");
    (0..2).for_each(|_| succeeded(&runner.run(&workflow, Event::PullRequest)["review"]));
    let authors: Vec<String> = forge.comments().into_iter().map(|comment| comment.author).collect();
    assert_eq!(authors, ["reviews-of-acme[bot]"]);
}

/// Each project of a repository has a comment, a page and a category of findings of its own.
#[test]
fn projects_of_one_repository_leave_each_other_their_reviews() {
    let (repository, forge) = (branches(), Forge::start());
    release(&forge, VERSION);
    repository.git(&["switch", "-q", "main"]);
    for folder in ["shops", "shops/old-ones"] {
        std::fs::create_dir_all(repository.path().join(folder)).unwrap();
        repository.write(&format!("{folder}/pairform.yaml"), "version: 1\n");
        let text = std::fs::read_to_string(repository.path().join("integrations/nordic.yaml")).unwrap();
        repository.write(&format!("{folder}/integrations/nordic.yaml"), &text);
    }
    repository.commit("Projects");
    repository.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repository.git(&["switch", "-q", "-c", "both"]);
    for (folder, terms) in [("shops", "14"), ("shops/old-ones", "10")] {
        let file = format!("{folder}/integrations/nordic.yaml");
        let text = std::fs::read_to_string(repository.path().join(&file)).unwrap();
        repository.write(&file, &text.replace("\"30\"", &format!("\"{terms}\"")));
    }
    repository.commit("Terms");
    let runner = Runner::new(&repository, &forge, secrets());
    let mut workflow = yaml("examples/ci/github/pull-request.yml");
    let steps = workflow["jobs"]["review"]["steps"].as_array_mut().unwrap();
    let mut review = steps.pop().unwrap();
    for project in ["shops", "./shops/old-ones/"] {
        review["with"] = json!({"project": project});
        steps.push(review.clone());
    }
    for _ in 0..2 {
        succeeded(&runner.run(&workflow, Event::PullRequest)["review"]);
    }
    let comments = forge.comments();
    assert_eq!(comments.len(), 2, "{comments:?}");
    for (comment, marker, terms) in [
        (&comments[0], "<!-- pairform:diff shops -->", "14"),
        (&comments[1], "<!-- pairform:diff shops/old%2dones -->", "10"),
    ] {
        assert!(comment.text.starts_with(marker), "{}", comment.text);
        assert!(comment.text.contains(&format!("<code>{terms}</code>")), "{}", comment.text);
    }
    assert_eq!(runner.kept(), ["pairform+shops", "pairform+shops+old-ones"]);
    let category = |folder: &str| {
        let log = Run::of_output(&repository.run(&["-C", folder, "validate", "-o", "sarif"])).json();
        log["runs"][0]["automationDetails"]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        [".", "shops", "shops/old-ones"].map(category),
        ["pairform/validate/", "pairform/validate/shops/", "pairform/validate/shops/old%2dones/"]
    );
}

/// What stops pairform stands in the comment in the place of what was well before, in the summary, and in the code of the job.
#[test]
fn a_review_that_is_stopped_is_told_where_it_is_read() {
    let (repository, forge) = (branches(), Forge::start());
    release(&forge, VERSION);
    let runner = Runner::new(&repository, &forge, secrets());
    let workflow = yaml("examples/ci/github/pull-request.yml");
    succeeded(&runner.run(&workflow, Event::PullRequest)["review"]);
    // No base to compare with, as where the history was not fetched.
    repository.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    let job = &runner.run(&workflow, Event::PullRequest)["review"];
    assert!(job.failed && job.step("Describe").code == 64, "{job:?}");
    assert_eq!(job.step("Comment").code, 0, "{job:?}");
    assert!(job.summary.contains("Stopped&#58; "), "{}", job.summary);
    let comments = forge.comments();
    assert!(comments.len() == 1 && comments[0].text.contains("Stopped&#58; "), "{comments:?}");
}

/// It is judged, and gets no comment: its token may not write, and no secret is there.
#[test]
fn a_fork_reaches_nothing() {
    let (repository, forge) = (branches(), Forge::start());
    release(&forge, VERSION);
    let runner = Runner::new(&repository, &forge, secrets());
    for name in ["pull-request", "merge", "drift"] {
        let workflow = yaml(&format!("examples/ci/github/{name}.yml"));
        for (job, done) in runner.run(&workflow, Event::PullRequestOfFork) {
            assert_eq!((name, job.as_str()), ("pull-request", "review"));
            succeeded(&done);
            assert!(done.summary.contains("<code>14</code>") && !done.has_run("Comment"), "{done:?}");
            for step in &done.steps {
                assert!(!format!("{step:?}").contains(SECRET), "{step:?}");
                assert!(!step.printed.contains(TOKEN), "{step:?}");
            }
        }
    }
    let written = forge.asked().into_iter().find(|(asked, _)| !asked.starts_with("GET "));
    assert_eq!((written, forge.comments().len()), (None, 0));
}

#[test]
fn an_apply_runs_from_main_alone_and_saves_what_was_planned() {
    let (repository, forge) = (branches(), Forge::start());
    release(&forge, VERSION);
    let runner = Runner::new(&repository, &forge, secrets());
    let workflow = yaml("examples/ci/github/merge.yml");
    for event in [Event::Push("topic"), Event::PullRequest, Event::Schedule] {
        assert!(runner.run(&workflow, event).is_empty(), "{event:?}");
    }
    // A run that somebody starts by hand on another branch.
    let mut by_hand = workflow.clone();
    by_hand["on"] = json!({"push": null});
    let done = runner.run(&by_hand, Event::Push("topic"));
    assert!(!done["plan"].ran && !done["apply"].ran, "{done:?}");

    repository.git(&["switch", "-q", "main"]);
    let done = runner.run(&workflow, Event::Push("main"));
    succeeded(&done["plan"]);
    succeeded(&done["apply"]);
    for job in ["plan", "apply"] {
        assert!(workflow["jobs"][job]["environment"].is_string());
        // No step but the one that asks the store is given its password.
        let given: Vec<&str> = done[job]
            .steps
            .iter()
            .filter(|step| format!("{:?}", step.given).contains(SECRET))
            .map(|step| step.name.as_str())
            .collect();
        assert_eq!(given, [if job == "plan" { "Plan" } else { "Apply" }]);
    }
    assert!(done["apply"].summary.contains("nordic"), "{}", done["apply"].summary);
    assert!(repository.path().join(".pairform/state.db").exists());

    // On a schedule, what was changed outside fails the job.
    let drift = yaml("examples/ci/github/drift.yml");
    succeeded(&runner.run(&drift, Event::Schedule)["drift"]);
    let store = rusqlite::Connection::open(repository.path().join(".pairform/state.db")).unwrap();
    store
        .execute(
            "UPDATE category SET settings = replace(settings, 'nordic', 'other') WHERE category = 'general'",
            [],
        )
        .unwrap();
    let job = &runner.run(&drift, Event::Schedule)["drift"];
    assert_eq!(job.step("Drift").code, 2, "{job:?}");
}

/// What a Configure server is asked with: signed by the forge for this job, for that server, and seen by no step before.
#[test]
fn a_job_of_an_environment_gets_a_token_of_its_own() {
    let (repository, forge) = (branches(), Forge::start());
    release(&forge, VERSION);
    repository.git(&["switch", "-q", "main"]);
    let mut runner = Runner::new(&repository, &forge, secrets());
    // Older versions of curl write what they encode in small letters.
    let token = |job: &Job, step: &str| {
        job.step(step).given.get("PAIRFORM_STORE_TOKEN").map(|token| token.to_ascii_lowercase())
    };
    let merge = yaml("examples/ci/github/merge.yml");
    let done = runner.run(&merge, Event::Push("main"));
    assert!(!done["apply"].has_run("Token") && token(&done["apply"], "Apply").is_none(), "{done:?}");
    runner.vars = json!({"PAIRFORM_AUDIENCE": "https://configure.example.com/?a&b"});
    let done = runner.run(&merge, Event::Push("main"));
    let drift = runner.run(&yaml("examples/ci/github/drift.yml"), Event::Schedule);
    let signed = "signed?api-version=2.0&audience=https%3a%2f%2fconfigure.example.com%2f%3fa%26b";
    for (job, step) in [(&done["plan"], "Plan"), (&done["apply"], "Apply"), (&drift["drift"], "Drift")] {
        succeeded(job);
        assert_eq!(token(job, step).as_deref(), Some(signed), "{job:?}");
        let printed = job.step("Token").printed.to_ascii_lowercase();
        assert_eq!(printed, format!("::add-mask::{signed}\n"), "{job:?}");
        assert!(token(job, "Install").is_none());
    }
    // GitLab gives it to the jobs that say for whom.
    let deploy = component("deploy", &[("audience", "https://configure.example.com")]);
    let given = &deploy[".pairform-deploy"]["id_tokens"]["PAIRFORM_STORE_TOKEN"];
    assert_eq!(given["aud"], "https://configure.example.com");
    for job in ["pairform-plan", "pairform-apply", "pairform-drift"] {
        assert_eq!(deploy[job]["extends"], ".pairform-deploy");
    }
    assert!(component("review", &[])["pairform-review"].get("id_tokens").is_none());
}

fn installed_job(runner: &Runner<'_>, workflow: &Json) -> Job {
    runner.run(workflow, Event::PullRequest).remove("review").unwrap()
}

#[test]
fn the_action_installs_what_it_proved() {
    let (repository, forge) = (branches(), Forge::start());
    release(&forge, VERSION);
    release(&forge, "0.1.9");
    release(&forge, "0.10.0");
    // One of the catalogue alone, which has no program.
    forge.release("0.11.0", &[("pairform-catalogue-0.11.0.tar.xz", b"")]);
    let runner = Runner::new(&repository, &forge, secrets());
    let mut workflow = yaml("examples/ci/github/pull-request.yml");
    let installed = |workflow: &Json| {
        let job = installed_job(&runner, workflow);
        let said = job.step("Choose the version").printed.trim().to_owned();
        (said, job)
    };
    let (said, job) = installed(&workflow);
    assert_eq!(said, format!("pairform {VERSION}"));
    assert!(job.step("Install").printed.starts_with(&format!("pairform {VERSION}, SHA-256 ")), "{job:?}");

    // `requires` chooses where no version is given; what is installed then judges by it as well.
    for (text, version) in [
        ("version: 1\nrequires: >=0.2\n", VERSION),
        ("version: 1\nrequires: \">=0.9, <1\"\n", "0.10.0"),
        ("version: 1\nrequires: '=0.10' # once\n", "0.10.0"),
        ("\u{feff}requires: '=0.10'\r\nversion: 1\r\n", "0.10.0"),
        ("version: 1\n\"requires\": # why\n\n  '>=0.9'\n", "0.10.0"),
        ("{version: 1, 'requires': '>=0.9, <1'}\n", "0.10.0"),
        ("version: 1\nrequires:\nsafety: {}\n", VERSION),
    ] {
        repository.write("pairform.yaml", text);
        assert_eq!(installed(&workflow).0, format!("pairform {version}"), "{text}");
    }
    // What is no text, and what has no end.
    std::fs::write(repository.path().join("pairform.yaml"), b"\xff\xfe\nrequires: '>=0.9'\n").unwrap();
    assert_eq!(installed(&workflow).0, "pairform 0.10.0");
    std::fs::remove_file(repository.path().join("pairform.yaml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", repository.path().join("pairform.yaml")).unwrap();
    assert_eq!(installed(&workflow).0, format!("pairform {VERSION}"));
    std::fs::remove_file(repository.path().join("pairform.yaml")).unwrap();
    // No release, or an older one than the action's, which might judge less strictly.
    for requires in [">=7", "=0.1"] {
        repository.write("pairform.yaml", &format!("version: 1\nrequires: \"{requires}\"\n"));
        let (said, job) = installed(&workflow);
        assert!(
            said.starts_with("::error title=pairform::") && said.contains("admits no release since"),
            "{said}"
        );
        assert_eq!((job.failed, job.steps.len()), (true, 1), "{job:?}");
    }
    repository.git(&["checkout", "-q", "pairform.yaml"]);

    // A slip in the command judges nothing, and is not green.
    let mut slip = workflow.clone();
    slip["jobs"]["review"]["steps"][1]["with"] = json!({"command": "reviw"});
    let job = installed_job(&runner, &slip);
    assert!(job.failed && job.steps.len() == 1 && job.steps[0].printed.contains("`reviw`"), "{job:?}");

    // A release that does not answer at once is asked again.
    forge.fail(1);
    assert!(!installed_job(&runner, &workflow).failed);

    // A checksum that is given has to be that of the archive, from the cache as well.
    let last = workflow["jobs"]["review"]["steps"].as_array().unwrap().len() - 1;
    workflow["jobs"]["review"]["steps"][last]["with"] = json!({"sha256": "0".repeat(64), "version": VERSION});
    let job = installed(&workflow).1;
    assert!(job.step("Install").printed.contains("nothing was installed"), "{job:?}");
    assert!(job.failed && !job.has_run("Annotate") && !job.has_run("Describe"), "{job:?}");
}

/// The checksum that a user gives for the wheel.
const WHEEL: &str = "0123456789abcdef";

/// Programs beside the one that is tested: `pip`, which installs nothing but this version, by a checksum, and `pairform-comment`.
fn shell(repository: &Repository, script: &str, variables: &BTreeMap<String, String>) -> Output {
    let tools = tempfile::tempdir().unwrap();
    let link = |name: &str, to: &Path| std::os::unix::fs::symlink(to, tools.path().join(name)).unwrap();
    link("pairform", Path::new(env!("CARGO_BIN_EXE_pairform")));
    link("pairform-comment", &at("packaging/pairform-comment"));
    let pip = format!(
        "#!/bin/sh\nfor file; do :; done\ntest \"$(cat \"$file\")\" = 'pairform=={VERSION} --hash=sha256:{WHEEL}' || exit 9\n\
         case \"$*\" in *'--only-binary :all: -r '*) ;; *) exit 9 ;; esac\n\
         case \"${{PAIRFORM_UNTRUSTED:-}} $*\" in '1 '* | *' --no-cache-dir '*) ;; *) exit 9 ;; esac\n"
    );
    std::fs::write(tools.path().join("pip"), pip).unwrap();
    std::fs::set_permissions(tools.path().join("pip"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let path = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<_>>();
    let path = std::env::join_paths(std::iter::once(tools.path().to_owned()).chain(path)).unwrap();
    Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", script])
        .current_dir(repository.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", tools.path())
        .env("TMPDIR", tools.path())
        .env("PAIRFORM_SHA256", WHEEL)
        .envs(variables)
        .output()
        .unwrap()
}

fn variables(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn lines(script: &Json) -> String {
    script.as_array().unwrap().iter().map(|line| format!("{}\n", line.as_str().unwrap())).collect()
}

/// What `git fetch origin main` reads.
fn with_origin(repository: &Repository) {
    let folder = repository.path().display().to_string();
    repository.git(&["remote", "add", "origin", &folder]);
}

/// A component with its inputs as they are where none is given.
fn component(name: &str, inputs: &[(&str, &str)]) -> Json {
    let text = std::fs::read_to_string(at(&format!("templates/{name}/template.yml"))).unwrap();
    let (spec, text) = text.split_once("\n---\n").unwrap();
    let spec: Json = serde_yaml::from_str(spec).unwrap();
    let mut text = text.to_owned();
    for (name, input) in spec["spec"]["inputs"].as_object().unwrap() {
        let given = inputs.iter().find(|(given, _)| given == name).map(|(_, value)| *value);
        text = text.replace(
            &format!("$[[ inputs.{name} ]]"),
            given.unwrap_or_else(|| input["default"].as_str().unwrap()),
        );
    }
    assert!(!text.contains("$[["), "{text}");
    serde_yaml::from_str(&text).unwrap()
}

/// Whether a rule of GitLab holds.
fn holds(rule: &str, variables: &BTreeMap<String, String>) -> bool {
    rule.split("&&").all(|part| {
        let is_equal = part.contains("==");
        let (left, right) = part.split_once(if is_equal { "==" } else { "!=" }).unwrap();
        let value = |side: &str| match side.trim().strip_prefix('$') {
            Some(name) => variables.get(name).cloned().unwrap_or_default(),
            None => side.trim().trim_matches('"').to_owned(),
        };
        (value(left) == value(right)) == is_equal
    })
}

#[test]
fn the_components_of_gitlab_comment_and_apply_where_they_should() {
    let (repository, forge) = (branches(), Forge::start());
    with_origin(&repository);
    forge.write(&format!("{MARKER}\nnothing changes, merge it"));
    let folder = repository.path().display().to_string();
    let mut given = variables(&[
        ("GITLAB_CI", "true"),
        ("CI_API_V4_URL", &forge.address),
        ("CI_PROJECT_ID", "7"),
        ("CI_PROJECT_DIR", &folder),
        ("CI_MERGE_REQUEST_IID", "3"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_DEFAULT_BRANCH", "main"),
        ("PAIRFORM_COMMENT_TOKEN", TOKEN),
    ]);
    let (review, deploy) = (component("review", &[]), component("deploy", &[]));
    let runs = |jobs: &Json, given: &BTreeMap<String, String>| -> Vec<String> {
        let asked = |job: &Json| {
            job["rules"]
                .as_array()
                .is_some_and(|rules| rules.iter().any(|rule| holds(rule["if"].as_str().unwrap(), given)))
        };
        let jobs =
            jobs.as_object().unwrap().iter().filter(|(name, job)| !name.starts_with('.') && asked(job));
        jobs.map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(runs(&review, &given), ["pairform-review"]);
    assert!(runs(&deploy, &given).is_empty());
    let job = &review["pairform-review"];
    given.insert(
        "PAIRFORM_UNTRUSTED".to_owned(),
        job["variables"]["PAIRFORM_UNTRUSTED"].as_str().unwrap().to_owned(),
    );
    for _ in 0..2 {
        let done = shell(&repository, &lines(&job["script"]), &given);
        assert!(done.status.success(), "{done:?}");
    }
    assert_eq!(forge.comments().len(), 2);
    assert!(forge.comments()[1].text.contains("<code>14</code>"), "{:?}", forge.comments());
    let issues = repository.path().join("pairform-reports/pairform-review/quality.json");
    let issues = std::fs::read(issues).unwrap();
    assert!(serde_json::from_slice::<Json>(&issues).unwrap().is_array());
    // Two projects of a repository are two jobs, with files of their own.
    let second = component("review", &[("job", "review-shops"), ("project", "shops")]);
    assert!(
        second["review-shops"]["artifacts"].to_string().contains("pairform-reports/review-shops/junit.xml")
    );
    let second = component("deploy", &[("prefix", "shops")]);
    assert_eq!(second["shops-apply"]["needs"], json!(["shops-plan"]));
    assert!(second.get("pairform-plan").is_none(), "{second}");
    // What stops it is told in the note, and by the code of the job.
    let mut stopped = given.clone();
    stopped.insert("CI_MERGE_REQUEST_TARGET_BRANCH_NAME".to_owned(), "nowhere".to_owned());
    stopped.insert("CI_MERGE_REQUEST_DIFF_BASE_SHA".to_owned(), "nowhere".to_owned());
    let done = shell(&repository, &lines(&job["script"]), &stopped);
    assert_eq!(done.status.code(), Some(64), "{done:?}");
    assert!(forge.comments()[1].text.contains("Stopped&#58; "), "{:?}", forge.comments());
    // A fork's pipeline has no token: it is judged, and says that there is no note. It is compared with the project that the request is
    // for, whatever the fork's own main says; where that lets nobody in, with the commit at which the fork left it.
    given.remove("PAIRFORM_COMMENT_TOKEN");
    let target = tempfile::tempdir().unwrap();
    let url = format!("file://{}/target", target.path().display());
    repository.git(&["clone", "-q", "--bare", ".", &format!("{}/target.git", target.path().display())]);
    let base = repository.git(&["rev-parse", "main"]);
    repository.git(&["branch", "-q", "-f", "main", "topic"]);
    let changes = repository.path().join("pairform-reports/pairform-review/comment.md");
    for url in [url.as_str(), "file:///nowhere"] {
        given.extend(variables(&[
            ("CI_MERGE_REQUEST_PROJECT_ID", "1"),
            ("CI_MERGE_REQUEST_PROJECT_URL", url),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base.trim()),
        ]));
        let done = shell(&repository, &lines(&job["script"]), &given);
        assert!(done.status.success(), "{done:?}");
        assert!(std::fs::read_to_string(&changes).unwrap().contains("<code>14</code>"), "{url}");
    }
    repository.git(&["branch", "-q", "-f", "main", base.trim()]);
    let done = shell(&repository, &lines(&job["script"]), &given);
    assert!(
        done.status.success() && String::from_utf8_lossy(&done.stdout).contains("no comment"),
        "{done:?}"
    );

    let on = |source: &str, branch: &str| {
        variables(&[
            ("CI_PIPELINE_SOURCE", source),
            ("CI_COMMIT_BRANCH", branch),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_PROJECT_DIR", &folder),
        ])
    };
    assert!(runs(&deploy, &on("push", "topic")).is_empty());
    assert!(runs(&review, &on("push", "main")).is_empty());
    assert_eq!(runs(&deploy, &on("push", "main")), ["pairform-plan", "pairform-apply"]);
    assert_eq!(runs(&deploy, &on("schedule", "main")), ["pairform-drift"]);
    repository.git(&["switch", "-q", "main"]);
    let common = &deploy[".pairform-deploy"];
    for name in ["pairform-plan", "pairform-apply", "pairform-drift"] {
        let job = &deploy[name];
        assert_eq!((&job["extends"], job["environment"].is_object()), (&".pairform-deploy".into(), true));
        let mut given = on("push", "main");
        given.insert(
            "PAIRFORM_ALLOW".to_owned(),
            common["variables"]["PAIRFORM_ALLOW"].as_str().unwrap().replace("$CI_DEFAULT_BRANCH", "main"),
        );
        assert!(common.get("cache").is_none() && job.get("cache").is_none(), "{name}");
        let script = lines(&common["before_script"]) + &lines(&job["script"]);
        let done = shell(&repository, &script, &given);
        assert!(done.status.success(), "{name}: {done:?}");
    }
    assert_eq!(deploy["pairform-apply"]["rules"][0]["when"], "manual");
    let kit = yaml("examples/ci/gitlab/.gitlab-ci.yml");
    for included in kit["include"].as_array().unwrap() {
        let named = included["component"].as_str().unwrap().rsplit_once('/').unwrap().1;
        let (name, version) = named.split_once('@').unwrap();
        assert!(
            at(&format!("templates/{name}/template.yml")).exists() && version == format!("v{VERSION}"),
            "{named}"
        );
    }
}

/// Whether a condition of Azure Pipelines holds, of the functions that the kit uses.
fn azure_holds(condition: &Json, variables: &BTreeMap<String, String>, succeeded: bool) -> bool {
    let Some(condition) = condition.as_str() else { return succeeded };
    let mut environment = minijinja::Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Lenient);
    environment.add_function("eq", |a: String, b: String| a == b);
    environment.add_function("ne", |a: String, b: String| a != b);
    environment.add_function("all", |parts: minijinja::value::Rest<bool>| parts.iter().all(|part| *part));
    environment.add_function("succeeded", move || succeeded);
    environment.add_function("succeededOrFailed", || true);
    let value = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let names = ["Build.Reason", "Build.SourceBranch", "System.PullRequest.IsFork"];
    let written = names.iter().fold(condition.replace("and(", "all("), |text, name| {
        text.replace(&format!("variables['{name}']"), &format!("'{}'", value(name)))
    });
    environment.compile_expression(&written).unwrap().eval(()).unwrap().is_true()
}

#[test]
fn azure_pipelines_comments_and_applies_where_it_should() {
    let (repository, forge) = (branches(), Forge::start());
    let pipeline = yaml("examples/ci/azure/azure-pipelines.yml");
    let stages = pipeline["stages"].as_array().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let run_with = |reason: &str, branch: &str, fork: &str, password: &str| -> Vec<String> {
        let mut ran = Vec::new();
        let said = variables(&[
            ("Build.Reason", reason),
            ("Build.SourceBranch", branch),
            ("System.PullRequest.IsFork", fork),
        ]);
        for stage in stages {
            if !azure_holds(&stage["condition"], &said, true) {
                continue;
            }
            let job = &stage["jobs"][0];
            let deploy = &job["strategy"]["runOnce"]["deploy"]["steps"];
            let steps = if deploy.is_array() { deploy } else { &job["steps"] };
            for step in steps.as_array().unwrap() {
                let Some(script) = step["bash"].as_str() else { continue };
                if !azure_holds(&step["condition"], &said, true) {
                    continue;
                }
                let mut given = variables(&[
                    ("TF_BUILD", "True"),
                    ("SYSTEM_COLLECTIONURI", &forge.address),
                    ("SYSTEM_TEAMPROJECT", "shops"),
                    ("BUILD_REPOSITORY_ID", "7"),
                    ("BUILD_REASON", reason),
                    ("BUILD_ARTIFACTSTAGINGDIRECTORY", &at("plan")),
                    ("PIPELINE_WORKSPACE", &at("")),
                    ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
                    ("SYSTEM_PULLREQUEST_PULLREQUESTID", "3"),
                ]);
                for (name, value) in step["env"].as_object().into_iter().flatten() {
                    let value = value
                        .as_str()
                        .unwrap()
                        .replace("$(System.AccessToken)", TOKEN)
                        .replace("$(PAIRFORM_STORE_PASSWORD)", password);
                    given.insert(name.clone(), value);
                }
                let done = shell(&repository, script, &given);
                assert!(done.status.success(), "{step}: {done:?}");
                ran.push(step["displayName"].as_str().unwrap().to_owned());
            }
        }
        ran
    };
    let run = |reason: &str, branch: &str, fork: &str| run_with(reason, branch, fork, SECRET);
    std::fs::create_dir(folder.path().join("plan")).unwrap();
    forge.write(&format!("{MARKER}\nnothing changes, merge it"));
    for _ in 0..2 {
        let ran = run("PullRequest", "refs/pull/3/merge", "False");
        assert_eq!(ran, ["Install", "Describe", "Comment", "Validate"]);
    }
    assert_eq!(forge.comments().len(), 2);
    let ran = run("PullRequest", "refs/pull/3/merge", "True");
    assert_eq!(ran, ["Install", "Describe", "Validate"]);
    assert!(run("IndividualCI", "refs/heads/topic", "").is_empty());
    repository.git(&["switch", "-q", "main"]);
    assert_eq!(run("IndividualCI", "refs/heads/main", ""), ["Install", "Plan", "Install", "Apply"]);
    assert_eq!(run("Schedule", "refs/heads/main", ""), ["Install", "Plan"]);
    // A variable that is not defined is passed by its name; no store is asked with that for a password.
    let as_it_stands = "$(PAIRFORM_STORE_PASSWORD)";
    assert_eq!(run_with("Schedule", "refs/heads/main", "", as_it_stands), ["Install", "Plan"]);
    for line in std::fs::read_to_string(self::at("examples/ci/azure/azure-pipelines.yml")).unwrap().lines() {
        if let Some((_, cleared)) = line.split_once("case \"$PAIRFORM_STORE_PASSWORD\"") {
            let script = format!(
                "case \"$PAIRFORM_STORE_PASSWORD\"{cleared}\necho \"${{PAIRFORM_STORE_PASSWORD-none}}\""
            );
            for (given, seen) in [(as_it_stands, "none\n"), (SECRET, "password-of-the-store\n")] {
                let done = shell(&repository, &script, &variables(&[("PAIRFORM_STORE_PASSWORD", given)]));
                assert_eq!(String::from_utf8_lossy(&done.stdout), seen);
            }
        }
    }
}

#[test]
fn bitbucket_comments_and_applies() {
    let (repository, forge) = (branches(), Forge::start());
    with_origin(&repository);
    let kit = yaml("examples/ci/bitbucket/bitbucket-pipelines.yml");
    let head = repository.git(&["rev-parse", "HEAD"]);
    let given = variables(&[
        ("BITBUCKET_BUILD_NUMBER", "1"),
        ("BITBUCKET_REPO_FULL_NAME", "acme/shops"),
        ("BITBUCKET_COMMIT", head.trim()),
        ("BITBUCKET_PR_ID", "3"),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
        ("PAIRFORM_COMMENT_API", &forge.address),
        ("PAIRFORM_COMMENT_TOKEN", TOKEN),
    ]);
    let script = |step: &Json| {
        let done = shell(&repository, &lines(&step["step"]["script"]), &given);
        assert!(done.status.success(), "{step}: {done:?}");
    };
    (0..3).for_each(|number| forge.write(&format!("comment {number}")));
    let review = &kit["pipelines"]["pull-requests"]["**"][0];
    (0..2).for_each(|_| script(review));
    assert_eq!(forge.comments().len(), 4);
    assert!(!review.to_string().contains("deployment"), "a pull request gets the secrets of no deployment");
    assert_eq!(kit["pipelines"]["branches"].as_object().unwrap().keys().collect::<Vec<_>>(), ["main"]);
    repository.git(&["switch", "-q", "main"]);
    let main = kit["pipelines"]["branches"]["main"].as_array().unwrap();
    assert!(main.iter().all(|step| step["step"]["deployment"].is_string()));
    main.iter().for_each(script);
    script(&kit["pipelines"]["custom"]["drift"][0]);
}

/// What the forge answers, and how it is taken.
#[test]
fn a_comment_goes_to_its_forge_alone() {
    let (repository, forge) = (branches(), Forge::start());
    let comment = |text: &str, given: &[(&str, &str)]| {
        repository.write("comment.md", text);
        Run::of_output(&shell(&repository, "pairform-comment comment.md", &variables(given)))
    };
    let bitbucket =
        [("BITBUCKET_BUILD_NUMBER", "1"), ("BITBUCKET_PR_ID", "3"), ("PAIRFORM_COMMENT_TOKEN", TOKEN)];
    let text = format!("{MARKER}\ntext\n");
    let refused =
        comment(&text, &[&bitbucket[..], &[("PAIRFORM_COMMENT_API", "http://forge.example.com")]].concat());
    assert!(refused.code == 1 && refused.stderr.contains("https alone"), "{refused:?}");
    let here = ("PAIRFORM_COMMENT_API", forge.address.as_str());
    let wrong = comment(&text, &[&bitbucket[..2], &[("PAIRFORM_COMMENT_TOKEN", "another"), here]].concat());
    assert!(wrong.code == 1 && wrong.stderr.contains("401"), "{wrong:?}");
    assert!(!wrong.all().contains("another"), "{wrong:?}");
    let unmarked = comment("text", &[&bitbucket[..], &[here]].concat());
    assert!(unmarked.code == 1 && unmarked.stderr.contains("marker"), "{unmarked:?}");
    let elsewhere = comment(&text, &[]);
    assert!(elsewhere.code == 1 && elsewhere.stderr.contains("no runner"), "{elsewhere:?}");
    comment(&text, &[&bitbucket[..1], &[here]].concat()).assert_code(0);
    assert_eq!(forge.comments().len(), 0);
    // An answer that got lost is asked for again, and what was done is not done twice.
    let given = [&bitbucket[..], &[("BITBUCKET_REPO_FULL_NAME", "acme/shops"), here]].concat();
    forge.lose_write();
    comment(&text, &given).assert_code(0);
    assert_eq!(forge.comments().len(), 1);
    forge.fail(1);
    comment(&text, &given).assert_code(0);
    assert_eq!(forge.comments().len(), 1);
    let before = forge.comments()[0].text.clone();
    forge.fail(usize::MAX);
    let lasting = comment(&format!("{MARKER}\nother\n"), &given);
    assert!(
        lasting.code == 0 && lasting.stderr.contains("warning: there is no comment this time"),
        "{lasting:?}"
    );
    forge.fail(0);
    assert_eq!(forge.comments()[0].text, before);
    // More than the forge takes.
    let long = format!("{MARKER}\n{}", "a line of text\n".repeat(5000));
    comment(&long, &[&bitbucket[..], &[("BITBUCKET_REPO_FULL_NAME", "acme/shops"), here]].concat())
        .assert_code(0);
    let kept = &forge.comments()[0].text;
    assert!(kept.len() < 30_100 && kept.ends_with("this job keeps.\n"), "{}", kept.len());
}

#[test]
fn the_hooks_run_what_they_name() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    for hook in hooks.as_array().unwrap() {
        assert_eq!((&hook["language"], &hook["pass_filenames"]), (&"python".into(), &false.into()));
        let entry = hook["entry"].as_str().unwrap();
        let repository = branches();
        let done = shell(&repository, entry, &BTreeMap::new());
        assert!(done.status.success(), "{done:?}");
        // A project in a folder is named by `args`, which stand behind the entry.
        repository.git(&["switch", "-q", "-c", "nested"]);
        std::fs::create_dir(repository.path().join("shops")).unwrap();
        repository.git(&["mv", "pairform.yaml", "integrations", "shops"]);
        assert_eq!(shell(&repository, entry, &BTreeMap::new()).status.code(), Some(64));
        let done = shell(&repository, &format!("{entry} -C shops"), &BTreeMap::new());
        assert!(done.status.success(), "{done:?}");
    }
    let package = std::fs::read_to_string(at("pyproject.toml")).unwrap();
    assert!(package.contains(&format!("dependencies = [\"pairform=={VERSION}\"]")), "{package}");
}

/// Nothing is published before the list of known weaknesses was had and looked at.
#[test]
fn a_release_waits_for_the_judgement_of_its_dependencies() {
    let release = yaml(".github/workflows/release.yml");
    let jobs = &release["jobs"];
    let judges = jobs.as_object().unwrap().iter().find(|(_, job)| {
        let steps = job["steps"].as_array().unwrap();
        steps.iter().any(|step| step["run"] == ".ci/deny" && step["env"]["DENY_ADVISORIES"] == "required")
    });
    let (name, _) = judges.expect("a job runs .ci/deny and wants the advisories");
    let needs = jobs["publish"]["needs"].as_array().unwrap();
    assert!(needs.iter().any(|one| one == name.as_str()), "{needs:?}");
}

/// An action of somebody else is named by the digest of what was read, never by a tag that may move.
#[test]
fn actions_of_others_are_pinned() {
    let files = [
        "action.yml",
        "examples/ci/github/pull-request.yml",
        "examples/ci/github/merge.yml",
        "examples/ci/github/drift.yml",
        ".github/workflows/release.yml",
        ".github/workflows/catalogue.yml",
    ];
    for file in files {
        let text = std::fs::read_to_string(at(file)).unwrap();
        for line in
            text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "))
        {
            let (action, rest) = line.split_once('@').unwrap();
            let pinned = rest.split(' ').next().unwrap();
            let is_digest = pinned.len() == 40 && pinned.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(
                is_digest || (action == "pairform/pairform" && pinned == format!("v{VERSION}")),
                "{file}: {line}"
            );
        }
    }
}
