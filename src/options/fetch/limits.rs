//! Rate limits: how long a request has to wait so that no window of the platform's ever holds more than it allows.
//!
//! A request counts from its start until the window has passed since its *end*: the platform saw it at some moment between the two,
//! so the count holds whatever the way there took. Clock and sleep come from outside.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::descriptor::Rate;

/// What is assumed of a platform that documents no limit.
const UNDOCUMENTED: (u32, Duration) = (10, Duration::from_secs(1));
/// Requests at the same time to one platform that documents no other number.
const CONCURRENT: u32 = 4;
/// How long to wait for a place among the concurrent requests before looking again.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// Clocks drift: a window is taken to be this much longer.
const MARGIN: f64 = 1.02;

/// What holds requests back until a platform's limits let them through, by what it counts them for; one for a whole run.
#[derive(Debug, Default)]
pub struct Gates {
    by_name: Mutex<HashMap<String, Gate>>,
}

#[derive(Debug, Default)]
struct Gate {
    running: u32,
    ended: Vec<Duration>,
    closed_until: Duration,
    /// For limits with a burst: what is left of it, and when that was counted.
    bucket: Option<(f64, Duration)>,
}

/// What one gate lets through.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Gates of the same name are one.
    pub name: String,
    pub requests: u32,
    pub window: Duration,
    pub concurrent: u32,
    pub burst: Option<u32>,
}

impl Limit {
    /// The limits that requests of an account fall under: what is counted for the account, and what runs at once on the platform.
    #[must_use]
    pub fn of(rate: Option<&Rate>, connector: &str, account: &str) -> Vec<Limit> {
        let per = rate.map_or("", |rate| rate.per.as_str());
        // A limit for a client, a user or an address is shared by all accounts that we fetch.
        let own = rate.is_none()
            || ["token", "store", "account", "tenant", "company"].iter().any(|word| per.contains(word));
        let (requests, window) = match rate.and_then(|rate| Some((rate.requests?, rate.seconds?))) {
            Some((requests, seconds)) => (requests, Duration::from_secs(seconds)),
            None => UNDOCUMENTED,
        };
        let concurrent = rate.and_then(|rate| rate.concurrent).unwrap_or(CONCURRENT);
        let burst = rate.and_then(|rate| rate.burst);
        let name = if own { format!("{connector} {account}") } else { connector.to_owned() };
        let counted = Limit { name, requests, window, concurrent, burst };
        if own {
            let platform = format!("{connector} at once");
            vec![
                counted,
                Limit { name: platform, requests: u32::MAX, window: Duration::ZERO, concurrent, burst: None },
            ]
        } else {
            vec![counted]
        }
    }
}

impl Gates {
    /// Waits for a place under every limit and takes it. False when the run was stopped meanwhile.
    pub fn enter(
        &self,
        limits: &[Limit],
        now: &dyn Fn() -> Duration,
        sleep: &dyn Fn(Duration),
        stopped: &dyn Fn() -> bool,
    ) -> bool {
        loop {
            if stopped() {
                return false;
            }
            match self.take(limits, now()) {
                Ok(()) => return true,
                Err(wait) => sleep(wait.min(Duration::from_millis(250))),
            }
        }
    }

    /// Takes a place under every limit, or says how long to wait before asking again.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take(&self, limits: &[Limit], now: Duration) -> Result<(), Duration> {
        let mut gates = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait = Duration::ZERO;
        for limit in limits {
            wait = wait.max(gates.entry(limit.name.clone()).or_default().wait(limit, now));
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        for limit in limits {
            if let Some(gate) = gates.get_mut(&limit.name) {
                gate.running += 1;
                if let Some((left, _)) = &mut gate.bucket {
                    *left -= 1.0;
                }
            }
        }
        Ok(())
    }

    /// Gives the places back: the request has ended.
    pub fn leave(&self, limits: &[Limit], now: Duration) {
        let mut gates = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        for limit in limits {
            let gate = gates.entry(limit.name.clone()).or_default();
            gate.running = gate.running.saturating_sub(1);
            if !limit.window.is_zero() {
                gate.ended.push(now);
            }
        }
    }

    /// Lets nothing through before a moment: the platform said so.
    pub fn close(&self, limits: &[Limit], until: Duration) {
        let mut gates = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limit) = limits.first() {
            let gate = gates.entry(limit.name.clone()).or_default();
            gate.closed_until = gate.closed_until.max(until);
        }
    }
}

impl Gate {
    fn wait(&mut self, limit: &Limit, now: Duration) -> Duration {
        if now < self.closed_until {
            return self.closed_until - now;
        }
        if self.running >= limit.concurrent {
            return POLL_INTERVAL;
        }
        if limit.window.is_zero() {
            return Duration::ZERO;
        }
        if let Some(burst) = limit.burst {
            return self.wait_for_bucket(limit, f64::from(burst), now);
        }
        let window = limit.window.mul_f64(MARGIN);
        self.ended.retain(|end| *end + window > now);
        let counted = self.ended.len() as u64 + u64::from(self.running);
        if counted < u64::from(limit.requests) {
            return Duration::ZERO;
        }
        self.ended.iter().min().map_or(POLL_INTERVAL, |oldest| (*oldest + window).saturating_sub(now))
    }

    fn wait_for_bucket(&mut self, limit: &Limit, burst: f64, now: Duration) -> Duration {
        let per_second = f64::from(limit.requests) / (limit.window.as_secs_f64() * MARGIN);
        let (left, counted) = self.bucket.unwrap_or((burst, now));
        let left = (left + now.saturating_sub(counted).as_secs_f64() * per_second).min(burst);
        self.bucket = Some((left, now));
        if left >= 1.0 { Duration::ZERO } else { Duration::from_secs_f64((1.0 - left) / per_second) }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    fn limit(requests: u32, seconds: u64) -> Limit {
        Limit { name: "x".into(), requests, window: Duration::from_secs(seconds), concurrent: 4, burst: None }
    }

    /// Sends `number` requests that each take `takes`, and returns when each was started.
    fn run(limit: &Limit, number: usize, takes: Duration) -> Vec<Duration> {
        let gates = Gates::default();
        let clock = Cell::new(Duration::ZERO);
        let starts = RefCell::new(Vec::new());
        for _ in 0..number {
            let limits = std::slice::from_ref(limit);
            assert!(gates.enter(limits, &|| clock.get(), &|wait| clock.set(clock.get() + wait), &|| false));
            starts.borrow_mut().push(clock.get());
            clock.set(clock.get() + takes);
            gates.leave(limits, clock.get());
        }
        starts.into_inner()
    }

    #[test]
    fn no_window_holds_more_than_the_limit() {
        let starts = run(&limit(25, 5), 200, Duration::from_millis(20));
        for (at, start) in starts.iter().enumerate() {
            let within =
                starts[at..].iter().filter(|later| **later < *start + Duration::from_secs(5)).count();
            assert!(within <= 25, "{within} requests within 5 s from {start:?}");
        }
        let last = starts.last().copied().unwrap_or_default();
        assert!(last < Duration::from_secs(45), "slower than needed: {last:?}");
    }

    #[test]
    fn a_burst_is_spent_once_and_then_earned() {
        let starts = run(&Limit { burst: Some(20), ..limit(3, 60) }, 22, Duration::ZERO);
        assert_eq!(starts[19], Duration::ZERO);
        assert!(starts[20] >= Duration::from_secs(20) && starts[21] >= Duration::from_secs(40));
    }

    #[test]
    fn no_more_run_at_once_than_allowed() {
        let gates = Gates::default();
        let limits = [Limit { concurrent: 2, ..limit(100, 1) }];
        assert!(gates.take(&limits, Duration::ZERO).is_ok());
        assert!(gates.take(&limits, Duration::ZERO).is_ok());
        assert!(gates.take(&limits, Duration::ZERO).is_err());
        gates.leave(&limits, Duration::ZERO);
        assert!(gates.take(&limits, Duration::ZERO).is_ok());
    }

    #[test]
    fn a_closed_gate_opens_when_it_was_said_to() {
        let gates = Gates::default();
        let limits = [limit(100, 1)];
        gates.close(&limits, Duration::from_secs(7));
        assert_eq!(gates.take(&limits, Duration::from_secs(5)), Err(Duration::from_secs(2)));
        assert!(gates.take(&limits, Duration::from_secs(7)).is_ok());
    }
}
