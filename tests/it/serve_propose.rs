//! Proposing changes through a server: previewed, committed on a branch of its own, pushed to a bare repository, opened at forges
//! on loopback, and shown until they have arrived; and what must not lead any of it elsewhere.

use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::platforms::{self, Hit, Reply, reply};
use crate::run::Project;
use crate::serve::{Answer, Client, Server, apply_with, stores, token};

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

const BASE: &str = "settings:\n  payment_methods:\n    # Agreed with finance.\n    default_terms_of_payment: \"30\"  # of the group\n";

fn shop(id: &str, own: &str) -> String {
    format!(
        "# The shop.\nintegration: {id}\npair: fortnox-shopify\nunmanaged: [connectors]\nextends: [group]\n\nsettings:\n  general: {{name: {id}, order_number_prefix: A-}}  # its name\n{own}"
    )
}

/// Three shops of one base, of which one has terms of its own; committed, applied, and a bare repository to push to.
pub struct Place {
    project: Project,
    bare: tempfile::TempDir,
    store: String,
}

impl Place {
    pub fn new() -> Place {
        let project = Project::empty();
        project.write("bases/group.yaml", BASE);
        project.write("integrations/shop.yaml", shop("shop", ""));
        project.write("integrations/market.yaml", shop("market", ""));
        project.write(
            "integrations/own.yaml",
            shop("own", "  payment_methods: {default_terms_of_payment: \"10\"}\n"),
        );
        project.write(".gitignore", "state.db*\n.pairform/\n");
        let bare = tempfile::tempdir().unwrap();
        git(bare.path(), &["init", "-q", "--bare"]);
        git(project.path(), &["init", "-q"]);
        git(project.path(), &["add", "-A"]);
        git(project.path(), &["commit", "-qm", "first"]);
        git(project.path(), &["push", "-q", bare.path().to_str().unwrap(), "main"]);
        let store = stores(&project).remove(0);
        apply_with(&project, &store, &[], &[]);
        Place { project, bare, store }
    }

    pub fn token(&self, arguments: &[&str]) -> String {
        token(&self.project, &self.store, arguments)
    }

    fn remote(&self) -> String {
        self.bare.path().to_str().unwrap().to_owned()
    }

    pub fn serve(&self, more: &[&str]) -> Server {
        let remote = self.remote();
        let more: Vec<&str> = ["--propose-to", &remote].into_iter().chain(more.iter().copied()).collect();
        Server::start(&self.project, &self.store, &more)
    }

    pub fn branches(&self) -> Vec<String> {
        let list = git(self.bare.path(), &["for-each-ref", "--format=%(refname:short)"]);
        list.lines().filter(|name| *name != "main").map(str::to_owned).collect()
    }

    /// A commit in which a text of a file is another one.
    pub fn commit(&self, path: &str, old: &str, new: &str) {
        self.project.edit(path, old, new);
        git(self.project.path(), &["commit", "-qam", "another value"]);
    }

    /// What judges is looked at anew once a second.
    pub fn wait_for(&self, is_so: impl FnMut() -> bool) {
        wait(is_so);
    }

    /// What is not committed, and which branches there are.
    fn state(&self) -> (String, String) {
        let of = |arguments: &[&str]| git(self.project.path(), arguments);
        (of(&["status", "--porcelain"]), of(&["rev-parse", "HEAD"]))
    }
}

const SHOP: &str = "/integrations/shop/proposals";

fn terms(value: &str, place: &str) -> Json {
    json!({"category": "payment_methods", "settings": {"default_terms_of_payment": value}, "where": place,
        "why": "Klarna pays out after 14 days"})
}

fn propose(client: &Client<'_>, body: &Json) -> Answer {
    client.send("POST", SHOP, &[], body)
}

#[test]
fn a_change_is_previewed_committed_pushed_and_shown_until_it_has_arrived() {
    let place = Place::new();
    let bo = place.token(&["bo", "--role", "editor"]);
    let server = place.serve(&[]);
    let bo = server.client(&bo);
    let before = place.state();
    let trial = |where_: &str| {
        bo.send("POST", &format!("{SHOP}?trial=true"), &[], &terms("14", where_)).is(200).json()
    };

    let base = trial("base");
    assert_eq!(
        base["base"],
        json!({"path": "bases/group.yaml", "line": 4, "used_by": 3, "unchanged": ["own"]})
    );
    let diff = base["files"][0]["diff"].as_str().unwrap();
    assert!(diff.contains("-    default_terms_of_payment: \"30\"  # of the group\n+    default_terms_of_payment: \"14\"  # of the group\n"), "{diff}");
    assert_eq!(diff.lines().filter(|line| line.starts_with(['+', '-'])).count(), 4, "{diff}");
    assert_eq!(base["plan"]["changes"][0]["integrations"], json!(["market", "shop"]));
    assert_eq!(base["plan"]["integrations"].as_array().unwrap().len(), 2);
    let here = trial("here");
    assert_eq!(
        (&here["where"], &here["files"][0]["path"]),
        (&json!("here"), &json!("integrations/shop.yaml"))
    );
    assert_eq!(here["plan"]["changes"][0]["integrations"], json!(["shop"]));
    assert_eq!((place.state(), place.branches()), (before.clone(), Vec::new()));

    let mut body = terms("14", "base");
    body["commit"] = base["commit"].clone();
    let made = propose(&bo, &body).is(201).json();
    let branch = made["branch"].as_str().unwrap();
    assert!(branch.starts_with("pairform/shop-default-terms-of-payment-"), "{branch}");
    assert_eq!(
        (&made["state"], &made["is_pushed"], &made["also"]),
        (&json!("open"), &json!(true), &json!(["market"]))
    );
    assert_eq!(place.branches(), [branch]);
    let show = git(place.bare.path(), &["log", "-1", "--format=%an|%cn|%s|%P", branch]);
    assert_eq!(show, format!("bo|bo|Klarna pays out after 14 days|{}", before.1));
    let touched = git(place.bare.path(), &["diff", "--stat", &format!("main..{branch}"), "--"]);
    assert!(touched.contains("bases/group.yaml | 2 +-") && touched.contains("1 file changed"), "{touched}");
    // The working tree, HEAD and the branch that it is on are as they were.
    assert_eq!(place.state(), before);

    // Another one for the same file stands on HEAD too, and is told of the first.
    let second = bo.send("POST", &format!("{SHOP}?trial=true"), &[], &terms("20", "base")).is(200).json();
    assert_eq!(second["beside"][0]["branch"], json!(branch));
    let second = propose(&bo, &terms("20", "base")).is(201).json();
    assert_eq!((&second["base"], place.branches().len()), (&made["base"], 2));
    assert_eq!(
        git(place.bare.path(), &["show", &format!("{branch}:bases/group.yaml")]),
        BASE.replace("\"30\"", "\"14\"").trim()
    );

    let changes = bo.get("/integrations/shop/changes").is(200).json();
    assert_eq!(changes["proposals"].as_array().unwrap().len(), 2);
    // Merged as it is, it has arrived; typed anew, its content has.
    git(place.project.path(), &["merge", "-q", "--ff-only", branch]);
    let state = |which: &Json| {
        let all = bo.get(SHOP).is(200).json();
        let mut all = all["proposals"].as_array().unwrap().clone().into_iter();
        all.find(|one| one["id"] == which["id"]).unwrap()["state"].clone()
    };
    wait(|| state(&made) == "merged");
    assert_eq!(state(&second), "open");
    place.project.edit("bases/group.yaml", "\"14\"", "\"20\"");
    git(place.project.path(), &["commit", "-qam", "typed anew"]);
    wait(|| state(&second) == "merged");
    assert_eq!(bo.get(&format!("{SHOP}?state=open")).json()["proposals"], json!([]));
    // Every one is in the record.
    let audit = Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(["audit", "export", "--store", &place.store])
        .current_dir(place.project.path())
        .output()
        .unwrap();
    let audit = String::from_utf8(audit.stdout).unwrap();
    assert_eq!(audit.matches("\"kind\":\"proposal\"").count(), 2, "{audit}");
    assert!(audit.contains(branch));
}

/// What judges is looked at anew once a second.
fn wait(mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
        std::thread::yield_now();
    }
}

#[test]
fn what_was_changed_outside_is_taken_into_git_in_the_name_of_whoever_changed_it() {
    let place = Place::new();
    let bo = place.token(&["bo", "--role", "editor"]);
    let sara = place.token(&["Sara Nyberg", "--role", "editor", "--right", "override"]);
    let server = place.serve(&[]);
    let path = "/integrations/shop/categories/general";
    let etag = server.client(&sara).get(path).headers["etag"].clone();
    let headers = [("If-Match", etag.as_str()), ("Pairform-Override", "the auditor asked")];
    server.client(&sara).send("PATCH", path, &headers, &json!({"order_number_prefix": "B-"})).is(200);
    let bo = server.client(&bo);
    let drift = bo.get("/integrations/shop/changes").is(200).json();
    let one = &drift["changes"][0];
    assert_eq!(
        [&one["setting"], &one["state"], &one["git"], &one["deployed"], &one["by"]],
        ["order_number_prefix", "changed-outside", "A-", "B-", "Sara Nyberg"]
    );
    assert_eq!((&one["path"], &one["line"]), (&json!("integrations/shop.yaml"), &json!(8)));
    let take = json!({"category": "general", "take": ["order_number_prefix"]});
    let made = propose(&bo, &take).is(201).json();
    let branch = made["branch"].as_str().unwrap();
    let show = git(place.bare.path(), &["log", "-1", "--format=%an|%cn|%b", branch]);
    assert!(
        show.starts_with(
            "Sara Nyberg|bo|general.order_number_prefix: A- becomes B- (changed outside by Sara Nyberg"
        ),
        "{show}"
    );
    let text = git(place.bare.path(), &["show", &format!("{branch}:integrations/shop.yaml")]);
    assert_eq!(text, shop("shop", "").replace("A-", "\"B-\"").trim());
    // What the files say already is nothing to take.
    let none = json!({"category": "general", "take": ["name"]});
    propose(&bo, &none).is_problem(400, "bad-request");
}

#[test]
fn who_may_propose_is_who_may_save_and_nothing_else_moves() {
    let place = Place::new();
    let viewer = place.token(&["eva", "--role", "viewer"]);
    let narrow = place.token(&["nils", "--role", "editor", "--for-integration", "shop"]);
    let other = place.token(&["olle", "--role", "editor", "--for-category", "general"]);
    let bo = place.token(&["bo", "--role", "editor"]);
    let server = place.serve(&[]);
    let [viewer, narrow, other, bo] = [&viewer, &narrow, &other, &bo].map(|token| server.client(token));
    propose(&viewer, &terms("14", "here")).is_problem(403, "forbidden");
    propose(&other, &terms("14", "here")).is_problem(403, "forbidden");
    // A base reaches others, of which whoever may not save them learns nothing.
    let refused = propose(&narrow, &terms("14", "base")).is_problem(403, "forbidden");
    assert!(!refused.to_string().contains("market"), "{refused}");
    propose(&narrow, &terms("14", "here")).is(201);
    // A value that is none, and files that moved on.
    let wrong = json!({"category": "general", "settings": {"order_number_prefix": 7}});
    let problem = propose(&bo, &wrong).is_problem(422, "invalid");
    assert!(!problem["findings"].as_array().unwrap().is_empty());
    let mut stale = terms("14", "here");
    stale["commit"] = "0123456789012345678901234567890123456789".into();
    propose(&bo, &stale).is_problem(412, "stale");
    for body in [
        json!({}),
        json!({"category": "general"}),
        json!({"category": "general", "settings": {}, "take": ["x"]}),
        json!({"category": "general", "take": []}),
        json!({"category": "general", "settings": {"name": "x"}, "where": "there"}),
    ] {
        propose(&bo, &body).is_problem(400, "bad-request");
    }
    propose(&bo, &json!({"category": "nothing", "settings": {"x": 1}})).is_problem(404, "not-found");
    // Only what begins so, and only what git takes.
    for branch in [
        "main",
        "refs/heads/main",
        "pairform/",
        "pairform/../main",
        "pairform/a b",
        "pairform/x\ny",
        "--force",
        "pairform/x.lock",
        "pairform/å",
        "pairform/a:refs/heads/main",
        "+pairform/x",
    ] {
        let mut body = terms("14", "here");
        body["branch"] = branch.into();
        propose(&bo, &body).is_problem(400, "bad-request");
    }
    assert_eq!(place.branches().len(), 1);
    // A branch that is there already, here or where it is pushed to, is not moved.
    let mut body = terms("14", "here");
    body["branch"] = "pairform/mine".into();
    propose(&bo, &body).is(201);
    let first = git(place.bare.path(), &["rev-parse", "pairform/mine"]);
    git(place.project.path(), &["branch", "-qD", "pairform/mine"]);
    body["settings"] = json!({"default_terms_of_payment": "15"});
    propose(&bo, &body).is_problem(412, "stale");
    assert_eq!(git(place.bare.path(), &["rev-parse", "pairform/mine"]), first);
    assert!(!git(place.project.path(), &["branch"]).contains("pairform/mine"));
    // Closed by whoever proposed it or may save it, once.
    let all = bo.get(SHOP).json();
    let id = all["proposals"][0]["id"].as_str().unwrap();
    let at = format!("{SHOP}/{id}");
    viewer.ask("DELETE", &format!("/api/v1{at}"), &[], "").is_problem(403, "forbidden");
    let closed = bo.ask("DELETE", &format!("/api/v1{at}"), &[], "").is(200).json();
    assert_eq!((&closed["state"], &closed["ended_by"]), (&json!("closed"), &json!("bo")));
    bo.ask("DELETE", &format!("/api/v1{at}"), &[], "").is_problem(412, "stale");
}

/// What the repository is configured with sends nothing elsewhere and runs nothing.
#[test]
fn nothing_of_the_repository_decides_where_a_branch_goes() {
    let place = Place::new();
    let evil = tempfile::tempdir().unwrap();
    git(evil.path(), &["init", "-q", "--bare"]);
    let (evil, good) = (evil.path().to_str().unwrap(), place.remote());
    let mark = place.project.at("mark");
    for (key, value) in [
        ("remote.origin.url", evil),
        ("remote.origin.pushurl", evil),
        (&format!("url.{evil}.insteadOf"), good.as_str()),
        (&format!("url.{evil}.pushInsteadOf"), good.as_str()),
        ("core.hooksPath", "hooks"),
        ("core.sshCommand", &format!("touch {}", mark.display())),
        ("core.fsmonitor", &format!("touch {}", mark.display())),
        ("credential.helper", &format!("!touch {}", mark.display())),
        ("push.followTags", "true"),
    ] {
        git(place.project.path(), &["config", key, value]);
    }
    let hook = format!("#!/bin/sh\ntouch {}\n", mark.display());
    for folder in ["hooks", ".git/hooks"] {
        place.project.write(&format!("{folder}/pre-push"), &hook);
        let path = place.project.at(&format!("{folder}/pre-push"));
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    git(place.project.path(), &["tag", "-a", "-m", "t", "v1"]);
    let bo = place.token(&["bo", "--role", "editor"]);
    let server = place.serve(&[]);
    let made = propose(&server.client(&bo), &terms("14", "here")).is(201).json();
    assert_eq!(place.branches(), [made["branch"].as_str().unwrap()]);
    assert_eq!(git(Path::new(evil), &["for-each-ref"]), "");
    assert!(!mark.exists());
    drop(server);
    // A name is no address, so that none of the repository's remotes is meant.
    for remote in ["origin", "ext::sh -c true", "--all", "https://me:secret@example.com/x"] {
        let refused = Command::new(env!("CARGO_BIN_EXE_pairform"))
            .args(["serve", "--store", &place.store, &format!("--propose-to={remote}")])
            .current_dir(place.project.path())
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(64), "{remote}");
        assert!(!String::from_utf8_lossy(&refused.stderr).is_empty());
    }
}

const FORGE_TOKEN: &str = "forge-token-of-the-test";

/// As the forges answer: where a pull request is opened, by whom, and what comes back.
fn forge(hit: &Hit) -> Reply {
    let body: Json = serde_json::from_str(&hit.body).unwrap_or_default();
    let page = |path: &str| format!("http://{}{path}", hit.header("host"));
    let authorization = hit.header("authorization");
    let (is_known, answer) = match hit.path.as_str() {
        "/api/v3/repos/team/shops/pulls" => (
            authorization == format!("Bearer {FORGE_TOKEN}") && body["base"] == "main",
            json!({"number": 7, "html_url": page("/team/shops/pull/7"), "head": body["head"]}),
        ),
        "/api/v1/repos/team/shops/pulls" => (
            authorization == format!("token {FORGE_TOKEN}") && body["base"] == "main",
            json!({"number": 8, "html_url": page("/team/shops/pulls/8")}),
        ),
        "/api/v4/projects/team%2Fshops/merge_requests" => (
            hit.header("private-token") == FORGE_TOKEN && body["target_branch"] == "main",
            json!({"iid": 9, "web_url": page("/team/shops/-/merge_requests/9")}),
        ),
        "/org/project/_apis/git/repositories/shops/pullrequests" => (
            // base64 of :forge-token-of-the-test
            authorization == "Basic OmZvcmdlLXRva2VuLW9mLXRoZS10ZXN0"
                && body["targetRefName"] == "refs/heads/main",
            json!({"pullRequestId": 10}),
        ),
        _ => return reply(404, "{}"),
    };
    if is_known { reply(201, answer.to_string()) } else { reply(401, r#"{"message":"Bad credentials"}"#) }
}

#[test]
fn a_pull_request_is_opened_at_each_forge_and_its_token_goes_nowhere_else() {
    let forges = platforms::Server::start(forge);
    let place = Place::new();
    let bo = place.token(&["bo", "--role", "editor"]);
    let origin = format!("http://127.0.0.1:{}", forges.port);
    let table = [
        ("github", "/team/shops", "/team/shops/pull/7"),
        ("gitea", "/team/shops", "/team/shops/pulls/8"),
        ("gitlab", "/team/shops", "/team/shops/-/merge_requests/9"),
        ("azure", "/org/project/_git/shops", "/org/project/_git/shops/pullrequest/10"),
    ];
    for (at, (kind, page, link)) in table.into_iter().enumerate() {
        let forge = format!("{kind}={origin}{page}");
        let more = ["--propose-to", &place.remote(), "--forge", &forge, "--forge-token", "env/FORGE_TOKEN"];
        let log = place.project.at(&format!("log-{kind}"));
        let server =
            Server::logging(place.project.path(), &place.store, &more, &[("FORGE_TOKEN", FORGE_TOKEN)], &log);
        let made = propose(&server.client(&bo), &terms(&format!("{}", 40 + at), "here")).is(201).json();
        assert_eq!(made["link"], format!("{origin}{link}"), "{made}");
        assert_eq!((&made["is_opened"], made.get("not_opened")), (&json!(true), None));
        drop(server);
        // A token that is refused leaves the branch, and the link that a person opens.
        let server = Server::logging(
            place.project.path(),
            &place.store,
            &more,
            &[("FORGE_TOKEN", "an-old-one")],
            &log,
        );
        let made = propose(&server.client(&bo), &terms(&format!("{}", 50 + at), "here")).is(201).json();
        let branch = made["branch"].as_str().unwrap();
        assert_eq!(made["not_opened"], "the forge answered 401: Bad credentials");
        let link = made["link"].as_str().unwrap();
        let name = branch.rsplit('/').next().unwrap();
        assert!(link.starts_with(&format!("{origin}{page}")) && link.contains(name), "{link}");
        let told = std::fs::read_to_string(&log).unwrap() + &made.to_string();
        assert!(
            told.contains("/proposals") && !told.contains(FORGE_TOKEN) && !told.contains("an-old-one"),
            "{told}"
        );
    }
    assert_eq!(forges.hits().len(), 8);
    assert!(forges.hits().iter().all(|hit| !hit.body.contains(FORGE_TOKEN)));
}

#[test]
fn without_a_place_to_push_to_the_branch_stays_here_and_a_push_that_fails_leaves_none() {
    let place = Place::new();
    let bo = place.token(&["bo", "--role", "editor"]);
    let server = Server::start(&place.project, &place.store, &[]);
    let made = propose(&server.client(&bo), &terms("14", "here")).is(201).json();
    let branch = made["branch"].as_str().unwrap();
    assert_eq!((&made["is_pushed"], &made["link"]), (&json!(false), &json!(null)));
    assert_eq!(made["command"], format!("git push origin {branch}"));
    assert!(git(place.project.path(), &["branch"]).contains(branch) && place.branches().is_empty());
    drop(server);
    let nowhere = place.project.at("nowhere");
    let server = Server::start(&place.project, &place.store, &["--propose-to", nowhere.to_str().unwrap()]);
    let failed = propose(&server.client(&bo), &terms("15", "here")).is_problem(503, "unreachable");
    assert!(failed["detail"].as_str().unwrap().starts_with("git could not push: "), "{failed}");
    assert_eq!(git(place.project.path(), &["branch", "--list", "pairform/*"]).lines().count(), 1);
    assert_eq!(server.client(&bo).get(SHOP).json()["proposals"].as_array().unwrap().len(), 1);
    drop(server);
    // Without a repository there is nothing to change.
    let elsewhere = tempfile::tempdir().unwrap();
    let server = Server::start_in(elsewhere.path(), &place.store, &[]);
    let problem = propose(&server.client(&bo), &terms("14", "here")).is_problem(403, "refused");
    assert!(problem["detail"].as_str().unwrap().contains("no repository"), "{problem}");
}
