//! The library without a terminal: a program outside the crate that compiles a repository, plans it and applies it.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pairform::http::{self, Fault};
use pairform::ops::apply::Manner;
use pairform::ops::check::{Consent, check};
use pairform::ops::load::Purpose;
use pairform::ops::signed::require_signature;
use pairform::ops::{self, Host, Request, Workspace};
use pairform::secrets;
use pairform::trust::{Grant, Origin, Signatures, Trust};

/// Plans the project in a folder and applies it; how many categories were saved.
fn plan_and_apply(folder: &Path, secrets: &dyn secrets::Source, trust: &Trust) -> ops::Result<usize> {
    let cancel = AtomicBool::new(false);
    let begun = std::time::Instant::now();
    let host = Host {
        now: &jiff::Timestamp::now,
        elapsed: &|| begun.elapsed(),
        sleep: &std::thread::sleep,
        actor: &|_| "a program".to_owned(),
        holder: &ops::holder::this_process,
        open_store: &ops::open_store,
        secrets,
        trust,
        ask: &|_, _| false,
        progress: &|_| (),
        cancel: &cancel,
    };
    let workspace = Workspace::open(folder)?;
    let request = Request::default();
    let mut planned = ops::plan::plan(&workspace, &request, &host, Purpose::Apply)?;
    planned.seal();
    let ops::plan::Planned { project, plan, judging } = planned;
    let signed = require_signature(None, &Signatures::default(), (host.now)())?;
    let approved = check(plan, &judging, &Consent::default(), &signed, (host.now)())?;
    if !approved.plan().is_pending() {
        return Ok(0);
    }
    let (_, address) = project.store(&request, &host)?;
    let manner = Manner { wait: Duration::from_secs(1), ..Manner::default() };
    let applied = ops::apply::apply(&project, &judging, &address, approved, None, manner, &host)?;
    assert!(applied.report.complete(), "{:?}", applied.report);
    Ok(applied.report.outcomes.len())
}

fn project(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("pairform.yaml", "version: 1\n");
    let text = format!(
        "integration: {name}\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  general: {{name: {name}}}\n"
    );
    write(&format!("integrations/{name}.yaml"), &text);
    folder
}

#[test]
fn two_repositories_are_planned_and_applied_beside_each_other_in_one_process() {
    let projects = ["one", "two"].map(project);
    let here = std::env::current_dir().unwrap();
    std::thread::scope(|scope| {
        let running = projects.each_ref().map(|folder| {
            scope.spawn(|| {
                plan_and_apply(folder.path(), &secrets::Local::default(), &Trust::default()).unwrap()
            })
        });
        assert_eq!(running.map(|one| one.join().unwrap() > 0), [true, true]);
    });
    for folder in &projects {
        assert_eq!(
            plan_and_apply(folder.path(), &secrets::Local::default(), &Trust::default()).unwrap(),
            0,
            "nothing is left to do"
        );
        assert!(folder.path().join(".pairform/state.db").is_file(), "each has a store of its own");
    }
    assert_eq!(std::env::current_dir().unwrap(), here);
}

#[test]
fn what_stops_an_operation_is_an_error_with_a_kind() {
    let folder = tempfile::tempdir().unwrap();
    let error = plan_and_apply(folder.path(), &secrets::Local::default(), &Trust::default()).unwrap_err();
    assert_eq!(error.kind, ops::ErrorKind::Usage);
    let _: &dyn std::error::Error = &error;
}

/// A place of secrets that answers at every second question only.
#[derive(Default)]
struct Flickering(std::sync::atomic::AtomicUsize);

impl secrets::Source for Flickering {
    fn read(&self, _: &str, _: &secrets::Reach<'_>) -> Result<secrets::Bytes, Fault> {
        if self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 2 == 1 {
            return Ok(pairform::model::Hidden::new(b"password".to_vec()));
        }
        Err(Fault::new(http::FaultKind::Unreachable, "it is sealed"))
    }
}

#[test]
fn a_store_whose_password_is_not_at_hand_for_a_moment_is_not_taken_for_an_empty_one() {
    let folder = project("shop");
    let declared = "version: 1\nenvironments:\n  live: {store: \"postgres://ci@127.0.0.1:9/x\", password: {secret: vault/kv/db#password}}\n";
    std::fs::write(folder.path().join("pairform.yaml"), declared).unwrap();
    let line = Grant { line: "store=127.0.0.1:9".parse().unwrap(), from: Origin::Given };
    let trust = Trust::new(false, vec![line]);
    let error = plan_and_apply(folder.path(), &Flickering::default(), &trust).unwrap_err();
    assert_eq!(error.kind, ops::ErrorKind::Unreachable, "{error}");
    assert!(error.message.contains("it is sealed"), "{error}");
}
