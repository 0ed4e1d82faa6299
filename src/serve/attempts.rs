//! Wrong tokens, counted by the address that they came from, so that nobody tries very many.
#![expect(clippy::disallowed_methods, reason = "measures how old something is")]

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many wrong tokens from one address in [`PERIOD`] are judged; then none is looked at.
const TRIES: u32 = 20;
const PERIOD: Duration = Duration::from_secs(60);
/// Addresses of which wrong tokens are remembered.
const REMEMBERED: usize = 10_000;

/// Wrong tokens by address.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Attempts {
    pub fn are_too_many(&self, from: IpAddr) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&from).is_some_and(|(since, tries)| since.elapsed() < PERIOD && *tries >= TRIES)
    }

    pub fn count(&self, from: IpAddr) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.retain(|_, (since, _)| since.elapsed() < PERIOD);
        }
        let (since, tries) = all.entry(from).or_insert_with(|| (Instant::now(), 0));
        if since.elapsed() >= PERIOD {
            (*since, *tries) = (Instant::now(), 0);
        }
        *tries += 1;
    }
}
