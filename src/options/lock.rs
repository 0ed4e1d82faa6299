//! The committed lists: `options/CONNECTOR/ACCOUNT.lock.yaml`, one value a line, sorted, so that git merges them by line.
//!
//! A value that vanished from the platform stays, marked, for as long as the configuration uses it: only so can a finding name it.
//! A list that has not changed keeps its date for a week, so that fetching it again changes nothing in git.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value as Json;

use super::lists::{self, Choice, Gone, List, Set, days_between};

/// How long an unchanged list keeps the day on which it was fetched.
pub const KEEP_DAYS: i64 = 7;

/// What there is to write of one account.
pub struct Update<'a> {
    pub connector: &'a str,
    pub account: &'a str,
    /// The lists that were fetched.
    pub fetched: BTreeMap<&'a str, &'a [Choice]>,
    /// The sets in use, with the values that are used.
    pub used: &'a BTreeMap<String, BTreeSet<String>>,
    /// Whether `used` speaks for the whole project; else what else the file holds stays.
    pub whole: bool,
    /// The day, `2026-11-20`.
    pub today: &'a str,
    /// For so many days a list that has not changed keeps its day.
    pub keep_days: i64,
}

/// How a list differs from what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Added(Choice),
    Removed(Choice),
    Renamed { value: String, before: String, after: String },
    Deactivated(Choice),
    Activated(Choice),
}

/// What is different, in the order of the values.
#[must_use]
pub fn changes(before: &[Choice], after: &[Choice]) -> Vec<Change> {
    let old: BTreeMap<&str, &Choice> = before.iter().map(|choice| (choice.value.as_str(), choice)).collect();
    let new: BTreeMap<&str, &Choice> = after.iter().map(|choice| (choice.value.as_str(), choice)).collect();
    let mut changes: Vec<Change> = before
        .iter()
        .filter(|choice| !new.contains_key(choice.value.as_str()))
        .cloned()
        .map(Change::Removed)
        .collect();
    for choice in after {
        let Some(was) = old.get(choice.value.as_str()) else {
            changes.push(Change::Added(choice.clone()));
            continue;
        };
        if was.label != choice.label {
            changes.push(Change::Renamed {
                value: choice.value.clone(),
                before: was.label.clone(),
                after: choice.label.clone(),
            });
        }
        match (was.active, choice.active) {
            (true, false) => changes.push(Change::Deactivated(choice.clone())),
            (false, true) => changes.push(Change::Activated(choice.clone())),
            _ => {}
        }
    }
    changes
}

/// The path of an account's file, relative to the project; `others` are the paths that other accounts have.
#[must_use]
pub fn path(connector: &str, account: &str, others: &[String]) -> String {
    let (_, bare) = account.split_once("://").unwrap_or(("", account));
    let name: String = bare
        .trim_end_matches('/')
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
        .collect();
    let name = name.trim_start_matches('.');
    let path = format!("options/{connector}/{}.lock.yaml", if name.is_empty() { "account" } else { name });
    if others.iter().any(|other| other.eq_ignore_ascii_case(&path)) {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(account.as_bytes());
        let short = crate::model::hex(&digest[..4]);
        return path.replace(".lock.yaml", &format!("-{short}.lock.yaml"));
    }
    path
}

/// The file's text; `before` is what it holds now.
#[must_use]
pub fn render(update: &Update<'_>, before: Option<&List>) -> String {
    let mut sets: BTreeMap<&str, Set> = BTreeMap::new();
    for (name, set) in before.into_iter().flat_map(|list| &list.sets) {
        if !update.whole || update.used.contains_key(name) {
            sets.insert(name, set.clone());
        }
    }
    for (name, choices) in &update.fetched {
        let old = before.and_then(|list| list.sets.get(*name));
        sets.insert(name, merged(update, name, choices, old));
    }
    let mut out = String::from("# Written by `pairform options refresh`. One value a line; commit it.\n");
    let _ = writeln!(
        out,
        "connector: {}\naccount: {}\nsets:{}",
        update.connector,
        quote(update.account),
        if sets.is_empty() { " {}" } else { "" }
    );
    for (name, set) in &sets {
        let empty = set.choices.is_empty() && set.gone.is_empty();
        let _ = writeln!(
            out,
            "  {name}:\n    fetched: {}\n    values:{}",
            set.fetched,
            if empty { " {}" } else { "" }
        );
        let mut lines: Vec<(String, String)> =
            set.choices.iter().map(|choice| (choice.value.clone(), line(choice))).collect();
        lines.extend(set.gone.iter().map(|gone| {
            let text = format!("{{label: {}, gone: {}}}", quote(&gone.label), gone.since);
            (gone.value.clone(), text)
        }));
        lines.sort_by(|a, b| lists::order(&a.0).cmp(&lists::order(&b.0)));
        for (value, text) in lines {
            let _ = writeln!(out, "      {}: {text}", quote(&value));
        }
    }
    out
}

fn merged(update: &Update<'_>, name: &str, choices: &[Choice], old: Option<&Set>) -> Set {
    let fresh = Set { fetched: update.today.to_owned(), choices: choices.to_vec(), gone: Vec::new() };
    let Some(old) = old else { return fresh };
    let choices: &[Choice] = &with_kept(choices, old);
    let fresh = Set { choices: choices.to_vec(), ..fresh };
    let used = update.used.get(name);
    let wanted = |value: &str| !update.whole || used.is_some_and(|used| used.contains(value));
    let back = |value: &str| choices.iter().any(|choice| choice.value == value);
    let mut gone: Vec<Gone> =
        old.gone.iter().filter(|gone| wanted(&gone.value) && !back(&gone.value)).cloned().collect();
    let vanished = old.choices.iter().filter(|choice| wanted(&choice.value) && !back(&choice.value));
    gone.extend(vanished.map(|choice| Gone {
        value: choice.value.clone(),
        label: choice.label.clone(),
        since: update.today.to_owned(),
    }));
    let same = old.choices == choices && old.gone == gone;
    let fetched = if same
        && days_between(&old.fetched, update.today).is_some_and(|days| (0..update.keep_days).contains(&days))
    {
        old.fetched.clone()
    } else {
        update.today.to_owned()
    };
    Set { fetched, gone, ..fresh }
}

/// What people wrote beside a value stays with it, where the platform says nothing of it.
fn with_kept(choices: &[Choice], old: &Set) -> Vec<Choice> {
    let mut choices = choices.to_vec();
    for choice in &mut choices {
        for (name, value) in old.choice(&choice.value).into_iter().flat_map(|old| &old.keep) {
            choice.keep.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    choices
}

fn line(choice: &Choice) -> String {
    let mut parts = vec![format!("label: {}", quote(&choice.label))];
    if !choice.active {
        parts.push("active: false".to_owned());
    }
    if !choice.keep.is_empty() {
        let kept: Vec<String> = choice
            .keep
            .iter()
            .map(|(name, value)| format!("{name}: {}", quote(value.as_str().unwrap_or_default())))
            .collect();
        parts.push(format!("keep: {{{}}}", kept.join(", ")));
    }
    if parts.len() == 1 { quote(&choice.label) } else { format!("{{{}}}", parts.join(", ")) }
}

/// A text in double quotes, which YAML reads as JSON does.
fn quote(text: &str) -> String {
    Json::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
        .replace('\u{feff}', "\\ufeff")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::lists::Options;
    use crate::source::{SourceFile, Sources};

    fn choice(value: &str, label: &str, active: bool) -> Choice {
        Choice { value: value.into(), label: label.into(), active, keep: serde_json::Map::new() }
    }

    fn written(choices: &[Choice], used: &[&str], today: &str, before: Option<&str>) -> String {
        let used =
            BTreeMap::from([("unit".to_owned(), used.iter().map(|value| (*value).to_owned()).collect())]);
        let update = Update {
            connector: "fortnox",
            account: "1",
            fetched: BTreeMap::from([("unit", choices)]),
            used: &used,
            whole: true,
            today,
            keep_days: KEEP_DAYS,
        };
        let options = before.map(read);
        render(&update, options.as_ref().and_then(|options| options.list("fortnox", "1")))
    }

    fn read(text: &str) -> Options {
        let mut sources = Sources::default();
        sources.add(SourceFile::new("options/fortnox/1.lock.yaml", text));
        let mut findings = Vec::new();
        let options = Options::read(&sources, &mut findings);
        assert!(findings.is_empty(), "{findings:?}\n{text}");
        options
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut kept = choice("0", "no: \"x\" #1 åäö \\", true);
        kept.keep.insert("vat".into(), "MP1".into());
        let choices = [kept, choice("07", "", false), choice("7", "null", true), choice("NO", "Norge", true)];
        let text = written(&choices, &[], "2026-11-20", None);
        let options = read(&text);
        let set = options.set("fortnox", Some("1"), "unit").unwrap();
        assert_eq!(
            set.choices
                .iter()
                .map(|choice| (&*choice.value, &*choice.label, choice.active))
                .collect::<Vec<_>>(),
            [
                ("0", "no: \"x\" #1 åäö \\", true),
                ("07", "", false),
                ("7", "null", true),
                ("NO", "Norge", true)
            ]
        );
        assert_eq!(set.choices[0].keep["vat"], "MP1");
    }

    #[test]
    fn an_unchanged_list_changes_nothing_for_a_week() {
        let choices = [choice("st", "Styck", true)];
        let first = written(&choices, &[], "2026-11-20", None);
        assert_eq!(written(&choices, &[], "2026-11-26", Some(&first)), first);
        assert!(written(&choices, &[], "2026-11-27", Some(&first)).contains("fetched: 2026-11-27"));
    }

    #[test]
    fn a_vanished_value_is_kept_while_it_is_used() {
        let first =
            written(&[choice("h", "Timme", true), choice("st", "Styck", true)], &[], "2026-11-20", None);
        let used = written(&[choice("h", "Timme", true)], &["st"], "2026-11-21", Some(&first));
        assert!(used.contains("\"st\": {label: \"Styck\", gone: 2026-11-21}"), "{used}");
        assert_eq!(read(&used).set("fortnox", Some("1"), "unit").unwrap().choices.len(), 1);
        assert!(!written(&[choice("h", "Timme", true)], &[], "2026-11-22", Some(&used)).contains("Styck"));
        let back = written(
            &[choice("h", "Timme", true), choice("st", "Styck", true)],
            &["st"],
            "2026-11-22",
            Some(&used),
        );
        assert!(!back.contains("gone"));
    }

    #[test]
    fn changes_are_told_apart() {
        let before = [choice("a", "A", true), choice("b", "B", true), choice("c", "C", true)];
        let after = [choice("a", "A!", true), choice("b", "B", false), choice("d", "D", true)];
        let names: Vec<String> = changes(&before, &after)
            .iter()
            .map(|change| format!("{change:?}").chars().take(5).collect())
            .collect();
        assert_eq!(names, ["Remov", "Renam", "Deact", "Added"]);
    }

    #[test]
    fn accounts_become_file_names() {
        assert_eq!(
            path("woocommerce", "https://shop.example.com/", &[]),
            "options/woocommerce/shop.example.com.lock.yaml"
        );
        assert_eq!(path("e-conomic", "env/GRANT", &[]), "options/e-conomic/env-GRANT.lock.yaml");
        assert_eq!(path("x", "../../etc", &[]), "options/x/-..-etc.lock.yaml");
        let taken = ["options/x/A.lock.yaml".to_owned()];
        assert_ne!(path("x", "a", &taken), "options/x/a.lock.yaml");
    }
}
