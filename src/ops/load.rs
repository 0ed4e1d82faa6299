//! A project and its store, read beside each other: integrations that are deployed just as the files say are told by the
//! marks in the store, which is read while the files are compiled, and of them no setting is read, compared or kept. Nothing
//! here decides about the others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use rayon::prelude::*;

use super::error::{ErrorKind, Result};
use super::host::{Access, Host};
use super::judged::Record;
use super::project::{self, Project};
use super::request::{Request, SecretsAsked};
use super::workspace::Workspace;
use crate::compile::lower::Written;
use crate::compile::{Again, Changed, Compilation, Compiled, Judged};
use crate::model::{Hidden, Name, Step, Value};
use crate::options::Options;
use crate::plan::{self, DeployedState, Desired, Scope};
use crate::secrets::{Reach, Secrets};
use crate::store::{Head, Store, Wanted};

/// An integration of which an apply would do nothing.
#[derive(Debug)]
pub struct UpToDate {
    pub planned: plan::Integration,
    /// How many categories are visible, managed or not, in scope or not.
    pub visible: usize,
}

/// A project, compiled against a store that was looked at meanwhile.
pub struct Loaded<'w> {
    /// Its compilation has all integrations that it was asked for where these are few; else they are in the fleet.
    pub project: Project<'w>,
    pub fleet: Fleet,
    pub snapshot: Snapshot,
}

/// Integrations that were judged and not kept as they were compiled, both sorted by name.
#[derive(Default)]
pub struct Fleet {
    pub up_to_date: Vec<UpToDate>,
    /// They may differ.
    pub open: Vec<Candidate>,
    /// References of secrets that were looked for and are not at hand.
    pub unknown_secrets: BTreeSet<String>,
}

/// What is kept of an integration that will be compiled once more.
#[derive(Clone)]
pub struct Candidate {
    pub name: String,
    pub renamed_from: Option<String>,
}

impl Candidate {
    fn of(judged: &Judged) -> Self {
        Candidate { name: judged.name().to_owned(), renamed_from: judged.renamed_from() }
    }

    /// Of one that was kept.
    #[must_use]
    pub fn of_compiled(compiled: &Compiled) -> Self {
        Candidate { name: compiled.name.clone(), renamed_from: compiled.renamed_from.clone() }
    }
}

impl Fleet {
    /// How many integrations these are.
    #[must_use]
    pub fn number(&self) -> usize {
        self.up_to_date.len() + self.open.len()
    }
}

/// The open integrations that are wanted, compiled; of a project of few, all that it has.
///
/// # Errors
/// When their files were changed meanwhile.
pub fn compiled<'a>(
    opened: &'a Project<'_>,
    again: Option<&Again<'_>>,
    open: &[Candidate],
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Cow<'a, [Compiled]>, Changed> {
    let Some(again) = again else { return Ok(Cow::Borrowed(&opened.compilation.integrations)) };
    let wanted: Vec<&Candidate> = open.iter().filter(|open| is_wanted(&open.name)).collect();
    let compiled = wanted.into_par_iter().map(|open| again.compile(&open.name));
    Ok(Cow::Owned(compiled.collect::<Result<_, _>>()?))
}

/// A store, and what was seen of it.
#[derive(Default)]
pub struct Snapshot {
    pub store: Option<Box<dyn Store>>,
    /// The integrations that it has and the project does not; none where they were not asked for.
    pub gone: Option<Vec<Name>>,
    /// The rules that applies recorded there.
    pub record: Record,
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Look,
    /// The store is brought up to this version's layout. Nothing more is asked for: secrets are resolved once all is agreed
    /// to, and programs run then.
    Apply,
}

/// Compiles what a request takes, and tells what is up to date from the rest.
///
/// # Errors
/// When a filter names what does not exist, or the store cannot be read.
pub fn load<'w>(
    workspace: &'w Workspace,
    request: &Request,
    host: &Host<'_>,
    purpose: Purpose,
) -> Result<Loaded<'w>> {
    let mut selection = workspace.selection(request, host)?;
    let mut snapshot = Snapshot::find(workspace, request, host, purpose)?;
    selection.recorded = snapshot.record.levels();
    // Of a few, all is read.
    let few =
        !request.filter.integrations.is_empty() || request.changed_since.is_some() || request.only.is_some();
    if few {
        let project = project::compile(workspace, selection, host, Judged::lower)?;
        return Ok(Loaded { project, fleet: Fleet::default(), snapshot });
    }
    let Some(store) = snapshot.store.as_mut() else {
        let opened =
            project::compile(workspace, selection, host, |judged| Kept::Candidate(Candidate::of(&judged)))?;
        let (project, fleet) = part(opened);
        return Ok(Loaded { project, fleet, snapshot });
    };
    let key = Hidden::new(store.fingerprint_key().to_vec());
    let heads = Arriving::default();
    let look = Look {
        heads: &heads,
        secrets: Secrets::new(host.secrets, Reach::plan(workspace.root(), host.trust), &key),
        fingerprints: RwLock::default(),
        asked: &request.secrets,
        scope: Scope { categories: request.filter.categories.clone(), ..Scope::default() },
    };
    let (opened, read) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let _end = End(&heads);
            store.each_heads(None, &mut |name, of_one| heads.put(name, of_one))
        });
        let opened = project::compile_in_blocks(
            workspace,
            selection,
            host,
            BLOCK,
            &mut |last| heads.wait_for(last),
            |judged| look.at(judged),
        );
        (opened, reading.join())
    });
    read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let known = look.fingerprints.into_inner().unwrap_or_else(PoisonError::into_inner);
    let unknown = known.into_iter().filter(|(_, found)| found.is_none()).map(|(reference, _)| reference);
    let unknown_secrets = unknown.collect();
    let (project, fleet) = part(opened?);
    let fleet = Fleet { unknown_secrets, ..fleet };
    let names = &project.compilation.names;
    let is_gone = |name: &Name| names.binary_search_by(|known| known.as_str().cmp(name)).is_err();
    snapshot.gone = Some(heads.rest().filter(is_gone).collect());
    Ok(Loaded { project, fleet, snapshot })
}

/// Integrations that are compiled while the heads of the next are on their way: no thread of the pool waits for a store.
const BLOCK: usize = 256;

impl Snapshot {
    /// Of a project that was compiled without: all will be read.
    ///
    /// # Errors
    /// When the store is not named, or cannot be opened.
    pub fn under<T>(opened: &Project<'_, T>, request: &Request, host: &Host<'_>) -> Result<Self> {
        let (environment, address) = opened.store(request, host)?;
        Snapshot::of(host.store(&address)?, environment.as_deref(), opened.workspace)
    }

    fn find(workspace: &Workspace, request: &Request, host: &Host<'_>, purpose: Purpose) -> Result<Self> {
        let found = workspace.store(request, host);
        let (environment, address) = match found {
            Ok(found) => found,
            // What is wrong in pairform.yaml or in what was asked for is said when the project is compiled.
            Err(error) if matches!(error.kind, ErrorKind::Usage | ErrorKind::Invalid) => {
                return Ok(Snapshot::default());
            }
            // A store that is not known for now is not one where nothing is deployed.
            Err(error) => return Err(error),
        };
        let access = match purpose {
            Purpose::Look => Access::Read,
            Purpose::Apply => Access::Upgrade,
        };
        Snapshot::of((host.open_store)(&address, access)?, environment.as_deref(), workspace)
    }

    fn of(
        mut store: Option<Box<dyn Store>>,
        environment: Option<&str>,
        workspace: &Workspace,
    ) -> Result<Self> {
        let record = match store.as_deref_mut() {
            Some(store) => Record::read(store, environment, workspace)?,
            None => Record::default(),
        };
        Ok(Snapshot { store, gone: None, record })
    }
}

/// Heads on their way from a store, which is read while the files are compiled. There may be very many: those of an
/// integration that was looked at are kept no longer.
#[derive(Default)]
struct Arriving {
    arrived: Mutex<Arrived>,
    more: Condvar,
}

#[derive(Default)]
struct Arrived {
    heads: BTreeMap<Name, Vec<Head>>,
    /// The last integration that came. A store hands them out in order.
    last: Option<Name>,
    is_all: bool,
}

impl Arriving {
    fn arrived(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, integration: Name, heads: Vec<Head>) {
        let mut arrived = self.arrived();
        arrived.last = Some(integration.clone());
        arrived.heads.insert(integration, heads);
        self.more.notify_all();
    }

    /// Waits until the heads of an integration are there, or will not come.
    fn wait_for(&self, integration: &str) {
        let is_to_come = |arrived: &mut Arrived| {
            let is_past = arrived.last.as_ref().is_some_and(|last| last.as_str() >= integration);
            !arrived.is_all && !is_past
        };
        drop(self.more.wait_while(self.arrived(), is_to_come));
    }

    /// The heads of an integration. Where it has none, or they come out of order, it does not count as up to date.
    fn take(&self, integration: &str) -> Option<Vec<Head>> {
        self.arrived().heads.remove(integration)
    }

    /// The integrations that nobody took.
    fn rest(self) -> impl Iterator<Item = Name> {
        self.arrived.into_inner().unwrap_or_else(PoisonError::into_inner).heads.into_keys()
    }
}

/// Whatever becomes of the reading, nobody waits for more.
struct End<'a>(&'a Arriving);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.arrived().is_all = true;
        self.0.more.notify_all();
    }
}

/// What became of an integration.
enum Kept {
    UpToDate(Box<UpToDate>),
    Candidate(Candidate),
}

struct Look<'a> {
    heads: &'a Arriving,
    secrets: Secrets<'a>,
    /// By reference: integrations have secrets in common.
    fingerprints: RwLock<HashMap<String, Option<String>>>,
    asked: &'a SecretsAsked,
    scope: Scope,
}

impl Look<'_> {
    fn at(&self, judged: Judged) -> Kept {
        match self.heads.take(judged.name()) {
            Some(heads) if !judged.has_errors() && self.is_up_to_date(&judged, &heads) => {
                Kept::UpToDate(Box::new(self.up_to_date(&judged.outline(), &heads)))
            }
            _ => Kept::Candidate(Candidate::of(&judged)),
        }
    }

    /// Nothing is written, and nothing about it depends on a value that is only deployed.
    fn is_up_to_date(&self, judged: &Judged, heads: &[Head]) -> bool {
        let declares = |head: &Head| judged.declared().any(|(category, _)| category.id == head.category);
        judged.required().all(|(_, _, set)| set.is_some())
            && heads.iter().all(|head| head.is_released() || declares(head))
            && judged.declared().all(|(category, entry)| {
                let (mut wanted, mut is_pending) = (Wanted::default(), false);
                judged.leaves(category, entry, &mut |step| match step {
                    Step::Open(key) => wanted.take(Step::Open(key)),
                    Step::Close => wanted.take(Step::Close),
                    Step::Leaf(key, (Written::Text(text), _)) => wanted.text(key, text),
                    Step::Leaf(key, (Written::Other(mut value), _)) => {
                        if let Value::Secret(secret) = &mut value {
                            secret.fingerprint = self.fingerprint(&secret.reference);
                            is_pending |=
                                secret.fingerprint.is_none() && self.asked.is_pending(&secret.reference);
                        }
                        wanted.take(Step::Leaf(key, &value));
                    }
                });
                if is_pending {
                    return false;
                }
                match heads.iter().find(|head| head.category == category.id) {
                    Some(head) => head.is_up_to_date(wanted),
                    None => wanted.is_empty(),
                }
            })
    }

    /// The fingerprint of a secret, where it is at hand.
    fn fingerprint(&self, reference: &str) -> Option<String> {
        let known = self.fingerprints.read().unwrap_or_else(PoisonError::into_inner).get(reference).cloned();
        known.unwrap_or_else(|| {
            let is_looked_for = !self.asked.is_left_unknown(reference);
            let find = |reference: &str| self.secrets.fingerprint(reference);
            let found = if is_looked_for { self.asked.fingerprint(reference, find).ok() } else { None };
            let mut known = self.fingerprints.write().unwrap_or_else(PoisonError::into_inner);
            known.entry(reference.to_owned()).or_insert(found).clone()
        })
    }

    fn up_to_date(&self, compiled: &Compiled, heads: &[Head]) -> UpToDate {
        let head = |id: &str| heads.iter().find(|head| head.category == id);
        let options = Options::default();
        let desired = desired(compiled, &options);
        let deployed_state = |id: &str| {
            head(id)
                .map_or(DeployedState::Never, |head| DeployedState::UpToDate(head.revision, head.settings))
        };
        UpToDate {
            planned: plan::plan_integration(&desired, &deployed_state, &self.scope),
            visible: compiled.visible.len(),
        }
    }
}

/// What an integration should be, as the plan wants to know it; nothing yet of places, secrets, errors and its page.
pub(super) fn desired<'a>(compiled: &'a Compiled, options: &'a Options) -> Desired<'a> {
    Desired {
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
        view: compiled.view(options),
        place: &|_, _| None,
        fingerprint: &|_| None,
        is_pending: &|_| false,
        link: None,
    }
}

/// What is up to date apart from the rest.
fn part(opened: Project<'_, Kept>) -> (Project<'_>, Fleet) {
    let Project { workspace, compilation, environment } = opened;
    let Compilation {
        project,
        catalogue,
        options,
        integrations,
        errors,
        findings,
        hidden,
        names,
        own_levels,
        denied,
        is_whole,
        today,
    } = compilation;
    let mut fleet = Fleet::default();
    for kept in integrations {
        match kept {
            Kept::Candidate(open) => fleet.open.push(open),
            Kept::UpToDate(mut one) => {
                one.planned.link =
                    project.link.as_ref().map(|link| link.replace("{id}", &one.planned.integration));
                fleet.up_to_date.push(*one);
            }
        }
    }
    let integrations = Vec::new();
    let compilation = Compilation {
        project,
        catalogue,
        options,
        integrations,
        errors,
        findings,
        hidden,
        names,
        own_levels,
        denied,
        is_whole,
        today,
    };
    (Project { workspace, compilation, environment }, fleet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_waited_for_and_nobody_waits_for_what_does_not_come() {
        let heads = Arriving::default();
        let end = End(&heads);
        heads.put("b".into(), Vec::new());
        heads.wait_for("b");
        assert!(heads.take("b").is_some() && heads.take("b").is_none(), "each is there once");
        heads.wait_for("a");
        assert!(heads.take("a").is_none(), "they come in order");
        std::thread::scope(|scope| {
            let waiting = ["d", "c", "e"].map(|name| {
                scope.spawn(|| {
                    heads.wait_for(name);
                    heads.take(name).is_some()
                })
            });
            heads.put("d".into(), Vec::new());
            drop(end);
            assert_eq!(waiting.map(|waiting| waiting.join().unwrap()), [true, false, false]);
        });
        heads.put("f".into(), Vec::new());
        assert_eq!(heads.rest().collect::<Vec<_>>(), ["f"]);
    }
}
