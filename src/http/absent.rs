//! In place of `client` in a build without the feature `fetch`: nothing is asked over HTTP, and whoever tries is told so.

use std::time::Duration;

use super::fault::{Fault, FaultKind};
use super::message::{Answer, Request};

/// Who vouches for a server's certificate.
#[derive(Debug, Clone)]
pub struct Authorities;

impl Authorities {
    /// Those that this machine trusts.
    #[must_use]
    pub fn system() -> Self {
        Authorities
    }

    /// Those in the text of a PEM file.
    #[must_use]
    pub fn of_pem(_: &[u8]) -> Option<Self> {
        Some(Authorities)
    }
}

/// A client that opens no connection.
#[derive(Debug)]
pub struct Http;

impl Http {
    #[must_use]
    pub fn new(_: Duration, _: u64) -> Self {
        Http
    }

    /// As [`Http::new`].
    #[must_use]
    pub fn trusting(_: Duration, _: u64, _: Authorities) -> Self {
        Http
    }

    /// As [`Http::new`].
    #[must_use]
    pub fn patient(_: Duration, _: u64, _: Authorities) -> Self {
        Http
    }

    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn lines(
        &self,
        request: &Request,
        _: &str,
        _: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Option<Answer>, Fault> {
        self.send(request).map(Some)
    }

    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn send(&self, _: &Request) -> Result<Answer, Fault> {
        Err(Fault::new(FaultKind::Unreachable, "this build of pairform was made without what asks over HTTP"))
    }
}
