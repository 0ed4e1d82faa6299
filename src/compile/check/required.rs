//! Required settings: each one of each visible category must be decided; a default does not count.

use super::context::{Context, category_entry, setting, setting as written};
use super::dropdowns::admits;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::list_words;
use crate::model::{CONNECTORS, FLOWS, SettingPath};
use crate::schema::records::Was;
use crate::schema::{Category, Condition, Pair, Reference, Required, Setting};
use crate::source::Span;
use crate::yaml::{Entry, Node, NodeKind};

/// One required setting of an integration as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// Its category's number in the pair, and its own there.
    at: (usize, usize),
    /// `None` in an unmanaged category: what is deployed decides.
    pub set: Option<bool>,
}

impl Requirement {
    /// The category and the setting in the pair that it was found for.
    #[must_use]
    pub fn of<'p>(&self, pair: &'p Pair) -> Option<(&'p str, &'p SettingPath)> {
        let category = pair.categories().nth(self.at.0)?;
        Some((&category.id, &category.settings.get(self.at.1)?.path))
    }
}

/// Lists what is required now, and reports what is not set.
pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) -> Vec<Requirement> {
    let mut requirements = Vec::new();
    for (at, category) in context.pair.categories().enumerate() {
        if !context.visible(category) {
            continue;
        }
        let unmanaged = context.is_unmanaged(&category.id);
        if unmanaged && category.id == CONNECTORS {
            // Connections that people make by hand are known to the platform alone.
            continue;
        }
        let mut gaps = Vec::new();
        for (number, setting) in category.settings.iter().enumerate() {
            let Some(why) = needed(context, category, setting) else { continue };
            let set = decided(context, &category.id, &setting.path);
            requirements.push(Requirement { at: (at, number), set: (!unmanaged).then_some(set) });
            if !unmanaged
                && !set
                && !context.composed.incomplete
                && may_be_missing(context, category, setting)
            {
                gaps.push((setting, why));
            }
        }
        // A category is one mistake, however many settings it lacks.
        match gaps.as_slice() {
            [] => {}
            [(setting, why)] => findings.push(unset(context, category, setting, why)),
            gaps if category.id == CONNECTORS => {
                findings.extend(gaps.iter().map(|(setting, why)| unset(context, category, setting, why)));
            }
            gaps => findings.push(several(context, category, gaps)),
        }
    }
    requirements
}

/// Why a setting is required.
enum Why<'a> {
    Always,
    Condition(&'a Condition),
    Flow(&'a str),
}

/// Why a setting is required now; `None` when it is not.
fn needed<'a>(context: &Context<'_>, category: &'a Category, setting: &'a Setting) -> Option<Why<'a>> {
    let Required::Yes { when, unless } = &setting.required else { return None };
    if unless.iter().any(|reference| decided(context, &reference.category, &reference.path)) {
        return None;
    }
    if !when.iter().all(|condition| holds(context, condition)) {
        return None;
    }
    let flow = if setting.flows.is_empty() { None } else { Some(context.first_on(&setting.flows)?) };
    if let Some(condition) = when.first() {
        return Some(Why::Condition(condition));
    }
    let flow = flow.or_else(|| context.first_on(category.flows.as_deref().unwrap_or_default()));
    Some(flow.map_or(Why::Always, Why::Flow))
}

impl Why<'_> {
    fn words(&self) -> String {
        match self {
            Why::Always => String::new(),
            Why::Condition(condition) => format!(" while {}", describe(condition)),
            Why::Flow(flow) => format!(" while the `{flow}` flow is on"),
        }
    }
}

fn describe(condition: &Condition) -> String {
    let values: Vec<String> = condition
        .values
        .iter()
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    format!("`{}` is {}", name(&condition.on), list_words(&values, "or"))
}

fn name(reference: &Reference) -> String {
    format!("{}.{}", reference.category, reference.path)
}

fn holds(context: &Context<'_>, condition: &Condition) -> bool {
    let written =
        setting(context.root, &condition.on.category, &condition.on.path).filter(|node| !node.is_null());
    match written {
        Some(node) => condition.values.contains(&node.to_json()),
        None if condition.on.category == FLOWS => {
            condition.on.path.segments().first().is_some_and(|id| context.flow_on(id))
        }
        None => condition.default.as_ref().is_some_and(|default| condition.values.contains(default)),
    }
}

/// Decided means a value that says something: not null, not empty. What has its place in records now is decided there.
fn decided(context: &Context<'_>, category: &str, path: &SettingPath) -> bool {
    let [first] = path.segments() else { return says_something(context, category, path) };
    let was = context.pair.category(category).into_iter().flat_map(|category| &category.was);
    let in_records = |was: &Was| {
        let records = setting(context.root, category, &SettingPath::root().child(&was.records));
        let rows = records.and_then(Node::as_map).into_iter().flat_map(|rows| rows.entries());
        let fields = rows.filter_map(|row| row.value.get(&was.field)).filter(|field| !field.is_null());
        fields
            .into_iter()
            .any(|field| was.listed.as_deref().is_none_or(|value| field.as_text() == Some(value)))
    };
    says_something(context, category, path) || was.filter(|was| was.from == *first).any(in_records)
}

fn says_something(context: &Context<'_>, category: &str, path: &SettingPath) -> bool {
    setting(context.root, category, path).is_some_and(|node| match &node.kind {
        NodeKind::Null => false,
        NodeKind::Text(text) => !text.is_empty(),
        NodeKind::List(items) => !items.is_empty(),
        NodeKind::Map(map) => !map.is_empty(),
        NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::Hole => true,
    })
}

/// False where another finding already speaks of the place: a parent of the wrong type, an empty text, list or map that
/// may not be empty.
fn may_be_missing(context: &Context<'_>, category: &Category, required: &Setting) -> bool {
    let Some(entry) = category_entry(context.root, &category.id) else {
        return context
            .root
            .get("settings")
            .is_none_or(|settings| settings.is_null() || settings.as_map().is_some());
    };
    let mut node = &entry.value;
    for key in required.path.segments() {
        match (&node.kind, node.get(key)) {
            (NodeKind::Map(_), Some(next)) => node = next,
            (NodeKind::Map(_) | NodeKind::Null, None) => return true,
            _ => return false,
        }
    }
    // Empty texts, lists and maps are refused where they stand, except where the setting admits them.
    match &node.kind {
        NodeKind::Text(text) => !text.is_empty(),
        NodeKind::List(_) => required.schema.get("minItems").is_none(),
        NodeKind::Map(_) => required.schema.get("minProperties").is_none(),
        _ => true,
    }
}

fn unset(context: &Context<'_>, category: &Category, setting: &Setting, why: &Why<'_>) -> Finding {
    let at = place(context, category, &setting.path);
    let name = setting.path.to_string();
    let finding = codes::required_setting_unset(&name, &category.title, &why.words(), context.live, at);
    let mut help = match category.id.as_str() {
        CONNECTORS => connection(context, setting),
        _ => satisfied_by(context, category, setting),
    };
    if category.id != CONNECTORS && !is_here(context, category) {
        help = format!("{}, {help}", home(context, category));
    }
    finding.help(help).about(context.about(&category.id, &setting.path))
}

fn several(context: &Context<'_>, category: &Category, gaps: &[(&Setting, Why<'_>)]) -> Finding {
    let mut places = gaps.iter().map(|(setting, _)| place(context, category, &setting.path));
    let first = places.next();
    let at = first.filter(|first| places.all(|place| place == *first));
    let at = at.unwrap_or_else(|| place(context, category, &SettingPath::root()));
    let names: Vec<String> = gaps.iter().map(|(setting, _)| setting.path.to_string()).collect();
    let help = |setting: &Setting| {
        let help = satisfied_by(context, category, setting);
        match setting.path.segments() {
            [parents @ .., _] if !parents.is_empty() => format!("under `{}:`, {help}", parents.join(".")),
            _ => help,
        }
    };
    let mut helps: Vec<String> = gaps.iter().map(|(setting, _)| help(setting)).collect();
    let home = home(context, category);
    let absent = category_entry(context.root, &category.id).is_none().then_some((&*category.id, &*home));
    if absent.is_none() && !is_here(context, category) {
        helps[0] = format!("{home}, {}", helps[0]);
    }
    let why = gaps[0].1.words();
    let same = gaps.iter().all(|(_, other)| other.words() == why);
    codes::required_settings_unset(
        absent,
        &category.title,
        &names,
        if same { &why } else { "" },
        &helps,
        context.live,
        at,
    )
    .about(context.about(&category.id, &SettingPath::root()))
}

/// The deepest key on the way to the setting that the integration itself wrote.
fn place(context: &Context<'_>, category: &Category, path: &SettingPath) -> Span {
    let mut best = context.composed.place;
    if let Some(entry) = context.root.as_map().and_then(|map| map.get("settings"))
        && context.own(entry.key.span)
        && !is_by_files(entry)
    {
        best = entry.key.span;
    }
    let Some(entry) = category_entry(context.root, &category.id) else { return best };
    let mut keys = vec![entry.key.span];
    let mut node: &Node = &entry.value;
    for key in path.segments() {
        let Some(entry) = node.as_map().and_then(|map| map.get(key)) else { break };
        keys.push(entry.key.span);
        node = &entry.value;
    }
    let own = |span: &Span| context.own(*span);
    // A category that has a file of its own has no key there.
    let file = keys.first().copied().filter(own);
    keys.into_iter().rev().find(|span| own(span) && span.start < span.end).or(file).unwrap_or(best)
}

/// Whether the integration's own files have the category, and not only what it extends.
fn is_here(context: &Context<'_>, category: &Category) -> bool {
    category_entry(context.root, &category.id).is_some_and(|entry| context.own(entry.key.span))
}

/// Settings that have a file a category have no key of their own.
fn is_by_files(settings: &Entry) -> bool {
    settings.key.span.start == settings.key.span.end
}

/// Where a category that is not declared is to be written.
fn home(context: &Context<'_>, category: &Category) -> String {
    match context.root.as_map().and_then(|map| map.get("settings")).filter(|settings| is_by_files(settings)) {
        Some(_) => format!("in a file `settings/{}.yaml`", category.id),
        None => format!("under `{}:`", category.id),
    }
}

/// What to write so that a connector has an active connection.
fn connection(context: &Context<'_>, setting: &Setting) -> String {
    let id = setting.path.segments().first().map_or("", |id| &**id);
    let declared = context.root.get(CONNECTORS).and_then(|all| all.get(id));
    let connections = declared.and_then(|declared| declared.get("connections")?.as_map());
    match connections.map(|map| map.entries().iter().map(|entry| &*entry.key.text).collect::<Vec<_>>()) {
        _ if declared.is_none() => {
            format!(
                "declare `{id}:` under `connectors`, with its `connections` and the name of the `active` one"
            )
        }
        Some(names) if names.len() == 1 => format!("add `active: {}`", names[0]),
        Some(names) if !names.is_empty() => format!("add `active:` with one of {}", names.join(", ")),
        _ => "add `connections:` with a named connection, and `active:` with its name".to_owned(),
    }
}

/// What to write: the choices where they are known.
fn satisfied_by(context: &Context<'_>, category: &Category, setting: &Setting) -> String {
    let (view, schema) = (&context.view, &setting.schema);
    let key = setting.path.segments().last().map_or("", |key| &**key);
    // A key that stands there without a value would be there twice.
    let stands = written(context.root, &category.id, &setting.path).is_some_and(Node::is_null);
    let add = if stands { format!("after `{key}:`, write") } else { format!("add `{key}:` with") };
    if let Some((set, title)) = view.set_of(schema) {
        let active: Vec<_> =
            set.choices.iter().filter(|choice| choice.active && admits(schema, &choice.value)).collect();
        let shown = active
            .iter()
            .take(6)
            .map(|choice| format!("{} {}", serde_json::Value::from(choice.value.as_str()), choice.label));
        let more = active.len().saturating_sub(6);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let choices = shown.collect::<Vec<_>>().join(", ");
        return format!("{add} one of {choices}{more} ({title}, fetched {})", set.fetched);
    }
    if let Some((connector, set)) = crate::schema::options_of(schema) {
        return format!("{add} one of the {}", view.set_title(connector, set));
    }
    let allowed: Vec<String> = schema
        .get("enum")
        .or_else(|| schema.get("items")?.get("enum"))
        .and_then(|list| list.as_array())
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    if !allowed.is_empty() && allowed.len() <= 12 {
        let labels = schema.get("x-labels").or_else(|| schema.get("items")?.get("x-labels"));
        let labelled = |value: &String| match labels.and_then(|labels| labels.get(value)?.as_str()) {
            Some(label) => format!("`{value}` ({label})"),
            None => format!("`{value}`"),
        };
        let allowed: Vec<String> = allowed.iter().map(labelled).collect();
        return format!("{add} one of {}", allowed.join(", "));
    }
    match value_type(schema) {
        "boolean" => format!("{add} true or false"),
        "date" => format!("{add} a date such as 2026-01-01"),
        "object" => format!("{add} at least one row"),
        "array" => format!("{add} at least one value"),
        _ => {
            let what =
                setting.description.split_once(". ").map_or(setting.description.as_str(), |(one, _)| one);
            let what = what.trim_end_matches('.');
            if stands { format!("{add} a value ({what})") } else { format!("add `{key}:` ({what})") }
        }
    }
}

fn value_type(schema: &serde_json::Value) -> &str {
    if schema.get("format").and_then(|format| format.as_str()) == Some("date") {
        return "date";
    }
    let kind = schema.get("type");
    kind.and_then(|kind| kind.as_str().or_else(|| kind.as_array()?.first()?.as_str())).unwrap_or("")
}
