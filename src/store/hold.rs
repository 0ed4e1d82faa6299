//! The hold that a way back leaves on what it saved, so that the next apply of the files does not quietly redo what was undone.
//! A note of the run that went back, read back here; whether it still stands is for whoever reads the history to say.

use super::data::{HOLD, Note};

/// What a note of [`HOLD`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Under the name that it had then.
    pub integration: String,
    /// RFC 3339, UTC.
    pub until: String,
    pub reason: String,
    pub by: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// Digest of the plan that was applied: what it saved is held.
    pub run: String,
}

const UNTIL: &str = " until ";
const REASON: &str = ": ";

impl Hold {
    /// What the note of it says; read back by [`Hold::read`]. The name of an integration holds no space.
    #[must_use]
    pub fn text(integration: &str, until: &str, reason: &str) -> String {
        format!("{integration}{UNTIL}{until}{REASON}{reason}")
    }

    #[must_use]
    pub fn read(note: &Note) -> Option<Self> {
        let (integration, rest) = note.text.split_once(UNTIL).filter(|_| note.kind == HOLD)?;
        let (until, reason) = rest.split_once(REASON)?;
        Some(Hold {
            integration: integration.to_owned(),
            until: until.to_owned(),
            reason: reason.to_owned(),
            by: note.by.clone(),
            at: note.at.clone(),
            run: note.run.clone()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_no_other_note() {
        let text = Hold::text("my-shop", "2026-12-13T10:00:00Z", "reverted to revision 1 of order: really");
        let note = |kind: &str| Note {
            at: "2026-11-29T10:00:00Z".to_owned(),
            by: "ann".to_owned(),
            kind: kind.to_owned(),
            text: text.clone(),
            run: Some("sha256:1".to_owned()),
        };
        let hold = Hold::read(&note(HOLD)).unwrap();
        assert_eq!((&*hold.integration, &*hold.until), ("my-shop", "2026-12-13T10:00:00Z"));
        assert_eq!(hold.reason, "reverted to revision 1 of order: really");
        assert_eq!(Hold::read(&note("revert")), None);
    }
}
