//! Tokens that change at each use. The new one must outlive the run, or the next run stands outside.
//!
//! A successor is kept in the project's `.pairform/tokens`, readable by its owner only, until there is another value behind the
//! reference. Nothing is written to where the secret came from: a branch says where that is, and a server what would be written.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Reach, Secrets, Source};
use crate::http::{Fault, FaultKind};
use crate::model::{Hidden, hex};
use crate::source::kept;
use crate::source::write::Mode;
use crate::trust::Trust;

/// What is kept of a token that changed.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    /// The digest of the value that it follows.
    of: String,
    token: T,
}

/// The secrets of a project as they are now.
pub struct Tokens<'a> {
    root: &'a Path,
    secrets: Secrets<'a>,
}

impl<'a> Tokens<'a> {
    #[must_use]
    pub fn new(root: &'a Path, source: &'a dyn Source, trust: &'a Trust) -> Self {
        Tokens { root, secrets: Secrets::new(source, Reach::fetch(root, trust), &[]) }
    }

    /// The value behind a reference, or what has taken its place since.
    ///
    /// # Errors
    /// Why it is not at hand.
    pub fn value(&self, reference: &str) -> Result<Hidden<String>, Fault> {
        let value = self.secrets.text(reference)?;
        let kept = kept::text(self.root, &successor(reference))
            .map_err(|foreign| {
                Fault::new(FaultKind::Denied, format!("what is kept of `{reference}` in {foreign}"))
            })?
            .map(Hidden::new);
        let kept = kept.and_then(|text| {
            let Kept { of, token } = serde_json::from_str::<Kept<String>>(&text).ok()?;
            Some((of, Hidden::new(token)))
        });
        let follows = kept.filter(|(of, _)| *of == digest(&value));
        Ok(follows.map_or(value, |(_, token)| token))
    }

    /// Keeps the new value of a secret that its use has changed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, reference: &str, new: &str) -> Result<(), Fault> {
        let lost = |error: io::Error| {
            let why = format!(
                "the token behind `{reference}` has changed and the new one cannot be kept ({error}): it has to be made anew"
            );
            Fault::new(FaultKind::Denied, why)
        };
        if new.is_empty() || new.chars().any(char::is_control) {
            let why = format!(
                "what the platform gave in place of `{reference}` is no token: it has to be made anew"
            );
            return Err(Fault::new(FaultKind::Unusable, why));
        }
        let of = self
            .secrets
            .with(reference, |bytes| digest(&String::from_utf8_lossy(bytes)))
            .map_err(|fault| Fault::new(FaultKind::Denied, fault.message))?;
        // A text that grows leaves a copy behind: each character is at most two.
        let mut text = Hidden::new(Vec::with_capacity(256 + 2 * new.len()));
        serde_json::to_writer(&mut *text, &Kept { of, token: new }).map_err(|error| lost(error.into()))?;
        kept::keep(self.root, &successor(reference), &text, Mode::Private).map_err(lost)?;
        kept::ignore(self.root);
        Ok(())
    }
}

/// Where the successor of a secret is kept, from the project's root.
fn successor(reference: &str) -> PathBuf {
    Path::new(kept::FOLDER).join("tokens").join(format!("{}.json", &digest(reference)[..16]))
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::sync::Mutex;

    use super::*;
    use crate::secrets::{Bytes, Local};
    use crate::trust::{Grant, Origin};

    /// Secrets that change only when somebody outside changes them.
    struct Elsewhere(Mutex<BTreeMap<&'static str, &'static str>>);

    impl Source for Elsewhere {
        fn read(&self, reference: &str, _: &Reach<'_>) -> Result<Bytes, Fault> {
            let kept = self.0.lock().unwrap();
            let value =
                kept.get(reference).ok_or_else(|| Fault::new(FaultKind::Denied, "nothing is kept there"))?;
            Ok(Hidden::new(value.as_bytes().to_vec()))
        }
    }

    #[test]
    fn a_changed_token_takes_the_place_of_the_old_one_until_there_is_another() {
        let folder = tempfile::tempdir().unwrap();
        for reference in ["env/TOKEN", "vault/kv/shop#token"] {
            let trust = Trust::default();
            let source = Elsewhere(Mutex::new(BTreeMap::from([(reference, "first")])));
            let tokens = Tokens::new(folder.path(), &source, &trust);
            assert_eq!(tokens.value(reference).unwrap().as_str(), "first");
            tokens.keep(reference, "second").unwrap();
            assert_eq!(tokens.value(reference).unwrap().as_str(), "second");
            source.0.lock().unwrap().insert(reference, "third");
            assert_eq!(tokens.value(reference).unwrap().as_str(), "third");
        }
        assert_eq!(fs::read_to_string(folder.path().join(".pairform/.gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn what_a_server_answers_is_written_nowhere_but_beside_the_store() {
        let around = tempfile::tempdir().unwrap();
        let (root, other) = (around.path().join("project"), around.path().join("other"));
        fs::create_dir_all(&other).unwrap();
        fs::create_dir_all(&root).unwrap();
        let mine = other.join("authorized_keys");
        for file in [root.join("token"), mine.clone()] {
            fs::write(&file, "first\n").unwrap();
            #[cfg(unix)]
            fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        let source = Local::default();
        let lines = [format!("file={}", mine.display()), "file=token".to_owned()];
        let grant = |line: &String| Grant { line: line.parse().unwrap(), from: Origin::Given };
        let trust = Trust::new(false, lines.iter().map(grant).collect());
        let tokens = Tokens::new(&root, &source, &trust);
        for reference in ["file/token".to_owned(), format!("file/{}", mine.display())] {
            tokens.keep(&reference, "second").unwrap();
            assert_eq!(tokens.value(&reference).unwrap().as_str(), "second", "{reference}");
            for wrong in ["", "two\nlines", "a\u{1b}[0m"] {
                assert!(tokens.keep(&reference, wrong).is_err(), "{wrong:?}");
            }
            assert_eq!(tokens.value(&reference).unwrap().as_str(), "second", "{reference}");
        }
        for file in [root.join("token"), mine] {
            assert_eq!(fs::read_to_string(file).unwrap(), "first\n");
        }
    }
}
