//! Findings that are one: the same said of the same setting, wherever it stands and whatever would mend it there. Taken apart, they are
//! exactly the findings. Every form puts them together by this.

use std::collections::HashMap;
use std::hash::Hash;

/// What makes findings one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Said<'a> {
    pub code: &'a str,
    pub severity: &'a str,
    pub message: &'a str,
    pub category: &'a str,
    pub setting: &'a str,
}

/// Those that say the same, together; in the order of the first of each.
pub fn alike<T: Copy, K: Hash + Eq>(all: impl IntoIterator<Item = T>, said: impl Fn(T) -> K) -> Vec<Vec<T>> {
    let mut first: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Vec<T>> = Vec::new();
    for one in all {
        let at = *first.entry(said(one)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::content::Item;
    use super::*;

    fn an_item() -> impl Strategy<Value = Item> {
        (0..2_usize, 0..2_usize, 0..2_usize, 0..2_usize, 0..3_usize, 0..9_usize).prop_map(
            |(code, severity, message, setting, help, line)| Item {
                code: format!("E030{code}"),
                severity: ["error", "warning"][severity].to_owned(),
                message: format!("message {message}"),
                setting: format!("setting {setting}"),
                help: format!("help {help}"),
                line,
                ..Item::default()
            },
        )
    }

    proptest! {
        #[test]
        fn groups_of_findings_taken_apart_give_exactly_the_findings(all in prop::collection::vec(an_item(), 0..40)) {
            let groups = alike(&all, Item::said);
            let mut found: Vec<String> = groups.iter().flatten().map(|item| format!("{item:?}")).collect();
            let mut wanted: Vec<String> = all.iter().map(|item| format!("{item:?}")).collect();
            found.sort();
            wanted.sort();
            prop_assert_eq!(found, wanted);
            // What mends it parts nothing, and none could have been joined.
            for group in &groups {
                prop_assert!(group.iter().all(|item| item.said() == group[0].said()));
            }
            let mut said: Vec<String> = groups.iter().map(|group| format!("{:?}", group[0].said())).collect();
            said.sort();
            said.dedup();
            prop_assert_eq!(said.len(), groups.len());
        }
    }
}
