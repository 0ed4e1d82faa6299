//! What a form is made of: findings, and where there is one a plan and what became of it. Every form reads the same.

use std::collections::BTreeMap;

use similar::ChangeTag;

use super::alike::{Said, alike};
use super::groups::{Group, Groups, Kind};
use super::moved::Moved;
use super::stopped::Stopped;
use super::texts::Language;
use super::{count, list_words};
use crate::apply::{Outcome, Report};
use crate::diagnostic::Severity;
use crate::diagnostic::placed::{PlacedFinding, PlacedFix};
use crate::model::category::POLICY;
use crate::model::{Name, SettingPath};
use crate::ops::forge::Lines;
use crate::plan::policy::{Direction, PolicyChange};
use crate::plan::{Action, CategoryPlan, Commit, Integration, Plan, Refusal, Release};
use crate::schema::parts::Catalogue;

/// The matter of one report.
#[derive(Clone, Copy)]
pub struct Content<'a> {
    pub command: &'a str,
    pub findings: &'a [PlacedFinding],
    /// How many integrations were looked at.
    pub integrations: usize,
    pub plan: Option<&'a Plan>,
    pub outcome: Option<&'a Report>,
    /// Why there is no result.
    pub stopped: Option<Stopped<'a>>,
    /// Of a comparison, what it changes of that which judges.
    pub policy: &'a [PolicyChange],
    /// Where titles of settings come from.
    pub catalogue: &'a Catalogue,
    /// The pair of each integration, where there is no plan that tells it.
    pub pairs: Option<&'a BTreeMap<String, Name>>,
    /// What comes first.
    pub by: By,
    /// Where the deployed state is, without a password.
    pub store: Option<&'a str>,
    /// When and by whom the plan was made.
    pub made: Option<&'a str>,
    /// What the files are of, where there is no plan that tells it, and what their folder is called.
    pub revision: Option<&'a Commit>,
    pub named: Option<&'a str>,
    /// What it is worded in: a page is somebody's, all else is English.
    pub language: &'static Language,
    /// The project's folder in its repository, with a slash at the end, for readers that begin at the repository's root.
    pub folder: &'a str,
    /// The commit that places are of, where nothing was changed since.
    pub commit: Option<&'a str>,
    /// Where lines are to be seen.
    pub lines: Option<&'a Lines>,
}

/// How a plan is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// Identical changes are one, with the integrations that they reach.
    #[default]
    Change,
    /// Integration by integration.
    Integration,
}

/// One result at a place: a finding, or what a plan or its apply says.
#[derive(Debug, Clone, Default)]
pub struct Item {
    pub code: String,
    pub name: String,
    pub severity: String,
    pub message: String,
    pub path: String,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
    pub integration: String,
    pub also: Vec<String>,
    pub category: String,
    pub setting: String,
    /// The settings that it speaks of, where these are more than one.
    pub settings: Vec<String>,
    pub notes: Vec<String>,
    pub help: String,
    pub fix: Option<PlacedFix>,
    /// Those that say the same of other places.
    pub others: Vec<Item>,
}

impl Item {
    /// What it says, and of what.
    #[must_use]
    pub fn said(&self) -> Said<'_> {
        let Item { code, severity, message, category, setting, .. } = self;
        Said { code, severity, message, category, setting }
    }

    /// Where it was found, and where else.
    pub fn all(&self) -> impl Iterator<Item = &Item> {
        std::iter::once(self).chain(&self.others)
    }

    /// Where else it was found, `most` places by name, and what would mend it there that would not mend it here; nothing where it stands alone.
    #[must_use]
    pub fn elsewhere(&self, most: usize) -> Vec<String> {
        let groups = alike(&self.others, |other| other.help.as_str());
        let told = groups.into_iter().map(|some| {
            let places: Vec<String> =
                some.iter().take(most).map(|other| format!("{}:{}", other.path, other.line)).collect();
            let rest = some.len().saturating_sub(most);
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            let help = Some(&some[0].help).filter(|help| !help.is_empty() && **help != self.help);
            let help = help.map(|help| format!("; there: {help}")).unwrap_or_default();
            let places = places.join(", ");
            format!("the same in {}: {places}{rest}{help}", count(some.len(), "other place"))
        });
        told.collect()
    }

    /// In a folder of the repository, and at a line that there is.
    fn placed(&mut self, folder: &str) {
        if self.path.is_empty() {
            "pairform.yaml".clone_into(&mut self.path);
        }
        self.path.insert_str(0, folder);
        for edit in self.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
            edit.place.path.insert_str(0, folder);
        }
        self.line = self.line.max(1);
        self.column = self.column.max(1);
        self.others.iter_mut().for_each(|other| other.placed(folder));
    }

    /// Whether it tells a change of policy.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        self.code.starts_with("policy-")
    }
}

impl From<&PlacedFinding> for Item {
    fn from(finding: &PlacedFinding) -> Self {
        let PlacedFinding { code, name, severity, message, place, also, notes, fix, .. } = finding.clone();
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        Item {
            code,
            name,
            severity: severity.as_str().to_owned(),
            message,
            path: place.path,
            line: place.line,
            column: place.column,
            end_line: place.end_line,
            end_column: place.end_column,
            integration: said(&finding.integration),
            also,
            category: said(&finding.category),
            setting: said(&finding.setting),
            settings: finding.settings.clone(),
            notes,
            help: said(&finding.help),
            fix,
            others: Vec::new(),
        }
    }
}

/// The rules of what a plan says, beside the codes of findings: id, summary.
pub const RULES: [(&str, &str); 13] = [
    ("stopped", "the command stopped before its result"),
    ("policy-changed", "something that judges a change, or leads out of the project, is another"),
    ("policy-weaker", "a rule is weaker than it was"),
    ("policy-stricter", "a rule is stricter than it was"),
    ("plan-change", "settings of a category would be saved"),
    ("plan-reset", "settings of a category would go back to their defaults"),
    ("plan-conflict", "a setting was changed both in the files and outside them"),
    ("plan-drift", "a setting was changed outside the files"),
    ("plan-released", "an integration or a category left the files, and stays as it is deployed"),
    ("plan-refused", "applying the plan would be refused"),
    ("apply-not-saved", "a category could not be saved"),
    ("apply-skipped", "a category was not saved because of another"),
    ("apply-unfinished", "what was saved could not be noted as done"),
];

impl<'a> Content<'a> {
    /// Of a plan, laid out by change.
    #[must_use]
    pub fn of_plan(command: &'a str, plan: &'a Plan, catalogue: &'a Catalogue) -> Self {
        Content {
            command,
            findings: &plan.findings,
            integrations: plan.summary.integrations,
            plan: Some(plan),
            outcome: None,
            stopped: None,
            policy: plan.policy_changes.as_deref().unwrap_or_default(),
            catalogue,
            pairs: None,
            by: By::Change,
            store: None,
            made: None,
            revision: None,
            named: None,
            language: Language::english(),
            folder: "",
            commit: plan.commit.as_ref().filter(|commit| !commit.dirty).map(|commit| commit.id.as_str()),
            lines: None,
        }
    }

    /// Of findings alone.
    #[must_use]
    pub fn of_findings(
        findings: &'a [PlacedFinding],
        policy: &'a [PolicyChange],
        catalogue: &'a Catalogue,
    ) -> Self {
        Content {
            command: "validate",
            findings,
            integrations: 0,
            plan: None,
            outcome: None,
            stopped: None,
            policy,
            catalogue,
            pairs: None,
            by: By::Change,
            store: None,
            made: None,
            revision: None,
            named: None,
            language: Language::english(),
            folder: "",
            commit: None,
            lines: None,
        }
    }
}

impl<'a> Content<'a> {
    /// Of a command that stopped, with what it found.
    #[must_use]
    pub fn of_stop(
        command: &'a str,
        stopped: Stopped<'a>,
        findings: &'a [PlacedFinding],
        catalogue: &'a Catalogue,
    ) -> Self {
        Content { command, stopped: Some(stopped), ..Content::of_findings(findings, &[], catalogue) }
    }
}

impl Content<'_> {
    /// Findings, worst first and else in their order.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = self.findings.iter().map(Item::from).collect();
        items.sort_by_key(|item| rank(&item.severity));
        items
    }

    /// Changes of policy, findings, then what the plan and its apply say, in the same shape; for forms that know only results
    /// at lines. Findings that are one are one, with the places of the others.
    #[must_use]
    pub fn remarks(&self) -> Vec<Item> {
        let mut remarks: Vec<Item> = self.policy.iter().map(policy_remark).collect();
        // Before findings of the same weight, as a forge shows the first few of each.
        remarks.extend(
            self.plan.iter().flat_map(|plan| plan.releases()).map(|release| release_remark(&release)),
        );
        let items = self.items();
        remarks.extend(alike(&items, Item::said).into_iter().map(|some| Item {
            others: some[1..].iter().map(|other| (*other).clone()).collect(),
            ..some[0].clone()
        }));
        if let Some(plan) = self.plan {
            for refusal in &plan.refusals {
                remarks.push(Item {
                    path: "pairform.yaml".to_owned(),
                    ..remark("plan-refused", "error", format!("apply would be refused: {}", refusal.message))
                });
            }
            if self.outcome.is_none() {
                remarks.extend(Groups::of(&plan.integrations, self.catalogue).groups.iter().map(told));
            }
        }
        remarks.extend(self.outcome.into_iter().flat_map(not_saved));
        remarks.extend(self.stopped.iter().flat_map(why_stopped));
        remarks.iter_mut().for_each(|remark| remark.placed(self.folder));
        remarks.sort_by_key(|remark| (!remark.is_policy(), rank(&remark.severity)));
        remarks
    }

    /// The address where a place is to be seen, `path:line` as it is told.
    #[must_use]
    pub fn address(&self, place: &str) -> Option<String> {
        let (path, line) = place.rsplit_once(':')?;
        Some(self.lines?.address(path, line.parse().ok()?))
    }

    /// How many findings are errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(PlacedFinding::weight)
            .sum()
    }

    /// What a person reads first: what would happen, and whether it can.
    #[must_use]
    pub fn verdict(&self) -> String {
        let errors = self.errors();
        let warnings: usize = self
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Warning)
            .map(PlacedFinding::weight)
            .sum();
        let mut said: Vec<String> = super::policy::sum(self.policy).into_iter().collect();
        let language = self.language;
        if let Some(stopped) = &self.stopped {
            said.push(stopped.sum());
        } else if let Some(report) = self.outcome {
            said.push(match report.outcomes.len() {
                0 => "Nothing to save".to_owned(),
                _ => super::apply::sum(report),
            });
        } else if let Some(plan) = self.plan {
            said.extend(self.verdict_of(plan, errors));
        } else {
            let errors = match errors {
                0 => language.say("verdict.no_errors", &[]),
                _ => language.count("verdict.error", errors),
            };
            said.push(format!("{}: {errors}", language.count("verdict.checked", self.integrations)));
        }
        if warnings > 0 {
            said.push(language.count("verdict.warning", warnings));
        }
        said.join("; ")
    }

    /// Of a plan: how much it moves, then what keeps it from being applied.
    fn verdict_of(&self, plan: &Plan, errors: usize) -> Vec<String> {
        let language = self.language;
        let mut said = Vec::new();
        let tally = plan.integrations.tally();
        let (categories, settings) = (&plan.summary.categories, &plan.summary.settings);
        let moved = settings.add + settings.change + settings.reset;
        let is_idle = moved == 0 && categories.create + categories.update + categories.reset == 0;
        let is_drift = self.command == "drift";
        if tally.renamed > 0 {
            said.push(language.count("verdict.renamed", tally.renamed));
        }
        if !is_idle {
            let (number, touched) = (moved.to_string(), language.count("p.integrations", tally.touched));
            let [add, change, reset] =
                [settings.add, settings.change, settings.reset].map(|one| one.to_string());
            let filled = [
                ("n", &*number),
                ("where", &*touched),
                ("add", &*add),
                ("change", &*change),
                ("reset", &*reset),
            ];
            said.push(language.say(if is_drift { "verdict.drift" } else { "verdict.settings" }, &filled));
        } else if tally.renamed == 0 && plan.released.is_empty() || is_drift {
            // Else what was renamed or left the files is all that there is to tell.
            let nothing = match (is_drift, errors) {
                (true, 0) => "verdict.no_drift",
                (true, _) => "verdict.no_drift_rest",
                (false, _) => "verdict.none",
            };
            said.push(language.say(nothing, &[]));
        }
        said.extend(released(language, plan));
        if errors > 0 {
            said.push(language.count(if is_drift { "verdict.unjudged" } else { "verdict.errors" }, errors));
        }
        if !plan.refusals.is_empty() {
            said.push(language.count("verdict.refused", plan.refusals.len()));
        }
        said
    }

    /// What the settings that a finding speaks of are called; none where their pair is not known.
    #[must_use]
    pub fn settings_of(&self, item: &Item, pairs: &BTreeMap<String, Name>) -> Option<String> {
        let pair = self.catalogue.pair(pairs.get(&item.integration)?)?;
        let category = pair.category(&item.category)?;
        let all = if item.settings.is_empty() { std::slice::from_ref(&item.setting) } else { &item.settings };
        let words = all.iter().map(|setting| {
            let path = SettingPath::parse(setting)?;
            Some(super::words::named(category, &path))
        });
        Some(list_words(&words.collect::<Option<Vec<_>>>()?, "and"))
    }

    /// The pair of each integration.
    #[must_use]
    pub fn pair_of_each(&self) -> BTreeMap<String, Name> {
        let mut pairs = self.pairs.cloned().unwrap_or_default();
        if let Some(plan) = self.plan {
            plan.integrations.for_each(&mut |one| {
                pairs.insert(one.integration.clone(), one.pair.clone());
            });
        }
        pairs
    }

    /// The project's folder in its repository, in characters that stand anywhere: a name that tells it from other projects there.
    #[must_use]
    pub fn project(&self) -> String {
        let mut named = String::new();
        for byte in self.folder.trim_end_matches('/').bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' => named.push(byte.into()),
                other => named.push_str(&format!("%{other:02x}")),
            }
        }
        named
    }

    /// What became of a category, in words.
    #[must_use]
    pub fn outcome_of(&self, integration: &str, category: &str) -> Option<String> {
        Some(match self.outcome?.outcome_of(integration, category)? {
            Outcome::Saved { revision } => format!("saved as revision {revision}"),
            Outcome::Unchanged { revision } => format!("already saved as revision {revision}"),
            Outcome::Same { revision } => format!("so already, as revision {revision}"),
            Outcome::Conflict { reason, .. } => format!("conflict: {reason}"),
            Outcome::Failed { reason, .. } => format!("failed: {reason}"),
            Outcome::Skipped { reason } => format!("skipped: {reason}"),
        })
    }

    /// Everyone whose review something needs, with what of theirs changes: policy, categories; sorted.
    #[must_use]
    pub fn reviews(&self) -> Vec<(String, Vec<String>)> {
        let mut reviews = BTreeMap::<String, Vec<String>>::new();
        for owner in super::policy::owners(self.policy) {
            reviews.insert(owner.to_owned(), vec![POLICY.to_owned()]);
        }
        let mut add = |integration: &Integration| {
            for category in &integration.categories {
                for owner in &category.owners {
                    let what = format!("{} {}", integration.integration, category.category);
                    reviews.entry(owner.clone()).or_default().push(what);
                }
            }
        };
        if let Some(plan) = self.plan {
            plan.integrations.for_each(&mut add);
        }
        reviews.into_iter().collect()
    }
}

/// How many integrations left the files, wholly or in part, and how many of them are live; none where none did.
#[must_use]
pub fn released(language: &Language, plan: &Plan) -> Option<String> {
    let releases = plan.releases();
    let live = releases.iter().filter(|release| release.live).count();
    let live = if live > 0 { format!(" ({})", language.count("p.live", live)) } else { String::new() };
    let number = releases.len().to_string();
    (!releases.is_empty()).then(|| language.say("verdict.released", &[("n", &number), ("live", &live)]))
}

/// What became of an integration of which something left the files, in a sentence.
#[must_use]
pub fn release_told(language: &Language, release: &Release<'_>) -> String {
    let number = release.categories.len().to_string();
    let some = super::words::some(&release.categories);
    let key = match (release.whole, release.live) {
        (true, true) => "released.whole_live",
        (true, false) => "released.whole",
        (false, true) => "released.some_live",
        (false, false) => "released.some",
    };
    language.say(key, &[("n", &number), ("some", &some)])
}

/// How many settings of an integration change.
#[must_use]
pub fn changes(integration: &Integration) -> usize {
    integration.categories.iter().map(|category| category.changes.len()).sum()
}

fn rank(severity: &str) -> u8 {
    match severity {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    }
}

fn remark(rule: &str, severity: &str, message: String) -> Item {
    Item {
        code: rule.to_owned(),
        name: rule.to_owned(),
        severity: severity.to_owned(),
        message,
        ..Item::default()
    }
}

/// Each refusal, or the reason.
fn why_stopped(stopped: &Stopped<'_>) -> Vec<Item> {
    if stopped.refusals.is_empty() {
        let help = stopped.help.unwrap_or_default().to_owned();
        return vec![Item { help, ..remark("stopped", "error", stopped.message.to_owned()) }];
    }
    let refused = |(refusal, help): &(Refusal, String)| Item {
        integration: refusal.integration.clone().unwrap_or_default(),
        help: help.clone(),
        ..remark("plan-refused", "error", format!("refused: {}", refusal.message))
    };
    stopped.refusals.iter().map(refused).collect()
}

fn policy_remark(change: &PolicyChange) -> Item {
    let (rule, severity) = match change.direction {
        Direction::Other => ("policy-changed", "warning"),
        Direction::Weaker => ("policy-weaker", "warning"),
        Direction::Stricter => ("policy-stricter", "note"),
    };
    let review = match change.owners.as_slice() {
        [] => String::new(),
        owners => format!("ask for the review of {}", owners.join(", ")),
    };
    Item {
        path: change.path.clone().unwrap_or_default(),
        line: change.line.unwrap_or(1),
        help: review,
        ..remark(rule, severity, super::policy::sentence(change))
    }
}

/// A group of changes; drift, conflicts and resets are what somebody could lose by.
fn told(group: &Group) -> Item {
    let number = group.members.len();
    let what = group.all_words().join(" › ");
    let moved = Moved::of(Language::english(), &group.change);
    let lines = lines_told(&moved);
    let moved = moved.line();
    let reach = match group.members.as_slice() {
        [only] if only.live => format!("{} (live)", only.integration),
        [only] => only.integration.to_string(),
        _ if group.live > 0 => format!("{} ({} live)", count(number, "integration"), group.live),
        _ => count(number, "integration"),
    };
    let outside = super::grouped::outside(Language::english(), group);
    let (rule, severity, message) = match group.kind {
        Kind::Conflict => ("plan-conflict", "warning", format!("{what}: {moved}, in {reach}; {outside}")),
        Kind::Drift => ("plan-drift", "warning", format!("{what}: {moved}, in {reach}; {outside}")),
        Kind::Reset if group.live > 0 => {
            ("plan-reset", "warning", format!("{what} goes back to its default: {moved}, in {reach}"))
        }
        Kind::Reset => {
            ("plan-reset", "note", format!("{what} goes back to its default: {moved}, in {reach}"))
        }
        _ => ("plan-change", "note", format!("{what}: {moved}, in {reach}")),
    };
    let message = message + &lines;
    let place = group.places().into_iter().next().map(|(place, _)| place).unwrap_or_default();
    let (path, line) = place.rsplit_once(':').unwrap_or(("", "1"));
    let mut names = group.members.iter().map(|member| member.integration.to_string());
    Item {
        path: path.to_owned(),
        line: line.parse().unwrap_or(1),
        integration: names.next().unwrap_or_default(),
        also: names.collect(),
        category: group.category.to_string(),
        setting: group.change.setting.clone(),
        ..remark(rule, severity, message)
    }
}

/// The lines of a text that changed, each below the other.
fn lines_told(moved: &Moved) -> String {
    const SHOWN: usize = 40;
    let lines = moved.lines();
    let mut told = String::new();
    for (tag, line) in lines.iter().take(SHOWN) {
        let sign = match tag {
            ChangeTag::Delete => "- ",
            ChangeTag::Insert => "+ ",
            ChangeTag::Equal => "",
        };
        told.push_str(&format!("\n{sign}{line}"));
    }
    if lines.len() > SHOWN {
        told.push_str(&format!("\nand {}", count(lines.len() - SHOWN, "more line")));
    }
    told
}

fn release_remark(release: &Release<'_>) -> Item {
    let severity = if release.live { "warning" } else { "note" };
    let message = format!("{} {}", release.integration, release_told(Language::english(), release));
    Item {
        integration: release.integration.to_owned(),
        help: format!("acknowledge it with `pairform release {} --reason WHY`", release.integration),
        ..remark("plan-released", severity, message)
    }
}

fn not_saved(report: &Report) -> Vec<Item> {
    let renamed = report.renamed.iter().filter_map(|renamed| {
        let reason = &renamed.failed.as_ref()?.reason;
        let message = format!("{} was not renamed from {}: {reason}", renamed.to, renamed.from);
        Some(Item { integration: renamed.to.clone(), ..remark("apply-not-saved", "error", message) })
    });
    let saves = report.outcomes.iter().filter_map(|(integration, category, outcome)| {
        let (rule, severity, reason) = match outcome {
            Outcome::Saved { .. } | Outcome::Unchanged { .. } | Outcome::Same { .. } => return None,
            Outcome::Conflict { reason, .. } | Outcome::Failed { reason, .. } => {
                ("apply-not-saved", "error", reason)
            }
            Outcome::Skipped { reason } => ("apply-skipped", "warning", reason),
        };
        Some(Item {
            integration: integration.to_string(),
            category: category.to_string(),
            ..remark(rule, severity, format!("{integration} {category} was not saved: {reason}"))
        })
    });
    let unfinished = report.unfinished.as_ref().map(|failure| {
        let reason = &failure.reason;
        remark("apply-unfinished", "error", format!("it could not be noted that the plan is done: {reason}"))
    });
    renamed.chain(saves).chain(unfinished).collect()
}

/// What is risky about a category, shortest words first.
#[must_use]
pub fn state(category: &CategoryPlan) -> &'static str {
    match category.action {
        Action::Create => "new",
        Action::Update => "update",
        Action::Reset => "reset",
        Action::Blocked => "blocked",
        Action::None => "unchanged",
        Action::NotManaged => "not managed",
    }
}
