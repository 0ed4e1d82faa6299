//! A history of hundreds of commits, each compared with the one before, against a model of the change set that is written
//! once more here: which settings of which integrations change, through their own file, a base or a rename.
//!
//! Not here: shallow clones, bare repositories and other shapes of a repository (`revisions`).

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::revisions::Repository;

const COMMITS: usize = 200;

/// `order.delivery_days`, `payment_methods.methods.Klarna.terms` and others, with their values.
type Layer = BTreeMap<&'static str, Value>;

const SETTINGS: [&str; 5] = [
    "general.our_reference",
    "order.delivery_days",
    "payment_methods.methods.Klarna.terms",
    "payment_methods.methods.Swish.terms",
    "shipping_methods.methods.Pickup.way_of_delivery",
];

fn value(setting: &str, dice: &mut Dice) -> Value {
    let number = dice.below(40);
    if setting == "order.delivery_days" { json!(number) } else { json!(format!("v{number}")) }
}

#[derive(Clone, Default)]
struct Shop {
    own: Layer,
    bases: Vec<usize>,
    /// In a folder, with a file per category, in place of one file.
    folder: bool,
    /// A comment that changes and means nothing.
    remark: usize,
    renamed_from: Option<String>,
}

#[derive(Clone, Default)]
struct Tree {
    shops: BTreeMap<String, Shop>,
    bases: BTreeMap<usize, Layer>,
}

fn yaml(layer: &Layer, only: Option<&str>) -> String {
    let mut nested = json!({});
    for (setting, value) in layer {
        let (category, path) = setting.split_once('.').unwrap();
        if only.is_some_and(|only| only != category) {
            continue;
        }
        let mut place = if only.is_some() { &mut nested } else { &mut nested[category] };
        for key in path.split('.') {
            place = &mut place[key];
        }
        *place = value.clone();
    }
    nested.to_string()
}

impl Tree {
    /// Merged: the own file over its bases, of which a later one stands over an earlier one.
    fn compiled(&self, name: &str) -> Layer {
        let shop = &self.shops[name];
        let layers = shop.bases.iter().filter_map(|base| self.bases.get(base)).chain([&shop.own]);
        layers.flat_map(|layer| layer.iter().map(|(setting, value)| (*setting, value.clone()))).collect()
    }

    /// `integration setting before after`, and which integrations were renamed.
    fn changes(&self, before: &Tree) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut changes, mut renamed) = (BTreeSet::new(), BTreeSet::new());
        for (name, shop) in &self.shops {
            let former = shop.renamed_from.as_ref().filter(|former| before.shops.contains_key(*former));
            let former = former.filter(|_| !before.shops.contains_key(name));
            renamed.extend(former.map(|former| format!("{former} → {name}")));
            let known = former.unwrap_or(name);
            let old = if before.shops.contains_key(known) { before.compiled(known) } else { Layer::new() };
            let new = self.compiled(name);
            for setting in SETTINGS {
                let (old, new) = (old.get(setting), new.get(setting));
                // A setting that left the files is reset while its category stands there, else it is released.
                let category = setting.split_once('.').unwrap().0;
                let stands =
                    self.compiled(name).keys().any(|key| key.starts_with(category)) || category == "general";
                if old != new && (new.is_some() || stands) {
                    changes.insert(format!("{name} {setting} {} {}", json!(old), json!(new)));
                }
            }
        }
        (changes, renamed)
    }

    fn write(&self, repository: &Repository) {
        for folder in ["integrations", "bases"] {
            let _ = std::fs::remove_dir_all(repository.path().join(folder));
        }
        for (base, layer) in &self.bases {
            repository.write(&format!("bases/b{base}.yaml"), &format!("settings: {}\n", yaml(layer, None)));
        }
        for (name, shop) in &self.shops {
            let bases: Vec<String> = shop.bases.iter().map(|base| format!("b{base}")).collect();
            let former = shop.renamed_from.iter().map(|former| format!("renamed_from: {former}\n"));
            let head = format!(
                "# {}\nintegration: {name}\npair: fortnox-shopify\nextends: {bases:?}\n{}",
                shop.remark,
                former.collect::<String>()
            );
            if !shop.folder {
                let text = format!("{head}settings: {}\n", yaml(&shop.own, None));
                repository.write(&format!("integrations/{name}.yaml"), &text);
                continue;
            }
            repository.write(&format!("integrations/{name}/integration.yaml"), &head);
            let categories: BTreeSet<&str> =
                shop.own.keys().map(|key| key.split_once('.').unwrap().0).collect();
            for category in categories {
                let text = format!("{}\n", yaml(&shop.own, Some(category)));
                repository.write(&format!("integrations/{name}/settings/{category}.yaml"), &text);
            }
        }
    }

    /// One to three small changes, of every kind that people make.
    fn next(&self, dice: &mut Dice, number: usize) -> Tree {
        let mut tree = self.clone();
        for _ in 0..=dice.below(3) {
            let names: Vec<String> = tree.shops.keys().cloned().collect();
            let name = names.get(dice.below(names.len().max(1))).cloned();
            let setting = SETTINGS[dice.below(SETTINGS.len())];
            match (dice.below(10), name) {
                (0, _) | (_, None) => {
                    let own = Layer::from([("general.our_reference", json!("new"))]);
                    let shop = Shop { own, bases: vec![dice.below(3)], ..Shop::default() };
                    tree.shops.insert(format!("s{number}"), shop);
                }
                (1, Some(name)) if tree.shops.len() > 6 => drop(tree.shops.remove(&name)),
                (2, Some(name)) => tree.shops.get_mut(&name).unwrap().folder ^= true,
                (3, Some(name)) => tree.shops.get_mut(&name).unwrap().remark = number,
                (4, Some(name)) => tree.shops.get_mut(&name).unwrap().bases = vec![dice.below(3), 3],
                (5, Some(_)) => {
                    let base = dice.below(4);
                    let value = value(setting, dice);
                    tree.bases.entry(base).or_default().insert(setting, value);
                }
                (6, Some(name)) => {
                    let own = &mut tree.shops.get_mut(&name).unwrap().own;
                    if own.len() > 1 && setting != "general.our_reference" {
                        own.remove(setting);
                    }
                }
                (7, Some(name)) if !name.ends_with('r') => {
                    let shop = tree.shops.remove(&name).unwrap();
                    let shop = Shop { renamed_from: Some(name.clone()), ..shop };
                    tree.shops.insert(format!("{name}r"), shop);
                }
                (_, Some(name)) => {
                    let value = value(setting, dice);
                    tree.shops.get_mut(&name).unwrap().own.insert(setting, value);
                }
            }
        }
        tree
    }
}

fn told(diff: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut changes, mut renamed) = (BTreeSet::new(), BTreeSet::new());
    for integration in diff["integrations"].as_array().unwrap() {
        let name = integration["integration"].as_str().unwrap();
        if let Some(former) = integration["renamed_from"].as_str() {
            renamed.insert(format!("{former} → {name}"));
        }
        for category in integration["categories"].as_array().unwrap() {
            for change in category["changes"].as_array().unwrap() {
                let setting = format!(
                    "{}.{}",
                    category["category"].as_str().unwrap(),
                    change["setting"].as_str().unwrap()
                );
                if SETTINGS.contains(&setting.as_str()) {
                    // What goes back to a default is gone as far as the files go.
                    let after = if change["kind"] == "reset" { &Value::Null } else { &change["after"] };
                    changes.insert(format!("{name} {setting} {} {after}", change["before"]));
                }
            }
        }
    }
    (changes, renamed)
}

#[test]
fn each_of_hundreds_of_commits_is_told_as_what_it_changed() {
    let mut dice = Dice(20_261_125);
    let repository = Repository::new();
    repository.write("pairform.yaml", "version: 1\n");
    let mut tree = Tree { bases: (0..4).map(|base| (base, Layer::new())).collect(), ..Tree::default() };
    for base in tree.bases.values_mut() {
        base.insert("payment_methods.methods.Klarna.terms", json!("30"));
    }
    let mut history = Vec::new();
    for number in 0..COMMITS {
        tree = tree.next(&mut dice, number);
        tree.write(&repository);
        history.push((repository.commit(&number.to_string()), tree.clone()));
    }
    let wrong: Vec<String> = history
        .par_windows(2)
        .filter_map(|pair| {
            let [(base, before), (head, after)] = pair else { return None };
            let diff = repository.json(&["diff", "--exact", "--base", base, "--head", head]);
            let (told, expected) = (told(&diff), after.changes(before));
            (told != expected).then(|| format!("{base}..{head}: told {told:?}, changed {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {COMMITS}:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    let changed = history.windows(2).filter(|pair| !pair[1].1.changes(&pair[0].1).0.is_empty()).count();
    assert!(changed > COMMITS / 2, "{changed}");
}
