//! What is known of the connected platforms: the committed lists, read. How they are written is `lock`'s.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value as Json};

use super::account::is_reference;
use crate::diagnostic::codes::options as codes;
use crate::diagnostic::codes::schema::leading_zero;
use crate::diagnostic::codes::yaml::credential_in_text;
use crate::diagnostic::{Finding, Severity};
use crate::model::{Value, tokens};
use crate::schema::parts::Catalogue;
use crate::schema::text;
use crate::schema::validate::{Validator, Words};
use crate::source::{SourceFile, Sources, Span};
use crate::yaml::{self, Node};

/// All lists of a project, by connector.
#[derive(Debug, Default)]
pub struct Options {
    lists: BTreeMap<String, Vec<List>>,
}

/// The lists of one account.
#[derive(Debug)]
pub struct List {
    /// The file, relative to the project.
    pub path: String,
    pub account: String,
    pub sets: BTreeMap<String, Set>,
}

/// One option set of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The day of fetching, `2026-11-20`.
    pub fetched: String,
    /// By value as text, in the order of the file.
    pub choices: Vec<Choice>,
    /// Values that the platform no longer has and the configuration still used when the list was fetched.
    pub gone: Vec<Gone>,
}

/// One value of a dropdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub active: bool,
    /// Further fields, by the names that the descriptor gives them.
    pub keep: Map<String, Json>,
}

impl Choice {
    /// A further field as text, such as an account's VAT code.
    #[must_use]
    pub fn kept(&self, field: &str) -> Option<&str> {
        self.keep.get(field)?.as_str()
    }
}

/// A value that vanished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    pub value: String,
    pub label: String,
    /// The day on which it was missed.
    pub since: String,
}

/// Numbers by size, then texts.
#[must_use]
pub fn order(value: &str) -> (Option<u64>, &str) {
    match value.parse() {
        Ok(number) => (Some(number), value),
        Err(_) => (Some(u64::MAX), value),
    }
}

/// In the order of files.
pub fn sort(choices: &mut [Choice]) {
    choices.sort_by(|a, b| order(&a.value).cmp(&order(&b.value)));
}

impl Set {
    #[must_use]
    pub fn choice(&self, value: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.value == value)
    }
}

/// Whether a file is a list by its place: `options/CONNECTOR/ACCOUNT.lock.yaml`.
#[must_use]
pub fn is_list(path: &str) -> bool {
    let inside = path.strip_prefix("options/").and_then(|path| path.split_once('/'));
    inside.is_some_and(|(connector, account)| {
        !connector.is_empty() && !account.contains('/') && account.ends_with(".lock.yaml")
    })
}

impl Options {
    /// Reads `options/CONNECTOR/ACCOUNT.lock.yaml`; broken files become findings and are left out.
    #[must_use]
    pub fn read(sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        let mut options = Options::default();
        let meta = Validator::meta("options");
        for (file, source) in sources.iter() {
            if !is_list(&source.path) {
                continue;
            }
            let mut said = Vec::new();
            let mut credentials = Vec::new();
            let root =
                yaml::parse_beside(sources, file, &mut said, &mut |text| credentials = tokens::find(text));
            let credentials = credentials.into_iter().map(|range| Span::new(file, range.start, range.end));
            said.extend(credentials.map(credential_in_text));
            if let Some(root) = root {
                said.extend(meta.judge(&root, Words::default()));
                said.extend(keys_with_zeros(sources, &root));
                if said.iter().all(|finding| finding.severity != Severity::Error) {
                    options.add(&source.path, &root);
                }
            }
            findings.append(&mut said);
        }
        options
    }

    /// Sets that were fetched more than so many days before `today`, of those that `asked` takes by connector, account and set.
    #[must_use]
    pub fn outdated(
        &self,
        sources: &Sources,
        catalogue: &Catalogue,
        today: Date,
        days: u64,
        asked: impl Fn(&str, &str, &str) -> bool,
    ) -> Vec<Finding> {
        let today = today.to_string();
        let mut findings = Vec::new();
        for (connector, list) in self.lists() {
            let age = |set: &Set| days_between(&set.fetched, &today).and_then(|age| u64::try_from(age).ok());
            let old = list.sets.iter().filter_map(|(name, set)| Some((name, set, age(set)?)));
            let old: Vec<_> =
                old.filter(|(name, _, age)| *age > days && asked(connector, &list.account, name)).collect();
            if old.is_empty() {
                continue;
            }
            let part = catalogue.part(&format!("connectors/{connector}.yaml")).unwrap_or_default();
            let file = sources.by_path(&list.path);
            let root = file.and_then(|file| yaml::parse(sources, file, &mut Vec::new()));
            for (name, set, age) in old {
                let place =
                    root.as_ref().and_then(|root| yaml::find_path(root, &format!("/sets/{name}/fetched")));
                let Some(place) = place else { continue };
                let words = part.pointer(&format!("/options/{name}/title")).and_then(Json::as_str);
                let title = format!("{} {}", text(&part, "title"), words.unwrap_or(name));
                findings.push(codes::option_list_old(&title, &set.fetched, age, days, place.span));
            }
        }
        findings
    }

    /// The list in the text of one file; `None` where there is none.
    #[must_use]
    pub fn of(path: &str, text: &str) -> Option<List> {
        let mut sources = Sources::default();
        sources.add(SourceFile::new(path, text));
        let read = Options::read(&sources, &mut Vec::new());
        read.lists.into_values().flatten().next()
    }

    fn add(&mut self, path: &str, root: &Node) {
        let text = |key: &str| root.get(key).and_then(Node::as_text).unwrap_or_default().to_owned();
        let sets = root.get("sets").and_then(Node::as_map).into_iter().flat_map(|sets| sets.entries());
        let sets = sets.map(|entry| (entry.key.text.to_string(), set(&entry.value))).collect();
        self.lists.entry(text("connector")).or_default().push(List {
            path: path.to_owned(),
            account: text("account"),
            sets,
        });
    }

    /// The set for an account. An integration whose connection is not declared belongs to the connector's only
    /// account, when there is just one.
    #[must_use]
    pub fn set(&self, connector: &str, account: Option<&str>, set: &str) -> Option<&Set> {
        let lists = self.lists.get(connector)?;
        let list = match (account, lists.as_slice()) {
            (None, [only]) => only,
            (None, _) => return None,
            (Some(account), lists) => match lists.iter().find(|list| list.account == account) {
                Some(list) => list,
                // The account's name is not known here; a list made by hand knows it.
                None if is_reference(account) && lists.len() == 1 && !is_reference(&lists[0].account) => {
                    &lists[0]
                }
                None => return None,
            },
        };
        list.sets.get(set)
    }

    /// The file of exactly this account.
    #[must_use]
    pub fn list(&self, connector: &str, account: &str) -> Option<&List> {
        self.lists.get(connector)?.iter().find(|list| list.account == account)
    }

    /// Every file, with its connector.
    pub fn lists(&self) -> impl Iterator<Item = (&str, &List)> {
        self.lists
            .iter()
            .flat_map(|(connector, lists)| lists.iter().map(move |list| (connector.as_str(), list)))
    }
}

/// Values that stand as keys, unquoted, with a zero at their head: other readers of YAML drop it, and whoever wrote the key may
/// have added it.
fn keys_with_zeros(sources: &Sources, root: &Node) -> Vec<Finding> {
    let sets = root.get("sets").and_then(Node::as_map).into_iter().flat_map(|sets| sets.entries());
    let values = sets.filter_map(|set| set.value.get("values")?.as_map()).flat_map(|values| values.entries());
    let keys = values.map(|entry| &entry.key).filter(|key| {
        let written = sources.text(key.span);
        written.len() > 1 && written.starts_with('0') && written.bytes().all(|byte| byte.is_ascii_digit())
    });
    keys.map(|key| leading_zero(&key.text, &Value::number(&key.text).to_string(), key.span)).collect()
}

fn set(node: &Node) -> Set {
    let day = |node: Option<&Node>| {
        node.and_then(Node::as_text).unwrap_or_default().chars().take(10).collect::<String>()
    };
    let mut set = Set { fetched: day(node.get("fetched")), choices: Vec::new(), gone: Vec::new() };
    let values = node.get("values").and_then(Node::as_map).into_iter().flat_map(|values| values.entries());
    for entry in values {
        let value = entry.key.text.to_string();
        let label = entry.value.as_text().or_else(|| entry.value.get("label").and_then(Node::as_text));
        let label = label.unwrap_or_default().to_owned();
        if let Some(gone) = entry.value.get("gone") {
            set.gone.push(Gone { value, label, since: day(Some(gone)) });
            continue;
        }
        let active = entry.value.get("active").and_then(Node::as_bool).unwrap_or(true);
        let keep =
            entry.value.get("keep").and_then(|keep| keep.to_json().as_object().cloned()).unwrap_or_default();
        set.choices.push(Choice { value, label, active, keep });
    }
    set
}

/// Days from one date to another; `None` when one is no date.
#[must_use]
pub fn days_between(from: &str, to: &str) -> Option<i64> {
    let from: jiff::civil::Date = from.parse().ok()?;
    let to: jiff::civil::Date = to.parse().ok()?;
    Some(i64::from(from.until(to).ok()?.get_days()))
}
