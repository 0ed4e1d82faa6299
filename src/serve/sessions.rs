//! Who is signed in to the pages: cookies, of which the store keeps the hash, and the link that works once. What a session may
//! do is what the token that it was begun with may, at each moment; that of a link may what whoever runs the server may.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use crate::model::digest_text;
use crate::ops::{Error, ErrorKind, Result};
use crate::store::{Session, Store};

/// Nobody stays signed in for longer: a working day.
const LASTS: SignedDuration = SignedDuration::from_hours(12);

/// The sessions of a server.
#[derive(Debug, Default)]
pub struct Sessions {
    /// The hash of the link that nobody used yet.
    link: Mutex<Option<String>>,
    /// Of a server that writes nothing to its store, the sessions that it has.
    held: Mutex<HashMap<String, Session>>,
    is_read_only: bool,
}

impl Sessions {
    #[must_use]
    pub fn new(is_read_only: bool) -> Self {
        Sessions { is_read_only, ..Sessions::default() }
    }

    /// A new link's secret; none while there is one that nobody used.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn offer(&self) -> Result<Option<String>> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if link.is_some() {
            return Ok(None);
        }
        let secret = secret()?;
        *link = Some(digest_text(&secret));
        Ok(Some(secret))
    }

    /// Uses a link up; false where it is none, or was used.
    #[must_use]
    pub fn take(&self, secret: &str) -> bool {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        // Hashes are compared, so that nobody learns a link from how long that takes.
        let is_it = link.as_ref() == Some(&digest_text(secret));
        if is_it {
            *link = None;
        }
        is_it
    }

    /// The session of a cookie, while it lasts.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find(&self, cookie: &str, now: Timestamp, store: &mut dyn Store) -> Result<Option<Session>> {
        let (hash, now) = (digest_text(cookie), stamp(now));
        if !self.is_read_only {
            return Ok(store.session(&hash, &now)?);
        }
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(held.get(&hash).filter(|session| session.expires_at > now).cloned())
    }

    /// Begins a session and gives its cookie.
    ///
    /// # Errors
    /// When the store cannot be written, or the system gives no random bytes.
    pub fn begin(
        &self,
        by: &str,
        token: Option<String>,
        now: Timestamp,
        store: &mut dyn Store,
    ) -> Result<String> {
        let cookie = secret()?;
        let session = Session {
            hash: digest_text(&cookie),
            by: by.to_owned(),
            token,
            made_at: stamp(now),
            expires_at: stamp(now.checked_add(LASTS).unwrap_or(Timestamp::MAX)),
        };
        if self.is_read_only {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.retain(|_, one| one.expires_at > session.made_at);
            held.insert(session.hash.clone(), session);
        } else {
            store.add_session(&session)?;
        }
        Ok(cookie)
    }

    /// Ends the session of a cookie.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn end(&self, cookie: &str, store: &mut dyn Store) -> Result<()> {
        let hash = digest_text(cookie);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash);
        if self.is_read_only { Ok(()) } else { Ok(store.end_session(&hash)?) }
    }
}

/// As stores write a moment.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// 256 random bits, as text.
fn secret() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the system gives no random bytes: {error}"))
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_once_and_is_offered_anew_when_it_was_used() {
        let sessions = Sessions::default();
        let first = sessions.offer().unwrap().unwrap();
        assert_eq!(sessions.offer().unwrap(), None);
        assert!(!sessions.take("guessed") && sessions.take(&first) && !sessions.take(&first));
        let second = sessions.offer().unwrap().unwrap();
        assert!(first != second && !sessions.take(&first) && sessions.take(&second));
    }
}
