//! Who works: one at a time holds the lease of an environment, a lock with a fencing token that every save proves. It is renewed while
//! its holder lives and is over soon after; one whose process has ended on this machine is over at once.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::ops::error::Result;
use crate::ops::holder::is_dead;
use crate::ops::host::Host;
use crate::store::{Address, Ask, Asked, Lock};

/// How long a lease lasts that nobody renews, in seconds.
pub const LEASE: u32 = 15;

/// The lease stands among the locks under a name that no integration can have.
fn name(environment: Option<&str>) -> String {
    format!("reconcile:{}", environment.unwrap_or_default())
}

/// What became of asking for the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    Ours(Lock),
    /// Somebody else works.
    Theirs(Lock),
}

/// Asks for the lease of an environment; a store is made where there is none. What whoever had it before left locked of integrations, as
/// he never gave it back, is free again: his saves prove a lease that he has no more.
///
/// # Errors
/// When the store cannot be written.
pub fn lease(
    address: &Address,
    environment: Option<&str>,
    root: &Path,
    seconds: u32,
    host: &Host<'_>,
) -> Result<Held> {
    let mut store = host.make_store(address)?;
    let (name, owner, holder) = (name(environment), (host.actor)(root), (host.holder)());
    let mut over: Option<String> = None;
    let before = holder_of(store.as_mut(), environment)?.map(|lock| lock.holder).filter(|it| *it != holder);
    loop {
        let ask = Ask {
            integration: &name,
            owner: &owner,
            holder: &holder,
            reason: "reconcile",
            seconds,
            over: over.as_deref(),
        };
        match store.lock(&ask)? {
            Asked::Taken(lock) => {
                if let Some(before) = before {
                    let locks = store.locks()?;
                    let left: Vec<&Lock> = locks.iter().filter(|lock| lock.holder == before).collect();
                    store.unlock_all(&left)?;
                }
                return Ok(Held::Ours(lock));
            }
            Asked::Held(lock) if over.is_none() && is_dead(&lock.holder) => over = Some(lock.id),
            Asked::Held(lock) => return Ok(Held::Theirs(lock)),
        }
    }
}

/// Who holds the lease of an environment now, be it over.
///
/// # Errors
/// When the store cannot be read.
pub fn holder_of(store: &mut dyn crate::store::Store, environment: Option<&str>) -> Result<Option<Lock>> {
    let name = name(environment);
    Ok(store.locks()?.into_iter().find(|lock| lock.integration == name))
}

/// Gives the lease back, so that whoever waits goes on at once.
///
/// # Errors
/// When the store cannot be written: then it is over in its time.
pub fn let_go(address: &Address, lease: &Lock, host: &Host<'_>) -> Result<()> {
    host.make_store(address)?.unlock_all(&[lease])?;
    Ok(())
}

/// Works while the lease is renewed beside it. `lost` becomes true where it could not be: nothing is saved without it from then on, so
/// that going on is only a waste.
pub fn with_lease<T>(
    address: &Address,
    lease: &Lock,
    seconds: u32,
    lost: &AtomicBool,
    host: &Host<'_>,
    work: impl FnOnce() -> T,
) -> T {
    let (done, wake) = (Mutex::new(false), Condvar::new());
    let pause = Duration::from_secs(u64::from(seconds.max(3) / 3));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut store = None;
            loop {
                let guard = done.lock().unwrap_or_else(PoisonError::into_inner);
                let (ended, _) = wake
                    .wait_timeout_while(guard, pause, |done| !*done)
                    .unwrap_or_else(PoisonError::into_inner);
                if *ended {
                    return;
                }
                drop(ended);
                if store.is_none() {
                    store = host.make_store(address).ok();
                }
                let renewed = store.as_mut().map(|store| {
                    store.renew_all(&[lease], seconds)?;
                    store.locks()
                });
                match renewed {
                    Some(Ok(locks)) if !locks.iter().any(|lock| lock.id == lease.id) => {
                        lost.store(true, Ordering::SeqCst);
                        return;
                    }
                    Some(Ok(_)) => {}
                    // The store may be there again the next time.
                    _ => store = None,
                }
            }
        });
        // Whatever becomes of the work, the renewing ends.
        let _end = End { done: &done, wake: &wake };
        work()
    })
}

struct End<'a> {
    done: &'a Mutex<bool>,
    wake: &'a Condvar,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
    }
}
