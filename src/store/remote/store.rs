//! The reads of a server's store, each as a call of its API; and that nothing else of a store is done from here.

use std::collections::BTreeMap;

use super::Remote;
use crate::store::contract::Store;
use crate::store::copy::{GiveRows, TakeRow};
use crate::store::data::{self, Ask, Deleted, Deployed, Lock, Note, Origin, Record, Run, Save, Saved};
use crate::store::error::StoreError;
use crate::store::handed::TakesPlans;
use crate::store::head::{Reading, TakeHeads};
use crate::store::reconcile::{Behind, LastCommit, Matter, Reconciled, Reconciling};
use crate::store::rename::{Moved, Rename};
use crate::store::rules::{Recording, Rules, Said};
use crate::store::section::{FeedItem, Registered, Session, SyncReport, Token};
use crate::store::shared::{Clearing, KeptList, Proposed, Shared};
use crate::store::wire::{Asked, Facts, HeadRow, PAGE};

impl Remote {
    /// Reads of named integrations so many at a time, or of all at once.
    fn some<T: serde::de::DeserializeOwned>(
        &self,
        integrations: Option<&[String]>,
        asked: impl Fn(Option<Vec<String>>) -> Asked,
    ) -> Result<Vec<T>, StoreError> {
        let Some(names) = integrations else { return Ok(self.rows(&asked(None))?.rows) };
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        let mut all = Vec::new();
        for names in names.chunks(PAGE) {
            all.extend(self.rows::<T>(&asked(Some(names.to_vec())))?.rows);
        }
        Ok(all)
    }

    fn all<T: serde::de::DeserializeOwned>(&self, asked: &Asked) -> Result<Vec<T>, StoreError> {
        Ok(self.rows(asked)?.rows)
    }

    /// Whatever is done with a store besides reading it.
    fn by_its_server<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::ByItsServer { store: self.shown.clone() })
    }

    fn facts_now(&self) -> Result<Facts, StoreError> {
        self.ask("GET", "store", None)
    }
}

impl Store for Remote {
    fn takes_plans(&mut self) -> Option<&mut dyn TakesPlans> {
        Some(self)
    }

    fn identity(&self) -> &str {
        &self.facts.identity
    }

    fn fingerprint_key(&self) -> &[u8] {
        &self.key
    }

    fn read(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deployed>, StoreError> {
        match integrations {
            None => self.pages(|after| Asked::Deployed { integrations: None, after: after.to_owned() }),
            Some(_) => {
                self.some(integrations, |integrations| Asked::Deployed { integrations, after: String::new() })
            }
        }
    }

    fn each_heads(
        &mut self,
        integrations: Option<&[String]>,
        take: &mut TakeHeads<'_>,
    ) -> Result<(), StoreError> {
        let mut rows: Vec<HeadRow> = self.some(integrations, |integrations| Asked::Heads { integrations })?;
        // Whoever takes them relies on their order.
        rows.sort();
        let mut reading = Reading::of(take);
        for (name, heads) in &rows {
            for (category, revision, settings, [digest, settled, secrets]) in heads {
                let settings = i64::try_from(*settings).unwrap_or(i64::MAX);
                reading.add(name, category, *revision, settings, [digest, settled, secrets]);
            }
        }
        reading.give();
        Ok(())
    }

    fn deleted(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deleted>, StoreError> {
        self.some(integrations, |integrations| Asked::Deleted { integrations })
    }

    fn said(&mut self, integrations: Option<&[String]>) -> Result<Vec<Said>, StoreError> {
        self.some(integrations, |integrations| Asked::Said { integrations })
    }

    fn last_commits(&mut self, integrations: &[String]) -> Result<Vec<LastCommit>, StoreError> {
        self.some(Some(integrations), |names| Asked::LastCommits { integrations: names.unwrap_or_default() })
    }

    fn histories(&mut self, of: &[(String, String)]) -> Result<Vec<Record>, StoreError> {
        let mut all = Vec::new();
        for some in of.chunks(PAGE) {
            all.append(&mut self.all(&Asked::History { of: some.to_vec() })?);
        }
        Ok(all)
    }

    fn records(&mut self) -> Result<Vec<Record>, StoreError> {
        self.pages(|after| Asked::Records { after: after.parse().unwrap_or(0) })
    }

    fn saves_of(&mut self, runs: &str) -> Result<Vec<Record>, StoreError> {
        self.all(&Asked::SavesOf { runs: runs.to_owned() })
    }

    fn locks(&mut self) -> Result<Vec<Lock>, StoreError> {
        self.all(&Asked::Locks {})
    }

    fn notes_of(&mut self, kinds: &[&str], since: &str) -> Result<Vec<Note>, StoreError> {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        self.all(&Asked::Notes { kinds, since: since.to_owned() })
    }

    fn rules(&mut self) -> Result<Vec<Rules>, StoreError> {
        self.all(&Asked::Rules {})
    }

    fn last_rules(&mut self, commit: Option<&str>) -> Result<Vec<Rules>, StoreError> {
        self.all(&Asked::LastRules { commit: commit.map(str::to_owned) })
    }

    fn sources(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        self.all(&Asked::Sources {})
    }

    fn document(&mut self, digest: &str) -> Result<Option<String>, StoreError> {
        Ok(self.all(&Asked::Document { digest: digest.to_owned() })?.pop())
    }

    fn epoch(&mut self) -> Result<u64, StoreError> {
        Ok(self.facts_now()?.epoch)
    }

    fn last_number(&mut self) -> Result<u64, StoreError> {
        Ok(self.facts_now()?.last_number)
    }

    fn integrations(&mut self, after: &str, limit: usize) -> Result<Vec<Registered>, StoreError> {
        let mut all: Vec<Registered> = Vec::new();
        loop {
            let last = all.last().map_or(after, |one| one.id.as_str()).to_owned();
            let some: Vec<Registered> =
                self.all(&Asked::Integrations { after: last, limit: limit - all.len() })?;
            let is_end = some.is_empty();
            all.extend(some);
            if is_end || all.len() >= limit {
                return Ok(all);
            }
        }
    }

    fn integration(&mut self, id: &str) -> Result<Option<Registered>, StoreError> {
        Ok(self.all(&Asked::Integration { id: id.to_owned() })?.pop())
    }

    fn feed(&mut self, after: u64, limit: usize) -> Result<Vec<FeedItem>, StoreError> {
        self.all(&Asked::Feed { after, limit })
    }

    fn last_syncs(&mut self, integration: &str) -> Result<Vec<SyncReport>, StoreError> {
        self.all(&Asked::LastSyncs { integration: integration.to_owned() })
    }

    fn reconciled(&mut self, environment: &str) -> Result<Option<Reconciled>, StoreError> {
        Ok(self.all(&Asked::Reconciled { environment: environment.to_owned() })?.pop())
    }

    fn behind(&mut self, environment: &str) -> Result<Vec<Behind>, StoreError> {
        self.all(&Asked::Behind { environment: environment.to_owned() })
    }

    fn matters(&mut self, environment: &str) -> Result<Vec<Matter>, StoreError> {
        self.all(&Asked::Matters { environment: environment.to_owned() })
    }

    fn save_all(&mut self, _: &[Save<'_>]) -> Result<Vec<Result<Saved, StoreError>>, StoreError> {
        self.by_its_server()
    }

    fn save_alone(
        &mut self,
        _: &Save<'_>,
        _: &BTreeMap<String, u64>,
        _: Option<&Note>,
    ) -> Result<Saved, StoreError> {
        self.by_its_server()
    }

    fn rename(&mut self, _: &Rename<'_>) -> Result<Moved, StoreError> {
        self.by_its_server()
    }

    fn begin(&mut self, _: &str, _: &str, _: &str, _: Origin<'_>) -> Result<Run, StoreError> {
        self.by_its_server()
    }

    fn finish(&mut self, _: &str, _: &str) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn lock_all(&mut self, _: &[Ask<'_>]) -> Result<Vec<data::Asked>, StoreError> {
        self.by_its_server()
    }

    fn renew_all(&mut self, _: &[&Lock], _: u32) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn unlock_all(&mut self, _: &[&Lock]) -> Result<Vec<Lock>, StoreError> {
        self.by_its_server()
    }

    fn note(&mut self, _: &Note) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn record(&mut self, _: &Recording) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn dump(&mut self, _: &mut TakeRow<'_>) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn fill(&mut self, _: u64, _: &mut GiveRows<'_>) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn register(&mut self, _: &Registered) -> Result<bool, StoreError> {
        self.by_its_server()
    }

    fn forget(&mut self, _: &str) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn tokens(&mut self) -> Result<Vec<Token>, StoreError> {
        self.by_its_server()
    }

    fn token(&mut self, _: &str) -> Result<Option<Token>, StoreError> {
        self.by_its_server()
    }

    fn add_token(&mut self, _: &Token) -> Result<bool, StoreError> {
        self.by_its_server()
    }

    fn revoke_token(&mut self, _: &str, _: &str, _: &str) -> Result<bool, StoreError> {
        self.by_its_server()
    }

    fn session(&mut self, _: &str, _: &str) -> Result<Option<Session>, StoreError> {
        self.by_its_server()
    }

    fn add_session(&mut self, _: &Session) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn end_session(&mut self, _: &str) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn report_sync(&mut self, _: &SyncReport) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn note_reconciled(&mut self, _: &Lock, _: &Reconciling) -> Result<bool, StoreError> {
        self.by_its_server()
    }
}

/// What servers share is theirs.
impl Shared for Remote {
    fn kept_lists(&mut self) -> Result<Vec<KeptList>, StoreError> {
        self.by_its_server()
    }

    fn lists_mark(&mut self) -> Result<u64, StoreError> {
        self.by_its_server()
    }

    fn mark(&mut self) -> Result<String, StoreError> {
        self.by_its_server()
    }

    fn keep_list(&mut self, _: &KeptList) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn clearing(&mut self, _: &str) -> Result<Option<Clearing>, StoreError> {
        self.by_its_server()
    }

    fn begin_clearing(&mut self, _: &Clearing, _: Option<&str>) -> Result<Clearing, StoreError> {
        self.by_its_server()
    }

    fn tell_clearing(&mut self, _: &Clearing) -> Result<bool, StoreError> {
        self.by_its_server()
    }

    fn proposals(&mut self, _: Option<&str>) -> Result<Vec<Proposed>, StoreError> {
        self.by_its_server()
    }

    fn keep_proposal(&mut self, _: &Proposed) -> Result<(), StoreError> {
        self.by_its_server()
    }

    fn end_proposal(&mut self, _: &str, _: &str, _: &str, _: &str) -> Result<bool, StoreError> {
        self.by_its_server()
    }
}
