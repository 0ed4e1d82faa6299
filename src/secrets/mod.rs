//! Secrets: from a reference to a fingerprint. The value is read and wiped after use; it is never kept.
//!
//! `env/NAME` is a variable; `file/PATH` a file that only its owner may read; `exec/NAME` what a program prints that the
//! project allows by name; `vault/…` is HashiCorp Vault. Programs run when something is applied, never for a plan: whoever
//! reads a pull request should not run what it brings. Vault is asked to apply and to fetch, never for a plan.
#![expect(clippy::disallowed_methods, reason = "the door through which secrets are read")]

pub mod tokens;
mod vault;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::http::{Fault, FaultKind};
use crate::model::Hidden;
use crate::model::value::fingerprint;
use vault::Vault;

/// A larger file is no secret.
const MAX_BYTES: u64 = 64 * 1024;

/// A program that takes longer is ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a program that has said all.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A value; its memory is wiped.
pub type Bytes = Hidden<Vec<u8>>;

/// Where the values behind references come from: the edge at which secrets enter.
pub trait Source: Sync {
    /// The value behind a reference, as it is kept there, as far as `reach` goes.
    ///
    /// # Errors
    /// Why it is not at hand; never says anything of the value.
    fn read(&self, reference: &str, reach: &Reach<'_>) -> Result<Bytes, Fault>;
}

/// How far a reading may go.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// The project: relative paths begin there and stay inside.
    pub root: &'a Path,
    /// The programs that may run, by name. None runs for a plan.
    pub programs: Option<&'a BTreeMap<String, Vec<String>>>,
    /// Vault may be asked: to apply and to fetch.
    pub vault: bool,
}

impl<'a> Reach<'a> {
    /// What a plan may read: variables and files.
    #[must_use]
    pub fn plan(root: &'a Path) -> Self {
        Reach { root, programs: None, vault: false }
    }

    /// What fetching may read: Vault too.
    #[must_use]
    pub fn fetch(root: &'a Path) -> Self {
        Reach { vault: true, ..Reach::plan(root) }
    }

    /// What applying may read: Vault and programs too.
    #[must_use]
    pub fn apply(root: &'a Path, programs: &'a BTreeMap<String, Vec<String>>) -> Self {
        Reach { programs: Some(programs), ..Reach::fetch(root) }
    }
}

/// Secrets of one project: handed out for a moment, or fingerprinted for one store.
pub struct Secrets<'a> {
    source: &'a dyn Source,
    reach: Reach<'a>,
    key: &'a [u8],
}

impl<'a> Secrets<'a> {
    /// `key` is the store's, for fingerprints; empty where none is asked for.
    #[must_use]
    pub fn new(source: &'a dyn Source, reach: Reach<'a>, key: &'a [u8]) -> Self {
        Secrets { source, reach, key }
    }

    /// The fingerprint of the secret behind a reference.
    ///
    /// # Errors
    /// Why the secret is not at hand; never says anything of its value.
    pub fn fingerprint(&self, reference: &str) -> Result<String, Fault> {
        self.with(reference, |value| fingerprint(self.key, value))
    }

    /// Hands the secret behind a reference to `take`, without the line end that files have.
    ///
    /// # Errors
    /// Why the secret is not at hand; never says anything of its value.
    pub fn with<T>(&self, reference: &str, take: impl FnOnce(&[u8]) -> T) -> Result<T, Fault> {
        if !is_reference(reference) {
            return Err(denied(format!("`{reference}` is no reference to a secret")));
        }
        let value = self.source.read(reference, &self.reach).map_err(|fault| {
            let message = format!("the secret `{reference}` is not at hand: {}", fault.message);
            Fault { message, ..fault }
        })?;
        let trimmed = value.trim_ascii_end();
        if trimmed.is_empty() {
            return Err(denied(format!("the secret `{reference}` is empty")));
        }
        Ok(take(trimmed))
    }

    /// The secret behind a reference, as a text.
    ///
    /// # Errors
    /// Why it is not at hand, or that it is no text.
    pub fn text(&self, reference: &str) -> Result<Hidden<String>, Fault> {
        self.with(reference, |value| std::str::from_utf8(value).map(|text| Hidden::new(text.to_owned())))?
            .map_err(|_| denied(format!("the secret `{reference}` is no text")))
    }
}

/// This machine: its environment, its files, its programs, and the Vault that the environment names.
#[derive(Default)]
pub struct Local {
    vault: Vault,
    /// Of a program that runs: it may ask a person, so one runs after the other.
    turn: Mutex<()>,
}

impl Source for Local {
    fn read(&self, reference: &str, reach: &Reach<'_>) -> Result<Bytes, Fault> {
        match reference.split_once('/') {
            Some(("env", name)) => variable(name).map_err(denied),
            Some(("file", path)) => file(reach.root, path).map_err(denied),
            Some(("exec", name)) => self.program(name, reach).map_err(denied),
            Some(("vault", path)) if reach.vault => self.vault.read(path),
            Some(("vault", _)) => Err(denied("Vault is asked only to apply and to fetch".to_owned())),
            _ => Err(denied("nothing is kept there".to_owned())),
        }
    }
}

/// Whether a text names a place where secrets are kept.
fn is_reference(text: &str) -> bool {
    ["env/", "file/", "exec/", "vault/"].iter().any(|kind| text.starts_with(kind))
}

fn denied(why: String) -> Fault {
    Fault::new(FaultKind::Denied, why)
}

impl Local {
    fn program(&self, name: &str, reach: &Reach<'_>) -> Result<Bytes, String> {
        let Some(programs) = reach.programs else {
            return Err("programs run only when something is applied".to_owned());
        };
        let command = programs.get(name).and_then(|command| command.split_first());
        let Some((program, arguments)) = command else {
            return Err(format!(
                "pairform.yaml allows no program of that name; declare it under `secrets: {{exec: {{{name}: [PROGRAM]}}}}`"
            ));
        };
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(reach.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program} cannot be run: {error}"))?;
        let Some(output) = child.stdout.take() else { return Err(format!("{program} has no output")) };
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || send.send(read(output)));
        let deadline = Instant::now() + PATIENCE;
        let printed = receive.recv_timeout(PATIENCE);
        let until = if matches!(printed, Ok(Ok(_))) { deadline } else { Instant::now() };
        let ended = ended(&mut child, until).map_err(|error| error.to_string())?;
        match (printed, ended) {
            (Err(_), _) | (Ok(Ok(_)), None) => {
                Err(format!("{program} took longer than {} seconds", PATIENCE.as_secs()))
            }
            (Ok(Ok(_)), Some(status)) if !status.success() => Err(format!("{program} ended with {status}")),
            (Ok(printed), _) => printed,
        }
    }
}

/// A relative path stays inside the project, links followed; an absolute one is taken at its word.
fn file(root: &Path, path: &str) -> Result<Bytes, String> {
    let refused = |error: std::io::Error| error.to_string();
    let full = std::fs::canonicalize(root.join(path)).map_err(refused)?;
    let root = std::fs::canonicalize(root).map_err(refused)?;
    if !Path::new(path).is_absolute() && !full.starts_with(&root) {
        return Err("it lies outside the project; write its whole path if that is meant".to_owned());
    }
    if !full.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let file = File::open(&full).map_err(refused)?;
    let data = file.metadata().map_err(refused)?;
    if !data.is_file() || data.len() > MAX_BYTES {
        return Err("it is not a small regular file".to_owned());
    }
    private(&data)?;
    read(file)
}

/// How a program ended; `None` when it had to be ended, since it still ran at the deadline.
fn ended(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            // It may end by itself in between.
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn variable(name: &str) -> Result<Bytes, String> {
    let value =
        std::env::var_os(name).ok_or_else(|| format!("the environment variable {name} is not set"))?;
    Ok(Hidden::new(value.into_encoded_bytes()))
}

/// Reads all there is, within bounds, into memory that is wiped.
fn read(from: impl std::io::Read) -> Result<Bytes, String> {
    // Of the full size from the start: a growing buffer leaves copies behind.
    let limit = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
    let mut value = Hidden::new(Vec::with_capacity(limit + 64));
    from.take(MAX_BYTES + 1).read_to_end(&mut value).map_err(|error| error.to_string())?;
    if value.len() > limit { Err("it is too long for a secret".to_owned()) } else { Ok(value) }
}

#[cfg(unix)]
fn private(data: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = data.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(format!("others than its owner may read it (mode {mode:o}); run `chmod 600` on it"))
}

#[cfg(not(unix))]
fn private(_: &std::fs::Metadata) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_program_that_lingers_is_ended() {
        let start = |script: &str| Command::new("sh").args(["-c", script]).spawn().unwrap();
        let mut lingers = start("exec >&-; exec sleep 600");
        assert!(ended(&mut lingers, Instant::now()).unwrap().is_none());
        assert!(lingers.try_wait().unwrap().is_some(), "it does not run on");
        let later = Instant::now() + PATIENCE;
        assert_eq!(ended(&mut start("exit 3"), later).unwrap().unwrap().code(), Some(3));
    }
}
