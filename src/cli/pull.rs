//! `pull`: what is deployed, into the files. Drift is edited in place; an integration without a file gets one.
//!
//! Nothing is written before the edited project was compiled and says exactly what is deployed, a person saw the
//! difference and agreed. Then the store notes that files and deployed settings agree on what was taken, so that the
//! next change in either is told as what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::args::{Common, Form, Pull};
use super::exit::{self, Stop};
use super::project::{self, Project};
use super::streams::Streams;
use super::{apply, deployed, init, planner, rewrite};
use crate::compile::{self, Compiled, Selection, compose};
use crate::diagnostic::{Finding, Severity};
use crate::model::{self, CONNECTORS, FLOWS, Name, SCHEDULES, SettingPath, Settings, Value, WEBHOOKS};
use crate::plan::{FORMAT_VERSION, Origin};
use crate::report::{clean, count, json as machine};
use crate::schema::{Pair, Required};
use crate::source::{SourceFile, Sources};
use crate::store::{self, Deployed, Origin as From, Save, Saved, Store};
use crate::yaml::{self, edit};

/// A setting that is taken: its deployed value, or none when it is not set there.
struct Taken {
    integration: String,
    category: Name,
    path: SettingPath,
    value: Option<Value>,
}

/// A setting that differs and is left as the files have it.
struct Left {
    integration: String,
    setting: String,
    why: String,
}

/// What would be written.
#[derive(Default)]
struct Pulled {
    taken: Vec<Taken>,
    left: Vec<Left>,
    /// Path and new text of each file.
    files: BTreeMap<String, String>,
    notes: Vec<String>,
}

type Rows = BTreeMap<(String, String), Deployed>;

/// Runs the command.
///
/// # Errors
/// When the store cannot be read, an edit cannot be made safely, or the answer was no.
pub fn run(common: &Common, args: &Pull, streams: &mut Streams) -> Result<u8, Stop> {
    let (root, sources) = project::read_tree()?;
    let files = files_of(&sources);
    let (known, new): (Vec<String>, Vec<String>) =
        args.integrations.iter().cloned().partition(|name| files.contains_key(name));
    let adopting = !new.is_empty();
    let mut common = common.clone();
    let pairs = if adopting { std::mem::take(&mut common.pair) } else { Vec::new() };
    common.integration.extend(known.iter().cloned());
    let mut pulled = Pulled::default();
    let selection = project::selection(&common, &root, &sources)?;
    let opened = project::compile_selected(root, sources, selection)?;
    let (_, url) = opened.store(&common)?;
    let Some(mut store) = store::open_existing(&url)? else {
        return Err(Stop::usage("nothing is deployed: there is no store yet"));
    };
    let deployed::Read { rows, renamed } =
        deployed::read(store.as_mut(), &opened.compilation.integrations, None)?;
    let rows: Rows =
        rows.into_iter().map(|row| ((row.integration.clone(), row.category.clone()), row)).collect();
    drop(store);
    if !adopting || !known.is_empty() {
        drift(&common, args, &opened, &files, &rows, &mut pulled)?;
    }
    for name in &new {
        adopt(&common, args, &opened, name, &pairs, &rows, &mut pulled)?;
    }
    let (sources, hidden) = (&opened.sources, &opened.compilation.hidden);
    let diffs = rewrite::show(&common, sources, hidden, &pulled.files, streams);
    let mut recorded = Ok(());
    if !pulled.files.is_empty() {
        rewrite::confirm(&common, args.yes, &pulled.files, streams)?;
        rewrite::write(&opened.root, sources, &pulled.files)?;
        recorded = record(&opened.root, &url, &pulled, &rows, &renamed);
    }
    finish(&common, &pulled, diffs, &recorded, streams);
    recorded.map(|()| exit::OK)
}

/// The paths of each integration's own files.
fn files_of(sources: &Sources) -> BTreeMap<String, Vec<String>> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, file) in compose::files_by_integration(sources) {
        files.entry(name).or_default().push(sources.file(file).path.clone());
    }
    files
}

/// Takes in what was changed outside.
fn drift(
    common: &Common,
    args: &Pull,
    opened: &Project,
    files: &BTreeMap<String, Vec<String>>,
    rows: &Rows,
    pulled: &mut Pulled,
) -> Result<(), Stop> {
    let plan = planner::make(common, opened)?;
    plan.integrations.for_each(&mut |planned| {
        for category in &planned.categories {
            let row = rows.get(&(planned.integration.clone(), category.category.to_string()));
            for change in &category.changes {
                let setting = format!("{}.{}", category.category, change.setting);
                let mut leave = |why: &str| {
                    let integration = planned.integration.clone();
                    pulled.left.push(Left { integration, setting: setting.clone(), why: why.to_owned() });
                };
                match change.origin {
                    Origin::Git => continue,
                    Origin::Both if !args.conflicts => {
                        leave("changed in the files too; --conflicts takes what is deployed");
                        continue;
                    }
                    _ => {}
                }
                let Some(path) = SettingPath::parse(&change.setting) else { continue };
                let value = row.and_then(|row| row.settings.get(&path)).cloned();
                if is_same_reference(change, value.as_ref()) {
                    leave("the secret's value changed, its reference did not");
                    continue;
                }
                pulled.taken.push(Taken {
                    integration: planned.integration.clone(),
                    category: category.category.clone(),
                    path,
                    value,
                });
            }
        }
    });
    edit_files(args, opened, files, pulled)
}

fn is_same_reference(change: &crate::plan::Change, deployed: Option<&Value>) -> bool {
    let Some(Value::Secret(deployed)) = deployed else { return false };
    change.after.get("secret").and_then(Json::as_str) == Some(deployed.reference.as_str())
}

/// Edits the files that own the values, and proves that the project then says what is deployed.
fn edit_files(
    args: &Pull,
    opened: &Project,
    files: &BTreeMap<String, Vec<String>>,
    pulled: &mut Pulled,
) -> Result<(), Stop> {
    let mut kept = Vec::new();
    for taken in std::mem::take(&mut pulled.taken) {
        let Some(compiled) = find(&opened.compilation, &taken.integration) else { continue };
        let own = files.get(&taken.integration).map(Vec::as_slice).unwrap_or_default();
        let done = place(args, opened, compiled, own, &taken)
            .and_then(|place| edit_one(opened, &mut pulled.files, &place, &taken));
        match done {
            Ok(()) => kept.push(taken),
            Err(why) => pulled.left.push(Left {
                integration: taken.integration,
                setting: format!("{}.{}", taken.category, taken.path),
                why,
            }),
        }
    }
    pulled.taken = kept;
    if pulled.files.is_empty() {
        return Ok(());
    }
    // A key that was taken out may uncover a base's value: then it is set to null.
    let after = compile_with(opened, &pulled.files, &names(&opened.compilation));
    let uncovered = pulled
        .taken
        .iter()
        .filter(|taken| taken.value.is_none())
        .filter(|taken| desired(&after, taken).is_some_and(|value| *value != Value::Null));
    let mut again = false;
    for taken in uncovered {
        let own = files.get(&taken.integration).map(Vec::as_slice).unwrap_or_default();
        let place = own_place(own, taken).map_err(refused)?;
        let text = current(opened, &pulled.files, &place.file);
        let keys: Vec<&str> = place.keys.iter().map(String::as_str).collect();
        let text = edit::set(&text, &keys, &Json::Null).map_err(|error| refused(error.to_string()))?;
        pulled.files.insert(place.file, text);
        again = true;
    }
    let after = if again { compile_with(opened, &pulled.files, &names(&opened.compilation)) } else { after };
    if leave_what_is_refused(opened, &after, pulled)? {
        pulled.files.clear();
        return edit_files(args, opened, files, pulled);
    }
    prove(args, opened, &after, pulled)
}

/// Leaves what the files could say but would then be wrong: a deployed value that the schema does not take, or a part of
/// something that is not whole without the rest. True when there is any.
fn leave_what_is_refused(
    opened: &Project,
    after: &compile::Compilation,
    pulled: &mut Pulled,
) -> Result<bool, Stop> {
    let key = |finding: &Finding| (finding.code.id, finding.message.clone(), finding.about.clone());
    let errors = |compilation: &compile::Compilation| -> Vec<Finding> {
        let errors = compilation.findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.cloned().collect()
    };
    let known: Vec<_> = errors(&opened.compilation).iter().map(key).collect();
    let mut new: Vec<Finding> = errors(after);
    new.retain(|finding| !known.contains(&key(finding)));
    let Some(first) = new.first() else { return Ok(false) };
    let before = pulled.taken.len();
    let (mut kept, mut left) = (Vec::new(), Vec::new());
    for taken in std::mem::take(&mut pulled.taken) {
        let about = |finding: &&Finding| {
            let setting = finding.about.setting.as_deref().and_then(SettingPath::parse);
            let mine = finding.about.integration.as_ref() == Some(&taken.integration)
                || finding.also.contains(&taken.integration);
            let touches =
                |setting: &SettingPath| setting.starts_with(&taken.path) || taken.path.starts_with(setting);
            mine && finding.about.category.as_deref() == Some(&*taken.category)
                && setting.as_ref().is_none_or(touches)
        };
        match new.iter().find(about) {
            Some(finding) => left.push(Left {
                why: format!("the files would be wrong: {}", finding.message),
                setting: format!("{}.{}", taken.category, taken.path),
                integration: taken.integration,
            }),
            None => kept.push(taken),
        }
    }
    pulled.taken = kept;
    pulled.left.append(&mut left);
    if pulled.taken.len() == before {
        return Err(refused(format!("they would be wrong: {}", first.message)));
    }
    Ok(true)
}

fn refused(why: String) -> Stop {
    Stop::new(exit::REFUSED, format!("the files cannot be edited safely: {why}; nothing was written"))
}

fn names(compilation: &compile::Compilation) -> Vec<String> {
    compilation.integrations.iter().map(|compiled| compiled.name.clone()).collect()
}

fn find<'a>(compilation: &'a compile::Compilation, name: &str) -> Option<&'a Compiled> {
    compilation.integrations.iter().find(|compiled| compiled.name == name)
}

fn desired<'a>(compilation: &'a compile::Compilation, taken: &Taken) -> Option<&'a Value> {
    find(compilation, &taken.integration)?.configuration.categories.get(&taken.category)?.get(&taken.path)
}

/// Where a value is written, or has to be.
struct Place {
    file: String,
    keys: Vec<String>,
}

/// The file that owns the value; a base or an environment only when that was asked for.
fn place(
    args: &Pull,
    opened: &Project,
    compiled: &Compiled,
    own: &[String],
    taken: &Taken,
) -> Result<Place, String> {
    let origin = compiled.origins.get(&taken.category).and_then(|origins| origins.get(&taken.path));
    let Some(span) = origin.copied() else { return own_place(own, taken) };
    let file = opened.sources.path(span).to_owned();
    if !own.contains(&file) && !args.into_base {
        if file.starts_with("environments/") {
            return Err(format!("{file} sets it and wins over the integration; --into-base edits it there"));
        }
        return own_place(own, taken);
    }
    let root = yaml::parse(&opened.sources, span.file, &mut Vec::new());
    let keys = root.and_then(|root| edit::keys_to(&root, span));
    keys.map(|keys| Place { file, keys }).ok_or_else(|| "its place in the file is not clear".to_owned())
}

/// Where the integration itself would set it.
fn own_place(own: &[String], taken: &Taken) -> Result<Place, String> {
    let below = |prefix: &[&str]| -> Vec<String> {
        let head = prefix.iter().map(|key| (*key).to_owned());
        head.chain(taken.path.segments().iter().map(ToString::to_string)).collect()
    };
    let ending = [format!("/settings/{}.yaml", taken.category), format!("/settings/{}.yml", taken.category)];
    if own.len() > 1
        && let Some(file) = own.iter().find(|file| ending.iter().any(|ending| file.ends_with(ending)))
    {
        return Ok(Place { file: file.clone(), keys: below(&[]) });
    }
    let file = own.first().ok_or_else(|| "the integration has no file".to_owned())?.clone();
    let category = taken.category.as_str();
    let keys = if is_top(category) { below(&[category]) } else { below(&["settings", category]) };
    Ok(Place { file, keys })
}

fn is_top(category: &str) -> bool {
    [CONNECTORS, FLOWS, SCHEDULES, WEBHOOKS].contains(&category)
}

fn current(opened: &Project, files: &BTreeMap<String, String>, path: &str) -> String {
    files.get(path).cloned().unwrap_or_else(|| {
        let file = opened.sources.by_path(path);
        file.map(|file| opened.sources.file(file).text().to_owned()).unwrap_or_default()
    })
}

fn edit_one(
    opened: &Project,
    files: &mut BTreeMap<String, String>,
    place: &Place,
    taken: &Taken,
) -> Result<(), String> {
    let text = current(opened, files, &place.file);
    let keys: Vec<&str> = place.keys.iter().map(String::as_str).collect();
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new(place.file.clone(), text.clone()));
    let root = yaml::parse(&sources, file, &mut Vec::new());
    let old = keys.iter().try_fold(root.as_ref(), |node, key| Some(node?.get(key))).flatten();
    let edited = match (&taken.value, old) {
        (Some(value), old) => edit::set(&text, &keys, &as_written(value, old)),
        (None, Some(_)) => edit::remove(&text, emptied(root.as_ref(), &keys, taken)),
        (None, None) => edit::set(&text, &keys, &Json::Null),
    };
    files.insert(place.file.clone(), edited.map_err(|error| error.to_string())?);
    Ok(())
}

/// The keys to what goes with a setting: the row or group of which it is all there is.
fn emptied<'k>(root: Option<&yaml::Node>, keys: &'k [&'k str], taken: &Taken) -> &'k [&'k str] {
    let category = keys.len() - taken.path.segments().len();
    let mut gone = keys;
    while gone.len() > category + 1 {
        let parent = &gone[..gone.len() - 1];
        let map = parent
            .iter()
            .try_fold(root, |node, key| Some(node?.get(key)))
            .flatten()
            .and_then(yaml::Node::as_map);
        if map.is_none_or(|map| map.len() != 1 || map.replaces()) {
            break;
        }
        gone = parent;
    }
    gone
}

/// The value as a file says it: a code stays a number where it was one.
fn as_written(value: &Value, old: Option<&yaml::Node>) -> Json {
    if let (Value::Text(text), Some(yaml::Kind::Number(_))) = (value, old.map(|node| &node.kind))
        && let Ok(number) = text.parse::<u64>()
        && number.to_string() == *text
    {
        return number.into();
    }
    written(value)
}

fn written(value: &Value) -> Json {
    match value {
        Value::Secret(secret) => json!({"secret": secret.reference}),
        Value::Text(text) => literal(text).into(),
        Value::List(items) => items.iter().map(written).collect(),
        other => other.to_json(),
    }
}

/// A text that is no expression, whatever it holds.
fn literal(text: &str) -> String {
    if !text.contains("{{") && !text.contains("{%") {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('{', Some('{' | '%' | '#')) => out.push_str("{{ '{' }}"),
            _ => out.push(c),
        }
    }
    out
}

/// The project with some files replaced or added, compiled for some integrations.
fn compile_with(
    opened: &Project,
    files: &BTreeMap<String, String>,
    names: &[String],
) -> compile::Compilation {
    let mut all: BTreeMap<&str, SourceFile> = opened
        .sources
        .iter()
        .map(|(_, file)| {
            let copy = match file.fault() {
                Some(fault) => SourceFile::with_fault(file.path.clone(), file.text(), fault.clone()),
                None => SourceFile::new(file.path.clone(), file.text()),
            };
            (file.path.as_str(), copy)
        })
        .collect();
    for (path, text) in files {
        all.insert(path, SourceFile::new(path.clone(), text.clone()));
    }
    let mut sources = Sources::default();
    for (_, file) in all {
        sources.add(file);
    }
    let selection = Selection {
        integrations: names.to_vec(),
        environment: opened.environment.clone(),
        ..Selection::default()
    };
    compile::compile(&sources, &selection)
}

/// Every setting that was taken has its deployed value, and nothing else moved.
fn prove(
    args: &Pull,
    opened: &Project,
    after: &compile::Compilation,
    pulled: &mut Pulled,
) -> Result<(), Stop> {
    let mut others = BTreeSet::new();
    for before in &opened.compilation.integrations {
        let mine: Vec<&Taken> =
            pulled.taken.iter().filter(|taken| taken.integration == before.name).collect();
        let mut expected = before.configuration.categories.clone();
        for taken in &mine {
            let settings = Arc::make_mut(expected.entry(taken.category.clone()).or_default());
            match &taken.value {
                Some(value) => settings.insert(taken.path.clone(), without_fingerprint(value)),
                None => settings.remove(&taken.path),
            };
        }
        let found = find(after, &before.name).map(|compiled| &compiled.configuration.categories);
        let mut found = found.cloned().unwrap_or_default();
        for taken in mine.iter().filter(|taken| taken.value.is_none()) {
            if let Some(settings) = found.get_mut(&taken.category)
                && settings.get(&taken.path) == Some(&Value::Null)
            {
                Arc::make_mut(settings).remove(&taken.path);
            }
        }
        if found == expected {
            continue;
        }
        if mine.is_empty() && args.into_base {
            others.insert(before.name.clone());
            continue;
        }
        let what = expected
            .iter()
            .find_map(|(category, settings)| {
                let found = found.get(category)?;
                let (path, _) = settings.iter().find(|(path, value)| found.get(*path) != Some(*value))?;
                Some(format!("{}: {category}.{path}", before.name))
            })
            .unwrap_or_else(|| before.name.clone());
        return Err(refused(format!("{what} would not be what is deployed")));
    }
    // Those that were not named may extend what is edited too.
    let unnamed: Vec<String> = opened
        .compilation
        .names
        .iter()
        .filter(|name| find(&opened.compilation, name).is_none())
        .cloned()
        .collect();
    if args.into_base && !unnamed.is_empty() {
        let before = compile_with(opened, &rewrite::Files::new(), &unnamed);
        let after = compile_with(opened, &pulled.files, &unnamed);
        let moved = |one: &&Compiled| {
            find(&after, &one.name).map(|other| &other.configuration.categories)
                != Some(&one.configuration.categories)
        };
        others.extend(before.integrations.iter().filter(moved).map(|one| one.name.clone()));
    }
    if !others.is_empty() {
        let list = others.into_iter().collect::<Vec<_>>().join(", ");
        pulled.notes.push(format!("other integrations that extend what is edited change too: {list}"));
    }
    Ok(())
}

fn without_fingerprint(value: &Value) -> Value {
    match value {
        Value::Secret(secret) => {
            Value::Secret(model::Secret { reference: secret.reference.clone(), fingerprint: None })
        }
        other => other.clone(),
    }
}

/// Writes a deployed integration that no file mentions.
fn adopt(
    common: &Common,
    args: &Pull,
    opened: &Project,
    name: &str,
    pairs: &[String],
    rows: &Rows,
    pulled: &mut Pulled,
) -> Result<(), Stop> {
    init::require_name(name)?;
    let mine: BTreeMap<&str, &Deployed> = rows
        .iter()
        .filter(|((integration, _), _)| integration == name)
        .map(|((_, category), row)| (category.as_str(), row))
        .collect();
    if mine.is_empty() {
        let mut known: BTreeSet<&str> = rows.keys().map(|(integration, _)| integration.as_str()).collect();
        known.extend(opened.compilation.names.iter().map(String::as_str));
        project::require_known(
            "integration",
            name,
            &known.into_iter().filter(|known| *known != name).collect::<Vec<_>>(),
        )?;
    }
    let [id] = pairs else {
        return Err(Stop::usage(format!("`{name}` is in no file, and the store does not know its pair"))
            .help(format!("say it: `pairform pull {name} --pair fortnox-shopify`")));
    };
    let pair = opened
        .compilation
        .catalogue
        .pair(id)
        .ok_or_else(|| project::no_pair(id, &opened.compilation.catalogue))?;
    let adopted = Adopted::of(common, name, &pair, &mine, pulled);
    let folder = format!("integrations/{name}");
    for (path, text) in adopted.texts(&folder, args.split) {
        if opened.root.join(&path).exists() {
            return Err(Stop::usage(format!("{path} is there already; nothing was written")));
        }
        pulled.files.insert(path, text);
    }
    let after = compile_with(opened, &pulled.files, &[name.to_owned()]);
    let found = find(&after, name).map(|compiled| &compiled.configuration.categories);
    for taken in pulled.taken.iter().filter(|taken| taken.integration == name) {
        let value =
            found.and_then(|found| found.get(&taken.category)).and_then(|found| found.get(&taken.path));
        if value != taken.value.as_ref().map(without_fingerprint).as_ref() {
            let what = format!("{name}: {}.{} cannot be said in a file", taken.category, taken.path);
            return Err(refused(what));
        }
    }
    let left = crate::report::findings::counts(&after.findings).values().sum::<usize>();
    if left > 0 {
        let findings = count(left, "finding");
        pulled.notes.push(format!(
            "{name}: {findings} to look at; `pairform validate --integration {name}` lists them"
        ));
    }
    Ok(())
}

/// A deployed integration as documents.
struct Adopted {
    head: Map<String, Json>,
    settings: Map<String, Json>,
    tail: Map<String, Json>,
}

impl Adopted {
    fn of(
        common: &Common,
        name: &str,
        pair: &Pair,
        rows: &BTreeMap<&str, &Deployed>,
        pulled: &mut Pulled,
    ) -> Adopted {
        let mut head = Map::new();
        head.insert("integration".to_owned(), name.into());
        head.insert("pair".to_owned(), pair.id.as_str().into());
        if !rows.contains_key(CONNECTORS) {
            head.insert("unmanaged".to_owned(), json!([CONNECTORS]));
        }
        let mut adopted = Adopted { head, settings: Map::new(), tail: Map::new() };
        let flows = rows.get(FLOWS).map(|row| &row.settings);
        let is_on = |id: &String| {
            let path: SettingPath = [id].into_iter().collect();
            match flows.and_then(|flows| flows.get(&path)) {
                Some(value) => *value == Value::Bool(true),
                None => pair.flow(id).is_some_and(|flow| flow.default),
            }
        };
        let mut known = BTreeSet::new();
        for id in [FLOWS, CONNECTORS]
            .into_iter()
            .chain(pair.settings.iter().map(|category| category.id.as_str()).chain([SCHEDULES, WEBHOOKS]))
        {
            known.insert(id);
            let (Some(category), Some(row)) = (pair.category(id), rows.get(id)) else { continue };
            let mut leave = |setting: &str, why: &str| {
                let setting = if setting.is_empty() { id.to_owned() } else { format!("{id}.{setting}") };
                pulled.left.push(Left { integration: name.to_owned(), setting, why: why.to_owned() });
            };
            if !common.category.is_empty() && !common.category.iter().any(|wanted| wanted == id) {
                continue;
            }
            if category.flows.as_ref().is_some_and(|flows| !flows.iter().any(is_on)) {
                leave("", "the flows that use it are off");
                continue;
            }
            let mut document = Map::new();
            for (path, value) in &row.settings {
                let Some(schema) = category.schema_at(path) else {
                    leave(&path.to_string(), &format!("{} has no such setting", pair.id));
                    continue;
                };
                let setting = category.setting(path);
                let required =
                    setting.is_some_and(|setting| matches!(setting.required, Required::Yes { .. }));
                let default = schema.get("default").map(Value::from_json);
                if !required && id != FLOWS && default.as_ref() == Some(value) {
                    continue;
                }
                insert(&mut document, path.segments(), written(value));
                pulled.taken.push(Taken {
                    integration: name.to_owned(),
                    category: id.into(),
                    path: path.clone(),
                    value: Some(value.clone()),
                });
            }
            let home = if !is_top(id) {
                &mut adopted.settings
            } else if [FLOWS, CONNECTORS].contains(&id) {
                &mut adopted.head
            } else {
                &mut adopted.tail
            };
            home.insert(id.to_owned(), Json::Object(document));
        }
        for id in rows.keys().filter(|id| !known.contains(**id)) {
            let why = format!("{} has no such category", pair.id);
            pulled.left.push(Left { integration: name.to_owned(), setting: (*id).to_owned(), why });
        }
        adopted
    }

    fn texts(self, folder: &str, split: bool) -> Vec<(String, String)> {
        let Adopted { mut head, settings, tail } = self;
        if split {
            head.extend(tail);
            let main = (format!("{folder}/integration.yaml"), edit::document(&Json::Object(head)));
            let categories = settings.into_iter();
            let files = categories
                .map(|(id, document)| (format!("{folder}/settings/{id}.yaml"), edit::document(&document)));
            return std::iter::once(main).chain(files).collect();
        }
        if !settings.is_empty() {
            head.insert("settings".to_owned(), Json::Object(settings));
        }
        head.extend(tail);
        vec![(format!("{folder}.yaml"), edit::document(&Json::Object(head)))]
    }
}

fn insert(map: &mut Map<String, Json>, path: &[Box<str>], value: Json) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        map.insert(first.to_string(), value);
        return;
    }
    let inner = map.entry(first.to_string()).or_insert_with(|| Json::Object(Map::new()));
    if let Json::Object(inner) = inner {
        insert(inner, rest, value);
    }
}

/// Notes in the store that the files agree with what is deployed: the base of the next comparison. No setting moves.
///
/// `renamed` are the integrations that the store has under another id.
fn record(
    root: &Path,
    url: &store::Address,
    pulled: &Pulled,
    rows: &Rows,
    renamed: &BTreeMap<String, String>,
) -> Result<(), Stop> {
    let mut bases: BTreeMap<(String, String), Settings> = BTreeMap::new();
    for taken in &pulled.taken {
        let key = (taken.integration.clone(), taken.category.to_string());
        let base = bases
            .entry(key.clone())
            .or_insert_with(|| rows.get(&key).map(|row| row.applied.clone()).unwrap_or_default());
        match &taken.value {
            Some(value) => base.insert(taken.path.clone(), value.clone()),
            None => base.remove(&taken.path),
        };
    }
    let mut store = store::open(url)?;
    let by = apply::who(root);
    for ((integration, category), applied) in &bases {
        let Some(row) = rows.get(&(integration.clone(), category.clone())) else { continue };
        let name = renamed.get(integration).unwrap_or(integration).clone();
        agree(store.as_mut(), &Deployed { integration: name, ..row.clone() }, applied, &by)?;
    }
    Ok(())
}

fn agree(store: &mut dyn Store, row: &Deployed, applied: &Settings, by: &str) -> Result<(), Stop> {
    let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let said = json!(["pull", row.integration, row.category, row.revision, model::to_json(applied)]);
    let run = model::digest_text(&model::canonical_json(said));
    store.begin(&run, &at, by, From::default())?;
    let saved = store.save(&Save {
        integration: &row.integration,
        category: &row.category,
        expected_revision: row.revision,
        settings: &row.settings,
        applied,
        saved_by: by,
        saved_at: &at,
        commit: None,
        run: &run,
        fence: None,
    })?;
    store.finish(&run, &at)?;
    match saved {
        Saved::Conflict { .. } | Saved::LockLost => Err(Stop::new(
            exit::STALE,
            format!("the files were written, but {} {} was saved meanwhile", row.integration, row.category),
        )
        .help("look at the difference with `pairform plan`, and pull again")),
        Saved::Saved { .. } | Saved::Already { .. } => Ok(()),
    }
}

fn finish(
    common: &Common,
    pulled: &Pulled,
    diffs: Vec<Json>,
    recorded: &Result<(), Stop>,
    streams: &mut Streams,
) {
    if common.output == Form::Json {
        if recorded.is_err() {
            return;
        }
        let setting = |taken: &Taken| {
            json!({"integration": taken.integration, "category": taken.category, "setting": taken.path.to_string(),
                "value": taken.value.as_ref().map(Value::to_json)})
        };
        let left =
            |left: &Left| json!({"integration": left.integration, "setting": left.setting, "why": left.why});
        let body = json!({
            "format_version": FORMAT_VERSION,
            "command": "pull",
            "exit_code": exit::OK,
            "files": diffs,
            "taken": pulled.taken.iter().map(setting).collect::<Vec<_>>(),
            "left": pulled.left.iter().map(left).collect::<Vec<_>>(),
            "notes": pulled.notes,
        });
        streams.result(&machine::print(&body));
        return;
    }
    let mut out = String::new();
    for left in &pulled.left {
        let _ = writeln!(out, "left  {} {}: {}", left.integration, left.setting, left.why);
    }
    for note in &pulled.notes {
        let _ = writeln!(out, "note  {note}");
    }
    let _ = match (pulled.files.len(), pulled.taken.len()) {
        (0, _) if pulled.left.is_empty() => writeln!(out, "Nothing to pull."),
        (0, _) => writeln!(out, "Nothing was pulled: {} left.", count(pulled.left.len(), "setting")),
        (files, taken) => {
            writeln!(out, "{} taken into {}.", count(taken, "setting"), count(files, "file"))
        }
    };
    streams.say(&clean(&out));
}
