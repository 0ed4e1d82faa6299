//! Groups of changes as text: one change and all that it reaches, what somebody has to decide first.

use std::fmt::Write as _;

use owo_colors::{OwoColorize as _, Style};

use super::groups::{Group, Groups, Kind, Member};
use super::moved::{Moved, Part};
use super::texts::Language;
use super::words;
use super::{PIECE, clean, count};
use crate::plan::{Change, ChangeKind, Origin};
use crate::store::OUTSIDE;

/// As many integrations, places or people as one line names.
const NAMED: usize = 5;

/// All groups, piece by piece; the last piece stays in `out`.
pub fn text(groups: &Groups, out: &mut String, take: &mut dyn FnMut(&str)) {
    if !groups.new.is_empty() {
        let new = listed(Language::english(), groups.new.iter().map(|name| &**name));
        let _ =
            writeln!(out, "{} {}: {new}\n", "+".green(), count(groups.new.len(), "new integration").bold());
    }
    for (former, present) in &groups.renamed {
        let _ = writeln!(
            out,
            "{} {} renamed from {}\n",
            "~".yellow(),
            clean(present).bold(),
            clean(former).bold()
        );
    }
    let mut decide = false;
    for alike in groups.groups.chunk_by(Group::is_like) {
        let needs = alike[0].kind.needs_a_look();
        if needs && !decide {
            let _ = writeln!(out, "{}", "Look at these first:".bold());
        } else if decide && !needs {
            let _ = writeln!(out, "{}", "Changes from git:".bold());
        }
        decide = needs;
        match alike {
            [group] => one(out, group),
            several => family(out, several),
        }
        out.push('\n');
        if out.len() >= PIECE {
            take(out);
            out.clear();
        }
    }
    for blocked in &groups.blocked {
        let said = match blocked.errors.as_slice() {
            [] => "has errors, so nothing of it is saved".to_owned(),
            [one] => clean(one),
            [first, rest @ ..] => format!("{} (and {})", clean(first), count(rest.len(), "more error")),
        };
        let _ = writeln!(out, "{} {}  {said}", "! blocked".red().bold(), clean(&blocked.title).bold());
        let names = blocked.integrations.iter().map(|name| &**name);
        let _ = writeln!(out, "    {}\n", reach(blocked.integrations.len(), blocked.live, names));
    }
    for effect in &groups.effects {
        let what = format!(
            "{}: {}",
            effect.what,
            listed(Language::english(), effect.list.iter().map(String::as_str))
        );
        let _ = writeln!(out, "{}", clean(&what).bold());
        let names = effect.integrations.iter().map(|name| &**name);
        let _ = writeln!(out, "    {}\n", reach(effect.integrations.len(), effect.live, names));
    }
}

fn one(out: &mut String, group: &Group) {
    let moved = Moved::of(Language::english(), &group.change);
    let _ = writeln!(out, "{} {}  {}", heading(group), name(group), said(&group.change, &moved));
    lines(out, &moved, 6);
    let names = group.members.iter().map(|member| &*member.integration);
    let _ = writeln!(out, "    {}", reach(group.members.len(), group.live, names));
    for line in facts(group) {
        let _ = writeln!(out, "    {}", clean(&line).dimmed());
    }
}

/// The same setting with another value in each.
fn family(out: &mut String, groups: &[Group]) {
    let first = &groups[0];
    let members = groups.iter().map(|group| group.members.len()).sum();
    let live = groups.iter().map(|group| group.live).sum();
    let is_one = groups.iter().all(|group| {
        (&group.change.before, &group.change.after) == (&first.change.before, &first.change.after)
    });
    let reach =
        format!("{} {}", if is_one { "in" } else { "another value in each of" }, reach_only(members, live));
    let _ = writeln!(out, "{} {}  {}", heading(first), name(first), reach.dimmed());
    // What may not be grouped can be the same all the same: live mode goes on in each.
    let same = |a: &Group, b: &Group| {
        let (a, b) = (&a.change, &b.change);
        a.origin == Origin::Git && (&a.before, &a.after, a.origin) == (&b.before, &b.after, b.origin)
    };
    for groups in groups.chunk_by(same) {
        let group = &groups[0];
        let moved = Moved::of(Language::english(), &group.change);
        let names = groups.iter().flat_map(|group| &group.members).map(|member| clean(&member.integration));
        let names = names.collect::<Vec<_>>().join(", ");
        let said = said(&group.change, &moved);
        let who = match group.change.origin {
            Origin::Git => String::new(),
            _ => format!("   {}", clean(&outside(Language::english(), group)).cyan()),
        };
        let _ = match groups {
            [_] => writeln!(out, "    {names}  {said}{who}"),
            _ => writeln!(out, "    {said}{who}: {names}"),
        };
        lines(out, &moved, 8);
    }
    let owners = first.owners.join(", ");
    if !owners.is_empty() {
        let _ = writeln!(out, "    {}", format!("review: {}", clean(&owners)).dimmed());
    }
}

fn said(change: &Change, moved: &Moved) -> String {
    match (change.kind, moved) {
        (ChangeKind::Add, Moved::Value { after, .. }) => clean(after),
        _ => clean(&moved.line()),
    }
}

/// A sign, and the word where the sign alone does not say it.
fn heading(group: &Group) -> String {
    let sign = sign(group.change.kind);
    match group.kind {
        Kind::Conflict => format!("{} {}", "!".red().bold(), "conflict".magenta().bold()),
        Kind::Drift => format!("{sign} {}", "drift".cyan()),
        Kind::Add | Kind::Change => sign,
        kind => format!("{sign} {}", kind.word().yellow()),
    }
}

fn name(group: &Group) -> String {
    clean(&group.all_words().join(" › ")).bold().to_string()
}

/// What stands below a group: who moved it, where it is written, when it takes effect, whose review it needs.
fn facts(group: &Group) -> Vec<String> {
    let mut facts = Vec::new();
    if matches!(group.kind, Kind::Drift | Kind::Conflict) {
        facts.push(outside(Language::english(), group));
    }
    let mut said = Vec::new();
    let places = group.places();
    match places.as_slice() {
        [] => {}
        [(place, _)] => said.push(place.clone()),
        [(place, _), rest @ ..] => said.push(format!("{place} and {}", count(rest.len(), "other place"))),
    }
    said.push(effect(Language::english(), group));
    if !group.owners.is_empty() {
        said.push(format!("review: {}", group.owners.join(", ")));
    }
    said.retain(|one| !one.is_empty());
    if !said.is_empty() {
        facts.push(said.join(" · "));
    }
    facts
}

/// When a change takes effect, in words.
#[must_use]
pub fn effect(language: &Language, group: &Group) -> String {
    match group.change.effect.as_str() {
        "immediately" => language.say("effect.now", &[]),
        "new-import" => language.say("effect.import", &[]),
        _ => {
            let next = group.members.first().and_then(|member| member.next_sync.as_deref());
            let same = |member: &Member| member.next_sync.as_deref() == next;
            match next.filter(|_| group.members.iter().all(same)) {
                Some(next) => words::next_sync(language, next),
                None => language.say("effect.sync", &[]),
            }
        }
    }
}

/// What an apply makes of what was done outside the files, and by whom and when that was.
#[must_use]
pub fn outside(language: &Language, group: &Group) -> String {
    let change = &group.change;
    let people: Vec<String> =
        group.people().into_iter().map(|(by, since)| change_of(language, by, since)).collect();
    let who = match people.as_slice() {
        [] => language.say("outside.what", &[]),
        people => listed(language, people.iter().map(String::as_str)),
    };
    let last = words::last_applied(language, change);
    let last = last.map(|last| language.say("outside.last", &[("last", &last)])).unwrap_or_default();
    let key = match group.kind {
        Kind::Conflict => "outside.conflict",
        _ if change.unmanaged => "outside.left",
        _ => "outside.undone",
    };
    language.say(key, &[("who", &who)]) + &last
}

/// `Karin's change of 12 Nov 2026`
fn change_of(language: &Language, by: &str, since: Option<&str>) -> String {
    let day = since.map(|since| language.say("outside.of", &[("day", &language.day_of(since))]));
    let day = day.unwrap_or_default();
    match by {
        OUTSIDE => language.say("outside.nobody", &[("day", &day)]),
        by => language.say("outside.change", &[("by", words::person(by)), ("day", &day)]),
    }
}

/// How many integrations, and the first of them by name.
#[must_use]
pub fn reach<'a>(number: usize, live: usize, names: impl Iterator<Item = &'a str>) -> String {
    match number {
        1 => {
            let live = if live == 1 { " (live)" } else { "" };
            format!("in {}{live}", listed(Language::english(), names))
        }
        _ => format!("in {}: {}", reach_only(number, live), listed(Language::english(), names)),
    }
}

fn reach_only(number: usize, live: usize) -> String {
    match live {
        0 => count(number, "integration"),
        live if live == number => count(number, "live integration"),
        live => format!("{} ({live} live)", count(number, "integration")),
    }
}

/// The first few, and how many more.
fn listed<'a>(language: &Language, mut names: impl Iterator<Item = &'a str>) -> String {
    let first: Vec<String> = names.by_ref().take(NAMED).map(clean).collect();
    match names.count() {
        0 => first.join(", "),
        rest => format!("{} {}", first[..NAMED - 1].join(", "), language.count("gaps.more", rest + 1)),
    }
}

/// The sign of a kind of change.
pub(super) fn sign(kind: ChangeKind) -> String {
    match kind {
        ChangeKind::Add => "+".green().to_string(),
        ChangeKind::Change => "~".yellow().to_string(),
        ChangeKind::Reset => "-".red().to_string(),
    }
}

/// The lines of a text that differ, each under its sign, so far from the edge; what differs in a line stands out from the rest of it.
pub(super) fn lines(out: &mut String, moved: &Moved, indent: usize) {
    let Moved::Text(parts) = moved else { return };
    let told = |sign: &str, pieces: &[(bool, String)], style: Style| {
        let piece = |(is_it, piece): &(bool, String)| {
            let style = if *is_it { style.bold().underline() } else { style };
            clean(piece).style(style).to_string()
        };
        format!("{} {}", sign.style(style), pieces.iter().map(piece).collect::<String>())
    };
    for part in parts {
        let line = match part {
            Part::Removed(_, pieces) => told("-", pieces, Style::new().red()),
            Part::Added(_, pieces) => told("+", pieces, Style::new().green()),
            Part::Same(1) => "… 1 line is the same".dimmed().to_string(),
            Part::Same(number) => format!("… {number} lines are the same").dimmed().to_string(),
        };
        let _ = writeln!(out, "{:indent$}{line}", "");
    }
}
