//! What judges an integration as it is deployed: schema parts, dropdown lists and rules, of the repository beside the server or as
//! the applies recorded them; and what the files say of it. An integration is judged by compiling what is deployed as if a file
//! said it, so that a save gets the findings that a commit would get.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value as Json, json};

use super::glance::Found;
use super::lists;
use super::stood::{AllStood, Stood};
use crate::compile::reach::reach;
use crate::compile::{self, Compilation, Compiled, Selection};
use crate::diagnostic::{Finding, Severity};
use crate::model::category::{CONNECTORS, SETTINGS, is_top_level};
use crate::model::sorted::to_canonical;
use crate::model::{SettingPath, Settings, digest_text};
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::ops::judged::Record;
use crate::ops::propose::escaped;
use crate::ops::workspace::{Files, Workspace};
use crate::options::Options;
use crate::schema::Pair;
use crate::schema::parts::Catalogue;
use crate::source::load::PROJECT_FILE;
use crate::source::{SourceFile, Sources};
use crate::store::{KeptList, Said, Store};

/// Where files are that several integrations may take from.
const BASES: &str = "bases/";

/// Folders whose files are the same for all integrations.
const FOLDERS: [&str; 2] = ["options/", "schemas/"];
/// Integrations of which it is kept at most what the repository says.
const MOST_KNOWN: usize = 4096;

/// Where a setting is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub path: String,
    pub line: usize,
}

/// What the files say of an integration.
#[derive(Debug, Clone, Default)]
pub struct Says {
    pub pair: String,
    /// Categories that are left to people.
    pub unmanaged: Vec<String>,
    /// By category, what the files set, null for a reset.
    pub categories: BTreeMap<String, Settings>,
    pub places: BTreeMap<String, BTreeMap<SettingPath, Written>>,
    /// What is required by them, and whether they set it (`None`: what is deployed decides); none where only an apply recorded them.
    pub required: Option<Vec<(String, SettingPath, Option<bool>)>>,
    pub commit: Option<String>,
    /// The files have errors, so that it is not known what they say.
    pub is_broken: bool,
}

/// The integrations of a repository, and what keeps them from being read.
#[derive(Debug, Clone, Default)]
pub struct WholeRepository {
    /// Sorted.
    pub names: Vec<String>,
    /// Those whose files have errors.
    pub broken: Vec<String>,
    /// The first errors, each with its place: `integrations/one.yaml:3`.
    pub errors: Vec<(String, String)>,
}

impl WholeRepository {
    /// So many errors are told; who wants all of them asks the command line.
    const TOLD: usize = 5;

    fn of(workspace: &Workspace, compilation: &Compilation) -> Self {
        let sources = workspace.sources();
        let is_broken =
            |name: &&String| compilation.errors.contains_key(*name) || compilation.find(name).is_none();
        let errors = compilation.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let told = |finding: &Finding| {
            let place =
                format!("{}:{}", sources.path(finding.primary.span), sources.line(finding.primary.span));
            (place, finding.message.clone())
        };
        WholeRepository {
            broken: compilation.names.iter().filter(is_broken).cloned().collect(),
            errors: errors.take(Self::TOLD).map(told).collect(),
            names: compilation.names.clone(),
        }
    }
}

/// What judges. A snapshot.
pub struct Ground {
    environment: Option<String>,
    shared: Vec<SourceFile>,
    catalogue: Catalogue,
    options: Options,
    /// What is wrong in what all integrations share.
    errors: Vec<String>,
    repository: Option<Workspace>,
    /// When a server fetched a list last, by connector, account and set.
    fetched: BTreeMap<(String, String, String), String>,
    /// What the repository says of the integrations that were asked for.
    known: Mutex<HashMap<String, Option<Arc<Says>>>>,
    /// What is in the repository, once all of it was read.
    whole: Mutex<Option<Arc<WholeRepository>>>,
    /// The fleet as it was last found.
    glances: Mutex<Found>,
    /// What was found of integrations as they stand.
    stood: AllStood,
    /// By base, how many integrations take what it sets.
    readers: OnceLock<BTreeMap<String, usize>>,
}

/// An integration that was judged as it is, or would be, deployed.
pub struct Judged {
    pub workspace: Workspace,
    pub compilation: Compilation,
}

impl Judged {
    /// None where it cannot be read as an integration at all.
    #[must_use]
    pub fn compiled(&self) -> Option<&Compiled> {
        self.compilation.integrations.first()
    }

    /// What a save of it is compared with.
    pub(super) fn stood(&self) -> Stood {
        let live = self.compiled().filter(|compiled| compiled.live);
        let lacks_connections =
            live.is_some_and(|compiled| !compiled.configuration.categories.contains_key(CONNECTORS));
        Stood { findings: self.compilation.findings.clone(), lacks_connections }
    }
}

impl Ground {
    /// What a repository has, with the dropdown values that a server fetched after its lists.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of_repository(
        workspace: Workspace,
        store: &mut dyn Store,
        environment: Option<String>,
    ) -> Result<Self> {
        let files = workspace.sources().iter().map(|(_, file)| file);
        let shared = files.filter(|file| is_shared(&file.path)).map(SourceFile::copy).collect();
        let ground = Ground::of(shared, &store.kept_lists()?, environment);
        Ok(Ground { repository: Some(workspace), ..ground })
    }

    /// What the applies to a store recorded.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of_store(store: &mut dyn Store, environment: Option<String>) -> Result<Self> {
        let mut shared = vec![SourceFile::new(PROJECT_FILE, "version: 1\n")];
        for (path, digest) in store.sources()? {
            let text = store.document(&digest)?.ok_or_else(|| lost(&path))?;
            shared.push(SourceFile::new(path, text));
        }
        Ok(Ground::of(shared, &store.kept_lists()?, environment))
    }

    fn of(shared: Vec<SourceFile>, kept: &[KeptList], environment: Option<String>) -> Self {
        let shared = lists::with_kept(shared, kept);
        let of_one = |list: &KeptList| {
            let key = (list.connector.clone(), list.account.clone(), list.name.clone());
            (key, list.fetched_at.clone())
        };
        let fetched = kept.iter().map(of_one).collect();
        let sources = Sources::from(shared.iter().map(SourceFile::copy).collect::<Vec<_>>());
        let Compilation { catalogue, options, findings, .. } =
            compile::compile(&sources, &Selection::default());
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let errors = errors.map(|finding| finding.message.clone()).collect();
        Ground {
            environment,
            shared,
            catalogue,
            options,
            errors,
            repository: None,
            fetched,
            known: Mutex::default(),
            whole: Mutex::default(),
            glances: Mutex::default(),
            stood: AllStood::default(),
            readers: OnceLock::new(),
        }
    }

    /// What is wrong in what all integrations share: while there is anything, nothing can be judged by it.
    #[must_use]
    pub fn errors(&self) -> &[String] {
        &self.errors
    }

    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// When a server fetched a list last, if one did.
    #[must_use]
    pub fn fetched_at(&self, connector: &str, account: &str, set: &str) -> Option<&str> {
        let key = (connector.to_owned(), account.to_owned(), set.to_owned());
        self.fetched.get(&key).map(String::as_str)
    }

    #[must_use]
    pub fn repository(&self) -> Option<&Workspace> {
        self.repository.as_ref()
    }

    #[must_use]
    pub fn pair(&self, id: &str) -> Option<Arc<Pair>> {
        self.catalogue.pair(id)
    }

    /// What the files say of an integration: those of the repository, else what the last apply recorded; none where no file has
    /// it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn says(&self, id: &str, store: &mut dyn Store, host: &Host<'_>) -> Result<Option<Arc<Says>>> {
        let Some(workspace) = &self.repository else {
            let said = store.said(Some(&[id.to_owned()]))?.pop();
            return said.map(|said| recorded(&said, store).map(Arc::new)).transpose();
        };
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(id) {
            return Ok(known.clone());
        }
        let compilation = self.compiled_files(workspace, vec![id.to_owned()], host);
        let says = said_of(workspace, &compilation, id).map(Arc::new);
        known().insert(id.to_owned(), says.clone());
        Ok(says)
    }

    /// Reads what the files say of some integrations at once, where a repository says it.
    pub(super) fn read_some(&self, ids: &[String], host: &Host<'_>) {
        let Some(workspace) = &self.repository else { return };
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let unread: Vec<String> = {
            let known = known();
            ids.iter().filter(|id| !known.contains_key(*id)).cloned().collect()
        };
        if unread.is_empty() {
            return;
        }
        let compilation = self.compiled_files(workspace, unread.clone(), host);
        let mut known = known();
        // A fleet of any size is listed in the same room.
        if known.len() + unread.len() > MOST_KNOWN {
            known.clear();
        }
        known.extend(unread.into_iter().map(|id| {
            let says = said_of(workspace, &compilation, &id).map(Arc::new);
            (id, says)
        }));
    }

    /// Reads what the repository holds as a whole, and what its files say of as many integrations as are kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn read_all(&self, store: &mut dyn Store, host: &Host<'_>) -> Result<()> {
        let Some(workspace) = &self.repository else { return Ok(()) };
        let compilation = self.compiled_files(workspace, Vec::new(), host);
        let registered = store.integrations("", MOST_KNOWN)?;
        *self.whole.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Arc::new(WholeRepository::of(workspace, &compilation)));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for one in registered {
            let says = said_of(workspace, &compilation, &one.id).map(Arc::new);
            known.entry(one.id).or_insert(says);
        }
        Ok(())
    }

    fn compiled_files(
        &self,
        workspace: &Workspace,
        integrations: Vec<String>,
        host: &Host<'_>,
    ) -> Compilation {
        let selection = Selection {
            today: Some(host.today()),
            integrations,
            environment: self.environment.clone(),
            alone: true,
            ..Selection::default()
        };
        compile::compile(workspace.sources(), &selection)
    }

    /// How many integrations take what a base sets; none where the file is no base.
    #[must_use]
    pub fn readers(&self, path: &str) -> usize {
        let counted = || {
            let Some(workspace) = &self.repository else { return BTreeMap::new() };
            let bases = workspace.sources().iter().filter(|(_, file)| file.path.starts_with(BASES));
            // Whoever reads a file is reached by any difference in it.
            let touched: Files =
                bases.map(|(_, file)| (file.path.clone(), format!("{}\n# touched\n", file.text()))).collect();
            let mut readers = BTreeMap::new();
            let touched = workspace.overlay(&touched);
            let reached = reach(workspace.sources(), touched.sources(), self.environment());
            for path in reached.integrations.into_values().flatten() {
                *readers.entry(path).or_insert(0) += 1;
            }
            readers
        };
        self.readers.get_or_init(counted).get(path).copied().unwrap_or(0)
    }

    /// What is in the repository, where all of it was read.
    pub(super) fn whole(&self) -> Option<Arc<WholeRepository>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn glances(&self) -> MutexGuard<'_, Found> {
        self.glances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A project in which an integration alone is as these documents say it, as people say them; `root` is where relative paths
    /// of secrets begin.
    ///
    /// # Errors
    /// When they cannot be written as a file.
    pub fn project_of(
        &self,
        id: &str,
        pair: &str,
        categories: &BTreeMap<String, Json>,
        root: &Path,
    ) -> Result<Workspace> {
        Ok(self.with(vec![as_file(id, pair, categories)?], root))
    }

    /// A project of what all integrations share, and these files.
    fn with(&self, own: Vec<SourceFile>, root: &Path) -> Workspace {
        let files = self.shared.iter().map(SourceFile::copy).chain(own);
        Workspace::of(root.to_owned(), Sources::from(files.collect::<Vec<_>>()))
    }

    /// Judges an integration whose categories are these documents, as people say them.
    ///
    /// # Errors
    /// When the recorded rules cannot be used.
    pub fn judge(
        &self,
        id: &str,
        pair: &str,
        categories: &BTreeMap<String, Json>,
        record: &Record,
        host: &Host<'_>,
    ) -> Result<Judged> {
        Ok(self.compiled(vec![as_file(id, pair, categories)?], record, host))
    }

    /// What is found of an integration whose categories are these documents: as it was found before, where it was judged from the same.
    ///
    /// # Errors
    /// As [`Ground::judge`].
    pub(super) fn stood(
        &self,
        id: &str,
        pair: &str,
        categories: &BTreeMap<String, Json>,
        record: &Record,
        host: &Host<'_>,
    ) -> Result<Arc<Stood>> {
        let mark = judged_from(pair, categories, record, host)?;
        if let Some(stood) = self.stood.of(id, &mark) {
            return Ok(stood);
        }
        let stood = Arc::new(self.judge(id, pair, categories, record, host)?.stood());
        self.stood.keep(id, mark, Arc::clone(&stood));
        Ok(stood)
    }

    /// Knows what was found of one that was judged, as whoever saves it next asks for that.
    pub(super) fn stands(
        &self,
        id: &str,
        pair: &str,
        categories: &BTreeMap<String, Json>,
        (record, host): (&Record, &Host<'_>),
        stood: Stood,
    ) {
        // Where it cannot be said what it was judged from, it is judged once more.
        if let Ok(mark) = judged_from(pair, categories, record, host) {
            self.stood.keep(id, mark, Arc::new(stood));
        }
    }

    /// Judges all of these as they are deployed.
    ///
    /// # Errors
    /// When the recorded rules cannot be used.
    pub(super) fn judge_all<'k>(
        &self,
        all: impl Iterator<Item = (&'k str, &'k str, BTreeMap<String, Json>)>,
        record: &Record,
        host: &Host<'_>,
    ) -> Result<Judged> {
        let files = all.map(|(id, pair, documents)| as_file(id, pair, &documents));
        Ok(self.compiled(files.collect::<Result<_>>()?, record, host))
    }

    fn compiled(&self, own: Vec<SourceFile>, record: &Record, host: &Host<'_>) -> Judged {
        let workspace = self.with(own, Path::new(""));
        let selection = Selection {
            today: Some(host.today()),
            alone: true,
            floor: record.levels(),
            ..Selection::default()
        };
        let compilation = compile::compile(workspace.sources(), &selection);
        Judged { workspace, compilation }
    }
}

/// A mark of all that an integration is judged from, beside the ground.
fn judged_from(
    pair: &str,
    categories: &BTreeMap<String, Json>,
    record: &Record,
    host: &Host<'_>,
) -> Result<String> {
    let documents =
        to_canonical(categories).map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
    Ok(digest_text(&format!("{pair} {} {:?} {documents}", host.today(), record.levels())))
}

fn is_shared(path: &str) -> bool {
    path == PROJECT_FILE || FOLDERS.iter().any(|folder| path.starts_with(folder))
}

/// The file that would say of an integration what is deployed.
fn as_file(id: &str, pair: &str, categories: &BTreeMap<String, Json>) -> Result<SourceFile> {
    let text = serde_json::to_string(&document(id, pair, categories))
        .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
    Ok(SourceFile::new(format!("integrations/{id}.yaml"), printable(text)))
}

/// JSON in which every character can stand in YAML too: what was saved past the pages is judged like all else.
fn printable(json: String) -> String {
    let is_unfit = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    if !json.contains(is_unfit) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_unfit(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// An integration as a file would have it, of documents in which no text is an expression.
fn document(id: &str, pair: &str, categories: &BTreeMap<String, Json>) -> Json {
    let mut root = Map::new();
    root.insert("integration".to_owned(), id.into());
    root.insert("pair".to_owned(), pair.into());
    // Where nobody said how platforms are reached, it is not asked for.
    if !categories.contains_key(CONNECTORS) {
        root.insert("unmanaged".to_owned(), json!([CONNECTORS]));
    }
    let mut settings = Map::new();
    for (category, document) in categories {
        let home = if is_top_level(category) { &mut root } else { &mut settings };
        home.insert(category.clone(), escaped(document.clone()));
    }
    if !settings.is_empty() {
        root.insert(SETTINGS.to_owned(), Json::Object(settings));
    }
    Json::Object(root)
}

/// What the files say of one integration, as they were compiled; none where no file has it.
fn said_of(workspace: &Workspace, compilation: &Compilation, id: &str) -> Option<Says> {
    let sources = workspace.sources();
    // Of a file with errors some settings may be missing.
    let is_broken = compilation.errors.contains_key(id) || compilation.find(id).is_none();
    if is_broken {
        let has_file = compilation.names.iter().any(|name| name == id);
        return has_file.then(|| Says { is_broken, commit: workspace.head(), ..Says::default() });
    }
    let compiled = compilation.find(id)?;
    let written = |span| Written { path: sources.path(span).to_owned(), line: sources.line(span) };
    let places = compiled.origins.iter().map(|(category, origins)| {
        let of_one = origins.iter().map(|(path, span)| (path.clone(), written(*span)));
        (category.to_string(), of_one.collect())
    });
    let categories = compiled.configuration.categories.iter();
    Some(Says {
        pair: compiled.pair.id.to_string(),
        unmanaged: compiled.unmanaged.iter().map(ToString::to_string).collect(),
        categories: categories.map(|(id, settings)| (id.to_string(), (**settings).clone())).collect(),
        places: places.collect(),
        required: Some(
            compiled
                .required()
                .map(|(category, path, set)| (category.to_owned(), path.clone(), set))
                .collect(),
        ),
        commit: workspace.head(),
        is_broken,
    })
}

/// Nothing is taken for "no file says it" that cannot be read.
fn lost(what: &str) -> Error {
    let why = format!("what an apply recorded of {what} cannot be read");
    Error::new(ErrorKind::Unreachable, why).help("apply once more, which records it anew")
}

/// What an apply recorded of an integration.
fn recorded(said: &Said, store: &mut dyn Store) -> Result<Says> {
    let unfit = || lost(&said.integration);
    let document = store.document(&said.settings)?.ok_or_else(unfit)?;
    let all: BTreeMap<String, Json> = serde_json::from_str(&document).map_err(|_| unfit())?;
    let facts: Json = serde_json::from_str(&said.facts).map_err(|_| unfit())?;
    let unmanaged = facts["unmanaged"].as_array().into_iter().flatten();
    let mut says = Says {
        pair: said.pair.clone(),
        unmanaged: unmanaged.filter_map(Json::as_str).map(str::to_owned).collect(),
        commit: said.commit.clone(),
        ..Says::default()
    };
    for (category, one) in all {
        let places = one["places"].as_object().into_iter().flatten().filter_map(|(path, place)| {
            let (file, line) = place.as_str()?.rsplit_once(':')?;
            Some((SettingPath::parse(path)?, Written { path: file.to_owned(), line: line.parse().ok()? }))
        });
        says.places.insert(category.clone(), places.collect());
        says.categories.insert(category, crate::model::from_json(&one["settings"]));
    }
    Ok(says)
}
