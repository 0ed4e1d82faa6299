//! Values of the right type that do not fit: not one of those that are allowed, out of bounds, of another form.

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::context::Place;
use super::refusal::{Refusal, refused};
use super::wording::{fallback, quoted, range};
use super::wrong_type::wrong_type;
use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::{Edit, Finding, Fix, list_words, nearest};
use crate::model::Value;
use crate::model::credential::is_in_url;
use crate::schema::keywords::text;
use crate::schema::{exact, same, suggest};
use crate::source::Span;
use crate::yaml;

pub(super) fn finding(kind: &Kind, place: &Place<'_>) -> Finding {
    let said = place.holder.map_or("", |holder| text(holder, "x-message"));
    let value = place.quotable.then(|| quoted(place.node)).flatten();
    let value = value.as_deref();
    let name = place.name.as_str();
    let at = place.node.span;
    let written = place.node.as_text().filter(|_| place.quotable).unwrap_or_default();
    let unfit = |general: String, help: String| {
        let why = if said.is_empty() { general } else { said.to_owned() };
        codes::unfit_value(name, value, &why, at).help(help)
    };
    let within = |bound: &str| match range(place.holder) {
        Some(range) => format!("write a number {range}"),
        None => format!("write a number of {bound}"),
    };
    match kind {
        Kind::Custom { keyword, message: limit } => match exact::keyword(keyword) {
            "minimum" => unfit(format!("the least is {limit}"), within(&format!("at least {limit}"))),
            "maximum" => unfit(format!("the most is {limit}"), within(&format!("at most {limit}"))),
            "exclusiveMinimum" => {
                unfit(format!("must be more than {limit}"), format!("write a number above {limit}"))
            }
            "exclusiveMaximum" => {
                unfit(format!("must be less than {limit}"), format!("write a number below {limit}"))
            }
            "multipleOf" => {
                unfit(format!("must be a multiple of {limit}"), format!("write a multiple of {limit}"))
            }
            _ => codes::value_not_allowed(name, value, "not one of the allowed values", at)
                .help("write a value that the schema allows, with all of its digits"),
        },
        Kind::Type { kind } => wrong_type(kind, place),
        Kind::Enum { options } => {
            not_one_of(options.as_array().map_or(&[], Vec::as_slice), place, value, said)
        }
        Kind::Constant { expected_value } => {
            not_one_of(std::slice::from_ref(expected_value.as_ref()), place, value, said)
        }
        Kind::Pattern { .. } if !place.foreign && place.node.as_text().is_some_and(is_in_url) => {
            codes::unfit_value(name, None, "this address holds a user and a password", at)
                .help("take `user:password@` out of the address, and change the password if the file was ever shared")
        }
        Kind::Pattern { pattern } if pattern == "^[0-9]+$" => {
            unfit("this is not a number".to_owned(), fallback(place))
        }
        Kind::Pattern { pattern } if said.is_empty() && place.holder.and_then(suggest::example).is_none() => {
            unfit(
                "this does not have the form that is needed".to_owned(),
                match place.holder.and_then(|holder| suggest::suggest(written, holder)) {
                    Some(mended) => format!("write `{mended}`"),
                    None => format!("write it so that it fits `{pattern}`"),
                },
            )
        }
        Kind::Pattern { .. } => {
            unfit("this does not have the form that is needed".to_owned(), fallback(place))
        }
        Kind::Format { format } if format == "date" => unfit(form(format), suggest::date(written)),
        Kind::Format { format } => unfit(form(format), fallback(place)),
        Kind::MinLength { limit: 1 } => {
            let what = if place.item.is_some() { "take it out of the list" } else { "take the line away" };
            codes::empty_text(name, at).help(format!("write what is meant, or {what}"))
        }
        Kind::MinLength { limit } => {
            unfit(format!("has at least {limit} characters"), format!("write at least {limit} characters"))
        }
        Kind::MaxLength { limit } => {
            unfit(format!("has at most {limit} characters"), format!("shorten it to {limit} characters"))
        }
        Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
            let rows = if matches!(kind, Kind::MinItems { .. }) { "value" } else { "row" };
            let required = |key: &str| place.holder.is_some_and(|holder| holder.get(key).is_some());
            let or_not = if required("x-required") || required("x-required-unless") {
                ""
            } else {
                ", or take the line away"
            };
            codes::unfit_list(name, "is empty", at).help(format!("write at least one {rows}{or_not}"))
        }
        Kind::MinItems { limit } | Kind::MinProperties { limit } => {
            codes::unfit_list(name, &format!("has fewer than {limit} entries"), at)
                .help(format!("write at least {limit}"))
        }
        Kind::MaxItems { limit } | Kind::MaxProperties { limit } => {
            codes::unfit_list(name, &format!("has more than {limit} entries"), at)
                .help(format!("keep at most {limit}"))
        }
        Kind::UniqueItems => repeated(place),
        Kind::Contains => {
            codes::unfit_list(name, "lacks an item that it must have", at).help(contained(place))
        }
        Kind::AdditionalItems { limit } => {
            let surplus = place.node.as_list().and_then(|items| items.get(*limit));
            too_many(name, surplus.map_or(at, |item| item.span))
        }
        Kind::UnevaluatedItems { .. } => {
            codes::unfit_list(name, "has more items than are known", at).help("take the last items away")
        }
        Kind::FalseSchema if place.item.is_some() && said.is_empty() => too_many(name, at),
        Kind::FalseSchema => codes::unfit_combination(
            &format!("`{name}` may not stand here"),
            if said.is_empty() { "nothing may stand here" } else { said },
            place.key,
        )
        .help("take it away"),
        Kind::Not { .. } => match Refusal::of(place.holder, written) {
            Some(Refusal { why, meant }) => {
                refused(codes::unfit_value(name, value, why, at), meant, at, fallback(place))
            }
            None => unfit("exactly this is not allowed".to_owned(), fallback(place)),
        },
        other => unfit(format!("the rule `{}` does not hold", other.keyword()), fallback(place)),
    }
}

/// The item that a list must have, as far as the schema names it.
fn contained(place: &Place<'_>) -> String {
    let item = place.holder.and_then(|holder| holder.get("contains"));
    let one = item.and_then(|item| item.get("const")).map(std::slice::from_ref);
    let some = item.and_then(|item| item.get("enum")?.as_array()).map(Vec::as_slice);
    match one.or(some) {
        Some(_) if !place.quotable => "add the item that the schema names".to_owned(),
        Some([one]) => format!("add `{}`", flow(one)),
        Some(some) => {
            let shown: Vec<String> = some.iter().map(|value| format!("`{}`", flow(value))).collect();
            format!("add one of {}", list_words(&shown, "or"))
        }
        None => match item.and_then(|item| item.get("type")).and_then(Json::as_str) {
            Some("object") => "add an item that is a map as the schema describes it".to_owned(),
            Some("string") => "add an item that is a text as the schema describes it".to_owned(),
            _ => "add an item as the schema describes it".to_owned(),
        },
    }
}

/// The first item of a list that it has no place for.
fn too_many(name: &str, surplus: Span) -> Finding {
    codes::unfit_list(name, "has more items than it may have", surplus)
        .help("take this item away, and those after it")
}

/// The item that a list holds twice, where both stand.
fn repeated(place: &Place<'_>) -> Finding {
    let items = place.node.as_list().unwrap_or_default();
    let pair = same::repeated(items);
    let Some((first, again)) = pair else {
        return codes::unfit_list(&place.name, "has the same item more than once", place.node.span)
            .help("take one of them away");
    };
    codes::unfit_list(&place.name, "has the same item more than once", again.span)
        .related(first.span, "it stands here already")
        .help("take one of them away")
}

pub(super) fn not_one_of(options: &[Json], place: &Place<'_>, value: Option<&str>, said: &str) -> Finding {
    if !place.quotable && place.foreign {
        let why = if said.is_empty() { "not one of the allowed values" } else { said };
        let help = match options {
            [_] => "write the value that the schema names",
            _ => "write one of the values that the schema names",
        };
        return codes::value_not_allowed(&place.name, None, why, place.node.span).help(help);
    }
    let texts: Vec<&str> = options.iter().filter_map(Json::as_str).collect();
    let shapes = options.iter().any(|option| option.is_object() || option.is_array());
    let labels = place.holder.and_then(|holder| holder.get("x-labels"));
    let shown: Vec<String> = options
        .iter()
        .filter(|option| !option.is_null())
        .map(|option| {
            let written = match option {
                Json::String(text) if place.foreign => flow_text(text),
                Json::Object(_) | Json::Array(_) => flow(option),
                _ => Value::from_json(option).to_string().replace('"', ""),
            };
            match labels.and_then(|labels| labels.get(&written)?.as_str()) {
                Some(label) if options.len() <= 10 => format!("`{written}` ({label})"),
                _ => format!("`{written}`"),
            }
        })
        .collect();
    let at = place.node.span;
    if let Some(items) = place.node.as_list().filter(|_| !shapes) {
        if place.item.is_some() {
            return codes::wrong_type(&place.name, "one value", "a list within the list", at)
                .help("take the inner brackets away, so that its values are items of the list itself");
        }
        let one = items.first().filter(|_| items.len() == 1 && place.quotable).and_then(quoted);
        let help = match one {
            Some(one) => format!("write {one}, without brackets"),
            None => codes::one_of(&shown),
        };
        return codes::wrong_type(&place.name, "one value", "a list", at).help(help);
    }
    if place.node.as_map().is_some() && !shapes {
        return codes::wrong_type(&place.name, "one value", "a map", at).help(codes::one_of(&shown));
    }
    let written = place.node.as_text().unwrap_or_default();
    if let Some(refusal) = Refusal::of(place.holder, written) {
        let finding = codes::value_not_allowed(&place.name, value, refusal.why, at);
        return refused(finding, refusal.meant, at, codes::one_of(&shown));
    }
    if let Some(all) = several(written, &texts).filter(|_| place.item.is_some()) {
        let why = "several values stand in one";
        let finding = codes::value_not_allowed(&place.name, value, why, at);
        return finding.help(format!("write each as an item of its own: `{}`", all.join("`, `")));
    }
    let mended = place.holder.and_then(|holder| suggest::suggest(written, holder));
    let near = mended.or_else(|| nearest(written, texts.iter().copied()).map(str::to_owned));
    let near = near.filter(|_| !written.is_empty());
    let why = match &near {
        Some(near) => format!("did you mean `{near}`?"),
        None if said.is_empty() => "not one of the allowed values".to_owned(),
        None => said.to_owned(),
    };
    let finding = codes::value_not_allowed(&place.name, value, &why, at);
    if let Some(option) = options.iter().find(|option| !option.is_string() && format!("{option}") == written)
    {
        return finding.help(format!("write `{option}`, without quotes"));
    }
    // `2` where only the text "2" is possible.
    if let yaml::NodeKind::Number(written) = &place.node.kind
        && place.quotable
        && texts.contains(&&**written)
    {
        let help = format!("put it in quotes: `\"{written}\"`");
        return finding.help(help).fix("put it in quotes", at, format!("\"{written}\""));
    }
    let Some(near) = near else { return finding.help(codes::one_of(&shown)) };
    let mut finding = finding.help(if (2..=10).contains(&shown.len()) {
        format!("write `{near}`; allowed are {}", list_words(&shown, "and"))
    } else {
        format!("write `{near}`")
    });
    finding.fix = Some(Fix {
        message: format!("write `{near}`"),
        edits: vec![Edit { span: at, text: near }],
        safe: false,
    });
    finding
}

/// The values of which a text holds several, with marks between them.
fn several<'t>(written: &'t str, known: &[&str]) -> Option<Vec<&'t str>> {
    let parts: Vec<&str> =
        written.split([',', ';', '|', '/', ' ']).map(str::trim).filter(|part| !part.is_empty()).collect();
    (parts.len() > 1 && parts.iter().all(|part| known.contains(part))).then_some(parts)
}

/// As YAML that fits on one line.
pub(super) fn flow(json: &Json) -> String {
    match json {
        Json::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", flow_text(key), flow(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::String(text) => flow_text(text),
        other => other.to_string(),
    }
}

/// A text, in quotes where it would be read as something else without them.
fn flow_text(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let word = ["null", "true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word));
    if starts && !word && text.bytes().all(plain) { text.to_owned() } else { Json::from(text).to_string() }
}

fn form(format: &str) -> String {
    match format {
        "date" => "a date is written YYYY-MM-DD, and must exist in the calendar".to_owned(),
        "email" => "this is not an e-mail address".to_owned(),
        "uri" => "this is not a full address such as https://example.com/".to_owned(),
        other => format!("this does not have the form of a {other}"),
    }
}
