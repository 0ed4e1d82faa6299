//! A text where a number is needed, a list where one value is: what was found, and what to write instead.

use jsonschema::error::TypeKind;
use serde_json::Value as Json;

use super::context::Place;
use super::guess::{all_groups, fits, required_groups};
use super::wording::{as_written, fallback, quoted, range, shortened};
use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::{Finding, nearest};
use crate::schema::keywords::text;
use crate::schema::suggest;
use crate::yaml::{self, Map, Node};

pub(super) fn wrong_type(kind: &TypeKind, place: &Place<'_>) -> Finding {
    let types: Vec<&str> = match kind {
        TypeKind::Single(one) => vec![one.as_str()],
        TypeKind::Multiple(many) => many.into_iter().map(|one| one.as_str()).collect(),
    };
    let wanted: Vec<&str> = types.iter().copied().filter(|kind| *kind != "null").collect();
    let is_date = place.holder.is_some_and(|holder| text(holder, "format") == "date");
    // "A text" alone says little of an interval or a percentage.
    let as_example = place
        .holder
        .filter(|holder| holder.get("pattern").is_some())
        .and_then(suggest::example)
        .map(|example| format!("a text such as `{example}`"));
    let expected = match wanted[..] {
        ["boolean"] => "a toggle, `true` or `false`",
        ["string"] if is_date => "a date",
        ["string"] => match &as_example {
            Some(example) => example,
            None => "a text",
        },
        ["integer"] => "a whole number",
        ["number"] => "a number",
        ["array"] => "a list",
        ["object"] => "a map of keys and values",
        ["integer" | "number", "string"] | ["string", "integer" | "number"] => "a code, a number or a text",
        ["string", "object"] | ["object", "string"] => "a text, or a map of keys and values",
        [] => "nothing",
        _ => "of another type",
    };
    let found = match &place.node.kind {
        yaml::NodeKind::Text(value) if value.is_empty() => "an empty text".to_owned(),
        yaml::NodeKind::Text(value) if place.quotable && value.len() <= 40 => format!("the text `{value}`"),
        yaml::NodeKind::Number(value) if place.quotable => match value.trim_start_matches(['-', '+', '.']) {
            endless if endless.eq_ignore_ascii_case("inf") => format!("`{value}`, infinity"),
            no_number if no_number.eq_ignore_ascii_case("nan") => format!("`{value}`, which is not a number"),
            _ => format!("the number {value}"),
        },
        _ => kind_words(place.node).to_owned(),
    };
    // Nothing has no place of its own.
    let at = if place.node.span.start == place.node.span.end { place.key } else { place.node.span };
    let finding = codes::wrong_type(&place.name, expected, &found, at);
    let help = instead(&wanted, is_date, place);
    match (&wanted[..], &place.node.kind) {
        (["boolean"], _) => {
            let meant = toggle(place.node).filter(|_| place.quotable);
            let finding = finding.help(help);
            match meant {
                Some(meant) => finding.fix(format!("write `{meant}`"), place.node.span, meant.to_string()),
                None => finding,
            }
        }
        (["integer" | "number"], yaml::NodeKind::Text(value))
            if place.quotable && suggest::numbers(value, wanted == ["integer"]) == [&**value] =>
        {
            finding.help(help).fix("take the quotes away", place.node.span, value.to_string())
        }
        _ => finding.help(help),
    }
}

/// "a list", "empty".
fn kind_words(node: &Node) -> &'static str {
    match node.kind {
        yaml::NodeKind::Null | yaml::NodeKind::Hole => "empty",
        yaml::NodeKind::Bool(true) => "`true`",
        yaml::NodeKind::Bool(false) => "`false`",
        yaml::NodeKind::Number(_) => "a number",
        yaml::NodeKind::Text(_) => "a text",
        yaml::NodeKind::List(_) => "a list",
        yaml::NodeKind::Map(_) => "a map",
    }
}

/// The toggle that a word or a number stands for.
fn toggle(node: &Node) -> Option<bool> {
    match &node.kind {
        yaml::NodeKind::Text(word) => match word.trim().to_lowercase().as_str() {
            "yes" | "on" | "y" | "ja" | "true" | "1" | "enabled" | "sant" => Some(true),
            "no" | "off" | "n" | "nej" | "nei" | "false" | "0" | "disabled" | "falskt" => Some(false),
            word => nearest(word, ["true", "false"]).map(|near| near == "true"),
        },
        yaml::NodeKind::Number(number) => match &**number {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn is_quoted(node: &Node) -> bool {
    node.as_text().is_some_and(|text| node.span.range().len() == text.len() + 2)
}

/// What to write in place of a value of the wrong type.
fn instead(wanted: &[&str], is_date: bool, place: &Place<'_>) -> String {
    let node = place.node;
    let written = match &node.kind {
        yaml::NodeKind::Text(text) | yaml::NodeKind::Number(text) if place.quotable => Some(&**text),
        _ => None,
    };
    match wanted {
        ["boolean"] => match toggle(node) {
            Some(meant) if is_quoted(node) => format!("write `{meant}`, without quotes"),
            Some(meant) => format!("write `{meant}`"),
            None => "write `true` or `false`".to_owned(),
        },
        ["string"] if is_date => suggest::date(written.unwrap_or_default()),
        ["string"] => text_instead(place, written),
        ["integer" | "number"] => {
            let text = written.filter(|_| node.as_text().is_some()).unwrap_or_default();
            let range = range(place.holder).map(|range| format!(" {range}")).unwrap_or_default();
            match (suggest::numbers(text, *wanted == ["integer"]).as_slice(), wanted) {
                ([number], _) => format!("write `{number}`"),
                ([one, other], _) => format!("write `{one}` or `{other}`, whichever is meant"),
                (_, ["integer"]) => format!("write a whole number{range}"),
                _ => format!("write a number{range}"),
            }
        }
        ["array"] => match written {
            Some(value) if node.as_text().is_some() => {
                let items = place.holder.and_then(|holder| holder.get("items"));
                if let Some(help) = marked_items(value, items) {
                    return help;
                }
                // A command with its arguments is a word each.
                let is_command = value.starts_with('/') && !value.contains([',', ';']);
                let parts = |c: char| if is_command { c == ' ' } else { matches!(c, ',' | ';') };
                let items: Vec<&str> = value.split(parts).map(str::trim).filter(|s| !s.is_empty()).collect();
                format!("write `[{}]`", items.join(", "))
            }
            _ => match node.as_map().filter(|map| place.quotable && are_toggles(map)) {
                // Ticked, as in a form.
                Some(map) => {
                    let ticked = map.entries().iter().filter(|entry| entry.value.as_bool() != Some(false));
                    let keys: Vec<&str> = ticked.map(|entry| &*entry.key.text).collect();
                    format!("write `[{}]`", keys.join(", "))
                }
                None => match item_instead(place) {
                    Some(key) => format!("write each item after a dash: `- {key}: …`"),
                    None => "write a list such as `[a, b]`".to_owned(),
                },
            },
        },
        ["object"] => map_instead(place),
        ["string", "object"] | ["object", "string"] => text_instead(place, written),
        _ => match node.as_list() {
            Some([one]) => match quoted(one).filter(|_| place.quotable) {
                Some(value) => format!("write {value}, without brackets"),
                None => "write one value, without brackets".to_owned(),
            },
            _ => "write the code alone".to_owned(),
        },
    }
}

/// What to write for a text that is a list to people: with dashes without a space, with bullets, in round brackets, or from one day to another.
fn marked_items(value: &str, items: Option<&Json>) -> Option<String> {
    const BULLETS: [char; 6] = ['•', '–', '—', '*', '·', '‣'];
    let written = |items: Vec<&str>| format!("write `[{}]`", items.join(", "));
    let parted = |text: &str, mark: char| -> Vec<String> {
        let parts = text.split(mark).map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    if let Some(rest) = value.strip_prefix('-').filter(|rest| !rest.starts_with(char::is_whitespace)) {
        let items: Vec<&str> = rest.split(" -").map(str::trim).filter(|item| !item.is_empty()).collect();
        return Some(format!("put a space after each dash, or {}", written(items)));
    }
    if let Some(mark) = value.chars().next().filter(|first| BULLETS.contains(first)) {
        let items = parted(value, mark);
        return Some(written(items.iter().map(String::as_str).collect()));
    }
    if let Some(inner) = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        let items = parted(inner, ',');
        return Some(written(items.iter().map(String::as_str).collect()));
    }
    // `mon-thu`
    let options = items?.get("enum")?.as_array()?;
    let options: Vec<&str> = options.iter().filter_map(Json::as_str).collect();
    let (from, to) = value.split_once(['-', '–'])?;
    let place = |day: &str| options.iter().position(|option| day.trim().eq_ignore_ascii_case(option));
    let (from, to) = (place(from)?, place(to)?);
    (from < to).then(|| written(options[from..=to].to_vec()))
}

fn text_instead(place: &Place<'_>, written: Option<&str>) -> String {
    match &place.node.kind {
        yaml::NodeKind::Null => match place.holder.and_then(suggest::example) {
            Some(example) => format!("write a text, for example `{example}`"),
            None => "write a text after the colon".to_owned(),
        },
        yaml::NodeKind::Number(_) | yaml::NodeKind::Bool(_) => {
            let holder = place.holder.unwrap_or(&Json::Null);
            let pattern = holder.get("pattern").is_some();
            match (written, suggest::example(holder)) {
                (Some(written), example) => {
                    if pattern && suggest::refuses(written, holder) {
                        return match (suggest::suggest(written, holder), example) {
                            (Some(mended), _) => format!("write {}", as_written(&mended, holder)),
                            (None, Some(example)) => format!("write for example `{example}`"),
                            (None, None) => fallback(place),
                        };
                    }
                    format!("put it in quotes: `\"{written}\"`")
                }
                _ => "put it in quotes".to_owned(),
            }
        }
        yaml::NodeKind::List(_) if place.item.is_some() => {
            "take the inner brackets away, so that its values are items of the list itself".to_owned()
        }
        yaml::NodeKind::List(items) => match items.as_slice() {
            [one] => match quoted(one).filter(|_| place.quotable) {
                Some(value) => format!("write {value}, without brackets"),
                None => "write one text, without brackets".to_owned(),
            },
            _ => "write one text; a list is not possible here".to_owned(),
        },
        yaml::NodeKind::Map(map) if !place.foreign && map.len() == 1 && map.get("secret").is_some() => {
            "write the text itself; references to secrets are for credentials, under `connectors`".to_owned()
        }
        _ => "write one text".to_owned(),
    }
}

/// The first key of a map that is an item of the list that is needed, or that holds such items by name.
fn item_instead<'p>(place: &'p Place<'_>) -> Option<&'p str> {
    let keys = place.holder?.get("items")?.get("properties")?;
    let map = place.node.as_map()?;
    let first = |map: &'p Map| {
        let known = map.entries().iter().all(|entry| keys.get(&*entry.key.text).is_some());
        map.entries().first().filter(|_| known).map(|entry| &*entry.key.text)
    };
    first(map).or_else(|| first(map.entries().first()?.value.as_map()?))
}

/// Whether keys are ticked or not, which is a list of those that are.
fn are_toggles(map: &Map) -> bool {
    !map.is_empty()
        && map.entries().iter().all(|entry| entry.value.is_null() || entry.value.as_bool().is_some())
}

/// Rows of a list that name themselves, as rows of a map: the first one, such as `Klarna: {terms: …}`.
fn by_name(items: &[Node]) -> Option<String> {
    const NAMES: [&str; 9] = ["name", "id", "key", "code", "title", "country", "rate", "method", "provider"];
    let first = items.first()?.as_map()?;
    let called = NAMES.into_iter().find(|name| items.iter().all(|item| item.get(name).is_some()))?;
    let name = first.get(called)?.value.as_text()?;
    let rest = first.entries().iter().filter(|entry| &*entry.key.text != called);
    let rest: Vec<String> = rest.map(|entry| format!("{}: …", entry.key.text)).collect();
    Some(format!("{name}: {{{}}}", rest.join(", ")))
}

/// What to write where a map is needed.
fn map_instead(place: &Place<'_>) -> String {
    let holder = place.holder;
    let dashes = place
        .node
        .as_list()
        .is_some_and(|items| !items.is_empty() && items.iter().all(|item| item.as_map().is_some()));
    let properties = holder.and_then(|holder| holder.get("properties")).and_then(Json::as_object);
    if let Some(key) = unparted(place.node, properties) {
        return format!("put a space after `{key}:`");
    }
    let rows = holder.and_then(|holder| holder.get("additionalProperties")).filter(|rows| rows.is_object());
    if rows.is_some()
        && place.quotable
        && let Some(row) = place.node.as_list().and_then(by_name)
    {
        return format!("write each row under its name, without the dash: `{row}`");
    }
    if dashes && rows.is_some_and(|rows| rows.get("properties").is_none()) {
        return "take the dashes away, so that each line is `key: value`".to_owned();
    }
    if rows.is_some() {
        return match place.about.category.as_deref().filter(|_| place.about.setting.is_none()) {
            Some("schedules" | "webhooks") => {
                "give each one a name as its key, such as `orders: {flow: orders, …}`".to_owned()
            }
            _ => "write a line `key: value` for each row, indented below it".to_owned(),
        };
    }
    let required: Vec<&str> = holder
        .and_then(|holder| holder.get("required")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let is_known =
        |key: &str| properties.is_some_and(|known| known.contains_key(key)) || required.contains(&key);
    let is_free = properties.is_none() && required.is_empty();
    if dashes && parts_of_one(place.node, |key| is_free || is_known(key)) {
        let items = place.node.as_list().unwrap_or_default();
        // A list in brackets ends behind its last item.
        let brackets = items.last().is_some_and(|last| last.span.end < place.node.span.end);
        return match (brackets, items.len()) {
            (false, _) => "take the dashes away, so that each line is `key: value`".to_owned(),
            (true, 1) => "take the square brackets away".to_owned(),
            (true, _) => "write one map with all of these keys, without square brackets".to_owned(),
        };
    }
    // `DK: 3121` for `DK: {default_account: 3121}`.
    let node = match place.node.as_list() {
        Some([one]) => one,
        _ => place.node,
    };
    if let (Some(value), Some(known)) = (quoted(node).filter(|_| place.quotable), properties) {
        let groups = holder.map(all_groups).unwrap_or_default();
        let asked = |key: &str| required.contains(&key) || groups.iter().any(|group| group == &[key]);
        let takes = |schema: &Json| fits(node, schema, holder.unwrap_or(&Json::Null), 1);
        let mut taking = known.iter().filter(|(key, schema)| asked(key) && takes(schema));
        if let (Some((key, _)), None) = (taking.next(), taking.next()) {
            return format!("write `{{{key}: {value}}}`");
        }
    }
    if !required.is_empty() {
        let groups = holder.map(required_groups).unwrap_or_default();
        let keys: Vec<String> = required
            .iter()
            .chain(groups.first().into_iter().flatten())
            .map(|key| format!("{key}: …"))
            .collect();
        return format!("write `{{{}}}`", keys.join(", "));
    }
    match properties.map(|properties| properties.keys().map(|key| format!("`{key}:`")).collect::<Vec<_>>()) {
        Some(keys) if !keys.is_empty() => {
            format!("write its keys below it, each with a value: {}", shortened(&keys))
        }
        _ => "write `key: value` lines, indented below it".to_owned(),
    }
}

/// Whether the items of a list are the keys of one map, each after a dash of its own.
fn parts_of_one(list: &Node, is_known: impl Fn(&str) -> bool) -> bool {
    let maps = list.as_list().into_iter().flatten().filter_map(Node::as_map);
    let keys: Vec<&str> = maps.flat_map(|map| map.entries()).map(|entry| &*entry.key.text).collect();
    let is_once = |at: usize| !keys[..at].contains(&keys[at]);
    // More keys than any map that a person writes are no slip of this kind.
    !keys.is_empty() && keys.len() <= 100 && (0..keys.len()).all(|at| is_known(keys[at]) && is_once(at))
}

/// The key of `key:value`, which is one text where no space follows the colon.
fn unparted<'n>(node: &'n Node, known: Option<&serde_json::Map<String, Json>>) -> Option<&'n str> {
    let (key, value) = node.as_text()?.split_once(':')?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let plain =
        !key.is_empty() && key.bytes().all(is_name) && !value.starts_with([' ', '/']) && !value.is_empty();
    (plain && known.is_some_and(|known| known.contains_key(key))).then_some(key)
}
