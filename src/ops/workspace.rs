//! A project: where it is and what its sources are, of a working tree, of a revision, or with texts that nobody saved yet.
//! Nothing is compiled here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use super::base::{Base, Commits};
use super::error::{Error, ErrorKind, Help, Result};
use super::host::Host;
use super::places;
use super::replaced;
use super::request::Request;
use crate::compile::levels::Floor;
use crate::compile::project::Manifest;
use crate::compile::{Selection, reach, redact};
use crate::diagnostic::placed::PlacedFinding;
use crate::source::git::{self, Commit, GitError, History, Revision};
use crate::source::{SourceFile, Sources, load};
use crate::store::Address;

/// Path, from the project's root, and new text.
pub type Files = BTreeMap<String, String>;

/// A project that was opened. A snapshot: what changes in the tree afterwards is not seen, except in texts that were not read yet.
pub struct Workspace {
    root: PathBuf,
    sources: Arc<Sources>,
    /// What it is compared with.
    base: Option<Arc<Base>>,
    /// What it is as it stands, where nobody vouches for it and parts of it are not used.
    given: Option<Arc<Sources>>,
    untrusted: bool,
    /// The revision that was asked for, in place of the working tree.
    revision: Option<String>,
    /// It lies in no folder here, so that no repository is looked for.
    is_apart: bool,
    /// What pairform.yaml declares, once somebody asked.
    declared: OnceLock<Manifest>,
    commit: OnceLock<Option<Commit>>,
    /// Git looks for the commit under the working tree while the files are read and compiled.
    looking: Mutex<Option<JoinHandle<Option<Commit>>>>,
}

impl Workspace {
    /// The project at or above a folder, as its working tree is.
    ///
    /// # Errors
    /// When there is none, or it asks for another version of pairform.
    pub fn open(start: &Path) -> Result<Self> {
        let root = find_root(start)?;
        let sources = load::load(&root);
        Workspace::of(root, sources).admitted()
    }

    /// As [`Workspace::open`], while git looks for the commit under it.
    ///
    /// # Errors
    /// As [`Workspace::open`].
    pub fn open_with_commit(start: &Path) -> Result<Self> {
        let root = find_root(start)?;
        let folder = root.clone();
        let looking = std::thread::spawn(move || git::commit(&folder));
        let sources = load::load(&root);
        Workspace { looking: Mutex::new(Some(looking)), ..Workspace::of(root, sources) }.admitted()
    }

    /// The project at or above a folder as a revision has it; needs no working tree.
    ///
    /// # Errors
    /// When there is no such revision, no project in it, or it asks for another version of pairform.
    pub fn at(start: &Path, revision: &str) -> Result<Self> {
        let (root, history, found) = find_revision(start, revision)?;
        let sources = history.load(&found)?;
        Workspace::of_revision(root, sources, revision, found.commit).admitted()
    }

    /// The same, where this version of pairform may work on it. All that is worked on passes here, so that no operation has to
    /// ask; what others are only compared with does not.
    ///
    /// # Errors
    /// When the project asks for another version: what that one understands would be misread.
    pub(super) fn admitted(self) -> Result<Self> {
        let Some(unmet) = &self.declared().unmet else { return Ok(self) };
        let findings = PlacedFinding::all(std::slice::from_ref(unmet), &self.sources);
        let why = format!("nothing was done: {}", unmet.message);
        Err(Error::new(ErrorKind::Invalid, why).with(Help::SeeFindings(findings)))
    }

    /// The sources of a revision that is called so.
    pub(super) fn of_revision(
        root: PathBuf,
        sources: impl Into<Arc<Sources>>,
        name: &str,
        commit: Commit,
    ) -> Self {
        let workspace = Workspace { revision: Some(name.to_owned()), ..Workspace::of(root, sources) };
        workspace.commit.get_or_init(|| Some(commit));
        workspace
    }

    /// What a request reads: a revision where it names one, else the working tree.
    ///
    /// # Errors
    /// As [`Workspace::open`] and [`Workspace::at`].
    pub fn find(start: &Path, request: &Request) -> Result<Self> {
        match &request.revision {
            Some(revision) => Workspace::at(start, revision),
            None => Workspace::open(start),
        }
    }

    /// A project that stands in memory alone; `root` is where relative paths of stores and secrets begin.
    #[must_use]
    pub fn in_memory(root: &Path, files: &Files) -> Self {
        let files: Vec<SourceFile> = files.iter().map(|(path, text)| SourceFile::new(path, text)).collect();
        Workspace::of(root.to_owned(), Sources::from(files))
    }

    /// A project that somebody else has and handed in, of the commit that he says. No repository is looked for, and its relative paths
    /// lead nowhere.
    #[must_use]
    pub fn handed_in(files: &Files, commit: Option<Commit>) -> Self {
        let workspace = Workspace { is_apart: true, ..Workspace::in_memory(Path::new(""), files) };
        workspace.commit.get_or_init(|| commit);
        workspace
    }

    pub(super) fn of(root: PathBuf, sources: impl Into<Arc<Sources>>) -> Self {
        Workspace {
            root,
            sources: sources.into(),
            base: None,
            given: None,
            untrusted: false,
            revision: None,
            is_apart: false,
            declared: OnceLock::new(),
            commit: OnceLock::new(),
            looking: Mutex::default(),
        }
    }

    /// The same, compared with a base: findings and plans of it are judged by the rules of both.
    ///
    /// # Errors
    /// When there is no repository or no such revision, or they have no common history.
    pub fn compared_with(self, name: &str) -> Result<Self> {
        let (history, head) = self.history()?;
        let commits = Commits::find(&history, Some(name), &head, false)?;
        let base = Base::load(&history, commits)?;
        Ok(self.with_base(base.into()))
    }

    pub(super) fn with_base(self, base: Arc<Base>) -> Self {
        Workspace { base: Some(base), ..self }
    }

    /// What it is compared with.
    #[must_use]
    pub fn base(&self) -> Option<&Base> {
        self.base.as_deref()
    }

    /// The same where nobody vouches for what is in it: parts that replace built-in ones are those of the base, or the
    /// built-in ones where it has none or there is no base; and no template of it words a report.
    #[must_use]
    pub fn untrusted(self) -> Self {
        match replaced::vouched(&self.sources, self.base.as_ref().map(|base| base.tip())) {
            Some(vouched) => {
                let given = Some(Arc::clone(&self.sources));
                Workspace { sources: vouched.into(), given, untrusted: true, ..self }
            }
            None => Workspace { untrusted: true, ..self },
        }
    }

    /// What stands in the files, used or not.
    #[must_use]
    pub fn as_given(&self) -> &Sources {
        self.given.as_ref().unwrap_or(&self.sources)
    }

    /// The parts that are not used as they stand in the files, since nobody vouches for them.
    #[must_use]
    pub fn unvouched(&self) -> Vec<String> {
        let differing = |given: &Arc<Sources>| replaced::differing(given, &self.sources);
        self.given.as_ref().map(differing).unwrap_or_default()
    }

    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        self.untrusted
    }

    /// The same project with some texts in the place of what it has, or beside it.
    #[must_use]
    pub fn overlay(&self, files: &Files) -> Self {
        let workspace = Workspace::of(self.root.clone(), self.sources.with_texts(files));
        if let Some(commit) = self.commit.get() {
            workspace.commit.get_or_init(|| commit.clone());
        }
        let base = self.base.clone();
        let (given, untrusted, is_apart) = (self.given.clone(), self.untrusted, self.is_apart);
        Workspace { revision: self.revision.clone(), base, given, untrusted, is_apart, ..workspace }
    }

    /// The project's folder. Of a revision it need not exist.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What pairform.yaml declares; what is wrong there is found when the project is compiled.
    #[must_use]
    pub fn declared(&self) -> &Manifest {
        self.declared.get_or_init(|| Manifest::read(&self.sources, &mut Vec::new()))
    }

    /// The environment's name and where its store is, a relative path taken from the project's root.
    ///
    /// # Errors
    /// When pairform.yaml has errors, the environment does not exist or has to be named, or the store's password is not at hand.
    pub fn store(&self, request: &Request, host: &Host<'_>) -> Result<(Option<String>, Address)> {
        if self.declared().broken {
            let mut findings = Vec::new();
            Manifest::read(&self.sources, &mut findings);
            // What stands there may be a credential that belongs elsewhere.
            let suspicious = redact::suspicious(&self.sources, &findings);
            redact::redact(&mut findings, &self.sources, &[], &suspicious);
            let findings = PlacedFinding::all(&findings, &self.sources);
            let why = "pairform.yaml has errors, so it is not known which store is meant";
            return Err(Error::new(ErrorKind::Invalid, why).with(Help::SeeFindings(findings)));
        }
        places::store_of(self.declared(), &self.root, request, host)
    }

    /// The commit that the sources are of or stand on; none outside a repository, or before its first commit.
    #[must_use]
    pub fn commit(&self) -> Option<&Commit> {
        let found = self.commit.get_or_init(|| {
            let looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner).take();
            match looking {
                Some(looking) => looking.join().unwrap_or_default(),
                None => git::commit(&self.root),
            }
        });
        found.as_ref()
    }

    /// The id of the commit that the sources are of or stand on, without asking what is changed in the tree.
    #[must_use]
    pub fn head(&self) -> Option<String> {
        match self.commit.get() {
            Some(known) => known.as_ref().map(|commit| commit.id.clone()),
            None => self.history().ok().map(|(_, revision)| revision.commit.id),
        }
    }

    /// The repository around the project, and the revision that its sources are of or stand on.
    ///
    /// # Errors
    /// When there is no repository or no such revision.
    pub fn history(&self) -> Result<(History, Revision), GitError> {
        if self.is_apart {
            let message = "the files were handed in, so that there is no repository".to_owned();
            return Err(GitError { message, help: None });
        }
        history(&self.root, self.revision.as_deref().unwrap_or("HEAD"))
    }

    /// The beginning of a commit's id: as it was given, else of the commit that git knows by this name.
    ///
    /// # Errors
    /// When git knows none.
    pub fn commit_id(&self, given: &str) -> Result<String> {
        if given.is_empty() {
            return Err(Error::usage("no commit was named")
                .help("name a branch, a tag or a commit that `git log` shows"));
        }
        if given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(given.to_ascii_lowercase());
        }
        Ok(history(&self.root, given)?.1.commit.id)
    }

    /// Of a comparison, the levels of its base in an environment: findings do not go below.
    fn floor(&self, environment: Option<&str>) -> Option<Arc<Floor>> {
        self.base().map(|base| base.floor(&self.sources, environment).into())
    }

    /// The integrations that a request takes. The only place where a selection is made.
    ///
    /// # Errors
    /// When the revision since which something is to have changed cannot be read, or the request names one environment and
    /// the store of another.
    pub fn selection(&self, request: &Request, host: &Host<'_>) -> Result<Selection> {
        let selection = self.without_floor(request, host)?;
        Ok(Selection { floor: self.floor(selection.environment.as_deref()), ..selection })
    }

    /// As [`Workspace::selection`], in each environment that is meant.
    ///
    /// # Errors
    /// As [`Workspace::selection`].
    pub fn selections(&self, request: &Request, host: &Host<'_>) -> Result<Vec<Selection>> {
        let all = self.without_floor(request, host)?;
        let environments = self.declared().each_environment(all.environment.as_deref(), self.sources());
        let one = |name: Option<&str>| Selection {
            environment: name.map(str::to_owned),
            floor: self.floor(name),
            ..all.clone()
        };
        Ok(environments.into_iter().map(one).collect())
    }

    /// A selection by the levels of the files alone.
    fn without_floor(&self, request: &Request, host: &Host<'_>) -> Result<Selection> {
        let environment = match &request.store {
            Some(_) if self.declared().broken => None,
            Some(_) => places::environment_of(self.declared(), &self.root, request)?,
            None => request.environment.clone(),
        };
        let affected = match &request.changed_since {
            _ if request.only.is_some() => request.only.clone(),
            Some(since) => {
                let (history, head) = self.history()?;
                let since = history.merge_base(&history.resolve(since)?, &head)?;
                let base = history.load(&since)?;
                let reached = reach::reach(&base, &self.sources, environment.as_deref());
                Some(reached.integrations.into_keys().collect())
            }
            None => None,
        };
        Ok(Selection {
            affected,
            alone: false,
            any_version: false,
            floor: None,
            environment,
            recorded: None,
            today: Some(host.today()),
            integrations: request.filter.integrations.clone(),
            exclude: request.filter.exclude.clone(),
            pairs: request.filter.pairs.clone(),
        })
    }
}

/// The repository around a folder, and one of its revisions.
///
/// # Errors
/// When there is no repository or no such revision.
pub fn history(root: &Path, name: &str) -> Result<(History, Revision), GitError> {
    let history = History::open(root)?;
    let revision = history.resolve(name)?;
    Ok((history, revision))
}

/// The project at or above a folder in a revision; needs no working tree.
///
/// # Errors
/// When there is no such revision, or no project in it.
pub fn find_revision(start: &Path, name: &str) -> Result<(PathBuf, History, Revision)> {
    let root = load::find_root(start).unwrap_or_else(|| start.to_owned());
    let mut history = History::open(&root)?;
    let revision = history.resolve(name)?;
    history.find_project(&revision)?;
    Ok((root, history, revision))
}

/// The nearest folder at or above `start` that is a project.
///
/// # Errors
/// When there is none.
pub fn find_root(start: &Path) -> Result<PathBuf> {
    load::find_root(start).ok_or_else(|| {
        let what = "there is no pairform.yaml here or in a folder above";
        match load::misnamed_project_file(start) {
            Some(name) => {
                Error::usage(format!("{what}, and `{name}` is not read")).with(Help::RenameProjectFile(name))
            }
            None => Error::usage(what).with(Help::BeginProject),
        }
    })
}
