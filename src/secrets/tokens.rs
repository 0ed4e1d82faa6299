//! Tokens that change at each use. The new one must outlive the run, or the next run stands outside.
//!
//! A secret in a file is written back to it. One in an environment variable or in Vault cannot be: its successor is kept in
//! `.pairform/tokens`, readable by its owner only, until there is another value behind the reference.
#![expect(clippy::disallowed_methods, reason = "the door through which changed tokens are kept")]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{Reach, Secrets, Source};
use crate::http::{Fault, Kind};
use crate::model::{Hidden, hex};
use crate::source::write::{self, Draft, Mode};

/// The secrets of a project as they are now.
pub struct Tokens<'a> {
    root: &'a Path,
    secrets: Secrets<'a>,
}

impl<'a> Tokens<'a> {
    #[must_use]
    pub fn new(root: &'a Path, source: &'a dyn Source) -> Self {
        Tokens { root, secrets: Secrets::new(source, Reach::fetch(root), &[]) }
    }

    /// The value behind a reference, or what has taken its place since.
    ///
    /// # Errors
    /// Why it is not at hand.
    pub fn value(&self, reference: &str) -> Result<Hidden<String>, Fault> {
        let value = self.secrets.text(reference)?;
        if reference.starts_with("file/") {
            return Ok(value);
        }
        let kept = fs::read_to_string(self.root.join(successor(reference))).ok().map(Hidden::new);
        let kept: Option<Json> = kept.and_then(|text| serde_json::from_str(&text).ok());
        let follows = kept.filter(|kept| kept["of"] == digest(&value).as_str());
        Ok(follows
            .and_then(|kept| kept["token"].as_str().map(|token| Hidden::new(token.to_owned())))
            .unwrap_or(value))
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
            Fault::new(Kind::Denied, why)
        };
        if let Some(path) = reference.strip_prefix("file/") {
            return self.write_back(Path::new(path), new).map_err(lost);
        }
        let of = self
            .secrets
            .with(reference, |bytes| digest(&String::from_utf8_lossy(bytes)))
            .map_err(|fault| Fault::new(Kind::Denied, fault.message))?;
        let text = Hidden::new(json!({"of": of, "token": new}).to_string());
        write::replace(self.root, &successor(reference), text.as_bytes(), Mode::Private).map_err(lost)?;
        // Where there is one already, somebody decided.
        let _ = write::create(self.root, Path::new(".pairform/.gitignore"), b"*\n");
        Ok(())
    }

    /// Writes into the file that a secret was read from: inside the project, or where an absolute path led.
    fn write_back(&self, path: &Path, new: &str) -> io::Result<()> {
        let (root, full) = (fs::canonicalize(self.root)?, fs::canonicalize(self.root.join(path))?);
        match full.strip_prefix(&root) {
            Ok(inside) => write::replace(&root, inside, new.as_bytes(), Mode::Private),
            Err(_) if path.is_absolute() => {
                let mut draft = Draft::at(&full, Mode::Private)?;
                draft.write_all(new.as_bytes())?;
                draft.finish()
            }
            Err(_) => write::replace(&root, path, new.as_bytes(), Mode::Private),
        }
    }
}

/// Where the successor of a secret is kept, from the project's root.
fn successor(reference: &str) -> PathBuf {
    Path::new(".pairform/tokens").join(format!("{}.json", &digest(reference)[..16]))
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;
    use crate::secrets::{Bytes, Local};

    /// Secrets that change only when somebody outside changes them.
    struct Elsewhere(Mutex<BTreeMap<&'static str, &'static str>>);

    impl Source for Elsewhere {
        fn read(&self, reference: &str, _: &Reach<'_>) -> Result<Bytes, Fault> {
            let kept = self.0.lock().unwrap();
            let value =
                kept.get(reference).ok_or_else(|| Fault::new(Kind::Denied, "nothing is kept there"))?;
            Ok(Hidden::new(value.as_bytes().to_vec()))
        }
    }

    #[test]
    fn a_changed_token_takes_the_place_of_the_old_one_until_there_is_another() {
        let folder = tempfile::tempdir().unwrap();
        for reference in ["env/TOKEN", "vault/kv/shop#token"] {
            let source = Elsewhere(Mutex::new(BTreeMap::from([(reference, "first")])));
            let tokens = Tokens::new(folder.path(), &source);
            assert_eq!(tokens.value(reference).unwrap().as_str(), "first");
            tokens.keep(reference, "second").unwrap();
            assert_eq!(tokens.value(reference).unwrap().as_str(), "second");
            source.0.lock().unwrap().insert(reference, "third");
            assert_eq!(tokens.value(reference).unwrap().as_str(), "third");
        }
        assert_eq!(fs::read_to_string(folder.path().join(".pairform/.gitignore")).unwrap(), "*\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_token_in_a_file_is_written_back_to_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let around = tempfile::tempdir().unwrap();
        let (root, other) = (around.path().join("project"), around.path().join("other"));
        for file in [root.join("in/token"), other.join("token")] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "old\n").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("in/token"), root.join("link")).unwrap();
        let source = Local::default();
        let tokens = Tokens::new(&root, &source);
        let outside = format!("file/{}", other.join("token").display());
        let inside = format!("file/{}", root.join("in/token").display());
        for (number, reference) in
            ["file/in/token", "file/in/../in/token", "file/link", &inside, &outside].into_iter().enumerate()
        {
            assert!(tokens.value(reference).is_ok(), "{reference}");
            tokens.keep(reference, &format!("new {number}")).unwrap();
            assert_eq!(tokens.value(reference).unwrap().as_str(), format!("new {number}"), "{reference}");
        }
        assert!(root.join("link").is_symlink());
        // What may not be read is not written either.
        assert!(tokens.keep("file/../other/token", "taken").is_err());
        assert_eq!(fs::read_to_string(other.join("token")).unwrap(), "new 4");
        let mode = fs::metadata(other.join("token")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }
}
