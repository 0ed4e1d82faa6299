//! Values of settings as a control holds them: as text on the page, and read back from what somebody typed. Whether a value
//! fits is not judged here; what cannot be read is handed on as it was typed, so that it is judged where all else is.

use serde_json::{Map, Value as Json};

use crate::model::{Dated, SettingPath, Value};
use crate::options::{Choice, View};
use crate::report::texts::Language;
use crate::schema::suggest::{refuses, suggest};
use crate::schema::{days_name, default_of, options_of, text};

/// What a setting is typed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Toggle,
    /// One of a list.
    Select,
    /// Text, with a list to choose from.
    Combo,
    Date,
    Text,
    Mail,
    Long,
    Number,
    /// Several of a list.
    Multi,
    /// Several texts, one a line.
    Lines,
    /// The reference of a credential.
    Secret,
    /// Values with days, one a line.
    Days,
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Toggle => "toggle",
            Kind::Select => "select",
            Kind::Combo => "combo",
            Kind::Date => "date",
            Kind::Text => "text",
            Kind::Mail => "mail",
            Kind::Long => "long",
            Kind::Number => "number",
            Kind::Multi => "multi",
            Kind::Lines => "lines",
            Kind::Secret => "secret",
            Kind::Days => "days",
        }
    }
}

/// One value of a dropdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choosable {
    pub value: String,
    pub label: String,
    /// It can be chosen; else it is shown only where it is what is set.
    pub active: bool,
}

/// A list this long is no `select` any more.
const LONG_LIST: usize = 400;
/// From so many values on a label begins with the value, so that typing it finds it.
const MANY: usize = 25;
/// A text that may be so long has room for lines, in characters.
const LONG_TEXT: u64 = 500;

/// Whether a schema takes a type.
fn takes(schema: &Json, name: &str) -> bool {
    match schema.get("type") {
        Some(Json::String(only)) => only == name,
        Some(Json::Array(several)) => several.iter().any(|one| *one == *name),
        _ => false,
    }
}

/// Whether its rows are named by those who write them.
#[must_use]
pub fn is_mapping(schema: &Json) -> bool {
    schema.get("additionalProperties").is_some_and(Json::is_object)
}

/// Whether it has fields that are settings of their own.
#[must_use]
pub fn is_record(schema: &Json) -> bool {
    schema.get("properties").is_some() && schema.get("x-secret").is_none() && days_name(schema).is_none()
}

/// The values that can be chosen; none where it is no dropdown, or its list is not known.
#[must_use]
pub fn choosable(schema: &Json, view: Option<&View<'_>>) -> Option<Vec<Choosable>> {
    let inner = schema.get("items").filter(|_| days_name(schema).is_none()).unwrap_or(schema);
    if let Some(fixed) = inner.get("enum").and_then(Json::as_array) {
        let labels = inner.get("x-labels");
        let one = |value: &str| Choosable {
            value: value.to_owned(),
            label: labels.and_then(|labels| labels.get(value)?.as_str()).unwrap_or(value).to_owned(),
            active: true,
        };
        return Some(fixed.iter().filter_map(Json::as_str).map(one).collect());
    }
    let (connector, name) = options_of(schema)?;
    let view = view?;
    let set = view.set(connector, name)?;
    let also = view.pair.connector(connector).and_then(|found| found.platform.also(name));
    let also = also.and_then(|also| view.set(connector, also));
    let choices: Vec<&Choice> =
        set.choices.iter().chain(also.into_iter().flat_map(|also| &also.choices)).collect();
    // Bookkeepers know an account by its number, however few there are.
    let is_number =
        |value: &str| matches!(value.len(), 3..=6) && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_named = choices.len() > MANY || choices.iter().all(|choice| is_number(&choice.value));
    let one = |choice: &&Choice| Choosable {
        value: choice.value.clone(),
        label: match choice.label.as_str() {
            "" => choice.value.clone(),
            label if is_named && !label.starts_with(&choice.value) => format!("{} {label}", choice.value),
            label => label.to_owned(),
        },
        active: choice.active,
    };
    let mut all: Vec<Choosable> = choices.iter().map(one).collect();
    let gone = set.gone.iter().map(|gone| Choosable {
        value: gone.value.clone(),
        label: if gone.label.is_empty() { gone.value.clone() } else { gone.label.clone() },
        active: false,
    });
    all.extend(gone);
    // An account that cannot be a sales account is none to choose.
    let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
    let (least, most) = (bound("minimum"), bound("maximum"));
    let fits = |value: &str| match value.parse::<f64>() {
        Ok(number) => least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most),
        Err(_) => true,
    };
    all.retain(|one| fits(&one.value));
    Some(all)
}

/// The keys that a platform knows for a mapping.
#[must_use]
pub fn keys_of(schema: &Json, view: Option<&View<'_>>) -> Option<Vec<Choosable>> {
    let (connector, name) = schema.get("x-keys")?.as_str()?.split_once('.')?;
    let set = view?.set(connector, name)?;
    let one = |choice: &crate::options::Choice| Choosable {
        value: choice.value.clone(),
        label: if choice.label.is_empty() { choice.value.clone() } else { choice.label.clone() },
        active: choice.active,
    };
    Some(set.choices.iter().map(one).collect())
}

/// What the keys of a mapping are: as the schema calls them, else as their platform does, else by what they are everywhere.
#[must_use]
pub fn key_title(mapping: &Json, view: Option<&View<'_>>, language: &Language) -> Option<String> {
    let names = mapping.get("propertyNames").unwrap_or(&Json::Null);
    let own = Some(text(names, "title")).filter(|title| !title.is_empty()).map(str::to_owned);
    let keys = mapping.get("x-keys").and_then(Json::as_str).and_then(|keys| keys.split_once('.'));
    own.or_else(|| keys.zip(view).map(|((connector, set), view)| view.set_title(connector, set)))
        .or_else(|| Some(language.say(common(names)?, &[])))
}

/// Keys that are called alike on every platform: countries and VAT rates, by what they may be and what not.
fn common(names: &Json) -> Option<&'static str> {
    names.get("pattern").or_else(|| names.get("enum"))?;
    let takes = |text: &str| !refuses(text, names);
    if takes("DE") && takes("FI") && !takes("DEU") {
        return Some("map.country");
    }
    (takes("25.5") && !takes("255")).then_some("map.rate")
}

/// The same of its values.
#[must_use]
pub fn value_title(schema: &Json, view: Option<&View<'_>>) -> Option<String> {
    let own = Some(text(schema, "title")).filter(|title| !title.is_empty()).map(str::to_owned);
    let list = options_of(schema);
    own.or_else(|| list.zip(view).map(|((connector, set), view)| view.set_title(connector, set)))
}

/// A key of a mapping that was typed: by its name, or as people write it, such as `25,0 %`. None where there is no such key.
#[must_use]
pub fn key_of(mapping: &Json, view: Option<&View<'_>>, typed: &str) -> Option<String> {
    let typed = by_name(keys_of(mapping, view).as_deref(), typed.trim());
    match mapping.get("propertyNames") {
        Some(names) if refuses(&typed, names) => suggest(&typed, names),
        _ => Some(typed).filter(|typed| !typed.is_empty()),
    }
}

/// A value by itself or by its name, with or without its number before it.
#[must_use]
pub fn by_name(all: Option<&[Choosable]>, cell: &str) -> String {
    let all = all.unwrap_or_default();
    let wanted = cell.to_lowercase();
    let is_it = |one: &&Choosable| {
        let label = one.label.to_lowercase();
        let alone = label.strip_prefix(&one.value.to_lowercase()).map(str::trim_start);
        let numbered = wanted.strip_prefix(&one.value.to_lowercase()).map(str::trim_start);
        label == wanted
            || alone.is_some_and(|alone| !alone.is_empty() && alone == wanted)
            || numbered.is_some_and(|rest| !rest.is_empty() && (rest == label || alone == Some(rest)))
    };
    let found = all.iter().find(|one| one.value == cell).or_else(|| all.iter().find(is_it));
    found.map_or_else(|| cell.to_owned(), |one| one.value.clone())
}

/// What a setting is typed in, where this is what it is set to.
#[must_use]
pub fn kind(schema: &Json, value: Option<&Value>, choosable: Option<&[Choosable]>) -> Kind {
    if matches!(value, Some(Value::Dated(_))) {
        return Kind::Days;
    }
    if schema.get("x-secret").is_some() {
        return Kind::Secret;
    }
    if takes(schema, "boolean") {
        return Kind::Toggle;
    }
    let is_list = takes(schema, "array") && days_name(schema).is_none();
    match choosable {
        Some(_) if is_list => return Kind::Multi,
        None if is_list => return Kind::Lines,
        Some(all) if schema.get("x-free").is_some() || all.len() > LONG_LIST => return Kind::Combo,
        Some(_) => return Kind::Select,
        None => {}
    }
    let has_lines = matches!(value, Some(Value::Text(text)) if text.contains('\n'));
    let room = schema.get("maxLength").and_then(Json::as_u64);
    match text(schema, "format") {
        "date" => Kind::Date,
        _ if has_lines || room.is_some_and(|room| room >= LONG_TEXT) => Kind::Long,
        "email" => Kind::Mail,
        _ if schema.get("x-code").is_none()
            && !takes(schema, "string")
            && (takes(schema, "number") || takes(schema, "integer")) =>
        {
            Kind::Number
        }
        _ => Kind::Text,
    }
}

/// Whether a control gives back what it was given.
#[must_use]
pub fn can_be_typed(value: &Value) -> bool {
    match value {
        Value::Text(text) => is_kept(text),
        Value::List(items) => items.iter().all(|item| match item {
            Value::Text(text) => {
                !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control)
            }
            other => can_be_typed(other) && !matches!(other, Value::List(_)),
        }),
        Value::Dated(dated) => dated.rows().all(|(_, value)| {
            can_be_typed(value) && !text_of(value).contains(['\n', ' ']) && !text_of(value).is_empty()
        }),
        _ => true,
    }
}

/// Whether a browser sends a text as it came. What nobody sees is none of its business, so that it can be typed anew.
fn is_kept(text: &str) -> bool {
    let text = text.replace("\r\n", "\n");
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        Value::Number(text) | Value::Text(text) => text.clone(),
        Value::Secret(secret) => secret.reference.clone(),
        Value::List(items) => items.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Dated(dated) => days_of(dated),
    }
}

fn days_of(dated: &Dated) -> String {
    let line = |(days, value): (crate::model::Days, &Value)| format!("{} {days}", text_of(value));
    dated.rows().map(line).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Whether none of several is something else than nothing said: by default there are some.
#[must_use]
pub fn can_be_none(schema: &Json) -> bool {
    let has_some = matches!(default_of(schema), Some(Value::List(items)) if !items.is_empty());
    has_some && schema.get("minItems").and_then(Json::as_u64).unwrap_or(0) == 0
}

/// As a control has it: one text, of a multi-select one each; an empty one there says that it is not set, where none is something else.
#[must_use]
pub fn typed_form(kind: Kind, schema: &Json, value: Option<&Value>) -> Vec<String> {
    match (kind, value) {
        (Kind::Multi, Some(Value::List(items))) => items.iter().map(text_of).collect(),
        (Kind::Multi, None | Some(Value::Null)) if can_be_none(schema) => vec![String::new()],
        (Kind::Multi, None | Some(Value::Null)) => Vec::new(),
        (_, value) => vec![value.map(text_of).unwrap_or_default()],
    }
}

/// What was typed, as files have it; null where it is nothing, and so goes back to its default.
#[must_use]
pub fn read(kind: Kind, schema: &Json, typed: &[String]) -> Json {
    let only = typed.first().map(String::as_str).unwrap_or_default();
    let items = schema.get("items").unwrap_or(&Json::Null);
    match kind {
        Kind::Multi => {
            let chosen = typed.iter().filter(|one| !one.is_empty());
            match chosen.map(|one| scalar(items, one)).collect::<Vec<_>>() {
                none if none.is_empty() && (!typed.is_empty() || !can_be_none(schema)) => Json::Null,
                chosen => Json::Array(chosen),
            }
        }
        _ if only.is_empty() => Json::Null,
        Kind::Lines => {
            let lines = only.lines().map(str::trim).filter(|line| !line.is_empty());
            match lines.map(|line| scalar(items, line)).collect::<Vec<_>>() {
                none if none.is_empty() => Json::Null,
                lines => Json::Array(lines),
            }
        }
        Kind::Toggle => match only {
            "on" => true.into(),
            "off" => false.into(),
            other => other.into(),
        },
        Kind::Secret => {
            let mut reference = Map::new();
            reference.insert("secret".to_owned(), only.trim().into());
            Json::Object(reference)
        }
        Kind::Days => days(schema, only),
        Kind::Long => only.into(),
        _ => scalar(schema, only.trim()),
    }
}

/// A number where nothing but a number fits; a code stays the text that it is.
fn scalar(schema: &Json, text: &str) -> Json {
    let is_number = !takes(schema, "string") && (takes(schema, "number") || takes(schema, "integer"));
    let number = || {
        let text = text.replace(',', ".");
        // `007` is seven where nothing but a number fits.
        let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
        let is_led = |rest: &str| digits.len() > rest.len() && rest.starts_with(|c: char| c.is_ascii_digit());
        let plain = Some(digits.trim_start_matches('0')).filter(|rest| is_led(rest)).unwrap_or(digits);
        format!("{sign}{plain}").parse::<serde_json::Number>().ok()
    };
    number().filter(|_| is_number).map_or_else(|| text.into(), Json::Number)
}

/// `3111 until 2025-12-31`, one a line, each row as a record; one value without days stays plain.
fn days(schema: &Json, typed: &str) -> Json {
    let name = days_name(schema).unwrap_or("value");
    let rows = typed.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let mut row = Map::new();
        let mut key = name;
        for word in line.split_whitespace() {
            match word {
                "from" | "until" => key = word,
                word => drop(row.insert(key.to_owned(), word.into())),
            }
        }
        row
    });
    let mut rows: Vec<Map<String, Json>> = rows.collect();
    match rows.as_mut_slice() {
        [only] if only.len() == 1 && only.contains_key(name) => only.remove(name).unwrap_or(Json::Null),
        _ => rows.into_iter().map(Json::Object).collect(),
    }
}

/// What a document has at a path; null where it has nothing.
#[must_use]
pub fn value_at(document: &Json, path: &SettingPath) -> Json {
    let found = path.segments().iter().try_fold(document, |inner, key| inner.get(&**key));
    found.cloned().unwrap_or(Json::Null)
}

/// Puts a value at a path of a merge patch.
pub fn put(patch: &mut Map<String, Json>, path: &SettingPath, value: Json) {
    let Some((last, above)) = path.segments().split_last() else { return };
    let mut map = patch;
    for key in above {
        let inner = map.entry(key.to_string()).or_insert_with(|| Json::Object(Map::new()));
        if !inner.is_object() {
            *inner = Json::Object(Map::new());
        }
        let Json::Object(inner) = inner else { return };
        map = inner;
    }
    map.insert(last.to_string(), value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_a_number_however_it_is_led() {
        let number = json!({"type": ["integer", "null"]});
        for (typed, is) in [
            ("007", json!(7)),
            ("-05", json!(-5)),
            ("0", json!(0)),
            ("00", json!("00")),
            ("0,5", json!(0.5)),
            ("-", json!("-")),
            ("0x7", json!("0x7")),
        ] {
            assert_eq!(scalar(&number, typed), is, "{typed}");
        }
        assert_eq!(scalar(&json!({"type": ["string", "integer"]}), "007"), json!("007"));
    }

    #[test]
    fn what_is_typed_back_is_what_it_was() {
        let code = json!({"type": ["string", "integer", "null"], "x-code": "text"});
        let account = json!({"type": ["integer", "string", "object", "array", "null"], "x-days": "account"});
        let list = json!({"type": ["array", "null"], "items": {"type": "string"}});
        for (schema, value) in [
            (&code, json!("007")),
            (&code, json!("NO")),
            (&json!({"type": "boolean"}), json!(false)),
            (&json!({"type": ["number", "null"]}), json!(2.5)),
            (&json!({"type": ["number", "null"]}), json!(0.25)),
            (&json!({"type": "string", "format": "date"}), json!("2026-01-01")),
            (&json!({"type": "string", "maxLength": 10000}), json!("a\n\n b ")),
            (&list, json!(["SE", "NO"])),
            (
                &account,
                json!([{"account": "3111", "until": "2025-12-31"}, {"account": "3112", "from": "2026-01-01"}]),
            ),
            (
                &json!({"type": "object", "x-secret": true}),
                json!({"secret": "env/NAME", "fingerprint": null}),
            ),
        ] {
            let found = Value::from_json(&value);
            let kind = kind(schema, Some(&found), None);
            assert!(can_be_typed(&found), "{found}");
            let back = read(kind, schema, &typed_form(kind, schema, Some(&found)));
            let expected = if kind == Kind::Secret { json!({"secret": "env/NAME"}) } else { value };
            assert_eq!(back, expected, "{kind:?}");
        }
        assert!(!can_be_typed(&Value::Text("a\0".to_owned())));
        assert!(can_be_typed(&Value::Text("a\u{200b}".to_owned())), "it can be typed anew without it");
    }

    #[test]
    fn countries_and_rates_are_called_so() {
        let rates = r"^(0|[1-9][0-9]?(\.[0-9]{0,2}[1-9])?)$";
        for (names, expected) in [
            (json!({"enum": ["DE", "FI", "XI"]}), Some("map.country")),
            (json!({"pattern": "^[A-Z]{2}$", "not": {"enum": ["EL", "UK"]}}), Some("map.country")),
            (json!({"pattern": rates}), Some("map.rate")),
            (json!({"pattern": "^[A-Z]{3}$"}), None),
            (json!({"pattern": "^[a-z][a-z0-9_]*$"}), None),
            (json!({"pattern": "^(b2c|b2b)(-(home|EU|outside|[A-Z]{2}))?$"}), None),
            (json!({"enum": ["AX", "IC", "EA"]}), None),
            (json!({"minLength": 1}), None),
            (Json::Null, None),
        ] {
            assert_eq!(common(&names), expected, "{names}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_handed_on() {
        let number = json!({"type": ["number", "null"]});
        assert_eq!(read(Kind::Number, &number, &["2,5".to_owned()]), json!(2.5));
        assert_eq!(read(Kind::Number, &number, &["many".to_owned()]), json!("many"));
        assert_eq!(read(Kind::Number, &number, &[String::new()]), Json::Null);
        let account = json!({"x-days": "account"});
        assert_eq!(read(Kind::Days, &account, &["3111".to_owned()]), json!("3111"));
    }

    #[test]
    fn none_of_several_is_not_set_unless_some_are_by_default() {
        let none: &[String] = &[];
        let unset = &[String::new()];
        for schema in [json!({}), json!({"default": []}), json!({"default": ["a"], "minItems": 1})] {
            assert_eq!(read(Kind::Multi, &schema, none), Json::Null, "{schema}");
            assert_eq!(typed_form(Kind::Multi, &schema, None), none);
        }
        let some = json!({"default": ["a"]});
        assert_eq!(read(Kind::Multi, &some, none), json!([]), "none of them is meant");
        assert_eq!(read(Kind::Multi, &some, unset), Json::Null);
        assert_eq!(typed_form(Kind::Multi, &some, None), unset);
        // Whoever chooses one need not take the other mark away.
        assert_eq!(read(Kind::Multi, &some, &[String::new(), "b".to_owned()]), json!(["b"]));
    }
}
