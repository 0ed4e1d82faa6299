//! Whose review a change needs: the project's `owners`, and CODEOWNERS for the files that the changes stand in.

use std::collections::BTreeMap;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::compile::project::Manifest;
use crate::plan::{Action, CategoryPlan, Integration};
use crate::source::git::{History, Revision};

/// Who owns what in a project.
pub struct Owners<'a> {
    declared: &'a BTreeMap<String, Vec<String>>,
    /// The project's folder in its repository.
    folder: String,
    rules: Vec<Rule>,
}

impl<'a> Owners<'a> {
    #[must_use]
    pub fn of(declared: &'a Manifest, history: Option<&(History, Revision)>) -> Self {
        let rules = history
            .and_then(|(history, revision)| Some((history.folder(), rules(&history.codeowners(revision)?))));
        let (folder, rules) = rules.unwrap_or_default();
        Owners { declared: &declared.owners, folder, rules }
    }

    /// Writes the owners to every category that changes or is blocked.
    pub fn assign(&self, integration: &mut Integration) {
        let Owners { declared, folder, rules } = self;
        let worth =
            |category: &&mut CategoryPlan| !category.changes.is_empty() || category.action == Action::Blocked;
        for category in integration.categories.iter_mut().filter(worth) {
            // The most specific entry speaks: of a pair's category, of a category, of a pair.
            let keys = [
                format!("{}.{}", integration.pair, category.category),
                category.category.to_string(),
                integration.pair.to_string(),
            ];
            let mut owners: Vec<String> =
                keys.iter().find_map(|key| declared.get(key)).cloned().unwrap_or_default();
            for path in category.changes.iter().filter_map(|change| change.path.as_deref()) {
                owners.extend(owners_of(rules, &format!("{folder}{path}")));
            }
            owners.sort();
            owners.dedup();
            category.owners = owners;
        }
    }
}

/// Whom a CODEOWNERS file names for a path.
#[must_use]
pub fn of_path(codeowners: &str, path: &str) -> Vec<String> {
    owners_of(&rules(codeowners), path)
}

struct Rule {
    pattern: Gitignore,
    owners: Vec<String>,
}

/// The lines of a CODEOWNERS file; sections of GitLab are read as if they had no heading.
fn rules(text: &str) -> Vec<Rule> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '[', '^', '!']))
        .filter_map(|line| {
            let line = line.split(" #").next().unwrap_or(line);
            let mut words = line.split_whitespace();
            let mut builder = GitignoreBuilder::new("");
            builder.add_line(None, words.next()?).ok()?;
            Some(Rule { pattern: builder.build().ok()?, owners: words.map(str::to_owned).collect() })
        })
        .collect()
}

/// The last line that matches speaks, also when it names nobody.
fn owners_of(rules: &[Rule], path: &str) -> Vec<String> {
    let found =
        rules.iter().rev().find(|rule| rule.pattern.matched_path_or_any_parents(path, false).is_ignore());
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
