//! When flows run, in data for the templates: rules and their chains, and the sync that takes up what is saved.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use crate::model::{GENERAL, SCHEDULES, SettingPath, Settings, Value};
use crate::ops::section::{Judged, Known};
use crate::schema::Category;
use crate::store::SyncReport;

/// A rule of the schedule.
#[derive(Debug, Clone)]
pub struct Rule {
    pub name: String,
    pub flow: String,
    pub every: Option<String>,
    pub after: Option<String>,
    pub is_on: bool,
}

/// The rules that are deployed, sorted by name.
#[must_use]
pub fn rules(known: &Known) -> Vec<Rule> {
    let none = Settings::new();
    let settings = known.rows.get(SCHEDULES).map_or(&none, |row| &row.settings);
    let mut names: Vec<&str> =
        settings.keys().filter_map(|path| path.segments().first().map(|key| &**key)).collect();
    names.dedup();
    let text = |name: &str, key: &str| match settings.get(&SettingPath::root().child(name).child(key)) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let rule = |name: &&str| Rule {
        name: (*name).to_owned(),
        flow: text(name, "flow").unwrap_or_default(),
        every: text(name, "every"),
        after: text(name, "after"),
        is_on: settings.get(&SettingPath::root().child(name).child("enabled")) != Some(&Value::Bool(false)),
    };
    names.iter().map(rule).collect()
}

/// `15m`, as a number and its unit.
#[must_use]
pub fn interval(every: &str) -> Option<(i64, char)> {
    let unit = every.chars().last().filter(|unit| matches!(unit, 'm' | 'h' | 'd'))?;
    Some((every[..every.len() - 1].parse().ok()?, unit))
}

/// When a flow that ran then runs next; none where that moment is past.
fn next_run(every: &str, ended_at: &str, now: Timestamp) -> Option<Timestamp> {
    let (number, unit) = interval(every)?;
    let minutes = number.checked_mul(match unit {
        'm' => 1,
        'h' => 60,
        _ => 24 * 60,
    })?;
    let ended: Timestamp = ended_at.parse().ok()?;
    let next = ended.checked_add(SignedDuration::from_secs(minutes.checked_mul(60)?)).ok()?;
    (next > now).then_some(next)
}

/// Of a rule: how often or after what, and when it ran and runs next, as far as the runtime told.
#[must_use]
pub fn told(rule: &Rule, rules: &[Rule], known: &Known, syncs: &[SyncReport], now: Timestamp) -> Json {
    let title = |flow: &str| known.pair.flow(flow).map_or_else(|| flow.to_owned(), |flow| flow.title.clone());
    let last = syncs.iter().find(|sync| sync.flow == rule.flow);
    let next = rule.every.as_deref().zip(last).and_then(|(every, last)| next_run(every, &last.ended_at, now));
    let after = rule.after.as_deref().and_then(|after| rules.iter().find(|one| one.name == after));
    let every = rule.every.as_deref().and_then(interval);
    json!({
        "name": rule.name, "flow": rule.flow, "title": title(&rule.flow), "on": rule.is_on,
        "every": every.map(|(number, unit)| json!({"n": number, "unit": unit.to_string()})),
        "after": rule.after, "after_title": after.map(|after| title(&after.flow)),
        "last": last.map(|last| json!({"at": last.ended_at, "ok": last.outcome == "ok", "message": last.message})),
        "next": next.map(|next| next.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    })
}

/// Rules in the order in which they run: what runs after another stands below it, with its depth.
#[must_use]
pub fn chains(known: &Known, syncs: &[SyncReport], now: Timestamp) -> Vec<Json> {
    let all = rules(known);
    let mut out = Vec::new();
    let is_root =
        |rule: &Rule| rule.after.as_ref().is_none_or(|after| !all.iter().any(|one| one.name == *after));
    let mut open: Vec<(usize, &Rule)> =
        all.iter().filter(|rule| is_root(rule)).rev().map(|rule| (0, rule)).collect();
    while let Some((depth, rule)) = open.pop() {
        let mut told = told(rule, &all, known, syncs, now);
        told["depth"] = depth.into();
        out.push(told);
        // A circle is no chain; its rules are shown once all the same.
        if depth < all.len() {
            open.extend(
                all.iter()
                    .rev()
                    .filter(|one| one.after.as_ref() == Some(&rule.name))
                    .map(|one| (depth + 1, one)),
            );
        }
    }
    let shown: Vec<String> = out.iter().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect();
    let lost = all.iter().filter(|rule| !shown.contains(&rule.name));
    out.extend(lost.map(|rule| {
        let mut told = told(rule, &all, known, syncs, now);
        told["depth"] = 0.into();
        told
    }));
    out
}

/// The sync that takes up what is saved of a category; null where it counts at once.
#[must_use]
pub fn effect(
    known: &Known,
    judged: &Judged,
    category: &Category,
    syncs: &[SyncReport],
    now: Timestamp,
) -> Json {
    if category.id == GENERAL || crate::model::is_top_level(&category.id) {
        return json!({"kind": "at-once"});
    }
    let flows_on = judged.compiled().map(|compiled| compiled.flows_on.clone()).unwrap_or_default();
    let flow = category.flows.as_ref().and_then(|flows| flows.iter().find(|flow| flows_on.contains(flow)));
    let Some(flow) = flow else { return json!({"kind": "next-sync"}) };
    let all = rules(known);
    let rule = all.iter().find(|rule| rule.flow == *flow && rule.is_on);
    match rule {
        Some(rule) => json!({"kind": "flow", "rule": told(rule, &all, known, syncs, now)}),
        None => {
            let title = known.pair.flow(flow).map_or(flow.as_str(), |flow| &flow.title);
            json!({"kind": "by-hand", "flow": title, "href": format!("/integrations/{}/scheduling", known.id())})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_run_is_told_while_it_is_to_come() {
        let now: Timestamp = "2026-11-30T10:05:00Z".parse().unwrap();
        let next = |every: &str, ended: &str| next_run(every, ended, now).map(|next| next.to_string());
        assert_eq!(next("15m", "2026-11-30T10:00:00Z").as_deref(), Some("2026-11-30T10:15:00Z"));
        assert_eq!(next("1d", "2026-11-30T10:00:00Z").as_deref(), Some("2026-12-01T10:00:00Z"));
        assert_eq!(next("1m", "2026-11-30T10:00:00Z"), None);
        assert_eq!(next("often", "2026-11-30T10:00:00Z"), None);
        assert_eq!(interval("15m"), Some((15, 'm')));
    }
}
