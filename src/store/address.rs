//! Where a store is. Nothing is opened here.

use crate::model::Hidden;

/// Where a store is.
#[derive(Clone)]
pub struct Address {
    /// `sqlite:PATH` or `postgres://USER@HOST/DATABASE`
    pub url: String,
    /// The password of a server, which stands before one in the URL.
    pub password: Option<Hidden<String>>,
}

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Address { url: url.to_owned(), password: None }
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
