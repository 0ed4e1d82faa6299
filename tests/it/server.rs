//! A private PostgreSQL for tests: in a temporary folder, on a free port, gone when the test process is gone, however it
//! ends.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::tools::{self, Tool, required};

/// What the server is asked for with each connection.
pub const PASSWORD: &str = "word-of-the-test";

pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    pub port: u16,
    /// A shell that stops the server and removes the folder once its stdin is closed.
    keeper: Option<Child>,
}

/// The server that most tests share; `None` when there is no PostgreSQL.
#[track_caller]
pub fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Server> = OnceLock::new();
    let programs = required(Tool::PostgreSql, programs())?;
    Some(SHARED.get_or_init(|| Server::start_with(programs)))
}

fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for parent in ["/usr/lib/postgresql", "/usr/local/opt", "/opt/homebrew/opt"] {
        let inner = std::fs::read_dir(parent).into_iter().flatten().flatten();
        folders.extend(inner.map(|entry| entry.path().join("bin")));
    }
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// The words before a command that run it as somebody whom PostgreSQL accepts: it refuses root.
fn as_somebody() -> Option<(String, String)> {
    let id = |arguments: &[&str]| {
        let out = Command::new("id").args(arguments).output().ok()?;
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    if id(&["-u"])? != "0" {
        return None;
    }
    ["postgres", "nobody"].iter().find_map(|user| Some((id(&["-u", user])?, id(&["-g", user])?)))
}

/// A shell that does something in a folder as somebody whom a server accepts, and then removes the folder. What it does ends
/// when its stdin is closed, which happens however the tests end.
fn keep(folder: &Path, what: impl FnOnce(&str) -> String) -> Child {
    let somebody = as_somebody();
    if let Some((user, group)) = &somebody {
        let owner = format!("{user}:{group}");
        assert!(Command::new("chown").arg("-R").arg(owner).arg(folder).status().unwrap().success());
    }
    let become_somebody = somebody.map_or(String::new(), |(user, group)| {
        format!("setpriv --reuid={user} --regid={group} --clear-groups")
    });
    let shown = folder.display();
    let script = format!("cd '{shown}' || exit 1\n{}\nrm -rf '{shown}'", what(&become_somebody));
    Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Server {
    /// One of its own for a test; `None` when there is no PostgreSQL.
    #[track_caller]
    pub fn start() -> Option<Server> {
        required(Tool::PostgreSql, programs()).map(Server::start_with)
    }

    fn start_with(programs: PathBuf) -> Server {
        let folder = tempfile::Builder::new().prefix("pairform-pg").tempdir().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        write_certificates(&folder);
        std::fs::write(folder.join("password"), PASSWORD).unwrap();
        let keeper = keep(&folder, |become_somebody| {
            format!(
                "{become_somebody} '{programs}/initdb' -D data -U configure --pwfile=password --auth=scram-sha-256 \
                     -E UTF8 --locale=C --no-sync >initdb.log 2>&1 || exit 1
                 {become_somebody} '{programs}/postgres' -D data -p {port} -k '{folder}' -c listen_addresses=127.0.0.1 \
                     -c fsync=off -c max_connections=200 -c ssl=on -c ssl_cert_file=../server.pem \
                     -c ssl_key_file=../server.key >server.log 2>&1 &
                 cat >/dev/null
                 {become_somebody} '{programs}/pg_ctl' -D data stop -m immediate >/dev/null 2>&1",
                folder = folder.display(),
                programs = programs.display(),
            )
        });
        let server = Server { folder, programs, port, keeper: Some(keeper) };
        server.await_answer();
        server
    }

    pub fn await_answer(&self) {
        let begun = Instant::now();
        while let Err(error) = self.try_shell() {
            let log = |name: &str| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{error}\n{}{}",
                log("initdb.log"),
                log("server.log")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A store's URL in a schema that no other test uses.
    pub fn fresh_url(&self) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        self.url(&format!("schema=place_{}", NEXT.fetch_add(1, Ordering::SeqCst)))
    }

    pub fn url(&self, options: &str) -> String {
        format!("postgres://configure:{PASSWORD}@127.0.0.1:{}/postgres?{options}", self.port)
    }

    fn try_shell(&self) -> Result<postgres::Client, postgres::Error> {
        let url = format!("postgres://configure:{PASSWORD}@127.0.0.1:{}/postgres?sslmode=disable", self.port);
        postgres::Client::connect(&url, postgres::NoTls)
    }

    /// What a person with psql has.
    pub fn shell(&self) -> postgres::Client {
        self.try_shell().unwrap()
    }

    /// A role of its own that is asked for its password in this way: `password`, `md5` or `scram-sha-256`. The URL's part
    /// before the `@`.
    pub fn role(&self, name: &str, method: &str) -> String {
        let encryption = if method == "md5" { "md5" } else { "scram-sha-256" };
        let make = format!(
            "SET password_encryption = '{encryption}'; CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"
        );
        let mut shell = self.shell();
        shell.batch_execute(&make).unwrap();
        let rules = self.folder.join("data/pg_hba.conf");
        let text = std::fs::read_to_string(&rules).unwrap();
        std::fs::write(&rules, format!("host all {name} all {method}\n{text}")).unwrap();
        shell.batch_execute("SELECT pg_reload_conf()").unwrap();
        // Which takes a moment.
        while postgres::Client::connect(
            &self.url("sslmode=disable").replace("configure:", &format!("{name}:")),
            postgres::NoTls,
        )
        .is_err()
        {}
        format!("{name}:{PASSWORD}")
    }

    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    pub fn another_authority(&self) -> PathBuf {
        self.folder.join("another.pem")
    }

    /// `pg_ctl stop|restart|…`, waiting until it is done.
    pub fn control(&self, arguments: &[&str]) {
        let mut command = match as_somebody() {
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
                command.arg(self.programs.join("pg_ctl"));
                command
            }
            None => Command::new(self.programs.join("pg_ctl")),
        };
        let log = self.folder.join("control.log");
        let data = self.folder.join("data");
        command.current_dir(&self.folder).arg("-D").arg(data).arg("-w").arg("-l").arg(log).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "pg_ctl {arguments:?}");
    }

    /// The arguments with which `pg_ctl start` brings it back as it was.
    pub fn options(&self) -> String {
        format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200",
            self.port,
            self.folder.display()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// An authority, a certificate of its for localhost and 127.0.0.1, and an authority that signed nothing.
fn write_certificates(folder: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let authority = || {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem(), Issuer::new(params, key))
    };
    let (pem, issuer) = authority();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        options.open(folder.join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    };
    write("authority.pem", &pem, 0o644);
    write("another.pem", &authority().0, 0o644);
    write("server.pem", &certificate.pem(), 0o644);
    write("server.key", &key.serialize_pem(), 0o600);
}

/// A private PgBouncer before a server, gone when the test is.
pub struct Pooler {
    pub port: u16,
    /// A shell that stops the pooler and removes its folder once its stdin is closed.
    keeper: Child,
}

impl Pooler {
    /// As a team shares one: few connections to the server, each lent for a `session` or a `transaction`.
    #[track_caller]
    pub fn start(server: &Server, mode: &str) -> Option<Pooler> {
        let program = required(Tool::PgBouncer, tools::program(&["pgbouncer"], &["/usr/sbin"]))?;
        let folder = tempfile::Builder::new().prefix("pairform-pool").tempdir().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = users\npool_mode = {mode}\ndefault_pool_size = 2\n\
             server_tls_sslmode = disable\n",
            server.port
        );
        std::fs::write(folder.join("settings"), settings).unwrap();
        std::fs::write(folder.join("users"), format!("\"configure\" \"{PASSWORD}\"\n")).unwrap();
        let keeper = keep(&folder, |become_somebody| {
            format!("{become_somebody} '{}' settings >log 2>&1 &\ncat >/dev/null\nkill $!", program.display())
        });
        let pooler = Pooler { port, keeper };
        let begun = Instant::now();
        while let Err(error) = postgres::Client::connect(&pooler.url("sslmode=disable"), postgres::NoTls) {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "{error}\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }

    pub fn url(&self, options: &str) -> String {
        format!("postgres://configure:{PASSWORD}@127.0.0.1:{}/postgres?{options}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
