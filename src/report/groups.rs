//! The changes of a plan with the identical ones together: most changes of a fleet are one, made in a base. Groups taken apart give
//! exactly the changes.
//!
//! Two changes are identical when a reader could not tell them apart: category, setting with its row, what the setting is in its
//! pair, values with their labels, who moved it, when it takes effect, whose review it needs. What has to be looked at shop by
//! shop is in no group with others: live mode, conflicts, where a connection leads, secrets that nobody here can compare.
//!
//! Nothing is drawn here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::words::{self, is_unknown};
use crate::model::sorted::to_canonical;
use crate::model::{CONNECTORS, GENERAL, Name, SettingPath, Value};
use crate::plan::{
    Action, CategoryPlan, Change, ChangeKind, Effects, Integration, Integrations, LIVE_MODE, Origin,
};
use crate::schema::addresses;
use crate::schema::parts::Catalogue;
use crate::schema::{Category, Pair};

/// What kind of change a group is, in the order in which a reader wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Changed in the files and outside them.
    Conflict,
    /// Live mode goes on or off.
    LiveMode,
    Reset,
    /// Where a connection leads, or which one is used.
    Address,
    /// Another secret.
    Credential,
    /// Changed outside the files.
    Drift,
    Change,
    Add,
}

impl Kind {
    fn of(category: &CategoryPlan, change: &Change, leads: &Leads) -> Self {
        let adds = change.kind == ChangeKind::Add;
        let on = Json::Bool(true);
        match change.origin {
            Origin::Both => Kind::Conflict,
            _ if is_live_mode(category, change) && (change.before == on || change.after == on) => {
                Kind::LiveMode
            }
            Origin::Outside => Kind::Drift,
            Origin::Git if change.kind == ChangeKind::Reset => Kind::Reset,
            Origin::Git if !adds && leads.is_one(category, change) => Kind::Address,
            Origin::Git if !adds && is_secret(&change.after) => Kind::Credential,
            Origin::Git if adds => Kind::Add,
            Origin::Git => Kind::Change,
        }
    }

    /// The word for it, in every form.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Conflict => "conflict",
            Kind::LiveMode => "live mode",
            Kind::Reset => "reset",
            Kind::Address => "address",
            Kind::Credential => "credential",
            Kind::Drift => "drift",
            Kind::Change => "change",
            Kind::Add => "add",
        }
    }

    /// Whether somebody has to decide before it is applied.
    #[must_use]
    pub fn needs_a_look(self) -> bool {
        self <= Kind::Drift
    }

    /// What comes first among groups; of one rank, those come first that reach further.
    fn rank(self) -> u8 {
        match self {
            Kind::Conflict => 0,
            Kind::LiveMode | Kind::Reset | Kind::Address | Kind::Credential => 1,
            Kind::Drift => 2,
            Kind::Change | Kind::Add => 3,
        }
    }
}

/// Groups of so few are told beside each other.
const FEW: usize = 3;

/// Changes that are one.
#[derive(Debug, Clone)]
pub struct Group {
    /// The same for the same change, whatever else there is.
    pub id: String,
    pub kind: Kind,
    pub category: Name,
    /// The category's title.
    pub title: Name,
    /// What the setting is called, from the outside in: `Country mapping`, `Germany`, `19 %`.
    pub words: Vec<String>,
    pub description: String,
    pub additional: bool,
    /// The first of them, which stands for all.
    pub change: Change,
    pub owners: Vec<String>,
    /// The titles of the pairs that it reaches.
    pub pairs: Vec<Name>,
    /// Sorted by name.
    pub members: Vec<Member>,
    /// How many of the members are live.
    pub live: usize,
    /// Place on the page.
    order: Order,
}

/// Of a category, and of a setting in it.
type Order = (usize, Vec<(usize, String)>);

/// Where one of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub integration: Name,
    pub pair: Name,
    pub live: bool,
    /// Path and line in the files.
    pub place: Option<(Name, usize)>,
    /// The revision that is deployed.
    pub revision: Option<u64>,
    pub next_sync: Option<Name>,
    /// Of drift and conflict: who and when.
    pub by: Option<Name>,
    pub since: Option<Name>,
}

/// The same effect of a comparison on several integrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub what: &'static str,
    pub list: Vec<String>,
    pub integrations: Vec<Name>,
    pub live: usize,
}

/// A category that nothing is saved of in several integrations, for the same errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub title: Name,
    pub errors: Vec<String>,
    pub integrations: Vec<Name>,
    pub live: usize,
}

/// All that changes.
#[derive(Debug, Default)]
pub struct Groups {
    pub groups: Vec<Group>,
    pub effects: Vec<Effect>,
    pub blocked: Vec<Blocked>,
    /// Former id, present id.
    pub renamed: Vec<(Name, Name)>,
    /// Those of which nothing was saved before.
    pub new: Vec<Name>,
    /// Those of which something changes.
    pub touched: usize,
    /// Of these, the live ones.
    pub live: usize,
}

/// What makes changes identical.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    /// Of most of it, made where many work at once: whoever collects them looks each up.
    hash: u64,
    category: Name,
    setting: String,
    kind: ChangeKind,
    origin: Origin,
    unmanaged: bool,
    values: [Option<String>; 5],
    effect: String,
    owners: Vec<String>,
    /// What the setting is in its pair.
    part: u64,
    /// The integration, of what is in no group with others.
    alone: Option<String>,
}

/// What is found of one integration, off the thread that collects.
struct Found {
    integration: String,
    pair: Name,
    title: Name,
    live: bool,
    is_new: bool,
    renamed_from: Option<String>,
    effects: Vec<(&'static str, Vec<String>)>,
    blocked: Vec<(Name, Vec<String>)>,
    changes: Vec<(Key, Arc<Told>, CategoryAt, Change)>,
}

struct CategoryAt {
    title: Name,
    revision: Option<u64>,
    next_sync: Option<String>,
    kind: Kind,
}

impl Groups {
    /// Of all integrations of a plan.
    #[must_use]
    pub fn of(integrations: &Integrations, catalogue: &Catalogue) -> Self {
        let known = Known { catalogue, pairs: Mutex::default() };
        let mut collected = Collected::default();
        integrations.map_each(|one| known.found(one), &mut |found| collected.take(found));
        collected.finish()
    }

    /// The groups as machines read them. Who and when of each member stands with the integrations.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.groups.iter().map(Group::to_json).collect()
    }
}

impl Group {
    /// Places in the files, each with how many members it has; the one with most first.
    #[must_use]
    pub fn places(&self) -> Vec<(String, usize)> {
        let mut counts: HashMap<(&Name, usize), usize> = HashMap::new();
        for (path, line) in self.members.iter().filter_map(|member| member.place.as_ref()) {
            *counts.entry((path, *line)).or_default() += 1;
        }
        let mut places: Vec<_> =
            counts.into_iter().map(|((path, line), number)| (format!("{path}:{line}"), number)).collect();
        places.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        places
    }

    /// The category's title and then the setting's words.
    #[must_use]
    pub fn all_words(&self) -> Vec<&str> {
        std::iter::once(&*self.title).chain(self.words.iter().map(String::as_str)).collect()
    }

    /// Whether it is told under one heading with another: the same happens to one setting, to another value in each shop.
    #[must_use]
    pub fn is_like(&self, other: &Group) -> bool {
        (self.kind, &self.category, &self.change.setting, &self.words)
            == (other.kind, &other.category, &other.change.setting, &other.words)
            && self.members.len().max(other.members.len()) <= FEW
    }

    /// Everyone who moved it outside the files, with when that was last; sorted by name.
    #[must_use]
    pub fn people(&self) -> Vec<(&str, Option<&str>)> {
        let mut people: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for member in &self.members {
            if let Some(by) = member.by.as_deref() {
                let since = member.since.as_deref();
                let last = people.entry(by).or_default();
                *last = (*last).max(since);
            }
        }
        people.into_iter().collect()
    }

    fn to_json(&self) -> Json {
        let change = &self.change;
        let places = self.places().into_iter().map(|(place, number)| {
            let (path, line) = place.rsplit_once(':').unwrap_or((&place, "1"));
            json!({"path": path, "line": line.parse::<usize>().unwrap_or(1), "integrations": number})
        });
        let mut json = json!({
            "id": self.id,
            "kind": self.kind.word(),
            "category": self.category,
            "setting": change.setting,
            "words": self.all_words(),
            "before": change.before,
            "after": change.after,
            "origin": change.origin,
            "effect": change.effect,
            "owners": self.owners,
            "live": self.live,
            "integrations": self.members.iter().map(|member| &member.integration).collect::<Vec<_>>(),
            "places": places.collect::<Vec<_>>(),
        });
        for (key, label) in [("before_label", &change.before_label), ("after_label", &change.after_label)] {
            if let Some(label) = label {
                json[key] = label.as_str().into();
            }
        }
        if let Some(last) = &change.last_applied {
            json["last_applied"] = last.clone();
            if let Some(label) = &change.last_applied_label {
                json["last_applied_label"] = label.as_str().into();
            }
        }
        if change.unmanaged {
            json["unmanaged"] = true.into();
        }
        json
    }
}

/// Groups as far as they have come.
#[derive(Default)]
struct Collected {
    by_key: HashMap<Key, usize>,
    by_effect: HashMap<(&'static str, Vec<String>), usize>,
    by_error: HashMap<(Name, Vec<String>), usize>,
    names: BTreeSet<Name>,
    all: Groups,
}

impl Collected {
    /// One text for all that are equal: a fleet has very many members and few places.
    fn name(&mut self, text: &str) -> Name {
        if let Some(known) = self.names.get(text) {
            return known.clone();
        }
        let name = Name::from(text);
        self.names.insert(name.clone());
        name
    }

    fn take(&mut self, found: Found) {
        let Found { integration, pair, title, live, is_new, renamed_from, effects, blocked, changes } = found;
        if changes.is_empty() && effects.is_empty() && blocked.is_empty() && renamed_from.is_none() {
            return;
        }
        let integration = Name::from(integration.as_str());
        self.all.touched += usize::from(!changes.is_empty());
        self.all.live += usize::from(live && !changes.is_empty());
        if is_new {
            self.all.new.push(integration.clone());
        }
        if let Some(former) = renamed_from {
            self.all.renamed.push((former.as_str().into(), integration.clone()));
        }
        for (what, list) in effects {
            let at = *self.by_effect.entry((what, list.clone())).or_insert_with(|| {
                self.all.effects.push(Effect { what, list, integrations: Vec::new(), live: 0 });
                self.all.effects.len() - 1
            });
            self.all.effects[at].integrations.push(integration.clone());
            self.all.effects[at].live += usize::from(live);
        }
        for (title, errors) in blocked {
            let at = *self.by_error.entry((title.clone(), errors.clone())).or_insert_with(|| {
                self.all.blocked.push(Blocked { title, errors, integrations: Vec::new(), live: 0 });
                self.all.blocked.len() - 1
            });
            self.all.blocked[at].integrations.push(integration.clone());
            self.all.blocked[at].live += usize::from(live);
        }
        for (key, told, category, change) in changes {
            let member = Member {
                integration: integration.clone(),
                pair: pair.clone(),
                live,
                place: change.path.as_deref().map(|path| (self.name(path), change.line.unwrap_or(1))),
                revision: category.revision,
                next_sync: category.next_sync.as_deref().map(|next| self.name(next)),
                by: change.by.as_deref().map(|by| self.name(by)),
                since: change.since.as_deref().map(|since| self.name(since)),
            };
            let at = match self.by_key.get(&key) {
                Some(at) => *at,
                None => {
                    self.all.groups.push(Group {
                        id: key.id(),
                        kind: category.kind,
                        category: key.category.clone(),
                        title: category.title,
                        words: told.words.clone(),
                        description: told.description.clone(),
                        additional: told.additional,
                        owners: key.owners.clone(),
                        pairs: Vec::new(),
                        change,
                        members: Vec::new(),
                        live: 0,
                        order: told.order.clone(),
                    });
                    self.by_key.insert(key, self.all.groups.len() - 1);
                    self.all.groups.len() - 1
                }
            };
            let group = &mut self.all.groups[at];
            group.live += usize::from(live);
            if !group.pairs.contains(&title) {
                group.pairs.push(title.clone());
            }
            group.members.push(member);
        }
    }

    fn finish(mut self) -> Groups {
        // Groups that are told under one heading reach as far as all of them do.
        let mut alike: HashMap<(Kind, Name, String), (usize, usize)> = HashMap::new();
        let family = |group: &Group| (group.kind, group.category.clone(), group.change.setting.clone());
        for group in self.all.groups.iter().filter(|group| group.members.len() <= FEW) {
            let (live, members) = alike.entry(family(group)).or_default();
            *live += group.live;
            *members += group.members.len();
        }
        let reach = |group: &Group| match alike.get(&family(group)) {
            Some(reach) if group.members.len() <= FEW => *reach,
            _ => (group.live, group.members.len()),
        };
        self.all.groups.sort_by_cached_key(|group| {
            (
                group.kind.rank(),
                std::cmp::Reverse(reach(group)),
                group.order.clone(),
                group.change.setting.clone(),
                group.words.clone(),
                group.members[0].integration.clone(),
            )
        });
        self.all.effects.sort_by_key(|effect| std::cmp::Reverse((effect.live, effect.integrations.len())));
        self.all.blocked.sort_by_key(|blocked| std::cmp::Reverse((blocked.live, blocked.integrations.len())));
        self.all
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl Key {
    fn of(
        integration: &str,
        category: &CategoryPlan,
        change: &Change,
        told: &Told,
        kind: Kind,
        leads: bool,
    ) -> Self {
        let is_alone = leads
            || matches!(kind, Kind::Conflict | Kind::LiveMode)
            || is_unknown(&change.before)
            || is_unknown(&change.after);
        let text = |json: &Json| Some(to_canonical(json).unwrap_or_default());
        let alone = is_alone.then(|| integration.to_owned());
        let last = change.last_applied.as_ref().and_then(text);
        let last = last.map(|last| last + change.last_applied_label.as_deref().unwrap_or_default());
        let values = [
            text(&change.before),
            text(&change.after),
            last,
            change.before_label.clone(),
            change.after_label.clone(),
        ];
        let mut hash = DefaultHasher::new();
        (&change.setting, &values[..3], told.part, &alone).hash(&mut hash);
        Key {
            hash: hash.finish(),
            category: category.category.clone(),
            setting: change.setting.clone(),
            kind: change.kind,
            origin: change.origin,
            unmanaged: change.unmanaged,
            values,
            effect: change.effect.clone(),
            owners: category.owners.clone(),
            part: told.part,
            alone,
        }
    }

    /// A name for it that stays, whatever the program's hashes are.
    fn id(&self) -> String {
        let Key { category, setting, kind, origin, values, effect, owners, alone, unmanaged, part, hash: _ } =
            self;
        let text = format!(
            "{category:?}{setting:?}{kind:?}{origin:?}{values:?}{effect:?}{owners:?}{alone:?}{unmanaged}{part}"
        );
        Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What a setting is called, and what it is.
#[derive(Debug, Default)]
struct Told {
    words: Vec<String>,
    description: String,
    additional: bool,
    order: Order,
    part: u64,
}

/// What is known of settings, found once for each.
struct Known<'a> {
    catalogue: &'a Catalogue,
    pairs: Mutex<Pairs>,
}

/// By a pair's id and the connectors that change.
type Pairs = HashMap<(Name, Vec<String>), Arc<OfPair>>;

struct OfPair {
    pair: Option<Arc<Pair>>,
    leads: Leads,
    told: Mutex<HashMap<(Name, String), Arc<Told>>>,
}

/// The fields of connections that say where they lead, by connector.
struct Leads(HashMap<String, BTreeSet<String>>);

impl Leads {
    fn is_one(&self, category: &CategoryPlan, change: &Change) -> bool {
        if category.category != CONNECTORS {
            return false;
        }
        let Some(path) = SettingPath::parse(&change.setting) else { return true };
        match path.segments() {
            [_, active] => &**active == "active",
            [connector, .., field] => self.0.get(&**connector).is_none_or(|fields| fields.contains(&**field)),
            _ => true,
        }
    }
}

impl Known<'_> {
    /// The pair of a plan's integration, with the payment providers whose connections change.
    fn of_pair(&self, one: &Integration) -> Arc<OfPair> {
        let key = (one.pair.clone(), words::changed_connectors(one));
        if let Some(known) = self.pairs.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(known);
        }
        let pair = self.catalogue.pair_beside(&one.pair, key.1.iter().map(String::as_str));
        let connectors = pair.iter().flat_map(|pair| pair.connectors());
        let fields = connectors.map(|one| (one.id.clone(), addresses::leading_fields(&one.description)));
        let leads = Leads(fields.collect());
        let found = Arc::new(OfPair { pair, leads, told: Mutex::default() });
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pairs.entry(key).or_insert(found))
    }

    fn found(&self, one: &Integration) -> Found {
        let is_touched = one.categories.iter().any(|category| !category.changes.is_empty());
        let mut found = Found {
            integration: one.integration.clone(),
            pair: one.pair.clone(),
            title: one.title.clone(),
            live: one.is_live(),
            is_new: is_touched && one.categories.iter().all(is_new),
            renamed_from: one.renamed_from.clone(),
            effects: Vec::new(),
            blocked: Vec::new(),
            changes: Vec::new(),
        };
        let told = one.effects.as_ref().map(Effects::told).unwrap_or_default();
        found.effects = told.into_iter().map(|(what, list)| (what, list.to_vec())).collect();
        let blocked = one.categories.iter().filter(|category| category.action == Action::Blocked);
        found.blocked = blocked.map(|category| (category.title.clone(), category.blocked.clone())).collect();
        if !is_touched {
            return found;
        }
        let of_pair = self.of_pair(one);
        for category in &one.categories {
            for change in &category.changes {
                let told = of_pair.told(category, &change.setting);
                let leads = of_pair.leads.is_one(category, change);
                let kind = Kind::of(category, change, &of_pair.leads);
                let key = Key::of(&one.integration, category, change, &told, kind, leads);
                let at = CategoryAt {
                    title: category.title.clone(),
                    revision: category.revision,
                    next_sync: category.next_sync.clone(),
                    kind,
                };
                found.changes.push((key, told, at, change.clone()));
            }
        }
        found
    }
}

impl OfPair {
    fn told(&self, category: &CategoryPlan, setting: &str) -> Arc<Told> {
        let key = (category.category.clone(), setting.to_owned());
        if let Some(known) = self.told.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(known);
        }
        let found = Arc::new(self.find(&category.category, setting));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(told.entry(key).or_insert(found))
    }

    fn find(&self, category: &str, setting: &str) -> Told {
        let plain = Told { words: vec![setting.to_owned()], ..Told::default() };
        let (Some(pair), Some(path)) = (&self.pair, SettingPath::parse(setting)) else { return plain };
        let at = pair.categories().position(|one| one.id == category).unwrap_or(usize::MAX);
        let Some(of) = pair.category(category) else { return plain };
        let found = of.setting(&path);
        Told {
            words: words::told(of, &path),
            description: found.map(|setting| setting.description.clone()).unwrap_or_default(),
            additional: found.is_some_and(|setting| setting.additional),
            order: (at, words::order(of, &path)),
            part: part(pair, of, &path),
        }
    }
}

/// What a setting is in its pair: a code of one platform is no code of another, though both are written alike.
fn part(pair: &Pair, category: &Category, path: &SettingPath) -> u64 {
    let mut hash = Sha256::new();
    if let Some(schema) = category.schema_at(path) {
        let text = schema.to_string();
        hash.update(&text);
        for (side, connector) in [("\"shop.", &pair.shop), ("\"erp.", &pair.erp)] {
            if text.contains(side) {
                hash.update(&connector.id);
            }
        }
    }
    if let Some(setting) = category.setting(path) {
        hash.update(&setting.title);
    }
    hash.finalize().iter().take(8).fold(0, |part, byte| part << 8 | u64::from(*byte))
}

/// Of a comparison, that the base has nothing of it; else that nothing of it was ever saved.
fn is_new(category: &CategoryPlan) -> bool {
    category.deleted.is_none()
        && matches!(category.action, Action::Create | Action::Blocked | Action::NotManaged)
}

fn is_live_mode(category: &CategoryPlan, change: &Change) -> bool {
    category.category == GENERAL && change.setting == LIVE_MODE
}

fn is_secret(value: &Json) -> bool {
    matches!(Value::from_json(value), Value::Secret(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::{Mode, Readiness};

    const SETTINGS: [(&str, &str); 5] = [
        ("payment_methods", "map.Klarna"),
        ("payment_methods", "default_terms_of_payment"),
        ("general", "live_mode"),
        ("connectors", "shopify.production.access_token"),
        ("connectors", "shopify.production.shop"),
    ];

    fn a_change() -> impl Strategy<Value = (usize, Change)> {
        let value = prop_oneof![
            Just(Json::Null),
            Just(json!(true)),
            Just(json!("30")),
            Just(json!(30)),
            Just(json!({"secret": "env/A", "fingerprint": null})),
            Just(json!({"secret": "env/A", "fingerprint": "f"})),
        ];
        let kind = prop_oneof![Just(ChangeKind::Add), Just(ChangeKind::Change), Just(ChangeKind::Reset)];
        let origin = prop_oneof![Just(Origin::Git), Just(Origin::Outside), Just(Origin::Both)];
        let label =
            prop_oneof![Just(None), Just(Some("30 days".to_owned())), Just(Some("30 dagar".to_owned()))];
        (0..SETTINGS.len(), value.clone(), value, kind, origin, label, 1..3_usize).prop_map(
            |(at, before, after, kind, origin, after_label, line)| {
                let path = SettingPath::parse(SETTINGS[at].1).unwrap();
                let path_of = Some("bases/a.yaml".to_owned());
                let new = Change::new(&path, kind, None, None);
                (at, Change { before, after, origin, after_label, path: path_of, line: Some(line), ..new })
            },
        )
    }

    fn integrations(all: Vec<(bool, Vec<(usize, Change)>)>) -> Vec<Integration> {
        let one = |(number, (live, changes)): (usize, (bool, Vec<(usize, Change)>))| {
            let mut categories: Vec<CategoryPlan> = Vec::new();
            for (at, change) in changes {
                let name = SETTINGS[at].0;
                let known = categories.iter().position(|category| category.category == name);
                let known = known.unwrap_or_else(|| {
                    let current = crate::plan::Current {
                        revision: 3,
                        applied: crate::model::Settings::default(),
                        settings: crate::model::Settings::default(),
                    };
                    let mut made = crate::plan::back::category(name, name, &current, &current.settings);
                    made.owners = if name == "connectors" { vec!["ops".to_owned()] } else { Vec::new() };
                    categories.push(made);
                    categories.len() - 1
                });
                if categories[known].changes.iter().all(|other| other.setting != change.setting) {
                    categories[known].changes.push(change);
                }
            }
            Integration {
                integration: format!("shop-{number}"),
                renamed_from: None,
                pair: "fortnox-shopify".into(),
                recorded_pair: None,
                unmanaged: Vec::new(),
                title: "Shopify ↔ Fortnox".into(),
                mode: if live { Mode::Live } else { Mode::Onboarding },
                deployed_mode: None,
                readiness: Readiness::default(),
                live_depends_on: BTreeMap::new(),
                link: None,
                categories,
                effects: None,
            }
        };
        all.into_iter().enumerate().map(one).collect()
    }

    /// All that a reader is told of a change.
    fn line(integration: &str, live: bool, owners: &[String], category: &str, change: &Change) -> String {
        let Change { setting, kind, before, after, after_label, origin, path, line, .. } = change;
        format!(
            "{integration} {live} {owners:?} {category} {setting} {kind:?} {before} {after} {after_label:?} {origin:?} {path:?} {line:?}"
        )
    }

    proptest! {
        #[test]
        fn groups_taken_apart_give_exactly_the_changes(
            all in prop::collection::vec((any::<bool>(), prop::collection::vec(a_change(), 0..4)), 0..12)
        ) {
            let all = integrations(all);
            let mut wanted: Vec<String> = Vec::new();
            for one in &all {
                for category in &one.categories {
                    wanted.extend(category.changes.iter().map(|change| {
                        line(&one.integration, one.is_live(), &category.owners, &category.category, change)
                    }));
                }
            }
            let groups = Groups::of(&all.into_iter().collect(), &Catalogue::default());
            let mut found: Vec<String> = Vec::new();
            for group in &groups.groups {
                prop_assert_eq!(group.live, group.members.iter().filter(|member| member.live).count());
                let alone = group.kind == Kind::LiveMode
                    || group.kind == Kind::Conflict
                    || group.change.setting.ends_with(".shop")
                    || is_unknown(&group.change.before)
                    || is_unknown(&group.change.after);
                prop_assert!(!alone || group.members.len() == 1, "{group:?}");
                for member in &group.members {
                    let (path, number) = member.place.clone().unwrap();
                    let change = Change { path: Some(path.to_string()), line: Some(number), ..group.change.clone() };
                    found.push(line(&member.integration, member.live, &group.owners, &group.category, &change));
                }
            }
            wanted.sort();
            found.sort();
            prop_assert_eq!(found, wanted);
            // None could have been joined.
            let mut ids: Vec<&str> = groups.groups.iter().map(|group| group.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), groups.groups.len());
        }
    }
}
