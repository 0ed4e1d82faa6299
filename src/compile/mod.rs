//! The front half: from sources to checked configurations, with every finding on the way.
//!
//! [`compile`] is the one door. Nothing here knows what is deployed, reads a file, a clock or the environment.

pub mod check;
pub mod codes;
pub mod compose;
pub mod express;
pub mod layers;
pub mod levels;
pub mod lower;
pub mod project;
pub mod reach;
pub mod redact;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;

use crate::diagnostic::{Finding, Severity, settle};
use crate::model::{Configuration, SettingPath};
use crate::options::{Options, View};
use crate::schema::Pair;
use crate::schema::parts::Catalogue;
use crate::source::{Sources, Span};
use check::Known;
use compose::Composed;
use levels::Levels;
use project::Project;

/// Everything that compiling a project yields.
#[derive(Debug)]
pub struct Compilation {
    pub project: Project,
    pub catalogue: Catalogue,
    pub options: Options,
    /// Sorted by name; those that could be composed, with or without errors.
    pub integrations: Vec<Compiled>,
    /// Settled: sorted, one per mistake, levels applied.
    pub findings: Vec<Finding>,
    /// Places that may hold a credential, and are never shown.
    pub hidden: Vec<Span>,
    /// Names of all integrations that the project has, selected or not.
    pub names: Vec<String>,
}

/// One integration, checked and in canonical form.
#[derive(Debug)]
pub struct Compiled {
    pub name: String,
    pub pair: Arc<Pair>,
    /// Live mode is on; else gaps are warnings.
    pub live: bool,
    /// Ids of the flows that are on.
    pub flows_on: Vec<String>,
    /// Ids of the categories that are visible and declared, and thus planned.
    pub configuration: Configuration,
    /// Where each setting was written, by category.
    pub origins: BTreeMap<String, BTreeMap<SettingPath, Span>>,
    pub unmanaged: Vec<String>,
    /// Visible categories (settings and others), managed or not.
    pub visible: Vec<String>,
    pub requirements: Vec<check::required::Requirement>,
    /// The document in the shape of the source, which the linked schema judges.
    pub document: serde_json::Value,
    /// The shop's and the ERP's account, as the active connections say.
    pub accounts: (Option<String>, Option<String>),
    /// Where the integration is named.
    pub place: Span,
    /// Findings that are errors, by category (`""`: of the whole).
    pub errors: BTreeMap<String, usize>,
}

impl Compiled {
    /// The dropdown values as this integration sees them.
    #[must_use]
    pub fn view<'a>(&'a self, options: &'a Options) -> View<'a> {
        let (shop, erp) = &self.accounts;
        View { options, pair: &self.pair, shop_account: shop.as_deref(), erp_account: erp.as_deref() }
    }
}

/// Which integrations to compile, and the day to judge them on; empty lists mean all.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The day that validity periods are judged by; `None`: the last one on which known data begins.
    pub today: Option<Date>,
    pub integrations: Vec<String>,
    pub exclude: Vec<String>,
    pub pairs: Vec<String>,
    /// The environment whose values and patches are laid over the integrations.
    pub environment: Option<String>,
    /// Of these only; `None`: no matter which.
    pub affected: Option<std::collections::BTreeSet<String>>,
}

impl Selection {
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        (self.integrations.is_empty() || self.integrations.iter().any(|wanted| wanted == name))
            && !self.exclude.iter().any(|excluded| excluded == name)
            && self.affected.as_ref().is_none_or(|affected| affected.contains(name))
    }

    #[must_use]
    pub fn takes_pair(&self, pair: &str) -> bool {
        self.pairs.is_empty() || self.pairs.iter().any(|wanted| wanted == pair)
    }

    #[must_use]
    pub fn is_all(&self) -> bool {
        self.integrations.is_empty()
            && self.exclude.is_empty()
            && self.pairs.is_empty()
            && self.affected.is_none()
    }
}

/// Compiles a project. Never fails: what is wrong is in the findings.
#[must_use]
pub fn compile(sources: &Sources, selection: &Selection) -> Compilation {
    let mut findings = Vec::new();
    let project = Project::read(sources, &mut findings);
    let catalogue = Catalogue::with_project(sources, &mut findings);
    let options = Options::read(sources, &mut findings);
    let vat = catalogue.vat();
    let today = selection.today.unwrap_or_else(|| vat.newest());
    let programs = (!project.broken).then_some(&project.secrets.exec);
    let known = Known { options: &options, vat: &vat, today, programs };
    let composition = compose::compose(sources, selection, &project, &mut findings);
    let results: Vec<_> = composition
        .integrations
        .into_par_iter()
        .map(|composed| one(composed, &catalogue, &project, known, selection))
        .collect();
    findings.retain_mut(|finding| levels::apply(&[&project.levels], finding));
    let mut hidden = Vec::new();
    let mut integrations = Vec::new();
    for mut result in results {
        findings.append(&mut result.findings);
        hidden.append(&mut result.hidden);
        integrations.extend(result.compiled);
    }
    hidden.extend(redact::suspicious(sources));
    hidden.sort_unstable();
    hidden.dedup();
    settle(&mut findings, sources);
    redact::redact(&mut findings, sources, &hidden);
    for compiled in &mut integrations {
        compiled.errors = errors_of(&compiled.name, &findings);
    }
    let names = composition.names;
    Compilation { project, catalogue, options, integrations, findings, hidden, names }
}

#[derive(Default)]
struct One {
    compiled: Option<Compiled>,
    findings: Vec<Finding>,
    hidden: Vec<Span>,
}

/// Judges one integration; its own levels stand before the project's.
fn one(
    composed: Composed,
    catalogue: &Catalogue,
    project: &Project,
    known: Known<'_>,
    selection: &Selection,
) -> One {
    let own = Levels::of(&composed.root);
    let mut result = judge(composed, catalogue, known, selection);
    result.findings.retain_mut(|finding| levels::apply(&[&own, &project.levels], finding));
    result
}

fn judge(mut composed: Composed, catalogue: &Catalogue, known: Known<'_>, selection: &Selection) -> One {
    let mut result = One { findings: composed.findings.clone(), ..One::default() };
    let pair = check::pair::find(&composed, catalogue, &mut result.findings);
    result.hidden = check::secrets::suspects(&composed.root, pair.as_deref());
    let Some(pair) = pair else { return result };
    if !selection.takes_pair(&pair.id) {
        return One::default();
    }
    codes::settle(&mut composed.root, &pair);
    let checked = check::check(&composed, &pair, known, &result.hidden, &mut result.findings);
    result.compiled = Some(lower::lower(composed, pair, checked, &result.hidden));
    result
}

fn errors_of(name: &str, findings: &[Finding]) -> BTreeMap<String, usize> {
    let mut errors = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
        let mine = finding.about.integration.as_deref() == Some(name)
            || finding.also.iter().any(|also| also == name);
        if mine {
            *errors.entry(finding.about.category.clone().unwrap_or_default()).or_default() += 1;
        }
    }
    errors
}
