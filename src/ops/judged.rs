//! What judges an environment: what the files say, and the rules that applies recorded in its store. The files alone would be
//! judged by whoever changes them. A weaker rule counts from the first apply of another commit on; see `store::Rules`.
//! Whether a plan is refused by them is `check`'s to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::{Error, ErrorKind, Result};
use super::parts;
use super::policy;
use super::project::Project;
use super::workspace::Workspace;
use crate::compile::levels::{self, Denied, Floor, Levels};
use crate::model::digest_text;
use crate::plan::Integrations;
use crate::plan::Plan;
use crate::plan::policy::{self as rules, Direction, Level, Live, Policy, PolicyChange, stricter};
use crate::store::{Recording, Rules, Store, StoreError};

/// The rules that an apply recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub policy: Policy,
    digest: String,
    commit: Option<String>,
    by: String,
    at: String,
}

/// What a store has of the rules of one environment.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// What counts for an apply of this commit; none in a store that nobody applied to since it keeps them.
    pub counts: Option<Recorded>,
    /// What was recorded last, whether or not it counts.
    pub last: Option<Recorded>,
    /// The lists and schema parts that are not as they were then. They judge as the files have them; that they moved is told.
    pub moved: Vec<PolicyChange>,
}

/// What judges.
#[derive(Debug, Clone)]
pub struct Judging {
    /// The environment's name; empty where the project has none.
    environment: String,
    /// What the files say.
    pub files: Policy,
    pub record: Record,
    /// Findings that are no errors, and would be by the recorded levels.
    denied: Vec<Denied>,
}

impl Recorded {
    /// Reads what was recorded.
    ///
    /// # Errors
    /// When it is not what was recorded, or says what this program does not know.
    pub fn read(row: &Rules) -> Result<Self> {
        let unfit = |why: String| {
            let why =
                format!("the rules that an apply recorded at {} cannot be used: {why}", row.recorded_at);
            Error::new(ErrorKind::Unreachable, why)
                .help("apply with the version of pairform that recorded them, or a newer one")
        };
        if digest_text(&row.document) != row.digest {
            return Err(unfit("they were changed after that, as their digest shows".to_owned()));
        }
        Ok(Recorded {
            policy: Policy::read(&row.document).map_err(|error| unfit(error.to_string()))?,
            digest: row.digest.clone(),
            commit: row.commit.clone(),
            by: row.recorded_by.clone(),
            at: row.recorded_at.clone(),
        })
    }

    /// Which apply it was: `commit 1234567890, 2026-11-29T15:00:00Z, by ann`.
    #[must_use]
    pub fn told(&self) -> String {
        const DIGITS: usize = 10;
        let commit = self.commit.as_deref().map(|id| format!("commit {}, ", id.get(..DIGITS).unwrap_or(id)));
        format!("{}{}, by {}", commit.unwrap_or_default(), self.at, self.by)
    }

    /// The same rules for another environment: one that is new to the store does not begin without any.
    fn taken_over(mut self, environment: &str) -> Self {
        let all = std::mem::take(&mut self.policy.environments)
            .into_values()
            .map(|one| Policy { environments: [(environment.to_owned(), one)].into(), ..Policy::default() });
        let of_all = all.reduce(|one, other| stricter(&one, &other)).unwrap_or_default();
        self.policy.environments = of_all.environments;
        self
    }
}

impl Record {
    /// Reads what a store has for an environment, as far as it counts for what a workspace is of.
    ///
    /// # Errors
    /// When the store cannot be read, or holds rules that this program does not know.
    pub fn read(store: &mut dyn Store, environment: Option<&str>, workspace: &Workspace) -> Result<Self> {
        let head = workspace.head();
        let rows = store.last_rules(head.as_deref())?;
        // Whether the tree has changes is asked only where that decides: git takes its time to tell.
        let head = head.as_deref();
        let decides = head.is_some() && rows.iter().any(|row| row.commit.as_deref() == head && !row.at_once);
        let dirty = decides && workspace.commit().is_some_and(|commit| commit.dirty);
        let record = Record::of(&rows, environment, head, dirty)?;
        let moved = if record.last.is_some() { parts::moved(store, workspace)? } else { Vec::new() };
        Ok(Record { moved, ..record })
    }

    /// As [`Record::read`], for what is of no commit: a person's save.
    ///
    /// # Errors
    /// As [`Record::read`].
    pub fn of_no_commit(store: &mut dyn Store, environment: Option<&str>) -> Result<Self> {
        Record::of(&store.last_rules(None)?, environment, None, false)
    }

    fn of(rows: &[Rules], environment: Option<&str>, commit: Option<&str>, dirty: bool) -> Result<Self> {
        let key = environment.unwrap_or_default();
        let own: Vec<&Rules> = rows.iter().filter(|row| row.environment == key).collect();
        let counting: Vec<&Rules> = rows.iter().filter(|row| row.count_for(commit, dirty)).collect();
        let last = own.last().copied().map(Recorded::read).transpose()?;
        if last.is_some() {
            let counts = counting.iter().rev().find(|row| row.environment == key);
            let counts = counts.copied().map(Recorded::read).transpose()?;
            return Ok(Record { counts, last, moved: Vec::new() });
        }
        // One by one: those that come later are told.
        let mut newest: BTreeMap<&str, &Rules> = BTreeMap::new();
        for row in counting {
            newest.insert(&row.environment, row);
        }
        let mut all: Vec<Recorded> = newest.into_values().map(Recorded::read).collect::<Result<_>>()?;
        all.sort_by(|one, other| one.at.cmp(&other.at));
        let all = all.into_iter().map(|recorded| recorded.taken_over(key));
        let counts =
            all.reduce(|one, other| Recorded { policy: stricter(&one.policy, &other.policy), ..other });
        Ok(Record { counts, ..Record::default() })
    }

    /// The recorded levels, as findings are judged by them.
    #[must_use]
    pub fn levels(&self) -> Option<Arc<Floor>> {
        let recorded = self.counts.as_ref()?;
        let level_of = |level: Level| match level {
            Level::Allow => Some(levels::Level::Allow),
            Level::Note => None,
            Level::Warn => Some(levels::Level::Warn),
            Level::Deny => Some(levels::Level::Deny),
        };
        let project =
            recorded.policy.levels.iter().map(|(code, rule)| {
                (code.clone(), level_of(rule.level), rule.except.iter().cloned().collect())
            });
        let own = recorded.policy.own_levels.iter().map(|(name, levels)| {
            let levels = levels.iter().map(|(code, level)| (code.clone(), level_of(*level), Vec::new()));
            (name.clone(), Levels::recorded(levels))
        });
        let name = format!("the last apply ({})", recorded.told());
        Some(Arc::new(Floor { name, project: Levels::recorded(project), own: own.collect() }))
    }
}

impl Judging {
    /// What judges a project in an environment.
    #[must_use]
    pub fn of<T>(project: &Project<'_, T>, environment: Option<&str>, record: Record) -> Self {
        Judging {
            environment: environment.unwrap_or_default().to_owned(),
            files: policy::of_project(project).of_environment(environment),
            record,
            denied: project.compilation.denied.clone(),
        }
    }

    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The rules that count beside those of the files.
    #[must_use]
    pub fn recorded(&self) -> Option<&Recorded> {
        self.record.counts.as_ref()
    }

    /// What it takes to change an integration in live mode, by the stricter of both.
    #[must_use]
    pub fn live(&self) -> Live {
        self.recorded().map_or(self.files.live, |recorded| recorded.policy.live.max(self.files.live))
    }

    /// Whose review changes need by what is recorded.
    #[must_use]
    pub fn recorded_owners(&self) -> BTreeMap<String, Vec<String>> {
        let owners = self.recorded().map(|recorded| recorded.policy.owners.clone()).unwrap_or_default();
        owners.into_iter().map(|(category, owners)| (category, owners.into_iter().collect())).collect()
    }

    /// The same, of the findings of one integration and those that are of none.
    #[must_use]
    pub fn of_integration(&self, name: &str) -> Self {
        let is_of_another = |denied: &Denied| denied.integration.as_deref().is_some_and(|of| of != name);
        let denied = self.denied.iter().filter(|denied| !is_of_another(denied)).cloned().collect();
        Judging { denied, ..self.clone() }
    }

    /// The same, without the findings of these integrations.
    #[must_use]
    pub fn without(&self, names: &BTreeSet<String>) -> Self {
        let is_of_these = |denied: &Denied| denied.integration.as_ref().is_some_and(|of| names.contains(of));
        let denied = self.denied.iter().filter(|denied| !is_of_these(denied)).cloned().collect();
        Judging { denied, ..self.clone() }
    }

    #[must_use]
    pub fn denied(&self) -> &[Denied] {
        &self.denied
    }

    /// What of the rules an apply would record anew. A store that has none is given them; nothing changed then.
    #[must_use]
    pub fn changes(&self) -> Vec<PolicyChange> {
        let known = self.record.last.as_ref().or(self.record.counts.as_ref());
        let rules = known.map(|known| rules::changes(&known.policy, &self.files)).unwrap_or_default();
        rules.into_iter().chain(self.record.moved.iter().cloned()).collect()
    }

    /// As [`Judging::changes`], with the integrations of a plan that were last applied with another pair.
    #[must_use]
    pub fn changes_of(&self, integrations: &Integrations) -> Option<Vec<PolicyChange>> {
        let others = integrations.tally().other_pairs.iter();
        let mut changes: Vec<PolicyChange> = others
            .map(|(name, before, after)| {
                let (before, after) = (Some(before.to_string()), Some(after.to_string()));
                PolicyChange::new(format!("integrations.{name}.pair"), Direction::Other, before, after)
            })
            .collect();
        changes.extend(self.changes());
        (!changes.is_empty()).then_some(changes)
    }

    /// Whether an apply would record rules.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.record.last.as_ref().is_none_or(|last| last.digest != self.files.digest())
    }
}

/// Records what judges when a plan is applied.
#[derive(Debug, Clone)]
pub struct Recorder<'a> {
    pub judging: &'a Judging,
    pub plan: &'a Plan,
    pub by: &'a str,
    pub at: &'a str,
    /// Rules are recorded at all.
    pub rules: bool,
    /// The rules are to count for their own commit too.
    pub at_once: bool,
    /// What the files say; see [`super::said`].
    pub said: &'a [Recording],
}

impl Recorder<'_> {
    /// Records the rules, and what the files say; false where the store has them already.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn record(&self, store: &mut dyn Store) -> Result<bool, StoreError> {
        let rules = if self.rules { self.news(store)? } else { None };
        let is_news = rules.is_some();
        if is_news {
            store.record(&Recording { rules, ..Recording::default() })?;
        }
        self.said.iter().try_for_each(|part| store.record(part))?;
        Ok(is_news)
    }

    fn news(&self, store: &mut dyn Store) -> Result<Option<Rules>, StoreError> {
        let document = self.judging.files.document();
        let (commit, run) = (self.plan.commit.as_ref(), Some(&self.plan.digest).filter(|_| !self.at_once));
        let rules = Rules {
            environment: self.judging.environment.clone(),
            digest: digest_text(&document),
            document,
            recorded_by: self.by.to_owned(),
            recorded_at: self.at.to_owned(),
            commit: commit.map(|commit| commit.id.clone()),
            dirty: commit.is_some_and(|commit| commit.dirty),
            run: run.cloned(),
            at_once: self.at_once,
        };
        // Somebody may have applied since the plan was made.
        let last = store.last_rules(None)?;
        let last = last.iter().rev().find(|row| row.environment == rules.environment);
        let is_known =
            last.is_some_and(|last| last.digest == rules.digest && (last.at_once || !rules.at_once));
        Ok((!is_known).then_some(rules))
    }
}
