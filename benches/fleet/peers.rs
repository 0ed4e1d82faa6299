//! Other tools on the same fleet: schema validators, each with the schema of a pair as `schema show` prints it, and Terraform
//! with a resource for each category of up to a thousand integrations.
//!
//! They do less: validators judge the schema alone and know no places, and Terraform compares and judges nothing. Nothing
//! here is tuned in our favour: each runs once a pair, in one process for all its files. Their packages are installed below
//! `target/tools/peers` the first time.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

/// Tools that start an interpreter, or are slow by themselves, are not run on more integrations.
const SLOW: usize = 1_000;
/// What an integration is to Terraform: one resource for each category.
const RESOURCES: usize = 11;

/// A tool: the name of its row, how many integrations it is run on at the most, and a shell command for one pair, in which
/// `$S` is the schema and `$P` begins the paths of its files.
struct Peer {
    name: &'static str,
    most: usize,
    one_pair: String,
}

/// The rows of the tools that can be had here: name, folder and command.
pub fn rows(fleet: &Path, binary: &str, integrations: usize) -> Vec<(&'static str, PathBuf, Vec<String>)> {
    let tools = install();
    let place = fleet.with_extension("peers");
    fs::create_dir_all(&place).expect("a folder");
    let pairs = schemas(fleet, binary, &place);
    let mut rows = Vec::new();
    for peer in validators(&tools) {
        if integrations > peer.most {
            continue;
        }
        let mut script = String::new();
        for pair in &pairs {
            let (schema, files) = (place.join(format!("{pair}.json")), format!("integrations/{pair}"));
            let _ = writeln!(script, "S={} P={files}; {}", schema.display(), peer.one_pair);
        }
        // What they find is their business; that they run is seen from the time they take.
        script.push_str("true\n");
        rows.push((peer.name, fleet.to_path_buf(), vec!["sh".to_owned(), "-c".to_owned(), script]));
    }
    if let Some(folder) = terraform(&place, integrations.min(SLOW)) {
        let words = ["terraform", "plan", "-input=false", "-lock=false", "-detailed-exitcode"];
        rows.push(("terraform plan", folder, words.map(str::to_owned).to_vec()));
    }
    rows
}

fn validators(tools: &Path) -> Vec<Peer> {
    let at = |path: &str| tools.join(path).display().to_string();
    let peer = |name, most, one_pair| Peer { name, most, one_pair };
    vec![
        peer("boon", usize::MAX, format!("{} -f $S $P-*.yaml", at("bin/boon"))),
        peer(
            "jsonschema-cli",
            usize::MAX,
            format!("{} validate --assert-format --errors-only $S -i $P-*.yaml", at("bin/jsonschema-cli")),
        ),
        peer("ajv", usize::MAX, format!("node {} $S $P-*.yaml", at("ajv.mjs"))),
        peer(
            "check-jsonschema",
            SLOW,
            format!("PYTHONPATH={} python3 -m check_jsonschema --schemafile $S $P-*.yaml", at("python")),
        ),
    ]
}

/// Installs what is missing, from the registries of crates, npm and PyPI.
fn install() -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/peers");
    fs::create_dir_all(&tools).expect("a folder");
    let place = tools.display().to_string();
    let run = |program: &str, arguments: &[&str]| {
        let ended = Command::new(program).args(arguments).current_dir(&tools).status();
        assert!(ended.is_ok_and(|ended| ended.success()), "{program} {arguments:?}");
    };
    for (tool, version, program) in
        [("boon-cli", "0.6.2", "boon"), ("jsonschema-cli", "0.60.2", "jsonschema-cli")]
    {
        if !tools.join("bin").join(program).exists() {
            run("cargo", &["install", "--quiet", tool, "--version", version, "--root", &place]);
        }
    }
    if !tools.join("node_modules/ajv").exists() {
        let packages = ["ajv@8.20.0", "ajv-formats@3.0.1", "yaml@2.9.1"];
        run("npm", &[&["install", "--silent", "--no-package-lock", "--prefix", "."], &packages[..]].concat());
    }
    fs::write(tools.join("ajv.mjs"), include_str!("ajv.mjs")).expect("a script");
    if !tools.join("python/check_jsonschema").exists() {
        run(
            "python3",
            &["-m", "pip", "install", "--quiet", "--target", "python", "check-jsonschema==0.39.0"],
        );
    }
    tools
}

/// Writes the schema of each pair that the fleet uses; the pairs.
fn schemas(fleet: &Path, binary: &str, place: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(fleet.join("integrations")).expect("the fleet");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let pairs: BTreeSet<String> =
        names.filter_map(|name| Some(name.rsplit_once('-')?.0.to_owned())).collect();
    for pair in &pairs {
        let shown = Command::new(binary).args(["schema", "show", pair, "--json"]).output().expect("pairform");
        assert!(shown.status.success(), "no schema of {pair}");
        fs::write(place.join(format!("{pair}.json")), shown.stdout).expect("a schema");
    }
    pairs
}

/// A folder with resources, and a state in which nothing differs from them; none where there is no Terraform. To apply so
/// many takes it longer than anybody waits, so the state is written here.
fn terraform(place: &Path, integrations: usize) -> Option<PathBuf> {
    let folder = place.join("terraform");
    fs::create_dir_all(&folder).expect("a folder");
    let inputs = |at: usize| json!({"category": at % RESOURCES, "name": format!("Shop {}", at / RESOURCES)});
    let count = integrations * RESOURCES;
    let declared: serde_json::Map<String, Json> =
        (0..count).map(|at| (format!("r{at}"), json!({"input": inputs(at)}))).collect();
    let provider = "provider[\"terraform.io/builtin/terraform\"]";
    let typed = json!(["object", {"category": "number", "name": "string"}]);
    let deployed: Vec<Json> = (0..count)
        .map(|at| {
            let value = json!({"value": inputs(at), "type": typed});
            let attributes = json!({"id": format!("{at:08x}-0000-0000-0000-000000000000"), "input": value,
                "output": value, "triggers_replace": null});
            json!({"mode": "managed", "type": "terraform_data", "name": format!("r{at}"), "provider": provider,
                "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}]})
        })
        .collect();
    let state = json!({"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "fleet",
        "outputs": {}, "resources": deployed, "check_results": null});
    let main = json!({"resource": {"terraform_data": declared}});
    fs::write(folder.join("main.tf.json"), main.to_string()).expect("a configuration");
    fs::write(folder.join("terraform.tfstate"), state.to_string()).expect("a state");
    let ready = Command::new("terraform").args(["init", "-input=false"]).current_dir(&folder).output();
    ready.is_ok_and(|ready| ready.status.success()).then_some(folder)
}
