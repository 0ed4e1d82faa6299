//! What most commands begin with: the project, its sources, and its compilation.
#![expect(clippy::disallowed_methods, reason = "finds the project from the working directory")]

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;

use crate::model::{Hidden, digest_text};

use super::args::Common;
use super::exit::{self, Stop};
use super::secrets::Secrets;
use super::vault::Vault;
use crate::compile::project::{DEFAULT_STORE, Environment};
use crate::compile::{self, Again, Compilation, Compiled, Front, Judged, Selection, reach};
use crate::diagnostic::{Finding, Severity, list_words, nearest};
use crate::schema::parts::Catalogue;
use crate::source::git::{self, GitError, History, Revision};
use crate::source::{Sources, load};
use crate::store::{self, Address};

/// A project, read and compiled; of each integration, what was kept.
pub struct Project<T = Compiled> {
    pub root: PathBuf,
    pub sources: Sources,
    pub compilation: Compilation<T>,
    /// The environment that was named.
    pub environment: Option<String>,
}

/// Finds, reads and compiles the project around the working directory.
///
/// # Errors
/// When there is no project, or a filter names what does not exist.
pub fn open(common: &Common) -> Result<Project, Stop> {
    open_with(common, Judged::lower)
}

/// As [`open`], keeping something else of each integration.
///
/// # Errors
/// As [`open`].
pub fn open_with<T: Send>(common: &Common, keep: impl Fn(Judged) -> T + Sync) -> Result<Project<T>, Stop> {
    let (root, sources) = read(common)?;
    let selection = selection(common, &root, &sources)?;
    compile_with(root, sources, selection, keep)
}

/// Compiles what a selection takes.
///
/// # Errors
/// When the selection names what does not exist.
pub fn compile_selected(root: PathBuf, sources: Sources, selection: Selection) -> Result<Project, Stop> {
    compile_with(root, sources, selection, Judged::lower)
}

/// As [`compile_selected`], keeping something else of each integration.
///
/// # Errors
/// As [`compile_selected`].
pub fn compile_with<T: Send>(
    root: PathBuf,
    sources: Sources,
    selection: Selection,
    keep: impl Fn(Judged) -> T + Sync,
) -> Result<Project<T>, Stop> {
    let compilation = compile_shown(Front::read(&sources, &selection), keep);
    require_selected(&compilation, &selection)?;
    Ok(Project { root, sources, compilation, environment: selection.environment })
}

/// Two sides of one project, each as by [`compile_selected`].
///
/// # Errors
/// As [`compile_selected`].
pub fn compile_both(
    root: &Path,
    (old, of_old): (Sources, Selection),
    (new, of_new): (Sources, Selection),
) -> Result<(Project, Project), Stop> {
    let fronts = rayon::join(|| Front::read(&old, &of_old), || Front::read(&new, &of_new));
    // Not beside each other: both would wait for the same schemas to be linked.
    let (before, after) = (compile_shown(fronts.0, Judged::lower), compile_shown(fronts.1, Judged::lower));
    require_selected(&before, &of_old)?;
    require_selected(&after, &of_new)?;
    let project = |sources, compilation, selection: Selection| Project {
        root: root.to_owned(),
        sources,
        compilation,
        environment: selection.environment,
    };
    Ok((project(old, before, of_old), project(new, after, of_new)))
}

/// Shows how far it is.
fn compile_shown<T: Send>(front: Front<'_>, keep: impl Fn(Judged) -> T + Sync) -> Compilation<T> {
    let bar = bar(front.selected(), "integrations");
    let compilation = front.compile(|judged| {
        let kept = keep(judged);
        bar.inc(1);
        kept
    });
    bar.finish_and_clear();
    compilation
}

/// From so many integrations on, somebody who waits at a terminal is shown how far it is.
const MANY: usize = 2_000;

/// A bar for so many integrations; hidden where they are few.
#[must_use]
pub fn bar(integrations: usize, said: &'static str) -> ProgressBar {
    if integrations < MANY {
        return ProgressBar::hidden();
    }
    let bar = super::apply::progress_bar();
    bar.set_length(integrations as u64);
    bar.set_message(said);
    bar
}

/// Finds the project and reads its sources: of the working tree, or of the revision that was asked for.
///
/// # Errors
/// When there is no project here, or no such revision.
pub fn read(common: &Common) -> Result<(PathBuf, Sources), Stop> {
    let Some(name) = &common.rev else { return read_tree() };
    let (root, history, revision) = find_revision(name)?;
    Ok((root, history.load(&revision)?))
}

/// The project around the working directory as a revision has it; needs no working tree.
///
/// # Errors
/// When there is no such revision, or no project in it.
pub fn find_revision(name: &str) -> Result<(PathBuf, History, Revision), Stop> {
    let here = std::env::current_dir().unwrap_or_default();
    let root = load::find_root(&here).unwrap_or(here);
    let mut history = History::open(&root)?;
    let revision = history.resolve(name)?;
    history.find_project(&revision)?;
    Ok((root, history, revision))
}

/// The repository around a project, and one of its revisions.
///
/// # Errors
/// When there is no repository or no such revision.
pub fn history(root: &Path, name: &str) -> Result<(History, Revision), GitError> {
    let history = History::open(root)?;
    let revision = history.resolve(name)?;
    Ok((history, revision))
}

/// The commit that a command works on.
///
/// # Errors
/// When the revision that was asked for does not exist.
pub fn commit(common: &Common, root: &Path) -> Result<Option<git::Commit>, Stop> {
    Ok(match &common.rev {
        Some(name) => Some(History::open(root)?.resolve(name)?.commit),
        None => git::commit(root),
    })
}

/// The beginning of a commit's id: as it was given, else of the commit that git knows by this name.
///
/// # Errors
/// When git knows none.
pub fn commit_id(root: &Path, given: &str) -> Result<String, Stop> {
    if given.is_empty() {
        return Err(Stop::usage("--commit names no commit")
            .help("name a branch, a tag or a commit that `git log` shows"));
    }
    if given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(given.to_ascii_lowercase());
    }
    Ok(history(root, given)?.1.commit.id)
}

/// Finds the project in the working tree and reads its sources.
///
/// # Errors
/// When there is no project here.
pub fn read_tree() -> Result<(PathBuf, Sources), Stop> {
    let root = find_root()?;
    let sources = load::load(&root);
    Ok((root, sources))
}

/// The project around the working directory.
///
/// # Errors
/// When there is none.
pub fn find_root() -> Result<PathBuf, Stop> {
    let here = std::env::current_dir().unwrap_or_default();
    load::find_root(&here).ok_or_else(|| {
        Stop::usage("there is no pairform.yaml here or in a folder above")
            .help("go to the repository, or begin one: a file `pairform.yaml` with the line `version: 1`, and integrations below `integrations/`")
    })
}

/// What the flags select.
///
/// # Errors
/// When the revision of --changed-since cannot be read, or --env and --store name two environments.
pub fn selection(common: &Common, root: &Path, sources: &Sources) -> Result<Selection, Stop> {
    let environment = match &common.store {
        Some(store) => {
            let declared = compile::project::Project::read(sources, &mut Vec::new());
            if declared.broken {
                None
            } else {
                environment_of(&declared, root, common.env.as_deref(), Some(store))?
            }
        }
        None => common.env.clone(),
    };
    let affected = match &common.changed_since {
        Some(since) => {
            let (history, head) = history(root, common.rev.as_deref().unwrap_or("HEAD"))?;
            let since = history.merge_base(&history.resolve(since)?, &head)?;
            let base = history.load(&since)?;
            let reached = reach::reach(&base, sources, environment.as_deref());
            Some(reached.integrations.into_keys().collect())
        }
        None => None,
    };
    Ok(Selection {
        affected,
        environment,
        today: Some(today()),
        integrations: common.integration.clone(),
        exclude: common.exclude.clone(),
        pairs: common.pair.clone(),
    })
}

/// The environments that are meant: the named one, else each of them; one without a name where there are none.
#[must_use]
pub fn environments(common: &Common, declared: &compile::project::Project) -> Vec<Option<String>> {
    match &common.env {
        Some(name) => vec![Some(name.clone())],
        None if declared.environments.is_empty() => vec![None],
        None => declared.environments.keys().cloned().map(Some).collect(),
    }
}

/// Proves that a selection names what exists.
///
/// # Errors
/// When it does not.
pub fn require_selected<T>(compilation: &Compilation<T>, selection: &Selection) -> Result<(), Stop> {
    if let Some(name) = selection.environment.as_ref().filter(|_| !compilation.project.broken) {
        let environments = compilation.project.environments.keys();
        require_known("environment", name, &environments.map(String::as_str).collect::<Vec<_>>())?;
    }
    let known: Vec<&str> = compilation.names.iter().map(String::as_str).collect();
    for name in selection.integrations.iter().chain(&selection.exclude) {
        require_known("integration", name, &known)?;
    }
    let pairs = compilation.catalogue.names("pairs");
    let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
    for pair in &selection.pairs {
        require_known("pair", pair, &pairs)?;
    }
    Ok(())
}

/// Why a pair cannot be had.
#[must_use]
pub fn no_pair(id: &str, catalogue: &Catalogue) -> Stop {
    let known = catalogue.names("pairs");
    if known.iter().any(|known| known == id) {
        return Stop::new(exit::ERRORS, format!("the schemas of the pair `{id}` have mistakes"))
            .help("`pairform validate` shows them");
    }
    let stop = Stop::usage(format!("there is no pair `{id}`"));
    match nearest(id, known.iter().map(String::as_str)) {
        Some(near) => stop.help(format!("did you mean `{near}`?")),
        None => stop.help("`pairform schema list` lists the pairs"),
    }
}

/// The files and folders that paths on the command line name, from the file system's root.
///
/// # Errors
/// When one is not there.
pub fn paths(given: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let here = std::env::current_dir().unwrap_or_default();
    let found = given.iter().map(|path| {
        std::fs::canonicalize(here.join(path))
            .map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))
    });
    found.collect()
}

/// The day in UTC, so that a pipeline and a person on the other side of the earth get the same findings.
#[must_use]
pub fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Proves that a name given on the command line exists.
///
/// # Errors
/// When it does not; the nearest name is suggested.
pub fn require_known(what: &str, name: &str, known: &[&str]) -> Result<(), Stop> {
    if known.contains(&name) {
        return Ok(());
    }
    let stop = Stop::usage(format!("there is no {what} `{name}`"));
    Err(match nearest(name, known.iter().copied()) {
        Some(near) => stop.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => stop.help(format!("the project declares no {what}")),
        None if known.len() <= 12 => stop.help(format!("name {}", list_words(known, "or"))),
        None => stop.help(format!("there are {}, such as {}", known.len(), list_words(&known[..3], "and"))),
    })
}

impl Project {
    /// What compiles some of its integrations once more.
    #[must_use]
    pub fn again(&self) -> Again<'_> {
        Again::of(&self.sources, &self.compilation, self.environment.as_deref())
    }
}

impl<T> Project<T> {
    /// See [`store_of`].
    ///
    /// # Errors
    /// When the environment does not exist, or has to be named.
    pub fn store(&self, common: &Common) -> Result<(Option<String>, Address), Stop> {
        store_of(&self.compilation.project, &self.root, common.env.as_deref(), common.store.as_deref())
    }

    #[must_use]
    pub fn has_errors(&self) -> bool {
        has_errors(&self.compilation.findings)
    }
}

/// The environment's name and where its store is, a relative path taken from the project's root.
///
/// # Errors
/// When the environment does not exist or has to be named, or the store's password is not at hand.
pub fn store_of(
    declared: &compile::project::Project,
    root: &Path,
    environment: Option<&str>,
    store: Option<&str>,
) -> Result<(Option<String>, Address), Stop> {
    if declared.broken {
        return Err(Stop::new(
            exit::ERRORS,
            "pairform.yaml has errors, so it is not known which store is meant",
        )
        .help("`pairform validate` shows them"));
    }
    let name = environment_of(declared, root, environment, store)?;
    if name.is_none() && !declared.environments.is_empty() && store.is_none() {
        let known: Vec<&str> = declared.environments.keys().map(String::as_str).collect();
        return Err(Stop::usage("the project has more than one environment")
            .help(format!("name one with --env: {}", known.join(", "))));
    }
    let declared = name.as_ref().and_then(|name| declared.environments.get(name));
    // Its password is for the URL that the project names, to the letter: a URL says how to connect too.
    let declared = declared.filter(|declared| store.is_none_or(|store| declared.store == store));
    let url = rooted(root, store.or(declared.map(|declared| &*declared.store)).unwrap_or(DEFAULT_STORE));
    let reference = declared.and_then(|declared| declared.password.as_ref());
    let password = reference.map(|reference| password(root, &reference.secret)).transpose()?;
    Ok((name, Address { url, password }))
}

/// What a plan is bound to while there is no store: a digest of where it will be, without a password, and the same on every
/// machine.
#[must_use]
pub fn store_to_be(
    declared: &compile::project::Project,
    root: &Path,
    environment: Option<&str>,
    store: Option<&str>,
) -> String {
    let environment = environment.and_then(|name| declared.environments.get(name));
    let own = environment.map_or(DEFAULT_STORE, |environment| &environment.store);
    let is_own = |store: &&str| store::is_same(&rooted(root, own), &rooted(root, store));
    let url = store.filter(|store| !is_own(store)).unwrap_or(own);
    digest_text(&store::without_password(url))
}

/// The environment that is meant. A store that is an environment's own is that environment, however it was named: its
/// rules and its values go with it.
///
/// # Errors
/// When the environment does not exist, or `--store` names that of another one.
pub fn environment_of(
    declared: &compile::project::Project,
    root: &Path,
    environment: Option<&str>,
    store: Option<&str>,
) -> Result<Option<String>, Stop> {
    let known: Vec<&str> = declared.environments.keys().map(String::as_str).collect();
    if let Some(name) = environment {
        require_known("environment", name, &known)?;
    }
    let meant = declared.environment(environment);
    let is_its = |(_, declared): &(_, &Environment)| store.is_some_and(|store| is_at(declared, root, store));
    let owners: Vec<&str> =
        declared.environments.iter().filter(is_its).map(|(name, _)| name.as_str()).collect();
    let its = match (owners.as_slice(), environment) {
        ([], _) => meant,
        (owners, _) if meant.is_some_and(|meant| owners.contains(&meant)) => meant,
        ([one], None) => Some(*one),
        (owners, None) => {
            return Err(Stop::usage("the store that --store names is that of more than one environment")
                .help(format!("name one with --env: {}", owners.join(", "))));
        }
        (owners, Some(named)) => {
            let owners = list_words(owners, "and");
            return Err(Stop::usage(format!(
                "the store that --store names is that of {owners}, not of {named}"
            ))
            .help(format!("leave --store out, or name {owners} with --env")));
        }
    };
    Ok(its.map(str::to_owned))
}

/// Whether a URL leads to the store of an environment.
#[must_use]
pub fn is_at(environment: &Environment, root: &Path, url: &str) -> bool {
    store::is_same(&rooted(root, &environment.store), &rooted(root, url))
}

/// A relative path is taken from the project's root.
fn rooted(root: &Path, url: &str) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => format!("sqlite:{}", root.join(path).display()),
        _ => url.to_owned(),
    }
}

fn password(root: &Path, reference: &str) -> Result<Hidden<String>, Stop> {
    let vault = Vault::default();
    let read = Secrets::new(root, &[])
        .asking(&vault)
        .with(reference, |value| std::str::from_utf8(value).map(|text| Hidden::new(text.to_owned())));
    match read {
        Ok(Ok(password)) => Ok(password),
        Ok(Err(_)) => {
            Err(Stop::new(exit::NOT_ALLOWED, format!("the password `{reference}` is no UTF-8 text")))
        }
        Err(fault) => {
            Err(Stop::new(exit::NOT_ALLOWED, format!("the store cannot be opened: {}", fault.message)))
        }
    }
}

#[must_use]
pub fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}
