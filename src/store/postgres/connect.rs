//! From a URL to a connection: password, TLS and time limits. Reads the environment and opens a socket; knows no table.
//!
//! TLS: `sslmode=verify-full` is the default for every server but one on this machine, since a password and the
//! configuration of shops go over the wire; `sslmode=require` encrypts and checks the certificate all the same (stricter
//! than libpq), `prefer` does so where the server speaks TLS at all, `disable`, the default on this machine, asks for none.
//! `PGSSLROOTCERT`, or `sslrootcert=FILE` of a URL that stands in no file of the project, names the authority of an internal
//! server; otherwise the system's are trusted.
#![expect(
    clippy::disallowed_methods,
    reason = "reads the password and the trusted authority from the environment"
)]

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};
use tokio_postgres::{Config, Connection};

use super::client::{Client, Fault, Result, Runs};
use super::wire::{Socket, Wire};
use super::{failure, owners, passfile};
use crate::model::Hidden;
use crate::store::address::{Address, read_postgres};
use crate::store::error::StoreError;
use crate::store::url::{PostgresUrl, Server};

/// The schema that holds the tables, unless the URL says `schema=NAME`.
const SCHEMA: &str = "pairform";
/// For one address, while others are left to try. The URL may say `connect_timeout=SECONDS`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than any statement of ours on a loaded server. The URL may say `statement_timeout=MILLISECONDS`.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// Between attempts to connect anew: about as long as a restart of the server takes.
const PAUSES_MS: [u64; 6] = [0, 100, 300, 1000, 2000, 4000];

/// What a connection is for; a reader's writes are refused by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Whether TLS is spoken. Where it is, the certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    Never,
    WhereOffered,
    Always,
}

/// Where to connect, and how.
pub(super) struct Target {
    servers: Vec<Server>,
    /// Who asks, for what, with which password.
    config: Config,
    tls: Tls,
    certificates: Arc<ClientConfig>,
    connect_timeout: Duration,
    /// Which of several servers will do.
    wants: Wants,
    pub schema: String,
    statement_timeout: Duration,
    /// For so long a statement waits for a lock before the server says that it is locked, and so often that is borne.
    lock_timeout: Duration,
    pub lock_waits: u32,
    /// For so long a server may say nothing.
    pub silence: Duration,
    /// The runtime in which answers are awaited.
    awaits: Option<Handle>,
    /// `postgres://HOST:PORT/DATABASE`, for messages: without user, password and options.
    pub shown: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Any,
    ReadWrite,
    ReadOnly,
}

/// Hosts, ports, database and schema: where a URL leads, whoever asks and however.
pub(in crate::store) fn place(url: &str) -> Option<String> {
    let url = PostgresUrl::read(url).ok()?;
    Some(format!("{:?} {} {}", url.servers, shown(&url), url.get("schema").unwrap_or(SCHEMA)))
}

impl Target {
    pub fn parse(at: &Address) -> std::result::Result<Target, StoreError> {
        let url = read_postgres(&at.url)?;
        let shown = shown(&url);
        let open = |reason: String| StoreError::Open { store: shown.clone(), reason };
        let unusable = |name: &str| open(format!("`{name}` in its URL is not usable"));
        let mode = url.get("sslmode");
        let far = url.servers.iter().find(|server| !server.is_local());
        let tls = match mode {
            Some("disable") => Tls::Never,
            Some("prefer" | "allow") => Tls::WhereOffered,
            Some("require" | "verify-ca" | "verify-full") => Tls::Always,
            Some(_) => {
                return Err(open("sslmode is one of disable, prefer, require and verify-full".to_owned()));
            }
            None if far.is_none() => Tls::Never,
            None => Tls::Always,
        };
        if let Some(far) = far.filter(|_| tls != Tls::Always && !at.plain) {
            return Err(StoreError::Plain { store: shown, host: far.host().to_owned() });
        }
        let mut config = Config::new();
        // TLS is begun before the driver is asked.
        config
            .ssl_mode(SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct)
            .application_name("pairform");
        config.channel_binding(match url.get("channel_binding").unwrap_or("prefer") {
            "disable" => ChannelBinding::Disable,
            "prefer" => ChannelBinding::Prefer,
            "require" => ChannelBinding::Require,
            _ => return Err(unusable("channel_binding")),
        });
        if let Some(user) = &url.user {
            config.user(user);
        }
        if let Some(database) = &url.database {
            config.dbname(database);
        }
        if let Some(options) = url.get("options") {
            config.options(options);
        }
        give_password(&mut config, at, &url);
        let wants = match url.get("target_session_attrs").unwrap_or("any") {
            "any" => Wants::Any,
            "read-write" => Wants::ReadWrite,
            "read-only" => Wants::ReadOnly,
            _ => return Err(unusable("target_session_attrs")),
        };
        if url.get("sslnegotiation").is_some_and(|how| how != "postgres") {
            return Err(unusable("sslnegotiation"));
        }
        let number = |name: &str| match url.get(name).map(str::parse::<u32>) {
            Some(Ok(number)) if number > 0 => Ok(Some(number)),
            None => Ok(None),
            Some(_) => Err(unusable(name)),
        };
        let connect_timeout = number("connect_timeout")?.map(|seconds| Duration::from_secs(seconds.into()));
        let schema = url.get("schema").unwrap_or(SCHEMA);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if schema.is_empty() || schema.len() >= 64 || !schema.bytes().all(plain) {
            return Err(unusable("schema"));
        }
        // A server that is there answers, be it that it took too long, before its silence is taken for its end.
        let longest = at.silence * 5 / 6;
        let asked = number("statement_timeout")?.map(|ms| Duration::from_millis(ms.into()));
        let asked = asked.unwrap_or(STATEMENT_TIMEOUT);
        let lock_timeout = (asked / 3).min(longest / 2).max(Duration::from_millis(1));
        let root = url.get("sslrootcert").map(PathBuf::from);
        if root.is_some() && at.within.is_some() {
            return Err(StoreError::Authority { store: shown });
        }
        let root = root.or_else(|| std::env::var_os("PGSSLROOTCERT").map(PathBuf::from));
        let certificates = certificates(root.as_deref(), &shown)?;
        Ok(Target {
            config,
            tls,
            certificates,
            connect_timeout: connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            wants,
            schema: schema.to_owned(),
            statement_timeout: asked.min(longest).max(Duration::from_millis(1)),
            lock_timeout,
            lock_waits: u32::try_from((asked / 3).as_millis() / lock_timeout.as_millis()).unwrap_or(u32::MAX),
            silence: at.silence,
            awaits: at.is_awaited.then(Handle::try_current).and_then(std::result::Result::ok),
            servers: url.servers,
            shown,
        })
    }

    pub fn connect(&self, access: Access) -> std::result::Result<Client, StoreError> {
        self.try_connect(access).map_err(|fault| failure::open(&self.shown, &fault))
    }

    /// Connects after a connection broke, with patience for a server that is being restarted.
    pub fn reconnect(&self, access: Access) -> Result<Client> {
        let mut attempt = self.try_connect(access);
        for pause in PAUSES_MS {
            if !attempt.as_ref().is_err_and(failure::is_broken) {
                break;
            }
            std::thread::sleep(Duration::from_millis(pause));
            attempt = self.try_connect(access);
        }
        attempt
    }

    fn try_connect(&self, access: Access) -> Result<Client> {
        let runtime = match &self.awaits {
            Some(handle) => Runs::Here(handle.clone()),
            None => Runs::Own(tokio::runtime::Builder::new_current_thread().enable_all().build()?),
        };
        let moved = Arc::new(AtomicU64::new(0));
        let session = runtime.block_on(self.reach(&moved));
        let session = match session {
            Ok(session) => session,
            Err(fault) => {
                runtime.end();
                return Err(fault);
            }
        };
        let mut client = Client::new(runtime, session, moved, self.silence);
        let read_only = if access == Access::Read { "on" } else { "off" };
        client.batch_execute(&format!(
            "SET search_path = pg_catalog, pg_temp; SET statement_timeout = {}; SET lock_timeout = {};
             SET synchronous_commit = on; SET row_security = off;
             SET idle_in_transaction_session_timeout = 60000; SET default_transaction_read_only = {read_only};
             SET default_transaction_isolation = 'read committed'; SET client_min_messages = warning",
            self.statement_timeout.as_millis(),
            self.lock_timeout.as_millis(),
        ))?;
        owners::prove(&mut client, &self.schema)?;
        // What pairform says has no names but its own, and those of PostgreSQL, which come first.
        client.batch_execute(&format!("SET search_path = {}, pg_temp", self.quoted_schema()))?;
        Ok(client)
    }

    /// A session on the first server that will do. All attempts together take no longer than silence is borne.
    async fn reach(
        &self,
        moved: &Arc<AtomicU64>,
    ) -> Result<(tokio_postgres::Client, Connection<Wire, Wire>)> {
        let end = Instant::now() + self.silence;
        let mut last = Fault::Other("its URL names no host".to_owned());
        for (at, server) in self.servers.iter().enumerate() {
            let share = |left: usize| {
                Instant::now() + (end - Instant::now()) / u32::try_from(left).unwrap_or(1).max(1)
            };
            let left = self.servers.len() - at;
            let addresses = match self.addresses(server, share(left)).await {
                Ok(addresses) => addresses,
                Err(fault) => {
                    last = fault;
                    continue;
                }
            };
            for (number, address) in addresses.iter().enumerate() {
                let share = share(left + addresses.len() - number - 1);
                match self.session(server, *address, share, moved).await {
                    Ok(session) => return Ok(session),
                    Err(fault) => last = fault,
                }
            }
        }
        Err(last)
    }

    /// The addresses of a server; `None` stands for a socket of this machine.
    async fn addresses(&self, server: &Server, end: Instant) -> Result<Vec<Option<std::net::SocketAddr>>> {
        let Server::Tcp { host, port, .. } = server else { return Ok(vec![None]) };
        let found =
            self.until(end, async { Ok(tokio::net::lookup_host((host.as_str(), *port)).await?) }).await?;
        // What is taken for this machine has to be it, whatever a name server says.
        let is_meant =
            |address: &std::net::SocketAddr| !server.is_local() || address.ip().to_canonical().is_loopback();
        let addresses: Vec<_> = found.filter(is_meant).map(Some).collect();
        if addresses.is_empty() {
            return Err(Fault::Other(format!("`{host}` has no address that can be used")));
        }
        Ok(addresses)
    }

    async fn until<T>(&self, end: Instant, what: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout_at(end, what).await.unwrap_or(Err(Fault::Silent(self.silence)))
    }

    /// From a socket to a session, however it is drawn out.
    async fn session(
        &self,
        server: &Server,
        address: Option<std::net::SocketAddr>,
        end: Instant,
        moved: &Arc<AtomicU64>,
    ) -> Result<(tokio_postgres::Client, Connection<Wire, Wire>)> {
        let connected = end.min(Instant::now() + self.connect_timeout);
        let socket = self.until(connected, open_socket(server, address)).await?;
        self.until(end, async {
            let socket = match socket {
                Socket::Tcp(tcp) if self.tls != Tls::Never => self.begin_tls(tcp, server).await?,
                other => other,
            };
            let bare = server.is_local() || matches!(socket, Socket::Tls(_));
            let wire = Wire::new(socket, bare, moved.clone());
            let (client, mut connection) = Client::begin(wire, &self.config).await?;
            if self.wants != Wants::Any {
                let asked = client.simple_query("SHOW transaction_read_only");
                let rows = tokio::select! {
                    rows = asked => rows?,
                    ended = &mut connection => {
                        ended?;
                        return Err(Fault::Other("it closed the connection".to_owned()));
                    }
                };
                let is_read_only = rows.iter().any(|row| {
                    matches!(row, tokio_postgres::SimpleQueryMessage::Row(row) if row.get(0) == Some("on"))
                });
                if is_read_only != (self.wants == Wants::ReadOnly) {
                    let what = if is_read_only { "it takes no writes" } else { "it takes writes" };
                    return Err(Fault::Other(what.to_owned()));
                }
            }
            Ok((client, connection))
        })
        .await
    }

    /// TLS by PostgreSQL's own way in: asked for in clear, answered by one byte. Nothing is read beyond it, so that nobody can
    /// put words before what is encrypted.
    async fn begin_tls(&self, mut tcp: TcpStream, server: &Server) -> Result<Socket> {
        const REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
        tcp.write_all(&REQUEST).await?;
        match tcp.read_u8().await? {
            b'S' => {}
            b'N' if self.tls == Tls::WhereOffered => return Ok(Socket::Tcp(tcp)),
            b'N' => return Err(Fault::Other("it does not speak TLS".to_owned())),
            _ => return Err(Fault::Refused(super::wire::Refused::Strange)),
        }
        let name = match server {
            Server::Tcp { name: Some(name), .. } => name,
            other => other.host(),
        };
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Fault::Other("no certificate can be for its host".to_owned()))?;
        let connector = tokio_rustls::TlsConnector::from(self.certificates.clone());
        Ok(Socket::Tls(Box::new(connector.connect(name, tcp).await?)))
    }

    /// Who has waited in vain once waits a tenth of that from then on: whatever is locked may be locked for everything.
    pub fn lose_patience(&mut self, client: &mut Client) {
        self.lock_waits = 1;
        let shorter = (self.lock_timeout / 10).as_millis().max(1);
        // Where it fails, so does the next statement.
        let _ = client.batch_execute(&format!("SET lock_timeout = {shorter}"));
    }

    /// The schema as an identifier in SQL.
    pub fn quoted_schema(&self) -> String {
        format!("\"{}\"", self.schema)
    }
}

async fn open_socket(server: &Server, address: Option<std::net::SocketAddr>) -> Result<Socket> {
    match (server, address) {
        (_, Some(address)) => {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            Ok(Socket::Tcp(tcp))
        }
        #[cfg(unix)]
        (Server::Unix { folder, port }, None) => {
            let path = Path::new(folder).join(format!(".s.PGSQL.{port}"));
            Ok(Socket::Unix(tokio::net::UnixStream::connect(path).await?))
        }
        (_, None) => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
    }
}

fn shown(url: &PostgresUrl) -> String {
    let (host, port) = url.servers.first().map_or(("", 0), |server| match server {
        Server::Tcp { name: Some(name), port, .. } => (name.as_str(), *port),
        other => (other.host(), other.port()),
    });
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let port = if port == 5432 { String::new() } else { format!(":{port}") };
    let database = url.database.as_ref().or(url.user.as_ref()).map_or("", String::as_str);
    format!("postgres://{host}{port}/{database}")
}

/// The environment's own `password:`, else `PAIRFORM_STORE_PASSWORD`, else the URL's, else `PGPASSWORD`, else the password
/// file's. Variables, and lines of the file that are for any host, serve a server that was named outside the files.
fn give_password(config: &mut Config, at: &Address, url: &PostgresUrl) {
    let of = |name: &str| {
        let password = std::env::var(name).ok().filter(|word| at.from_environment && !word.is_empty());
        password.map(Hidden::new)
    };
    let given =
        at.password.clone().or_else(|| of("PAIRFORM_STORE_PASSWORD")).or_else(|| url.password.clone());
    let given = given.or_else(|| of("PGPASSWORD")).or_else(|| passfile::password(url, at.from_environment));
    if let Some(password) = given {
        config.password(password.as_bytes());
    }
}

/// Longer than any file of authorities.
const LARGEST: u64 = 1 << 24;

/// Whom to believe that a server is who it says.
fn certificates(root: Option<&Path>, shown: &str) -> std::result::Result<Arc<ClientConfig>, StoreError> {
    let failed = |reason: String| StoreError::Open { store: shown.to_owned(), reason };
    let mut trusted = RootCertStore::empty();
    match root {
        Some(file) => {
            // A pipe would be waited for, and a device never ends.
            let is_one = std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() < LARGEST);
            let found = if is_one {
                rustls_native_certs::load_certs_from_paths(Some(file), None)
            } else {
                rustls_native_certs::CertificateResult::default()
            };
            let (added, _) = trusted.add_parsable_certificates(found.certs);
            if added == 0 {
                let reason = format!("sslrootcert {} holds no certificate that can be read", file.display());
                return Err(failed(reason));
            }
        }
        None => {
            trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Target {
        Target::parse(&Address::from(url)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn plain(url: &str) -> Target {
        let address = Address { plain: true, ..Address::from(url) };
        Target::parse(&address).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_server_elsewhere_is_reached_by_tls_alone_unless_a_line_and_the_url_say_otherwise() {
        for (url, tls) in [
            ("postgres://ann@db.internal/configure", Tls::Always),
            ("postgres://ann@localhost/configure", Tls::Never),
            ("postgres://ann@localhost/configure?sslmode=prefer", Tls::WhereOffered),
            ("postgresql://ann@127.0.0.1:5433/configure?sslmode=verify-full", Tls::Always),
        ] {
            assert_eq!(parsed(url).tls, tls, "{url}");
        }
        let open = "postgres://ann@db.internal/configure?sslmode=disable";
        assert!(Target::parse(&Address::from(open)).is_err());
        assert_eq!(plain(open).tls, Tls::Never);
    }

    #[test]
    fn what_is_shown_names_no_user_no_password_and_no_option() {
        let url = "postgres://ann:canary@db.internal:5433/configure?schema=team&options=-c%20a%3Dcanary";
        let target = parsed(url);
        assert_eq!(
            (target.shown.as_str(), target.schema.as_str()),
            ("postgres://db.internal:5433/configure", "team")
        );
        for wrong in
            ["?sslmode=canary", "?schema=a%22canary", "?port=canary", "?canary=1", "?statement_timeout=0"]
        {
            let url = format!("postgres://ann:canary-word@db.internal/configure{wrong}");
            let Err(error) = Target::parse(&Address::from(&url)) else { panic!("{wrong} is taken") };
            assert!(!error.to_string().contains("canary-word"), "{error}");
        }
    }
}
