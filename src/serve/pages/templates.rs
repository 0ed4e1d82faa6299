//! The templates of the pages, built in.

use std::sync::LazyLock;

use axum::http::StatusCode;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde_json::{Value as Json, json};

use crate::report::page;
use crate::report::texts::Language;
use crate::report::words::person;
use crate::serve::problem::Problem;
use crate::store::OUTSIDE;

const ALL: [(&str, &str); 17] = [
    ("frame.html", include_str!("templates/frame.html")),
    ("fields.html", include_str!("templates/fields.html")),
    ("sign_in.html", include_str!("templates/sign_in.html")),
    ("go_on.html", include_str!("templates/go_on.html")),
    ("failed.html", include_str!("templates/failed.html")),
    ("fleet.html", include_str!("templates/fleet.html")),
    ("new.html", include_str!("templates/new.html")),
    ("settings.html", include_str!("templates/settings.html")),
    ("category.html", include_str!("templates/category.html")),
    ("stale.html", include_str!("templates/stale.html")),
    ("history.html", include_str!("templates/history.html")),
    ("revision.html", include_str!("templates/revision.html")),
    ("plan_parts.html", include_str!("templates/plan_parts.html")),
    ("propose.html", include_str!("templates/propose.html")),
    ("changes.html", include_str!("templates/changes.html")),
    ("cache.html", include_str!("templates/cache.html")),
    ("plan.html", include_str!("templates/plan.html")),
];

/// All templates, once a language.
static ENVIRONMENTS: LazyLock<Vec<Result<Environment<'static>, String>>> =
    LazyLock::new(|| Language::all().iter().map(environment).collect());

fn environment(language: &'static Language) -> Result<Environment<'static>, String> {
    let mut environment = page::environment(language)?;
    for (name, text) in ALL {
        environment.add_template(name, text).map_err(|error| format!("{name}: {error:#}"))?;
    }
    Ok(environment)
}

/// A page of a template.
///
/// # Errors
/// When the template fails: a fault of ours.
pub fn render(name: &str, page: &Json, language: &Language) -> Result<String, Problem> {
    let fault = |why: String| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("the page cannot be made: {why}"))
    };
    let at = Language::all().iter().position(|one| one.id == language.id).unwrap_or(0);
    let environment = ENVIRONMENTS[at].as_ref().map_err(|why| fault(why.clone()))?;
    let mut page = page.clone();
    name_people(&mut page, language);
    let page = &page;
    let languages: Vec<Json> =
        Language::all().iter().map(|one| json!({"id": one.id, "name": one.name})).collect();
    // What is written in files can be planned where files are.
    let of_git = &page["integration"]["in_git"];
    let has_files = page["frame"]["has_files"] == true && *of_git != false;
    let can = json!({"plan": has_files, "changes": true});
    let outer = context! { lang => language.id, languages => Serde(&languages), can => Serde(can) };
    let template = environment.get_template(name).map_err(|error| fault(error.to_string()))?;
    template
        .render(context! { ..Value::from(Serde(page)), ..outer })
        .map_err(|error| fault(error.to_string()))
}

/// Where a page says who did something.
const PEOPLE: [&str; 8] = ["author", "asked_by", "by", "ended_by", "made_by", "saved_by", "sent_by", "who"];

/// People by their names: an address for mails stands in the history and is none of a page's readers' business, and who wrote past
/// the store has no name.
fn name_people(page: &mut Json, language: &Language) {
    match page {
        Json::Object(all) => {
            for (key, value) in all {
                match value {
                    Json::String(name) if PEOPLE.contains(&key.as_str()) => {
                        let name =
                            if name == OUTSIDE { language.text("somebody", None) } else { person(name) };
                        *value = name.into();
                    }
                    inner => name_people(inner, language),
                }
            }
        }
        Json::Array(all) => all.iter_mut().for_each(|inner| name_people(inner, language)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_can_be_read_and_every_text_that_they_say_is_there() {
        assert!(ENVIRONMENTS.iter().all(|environment| environment.as_ref().err().is_none()));
        for (name, text) in ALL.iter().chain(&page::PARTS) {
            for opening in [" t(\"", "(t(\"", "{t(\"", " tt(\"", "(tt(\"", "=t(\"", "~t(\""] {
                for part in text.split(opening).skip(1) {
                    let (key, rest) = part.split_once('"').unwrap_or((part, ""));
                    // What is put together is known when the page is made.
                    if !rest.trim_start().starts_with('~') {
                        assert!(Language::all()[0].has(key), "{name} says {key}");
                    }
                }
            }
        }
    }

    #[test]
    fn people_are_called_by_their_names() {
        let mut page = json!({"who": "Karin Ek <karin@example.com>", "forms": [{"saved_by": "<a@example.com>", "by": "both"}]});
        name_people(&mut page, &Language::all()[0]);
        assert_eq!(
            page,
            json!({"who": "Karin Ek", "forms": [{"saved_by": "<a@example.com>", "by": "both"}]})
        );
    }

    #[test]
    fn what_is_filled_in_is_no_mark() {
        let page = json!({"problem": {"status": 404, "code": "not-found", "detail": "<script>\u{202e}", "help": null}});
        let page = render("failed.html", &page, &Language::all()[0]).unwrap_or_default();
        assert!(!page.contains("<script>\u{202e}") && page.contains("&lt;script&gt;"), "{page}");
    }
}
