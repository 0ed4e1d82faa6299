//! Integrations that are deployed just as the files say, told by the marks in the store while the files are compiled: of them
//! no setting is read, compared or kept. Nothing here decides about the others.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::Common;
use super::exit::Stop;
use super::project::{self, Project};
use super::secrets::Secrets;
use crate::compile::project::Project as Declared;
use crate::compile::{Compilation, Compiled, Judged};
use crate::model::{Hidden, Secret, Value};
use crate::options::Options;
use crate::plan::{self, Desired, Released, Scope, Standing};
use crate::source::Sources;
use crate::store::{self, Head, Store};

/// An integration of which an apply would do nothing.
#[derive(Debug)]
pub struct Settled {
    pub planned: plan::Integration,
    /// Categories that no file declares any more.
    pub released: Vec<Released>,
    /// Visible categories, managed or not.
    pub visible: Vec<String>,
}

/// A project, compiled against a store that was looked at before.
pub struct Opened {
    /// Its compilation has the integrations that may differ.
    pub project: Project,
    pub settled: Vec<Settled>,
    pub ground: Ground,
}

/// A store, and what it says of its categories without their settings.
#[derive(Default)]
pub struct Ground {
    pub store: Option<Box<dyn Store>>,
    /// By integration; none where they were not asked for.
    pub heads: Option<BTreeMap<String, Vec<Head>>>,
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Look,
    /// The store is brought up to date, and nothing is settled whose secrets are not at hand: where they are kept is asked.
    Apply,
}

/// Finds, reads and compiles the project, and tells what is settled from the rest.
///
/// # Errors
/// When there is no project, a filter names what does not exist, or the store cannot be read.
pub fn open(common: &Common, purpose: Purpose) -> Result<Opened, Stop> {
    let (root, sources) = project::read(common)?;
    let selection = project::selection(common, &root, &sources)?;
    let ground = Ground::read(common, &root, &sources, purpose)?;
    let key =
        Hidden::new(ground.store.as_ref().map(|store| store.fingerprint_key().to_vec()).unwrap_or_default());
    let look = ground.heads.as_ref().map(|heads| Look {
        heads,
        secrets: Secrets::new(&root, &key),
        purpose,
        scope: Scope { categories: common.category.clone(), ..Scope::default() },
    });
    let keep = |judged: Judged| match &look {
        Some(look) => look.at(judged),
        None => Kept::Open(Box::new(judged.lower())),
    };
    let opened = project::compile_with(root.clone(), sources, selection, keep)?;
    let (project, settled) = part(opened);
    Ok(Opened { project, settled, ground })
}

impl Ground {
    /// Of a project that was compiled without: all will be read.
    ///
    /// # Errors
    /// When the store is not named, or cannot be opened.
    pub fn under(common: &Common, opened: &Project) -> Result<Self, Stop> {
        Ok(Ground { store: store::open_existing(&opened.store(common)?.1)?, heads: None })
    }

    fn read(common: &Common, root: &Path, sources: &Sources, purpose: Purpose) -> Result<Self, Stop> {
        let declared = Declared::read(sources, &mut Vec::new());
        // What is wrong here is said when the project is compiled.
        let Ok((_, url)) = project::store_of(&declared, root, common.env.as_deref(), common.store.as_deref())
        else {
            return Ok(Ground::default());
        };
        if purpose == Purpose::Apply {
            store::upgrade(&url)?;
        }
        let mut store = store::open_existing(&url)?;
        // Of a few, all is read.
        let few = !common.integration.is_empty() || common.changed_since.is_some();
        let Some(from) = store.as_mut().filter(|_| !few) else { return Ok(Ground { store, heads: None }) };
        let mut heads: BTreeMap<String, Vec<Head>> = BTreeMap::new();
        for head in from.heads(None)? {
            match heads.get_mut(&head.integration) {
                Some(of_one) => of_one.push(head),
                None => drop(heads.insert(head.integration.clone(), vec![head])),
            }
        }
        Ok(Ground { store, heads: Some(heads) })
    }
}

/// What became of an integration.
enum Kept {
    Settled(Box<Settled>),
    /// It may differ.
    Open(Box<Compiled>),
}

struct Look<'a> {
    heads: &'a BTreeMap<String, Vec<Head>>,
    secrets: Secrets<'a>,
    purpose: Purpose,
    scope: Scope,
}

impl Look<'_> {
    fn at(&self, judged: Judged) -> Kept {
        let has_errors = judged.has_errors();
        let compiled = judged.lower();
        match self.heads.get(&compiled.name) {
            Some(heads) if !has_errors && self.is_settled(&compiled, heads) => {
                Kept::Settled(Box::new(self.settled(&compiled, heads)))
            }
            _ => Kept::Open(Box::new(compiled)),
        }
    }

    /// Nothing is written, and nothing about it depends on a value that is only deployed.
    fn is_settled(&self, compiled: &Compiled, heads: &[Head]) -> bool {
        let declared = &compiled.configuration.categories;
        let undeclared = |head: &Head| !declared.contains_key(&head.category);
        compiled.required().all(|(_, _, set)| set.is_some())
            && heads.iter().all(|head| !undeclared(head) || head.is_marked())
            && declared.iter().all(|(category, settings)| {
                let desired =
                    plan::with_fingerprints(settings, &|reference| self.secrets.fingerprint(reference).ok());
                let missing =
                    |value: &Value| matches!(value, Value::Secret(Secret { fingerprint: None, .. }));
                if self.purpose == Purpose::Apply && desired.values().any(missing) {
                    return false;
                }
                let head = heads.iter().find(|head| head.category == *category);
                head.map_or(desired.is_empty(), |head| head.is_settled(&desired))
            })
    }

    fn settled(&self, compiled: &Compiled, heads: &[Head]) -> Settled {
        let head = |id: &str| heads.iter().find(|head| head.category == id);
        let options = Options::default();
        let desired = Desired {
            integration: &compiled.name,
            renamed_from: None,
            pair: &compiled.pair,
            live: compiled.live,
            flows_on: &compiled.flows_on,
            configuration: &compiled.configuration,
            visible: &compiled.visible,
            unmanaged: &compiled.unmanaged,
            requirements: compiled.required().collect(),
            blocked: BTreeMap::new(),
            view: compiled.view(&options),
            place: &|_, _| None,
            fingerprint: &|_| None,
            link: None,
        };
        let standing = |id: &str| {
            head(id).map_or(Standing::Never, |head| Standing::Settled(head.revision, head.settings))
        };
        let gone = |head: &&Head| {
            let in_scope = self.scope.categories.is_empty() || self.scope.categories.contains(&head.category);
            in_scope && !compiled.configuration.categories.contains_key(&head.category) && !head.is_released()
        };
        let released = heads.iter().filter(gone).map(|head| Released {
            integration: compiled.name.clone(),
            category: head.category.clone(),
            revision: head.revision,
        });
        Settled {
            released: released.collect(),
            planned: plan::plan_integration(&desired, &standing, &self.scope),
            visible: compiled.visible.clone(),
        }
    }
}

/// The settled apart from the others.
fn part(opened: Project<Kept>) -> (Project, Vec<Settled>) {
    let Project { root, sources, compilation, environment } = opened;
    let Compilation { project, catalogue, options, integrations, errors, findings, hidden, names } =
        compilation;
    let mut settled = Vec::new();
    let mut open = Vec::new();
    for kept in integrations {
        match kept {
            Kept::Open(compiled) => open.push(*compiled),
            Kept::Settled(mut one) => {
                one.planned.link =
                    project.link.as_ref().map(|link| link.replace("{id}", &one.planned.integration));
                settled.push(*one);
            }
        }
    }
    let compilation =
        Compilation { project, catalogue, options, integrations: open, errors, findings, hidden, names };
    (Project { root, sources, compilation, environment }, settled)
}
