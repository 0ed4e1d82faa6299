//! What the reconciler does about a difference, by who made it: rules for all of a project, and for pairs, categories and
//! integrations; and in which waves a commit is rolled out. Pure data; what is done by it is elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::Policy;
use crate::model::digest_text;
use crate::plan::data::Origin;

/// What is done about a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// The files are deployed.
    Apply,
    /// It is left and told.
    Report,
    /// What was changed outside is set back.
    Heal,
    /// It is left and told until somebody decides, and of what was changed outside the category is not saved meanwhile.
    Hold,
    /// It is left, and a branch with it is proposed.
    Pull,
}

impl Action {
    pub const ALL: [Action; 5] = [Action::Apply, Action::Report, Action::Heal, Action::Hold, Action::Pull];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Apply => "apply",
            Action::Report => "report",
            Action::Heal => "heal",
            Action::Hold => "hold",
            Action::Pull => "pull",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Action::ALL.into_iter().find(|action| action.as_str() == text)
    }

    /// Whether it can be said of a difference that was made there.
    #[must_use]
    pub fn is_for(self, origin: Origin) -> bool {
        match self {
            Action::Report | Action::Hold => true,
            Action::Apply => origin != Origin::Outside,
            Action::Heal => origin == Origin::Outside,
            Action::Pull => origin != Origin::Git,
        }
    }
}

/// What holds for one category of one integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub git: Action,
    pub outside: Action,
    pub both: Action,
    /// What was changed outside is not saved over before so much time has passed.
    pub grace: Duration,
}

impl Rule {
    #[must_use]
    pub fn of(&self, origin: Origin) -> Action {
        match origin {
            Origin::Git => self.git,
            Origin::Outside => self.outside,
            Origin::Both => self.both,
        }
    }
}

/// What nobody says.
impl Default for Rule {
    fn default() -> Self {
        Rule { git: Action::Apply, outside: Action::Report, both: Action::Hold, grace: Duration::ZERO }
    }
}

/// What is said in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Said {
    git: Option<Action>,
    outside: Option<Action>,
    both: Option<Action>,
    grace: Option<Duration>,
}

impl Said {
    fn read(from: &Json) -> Self {
        let action = |key: &str, origin: Origin| {
            from.get(key).and_then(Json::as_str).and_then(Action::read).filter(|action| action.is_for(origin))
        };
        Said {
            git: action("git", Origin::Git),
            outside: action("outside", Origin::Outside),
            both: action("both", Origin::Both),
            grace: from.get("grace").and_then(Json::as_str).and_then(span),
        }
    }

    /// What is said here, and else what `rule` has.
    fn over(&self, rule: Rule) -> Rule {
        Rule {
            git: self.git.unwrap_or(rule.git),
            outside: self.outside.unwrap_or(rule.outside),
            both: self.both.unwrap_or(rule.both),
            grace: self.grace.unwrap_or(rule.grace),
        }
    }
}

/// Some integrations to which a commit is rolled out before it is to those of the next wave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wave {
    /// Patterns of names; empty for all.
    integrations: Vec<String>,
    /// Of the integrations that a commit changes, so many in a hundred; none for all that are left.
    share: Option<u8>,
    /// How long the next wave waits once this one is saved.
    pub bake: Duration,
    /// Where each of its flows has to sync with what was saved: within this time.
    pub within: Option<Duration>,
}

/// What `until: synced` waits for where nothing else is said.
const WITHIN: Duration = Duration::from_secs(6 * 3_600);

impl Wave {
    fn read(from: &Json) -> Self {
        let text = |key: &str| from.get(key).and_then(Json::as_str);
        let names = from.get("integrations").and_then(Json::as_array).into_iter().flatten();
        let share = text("share").and_then(|share| share.trim_end_matches('%').trim().parse().ok());
        let is_synced = text("until") == Some("synced");
        Wave {
            integrations: names.filter_map(Json::as_str).map(str::to_owned).collect(),
            share,
            bake: text("bake").and_then(span).unwrap_or_default(),
            within: is_synced.then(|| text("within").and_then(span).unwrap_or(WITHIN)),
        }
    }

    /// It takes all that are left.
    fn is_rest(&self) -> bool {
        self.integrations.is_empty() && self.share.is_none()
    }

    /// Those of some integrations that it takes. `of` is how many the commit changes in all; which of them a share takes is another
    /// choice for each commit, and the same for the same one.
    #[must_use]
    pub fn take<'n>(&self, names: impl Iterator<Item = &'n str>, of: usize, commit: &str) -> Vec<&'n str> {
        let globs: Vec<_> = self.integrations.iter().filter_map(|one| globset::Glob::new(one).ok()).collect();
        let globs: Vec<_> = globs.iter().map(globset::Glob::compile_matcher).collect();
        let is_named =
            |name: &&str| self.integrations.is_empty() || globs.iter().any(|pattern| pattern.is_match(name));
        let mut taken: Vec<&str> = names.filter(is_named).collect();
        if let Some(share) = self.share {
            taken.sort_by_cached_key(|name| digest_text(&format!("{commit} {name}")));
            taken.truncate((of * usize::from(share)).div_ceil(100));
            taken.sort_unstable();
        }
        taken
    }
}

/// The rules of a project: the nearest that is said counts, that of an integration before that of a category, of a pair, of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    all: Said,
    pairs: BTreeMap<String, Said>,
    categories: BTreeMap<String, Said>,
    integrations: BTreeMap<String, Said>,
    waves: Option<Vec<Wave>>,
}

/// The keys under which rules are said by name.
const NAMED: [&str; 3] = ["pairs", "categories", "integrations"];

/// The key of the waves, which a policy keeps as JSON.
const WAVES: &str = "waves";

impl Rules {
    /// Reads what a file says, which its schema has judged.
    #[must_use]
    pub fn read(from: &Json) -> Self {
        let named = |key: &str| -> BTreeMap<String, Said> {
            let of = from.get(key).and_then(Json::as_object);
            of.into_iter().flatten().map(|(name, said)| (name.clone(), Said::read(said))).collect()
        };
        let [pairs, categories, integrations] = NAMED.map(named);
        let waves = from.get(WAVES).and_then(Json::as_array);
        let waves = waves.map(|waves| waves.iter().map(Wave::read).collect());
        Rules { all: Said::read(from), pairs, categories, integrations, waves }
    }

    /// Those that a policy has, as [`items`] put them there.
    #[must_use]
    pub fn of_policy(policy: &Policy) -> Self {
        let mut document = Map::new();
        for (item, texts) in &policy.others {
            let Some(path) = item.strip_prefix(PREFIX) else { continue };
            let Some(text) = texts.first() else { continue };
            match path.split('.').collect::<Vec<_>>().as_slice() {
                [WAVES] => {
                    let waves = serde_json::from_str(text).unwrap_or_default();
                    document.insert(WAVES.to_owned(), waves);
                }
                [key] => _ = document.insert((*key).to_owned(), text.as_str().into()),
                [of, name, key] if NAMED.contains(of) => {
                    let of = document.entry(*of).or_insert_with(|| Json::Object(Map::new()));
                    let said = &mut of[*name];
                    if !said.is_object() {
                        *said = Json::Object(Map::new());
                    }
                    said[*key] = text.as_str().into();
                }
                _ => {}
            }
        }
        Rules::read(&Json::Object(document))
    }

    fn over(&self, rule: Rule, integration: &str, pair: &str, category: &str) -> Rule {
        let named = [self.pairs.get(pair), self.categories.get(category), self.integrations.get(integration)];
        named.into_iter().flatten().fold(self.all.over(rule), |rule, said| said.over(rule))
    }
}

/// What holds for a category by several rules, of which a later one has the last word.
#[must_use]
pub fn rule_of(rules: &[&Rules], integration: &str, pair: &str, category: &str) -> Rule {
    rules.iter().fold(Rule::default(), |rule, rules| rules.over(rule, integration, pair, category))
}

/// The waves of several rules, of which a later one has the last word; none where a commit is rolled out at once. The last one takes
/// all that are left, said or not.
#[must_use]
pub fn waves_of(rules: &[&Rules]) -> Vec<Wave> {
    let mut waves = rules.iter().rev().find_map(|rules| rules.waves.clone()).unwrap_or_default();
    if waves.last().is_some_and(|last| !last.is_rest()) {
        waves.push(Wave::default());
    }
    waves
}

/// What of the rules has its place among what has no order begins so.
const PREFIX: &str = "reconcile.";

/// What a file says, item by item, so that a change of it is told as one of the policy.
#[must_use]
pub fn items(from: &Json) -> BTreeMap<String, BTreeSet<String>> {
    fn walk(path: String, from: &Json, into: &mut BTreeMap<String, BTreeSet<String>>) {
        match from {
            Json::Object(map) => {
                map.iter().for_each(|(key, value)| walk(format!("{path}.{key}"), value, into));
            }
            Json::String(text) => _ = into.insert(path, [text.clone()].into()),
            other => _ = into.insert(path, [other.to_string()].into()),
        }
    }
    let mut found = BTreeMap::new();
    walk(PREFIX.trim_end_matches('.').to_owned(), from, &mut found);
    found
}

/// Reads a span of time: `30s`, `5m`, `4h`, `2d`.
#[must_use]
pub fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearest_that_is_said_counts_and_a_later_place_has_the_last_word() {
        let said = json!({
            "outside": "heal", "grace": "4h",
            "pairs": {"a-b": {"git": "hold", "outside": "hold"}},
            "categories": {"stock": {"outside": "pull"}},
            "integrations": {"shop": {"both": "apply"}},
        });
        let files = Rules::read(&said);
        let rule = rule_of(&[&files], "shop", "a-b", "stock");
        let expected = Rule {
            git: Action::Hold,
            outside: Action::Pull,
            both: Action::Apply,
            grace: Duration::from_secs(4 * 3_600),
        };
        assert_eq!(rule, expected);
        assert_eq!(rule_of(&[&files], "other", "c-d", "order").outside, Action::Heal);
        assert_eq!(rule_of(&[], "shop", "a-b", "stock"), Rule::default());
        let last = Rules::read(&json!({"outside": "report"}));
        assert_eq!(rule_of(&[&files, &last], "shop", "a-b", "stock").outside, Action::Report);
    }

    #[test]
    fn what_is_kept_in_a_policy_is_read_back() {
        let said =
            json!({"git": "hold", "categories": {"sales_accounts": {"outside": "heal", "grace": "1d"}}});
        let policy = Policy { others: items(&said), ..Policy::default() };
        assert_eq!(Rules::of_policy(&policy), Rules::read(&said));
        assert!(policy.others.contains_key("reconcile.categories.sales_accounts.outside"));
        assert_eq!(Rules::of_policy(&Policy::default()), Rules::default());
    }

    #[test]
    fn waves_are_read_kept_in_a_policy_and_end_with_all_that_are_left() {
        let said = json!({"waves": [{"integrations": ["canary-*", "pilot"], "bake": "2h"},
            {"share": "20%", "until": "synced", "within": "1h"}, {"until": "synced"}]});
        let rules = Rules::read(&said);
        let waves = waves_of(&[&rules]);
        assert_eq!(waves.len(), 3, "the last takes the rest already");
        assert_eq!((waves[0].bake.as_secs(), waves[0].within), (7_200, None));
        assert_eq!(waves[1].within, Some(Duration::from_secs(3_600)));
        assert_eq!(waves[2].within, Some(WITHIN));
        let policy = Policy { others: items(&said), ..Policy::default() };
        assert_eq!(Rules::of_policy(&policy), rules);
        let last = Rules::read(&json!({"waves": [{"share": "5%"}]}));
        assert_eq!(waves_of(&[&rules, &last]).len(), 2, "the last word, and the rest");
        assert!(waves_of(&[&Rules::default()]).is_empty());
        let names: Vec<String> =
            (0..30).map(|at| format!("shop-{at}")).chain(["canary-1".into(), "pilot".into()]).collect();
        let take = |wave: usize, commit: &str| waves[wave].take(names.iter().map(String::as_str), 32, commit);
        assert_eq!(take(0, "a"), ["canary-1", "pilot"]);
        assert_eq!(take(1, "a").len(), 7, "a share is rounded up");
        assert_eq!(take(1, "a"), take(1, "a"));
        assert_ne!(take(1, "a"), take(1, "b"), "not always the same are first");
        assert_eq!(take(2, "a").len(), 32);
    }

    #[test]
    fn what_makes_no_sense_of_a_difference_is_not_done() {
        for (origin, actions) in [
            (Origin::Git, "apply report hold"),
            (Origin::Outside, "report heal hold pull"),
            (Origin::Both, "apply report hold pull"),
        ] {
            let all = Action::ALL.into_iter().filter(|action| action.is_for(origin));
            assert_eq!(all.map(Action::as_str).collect::<Vec<_>>().join(" "), actions);
        }
        assert_eq!(Rules::read(&json!({"git": "heal", "outside": "apply"})), Rules::default());
    }

    #[test]
    fn spans_of_time_are_read() {
        let of = |text: &str| span(text).map(|span| span.as_secs());
        assert_eq!(["30s", "5m", "4h", "2d"].map(of), [Some(30), Some(300), Some(14_400), Some(172_800)]);
        assert_eq!(["", "4", "h", "4w", "-1h", "99999999999999999999d"].map(of), [None; 6]);
    }
}
