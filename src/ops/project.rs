//! A project, compiled: what an operation begins with. Which integrations are taken is [`Workspace::selection`]'s to say, what
//! is wrong in them is in the findings.

use super::error::{Error, ErrorKind, Help, Result, require_known, require_meant};
use super::host::{Host, Progress};
use super::request::Request;
use super::workspace::Workspace;
use crate::compile::{Again, Compilation, Compiled, Front, Judged, Selection};
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::{Finding, Severity};
use crate::model::category;
use crate::schema::parts::Catalogue;
use crate::store::Address;

/// A workspace and its compilation; of each integration, what was kept.
pub struct Project<'w, T = Compiled> {
    pub workspace: &'w Workspace,
    pub compilation: Compilation<T>,
    /// The environment that was named.
    pub environment: Option<String>,
}

/// Compiles what a request takes.
///
/// # Errors
/// When it names what does not exist.
pub fn open<'w>(workspace: &'w Workspace, request: &Request, host: &Host<'_>) -> Result<Project<'w>> {
    compile(workspace, workspace.selection(request, host)?, host, Judged::lower)
}

/// Compiles what a selection takes, keeping of each integration what `keep` keeps.
///
/// # Errors
/// When the selection names what does not exist.
pub fn compile<'w, T: Send>(
    workspace: &'w Workspace,
    selection: Selection,
    host: &Host<'_>,
    keep: impl Fn(Judged) -> T + Sync,
) -> Result<Project<'w, T>> {
    compile_in_blocks(workspace, selection, host, usize::MAX, &mut |_| (), keep)
}

/// As [`compile`], so many at a time in the order of their names; `before` is told the last of each block first, and may wait.
///
/// # Errors
/// As [`compile`].
pub fn compile_in_blocks<'w, T: Send>(
    workspace: &'w Workspace,
    selection: Selection,
    host: &Host<'_>,
    size: usize,
    before: &mut dyn FnMut(&str),
    keep: impl Fn(Judged) -> T + Sync,
) -> Result<Project<'w, T>> {
    let front = Front::read(workspace.sources(), &selection);
    let compilation = compile_shown(front, host, size, before, keep);
    require_selected(&compilation, &selection)?;
    Ok(Project { workspace, compilation, environment: selection.environment })
}

/// Two sides of one project, each as by [`compile`].
///
/// # Errors
/// As [`compile`].
pub fn compile_both<'w>(
    (old, of_old): (&'w Workspace, Selection),
    (new, of_new): (&'w Workspace, Selection),
    host: &Host<'_>,
) -> Result<(Project<'w>, Project<'w>)> {
    let fronts = rayon::join(|| Front::read(old.sources(), &of_old), || Front::read(new.sources(), &of_new));
    // Not beside each other: both would wait for the same schemas to be linked.
    let compiled = |front| compile_shown(front, host, usize::MAX, &mut |_| (), Judged::lower);
    let (before, after) = (compiled(fronts.0), compiled(fronts.1));
    require_selected(&before, &of_old)?;
    require_selected(&after, &of_new)?;
    let project = |workspace, compilation, selection: Selection| Project {
        workspace,
        compilation,
        environment: selection.environment,
    };
    Ok((project(old, before, of_old), project(new, after, of_new)))
}

/// Tells how far it is.
fn compile_shown<T: Send>(
    front: Front<'_>,
    host: &Host<'_>,
    size: usize,
    before: &mut dyn FnMut(&str),
    keep: impl Fn(Judged) -> T + Sync,
) -> Compilation<T> {
    let progress = host.progress;
    progress(Progress::Compiling(front.selected()));
    let compilation = front.compile_in_blocks(size, before, |judged| {
        let kept = keep(judged);
        progress(Progress::Advanced(1));
        kept
    });
    progress(Progress::Finished);
    compilation
}

/// Proves that a selection names what exists.
///
/// # Errors
/// When it does not.
pub fn require_selected<T>(compilation: &Compilation<T>, selection: &Selection) -> Result<()> {
    if let Some(name) = selection.environment.as_ref().filter(|_| !compilation.project.broken) {
        let environments = compilation.project.environments.keys();
        require_known("environment", name, &environments.map(String::as_str).collect::<Vec<_>>())?;
    }
    let known: Vec<&str> = compilation.names.iter().map(String::as_str).collect();
    for name in selection.integrations.iter().chain(&selection.exclude) {
        require_meant("integration", name, &known)?;
    }
    let catalogue = &compilation.catalogue;
    let pairs = catalogue.names("pairs");
    let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
    selection.pairs.iter().try_for_each(|pair| {
        require_meant("pair", pair, &pairs).map_err(|error| match catalogue.pair_meant(pair) {
            Some(near) => error.with(Help::DidYouMean(near)),
            None => error,
        })
    })
}

/// Why a pair cannot be had.
#[must_use]
pub fn no_pair(id: &str, catalogue: &Catalogue) -> Error {
    let known = catalogue.names("pairs");
    if known.iter().any(|known| known == id) {
        return Error::new(ErrorKind::Invalid, format!("the schemas of the pair `{id}` have mistakes"))
            .with(Help::SeeFindings(Vec::new()));
    }
    let error = Error::usage(format!("there is no pair `{id}`"));
    match catalogue.pair_meant(id) {
        Some(near) => error.with(Help::DidYouMean(near)),
        None => error.with(Help::ListPairs),
    }
}

impl<'w> Project<'w> {
    /// What compiles some of its integrations once more.
    #[must_use]
    pub fn again(&self) -> Again<'_> {
        Again::of(self.workspace.sources(), &self.compilation, self.environment.as_deref())
    }
}

impl<T> Project<'_, T> {
    /// The environment's name and where its store is.
    ///
    /// # Errors
    /// When the environment does not exist, or has to be named.
    pub fn store(&self, request: &Request, host: &Host<'_>) -> Result<(Option<String>, Address)> {
        self.workspace.store(request, host)
    }

    /// Where to see what is wrong.
    #[must_use]
    pub fn see_findings(&self) -> Help {
        Help::SeeFindings(PlacedFinding::all(&self.compilation.findings, self.workspace.sources()))
    }

    #[must_use]
    pub fn has_errors(&self) -> bool {
        has_errors(&self.compilation.findings)
    }

    /// The errors of its files: what they are of was not judged, or not by what was meant.
    #[must_use]
    pub fn errors(&self) -> Vec<PlacedFinding> {
        let mut all = PlacedFinding::all(&self.compilation.findings, self.workspace.sources());
        all.retain(|finding| finding.severity == Severity::Error);
        all
    }

    /// Proves that the categories that were named exist.
    ///
    /// # Errors
    /// When one does not.
    pub fn require_categories(&self, request: &Request) -> Result<()> {
        let mut known = self.compilation.catalogue.names("categories");
        known.extend(category::TOP_LEVEL.map(str::to_owned));
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        request.filter.categories.iter().try_for_each(|name| require_meant("category", name, &known))
    }
}

#[must_use]
pub fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}
