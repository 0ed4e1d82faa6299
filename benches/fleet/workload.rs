//! A fleet in pairform's own language: the same for the same numbers, on every machine.
//!
//! Each integration is one of several clean variants of a pair's sample (`tests/schemas/PAIR/valid.yaml`), with values of
//! its own. Some hold one mistake. Nothing is measured here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pairform::compile::{Selection, compile};
use pairform::source::{SourceFile, Sources};

/// What a fleet is made of.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub integrations: usize,
    pub pairs: usize,
    /// The share of integrations with a mistake.
    pub error_rate: f64,
    pub seed: u64,
}

/// Numbers that look random and are the same in every run (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or_default()
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.below(1_000_000) < (share * 1_000_000.0) as usize
    }
}

/// One pair with the texts that its integrations are made from.
struct Template {
    pair: String,
    variants: Vec<String>,
}

/// How many variants of a sample are tried; those with a finding are left out.
const TRIES: usize = 12;

/// The clean variants of the first `pairs` samples: the whole, and some of its lines left out at random.
fn templates(shape: Shape) -> Vec<Template> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    let mut names: Vec<String> = fs::read_dir(folder.clone())
        .expect("the samples")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names.truncate(shape.pairs.max(1));
    let wholes: Vec<String> = names
        .iter()
        .map(|name| fs::read_to_string(folder.join(name).join("valid.yaml")).expect("a sample"))
        .collect();
    // A line may go when the integration without it has no finding.
    let candidates: Vec<(usize, usize)> = wholes
        .iter()
        .enumerate()
        .flat_map(|(at, whole)| leaves(whole).into_iter().map(move |line| (at, line)))
        .collect();
    let texts: Vec<String> =
        candidates.iter().map(|(at, line)| without(&wholes[*at], &BTreeSet::from([*line]))).collect();
    let droppable: Vec<(usize, usize)> =
        candidates.iter().zip(clean(&texts)).filter_map(|(line, clean)| clean.then_some(*line)).collect();
    let mut dice = Dice(shape.seed);
    let mut tried = Vec::new();
    for (at, whole) in wholes.iter().enumerate() {
        for _ in 0..TRIES {
            let dropped: BTreeSet<usize> = droppable
                .iter()
                .filter(|(of, _)| *of == at)
                .map(|(_, line)| *line)
                .filter(|_| dice.chance(0.5))
                .collect();
            tried.push((at, without(whole, &dropped)));
        }
    }
    tried.extend(wholes.into_iter().enumerate());
    let texts: Vec<String> = tried.iter().map(|(_, text)| text.clone()).collect();
    let mut templates: Vec<Template> =
        names.into_iter().map(|pair| Template { pair, variants: Vec::new() }).collect();
    for ((at, text), clean) in tried.into_iter().zip(clean(&texts)) {
        if clean {
            templates[at].variants.push(text);
        }
    }
    templates
}

/// The lines below `connectors:` and `settings:` that hold one setting each.
fn leaves(text: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let at = |key: &str| lines.iter().position(|line| *line == key).unwrap_or(lines.len());
    (at("connectors:")..at("schedules:"))
        .filter(|at| lines[*at].starts_with("    ") && !lines[*at].ends_with(':'))
        .collect()
}

fn without(text: &str, dropped: &BTreeSet<usize>) -> String {
    let kept = text.lines().enumerate().filter(|(at, _)| !dropped.contains(at));
    kept.map(|(_, line)| format!("{line}\n")).collect()
}

/// Which of these integrations have no finding; all are compiled as one project.
fn clean(texts: &[String]) -> Vec<bool> {
    let mut sources = Sources::default();
    sources.add(SourceFile::new("pairform.yaml", PROJECT));
    for (at, text) in texts.iter().enumerate() {
        let name = format!("i{at:06}");
        sources.add(SourceFile::new(format!("integrations/{name}.yaml"), named(text, &name)));
    }
    let found = compile(&sources, &Selection::default()).findings;
    let spoiled: BTreeSet<String> =
        found.into_iter().filter_map(|finding| finding.about.integration).collect();
    (0..texts.len()).map(|at| !spoiled.contains(&format!("i{at:06}"))).collect()
}

fn named(text: &str, name: &str) -> String {
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    format!("integration: {name}\n{rest}")
}

/// A token that expires by itself is noted for every integration with Centra, so a fleet of them allows it.
const PROJECT: &str = "version: 1\nlevels: {N0425: {level: allow, reason: renewed every month}}\n";

/// The variables that the samples take secrets from.
pub fn secrets() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    let samples = fs::read_dir(folder).expect("the samples").filter_map(Result::ok);
    let mut names = BTreeSet::new();
    for sample in samples {
        let text = fs::read_to_string(sample.path().join("valid.yaml")).expect("a sample");
        let references = text.split("env/").skip(1).filter_map(|rest| rest.split('}').next());
        names.extend(references.map(str::to_owned));
    }
    names.into_iter().collect()
}

/// Mistakes that people make, as a line and what becomes of it.
const MISTAKES: [(&str, &str); 5] = [
    ("    match_by: ", "    match_bye: sku"),
    ("    direction: ", "    direction: erp_to_shopp"),
    ("    name: ", "    # forgotten"),
    ("    missing_article: ", "    missing_article: ask"),
    ("    exclude_before: ", "    exclude_before: \"2026-02-30\""),
];

/// Writes the fleet; how many integrations hold a mistake, and the size of all texts in bytes.
pub fn write(shape: Shape, folder: &Path) -> (usize, usize) {
    let templates = templates(shape);
    let mut dice = Dice(shape.seed ^ 0x5eed);
    fs::create_dir_all(folder.join("integrations")).expect("a folder");
    fs::write(folder.join("pairform.yaml"), PROJECT).expect("a project file");
    let (mut mistakes, mut bytes) = (0, 0);
    for number in 0..shape.integrations {
        let template = &templates[number % templates.len()];
        assert!(!template.variants.is_empty(), "no variant of {} is clean", template.pair);
        let variant = &template.variants[dice.below(template.variants.len())];
        let name = format!("{}-{number:06}", template.pair);
        let mut text = named(variant, &name)
            .replace("name: \"Nordic Outdoor\"", &format!("name: Shop {number}"))
            .replace("delivery_days: 0", &format!("delivery_days: {}", dice.below(30)))
            .replace("shop: \"nordic-outdoor\"", &format!("shop: shop-{number}"));
        if dice.chance(shape.error_rate) {
            let (line, wrong) = MISTAKES[dice.below(MISTAKES.len())];
            let lines: Vec<&str> =
                text.lines().map(|had| if had.starts_with(line) { wrong } else { had }).collect();
            let spoiled = lines.join("\n") + "\n";
            mistakes += usize::from(spoiled != text);
            text = spoiled;
        }
        bytes += text.len();
        fs::write(folder.join(format!("integrations/{name}.yaml")), text).expect("a file");
    }
    (mistakes, bytes)
}

/// Changes one integration in a hundred, as somebody would on a branch; how many.
pub fn change(folder: &Path) -> usize {
    let mut names: Vec<_> = fs::read_dir(folder.join("integrations"))
        .expect("the fleet")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    names.sort();
    let changed: Vec<_> = names.into_iter().step_by(100).collect();
    for path in &changed {
        let text = fs::read_to_string(path).expect("an integration");
        fs::write(path, text.replace("    name: Shop", "    name: The shop")).expect("an integration");
    }
    changed.len()
}
