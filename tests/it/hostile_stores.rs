//! Stores that somebody prepared: a schema that others made, a server that wants to hear the password, a file that leads
//! elsewhere, is damaged, or is no plain table. Each is refused before anything is read or written through it.

use std::path::Path;

use pairform::store::{self, Address, StoreError};

use crate::run::Project;
use crate::server::{self, PASSWORD};

const FILE: &str = "integration: shop\npair: fortnox-shopify\nsettings: {general: {name: Shop}}\n";

fn project() -> Project {
    let project = Project::empty();
    project.write("integrations/shop.yaml", FILE);
    project
}

/// Why both ways to open a store refuse.
fn refused(address: &Address) -> String {
    let error = store::open(address).err().unwrap_or_else(|| panic!("{} is opened to write", address.url));
    let said = error.to_string();
    assert!(!said.contains(PASSWORD), "{said}");
    let read =
        store::open_existing(address).err().unwrap_or_else(|| panic!("{} is opened to read", address.url));
    assert_eq!(read.to_string(), said);
    said
}

fn schema_of(url: &str) -> &str {
    url.split("schema=").nth(1).unwrap()
}

/// A tenant who may make schemas was here first, or was given a right too many.
#[test]
fn what_others_own_in_the_schema_of_a_store_is_refused() {
    let Some(server) = server::shared() else { return };
    let mut shell = server.shell();
    shell
        .batch_execute(
            "CREATE ROLE mallory; CREATE SCHEMA hers AUTHORIZATION mallory; SET ROLE mallory;
             CREATE TABLE hers.loot (text text);
             CREATE FUNCTION hers.steal() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN INSERT INTO hers.loot VALUES (current_user); RETURN NEW; END $$;
             RESET ROLE",
        )
        .unwrap();
    let variants: [(bool, &str, &str); 9] = [
        (false, "CREATE SCHEMA S AUTHORIZATION mallory", "the schema `S` belongs to `mallory`"),
        (
            false,
            "CREATE SCHEMA S AUTHORIZATION mallory; SET ROLE mallory; CREATE TABLE S.category (a text);
             CREATE TRIGGER t BEFORE INSERT ON S.category FOR EACH ROW EXECUTE FUNCTION hers.steal(); RESET ROLE",
            "belongs to `mallory`",
        ),
        (true, "ALTER TABLE S.lock OWNER TO mallory", "the table `lock` belongs to `mallory`"),
        (
            true,
            "GRANT USAGE, CREATE ON SCHEMA S TO mallory; SET ROLE mallory;
             CREATE FUNCTION S.max(text) RETURNS text LANGUAGE sql AS 'SELECT $1'; RESET ROLE",
            "the function `max` belongs to `mallory`",
        ),
        (
            true,
            "GRANT USAGE, CREATE ON SCHEMA S TO mallory; SET ROLE mallory; CREATE DOMAIN S.json AS text; RESET ROLE",
            "the type `json` belongs to `mallory`",
        ),
        (
            true,
            "GRANT USAGE, CREATE ON SCHEMA S TO mallory; SET ROLE mallory; CREATE VIEW S.shown AS SELECT 1; RESET ROLE",
            "the view `shown` belongs to `mallory`",
        ),
        (
            true,
            "GRANT USAGE ON SCHEMA S TO mallory; GRANT TRIGGER ON S.category TO mallory; SET ROLE mallory;
             CREATE TRIGGER theft BEFORE INSERT ON S.category FOR EACH ROW EXECUTE FUNCTION hers.steal(); RESET ROLE",
            "the function of the trigger `theft` belongs to `mallory`",
        ),
        (
            true,
            "DROP TABLE S.note; CREATE VIEW S.note AS SELECT 1 AS number",
            "a view of `configure` stands in place of its table `note`",
        ),
        (
            true,
            "CREATE RULE quiet AS ON INSERT TO S.run DO ALSO NOTHING",
            "a rule of `configure` stands in place of its table `run`",
        ),
    ];
    for (made, sql, why) in variants {
        let url = server.fresh_url();
        let schema = schema_of(&url);
        if made {
            drop(store::open(&url).unwrap());
        }
        shell
            .batch_execute(&sql.replace("S.", &format!("{schema}.")).replace(" S ", &format!(" {schema} ")))
            .unwrap();
        let said = refused(&Address::from(&url));
        assert!(said.contains(&why.replace("`S`", &format!("`{schema}`"))), "{sql}: {said}");
        let ran = project().run(&["apply", "--yes", "--store", &url]);
        assert!(ran.assert_code(6).stderr.contains("nothing was read or written"), "{}", ran.all());
    }
    let looted: i64 = shell.query_one("SELECT count(*) FROM hers.loot", &[]).unwrap().get(0);
    assert_eq!(looted, 0);
    // Who asks may own it all, and so may the owner of the database, whoever asks.
    let tenant = server.role("tenant", "scram-sha-256");
    shell.batch_execute("GRANT CREATE ON DATABASE postgres TO tenant").unwrap();
    let url = server.fresh_url();
    let own = url.replace(&format!("configure:{PASSWORD}"), &tenant);
    drop(store::open(&own).unwrap());
    drop(store::open(&own).unwrap());
    assert!(refused(&Address::from(&url)).contains("belongs to `tenant`"));
    let as_tenant = format!("{url}&options=-c%20role%3Dtenant");
    assert!(store::open_existing(&as_tenant).unwrap().is_some());
}

/// `127.1` leads here, and is a name of elsewhere to whoever judges names.
#[test]
fn a_password_goes_in_the_clear_to_this_machine_alone() {
    let Some(server) = server::shared() else { return };
    let authority = server.authority().display().to_string();
    for (name, method) in [("clear_ann", "password"), ("hashed_ann", "md5")] {
        let role = server.role(name, method);
        let url = server.url("schema=nothing").replace(&format!("configure:{PASSWORD}"), &role);
        assert!(store::open_existing(&url).unwrap().is_none(), "{method}");
        let far = url.replace("127.0.0.1", "127.1");
        let plain = Address { plain: true, ..Address::from(&format!("{far}&sslmode=disable")) };
        let said = refused(&plain);
        assert!(said.contains("nothing was sent") && said.contains("auth_type = scram-sha-256"), "{said}");
        // A certificate proves who asks.
        let proved = url.replace("127.0.0.1", "localhost");
        let proved = format!("{proved}&sslmode=verify-full&sslrootcert={authority}");
        assert!(store::open_existing(&proved).unwrap().is_none(), "{method}");
    }
    let far = server.url("schema=nothing").replace("127.0.0.1", "127.1");
    for mode in ["disable", "prefer", "allow"] {
        let without = format!("{far}&sslmode={mode}");
        let error = store::open_existing(&without).err().unwrap();
        assert!(matches!(&error, StoreError::Plain { host, .. } if host == "127.1"), "{error}");
        let ran = project().run(&["plan", "--store", &without]);
        assert!(ran.assert_code(6).stderr.contains("`store=127.1!plain`"), "{}", ran.all());
    }
    // Allowed, SCRAM is answered, which gives no password away.
    let plain = Address { plain: true, ..Address::from(&format!("{far}&sslmode=disable")) };
    assert!(store::open_existing(&plain).unwrap().is_none());
    // By its own word TLS is spoken, and the certificate is for another name.
    let error = store::open_existing(&format!("{far}&sslrootcert={authority}")).err().unwrap();
    assert!(error.to_string().contains("certificate"), "{error}");
    // A name beside an address is only what the certificate is for.
    let beside = server.url("schema=nothing").replace("127.0.0.1", "localhost");
    let beside = format!("{beside}&hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={authority}");
    assert!(store::open_existing(&beside).unwrap().is_none());
}

#[test]
fn who_is_let_in_is_bound_to_the_server_s_certificate() {
    let Some(server) = server::shared() else { return };
    let authority = server.authority().display().to_string();
    let url = server.url("schema=nothing&channel_binding=require").replace("127.0.0.1", "localhost");
    assert!(
        store::open_existing(&format!("{url}&sslmode=verify-full&sslrootcert={authority}"))
            .unwrap()
            .is_none()
    );
    let error = store::open_existing(&format!("{url}&sslmode=disable")).err().unwrap();
    assert!(error.to_string().contains("channel binding"), "{error}");
}

fn link(to: &Path, at: &Path) {
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(to, at).unwrap();
}

/// A made store's bytes.
fn made() -> Vec<u8> {
    let project = project();
    project.run(&["apply", "--yes"]).assert_code(0);
    std::fs::read(project.at(".pairform/state.db")).unwrap()
}

#[test]
fn the_project_s_own_store_lies_in_the_project_wherever_links_lead() {
    let bytes = made();
    let variants: [(&str, Option<&str>, &str); 8] = [
        ("sqlite:.pairform/state.db", Some(".pairform"), ""),
        ("sqlite:.pairform/state.db", Some(".pairform/state.db"), "/theirs.db"),
        ("sqlite:.pairform/state.db", Some(".pairform/state.db"), "/missing.db"),
        ("sqlite:a/b/state.db", Some("a/b"), ""),
        ("sqlite:a/b/state.db", Some("a"), "/missing"),
        ("sqlite:../out.db", None, ""),
        ("sqlite:a/../../out.db", None, ""),
        ("sqlite:OUTSIDE/theirs.db", None, ""),
    ];
    for (store, at, to) in variants {
        let (project, outside) = (project(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("theirs.db"), &bytes).unwrap();
        let store = store.replace("OUTSIDE", &outside.path().display().to_string());
        project
            .write("pairform.yaml", format!("version: 1\nenvironments: {{test: {{store: \"{store}\"}}}}\n"));
        if let Some(at) = at {
            link(&outside.path().join(to.trim_start_matches('/')), &project.at(at));
        }
        for command in [&["plan"][..], &["apply", "--yes"], &["drift"], &["history"]] {
            let ran = project.run(command);
            ran.assert_code(6);
            assert!(
                ran.stderr.contains("outside") || ran.stderr.contains("store="),
                "{store}: {}",
                ran.all()
            );
        }
        let left: Vec<_> =
            std::fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["theirs.db"], "{store}");
        assert_eq!(std::fs::read(outside.path().join("theirs.db")).unwrap(), bytes);
        // Who names it at the door may name any.
        let named = format!("sqlite:{}", outside.path().join("theirs.db").display());
        project.run(&["plan", "--store", &named]).assert_code(0);
    }
    // A link that stays inside is no harm.
    let project = project();
    std::fs::create_dir_all(project.at("state")).unwrap();
    link(&project.at("state"), &project.at(".pairform"));
    project.run(&["apply", "--yes"]).assert_code(0);
    assert!(project.at("state/state.db").is_file());
}

/// What lies beside a store leads nowhere either, and names nothing that is then deleted.
#[test]
fn no_file_beside_a_store_leads_elsewhere() {
    let bytes = made();
    for beside in ["-journal", "-wal", "-shm"] {
        let (project, outside) = (project(), tempfile::tempdir().unwrap());
        project.write(".pairform/state.db", &bytes);
        let theirs = outside.path().join("theirs");
        std::fs::write(&theirs, "private").unwrap();
        // With a log, whose two files are opened even to read.
        if beside != "-journal" {
            let mut logged = bytes.clone();
            (logged[18], logged[19]) = (2, 2);
            project.write(".pairform/state.db", &logged);
        }
        link(&theirs, &project.at(&format!(".pairform/state.db{beside}")));
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let ran = project.run(command);
            assert_ne!(ran.code, 70, "{}", ran.all());
            assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "private", "{beside}: {}", ran.all());
        }
    }
    let (project, outside) = (project(), tempfile::tempdir().unwrap());
    let theirs = outside.path().join("theirs");
    std::fs::write(&theirs, "private").unwrap();
    project.write(".pairform/state.db", &bytes);
    let name = theirs.display().to_string().into_bytes();
    let length = u32::try_from(name.len()).unwrap().to_be_bytes();
    let sum = name.iter().map(|byte| u32::from(*byte)).sum::<u32>().to_be_bytes();
    let magic = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let mut journal = [&magic[..], &[0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 16, 0]].concat();
    journal.resize(512, 0);
    journal.extend([&[0, 4, 0, 1][..], &name, &length, &sum, &magic].concat());
    project.write(".pairform/state.db-journal", &journal);
    let ran = project.run(&["plan"]);
    assert!(ran.assert_code(7).stderr.contains("names another file"), "{}", ran.all());
    assert!(theirs.exists());
}

/// A file that is shorter, longer or another than it says is told, and nothing is written.
#[test]
fn a_damaged_file_is_told_and_left_alone() {
    let bytes = made();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let address = Address::from(&format!("sqlite:{}", file.display()));
    let told = |damaged: &[u8], what: &str| {
        std::fs::write(&file, damaged).unwrap();
        let said = refused(&address);
        assert!(
            said.contains("damaged")
                || said.contains("no SQLite database")
                || said.contains("not an SQLite database"),
            "{what}: {said}"
        );
        assert!(std::fs::read(&file).unwrap() == damaged, "{what}: it was written");
    };
    for cut in (1..40).chain([511, 512, 1000, 4095, 4096, 4097, 8192, bytes.len() / 2]) {
        told(&bytes[..bytes.len() - cut], &format!("{cut} bytes cut"));
    }
    for more in [1, 2, 4095, 4096] {
        told(&[&bytes[..], &vec![0; more]].concat(), &format!("{more} bytes more"));
    }
    told(&[b"SQLite format 4\0", &bytes[16..]].concat(), "another beginning");
    let project = project();
    project.write(".pairform/state.db", &bytes[..bytes.len() - 2]);
    for command in [&["plan"][..], &["apply", "--yes"], &["history"]] {
        let ran = project.run(command);
        assert!(ran.assert_code(7).stderr.contains("restore it from a backup"), "{}", ran.all());
    }
}

/// Whatever one bit does, what `quick_check` tells of is never written to.
#[test]
fn a_flipped_bit_that_shows_is_told_before_anything_is_written() {
    let bytes = made();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let address = Address::from(&format!("sqlite:{}", file.display()));
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    let mut told = 0;
    for round in 0..400 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        // Half of them at the beginnings of pages, where it hurts.
        let at = usize::try_from(dice >> 8).unwrap() % bytes.len();
        let at = if round % 2 == 0 { at / 4096 * 4096 + at % 40 } else { at };
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (dice % 8);
        std::fs::write(&file, &flipped).unwrap();
        let checked =
            rusqlite::Connection::open_with_flags(&file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
                .and_then(|shell| {
                    shell.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
                });
        std::fs::write(&file, &flipped).unwrap();
        let opened = store::open(&address);
        if checked.as_deref() != Ok("ok") {
            assert!(opened.is_err(), "byte {at}");
        }
        if let Err(error) = opened {
            told += 1;
            assert!(std::fs::read(&file).unwrap() == flipped, "byte {at} was written to: {error}");
        }
        let _ = store::open_existing(&address).map(|store| store.map(|mut store| store.read(None).is_ok()));
        let _ = std::fs::remove_file(folder.path().join("state.db-journal"));
    }
    assert!(told > 50, "{told}");
}

#[test]
fn what_is_no_plain_table_is_refused_in_a_file() {
    let bytes = made();
    let endless = "WITH RECURSIVE more(n) AS (SELECT 1 UNION ALL SELECT n FROM more)
                   SELECT 'a' AS integration, 'b' AS category, 1 AS revision, '{}' AS settings, '{}' AS applied, '' AS digest,
                   '' AS saved_by, '' AS saved_at, NULL AS commit_id, NULL AS run, '' AS settled, '' AS secrets, 0 AS leaves
                   FROM more";
    for (sql, why) in [
        (format!("DROP TABLE category; CREATE VIEW category AS {endless}"), "a view stands in place of its table `category`"),
        (
            "ALTER TABLE migration RENAME TO m; CREATE VIEW migration AS SELECT * FROM m".to_owned(),
            "a view stands in place of its table `migration`",
        ),
        ("DROP TABLE note; CREATE VIRTUAL TABLE note USING fts5(text)".to_owned(), "another kind of table stands in place"),
        (
            "ALTER TABLE run ADD COLUMN extra TEXT GENERATED ALWAYS AS (upper(digest)) VIRTUAL".to_owned(),
            "another kind of table stands in place of its table `run`",
        ),
        (
            format!("CREATE TRIGGER slow BEFORE INSERT ON meta BEGIN SELECT count(*) FROM ({endless}); END"),
            "its trigger `slow` on `meta`",
        ),
        (
            "CREATE TRIGGER other AFTER UPDATE ON CATEGORY BEGIN UPDATE category SET settings = '{}'; END".to_owned(),
            "its trigger `other` on `category`",
        ),
        (
            "DROP TRIGGER category_saved; CREATE TRIGGER category_saved AFTER UPDATE ON category BEGIN SELECT 1; END".to_owned(),
            "its trigger `category_saved` on `category`",
        ),
    ] {
        let project = project();
        project.write(".pairform/state.db", &bytes);
        rusqlite::Connection::open(project.at(".pairform/state.db")).unwrap().execute_batch(&sql).unwrap();
        let before = std::fs::read(project.at(".pairform/state.db")).unwrap();
        for command in [&["plan"][..], &["apply", "--yes"], &["drift"]] {
            let ran = project.run(command);
            assert!(ran.assert_code(7).stderr.contains(why), "{sql}: {}", ran.all());
        }
        assert!(std::fs::read(project.at(".pairform/state.db")).unwrap() == before, "{sql}");
    }
    // One's own trigger is accepted where that is said.
    let project = project();
    project.write(".pairform/state.db", &bytes);
    let own = "CREATE TABLE seen (text TEXT); CREATE TRIGGER see AFTER INSERT ON note BEGIN INSERT INTO seen VALUES (NEW.text); END";
    rusqlite::Connection::open(project.at(".pairform/state.db")).unwrap().execute_batch(own).unwrap();
    project.run(&["plan"]).assert_code(7);
    project.run(&["plan", "--own-triggers"]).assert_code(0);
}

/// A project file with errors is told by every command that asks for the store, as `validate` tells it.
#[test]
fn no_credential_in_a_project_file_with_errors_is_repeated() {
    for broken in [
        "environments: {test: {store: \"postgres://u@db/x\", password: {secret: canary-word-0123456789}}}",
        "environments: {test: {store: \"postgres//u:canary-word@db/x\"}}",
        "environments: {test: {store: \"postgres://u@db/x\", password: canary-word-0123456789}}",
        "secrets: {exec: {token: canary-word-0123456789}}",
        "password: canary-word-0123456789",
    ] {
        let project = project();
        project.write("pairform.yaml", format!("version: 1\n{broken}\n"));
        for command in [
            "plan",
            "plan -o json",
            "plan -o markdown",
            "plan -o html",
            "plan -o sarif",
            "plan -o junit",
            "apply --yes",
            "drift",
            "history",
            "list",
            "pull",
            "unlock",
            "audit export",
            "token list",
            "validate",
            "validate -o json",
        ] {
            let ran = project.run(&command.split(' ').collect::<Vec<_>>());
            assert!(ran.all().contains("pairform.yaml"), "{command}: {}", ran.all());
            assert!(!ran.all().contains("canary"), "{command}: {}", ran.all());
        }
    }
}

#[test]
fn the_help_does_not_tell_what_the_environment_says_of_the_store() {
    let helped = project()
        .command(&["plan", "--help"])
        .env("PAIRFORM_STORE", "postgres://u:canary@h/x")
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&helped.stdout).contains("canary"));
}

#[test]
fn a_password_in_the_url_of_a_store_is_an_error_at_its_place_and_not_repeated() {
    for url in [
        "postgres://u:canary-word@127.0.0.1:1/db",
        "postgres://u:can/ary-word@127.0.0.1:1/db",
        "postgres://u@127.0.0.1:1/db?password=canary-word",
        "postgres://u@127.0.0.1:1/db?schema=a&%70assword=canary-word",
    ] {
        let project = project();
        project.write("pairform.yaml", format!("version: 1\nenvironments:\n  test: {{store: \"{url}\"}}\n"));
        for form in ["text", "json", "markdown", "sarif", "github", "html", "junit", "gitlab"] {
            let ran = project.run(&["validate", "-o", form]);
            assert!(!ran.assert_code(1).all().contains("ary-word"), "{form}: {}", ran.all());
        }
        let found = project.run(&["validate", "-o", "json"]).json();
        let at =
            found["findings"].as_array().unwrap().iter().find(|finding| finding["path"] == "pairform.yaml");
        assert_eq!(at.unwrap()["code"], "E0320", "{found}");
        for command in [&["plan"][..], &["apply", "--yes"], &["list"], &["history"]] {
            let ran = project.run(command);
            assert!(!ran.all().contains("ary-word"), "{}", ran.all());
        }
    }
}
