//! All parts that a project sees, and the pairs linked from them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use serde_json::Value as Json;

use super::addresses::replaced_kind;
pub use super::archive::{Archive, ArchiveError};
pub use super::built_in::{built_in, owners_of, take, taken};
use super::link::{self, LinkError};
use super::lint;
use super::pair::{Beside, Connector, Pair};
use super::part_files::PartFiles;
use super::vat::Vat;
use crate::diagnostic::codes;
use crate::diagnostic::{Finding, Label, list_words, nearest};
use crate::source::{FileId, Sources, Span};
use crate::yaml;

/// A pair that is linked when it is first asked for; others can be linked meanwhile.
type Linked = OnceLock<Option<Arc<Pair>>>;

/// So many payment providers at most are linked by themselves.
const FEW: usize = 2;

/// The pairs linked so far, by what they were linked with.
type AllLinked = Arc<Mutex<HashMap<(String, Beside), Arc<Linked>>>>;

/// All parts that a project sees, and the pairs linked from them so far.
#[derive(Debug)]
pub struct Catalogue {
    files: PartFiles,
    linked: AllLinked,
}

/// The parts of a project that stand in the place of built-in ones, as paths of its sources.
pub fn replaced(sources: &Sources) -> impl Iterator<Item = &str> {
    let paths = sources.iter().map(|(_, file)| file.path.as_str());
    paths.filter(|path| path.strip_prefix("schemas/").is_some_and(|path| replaced_kind(path).is_some()))
}

/// Each part of a project that stands in the place of a built-in one, by name.
fn told_replaced(sources: &Sources, files: &PartFiles) -> Vec<Finding> {
    let told = sources.iter().filter_map(|(file, source)| {
        let path = source.path.strip_prefix("schemas/")?;
        let kind = replaced_kind(path)?;
        let name = path.split_once('/').and_then(|(_, name)| name.strip_suffix(".yaml"));
        let what = match kind {
            "VAT rates" => {
                let own = files.tree(path)?.get("countries")?.as_map()?;
                let countries: Vec<String> =
                    own.entries().iter().map(|one| one.key.text.to_string()).collect();
                format!("{kind} of {}", list_words(&countries, "and"))
            }
            "flows" => kind.to_owned(),
            _ => format!("{kind} {}", name.unwrap_or(path)),
        };
        Some(codes::schema::built_in_replaced(&source.path, &what, Span::new(file, 0, 0)))
    });
    told.collect()
}

impl Default for Catalogue {
    /// The built-in parts alone. What is linked from these is the same wherever it is asked for in a process.
    fn default() -> Self {
        static LINKED: LazyLock<AllLinked> = LazyLock::new(AllLinked::default);
        Catalogue { files: PartFiles::default(), linked: Arc::clone(&LINKED) }
    }
}

impl Catalogue {
    /// The pair that was meant by an id that no pair has: one that is written alike, or its connectors in the other order
    /// (`shopify-fortnox`). Ids hold hyphens, so every split is tried.
    #[must_use]
    pub fn pair_meant(&self, id: &str) -> Option<String> {
        let known = self.names("pairs");
        // `shopify_fortnox`, `Shopify + Fortnox`: two names, whatever stands between them.
        let joint = |c: char| matches!(c, '_' | ' ' | '/' | '+' | '&' | '–' | '<' | '>' | ',' | ':');
        let folded = id.to_lowercase();
        let words: Vec<&str> = folded.split(joint).filter(|word| !word.is_empty()).collect();
        let joined = words.join("-");
        let id = if known.contains(&joined) { return Some(joined) } else { &*joined };
        let near = nearest(id, known.iter().map(String::as_str)).map(str::to_owned);
        near.or_else(|| {
            let mut turned = id.match_indices('-').map(|(at, _)| format!("{}-{}", &id[at + 1..], &id[..at]));
            turned.find(|turned| known.contains(turned))
        })
    }

    /// Lays the files under a project's `schemas/` over the built-in parts; broken ones become findings and are
    /// left out. Every pair that a project brings is linked at once, so that its mistakes are found without a user.
    #[must_use]
    pub fn with_project(sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        let files = PartFiles::read(sources, findings);
        if files.is_built_in() {
            return Catalogue::default();
        }
        findings.extend(told_replaced(sources, &files));
        Catalogue::of(files, findings)
    }

    /// A catalogue of these parts and no others, judged as a project's own are.
    #[must_use]
    pub fn alone(sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        Catalogue::of(PartFiles::read_alone(sources, findings), findings)
    }

    fn of(files: PartFiles, findings: &mut Vec<Finding>) -> Self {
        let mut catalogue = Catalogue { files, linked: AllLinked::default() };
        for (path, finding) in lint::lint(&catalogue.files) {
            catalogue.files.set_broken(path);
            findings.push(finding);
        }
        let pairs = catalogue.files.own_pairs();
        for id in pairs.iter().filter(|id| !catalogue.is_broken(id)) {
            if let Err(error) = link::link(&catalogue.files, id, &Beside::All) {
                let finding = catalogue.misfit(&error);
                findings.push(finding);
            }
        }
        catalogue
    }

    /// Whether a pair cannot be linked since a part that it is made of has mistakes, which are findings of their own.
    #[must_use]
    pub fn is_broken(&self, pair: &str) -> bool {
        self.files.is_broken(pair)
    }

    /// Whether a connector cannot be used since its part has mistakes, which are findings of their own.
    #[must_use]
    pub fn is_broken_connector(&self, id: &str) -> bool {
        self.files.is_broken_connector(id)
    }

    fn misfit(&self, error: &LinkError) -> Finding {
        let node = self
            .files
            .tree(&error.part)
            .map(|root| yaml::find_path(root, &error.pointer).unwrap_or(root))
            .or_else(|| self.files.own().map(|(_, _, node)| node).next());
        let span = node.map_or(Span::new(FileId(0), 0, 0), |node| node.span);
        codes::schema::part_misfit(&error.message, Label::new(span, "")).help(&*error.help)
    }

    /// A part by its path below `schemas/`, such as `connectors/fortnox.yaml`.
    #[must_use]
    pub fn part(&self, path: &str) -> Option<Arc<Json>> {
        self.files.part(path)
    }

    /// The trees of the project's own parts that could be read, by their paths below `schemas/`.
    pub fn own_trees(&self) -> impl Iterator<Item = (&str, &yaml::Node)> {
        self.files.own().map(|(path, _, node)| (path, node))
    }

    /// A digest of all parts, by which it shows whether the same files may mean something else.
    #[must_use]
    pub fn digest(&self) -> String {
        self.files.digest()
    }

    /// The VAT rates: the built-in ones, with the countries of the project's own table laid over them.
    #[must_use]
    pub fn vat(&self) -> Vat {
        self.files.vat()
    }

    /// The names of the parts in a folder, sorted.
    #[must_use]
    pub fn names(&self, folder: &str) -> Vec<String> {
        self.files.names(folder)
    }

    /// The paths of all parts below `schemas/`.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<String> {
        self.files.paths()
    }

    /// Whether the project has its own part in the place of a built-in one.
    #[must_use]
    pub fn is_replaced(&self, folder: &str, name: &str) -> bool {
        let path = format!("{folder}/{name}.yaml");
        replaced_kind(&path).is_some() && self.files.is_own(&path)
    }

    /// The linked pair with all payment providers; `None` when there is no such pair or its parts do not fit.
    #[must_use]
    pub fn pair(&self, id: &str) -> Option<Arc<Pair>> {
        self.linked(id, Beside::All)
    }

    /// The payment providers that may stand beside a pair, by id with their titles. It costs little: nothing else is read of them.
    #[must_use]
    pub fn providers(&self) -> &BTreeMap<String, String> {
        self.files.payments()
    }

    /// A connector by itself, without any pair.
    #[must_use]
    pub fn connector(&self, id: &str) -> Option<Connector> {
        self.part(&format!("connectors/{id}.yaml")).map(|part| Connector::of(id, part))
    }

    /// The linked pair with the payment providers that are among these connectors; with all where these are many, so that a fleet in
    /// which each shop has its own mixture does not link a pair for each.
    #[must_use]
    pub fn pair_beside<'a>(
        &self,
        id: &str,
        connectors: impl IntoIterator<Item = &'a str>,
    ) -> Option<Arc<Pair>> {
        let all = self.files.payments();
        let payments = connectors.into_iter().filter(|connector| all.contains_key(*connector));
        let payments: BTreeSet<String> = payments.map(str::to_owned).collect();
        let beside = if payments.len() > FEW { Beside::All } else { Beside::Only(payments) };
        self.linked(id, beside)
    }

    /// This pair with those payment providers, too, that are among these connectors.
    #[must_use]
    pub fn widened<'a>(&self, pair: &Arc<Pair>, connectors: impl Iterator<Item = &'a str>) -> Arc<Pair> {
        let more: Vec<&str> = connectors.filter(|id| pair.connector(id).is_none()).collect();
        if more.is_empty() {
            return Arc::clone(pair);
        }
        let all = pair.payments.iter().map(|one| one.id.as_str()).chain(more);
        self.pair_beside(&pair.id, all).unwrap_or_else(|| Arc::clone(pair))
    }

    fn linked(&self, id: &str, beside: Beside) -> Option<Arc<Pair>> {
        let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = Arc::clone(linked.entry((id.to_owned(), beside.clone())).or_default());
        drop(linked);
        let link = || {
            if self.is_broken(id) { None } else { link::link(&self.files, id, &beside).ok().map(Arc::new) }
        };
        pair.get_or_init(link).clone()
    }
}
