//! The address of a server of the Configure section, read by one reader: what is judged of it and where is asked are the same. Nothing is
//! asked here, and nothing of an address that is wrong is repeated.

use url::Url;

use super::error::StoreError;
use super::url::Server;
use crate::http::address;

/// True for `https://…` and `http://…`.
pub(super) fn is_remote(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// The address of a server, taken apart.
///
/// # Errors
/// Why it is none, without a word of it.
pub(super) fn read(text: &str) -> Result<Url, StoreError> {
    let unfit = |why: &str| StoreError::Open {
        store: "https://…".to_owned(),
        reason: format!("the URL is wrong: {why}"),
    };
    let mut url = address::parse(text).ok_or_else(|| unfit("it is no address of a web server"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unfit("it holds a user or a password; a server's token is in PAIRFORM_STORE_TOKEN"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unfit("write nothing after its path: `https://HOST`"));
    }
    if !address::is_safe(&url) {
        return Err(StoreError::Clear { store: shown(&url) });
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The host and port of a server's address.
///
/// # Errors
/// When it is none.
pub(super) fn server_of(text: &str) -> Result<Server, StoreError> {
    let url = read(text)?;
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Server::Tcp { host, name: None, port: url.port_or_known_default().unwrap_or_default() })
}

/// As it is told and compared.
pub(super) fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
