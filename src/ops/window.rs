//! Apply windows: the hours in which an environment may be changed. Nothing here knows a plan or the clock.

use jiff::civil::{Time, Weekday};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use super::error::{Error, ErrorKind, Result};
use crate::diagnostic::list_words;
use crate::plan::policy::{DAYS, Window, minute};

/// When a window is open, and when it opens next, in words.
///
/// # Errors
/// When the window cannot be used.
pub fn closed(window: &Window, now: Timestamp) -> Result<String> {
    let Hours { from, to, zone } = hours(window)?;
    let now = now.to_zoned(zone.clone());
    let next = (0..=7).find_map(|days| {
        let opens =
            now.date().checked_add(days.days()).ok()?.to_datetime(from).to_zoned(zone.clone()).ok()?;
        (from != to && is_day(window, opens.weekday()) && opens > now).then_some(opens)
    });
    let next = match next {
        Some(opens) => format!("the window opens next on {}", opens.strftime("%A, %Y-%m-%d at %H:%M")),
        None => "the window never opens".to_owned(),
    };
    let named: Vec<&str> = DAYS
        .iter()
        .zip(LONG)
        .filter(|(short, _)| window.days.contains(**short))
        .map(|(_, long)| long)
        .collect();
    let days = if window.days.is_empty() {
        "every day".to_owned()
    } else {
        format!("on {}", list_words(&named, "and"))
    };
    let Window { from, to, timezone, .. } = window;
    Ok(format!("this environment applies only {days}, {from}–{to} ({timezone}); {next}"))
}

/// A window that ends before it begins lasts over midnight, and belongs to the day on which it begins.
///
/// # Errors
/// When the window cannot be used.
pub fn is_open(window: &Window, now: Timestamp) -> Result<bool> {
    let Hours { from, to, zone } = hours(window)?;
    let now = now.to_zoned(zone);
    let (today, at) = (now.weekday(), now.time());
    Ok(if from <= to {
        is_day(window, today) && from <= at && at < to
    } else {
        (is_day(window, today) && from <= at) || (is_day(window, today.previous()) && at < to)
    })
}

/// The days as people call them, in the order of [`DAYS`].
const LONG: [&str; 7] = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];

fn is_day(window: &Window, day: Weekday) -> bool {
    let day = usize::from(day.to_monday_zero_offset().unsigned_abs());
    window.days.is_empty() || window.days.contains(DAYS[day])
}

struct Hours {
    from: Time,
    to: Time,
    zone: TimeZone,
}

fn hours(window: &Window) -> Result<Hours> {
    let wrong =
        |what: &str| Error::new(ErrorKind::Invalid, format!("the apply window's {what} cannot be used"));
    let time = |text: &str| -> Option<Time> {
        let minutes = i8::try_from;
        let minute = minute(text)?;
        Time::new(minutes(minute / 60).ok()?, minutes(minute % 60).ok()?, 0, 0).ok()
    };
    Ok(Hours {
        zone: TimeZone::get(&window.timezone).map_err(|_| wrong("timezone"))?,
        from: time(&window.from).ok_or_else(|| wrong("`from`"))?,
        to: time(&window.to).ok_or_else(|| wrong("`to`"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_on_its_days_in_its_timezone_and_over_midnight() {
        let window = |from: &str, to: &str| Window {
            days: ["mon".into(), "tue".into()].into(),
            from: from.into(),
            to: to.into(),
            timezone: "Europe/Stockholm".into(),
        };
        // 2026-11-23 is a Monday; Stockholm is an hour ahead of UTC.
        for (from, to, now, expected) in [
            ("08:00", "16:00", "2026-11-23T07:00:00Z", true),
            ("08:00", "16:00", "2026-11-23T06:59:59Z", false),
            ("08:00", "16:00", "2026-11-23T15:00:00Z", false),
            ("08:00", "16:00", "2026-11-25T09:00:00Z", false),
            ("22:00", "04:00", "2026-11-24T02:00:00Z", true),
            ("22:00", "04:00", "2026-11-24T22:00:00Z", true),
            ("22:00", "04:00", "2026-11-25T02:00:00Z", true),
            ("22:00", "04:00", "2026-11-25T22:00:00Z", false),
        ] {
            let open = is_open(&window(from, to), now.parse().unwrap()).unwrap();
            assert_eq!(open, expected, "{from} {to} {now}");
        }
    }

    #[test]
    fn a_closed_window_says_when_it_opens_next() {
        let window = |days: &[&str], from: &str, to: &str| Window {
            days: days.iter().map(|day| (*day).to_owned()).collect(),
            from: from.into(),
            to: to.into(),
            timezone: "Europe/Stockholm".into(),
        };
        // A Wednesday, 10:00 in Stockholm.
        let now = "2026-11-25T09:00:00Z".parse().unwrap();
        for (window, expected) in [
            (
                window(&["sun"], "03:00", "03:01"),
                "only on Sundays, 03:00–03:01 (Europe/Stockholm); the window opens next on Sunday, 2026-11-29 at 03:00",
            ),
            (
                window(&["wed", "mon"], "08:00", "09:00"),
                "only on Mondays and Wednesdays, 08:00–09:00 (Europe/Stockholm); the window opens next on Monday, 2026-11-30 at 08:00",
            ),
            (
                window(&["wed"], "08:00", "09:00"),
                "only on Wednesdays, 08:00–09:00 (Europe/Stockholm); the window opens next on Wednesday, 2026-12-02 at 08:00",
            ),
            (
                window(&[], "22:00", "04:00"),
                "only every day, 22:00–04:00 (Europe/Stockholm); the window opens next on Wednesday, 2026-11-25 at 22:00",
            ),
            (
                window(&[], "08:00", "08:00"),
                "only every day, 08:00–08:00 (Europe/Stockholm); the window never opens",
            ),
        ] {
            assert_eq!(closed(&window, now).unwrap(), format!("this environment applies {expected}"));
        }
    }
}
