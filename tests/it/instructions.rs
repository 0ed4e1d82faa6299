//! How many instructions fixed cases take, counted by callgrind: a regression shows without a clock.
//!
//! The counts that are wanted lie in `fixtures/instructions.json` (`UPDATE=1` writes them anew), with the compiler that
//! made the program. Another compiler makes other code, so its counts are held to a wider bound. The program that the
//! tests build is optimized little: its counts say what became dearer, not what a user pays (`benches/fleet` does).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::run::Project;
use crate::tools::{Tool, program, required};

#[derive(Debug, Serialize, Deserialize)]
struct Wanted {
    compiler: String,
    /// Instructions by case.
    counts: BTreeMap<String, u64>,
}

/// A count may be this part of the wanted one, in percent: same compiler, another one.
const BOUNDS: (u64, u64) = (110, 150);

const CASES: [(&str, &[&str]); 4] = [
    ("start", &["--version"]),
    ("validate all", &["validate", "--no-cache"]),
    ("validate one", &["validate", "integrations/fortnox-shopify-3.yaml"]),
    ("plan all", &["plan"]),
];

/// Eight integrations of each of two pairs, of which one connects payment providers, all that there are.
fn fleet() -> Project {
    let project = Project::empty();
    for pair in ["fortnox-shopify", "tripletex-woocommerce"] {
        let sample = std::fs::read_to_string(format!(
            "{}/tests/schemas/{pair}/valid.yaml",
            env!("CARGO_MANIFEST_DIR")
        ));
        let sample = sample.unwrap();
        let payments = sample.find("  klarna:\n").map(|from| from..sample.find("\nsettings:").unwrap());
        let mut plain = sample.clone();
        payments.into_iter().for_each(|payments| plain.replace_range(payments, ""));
        for number in 0..8 {
            let name = format!("{pair}-{number}");
            let text = if number == 0 { &sample } else { &plain };
            let text = text.replacen(&format!("integration: {pair}"), &format!("integration: {name}"), 1);
            project.write(&format!("integrations/{name}.yaml"), text);
        }
    }
    project
}

/// Instructions of one run on one thread.
fn count(valgrind: &Path, project: &Project, arguments: &[&str]) -> u64 {
    let plain = project.command(arguments);
    let mut counted = Command::new(valgrind);
    counted.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    counted.arg(plain.get_program()).args(plain.get_args()).current_dir(project.path());
    counted
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("RAYON_NUM_THREADS", "1");
    let output = counted.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    let line = said.lines().find(|line| line.contains("Collected :")).unwrap_or_else(|| panic!("{said}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// What a file holds that has a finding for each of its many keys, on one line: `number` of them.
type Many = fn(usize) -> String;

const MANY: [(&str, Many); 2] = [
    ("unknown keys", |number| {
        let keys: Vec<String> = (0..number).map(|at| format!("unknown_{at}: å{at}")).collect();
        format!(
            "integration: many\npair: fortnox-shopify\nsettings: {{general: {{name: Many, {}}}}}\n",
            keys.join(", ")
        )
    }),
    ("misspelt and wrong keys of maps", |number| {
        let keys: Vec<String> = (0..number).map(|at| format!("\"Kl{at}\": [1, {at}]")).collect();
        format!(
            "integration: many\npair: fortnox-shopify\nsettings: {{payment_methods: {{map: {{{}}}}}}}\n",
            keys.join(", ")
        )
    }),
];

/// Twice as many findings take twice as long, however they are told: what one costs does not grow with the others, nor with the
/// line that it stands in.
#[test]
fn many_findings_take_as_many_more_instructions() {
    let Some(valgrind) = required(Tool::Valgrind, program(&["valgrind"], &[])) else { return };
    const FEW: usize = 100;
    let schema = r#"{"additionalProperties": false, "properties": {"integration": true, "pair": true, "settings": {"additionalProperties": false}}}"#;
    for (name, many) in MANY {
        let forms: &[&str] = if name == MANY[0].0 { &["text", "json", "html", "sarif"] } else { &["text"] };
        for form in forms {
            let counts = [1, 2, 4].map(|times| {
                let project = Project::empty();
                project.write("integrations/many.yaml", many(FEW * times));
                count(&valgrind, &project, &["validate", "--no-cache", "-o", form])
            });
            let [first, second] = [counts[1] - counts[0], counts[2] - counts[1]];
            assert!(second * 10 <= first * 23, "{name} as {form}: {counts:?}");
        }
    }
    let counts = [1, 2, 4].map(|times| {
        let project = Project::empty();
        let keys: Vec<String> =
            (0..FEW * times).map(|at| format!("\"unknown{at}\": \"e\u{301}{at}\"")).collect();
        project.write("many.json", format!("{{\"settings\": {{{}}}}}", keys.join(", ")));
        project.write("schema.json", schema);
        count(&valgrind, &project, &["validate", "--schema", "schema.json", "many.json", "-o", "json"])
    });
    let [first, second] = [counts[1] - counts[0], counts[2] - counts[1]];
    assert!(second * 10 <= first * 23, "JSON by a schema: {counts:?}");
}

#[test]
fn no_case_takes_many_more_instructions_than_it_did() {
    let Some(valgrind) = required(Tool::Valgrind, program(&["valgrind"], &[])) else { return };
    let project = fleet();
    let mut counts = BTreeMap::new();
    for (name, arguments) in CASES {
        counts.insert(name.to_owned(), count(&valgrind, &project, arguments));
    }
    let compiler = Command::new("rustc").arg("--version").output().unwrap();
    let compiler = String::from_utf8(compiler.stdout).unwrap().trim().to_owned();
    let path = format!("{}/tests/it/fixtures/instructions.json", env!("CARGO_MANIFEST_DIR"));
    let wanted: Wanted = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let moved = |(name, now): (&String, &u64)| {
        wanted.counts.get(name).is_none_or(|then| now.abs_diff(*then) > then / 100)
    };
    // Counts differ a little from run to run: that alone is not news.
    if std::env::var_os("UPDATE").is_some() && (wanted.compiler != compiler || counts.iter().any(moved)) {
        let text = serde_json::to_string_pretty(&Wanted { compiler, counts }).unwrap();
        return std::fs::write(path, text + "\n").unwrap();
    }
    let bound = if wanted.compiler == compiler { BOUNDS.0 } else { BOUNDS.1 };
    for (name, _) in CASES {
        let (now, then) = (counts[name], wanted.counts[name]);
        assert!(
            now * 100 <= then * bound,
            "`{name}` takes {now} instructions, {then} before: find out why, or write the counts anew with UPDATE=1"
        );
    }
}
