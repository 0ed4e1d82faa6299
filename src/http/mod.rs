//! Asking a server over HTTP: requests and answers as data, what may go wrong, addresses and their parts. Only [`client`] opens
//! a connection. Nothing here knows a platform, a credential's meaning or a retry.

pub mod address;
#[cfg(not(feature = "fetch"))]
#[path = "absent.rs"]
pub mod client;
#[cfg(feature = "fetch")]
pub mod client;
mod fault;
mod message;

pub use fault::{Fault, FaultKind};
pub use message::{Answer, Request};
