//! Keys that a map does not have: misspelt, misplaced, of another pair, or of a form that keys do not have here.

use jsonschema::ValidationError;
use serde_json::Value as Json;

use super::context::{Context, Place};
use super::credential::is_credential;
use super::refusal::{Refusal, refused};
use super::wording::shortened;
use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::{Edit, Finding, Fix, Label, list_words, nearest};
use crate::model::countries;
use crate::model::credential::sounds_secret;
use crate::model::customers::Kind;
use crate::schema::keywords::{had_name, text};
use crate::schema::pair::Category;
use crate::schema::pointer::{about, escape, segments};
use crate::schema::repair::Move;
use crate::schema::{built_in, suggest};
use crate::source::Span;
use crate::yaml::{Node, NodeKind};

/// So many known keys are looked through for what was meant by an unknown one: no map that a person writes has more.
const LOOKED_THROUGH: usize = 500;

/// Of the keys of a map that it does not have: those that `<<` brought are one mistake, made where it stands.
pub(super) fn unknown_keys(
    context: &Context<'_>,
    place: &Place<'_>,
    keys: &[String],
    pointer: &str,
    moves: &mut Vec<Move>,
) -> Vec<Finding> {
    let whole = place.node.span;
    let is_brought = |key: &&String| {
        let at = place.node.as_map().and_then(|map| map.get(key)).map(|entry| entry.key.span);
        // A category that has a file of its own has no key that is written.
        at.is_some_and(|at| {
            at.file == whole.file && at.start < at.end && (at.end <= whole.start || whole.end <= at.start)
        })
    };
    // A document whose parts come from several files has no end of its own.
    let (brought, own): (Vec<&String>, Vec<&String>) = if pointer.is_empty() {
        (Vec::new(), keys.iter().collect())
    } else {
        keys.iter().partition(is_brought)
    };
    let mut findings = Vec::new();
    if !brought.is_empty() {
        let names: Vec<String> = brought.iter().map(|key| format!("`{key}`")).collect();
        let first =
            place.node.as_map().and_then(|map| map.entries().iter().map(|entry| entry.key.span).min());
        // A map begins where its first key stands, `<<` among them.
        let begins = first.is_none_or(|first| first.start != whole.start) && whole.start < whole.end;
        let mark = Span { end: (whole.start + 2).min(whole.end), ..whole };
        let at = if begins && place.item.is_none() { mark } else { place.key };
        let kind = if context.words.pair.is_some() { "setting" } else { "key" };
        let finding = codes::unknown_keys_merged(kind, &names, &context.container(pointer), at);
        findings.push(finding.about(about(context.words.integration, pointer)));
    }
    findings.extend(own.iter().filter_map(|key| unknown_key(context, place, key, pointer, moves)));
    findings
}

fn unknown_key(
    context: &Context<'_>,
    place: &Place<'_>,
    key: &str,
    pointer: &str,
    moves: &mut Vec<Move>,
) -> Option<Finding> {
    let entry = place.node.as_map()?.get(key)?;
    if entry.value.is_hole() {
        return None;
    }
    let segments = segments(pointer);
    let depth: Vec<&str> = segments.iter().map(String::as_str).collect();
    let kind = match depth[..] {
        _ if context.words.pair.is_none() => "key",
        ["settings"] => "category",
        ["settings", ..] => "setting",
        ["flows"] => "flow",
        ["connectors"] => "connector",
        ["connectors", _, "connections", _] => "field",
        _ => "key",
    };
    let at = entry.key.span;
    let mut finding = codes::unknown_key(kind, key, &context.container(pointer), at);
    finding.about = about(context.words.integration, &format!("{pointer}/{}", escape(key)));
    if is_credential(place) {
        return Some(finding.help("write the reference as `{secret: env/NAME}` or `{secret: file/PATH}`"));
    }
    if let Some((finding, value)) = cron(&finding, &entry.value, &depth) {
        let finding = finding.fix("write the interval", at.to(entry.value.span), format!("every: {value}"));
        let to = segments.iter().cloned().chain(["every".to_owned()]).collect();
        let value = Some(NodeKind::Text(value.into()));
        let from = segments.iter().cloned().chain([key.to_owned()]).collect();
        moves.push(Move { from, to, finding: Some(finding.clone()), value, all: None });
        return Some(finding);
    }
    let known = place.holder.and_then(|holder| holder.get("properties")).and_then(Json::as_object);
    let known = known.into_iter().flatten().map(|(key, schema)| (key.as_str(), schema));
    let known: Vec<(&str, &Json)> = known.take(LOOKED_THROUGH).collect();
    let from = || segments.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
    if let Some((name, _)) = known.iter().find(|(_, schema)| had_name(schema, key)) {
        let present = place.node.as_map().and_then(|map| map.get(name));
        let free = present.is_none_or(|present| present.key.span.file != at.file);
        let about = std::mem::take(&mut finding.about);
        let finding = codes::setting_renamed(key, name, free, at).about(about);
        let to = segments.iter().cloned().chain([(*name).to_owned()]).collect();
        moves.extend(present.is_none().then(|| Move {
            from: from(),
            to,
            finding: Some(finding.clone()),
            value: None,
            all: None,
        }));
        return Some(finding);
    }
    if let Some((finding, to, value)) = no_space(&finding, key, &entry.value, &known) {
        let to = segments.iter().cloned().chain([to]).collect();
        let all = Some("put a space after each of these colons".to_owned());
        moves.push(Move { from: from(), to, finding: Some(finding.clone()), value: Some(value), all });
        return Some(finding);
    }
    // A slip in the name of a flow or connector is more likely than a setting among them.
    let is_slip = ["flow", "connector"].contains(&kind) && meant(key, &known).is_some();
    if let Some((to, help)) = elsewhere(context, kind, key, &depth, &entry.value).filter(|_| !is_slip) {
        let all = together(&to);
        let finding = finding.help(help);
        let moved = Move { from: from(), to, finding: Some(finding.clone()), value: None, all };
        moves.push(moved);
        return Some(finding);
    }
    // What only a base declares was not meant to be declared twice.
    let free = |known: &str| {
        let present = place.node.as_map().and_then(|map| map.get(known));
        present.is_none_or(|present| present.key.span.file != at.file)
    };
    let unused: Vec<(&str, &Json)> = known.iter().copied().filter(|(known, _)| free(known)).collect();
    if let Some(near) = by_keys(&entry.value, &unused).or_else(|| meant(key, &fitting(&entry.value, &unused)))
    {
        finding.primary = Label::new(at, format!("did you mean `{near}`?"));
        // A category that has a file of its own is called as the file is.
        let by_file = at.start == at.end && kind == "category";
        finding.fix = (!by_file).then(|| Fix {
            message: format!("write `{near}`"),
            edits: vec![Edit { span: at, text: near.to_owned() }],
            safe: false,
        });
        let finding = if by_file {
            finding.help(format!(
                "rename the file to `{near}.yaml`: a category's file is called as the category"
            ))
        } else {
            finding.help(format!("write `{near}`"))
        };
        let to = segments.iter().cloned().chain([near.to_owned()]).collect();
        moves.push(Move { from: from(), to, finding: Some(finding.clone()), value: None, all: None });
        return Some(finding);
    }
    if let Some(rows) = rows_for(key, &entry.value, &unused).filter(|_| !sounds_secret(key)) {
        let finding = finding.help(format!("write a line `{rows}:` above it, and indent it below that line"));
        let to = segments.iter().cloned().chain([rows.to_owned(), key.to_owned()]).collect();
        let all = Some(format!("write a line `{rows}:` above them, and indent them below that line"));
        moves.push(Move { from: from(), to, finding: Some(finding.clone()), value: None, all });
        return Some(finding);
    }
    if let (Some(pair), "key", []) = (context.words.pair, kind, &depth[..]) {
        let categories: Vec<(&str, &Json)> =
            pair.settings.iter().map(|category| (category.id.as_str(), &*category.schema)).collect();
        if let Some(near) = meant(key, &categories) {
            let finding = finding.help(format!("write it as `{near}`, under `settings`"));
            let to = vec!["settings".to_owned(), near.to_owned()];
            moves.push(Move { from: from(), to, finding: Some(finding.clone()), value: None, all: None });
            return Some(finding);
        }
    }
    if let Some(help) = credential_elsewhere(context, key, &depth) {
        finding.primary = Label::new(at, "a field of a connection");
        return Some(finding.help(help));
    }
    if let Some((label, help)) = not_offered(context, kind, key, &depth) {
        finding.primary = Label::new(at, label);
        return Some(finding.help(help));
    }
    let unused_maps = known;
    let unused: Vec<String> = unused
        .iter()
        .filter(|(known, _)| place.node.get(known).is_none())
        .map(|(known, _)| format!("`{known}`"))
        .collect();
    if let Some(home) = within(key, &unused_maps) {
        return Some(finding.help(format!("move it under `{home}`")));
    }
    Some(match unused.as_slice() {
        [] => finding.help(format!("take `{key}` away")),
        [one] => finding.help(format!("take it away, or write {one}")),
        _ => finding.help(format!("take it away, or write one of {}", shortened(&unused))),
    })
}

/// The one map beside it that has a key of this name.
fn within<'a>(key: &str, known: &[(&'a str, &Json)]) -> Option<&'a str> {
    let has = |schema: &Json| schema.get("properties").is_some_and(|keys| keys.get(key).is_some());
    let mut found = known.iter().filter(|(_, schema)| has(schema)).map(|(name, _)| *name);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// `every:15m` in braces, where YAML reads the whole as a key: what to say, the key that was meant, and its value.
fn no_space(
    finding: &Finding,
    key: &str,
    value: &Node,
    known: &[(&str, &Json)],
) -> Option<(Finding, String, NodeKind)> {
    let (name, text) = key.split_once(':').filter(|_| value.is_null())?;
    known.iter().find(|(known, _)| *known == name)?;
    let at = finding.primary.span;
    let mended = format!("{name}: {text}");
    let finding = Finding { primary: Label::new(at, "no space follows the colon"), ..finding.clone() };
    let finding = finding.note("without a space the whole is one key").help(format!("write `{mended}`")).fix(
        "put a space after the colon",
        at,
        mended,
    );
    Some((finding, name.to_owned(), NodeKind::Text(text.into())))
}

/// The map of rows that an entry was meant to stand in, where one takes it; of several, the one that the others are named after.
fn rows_for<'a>(key: &str, value: &Node, known: &[(&'a str, &Json)]) -> Option<&'a str> {
    let row = serde_json::json!({ key: value.to_json() });
    let takes = |schema: &Json| {
        ["additionalProperties", "patternProperties"]
            .iter()
            .any(|rows| schema.get(rows).is_some_and(Json::is_object))
            && schema.get("propertyNames").or_else(|| schema.get("patternProperties")).is_some()
            && jsonschema::options().build(schema).is_ok_and(|validator| validator.is_valid(&row))
    };
    let fitting: Vec<&str> =
        known.iter().filter(|(_, schema)| takes(schema)).map(|(name, _)| *name).collect();
    let shortest = fitting.iter().copied().min_by_key(|name| name.len())?;
    fitting.iter().all(|name| name.ends_with(shortest)).then_some(shortest)
}

/// A rule's interval that is written as for cron: what to say, and the interval.
fn cron(finding: &Finding, value: &Node, depth: &[&str]) -> Option<(Finding, String)> {
    let ["schedules", _] = depth else { return None };
    let written = value.as_text()?;
    let fields: Vec<&str> = written.split_whitespace().collect();
    let is_cron =
        written.starts_with('@') || (fields.len() >= 5 && fields.iter().all(|field| !field.contains(':')));
    if !is_cron {
        return None;
    }
    let note = "a rule has an interval, or the rule that it runs after";
    let finding = finding.clone().note(note);
    Some(match suggest::of_cron(written) {
        Some(interval) => (finding.help(format!("write `every: {interval}`")), interval),
        None => {
            let help = "write `every:` with minutes, hours or days, such as `15m`, `1h` or `1d`; a time of day cannot be chosen";
            (finding.help(help), "1d".to_owned())
        }
    })
}

/// A setting or category that stands in another place than its own: where it was meant, and what to do.
fn elsewhere(
    context: &Context<'_>,
    kind: &str,
    key: &str,
    depth: &[&str],
    value: &Node,
) -> Option<(Vec<String>, String)> {
    let pair = context.words.pair?;
    let to = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    if let ["connectors", connector] = depth
        && value.as_map().is_some_and(|map| {
            map.entries().iter().any(|entry| is_of_connection(context, connector, &entry.key.text))
        })
    {
        let help = format!("move it under `connections:`, which holds the connections of `{connector}`");
        return Some((to(&["connectors", connector, "connections", key]), help));
    }
    if depth.is_empty() && value.as_map().is_some() && pair.connector(key).is_some() {
        return Some((
            to(&["connectors", key]),
            format!("move it under `connectors`: `{key}` is a connector"),
        ));
    }
    if depth.is_empty() && OF_PROJECT.contains(&key) {
        let help = format!("move it to pairform.yaml: `{key}` is of the whole project");
        return Some((Vec::new(), help));
    }
    if let Some((category, setting)) = key.split_once('.')
        && let Some(category) = pair.settings.iter().find(|one| one.id == category)
        && category.settings.iter().any(|one| one.path.to_string() == setting)
    {
        let help = format!("write it as `{setting}:` under `settings.{}`", category.id);
        let path = setting.split('.').map(str::to_owned);
        return Some((to(&["settings", &category.id]).into_iter().chain(path).collect(), help));
    }
    if kind == "category" {
        if let Some((_, why)) = pair.hidden.iter().find(|(hidden, _)| hidden == key) {
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            let help = format!("take it away; {} does not have this category{why}", pair.title);
            return Some((Vec::new(), help));
        }
        if let Some(other) = pair.others.iter().find(|other| other.id == key) {
            let help = format!("move `{key}` to the top of the document, beside `settings`");
            return Some((to(&[&other.id]), help));
        }
    }
    if kind == "key" {
        if let Some(category) = pair.settings.iter().find(|category| category.id == key) {
            let help = format!("move it under `settings`: `{key}` is a category");
            return Some((to(&["settings", &category.id]), help));
        }
        if pair.hidden.iter().any(|(hidden, _)| hidden == key) {
            let help = format!("take it away; {} does not have this category", pair.title);
            return Some((Vec::new(), help));
        }
    }
    if kind == "field" {
        return None;
    }
    let has = |category: &&Category| {
        category
            .settings
            .iter()
            .any(|setting| setting.path.segments().first().is_some_and(|first| &**first == key))
    };
    let homes: Vec<_> = pair.settings.iter().filter(has).collect();
    let [home] = homes[..] else {
        let names: Vec<String> =
            homes.iter().map(|home| format!("`settings.{}` ({})", home.id, home.title)).collect();
        let help = format!("move it under {}", list_words(&names, "or"));
        return (!names.is_empty()).then_some((Vec::new(), help));
    };
    let help = format!("move it under `settings.{}`: `{key}` is a setting of {}", home.id, home.title);
    Some((to(&["settings", &home.id, key]), help))
}

/// What to do where several keys of one map are meant to stand elsewhere, all in one place.
fn together(to: &[String]) -> Option<String> {
    let (_, parents) = to.split_last()?;
    (!parents.is_empty()).then(|| format!("move them under `{}`", parents.join(".")))
}

/// Keys of pairform.yaml that people look for in an integration.
const OF_PROJECT: [&str; 6] = ["environments", "safety", "protected", "owners", "secrets", "link"];

fn is_of_connection(context: &Context<'_>, connector: &str, field: &str) -> bool {
    let connector = context.words.pair.and_then(|pair| pair.connector(connector));
    connector.is_some_and(|connector| {
        connector.description.pointer(&format!("/connection/properties/{}", escape(field))).is_some()
    })
}

/// A credential of a connector of the pair that stands outside of `connectors`: where it belongs.
fn credential_elsewhere(context: &Context<'_>, key: &str, depth: &[&str]) -> Option<String> {
    let pair = context.words.pair.filter(|_| sounds_secret(key))?;
    if matches!(depth, ["connectors", _, ..]) {
        return None;
    }
    let has = |id: &&str| is_of_connection(context, id, key);
    let homes: Vec<String> = [&*pair.shop.id, &*pair.erp.id]
        .into_iter()
        .filter(has)
        .map(|id| format!("`connectors.{id}`"))
        .collect();
    let help = format!(
        "move it into a connection under {}, as `{key}: {{secret: env/NAME}}`; revoke this credential if the file was ever shared",
        list_words(&homes, "or")
    );
    (!homes.is_empty()).then_some(help)
}

/// What exists, but not for this pair: what to say at the place, and what to do.
fn not_offered(context: &Context<'_>, kind: &str, key: &str, depth: &[&str]) -> Option<(String, String)> {
    let pair = context.words.pair?;
    match (kind, depth) {
        ("flow", _) => {
            let flows: Vec<String> = pair.flows.iter().map(|flow| format!("`{}`", flow.id)).collect();
            let flows = list_words(&flows, "and");
            let label = format!("not a flow of {}", pair.title);
            Some((label, format!("take it away; the flows of this pair are {flows}")))
        }
        ("connector", _) => {
            let label = format!("not a connector of {}", pair.title);
            let help = format!(
                "take it away; this pair joins `{}` ({}) and `{}` ({})",
                pair.shop.id, pair.shop.title, pair.erp.id, pair.erp.title
            );
            Some((label, help))
        }
        ("key", ["connectors", connector]) => {
            is_of_connection(context, connector, key).then_some(())?;
            let label = "a field of a connection".to_owned();
            Some((label, format!("move it into a connection: `connections: {{production: {{{key}: …}}}}`")))
        }
        ("setting", ["settings", category]) => {
            let owners = built_in::owners_of(category, key)?;
            let label = match owners.as_slice() {
                [] => format!("{} does not have this setting", pair.title),
                owners => {
                    format!("a setting for {} alone", list_words(owners, "and"))
                }
            };
            Some((label, format!("take it away; it has no meaning for {}", pair.title)))
        }
        _ => None,
    }
}

/// Words that people write for the ends of a period.
const OTHER_WORDS: [(&str, &str); 8] = [
    ("to", "until"),
    ("end", "until"),
    ("through", "until"),
    ("valid_to", "until"),
    ("since", "from"),
    ("start", "from"),
    ("starting", "from"),
    ("valid_from", "from"),
];

/// The known key that was meant: near in spelling, the title of one, or part of its name.
fn meant<'a>(key: &str, known: &[(&'a str, &Json)]) -> Option<&'a str> {
    if let Some(near) = nearest(key, known.iter().map(|(known, _)| *known)) {
        return Some(near);
    }
    let fold = |c: char| if matches!(c, ' ' | '-') { '_' } else { c };
    let folded: String = key.trim().chars().flat_map(char::to_lowercase).map(fold).collect();
    let is_key = |title: &str| title.trim().chars().flat_map(char::to_lowercase).map(fold).eq(folded.chars());
    let titled = known.iter().find(|(_, schema)| is_key(text(schema, "title")));
    if let Some((titled, _)) = titled {
        return Some(titled);
    }
    let another = OTHER_WORDS.iter().find(|(written, _)| *written == key);
    if let Some((known, _)) = another.and_then(|(_, word)| known.iter().find(|(known, _)| known == word)) {
        return Some(known);
    }
    let words: Vec<&str> = folded.split('_').collect();
    let alike = |a: &str, b: &str| {
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        // Of more letters than may differ no distance has to be known.
        let is_near = || a.len() > 4 && near_in_length(a, b) && strsim::osa_distance(a, b) <= 1;
        short.len() >= 3 && (long.starts_with(short) || is_near())
    };
    let mut found = known.iter().map(|(known, _)| *known).filter(|known| {
        let number = known.split('_').count();
        if number.abs_diff(words.len()) > 1 {
            return false;
        }
        // A word in common is not enough: every word of the shorter name must be found.
        let is_in_known = |word: &&str| known.split('_').any(|other| alike(word, other));
        let is_in_words = |other: &str| words.iter().any(|word| alike(other, word));
        if words.len() <= number { words.iter().all(is_in_known) } else { known.split('_').all(is_in_words) }
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn near_in_length(a: &str, b: &str) -> bool {
    a.chars().count().abs_diff(b.chars().count()) <= 1
}

/// Those that can be meant by a map: what takes no map is not.
fn fitting<'a>(value: &Node, known: &[(&'a str, &'a Json)]) -> Vec<(&'a str, &'a Json)> {
    let takes_map = |schema: &Json| match schema.get("type") {
        Some(Json::String(one)) => one == "object",
        Some(Json::Array(many)) => many.iter().any(|one| one == "object"),
        _ => true,
    };
    let is_map = value.as_map().is_some_and(|map| !map.is_empty());
    known.iter().copied().filter(|(_, schema)| !is_map || takes_map(schema)).collect()
}

/// The one mapping whose keys have a form of their own that all keys of this map have.
fn by_keys<'a>(value: &Node, known: &[(&'a str, &Json)]) -> Option<&'a str> {
    let map = value.as_map().filter(|map| !map.is_empty())?;
    let takes = |schema: &Json| {
        schema
            .get("propertyNames")
            .is_some_and(|names| map.entries().iter().all(|entry| !suggest::refuses(&entry.key.text, names)))
    };
    let mut found = known.iter().filter(|(_, schema)| takes(schema)).map(|(name, _)| *name);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

pub(super) fn unfit_key(
    context: &Context<'_>,
    place: &Place<'_>,
    inner: &ValidationError<'_>,
    pointer: &str,
) -> Option<Finding> {
    let key = inner.instance().as_str()?.to_owned();
    let entry = place.node.as_map()?.get(&key)?;
    let holder = names_schema(context, place, inner);
    let about = about(context.words.integration, &format!("{pointer}/{}", escape(&key)));
    if let Some(refusal) = Refusal::of(holder, &key) {
        let finding = codes::unfit_key(&key, refusal.why, entry.key.span);
        let meant = refusal.meant.filter(|meant| place.node.get(meant).is_none());
        let otherwise = match refusal.meant {
            Some(meant) => format!("move its rows to `{meant}`, which is there already"),
            None => format!("take `{key}` away"),
        };
        return Some(refused(finding, meant, entry.key.span, otherwise).about(about));
    }
    if let Some((country, postcodes)) = countries::around(place_in(&key)) {
        let why = format!("its addresses are {country}, with the postcode {postcodes}");
        let help = format!("take `{key}` away: a row by country cannot tell it from the rest of {country}");
        return Some(codes::unfit_key(&key, &why, entry.key.span).help(help).about(about));
    }
    let said = holder.map_or("", |holder| text(holder, "x-message"));
    let near = holder.and_then(|holder| {
        let options = holder.get("enum").and_then(Json::as_array).into_iter().flatten();
        let near = nearest(&key, options.filter_map(Json::as_str)).map(str::to_owned);
        suggest::suggest(&key, holder).or(near)
    });
    let why = if said.is_empty() { "keys have another form here" } else { said };
    let finding = codes::unfit_key(&key, why, entry.key.span).about(about);
    Some(match (near, holder.and_then(suggest::example)) {
        (Some(near), _) => {
            let quoted = if near.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                format!("\"{near}\"")
            } else {
                near
            };
            finding.help(format!("write `{quoted}`"))
        }
        (None, Some(example)) => finding.help(format!("write a key such as `{example}`")),
        (None, None) => finding.help("rename the key"),
    })
}

/// The place in a row for a kind of customer, such as `Livigno` in `b2c-Livigno`.
fn place_in(key: &str) -> &str {
    Kind::ALL.iter().find_map(|kind| key.strip_prefix(kind.key())?.strip_prefix('-')).unwrap_or(key)
}

/// The schema that judges the keys of a map.
fn names_schema<'p>(
    context: &'p Context<'_>,
    place: &Place<'p>,
    inner: &ValidationError<'_>,
) -> Option<&'p Json> {
    context.holder(inner).1.or_else(|| place.holder.and_then(|holder| holder.get("propertyNames")))
}
