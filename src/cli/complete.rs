//! What a shell completes besides commands and flags: names of the project that somebody works in. The script that `completions`
//! prints runs this program with PAIRFORM_COMPLETE set; where it is not, nothing here is done.
#![expect(clippy::disallowed_methods, reason = "sees what a shell has on its line, and where")]

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use super::exit::{self, Stop};
use crate::compile::project::Manifest;
use crate::diagnostic::codes;
use crate::ops::export::pair_of;
use crate::ops::propose::own_files;
use crate::schema::parts::Catalogue;
use crate::source::{Sources, git, load};

/// The variable by which a shell's script asks.
const ASKED: &str = "PAIRFORM_COMPLETE";

/// Whether a shell asks.
#[must_use]
pub fn is_asked() -> bool {
    std::env::var_os(ASKED).is_some()
}

/// Answers a shell about a command line; false where none asks.
///
/// # Errors
/// When it cannot be answered.
pub fn answer(of: fn() -> clap::Command, arguments: &[OsString]) -> Result<bool, clap::Error> {
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(of).var(ASKED).try_complete(arguments.iter().cloned(), here.as_deref())
}

/// The script that makes a shell ask.
///
/// # Errors
/// When it cannot be made.
pub fn script(shell: Shell) -> Result<String, Stop> {
    let failed = || Stop::new(exit::INTERNAL, format!("the script for {shell} could not be made"));
    let shells = Shells::builtins();
    let known = shells.completer(&shell.to_string()).ok_or_else(failed)?;
    let mut script = Vec::new();
    known.write_registration(ASKED, "pairform", "pairform", "pairform", &mut script).map_err(|_| failed())?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// The words on the shell's line, after the program.
fn words() -> Vec<String> {
    let all = std::env::args_os().skip_while(|word| word != "--").skip(2);
    all.map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The folder that is worked in: where the shell is, or what `-C` names.
fn root() -> Option<PathBuf> {
    let (words, own) = (words(), std::env::current_dir().ok()?);
    let named = words.iter().position(|word| word == "-C").and_then(|at| words.get(at + 1));
    load::find_root(&named.map_or(own.clone(), |folder| own.join(folder)))
}

fn sources() -> Sources {
    root().map(|root| load::load(&root)).unwrap_or_default()
}

/// Those that begin with what is typed.
fn beginning(typed: &OsStr, names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let names = names.into_iter().filter(|name| name.starts_with(&*typed));
    names.map(CompletionCandidate::new).collect()
}

/// Integrations of the project.
#[must_use]
pub fn integrations(typed: &OsStr) -> Vec<CompletionCandidate> {
    beginning(typed, own_files(&sources()).into_keys())
}

/// Environments of the project.
#[must_use]
pub fn environments(typed: &OsStr) -> Vec<CompletionCandidate> {
    beginning(typed, Manifest::read(&sources(), &mut Vec::new()).environments.into_keys())
}

/// Pairs, the project's own too.
#[must_use]
pub fn pairs(typed: &OsStr) -> Vec<CompletionCandidate> {
    beginning(typed, Catalogue::with_project(&sources(), &mut Vec::new()).names("pairs"))
}

/// Categories, the project's own too, and what every integration has besides.
#[must_use]
pub fn categories(typed: &OsStr) -> Vec<CompletionCandidate> {
    let own = Catalogue::with_project(&sources(), &mut Vec::new()).names("categories");
    beginning(typed, own.into_iter().chain(crate::model::TOP_LEVEL.map(str::to_owned)))
}

/// Branches and tags of the repository.
#[must_use]
pub fn revisions(typed: &OsStr) -> Vec<CompletionCandidate> {
    beginning(typed, root().map(|root| git::branches_and_tags(&root)).unwrap_or_default())
}

/// Settings of the integration or the pair that stands on the line, else of all pairs of the project.
#[must_use]
pub fn settings(typed: &OsStr) -> Vec<CompletionCandidate> {
    let sources = sources();
    let catalogue = Catalogue::with_project(&sources, &mut Vec::new());
    let (files, words) = (own_files(&sources), words());
    let of = |name: &String| files.contains_key(name).then(|| pair_of(&sources, name)).flatten();
    let known = catalogue.names("pairs");
    let named = words.iter().find_map(|word| of(word).or_else(|| known.contains(word).then(|| word.clone())));
    let mut ids: Vec<String> = match named {
        Some(pair) => vec![pair],
        None => files.keys().filter_map(of).collect(),
    };
    ids.sort();
    ids.dedup();
    let mut names: Vec<(String, String)> = Vec::new();
    for pair in ids.iter().filter_map(|id| catalogue.pair(id)) {
        for category in pair.categories() {
            let all = category.settings.iter();
            names.extend(all.map(|one| (format!("{}.{}", category.id, one.path), one.title.clone())));
        }
    }
    names.sort();
    names.dedup();
    let typed = typed.to_string_lossy();
    let fitting = names.into_iter().filter(|(name, _)| name.starts_with(&*typed));
    fitting.map(|(name, title)| CompletionCandidate::new(name).help(Some(title.into()))).collect()
}

/// What `explain` takes: codes, pairs and integrations.
#[must_use]
pub fn explained(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut all = integrations(typed);
    all.extend(pairs(typed));
    let text = typed.to_string_lossy();
    let fitting = codes::all().into_iter().filter(|code| code.id.starts_with(&*text));
    all.extend(fitting.map(|code| CompletionCandidate::new(code.id).help(Some(code.summary.into()))));
    all
}
