//! The built-in schemas, pair by pair: the parts fit, each pair's linked schema says what pairform says, and one mistake
//! yields one finding at its place.
//!
//! Documents are made from the linked schemas, so that a new pair is covered by its files alone. Beside them stand the samples
//! on disk, `tests/schemas/PAIR/`: `valid.yaml` was written by hand and has every setting; `mistakes.yaml` has each mistake
//! that can be made in it by leaving a required setting out or by a choice that is none, and what is found then. `UPDATE=1`
//! writes the second anew, to be read before it is committed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use pairform::compile::{Compilation, Front, Judged, Selection, Whole, compile};
use pairform::diagnostic::{Finding, Severity};
use pairform::model::SettingPath;
use pairform::schema::parts::Catalogue;
use pairform::schema::validate::{Validator, Words};
use pairform::schema::{Pair, Reference, Required};
use pairform::source::{FileId, SourceFile, Sources, Span};
use pairform::yaml;
use serde_json::{Value as Json, json};

use crate::documents::{json_of, yaml_of};
use crate::records::in_records;
use crate::run::Project;

const OTHERS: [&str; 4] = ["connectors", "flows", "schedules", "webhooks"];

/// Every pair, linked, with a complete live integration of it.
pub static PAIRS: LazyLock<Vec<(Arc<Pair>, Json)>> = LazyLock::new(|| {
    let catalogue = Catalogue::default();
    let pairs = catalogue.names("pairs");
    assert!(pairs.len() >= 45, "{pairs:?}");
    pairs
        .iter()
        .map(|id| {
            let pair = catalogue.pair(id).unwrap_or_else(|| panic!("{id} does not link"));
            let document = complete(&pair);
            (pair, document)
        })
        .collect()
});

// ---------------------------------------------------------------- a document from a schema

/// Values of every kind that some setting takes; the first that fits is taken.
const SAMPLES: &str = r#"["2026-01-01", "SE", "SEK", "15m", "07:30", "Europe/Stockholm", "https://shop.example.com",
    "a@example.com", "01a5738a-44e3-ea11-bb43-000d3a2feca1", "x.api-se.norce.tech", "2026-07", "b2b", "sv", "sv-SE", "sv_SE", "A-", "abc", "12345678", "1234567890", 1, 3001, 1000, 25, true, [], {}]"#;

fn compiled(schema: &Json) -> jsonschema::Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

/// A value that the schema admits and that decides something.
fn sample(schema: &Json) -> Json {
    if schema.get("x-secret").is_some() {
        return json!({"secret": "env/SECRET"});
    }
    if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
        // What a setting was before is said in its place of now.
        let kept = properties.iter().filter(|(_, property)| property.get("deprecated").is_none());
        return kept.map(|(key, property)| (key.clone(), sample(property))).collect();
    }
    if let Some(rows) = schema.get("additionalProperties").filter(|rows| rows.is_object()) {
        let key = schema.get("propertyNames").map_or_else(|| json!("row"), sample);
        let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        return json!({key: sample(rows)});
    }
    if let Some(items) = schema.get("items") {
        return json!([sample(items)]);
    }
    let samples: Vec<Json> = serde_json::from_str(SAMPLES).unwrap();
    let list = |key: &str| schema.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    let bounds = ["minimum", "maximum", "default"].map(|key| schema.get(key).cloned());
    let validator = compiled(schema);
    let code = schema.get("x-code").and_then(Json::as_str);
    let fits_code = |value: &Json| code.is_none_or(|code| value.is_number() == (code == "integer"));
    list("examples")
        .into_iter()
        .chain(list("enum"))
        .chain(bounds.into_iter().flatten())
        .chain(samples)
        .find(|value| {
            let says_something = !value.is_null() && *value != json!("");
            says_something && validator.is_valid(value) && fits_code(value)
        })
        .unwrap_or_else(|| panic!("no sample fits {schema}"))
}

/// A live integration in which all flows are on and every setting is declared.
fn complete(pair: &Pair) -> Json {
    let schema = &pair.document()["properties"];
    let mut document = json!({"integration": "it", "pair": pair.id});
    for key in OTHERS.iter().chain(&["settings"]) {
        document[*key] = sample(&schema[*key]);
    }
    for flow in document["flows"].as_object_mut().unwrap().values_mut() {
        *flow = true.into();
    }
    for connector in pair.connectors().map(|connector| &connector.id) {
        let connections = document["connectors"][connector]["connections"].as_object_mut().unwrap();
        let connection = connections.remove("row").unwrap();
        connections.insert("production".to_owned(), connection);
        document["connectors"][connector]["active"] = "production".into();
    }
    let flow = pair.flows[0].id.as_str();
    document["schedules"] = json!({"first": {"flow": flow, "every": "15m", "enabled": true}, "second": {"flow": flow, "after": "first"}});
    let webhook = &schema["webhooks"]["additionalProperties"];
    let topics = webhook.pointer("/allOf/0/then/properties/topic");
    document["webhooks"] = match topics {
        Some(topic) => {
            let topic = topic.pointer("/anyOf/0").unwrap_or(topic);
            let connector = &webhook["properties"]["connector"]["enum"][0];
            json!({"first": {"connector": connector, "topic": sample(topic), "flow": flow, "secret": {"secret": "env/HOOK"}}})
        }
        None => json!({}),
    };
    document["settings"]["general"]["live_mode"] = true.into();
    document["settings"]["general"]["onboarding_mode"] = false.into();
    document
}

// ---------------------------------------------------------------- running

struct Run {
    compilation: Compilation<Whole>,
    sources: Sources,
    /// By file, what stage 03 says of it: whether a document fits its schema.
    findings: HashMap<FileId, Vec<Finding>>,
}

/// Compiles many documents as the integrations of one project.
fn run(documents: &[Json]) -> Run {
    let mut sources = Sources::default();
    sources.add(SourceFile::new("pairform.yaml", "version: 1\n"));
    for (at, document) in documents.iter().enumerate() {
        let mut document = document.clone();
        if document.get("integration") == Some(&json!("it")) {
            document["integration"] = name(at).into();
        }
        let mut text = String::new();
        yaml_of(&document, 0, &mut text);
        sources.add(SourceFile::new(format!("integrations/{}.yaml", name(at)), text.trim_start()));
    }
    let compilation = Front::read(&sources, &Selection::default()).compile(Judged::whole);
    let mut findings: HashMap<FileId, Vec<Finding>> = HashMap::new();
    for finding in compilation.findings.iter().filter(|finding| finding.code.id[1..].starts_with("03")) {
        findings.entry(finding.primary.span.file).or_default().push(finding.clone());
    }
    Run { compilation, sources, findings }
}

/// The project file is the first.
fn file(at: usize) -> FileId {
    FileId(u32::try_from(at + 1).unwrap())
}

fn name(at: usize) -> String {
    format!("i{at:05}")
}

impl Run {
    fn findings(&self, at: usize) -> Vec<&Finding> {
        self.findings.get(&file(at)).into_iter().flatten().collect()
    }

    fn document(&self, at: usize) -> Option<&Json> {
        let at =
            self.compilation.integrations.binary_search_by(|one| one.compiled.name.cmp(&name(at))).ok()?;
        Some(&self.compilation.integrations[at].document)
    }

    /// The text that a finding points at.
    fn pointed(&self, finding: &Finding) -> &str {
        &self.sources.file(finding.primary.span.file).text()[finding.primary.span.range()]
    }

    /// The span of the value, or of its key, at a pointer.
    fn span(&self, at: usize, pointer: &str, key: bool) -> Span {
        let root = yaml::parse(&self.sources, file(at), &mut Vec::new()).unwrap();
        let found = if key {
            yaml::key_at(&root, pointer).map(|key| key.span)
        } else {
            yaml::find_path(&root, pointer).map(|node| node.span)
        };
        found.unwrap_or_else(|| panic!("nothing at {pointer}"))
    }
}

fn said(findings: &[&Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|finding| format!("{} {} ({:?})", finding.code.id, finding.message, finding.about.setting))
        .collect()
}

fn pointer(keys: &[String]) -> String {
    keys.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
}

/// The pointers of all values below a document, itself left out.
fn places(value: &Json, at: &mut Vec<String>, into: &mut Vec<String>) {
    let children: Vec<(String, &Json)> = match value {
        Json::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Json::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        at.push(key);
        into.push(pointer(at));
        places(child, at, into);
        at.pop();
    }
}

pub fn all_places(document: &Json) -> Vec<String> {
    let mut into = Vec::new();
    places(document, &mut Vec::new(), &mut into);
    into
}

fn remove(document: &mut Json, pointer: &str) -> Option<Json> {
    let (parent, key) = pointer.rsplit_once('/')?;
    let key = key.replace("~1", "/").replace("~0", "~");
    document.pointer_mut(parent)?.as_object_mut()?.shift_remove(&key)
}

pub fn without(document: &Json, pointer: &str) -> Json {
    let mut document = document.clone();
    remove(&mut document, pointer);
    document
}

pub fn with(document: &Json, pointer: &str, value: Json) -> Json {
    let mut document = document.clone();
    if let Some(place) = document.pointer_mut(pointer) {
        *place = value;
    }
    document
}

/// The keys from the document's root to a setting.
pub fn place_of(category: &str, path: &SettingPath) -> String {
    let head = if OTHERS.contains(&category) { Vec::new() } else { vec!["settings".to_owned()] };
    let keys: Vec<String> = head
        .into_iter()
        .chain([category.to_owned()])
        .chain(path.segments().iter().map(ToString::to_string))
        .collect();
    pointer(&keys)
}

/// The schema of the value at a pointer into a document.
pub fn schema_at<'a>(pair: &'a Pair, pointer: &str) -> Option<&'a Json> {
    pointer.split('/').skip(1).try_fold(pair.document(), |schema, key| {
        let key = key.replace("~1", "/").replace("~0", "~");
        let named = schema.get("properties").and_then(|properties| properties.get(&key));
        named
            .or_else(|| schema.get("additionalProperties").filter(|rows| rows.is_object()))
            .or_else(|| schema.get("items"))
    })
}

// ---------------------------------------------------------------- the parts and the linked schemas

#[test]
fn every_part_fits_its_schema() {
    let catalogue = Catalogue::default();
    for (folder, meta) in [("connectors", "connector"), ("categories", "category"), ("pairs", "pair")] {
        let validator = Validator::meta(meta);
        for part in catalogue.names(folder) {
            check_part(&validator, &format!("{folder}/{part}.yaml"));
        }
    }
    check_part(&Validator::meta("flows"), "flows.yaml");
}

fn check_part(validator: &Validator, path: &str) {
    let mut sources = Sources::default();
    let text = std::fs::read_to_string(format!("{}/schemas/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let file = sources.add(SourceFile::new(path, text));
    let mut findings = Vec::new();
    let root = yaml::parse(&sources, file, &mut findings).unwrap();
    findings.extend(validator.judge(&root, Words::default()));
    assert!(findings.is_empty(), "{path}: {:?}", said(&findings.iter().collect::<Vec<_>>()));
}

#[test]
fn every_linked_schema_is_one_by_two_other_implementations() {
    for (pair, document) in PAIRS.iter() {
        jsonschema::draft202012::meta::validate(pair.document()).unwrap_or_else(|error| panic!("{error}"));
        assert!(compiled(pair.document()).is_valid(document), "{}", pair.id);
        let (schemas, index) = boon_schema(pair.document());
        if let Err(error) = schemas.validate(document, index) {
            panic!("{}: {error:#}", pair.id);
        }
    }
}

fn boon_schema(schema: &Json) -> (boon::Schemas, boon::SchemaIndex) {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.set_default_draft(boon::Draft::V2020_12);
    compiler.enable_format_assertions();
    compiler.add_resource("pair.json", schema.clone()).unwrap();
    let index = compiler.compile("pair.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
    (schemas, index)
}

/// What stands in a file of a pair's samples.
pub fn sample_text(pair: &Pair, name: &str) -> String {
    let path = sample_path(pair, name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sample_path(pair: &Pair, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(pair.id.as_str()).join(name)
}

/// The valid sample with one mistake.
struct Spoiled {
    /// The pointer of the value that is wrong or gone.
    at: String,
    /// What stands there instead; nothing is a required setting that was left out.
    put: Option<&'static str>,
    /// What has to be otherwise for the setting to be required: at these pointers, these values or nothing.
    with: Vec<(String, Option<Json>)>,
}

const NO_CHOICE: &str = "no-such-choice";

impl Spoiled {
    fn document(&self, valid: &Json) -> Json {
        let mut document = valid.clone();
        document["integration"] = "it".into();
        for (place, value) in &self.with {
            match value {
                Some(value) => document = with(&document, place, value.clone()),
                None => drop(remove(&mut document, place)),
            }
        }
        match self.put {
            Some(wrong) => with(&document, &self.at, wrong.into()),
            None => without(&document, &self.at),
        }
    }

    fn entry(&self, found: String) -> Json {
        if self.with.is_empty() {
            return found.into();
        }
        let with: serde_json::Map<String, Json> =
            self.with.iter().map(|(place, value)| (place.clone(), json!(value))).collect();
        json!({"while": with, "found": found})
    }
}

/// Every required setting once, and every choice of the schema once.
fn mistakes(pair: &Pair, valid: &Json) -> Vec<Spoiled> {
    let mut all = Vec::new();
    for (category, setting) in pair.categories().flat_map(|c| c.settings.iter().map(move |s| (c, s))) {
        let Required::Yes { when, unless } = &setting.required else { continue };
        let place = |reference: &Reference| place_of(&reference.category, &reference.path);
        let conditions = when
            .iter()
            .filter(|condition| {
                !valid.pointer(&place(&condition.on)).is_some_and(|is| condition.values.contains(is))
            })
            .map(|condition| (place(&condition.on), Some(condition.values[0].clone())));
        let unless = unless.iter().map(|other| (place(other), None));
        let with =
            conditions.chain(unless).chain(in_records(pair, &category.id, &setting.path, valid)).collect();
        all.push(Spoiled { at: place_of(&category.id, &setting.path), put: None, with });
    }
    let mut choices = BTreeSet::new();
    choices_of(pair.document(), "", &mut choices);
    // What stands beside the pair is in the samples of some pairs alone.
    choices.retain(|choice| {
        let connector = choice.strip_prefix("/connectors/").and_then(|rest| rest.split('/').next());
        connector.is_none_or(|id| valid["connectors"].get(id).is_some())
    });
    // A pair of platforms without webhooks has no valid one.
    choices.retain(|choice| !choice.starts_with("/webhooks") || valid.get("webhooks").is_some());
    for choice in choices {
        let wanted: Vec<&str> = choice.split('/').collect();
        let fits = |place: &String| {
            let keys: Vec<&str> = place.split('/').collect();
            keys.len() == wanted.len()
                && keys.iter().zip(&wanted).all(|(key, wanted)| *wanted == "*" || key == wanted)
        };
        let at = all_places(valid).into_iter().find(fits);
        let at = at.unwrap_or_else(|| panic!("{}: valid.yaml has nothing at {choice}", pair.id));
        all.push(Spoiled { at, put: Some(NO_CHOICE), with: Vec::new() });
    }
    all
}

/// The pointers of the values that are chosen from a list, with `*` for the keys of rows and for items.
fn choices_of(schema: &Json, at: &str, into: &mut BTreeSet<String>) {
    // What a file may do about its findings and categories is no configuration of an integration.
    if ["/unmanaged", "/levels"].contains(&at) {
        return;
    }
    if schema.get("enum").is_some() {
        into.insert(at.to_owned());
    }
    for (key, property) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        choices_of(property, &format!("{at}{}", pointer(std::slice::from_ref(key))), into);
    }
    for rows in ["additionalProperties", "items"].iter().filter_map(|key| schema.get(*key)) {
        choices_of(rows, &format!("{at}/*"), into);
    }
}

#[test]
fn each_mistake_in_a_sample_is_one_finding() {
    let mut wrong = Vec::new();
    let mut counted = [0, 0];
    for (pair, _) in PAIRS.iter() {
        let valid = json_of(&sample_text(pair, "valid.yaml"));
        let mistakes = mistakes(pair, &valid);
        let lenient = |document: &Json| with(document, "/settings/general/live_mode", false.into());
        let live: Vec<Json> = mistakes.iter().map(|mistake| mistake.document(&valid)).collect();
        let quiet: Vec<Json> = live.iter().map(lenient).collect();
        let (live, quiet) = (run(&live), run(&quiet));
        let mut file = json!({"missing": {}, "wrong": {}});
        for (number, mistake) in mistakes.iter().enumerate() {
            let findings = live.findings(number);
            let [one] = findings[..] else {
                wrong.push(format!("{} {}: {:?}", pair.id, mistake.at, said(&findings)));
                continue;
            };
            let code = if mistake.put.is_some() { "E0304" } else { "E0312" };
            let setting = format!(
                "{}/{}",
                one.about.category.as_deref().unwrap_or_default(),
                one.about.setting.as_deref().unwrap_or_default()
            );
            let right_place = match mistake.put {
                Some(wrong) => {
                    one.primary.span == live.span(number, &mistake.at, false)
                        && json!(wrong) == json_of(live.pointed(one))
                }
                None => mistake.at.ends_with(&setting.replace('.', "/")),
            };
            // What is missing stops only a live integration; a wrong choice stops any.
            let calmer = if mistake.put.is_some() { Severity::Error } else { Severity::Warning };
            let quiet = quiet.findings(number);
            let right_quiet = matches!(quiet[..], [one] if one.code.id == code && one.severity == calmer);
            if one.code.id != code || one.severity != Severity::Error || !right_place || !right_quiet {
                wrong.push(format!(
                    "{} {}: {:?}; not live: {:?}",
                    pair.id,
                    mistake.at,
                    said(&findings),
                    said(&quiet)
                ));
            }
            counted[usize::from(mistake.put.is_some())] += 1;
            let list = if mistake.put.is_some() { "wrong" } else { "missing" };
            file[list][&mistake.at] = mistake.entry(format!("{} {}", one.code.id, one.message));
        }
        let text = format!(
            "# valid.yaml with one mistake each, and what is found: a required setting was left out (while at some places stood\n\
             # these values, or nothing), or a choice is `{NO_CHOICE}`. Written by `UPDATE=1 cargo test each_mistake`.\n{}",
            yaml::edit::document(&file)
        );
        let path = sample_path(pair, "mistakes.yaml");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            wrong.push(format!("{} is not as UPDATE=1 would write it", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(counted[0] > 500 && counted[1] > 500, "{counted:?}");
}

/// A payment provider is the same beside every pair, so that one sample is enough.
#[test]
fn every_payment_provider_is_in_a_sample() {
    let mut unseen: BTreeSet<&str> = PAIRS[0].0.payments.iter().map(|one| one.id.as_str()).collect();
    for (pair, _) in PAIRS.iter() {
        let valid = json_of(&sample_text(pair, "valid.yaml"));
        unseen.retain(|id| valid["connectors"].get(id).is_none());
    }
    assert!(unseen.is_empty(), "{unseen:?}");
}

/// The samples on disk: each pair has one with every setting that its schema has, and nothing is wrong with any.
#[test]
fn every_pair_has_a_valid_sample_with_every_setting() {
    let mut sources = Sources::default();
    // Every setting stands there, also those that the others replace.
    sources.add(SourceFile::new(
        "pairform.yaml",
        "version: 1\nlevels: {W0440: allow, W0469: allow, W0471: allow}\n",
    ));
    for (pair, _) in PAIRS.iter() {
        sources
            .add(SourceFile::new(format!("integrations/{}.yaml", pair.id), sample_text(pair, "valid.yaml")));
    }
    let compilation = compile(&sources, &Selection::default());
    let wrong: Vec<&Finding> =
        compilation.findings.iter().filter(|finding| finding.severity != Severity::Note).collect();
    assert!(wrong.is_empty(), "{:?}", said(&wrong));
    for ((pair, _), compiled) in PAIRS.iter().zip(&compilation.integrations) {
        for category in &pair.settings {
            let declared = &compiled.configuration.categories[&category.id];
            let missing: Vec<String> = category
                .settings
                .iter()
                .filter(|setting| !setting.deprecated)
                .filter(|setting| !declared.keys().any(|path| path.starts_with(&setting.path)))
                .map(|setting| setting.path.to_string())
                .collect();
            assert!(missing.is_empty(), "{} {}: {missing:?}", pair.id, category.id);
        }
    }
}

/// What one thread finds, many find, in the same order.
#[test]
fn findings_do_not_depend_on_the_number_of_threads() {
    let mut sources = Sources::default();
    sources.add(SourceFile::new("pairform.yaml", "version: 1\n"));
    for (at, (pair, _)) in PAIRS.iter().cycle().take(300).enumerate() {
        let text = sample_text(pair, "valid.yaml")
            .replace(&format!("integration: {}", pair.id), &format!("integration: {}", name(at)));
        let spoiled = match at % 3 {
            0 => text.replace("    match_by: ", "    match_bye: "),
            1 => text.replace("home_country: ", "home_country: X"),
            _ => text,
        };
        sources.add(SourceFile::new(format!("integrations/{}.yaml", name(at)), spoiled));
    }
    let found = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| compile(&sources, &Selection::default())).findings
    };
    let (one, many) = (found(1), found(7));
    assert!(one.len() >= 100, "{} findings", one.len());
    assert_eq!(format!("{one:?}"), format!("{many:?}"));
}

#[test]
fn the_documents_are_whole() {
    let documents: Vec<Json> = PAIRS.iter().map(|(_, document)| document.clone()).collect();
    let run = run(&documents);
    for (at, (pair, _)) in PAIRS.iter().enumerate() {
        assert!(run.findings(at).is_empty(), "{}: {:?}", pair.id, said(&run.findings(at)));
    }
}

// ---------------------------------------------------------------- the same verdict

/// Builds one document in so many of those it is offered.
struct Share {
    one_in: usize,
    offered: usize,
    taken: Vec<Json>,
}

impl Share {
    fn offer(&mut self, document: impl FnOnce() -> Json) {
        if self.offered.is_multiple_of(self.one_in) {
            self.taken.push(document());
        }
        self.offered += 1;
    }
}

/// What may be written by mistake, or on purpose, in the place of a value.
const VALUES: &str = r#"[null, "", [], {}, true, 0, 7, -1, 1.5, 3001, "3001", "30", "x", "0x1F", "2026-02-30", "NO", ["x"], [7],
    ["x", "x"], [null], [{"a": 1}], {"a": 1}, {"secret": "plain"}, {"secret": null}, {"fingerprint": "x"},
    {"secret": "env/A", "b": "c"}, 123456789012345678901234]"#;

fn mutations(document: &Json, pair: &Pair, into: &mut Share) {
    let values: Vec<Json> = serde_json::from_str(VALUES).unwrap();
    // An integration's name is that of its file, and another rule says so.
    for place in all_places(document).iter().filter(|place| *place != "/integration") {
        into.offer(|| without(document, place));
        for value in &values {
            into.offer(|| with(document, place, value.clone()));
        }
        if let Some(map) = document.pointer(place).and_then(Json::as_object) {
            into.offer(|| {
                let mut more = map.clone();
                more.insert("zzz".to_owned(), "x".into());
                with(document, place, more.into())
            });
        }
        let options = schema_at(pair, place).and_then(|schema| schema.get("enum")).and_then(Json::as_array);
        for value in options.into_iter().flatten().take(6) {
            into.offer(|| with(document, place, value.clone()));
        }
    }
    for flow in &pair.flows {
        for live in [true, false] {
            let off = || {
                let mut off = with(document, &format!("/flows/{}", flow.id), false.into());
                off["settings"]["general"]["live_mode"] = live.into();
                without(&off, "/settings/order")
            };
            into.offer(off);
            into.offer(|| without(&off(), "/flows"));
        }
    }
    let off: Json = pair.flows.iter().map(|flow| (flow.id.clone(), Json::Bool(false))).collect();
    for category in pair.categories() {
        let gone = || without(document, &place_of(&category.id, &SettingPath::root()));
        into.offer(gone);
        into.offer(|| with(&gone(), "/flows", off.clone()));
        into.offer(|| {
            let mut unmanaged = gone();
            unmanaged["unmanaged"] = json!([category.id]);
            unmanaged
        });
    }
    // The conditions of required settings, each value, with the setting and without.
    for (category, setting) in pair.categories().flat_map(|c| c.settings.iter().map(move |s| (c, s))) {
        let Required::Yes { when, unless } = &setting.required else { continue };
        let others = || {
            unless.iter().fold(document.clone(), |document, reference| {
                without(&document, &place_of(&reference.category, &reference.path))
            })
        };
        let bare = || without(&others(), &place_of(&category.id, &setting.path));
        into.offer(others);
        into.offer(bare);
        for condition in when {
            let place = place_of(&condition.on.category, &condition.on.path);
            into.offer(|| without(&bare(), &place));
            for value in &condition.values {
                into.offer(|| with(&bare(), &place, value.clone()));
            }
        }
    }
}

/// Where pairform and the linked schema, as two others read it, do not agree.
fn disagreements(pair: &Pair, documents: &[Json]) -> Vec<String> {
    let run = run(documents);
    let validator = compiled(pair.document());
    let (schemas, index) = boon_schema(pair.document());
    let mut wrong = Vec::new();
    let mut judged = 0;
    for (at, document) in documents.iter().enumerate() {
        // What names no pair has no schema.
        let Some(result) = run.document(at) else { continue };
        judged += 1;
        let findings = run.findings(at);
        // How a number was written (`1e23` for a code) is no schema's to see.
        let is_refusal =
            |finding: &Finding| finding.severity == Severity::Error && finding.code.id != "E0321";
        let refused = findings.iter().any(|finding| is_refusal(finding));
        let others = [validator.is_valid(result), schemas.validate(result, index).is_ok()];
        if others.contains(&refused) {
            let errors: Vec<String> = validator.iter_errors(result).map(|error| error.to_string()).collect();
            wrong.push(format!(
                "{}: pairform says {:?}, the linked schema {errors:?}, boon {:?} of\n{document}\ncompiled to\n{result}",
                pair.id,
                said(&findings),
                others[1],
            ));
        }
    }
    assert!(judged * 10 > documents.len() * 9, "{}", pair.id);
    wrong
}

/// Each pair takes its share of the mutations; together they take each kind of mistake many times.
fn agree(one_in: usize) {
    let mut wrong = Vec::new();
    for (at, (pair, document)) in PAIRS.iter().enumerate() {
        let mut share = Share { one_in, offered: at, taken: Vec::new() };
        mutations(document, pair, &mut share);
        for some in share.taken.chunks(1000) {
            wrong.extend(disagreements(pair, some));
        }
    }
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

#[test]
fn the_linked_schema_gives_the_same_verdict() {
    agree(199);
}

#[test]
#[ignore = "takes minutes"]
fn the_linked_schema_gives_the_same_verdict_of_every_mutation() {
    agree(1);
}

// ---------------------------------------------------------------- one mistake, one finding

/// One mistake: what is put at a place, and the one finding that must come of it, at the value or at the key.
struct Mistake {
    pointer: String,
    value: Json,
    code: &'static str,
    key: bool,
}

/// Makes mistakes of one depth in one document, since none of them stands inside another.
fn check_mistakes(pair: &Pair, document: &Json, mistakes: Vec<Mistake>) -> Vec<String> {
    let mut by_depth: BTreeMap<usize, Vec<Mistake>> = BTreeMap::new();
    for mistake in mistakes {
        by_depth.entry(mistake.pointer.matches('/').count()).or_default().push(mistake);
    }
    let documents: Vec<Json> = by_depth
        .values()
        .map(|mistakes| {
            let mut broken = document.clone();
            for mistake in mistakes {
                let (parent, key) = mistake.pointer.rsplit_once('/').unwrap();
                match broken.pointer_mut(parent).unwrap() {
                    Json::Array(items) => items[key.parse::<usize>().unwrap()] = mistake.value.clone(),
                    map => map[&key.replace("~1", "/").replace("~0", "~")] = mistake.value.clone(),
                }
            }
            broken
        })
        .collect();
    let run = run(&documents);
    let mut wrong = Vec::new();
    for (at, mistakes) in by_depth.values().enumerate() {
        let mut findings = run.findings(at);
        for mistake in mistakes {
            let span = run.span(at, &mistake.pointer, mistake.key);
            let mine: Vec<&Finding> =
                findings.extract_if(.., |finding| inside(finding.primary.span, span)).collect();
            if !matches!(mine[..], [one] if one.code.id == mistake.code && one.primary.span == span) {
                let pointed: Vec<&str> = mine.iter().map(|finding| run.pointed(finding)).collect();
                wrong.push(format!(
                    "{} {}: {} should give one {}, and gives {:?} at {pointed:?}",
                    pair.id,
                    mistake.pointer,
                    mistake.value,
                    mistake.code,
                    said(&mine)
                ));
            }
        }
        if !findings.is_empty() {
            wrong.push(format!("{}: {:?} of no mistake", pair.id, said(&findings)));
        }
    }
    wrong
}

fn inside(inner: Span, outer: Span) -> bool {
    inner.start >= outer.start && inner.end <= outer.end
}

#[test]
fn an_unknown_key_is_one_finding_at_the_key() {
    let mut wrong = Vec::new();
    for (pair, document) in PAIRS.iter() {
        let mut mistakes = Vec::new();
        for pointer in std::iter::once(String::new()).chain(all_places(document)) {
            let Some(schema) = schema_at(pair, &pointer) else { continue };
            if schema.get("additionalProperties") == Some(&Json::Bool(false)) {
                let pointer = format!("{pointer}/no_such_key");
                mistakes.push(Mistake { pointer, value: "x".into(), code: "E0301", key: true });
            }
        }
        assert!(mistakes.len() > 10, "{}", pair.id);
        wrong.extend(check_mistakes(pair, document, mistakes));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_value_of_the_wrong_type_is_one_finding_at_the_value() {
    let mut wrong = Vec::new();
    for (number, (pair, document)) in PAIRS.iter().enumerate() {
        let mut mistakes = Vec::new();
        for pointer in all_places(document) {
            let Some(schema) = schema_at(pair, &pointer) else { continue };
            let reference = pointer.strip_suffix("/secret").and_then(|parent| schema_at(pair, parent));
            // A choice has no type of its own, credentials have findings of their own, and these two make an integration.
            if schema.get("enum").is_some()
                || schema.get("x-secret").is_some()
                || reference.is_some_and(|holder| holder.get("x-secret").is_some())
                || ["/integration", "/pair"].contains(&&*pointer)
            {
                continue;
            }
            let types: BTreeSet<&str> = match &schema["type"] {
                Json::String(one) => BTreeSet::from([one.as_str()]),
                Json::Array(many) => many.iter().filter_map(Json::as_str).collect(),
                _ => panic!("{} {pointer} has no type", pair.id),
            };
            let values = [
                ("boolean", json!(true)),
                ("array", json!(["a", "b"])),
                ("object", json!({"a": "b"})),
                ("string", json!("word")),
                ("number", json!(1.5)),
            ];
            // A text where a number is wanted may be a code in quotes.
            let unfit: Vec<_> = values
                .into_iter()
                .filter(|(kind, _)| !(types.contains(kind) || *kind == "string" && types.contains("integer")))
                .collect();
            // By turns over the pairs, so that each setting that they share meets each type.
            let (_, value) = unfit[(number + mistakes.len()) % unfit.len()].clone();
            mistakes.push(Mistake { pointer, value, code: "E0303", key: false });
        }
        assert!(mistakes.len() > 50, "{}", pair.id);
        wrong.extend(check_mistakes(pair, document, mistakes));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_schema_for_editors_takes_a_part_of_what_a_base_completes() {
    let project = Project::empty();
    let judged = |settings: &str| {
        let text = format!("integration: shop\npair: fortnox-shopify\nextends: [all]\n{settings}");
        project.write("integrations/shop.yaml", text);
        project.run(&["schema", "export", "--pair", "fortnox-shopify"]).assert_code(0);
        project.run(&[
            "validate",
            "--schema",
            "schemas/linked/fortnox-shopify.schema.json",
            "integrations/shop.yaml",
        ])
    };
    for part in [
        "schedules: {customers: {enabled: false}}\n",
        "schedules: {customers: {every: 1h}, orders: null}\n",
        "settings: {payment_methods: {payout: {map: {klarna: {fee_account: 6570}}}}}\n",
        "settings: {payment_methods: {payout: {map: {klarna: {currencies: {EUR: {bank_account: 1935}}}}}}}\n",
    ] {
        judged(part).assert_code(0);
    }
    for wrong in [
        "schedules: {customers: {every: soon}}\n",
        "settings: {payment_methods: {payout: {map: {klarna: {fee_acount: 6570}}}}}\n",
    ] {
        judged(wrong).assert_code(1);
    }
}
