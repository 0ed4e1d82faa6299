//! VAT by kind of customer and place: customers who pay VAT and such who do not in one row, places without a row, and an
//! older setting that says something else.
//!
//! What a row leads to is not known here, whether a class, a zone or a template. But two kinds of customers of whom one
//! pays VAT and the other does not cannot have the same. Silent while all orders go to one shared customer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::Value as Json;

use super::context::{Context, setting};
use super::values::code;
use crate::compile::days;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::customers as codes;
use crate::diagnostic::list_words;
use crate::model::SettingPath;
use crate::model::countries;
use crate::model::customers::{self, Key, Kind, Place, Region};
use crate::model::days::{FROM, UNTIL};
use crate::schema::Setting;
use crate::source::Span;
use crate::yaml::{Entry, Map, Node};

const CATEGORY: &str = "customer";
const SETTING: &str = "vat_by_customer";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.choice(CATEGORY, "mode") == Some("one_shared_web_customer") {
        return;
    }
    let Some((known, _)) = context.known(CATEGORY, SETTING) else { return };
    let rows = known.schema.get("additionalProperties").unwrap_or(&Json::Null);
    let older = older(context);
    let written = context.written_map(CATEGORY, SETTING);
    let table = match written {
        Some(map) => Table::of(map, rows),
        None => Table { rows: older.clone(), is_record: false, deciding: Vec::new() },
    };
    let world = World::of(context, &table);
    if written.is_some() {
        said_twice(context, &table, &older, findings);
        findings.extend(said_for_all(context, &table));
        home_twice(context, &table, &world, findings);
        let before = findings.len();
        for day in table.days(context.today) {
            missing(context, &table, &world, day, findings);
            if findings.len() > before {
                break;
            }
        }
    }
    let (mut told, mut abroad, mut shared) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let is_judged_by_value = settings_for_rows(context).any(|one| one.schema.get("x-doubtful").is_some());
    let what = is_open(rows).then(|| if table.is_record { "" } else { crate::schema::text(rows, "title") });
    for day in table.days(context.today) {
        alike(context, &table, &world, day, &mut told, findings);
        if !is_judged_by_value {
            taxed_abroad(context, &table, &world, day, &mut abroad, findings);
            taxed_in_eu(context, &table, &world, day, &mut abroad, findings);
        }
        if let Some(what) = what {
            one_for_countries(context, (&table, what), &world, day, &mut shared, findings);
            export_as_in_eu(context, (&table, what), &world, day, &mut shared, findings);
        }
    }
}

/// Whether rows name what the ERP itself has, of which each country can have one: a zone, a class, a template, a code. The few kinds of
/// VAT that are the same for every country are none.
fn is_open(rows: &Json) -> bool {
    rows.get("x-options").is_some() || rows.get("x-code").is_some() || is_record(rows)
}

fn is_record(rows: &Json) -> bool {
    crate::schema::days_name(rows).is_none() && rows.get("properties").is_some()
}

/// The country that the files name as home.
#[must_use]
pub fn home_country<'a>(context: &Context<'a>) -> Option<&'a str> {
    context.choice("sales_accounts", "home_country").or_else(|| context.choice(CATEGORY, "home_country"))
}

/// A row, or an older setting that is one.
#[derive(Clone)]
struct Row<'a> {
    /// Where it is spoken of: its key, or the older setting's value.
    at: Span,
    value: &'a Node,
    path: SettingPath,
}

/// The rows by their keys.
struct Table<'a> {
    rows: BTreeMap<String, Row<'a>>,
    /// A row is a record of several fields.
    is_record: bool,
    /// Those of its fields that decide the VAT alone, where one of them is written (`x-decides`).
    deciding: Vec<&'a str>,
}

/// Settings from before there were rows, each of which stands for some.
pub(super) fn settings_for_rows<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Setting> + use<'a> {
    let settings = context.pair.category(CATEGORY).into_iter().flat_map(|category| &category.settings);
    settings.filter(|one| one.schema.get("x-stands-for").is_some_and(|of| of.get(SETTING).is_some()))
}

/// The rows that they are.
fn older<'a>(context: &Context<'a>) -> BTreeMap<String, Row<'a>> {
    let mut rows = BTreeMap::new();
    for known in settings_for_rows(context) {
        let stands_for = known.schema.get("x-stands-for").and_then(|of| of.get(SETTING)?.as_array());
        let node =
            setting(context.root, CATEGORY, &known.path).filter(|node| !node.is_null() && !node.is_hole());
        let Some((keys, value)) = stands_for.zip(node) else { continue };
        for key in keys.iter().filter_map(Json::as_str) {
            rows.insert(key.to_owned(), Row { at: value.span, value, path: known.path.clone() });
        }
    }
    rows
}

impl<'a> Table<'a> {
    fn of(map: &'a Map, schema: &'a Json) -> Self {
        let row = |Entry { key, value }: &'a Entry| {
            let path = SettingPath::root().child(SETTING).child(&key.text);
            (key.text.to_string(), Row { at: key.span, value, path })
        };
        let rows =
            map.entries().iter().filter(|entry| !entry.value.is_null() && !entry.value.is_hole()).map(row);
        let deciding = schema.get("x-decides").and_then(Json::as_array).into_iter().flatten();
        Table {
            rows: rows.collect(),
            is_record: is_record(schema),
            deciding: deciding.filter_map(Json::as_str).collect(),
        }
    }

    /// Today, and the later days on which a row begins or has ended.
    fn days(&self, today: Date) -> BTreeSet<Date> {
        let of_fields = |row: &Row<'a>| row.value.as_map().into_iter().flat_map(Map::entries);
        let mut all: Vec<_> =
            self.rows.values().flat_map(|row| days::rows(row.value).map(|(days, _)| days)).collect();
        if self.is_record {
            all = self.rows.values().filter_map(|row| days::of(row.value)).collect();
            let fields = self.rows.values().flat_map(of_fields);
            all.extend(fields.flat_map(|field| days::rows(&field.value).map(|(days, _)| days)));
        }
        let turns =
            all.into_iter().flat_map(|days| [days.from, days.until.and_then(|until| until.tomorrow().ok())]);
        turns.flatten().filter(|day| *day > today).chain([today]).collect()
    }

    /// What a row leads to on a day, as one text; `None` where it does not count then.
    fn leads_to(&self, row: &Row<'a>, day: Date) -> Option<String> {
        if !self.is_record {
            return code(days::on(row.value, day)?).map(str::to_owned);
        }
        if !days::of(row.value)?.holds(day) {
            return None;
        }
        let fields =
            row.value.as_map()?.entries().iter().filter(|field| ![FROM, UNTIL].contains(&&*field.key.text));
        let said = fields.filter_map(|field| Some((&*field.key.text, code(days::on(&field.value, day)?)?)));
        let mut said: Vec<(&str, &str)> = said.collect();
        if said.iter().any(|(field, _)| self.deciding.contains(field)) {
            said.retain(|(field, _)| self.deciding.contains(field));
        }
        said.sort_unstable();
        let said: Vec<String> = said.iter().map(|(field, value)| format!("{field} {value}")).collect();
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// The row that counts for customers on a day, and what it leads to.
    fn row(&self, kind: Kind, place: Place<'_>, day: Date) -> Option<(&Row<'a>, String)> {
        customers::row(kind, place, |key| {
            let row = self.rows.get(key)?;
            Some((row, self.leads_to(row, day)?))
        })
    }

    /// The key of the row that counts, or will after days that are told as a gap between two rows.
    fn key(&self, kind: Kind, place: Place<'_>, day: Date) -> Option<String> {
        customers::row(kind, place, |key| {
            let row = self.rows.get(key)?;
            let counts =
                self.leads_to(row, day).is_some() || (!self.is_record && days::is_between(row.value, day));
            counts.then(|| key.to_owned())
        })
    }

    fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        self.rows.keys().filter_map(|key| Key::parse(key))
    }
}

/// Where the shop sells, as far as the files say it.
struct World<'a> {
    home: Option<&'a str>,
    /// Countries that are named as sold to.
    named: BTreeSet<&'a str>,
    /// Countries with rows of their own.
    with_rows: BTreeSet<String>,
    /// Something says that other EU countries are sold to.
    sells_in_eu: bool,
    sells_outside: bool,
    /// Rows are for other EU countries, or for all outside the EU, and no filter says that others are not sold to.
    rows_for_eu: bool,
    rows_for_outside: bool,
}

const HOME: Place<'static> = Place { region: Region::Home, country: None };
const EU: Place<'static> = Place { region: Region::Eu, country: None };
const OUTSIDE: Place<'static> = Place { region: Region::Outside, country: None };

impl<'a> World<'a> {
    fn of(context: &Context<'a>, table: &Table<'_>) -> Self {
        let home = home_country(context);
        let listed = |name: &str| {
            let list =
                context.written("additional_filters", name).and_then(Node::as_list).unwrap_or_default();
            list.iter().filter_map(Node::as_text)
        };
        let excluded: BTreeSet<&str> = listed("exclude_countries").collect();
        // Without OSS these rows are for nobody, which is told of them.
        let oss = context.toggle("sales_accounts", "oss_enabled") != Some(false);
        let accounts = context.rows("sales_accounts", "countries").filter(|_| oss);
        let accounts = accounts.map(|entry| &*entry.key.text);
        let mut named: BTreeSet<&str> = listed("include_countries").chain(accounts).collect();
        named.retain(|country| !excluded.contains(country) && Some(*country) != home);
        let with_rows: BTreeSet<String> =
            table.keys().filter_map(|key| key.country).map(str::to_owned).collect();
        let places = || named.iter().copied().chain(with_rows.iter().map(String::as_str));
        let is_abroad = |country: &str| home.is_some_and(|home| home != country);
        let has_region = |region: Region| table.keys().any(|key| key.region == Some(region));
        let anywhere = context.written("additional_filters", "include_countries").is_none();
        let rows_for_eu = anywhere && has_region(Region::Eu);
        let rows_for_outside = anywhere && has_region(Region::Outside);
        let sells_in_eu = has_region(Region::Eu)
            || places().any(|country| is_abroad(country) && context.vat.is_eu(country));
        let sells_outside =
            has_region(Region::Outside) || places().any(|country| !context.vat.is_eu(country));
        World { home, named, with_rows, sells_in_eu, sells_outside, rows_for_eu, rows_for_outside }
    }

    /// Unless it is known that home is not in the EU.
    fn may_be_in_eu(&self, context: &Context<'_>) -> bool {
        self.home.is_none_or(|home| context.vat.is_eu(home))
    }

    /// Whether what goes to a region is an export, which carries no VAT.
    fn is_exported(&self, context: &Context<'_>, region: Region) -> bool {
        region == Region::Outside || region == Region::Eu && !self.may_be_in_eu(context)
    }

    fn why_exported(&self, context: &Context<'_>) -> &'static str {
        if self.may_be_in_eu(context) { EXPORT } else { EXPORT_TO_EU }
    }

    fn place<'p>(&self, context: &Context<'_>, country: &'p str) -> Place<'p> {
        let region = match country {
            _ if self.home.is_some_and(|home| context.vat.is_one_area(home, country)) => Region::Home,
            _ if context.vat.is_eu(country) => Region::Eu,
            _ => Region::Outside,
        };
        Place { region, country: Some(country) }
    }

    /// Where those are whom a row is for; `None` for one of a kind alone, and for a country while home is not known.
    fn region_of(&self, context: &Context<'_>, key: &str) -> Option<Region> {
        let Key { region, country, .. } = Key::parse(key)?;
        let of_country = || self.home.zip(country).map(|(_, country)| self.place(context, country).region);
        region.or_else(of_country)
    }

    /// The places in other EU countries that are spoken of; countries only where it is known which one is home.
    fn in_eu<'p>(&'p self, context: &Context<'_>) -> Vec<Place<'p>> {
        let countries = self.named.iter().copied().chain(self.with_rows.iter().map(String::as_str));
        let countries = countries.filter(|_| self.home.is_some()).map(|country| self.place(context, country));
        let of_eu: BTreeSet<Place<'_>> =
            countries.filter(|place| place.region == Region::Eu).chain([EU]).collect();
        of_eu.into_iter().collect()
    }
}

/// Customers of whom some pay VAT and some do not, and whose rows lead to the same.
fn alike(
    context: &Context<'_>,
    table: &Table<'_>,
    world: &World<'_>,
    day: Date,
    told: &mut BTreeSet<(Span, &'static str)>,
    findings: &mut Vec<Finding>,
) {
    // From outside the EU all that goes abroad goes without VAT.
    if !world.sells_in_eu || !world.may_be_in_eu(context) {
        return;
    }
    let of = |kind, place| table.row(kind, place, day);
    let at_home = of(Kind::Consumer, HOME).map(|(_, leads_to)| leads_to);
    let outside = of(Kind::Consumer, OUTSIDE).filter(|_| world.sells_outside);
    let mut say =
        |who: &'static str, place: &str, like: &str, row: &Row<'_>, other: &Row<'_>, leads_to: &str| {
            if told.insert((row.at, who)) {
                let related = (other.at != row.at).then_some(other.at);
                let own = row
                    .path
                    .segments()
                    .last()
                    .and_then(|key| Key::parse(key))
                    .is_some_and(|key| key.country.is_some());
                let finding = codes::untaxed_consumers(who, (place, own), like, leads_to, related, row.at);
                findings.push(on(context, day, finding).about(context.about(CATEGORY, &row.path)));
            }
        };
    for place in world.in_eu(context) {
        let name =
            place.country.map_or_else(|| "other EU countries".to_owned(), |country| title(context, country));
        let Some((consumers, leads_to)) = of(Kind::Consumer, place) else { continue };
        if at_home.as_ref() == Some(&leads_to) {
            continue;
        }
        let companies = of(Kind::Company, place).filter(|(_, other)| *other == leads_to);
        if let Some((companies, _)) = companies {
            say("consumers", &name, "companies there", consumers, companies, &leads_to);
        } else if let Some((others, _)) = outside.as_ref().filter(|(_, other)| *other == leads_to) {
            say("consumers", &name, "customers outside the EU", consumers, others, &leads_to);
        }
    }
    let companies = of(Kind::Company, HOME).zip(of(Kind::Company, EU));
    if let Some(((here, leads_to), (there, _))) = companies.filter(|((_, here), (_, there))| here == there)
        && at_home.is_some_and(|at_home| at_home != leads_to)
    {
        say("companies", "the home country", "companies in other EU countries", here, there, &leads_to);
    }
}

/// Customers abroad who pay no VAT of home, and whose own row leads to it: those outside the EU, and all who are abroad for a home that
/// is itself outside. Those for whom no row says it are told as such.
fn taxed_abroad(
    context: &Context<'_>,
    table: &Table<'_>,
    world: &World<'_>,
    day: Date,
    told: &mut BTreeSet<Span>,
    findings: &mut Vec<Finding>,
) {
    for kind in Kind::ALL {
        let Some((home, at_home)) = table.row(kind, HOME, day) else { continue };
        // What those of the other kind have outside the EU and not at home is no VAT of home.
        let other = Kind::ALL.into_iter().find(|other| *other != kind).unwrap_or(kind);
        let other_at_home = table.row(other, HOME, day).filter(|(_, leads_to)| *leads_to != at_home);
        let outside = table.row(other, OUTSIDE, day).filter(|(_, leads_to)| *leads_to == at_home);
        if let Some((outside, _)) = other_at_home.and(outside) {
            if told.insert(home.at) {
                let finding = codes::untaxed_at_home(who(kind), who(other), &at_home, home.at, outside.at);
                findings.push(on(context, day, finding).about(context.about(CATEGORY, &home.path)));
            }
            continue;
        }
        for (key, row) in &table.rows {
            let Some(Key { kind: of, country, .. }) = Key::parse(key) else { continue };
            let region = world.region_of(context, key);
            let is_exported = region.is_some_and(|region| world.is_exported(context, region));
            let is_same = || table.leads_to(row, day).is_some_and(|leads_to| leads_to == at_home);
            if of != kind || !is_exported || row.at == home.at || !is_same() || !told.insert(row.at) {
                continue;
            }
            let anywhere = if region == Some(Region::Eu) { "in the EU" } else { "outside the EU" };
            let place =
                country.map_or_else(|| anywhere.to_owned(), |one| format!("in {}", title(context, one)));
            let finding = codes::taxed_abroad(
                (who(kind), &place),
                who(kind),
                &at_home,
                world.why_exported(context),
                (row.at, home.at),
            );
            findings.push(on(context, day, finding).about(context.about(CATEGORY, &row.path)));
        }
    }
}

/// Companies in other EU countries whose own row leads to the VAT of home. Where companies at home have that of those in the EU, that
/// is told of the row at home.
fn taxed_in_eu(
    context: &Context<'_>,
    table: &Table<'_>,
    world: &World<'_>,
    day: Date,
    told: &mut BTreeSet<Span>,
    findings: &mut Vec<Finding>,
) {
    if !world.may_be_in_eu(context) {
        return;
    }
    let consumers = table.row(Kind::Consumer, HOME, day);
    let companies = table.row(Kind::Company, HOME, day);
    for (key, row) in &table.rows {
        let Some(Key { kind: Kind::Company, country, .. }) = Key::parse(key) else { continue };
        if world.region_of(context, key) != Some(Region::Eu) {
            continue;
        }
        let Some(leads_to) = table.leads_to(row, day) else { continue };
        let is_same = |other: &&(&Row<'_>, String)| other.1 == leads_to && other.0.at != row.at;
        let like = match (&consumers, companies.as_ref().filter(is_same)) {
            (Some(consumers), Some(companies)) if consumers.1 == leads_to => (Kind::Company, companies.0),
            (None, Some(companies)) => (Kind::Company, companies.0),
            (Some(consumers), None) if is_same(&consumers) => (Kind::Consumer, consumers.0),
            _ => continue,
        };
        if !told.insert(row.at) {
            continue;
        }
        let place = country
            .map_or_else(|| "in other EU countries".to_owned(), |one| format!("in {}", title(context, one)));
        let finding = codes::taxed_abroad(
            (who(Kind::Company), &place),
            who(like.0),
            &leads_to,
            OF_COMPANIES,
            (row.at, like.1.at),
        );
        findings.push(on(context, day, finding).about(context.about(CATEGORY, &row.path)));
    }
}

const EXPORT: &str = "sales to customers outside the EU carry no VAT";
const EXPORT_TO_EU: &str =
    "who is at home outside the EU exports to it as to any other country, and exports carry no VAT";
const OF_COMPANIES: &str = "sales to companies in other EU countries with a valid VAT number carry no VAT";

/// Customers outside the EU whose own row leads to what companies in other EU countries have: both go without VAT, and each is reported
/// apart.
fn export_as_in_eu(
    context: &Context<'_>,
    (table, what): (&Table<'_>, &str),
    world: &World<'_>,
    day: Date,
    told: &mut BTreeSet<Span>,
    findings: &mut Vec<Finding>,
) {
    let in_eu = table.row(Kind::Company, EU, day).filter(|_| world.may_be_in_eu(context));
    let Some((there, leads_to)) = in_eu else { return };
    for (key, row) in &table.rows {
        let Some(Key { kind, country, .. }) = Key::parse(key) else { continue };
        let at_home = table.row(kind, HOME, day);
        if world.region_of(context, key) != Some(Region::Outside)
            || table.leads_to(row, day).as_ref() != Some(&leads_to)
            || at_home.is_some_and(|(_, at_home)| at_home == leads_to)
            || !told.insert(row.at)
        {
            continue;
        }
        let place =
            country.map_or_else(|| "outside the EU".to_owned(), |one| format!("in {}", title(context, one)));
        let leads_to = format!("{what} {leads_to}");
        let whom = format!("{} {place}", who(kind));
        let finding = codes::export_as_in_eu(leads_to.trim_start(), &whom, row.at, there.at);
        findings.push(on(context, day, finding).about(context.about(CATEGORY, &row.path)));
    }
}

/// A row for the home country's own code, which goes before the one for those at home, and says something else.
fn home_twice(context: &Context<'_>, table: &Table<'_>, world: &World<'_>, findings: &mut Vec<Finding>) {
    let Some(home) = world.home else { return };
    for kind in Kind::ALL {
        let key = |place: &str| format!("{}-{place}", kind.key());
        let of = |key: &str| {
            let (key, row) = table.rows.get_key_value(key)?;
            Some((key, row, table.leads_to(row, context.today)?))
        };
        let Some((own, row, leads_to)) = of(&key(home)) else { continue };
        // A row for the kind alone is for home where other places have rows of their own.
        let has_others = [Region::Eu, Region::Outside].iter().all(|region| of(&key(region.key())).is_some());
        let other = of(&key(Region::Home.key())).or_else(|| of(kind.key()).filter(|_| has_others));
        let Some((other, there, said)) = other.filter(|(.., said)| *said != leads_to) else { continue };
        let finding = codes::home_said_twice(
            (own, &leads_to, row.at),
            (other, &said, there.at),
            who(kind),
            &title(context, home),
        );
        findings.push(finding.about(context.about(CATEGORY, &row.path)));
    }
}

/// Says of what is so on a later day when that is.
fn on(context: &Context<'_>, day: Date, finding: Finding) -> Finding {
    if day > context.today { finding.note(format!("that is so from {day} on")) } else { finding }
}

/// Consumers of several EU countries whose own rows lead to the same, although their countries' rates differ; those at home among them,
/// where other countries have something of their own, as under OSS.
fn one_for_countries(
    context: &Context<'_>,
    (table, what): (&Table<'_>, &str),
    world: &World<'_>,
    day: Date,
    told: &mut BTreeSet<Span>,
    findings: &mut Vec<Finding>,
) {
    // From outside the EU all of them are exports.
    if !world.may_be_in_eu(context) {
        return;
    }
    let own = |country: &str| {
        let key = format!("{}-{country}", Kind::Consumer.key());
        let row = table.rows.get(&key)?;
        Some((row, table.leads_to(row, day)?))
    };
    let is_abroad = |country: &&String| context.vat.is_eu(country) && world.home != Some(country.as_str());
    let rows = world.with_rows.iter().filter(is_abroad);
    let rows: Vec<(&str, &Row<'_>, String)> = rows
        .filter_map(|country| own(country).map(|(row, leads_to)| (country.as_str(), row, leads_to)))
        .collect();
    let place = |country| Place { region: Region::Home, country: Some(country) };
    let at_home = world.home.and_then(|home| {
        let (row, leads_to) = table.row(Kind::Consumer, place(home), day)?;
        Some((home, row, leads_to))
    });
    let at_home = at_home.filter(|(.., home)| rows.iter().any(|(.., leads_to)| leads_to != home));
    let all: Vec<_> = at_home.into_iter().chain(rows).collect();
    let rates = |country: &str| -> Option<BTreeSet<&str>> {
        let in_force = context.vat.country(country)?.in_force(day);
        Some(in_force.into_iter().map(|rate| rate.rate.as_str()).collect())
    };
    for (at, (country, row, leads_to)) in all.iter().enumerate().skip(1) {
        let same = all[..at].iter().filter(|(.., other)| other == leads_to);
        let other = same.map(|(other, row, _)| (*other, *row)).find(|(other, _)| {
            let both = rates(country).zip(rates(other));
            both.is_some_and(|(one, other)| one != other)
        });
        let Some((other, there)) = other else { continue };
        if !told.insert(row.at) {
            continue;
        }
        let names = [title(context, other), title(context, country)];
        let leads_to = format!("{what} {leads_to}");
        let finding = codes::one_code_for_countries(leads_to.trim_start(), &names, row.at, there.at);
        findings.push(on(context, day, finding).about(context.about(CATEGORY, &row.path)));
    }
}

/// Customers to whom the shop sells and whom no row is for on a day, or only that of customers at home.
fn missing(
    context: &Context<'_>,
    table: &Table<'_>,
    world: &World<'_>,
    day: Date,
    findings: &mut Vec<Finding>,
) {
    let shared = context.choice(CATEGORY, "mode") == Some("one_shared_for_consumers");
    let only =
        if shared { Some(Kind::Company.key()) } else { context.choice("additional_filters", "buyers") };
    let at = context.key_of(CATEGORY, &SettingPath::root().child(SETTING));
    let about = || context.about(CATEGORY, &SettingPath::root().child(SETTING));
    let name = |country: &str| title(context, country);
    // Of whom no order is synced, no customer is made, nor of those who share one.
    let buys = |kind: &Kind| only.is_none_or(|only| only == "all" || only == kind.key());
    for kind in Kind::ALL.into_iter().filter(buys) {
        let mut without = Vec::new();
        let mut as_at_home = Vec::new();
        if table.key(kind, HOME, day).is_none()
            && world.home.is_none_or(|home| table.key(kind, world.place(context, home), day).is_none())
        {
            without.push("the home country".to_owned());
        }
        let named_in = |of: Region| {
            world
                .named
                .iter()
                .any(|country| world.home.is_some() && world.place(context, country).region == of)
        };
        let in_eu = table.key(kind, EU, day);
        let eu_is_asked = world.sells_in_eu && world.named.is_empty() || world.rows_for_outside;
        if in_eu.is_none() && eu_is_asked && !named_in(Region::Eu) {
            let other = if world.may_be_in_eu(context) { "other EU countries" } else { "EU countries" };
            without.push(other.to_owned());
        }
        let outside = table.key(kind, OUTSIDE, day);
        let outside_is_asked = world.rows_for_eu || world.rows_for_outside;
        if outside.is_none() && outside_is_asked && !named_in(Region::Outside) {
            without.push("countries outside the EU".to_owned());
        }
        // A row for home alone is for no other country, and one of the kind alone is for all.
        let own: Vec<String> = table
            .keys()
            .filter(|key| key.kind == kind)
            .filter_map(|key| key.country)
            .filter(|country| context.vat.is_eu(country) && world.home.is_some_and(|home| home != *country))
            .map(name)
            .collect();
        // Companies at home have the VAT that consumers there have.
        let leads_to = |kind| table.row(kind, HOME, day).map(|(_, leads_to)| leads_to);
        let consumers = leads_to(Kind::Consumer);
        let pay_at_home = kind == Kind::Company && (consumers.is_none() || consumers == leads_to(kind));
        for country in world.named.iter().filter(|_| world.home.is_some()) {
            let place = world.place(context, country);
            match table.key(kind, place, day) {
                None => without.push(name(country)),
                Some(key) if key == kind.key() && table.key(kind, HOME, day).as_ref() == Some(&key) => {
                    let is_wrong = match (place.region, kind) {
                        (region, _) if world.is_exported(context, region) => true,
                        // Under OSS.
                        (Region::Eu, Kind::Consumer) => !own.is_empty(),
                        (Region::Eu, Kind::Company) => pay_at_home,
                        _ => false,
                    };
                    if is_wrong {
                        as_at_home.push((name(country), place.region));
                    }
                }
                Some(_) => {}
            }
        }
        // Places that only rows of the others speak of.
        let at_home = table.key(kind, HOME, day);
        let is_of_home = |key: Option<String>| key.as_deref() == Some(kind.key()) && at_home == key;
        if world.may_be_in_eu(context) {
            if pay_at_home && world.rows_for_eu && !named_in(Region::Eu) && is_of_home(in_eu) {
                as_at_home.push(("other EU countries".to_owned(), Region::Eu));
            } else if pay_at_home && world.home.is_some() && !named_in(Region::Eu) {
                let places = world.with_rows.iter().map(|country| world.place(context, country));
                let places = places.filter(|place| place.region == Region::Eu);
                let of_home = places.filter(|place| is_of_home(table.key(kind, *place, day)));
                as_at_home.extend(of_home.filter_map(|place| Some((name(place.country?), Region::Eu))));
            }
        } else if (world.rows_for_outside || world.rows_for_eu) && !named_in(Region::Eu) && is_of_home(in_eu)
        {
            as_at_home.push(("EU countries".to_owned(), Region::Eu));
        }
        if world.rows_for_outside && !named_in(Region::Outside) && is_of_home(outside) {
            as_at_home.push(("countries outside the EU".to_owned(), Region::Outside));
        }
        let who = who(kind);
        if !without.is_empty() {
            // Who has rows for the EU alone may send nothing further.
            let perhaps = !world.rows_for_outside && without == ["countries outside the EU"];
            let finding = codes::vat_row_missing(who, kind.key(), &list_words(&without, "and"), perhaps, at);
            findings.push(on(context, day, finding).about(about()));
        }
        for region in [Region::Eu, Region::Outside] {
            let of_region = as_at_home.iter().filter(|(_, of)| *of == region).map(|(name, _)| name.clone());
            let of_region: Vec<String> = of_region.collect();
            if of_region.is_empty() {
                continue;
            }
            let why = match region {
                region if world.is_exported(context, region) => world.why_exported(context).to_owned(),
                _ if kind == Kind::Company => OF_COMPANIES.to_owned(),
                _ => format!("there are rows for {who} in {}, as under OSS", list_words(&own, "and")),
            };
            let at = table.rows.get(kind.key()).map_or(at, |row| row.at);
            let finding = codes::vat_row_of_home(
                who,
                kind.key(),
                region.key(),
                &list_words(&of_region, "and"),
                &why,
                at,
            );
            let path = SettingPath::root().child(SETTING).child(kind.key());
            findings.push(on(context, day, finding).about(context.about(CATEGORY, &path)));
        }
    }
}

/// Older settings beside the rows, which count, that say something else than they do: one finding, as they are one leftover.
fn said_twice(
    context: &Context<'_>,
    table: &Table<'_>,
    older: &BTreeMap<String, Row<'_>>,
    findings: &mut Vec<Finding>,
) {
    let mut at_odds: Vec<(&Row<'_>, String)> = Vec::new();
    for (key, before) in older {
        let Some(Key { kind, region: Some(region), .. }) = Key::parse(key) else { continue };
        let Some(said) = code(before.value) else { continue };
        let now = table.row(kind, Place { region, country: None }, context.today);
        let Some((_, leads_to)) = now.filter(|(_, leads_to)| leads_to != said) else { continue };
        if at_odds.iter().all(|(other, _)| other.at != before.at) {
            let place = match region {
                Region::Home => "the home country",
                Region::Eu => "other EU countries",
                Region::Outside => "countries outside the EU",
            };
            at_odds.push((before, format!("{said} here, and {leads_to} there for {} in {place}", who(kind))));
        }
    }
    at_odds.sort_by_key(|(row, _)| row.at);
    let Some((first, _)) = at_odds.first() else { return };
    let rows = context.key_of(CATEGORY, &SettingPath::root().child(SETTING));
    let names: Vec<String> = at_odds.iter().map(|(row, _)| row.path.to_string()).collect();
    let said: Vec<(Span, String)> = at_odds.iter().map(|(row, said)| (row.at, said.clone())).collect();
    findings.push(codes::vat_said_twice(&names, &said, rows).about(context.about(CATEGORY, &first.path)));
}

/// A setting that counts for all customers, whatever their rows say (`x-in-place-of`), beside rows that differ.
fn said_for_all(context: &Context<'_>, table: &Table<'_>) -> Option<Finding> {
    let mut settings = context.pair.category(CATEGORY)?.settings.iter();
    let (name, node, path) = settings.find_map(|one| {
        let is_it = crate::schema::text(&one.schema, "x-in-place-of") == SETTING;
        let name = is_it.then(|| one.path.to_string())?;
        let node = context.written(CATEGORY, &name)?;
        Some((name, node, one.path.clone()))
    })?;
    let said: BTreeSet<_> =
        table.rows.values().filter_map(|row| table.leads_to(row, context.today)).collect();
    if said.len() < 2 {
        return None;
    }
    let rows = context.key_of(CATEGORY, &SettingPath::root().child(SETTING));
    let finding = codes::vat_said_for_all(&name, code(node).unwrap_or_default(), node.span, rows);
    Some(finding.about(context.about(CATEGORY, &path)))
}

fn who(kind: Kind) -> &'static str {
    match kind {
        Kind::Consumer => "consumers",
        Kind::Company => "companies",
    }
}

/// What a country is called, in a sentence.
#[must_use]
pub fn title(context: &Context<'_>, country: &str) -> String {
    let known = context.vat.country(country).map(|known| known.title.as_str());
    known.or_else(|| countries::name_of(country)).unwrap_or(country).to_owned()
}
