//! A project in a temporary folder with a store of its own, and the program that is run in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use pairform::store::{self, Address, Store};
use serde_json::Value;

use crate::server::{self, Server};

/// The categories of [`SHOP`], in the order in which they are saved.
pub const CATEGORIES: [&str; 5] = ["flows", "general", "order", "payment_methods", "schedules"];

/// What takes away of a SQLite store and of one on PostgreSQL what the layouts of the server and the reconciler brought.
pub const WITHOUT_SECTION: [&str; 2] = [
    "DROP TRIGGER integration_of_category; DROP TRIGGER integration_renamed; DROP TRIGGER integration_of_said;
     DROP INDEX note_of_kind; DROP INDEX history_of_run; DROP TABLE integration; DROP TABLE token; DROP TABLE sync;
     DROP TABLE session;
     DROP TRIGGER shared_renamed; DROP TABLE option_list; DROP TABLE clearing; DROP TABLE proposal;
     DROP TABLE reconciled; DROP TABLE behind; DROP TABLE matter;",
    "DROP FUNCTION note_integration CASCADE; DROP FUNCTION note_pair CASCADE;
     DROP INDEX note_of_kind; DROP INDEX history_of_run; DROP TABLE integration; DROP TABLE token; DROP TABLE sync;
     DROP TABLE session;
     DROP FUNCTION note_shared CASCADE; DROP TABLE option_list; DROP TABLE clearing; DROP TABLE proposal;
     DROP TABLE reconciled; DROP TABLE behind; DROP TABLE matter;",
];

/// Twice as many as are saved together, and two.
pub const MANY: usize = 130;

const SHOP: &str = "\
pair: fortnox-shopify
flows: {orders: true}
settings:
  general: {name: Shop, onboarding_mode: true, live_mode: false}
  order: {exclude_before: '2026-01-01'}
  payment_methods:
    default_terms_of_payment: '30'
    map: {Klarna: '30', Swish: '0'}
schedules:
  orders: {flow: orders, every: 15m}
";

pub struct Project {
    folder: tempfile::TempDir,
    pub url: String,
    server: Option<&'static Server>,
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}

/// One project on each kind of store that is to be had here.
#[track_caller]
pub fn each_kind() -> Vec<Project> {
    let mut all = vec![Project::sqlite()];
    if let Some(server) = server::shared() {
        all.push(Project::on(server.fresh_url(), Some(server)));
    }
    all
}

impl Project {
    pub fn sqlite() -> Project {
        let project = Project::on(String::new(), None);
        Project { url: format!("sqlite:{}", project.path("state.db").display()), ..project }
    }

    fn on(url: String, server: Option<&'static Server>) -> Project {
        let project = Project { folder: tempfile::tempdir().unwrap(), url, server };
        project.write("pairform.yaml", "version: 1\n");
        project.shop("shop", "Shop", "30");
        project
    }

    /// Another working tree on the same store.
    pub fn sibling(&self) -> Project {
        Project::on(self.url.clone(), self.server)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// An integration with the five [`CATEGORIES`].
    pub fn shop(&self, name: &str, title: &str, terms: &str) {
        let text = SHOP.replace("name: Shop", &format!("name: {title}"));
        let text =
            text.replace("default_terms_of_payment: '30'", &format!("default_terms_of_payment: '{terms}'"));
        self.write(&format!("integrations/{name}.yaml"), &format!("integration: {name}\n{text}"));
    }

    pub fn edit(&self, name: &str, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(old), "{text}");
        self.write(name, &text.replace(old, new));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
        // Tests make saves fail, or others save in the same moment, by triggers.
        command.current_dir(self.folder.path()).arg("--own-triggers").args(arguments).stdin(Stdio::null());
        command.env("PAIRFORM_STORE", &self.url).env("PAIRFORM_ACTOR", "ann").env("RUST_BACKTRACE", "0");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        Ran {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub fn store(&self) -> Box<dyn Store> {
        store::open(Address { own_triggers: true, ..Address::from(&self.url) }).unwrap()
    }

    /// As a store was before there was a server.
    pub fn without_section(&self) {
        self.by_hand(WITHOUT_SECTION[usize::from(self.server.is_some())]);
    }

    /// SQL by hand; several statements.
    pub fn by_hand(&self, sql: &str) {
        match (&self.server, self.url.strip_prefix("sqlite:")) {
            (Some(server), _) => {
                let schema = self.url.split("schema=").nth(1).unwrap();
                server.shell().batch_execute(&format!("SET search_path = {schema}; {sql}")).unwrap();
            }
            (None, Some(path)) => {
                let shell = rusqlite::Connection::open(Path::new(path)).unwrap();
                shell.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
                shell.execute_batch(sql).unwrap();
            }
            (None, None) => panic!("a place is one store or the other"),
        }
    }

    /// Makes every save of a category fail in the store, or no more.
    pub fn fail(&self, category: Option<&str>) {
        self.fail_where(category.map(|category| format!("NEW.category = '{category}'")).as_deref());
    }

    /// As [`Project::fail`], of the rows of which this holds.
    pub fn fail_where(&self, condition: Option<&str>) {
        match (self.server.is_some(), condition) {
            (true, Some(condition)) => self.by_hand(&format!(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk burns'; END $$;
                 CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON category FOR EACH ROW
                 WHEN ({condition}) EXECUTE FUNCTION fail()"
            )),
            (true, None) => self.by_hand("DROP TRIGGER fail ON category; DROP FUNCTION fail()"),
            (false, Some(condition)) => self.by_hand(&format!(
                "CREATE TRIGGER fail_insert BEFORE INSERT ON category WHEN {condition}
                 BEGIN SELECT RAISE(ABORT, 'the disk burns'); END;
                 CREATE TRIGGER fail_update BEFORE UPDATE ON category WHEN {condition}
                 BEGIN SELECT RAISE(ABORT, 'the disk burns'); END;"
            )),
            (false, None) => self.by_hand("DROP TRIGGER fail_insert; DROP TRIGGER fail_update"),
        }
    }

    /// More integrations than are locked and saved together, with `shop`; each as [`Project::shop`].
    pub fn shops(&self, title: &str, terms: &str) -> Vec<String> {
        let names: Vec<String> = (1..MANY).map(|number| format!("shop-{number:03}")).collect();
        let names: Vec<String> = std::iter::once("shop".to_owned()).chain(names).collect();
        for name in &names {
            self.shop(name, title, terms);
        }
        names
    }

    /// The categories that the next plan would save.
    pub fn pending(&self) -> Vec<String> {
        let plan = self.run(&["plan", "-o", "json"]).expect(0).json();
        let integrations = plan["integrations"].as_array().unwrap();
        integrations
            .iter()
            .flat_map(|integration| integration["categories"].as_array().unwrap())
            .filter(|category| ["create", "update", "reset"].contains(&category["action"].as_str().unwrap()))
            .map(|category| category["category"].as_str().unwrap().to_owned())
            .collect()
    }
}
