//! Propose a change, and Take into git: another value of a setting that the files say, what would come of it, and the branch. What
//! is proposed, and whether it may be, is `ops::section`'s.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value as Json, json};

use super::draft::Draft;
use super::fields::{Form, finding};
use super::values::{choosable, kind, put, read, typed_form};
use super::visit::{Hand, Sent, Shown, Visit};
use super::{edit, refused, shell};
use crate::diagnostic::Severity;
use crate::model::{SettingPath, Settings, Value};
use crate::ops::propose::Destination;
use crate::ops::section::{self, Asked, Judged, Known, NotSaved, Ownership, Preview, Wish, ownership};
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
            page(&id, typed, false, work, hand)
        })
        .await
}

/// `POST /integrations/{id}/propose`
pub async fn take(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    visit
        .take(sent, move |work, hand, sent| {
            let text = |name: &str| sent.text(name).unwrap_or_default().to_owned();
            let typed = Typed {
                category: text("category"),
                setting: text("setting"),
                place: sent.text("where").map(str::to_owned),
                why: text("why"),
                branch: text("branch"),
                seen: sent.text("commit").map(str::to_owned),
                draft: Some(Draft::of(sent)),
            };
            page(&id, typed, sent.text("do") == Some("push"), work, hand)
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

fn page(id: &str, typed: Typed, push: bool, work: &mut Work<'_>, hand: &Hand<'_>) -> Result<Shown, Problem> {
    let (known, judged) = shell::known(id, hand, work)?;
    let about = about(&known, &typed)?;
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
    let (ground, store, host) = (&*work.ground, &mut *work.store, work.host);
    if let Some(asked) = asked.as_ref().filter(|_| push) {
        let proposing = &hand.app.serving.proposing;
        match section::propose(asked, proposing, &known, hand.access, ground, store, host) {
            Ok(made) => {
                return Ok(Shown::Elsewhere(format!("/integrations/{id}/changes?proposed={}", made.id)));
            }
            Err(why) => {
                return Ok(shown(
                    &known,
                    &judged,
                    &about,
                    &settings,
                    &typed,
                    place,
                    Err(why),
                    true,
                    work,
                    hand,
                ));
            }
        }
    }
    let preview = match &asked {
        Some(asked) => section::preview(asked, &known, hand.access, ground, store, host).map(Some),
        None => section::may_propose(&known, &about.category.id, hand.access, ground).map(|()| None),
    };
    Ok(shown(&known, &judged, &about, &settings, &typed, place, preview, push, work, hand))
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
    preview: Result<Option<Preview>, NotSaved>,
    push: bool,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
) -> Shown {
    let (mut note, mut status, mut findings) = (None, StatusCode::OK, Vec::new());
    let preview = match preview {
        Ok(preview) => preview,
        Err(why) => {
            if let NotSaved::Invalid(found) = &why {
                findings.clone_from(found);
            }
            let is_in_git = known.says.is_some();
            let problem = Problem::from(why);
            status = problem.status();
            let errors: Vec<Json> =
                findings.iter().filter(|one| one.severity == Severity::Error).map(finding).collect();
            let key = if push { "propose.not_made" } else { "propose.no_files" };
            note = Some(json!({
                "kind": "bad", "title": hand.language.say(key, &[]), "findings": errors,
                "text": if errors.is_empty() { Some(refused::by_labels(problem.detail(), known)) } else { None }, "help": problem.more("help"),
                "english": true,
            }));
            if !is_in_git {
                let text = format!(
                    "{} {} `pairform pull {}`",
                    hand.language.say("propose.not_in_git", &[]),
                    hand.language.say("pull.with", &[]),
                    known.id()
                );
                note = Some(json!({"kind": "bad", "title": hand.language.say(key, &[]), "text": text}));
            }
            None
        }
    };
    let empty = Draft::default();
    let form = Form {
        settings,
        draft: typed.draft.as_ref().unwrap_or(&empty),
        findings: &findings,
        may_save: true,
        asking: true,
        ..Form::of(known, about.category, judged, work.ground.options(), hand.language)
    };
    let title = words::of_setting(about.category, &about.path).join(" › ");
    let help = about.schema.get("description").and_then(Json::as_str).unwrap_or_default();
    let field = form.leaf(&about.path, about.schema, &title, help);
    let deployed = form.shown(about.schema, about.deployed);
    let base = section::base_at(known, &work.ground, &about.category.id, &about.path);
    let base = base.filter(|base| base.used_by.len() > 1);
    let (files, changes) = match &preview {
        Some(preview) => (edit::files(&preview.files), edit::changes(&preview.plan, known)),
        None => Default::default(),
    };
    let may_see = status != StatusCode::NOT_FOUND;
    Shown::page(
        "propose.html",
        json!({
            "integration": shell::of(known, judged, "changes"), "title": title, "category": about.category.id,
            "category_title": about.category.title, "field": may_see.then_some(field), "note": note,
            "back": format!("{}#f-{}", shell::page_of(known.id(), &about.category.id), about.path),
            "git_says": form.shown(about.schema, about.said), "deployed": deployed,
            "deployed_differs": about.deployed != about.said, "is_taking": about.is_outside, "where": place,
            "shared": base.map(|base| json!({"path": base.path, "line": base.line, "used_by": base.used_by.len()})),
            "why": typed.why, "branch": typed.branch, "preview": preview, "files": files, "changes": changes,
            "pushes": hand.app.serving.proposing.remote.is_some(), "now": work.host.stamp(),
        }),
    )
    .status(status)
}
