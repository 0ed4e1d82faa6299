//! What only the shared store promises: TLS, passwords, time limits, and a server that goes away. What every store must do
//! is in `store.rs`.

use std::time::{Duration, Instant};

use pairform::model::{self, Settings};
use pairform::store::{self, Ask, Asked, Lock, Save, Saved, Store, StoreError};
use serde_json::json;

use crate::server::{self, PASSWORD, Pooler, Server};

const AT: &str = "2026-12-01T09:30:00Z";

fn terms(days: &str) -> Settings {
    model::from_json(&json!({"default_terms_of_payment": days}))
}

fn save(store: &mut dyn Store, days: &str, expected_revision: u64) -> Result<Saved, StoreError> {
    let settings = terms(days);
    store.save(&Save {
        integration: "nordic-outdoor",
        category: "payment_methods",
        expected_revision,
        settings: &settings,
        applied: &settings,
        saved_by: "ann",
        saved_at: AT,
        commit: None,
        run: &format!("run-{days}"),
        fence: None,
        lease: None,
    })
}

fn refused(url: &str) -> StoreError {
    let error = store::open(url).err().expect("it is refused");
    let shown = error.to_string();
    assert!(!shown.contains(PASSWORD) && !shown.contains("canary"), "{shown}");
    error
}

#[test]
fn a_connection_is_encrypted_and_the_server_s_certificate_is_checked() {
    let Some(server) = server::shared() else { return };
    let authority = server.authority().display().to_string();
    let url = format!("{}&sslmode=verify-full&sslrootcert={authority}", server.fresh_url());
    let mut store = store::open(&url).unwrap();
    assert!(save(&mut *store, "30", 0).is_ok());
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                       WHERE ssl AND application_name = 'pairform'";
    assert!(server.shell().query_one(encrypted, &[]).unwrap().get::<_, i64>(0) > 0);
    let by_name = url.replace("127.0.0.1", "localhost");
    assert!(store::open_existing(&by_name).unwrap().is_some());

    let another = server.another_authority().display().to_string();
    let error = refused(&format!("{}&sslmode=require&sslrootcert={another}", server.fresh_url()));
    assert!(error.to_string().contains("certificate"), "{error}");
    let error = refused(&format!("{}&sslmode=require&sslrootcert=/nowhere.pem", server.fresh_url()));
    assert!(error.to_string().contains("/nowhere.pem"), "{error}");
}

#[test]
fn a_wrong_password_is_not_allowed_and_never_shown() {
    let Some(server) = server::shared() else { return };
    let error = refused(&server.fresh_url().replace(PASSWORD, "canary"));
    assert!(matches!(error, StoreError::Denied { .. }), "{error}");
    let error = refused(&server.fresh_url().replace("/postgres?", "/nothing?"));
    assert!(error.to_string().contains("nothing"), "{error}");
}

#[test]
fn a_reader_cannot_write_whatever_it_is_asked() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    save(&mut *store::open(&url).unwrap(), "30", 0).unwrap();
    let mut reader = store::open_existing(&url).unwrap().unwrap();
    assert!(save(&mut *reader, "14", 1).unwrap_err().to_string().contains("read-only"));
    assert!(reader.begin("run", AT, "ann", pairform::store::Origin::default()).is_err());
    assert_eq!(reader.read(None).unwrap()[0].revision, 1);
}

#[test]
fn a_newer_layout_and_another_program_s_schema_are_refused() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    drop(store::open(&url).unwrap());
    let schema = url.split("schema=").nth(1).unwrap();
    server
        .shell()
        .batch_execute(&format!("INSERT INTO {schema}.migration (number, checksum) VALUES (9999, '')"))
        .unwrap();
    assert!(matches!(refused(&url), StoreError::Newer { found: 9999, .. }));
    assert!(matches!(store::open_existing(&url), Err(StoreError::Newer { found: 9999, .. })));

    server.shell().batch_execute("CREATE SCHEMA theirs; CREATE TABLE theirs.bookmark (url text)").unwrap();
    let error = refused(&server.url("schema=theirs"));
    assert!(error.to_string().contains("another program"), "{error}");
}

#[test]
fn a_save_that_waits_too_long_says_so_and_saves_nothing() {
    let Some(server) = server::shared() else { return };
    let url = format!("{}&statement_timeout=600", server.fresh_url());
    let schema = url.split("schema=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mut store = store::open(&url).unwrap();
    save(&mut *store, "30", 0).unwrap();
    let mut shell = server.shell();
    let mut holding = shell.transaction().unwrap();
    holding.execute(&format!("SELECT * FROM {schema}.category FOR UPDATE"), &[]).unwrap();
    let begun = Instant::now();
    let error = save(&mut *store, "14", 1).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(store.read(None).unwrap()[0].revision, 1, "reading goes on");
    holding.rollback().unwrap();
    assert_eq!(save(&mut *store, "14", 1).unwrap(), Saved::Saved { revision: 2 });
}

/// The URL of a role of its own with these rights, after the store was made.
fn as_role(server: &Server, url: &str, role: &str, rights: &str) -> String {
    let schema = url.split("schema=").nth(1).unwrap();
    let make = format!(
        "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; SET search_path = {schema};
         GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {schema} TO {role};
         GRANT UPDATE ON run, lock, said, source TO {role}; {rights}"
    );
    server.shell().batch_execute(&make).unwrap();
    url.replace("configure:", &format!("{role}:"))
}

/// Why a category was not saved may not be read, and the others that were saved with it are saved all the same.
#[test]
fn what_was_saved_is_told_as_saved_whatever_becomes_of_the_rest() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    let mut store = store::open(&url).unwrap();
    save(&mut *store, "30", 0).unwrap();
    let rights = "GRANT UPDATE ON category TO half_blind; REVOKE SELECT ON history FROM half_blind;
                  GRANT SELECT (integration, category, revision) ON history TO half_blind";
    let mut blind = store::open(&as_role(server, &url, "half_blind", rights)).unwrap();
    let settings = terms("14");
    let of = |integration| Save {
        integration,
        category: "payment_methods",
        expected_revision: 0,
        settings: &settings,
        applied: &settings,
        saved_by: "bo",
        saved_at: AT,
        commit: None,
        run: "run",
        fence: None,
        lease: None,
    };
    let saved = blind.save_all(&[of("a"), of("nordic-outdoor"), of("z")]).unwrap();
    assert_eq!(saved[0].as_ref().ok(), Some(&Saved::Saved { revision: 1 }), "{saved:?}");
    assert!(matches!(saved[1], Err(StoreError::Denied { .. })), "{saved:?}");
    assert_eq!(saved[2].as_ref().ok(), Some(&Saved::Saved { revision: 1 }), "{saved:?}");
    assert_eq!(store.records().unwrap().len(), 3);
}

/// What a role lacks is said, and is no failure of the store.
#[test]
fn what_a_role_may_not_do_is_told_as_that() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    drop(store::open(&url).unwrap());
    let schema = url.split("schema=").nth(1).unwrap();
    let project = crate::run::Project::empty();
    project.write(
        "integrations/shop.yaml",
        "integration: shop\npair: fortnox-shopify\nsettings: {general: {name: Shop}}\n",
    );
    let reader = as_role(server, &url, "may_not_update", "");
    let ran = project.run(&["apply", "--yes", "--store", &reader]);
    assert!(ran.assert_code(6).stdout.contains("permission denied for table category"), "{}", ran.all());
    let told = project.run(&["apply", "--yes", "--store", &reader, "-o", "json"]).json();
    assert!(told.to_string().contains("\"cause\":\"denied\""), "{told}");

    let revoke = format!("REVOKE USAGE ON SCHEMA {schema} FROM may_not_see");
    let blind = as_role(server, &url, "may_not_see", &revoke);
    for command in [&["plan", "--store", &blind][..], &["apply", "--yes", "--store", &blind]] {
        let ran = project.run(command);
        let said = format!("may not use the schema `{schema}`");
        assert!(ran.assert_code(6).stderr.contains(&said), "{}", ran.all());
    }
}

/// Who releases locks and who asks for the same ones go through the rows in one order, however those lie in the table: else
/// each could hold what the other waits for.
#[test]
fn locks_are_released_in_the_order_in_which_they_are_taken() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    let (mut holder, mut asker) = (store::open(&url).unwrap(), store::open(&url).unwrap());
    let names: Vec<String> = (0..40).map(|number| format!("shop-{number:02}")).collect();
    let ask = |integration, owner| Ask {
        integration,
        owner,
        holder: "machine/1",
        reason: "apply",
        seconds: 600,
        over: None,
    };
    // The last name first.
    let taken = names.iter().rev().map(|name| match holder.lock(&ask(name, "ann")).unwrap() {
        Asked::Taken(lock) => lock,
        Asked::Held(lock) => panic!("{lock:?}"),
    });
    let taken: Vec<Lock> = taken.collect();
    // Both are stopped in the middle, by a row that somebody else keeps for a moment.
    let schema = url.split("schema=").nth(1).unwrap();
    let mut shell = server.shell();
    let keep = "BEGIN; SELECT * FROM lock WHERE integration = 'shop-20' FOR UPDATE";
    shell.batch_execute(&format!("SET search_path = {schema}; {keep}")).unwrap();
    let mine: i32 = shell.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let mut watcher = server.shell();
    let mut one_that_waits_for = |some: &[i32]| -> i32 {
        let sql = "SELECT pid FROM pg_stat_activity WHERE pg_blocking_pids(pid) && $1 AND NOT pid = ANY($1)";
        loop {
            if let Some(row) = watcher.query(sql, &[&some]).unwrap().first() {
                return row.get(0);
            }
        }
    };
    let (released, asked) = std::thread::scope(|scope| {
        let taken: Vec<&Lock> = taken.iter().collect();
        let releases = scope.spawn(move || holder.unlock_all(&taken));
        let first = one_that_waits_for(&[mine]);
        let names = &names;
        let asks = scope
            .spawn(move || asker.lock_all(&names.iter().map(|name| ask(name, "bo")).collect::<Vec<_>>()));
        one_that_waits_for(&[mine, first]);
        shell.batch_execute("COMMIT").unwrap();
        (releases.join().unwrap(), asks.join().unwrap())
    });
    assert_eq!(released.unwrap().len(), names.len());
    assert!(asked.unwrap().iter().all(|asked| matches!(asked, Asked::Taken(lock) if lock.owner == "bo")));
}

#[test]
fn a_connection_that_breaks_is_made_again_and_nothing_is_saved_twice() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    let mut store = store::open(&url).unwrap();
    // The server cuts the connection in the middle of the very save, once: from a trigger of a table that survives that.
    let schema = url.split("schema=").nth(1).unwrap();
    let cut = format!(
        "SET search_path = {schema};
         CREATE SEQUENCE cuts;
         CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF nextval('{schema}.cuts') % 2 = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
           RETURN NEW;
         END $$;
         CREATE TRIGGER cut AFTER INSERT OR UPDATE ON category FOR EACH ROW EXECUTE FUNCTION cut();"
    );
    server.shell().batch_execute(&cut).unwrap();
    for (revision, days) in ["30", "14", "10"].into_iter().enumerate() {
        let revision = revision as u64;
        assert_eq!(save(&mut *store, days, revision).unwrap(), Saved::Saved { revision: revision + 1 });
    }
    assert_eq!(store.history("nordic-outdoor", "payment_methods").unwrap().len(), 3);
}

#[test]
fn a_server_that_is_restarted_or_stopped_loses_nothing() {
    let Some(server) = Server::start() else { return };
    let url = server.url("schema=pairform");
    let mut store = store::open(&url).unwrap();
    save(&mut *store, "30", 0).unwrap();

    // Restarted between two saves: the connection is made again.
    server.control(&["stop", "-m", "fast"]);
    server.control(&["start", "-o", &server.options()]);
    assert_eq!(save(&mut *store, "14", 1).unwrap(), Saved::Saved { revision: 2 });
    assert_eq!(save(&mut *store, "14", 1).unwrap(), Saved::Already { revision: 2 });
    // A connection that was closed before anything was sent on it makes nobody's save another's.
    let close = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pairform'";
    server.shell().execute(close, &[]).unwrap();
    assert_eq!(save(&mut *store, "14", 1).unwrap(), Saved::Already { revision: 2 });

    // Restarted while a save is on its way.
    server.control(&["stop", "-m", "immediate"]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(400));
            server.control(&["start", "-o", &server.options()]);
        });
        assert_eq!(save(&mut *store, "10", 2).unwrap(), Saved::Saved { revision: 3 });
    });
    assert_eq!(store.history("nordic-outdoor", "payment_methods").unwrap().len(), 3);

    // Stopped for good: said plainly, and soon.
    server.control(&["stop", "-m", "fast"]);
    let begun = Instant::now();
    let error = save(&mut *store, "0", 3).unwrap_err();
    assert!(matches!(error, StoreError::Lost { .. }), "nothing was sent, so nothing is in doubt: {error}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    // What is not to be had is not waited for again.
    let begun = Instant::now();
    for _ in 0..20 {
        let error = save(&mut *store, "0", 3).unwrap_err();
        assert!(matches!(error, StoreError::Lost { .. }), "{error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(2));
    let error = store::open(&url).err().expect("it is stopped");
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(!error.to_string().contains(PASSWORD));
}

/// The password of an environment's store is a reference, and is given to that store alone.
#[test]
fn the_password_of_a_store_may_be_a_reference() {
    let Some(server) = server::shared() else { return };
    let project = crate::run::Project::empty();
    let url = server.fresh_url().replace(&format!(":{PASSWORD}@"), "@");
    let config = |reference: &str| {
        format!(
            "version: 1\nenvironments:\n  test: {{store: \"{url}\", password: {{secret: {reference}}}}}\n"
        )
    };
    project.write("pairform.yaml", config("env/STORE_WORD"));
    project.write(
        "integrations/shop.yaml",
        "integration: shop\npair: fortnox-shopify\nsettings: {general: {name: Shop}}\n",
    );
    let given = [("STORE_WORD", PASSWORD)];
    // Whoever writes the files names a server and a secret: it is not given to one that nobody else named.
    let refused = project.run_with(&["plan"], &given);
    let line = format!("store=127.0.0.1:{}", server.port);
    assert!(refused.assert_code(6).stderr.contains(&line), "{}", refused.stderr);
    // What else listens there is another server.
    let elsewhere = project.run_with(&["plan"], &[given[0], ("PAIRFORM_ALLOW", "store=127.0.0.1")]);
    assert!(elsewhere.assert_code(6).stderr.contains(&line), "{}", elsewhere.stderr);
    let allowed = [("PAIRFORM_ALLOW", line.as_str())];
    project.run_with(&["apply", "--yes"], &[given[0], allowed[0]]).assert_code(0);
    let missing = project.run_with(&["plan"], &allowed);
    assert!(missing.assert_code(6).stderr.contains("STORE_WORD is not set"), "{}", missing.stderr);
    let wrong = project.run_with(&["plan"], &[("STORE_WORD", "canary"), allowed[0]]);
    assert!(!wrong.assert_code(6).all().contains("canary"), "{}", wrong.all());
    project.write("secrets/store", format!("{PASSWORD}\n"));
    project.write("pairform.yaml", config("file/secrets/store"));
    project.run_with(&["plan", "--detailed-exitcode"], &allowed).assert_code(0);
    // The store of the environment by its URL is that store; one that is written otherwise is not told it.
    project.run(&["plan", "--detailed-exitcode", "--store", &url]).assert_code(0);
    let elsewhere = project.run(&["plan", "--store", &format!("{url}&connect_timeout=3")]);
    assert!(elsewhere.assert_code(6).stderr.contains("password"), "{}", elsewhere.stderr);
    project.write("pairform.yaml", config("exec/pass"));
    assert!(project.run(&["validate"]).assert_code(1).stdout.contains("E0305"));
}

/// Whoever takes the lock on an integration in the middle of a save that is made without it waits for its end: what he then reads has it,
/// and what he saves rests on nothing that is over.
#[test]
fn a_lock_is_not_taken_in_the_middle_of_a_save_without_one() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    let settings = pairform::model::from_json(&serde_json::json!({"name": "Shop"}));
    let moved = pairform::model::from_json(&serde_json::json!({"name": "Market"}));
    let save = |settings, expected_revision, run| store::Save {
        integration: "shop",
        category: "general",
        expected_revision,
        settings,
        applied: settings,
        saved_by: "bo",
        saved_at: "2026-12-01T09:30:00Z",
        commit: None,
        run,
        fence: None,
        lease: None,
    };
    store::open(&url).unwrap().save(&save(&settings, 0, "sha256:aa")).unwrap();
    let schema = url.split("schema=").nth(1).unwrap();
    let (mut keeps, mut looks) = (server.shell(), server.shell());
    // A save that comes to this row waits in the middle of its transaction.
    keeps.batch_execute(&format!("BEGIN; SELECT FROM {schema}.category FOR UPDATE")).unwrap();
    let keeper: i32 = keeps.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let mut waits_for = |pid: i32, until: &dyn Fn() -> bool| loop {
        let waiting = "SELECT pid FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))";
        if let Some(row) = looks.query(waiting, &[&pid]).unwrap().first() {
            return Some(row.get::<_, i32>(0));
        }
        if until() {
            return None;
        }
    };
    std::thread::scope(|scope| {
        let saving = scope.spawn(|| {
            let mut store = store::open(&url).unwrap();
            store.save_alone(&save(&moved, 1, "sha256:bb"), &std::collections::BTreeMap::new(), None).unwrap()
        });
        let saver = waits_for(keeper, &|| saving.is_finished()).expect("it waits for the row");
        let locking = scope.spawn(|| {
            let mut store = store::open(&url).unwrap();
            let ask = store::Ask {
                integration: "shop",
                owner: "ann",
                holder: "elsewhere",
                reason: "apply",
                seconds: 600,
                over: None,
            };
            let asked = store.lock(&ask).unwrap();
            assert!(matches!(asked, store::Asked::Taken(_)), "{asked:?}");
            store.read(None).unwrap().remove(0).revision
        });
        let _ = waits_for(saver, &|| locking.is_finished());
        keeps.batch_execute("COMMIT").unwrap();
        assert_eq!(saving.join().unwrap(), store::Saved::Saved { revision: 2 });
        assert_eq!(locking.join().unwrap(), 2, "the lock was taken in the middle of a save");
    });
}

/// PgBouncer lends each command a connection for its session, and gives it to the next one as if it were new.
#[test]
fn a_pooler_that_lends_connections_for_a_session_is_no_hindrance() {
    let Some(server) = server::shared() else { return };
    let Some(pooler) = Pooler::start(server, "session") else { return };
    let project = crate::run::Project::empty();
    let url = pooler.url("schema=pooled&sslmode=disable").replace(&format!(":{PASSWORD}@"), "@");
    project.write("pairform.yaml", format!("version: 1\nenvironments:\n  test: {{store: \"{url}\"}}\n"));
    let names = ["north", "south", "east", "west"];
    let write = |title: &str| {
        for name in names {
            let text = format!(
                "integration: {name}\npair: fortnox-shopify\nsettings: {{general: {{name: {title}}}}}\n"
            );
            project.write(&format!("integrations/{name}.yaml"), text);
        }
    };
    let line = format!("store=127.0.0.1:{}", pooler.port);
    let run = |arguments: &[&str]| {
        project
            .run_with(arguments, &[("PAIRFORM_STORE_PASSWORD", PASSWORD), ("PAIRFORM_ALLOW", line.as_str())])
    };
    write("Shop");
    run(&["apply", "--yes"]).assert_code(0);
    write("Market");
    // More at once than the pooler has connections: some wait, and all get what is theirs.
    std::thread::scope(|scope| {
        let appliers = names.map(|name| scope.spawn(move || run(&["apply", "--yes", "--integration", name])));
        let readers = names.map(|_| scope.spawn(|| run(&["drift"])));
        appliers.into_iter().chain(readers).for_each(|applier| {
            applier.join().unwrap().assert_code(0);
        });
    });
    run(&["plan", "--detailed-exitcode"]).assert_code(0);
    assert_eq!(run(&["apply", "--yes", "-o", "json"]).assert_code(0).json()["summary"]["saved"], 0);
    let saves = run(&["history", "-o", "json"]).assert_code(0).json()["saves"].as_array().unwrap().len();
    assert_eq!(saves, 2 * names.len());
}

#[test]
fn a_pooler_that_lends_connections_for_a_transaction_is_refused_by_name() {
    let Some(server) = server::shared() else { return };
    let Some(pooler) = Pooler::start(server, "transaction") else { return };
    // Another command left its statements on the connection that is lent next.
    let mut before = postgres::Client::connect(&pooler.url("sslmode=disable"), postgres::NoTls).unwrap();
    let left: String = (0..100).map(|number| format!("PREPARE s{number} AS SELECT 1;")).collect();
    before.batch_execute(&left).unwrap();
    let project = crate::run::Project::empty();
    project.write(
        "integrations/shop.yaml",
        "integration: shop\npair: fortnox-shopify\nsettings: {general: {name: Shop}}\n",
    );
    let refused = project.run(&["apply", "--yes", "--store", &pooler.url("schema=lent&sslmode=disable")]);
    assert!(refused.assert_code(7).stderr.contains("let it lend them for a session"), "{}", refused.stderr);
}
