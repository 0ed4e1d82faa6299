//! Asking the platforms of an integration whether its connections work.

use axum::response::Response;
use serde_json::json;

use super::category::{Look, Place, page};
use super::shell;
use super::visit::{Sent, Shown, Visit};
use crate::ops::section::{self, NotCleared};
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

/// `GET /integrations/{id}/connectors:test`: whoever comes back to where a form was sent is shown what came of it.
pub async fn back(Named(id): Named<String>, visit: Visit) -> Response {
    visit.show(move |_, _| Ok(Shown::Elsewhere(format!("/integrations/{id}/connectors")))).await
}

/// `POST /integrations/{id}/connectors:test`
pub async fn ask(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    visit
        .take(sent, move |work, hand, _| {
            let (known, judged) = shell::known(&id, hand, work)?;
            let tried =
                section::try_connections(&known, hand.access, &work.ground, work.store, work.host);
            match tried {
                Ok(tried) => {
                    hand.app.tried.keep(&id, work.host.stamp(), tried);
                    Ok(Shown::Elsewhere(format!("/integrations/{id}/connectors")))
                }
                Err(why) => {
                    let is_forbidden = matches!(why, NotCleared::Forbidden(_));
                    let problem = Problem::from(why);
                    let text = match is_forbidden {
                        true => hand.language.say("cache.may_not", &[]),
                        false => problem.detail().to_owned(),
                    };
                    let note = json!({"kind": "bad", "title": hand.language.say("tried.not_asked", &[]), "text": text});
                    let look = Look { note: Some(note), ..Look::default() };
                    Ok(page(&known, &judged, &Place::Connectors, look, hand, work)?.status(problem.status()))
                }
            }
        })
        .await
}
