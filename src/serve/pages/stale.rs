//! Somebody else saved since the form was made: what differs in three columns, and a choice for each. What nobody but the other
//! changed takes his value; what nobody chose yet is asked for again.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use super::category::Place;
use super::draft::{Beside, Draft, named};
use super::fields::{Form, moved};
use super::values::{Kind, choosable, kind, typed_form};
use super::visit::{Hand, Sent, Shown};
use super::{shell, timing};
use crate::model::credential::is_reference;
use crate::model::{SettingPath, Settings, Value, hex};
use crate::ops::section::{Judged, Known};
use crate::report::words;
use crate::schema::Category;
use crate::serve::app::Work;
use crate::serve::problem::Problem;

/// What somebody chose: for each setting that differs what is there `now`, or what is `mine`.
#[derive(Debug, Default)]
pub struct Choices {
    chosen: BTreeMap<SettingPath, String>,
    unchosen: Vec<SettingPath>,
}

impl Choices {
    /// From a form.
    #[must_use]
    pub fn of(sent: &Sent) -> Self {
        let pick = |(name, value): &(String, String)| {
            Some((SettingPath::parse(name.strip_prefix("pick.")?)?, value.clone()))
        };
        let chosen: BTreeMap<SettingPath, String> = sent.0.iter().filter_map(pick).collect();
        let asked = sent.all("differs").filter_map(SettingPath::parse);
        let unchosen = asked.filter(|path| !chosen.contains_key(path)).collect();
        Choices { chosen, unchosen }
    }

    #[must_use]
    pub fn are_whole(&self) -> bool {
        self.unchosen.is_empty()
    }

    /// Takes what is there now into what was typed, where that was chosen.
    pub fn take(&self, draft: &mut Draft) {
        for (path, _) in self.chosen.iter().filter(|(_, choice)| *choice == "now") {
            draft.values.remove(path);
            // A row of which something stays is no row that goes.
            draft.removed.retain(|row| !path.starts_with(row));
        }
    }
}

/// What somebody wrote, what it was when he began, and what it is by now.
struct Differing<'a> {
    path: &'a SettingPath,
    opened: Option<&'a Value>,
    now: Option<&'a Value>,
    mine: &'a Json,
    is_mine: bool,
    is_theirs: bool,
}

/// What is deployed now, and what was when the form was made.
pub struct Sides<'a> {
    pub known: &'a Known,
    pub judged: &'a Judged,
    pub place: &'a Place,
    pub category: &'a str,
    /// Of what was deployed when the form was made.
    pub revision: u64,
    pub opened: &'a Settings,
    /// What is typed for other categories of the page, which goes along.
    pub beside: &'a [Beside],
}

/// The page that asks, after a save that was refused because somebody else saved since.
///
/// # Errors
/// When the store cannot be read.
pub fn page(sides: &Sides<'_>, draft: Draft, work: &mut Work<'_>, hand: &Hand<'_>) -> Result<Shown, Problem> {
    let Sides { known, judged, place, category, revision, opened, beside: carried } = *sides;
    let category = known.category(category)?;
    let none = Settings::new();
    let now = known.rows.get(category.id.as_str()).map_or(&none, |row| &row.settings);
    let options = work.ground.options();
    let view = judged.compiled().map(|compiled| compiled.view(options));
    let mine = moved(category, opened, &draft, view.as_ref());
    let mut paths: Vec<&SettingPath> = opened.keys().chain(now.keys()).chain(mine.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let is_wanted = |path: &SettingPath, value: &Json| {
        let value = Value::from_json(value);
        now.get(path) == Some(&value) || value == Value::Null && !now.contains_key(path)
    };
    let no = Json::Null;
    let all: Vec<Differing<'_>> = paths
        .into_iter()
        .filter(|path| category.schema_at(path).is_some())
        .map(|path| Differing {
            path,
            opened: opened.get(path),
            now: now.get(path),
            mine: mine.get(path).unwrap_or(&no),
            is_mine: mine.contains_key(path),
            is_theirs: opened.get(path) != now.get(path),
        })
        .filter(|one| (one.is_mine || one.is_theirs) && !(one.is_mine && is_wanted(one.path, one.mine)))
        .collect();
    let made = Form::of(known, category, judged, options, hand.language);
    let is_told = |row: &SettingPath| all.iter().any(|one| one.path.starts_with(row));
    let beside = beside(category, &draft, is_told, hand);
    let rows: Vec<Json> = all
        .iter()
        .map(|one| {
            let schema = category.schema_at(one.path).unwrap_or(&no);
            let kind = kind(schema, one.opened, choosable(schema, view.as_ref()).as_deref());
            // What the other alone changed can still be taken back to what it was.
            // What is typed where a reference belongs may be the credential itself, which no page shows.
            let reference = one.mine.get("secret").and_then(Json::as_str);
            let is_literal =
                kind == Kind::Secret && reference.is_some_and(|text| !is_reference(text.trim()));
            let typed = match (one.is_mine, draft.values.get(one.path)) {
                _ if is_literal => vec![String::new()],
                (true, Some(typed)) => typed.clone(),
                (true, None) => vec![String::new()],
                (false, _) => typed_form(kind, schema, one.opened),
            };
            let mine = || (!is_literal).then(|| Value::from_json(one.mine));
            let wanted = if one.is_mine { mine() } else { one.opened.cloned() };
            json!({
                "path": one.path.to_string(), "words": words::of_setting(category, one.path).join(" › "),
                "opened": made.shown(schema, one.opened), "now": made.shown(schema, one.now),
                "mine": made.shown(schema, wanted.as_ref()), "typed": typed,
                "by": match (one.is_mine, one.is_theirs) { (true, true) => "both", (true, false) => "mine", _ => "theirs" },
                "pick": match (one.is_mine, one.is_theirs) { (true, true) => "", (true, false) => "mine", _ => "now" },
            })
        })
        .collect();
    let is_clash = |one: &&Json| one["by"] == "both";
    let (clashes, others): (Vec<Json>, Vec<Json>) = rows.iter().cloned().partition(|one| is_clash(&one));
    let row = known.rows.get(category.id.as_str());
    let past = crate::ops::section::past(known, &category.id, work.store)?;
    let then = past.iter().find(|past| past.revision == revision);
    let syncs = work.store.last_syncs(known.id())?;
    let mut key = [0_u8; 16];
    getrandom::fill(&mut key)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?;
    let context = json!({
        "title": category.title, "integration": shell::of(known, judged, place.name(), hand), "place": place.name(),
        "address": place.address(known.id()), "now": work.host.stamp(), "category": category.id,
        "revision": known.revision(&category.id), "next_revision": known.revision(&category.id) + 1,
        "is_own": row.is_some_and(|row| row.saved_by == hand.access.name),
        "saved_by": row.map(|row| &row.saved_by), "saved_at": row.map(|row| &row.saved_at),
        "opened": {"revision": revision, "by": then.map(|past| &past.saved_by), "at": then.map(|past| &past.saved_at)},
        "differing": clashes.iter().chain(&others).collect::<Vec<_>>(), "clashes": clashes.len(), "key": hex(&key),
        "added": draft.added.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "beside": beside, "carried": carried.iter().flat_map(Beside::carried).collect::<Vec<_>>(),
        "unfinished": draft.unfinished.iter().map(|(at, (key, value))| json!({"path": named(at), "key": key, "value": value})).collect::<Vec<_>>(),
        "unread": draft.unread.iter().map(|(at, (_, text))| json!({"path": named(at), "text": text})).collect::<Vec<_>>(),
        "removed": draft.removed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "effect": timing::effect(known, judged, category, &syncs, (work.host.now)()),
    });
    Ok(Shown::page("stale.html", context).status(StatusCode::PRECONDITION_FAILED))
}

/// What was begun and is no setting yet, in words: it goes along with the form, and is asked about when that is saved.
fn beside(
    category: &Category,
    draft: &Draft,
    is_told: impl Fn(&SettingPath) -> bool,
    hand: &Hand<'_>,
) -> Vec<String> {
    let say = |key: &str, at: &SettingPath, n: usize| {
        let at = if at.is_root() {
            category.title.to_string()
        } else {
            words::of_setting(category, at).join(" › ")
        };
        hand.language.say(key, &[("row", &at), ("n", &n.to_string())])
    };
    let rows = draft.added.iter().filter(|row| !is_told(row)).map(|row| say("stale.row", row, 1));
    let half = draft.unfinished.iter().map(|(at, (key, _))| match key.trim() {
        "" => say("stale.half", at, 1),
        key => say("stale.row", &at.child(key), 1),
    });
    let lines = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
    let sheets = draft.unread.iter().map(|(at, (_, text))| say("stale.sheet", at, lines(text)));
    rows.chain(half).chain(sheets).collect()
}

/// Asks once more for what was not chosen; what was stays chosen, and the page tells the same as before.
///
/// # Errors
/// When the store cannot be read.
pub fn again(
    sides: &Sides<'_>,
    draft: Draft,
    choices: &Choices,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
) -> Result<Shown, Problem> {
    let shown = page(sides, draft, work, hand)?;
    Ok(match shown {
        Shown::Page { template, mut context, .. } => {
            // Nobody chose these, whoever changed them.
            for row in context["differing"].as_array_mut().into_iter().flatten() {
                if choices.unchosen.iter().any(|path| row["path"] == path.to_string()) {
                    row["by"] = "both".into();
                    row["pick"] = "".into();
                }
                let chosen = choices.chosen.iter().find(|(path, _)| row["path"] == path.to_string());
                if let Some((_, choice)) = chosen {
                    row["pick"] = choice.as_str().into();
                }
            }
            let all = context["differing"].as_array();
            let open = all.map_or(0, |all| all.iter().filter(|row| row["pick"] == "").count());
            context["clashes"] = open.into();
            context["asked_again"] = true.into();
            Shown::Page { status: StatusCode::UNPROCESSABLE_ENTITY, template, context }
        }
        other => other,
    })
}
