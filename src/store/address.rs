//! Where a store is, and what a URL says of it. Nothing is opened here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::error::StoreError;
use super::url::{PostgresUrl, Server};
use super::web;
use crate::model::{Hidden, credential};

/// Where a store is, and what is allowed of it.
#[derive(Clone)]
pub struct Address {
    /// `sqlite:PATH`, `postgres://USER@HOST/DATABASE` or `https://HOST`
    pub url: String,
    /// The password of a server, which stands before one in the URL; of a server of the Configure section its token.
    pub password: Option<Hidden<String>>,
    /// The environment's own password may be sent there: `PAIRFORM_STORE_PASSWORD`, `PGPASSWORD` or `PAIRFORM_STORE_TOKEN`.
    pub from_environment: bool,
    /// A server on another machine may be spoken to without TLS. Even then it gets no password as it is.
    pub plain: bool,
    /// The project, where its files name the store: an embedded one must not lie outside of it, whatever links lead there,
    /// and the URL of a server names no authority. `None` where it was named from outside.
    pub within: Option<PathBuf>,
    /// An embedded store may have triggers that pairform did not make.
    pub own_triggers: bool,
    /// For so long a server may say nothing before it is taken for gone.
    pub silence: Duration,
    /// A server's answers are awaited too ([`super::Shared::mark_awaited`]): it is opened within the runtime that does.
    pub is_awaited: bool,
}

/// How long a server may say nothing, where nobody says otherwise.
pub const SILENCE: Duration = Duration::from_secs(30);

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Address {
            url: url.to_owned(),
            password: None,
            from_environment: true,
            plain: false,
            within: None,
            own_triggers: false,
            silence: SILENCE,
            is_awaited: false,
        }
    }
}

impl From<&String> for Address {
    fn from(url: &String) -> Self {
        Address::from(url.as_str())
    }
}

impl From<&Address> for Address {
    fn from(address: &Address) -> Self {
        address.clone()
    }
}

impl Address {
    /// Of a server of the Configure section, which alone writes its store.
    #[must_use]
    pub fn is_server(&self) -> bool {
        web::is_remote(&self.url)
    }
}

/// Where a URL leads, as far as that shows without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file, as its path was written.
    Sqlite(PathBuf),
    /// Each server that a connection may go to, in the order in which they are tried; never none.
    Postgres(Vec<Server>),
    /// A server of the Configure section.
    Configure(Server),
}

impl Place {
    /// Nothing that is sent there passes a network.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Place::Sqlite(_) => true,
            Place::Postgres(servers) => servers.iter().all(Server::is_local),
            Place::Configure(server) => server.is_local(),
        }
    }
}

/// Where a URL leads: the one answer that is judged, and connected to.
///
/// # Errors
/// When it names no store. Nothing of a URL that cannot be read is repeated.
pub fn place_of(url: &str) -> Result<Place, StoreError> {
    if is_postgres(url) {
        return Ok(Place::Postgres(read_postgres(url)?.servers));
    }
    if web::is_remote(url) {
        return web::server_of(url).map(Place::Configure);
    }
    sqlite_path(url).map(|path| Place::Sqlite(path.to_owned()))
}

pub(super) fn read_postgres(url: &str) -> Result<PostgresUrl, StoreError> {
    PostgresUrl::read(url).map_err(|reason| StoreError::Open {
        store: "postgres://…".to_owned(),
        reason: format!("the URL is wrong: {reason}"),
    })
}

/// `sqlite://name` is refused: whoever writes it means the file `name`, and would get `/name`.
pub(super) fn sqlite_path(url: &str) -> Result<&Path, StoreError> {
    url.strip_prefix("sqlite:")
        .filter(|path| !path.is_empty() && !path.starts_with("//"))
        .map(Path::new)
        .ok_or_else(|| StoreError::Url(without_password(url)))
}

/// A URL as a message may repeat it: without user and password, and without an option that holds one. What is no URL of a store
/// loses whatever may be one.
#[must_use]
pub fn without_password(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return if url.contains(['@', '=']) { "…".to_owned() } else { url.to_owned() };
    };
    if !is_postgres(url) || PostgresUrl::read(url).is_err() {
        return credential::without_login(url);
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let place = place.rsplit_once('@').map_or(place.to_owned(), |(_, host)| format!("***@{host}"));
    let is_harmless = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        percent_decode_str(name).decode_utf8().is_ok_and(|name| name != "password")
    };
    let query: Vec<&str> = query.split('&').filter(is_harmless).collect();
    let query = query.join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{place}{mark}{query}")
}

/// True for `postgres://…` and `postgresql://…`.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(url: &str) -> String {
        match place_of(url) {
            Ok(place @ (Place::Postgres(_) | Place::Configure(_))) => {
                let servers = match place {
                    Place::Configure(server) => vec![server],
                    Place::Postgres(servers) => servers,
                    Place::Sqlite(_) => Vec::new(),
                };
                let shown = |server: &Server| {
                    let name = match server {
                        Server::Tcp { name: Some(name), .. } => format!("({name})"),
                        _ => String::new(),
                    };
                    let here = if server.is_local() { " here" } else { "" };
                    format!("{}{name} {}{here}", server.host(), server.port())
                };
                servers.iter().map(shown).collect::<Vec<_>>().join(", ")
            }
            Ok(Place::Sqlite(path)) => format!("file {}", path.display()),
            Err(error) => {
                let said = error.to_string();
                assert!(!said.contains("canary"), "{said}");
                "refused".to_owned()
            }
        }
    }

    /// Each way in which libpq lets a URL name a place.
    #[test]
    fn every_place_that_a_url_may_lead_to_is_listed_or_it_is_refused() {
        for (url, expected) in [
            ("postgres://ci@db.internal/x", "db.internal 5432"),
            ("postgresql://ci:canary@DB.Internal:6432/x", "db.internal 6432"),
            ("postgres://ci@localhost/x", "localhost 5432 here"),
            ("postgres://LOCALHOST/x", "localhost 5432 here"),
            ("postgres://127.0.0.1,127.9.9.9:7/x", "127.0.0.1 5432 here, 127.9.9.9 7 here"),
            ("postgres://[::1]:6/x", "::1 6 here"),
            ("postgres://[0:0::1]/x", "::1 5432 here"),
            ("postgres://[::ffff:127.0.0.1]/x", "::ffff:127.0.0.1 5432 here"),
            ("postgres://[::ffff:10.0.0.1]/x", "::ffff:10.0.0.1 5432"),
            // What only leads here today.
            ("postgres://localhost./x", "localhost. 5432"),
            ("postgres://localhost.evil.com/x", "localhost.evil.com 5432"),
            ("postgres://127.1/x", "127.1 5432"),
            ("postgres://0x7f000001/x", "0x7f000001 5432"),
            ("postgres://2130706433/x", "2130706433 5432"),
            ("postgres://0.0.0.0/x", "0.0.0.0 5432"),
            // Several.
            ("postgres://a,localhost,b:7/x", "a 5432, localhost 5432 here, b 7"),
            ("postgres:///x?host=a,b&port=6", "a 6, b 6"),
            ("postgres://a,b/x?port=6,7", "a 6, b 7"),
            // In the query, encoded or not.
            ("postgres:///x?host=db.internal", "db.internal 5432"),
            ("postgres:///x?%68ost=db.internal&%70ort=7", "db.internal 7"),
            ("postgres://%6cocalhost/x", "localhost 5432 here"),
            ("postgres://db%2einternal/x", "db.internal 5432"),
            // An address beside the name is where it goes.
            ("postgres:///x?hostaddr=10.0.0.1", "10.0.0.1 5432"),
            ("postgres:///x?hostaddr=127.0.0.1", "127.0.0.1 5432 here"),
            ("postgres://db.internal/x?hostaddr=10.0.0.1", "10.0.0.1(db.internal) 5432"),
            ("postgres://a,b/x?hostaddr=10.0.0.1,10.0.0.2", "10.0.0.1(a) 5432, 10.0.0.2(b) 5432"),
            ("postgres://localhost/x?hostaddr=::1", "::1(localhost) 5432 here"),
            ("postgres://localhost/x?hostaddr=10.0.0.1", "refused"),
            ("postgres://localhost/x?%68ostaddr=10.0.0.1", "refused"),
            ("postgres://db.internal/x?hostaddr=127.0.0.1", "refused"),
            ("postgres://a,localhost/x?hostaddr=10.0.0.1,10.0.0.2", "refused"),
            ("postgres://a,b/x?hostaddr=10.0.0.1", "refused"),
            ("postgres://a/x?hostaddr=10.0.0.1,10.0.0.2", "refused"),
            ("postgres://a/x?hostaddr=localhost", "refused"),
            // Sockets.
            ("postgres://%2Fvar%2Frun/x", "/var/run 5432 here"),
            ("postgres://ci@%2Fvar%2Frun:6/x", "/var/run 6 here"),
            ("postgres:///x?host=/var/run", "/var/run 5432 here"),
            ("postgres:///x?host=/var/run,db.internal", "/var/run 5432 here, db.internal 5432"),
            ("postgres:///x?host=/var/run&hostaddr=10.0.0.1", "refused"),
            ("postgres:///x?host=@abstract", "refused"),
            // Read in one way only.
            ("postgres://a/x?host=b", "refused"),
            ("postgres:///x?host=a&host=b", "refused"),
            ("postgres:///x?host=a&%68ost=b", "refused"),
            ("postgres://a:6/x?port=7", "refused"),
            ("postgres://a/x?hostaddr=10.0.0.1&hostaddr=10.0.0.2", "refused"),
            ("postgres://ci:canary@a@b/x", "refused"),
            ("postgres://ci:can/ary@a/x", "refused"),
            ("postgres://ci:can?ary@a/x", "refused"),
            ("postgres://localhost/x?user=canary@evil.com/y", "refused"),
            ("postgres://localhost\\@evil.com/x", "evil.com 5432"),
            ("postgres://evil.com\\.localhost/x", "refused"),
            ("postgres://localhost#@evil.com/x", "evil.com 5432"),
            ("postgres://a b/x", "refused"),
            ("postgres://a%00b/x", "refused"),
            ("postgres://a%zz/x", "refused"),
            ("postgres://a%0a/x", "refused"),
            ("postgres://bücher/x", "refused"),
            ("postgres://a,,b/x", "refused"),
            ("postgres:///x", "refused"),
            ("postgres://", "refused"),
            ("postgres://a:0/x", "refused"),
            ("postgres://a:65536/x", "refused"),
            ("postgres://a:+5/x", "refused"),
            ("postgres://[::1/x", "refused"),
            ("postgres://[a]/x", "refused"),
            // Files that name another place.
            ("postgres:///x?service=canary", "refused"),
            ("postgres://a/x?servicefile=/canary", "refused"),
            ("postgres://a/x?passfile=/canary", "refused"),
            ("postgres://a/x?sslkey=/canary", "refused"),
            ("postgres://ci:x&canary=1@a/x?canary=1", "refused"),
            ("host=localhost dbname=canary", "refused"),
            ("https://canary:canary@configure.example.com/?token=canary", "refused"),
            ("https://canary@configure.example.com", "refused"),
            ("https://configure.example.com?token=canary", "refused"),
            ("https://configure.example.com/#canary", "refused"),
            ("https://configure.example.com", "configure.example.com 443"),
            ("https://Configure.example.com:8443/pairform/", "configure.example.com 8443"),
            ("http://127.0.0.1:8080", "127.0.0.1 8080 here"),
            ("http://[::1]:8080", "::1 8080 here"),
            ("http://configure.example.com", "refused"),
            ("http://127.0.0.1.evil.example", "refused"),
            ("https://", "refused"),
            ("sqlite:state.db", "file state.db"),
            ("sqlite://state.db", "refused"),
            ("sqlite:", "refused"),
        ] {
            assert_eq!(servers(url), expected, "{url}");
        }
    }

    #[test]
    fn no_form_of_a_url_shows_its_password() {
        for (url, expected) in [
            ("postgres://ann:canary@db/x", "postgres://***@db/x"),
            ("postgres://ann@db/x?schema=team&password=canary", "postgres://***@db/x?schema=team"),
            ("postgres://db/x?%70assword=canary&schema=team", "postgres://db/x?schema=team"),
            ("postgres://db/x?password=canary", "postgres://db/x"),
            ("postgres://db/x?schema=team", "postgres://db/x?schema=team"),
            ("postgres://ann:can@ary@db/x", "postgres://***@db/x"),
            ("postgres://ann:can/ary@db/x?a=canary", "postgres://***@db/x"),
            ("postgres://db/x?passwort=canary", "postgres://db/x?…"),
            ("postgres:ann:canary@db/x", "…"),
            ("host=db password=canary", "…"),
            ("mysql://ann:canary@db/x?password=canary", "mysql://***@db/x?…"),
            ("postgres://ann:canary", "postgres://…"),
            ("sqlite:a@b?c.db", "sqlite:a@b?c.db"),
        ] {
            assert_eq!(without_password(url), expected);
        }
    }
}
