//! Integrations that are deployed just as the files say, told by the marks in the store while the files are compiled: of them
//! no setting is read, compared or kept. Nothing here decides about the others.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::JoinHandle;

use super::args::Common;
use super::exit::Stop;
use super::project::{self, Project};
use super::secrets::Secrets;
use crate::compile::project::Project as Declared;
use crate::compile::{Compilation, Compiled, Judged};
use crate::model::{Hidden, Value};
use crate::options::Options;
use crate::plan::{self, Desired, Released, Scope, Standing};
use crate::source::{Sources, git};
use crate::store::{self, Head, Store, Wanted};

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
    /// The commit under the working tree, which git looks for while the files are read and compiled.
    pub commit: Option<JoinHandle<Option<git::Commit>>>,
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
    let commit =
        common.rev.is_none().then(|| std::thread::spawn(|| git::commit(&project::find_root().ok()?)));
    let (root, sources) = project::read(common)?;
    let selection = project::selection(common, &root, &sources)?;
    let ground = Ground { commit, ..Ground::read(common, &root, &sources, purpose)? };
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
        Ok(Ground { store: store::open_existing(&opened.store(common)?.1)?, ..Ground::default() })
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
        let Some(from) = store.as_mut().filter(|_| !few) else {
            return Ok(Ground { store, ..Ground::default() });
        };
        let mut heads: BTreeMap<String, Vec<Head>> = BTreeMap::new();
        // Those of one integration follow each other, mostly.
        let mut rest = from.heads(None)?.into_iter().peekable();
        while let Some(head) = rest.next() {
            let name = head.integration.clone();
            let of_one = heads.entry(name.clone()).or_default();
            of_one.push(head);
            while let Some(next) = rest.next_if(|next| next.integration == name) {
                of_one.push(next);
            }
        }
        Ok(Ground { store, heads: Some(heads), commit: None })
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
        match self.heads.get(judged.name()) {
            Some(heads) if !judged.has_errors() && self.is_settled(&judged, heads) => {
                Kept::Settled(Box::new(self.settled(&judged.outline(), heads)))
            }
            _ => Kept::Open(Box::new(judged.lower())),
        }
    }

    /// Nothing is written, and nothing about it depends on a value that is only deployed.
    fn is_settled(&self, judged: &Judged, heads: &[Head]) -> bool {
        let declares = |head: &Head| judged.declared().any(|(category, _)| category.id == head.category);
        judged.required().all(|(_, _, set)| set.is_some())
            && heads.iter().all(|head| head.is_marked() || declares(head))
            && judged.declared().all(|(category, entry)| {
                let mut wanted = Wanted::default();
                judged.leaves(category, entry, &mut |keys, mut value| {
                    if let Value::Secret(secret) = &mut value {
                        secret.fingerprint = self.secrets.fingerprint(&secret.reference).ok();
                    }
                    wanted.add(keys, &value);
                });
                if self.purpose == Purpose::Apply && wanted.has_unknown() {
                    return false;
                }
                match heads.iter().find(|head| head.category == category.id) {
                    Some(head) => head.is_settled(wanted),
                    None => wanted.is_empty(),
                }
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
