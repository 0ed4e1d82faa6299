//! Whose review a change needs: the project's `owners`, and CODEOWNERS for the files that the changes stand in.

use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::base::Base;
use crate::compile::project::Manifest;
use crate::model::category::POLICY;
use crate::plan::{Action, CategoryPlan, Integration};
use crate::source::git::{History, Revision};

/// Who owns what in a project. In a comparison also who did in its base: a change is not out of the hands of those whom it
/// takes off the list.
pub struct Owners<'a> {
    sides: Vec<Side<'a>>,
    /// The project's folder in its repository.
    folder: String,
}

/// Who owns what by one revision.
struct Side<'a> {
    declared: &'a BTreeMap<String, Vec<String>>,
    rules: Vec<Rule>,
}

impl<'a> Owners<'a> {
    #[must_use]
    pub fn of(declared: &'a Manifest, history: Option<&(History, Revision)>, base: Option<&'a Base>) -> Self {
        let rules = |revision: &Revision| {
            let text = history.and_then(|(history, _)| history.codeowners(revision));
            text.map(|text| rules(&text)).unwrap_or_default()
        };
        let own = history.map(|(_, revision)| rules(revision)).unwrap_or_default();
        let mut sides = vec![Side { declared: &declared.owners, rules: own }];
        sides.extend(
            base.map(|base| Side { declared: &base.declared().owners, rules: rules(base.tip_revision()) }),
        );
        let folder = history.map(|(history, _)| history.folder()).unwrap_or_default();
        Owners { sides, folder }
    }

    /// With those whom the last apply recorded.
    #[must_use]
    pub fn and(mut self, recorded: &'a BTreeMap<String, Vec<String>>) -> Self {
        self.sides.push(Side { declared: recorded, rules: Vec::new() });
        self
    }

    /// Writes the owners to every category that changes or is blocked.
    pub fn assign(&self, integration: &mut Integration) {
        let worth =
            |category: &&mut CategoryPlan| !category.changes.is_empty() || category.action == Action::Blocked;
        for category in integration.categories.iter_mut().filter(worth) {
            // The most specific entry speaks: of a pair's category, of a category, of a pair.
            let keys = [
                format!("{}.{}", integration.pair, category.category),
                category.category.to_string(),
                integration.pair.to_string(),
            ];
            let paths = category.changes.iter().filter_map(|change| change.path.as_deref());
            category.owners = self.named(&keys, paths);
        }
    }

    /// Whose review a change of policy needs that is written in a file; none: in CODEOWNERS itself.
    #[must_use]
    pub fn of_policy(&self, path: Option<&str>) -> Vec<String> {
        self.named(&[POLICY.to_owned()], path.into_iter())
    }

    fn named<'p>(&self, keys: &[String], paths: impl Iterator<Item = &'p str> + Clone) -> Vec<String> {
        let mut owners: Vec<String> = Vec::new();
        for Side { declared, rules } in &self.sides {
            owners.extend(keys.iter().find_map(|key| declared.get(key)).into_iter().flatten().cloned());
            for path in paths.clone() {
                owners.extend(owners_of(rules, &format!("{}{path}", self.folder)));
            }
        }
        owners.sort();
        owners.dedup();
        owners
    }
}

/// Whom a CODEOWNERS file names for a path: the reader alone, as those who try it with any bytes need it.
#[must_use]
pub fn of_path(codeowners: &str, path: &str) -> Vec<String> {
    owners_of(&rules(codeowners), path)
}

struct Rule {
    pattern: Gitignore,
    owners: Vec<String>,
}

/// More lines of a file than these are not read: forges themselves take no file of over 3 MB, and no team writes so many.
const MOST_RULES: usize = 20_000;

/// The lines of a CODEOWNERS file; sections of GitLab are read as if they had no heading. Of lines with one pattern only the last can
/// speak.
fn rules(text: &str) -> Vec<Rule> {
    let mut known = HashSet::new();
    let mut rules: Vec<Rule> = text
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '[', '^', '!']))
        .filter_map(|line| {
            let line = line.split(" #").next().unwrap_or(line);
            let mut words = line.split_whitespace();
            let pattern = words.next().filter(|pattern| known.insert(*pattern))?;
            let mut builder = GitignoreBuilder::new("");
            builder.add_line(None, pattern).ok()?;
            Some(Rule { pattern: builder.build().ok()?, owners: words.map(str::to_owned).collect() })
        })
        .take(MOST_RULES)
        .collect();
    rules.reverse();
    rules
}

/// The last line that matches speaks, also when it names nobody.
fn owners_of(rules: &[Rule], path: &str) -> Vec<String> {
    // Paths begin at the repository's folder; the matcher panics at one that begins at the root of all.
    let is_name = |part: &Component<'_>| matches!(part, Component::Normal(_));
    let path: PathBuf = Path::new(path).components().filter(is_name).collect();
    let found =
        rules.iter().rev().find(|rule| rule.pattern.matched_path_or_any_parents(&path, false).is_ignore());
    found.map(|rule| rule.owners.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_matching_line_of_codeowners_speaks() {
        let rules = rules(
            "* @all\n/integrations/ @shops # ours\nintegrations/*/settings/payment_methods.yaml @finance @cfo\n/docs/\n",
        );
        assert_eq!(owners_of(&rules, "pairform.yaml"), ["@all"]);
        assert_eq!(owners_of(&rules, "integrations/a.yaml"), ["@shops"]);
        assert_eq!(owners_of(&rules, "integrations/a/settings/payment_methods.yaml"), ["@finance", "@cfo"]);
        assert!(owners_of(&rules, "docs/a.md").is_empty());
    }
}
