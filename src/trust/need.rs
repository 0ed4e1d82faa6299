//! What an operation reaches out to. Nothing is judged here.

use std::fmt;
use std::path::PathBuf;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Lower case; an IPv6 address in brackets.
    pub host: String,
    pub port: u16,
}

impl Endpoint {
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        Endpoint { host: host.to_ascii_lowercase(), port }
    }

    /// The host with the port that the scheme does not imply.
    #[must_use]
    pub fn written(&self, usual: u16) -> String {
        if self.port == usual { self.host.clone() } else { self.to_string() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The port of `https://`.
pub const HTTPS: u16 = 443;
/// The port of PostgreSQL.
pub const POSTGRES: u16 = 5432;

/// One thing that has to be allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A connector's credentials are sent there, or will be by whoever reads the deployed state. `path` is where on a host of the
    /// platform's own that is no address of the connector's.
    Host { connector: String, at: Endpoint, path: Option<String> },
    /// A store's server is opened; `usual` is the port that its URL need not name.
    Store { at: Endpoint, usual: u16 },
    /// A store in a file outside the project, by its whole path.
    StoreFile(PathBuf),
    /// Vault is asked.
    Vault(Endpoint),
    /// A reference other than to a file or a program: `env/NAME`, `vault/MOUNT/PATH#KEY`.
    Secret(String),
    /// A file that holds a secret: its path from the project's root where it lies inside, else the whole path.
    File { path: PathBuf, is_inside: bool },
    /// A program, with its arguments.
    Program(Vec<String>),
}

impl Need {
    /// Allowed without a line, until lines narrow it.
    pub(super) fn is_usual(&self) -> bool {
        matches!(self, Need::Secret(_) | Need::File { is_inside: true, .. })
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Host { connector, at, path } => {
                write!(f, "the host {} for credentials of {connector}", at.written(HTTPS))?;
                path.iter().try_for_each(|path| write!(f, ", at `{path}`, which is no address of its own"))
            }
            Need::Store { at, usual } => write!(f, "the store's server {}", at.written(*usual)),
            Need::StoreFile(path) => write!(f, "the store {}, outside the project", path.display()),
            Need::Vault(at) => write!(f, "the Vault at {}", at.written(HTTPS)),
            Need::Secret(reference) => write!(f, "the secret `{reference}`"),
            Need::File { path, is_inside: true } => write!(f, "the secret in {}", path.display()),
            Need::File { path, .. } => write!(f, "the secret in {}, outside the project", path.display()),
            Need::Program(command) => write!(f, "the program `{}`", command.join(" ")),
        }
    }
}
