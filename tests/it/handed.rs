//! Whole plans that are handed in to a server: what is applied so is what an apply to its store saves; nothing that is handed in is
//! taken at its word; and whatever becomes of the way there, asking again ends in the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pairform::model;
use pairform::plan::{self, Plan};
use pairform::store::{self, Deployed};
use serde_json::{Value as Json, json};

use crate::between::{Between, Does};
use crate::remote::{Far, change_outside, text};
use crate::run::Project;
use crate::serve::{Server, apply_with, stores, token};

const APPLY: &[&str] = &["apply", "--yes", "--allow-live"];

fn deployed(url: &str) -> Vec<Deployed> {
    store::open(&url.to_owned()).unwrap().read(None).unwrap()
}

/// What is deployed, whoever saved it when.
fn settings(url: &str) -> BTreeMap<(String, String), (u64, String, String)> {
    let of_one = |row: Deployed| {
        let settings = (row.revision, model::canonical(&row.settings), model::canonical(&row.applied));
        ((row.integration, row.category), settings)
    };
    deployed(url).into_iter().map(of_one).collect()
}

#[test]
fn what_is_handed_in_is_saved_as_an_apply_saves_it_and_by_whom_the_server_says() {
    let near = Project::copy_example("nordic-group");
    let own = format!("sqlite:{}", near.path().join("own.db").display());
    apply_with(&near, &own, &[], &["--allow-live"]);
    for far in Far::new_ones() {
        let done = far.far(APPLY);
        assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stderr), text(&done.stdout));
        assert!(text(&done.stdout).contains("saved as revision 1"), "{}", text(&done.stdout));
        assert_eq!(settings(&far.store), settings(&own));
        let mut server = store::open(&far.store).unwrap();
        for row in deployed(&far.store) {
            assert_eq!(row.saved_by, "ci", "whatever the files and variables of who hands in say");
            assert!(row.plan().is_some_and(|plan| plan.starts_with("sha256:")));
        }
        // What judges and what the files say is recorded too.
        let rules = server.last_rules(None).unwrap();
        assert_eq!((rules.len(), rules[0].recorded_by.as_str()), (1, "ci"));
        assert_eq!(server.said(None).unwrap().len(), 10);
        let nothing = far.far(&["plan", "--detailed-exitcode"]);
        assert_eq!(nothing.status.code(), Some(0), "{}", text(&nothing.stdout));
        let again = far.far(APPLY);
        assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
        assert!(text(&again.stdout).contains("Nothing to save"), "{}", text(&again.stdout));
        // A saved plan works once.
        far.set_terms("14");
        let planned = far.far(&["plan", "--out", "a.plan"]);
        assert_eq!(planned.status.code(), Some(0), "{}", text(&planned.stderr));
        let done = far.far(&["apply", "a.plan", "--allow-live"]);
        assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stderr), text(&done.stdout));
        assert!(text(&done.stdout).contains("saved as revision 2"), "{}", text(&done.stdout));
        let twice = far.far(&["apply", "a.plan", "--allow-live"]);
        assert_eq!(twice.status.code(), Some(4), "{}", text(&twice.stderr));
        assert!(text(&twice.stderr).contains("applied already, at "), "{}", text(&twice.stderr));
    }
}

#[test]
fn a_plan_that_is_stale_is_refused_with_who_saved_and_when() {
    for far in Far::new_ones() {
        assert_eq!(far.far(APPLY).status.code(), Some(0));
        let stock = far.project.path().join("bases/group.yaml");
        let base = std::fs::read_to_string(&stock).unwrap();
        std::fs::write(&stock, base.replace("negative_to_zero: true", "negative_to_zero: false")).unwrap();
        assert_eq!(far.far(&["plan", "--out", "a.plan"]).status.code(), Some(0));
        let sent = Sent::of(&far, "a.plan");
        change_outside(&far.store);
        let before = settings(&far.store);
        let refused = far.far(&["apply", "a.plan", "--allow-live"]);
        assert_eq!(refused.status.code(), Some(4), "{}", text(&refused.stderr));
        let who = "stock of nordic-outdoor: Sara Nyberg saved revision 2 at 2026-11-27T15:40:00Z";
        assert!(text(&refused.stderr).contains(who), "{}", text(&refused.stderr));
        // The server says so too, whatever the client looked at.
        let problem = sent.send(&far).is_problem(412, "stale");
        assert!(problem["detail"].as_str().unwrap().contains(who), "{problem}");
        assert_eq!(settings(&far.store), before);
    }
}

#[test]
fn rules_refuse_a_plan_that_is_handed_in_as_they_refuse_any() {
    let far = Far::new_ones().remove(0);
    let limits = far.project.path().join("pairform.yaml");
    let declared = std::fs::read_to_string(&limits).unwrap();
    std::fs::write(&limits, declared.replace("safety: {", "safety: {live: require-leave, ")).unwrap();
    assert_eq!(far.far(APPLY).status.code(), Some(0));
    far.set_terms("14");
    let refused = far.far(&["apply", "--yes"]);
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused.stderr));
    // The recorded rules judge where the client's files say something else.
    assert_eq!(far.far(&["plan", "--out", "a.plan"]).status.code(), Some(0));
    let mut sent = Sent::of(&far, "a.plan");
    sent.body["consent"] = json!({});
    let problem = sent.send(&far).is_problem(403, "refused");
    assert_eq!(problem["refusals"][0]["check"], "allow_live", "{problem}");
    sent.body["consent"] = json!({"force": ["max_changed: really"]});
    let problem = sent.send(&far).is_problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("the right `force`"), "{problem}");
    let forced = far.far(&["apply", "--yes", "--allow-live", "--force", "max_changed: really"]);
    assert_eq!(forced.status.code(), Some(6), "{}", text(&forced.stderr));
}

/// A plan file and the files beside it, as they are handed in.
struct Sent {
    digest: String,
    body: Json,
}

impl Sent {
    fn of(far: &Far, file: &str) -> Sent {
        let plan: Json =
            serde_json::from_slice(&std::fs::read(far.project.path().join(file)).unwrap()).unwrap();
        let mut files = BTreeMap::new();
        fn walk(root: &std::path::Path, folder: &std::path::Path, files: &mut BTreeMap<String, String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                if path.is_dir() && !name.starts_with('.') {
                    walk(root, &path, files);
                } else if name.ends_with(".yaml") {
                    files.insert(name, std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        walk(far.project.path(), far.project.path(), &mut files);
        let digest = plan["digest"].as_str().unwrap().to_owned();
        let body = json!({"format_version": "1.0", "files": files, "plan": plan, "consent": {"allow_live": true, "overwrite": true}});
        Sent { digest, body }
    }

    fn send(&self, far: &Far) -> crate::serve::Answer {
        self.send_as(far, &far.token)
    }

    fn send_as(&self, far: &Far, token: &str) -> crate::serve::Answer {
        far.server.client(token).send("POST", &format!("/plans/{}/apply", self.digest), &[], &self.body)
    }

    /// The plan says something else, and its digest is made to fit.
    fn reseal(&mut self, change: impl FnOnce(&mut Json)) {
        change(&mut self.body["plan"]);
        let mut plan: Plan = serde_json::from_value(self.body["plan"].clone()).unwrap();
        plan::file::seal(&mut plan);
        let mut text = String::new();
        plan::file::write(&mut plan, &mut |piece| text.push_str(piece));
        self.digest = plan.digest;
        self.body["plan"] = serde_json::from_str(&text).unwrap();
    }
}

/// The first category of a plan that saves something.
fn first_save(plan: &mut Json) -> &mut Json {
    let integrations = plan["integrations"].as_array_mut().unwrap();
    let mut all = integrations.iter_mut().flat_map(|one| one["categories"].as_array_mut().unwrap());
    all.find(|category| category["category"] == "payment_methods" && category["save"].is_object()).unwrap()
}

#[test]
fn a_plan_that_lies_is_refused_and_saves_nothing() {
    let far = Far::new_ones().remove(0);
    assert_eq!(far.far(APPLY).status.code(), Some(0));
    far.set_terms("14");
    assert_eq!(far.far(&["plan", "--out", "a.plan"]).status.code(), Some(0));
    let before = settings(&far.store);
    let refused = |what: &str, sent: &Sent, status: u16, code: &str, says: &str| {
        let answer = sent.send(&far);
        let problem = answer.is_problem(status, code);
        assert!(problem["detail"].as_str().unwrap().contains(says), "{what}: {problem}");
        assert_eq!(settings(&far.store), before, "{what}");
    };
    let sent = || Sent::of(&far, "a.plan");

    let mut one = sent();
    let base = one.body["files"]["bases/swedish-shop.yaml"].as_str().unwrap().replace("\"14\"", "\"10\"");
    one.body["files"]["bases/swedish-shop.yaml"] = base.into();
    refused("other files than the plan is of", &one, 412, "stale", "payment_methods of cykelboden");

    let mut one = sent();
    first_save(&mut one.body["plan"])["save"]["settings"]["methods"]["Klarna"]["terms"] = "10".into();
    refused("another setting under the same digest", &one, 400, "bad-request", "digest");

    let mut one = sent();
    one.reseal(|plan| {
        first_save(plan)["save"]["settings"]["methods"]["Klarna"]["terms"] = "10".into();
    });
    refused("another setting, sealed anew", &one, 412, "stale", "payment_methods of cykelboden");

    let mut one = sent();
    one.reseal(|plan| {
        first_save(plan)["changes"] = json!([]);
    });
    refused("changes that it hides", &one, 400, "bad-request", "contradicts itself");

    let mut one = sent();
    one.reseal(|plan| {
        let category = first_save(plan);
        category["revision"] = json!(7);
    });
    refused("another revision", &one, 412, "stale", "payment_methods of cykelboden");

    let mut one = sent();
    one.digest = format!("sha256:{}", "0".repeat(64));
    refused("the digest of another plan", &one, 400, "bad-request", "not the one whose digest was named");

    for beside in ["saved_by", "saved_at", "run", "changes", "refusals"] {
        let mut one = sent();
        one.body[beside] = json!("mallory");
        refused(beside, &one, 400, "bad-request", "cannot be read");
    }

    let mut one = sent();
    one.reseal(|plan| plan["store"] = "00000000-0000-4000-8000-000000000000".into());
    refused("another store", &one, 412, "stale", "another store");

    let mut one = sent();
    one.body["files"]["integrations/cykelboden.yaml"] = "integration: cykelboden\nnonsense: true\n".into();
    refused("files with errors", &one, 422, "invalid", "errors");

    let mut one = sent();
    one.body["files"].as_object_mut().unwrap().remove("integrations/cykelboden.yaml");
    refused("an integration that no file has", &one, 412, "stale", "cykelboden");

    // What is left is what the plan is of, and is saved in the name of the token.
    let mut one = sent();
    one.reseal(|plan| plan["commit"] = json!({"id": "c0ffee", "author": "the boss", "dirty": true}));
    let done = one.send(&far).is(200).json();
    assert_eq!((&done["complete"], &done["digest"]), (&json!(true), &json!(one.digest)), "{done}");
    let row = deployed(&far.store).into_iter().find(|row| row.revision == 2).unwrap();
    assert_eq!((row.saved_by.as_str(), row.run.as_deref()), ("ci", Some(one.digest.as_str())));
    // Asked again, it is told what became of it, and when.
    let again = one.send(&far).is(200).json();
    assert!(
        again["applied_at"].is_string() && again["categories"][0]["outcome"] == "saved-before",
        "{again}"
    );
}

#[test]
fn a_token_hands_in_what_it_is_for_and_nothing_else() {
    let far = Far::new_ones().remove(0);
    assert_eq!(far.far(APPLY).status.code(), Some(0));
    far.set_terms("14");
    assert_eq!(far.far(&["plan", "--out", "all.plan"]).status.code(), Some(0));
    let one = ["plan", "--integration", "nordic-outdoor", "--out", "one.plan"];
    assert_eq!(far.far(&one).status.code(), Some(0));
    let all = Sent::of(&far, "all.plan");
    let made = |arguments: &[&str]| token(&far.project, &far.store, arguments);
    for (who, arguments, says) in [
        ("viewer", &["viewer", "--role", "viewer"][..], "may not hand in plans"),
        ("editor", &["editor", "--role", "editor"], "may not hand in plans"),
        ("runtime", &["runtime", "--role", "runtime"], "may not hand in plans"),
        ("some", &["some", "--role", "applier", "--for-category", "stock"], "may not hand in plans"),
        (
            "nordic",
            &["nordic", "--role", "applier", "--for-integration", "nordic-*"],
            "anything of cykelboden",
        ),
    ] {
        let problem = all.send_as(&far, &made(arguments)).is_problem(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{who}: {problem}");
    }
    assert_eq!(all.send_as(&far, "pairform_unknown").status, 401);
    // Of one that is its own nothing is said of the others: neither rules nor parts that all share.
    let own = made(&["own", "--role", "applier", "--for-integration", "nordic-outdoor"]);
    let lines = far.project.path().join("pairform.yaml");
    let declared = std::fs::read_to_string(&lines).unwrap();
    std::fs::write(&lines, declared.replace("max_changed: 30%", "max_changed: 99%")).unwrap();
    let far = Far { token: own, ..far };
    let seen = far.far(&["plan", "--integration", "cykelboden"]);
    assert_eq!(seen.status.code(), Some(6), "{}", text(&seen.stderr));
    assert!(text(&seen.stderr).contains("may not see the integration cykelboden"), "{}", text(&seen.stderr));
    let rules = store::open(&far.store).unwrap().last_rules(None).unwrap();
    let done = far.far(&["apply", "--yes", "--allow-live", "--integration", "nordic-outdoor"]);
    assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stderr), text(&done.stdout));
    let mut kept = store::open(&far.store).unwrap();
    assert_eq!(kept.last_rules(None).unwrap(), rules);
    assert_eq!(kept.said(None).unwrap().len(), 10);
    let saved: Vec<String> =
        deployed(&far.store).into_iter().filter(|row| row.revision == 2).map(|row| row.integration).collect();
    assert_eq!(saved, ["nordic-outdoor"]);
}

#[test]
fn of_a_commit_the_servers_repository_is_believed_and_not_the_files_that_come_along() {
    let project = Project::copy_example("nordic-group");
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=ann", "-c", "user.email=ann@example.com"])
            .args(arguments)
            .current_dir(project.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout).trim().to_owned()
    };
    git(&["init", "-q", "."]);
    std::fs::write(project.path().join(".gitignore"), ".pairform/\n*.plan\n*.db\n").unwrap();
    git(&["add", "-A"]);
    git(&["commit", "-qm", "What there is"]);
    let store = stores(&project).remove(0);
    let clone = tempfile::tempdir().unwrap();
    let cloned = std::process::Command::new("git")
        .args(["clone", "-q"])
        .arg(project.path())
        .arg(clone.path().join("here"))
        .status();
    assert!(cloned.unwrap().success());
    let token = token(&project, &store, &["ci", "--role", "applier"]);
    let server = Server::start_in(&clone.path().join("here"), &store, &[]);
    let far = Far { project, store, server, token, folder: clone };
    let done = far.far(APPLY);
    assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stderr), text(&done.stdout));
    let id = git_head(&far);
    assert!(deployed(&far.store).iter().all(|row| row.commit.as_deref() == Some(&id)));
    // Other files, and a plan that is of these and says that they are the commit.
    far.set_terms("14");
    assert_eq!(far.far(&["plan", "--out", "a.plan"]).status.code(), Some(0));
    let mut sent = Sent::of(&far, "a.plan");
    sent.reseal(|plan| plan["commit"]["dirty"] = json!(false));
    let problem = sent.send(&far).is_problem(412, "stale");
    assert!(problem["detail"].as_str().unwrap().contains("payment_methods of cykelboden"), "{problem}");
    // A commit that the server does not have is not believed either.
    sent.reseal(|plan| plan["commit"]["id"] = json!("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"));
    let problem = sent.send(&far).is_problem(412, "stale");
    assert!(problem["detail"].as_str().unwrap().contains("has not the commit"), "{problem}");
    assert!(deployed(&far.store).iter().all(|row| row.revision == 1));
}

fn git_head(far: &Far) -> String {
    let done = std::process::Command::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(far.project.path())
        .output()
        .unwrap();
    text(&done.stdout).trim().to_owned()
}

#[test]
fn a_plan_made_by_the_server_is_handed_in_by_whoever_has_no_program() {
    let far = Far::new_ones().remove(0);
    assert_eq!(far.far(&["plan", "--out", "a.plan"]).status.code(), Some(0));
    let mut sent = Sent::of(&far, "a.plan");
    let client = far.server.client(&far.token);
    let asked = json!({"format_version": "1.0", "files": sent.body["files"]});
    let plan = client.send("POST", "/plans", &[], &asked).is(200).json();
    sent.digest = plan["digest"].as_str().unwrap().to_owned();
    sent.body["plan"] = plan;
    let done = sent.send(&far).is(200).json();
    assert_eq!(done["complete"], json!(true), "{done}");
    client.send("POST", "/plans", &[], &json!({"format_version": "2.0"})).is_problem(400, "bad-request");
}

// ---- the way there ---------------------------------------------------------------------------------------------------

/// Each category was saved once.
fn saved_once(far: &Far) {
    let mut store = store::open(&far.store).unwrap();
    let mut saves: BTreeMap<(String, String), usize> = BTreeMap::new();
    for record in store.records().unwrap() {
        *saves.entry((record.integration, record.category)).or_default() += 1;
    }
    assert!(saves.len() > 100 && saves.values().all(|times| *times == 1), "{saves:?}");
    assert!(store.locks().unwrap().is_empty());
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again_and_nothing_is_saved_twice() {
    for far in Far::new_ones() {
        let between = Between::at(&far.server.address, Does::Loses("\"event\":\"end\"", 2));
        let done = far.run(&between.url(), APPLY);
        assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stderr), text(&done.stdout));
        assert!(text(&done.stdout).contains("already saved as revision 1"), "{}", text(&done.stdout));
        assert_eq!(between.asked_for("/apply"), 3);
        saved_once(&far);
    }
}

#[test]
fn an_answer_that_is_lost_in_the_middle_stops_the_work_and_asking_again_goes_on() {
    for far in Far::new_ones() {
        let between = Between::at(&far.server.address, Does::Loses("\"event\":\"saving\"", 3));
        let done = far.run(&between.url(), APPLY);
        assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stderr), text(&done.stdout));
        saved_once(&far);
    }
}

#[test]
fn a_server_that_is_killed_in_the_middle_leaves_what_the_next_apply_finishes() {
    for far in Far::new_ones() {
        let killed: Arc<Mutex<Option<u32>>> = Arc::new(Mutex::new(Some(far.server.id())));
        let kill = move || {
            if let Some(id) = killed.lock().unwrap().take() {
                std::process::Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
            }
        };
        let between = Between::at(&far.server.address, Does::Runs("\"event\":\"done\"", Arc::new(kill)));
        let lost = far.run(&between.url(), APPLY);
        assert_eq!(lost.status.code(), Some(7), "{}", text(&lost.stderr));
        assert!(text(&lost.stderr).contains("apply again, which finds out"), "{}", text(&lost.stderr));
        let next = Server::start_in(far.folder.path(), &far.store, &[]);
        between.lead_to(&next.address);
        let done = far.run(&between.url(), APPLY);
        assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stderr), text(&done.stdout));
        saved_once(&far);
    }
}

fn problem(status: &str, code: &str) -> String {
    let body = json!({"status": 500, "code": code, "detail": "it is not well"}).to_string();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn what_does_not_answer_as_it_should_is_told_for_what_it_is() {
    let far = Far::new_ones().remove(0);
    let plain = |status: &str, more: &str| {
        format!("HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n")
    };
    let elsewhere = Between::at(&far.server.address, Does::Passes);
    let to = format!("Location: {}/api/v1/store\r\n", elsewhere.url());
    for (answer, code, says) in [
        (problem("500 Internal Server Error", "internal"), 7, "it is not well"),
        (problem("503 Service Unavailable", "unreachable"), 7, "it is not well"),
        (plain("502 Bad Gateway", ""), 7, "HTTP 502"),
        (plain("302 Found", &to), 7, "which gets no token"),
        (plain("307 Temporary Redirect", &to), 7, "which gets no token"),
        (plain("404 Not Found", ""), 7, "no pairform server"),
        (problem("401 Unauthorized", "unauthorized"), 6, "PAIRFORM_STORE_TOKEN"),
        (problem("403 Forbidden", "forbidden"), 6, "it is not well"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}".to_owned(),
            7,
            "not one of a pairform server",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{".to_owned(), 7, "broke off"),
        ("no HTTP at all\r\n\r\n".to_owned(), 7, "no HTTP"),
    ] {
        let between = Between::at("", Does::Answers(vec![answer.clone()]));
        let done = far.run(&between.url(), &["plan"]);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{answer} {said}");
        assert!(said.contains(says) && !said.contains(&far.token), "{answer} {said}");
        let heads = between.asked.lock().unwrap();
        assert!(heads.iter().all(|head| head.contains(&far.token)), "{heads:?}");
    }
    // Where it leads, nobody came.
    assert!(elsewhere.asked.lock().unwrap().is_empty());
}

#[test]
fn a_server_that_is_silent_is_not_waited_for_longer_than_was_said() {
    let far = Far::new_ones().remove(0);
    for word in ["/api/v1/store ", "store/read", "/apply"] {
        let between = Between::at(&far.server.address, Does::Holds(word));
        let begun = Instant::now();
        let arguments = [APPLY, &["--store-timeout", "2s"]].concat();
        let done = far.run(&between.url(), &arguments);
        assert_eq!(done.status.code(), Some(7), "{word} {}", text(&done.stderr));
        assert!(text(&done.stderr).contains("said nothing for 2 seconds"), "{word} {}", text(&done.stderr));
        assert!(begun.elapsed() < Duration::from_secs(30), "{word}");
    }
    let done = far.far(APPLY);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    saved_once(&far);
}

#[test]
fn a_server_that_cannot_answer_for_a_moment_is_asked_again() {
    let far = Far::new_ones().remove(0);
    let busy = problem("503 Service Unavailable", "unreachable");
    let facts = json!({"identity": "x", "epoch": 1, "last_number": 0, "pairform": "0.2.0"}).to_string();
    let well =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{facts}", facts.len());
    let rows = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{\"rows\":[]}".to_owned();
    let between = Between::at("", Does::Answers(vec![busy.clone(), busy, well, rows]));
    let done = far.run(&between.url(), &["plan"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("10 new integrations"), "{}", text(&done.stdout));
}

#[test]
fn a_token_goes_only_where_it_may() {
    let far = Far::new_ones().remove(0);
    // The files name the server: nobody outside said that the token is for it.
    let declared = far.project.path().join("pairform.yaml");
    let text_of = std::fs::read_to_string(&declared).unwrap();
    let with = |url: &str| format!("{text_of}\nenvironments: {{production: {{store: \"{url}\"}}}}\n");
    let between = Between::at(&far.server.address, Does::Passes);
    std::fs::write(&declared, with(&between.url())).unwrap();
    let plan = |allow: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pairform"));
        command.current_dir(far.project.path()).env("PAIRFORM_STORE_TOKEN", &far.token);
        command.args(["plan", "--no-input"]).env("PAIRFORM_ALLOW", allow);
        command.output().unwrap()
    };
    let refused = plan("");
    assert_eq!(refused.status.code(), Some(6), "{}", text(&refused.stderr));
    let line = format!("store={}", between.address);
    assert!(text(&refused.stderr).contains(&line), "{}", text(&refused.stderr));
    let allowed = plan(&line);
    assert_eq!(allowed.status.code(), Some(0), "{}", text(&allowed.stderr));
    // Another machine is not asked at all, and never in the clear.
    std::fs::write(&declared, with("https://configure.example.com")).unwrap();
    let far_away = plan("");
    assert_eq!(far_away.status.code(), Some(6), "{}", text(&far_away.stderr));
    assert!(text(&far_away.stderr).contains("store=configure.example.com"), "{}", text(&far_away.stderr));
    let clear = far.run("http://configure.example.com", &["plan"]);
    assert_eq!(clear.status.code(), Some(6), "{}", text(&clear.stderr));
    assert!(text(&clear.stderr).contains("without TLS"), "{}", text(&clear.stderr));
    // A proxy of the environment is for what is not on this machine.
    let proxy = Between::at(
        "",
        Does::Answers(vec!["HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n".to_owned()]),
    );
    std::fs::write(&declared, &text_of).unwrap();
    let mut direct = far.command(&far.url(), &["plan"]);
    let direct = direct.env("HTTP_PROXY", proxy.url()).env("ALL_PROXY", proxy.url()).output().unwrap();
    assert_eq!(direct.status.code(), Some(0), "{}", text(&direct.stderr));
    assert!(proxy.asked.lock().unwrap().is_empty());
    let mut through = far.command("https://configure.example.com", &["plan"]);
    let through = through.env("HTTPS_PROXY", proxy.url()).output().unwrap();
    assert_eq!(through.status.code(), Some(7), "{}", text(&through.stderr));
    let asked = proxy.asked.lock().unwrap();
    assert!(
        !asked.is_empty() && asked.iter().all(|head| head.starts_with("CONNECT configure.example.com:443"))
    );
    assert!(asked.iter().all(|head| !head.contains(&far.token)), "{asked:?}");
}

/// What a fleet takes behind a connection on which each way takes 10 ms. Not run by itself: it tells figures of the machine that it runs on
/// (`--ignored --nocapture`; PAIRFORM_MEASURED names the program, PAIRFORM_SHOPS how many integrations).
#[test]
#[ignore = "measures"]
fn what_a_fleet_takes_behind_a_slow_connection() {
    const WAY: Duration = Duration::from_millis(10);
    let number = std::env::var("PAIRFORM_SHOPS").ok().and_then(|number| number.parse().ok()).unwrap_or(1000);
    let program =
        std::env::var("PAIRFORM_MEASURED").unwrap_or_else(|_| env!("CARGO_BIN_EXE_pairform").to_owned());
    let project = Project::copy_example("nordic-group");
    let from = std::fs::read_to_string(project.path().join("integrations/cykelboden.yaml")).unwrap();
    std::fs::remove_dir_all(project.path().join("integrations")).unwrap();
    std::fs::create_dir(project.path().join("integrations")).unwrap();
    for at in 0..number {
        let name = format!("shop-{at:05}");
        std::fs::write(
            project.path().join(format!("integrations/{name}.yaml")),
            from.replace("cykelboden", &name),
        )
        .unwrap();
    }
    let own = stores(&project);
    let run = |what: &str, store: &str, token: &str, arguments: &[&str]| {
        let begun = Instant::now();
        let mut command = std::process::Command::new(&program);
        command.current_dir(project.path()).env("PAIRFORM_STORE_TOKEN", token);
        let done = command.args(arguments).args(["--store", store, "--no-input"]).output().unwrap();
        let took = begun.elapsed();
        let end =
            text(&done.stdout).lines().rev().find(|line| !line.is_empty()).unwrap_or_default().to_owned();
        println!("{what:<40} {:>7.2} s  {:?} {end}", took.as_secs_f64(), done.status.code());
    };
    for store in own {
        let kind = if store.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" };
        let token = token(&project, &store, &["ci", "--role", "applier"]);
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start_of(&program, folder.path(), &store);
        let between = Between::at(&server.address, Does::Delays(WAY));
        let asked = || between.asked.lock().unwrap().drain(..).count();
        run(&format!("apply, server on {kind}"), &between.url(), &token, APPLY);
        println!("  {} requests", asked());
        run(&format!("plan without a change, server on {kind}"), &between.url(), &token, &["plan"]);
        println!("  {} requests", asked());
        run("  the same without the server", &store, "", &["plan"]);
    }
    // The same connection before a PostgreSQL that is written as it is.
    let Some(postgres) = crate::server::shared() else { return };
    let url = postgres.fresh_url();
    let between = Between::at(&format!("127.0.0.1:{}", postgres.port), Does::Delays(WAY));
    let slow = url.replace(&format!("127.0.0.1:{}", postgres.port), &between.address);
    run("apply, PostgreSQL behind the same", &slow, "", APPLY);
    run("plan without a change, the same", &slow, "", &["plan"]);
}
