//! Where a store is. Nothing is opened here.

use std::path::PathBuf;

use crate::model::Hidden;

/// Where a store is.
#[derive(Clone)]
pub struct Address {
    /// `sqlite:PATH` or `postgres://USER@HOST/DATABASE`
    pub url: String,
    /// The password of a server, which stands before one in the URL.
    pub password: Option<Hidden<String>>,
    /// The environment's own password may be sent there: `PAIRFORM_STORE_PASSWORD` or `PGPASSWORD`.
    pub from_environment: bool,
    /// A server that is not on this machine may be one without TLS.
    pub plain: bool,
}

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file, from wherever relative paths begin.
    File(PathBuf),
    /// Every server that a connection may go to.
    Servers(Vec<Server>),
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// A name, an address (one of IPv6 in brackets), or the folder of a socket.
    pub host: String,
    pub port: u16,
    /// On this machine, by an address that nobody else decides about.
    pub is_local: bool,
}

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Address { url: url.to_owned(), password: None, from_environment: true, plain: false }
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

/// A URL may carry a password, which no message repeats.
#[must_use]
pub fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, host))) if rest.contains('@') => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
}

/// True for `postgres://…` and `postgresql://…`.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}
