//! Groups of changes as templates are filled with them: each distinct change first, then whom it reaches.
//!
//! Everything in it is plain text and trusted by nobody; the form's own escaping happens in `template`.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value as Json, json};
use similar::ChangeTag;

use super::budget::{Counter, text};
use super::content::Content;
use super::grouped::{effect, outside};
use super::groups::{Effect, Group, Groups, Kind, Member};
use super::moved::{Moved, Part};
use super::texts::Language;
use super::words;
use super::{clean_text, count};
use crate::model::Name;
use crate::plan::{Change, ChangeKind};

/// The groups, those that somebody has to look at first before the others.
pub(super) fn rows(content: &Content<'_>, groups: &Groups, counter: &mut Counter) -> (Vec<Json>, Vec<Json>) {
    let alike: Vec<&[Group]> = groups.groups.chunk_by(Group::is_like).collect();
    // Every distinct change comes before any list of whom it reaches.
    let kept: Vec<usize> =
        alike.iter().map(|some| some.iter().filter(|_| counter.take("change")).count()).collect();
    let mut sets = Sets::default();
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for (some, kept) in alike.into_iter().zip(kept) {
        let Some(group) = some.first().filter(|_| kept > 0) else { continue };
        let row = match some {
            [only] => row(content, only, &mut sets, counter),
            several => family(content, several, kept),
        };
        if group.kind.needs_a_look() { first.push(row) } else { others.push(row) }
    }
    (first, others)
}

/// Effects of a comparison, each with the integrations that it has.
pub(super) fn effects(language: &Language, groups: &Groups) -> Vec<Json> {
    let row = |effect: &Effect| {
        json!({
            "what": effect.what,
            "list": effect.list.iter().map(|one| text(one)).collect::<Vec<_>>(),
            "reach": reach(language, effect.integrations.len(), effect.live, effect.integrations.first()),
            "integrations": names(&effect.integrations),
        })
    };
    groups.effects.iter().map(row).collect()
}

/// Integrations of which nothing was saved before.
pub(super) fn names(all: &[Name]) -> Vec<String> {
    all.iter().map(|name| text(name)).collect()
}

/// Lists of integrations that were given already, by the group that gives them.
#[derive(Default)]
struct Sets<'g>(HashMap<Vec<&'g Name>, (String, String)>);

fn row<'g>(content: &Content<'_>, group: &'g Group, sets: &mut Sets<'g>, counter: &mut Counter) -> Json {
    let mut json = head(content, group);
    let number = group.members.len();
    json["reach"] =
        reach(content.language, number, group.live, group.members.first().map(|member| &member.integration))
            .into();
    json["count"] = number.into();
    json["only"] =
        group.members.first().filter(|_| number == 1).map(|member| text(&member.integration)).into();
    json["moved"] = moved(content.language, &group.change);
    let set: Vec<&Name> = group.members.iter().map(|member| &member.integration).collect();
    if let Some((id, name)) = sets.0.get(&set) {
        json["same_as"] = json!({"id": id, "name": name});
        return json;
    }
    let mut members: Vec<&Member> = group.members.iter().collect();
    members.sort_by_key(|member| !member.live);
    let kept: Vec<Json> =
        members.into_iter().filter(|_| counter.take("name")).map(|one| member(content, one)).collect();
    json["more"] = (number - kept.len()).into();
    if kept.len() == number && number > SHORT {
        sets.0.insert(set, (group.id.clone(), text(&group.all_words().join(" › "))));
    }
    json["members"] = kept.into();
    json
}

/// A list of so many is given again.
const SHORT: usize = 3;

/// The same setting with another value in each.
fn family(content: &Content<'_>, groups: &[Group], kept: usize) -> Json {
    let first = &groups[0];
    let number: usize = groups.iter().map(|group| group.members.len()).sum();
    let mut json = head(content, first);
    json["reach"] = reach(content.language, number, groups.iter().map(|group| group.live).sum(), None).into();
    json["count"] = number.into();
    json["live"] = groups.iter().map(|group| group.live).sum::<usize>().into();
    json["place"] = Json::Null;
    json["href"] = Json::Null;
    let pairs: BTreeSet<&Name> = groups.iter().flat_map(|group| &group.pairs).collect();
    json["pairs"] = titles(pairs);
    let owners: BTreeSet<&String> = groups.iter().flat_map(|group| &group.owners).collect();
    json["owners"] = owners.into_iter().map(|owner| text(owner)).collect();
    // What may not be grouped can be the same all the same: live mode goes on in each.
    let told = |group: &Group| {
        (moved(content.language, &group.change), group.change.last_applied.clone(), note(content, group))
    };
    json["moved"] = Json::Null;
    if groups.iter().all(|group| told(group) == told(first)) {
        json["moved"] = moved(content.language, &first.change);
    } else {
        // What is true of the first is not of the others.
        json["facts"] = Json::Null;
        json["note"] = Json::Null;
    }
    let each = groups.iter().take(kept).map(|group| {
        let names: Vec<&str> = group.members.iter().map(|member| &*member.integration).collect();
        json!({
            "id": group.id,
            "names": text(&names.join(", ")),
            "live": group.live > 0,
            "moved": moved(content.language, &group.change),
            "place": group.places().first().map(|(place, _)| text(place)),
            "href": group.places().first().and_then(|(place, _)| content.address(place)),
            "note": note(content, group),
        })
    });
    json["each"] = each.collect();
    json["more"] = (groups.len() - kept).into();
    json
}

fn titles<'a>(pairs: impl IntoIterator<Item = &'a Name>) -> Json {
    pairs.into_iter().map(|title| text(title)).collect()
}

fn head(content: &Content<'_>, group: &Group) -> Json {
    let places = group.places();
    let change = &group.change;
    let words: Vec<String> = group.words.iter().map(|word| text(word)).collect();
    json!({
        "id": group.id,
        "kind": group.kind.word(),
        "filter": group.kind.word().replace(' ', "-"),
        "pairs": titles(&group.pairs),
        "sign": match change.kind { ChangeKind::Add => "+", ChangeKind::Change => "~", ChangeKind::Reset => "−" },
        "category": text(&group.title),
        "words": words,
        "name": text(&group.all_words().join(" › ")),
        "setting": text(&format!("{}.{}", group.category, change.setting)),
        "description": clean_text(&group.description),
        "additional": group.additional,
        "live": group.live,
        "note": note(content, group),
        "facts": if matches!(group.kind, Kind::Conflict | Kind::Drift | Kind::Reset) { facts(content, group) } else { Json::Null },
        "place": places.first().map(|(place, _)| text(place)),
        "href": places.first().and_then(|(place, _)| content.address(place)),
        "places": places.len(),
        "effect": if content.command == "drift" { String::new() } else { text(&effect(content.language, group)) },
        "owners": group.owners.iter().map(|owner| text(owner)).collect::<Vec<_>>(),
    })
}

/// What happened outside the files, in a sentence.
fn note(content: &Content<'_>, group: &Group) -> String {
    let is_outside = matches!(group.kind, Kind::Conflict | Kind::Drift);
    let is_deleted =
        content.command == "drift" && group.members.iter().any(|member| member.revision.is_none());
    let deleted = if is_deleted { content.language.text("outside.deleted", None) } else { "" };
    if is_outside { text(&(outside(content.language, group) + deleted)) } else { String::new() }
}

/// What was applied last, what is deployed now and what an apply makes of it.
fn facts(content: &Content<'_>, group: &Group) -> Json {
    let (command, language) = (content.command, content.language);
    let change = &group.change;
    let before = words::shown_in(language, &change.before, change.before_label.as_deref());
    let after = words::shown_after(language, change);
    let last = words::last_applied(language, change);
    // Drift is from what was applied to what is deployed; a plan goes on from that.
    let [last, deployed, will] = match command {
        "drift" if change.unmanaged => [before, after.clone(), after],
        "drift" => [before.clone(), after, before],
        _ => [last.unwrap_or_else(|| before.clone()), before, after],
    };
    let git = match (command, group.kind) {
        _ if change.unmanaged => language.say("facts.nothing", &[]),
        (_, Kind::Reset) => language.say("facts.no_more", &[]),
        ("drift", _) => last.clone(),
        _ => will.clone(),
    };
    let who: Vec<Json> = group
        .people()
        .into_iter()
        .map(|(by, since)| json!({"by": text(words::person(by)), "since": since.map(|since| text(&language.day_of(since)))}))
        .collect();
    json!({
        "last_applied": clean_text(&last),
        "deployed": clean_text(&deployed),
        "after": clean_text(&will),
        "git": clean_text(&git),
        "keep": group.kind != Kind::Reset && !change.unmanaged,
        "people": who,
    })
}

fn moved(language: &Language, change: &Change) -> Json {
    match Moved::of(language, change) {
        // Nothing is cut here: a reader has to see what changed.
        Moved::Value { before, after } => json!({"before": clean_text(&before), "after": clean_text(&after)}),
        Moved::Elements { added, removed, same } => {
            let texts = |all: Vec<String>| all.iter().map(|one| clean_text(one)).collect::<Vec<_>>();
            json!({"added": texts(added), "removed": texts(removed), "same": same})
        }
        Moved::Text(parts) => {
            let line = |tag: ChangeTag, number: usize, pieces: &[(bool, String)]| {
                let pieces: Vec<Json> = pieces
                    .iter()
                    .map(|(is_it, piece)| json!({"marked": is_it, "text": clean_text(piece)}))
                    .collect();
                json!({"sign": if tag == ChangeTag::Delete { "−" } else { "+" }, "number": number, "pieces": pieces})
            };
            let lines = parts.iter().map(|part| match part {
                Part::Removed(number, pieces) => line(ChangeTag::Delete, *number, pieces),
                Part::Added(number, pieces) => line(ChangeTag::Insert, *number, pieces),
                Part::Same(number) => json!({"same": count(*number, "line"), "n": number}),
            });
            json!({"lines": lines.collect::<Vec<_>>()})
        }
    }
}

fn member(content: &Content<'_>, member: &Member) -> Json {
    let place = member.place.as_ref().map(|(path, line)| format!("{path}:{line}"));
    json!({
        "integration": text(&member.integration),
        "live": member.live,
        "place": place.as_deref().map(text),
        "href": place.as_deref().and_then(|place| content.address(place)),
        "revision": member.revision,
        "by": member.by.as_deref().map(|by| text(words::person(by))),
        "since": member.since.as_deref().map(|since| text(&content.language.day_of(since))),
    })
}

/// A single one by its name, several by their number.
fn reach(language: &Language, number: usize, live: usize, only: Option<&Name>) -> String {
    let live_of = |live: usize| format!(" ({})", language.count("p.live", live));
    match (number, only) {
        (1, Some(name)) if live == 1 => format!("{} ({})", text(name), language.text("p.live_one", None)),
        (1, Some(name)) => text(name),
        _ if live > 0 => language.count("p.integrations", number) + &live_of(live),
        _ => language.count("p.integrations", number),
    }
}
