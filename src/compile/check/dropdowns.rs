//! Dropdown values and the keys of mappings against the committed lists. Without a list for the account nothing is said.

use serde_json::Value as Json;

use super::context::{Context, category_entry};
use crate::compile::days;
use crate::diagnostic::codes::options as codes;
use crate::diagnostic::{Finding, nearest};
use crate::model::SettingPath;
use crate::options::{Choice, Set};
use crate::schema::shape::{HasDays, Shape};
use crate::schema::{Category, Required, options_of, suggest};
use crate::source::Span;
use crate::yaml::{Map, Node, NodeKind, Trail};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for category in context.pair.categories() {
        if let Some(entry) = category_entry(context.root, &category.id) {
            walk(context, category, &category.shape, &Trail::default(), &entry.value, findings);
        }
    }
}

fn walk(
    context: &Context<'_>,
    category: &Category,
    shape: &Shape,
    trail: &Trail<'_>,
    node: &Node,
    findings: &mut Vec<Finding>,
) {
    if !shape.holds_lists {
        return;
    }
    match &node.kind {
        // What was chosen for a time that is over may be gone by now.
        NodeKind::Map(_) if matches!(shape.days, Some(HasDays::Value(_))) && is_over(context, node) => {}
        NodeKind::Map(map) => {
            covers(context, category, shape, trail, map, findings);
            for entry in map.entries() {
                if let Some(inner) = shape.below(&entry.key.text) {
                    walk(context, category, inner, &trail.below(&entry.key.text), &entry.value, findings);
                }
            }
        }
        NodeKind::List(items) => {
            items.iter().for_each(|item| walk(context, category, shape, trail, item, findings));
        }
        // An empty text has its own finding.
        NodeKind::Text(text) if text.trim().is_empty() => {}
        NodeKind::Text(text) | NodeKind::Number(text) => {
            let Some((connector, name)) = &shape.values_of else { return };
            let Some(set) = context.view.set(connector, name) else { return };
            if set.choice(text).is_none() && context.view.may_be_elsewhere(connector, name, text) {
                return;
            }
            let Some(schema) = schema_at(category, trail) else { return };
            let free = schema.get("x-free").or_else(|| schema.get("items")?.get("x-free"));
            let title = context.view.set_title(connector, name);
            let path: SettingPath = trail.keys().into_iter().collect();
            let about = context.about(&category.id, &path);
            if free.and_then(Json::as_bool) == Some(true) {
                findings.extend(
                    nearly_known(&path.to_string(), text, set, &title, schema, node)
                        .map(|finding| finding.about(about)),
                );
                return;
            }
            findings.extend(
                judge(&path.to_string(), text, set, &title, schema, node).map(|finding| finding.about(about)),
            );
        }
        _ => {}
    }
}

fn is_over(context: &Context<'_>, record: &Node) -> bool {
    days::of(record).is_some_and(|days| days.is_over(context.today))
}

fn schema_at<'a>(category: &'a Category, trail: &Trail<'_>) -> Option<&'a Json> {
    category.schema_at(&trail.keys().into_iter().collect())
}

fn judge(name: &str, text: &str, set: &Set, title: &str, schema: &Json, node: &Node) -> Option<Finding> {
    let quote = |text: &str| quote(text, schema);
    if let Some(choice) = set.choice(text) {
        return (!choice.active)
            .then(|| codes::inactive_option(name, &quote(text), title, &set.fetched, node.span));
    }
    if let Some(gone) = set.gone.iter().find(|gone| gone.value == text) {
        let others = named(likely(text, set, schema).into_iter(), schema);
        return Some(codes::vanished_option(
            name,
            &quote(text),
            &gone.label,
            title,
            &gone.since,
            &others,
            node.span,
        ));
    }
    let labelled: Vec<_> =
        set.choices.iter().filter(|choice| choice.label.eq_ignore_ascii_case(text.trim())).collect();
    if let [one] = labelled[..] {
        return Some(codes::label_for_code(name, &quote(text), &quote(&one.value), title, node.span));
    }
    let near = meant(text, set);
    let shown = match near {
        Some(near) => vec![near],
        None => likely(text, set, schema),
    };
    let shown: Vec<String> =
        shown.iter().map(|choice| format!("{} {}", quote(&choice.value), choice.label)).collect();
    Some(codes::unknown_option(name, &quote(text), title, &set.fetched, &shown, near.is_some(), node.span))
}

/// A value that may be any text, and is nearly one that is known.
fn nearly_known(
    name: &str,
    text: &str,
    set: &Set,
    title: &str,
    schema: &Json,
    node: &Node,
) -> Option<Finding> {
    if set.choice(text).is_some() {
        return None;
    }
    let by_label = set.choices.iter().find(|choice| choice.label == text).map(|choice| choice.value.as_str());
    let near = by_label.or_else(|| {
        // Another number is another thing, however near it is.
        let letters = |text: &str| !text.bytes().any(|byte| byte.is_ascii_digit());
        nearest(
            text,
            set.choices
                .iter()
                .map(|choice| choice.value.as_str())
                .filter(|value| letters(value) && letters(text)),
        )
    })?;
    Some(codes::nearly_known(
        name,
        &quote(text, schema),
        &quote(near, schema),
        title,
        &set.fetched,
        node.span,
    ))
}

/// The choice that was meant beyond doubt or nearly so. Another number is another account, however near it is.
fn meant<'a>(text: &str, set: &'a Set) -> Option<&'a Choice> {
    let trimmed = suggest::bare(text);
    let first = trimmed.split_whitespace().next().unwrap_or(trimmed);
    // "3 105" and "3105.0" are the code as it is counted with.
    let whole = || set.choice(&suggest::whole(trimmed)?);
    if let Some(choice) = set.choice(trimmed).or_else(whole).or_else(|| set.choice(first)) {
        return Some(choice);
    }
    // The end of a longer id: "73265415" of "gid://shopify/Location/73265415".
    let ends = |choice: &&Choice| choice.value.rsplit_once('/').is_some_and(|(_, end)| end == trimmed);
    if let (Some(choice), None) = {
        let mut found = set.choices.iter().filter(ends);
        (found.next(), found.next())
    } {
        return Some(choice);
    }
    if text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    set.choice(nearest(text, set.choices.iter().map(|choice| choice.value.as_str()))?)
}

/// A few choices to show: those that the setting admits, numbers near the one that is written first.
fn likely<'a>(text: &str, set: &'a Set, schema: &Json) -> Vec<&'a Choice> {
    const SHOWN: usize = 6;
    let mut choices: Vec<&Choice> =
        set.choices.iter().filter(|choice| choice.active && admits(schema, &choice.value)).collect();
    if let Ok(written) = text.trim().parse::<i64>() {
        choices.sort_by_key(|choice| {
            choice
                .value
                .parse::<i64>()
                .map_or(i64::MAX, |value| value.saturating_sub(written).saturating_abs())
        });
        choices.truncate(SHOWN);
        choices.sort_by_key(|choice| choice.value.parse::<i64>().ok());
    } else if choices.len() > SHOWN {
        let written = text.trim().to_lowercase();
        let far = |known: &str| strsim::osa_distance(&written, &known.to_lowercase());
        choices.sort_by_key(|choice| far(&choice.value).min(far(&choice.label)));
        choices.truncate(SHOWN);
    }
    choices
}

/// Whether a code lies within the range that a setting has.
#[must_use]
pub fn admits(schema: &Json, value: &str) -> bool {
    let Ok(value) = value.parse::<f64>() else { return true };
    let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
    bound("minimum").is_none_or(|least| value >= least) && bound("maximum").is_none_or(|most| value <= most)
}

fn named<'a>(choices: impl Iterator<Item = &'a Choice>, schema: &Json) -> Vec<String> {
    choices
        .map(|choice| format!("{} {}", quote(&choice.value, schema), choice.label).trim_end().to_owned())
        .collect()
}

/// A mapping is a `match` over the values that its keys come from: each active one has a row or a default, and no row stands for a
/// value that is gone. Keys may be any text, so an unknown one is spoken of only where it is likely a mistake.
fn covers(
    context: &Context<'_>,
    category: &Category,
    shape: &Shape,
    trail: &Trail<'_>,
    map: &Map,
    findings: &mut Vec<Finding>,
) {
    let Some((connector, name)) = &shape.keys_of else { return };
    let Some(set) = context.view.set(connector, name) else { return };
    let Some(schema) = schema_at(category, trail) else { return };
    let title = context.view.set_title(connector, name);
    let path: SettingPath = trail.keys().into_iter().collect();
    let setting = path.to_string();
    for entry in map.entries() {
        let key = &*entry.key.text;
        if set.choice(key).is_some() {
            continue;
        }
        let gone = set.gone.iter().any(|gone| gone.value == key);
        let near = nearest(key, set.choices.iter().map(|choice| choice.value.as_str()));
        let by_label =
            set.choices.iter().find(|choice| choice.label == key).map(|choice| choice.value.as_str());
        // `Klarna="30"` is one text.
        let unparted = || {
            let known = set.choices.iter().map(|choice| choice.value.as_str());
            known
                .into_iter()
                .find(|value| key.strip_prefix(value).is_some_and(|rest| rest.trim_start().starts_with('=')))
        };
        let near = by_label.or(near).or_else(unparted);
        if gone || near.is_some() {
            let near = near.map(text);
            let about = context.about(&category.id, &path.child(key));
            let finding = codes::unknown_source(
                &setting,
                &text(key),
                near.as_deref(),
                &title,
                &set.fetched,
                entry.key.span,
            );
            findings.push(finding.about(about));
        }
    }
    // What a record leaves out is decided elsewhere, and so is what has no record.
    let rows = schema.get("additionalProperties");
    if rows.is_some_and(|rows| rows.get("properties").is_some() && rows.get("required").is_none()) {
        return;
    }
    let missing: Vec<&Choice> =
        set.choices.iter().filter(|choice| choice.active && map.get(&choice.value).is_none()).collect();
    if missing.is_empty() || has_default(context, category, schema) {
        return;
    }
    let Some(at) = place(context, category, &path) else { return };
    // Where another mapping leads from the rows to the keys, a row that goes back the same way contradicts nothing.
    let back = super::warehouses::counted_at(context, &path, &missing[0].value).map(text);
    let value = back.or_else(|| example(context, schema, map));
    let line = value.map(|value| format!("`{}: {value}`", text(&missing[0].value)));
    let finding = codes::unmapped_source(
        &setting,
        &named(missing.into_iter(), &Json::Null),
        &title,
        &set.fetched,
        line.as_deref(),
        at,
    );
    findings.push(finding.about(context.about(&category.id, &path)));
}

/// Whether what has no row has a default that is set: the setting that the mapping names, or one of the category that is called a
/// default and is of the kind that the rows are.
fn has_default(context: &Context<'_>, category: &Category, mapping: &Json) -> bool {
    if let Some((of, name)) = crate::schema::text(mapping, "x-default").split_once('.') {
        // One that is not written may have a value all the same.
        let has_value = || context.known(of, name).is_some_and(|(setting, _)| setting.default.is_some());
        return context.written(of, name).is_some() || has_value();
    }
    let rows = mapping.get("additionalProperties").and_then(options_of);
    category.settings.iter().any(|setting| {
        let named = setting.path.segments().last().is_some_and(|name| name.starts_with("default"));
        named
            && rows.is_some()
            && options_of(&setting.schema) == rows
            // A required default that is missing has a finding of its own.
            && (matches!(setting.required, Required::Yes { .. })
                || super::context::setting(context.root, &category.id, &setting.path).is_some_and(|node| !node.is_null()))
    })
}

/// What a row may say: what another row says, else a value of the list. Where a value may stand in one row only, one that is free;
/// nothing where none is known to be.
fn example(context: &Context<'_>, mapping: &Json, map: &Map) -> Option<String> {
    let written = map.entries().iter().filter_map(|entry| match &entry.value.kind {
        NodeKind::Text(text) | NodeKind::Number(text) => Some((&**text, &entry.value.kind)),
        _ => None,
    });
    let taken: Vec<_> = written.collect();
    let set = mapping.get("additionalProperties").and_then(|rows| context.view.set_of(rows));
    let mut listed = set.into_iter().flat_map(|(set, _)| &set.choices).filter(|choice| choice.active);
    if mapping.get("x-distinct").is_some() {
        let free = listed.find(|choice| taken.iter().all(|(value, _)| *value != choice.value));
        return free.map(|choice| text(&choice.value));
    }
    let first = taken.first().map(|(value, kind)| match kind {
        NodeKind::Number(_) => (*value).to_owned(),
        _ => text(value),
    });
    let listed = listed.next().map(|choice| text(&choice.value));
    Some(first.or(listed).unwrap_or_else(|| "…".to_owned()))
}

/// The key of the mapping.
fn place(context: &Context<'_>, category: &Category, path: &SettingPath) -> Option<Span> {
    let mut entry = category_entry(context.root, &category.id)?;
    for key in path.segments() {
        entry = entry.value.as_map()?.get(key)?;
    }
    Some(entry.key.span)
}

/// A key of a mapping, quoted.
fn text(text: &str) -> String {
    Json::from(text).to_string()
}

/// As it would be written in the file.
fn quote(text: &str, schema: &Json) -> String {
    let number = crate::schema::text(schema, "x-code") == "integer"
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit());
    if number { text.to_owned() } else { Json::from(text).to_string() }
}
