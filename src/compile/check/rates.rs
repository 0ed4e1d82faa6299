//! VAT rates of sales accounts against the dated table: home accounts and the OSS countries.

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::rules as codes;
use crate::model::SettingPath;
use crate::schema::vat::{Country, Rate, RateKind, Standing};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node};

pub const ACCOUNTS: &str = "sales_accounts";

/// A map of VAT rates to accounts, for one country.
pub struct Table<'a> {
    pub country: &'a str,
    pub path: SettingPath,
    pub map: &'a Map,
    pub key: Span,
    pub sort: Sort,
}

/// What a map of rates is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Home,
    /// Shipping or virtual goods at home: what is left out follows the goods.
    Part,
    Oss,
    /// An OSS country whose default account takes the rates that are not mapped.
    OssWithDefault,
}

impl<'a> Table<'a> {
    /// The rates that have an account; `null` takes one away.
    pub fn entries(&self) -> impl Iterator<Item = &'a Entry> {
        self.map.entries().iter().filter(|entry| !entry.value.is_null())
    }

    fn mapped(&self, rate: &str) -> Option<&'a Entry> {
        self.map.get(rate).filter(|entry| !entry.value.is_null())
    }
}

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(home_in_oss(context));
    for table in tables(context) {
        let Some(country) = context.vat.country(table.country) else { continue };
        let before = findings.len();
        for entry in table.entries() {
            findings.extend(judge(context, &table, country, entry));
        }
        // A rate that is unknown or has ended explains why the standard rate is not there.
        if findings.len() == before {
            findings.extend(standard_missing(context, &table, country));
        }
        findings.extend(half_moved(context, &table, country));
    }
}

/// The country that the files name as home; its absence is reported as a required setting.
#[must_use]
pub fn home<'a>(context: &Context<'a>) -> Option<(&'a str, Span)> {
    let node = context.written(ACCOUNTS, "home_country")?;
    Some((node.as_text()?, node.span))
}

/// All maps of rates of an integration. The home country among the OSS countries is left out: it has its own finding.
#[must_use]
pub fn tables<'a>(context: &Context<'a>) -> Vec<Table<'a>> {
    let home = home(context).map(|(country, _)| country);
    let mut tables = Vec::new();
    for (name, sort) in [("home", Sort::Home), ("shipping.home", Sort::Part), ("virtual.home", Sort::Part)] {
        let path: SettingPath = name.split('.').collect();
        if let Some((country, map)) = home.zip(context.written_map(ACCOUNTS, name)) {
            let key = context.key_of(ACCOUNTS, &path);
            tables.push(Table { country, path, map, key, sort });
        }
    }
    for Entry { key, value } in abroad(context) {
        let Some(map) = value.get("rates").and_then(Node::as_map) else { continue };
        let path = ["countries", &*key.text, "rates"].iter().collect();
        let default = value.get("default_account").is_some_and(|account| !account.is_null());
        let sort = if default { Sort::OssWithDefault } else { Sort::Oss };
        tables.push(Table { country: &key.text, path, map, key: key.span, sort });
    }
    tables
}

/// The rows of other countries. One that cannot stand there is refused already, and home has a finding of its own.
pub fn abroad<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Entry> {
    let home = home(context).map(|(country, _)| country);
    let allowed = context.known(ACCOUNTS, "countries").and_then(|(setting, _)| {
        setting.schema.pointer("/propertyNames/enum").and_then(serde_json::Value::as_array)
    });
    let admits = move |code: &str| allowed.is_none_or(|all| all.iter().any(|one| one.as_str() == Some(code)));
    let rows = context.rows(ACCOUNTS, "countries");
    rows.filter(move |row| home != Some(&*row.key.text) && admits(&row.key.text))
}

fn home_in_oss(context: &Context<'_>) -> Option<Finding> {
    let (country, at) = home(context)?;
    let entry = context.written_map(ACCOUNTS, "countries")?.get(country)?;
    let path = ["countries", country].iter().collect();
    (!entry.value.is_null())
        .then(|| codes::home_in_oss(country, entry.key.span, at).about(context.about(ACCOUNTS, &path)))
}

/// Whether a rate is in force. 0 stands for sales without VAT, which every country has.
fn judge(context: &Context<'_>, table: &Table<'_>, country: &Country, entry: &Entry) -> Option<Finding> {
    let rate = &*entry.key.text;
    let at = entry.key.span;
    // What is no percentage has a finding of its own.
    let number: f64 = rate.parse().ok().filter(|number: &f64| *number > 0.0)?;
    let finding = match country.standing(rate, context.today) {
        Standing::InForce(_) => return None,
        Standing::Begins(day) => codes::rate_not_yet(rate, &country.title, &day.to_string(), at),
        Standing::Ended(row) => {
            let next = row.replaced_by.join(" or ");
            let since = row.time.until.and_then(|until| until.tomorrow().ok());
            let since = since.map_or_else(String::new, |day| day.to_string());
            let kept = row.replaced_by.iter().any(|next| table.mapped(next).is_some());
            codes::rate_ended(rate, &country.title, &next, &since, kept, at)
        }
        Standing::Unknown => {
            let rates = country.in_force(context.today);
            let distance =
                |row: &&Rate| row.rate.parse::<f64>().map_or(f64::MAX, |known| (known - number).abs());
            let near = rates.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)));
            let near = near.map_or("", |row| row.rate.as_str());
            let names: Vec<&str> = rates.iter().map(|row| row.rate.as_str()).collect();
            let updated = context.vat.updated.as_deref();
            let day = context.today.to_string();
            let finding = codes::unknown_rate(rate, &country.title, &names, near, &day, updated, at);
            country.notes.iter().fold(finding, Finding::note)
        }
    };
    Some(finding.about(context.about(ACCOUNTS, &table.path.child(rate))))
}

/// Some rate of the country is mapped and its standard rate is not.
fn standard_missing(context: &Context<'_>, table: &Table<'_>, country: &Country) -> Option<Finding> {
    let standard = country.standard(context.today)?;
    let some = table.entries().any(|entry| {
        matches!(country.standing(&entry.key.text, context.today), Standing::InForce(RateKind::Reduced))
    });
    if !some || table.mapped(standard).is_some() {
        return None;
    }
    let finding = match table.sort {
        Sort::Home => codes::home_rate_missing(standard, &country.title, table.key),
        Sort::Oss => codes::standard_rate_missing(standard, &country.title, table.key),
        Sort::Part | Sort::OssWithDefault => return None,
    };
    Some(finding.about(context.about(ACCOUNTS, &table.path)))
}

/// Goods moved from one rate to another, and only one of the two is mapped.
fn half_moved(context: &Context<'_>, table: &Table<'_>, country: &Country) -> Option<Finding> {
    if !matches!(table.sort, Sort::Home | Sort::Oss) {
        return None;
    }
    country.moves.iter().filter(|moved| moved.time.holds(context.today)).find_map(|moved| {
        let (there, missing) = match (table.mapped(&moved.old), table.mapped(&moved.new)) {
            (Some(old), None) => (old, &moved.new),
            (None, Some(new)) => (new, &moved.old),
            _ => return None,
        };
        // That the standard rate is mapped says nothing of the goods.
        if country.standard(context.today) == Some(&*there.key.text) {
            return None;
        }
        let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string());
        let time = match (day(moved.time.from), day(moved.time.until)) {
            (Some(from), Some(until)) => format!("from {from} to {until}"),
            (Some(from), None) => format!("since {from}"),
            (None, Some(until)) => format!("until {until}"),
            (None, None) => "now".to_owned(),
        };
        let said = format!(
            "{time}, {} in {} has {} in place of {}",
            moved.goods, country.title, moved.new, moved.old
        );
        let finding = codes::half_moved(&there.key.text, missing, &moved.goods, &said, there.key.span);
        let finding = moved.note.iter().fold(finding, Finding::note);
        Some(finding.about(context.about(ACCOUNTS, &table.path.child(&there.key.text))))
    })
}
