//! What somebody is to know after a round: what was left as it is deployed and why, what was refused, what failed. Plain data that is
//! kept as JSON; how it is worded is for whoever tells it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::matrix::{Left, Why};
use crate::ops::error::{Error, ErrorKind, Help};
use crate::plan::policy::reconcile::Action;
use crate::plan::{Integration, Origin};

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Changed outside alone.
    Drift,
    /// Changed in the files and outside.
    Conflict,
    /// Changed in the files alone, and left by a rule.
    Gated,
    /// Changed in the files, and left since something else of the category or the integration is.
    Waits,
    /// Deployed from a commit that is not in the history of this one.
    History,
    /// The files have errors.
    Invalid,
    /// A rule of safety refuses it.
    Refused,
    /// It could not be saved.
    Failed,
    /// Files of it are gone, and what is deployed stays.
    Released,
    /// A wave of a rollout failed, and nothing more of the commit is rolled out.
    Wave,
    /// The round itself could not be made: git, the store, or what is allowed.
    Stopped,
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Drift => "drift",
            Kind::Conflict => "conflict",
            Kind::Gated => "gated",
            Kind::Waits => "waits",
            Kind::History => "history",
            Kind::Invalid => "invalid",
            Kind::Refused => "refused",
            Kind::Failed => "failed",
            Kind::Released => "released",
            Kind::Wave => "wave",
            Kind::Stopped => "stopped",
        }
    }
}

/// A setting that is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftSetting {
    pub setting: String,
    /// As it is deployed, and as the files say.
    pub deployed: Json,
    pub files: Json,
    /// Who changed it outside and when, as far as the history tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Where the files say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// One thing that somebody is to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concern {
    pub kind: Kind,
    /// What should be deployed is not, and somebody has to do something.
    pub held: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Its integration is in live mode.
    #[serde(default)]
    pub live: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<LeftSetting>,
    /// In words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Until when it is left in any case (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The commit that is deployed, and is not in the history; of a wave, the one that is rolled out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_commit: Option<String>,
    /// The branch that is proposed: to take in what was changed outside, or to take the commit back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// That branch was pushed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pushed: bool,
    /// Whose review it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// The way out, where whatever stopped it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
}

impl Concern {
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Concern {
            kind,
            held: true,
            integration: None,
            category: None,
            live: false,
            settings: Vec::new(),
            reasons: Vec::new(),
            until: None,
            deployed_commit: None,
            branch: None,
            pushed: false,
            owners: Vec::new(),
            way: None,
        }
    }

    /// The same for as long as it lasts.
    #[must_use]
    pub fn id(&self) -> String {
        let of = [self.integration.as_deref(), self.category.as_deref()].into_iter().flatten();
        std::iter::once(self.kind.as_str()).chain(of).collect::<Vec<_>>().join("/")
    }

    /// Of what stopped a round.
    #[must_use]
    pub fn of_error(error: &Error) -> Self {
        let kind = if error.kind == ErrorKind::Invalid { Kind::Invalid } else { Kind::Stopped };
        let way = match &error.help {
            Some(Help::Do(way)) => Some(way.clone()),
            _ => None,
        };
        Concern { way, ..Concern::new(kind).because([error.message.clone()]) }
    }

    /// It is what stopped a round, and so over with the next one that is made.
    #[must_use]
    pub fn is_of_a_round(&self) -> bool {
        match self.kind {
            Kind::Stopped => true,
            Kind::Invalid => self.integration.is_none(),
            _ => false,
        }
    }

    #[must_use]
    pub fn of(self, integration: &str) -> Self {
        Concern { integration: Some(integration.to_owned()), ..self }
    }

    #[must_use]
    pub fn because(self, reasons: impl IntoIterator<Item = String>) -> Self {
        Concern { reasons: reasons.into_iter().collect(), ..self }
    }

    /// It asks for a branch with what was changed outside.
    #[must_use]
    pub fn is_to_be_proposed(&self, left: &[Left]) -> bool {
        left.iter().any(|left| {
            self.category.as_deref() == Some(left.category.as_str())
                && matches!(left.why, Why::Rule(_, Action::Pull))
                && kind_of(&left.why) == Some(self.kind)
        })
    }
}

/// None where nobody need know: its time comes.
fn kind_of(why: &Why) -> Option<Kind> {
    Some(match why {
        Why::Rule(Origin::Git, _) => Kind::Gated,
        Why::Rule(Origin::Outside, _) | Why::Grace(_) => Kind::Drift,
        Why::Rule(Origin::Both, _) => Kind::Conflict,
        Why::CategoryHeld | Why::DependsOn(_) => Kind::Waits,
        Why::NotInHistory(_) => Kind::History,
        Why::Wave | Why::Ahead => return None,
    })
}

/// What is left of an integration, a concern for each category and kind.
#[must_use]
pub fn concerns_of(integration: &Integration, left: &[Left]) -> Vec<Concern> {
    let mut concerns: Vec<Concern> = Vec::new();
    for Left { category, change, why, by, since } in left {
        let Some(kind) = kind_of(why) else { continue };
        let is_it =
            |one: &&mut Concern| one.kind == kind && one.category.as_deref() == Some(category.as_str());
        let known = concerns.iter_mut().find(is_it);
        let concern = match known {
            Some(known) => known,
            None => {
                let planned = integration.categories.iter().find(|one| one.category == *category);
                concerns.push(Concern {
                    held: false,
                    category: Some(category.to_string()),
                    live: integration.is_live(),
                    owners: planned.map(|planned| planned.owners.clone()).unwrap_or_default(),
                    ..Concern::new(kind).of(&integration.integration)
                });
                let last = concerns.len() - 1;
                &mut concerns[last]
            }
        };
        concern.settings.push(LeftSetting {
            setting: change.setting.clone(),
            deployed: change.before.clone(),
            files: change.after.clone(),
            by: by.clone(),
            since: since.clone(),
            path: change.path.clone(),
            line: change.line,
        });
        match why {
            Why::Rule(_, Action::Hold) | Why::CategoryHeld => concern.held = true,
            Why::Rule(..) | Why::Wave | Why::Ahead => {}
            Why::Grace(until) => concern.until = Some(until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            Why::NotInHistory(commit) => {
                concern.held = true;
                concern.deployed_commit = Some(commit.clone());
            }
            Why::DependsOn(on) => {
                concern.held = true;
                let reason = format!("it depends on `{on}`, of which something is left");
                if !concern.reasons.contains(&reason) {
                    concern.reasons.push(reason);
                }
            }
        }
    }
    concerns
}
