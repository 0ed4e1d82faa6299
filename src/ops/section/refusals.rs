//! Why nothing was saved, and what is kept of refusals: that somebody who is known asked for what he may not, or for what git, rules or a
//! hold keep from him. Whatever is only late or wrong is no refusal.

use jiff::SignedDuration;

use super::access::Access;
use super::ground::Written;
use super::ownership::Ownership;
use crate::diagnostic::placed::PlacedFinding;
use crate::model::{SettingPath, Settings};
use crate::ops::error::{Error, ErrorKind, Result as Done};
use crate::ops::host::Host;
use crate::plan::Refusal;
use crate::store::{Deployed, Lock, Note, REFUSAL, Store};

/// A setting that git owns.
#[derive(Debug, Clone)]
pub struct Managed {
    pub setting: SettingPath,
    pub owner: Ownership,
    pub written: Option<Written>,
}

/// Why nothing was saved.
#[derive(Debug)]
pub enum NotSaved {
    Failed(Error),
    /// Somebody saved the category since; with what is deployed now, and what the files say.
    Stale {
        category: String,
        now: Option<Box<Deployed>>,
        git: Option<Settings>,
        saved_by: String,
        saved_at: String,
    },
    /// Its settings have errors.
    Invalid(Vec<PlacedFinding>),
    /// Git owns these.
    Managed(Vec<Managed>),
    /// These hold a character that nobody sees, such as a bell or half of a line's end.
    Unprintable(Vec<(SettingPath, char)>),
    /// Whoever asks may not.
    Forbidden(String),
    /// The rules refuse it.
    Refused(Vec<Refusal>),
    /// Somebody holds the lock on the integration.
    Locked(Box<Lock>),
    /// What judges cannot be read, or what git owns is not known.
    Unjudged(String),
    /// The key was used for something else.
    KeyTaken,
    /// There is one of this name already.
    Exists(String),
}

impl<T: Into<Error>> From<T> for NotSaved {
    fn from(error: T) -> Self {
        NotSaved::Failed(error.into())
    }
}

/// The same is kept once in that time: whoever tries again and again fills no store.
const ONCE_IN: SignedDuration = SignedDuration::from_hours(1);

/// Hands on what became of something that was asked for, and keeps it where it was refused.
///
/// # Errors
/// What became of it.
pub fn kept<T>(
    done: Result<T, NotSaved>,
    what: &str,
    access: &Access,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<T, NotSaved> {
    if let Err(why) = &done
        && let Some(why) = words(why)
    {
        // It is refused, whether or not that can be kept.
        let _ = keep(format!("{what}: {why}"), access, store, host);
    }
    done
}

/// Why something was refused; none where it was not.
fn words(why: &NotSaved) -> Option<String> {
    Some(match why {
        NotSaved::Forbidden(why) => why.clone(),
        NotSaved::Managed(managed) => {
            let names: Vec<String> = managed.iter().map(|one| one.setting.to_string()).collect();
            format!("git owns {}", names.join(", "))
        }
        NotSaved::Refused(refusals) => {
            let all: Vec<&str> = refusals.iter().map(|one| one.message.as_str()).collect();
            all.join("; ")
        }
        NotSaved::Failed(error) if matches!(error.kind, ErrorKind::Refused | ErrorKind::NotAllowed) => {
            error.message.clone()
        }
        _ => return None,
    })
}

/// # Errors
/// When the store cannot be read or written.
fn keep(text: String, access: &Access, store: &mut dyn Store, host: &Host<'_>) -> Done<()> {
    let begin =
        (host.now)().checked_sub(ONCE_IN).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let note = Note { at: host.stamp(), by: access.name.clone(), kind: REFUSAL.to_owned(), text, run: None };
    let is_same = |known: &Note| (&known.by, &known.text) == (&note.by, &note.text);
    if !store.notes_of(&[REFUSAL], &begin)?.iter().any(is_same) {
        store.note(&note)?;
    }
    Ok(())
}
