//! Checking: what the pair's schema, its required settings, the dropdown lists and the rules say of one document.
//!
//! A rule is a file here and a line in `RULES`. No rule reads anything but its [`Context`]. A rule keeps silent where
//! another finding speaks of the same mistake, where a setting is not managed here, and where it would need dropdown
//! values that are not known. No error rests on a fact about a platform that is not verified: such a rule warns.
//!
//! Checks that are not rules here, and why:
//!
//! | check | where it is, or why there is none |
//! |---|---|
//! | two connectors of a pair, account series, webhook topics, cultures, one location in WooCommerce | the linked schema: data, not code |
//! | a country or territory that is not part of OSS, `EL`, `UK` | the linked schema, with `x-refusals` and `x-aliases` |
//! | the same country or rate twice | keys of a map are unique, and an alias is refused |
//! | required settings, a date before which orders are left out, a location for stock | [`required`] |
//! | values that are not in a dropdown, or not active | [`dropdowns`], silent without a list |
//! | `NO` read as false | cannot happen: YAML 1.2 has no such toggle |
//! | one shop in two integrations, a rotating token that two use | `compile::fleet`: an integration does not know the others |
//! | orders in both the shop's and the payment provider's integration | cannot happen: a provider stands beside a pair and brings payouts alone |
//! | article numbers with characters that Fortnox refuses | no configuration holds article numbers; `article.sku_sanitise` mends them as they come |
//! | pages times interval above a platform's limit | how many pages there are is not known; [`starts`] warns of short intervals |

pub mod accounts;
pub mod companies;
pub mod connections;
pub mod context;
pub mod currencies;
pub mod customers;
pub mod days;
pub mod doubtful;
pub mod dropdowns;
pub mod filters;
pub mod invoices;
pub mod limits;
pub mod locations;
mod marks;
pub mod modes;
pub mod money;
pub mod names;
pub mod numbers;
pub mod paid;
pub mod pair;
pub mod payouts;
pub mod places;
pub mod rates;
pub mod required;
pub mod ruled;
pub mod sales;
pub mod schedules;
pub mod scopes;
pub mod secrets;
pub mod shared;
pub mod starts;
pub mod systems;
pub mod texts;
pub mod topics;
pub mod unbooked;
pub mod values;
pub mod versions;
pub mod visible;
pub mod warehouses;
pub mod zones;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;

use crate::diagnostic::{About, Code, Finding, Severity, codes};
use crate::model::{GENERAL, Name, SettingPath};
use crate::options::{Options, View};
use crate::schema::Pair;
use crate::schema::parts::Catalogue;
use crate::schema::validate::Words;
use crate::schema::vat::Vat;
use crate::source::Span;
use crate::yaml::Node;

use super::compose::Composed;
use super::fleet::Member;
use super::levels::{self, Levels};
use context::setting;
pub use context::{Context, category_entry};

pub type Rule = fn(&Context<'_>, &mut Vec<Finding>);

/// All rules, in no particular order: findings are sorted at the end.
pub const RULES: &[Rule] = &[
    accounts::check,
    connections::check,
    currencies::check,
    customers::check,
    days::check,
    dropdowns::check,
    limits::check,
    modes::check,
    money::check,
    names::check,
    numbers::check,
    paid::check,
    payouts::check,
    rates::check,
    ruled::check,
    schedules::check,
    texts::check,
    starts::check,
    visible::check,
    warehouses::check,
    companies::check,
    doubtful::check,
    filters::check,
    invoices::check,
    locations::check,
    systems::check,
    shared::check,
    unbooked::check,
    scopes::check,
    topics::check,
    versions::check,
    zones::check,
];

/// What is known beside a document and its pair.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub catalogue: &'a Catalogue,
    pub options: &'a Options,
    pub vat: &'a Vat,
    pub today: Date,
    /// The programs that secrets may come from; `None` when the project file could not be read.
    pub programs: Option<&'a BTreeMap<String, Vec<String>>>,
    /// What the project says of levels; `None` when its file could not be read.
    pub levels: Option<&'a Levels>,
    /// [`RULES`]; none for a document whose findings nobody asks for.
    pub rules: &'a [Rule],
}

/// What checking learned, for lowering. Only [`check`] makes one.
#[derive(Debug)]
pub struct Checked {
    pub live: bool,
    pub flows_on: Vec<String>,
    pub unmanaged: Vec<Name>,
    pub visible: Vec<Name>,
    pub requirements: Vec<required::Requirement>,
    pub accounts: (Option<String>, Option<String>),
    /// What rules over several integrations ask of it.
    pub member: Option<Box<Member>>,
}

/// Checks one document by the pair that was found for it, and gives the pair that judged it; `hidden` are the places that may hold
/// a credential, sorted.
pub fn check(
    composed: &Composed,
    pair: Arc<Pair>,
    known: Known<'_>,
    hidden: &[Span],
    findings: &mut Vec<Finding>,
) -> (Checked, Arc<Pair>) {
    let Known { catalogue, options, vat, today, programs, levels: of_project, rules } = known;
    let fits = pair.validator().is_valid(&composed.root);
    // Words for what is wrong may speak of any payment provider.
    let whole = if fits { None } else { catalogue.pair(&pair.id) };
    let judged_by = whole.unwrap_or(pair);
    let pair = &*judged_by;
    let hidden = Span::apart(hidden.to_vec());
    let words =
        Words { pair: Some(pair), integration: Some(&composed.name), hidden: &hidden, ..Words::default() };
    let (mut said, repaired) = match fits {
        true => (Vec::new(), None),
        false => pair.validator().judge_repaired(&composed.root, words),
    };
    let root = repaired.as_ref().unwrap_or(&composed.root);
    if composed.incomplete {
        // What is missing may stand in the text that could not be read.
        said.retain(|finding| !codes::schema::is_of_absence(finding));
    }
    let doubled = without_doubles(&mut said, findings);
    // What composing found wrong has its finding already, such as an id that the file's name contradicts.
    let told: HashSet<Span> = findings.iter().map(|finding| finding.primary.span).collect();
    said.retain(|finding| !told.contains(&finding.primary.span));
    let accounts = (connections::account(root, &pair.shop), connections::account(root, &pair.erp));
    let view =
        View { options, pair, shop_account: accounts.0.as_deref(), erp_account: accounts.1.as_deref() };
    let live =
        setting(root, GENERAL, &SettingPath::root().child("live_mode")).and_then(Node::as_bool) == Some(true);
    let context = Context {
        name: &composed.name,
        catalogue,
        pair,
        composed,
        root,
        view,
        vat,
        today,
        live,
        unmanaged: context::unmanaged(root, pair),
        programs,
    };
    let whole = About { integration: Some(composed.name.clone()), ..About::default() };
    levels::check(root, &whole, findings);
    if let Some(of_project) = of_project {
        levels::check_lowered(root, &composed.name, of_project, findings);
    }
    let mut ruled = Vec::new();
    for rule in rules {
        rule(&context, &mut ruled);
    }
    let requirements = required::check(&context, &mut ruled);
    // What was taken for a double may be what is missing.
    if doubled.is_some() {
        ruled.retain(|finding| {
            finding.code != &codes::schema::REQUIRED_SETTING_UNSET || finding.about.category != doubled
        });
    }
    // What stands under a key that nobody knows was read as that of another: what it would be there nobody wrote.
    let guessed = guessed(&composed.root, &said);
    ruled.retain(|finding| !guessed.iter().any(|value| value.holds(finding.primary.span)));
    one_a_place(said, ruled, findings);
    let checked = Checked {
        live,
        flows_on: pair
            .flows
            .iter()
            .filter(|flow| context.flow_on(&flow.id))
            .map(|flow| flow.id.clone())
            .collect(),
        unmanaged: context.unmanaged().map(|(id, _)| id.into()).collect(),
        visible: pair
            .categories()
            .filter(|category| context.visible(category))
            .map(|category| category.id.clone())
            .collect(),
        requirements,
        member: Member::of(&context),
        accounts,
    };
    (checked, judged_by)
}

/// Names that meet since the line between them is missing, or indented too far, are no second mistake.
/// Gives the category to which they belong.
fn without_doubles(said: &mut [Finding], findings: &mut Vec<Finding>) -> Option<String> {
    let slipped = said.iter_mut().find(|finding| codes::schema::is_line_slipped(finding))?;
    let file = slipped.primary.span.file;
    let is_double =
        |finding: &&Finding| finding.code == &codes::yaml::DUPLICATE_KEY && finding.primary.span.file == file;
    // The line is missing above the first of what belongs to it, be it read or taken for a double.
    let before = slipped.related.first().map_or(slipped.primary.span, |before| before.span);
    let doubles = findings.iter().filter(is_double).map(|finding| finding.primary.span);
    let first = doubles.filter(|span| before.end <= span.start && span.start < slipped.primary.span.start);
    if let Some(first) = first.min_by_key(|span| span.start) {
        slipped.primary.span = first;
    }
    let (at, all) = (slipped.primary.span, findings.len());
    findings.retain(|finding| {
        let span = finding.primary.span;
        finding.code != &codes::yaml::DUPLICATE_KEY || span.file != at.file || span.start < at.start
    });
    slipped.about.category.clone().filter(|_| findings.len() < all)
}

/// The values of settings that the schema does not know.
fn guessed(root: &Node, said: &[Finding]) -> Vec<Span> {
    let unknown = said.iter().filter(|finding| finding.code == &codes::schema::UNKNOWN_KEY);
    let value = |finding: &Finding| {
        let path = SettingPath::parse(finding.about.setting.as_deref()?)?;
        setting(root, finding.about.category.as_deref()?, &path).map(|node| node.span)
    };
    unknown.filter_map(value).filter(|span| !span.is_empty()).collect()
}

/// Of what schema, lists and rules say of one value, the most useful.
fn one_a_place(schema: Vec<Finding>, rules: Vec<Finding>, findings: &mut Vec<Finding>) {
    if schema.is_empty() && rules.is_empty() {
        return;
    }
    let ruled: HashSet<(Span, &str)> = rules.iter().map(|rule| (rule.primary.span, rule.code.id)).collect();
    let at = |span: Span, code: &Code| ruled.contains(&(span, code.id));
    let refused: HashSet<Span> = schema.iter().map(|finding| finding.primary.span).collect();
    let spoken_of = Settings::of(&schema);
    // The values of the list are better help than the form of a code.
    let mut listed: HashMap<Span, Option<String>> = HashMap::new();
    let mut kept: Vec<Finding> = Vec::with_capacity(rules.len());
    for finding in &rules {
        let span = finding.primary.span;
        let is_unknown = finding.code == &codes::options::UNKNOWN_OPTION;
        if is_unknown {
            listed.entry(span).or_insert_with(|| finding.help.clone());
        }
        let repeats = is_unknown
            && (at(span, &codes::schema::LEADING_ZERO)
                || at(span, &codes::schema::LITERAL_CREDENTIAL)
                || refused.contains(&span));
        // What a rule warns of may only follow from what the schema refuses.
        let follows = finding.severity != Severity::Error
            && finding.code != &codes::schema::REQUIRED_SETTING_UNSET
            && spoken_of.lead_to(finding);
        if !repeats && !follows {
            kept.push(finding.clone());
        }
    }
    for mut finding in schema {
        let span = finding.primary.span;
        if at(span, &codes::schema::LEADING_ZERO)
            || at(span, &codes::options::LABEL_FOR_CODE)
            || at(span, &codes::schema::LITERAL_CREDENTIAL)
            // A rule that knows all values knows better than the form of one.
            || finding.code == &codes::schema::UNFIT_VALUE && at(span, &codes::schema::VALUE_NOT_ALLOWED)
        {
            continue;
        }
        if let Some(help) = listed.get(&span) {
            finding.help.clone_from(help);
        }
        findings.push(finding);
    }
    findings.append(&mut kept);
}

/// The settings that findings speak of, by category.
#[derive(Default)]
struct Settings(HashMap<Option<String>, Spoken>);

#[derive(Default)]
struct Spoken {
    settings: HashSet<Vec<Box<str>>>,
    /// These and all that they lie in.
    above: HashSet<Vec<Box<str>>>,
}

impl Settings {
    fn of(findings: &[Finding]) -> Self {
        let mut settings = Settings::default();
        for finding in findings {
            let Some(path) = finding.about.setting.as_deref().and_then(SettingPath::parse) else { continue };
            let spoken = settings.0.entry(finding.about.category.clone()).or_default();
            for length in 0..=path.segments().len() {
                spoken.above.insert(path.segments()[..length].to_vec());
            }
            // A key that is missing or has no place says nothing about the rows beside it.
            let of_a_key = codes::schema::is_of_absence(finding)
                || [&codes::schema::UNKNOWN_KEY, &codes::schema::UNFIT_KEY].contains(&finding.code);
            if !of_a_key {
                spoken.settings.insert(path.segments().to_vec());
            }
        }
        settings
    }

    /// Whether a finding may only follow from one of these: both speak of one setting, or of a mapping and a row of it.
    fn lead_to(&self, finding: &Finding) -> bool {
        let Some(spoken) = self.0.get(&finding.about.category) else { return false };
        let Some(path) = finding.about.setting.as_deref().and_then(SettingPath::parse) else { return false };
        let path = path.segments();
        spoken.above.contains(path) || (0..path.len()).any(|length| spoken.settings.contains(&path[..length]))
    }
}
