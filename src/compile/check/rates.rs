//! VAT rates of sales accounts against the dated table: home accounts and the OSS countries.

use jiff::civil::Date;

use super::context::Context;
use super::customers::title;
use super::shared::sold_to;
use crate::compile::days;
use crate::diagnostic::codes::across::idle_in_mode;
use crate::diagnostic::codes::customers;
use crate::diagnostic::codes::rules::{self as codes, Without};
use crate::diagnostic::{Finding, list_words};
use crate::model::{Days, SettingPath};
use crate::schema::vat::{Country, Move, Rate, RateKind, Standing};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node};

pub const ACCOUNTS: &str = "sales_accounts";
/// Rules that choose accounts by what is sold: rows in the buckets of [`groups`], with a place among themselves.
pub const RULES: &str = "rules";

const COUNTRIES: &str = "countries";

/// A change is warned of in the eight weeks before it.
const AHEAD: i64 = 56;

/// A map of VAT rates to accounts, for one country.
pub struct Table<'a> {
    pub country: &'a str,
    pub path: SettingPath,
    pub map: &'a Map,
    pub key: Span,
    pub sort: Sort,
    /// The days of the country's row.
    pub days: Days,
    /// The days on which a default account takes the rates that are not mapped.
    pub default: Vec<Days>,
}

/// What a map of rates is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Home,
    /// Shipping, fees or virtual goods: what is left out follows the goods.
    Part,
    Oss,
}

/// An account of a rate, with its days.
pub struct Row<'a> {
    pub entry: &'a Entry,
    pub days: Days,
    pub account: &'a Node,
}

impl<'a> Table<'a> {
    /// The rates that have an account; `null` takes one away.
    pub fn entries(&self) -> impl Iterator<Item = &'a Entry> {
        self.map.entries().iter().filter(|entry| !entry.value.is_null())
    }

    /// Each account of each rate.
    pub fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        self.entries().flat_map(|entry| self.rows_of(entry))
    }

    fn rows_of(&self, entry: &'a Entry) -> impl Iterator<Item = Row<'a>> {
        let within = self.days;
        days::rows(&entry.value).map(move |(days, account)| Row { entry, days: days.within(within), account })
    }

    /// The key of a rate that has an account on a day.
    fn mapped(&self, rate: &str, day: Date) -> Option<&'a Entry> {
        let entry = self.map.get(rate)?;
        self.rows_of(entry).any(|row| row.days.holds(day)).then_some(entry)
    }

    /// A rate has rows: where none of them counts on a day, that is told of them.
    fn has_rows(&self, rate: &str) -> bool {
        self.map.get(rate).is_some_and(|entry| !entry.value.is_null())
    }

    /// What is no rate may stand for one.
    fn has_unread_key(&self) -> bool {
        self.map.entries().iter().any(|entry| entry.key.text.parse::<f64>().is_err())
    }

    fn has_default(&self, day: Date) -> bool {
        self.default.iter().any(|days| days.holds(day))
    }
}

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    home_in_oss(context, findings);
    findings.extend(without_oss(context));
    findings.extend(without_row_under_oss(context));
    for table in tables(context) {
        let Some(country) = context.vat.country(table.country) else { continue };
        let before = findings.len();
        for entry in table.entries() {
            findings.extend(judge(context, &table, country, entry));
        }
        // A rate that is unknown or has ended explains why the standard rate is not there.
        let is_explained = findings.len() > before;
        let to_judge = days_to_judge(&table, country, context.today);
        // A value that is written by itself counts on all days.
        for entry in table.entries().filter(|entry| days::records(&entry.value).is_some()) {
            let Some(finding) =
                to_judge.iter().find_map(|day| without_row(context, &table, country, entry, *day))
            else {
                continue;
            };
            // That its row is over is then more than a note.
            findings.retain(|one| one.code != &codes::ROW_OVER || one.about != finding.about);
            findings.push(finding);
        }
        if !is_explained {
            findings.extend(to_judge.iter().find_map(|day| standard_missing(context, &table, country, *day)));
        }
        findings.extend(to_judge.iter().find_map(|day| half_moved(context, &table, country, *day)));
    }
}

/// Today, or the first day of the row, and the days soon after it on which a rate of the country or the row's own
/// accounts change.
fn days_to_judge(table: &Table<'_>, country: &Country, today: Date) -> Vec<Date> {
    let first = table.days.from.map_or(today, |from| from.max(today));
    let last = today.saturating_add(jiff::Span::new().days(AHEAD));
    let times = country.rates.iter().map(|row| row.time).chain(country.moves.iter().map(|moved| moved.time));
    let turns = times
        .chain(table.rows().map(|row| row.days))
        .flat_map(|days| [days.from, days.until.and_then(|until| until.tomorrow().ok())]);
    let mut days: Vec<Date> =
        turns.flatten().filter(|day| first < *day && *day <= last).chain([first]).collect();
    days.retain(|day| table.days.holds(*day));
    days.sort_unstable();
    days.dedup();
    days
}

/// Says of what is so on a later day when that is.
fn from_day(finding: Finding, context: &Context<'_>, day: Date) -> Finding {
    if day <= context.today { finding } else { finding.note(format!("that is so from {day} on")) }
}

/// The country that the files name as home; its absence is reported as a required setting.
#[must_use]
pub fn home<'a>(context: &Context<'a>) -> Option<(&'a str, Span)> {
    let node = context.written(ACCOUNTS, "home_country")?;
    Some((node.as_text()?, node.span))
}

/// What accounts are grouped by, as it stands before their names: nothing for goods, then `shipping.` and whatever else the schema has
/// in the same buckets.
pub fn groups<'a>(context: &Context<'a>) -> impl Iterator<Item = String> + use<'a> {
    let schema = context.pair.category(ACCOUNTS).and_then(|category| category.schema.get("properties"));
    let has_home = |of: &serde_json::Value| of.pointer("/properties/home").is_some();
    let others = schema.and_then(serde_json::Value::as_object).into_iter().flatten();
    let others = others.filter(move |(_, of)| has_home(of)).map(|(name, _)| format!("{name}."));
    std::iter::once(String::new()).chain(others)
}

/// All maps of rates of an integration. The home country among the OSS countries is left out: it has its own finding.
#[must_use]
pub fn tables<'a>(context: &Context<'a>) -> Vec<Table<'a>> {
    let home = home(context).map(|(country, _)| country);
    let mut tables = Vec::new();
    for group in groups(context) {
        let name = format!("{group}home");
        let sort = if group.is_empty() { Sort::Home } else { Sort::Part };
        let path: SettingPath = name.split('.').collect();
        if let Some((country, map)) = home.zip(context.written_map(ACCOUNTS, &name)) {
            let key = context.key_of(ACCOUNTS, &path);
            tables.push(Table { country, path, map, key, sort, days: Days::ALWAYS, default: Vec::new() });
        }
    }
    for Entry { key, value } in abroad(context) {
        let days = days::of(value).unwrap_or_default();
        for (name, default, sort) in [
            ("rates", "default_account", Sort::Oss),
            ("shipping_rates", "shipping_account", Sort::Part),
            ("fee_rates", "fee_account", Sort::Part),
        ] {
            let Some(map) = value.get(name).and_then(Node::as_map) else { continue };
            let path = ["countries", &*key.text, name].iter().collect();
            let default = value.get(default).into_iter().flat_map(days::rows).map(|(days, _)| days).collect();
            tables.push(Table { country: &key.text, path, map, key: key.span, sort, days, default });
        }
    }
    for rule in context.rows(ACCOUNTS, RULES) {
        let days = days::of(&rule.value).unwrap_or_default();
        let above = SettingPath::root().child(RULES).child(&rule.key.text);
        let entry = |key| rule.value.as_map().and_then(|map| map.get(key));
        let at_home = home.and_then(|home| Some((home, above.child("home"), entry("home")?)));
        let countries =
            entry(COUNTRIES).and_then(|all| all.value.as_map()).into_iter().flat_map(Map::entries);
        let abroad = countries.map(|one| (&*one.key.text, above.child(COUNTRIES).child(&one.key.text), one));
        for (country, path, Entry { key, value }) in
            at_home.into_iter().chain(abroad.filter(|(one, ..)| Some(*one) != home))
        {
            let Some(map) = value.as_map() else { continue };
            tables.push(Table {
                country,
                path,
                map,
                key: key.span,
                sort: Sort::Part,
                days,
                default: Vec::new(),
            });
        }
    }
    tables
}

/// The countries that can be mapped for OSS, as the schema lists them.
#[must_use]
pub fn oss_countries<'a>(context: &Context<'a>) -> Vec<&'a str> {
    let listed = context.pair.category(ACCOUNTS).and_then(|category| {
        let path = SettingPath::root().child("countries");
        let setting = category.settings.iter().find(|setting| setting.path == path)?;
        setting.schema.pointer("/propertyNames/enum")?.as_array()
    });
    listed.into_iter().flatten().filter_map(serde_json::Value::as_str).collect()
}

/// The rows of other countries. One that cannot stand there is refused already, and home has a finding of its own.
pub fn abroad<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Entry> {
    let home = home(context).map(|(country, _)| country);
    let possible = oss_countries(context);
    let rows = context.rows(ACCOUNTS, COUNTRIES);
    rows.filter(move |row| {
        home != Some(&*row.key.text) && (possible.is_empty() || possible.contains(&&*row.key.text))
    })
}

fn home_in_oss(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some((country, at)) = home(context) else { return };
    let whole = context.written_map(ACCOUNTS, COUNTRIES).map(|map| (SettingPath::root(), map));
    let rules = context.rows(ACCOUNTS, RULES).filter_map(|rule| {
        let above = SettingPath::root().child(RULES).child(&rule.key.text);
        Some((above, rule.value.get(COUNTRIES)?.as_map()?))
    });
    for (above, map) in whole.into_iter().chain(rules) {
        let Some(entry) = map.get(country).filter(|entry| !entry.value.is_null()) else { continue };
        let path = above.child(COUNTRIES).child(country);
        let finding = codes::home_in_oss(country, entry.key.span, at);
        findings.push(finding.about(context.about(ACCOUNTS, &path)));
    }
}

/// Accounts of other countries, which only sales under OSS go to, in one file with the word that there are none. A base may serve
/// integrations of both.
fn without_oss(context: &Context<'_>) -> Option<Finding> {
    let off = context.written(ACCOUNTS, "oss_enabled").filter(|node| node.as_bool() == Some(false))?;
    let countries = context.written(ACCOUNTS, "countries").filter(|node| node.span.file == off.span.file)?;
    countries.as_map()?.entries().iter().find(|row| !row.value.is_null())?;
    let path = SettingPath::root().child("countries");
    let key = context.key_of(ACCOUNTS, &path);
    let finding = idle_in_mode(&["`countries`".to_owned()], "oss_enabled", "false", key, Some(off.span));
    Some(finding.about(context.about(ACCOUNTS, &path)))
}

/// Countries that the shop sells to under OSS and that have no accounts of their own: the account for all others takes their VAT for that
/// of home. Only where a filter names them.
fn without_row_under_oss(context: &Context<'_>) -> Option<Finding> {
    let (home, _) = home(context).filter(|(home, _)| context.vat.is_eu(home))?;
    let has_rows = context.written(ACCOUNTS, COUNTRIES).is_some();
    if !has_rows || context.toggle(ACCOUNTS, "oss_enabled") != Some(true) || context.composed.incomplete {
        return None;
    }
    let possible = oss_countries(context);
    let has_row = |country: &str| context.rows(ACCOUNTS, COUNTRIES).any(|row| *row.key.text == *country);
    let is_missing = |country: &str| {
        country != home
            && possible.contains(&country)
            && !context.vat.is_one_area(home, country)
            && !has_row(country)
    };
    let missing: Vec<(&str, Span)> =
        sold_to(context).into_iter().filter(|(country, _)| is_missing(country)).collect();
    let (first, there) = *missing.first()?;
    let names: Vec<String> = missing.iter().map(|(country, _)| title(context, country)).collect();
    let path = SettingPath::root().child(COUNTRIES);
    let key = context.key_of(ACCOUNTS, &path);
    let rate = context.vat.country(first).and_then(|country| country.standard(context.today));
    let row = (first, rate.unwrap_or("0"));
    let finding = customers::accounts_missing_under_oss(&list_words(&names, "and"), row, key, there);
    Some(finding.about(context.about(ACCOUNTS, &path)))
}

/// Whether a rate is in force while it has an account. 0 stands for sales without VAT, which every country has.
fn judge(context: &Context<'_>, table: &Table<'_>, country: &Country, entry: &Entry) -> Option<Finding> {
    let rate = &*entry.key.text;
    let at = entry.key.span;
    // What is no percentage has a finding of its own.
    let number: f64 = rate.parse().ok().filter(|number: &f64| *number > 0.0)?;
    // So has what is over.
    let alive = table.rows_of(entry).map(|row| row.days).filter(|days| !days.is_over(context.today));
    let day = alive.map(|days| days.from.map_or(context.today, |from| from.max(context.today))).min()?;
    let finding = match country.standing(rate, day) {
        Standing::InForce(_) => ends_soon(context, table, country, entry)?,
        Standing::Begins(day) => codes::rate_not_yet(rate, &country.title, &day.to_string(), at),
        Standing::Ended(row) => {
            let next = row.replaced_by.join(" or ");
            let since = row.time.until.and_then(|until| until.tomorrow().ok());
            let since = since.map_or_else(String::new, |day| day.to_string());
            let kept = row.replaced_by.iter().any(|next| table.mapped(next, day).is_some());
            codes::rate_ended(rate, &country.title, &next, &since, kept, at)
        }
        Standing::Unknown => {
            let rates = country.in_force(day);
            let distance =
                |row: &&Rate| row.rate.parse::<f64>().map_or(f64::MAX, |known| (known - number).abs());
            let near = rates.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)));
            let near = near.map_or("", |row| row.rate.as_str());
            let names: Vec<&str> = rates.iter().map(|row| row.rate.as_str()).collect();
            let updated = context.vat.updated.as_deref();
            let day = day.to_string();
            let finding = codes::unknown_rate(rate, &country.title, &names, near, &day, updated, at);
            country.notes.iter().fold(finding, Finding::note)
        }
    };
    Some(finding.about(context.about(ACCOUNTS, &table.path.child(rate))))
}

/// A rate that ends in the next weeks, while none of those that take its place has an account from then on.
fn ends_soon(context: &Context<'_>, table: &Table<'_>, country: &Country, entry: &Entry) -> Option<Finding> {
    let rate = &*entry.key.text;
    let ending = country.rates.iter().find(|row| row.rate == rate && row.time.holds(context.today))?;
    let next_day = ending.time.until?.tomorrow().ok()?;
    let soon = next_day <= context.today.saturating_add(jiff::Span::new().days(AHEAD));
    let is_there = ending.replaced_by.iter().any(|next| table.mapped(next, next_day).is_some());
    // What follows the goods, or has a default account, is told as long before as all else: of a row that ends by then too, nothing is left.
    let follows = table.sort == Sort::Part || table.has_default(next_day);
    let ends_too = follows && table.mapped(rate, next_day).is_none();
    if !soon || is_there || ending.replaced_by.is_empty() || ends_too {
        return None;
    }
    let next = ending.replaced_by.join(" or ");
    Some(codes::rate_ends(rate, &country.title, &next, &next_day.to_string(), entry.key.span))
}

/// A rate that is in force on a day on which it has no account, while it has one on other days. What the goods' account or a default
/// one takes needs none, and what is between two rows is told of the days.
fn without_row(
    context: &Context<'_>,
    table: &Table<'_>,
    country: &Country,
    entry: &Entry,
    day: Date,
) -> Option<Finding> {
    let rate = &*entry.key.text;
    let in_force = country.rates.iter().find(|row| row.rate == rate && row.time.holds(day))?;
    if table.sort == Sort::Part || table.mapped(rate, day).is_some() || table.has_default(day) {
        return None;
    }
    if !days::are_readable(&entry.value) || days::is_between(&entry.value, day) {
        return None;
    }
    let rows: Vec<Days> = table.rows_of(entry).map(|row| row.days).collect();
    if rows.iter().any(|days| days.is_never()) || country.moves.iter().any(|moved| turns(table, entry, moved))
    {
        return None;
    }
    let begins = rows.iter().filter_map(|days| days.from).filter(|from| *from > day).min();
    let without = match begins {
        Some(from) => Without::Before(from.yesterday().ok()?),
        None => Without::After(rows.iter().filter_map(|days| days.until).max()?.tomorrow().ok()?),
    };
    let code = match (in_force.kind, table.sort) {
        (RateKind::Reduced, _) => &codes::DAYS_WITHOUT_ROW,
        (RateKind::Standard, Sort::Home) => &codes::HOME_RATE_MISSING,
        (RateKind::Standard, _) => &codes::STANDARD_RATE_MISSING,
    };
    // One that takes its place and is not known may be a change that the table does not have yet: that one is told.
    let is_unknown = |rate: &str| matches!(country.standing(rate, day), Standing::Unknown);
    if let Without::After(from) = without
        && table.rows().any(|row| row.days.from == Some(from) && is_unknown(&row.entry.key.text))
    {
        return None;
    }
    let until = in_force.time.until;
    let finding = codes::rate_without_row(code, (rate, &country.title), until, without, entry.key.span);
    Some(finding.about(context.about(ACCOUNTS, &table.path.child(rate))))
}

/// Whether the account of a rate ends or begins with a move of goods from it or to it: a shop that sells nothing else.
fn turns(table: &Table<'_>, entry: &Entry, moved: &Move) -> bool {
    let next = |until: Option<Date>| until.and_then(|until| until.tomorrow().ok());
    let (left, joined) = (moved.time.from, next(moved.time.until));
    let (ends, begins) = match &*entry.key.text {
        rate if rate == moved.old => (left, joined),
        rate if rate == moved.new => (joined, left),
        _ => return false,
    };
    let is_at = |day: Option<Date>, of: Option<Date>| day.is_some() && day == of;
    table.rows_of(entry).any(|row| is_at(next(row.days.until), ends) || is_at(row.days.from, begins))
}

/// Some rate of the country is mapped and its standard rate is not.
fn standard_missing(
    context: &Context<'_>,
    table: &Table<'_>,
    country: &Country,
    day: Date,
) -> Option<Finding> {
    let standard = country.standard(day)?;
    // An account for what is exempt at home says that home is mapped, and is no rate itself.
    let maps = |entry: &Entry| {
        let is_exempt = table.sort == Sort::Home && entry.key.text.as_ref() == "0";
        is_exempt || matches!(country.standing(&entry.key.text, day), Standing::InForce(_))
    };
    let some = table.entries().any(maps);
    if !some || table.mapped(standard, day).is_some() || table.has_default(day) || table.has_rows(standard) {
        return None;
    }
    let finding = match table.sort {
        Sort::Home => codes::home_rate_missing(standard, &country.title, table.key),
        Sort::Oss => codes::standard_rate_missing(standard, &country.title, table.key),
        Sort::Part => return None,
    };
    Some(from_day(finding, context, day).about(context.about(ACCOUNTS, &table.path)))
}

/// Goods moved from one rate to another, and only one of the two is mapped.
fn half_moved(context: &Context<'_>, table: &Table<'_>, country: &Country, day: Date) -> Option<Finding> {
    if table.sort == Sort::Part || table.has_default(day) {
        return None;
    }
    country.moves.iter().filter(|moved| moved.time.holds(day)).find_map(|moved| {
        let (there, missing) = match (table.mapped(&moved.old, day), table.mapped(&moved.new, day)) {
            (Some(old), None) => (old, &moved.new),
            (None, Some(new)) => (new, &moved.old),
            _ => return None,
        };
        // What cannot be read, or ends or begins otherwise than the goods moved, is told by itself.
        let is_told = |entry: &Entry| !entry.value.is_null() && !turns(table, entry, moved);
        if table.has_unread_key() || table.map.get(missing).is_some_and(is_told) {
            return None;
        }
        // That the standard rate is mapped says nothing of the goods.
        if country.standard(day) == Some(&*there.key.text) {
            return None;
        }
        let text = |day: Option<Date>| day.map(|day| day.to_string());
        let time = match (text(moved.time.from), text(moved.time.until)) {
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
