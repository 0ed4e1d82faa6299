//! How a server of the Configure section is to run, as plain data that one door reads and another obeys. Nothing listens here.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::reconcile::Rounds;
use super::section::{Pipeline, Proposing};
use super::{Host, Request, Result};
use crate::store::Address;
use crate::trust::Signatures;

/// How a server runs.
#[derive(Clone)]
pub struct Serving {
    pub listen: SocketAddr,
    /// Certificates and key, as PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whose word on who asks is taken.
    pub proxy: Option<Proxy>,
    /// Who is known by a forge's token.
    pub pipelines: Vec<Pipeline>,
    /// Nothing is saved.
    pub is_read_only: bool,
    pub store: Address,
    pub environment: Option<String>,
    /// What plans are made of: the environment and its store, as they were asked for.
    pub request: Request,
    /// Whose signatures of plans count.
    pub signatures: Signatures,
    /// Where changes of the files are proposed.
    pub proposing: Proposing,
    /// Takes what there is to tell.
    pub tell: Tell,
    /// How the reconciler beside it does, where there is one.
    pub rounds: Option<Arc<Rounds>>,
    /// Where a repository is looked for; none where only the store says what judges.
    pub project: Option<PathBuf>,
}

/// A proxy in front of the server that says who asks.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// `10.0.0.0/8`, `::1/128`
    pub network: Network,
    /// The header that has the user's name.
    pub user_header: String,
}

/// Addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: std::net::IpAddr,
    bits: u8,
}

/// Takes what a server tells while it runs.
pub type Tell = Arc<dyn Fn(&Told<'_>) + Send + Sync>;

/// What a server tells.
#[derive(Debug)]
pub enum Told<'a> {
    /// It listens there: `http://127.0.0.1:8080`.
    Listening(&'a str),
    /// An address that opens the pages, once.
    Link(&'a str),
    /// A request was answered: one line of JSON.
    Request(&'a str),
}

/// What a program that is built with its server can do.
#[derive(Clone, Copy)]
pub struct Server {
    /// Serves until it is to stop.
    pub serve: fn(Serving, Hosts, Arc<AtomicBool>) -> Result<()>,
    /// Shows how a reconciler does (`/metrics`, `/healthz`, `/readyz`) until it is to stop.
    pub show: fn(Showing, Arc<AtomicBool>) -> Result<()>,
}

/// How a reconciler is to be shown.
pub struct Showing {
    /// Where to listen.
    pub listener: TcpListener,
    pub rounds: Arc<Rounds>,
}

/// Gives each piece of work a host.
pub type Hosts = Arc<dyn Fn(&mut dyn FnMut(&Host<'_>)) + Send + Sync>;

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no network; write it as `10.0.0.0/8` or `::1/128`");
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: std::net::IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() { most } else { bits.parse().map_err(|_| wrong())? };
        if bits > most { Err(wrong()) } else { Ok(Network { address, bits }) }
    }
}

impl Network {
    #[must_use]
    pub fn contains(&self, other: std::net::IpAddr) -> bool {
        use std::net::IpAddr;
        let other = other.to_canonical();
        let shift = |width: u8| u32::from(width - self.bits);
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = u32::from(own) ^ u32::from(other);
                differing.checked_shr(shift(32)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = u128::from(own) ^ u128::from(other);
                differing.checked_shr(shift(128)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_other() {
        let table = [
            ("10.0.0.0/8", "10.200.1.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("::1/128", "::1", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "10.0.0.1", false),
        ];
        for (network, address, expected) in table {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network:?} {address}");
        }
        for wrong in ["10.0.0.0/33", "here", "10.0.0.0/x", ""] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
