//! What a change does to what judges, and to where a project leads: rules, levels, stores, programs, addresses, parts,
//! templates and CODEOWNERS. Told before anything else, and to be reviewed by the owners of `policy`. Nothing here judges.

use std::collections::{BTreeMap, BTreeSet};

use super::base::Base;
use super::owners::Owners;
use super::policy;
use super::workspace::Workspace;
use crate::compile::outward::{self, Outward};
use crate::compile::project::{DEFAULT_STORE, Manifest};
use crate::compile::reach;
use crate::model::credential;
use crate::options::Options;
use crate::options::lists::is_list;
use crate::plan::policy::{Direction, Policy, PolicyChange, changes};
use crate::schema::addresses;
use crate::schema::parts::Catalogue;
use crate::source::git::{History, Revision};
use crate::source::load::{PROJECT_FILE, TEMPLATES};
use crate::source::{Sources, Span, kept};
use crate::yaml::{self, Node};

const CODE_OWNERS: &str = "CODEOWNERS";

/// The lines of a file that are shown of what it lost and of what it got.
const LINES: usize = 8;

/// One side of the comparison.
struct Side<'a> {
    sources: &'a Sources,
    declared: Manifest,
    catalogue: Catalogue,
}

/// What integrations say on both sides, in one environment.
struct Both {
    before: BTreeMap<String, Outward>,
    after: BTreeMap<String, Outward>,
}

/// Every change of policy from where a workspace left its base; none where it is compared with nothing.
#[must_use]
pub fn of(workspace: &Workspace) -> Vec<PolicyChange> {
    let Some(base) = workspace.base() else { return Vec::new() };
    let side = |sources| Side {
        sources,
        declared: Manifest::read(sources, &mut Vec::new()),
        catalogue: Catalogue::with_project(sources, &mut Vec::new()),
    };
    let (before, after) = rayon::join(|| side(base.parted()), || side(workspace.as_given()));
    // Who looks at one environment is told of all: what is deployed to another is no less led astray.
    let reached = reach::reach(before.sources, after.sources, None);
    let names: BTreeSet<&str> = reached.integrations.keys().map(String::as_str).collect();
    let mut found: Vec<PolicyChange> = Vec::new();
    for environment in environments(&before, &after) {
        let read = |side: &Side<'_>| outward::read(side.sources, &side.declared, environment, &names);
        let (old, new) = rayon::join(|| read(&before), || read(&after));
        let both = Both { before: old, after: new };
        let mut here = match unread(base, &before, &after) {
            Some(unread) => vec![unread],
            None => changes(&both.policy(&before, true), &both.policy(&after, false)),
        };
        here.extend(both.addresses(&before, &after));
        here.iter_mut().for_each(|change| both.place(change, after.sources));
        here.retain(|change| !found.contains(change));
        found.append(&mut here);
    }
    found.extend(reached.paths.iter().filter_map(|path| part(path, &before, &after)));
    found.extend(lists(&reached.paths, &before, &after));
    let templates = reached.paths.iter().filter(|path| TEMPLATES.contains(&path.as_str()));
    found.extend(templates.map(|path| template(path, base, &before, &after)));
    let history = workspace.history().ok();
    let rules = history.as_ref();
    found.extend(rules.and_then(|(history, head)| code_owners(history, base.parted_revision(), head)));
    if let Some((history, head)) = rules {
        found.extend(brought(&after.declared, |paths| {
            let before = history.brings(base.parted_revision(), paths);
            let now = history.brings(head, paths);
            now.into_iter().filter(|(path, id)| before.get(path) != Some(id)).map(|(path, _)| path).collect()
        }));
    }
    found.sort_by_key(|change| change.direction);
    let owners = Owners::of(&after.declared, rules, Some(base));
    let root = after.sources.by_path(PROJECT_FILE);
    let root = root.and_then(|file| yaml::parse(after.sources, file, &mut Vec::new()));
    for change in &mut found {
        place_in_project(change, root.as_ref(), after.sources);
        change.owners = owners.of_policy(change.path.as_deref());
    }
    found
}

/// The environments of both sides.
fn environments<'s>(before: &'s Side<'_>, after: &'s Side<'_>) -> Vec<Option<&'s str>> {
    let mut all = after.declared.each_environment(None, after.sources);
    for former in before.declared.each_environment(None, before.sources) {
        if !all.contains(&former) {
            all.push(former);
        }
    }
    all
}

/// Where a project file says nothing that can be read, nothing is known of what it changes.
fn unread(base: &Base, before: &Side<'_>, after: &Side<'_>) -> Option<PolicyChange> {
    let said = match (before.declared.broken, after.declared.broken) {
        (_, true) => "has errors, so what this changes of the rules is not known".to_owned(),
        (true, false) => {
            format!("has errors in {}, so what this changes of the rules is not known", base.name())
        }
        (false, false) => return None,
    };
    Some(PolicyChange::said(PROJECT_FILE, said))
}

impl Both {
    /// What an integration said before, under this name or the one that it had.
    fn then(&self, name: &str, now: &Outward) -> Option<&Outward> {
        let former = || self.before.get(now.former.as_ref()?);
        self.before.get(name).or_else(former)
    }

    /// What a side judges by. Of integrations that are new or gone nothing is: they lower nothing that was.
    fn policy(&self, side: &Side<'_>, is_before: bool) -> Policy {
        let own = self.after.iter().filter_map(|(name, now)| {
            let then = self.then(name, now)?;
            let levels = &if is_before { then } else { now }.levels;
            (!levels.is_empty()).then(|| (name.clone(), policy::own_levels(levels)))
        });
        Policy { own_levels: own.collect(), ..policy::of_manifest(&side.declared) }
    }

    /// Where connections lead that led elsewhere; of new ones, those that do not lead to the platform itself.
    fn addresses(&self, before: &Side<'_>, after: &Side<'_>) -> Vec<PolicyChange> {
        type Moved = (String, Option<String>, Option<String>);
        let mut moved: BTreeMap<Moved, (Vec<String>, Option<Span>)> = BTreeMap::new();
        for (name, now) in &self.after {
            let then = self.then(name, now).map(|then| &then.connections);
            let keys = now.connections.keys().chain(then.into_iter().flat_map(BTreeMap::keys));
            for key in keys.collect::<BTreeSet<_>>() {
                let (connector, connection, field) = key;
                let (new, old) = (now.connections.get(key), then.and_then(|then| then.get(key)));
                let texts = (old.map(|(text, _)| text), new.map(|(text, _)| text));
                // That a new connection names its shop is what it is made for.
                let matters = match texts {
                    (old, new) if old == new => false,
                    _ if addresses::OWN.contains(&field.as_str()) => true,
                    (Some(_), Some(_)) => leads_somewhere(connector, field, before, after),
                    _ => false,
                };
                if matters {
                    let item = format!("connectors.{connector}.connections.{connection}.{field}");
                    let shown = |text: Option<&String>| text.map(|text| credential::without_login(text));
                    let (names, at) = moved.entry((item, shown(texts.0), shown(texts.1))).or_default();
                    names.push(name.clone());
                    *at = at.or(new.map(|(_, at)| *at));
                }
            }
        }
        let told = moved.into_iter().map(|((item, old, new), (integrations, at))| PolicyChange {
            integrations,
            path: at.map(|at| after.sources.path(at).to_owned()),
            line: at.map(|at| after.sources.line(at)),
            ..PolicyChange::new(item, Direction::Other, old, new)
        });
        told.collect()
    }

    /// Where the first of the integrations says what a change is of.
    fn place(&self, change: &mut PolicyChange, sources: &Sources) {
        let first = change.integrations.first().and_then(|name| self.after.get(name));
        let Some(one) = first.filter(|_| change.path.is_none()) else { return };
        let code = change.item.strip_prefix("levels.");
        let level = one.levels.given().find(|(known, _)| code == Some(known.id));
        let at = level.and_then(|(_, said)| said.at).unwrap_or(one.place);
        change.path = Some(sources.path(at).to_owned());
        change.line = Some(sources.line(at));
    }
}

/// Whether a field of a connection says where its connector leads, before or after.
fn leads_somewhere(connector: &str, field: &str, before: &Side<'_>, after: &Side<'_>) -> bool {
    [before, after].iter().any(|side| {
        let part = side.catalogue.part(&format!("connectors/{connector}.yaml"));
        part.is_some_and(|part| addresses::leading_fields(&part).iter().any(|known| known == field))
    })
}

/// A part of the schemas that changed.
/// What became of lists of dropdown values, which say what a code means and which codes there are.
fn lists(paths: &BTreeSet<String>, before: &Side<'_>, after: &Side<'_>) -> Vec<PolicyChange> {
    const NAMED: usize = 3;
    if !paths.iter().any(|path| is_list(path)) {
        return Vec::new();
    }
    let read = |side: &Side<'_>| Options::read(side.sources, &mut Vec::new());
    let (old, new) = (read(before), read(after));
    let labels = |options: &Options, path: &str| -> BTreeMap<(String, String), String> {
        let lists = options.lists().filter(|(_, list)| list.path == path);
        let sets = lists.flat_map(|(_, list)| &list.sets);
        let choices = sets.flat_map(|(name, set)| {
            set.choices.iter().map(move |one| ((name.clone(), one.value.clone()), one.label.clone()))
        });
        choices.collect()
    };
    let changes = paths.iter().filter(|path| is_list(path)).map(|path| {
        let (old, new) = (labels(&old, path), labels(&new, path));
        let renamed: Vec<String> = new
            .iter()
            .filter_map(|(key, label)| Some((key, old.get(key).filter(|before| *before != label)?, label)))
            .map(|((set, value), before, label)| {
                format!("{value} of {set} was \"{before}\" and is \"{label}\"")
            })
            .collect();
        let only = |one: &BTreeMap<(String, String), String>, other: &BTreeMap<(String, String), String>| {
            let keys = one.iter().filter(|(key, _)| !other.contains_key(*key));
            keys.map(|((set, value), label)| format!("{value} \"{label}\" of {set}")).collect::<Vec<_>>()
        };
        let mut said = vec![match (before.sources.by_path(path), after.sources.by_path(path)) {
            (None, _) => "is added".to_owned(),
            (_, None) => "is taken away".to_owned(),
            _ => "is changed".to_owned(),
        }];
        for (what, values) in [("renamed", renamed), ("new", only(&new, &old)), ("gone", only(&old, &new))] {
            if !values.is_empty() {
                let more = values.len().saturating_sub(NAMED);
                let more = if more > 0 { format!(", and {more} more") } else { String::new() };
                said.push(format!("{what}: {}{more}", values[..values.len().min(NAMED)].join(", ")));
            }
        }
        PolicyChange {
            path: Some(path.clone()),
            line: Some(1),
            ..PolicyChange::said(path.clone(), said.join("; "))
        }
    });
    changes.collect()
}

fn part(path: &str, before: &Side<'_>, after: &Side<'_>) -> Option<PolicyChange> {
    let inside = path.strip_prefix("schemas/")?;
    let (old, new) = (before.sources.by_path(path), after.sources.by_path(path));
    let mut said = vec![match (addresses::replaced_kind(inside), old, new) {
        (Some(kind), None, Some(_)) => format!("replaces the built-in {kind}"),
        (Some(kind), Some(_), None) => format!("is taken away: the built-in {kind} serves again"),
        (Some(kind), _, _) => format!("is changed, which replaces the built-in {kind}"),
        (None, None, _) => "is added".to_owned(),
        (None, _, None) => "is taken away".to_owned(),
        (None, _, _) => "is changed".to_owned(),
    }];
    let leads = |side: &Side<'_>| {
        side.catalogue.part(inside).map(|part| addresses::of_part(&part)).unwrap_or_default()
    };
    let (old, new) = (leads(before), leads(after));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys.into_iter().filter(|key| old.get(*key) != new.get(*key)) {
        let text = |side: &BTreeMap<String, String>| {
            side.get(key).map_or("none".to_owned(), |text| credential::without_login(text))
        };
        said.push(format!("{key} {} → {}", text(&old), text(&new)));
    }
    Some(PolicyChange {
        path: Some(path.to_owned()),
        line: Some(1),
        ..PolicyChange::said(path, said.join("; "))
    })
}

fn template(path: &str, base: &Base, before: &Side<'_>, after: &Side<'_>) -> PolicyChange {
    let what = match (before.sources.by_path(path), after.sources.by_path(path)) {
        (None, _) => "is added",
        (_, None) => "is taken away",
        (Some(_), Some(_)) => "is changed",
    };
    let said = format!("{what}; this report is not made by it, but as {} has it", base.name());
    PolicyChange { path: Some(path.to_owned()), line: Some(1), ..PolicyChange::said(path, said) }
}

/// What a change brings where only pairform itself writes: stores, whose merge replaces what is deployed and what judges it, and what is
/// kept beside them. `new` gives what is new at some paths, and below them.
fn brought(declared: &Manifest, new: impl Fn(&[String]) -> Vec<String>) -> Vec<PolicyChange> {
    let named = declared.environments.values().map(|environment| environment.store.as_str());
    let files = named.chain([DEFAULT_STORE]).filter_map(|url| url.strip_prefix("sqlite:"));
    // As git writes a path: `./state.db` is `state.db`.
    let plain =
        |path: &str| path.split('/').filter(|name| !matches!(*name, "" | ".")).collect::<Vec<_>>().join("/");
    let files = files.filter(|path| !path.starts_with('/')).map(plain);
    let files: BTreeSet<String> =
        files.flat_map(|path| ["", "-wal", "-shm", "-journal"].map(|end| format!("{path}{end}"))).collect();
    let files: Vec<String> = files.into_iter().collect();
    let stores = new(&files);
    let kept: Vec<String> =
        new(&[kept::FOLDER.to_owned()]).into_iter().filter(|path| !stores.contains(path)).collect();
    let of_store = |path: &String| {
        // A link or a submodule is on the way to one.
        let what = if files.contains(path) { "is" } else { "leads to" };
        format!(
            "{what} a store, so that whoever merges this replaces what is deployed and the rules that were recorded"
        )
    };
    let of_kept = "is where pairform keeps tokens, fetched values and stores of its own: whoever merges this would put his there";
    let more = kept.len().saturating_sub(LINES);
    let last = (more > 0)
        .then(|| PolicyChange::said(kept::FOLDER, format!("has {more} more files that this brings")));
    let stores = stores.into_iter().map(|path| {
        let said = of_store(&path);
        PolicyChange::said(path, said)
    });
    let kept = kept.into_iter().take(LINES).map(|path| PolicyChange::said(path, of_kept.to_owned()));
    stores.chain(kept).chain(last).collect()
}

/// What CODEOWNERS lost and got, in lines.
fn code_owners(history: &History, before: &Revision, after: &Revision) -> Option<PolicyChange> {
    let (old, new) = (history.codeowners(before), history.codeowners(after));
    if old == new {
        return None;
    }
    let lines = |text: &Option<String>| -> Vec<String> {
        let lines = text.iter().flat_map(|text| text.lines()).map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
    };
    let (old, new) = (lines(&old), lines(&new));
    let only = |some: &[String], others: &[String]| -> String {
        let all: Vec<&str> = some.iter().filter(|line| !others.contains(line)).map(String::as_str).collect();
        let more = all.len().saturating_sub(LINES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        all[..all.len().min(LINES)].join(" / ") + &more
    };
    let said = match (only(&old, &new), only(&new, &old)) {
        (lost, got) if lost.is_empty() && got.is_empty() => {
            "its lines stand in another order, and the last one speaks".to_owned()
        }
        (lost, got) if lost.is_empty() => format!("has more: {got}"),
        (lost, got) if got.is_empty() => format!("lost: {lost}"),
        (lost, got) => format!("lost: {lost}; has now: {got}"),
    };
    Some(PolicyChange::said(CODE_OWNERS, said))
}

/// Where a rule of the project stands now, or would stand.
fn place_in_project(change: &mut PolicyChange, root: Option<&Node>, sources: &Sources) {
    if change.path.is_some() || change.item == CODE_OWNERS {
        return;
    }
    let mut at = root;
    let mut line = 1;
    for key in change.item.split('.') {
        let entry = at.and_then(Node::as_map).and_then(|map| map.get(key));
        let Some(entry) = entry else { break };
        line = sources.line(entry.key.span);
        at = Some(&entry.value);
    }
    (change.path, change.line) = (Some(PROJECT_FILE.to_owned()), Some(line));
}
