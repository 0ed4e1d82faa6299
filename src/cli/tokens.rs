//! Tokens that change at each use. The new one must outlive the run, or the next run stands outside.
//!
//! A secret in a file is written back to it. One in an environment variable cannot be: its successor is kept in
//! `.pairform/tokens`, readable by its owner only, until the variable gets another value.
#![expect(clippy::disallowed_methods, reason = "the door through which changed tokens are kept")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::model::Hidden;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::secrets::Secrets;
use super::vault::Vault;
use crate::options::fetch::http::{Fault, Kind};

/// The secrets of a project as they are now.
pub struct Tokens<'a> {
    root: &'a Path,
    secrets: Secrets<'a>,
}

impl<'a> Tokens<'a> {
    #[must_use]
    pub fn new(root: &'a Path, vault: &'a Vault) -> Self {
        Tokens { root, secrets: Secrets::new(root, &[]).asking(vault) }
    }

    /// The value behind a reference, or what has taken its place since.
    ///
    /// # Errors
    /// Why it is not at hand.
    pub fn value(&self, reference: &str) -> Result<Hidden<String>, Fault> {
        let read = self
            .secrets
            .with(reference, |bytes| std::str::from_utf8(bytes).map(|text| Hidden::new(text.to_owned())));
        let value =
            read?.map_err(|_| Fault::new(Kind::Denied, format!("the secret `{reference}` is no text")))?;
        if !reference.starts_with("env/") {
            return Ok(value);
        }
        let kept = fs::read_to_string(self.successor(reference)).ok().map(Hidden::new);
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
    pub fn keep(&self, reference: &str, new: &str) -> Result<(), String> {
        let lost = |error: std::io::Error| {
            format!(
                "the token behind `{reference}` has changed and the new one cannot be kept ({error}): it has to be made anew"
            )
        };
        if let Some(path) = reference.strip_prefix("file/") {
            return write_private(&self.root.join(path), new).map_err(lost);
        }
        let of = self
            .secrets
            .with(reference, |bytes| digest(&String::from_utf8_lossy(bytes)))
            .map_err(|fault| fault.message)?;
        let text = Hidden::new(json!({"of": of, "token": new}).to_string());
        let ignored = self.root.join(".pairform/.gitignore");
        write_private(&self.successor(reference), &text).map_err(lost)?;
        if !ignored.exists() {
            let _ = fs::write(ignored, "*\n");
        }
        Ok(())
    }

    fn successor(&self, reference: &str) -> PathBuf {
        self.root.join(".pairform/tokens").join(format!("{}.json", &digest(reference)[..16]))
    }
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces a file at once by one that only its owner can read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_token_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        write_private(&folder.path().join("token"), "old\n").unwrap();
        let vault = Vault::default();
        let tokens = Tokens::new(folder.path(), &vault);
        assert_eq!(tokens.value("file/token").unwrap().as_str(), "old");
        tokens.keep("file/token", "new").unwrap();
        assert_eq!(tokens.value("file/token").unwrap().as_str(), "new");
        // PATH stands in for a variable that every run has.
        let before = tokens.value("env/PATH").unwrap();
        tokens.keep("env/PATH", "later").unwrap();
        assert_eq!(tokens.value("env/PATH").unwrap().as_str(), "later");
        let file = tokens.successor("env/PATH");
        fs::write(&file, json!({"of": "another value", "token": "later"}).to_string()).unwrap();
        assert_eq!(*tokens.value("env/PATH").unwrap(), *before);
    }
}
