//! Secrets: from a reference to a fingerprint. The value is read and wiped after use; it is never kept.
//!
//! `env/NAME` is a variable; `file/PATH` a file that only its owner may read; `exec/NAME` what a program prints that the
//! project names; `vault/…` is HashiCorp Vault. Programs run when something is applied, never for a plan: whoever reads a pull
//! request should not run what it brings. Of the secrets of connections Vault is asked to apply and to fetch, never for a plan;
//! it is asked for the password of a store whenever that is opened. What may be read and run at all, [`Trust`] says.
#![expect(clippy::disallowed_methods, reason = "the door through which secrets are read")]

pub mod tokens;
mod vault;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::http::{Fault, FaultKind};
use crate::model::Hidden;
use crate::model::credential::is_reference;
use crate::model::value::fingerprint;
use crate::source::program::{self, Ended, NotEnded};
use crate::source::{git, links, load};
use crate::trust::{Denied, Need, Trust};
use vault::Vault;

/// A larger file is no secret.
const MAX_BYTES: u64 = 64 * 1024;

/// A program that takes longer is ended.
const PATIENCE: Duration = Duration::from_secs(30);

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
    /// Vault may be asked: to apply, to fetch, and for the password of a store.
    pub vault: bool,
    /// What is allowed at all.
    pub trust: &'a Trust,
}

impl<'a> Reach<'a> {
    /// What a plan may read: variables and files.
    #[must_use]
    pub fn plan(root: &'a Path, trust: &'a Trust) -> Self {
        Reach { root, programs: None, vault: false, trust }
    }

    /// What fetching, and opening a store, may read: Vault too.
    #[must_use]
    pub fn fetch(root: &'a Path, trust: &'a Trust) -> Self {
        Reach { vault: true, ..Reach::plan(root, trust) }
    }

    /// What applying may read: Vault and programs too.
    #[must_use]
    pub fn apply(root: &'a Path, programs: &'a BTreeMap<String, Vec<String>>, trust: &'a Trust) -> Self {
        Reach { programs: Some(programs), ..Reach::fetch(root, trust) }
    }
}

/// Secrets of one project: handed out for a moment, or fingerprinted for one store.
pub struct Secrets<'a> {
    source: &'a dyn Source,
    reach: Reach<'a>,
    key: &'a [u8],
}

impl<'a> Secrets<'a> {
    /// `key` is the store's, for fingerprints; empty where none is asked for, or whoever asks is not given it.
    #[must_use]
    pub fn new(source: &'a dyn Source, reach: Reach<'a>, key: &'a [u8]) -> Self {
        Secrets { source, reach, key }
    }

    /// The fingerprint of the secret behind a reference.
    ///
    /// # Errors
    /// Why the secret is not at hand; never says anything of its value.
    pub fn fingerprint(&self, reference: &str) -> Result<String, Fault> {
        if self.key.is_empty() {
            return Err(denied(format!(
                "whether the secret `{reference}` changed is told to those who apply"
            )));
        }
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

/// Nothing is at hand: whoever hands in what is to be done says what he knows of secrets, and none of here is for him.
pub struct Nowhere;

impl Source for Nowhere {
    fn read(&self, _: &str, _: &Reach<'_>) -> Result<Bytes, Fault> {
        Err(denied("no secret of this machine is used for what was handed in".to_owned()))
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
        let allowed = |need: &Need| reach.trust.judge(need).map_err(|why| not_allowed(&why));
        let as_written = || Need::Secret(reference.to_owned());
        match reference.split_once('/') {
            Some(("env", name)) => {
                allowed(&as_written())?;
                variable(name).map_err(denied)
            }
            Some(("file", path)) => {
                if reach.trust.is_untrusted {
                    return Err(not_allowed(&Denied::Untrusted));
                }
                let place = FilePlace::find(reach.root, path).map_err(denied)?;
                allowed(&place.need())?;
                file(&place.full).map_err(denied)
            }
            Some(("exec", name)) => self.program(name, reach),
            Some(("vault", path)) if reach.vault => {
                allowed(&as_written())?;
                self.vault.read(path, &allowed)
            }
            Some(("vault", _)) => Err(denied("Vault is asked only to apply and to fetch".to_owned())),
            _ => Err(denied("nothing is kept there".to_owned())),
        }
    }
}

/// What has to be allowed before the secret behind a reference is read; none where nothing is kept there.
#[must_use]
pub fn need_of(reference: &str, root: &Path, programs: &BTreeMap<String, Vec<String>>) -> Option<Need> {
    match reference.split_once('/')? {
        ("env" | "vault", _) => Some(Need::Secret(reference.to_owned())),
        ("file", path) => Some(FilePlace::find(root, path).ok()?.need()),
        ("exec", name) => programs.get(name).map(|command| Need::Program(command.clone())),
        _ => None,
    }
}

fn denied(why: String) -> Fault {
    Fault::new(FaultKind::Denied, why)
}

fn not_allowed(why: &Denied) -> Fault {
    denied(why.to_string())
}

impl Local {
    fn program(&self, name: &str, reach: &Reach<'_>) -> Result<Bytes, Fault> {
        let Some(programs) = reach.programs else {
            return Err(denied("programs run only when something is applied".to_owned()));
        };
        let command = programs.get(name).filter(|command| !command.is_empty());
        let Some(command) = command else {
            return Err(denied(format!(
                "pairform.yaml names no program for it; write `secrets: {{exec: {{{name}: [/PATH/PROGRAM]}}}}`"
            )));
        };
        reach
            .trust
            .judge(&Need::Program(command.clone()))
            .map_err(|why| denied(format!("the program `{}` may not run: {why}", command.join(" "))))?;
        let variables = reach.trust.variables_of(command).unwrap_or_default();
        self.run(command, variables, reach.root).map_err(denied)
    }

    /// Runs a program outside the repository, which sees the variables that are named and no others. The time limit is for
    /// all that it starts.
    fn run(&self, command: &[String], variables: &[String], root: &Path) -> Result<Bytes, String> {
        let Some((program, arguments)) = command.split_first() else { return Err("it is empty".to_owned()) };
        is_outside(Path::new(program), root).map_err(|why| format!("{program} is not run: {why}"))?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = variables.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(seen)
            // Many programs obey a file in the folder that they begin in, and whoever writes a branch would write it.
            .current_dir("/")
            .stderr(Stdio::null());
        let Ended { status, printed } =
            program::run(command, PATIENCE, read).map_err(|error| match error {
                NotEnded::NotBegun(error) => format!("{program} cannot be run: {error}"),
                NotEnded::Late(_) => format!("{program} took longer than {} seconds", PATIENCE.as_secs()),
                NotEnded::Unfit(why) => why,
                NotEnded::Lost(error) => error.to_string(),
            })?;
        if !status.success() {
            let sees = match variables {
                [] => "no variables".to_owned(),
                names => format!("of the environment only {}", names.join(", ")),
            };
            return Err(format!("{program} ended with {status}; it sees {sees}"));
        }
        Ok(printed)
    }
}

/// Proves that a program lies where no branch can write, links followed.
fn is_outside(program: &Path, root: &Path) -> Result<(), String> {
    if !program.is_absolute() {
        return Err("it has to be named by its whole path".to_owned());
    }
    let full = std::fs::canonicalize(program).map_err(|error| error.to_string())?;
    let repository = git::work_tree(root).unwrap_or_else(|| root.to_owned());
    let repository = std::fs::canonicalize(repository).map_err(|error| error.to_string())?;
    if full.starts_with(&repository) || program.starts_with(&repository) {
        return Err("it lies in the repository, where a branch can change it".to_owned());
    }
    Ok(())
}

/// Where a secret's file lies.
struct FilePlace {
    /// As it was written: from the project's root, or whole.
    written: PathBuf,
    /// With its links followed.
    full: PathBuf,
    /// From the project's root, with its links followed; none outside.
    inside: Option<PathBuf>,
    /// As written it lies in the project, where a branch may have put a link.
    is_written_inside: bool,
}

impl FilePlace {
    fn find(root: &Path, path: &str) -> Result<Self, String> {
        let refused = |error: std::io::Error| error.to_string();
        let root = std::fs::canonicalize(root).map_err(refused)?;
        let full = std::fs::canonicalize(root.join(path)).map_err(refused)?;
        let inside = full.strip_prefix(&root).ok();
        if inside.is_some_and(links::is_in_private) {
            return Err("it lies in a folder of the project that holds no secrets of its own".to_owned());
        }
        let inside = inside.map(Path::to_owned);
        if inside.is_none() && !Path::new(path).is_absolute() {
            return Err("it lies outside the project; write its whole path if that is meant".to_owned());
        }
        let is_written_inside = root.join(path).starts_with(&root);
        Ok(FilePlace { written: PathBuf::from(path), full, inside, is_written_inside })
    }

    /// A link outside the project is its owner's way to name a file; one inside leads wherever a branch wants, so that only
    /// where it leads counts.
    fn need(&self) -> Need {
        let path = match (&self.inside, self.is_written_inside) {
            (Some(inside), true) => inside,
            (None, true) => &self.full,
            (_, false) => &self.written,
        };
        Need::File { path: path.clone(), is_inside: self.inside.is_some() }
    }
}

/// A file that only its owner may read.
fn file(full: &Path) -> Result<Bytes, String> {
    let refused = |error: std::io::Error| error.to_string();
    let file = load::open(full).map_err(refused)?;
    let data = file.metadata().map_err(refused)?;
    if data.len() > MAX_BYTES {
        return Err("it is too long for a secret".to_owned());
    }
    private(&data)?;
    read(file)
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
