//! Why nothing was saved, in the words of a page: labels in place of ids, and where somebody may save all the same, the question
//! whether he means it. What refuses is `ops`' to say.

use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use super::draft::named;
use super::found::{in_words, told};
use super::shell;
use super::visit::{Hand, Sent};
use crate::diagnostic::Severity;
use crate::model::SettingPath;
use crate::ops::check::{EMPTY, Force};
use crate::ops::section::{self, Known, NotSaved};
use crate::plan::Refusal;
use crate::plan::policy::Share;
use crate::report::words;
use crate::serve::problem::{Problem, code_of};

/// The checks that somebody lifts by a form, with his reason; none while he gave none.
#[must_use]
pub fn lifted(sent: &Sent) -> Vec<Force> {
    let why = sent.text("lift_why").map(str::trim).unwrap_or_default();
    sent.all("lift").filter_map(|check| format!("{check}: {why}").parse().ok()).collect()
}

/// Why a save of a category was refused, as a message on top of its page.
#[must_use]
pub fn note(why: NotSaved, category: &str, known: &Known, hand: &Hand<'_>) -> (StatusCode, Json) {
    let schema = known.pair.category(category);
    let title = schema.map_or_else(|| category.to_owned(), |schema| shell::title_of(schema, hand.language));
    let title = title.as_str();
    let say = |key: &str, filled: &[(&str, &str)]| hand.language.say(key, filled);
    let mut note = json!({"kind": "bad", "title": say("note.not_saved", &[("category", title)]), "kept": true, "form": category});
    match why {
        NotSaved::Refused(refusals) => {
            let status = Problem::from(NotSaved::Refused(refusals.clone())).status();
            let said = |one: &Refusal| worded(one, title, known, hand);
            note["lines"] = refusals.iter().map(said).collect();
            if refusals.iter().all(|one| is_liftable(one) && section::may_lift(&one.check, hand.access)) {
                note["lift"] = refusals.iter().map(|one| one.check.as_str()).collect();
            }
            (status, note)
        }
        NotSaved::Unprintable(found) => {
            let words = |path: &SettingPath| {
                schema.map_or_else(|| path.to_string(), |schema| words::named(schema, path))
            };
            note["summary"] = true.into();
            note["links"] = found
                .iter()
                .map(|(path, c)| {
                    let text = say("note.unprintable", &[("setting", &words(path)), ("code", &code_of(*c))]);
                    json!({"href": format!("#f-{}", named(path)), "text": text})
                })
                .collect();
            (StatusCode::UNPROCESSABLE_ENTITY, note)
        }
        NotSaved::Invalid(findings) => {
            let errors = findings.iter().filter(|one| one.severity == Severity::Error);
            note["findings"] = errors.map(|one| told(one, known, category, hand.language)).collect();
            (StatusCode::UNPROCESSABLE_ENTITY, note)
        }
        NotSaved::Managed(managed) => {
            let words = |path: &SettingPath| {
                schema.map_or_else(|| path.to_string(), |schema| words::named(schema, path))
            };
            let names: Vec<String> = managed.iter().map(|one| words(&one.setting)).collect();
            note["title"] = say("note.managed", &[("setting", &names.join(", "))]).into();
            note["text"] = say("note.managed_more", &[]).into();
            note["kept"] = false.into();
            (StatusCode::CONFLICT, note)
        }
        NotSaved::Forbidden(_) => {
            note["text"] = say("may_not", &[("category", title)]).into();
            (StatusCode::FORBIDDEN, note)
        }
        other => {
            let problem = Problem::from(other);
            let (text, ours) = in_words(problem.detail(), known, hand.language);
            note["text"] = text.into();
            note["help"] = problem.more("help").cloned().unwrap_or(Json::Null);
            note["english"] = (!ours).into();
            (problem.status(), note)
        }
    }
}

/// Those that a person can answer for: how much he moves, and that nothing is left. What is protected, held or closed for a time is not
/// for one page to open.
fn is_liftable(refusal: &Refusal) -> bool {
    refusal.check == EMPTY || Share::ALL.iter().any(|share| share.key() == refusal.check)
}

fn worded(refusal: &Refusal, title: &str, known: &Known, hand: &Hand<'_>) -> Json {
    if refusal.check == EMPTY {
        return json!({"text": hand.language.say("refused.empty", &[("category", title)])});
    }
    let (text, ours) = in_words(&refusal.message, known, hand.language);
    json!({"text": text, "english": !ours, "code": refusal.check})
}
