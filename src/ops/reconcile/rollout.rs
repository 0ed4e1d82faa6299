//! How far a commit is rolled out: which wave it is, who is of it, and what the next one waits for. It is kept with the last round, so
//! that whoever takes over goes on with it. Members are fixed when a wave begins. Nothing here plans, saves or tells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::{FLOWS, GENERAL, SettingPath, Settings, Value};
use crate::ops::deployed::present;
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::section::{saves_in, saves_of};
use crate::plan::LIVE_MODE;
use crate::plan::policy::reconcile::Wave;
use crate::schema::Pair;
use crate::store::{Deployed, Note, Reconciled, Store};

/// Finds a pair by its id.
pub type Pairs<'a> = dyn Fn(&str) -> Option<Arc<Pair>> + 'a;

/// A commit that is rolled out in waves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    pub commit: String,
    /// The commit that was rolled out before.
    pub before: Option<String>,
    /// A newer one, which waits.
    pub newer: Option<String>,
    /// How many integrations the commit changes.
    pub changed: usize,
    /// The wave, from 0, and how many there are.
    pub wave: usize,
    pub of: usize,
    /// None where the wave has not begun.
    pub began_at: Option<String>,
    /// When the first round ended in which its members could have been saved.
    pub tried_at: Option<String>,
    /// What it waits for, in seconds.
    pub bake: u64,
    pub within: Option<u64>,
    pub members: BTreeMap<String, Member>,
    /// Members of the waves before this one.
    pub earlier: BTreeSet<String>,
    /// Those to which a rollout came that was stopped: they are first of all members of the first wave.
    pub unproven: BTreeMap<String, Member>,
    /// As many steps were asked for when the wave began, be it of other rollouts.
    pub steps: usize,
    /// Why the wave failed.
    pub failed: Vec<String>,
    /// The branch that would take the commit back.
    pub branch: Option<String>,
    pub pushed: bool,
}

/// An integration of a wave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub pair: String,
    /// What of it the commit changes.
    pub categories: BTreeSet<String>,
    /// When it was saved; none while it could not be.
    pub saved_at: Option<String>,
    /// How many saves of it there were then: a sync counts that has as many.
    pub saves: u64,
    /// The flows that have to sync, and when each did.
    pub flows: BTreeMap<String, Option<String>>,
}

/// How a wave stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    Waits,
    Passed,
    Failed(Vec<String>),
}

/// What a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Take the wave for done.
    Next,
    /// Begin anew, with the newest commit.
    Restart,
}

impl Step {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Next => "next",
            Step::Restart => "restart",
        }
    }
}

impl Rollout {
    /// What is rolled out, as the last round left it.
    ///
    /// # Errors
    /// When it holds what this program does not know: a wave must not be passed by.
    pub fn of(last: &Reconciled) -> Result<Option<Self>> {
        let document: Json = serde_json::from_str(&last.document).unwrap_or_default();
        let rollout = document.get("rollout").cloned().unwrap_or_default();
        serde_json::from_value(rollout).map_err(|error| {
            let why = format!("what is rolled out in waves cannot be read: {error}");
            Error::new(ErrorKind::Unreachable, why)
                .help("reconcile with the version of pairform that wrote it, or a newer one")
        })
    }

    #[must_use]
    pub fn new(commit: &str, before: Option<String>, steps: usize) -> Self {
        Rollout { commit: commit.to_owned(), before, steps, ..Rollout::default() }
    }

    /// What is rolled out now that a branch has `tip`: a newer commit waits for the end of this one, but where a wave failed, where this
    /// one is not in its history any more, or where somebody asked for it.
    #[must_use]
    pub fn go_on(mut self, tip: &str, is_in_tip: bool, steps: &[Note]) -> Self {
        let step = self.asked(steps);
        let is_over = !is_in_tip || (self.commit != tip && !self.failed.is_empty() && step.is_none());
        if step == Some(Step::Restart) || is_over {
            let saved = self.members.into_iter().filter(|(_, member)| member.saved_at.is_some());
            let mut unproven = self.unproven;
            unproven.extend(saved);
            return Rollout { unproven, ..Rollout::new(tip, self.before, steps.len()) };
        }
        self.newer = (self.commit != tip).then(|| tip.to_owned());
        if step == Some(Step::Next) {
            self.end(steps.len());
        }
        self
    }

    /// What a person asked for since the wave began.
    #[must_use]
    pub fn asked(&self, steps: &[Note]) -> Option<Step> {
        let ours = |step: Step| self.note(step, "");
        let mut new = steps.iter().skip(self.steps).rev();
        new.find_map(|note| {
            [Step::Next, Step::Restart].into_iter().find(|step| note.text.starts_with(&ours(*step)))
        })
    }

    /// What the note of a step says; read back by [`Rollout::asked`].
    #[must_use]
    pub fn note(&self, step: Step, reason: &str) -> String {
        format!("{} after wave {} of {}: {reason}", step.as_str(), self.wave + 1, self.commit)
    }

    /// Whether what the commit changes of an integration may be saved.
    #[must_use]
    pub fn lets(&self, integration: &str) -> bool {
        self.earlier.contains(integration)
            || (self.failed.is_empty() && self.members.contains_key(integration))
    }

    /// Ends the wave, as if it were done.
    pub fn end(&mut self, steps: usize) {
        let members = std::mem::take(&mut self.members);
        self.earlier.extend(members.into_keys());
        *self = Rollout {
            wave: self.wave + 1,
            steps,
            began_at: None,
            tried_at: None,
            failed: Vec::new(),
            branch: None,
            pushed: false,
            ..std::mem::take(self)
        };
    }

    /// Begins the wave with members, unless there is nobody.
    pub fn begin(&mut self, wave: &Wave, of: usize, members: BTreeMap<String, Member>, at: &str) -> bool {
        self.members = std::mem::take(&mut self.unproven);
        for member in self.members.values_mut() {
            *member = Member { saved_at: None, flows: BTreeMap::new(), ..std::mem::take(member) };
        }
        for (name, member) in members {
            let known = self.members.entry(name).or_default();
            let categories = std::mem::take(&mut known.categories);
            *known = member;
            known.categories.extend(categories);
        }
        self.of = of;
        self.bake = wave.bake.as_secs();
        self.within = wave.within.map(|within| within.as_secs());
        self.began_at = (!self.members.is_empty()).then(|| at.to_owned());
        self.began_at.is_some()
    }

    /// Notes what a round saved of the members: `is_left` are those of which something is left, `saved` those that it saved.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tried(
        &mut self,
        is_left: &dyn Fn(&str) -> bool,
        saved: &BTreeSet<String>,
        store: &mut dyn Store,
        pairs: &Pairs<'_>,
        at: &str,
    ) -> Result<()> {
        self.tried_at.get_or_insert_with(|| at.to_owned());
        let is_looked_at =
            |(name, member): &(&String, &Member)| member.saved_at.is_none() || saved.contains(*name);
        let names: Vec<String> =
            self.members.iter().filter(is_looked_at).map(|(name, _)| name.clone()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let rows = by_integration(store.read(Some(&names))?);
        for name in names {
            let Some(member) = self.members.get_mut(&name) else { continue };
            let rows = rows.get(&name).map_or(&[][..], Vec::as_slice);
            // A round that was killed may have saved it, and so may CI.
            if saved.contains(&name) || !is_left(&name) {
                member.saved_at = Some(at.to_owned());
                member.saves = saves_of(rows);
                let pair = pairs(&member.pair).filter(|_| self.within.is_some());
                let flows = pair.map(|pair| Flows { pair: &pair, rows }.expected(&member.categories));
                member.flows = flows.into_iter().flatten().map(|flow| (flow, None)).collect();
            }
        }
        Ok(())
    }

    /// Looks at what the sync runtime reported, and whether what has to sync still can.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn look(&mut self, store: &mut dyn Store, pairs: &Pairs<'_>) -> Result<()> {
        self.look_for_syncs(store)?;
        let names: Vec<String> = self.waiting().map(|(name, _)| name.clone()).collect();
        if names.is_empty() || !self.failed.is_empty() {
            return Ok(());
        }
        let rows = by_integration(store.read(Some(&names))?);
        let mut failed = Vec::new();
        for (name, member) in self.waiting() {
            let Some(pair) = pairs(&member.pair) else { continue };
            let rows = rows.get(name).map_or(&[][..], Vec::as_slice);
            let flows = Flows { pair: &pair, rows };
            if !flows.is_live() {
                failed.push(format!("{name} is in live mode no more, so that nothing syncs"));
                continue;
            }
            let waiting = member.flows.iter().filter(|(_, synced)| synced.is_none());
            let off = waiting.filter(|(flow, _)| !flows.is_on(flow));
            failed.extend(off.map(|(flow, _)| format!("the flow {flow} of {name} is off")));
        }
        self.failed = failed;
        Ok(())
    }

    /// Notes the syncs that have what was saved. Whether there were any.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn look_for_syncs(&mut self, store: &mut dyn Store) -> Result<bool> {
        let names: Vec<String> = self.waiting().map(|(name, _)| name.clone()).collect();
        let mut is_news = false;
        for name in names {
            let Some(member) = self.members.get_mut(&name) else { continue };
            for sync in store.last_syncs(&name)? {
                let has_save = saves_in(&sync.etag).is_some_and(|saves| saves >= member.saves);
                let flow = member.flows.get_mut(&sync.flow).filter(|synced| synced.is_none());
                if let Some(synced) = flow.filter(|_| has_save && sync.outcome == "ok") {
                    *synced = Some(sync.ended_at);
                    is_news = true;
                }
            }
        }
        Ok(is_news)
    }

    /// The members of which a flow has not synced yet.
    pub fn waiting(&self) -> impl Iterator<Item = (&String, &Member)> {
        self.members.iter().filter(|(_, member)| member.flows.values().any(Option::is_none))
    }

    /// How the wave stands at a moment. A member that could not be saved is waited for only where none could: then as long as is waited for
    /// anything.
    #[must_use]
    pub fn stand(&self, now: Timestamp) -> Stand {
        if !self.failed.is_empty() {
            return Stand::Failed(self.failed.clone());
        }
        let Some(tried_at) = moment(self.tried_at.as_deref()) else { return Stand::Waits };
        let is_over = |since: Timestamp, seconds: u64| after(since, seconds) <= now;
        let within = self.within.unwrap_or_default();
        let mut silent = Vec::new();
        let mut waits = !is_over(tried_at, self.bake);
        for (name, member) in self.waiting() {
            let is_late = moment(member.saved_at.as_deref()).is_none_or(|saved| is_over(saved, within));
            waits |= !is_late;
            let flows = member.flows.iter().filter(|(_, synced)| synced.is_none() && is_late);
            let told = |(flow, _)| {
                format!(
                    "the flow {flow} of {name} did not sync with what was saved within {}",
                    told_span(within)
                )
            };
            silent.extend(flows.map(told));
        }
        if !silent.is_empty() {
            return Stand::Failed(silent);
        }
        let is_none_saved = self.members.values().all(|member| member.saved_at.is_none());
        waits |= is_none_saved && !is_over(tried_at, within);
        if waits { Stand::Waits } else { Stand::Passed }
    }

    /// What the wave waits for, in words.
    #[must_use]
    pub fn waits_for(&self) -> Vec<String> {
        const SHOWN: usize = 5;
        let Some(tried_at) = moment(self.tried_at.as_deref()) else {
            return vec!["it is not saved yet".to_owned()];
        };
        let mut said = Vec::new();
        if self.bake > 0 {
            said.push(format!("its time, which is over at {}", stamp(after(tried_at, self.bake))));
        }
        let waiting: Vec<(&String, &Member)> = self.waiting().collect();
        for (name, member) in waiting.iter().take(SHOWN) {
            let open = member.flows.iter().filter(|(_, synced)| synced.is_none());
            let flows: Vec<&str> = open.map(|(flow, _)| flow.as_str()).collect();
            let end =
                moment(member.saved_at.as_deref()).map(|saved| after(saved, self.within.unwrap_or_default()));
            let end = end.map(|end| format!(", until {}", stamp(end))).unwrap_or_default();
            said.push(format!("a sync of {name} with what was saved: {}{end}", flows.join(", ")));
        }
        let more = waiting.len().saturating_sub(SHOWN);
        if more > 0 {
            said.push(format!("and syncs of {more} more"));
        }
        said
    }
}

/// The flows of an integration, as they are deployed and as the files said last.
struct Flows<'a> {
    pair: &'a Pair,
    rows: &'a [Deployed],
}

impl Flows<'_> {
    /// A switch as it is deployed, and as it should be: by the last apply, else as it is.
    fn switch(&self, category: &str, name: &str) -> (Option<bool>, Option<bool>) {
        let path = SettingPath::root().child(name);
        let row = self.rows.iter().find(|row| row.category == category);
        let of = |settings: &Settings| match present(self.pair, category, settings.clone()).get(&path) {
            Some(Value::Bool(is_on)) => Some(*is_on),
            _ => None,
        };
        let deployed = row.and_then(|row| of(&row.settings));
        (deployed, row.and_then(|row| of(&row.applied)).or(deployed))
    }

    fn is_live(&self) -> bool {
        self.switch(GENERAL, LIVE_MODE).0 == Some(true)
    }

    fn is_on(&self, flow: &str) -> bool {
        let usual = self.pair.flow(flow).is_some_and(|flow| flow.default);
        self.switch(FLOWS, flow).0.unwrap_or(usual)
    }

    /// The flows that are to take up what was saved of these categories: those that the files have on. In onboarding mode nothing syncs.
    fn expected(&self, categories: &BTreeSet<String>) -> BTreeSet<String> {
        if self.switch(GENERAL, LIVE_MODE).1 != Some(true) {
            return BTreeSet::new();
        }
        let is_on = |flow: &str, usual: bool| self.switch(FLOWS, flow).1.unwrap_or(usual);
        let on = self.pair.flows.iter().filter(|flow| is_on(&flow.id, flow.default));
        let takes = |flow: &str| {
            categories.iter().any(|category| {
                let flows = self.pair.category(category).and_then(|category| category.flows.as_ref());
                flows.is_none_or(|flows| flows.iter().any(|one| one == flow))
            })
        };
        on.map(|flow| flow.id.clone()).filter(|flow| takes(flow)).collect()
    }
}

fn by_integration(rows: Vec<Deployed>) -> BTreeMap<String, Vec<Deployed>> {
    let mut all: BTreeMap<String, Vec<Deployed>> = BTreeMap::new();
    for row in rows {
        all.entry(row.integration.clone()).or_default().push(row);
    }
    all
}

fn moment(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn after(since: Timestamp, seconds: u64) -> Timestamp {
    since.checked_add(Duration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As a file says it.
fn told_span(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let unit = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}
