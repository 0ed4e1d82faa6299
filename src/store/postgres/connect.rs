//! From a URL to a connection: password, TLS and time limits. Reads the environment and opens a socket; knows no table.
//!
//! TLS: `sslmode=verify-full` is the default for every server but one on this machine, since a password and the
//! configuration of shops go over the wire; `sslmode=require` encrypts and checks the certificate all the same (stricter
//! than libpq), `prefer` does so where the server speaks TLS at all, `disable`, the default on this machine, asks for none. `sslrootcert=FILE` (or PGSSLROOTCERT) names the
//! authority of an internal server; otherwise the system's are trusted.
#![expect(
    clippy::disallowed_methods,
    reason = "reads the password and the trusted authority from the environment"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{failure, passfile};
use crate::store::address::Address;
use crate::store::error::StoreError;

/// The schema that holds the tables, unless the URL says `schema=NAME`.
const SCHEMA: &str = "pairform";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than any statement of ours on a loaded server. The URL may say `statement_timeout=MILLISECONDS`.
const STATEMENT_TIMEOUT_MS: u32 = 30_000;
/// Between attempts to connect anew: about as long as a restart of the server takes.
const PAUSES_MS: [u64; 6] = [0, 100, 300, 1000, 2000, 4000];

/// What a connection is for; a reader's writes are refused by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Where to connect, and how.
pub(super) struct Target {
    config: Config,
    tls: MakeRustlsConnect,
    pub schema: String,
    statement_timeout_ms: u32,
    /// `postgres://HOST:PORT/DATABASE`, for messages: without user, password and options.
    pub shown: String,
}

fn wrong_url(error: &postgres::Error) -> StoreError {
    StoreError::Open {
        store: "postgres://…".to_owned(),
        reason: format!("the URL is wrong: {}", failure::words(error)),
    }
}

/// Host, port, database and schema: where a URL leads, whoever asks and however.
pub(in crate::store) fn place(url: &str) -> Option<String> {
    let (config, ours) = read(url).ok()?;
    Some(format!("{} {}", shown(&config), ours.schema.as_deref().unwrap_or(SCHEMA)))
}

fn read(url: &str) -> Result<(Config, Ours), postgres::Error> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut ours = Ours::default();
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !ours.takes(pair)).collect();
    let address = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
    Ok((address.parse()?, ours))
}

impl Target {
    pub fn parse(at: &Address) -> Result<Target, StoreError> {
        let (mut config, ours) = read(&at.url).map_err(|error| wrong_url(&error))?;
        let shown = shown(&config);
        if let Some(name) = ours.wrong {
            return Err(StoreError::Open {
                store: shown,
                reason: format!("`{name}` in its URL is not usable"),
            });
        }
        let local = config.get_hosts().iter().all(is_local);
        config.ssl_mode(match ours.sslmode.as_deref() {
            Some("disable") => SslMode::Disable,
            Some("prefer" | "allow") => SslMode::Prefer,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(_) => {
                let reason = "sslmode is one of disable, prefer, require and verify-full".to_owned();
                return Err(StoreError::Open { store: shown, reason });
            }
            None if local => SslMode::Disable,
            None => SslMode::Require,
        });
        give_password(&mut config, at);
        config.application_name("pairform").connect_timeout(CONNECT_TIMEOUT);
        // A server that vanished without a word is noticed in half a minute.
        config
            .tcp_user_timeout(Duration::from_secs(30))
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3);
        let root = ours.sslrootcert.or_else(|| std::env::var_os("PGSSLROOTCERT").map(PathBuf::from));
        let tls = tls(root.as_deref(), &shown)?;
        Ok(Target {
            config,
            tls,
            schema: ours.schema.unwrap_or_else(|| SCHEMA.to_owned()),
            statement_timeout_ms: ours.statement_timeout_ms.unwrap_or(STATEMENT_TIMEOUT_MS),
            shown,
        })
    }

    pub fn connect(&self, access: Access) -> Result<Client, StoreError> {
        self.try_connect(access).map_err(|error| failure::open(&self.shown, &error))
    }

    /// Connects after a connection broke, with patience for a server that is being restarted.
    pub fn reconnect(&self, access: Access) -> Result<Client, postgres::Error> {
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

    fn try_connect(&self, access: Access) -> Result<Client, postgres::Error> {
        let mut client = self.config.connect(self.tls.clone())?;
        let read_only = if access == Access::Read { "on" } else { "off" };
        client.batch_execute(&format!(
            "SET search_path = {}; SET statement_timeout = {}; SET lock_timeout = {}; SET synchronous_commit = on;
             SET idle_in_transaction_session_timeout = 60000; SET default_transaction_read_only = {read_only};
             SET default_transaction_isolation = 'read committed'; SET client_min_messages = warning",
            self.quoted_schema(),
            self.statement_timeout_ms,
            self.statement_timeout_ms / 3,
        ))?;
        Ok(client)
    }

    /// Who has waited in vain once waits a tenth of that from then on: whatever is locked may be locked for everything.
    pub fn lose_patience(&self, client: &mut Client) {
        // Where it fails, so does the next statement.
        let _ =
            client.batch_execute(&format!("SET lock_timeout = {}", self.statement_timeout_ms.div_ceil(30)));
    }

    /// The schema as an identifier in SQL.
    pub fn quoted_schema(&self) -> String {
        format!("\"{}\"", self.schema)
    }
}

/// The options of a URL that the driver does not know, or knows less of.
#[derive(Default)]
struct Ours {
    sslmode: Option<String>,
    sslrootcert: Option<PathBuf>,
    schema: Option<String>,
    statement_timeout_ms: Option<u32>,
    /// The name of an option whose value cannot be used.
    wrong: Option<&'static str>,
}

impl Ours {
    /// Takes `name=value` if it is one of ours.
    fn takes(&mut self, pair: &str) -> bool {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decoded(value);
        match name {
            "sslmode" => self.sslmode = value,
            "sslrootcert" => self.sslrootcert = value.map(PathBuf::from),
            "schema" => {
                let plain = |name: &String| {
                    !name.is_empty()
                        && name.len() < 64
                        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                };
                self.schema = value.filter(plain);
                if self.schema.is_none() {
                    self.wrong = Some("schema");
                }
            }
            "statement_timeout" => {
                self.statement_timeout_ms = value.and_then(|text| text.parse().ok()).filter(|ms| *ms > 0);
                if self.statement_timeout_ms.is_none() {
                    self.wrong = Some("statement_timeout");
                }
            }
            _ => return false,
        }
        true
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn shown(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().filter(|port| **port != 5432);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{host}{port}/{database}")
}

/// `PAIRFORM_STORE_PASSWORD`, else the URL's, else `PGPASSWORD`, else the password file's. Those of the environment are given
/// to a server that was named outside the files.
fn give_password(config: &mut Config, at: &Address) {
    if let Some(password) = &at.password {
        config.password(password.as_bytes());
        return;
    }
    let of =
        |name: &str| std::env::var(name).ok().filter(|password| at.from_environment && !password.is_empty());
    let own = of("PAIRFORM_STORE_PASSWORD");
    let inherited = if config.get_password().is_none() { of("PGPASSWORD") } else { None };
    if let Some(password) = own.or(inherited) {
        config.password(password);
    } else if config.get_password().is_none()
        && let Some(password) = passfile::password(config)
    {
        config.password(password.as_bytes());
    }
}

fn tls(root: Option<&Path>, shown: &str) -> Result<MakeRustlsConnect, StoreError> {
    let failed = |reason: String| StoreError::Open { store: shown.to_owned(), reason };
    let mut trusted = RootCertStore::empty();
    match root {
        Some(file) => {
            let found = rustls_native_certs::load_certs_from_paths(Some(file), None);
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
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Target {
        Target::parse(&Address::from(url)).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_server_elsewhere_is_reached_by_tls_alone_unless_the_url_says_otherwise() {
        for (url, mode) in [
            ("postgres://ann@db.internal/configure", SslMode::Require),
            ("postgres://ann@db.internal/configure?sslmode=disable", SslMode::Disable),
            ("postgres://ann@localhost/configure", SslMode::Disable),
            ("postgres://ann@localhost/configure?sslmode=prefer", SslMode::Prefer),
            ("postgresql://ann@127.0.0.1:5433/configure?sslmode=verify-full", SslMode::Require),
        ] {
            assert_eq!(parsed(url).config.get_ssl_mode(), mode, "{url}");
        }
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
