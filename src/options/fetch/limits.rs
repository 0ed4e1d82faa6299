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
const POLL: Duration = Duration::from_millis(5);
/// Clocks drift: a window is taken to be this much longer.
const MARGIN: f64 = 1.02;

/// All gates of one run, by what the platform counts them for.
#[derive(Debug, Default)]
pub struct Limits {
    gates: Mutex<HashMap<String, Gate>>,
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
pub struct Rule {
    /// Gates of the same name are one.
    pub name: String,
    pub requests: u32,
    pub window: Duration,
    pub concurrent: u32,
    pub burst: Option<u32>,
}

impl Rule {
    /// The rules that requests of an account fall under: what is counted for the account, and what runs at once on the platform.
    #[must_use]
    pub fn of(rate: Option<&Rate>, connector: &str, account: &str) -> Vec<Rule> {
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
        let counted = Rule { name, requests, window, concurrent, burst };
        if own {
            let platform = format!("{connector} at once");
            vec![
                counted,
                Rule { name: platform, requests: u32::MAX, window: Duration::ZERO, concurrent, burst: None },
            ]
        } else {
            vec![counted]
        }
    }
}

impl Limits {
    /// Waits for a place under every rule and takes it. False when the run was stopped meanwhile.
    pub fn enter(
        &self,
        rules: &[Rule],
        now: &dyn Fn() -> Duration,
        sleep: &dyn Fn(Duration),
        stopped: &dyn Fn() -> bool,
    ) -> bool {
        loop {
            if stopped() {
                return false;
            }
            match self.take(rules, now()) {
                Ok(()) => return true,
                Err(wait) => sleep(wait.min(Duration::from_millis(250))),
            }
        }
    }

    /// Takes a place under every rule, or says how long to wait before asking again.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take(&self, rules: &[Rule], now: Duration) -> Result<(), Duration> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait = Duration::ZERO;
        for rule in rules {
            wait = wait.max(gates.entry(rule.name.clone()).or_default().wait(rule, now));
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        for rule in rules {
            if let Some(gate) = gates.get_mut(&rule.name) {
                gate.running += 1;
                if let Some((left, _)) = &mut gate.bucket {
                    *left -= 1.0;
                }
            }
        }
        Ok(())
    }

    /// Gives the places back: the request has ended.
    pub fn leave(&self, rules: &[Rule], now: Duration) {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in rules {
            let gate = gates.entry(rule.name.clone()).or_default();
            gate.running = gate.running.saturating_sub(1);
            if !rule.window.is_zero() {
                gate.ended.push(now);
            }
        }
    }

    /// Lets nothing through before a moment: the platform said so.
    pub fn close(&self, rules: &[Rule], until: Duration) {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rule) = rules.first() {
            let gate = gates.entry(rule.name.clone()).or_default();
            gate.closed_until = gate.closed_until.max(until);
        }
    }
}

impl Gate {
    fn wait(&mut self, rule: &Rule, now: Duration) -> Duration {
        if now < self.closed_until {
            return self.closed_until - now;
        }
        if self.running >= rule.concurrent {
            return POLL;
        }
        if rule.window.is_zero() {
            return Duration::ZERO;
        }
        if let Some(burst) = rule.burst {
            return self.wait_for_bucket(rule, f64::from(burst), now);
        }
        let window = rule.window.mul_f64(MARGIN);
        self.ended.retain(|end| *end + window > now);
        let counted = self.ended.len() as u64 + u64::from(self.running);
        if counted < u64::from(rule.requests) {
            return Duration::ZERO;
        }
        self.ended.iter().min().map_or(POLL, |oldest| (*oldest + window).saturating_sub(now))
    }

    fn wait_for_bucket(&mut self, rule: &Rule, burst: f64, now: Duration) -> Duration {
        let per_second = f64::from(rule.requests) / (rule.window.as_secs_f64() * MARGIN);
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

    fn rule(requests: u32, seconds: u64) -> Rule {
        Rule { name: "x".into(), requests, window: Duration::from_secs(seconds), concurrent: 4, burst: None }
    }

    /// Sends `number` requests that each take `takes`, and returns when each was started.
    fn run(rule: &Rule, number: usize, takes: Duration) -> Vec<Duration> {
        let limits = Limits::default();
        let clock = Cell::new(Duration::ZERO);
        let starts = RefCell::new(Vec::new());
        for _ in 0..number {
            let rules = std::slice::from_ref(rule);
            assert!(limits.enter(rules, &|| clock.get(), &|wait| clock.set(clock.get() + wait), &|| false));
            starts.borrow_mut().push(clock.get());
            clock.set(clock.get() + takes);
            limits.leave(rules, clock.get());
        }
        starts.into_inner()
    }

    #[test]
    fn no_window_holds_more_than_the_limit() {
        let starts = run(&rule(25, 5), 200, Duration::from_millis(20));
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
        let starts = run(&Rule { burst: Some(20), ..rule(3, 60) }, 22, Duration::ZERO);
        assert_eq!(starts[19], Duration::ZERO);
        assert!(starts[20] >= Duration::from_secs(20) && starts[21] >= Duration::from_secs(40));
    }

    #[test]
    fn no_more_run_at_once_than_allowed() {
        let limits = Limits::default();
        let rules = [Rule { concurrent: 2, ..rule(100, 1) }];
        assert!(limits.take(&rules, Duration::ZERO).is_ok());
        assert!(limits.take(&rules, Duration::ZERO).is_ok());
        assert!(limits.take(&rules, Duration::ZERO).is_err());
        limits.leave(&rules, Duration::ZERO);
        assert!(limits.take(&rules, Duration::ZERO).is_ok());
    }

    #[test]
    fn a_closed_gate_opens_when_it_was_said_to() {
        let limits = Limits::default();
        let rules = [rule(100, 1)];
        limits.close(&rules, Duration::from_secs(7));
        assert_eq!(limits.take(&rules, Duration::from_secs(5)), Err(Duration::from_secs(2)));
        assert!(limits.take(&rules, Duration::from_secs(7)).is_ok());
    }
}
