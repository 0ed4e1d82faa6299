//! Propose a change, and Take into git: another value of a setting that the files say, what would come of it, and the branch. What
//! is proposed, and whether it may be, is `ops::section`'s.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value as Json, json};

use super::draft::Draft;
use super::fields::Form;
use super::found::{in_words, is_for_pages, told};
use super::values::{choosable, kind, put, read, typed_form};
use super::visit::{Hand, Sent, Shown, Visit};
use super::{edit, shell};
use crate::diagnostic::Severity;
use crate::model::{SettingPath, Settings, Value, digest_text};
use crate::ops::propose::Destination;
use crate::ops::section::{self, Asked, Judged, Known, NotSaved, Ownership, Preview, Right, Wish, ownership};
use crate::report::words;
use crate::schema::Category;
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

/// `GET /integrations/{id}/propose?category=…&setting=…`
pub async fn show(Named(id): Named<String>, visit: Visit) -> Response {
    visit
        .show(move |work, hand| {
            let asked = |name: &str| hand.query.get(name).cloned().unwrap_or_default();
            let typed = Typed { category: asked("category"), setting: asked("setting"), ..Typed::default() };
            let revision = hand.query.get("revision").and_then(|text| text.parse().ok());
            page(&id, typed, revision, false, work, hand)
        })
        .await
}

/// `POST /integrations/{id}/propose`
pub async fn take(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    visit
        .take_typed(sent, move |work, hand, sent| {
            let text = |name: &str| sent.text(name).unwrap_or_default().to_owned();
            let typed = Typed {
                category: text("category"),
                setting: text("setting"),
                place: sent.text("where").map(str::to_owned),
                why: text("why"),
                branch: text("branch"),
                seen: sent.text("commit").map(str::to_owned),
                previewed: sent.text("previewed").map(str::to_owned),
                draft: Some(Draft::of(sent)),
            };
            let push = sent.text("do") == Some("push") && !sent.is_again();
            page(&id, typed, None, push, work, hand)
        })
        .await
}

/// What stands in the form.
#[derive(Debug, Clone, Default)]
struct Typed {
    category: String,
    setting: String,
    /// `base` or `here`; none: nobody chose yet.
    place: Option<String>,
    why: String,
    branch: String,
    seen: Option<String>,
    /// The digest of what was previewed.
    previewed: Option<String>,
    /// None where the form was not sent yet.
    draft: Option<Draft>,
}

/// The setting that it is about.
struct About<'a> {
    category: &'a Category,
    path: SettingPath,
    schema: &'a Json,
    /// What the files say, and what is deployed.
    said: Option<&'a Value>,
    deployed: Option<&'a Value>,
    /// What is deployed was changed there, or is in no file.
    is_outside: bool,
}

fn about<'a>(known: &'a Known, typed: &Typed) -> Result<About<'a>, Problem> {
    let category = known.category(&typed.category)?;
    let path = SettingPath::parse(&typed.setting);
    let found = path.and_then(|path| Some((category.schema_at(&path)?, path)));
    let (schema, path) =
        found.ok_or_else(|| Problem::absent(format!("`{}` has no such setting", category.id)))?;
    let held = known.held(category, &path, None);
    let is_outside =
        matches!(ownership(held), Ownership::ChangedOutside | Ownership::Conflict | Ownership::NotManaged)
            && held.deployed != held.said;
    let said = held.said.filter(|value| **value != Value::Null);
    Ok(About { category, schema, said, deployed: held.deployed, is_outside, path })
}

/// `revision`: the form begins with what was deployed then.
fn page(
    id: &str,
    mut typed: Typed,
    revision: Option<u64>,
    push: bool,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
) -> Result<Shown, Problem> {
    let (known, judged) = shell::known(id, hand, work)?;
    let about = about(&known, &typed)?;
    if let Some(revision) = revision {
        typed.draft = as_it_was(&known, &judged, &about, revision, work)?;
    }
    // Whoever comes from what was changed outside wants that in the files.
    let begin = if about.is_outside { about.deployed } else { about.said };
    let settings: Settings = begin.map(|value| (about.path.clone(), value.clone())).into_iter().collect();
    let base = section::base_at(&known, &work.ground, &about.category.id, &about.path);
    let base = base.filter(|base| base.used_by.len() > 1);
    let wish = wish(&about, &judged, &settings, &typed, work);
    let place = match (&typed.place, &base) {
        (_, None) => "here",
        (Some(place), Some(_)) if place == "base" || place == "here" => place.as_str(),
        // Whoever means all of them says so.
        _ => "here",
    };
    let asked = wish.clone().map(|wish| Asked {
        wish,
        destination: if place == "base" { Destination::WhereSet } else { Destination::OwnFiles },
        why: &typed.why,
        branch: Some(typed.branch.as_str()).filter(|branch| !branch.trim().is_empty()),
        seen: typed.seen.as_deref().filter(|_| push),
        request: &hand.app.serving.request,
    });
    // What was looked at is what is committed: something else is shown first.
    let digest = what_comes(wish.as_ref(), place, &typed.branch);
    let is_other = push && typed.previewed.as_ref() != Some(&digest);
    let push = push && !is_other;
    let (ground, store, host) = (&*work.ground, &mut *work.store, work.host);
    if let Some(asked) = asked.as_ref().filter(|_| push) {
        let proposing = &hand.app.serving.proposing;
        match section::propose(asked, proposing, &known, hand.access, ground, store, host) {
            Ok(made) => {
                return Ok(Shown::Elsewhere(format!("/integrations/{id}/changes?proposed={}", made.id)));
            }
            Err(why) => {
                // What would come of it by now is shown beside why it was not made.
                let preview = section::preview(asked, &known, hand.access, ground, store, host).ok();
                let told = Told { preview, refused: Some(why), push: true, is_other, digest };
                return Ok(shown(&known, &judged, &about, &settings, &typed, place, told, work, hand));
            }
        }
    }
    let preview = match &asked {
        Some(asked) => section::preview(asked, &known, hand.access, ground, store, host).map(Some),
        None => section::may_propose(&known, &about.category.id, hand.access, ground).map(|()| None),
    };
    let told = match preview {
        Ok(preview) => Told { preview, refused: None, push: push || is_other, is_other, digest },
        Err(why) => Told { preview: None, refused: Some(why), push: push || is_other, is_other, digest },
    };
    Ok(shown(&known, &judged, &about, &settings, &typed, place, told, work, hand))
}

/// What is told of a proposal.
struct Told {
    preview: Option<Preview>,
    refused: Option<NotSaved>,
    /// The branch was asked for, not only what would come of it.
    push: bool,
    /// It was asked for, and the form says something else than what was looked at.
    is_other: bool,
    /// Of what is looked at now.
    digest: String,
}

/// A digest of all that decides what comes of the form: the value, where it is written, and the branch.
fn what_comes(wish: Option<&Wish>, place: &str, branch: &str) -> String {
    let value = match wish {
        Some(Wish::Change { patch, .. }) => patch.clone(),
        Some(Wish::Take { .. }) => "deployed".into(),
        None => Json::Null,
    };
    digest_text(&json!([value, place, branch.trim()]).to_string())
}

/// What is told beside a preview that somebody asked for: he is led to what comes of it.
fn previewed(preview: Option<&Preview>, changes: &[Json], is_other: bool, hand: &Hand<'_>) -> Option<Json> {
    preview?;
    let mut names: Vec<&str> = changes
        .iter()
        .flat_map(|one| one["integrations"].as_array().into_iter().flatten())
        .filter_map(|one| one["id"].as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let say = |key: &str| hand.language.say(key, &[("n", &names.len().to_string())]);
    let comes = if names.is_empty() { say("propose.previewed_none") } else { say("propose.previewed") };
    let links = json!([{"href": "#h-plan", "text": hand.language.say("propose.plan", &[])}]);
    Some(match is_other {
        true => json!({"kind": "bad", "title": say("propose.other"), "text": comes, "links": links}),
        false => json!({"kind": "info", "title": comes, "links": links}),
    })
}

/// Why it cannot be proposed so, as a message; and whether that is about the branch.
fn note(
    why: NotSaved,
    push: bool,
    about: &About<'_>,
    typed: &Typed,
    known: &Known,
    work: &Work<'_>,
    hand: &Hand<'_>,
) -> (StatusCode, Json, bool) {
    let say = |key: &str, filled: &[(&str, &str)]| hand.language.say(key, filled);
    let has_files = known.says.is_some() && work.ground.repository().is_some();
    let may = shell::may_propose(known, &about.category.id, hand, work);
    let title = match () {
        () if push => say("propose.not_made", &[]),
        () if !has_files => say("propose.no_files", &[]),
        () if !may => say("propose.may_not", &[]),
        () => say("propose.not_so", &[]),
    };
    let mut note = json!({"kind": "bad", "title": title});
    let field =
        json!({"href": format!("#f-{}", about.path), "text": words::named(about.category, &about.path)});
    let branch = typed.branch.trim();
    let (mut of_branch, is_forbidden) = (false, matches!(why, NotSaved::Forbidden(_)));
    let findings = match &why {
        NotSaved::Invalid(found) => found.clone(),
        _ => Vec::new(),
    };
    let problem = Problem::from(why);
    if known.says.is_none() {
        let (absent, with) = (say("propose.not_in_git", &[]), say("pull.with", &[]));
        note["text"] = format!("{absent} {with} `pairform pull {}`", known.id()).into();
    } else if is_forbidden {
        note["text"] = match may {
            true => say("propose.not_for_all", &[]),
            false => say("may_not", &[("category", &about.category.title)]),
        }
        .into();
    } else if findings.iter().any(|one| one.severity == Severity::Error) {
        let errors = findings.iter().filter(|one| one.severity == Severity::Error);
        note["findings"] = errors.map(|one| told(one, known, &about.category.id, hand.language)).collect();
    } else if !branch.is_empty() && (!section::is_branch(branch) || problem.detail().contains(branch)) {
        of_branch = true;
        let key = if section::is_branch(branch) { "propose.branch_taken" } else { "propose.branch_unfit" };
        note["links"] = json!([{"href": "#branch", "text": say(key, &[("branch", branch)])}]);
    } else {
        let (text, ours) = in_words(problem.detail(), known, hand.language);
        note["text"] = text.into();
        note["help"] = problem
            .more("help")
            .filter(|help| help.as_str().is_none_or(is_for_pages))
            .cloned()
            .unwrap_or(Json::Null);
        note["english"] = (!ours).into();
        note["links"] = json!([field]);
    }
    (problem.status(), note, of_branch)
}

/// What a setting was at a revision, as somebody would type it.
fn as_it_was(
    known: &Known,
    judged: &Judged,
    about: &About<'_>,
    revision: u64,
    work: &mut Work<'_>,
) -> Result<Option<Draft>, Problem> {
    let past = section::past(known, &about.category.id, work.store)?;
    let then = past.into_iter().find(|past| past.revision == revision);
    let Some(settings) = then.and_then(|then| then.settings.ok()) else { return Ok(None) };
    let value = settings.get(&about.path);
    let view = judged.compiled().map(|compiled| compiled.view(work.ground.options()));
    let kind = kind(about.schema, value, choosable(about.schema, view.as_ref()).as_deref());
    let mut draft = Draft::default();
    draft.values.insert(about.path.clone(), typed_form(kind, about.schema, value));
    Ok(Some(draft))
}

/// What is asked for; nothing while the form says what the files say.
fn wish(
    about: &About<'_>,
    judged: &Judged,
    settings: &Settings,
    typed: &Typed,
    work: &Work<'_>,
) -> Option<Wish> {
    let category = about.category.id.to_string();
    let take = || Wish::Take { category: category.clone(), settings: vec![about.path.to_string()] };
    let Some(draft) = &typed.draft else { return about.is_outside.then(take) };
    let view = judged.compiled().map(|compiled| compiled.view(work.ground.options()));
    let kind =
        kind(about.schema, settings.get(&about.path), choosable(about.schema, view.as_ref()).as_deref());
    let texts = draft.values.get(&about.path).cloned().unwrap_or_default();
    if about.is_outside && texts == typed_form(kind, about.schema, about.deployed) {
        return Some(take());
    }
    let mut patch = Map::new();
    put(&mut patch, &about.path, read(kind, about.schema, &texts));
    Some(Wish::Change { category, patch: Json::Object(patch) })
}

#[expect(clippy::too_many_arguments, reason = "all that the page shows")]
fn shown(
    known: &Known,
    judged: &Judged,
    about: &About<'_>,
    settings: &Settings,
    typed: &Typed,
    place: &str,
    told: Told,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
) -> Shown {
    let Told { preview, refused, push, is_other, digest } = told;
    let findings = match &refused {
        Some(NotSaved::Invalid(found)) => found.clone(),
        _ => Vec::new(),
    };
    let refused = refused.map(|why| note(why, push, about, typed, known, work, hand));
    let status = match &refused {
        Some((status, _, _)) => *status,
        None if is_other => StatusCode::PRECONDITION_FAILED,
        None => StatusCode::OK,
    };
    let names = if preview.is_some() { shell::names(work) } else { shell::Names::default() };
    let may_see = shell::may_propose(known, &about.category.id, hand, work);
    let empty = Draft::default();
    let form = Form {
        settings,
        draft: typed.draft.as_ref().unwrap_or(&empty),
        findings: &findings,
        may_save: true,
        asking: true,
        ..Form::of(known, about.category, judged, work.ground.options(), hand.language)
    };
    let page = shell::page_of(known.id(), &about.category.id);
    let may_override = may_see && !about.is_outside && hand.access.has(Right::Override);
    let title = words::named(about.category, &about.path);
    let help = about.schema.get("description").and_then(Json::as_str).unwrap_or_default();
    let field = form.leaf(&about.path, about.schema, &title, help);
    let deployed = form.shown(about.schema, about.deployed);
    let base = section::base_at(known, &work.ground, &about.category.id, &about.path);
    let base = base.filter(|base| base.used_by.len() > 1);
    let unchanged =
        preview.as_ref().and_then(|preview| preview.base.as_ref()).map(|base| names.all(&base.unchanged));
    let (files, changes) = match &preview {
        Some(preview) => {
            (edit::files(&preview.files), edit::changes(&preview.plan, known, &names, hand.language))
        }
        None => Default::default(),
    };
    let plan = preview.as_ref().map(|preview| &preview.plan);
    let refusals = plan.into_iter().flat_map(|plan| &plan.refusals).map(|one| {
        let (message, ours) = in_words(&one.message, known, hand.language);
        json!({"message": message, "ours": ours})
    });
    let found = plan.into_iter().flat_map(|plan| &plan.findings);
    let found = found.map(|one| super::found::told(one, known, &about.category.id, hand.language));
    let wrong = json!({"refusals": refusals.collect::<Vec<_>>(), "findings": found.collect::<Vec<_>>()});
    // Of what the form began with nobody asked.
    let is_asked = typed.previewed.is_some() || typed.place.is_some();
    let previewed_note = previewed(preview.as_ref().filter(|_| is_asked), &changes, is_other, hand);
    let note = refused.as_ref().map(|(_, note, _)| note).or(previewed_note.as_ref());
    Shown::page(
        "propose.html",
        json!({
            "integration": shell::of(known, judged, "changes", hand), "title": title, "category": about.category.id,
            "category_title": about.category.title, "field": may_see.then_some(field), "note": note, "previewed": digest,
            "branch_wrong": refused.as_ref().is_some_and(|(_, _, of_branch)| *of_branch),
            "back": format!("{}#f-{}", shell::page_of(known.id(), &about.category.id), about.path),
            "git_says": form.shown(about.schema, about.said), "deployed": deployed,
            "deployed_differs": about.deployed != about.said, "is_taking": about.is_outside, "where": place,
            "shared": base.map(|base| json!({"path": base.path, "line": base.line, "used_by": base.used_by.len()})),
            "why": typed.why, "branch": typed.branch, "preview": preview, "over": may_override.then(|| format!("{page}?over={}.{}#f-{}", about.category.id, about.path, about.path)), "unchanged": unchanged, "files": files, "changes": changes, "wrong": wrong,
            "pushes": hand.app.serving.proposing.remote.is_some(), "now": work.host.stamp(),
        }),
    )
    .status(status)
}
