//! A small imitation of GitHub's runner: it reads a workflow, follows `action.yml`, works out expressions and conditions, gives
//! secrets to jobs of an environment on `main` alone, and runs the steps with the files that a runner has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value as Json, json};

use crate::forge::{Forge, TOKEN};
use crate::revisions::Repository;

pub fn yaml(path: &str) -> Json {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

/// What started the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    PullRequest,
    PullRequestOfFork,
    /// To this branch.
    Push(&'static str),
    Schedule,
}

/// One run of a step.
#[derive(Debug)]
pub struct Step {
    pub name: String,
    pub code: i32,
    pub printed: String,
    /// The variables that the step was given, beyond the system's.
    pub given: BTreeMap<String, String>,
}

#[derive(Debug)]
pub struct Job {
    pub ran: bool,
    pub failed: bool,
    pub steps: Vec<Step>,
    pub summary: String,
}

impl Job {
    pub fn step(&self, name: &str) -> &Step {
        self.steps
            .iter()
            .find(|step| step.name == name)
            .unwrap_or_else(|| panic!("{name} was not run: {self:?}"))
    }

    pub fn has_run(&self, name: &str) -> bool {
        self.steps.iter().any(|step| step.name == name)
    }
}

pub struct Runner<'r> {
    pub repository: &'r Repository,
    pub forge: &'r Forge,
    /// What the environments of the repository hold.
    pub secrets: Json,
    /// What is no secret and they hold, too.
    pub vars: Json,
    /// Kept between the jobs of a run.
    artifacts: tempfile::TempDir,
    /// Kept between runs, as a cache is.
    cache: tempfile::TempDir,
}

struct Place<'a> {
    temp: &'a Path,
    context: Json,
    variables: BTreeMap<String, String>,
    job: Job,
    path: Vec<String>,
}

impl<'r> Runner<'r> {
    pub fn new(repository: &'r Repository, forge: &'r Forge, secrets: Json) -> Self {
        let folder = || tempfile::tempdir().unwrap();
        Runner { repository, forge, secrets, vars: json!({}), artifacts: folder(), cache: folder() }
    }

    /// The artifacts of all runs, sorted.
    pub fn kept(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.artifacts.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs a workflow for an event: what became of each job. A workflow that does not listen to the event runs none.
    pub fn run(&self, workflow: &Json, event: Event) -> BTreeMap<String, Job> {
        let mut done: BTreeMap<String, Job> = BTreeMap::new();
        if !listens(&workflow["on"], event) {
            return done;
        }
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            let needs = job["needs"].as_str().map(|need| &done[need]);
            let ready = needs.is_none_or(|need| need.ran && !need.failed);
            let result = self.job(workflow, job, event, ready);
            done.insert(name.clone(), result);
        }
        done
    }

    fn job(&self, workflow: &Json, job: &Json, event: Event, ready: bool) -> Job {
        let temp = tempfile::tempdir().unwrap();
        let (reference, number, full_name) = match event {
            Event::PullRequest => ("refs/pull/3/merge".to_owned(), json!(3), "acme/shops"),
            Event::PullRequestOfFork => ("refs/pull/3/merge".to_owned(), json!(3), "stranger/shops"),
            Event::Push(branch) => (format!("refs/heads/{branch}"), Json::Null, ""),
            Event::Schedule => ("refs/heads/main".to_owned(), Json::Null, ""),
        };
        // Environments let `main` alone in, as the workflows ask for; and nothing else holds secrets.
        let has_secrets = job.get("environment").is_some() && reference == "refs/heads/main";
        let head = self.repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
        let pull = json!({"number": number, "head": {"sha": head, "repo": {"full_name": full_name}}});
        let context = json!({
            "github": {"ref": reference, "base_ref": "main", "repository": "acme/shops", "token": TOKEN,
                "action_repository": "pairform/pairform", "event": {"pull_request": pull}},
            "runner": {"temp": temp.path(), "os": "Linux", "arch": "X64"},
            "secrets": if has_secrets { self.secrets.clone() } else { json!({}) },
            "vars": self.vars, "steps": {}, "inputs": {},
        });
        let mut place = Place {
            temp: temp.path(),
            context,
            variables: BTreeMap::new(),
            job: Job { ran: false, failed: false, steps: Vec::new(), summary: String::new() },
            path: Vec::new(),
        };
        place.job.ran = ready && place.holds(&job["if"]);
        if !place.job.ran {
            return place.job;
        }
        place.variables = BTreeMap::from(
            [
                ("GITHUB_ACTIONS", "true".to_owned()),
                ("GITHUB_REPOSITORY", "acme/shops".to_owned()),
                ("GITHUB_API_URL", self.forge.address.clone()),
                ("GITHUB_GRAPHQL_URL", format!("{}/graphql", self.forge.address)),
                ("PAIRFORM_API", self.forge.address.clone()),
                ("PAIRFORM_SERVER", self.forge.address.clone()),
                ("RUNNER_TEMP", temp.path().display().to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        // A job may ask for a token of its own where it says so.
        if job["permissions"]["id-token"] == "write" {
            place.variables.extend([
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), TOKEN.to_owned()),
                (
                    "ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(),
                    format!("{}/signed?api-version=2.0", self.forge.address),
                ),
            ]);
        }
        for name in ["output", "path", "summary", "env", "event.json"] {
            std::fs::write(temp.path().join(name), "").unwrap();
        }
        std::fs::write(temp.path().join("event.json"), json!({"pull_request": pull}).to_string()).unwrap();
        for (name, file) in [
            ("OUTPUT", "output"),
            ("PATH", "path"),
            ("STEP_SUMMARY", "summary"),
            ("ENV", "env"),
            ("EVENT_PATH", "event.json"),
        ] {
            place.variables.insert(format!("GITHUB_{name}"), temp.path().join(file).display().to_string());
        }
        for env in [&workflow["env"], &job["env"]] {
            let given = place.env(env);
            place.variables.extend(given);
        }
        for step in job["steps"].as_array().unwrap() {
            self.step(&mut place, step);
        }
        place.job.summary = std::fs::read_to_string(temp.path().join("summary")).unwrap();
        place.job
    }

    fn step(&self, place: &mut Place<'_>, step: &Json) {
        if !place.holds(&step["if"]) {
            return;
        }
        let Some(used) = step["uses"].as_str() else { return self.script(place, step) };
        let (action, _) = used.split_once('@').unwrap();
        let with = place.env(&step["with"]);
        match action {
            // The repository is checked out; the whole history has to be asked for.
            "actions/checkout" => assert_eq!(with["fetch-depth"], "0"),
            "actions/cache" => {
                let _ = std::fs::remove_dir_all(&with["path"]);
                std::os::unix::fs::symlink(self.cache.path(), &with["path"]).unwrap();
            }
            "actions/upload-artifact" => {
                let to = self.artifacts.path().join(&with["name"]);
                std::fs::create_dir_all(&to).unwrap();
                let from = PathBuf::from(&with["path"]);
                std::fs::copy(&from, to.join(from.file_name().unwrap())).unwrap();
            }
            "actions/download-artifact" => {
                for entry in std::fs::read_dir(self.artifacts.path().join(&with["name"])).unwrap() {
                    let from = entry.unwrap().path();
                    std::fs::copy(&from, Path::new(&with["path"]).join(from.file_name().unwrap())).unwrap();
                }
            }
            "pairform/pairform" => self.action(place, &with),
            other => panic!("{other} is not known here"),
        }
    }

    /// The steps of `action.yml`, with inputs of its own and the steps' outputs for itself.
    fn action(&self, place: &mut Place<'_>, with: &BTreeMap<String, String>) {
        let action = yaml("action.yml");
        let mut inputs = serde_json::Map::new();
        for (name, input) in action["inputs"].as_object().unwrap() {
            let value =
                with.get(name).cloned().unwrap_or_else(|| place.text(input["default"].as_str().unwrap()));
            inputs.insert(name.clone(), value.into());
        }
        assert!(with.keys().all(|name| inputs.contains_key(name)), "{with:?}");
        let before = std::mem::replace(&mut place.context["inputs"], inputs.into());
        let steps = std::mem::replace(&mut place.context["steps"], json!({}));
        place.variables.insert("GITHUB_ACTION_PATH".to_owned(), env!("CARGO_MANIFEST_DIR").to_owned());
        for step in action["runs"]["steps"].as_array().unwrap() {
            assert!(step.get("uses").is_some() || step["shell"] == "bash", "{step}");
            self.step(place, step);
        }
        place.variables.remove("GITHUB_ACTION_PATH");
        place.context["inputs"] = before;
        place.context["steps"] = steps;
    }

    fn script(&self, place: &mut Place<'_>, step: &Json) {
        let mut given = place.variables.clone();
        given.extend(place.env(&step["env"]));
        let own = std::env::var_os("PATH").unwrap();
        let path = place.path.iter().map(PathBuf::from).chain(std::env::split_paths(&own));
        let within = step["working-directory"].as_str().map_or_else(|| ".".to_owned(), |at| place.text(at));
        let output = Command::new("bash")
            .args([
                "--noprofile",
                "--norc",
                "-eo",
                "pipefail",
                "-c",
                &place.text(step["run"].as_str().unwrap()),
            ])
            .current_dir(self.repository.path().join(within))
            .env_clear()
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", place.temp)
            .envs(&given)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let take = |name: &str| {
            let text = std::fs::read_to_string(place.temp.join(name)).unwrap();
            std::fs::write(place.temp.join(name), "").unwrap();
            text
        };
        place.path.extend(take("path").lines().rev().map(str::to_owned));
        let named = take("env");
        let named = named.lines().filter_map(|line| line.split_once('='));
        place.variables.extend(named.map(|(name, value)| (name.to_owned(), value.to_owned())));
        if let Some(id) = step["id"].as_str() {
            let outcome = if output.status.success() { "success" } else { "failure" };
            let outputs: serde_json::Map<String, Json> = take("output")
                .lines()
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            place.context["steps"][id] = json!({"outcome": outcome, "outputs": outputs});
        }
        place.job.failed |= !output.status.success();
        let name = step["name"].as_str().unwrap_or_default().to_owned();
        let code = output.status.code().unwrap_or(-1);
        place.job.steps.push(Step { name, code, printed, given });
    }
}

/// Whether a workflow listens to an event.
fn listens(on: &Json, event: Event) -> bool {
    let name = match event {
        Event::PullRequest | Event::PullRequestOfFork => "pull_request",
        Event::Push(_) => "push",
        Event::Schedule => "schedule",
    };
    let filter = on.get(name);
    let branches = filter.and_then(|filter| filter["branches"].as_array());
    let is_asked = on == name || filter.is_some();
    is_asked
        && branches
            .is_none_or(|branches| matches!(event, Event::Push(branch) if branches.contains(&branch.into())))
}

impl Place<'_> {
    /// What an expression comes to; those of GitHub are written as minijinja has them.
    fn value(&self, expression: &str) -> minijinja::Value {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        let failed = self.job.failed;
        environment.add_function("always", || true);
        environment.add_function("success", move || !failed);
        let written = expression.replace("&&", " and ").replace("||", " or ");
        environment
            .compile_expression(&written)
            .unwrap()
            .eval(minijinja::value::Serde(&self.context))
            .unwrap()
    }

    /// Conditions hold only while nothing failed, unless they ask about that themselves.
    fn holds(&self, condition: &Json) -> bool {
        let Some(condition) = condition.as_str() else { return !self.job.failed };
        let asks = condition.contains("always()");
        (asks || !self.job.failed) && self.value(condition).is_true()
    }

    fn text(&self, text: &str) -> String {
        let mut parts = text.split("${{");
        let mut written = parts.next().unwrap().to_owned();
        for part in parts {
            let (expression, rest) = part.split_once("}}").unwrap();
            let value = self.value(expression.trim());
            if !value.is_undefined() && !value.is_none() {
                written.push_str(&value.to_string());
            }
            written.push_str(rest);
        }
        written
    }

    fn env(&self, env: &Json) -> BTreeMap<String, String> {
        let entries = env.as_object().into_iter().flatten();
        let written = |value: &Json| value.as_str().map_or_else(|| value.to_string(), |text| self.text(text));
        entries.map(|(name, value)| (name.clone(), written(value))).collect()
    }
}
