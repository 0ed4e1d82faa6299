//! Keys that a map does not have: misspelt, misplaced, of another pair, or of a form that keys do not have here.

use jsonschema::ValidationError;
use serde_json::Value as Json;

use super::context::{Context, Place};
use super::credential::is_credential;
use super::guess::{self, Known};
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
use crate::source::names::PROJECT_FILE;
use crate::yaml::{Entry, Node, NodeKind};

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
            let elsewhere = at.end <= whole.start || whole.end <= at.start;
            at.file == whole.file && at.start < at.end && elsewhere && !context.is_moved(at)
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
    if let Some((finding, to, value, all)) = no_space(&finding, key, &entry.value, &known) {
        let to = segments.iter().cloned().chain([to]).collect();
        let all = Some(all.to_owned());
        moves.push(Move { from: from(), to, finding: Some(finding.clone()), value: Some(value), all });
        return Some(finding);
    }
    // What only a base declares was not meant to be declared twice.
    let free = |known: &str| {
        let present = place.node.as_map().and_then(|map| map.get(known));
        present.is_none_or(|present| present.key.span.file != at.file)
    };
    let unused: Vec<Known<'_>> = known.iter().copied().filter(|(known, _)| free(known)).collect();
    let document = context.validator.schema();
    let value = &entry.value;
    let spelled = guess::spelled(key, value, &unused, document);
    let lacking = || guess::lacking(key, place, &unused, document);
    // A category under another name is known by its settings.
    let by_contents = if kind == "category" && spelled.is_none() {
        let settings: Vec<Known<'_>> = unused.iter().copied().filter(|(name, _)| *name != key).collect();
        guess::by_contents(value, &settings)
    } else {
        None
    };
    // A slip in the name of a flow or connector is more likely than a setting among them.
    let is_slip = ["flow", "connector"].contains(&kind)
        && (spelled.is_some() || guess::by_words(key, &known).is_some());
    let is_slip = is_slip || by_contents.is_some() || lacking().is_some();
    if let Some((to, help)) = elsewhere(context, kind, key, &depth, value).filter(|_| !is_slip) {
        let all = together(&to);
        let finding = finding.help(help);
        let moved = Move { from: from(), to, finding: Some(finding.clone()), value: None, all };
        moves.push(moved);
        return Some(finding);
    }
    let near = spelled.or(by_contents).or_else(lacking);
    if near.is_none() && !segments.is_empty() && guess::is_level_too_many(value, place.node, &known) {
        let finding =
            finding.help(format!("take the line `{key}:` away, and move what is below it one level up"));
        let to = segments.clone();
        moves.push(Move { from: from(), to, finding: Some(finding.clone()), value: None, all: None });
        return Some(finding);
    }
    let near = near.or_else(|| guess::worded(key, value, &unused, document));
    let rows = || guess::rows_for(key, value, &unused, document).filter(|_| !sounds_secret(key));
    let rows = if near.is_none() { rows() } else { None };
    let near = near.or_else(|| guess::by_keys(value, &unused, document).filter(|_| rows.is_none()));
    if let Some(near) = near {
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
    if let Some(rows) = rows {
        let finding = finding.help(format!("write a line `{rows}:` above it, and indent it below that line"));
        let to = segments.iter().cloned().chain([rows.to_owned(), key.to_owned()]).collect();
        let all = Some(format!("write a line `{rows}:` above them, and indent them below that line"));
        moves.push(Move { from: from(), to, finding: Some(finding.clone()), value: None, all });
        return Some(finding);
    }
    if let (Some(pair), "key", []) = (context.words.pair, kind, &depth[..]) {
        let categories: Vec<(&str, &Json)> =
            pair.settings.iter().map(|category| (category.id.as_str(), &*category.schema)).collect();
        if let Some(near) = guess::spelled(key, value, &categories, document)
            .or_else(|| guess::worded(key, value, &categories, document))
        {
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
        let finding = finding.help(help);
        moves.extend(in_place_of(context, kind, place, &from(), &finding));
        return Some(finding);
    }
    if let Some(home) = guess::within(key, value, &known, document) {
        return Some(finding.help(format!("move it under `{home}`")));
    }
    let of_others = OF_INTEGRATION.iter().find(|(other, _)| *other == key);
    if let Some((_, help)) =
        of_others.filter(|_| context.words.document == Some(PROJECT_FILE) && depth.is_empty())
    {
        return Some(finding.help(*help));
    }
    let unused: Vec<String> = unused
        .iter()
        .filter(|(known, _)| place.node.get(known).is_none())
        .map(|(known, _)| format!("`{known}`"))
        .collect();
    Some(match unused.as_slice() {
        [] => finding.help(format!("take `{key}` away")),
        [one] => finding.help(format!("take it away, or write {one}")),
        _ => finding.help(format!("take it away, or write one of {}", shortened(&unused))),
    })
}

/// `every:15m` or `every=15m` in braces, where YAML reads the whole as a key: what to say, the key that was meant, its value, and
/// what to do where several are written so.
fn no_space(
    finding: &Finding,
    key: &str,
    value: &Node,
    known: &[Known<'_>],
) -> Option<(Finding, String, NodeKind, &'static str)> {
    let (name, text) = key.split_once([':', '=']).filter(|_| value.is_null())?;
    let name = name.trim_end();
    known.iter().find(|(known, _)| *known == name)?;
    let at = finding.primary.span;
    let is_colon = key[name.len()..].starts_with(':');
    let mended = format!("{name}: {}", text.trim_start());
    let (label, note, fix, all) = if is_colon {
        (
            "no space follows the colon",
            "without a space the whole is one key",
            "put a space after the colon",
            "put a space after each of these colons",
        )
    } else {
        (
            "`=` stands in place of a colon",
            "without a colon and a space the whole is one key",
            "write a colon and a space",
            "write a colon and a space in place of each `=`",
        )
    };
    let finding = Finding { primary: Label::new(at, label), ..finding.clone() };
    let finding = finding.note(note).help(format!("write `{mended}`")).fix(fix, at, mended);
    Some((finding, name.to_owned(), NodeKind::Text(text.trim_start().into()), all))
}

/// A rule's interval that is written as for cron: what to say, and the interval.
fn cron(finding: &Finding, value: &Node, depth: &[&str]) -> Option<(Finding, String)> {
    let ["schedules", _] = depth else { return None };
    let written = value.as_text()?;
    let fields: Vec<&str> = written.split_whitespace().collect();
    let is_clock = written.split_once(':').is_some_and(|(hour, minute)| {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        hour.len() <= 2 && is_number(hour) && minute.split(':').all(is_number)
    });
    let is_cron = is_clock
        || written.starts_with('@')
        || (fields.len() >= 5 && fields.iter().all(|field| !field.contains(':')));
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
    // A key within a row is a slip of its own, unless what stands below it is what the other place takes.
    let is_row = depth.len() > 2 && depth[0] == "settings";
    let takes = |category: &&Category| {
        let schema = category.schema.get("properties").and_then(|keys| keys.get(key));
        !is_row || schema.is_some_and(|schema| guess::would_fit(context, value, schema))
    };
    let homes: Vec<_> = pair.settings.iter().filter(has).filter(takes).collect();
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
const OF_PROJECT: [&str; 10] = [
    "environments",
    "safety",
    "protected",
    "owners",
    "secrets",
    "link",
    "requires",
    "options",
    "reconcile",
    "default_environment",
];

/// Keys of other places that people look for in pairform.yaml, and where they belong.
const OF_INTEGRATION: [(&str, &str); 12] = [
    ("settings", IN_A_BASE),
    ("flows", IN_A_BASE),
    ("connectors", IN_A_BASE),
    ("schedules", IN_A_BASE),
    ("webhooks", IN_A_BASE),
    ("unmanaged", IN_A_BASE),
    ("extends", IN_A_BASE),
    ("integration", IN_AN_INTEGRATION),
    ("pair", IN_AN_INTEGRATION),
    ("integrations", "take it away: an integration is found by its file, below `integrations/`"),
    ("vars", "move it under an environment, or into an integration or a base"),
    ("policy", "take it away: what pairform may reach out to is said outside of the repository"),
];

const IN_A_BASE: &str =
    "move it into an integration or a base: pairform.yaml is about the project as a whole";
const IN_AN_INTEGRATION: &str = "move it into the integration's file, below `integrations/`";

/// A connector of another pair stands where one of this pair is missing: of that one nothing more is told.
fn in_place_of(
    context: &Context<'_>,
    kind: &str,
    place: &Place<'_>,
    from: &[String],
    finding: &Finding,
) -> Option<Move> {
    let pair = context.words.pair.filter(|_| kind == "connector")?;
    let missing = [&*pair.shop.id, &*pair.erp.id].into_iter().filter(|id| place.node.get(id).is_none());
    let missing: Vec<&str> = missing.collect();
    let [one] = missing[..] else { return None };
    let (_, parents) = from.split_last()?;
    let to = parents.iter().cloned().chain([one.to_owned()]).collect();
    let finding = Some(finding.clone());
    Some(Move { from: from.to_vec(), to, finding, value: Some(NodeKind::Hole), all: None })
}

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

pub(super) fn unfit_key(
    context: &Context<'_>,
    place: &Place<'_>,
    (inner, around): (&ValidationError<'_>, Option<&Json>),
    pointer: &str,
    moves: &mut Vec<Move>,
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
    if let Some((finding, one)) = swapped(context, place, entry, holder.zip(around), pointer) {
        let finding = finding.about(about);
        moves.push(Move { finding: Some(finding.clone()), ..one });
        return Some(finding);
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

/// A row whose value is the key that was meant, and whose key is its value: `"3001": 25` for `25: 3001`.
fn swapped(
    context: &Context<'_>,
    place: &Place<'_>,
    entry: &Entry,
    schemas: Option<(&Json, &Json)>,
    pointer: &str,
) -> Option<(Finding, Move)> {
    let (names, around) = schemas?;
    let rows = around.get("additionalProperties")?;
    let (key, written) = (
        &*entry.key.text,
        match &entry.value.kind {
            NodeKind::Text(text) | NodeKind::Number(text) => text.to_string(),
            _ => return None,
        },
    );
    let other = if key.bytes().all(|byte| byte.is_ascii_digit()) {
        NodeKind::Number(key.into())
    } else {
        NodeKind::Text(key.into())
    };
    let value = Node { kind: other.clone(), ..entry.value };
    // Where any text is a value, and any word a key, nothing tells that they were exchanged.
    let anything = Node { kind: NodeKind::Text("?".into()), ..entry.value };
    if names.get("enum").is_none() && guess::would_fit(context, &anything, rows) {
        return None;
    }
    let fits = !suggest::refuses(&written, names)
        && place.node.get(&written).is_none()
        && guess::would_fit(context, &value, rows);
    if !fits {
        return None;
    }
    let why = "the key and the value stand in each other's place";
    let finding = codes::unfit_key(key, why, entry.key.span).help(format!("write `\"{written}\": {key}`"));
    let parents = segments(pointer);
    let with = |last: &str| parents.iter().cloned().chain([last.to_owned()]).collect::<Vec<_>>();
    let all = Some("write the key first and then the value in each of these rows".to_owned());
    Some((finding, Move { from: with(key), to: with(&written), finding: None, value: Some(other), all }))
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
