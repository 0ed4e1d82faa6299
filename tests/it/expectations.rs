//! A plan file is an expectation, never an order: whatever stands in it, what an apply saves is what the commit says, or nothing.
//!
//! Every node of plan files of each kind is changed and the file sealed again; more of them with PAIRFORM_TEST_LONG=1.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pairform::http::Fault;
use pairform::model::{self, Hidden};
use pairform::ops::apply::{Again, Manner, again, apply, workspace_of};
use pairform::ops::check::{Consent, check};
use pairform::ops::load::Purpose;
use pairform::ops::revert::{Point, revert};
use pairform::ops::signed::require_signature;
use pairform::ops::{self, Filter, Host, Request, Workspace};
use pairform::plan::file;
use pairform::secrets::{Bytes, Reach, Source};
use pairform::store;
use pairform::trust::{Grant, Origin, Signatures, Trust};
use serde_json::{Value as Json, json};

use crate::dice::Dice;
use crate::plans;
use crate::revisions::Repository;

fn rounds(short: usize, long: usize) -> usize {
    if std::env::var_os("PAIRFORM_TEST_LONG").is_some() { long } else { short }
}

/// Every secret is at hand, with a value that ends in this.
struct Secrets(&'static str);

impl Source for Secrets {
    fn read(&self, reference: &str, _: &Reach<'_>) -> Result<Bytes, Fault> {
        Ok(Hidden::new(format!("{reference} {}", self.0).into_bytes()))
    }
}

/// A repository with a store in it, and a plan file of it.
struct Case {
    name: &'static str,
    repository: Repository,
    secrets: Secrets,
    plan: String,
    /// What is in the store before it is applied, and after an honest apply.
    before: Vec<String>,
    after: Vec<String>,
}

fn with_host<T>(secrets: &Secrets, run: impl FnOnce(&Host<'_>) -> T) -> T {
    let (cancel, begun) = (AtomicBool::new(false), std::time::Instant::now());
    run(&Host {
        now: &jiff::Timestamp::now,
        elapsed: &|| begun.elapsed(),
        sleep: &|_| (),
        actor: &|_| "ann".to_owned(),
        holder: &ops::holder::this_process,
        open_store: &ops::open_store,
        secrets,
        trust: &Trust::new(
            false,
            // All that the sample connects, payment providers too.
            pairform::schema::parts::Catalogue::default()
                .names("connectors")
                .iter()
                .map(|connector| Grant {
                    line: format!("{connector}=shop.example.com").parse().unwrap(),
                    from: Origin::Given,
                })
                .collect(),
        ),
        ask: &|_, _| false,
        progress: &|_| (),
        cancel: &cancel,
    })
}

impl Case {
    fn state(&self) -> PathBuf {
        self.repository.path().join(".pairform/state.db")
    }

    /// A store that is made anew has another key, and other fingerprints.
    fn rows(&self) -> Vec<String> {
        let rows = rows(&self.state());
        if self.name == "create" { rows.iter().map(|row| without_fingerprints(row)).collect() } else { rows }
    }

    /// Applies a plan file as the command does.
    fn apply(&self, text: &str) -> Result<(), String> {
        let read = file::read(Cursor::new(text)).map_err(|error| error.to_string())?;
        with_host(&self.secrets, |host| {
            let request = Request::default();
            let signed = require_signature(Some(&read), &Signatures::default(), (host.now)())?;
            let workspace = workspace_of(self.repository.path(), &read, &request)?;
            let Again { planned, address, begun, .. } = again(&workspace, read, &request, host)?;
            let judging = &planned.judging;
            let approved = check(planned.plan, judging, &Consent::default(), &signed, (host.now)())?;
            apply(&planned.project, judging, &address, approved, Some(&begun), Manner::default(), host)
                .map(|_| ())
        })
        .map_err(|error: ops::Error| error.to_string())
    }

    /// Puts the store back as it was.
    fn reset(&self, kept: Option<&[u8]>) {
        let folder = self.repository.path().join(".pairform");
        let _ = std::fs::remove_dir_all(&folder);
        if let Some(kept) = kept {
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(self.state(), kept).unwrap();
        }
    }
}

fn without_fingerprints(row: &str) -> String {
    let mut parts = row.split("hmac-sha256:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |row, part| row + &part[64..])
}

/// Integration, category, revision and documents of all that is deployed.
fn rows(state: &Path) -> Vec<String> {
    let url = format!("sqlite:{}", state.display());
    let Some(mut store) = store::open_existing(&*url).unwrap() else { return Vec::new() };
    let rows = store.read(None).unwrap().into_iter().map(|row| {
        format!(
            "{} {} {} {} {}",
            row.integration,
            row.category,
            row.revision,
            model::to_json(&row.settings),
            model::to_json(&row.applied)
        )
    });
    rows.collect()
}

fn apply_all(repository: &Repository, secrets: &Secrets) {
    let planned = |host: &Host<'_>| -> ops::Result<()> {
        let workspace = Workspace::open_with_commit(repository.path())?;
        let request = Request::default();
        let mut planned = ops::plan::plan(&workspace, &request, host, Purpose::Apply)?;
        planned.seal();
        let (_, address) = planned.project.store(&request, host)?;
        let judging = &planned.judging;
        let signed = require_signature(None, &Signatures::default(), (host.now)())?;
        let approved = check(planned.plan, judging, &Consent::default(), &signed, (host.now)())?;
        apply(&planned.project, judging, &address, approved, None, Manner::default(), host).map(|_| ())
    };
    with_host(secrets, planned).unwrap();
}

/// Plans to a text; the way back where one is asked for.
fn plan_text(
    repository: &Repository,
    secrets: &Secrets,
    request: &Request,
    way: Option<(&str, Point)>,
) -> String {
    with_host(secrets, |host| {
        let workspace = Workspace::open_with_commit(repository.path()).unwrap();
        let mut plan = match way {
            Some((name, point)) => {
                revert(&workspace, request, name, Some(&point), std::time::Duration::ZERO, host).unwrap().plan
            }
            None => {
                let mut planned = ops::plan::plan(&workspace, request, host, Purpose::Look).unwrap();
                planned.seal();
                planned.plan
            }
        };
        plans::write(&mut plan)
    })
}

fn sample(name: &str) -> String {
    let path = format!("{}/tests/schemas/fortnox-shopify/valid.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.replace("integration: fortnox-shopify", &format!("integration: {name}"))
}

/// A small one, in onboarding, of one category that matters.
fn small(name: &str, terms: &str) -> String {
    format!(
        "integration: {name}\npair: fortnox-shopify\nunmanaged: [connectors]\nflows: {{orders: true}}\nsettings:\n  general: {{name: {name}, onboarding_mode: true, live_mode: false}}\n  order: {{exclude_before: '2026-01-01', skip_test: true}}\n  payment_methods:\n    default_terms_of_payment: '{terms}'\n    map: {{Klarna: '{terms}', Swish: '0'}}\n"
    )
}

fn begin() -> Repository {
    let repository = Repository::new();
    repository.write("pairform.yaml", "version: 1\n");
    repository.write("integrations/nordic.yaml", &sample("nordic"));
    repository.write("integrations/fjord.yaml", &small("fjord", "30"));
    repository.commit("Begin");
    repository
}

fn edit(repository: &Repository, file: &str, old: &str, new: &str) {
    let text = std::fs::read_to_string(repository.path().join(file)).unwrap();
    assert!(text.contains(old), "{old} in {text}");
    repository.write(file, &text.replacen(old, new, 1));
}

/// What is planned, and the way back where one is.
type Asked = (Request, Option<(&'static str, Point)>);

/// A plan of each kind.
fn cases() -> Vec<Case> {
    let made = |name, prepare: &dyn Fn(&Repository) -> Asked, later| {
        let repository = begin();
        if name != "create" {
            apply_all(&repository, &Secrets("now"));
        }
        let (request, way) = prepare(&repository);
        repository.commit("Change");
        let secrets = Secrets(later);
        let plan = plan_text(&repository, &secrets, &request, way);
        let case = Case { name, repository, secrets, plan, before: Vec::new(), after: Vec::new() };
        let kept = std::fs::read(case.state()).ok();
        let before = case.rows();
        case.apply(&case.plan).unwrap();
        let after = case.rows();
        assert!(before != after, "{name}");
        case.reset(kept.as_deref());
        Case { before, after, ..case }
    };
    let (nordic, fjord) = ("integrations/nordic.yaml", "integrations/fjord.yaml");
    vec![
        made("create", &|_| (Request::default(), None), "now"),
        made(
            "update",
            &|repository| {
                edit(repository, fjord, "Klarna: '30'", "Klarna: '14'");
                edit(repository, nordic, "safety_stock: 0", "safety_stock: 5");
                (Request::default(), None)
            },
            "now",
        ),
        made(
            "reset",
            &|repository| {
                edit(repository, fjord, ", Swish: '0'", "");
                edit(repository, fjord, ", skip_test: true", "");
                (Request::default(), None)
            },
            "now",
        ),
        made(
            "live off",
            &|repository| {
                edit(repository, nordic, "live_mode: true", "live_mode: false");
                edit(repository, nordic, "safety_stock: 0", "safety_stock: 5");
                (Request::default(), None)
            },
            "now",
        ),
        made(
            "rename",
            &|repository| {
                std::fs::remove_file(repository.path().join(fjord)).unwrap();
                let text = small("fjell", "14").replace("pair:", "renamed_from: fjord\npair:");
                repository.write("integrations/fjell.yaml", &text);
                (Request::default(), None)
            },
            "now",
        ),
        made(
            "filter",
            &|repository| {
                edit(repository, fjord, "Klarna: '30'", "Klarna: '14'");
                edit(repository, fjord, "'2026-01-01'", "'2026-02-01'");
                edit(repository, nordic, "safety_stock: 0", "safety_stock: 5");
                let filter = Filter {
                    integrations: vec!["fjord".to_owned()],
                    categories: vec!["payment_methods".to_owned()],
                    ..Filter::default()
                };
                (Request { filter, ..Request::default() }, None)
            },
            "now",
        ),
        made(
            "changed since",
            &|repository| {
                edit(repository, fjord, "Klarna: '30'", "Klarna: '14'");
                (Request { changed_since: Some("HEAD~1".to_owned()), ..Request::default() }, None)
            },
            "now",
        ),
        made(
            "revert",
            &|repository| {
                edit(repository, fjord, "Klarna: '30'", "Klarna: '14'");
                edit(repository, fjord, "name: fjord", "name: Fjord");
                repository.commit("The change");
                apply_all(repository, &Secrets("now"));
                let filter = Filter { categories: vec!["payment_methods".to_owned()], ..Filter::default() };
                (Request { filter, ..Request::default() }, Some(("fjord", Point::Revision(1))))
            },
            "now",
        ),
        made("secret", &|_| (Request::default(), None), "later"),
    ]
}

/// The pointers of every node.
fn pointers(json: &Json, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match json {
        Json::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(value, &format!("{at}/{key}"), all);
            }
        }
        Json::Array(list) => {
            for (number, value) in list.iter().enumerate() {
                pointers(value, &format!("{at}/{number}"), all);
            }
        }
        _ => {}
    }
}

/// What a node may be changed to; a removal is `None`.
fn changes(json: &Json) -> Vec<Option<Json>> {
    let mut all = vec![None, Some(Json::Null)];
    match json {
        Json::Null => all.extend([json!("x"), json!(1), json!({}), json!([]), json!(true)].map(Some)),
        Json::Bool(value) => all.push(Some(json!(!value))),
        Json::Number(number) => {
            let number = number.as_i64().unwrap_or(0);
            all.extend([json!(number + 1), json!(number - 1), json!(0), json!(number.to_string())].map(Some));
        }
        Json::String(text) => {
            all.extend([json!(""), json!(format!("{text}x")), json!("general"), json!(7)].map(Some));
        }
        Json::Array(list) => {
            all.push(Some(json!([])));
            let mut more = list.clone();
            more.extend(list.first().cloned());
            all.push(Some(more.into()));
            let mut turned = list.clone();
            turned.reverse();
            all.push(Some(turned.into()));
        }
        Json::Object(map) => {
            all.push(Some(json!({})));
            let mut more = map.clone();
            more.insert("base_url".to_owned(), json!("https://evil.example"));
            all.push(Some(more.into()));
        }
    }
    all
}

fn changed(plan: &Json, pointer: &str, to: Option<&Json>) -> Option<Json> {
    let mut plan = plan.clone();
    match to {
        Some(to) => *plan.pointer_mut(pointer)? = to.clone(),
        None => {
            let (parent, key) = pointer.rsplit_once('/')?;
            let key = key.replace("~1", "/").replace("~0", "~");
            match plan.pointer_mut(parent)? {
                Json::Object(map) => drop(map.shift_remove(&key)),
                Json::Array(list) => drop(list.remove(key.parse().ok()?)),
                _ => return None,
            }
        }
    }
    Some(plan)
}

/// With the digest that it has now.
pub fn sealed(mut plan: Json) -> String {
    if let Some(body) = plan.as_object_mut() {
        let signature = body.shift_remove("signature");
        body.shift_remove("digest");
        let digest = model::digest_text(&model::canonical_json(Json::Object(body.clone())));
        body.insert("digest".to_owned(), digest.into());
        body.extend(signature.map(|signature| ("signature".to_owned(), signature)));
    }
    plan.to_string()
}

impl Case {
    /// Applies a file that is not the honest one: the store is as an honest apply leaves it, or as it was.
    fn try_out(&self, what: &str, text: &str, kept: Option<&[u8]>) -> bool {
        let applied = self.apply(text);
        let rows = self.rows();
        let case = format!("{}: {what}: {applied:?}", self.name);
        if applied.is_ok() {
            assert!(rows == self.after, "{case}");
        } else {
            assert!(rows == self.before, "{case}");
        }
        if rows != self.before || kept.is_none() {
            self.reset(kept);
        }
        applied.is_ok()
    }
}

#[test]
fn whatever_is_changed_in_a_plan_file_what_is_saved_is_what_the_commit_says_or_nothing() {
    let mut dice = Dice(9);
    for case in cases() {
        let kept = std::fs::read(case.state()).ok();
        let plan: Json = serde_json::from_str(&case.plan).unwrap();
        let mut all = Vec::new();
        pointers(&plan, "", &mut all);
        let mutations: Vec<(String, Option<Json>)> = all
            .into_iter()
            .filter(|pointer| !pointer.is_empty() && pointer != "/digest")
            .flat_map(|pointer| {
                let changes = changes(plan.pointer(&pointer).unwrap());
                changes.into_iter().map(move |to| (pointer.clone(), to)).collect::<Vec<_>>()
            })
            .collect();
        let wanted = rounds(120, usize::MAX).min(mutations.len());
        let (mut tried, mut passed) = (0, 0);
        for (pointer, to) in &mutations {
            if tried >= wanted || (wanted < mutations.len() && dice.below(mutations.len()) >= wanted) {
                continue;
            }
            let Some(changed) = changed(&plan, pointer, to.as_ref()) else { continue };
            if changed == plan {
                continue;
            }
            tried += 1;
            let what = format!("{pointer} → {to:?}");
            passed += usize::from(case.try_out(&what, &sealed(changed), kept.as_deref()));
        }
        // Titles, labels, findings and the like are of no consequence; all else is refused.
        assert!(passed < tried, "{}: {passed} of {tried}", case.name);
        for round in 0..rounds(40, 4_000) {
            let mut bytes = case.plan.clone().into_bytes();
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            let Ok(text) = String::from_utf8(bytes) else { continue };
            case.try_out(&format!("byte {at} in round {round}"), &text, kept.as_deref());
            if let Ok(json) = serde_json::from_str::<Json>(&text) {
                case.try_out(&format!("byte {at} in round {round}, sealed"), &sealed(json), kept.as_deref());
            }
        }
    }
}

/// Two plans of one commit, put together in every way: subtrees of one in the place of another.
#[test]
fn parts_of_a_plan_in_the_place_of_others_save_nothing_else() {
    let mut dice = Dice(4);
    for case in cases() {
        let kept = std::fs::read(case.state()).ok();
        let plan: Json = serde_json::from_str(&case.plan).unwrap();
        let mut all = Vec::new();
        pointers(&plan, "", &mut all);
        all.retain(|pointer| pointer.starts_with("/integrations/"));
        for _ in 0..rounds(40, 5_000) {
            let (from, to) = (&all[dice.below(all.len())], &all[dice.below(all.len())]);
            let part = plan.pointer(from).unwrap();
            let Some(changed) = changed(&plan, to, Some(part)) else { continue };
            if changed != plan {
                case.try_out(&format!("{from} at {to}"), &sealed(changed), kept.as_deref());
            }
        }
    }
}

/// The attack of the review and its brothers, each sealed anew: all are refused, and the first that differs is named.
#[test]
fn what_is_smuggled_into_a_plan_is_refused_by_name() {
    let case = cases().into_iter().find(|case| case.name == "update").unwrap();
    let kept = std::fs::read(case.state()).ok();
    let plan: Json = serde_json::from_str(&case.plan).unwrap();
    let integration = |name: &str| {
        let all = plan["integrations"].as_array().unwrap();
        all.iter().position(|one| one["integration"] == name).unwrap()
    };
    let category = |at: usize, id: &str| {
        let all = plan["integrations"][at]["categories"].as_array().unwrap();
        all.iter().position(|one| one["category"] == id).unwrap()
    };
    let (fjord, nordic) = (integration("fjord"), integration("nordic"));
    let at = |one: usize, id: &str| format!("/integrations/{one}/categories/{}", category(one, id));
    let save = |settings: Json| json!({"settings": settings, "applied": settings});
    let (payment, accounts) = (at(fjord, "payment_methods"), at(nordic, "sales_accounts"));
    for (what, pointer, to, said) in [
        (
            "a save where nothing is to be done",
            format!("{accounts}/save"),
            save(json!({"home_country": "SE"})),
            "sales_accounts of nordic",
        ),
        (
            "a save of a category in general",
            format!("{}/save", at(fjord, "general")),
            save(json!({"name": "x", "live_mode": true})),
            "general of fjord",
        ),
        (
            "an address",
            format!("{}/save", at(nordic, "connectors")),
            save(json!({"shopify": {"connections": {"production": {"base_url": "https://evil.example"}}}})),
            "connectors of nordic",
        ),
        (
            "a setting that no schema has",
            format!("{payment}/save/settings/evil"),
            json!(1),
            "the plan saves `evil` 1, and now it is not set",
        ),
        (
            "a text for a number",
            format!("{}/save/settings/safety_stock", at(nordic, "stock")),
            json!("5"),
            "`safety_stock`",
        ),
        (
            "a value",
            format!("{payment}/save/settings/methods/Klarna/terms"),
            json!("0"),
            "payment_methods of fjord: the plan saves `methods.Klarna.terms` \"0\", and now it is \"14\"",
        ),
        (
            "a base",
            format!("{payment}/save/applied/methods/Klarna/terms"),
            json!("0"),
            "takes from the files `methods.Klarna.terms`",
        ),
        ("fewer changes than it saves", format!("{payment}/changes"), json!([]), "contradicts itself"),
        (
            "a change that it does not save",
            format!("{payment}/changes/0/after"),
            json!("0"),
            "changes that the plan shows",
        ),
        ("another action", format!("{payment}/action"), json!("reset"), "contradicts itself"),
        ("a mode", format!("/integrations/{nordic}/mode"), json!("onboarding"), "the mode of nordic"),
        ("another pair", format!("/integrations/{fjord}/pair"), json!("a-b"), "the pair of fjord"),
        ("a rename", format!("/integrations/{fjord}/renamed_from"), json!("nordic"), "fjord"),
        ("a dirty tree", "/commit/dirty".to_owned(), json!("no"), "not a plan"),
        (
            "another commit",
            "/commit/id".to_owned(),
            json!("0".repeat(40)),
            "the plan was made from commit 0000",
        ),
        ("another store", "/store".to_owned(), json!("x"), "another store"),
        ("other schemas", "/made_with/catalogue".to_owned(), json!("x"), "other schemas"),
        ("another pairform", "/made_with/pairform".to_owned(), json!("9.9"), "pairform 9.9"),
        (
            "a way back",
            "/way_back".to_owned(),
            json!({"point": {"revision": 1}, "revisions": {}}),
            "a way back is of one",
        ),
        (
            "fewer integrations",
            "/integrations".to_owned(),
            json!([plan["integrations"][nordic]]),
            "contradicts itself",
        ),
    ] {
        let mut bad = plan.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = if parent.is_empty() { &mut bad } else { bad.pointer_mut(parent).unwrap() };
        if let Some(list) = parent.as_array_mut() {
            list[key.parse::<usize>().unwrap()] = to;
        } else {
            parent[key] = to;
        }
        let bad = sealed(bad);
        let refused = case.apply(&bad).unwrap_err();
        assert!(refused.contains(said), "{what}: {refused}");
        assert!(case.rows() == case.before, "{what}");
    }
    assert!(case.try_out("the honest one", &case.plan, kept.as_deref()));
}

/// The plan file of a repository lies outside of it, and so does the store.
struct Outside {
    repository: Repository,
    folder: tempfile::TempDir,
}

impl Outside {
    fn new() -> Self {
        let (repository, folder) = (Repository::new(), tempfile::tempdir().unwrap());
        repository.write("pairform.yaml", "version: 1\nsafety: {protected: [payment_methods]}\n");
        repository.write("integrations/fjord.yaml", &small("fjord", "30"));
        repository.commit("Begin");
        let outside = Outside { repository, folder };
        outside.expect(0, &["apply", "--yes", "--force", "protected: the first time"]);
        outside
    }

    fn plan(&self) -> String {
        self.folder.path().join("p.plan").display().to_string()
    }

    fn run_in(&self, folder: &Path, code: i32, arguments: &[&str]) -> String {
        let store = format!("sqlite:{}", self.folder.path().join("state.db").display());
        let output = crate::revisions::pairform(folder, &[arguments, &["--store", &store]].concat());
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    fn expect(&self, code: i32, arguments: &[&str]) -> String {
        self.run_in(self.repository.path(), code, arguments)
    }

    fn terms(&self) -> String {
        let rows = rows(&self.folder.path().join("state.db"));
        rows.into_iter().find(|row| row.contains("payment_methods")).unwrap()
    }
}

#[test]
fn a_plan_of_a_commit_is_applied_from_that_commit_and_judged_by_it() {
    let outside = Outside::new();
    let (repository, plan) = (&outside.repository, outside.plan());
    edit(repository, "integrations/fjord.yaml", "Klarna: '30'", "Klarna: '14'");
    let planned = repository.commit("The change");
    outside.expect(0, &["plan", "--out", &plan]);
    // Whatever lies in the tree: the safety, the settings and what is declared are those of the commit.
    repository.write("pairform.yaml", "version: 1\n");
    edit(repository, "integrations/fjord.yaml", "Klarna: '14'", "Klarna: '0'");
    let refused = outside.expect(5, &["apply", &plan]);
    assert!(refused.contains("`payment_methods` of fjord is protected"), "{refused}");
    // A commit that takes the rule away is another one.
    let weaker = repository.commit("Weaker");
    let stale = outside.expect(4, &["apply", &plan]);
    assert!(stale.contains(&planned) && stale.contains(&weaker) && stale.contains("--rev"), "{stale}");
    outside.expect(4, &["apply", &plan, "--rev", "HEAD"]);
    outside.expect(5, &["apply", &plan, "--rev", "HEAD~1"]);
    assert!(outside.terms().contains("\"Klarna\":{\"terms\":\"30\"}"));
    outside.expect(0, &["apply", &plan, "--rev", "HEAD~1", "--force", "protected: agreed"]);
    assert!(outside.terms().contains("\"Klarna\":{\"terms\":\"14\"}"));
    outside.expect(4, &["apply", &plan, "--rev", "HEAD~1"]);
}

#[test]
fn a_plan_is_applied_in_a_bare_repository_and_in_a_shallow_clone() {
    let force = ["--force", "protected: agreed"];
    for clone in [&["--bare"][..], &["--depth", "1"]] {
        let outside = Outside::new();
        let (repository, plan) = (&outside.repository, outside.plan());
        edit(repository, "integrations/fjord.yaml", "Klarna: '30'", "Klarna: '14'");
        repository.commit("The change");
        // What had changed since another commit is known by name, and that commit need not be there.
        outside.expect(0, &["plan", "--out", &plan, "--changed-since", "HEAD~1"]);
        let url = format!("file://{}", repository.path().display());
        let to = outside.folder.path().join("clone");
        let to = to.to_str().unwrap();
        repository.git(&[&["clone", "-q"], clone, &[&url, to]].concat());
        outside.run_in(Path::new(to), 0, &[&["apply", &plan], &force[..]].concat());
        assert!(outside.terms().contains("\"Klarna\":{\"terms\":\"14\"}"), "{clone:?}");
    }
}

#[test]
fn a_plan_of_a_tree_is_applied_from_the_tree_as_it_is_then() {
    let outside = Outside::new();
    let (repository, plan) = (&outside.repository, outside.plan());
    let force = ["--force", "protected: agreed"];
    edit(repository, "integrations/fjord.yaml", "Klarna: '30'", "Klarna: '14'");
    outside.expect(0, &["plan", "--out", &plan]);
    let refused = outside.expect(4, &[&["apply", &plan, "--rev", "HEAD"], &force[..]].concat());
    assert!(refused.contains("made from a working tree"), "{refused}");
    edit(repository, "integrations/fjord.yaml", "Klarna: '14'", "Klarna: '0'");
    let differs = outside.expect(4, &[&["apply", &plan], &force[..]].concat());
    let first = "payment_methods of fjord: the plan saves `methods.Klarna.terms` \"14\", and now it is \"0\"";
    assert!(differs.contains(first) && differs.contains("make the plan anew"), "{differs}");
    edit(repository, "integrations/fjord.yaml", "Klarna: '0'", "Klarna: '14'");
    // One that came in meanwhile is not in the plan.
    repository.write("integrations/other.yaml", &small("other", "30"));
    let said = outside.expect(0, &[&["apply", &plan], &force[..]].concat());
    assert!(said.contains("uncommitted changes") && said.contains("left alone"), "{said}");
    assert!(outside.terms().contains("\"Klarna\":{\"terms\":\"14\"}"));
    assert!(!rows(&outside.folder.path().join("state.db")).iter().any(|row| row.starts_with("other")));
}

#[test]
fn errors_and_schemas_of_today_stop_a_plan() {
    let outside = Outside::new();
    let (repository, plan) = (&outside.repository, outside.plan());
    edit(repository, "integrations/fjord.yaml", "Klarna: '30'", "Klarna: '14'");
    outside.expect(0, &["plan", "--out", &plan]);
    repository.write("integrations/broken.yaml", "integration: broken\npair: fortnox-shopify\nsettngs: {}\n");
    let refused = outside.expect(1, &["apply", &plan]);
    assert!(refused.contains("errors by today's rules"), "{refused}");
    std::fs::remove_file(repository.path().join("integrations/broken.yaml")).unwrap();
    let category =
        std::fs::read_to_string(format!("{}/schemas/categories/stock.yaml", env!("CARGO_MANIFEST_DIR")));
    repository.write(
        "schemas/categories/stock.yaml",
        &category.unwrap().replacen("title: Stock", "title: Stocks", 1),
    );
    let refused = outside.expect(4, &["apply", &plan]);
    assert!(refused.contains("other schemas than those that are here"), "{refused}");
    // One of 0.1 is told as that, with what to do.
    let mut old: Json = serde_json::from_str(&std::fs::read_to_string(&plan).unwrap()).unwrap();
    old["format_version"] = "1.0".into();
    for new in ["plan_version", "made_with", "unknown_secrets"] {
        old.as_object_mut().unwrap().shift_remove(new);
    }
    std::fs::write(&plan, sealed(old)).unwrap();
    for command in ["apply", "show"] {
        let refused = outside.expect(64, &[command, &plan]);
        assert!(
            refused.contains("made by pairform 0.1") && refused.contains("make the plan anew"),
            "{refused}"
        );
    }
}

/// A secret is known or unknown when the plan is made again as it was when it was made; its value comes at the end.
#[test]
fn a_secret_is_taken_as_the_plan_took_it_and_resolved_at_the_end() {
    let project = crate::run::Project::empty();
    project.write("integrations/shop.yaml", small("shop", "30").replace("unmanaged: [connectors]\n", "connectors: {shopify: {active: p, connections: {p: {shop: shop, access_token: {secret: env/TOKEN}}}}, fortnox: {active: p, connections: {p: {client_id: {secret: env/ID}, client_secret: {secret: env/ID}, tenant_id: '1'}}}}\n"));
    let revision = || {
        let rows = rows(&project.at(".pairform/state.db"));
        rows.into_iter().find(|row| row.contains("connectors")).unwrap().split(' ').nth(2).unwrap().to_owned()
    };
    let run = |code: i32, arguments: &[&str], token: Option<&str>| {
        let values: Vec<(&str, &str)> =
            token.iter().flat_map(|token| [("TOKEN", *token), ("ID", "id")]).collect();
        let ran = project.run_with(arguments, &values);
        ran.assert_code(code);
        ran.all()
    };
    run(0, &["apply", "--yes"], Some("one"));
    // Unknown there, and it turns out to be the same.
    run(2, &["plan", "--out", "p.plan", "--detailed-exitcode"], None);
    let said = run(0, &["apply", "p.plan"], Some("one"));
    assert!(said.contains("is so already") && revision() == "1", "{said}");
    // It saved nothing, so it is as good as it was.
    run(0, &["apply", "p.plan"], Some("one"));
    // Or another one.
    run(0, &["plan", "--out", "p.plan"], None);
    run(6, &["apply", "p.plan"], None);
    run(0, &["apply", "p.plan"], Some("two"));
    assert_eq!(revision(), "2");
    run(4, &["apply", "p.plan"], Some("two"));
    // Known there and changed; known there and as it was.
    run(2, &["plan", "--out", "p.plan", "--detailed-exitcode"], Some("three"));
    run(6, &["apply", "p.plan"], None);
    run(0, &["apply", "p.plan"], Some("three"));
    assert_eq!(revision(), "3");
    project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
    run(0, &["plan", "--out", "p.plan"], Some("three"));
    let differs = run(4, &["apply", "p.plan"], Some("four"));
    assert!(differs.contains("connectors of shop: the plan does not save it"), "{differs}");
    run(0, &["apply", "p.plan"], None);
    // Taken as unchanged there, whatever is at hand here.
    project.edit("integrations/shop.yaml", "Klarna: '14'", "Klarna: '30'");
    run(0, &["plan", "--out", "p.plan", "--assume-secrets"], None);
    run(0, &["apply", "p.plan"], Some("five"));
    assert_eq!(revision(), "3");
    run(0, &["plan", "--detailed-exitcode", "--assume-secrets"], None);
}
