//! What a connector says of its platform that rules ask for: versions with their days, scopes and what needs them, the flows of
//! topics, how webhooks are verified and what ends them. Facts, each with how sure it is; nothing here judges.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::model::Days;

/// The facts of one platform, as far as rules ask for them. The meta schema has judged them; what is absent is empty here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Platform {
    pub versions: Option<Versions>,
    pub scopes: Option<Scopes>,
    pub topics: BTreeMap<String, Topic>,
    pub webhooks: Option<Webhooks>,
    pub payouts: Payouts,
    options: BTreeMap<String, OptionSet>,
}

/// How sure a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// No rule may make an error of it.
    #[default]
    #[serde(alias = "general")]
    Unverified,
    SecondHand,
    Verified,
}

/// The versions that a connection can name.
#[derive(Debug, Deserialize)]
pub struct Versions {
    /// The connection's field that names one.
    pub field: String,
    pub known: BTreeMap<String, Version>,
    /// What becomes of a request to one that has ended, in the middle of a sentence.
    pub after: Option<String>,
    #[serde(default)]
    pub evidence: Evidence,
}

/// One version and the days on which the platform answers to it.
#[derive(Debug, Deserialize)]
pub struct Version {
    #[serde(flatten)]
    pub time: Days,
}

/// What an app is given rights to.
#[derive(Debug, Deserialize)]
pub struct Scopes {
    /// The connection's field that lists those that were given.
    pub field: Option<String>,
    pub known: BTreeMap<String, Scope>,
    #[serde(default)]
    flows: BTreeMap<String, FlowScopes>,
    /// What it takes to be given a further one, a sentence.
    pub more: Option<String>,
    #[serde(default)]
    pub evidence: Evidence,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Scope {
    pub title: Option<String>,
    /// Those that are given with it.
    includes: Vec<String>,
}

/// What a flow needs: the same either way, or one list for each.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum FlowScopes {
    Both(Vec<String>),
    Each {
        #[serde(default)]
        read: Vec<String>,
        #[serde(default)]
        write: Vec<String>,
    },
}

/// A webhook topic.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Topic {
    flow: Option<String>,
    flows: Vec<String>,
    pub scopes: Vec<String>,
    pub evidence: Evidence,
}

#[derive(Debug, Deserialize)]
pub struct Webhooks {
    verification: Verifications,
    /// `3d`: the time after which a subscription expires.
    pub renew_within: Option<String>,
    /// What becomes of a subscription whose messages are not taken.
    pub gives_up: Option<GivesUp>,
    #[serde(default)]
    pub evidence: Evidence,
}

/// When a platform gives up on a webhook.
#[derive(Debug, Deserialize)]
pub struct GivesUp {
    pub failures: Option<u32>,
    /// `4h`
    pub within: Option<String>,
    pub then: End,
    #[serde(default)]
    pub evidence: Evidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    Deleted,
    Disabled,
    /// The message alone.
    Lost,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Verifications {
    One(Verification),
    Several(Vec<Verification>),
}

/// One way in which it is known that the platform sent a webhook.
#[derive(Debug, Deserialize)]
pub struct Verification {
    pub method: Method,
    /// The connection's field with the secret; none where nothing is signed.
    pub secret: Option<String>,
    #[serde(default)]
    pub evidence: Evidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    HmacSha256,
    HmacSha512,
    ClientState,
    Header,
    Unsigned,
}

/// How the platform pays out, as far as that is known.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Payouts {
    pub currencies: Option<Currencies>,
    fees: Option<Fees>,
}

/// All currencies that it pays out in.
#[derive(Debug, Deserialize)]
pub struct Currencies {
    pub known: Vec<String>,
    #[serde(default)]
    pub evidence: Evidence,
}

#[derive(Debug, Deserialize)]
struct Fees {
    taken: Taken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Taken {
    KeptBack,
    Invoiced,
    Either,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OptionSet {
    scopes: Vec<String>,
    also: Option<String>,
}

impl Platform {
    /// From a connector's part. One that cannot be read says nothing, since the meta schema tells what is wrong in it.
    #[must_use]
    pub(super) fn of(part: &Json) -> Self {
        Platform::deserialize(part).unwrap_or_default()
    }

    /// The scopes without which an option set cannot be read.
    #[must_use]
    pub fn scopes_of_set(&self, set: &str) -> &[String] {
        self.options.get(set).map_or(&[], |set| &set.scopes)
    }

    /// Another option set whose values can be chosen where this one's can.
    #[must_use]
    pub fn also(&self, set: &str) -> Option<&str> {
        self.options.get(set)?.also.as_deref()
    }
}

impl Payouts {
    /// Whether the platform is known to keep back no fees, but to invoice them.
    #[must_use]
    pub fn are_whole(&self) -> bool {
        self.fees.as_ref().is_some_and(|fees| fees.taken == Taken::Invoiced)
    }
}

impl Topic {
    /// The flows that it can start, the usual one first; none where that is not known.
    pub fn flows(&self) -> impl Iterator<Item = &str> {
        self.flow.iter().chain(&self.flows).map(String::as_str)
    }
}

impl Webhooks {
    /// The ways of verification; the first whose secret is given is used.
    #[must_use]
    pub fn verification(&self) -> &[Verification] {
        match &self.verification {
            Verifications::One(one) => std::slice::from_ref(one),
            Verifications::Several(several) => several,
        }
    }
}

impl Scopes {
    /// Those that a flow needs where it reads from this platform, or writes to it.
    #[must_use]
    pub fn of_flow(&self, flow: &str, reads: bool) -> &[String] {
        match self.flows.get(flow) {
            Some(FlowScopes::Both(scopes)) => scopes,
            Some(FlowScopes::Each { read, .. }) if reads => read,
            Some(FlowScopes::Each { write, .. }) => write,
            None => &[],
        }
    }

    /// These scopes and all that are given with them.
    #[must_use]
    pub fn with_included<'a>(&'a self, given: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut all = BTreeSet::new();
        let mut left: Vec<&str> = given.into_iter().collect();
        while let Some(scope) = left.pop() {
            if all.insert(scope) {
                left.extend(
                    self.known.get(scope).into_iter().flat_map(|known| &known.includes).map(String::as_str),
                );
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::parts::{Catalogue, built_in};

    #[test]
    fn every_built_in_platform_is_understood() {
        for id in Catalogue::default().names("connectors") {
            let part = built_in(&format!("connectors/{id}.yaml"));
            if let Err(error) = Platform::deserialize(&*part) {
                panic!("{id}: {error}");
            }
        }
    }

    #[test]
    fn scopes_are_told_by_flow_and_bring_those_that_they_include() {
        let scopes: Scopes = serde_json::from_value(json!({
            "known": {"write": {"includes": ["read"]}, "read": {"includes": ["see"]}, "see": {}, "other": {}},
            "flows": {"orders": ["order"], "articles": {"read": ["see"], "write": ["write"]}},
        }))
        .unwrap();
        let flow = |flow: &str, reads: bool| scopes.of_flow(flow, reads).join(" ");
        assert_eq!(
            [flow("orders", true), flow("orders", false), flow("stock", true)],
            ["order", "order", ""]
        );
        assert_eq!([flow("articles", true), flow("articles", false)], ["see", "write"]);
        assert_eq!(scopes.with_included(["write"]), BTreeSet::from(["read", "see", "write"]));
    }
}
