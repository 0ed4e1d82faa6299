//! What a form of a category brings: a row more or less, rows of a sheet, one setting set back, or the Save. Nothing that was typed
//! is lost, whatever is answered.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value as Json, json};

use super::category::{Look, Place, page, saved_note};
use super::draft::{Beside, Draft, named, path_of};
use super::fields::moved;
use super::found::is_gap;
use super::parts::{self, Parts, opened};
use super::stale::Sides;
use super::values::{key_of, put, value_at};
use super::visit::{Hand, Sent, Shown, Visit};
use super::{cache, found, refused, sheet, shell, stale};
use crate::diagnostic::Severity;
use crate::diagnostic::placed::PlacedFinding;
use crate::model::{GENERAL, SettingPath, Settings};
use crate::ops::check::Force;
use crate::ops::section::{self, Body, Expected, Judged, Known, NotSaved, Right, SaveAsked};
use crate::report::words;
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

pub async fn settings(Named((id, category)): Named<(String, String)>, visit: Visit, sent: Sent) -> Response {
    take(id, Place::Settings(category), visit, sent).await
}

pub async fn general(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    take(id, Place::General, visit, sent).await
}

pub async fn connectors(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    take(id, Place::Connectors, visit, sent).await
}

pub async fn scheduling(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    take(id, Place::Scheduling, visit, sent).await
}

pub async fn webhooks(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    take(id, Place::Webhooks, visit, sent).await
}

async fn take(id: String, place: Place, visit: Visit, sent: Sent) -> Response {
    visit.take_typed(sent, move |work, hand, sent| submit(&id, &place, work, hand, sent)).await
}

/// A form that was sent, with what it is about.
struct Submitted<'a> {
    known: &'a Known,
    judged: &'a Judged,
    place: &'a Place,
    category: String,
    /// What was deployed at the revision that the form moves.
    opened: Settings,
    revision: u64,
    /// The revision at which he began, and what was deployed then: an older one where he was asked to choose since.
    began: (u64, Settings),
    key: String,
    /// Settings of git's that he wants to save over.
    over: Vec<SettingPath>,
    /// Checks that he was asked about, and why it is saved all the same.
    force: Vec<Force>,
    /// What is typed for other categories of the page.
    beside: Vec<Beside>,
}

fn submit(
    id: &str,
    place: &Place,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
    sent: &Sent,
) -> Result<Shown, Problem> {
    let (known, judged) = shell::known(id, hand, work)?;
    let is_again = sent.is_again();
    let Parts { category, asked, sent, beside } = parts::of(place, sent, &known, &judged, work)?;
    let sent = &sent;
    let revision = parts::revision(sent)?;
    let began = sent.text("opened").and_then(|text| text.parse().ok()).unwrap_or(revision);
    let form = Submitted {
        opened: opened(&known, &category, revision, work)?,
        began: (began, opened(&known, &category, began, work)?),
        known: &known,
        judged: &judged,
        place,
        category,
        revision,
        key: sent.text("key").unwrap_or_default().to_owned(),
        force: refused::lifted(sent),
        over: sent.all("over").filter_map(SettingPath::parse).collect(),
        beside,
    };
    let mut draft = Draft::of(sent);
    // Whoever asks for nothing, or had to sign in meanwhile, is shown what he typed.
    let asked = if asked.is_empty() || is_again { "again" } else { asked.as_str() };
    let view = judged.compiled().map(|compiled| compiled.view(work.ground.options()));
    for (mapping, (key, _)) in &mut draft.unfinished {
        let schema = known.category(&form.category)?.schema_at(mapping);
        if let Some(meant) = schema.and_then(|schema| key_of(schema, view.as_ref(), key)) {
            *key = meant;
        }
    }
    let (what, about) = asked.split_once(':').unwrap_or((asked, ""));
    let about = path_of(about);
    match (what, about) {
        ("add", Some(mapping)) => form.add(&[mapping], draft, work, hand),
        ("remove", Some(row)) => {
            draft.remove(&row);
            let title = hand.language.say("note.removed", &[("row", &words_of(&form, &row))]);
            form.again(draft, Some(json!({"kind": "info", "title": title})), work, hand)
        }
        ("read", Some(mapping)) => {
            let category = known.category(&form.category)?;
            let (count, left) =
                sheet::read((&known, category), &judged, work, &mapping, hand.language, &mut draft);
            let say = |key: &str, n: usize| hand.language.say(key, &[("n", &n.to_string())]);
            let title = if count == 0 { say("note.read_none", 0) } else { say("note.read", count) };
            let text = (left > 0).then(|| say("note.read_left", left));
            let links = (left > 0).then(
                || json!([{"href": format!("#f-{}", named(&mapping)), "text": words_of(&form, &mapping)}]),
            );
            let kind = if left > 0 { "bad" } else { "info" };
            form.again(
                draft,
                Some(json!({"kind": kind, "title": title, "text": text, "links": links})),
                work,
                hand,
            )
        }
        ("cache", _) => form.clear(draft, work, hand),
        ("discard", _) => form.discard(work, hand),
        ("again", _) => {
            let note = json!({"kind": "info", "title": hand.language.say("note.again", &[])});
            form.again(draft, Some(note), work, hand)
        }
        ("set-back", Some(path)) => form.set_back(&path, draft, work, hand),
        // Enter in the last line of a mapping adds its row; anywhere else it saves.
        ("enter", _) if !draft.unfinished.is_empty() => {
            let mappings: Vec<SettingPath> = draft.unfinished.keys().cloned().collect();
            form.add(&mappings, draft, work, hand)
        }
        ("save" | "enter", _) => form.save(
            draft,
            &stale::Choices::of(sent),
            sent.text("reason").map(str::trim).filter(|reason| !reason.is_empty()),
            work,
            hand,
        ),
        _ => Err(Problem::bad_request("the form asks for nothing that is known")),
    }
}

fn is_of_records(known: &Known, category: &str, mapping: &SettingPath) -> bool {
    let schema = known.pair.category(category).and_then(|category| category.schema_at(mapping));
    schema
        .and_then(|schema| schema.get("additionalProperties"))
        .is_some_and(|rows| super::values::is_record(rows) || super::values::is_mapping(rows))
}

fn words_of(form: &Submitted<'_>, path: &SettingPath) -> String {
    let category = form.known.pair.category(&form.category);
    category.map_or_else(|| path.to_string(), |category| words::of_setting(category, path).join(" › "))
}

impl Submitted<'_> {
    fn sides(&self) -> Sides<'_> {
        let Submitted {
            known, judged, place, ref category, began: (revision, ref opened), ref beside, ..
        } = *self;
        Sides { known, judged, place, category, revision, opened, beside }
    }

    /// The page as it would be, nothing saved.
    fn again(
        &self,
        draft: Draft,
        note: Option<Json>,
        work: &mut Work<'_>,
        hand: &Hand<'_>,
    ) -> Result<Shown, Problem> {
        self.shown(draft, Vec::new(), note, work, hand)
    }

    fn shown(
        &self,
        draft: Draft,
        findings: Vec<PlacedFinding>,
        note: Option<Json>,
        work: &mut Work<'_>,
        hand: &Hand<'_>,
    ) -> Result<Shown, Problem> {
        let over = Some((self.category.clone(), self.over.clone()));
        let draft = Some((self.category.clone(), draft));
        self.looked(Look { draft, findings, note, over, beside: self.beside.clone() }, work, hand)
    }

    fn looked(&self, look: Look, work: &mut Work<'_>, hand: &Hand<'_>) -> Result<Shown, Problem> {
        // Somebody may have saved since: what is typed stands over what is deployed now only where both were told apart.
        if self.revision != self.known.revision(&self.category) {
            let draft = look.draft.map(|(_, draft)| draft).unwrap_or_default();
            return stale::page(&self.sides(), draft, work, hand);
        }
        page(self.known, self.judged, self.place, look, hand, work)
    }

    /// Whether there is a row, deployed or typed.
    fn has(&self, draft: &Draft, row: &SettingPath) -> bool {
        let is_of_it = |path: &&SettingPath| path.starts_with(row);
        let mut all = self.opened.keys().chain(draft.values.keys()).chain(&draft.added);
        !draft.is_removed(row) && all.any(|path| is_of_it(&path))
    }

    /// What stands in the last line of some mappings becomes rows of the form.
    fn add(
        &self,
        mappings: &[SettingPath],
        mut draft: Draft,
        work: &mut Work<'_>,
        hand: &Hand<'_>,
    ) -> Result<Shown, Problem> {
        let mut links = Vec::new();
        for mapping in mappings {
            let key = draft.unfinished.get(mapping).map_or("", |(key, _)| key.trim());
            let row = mapping.child(key);
            let refused = match key {
                "" => Some(self.refusal("note.name_first", mapping, mapping, hand)),
                _ => self.has(&draft, &row).then(|| self.refusal("note.row_there", &row, &row, hand)),
            };
            if refused.is_some() {
                let shown = self.again(draft, refused, work, hand)?;
                return Ok(shown.status(StatusCode::UNPROCESSABLE_ENTITY));
            }
            draft.finish(mapping, is_of_records(self.known, &self.category, mapping));
            links.push(json!({"href": format!("#f-{row}"), "text": words_of(self, &row)}));
        }
        let names: Vec<&str> = links.iter().filter_map(|link| link["text"].as_str()).collect();
        let title = hand.language.say("note.added", &[("row", &names.join(", "))]);
        self.again(draft, Some(json!({"kind": "info", "title": title, "links": links})), work, hand)
    }

    /// Makes rows of what stands in the last line of mappings, as that is meant to be saved too. Why nothing is saved while one is half
    /// typed, or says nothing yet; none where all can be saved.
    fn unready(&self, draft: &mut Draft, hand: &Hand<'_>) -> Option<Json> {
        for (mapping, (key, value)) in draft.unfinished.clone() {
            let row = mapping.child(key.trim());
            let is_record = is_of_records(self.known, &self.category, &mapping);
            let why = match key.trim() {
                "" => "note.no_key",
                _ if self.has(draft, &row) => "note.row_there",
                _ if !is_record && value.trim().is_empty() => "note.row_empty",
                _ => {
                    draft.finish(&mapping, is_record);
                    continue;
                }
            };
            let at = if why == "note.row_there" { &row } else { &mapping };
            return Some(self.refusal(why, if key.trim().is_empty() { &mapping } else { &row }, at, hand));
        }
        let draft = &*draft;
        let says = |row: &SettingPath| {
            let mut typed = draft.values.iter().filter(|(path, _)| path.starts_with(row));
            typed.any(|(_, values)| values.iter().any(|value| !value.trim().is_empty()))
                // A row that was read from a sheet and is deployed: what git owns of it, no form sends.
                || self.opened.keys().any(|path| path.starts_with(row) && !draft.values.contains_key(path))
                || draft.added.iter().any(|other| other != row && other.starts_with(row))
                || draft.unfinished.keys().any(|mapping| mapping.starts_with(row))
        };
        let empty = draft.added.iter().find(|row| !draft.is_removed(row) && !says(row))?;
        Some(self.refusal("note.row_empty", empty, empty, hand))
    }

    /// A message about one row, which leads to it.
    fn refusal(&self, why: &str, row: &SettingPath, at: &SettingPath, hand: &Hand<'_>) -> Json {
        let name = words_of(self, row);
        let title = hand.language.say(why, &[("row", &name)]);
        json!({"kind": "bad", "title": title, "links": [{"href": format!("#f-{}", named(at)), "text": name}]})
    }

    /// What the form moves.
    fn moves(&self, draft: &Draft, work: &Work<'_>) -> Result<BTreeMap<SettingPath, Json>, Problem> {
        let category = self.known.category(&self.category)?;
        let view = self.judged.compiled().map(|compiled| compiled.view(work.ground.options()));
        Ok(moved(category, &self.opened, draft, view.as_ref()))
    }

    fn asked<'s>(
        &'s self,
        patch: Map<String, Json>,
        reason: Option<&'s str>,
        key: Option<&'s str>,
    ) -> SaveAsked<'s> {
        SaveAsked {
            integration: self.known.id(),
            category: &self.category,
            body: Body::Merge(Json::Object(patch)),
            expected: match self.revision {
                0 => Expected::Nothing,
                revision => Expected::Revision(revision),
            },
            key,
            override_reason: reason,
            force: &self.force,
            is_trial: false,
        }
    }

    fn save(
        &self,
        mut draft: Draft,
        choices: &stale::Choices,
        reason: Option<&str>,
        work: &mut Work<'_>,
        hand: &Hand<'_>,
    ) -> Result<Shown, Problem> {
        if !choices.are_whole() {
            return stale::again(&self.sides(), draft, choices, work, hand);
        }
        choices.take(&mut draft);
        let is_stale = self.revision != self.known.revision(&self.category);
        if let Some(note) = self.unready(&mut draft, hand) {
            // What somebody else saved meanwhile is told first; what was begun goes along.
            if is_stale {
                return stale::page(&self.sides(), draft, work, hand);
            }
            let shown = self.again(draft, Some(note), work, hand)?;
            return Ok(shown.status(StatusCode::UNPROCESSABLE_ENTITY));
        }
        // What was pasted and not read is meant to be saved too.
        for mapping in draft.unread.keys().cloned().collect::<Vec<_>>() {
            let category = self.known.category(&self.category)?;
            sheet::read((self.known, category), self.judged, work, &mapping, hand.language, &mut draft);
        }
        if let Some((mapping, (wrong, _))) = draft.unread.iter().find(|(_, (wrong, _))| !wrong.is_empty()) {
            let title = hand.language.say("note.unread", &[("n", &wrong.len().to_string())]);
            let links = json!([{"href": format!("#f-{}", named(mapping)), "text": words_of(self, mapping)}]);
            let note = json!({"kind": "bad", "title": title, "links": links});
            if is_stale {
                return stale::page(&self.sides(), draft, work, hand);
            }
            return Ok(self
                .shown(draft, Vec::new(), Some(note), work, hand)?
                .status(StatusCode::UNPROCESSABLE_ENTITY));
        }
        let moves = self.moves(&draft, work)?;
        if moves.is_empty() {
            if !self.beside.is_empty() {
                let category = shell::title_of(self.known.category(&self.category)?, hand.language);
                let title = hand.language.say("note.same", &[("category", &category)]);
                return self.done(json!({"kind": "info", "title": title}), None, work, hand);
            }
            let to = format!("{}?same={}", self.place.address(self.known.id()), self.category);
            return Ok(Shown::Elsewhere(to));
        }
        let patch = self.patch(moves, &draft);
        let key = Some(self.key.as_str()).filter(|key| !key.is_empty());
        let done =
            section::save(&self.asked(patch, reason, key), hand.access, &work.ground, work.store, work.host);
        match done {
            Ok(saved) => {
                tell(work, hand);
                if !self.beside.is_empty() {
                    let (known, judged) = shell::known(self.known.id(), hand, work)?;
                    let note = saved_note(&known, &judged, &self.category, saved.revision, hand, work)?;
                    return self.done(note, None, work, hand);
                }
                let to = self.place.address(self.known.id());
                Ok(Shown::Elsewhere(format!("{to}?saved={}.{}", self.category, saved.revision)))
            }
            Err(why) => self.refused(why, draft, work, hand),
        }
    }

    /// Settings that move as a merge patch; a row that goes, goes whole.
    fn patch(&self, moves: BTreeMap<SettingPath, Json>, draft: &Draft) -> Map<String, Json> {
        let mut patch = Map::new();
        for (path, value) in moves {
            put(&mut patch, &path, value);
        }
        for row in &draft.removed {
            // A row that was put back under the same name is another row now.
            let is_back = draft.added.contains(row);
            if !is_back && self.opened.keys().any(|path| path.starts_with(row)) {
                put(&mut patch, row, Json::Null);
            }
        }
        patch
    }

    /// Clear Cache, from beside a form: what is typed in it stays, and whoever typed nothing is led to how far it is.
    fn clear(&self, draft: Draft, work: &mut Work<'_>, hand: &Hand<'_>) -> Result<Shown, Problem> {
        let begun = cache::begin(self.known, work, hand);
        if self.moves(&draft, work)?.is_empty() && !draft.is_begun() {
            return match begun {
                Ok(()) => Ok(Shown::Elsewhere(cache::address(self.known.id()))),
                Err(why) => cache::refused(self.known, self.judged, why, work, hand),
            };
        }
        match begun {
            Ok(()) => {
                let title = hand.language.say("cache.begun", &[]);
                let text = hand.language.say("cache.begun_more", &[]);
                let note = json!({"kind": "info", "title": title, "text": text, "again": self.category});
                self.again(draft, Some(note), work, hand)
            }
            Err(why) => {
                let (status, mut note) = cache::why_not(self.known, why, work, hand)?;
                note["kept"] = true.into();
                Ok(self.again(draft, Some(note), work, hand)?.status(status))
            }
        }
    }

    /// What is typed for this category goes; what is typed beside it stays.
    fn discard(&self, work: &mut Work<'_>, hand: &Hand<'_>) -> Result<Shown, Problem> {
        if self.beside.is_empty() {
            return Ok(Shown::Elsewhere(self.place.address(self.known.id())));
        }
        let category = shell::title_of(self.known.category(&self.category)?, hand.language);
        let title = hand.language.say("note.discarded", &[("category", &category)]);
        self.done(json!({"kind": "info", "title": title}), None, work, hand)
    }

    /// The page after something was done, with all that is typed and not saved.
    fn done(
        &self,
        mut note: Json,
        draft: Option<Draft>,
        work: &mut Work<'_>,
        hand: &Hand<'_>,
    ) -> Result<Shown, Problem> {
        let (known, judged) = shell::known(self.known.id(), hand, work)?;
        let of = |id: &str| known.category(id).map(|category| shell::title_of(category, hand.language));
        let mut typed = Vec::new();
        for id in draft.iter().map(|_| &self.category).chain(self.beside.iter().map(|one| &one.category)) {
            typed.push(of(id)?);
        }
        let text = hand.language.say("note.beside", &[("category", &typed.join(", "))]);
        note["lines"] = json!([{"text": text}]);
        let over = Some((self.category.clone(), self.over.clone()));
        let draft = draft.map(|draft| (self.category.clone(), draft));
        let look = Look { draft, findings: Vec::new(), note: Some(note), over, beside: self.beside.clone() };
        page(&known, &judged, self.place, look, hand, work)
    }

    /// One setting goes back to what the last apply set, at once. What is typed beside it stays typed.
    fn set_back(
        &self,
        path: &SettingPath,
        draft: Draft,
        work: &mut Work<'_>,
        hand: &Hand<'_>,
    ) -> Result<Shown, Problem> {
        let applied = self.known.rows.get(&self.category).map(|row| section::plain_form(&row.applied));
        let before = applied.as_ref().map_or(Json::Null, |applied| value_at(applied, path));
        let mut patch = Map::new();
        put(&mut patch, path, before);
        match section::save(&self.asked(patch, None, None), hand.access, &work.ground, work.store, work.host)
        {
            Ok(saved) => {
                tell(work, hand);
                let to = format!(
                    "{}?saved={}.{}",
                    self.place.address(self.known.id()),
                    self.category,
                    saved.revision
                );
                let is_typed = draft.is_begun() || !self.moves(&draft, work)?.is_empty();
                if !is_typed && self.beside.is_empty() {
                    return Ok(Shown::Elsewhere(to));
                }
                let revision = saved.revision.to_string();
                let title = hand
                    .language
                    .say("note.set_back", &[("setting", &words_of(self, path)), ("revision", &revision)]);
                self.done(json!({"kind": "ok", "title": title}), is_typed.then_some(draft), work, hand)
            }
            Err(why) => self.refused(why, draft, work, hand),
        }
    }

    /// Why nothing was saved, with all that was typed.
    fn refused(
        &self,
        why: NotSaved,
        draft: Draft,
        work: &mut Work<'_>,
        hand: &Hand<'_>,
    ) -> Result<Shown, Problem> {
        let title = &shell::title_of(self.known.category(&self.category)?, hand.language);
        let say = |key: &str, filled: &[(&str, &str)]| hand.language.say(key, filled);
        match why {
            NotSaved::Stale { .. } | NotSaved::KeyTaken => {
                let (known, judged) = shell::known(self.known.id(), hand, work)?;
                stale::page(&Sides { known: &known, judged: &judged, ..self.sides() }, draft, work, hand)
            }
            NotSaved::Invalid(findings) => {
                let errors = findings.iter().filter(|one| one.severity == Severity::Error);
                let mut errors: Vec<&PlacedFinding> = errors.collect();
                errors.sort_by_cached_key(|one| found::order(one, self.known, &self.category));
                // Of what is missing for live mode the connections are a part.
                let live = SettingPath::root().child("live_mode");
                let is_live = self.category == GENERAL
                    && draft.values.get(&live).is_some_and(|typed| typed.iter().any(|text| text == "on"))
                    && errors.iter().any(|one| is_gap(one));
                let mut told: Vec<Json> = Vec::new();
                for one in errors {
                    let one = found::told(one, self.known, &self.category, hand.language);
                    // The same of the same setting is told once.
                    if !told.contains(&one) {
                        told.push(one);
                    }
                }
                if is_live {
                    told.extend(shell::connections(self.known, hand).into_iter().map(|one| {
                        json!({"message": say("banner", &[]), "ours": true, "category": one["category"],
                            "links": [{"href": one["href"], "text": one["title"]}]})
                    }));
                }
                let about = told.iter().flat_map(|one| match one["links"].as_array() {
                    Some(links) if !links.is_empty() => {
                        links.iter().map(|link| link["href"].to_string()).collect()
                    }
                    _ => vec![one.to_string()],
                });
                let mut about: Vec<String> = about.collect();
                about.sort_unstable();
                about.dedup();
                let note = json!({
                    "kind": "bad", "summary": true, "live": is_live, "findings": told,
                    "title": say("note.invalid", &[("category", title), ("n", &about.len().to_string())]),
                });
                let beside = findings.into_iter().filter(|one| !is_gap(one)).collect();
                Ok(self
                    .shown(draft, beside, Some(note), work, hand)?
                    .status(StatusCode::UNPROCESSABLE_ENTITY))
            }
            NotSaved::Managed(managed) => {
                let names: Vec<String> = managed.iter().map(|one| words_of(self, &one.setting)).collect();
                let links: Vec<Json> = managed
                    .iter()
                    .zip(&names)
                    .map(|(one, name)| {
                        let place =
                            one.written.as_ref().map(|written| format!("{}:{}", written.path, written.line));
                        json!({"href": format!("#f-{}", one.setting), "text": name, "place": place})
                    })
                    .collect();
                let note = json!({
                    "kind": "bad", "summary": true, "links": links,
                    "title": say("note.managed", &[("setting", &names.join(", "))]), "text": say("note.managed_more", &[]),
                    "override": hand.access.has(Right::Override), "form": self.category,
                });
                // Whoever may save all the same has before him what he would save.
                let over =
                    managed.into_iter().map(|one| one.setting).chain(self.over.iter().cloned()).collect();
                let look = Look {
                    draft: Some((self.category.clone(), draft)),
                    note: Some(note),
                    over: Some((self.category.clone(), over)),
                    beside: self.beside.clone(),
                    ..Look::default()
                };
                Ok(self.looked(look, work, hand)?.status(StatusCode::CONFLICT))
            }
            other => {
                let (status, note) = refused::note(other, &self.category, self.known, hand);
                Ok(self.shown(draft, Vec::new(), Some(note), work, hand)?.status(status))
            }
        }
    }
}

/// Those who wait for saves hear of it.
fn tell(work: &mut Work<'_>, hand: &Hand<'_>) {
    hand.app.tell_saved(work.store);
}
