//! The hours in which an environment may be changed, as data, and which of two are open in more of a week. Nothing here knows
//! the clock.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One that ends before it begins lasts over midnight, and belongs to the day on which it begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// `mon` to `sun`; every day when none is named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub days: BTreeSet<String>,
    /// `08:00`
    pub from: String,
    pub to: String,
    /// `Europe/Stockholm`
    pub timezone: String,
}

/// The days of a week, as the project file names them.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const DAY: usize = 24 * 60;
const WEEK: usize = 7 * DAY;

impl Window {
    /// In words: `mon tue 08:00–16:00 (UTC)`.
    #[must_use]
    pub fn told(&self) -> String {
        let days: Vec<&str> = DAYS.into_iter().filter(|day| self.days.contains(*day)).collect();
        let days = if days.is_empty() { "every day".to_owned() } else { days.join(" ") };
        format!("{days} {}–{} ({})", self.from, self.to, self.timezone)
    }

    /// The minutes of its week, in its timezone, in which it is open; none where it cannot be told.
    fn minutes(&self) -> Option<Vec<bool>> {
        let (from, to) = (minute(&self.from)?, minute(&self.to)?);
        let length = if from <= to { to - from } else { DAY - from + to };
        let mut open = vec![false; WEEK];
        for (day, name) in DAYS.into_iter().enumerate() {
            if self.days.is_empty() || self.days.contains(name) {
                let begins = day * DAY + from;
                (begins..begins + length).for_each(|at| open[at % WEEK] = true);
            }
        }
        Some(open)
    }
}

/// The minute of a day that `HH:MM` says.
#[must_use]
pub fn minute(text: &str) -> Option<usize> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (hour.parse::<usize>().ok()?, minute.parse::<usize>().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// Whether the first are open whenever all of the second are, and the other way round; none where that cannot be told, as the
/// hours are of different timezones.
pub(super) fn compare(first: &BTreeSet<Window>, second: &BTreeSet<Window>) -> Option<(bool, bool)> {
    let zones: BTreeSet<&str> = first.iter().chain(second).map(|window| window.timezone.as_str()).collect();
    if zones.len() > 1 {
        return None;
    }
    let (first, second) = (all_open(first)?, all_open(second)?);
    let within =
        |inner: &[bool], outer: &[bool]| inner.iter().zip(outer).all(|(inner, outer)| !inner || *outer);
    Some((within(&second, &first), within(&first, &second)))
}

fn all_open(windows: &BTreeSet<Window>) -> Option<Vec<bool>> {
    let mut open = vec![true; WEEK];
    for window in windows {
        for (open, is_open) in open.iter_mut().zip(window.minutes()?) {
            *open &= is_open;
        }
    }
    Some(open)
}
