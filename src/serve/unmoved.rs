//! Answers that were made, and what the store was like before: as long as that is the same, and so is what judges, they are what would be
//! answered again. What the store is like is asked of it anew for every request, on a connection of its own, and once for all requests that wait
//! at the same time. What is kept here may be lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::ops::section::Ground;
use crate::ops::serving::Hosts;
use crate::store::{Address, Store};

/// So many answers are remembered, each for whoever got it.
const MOST: usize = 20_000;

/// What was asked for, and by which token (its hash).
pub type Key = (String, String, String);

/// An answer that was made.
#[derive(Debug, Clone)]
pub struct Made {
    pub etag: String,
    /// What the store was like before anything was read for it.
    pub mark: Mark,
    pub ground: Weak<Ground>,
    pub by: String,
    /// The end of the token.
    pub until: Option<Timestamp>,
}

/// What all that can be read in a store is like: another one once anything moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The connection that told it, as marks are that connection's.
    of: u64,
    mark: Arc<str>,
}

/// A mark, and when it was told.
type Told = (Mark, Timestamp);

#[derive(Default)]
struct Marks {
    waiting: Vec<oneshot::Sender<Option<Told>>>,
    is_asking: bool,
    /// The last look told more than one.
    were_many: bool,
    store: Option<Box<dyn Store>>,
    /// How many connections there were so far.
    opened: u64,
}

#[derive(Default)]
pub struct Unmoved {
    made: Mutex<HashMap<Key, Made>>,
    marks: Mutex<Marks>,
}

impl Unmoved {
    fn made(&self) -> MutexGuard<'_, HashMap<Key, Made>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers an answer that was made after its mark was asked for.
    pub fn keep(&self, key: Key, made: Made) {
        let mut all = self.made();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key, made);
    }

    /// What was answered, where the store did not move since.
    pub fn answered(&self, key: &Key, mark: &Mark) -> Option<Made> {
        self.made().get(key).filter(|made| made.mark == *mark).cloned()
    }

    /// What the store is like now: asked for after this was called. None where it cannot be told. Whoever is alone looks himself; `begin` has
    /// [`Unmoved::look`] run for others, by nobody who may end before it does.
    pub async fn mark(&self, now: impl Fn() -> Timestamp, begin: impl FnOnce()) -> Option<Told> {
        let (tell, told) = oneshot::channel();
        let (begins, were_many) = {
            let mut marks = self.marks();
            marks.waiting.push(tell);
            (!std::mem::replace(&mut marks.is_asking, true), marks.were_many)
        };
        if begins {
            let mut end = Ended { of: self, is_well: false };
            let is_over = !were_many && self.turn(&now).await && self.is_over();
            end.is_well = true;
            if !is_over {
                begin();
            }
        }
        told.await.ok().flatten()
    }

    /// Tells all who wait, until nobody does; false where [`Unmoved::tell`] has to go on, on a thread that may wait. Whatever else is to be
    /// done now comes first, so that the requests that are there already wait for one look.
    pub async fn look(&self, now: impl Fn() -> Timestamp) -> bool {
        let mut end = Ended { of: self, is_well: false };
        loop {
            tokio::task::yield_now().await;
            if self.is_over() {
                end.is_well = true;
                return true;
            }
            if !self.turn(&now).await {
                end.is_well = true;
                return false;
            }
        }
    }

    /// Whether nobody waits any more, so that nobody looks.
    fn is_over(&self) -> bool {
        let mut marks = self.marks();
        marks.is_asking = !marks.waiting.is_empty();
        !marks.is_asking
    }

    /// Tells all who wait by one look; false where that takes a thread that may wait.
    async fn turn(&self, now: impl Fn() -> Timestamp) -> bool {
        let (waiting, mut store, of) = {
            let mut marks = self.marks();
            marks.were_many = marks.waiting.len() > 1;
            (std::mem::take(&mut marks.waiting), marks.store.take(), marks.opened)
        };
        let asked = match store.as_mut().and_then(|store| store.mark_awaited()) {
            Some(asked) => Some(asked.await),
            None => None,
        };
        let Some(asked) = asked else {
            let mut marks = self.marks();
            marks.waiting.extend(waiting);
            marks.store = store;
            return false;
        };
        let told = asked.ok().map(|mark| (Mark { of, mark: mark.into() }, now()));
        // A connection that broke is not asked again.
        self.marks().store = store.filter(|_| told.is_some());
        for one in waiting {
            let _ = one.send(told.clone());
        }
        true
    }

    /// Tells all who wait, until nobody does. Whoever comes while the store is asked is of the next turn.
    pub fn tell(&self, address: &Address, hosts: &Hosts) {
        let mut end = Ended { of: self, is_well: false };
        let awaited = Address { is_awaited: true, ..address.clone() };
        hosts(&mut |host| {
            loop {
                let (waiting, store, of) = {
                    let mut marks = self.marks();
                    if marks.waiting.is_empty() {
                        (marks.is_asking, end.is_well) = (false, true);
                        return;
                    }
                    (std::mem::take(&mut marks.waiting), marks.store.take(), marks.opened)
                };
                let (mut store, of) = match store {
                    Some(store) => (Some(store), of),
                    None => (host.store(&awaited).ok().flatten(), of + 1),
                };
                let mark = store.as_mut().and_then(|store| store.mark().ok());
                let told = mark.map(|mark| (Mark { of, mark: mark.into() }, (host.now)()));
                {
                    // A connection that broke is not asked again.
                    let mut marks = self.marks();
                    (marks.store, marks.opened) = (store.filter(|_| told.is_some()), of);
                }
                for one in waiting {
                    let _ = one.send(told.clone());
                }
            }
        });
    }
}

/// However the asking ends, nobody waits for it any longer.
struct Ended<'a> {
    of: &'a Unmoved,
    /// Nobody waited any more; somebody else may have begun since.
    is_well: bool,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if !self.is_well {
            let mut marks = self.of.marks();
            marks.is_asking = false;
            marks.waiting.clear();
        }
    }
}
