//! The API, `/api/v1`: each route, what it reads and what it answers. Described by `openapi`; a test holds one to the other.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::app::{App, Work};
use super::ask::{self, Answer, Ask, Document, Named, Query, etag_of};
use super::known::known;
use super::metrics::CONTENT_TYPE;
use super::problem::{Problem, findings};
use super::same::{self, Found};
use super::{cache, feed, history, log, openapi, pages, plans, proposals, store};
use crate::ops::section::{self, Access, Body, Role, SaveAsked, SavedNow, TokenAsked, make_token};
use crate::store::{Note, Registered, SyncReport, Token};

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    let category = get(get_category).put(put_category).patch(patch_category);
    let api = Router::new()
        .route("/integrations", get(list_integrations).post(create_integration))
        .route("/integrations/{id}", get(get_integration))
        .route("/integrations/{id}/schema", get(get_schema))
        .route("/integrations/{id}/categories", get(list_categories))
        .route("/integrations/{id}/categories/{category}", category)
        .route("/integrations/{id}/configuration", get(get_configuration))
        .route("/integrations/{id}/syncs", get(list_syncs).post(report_sync))
        .route("/integrations/{id}/history", get(history::list))
        .route("/integrations/{id}/revert", post(revert))
        .route("/integrations/{id}/cache", get(cache::show))
        .route("/integrations/{id}/cache:clear", post(cache::clear))
        .route("/integrations/{id}/changes", get(proposals::changes))
        .route("/integrations/{id}/proposals", get(proposals::list).post(proposals::propose))
        .route("/integrations/{id}/proposals/{proposal}", delete(proposals::close))
        .route("/changes", get(feed::changes))
        .route("/options", get(list_options))
        .route("/options/{connector}/{account}/{set}", get(get_options))
        .route("/pairs", get(list_pairs))
        .route("/plans", post(plans::make))
        .route("/plans/{digest}/apply", post(plans::apply))
        .route("/tokens", get(list_tokens).post(create_token))
        .route("/tokens/{name}", delete(revoke_token))
        .route("/openapi.json", get(openapi::document))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), read_only))
        // Nothing is saved by these.
        .route("/store", get(store::facts))
        .route("/store/read", post(store::read));
    Router::new()
        .nest("/api/v1", api)
        .merge(pages::router())
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(async || {
            let why = "there is no such page; GET /api/v1/openapi.json describes what there is";
            (axum::Extension(pages::Nowhere), Problem::absent(why))
        })
        .method_not_allowed_fallback(async || {
            let why = "this cannot be done with what is there; GET /api/v1/openapi.json says what can";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", why)
        })
        .layer(middleware::from_fn(pages::readable))
        .layer(middleware::from_fn(private))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), log::each))
        .with_state(app)
}

/// What is answered is for whoever asked, and is nothing but what it says it is.
async fn private(request: axum::extract::Request, next: middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn read_only(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
    next: middleware::Next,
) -> Response {
    if app.serving.is_read_only && !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::new(StatusCode::FORBIDDEN, "read-only", "this server only shows what is deployed")
            .into_response();
    }
    next.run(request).await
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    let done = app.run(|work| Ok(work.store.epoch()?)).await;
    match done {
        Ok(_) => "ready\n".into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], app.metrics.text()).into_response()
}

async fn list_integrations(ask: Ask) -> Response {
    ask.answer(|work, access, query| {
        let limit = query.number("limit", 50, 1..=200)?;
        let pair = query.text("pair").map(str::to_owned);
        let mut after = query.text("after").unwrap_or_default().to_owned();
        let wanted = usize::try_from(limit).unwrap_or(50);
        let mut found: Vec<Registered> = Vec::new();
        let mut more = true;
        while found.len() < wanted && more {
            let some = work.store.integrations(&after, wanted)?;
            more = some.len() == wanted;
            for one in some {
                if found.len() == wanted {
                    more = true;
                    break;
                }
                after.clone_from(&one.id);
                if access.reads(&one.id) && pair.as_ref().is_none_or(|pair| one.pair.as_ref() == Some(pair)) {
                    found.push(one);
                }
            }
        }
        let shown = section::integrations(found, &work.ground, work.store, work.host)?;
        let items = shown.into_iter().map(|one| match one {
            Ok(shown) => json!(shown),
            // One that cannot be shown hides no other.
            Err((one, why)) => {
                json!({"id": one.id, "pair": one.pair, "made_at": one.made_at, "made_by": one.made_by, "unusable": why})
            }
        });
        let mut body = json!({"integrations": items.collect::<Vec<Json>>()});
        if more {
            body["next"] = after.into();
        }
        Ok(Answer::ok(body))
    })
    .await
}

async fn create_integration(ask: Ask, Document(body): Document) -> Response {
    ask.answer(move |work, access, _| {
        ask::only(&body, &["id", "pair", "name"])?;
        let text = |key| Ok::<_, Problem>(ask::text(&body, key)?.filter(|text| !text.trim().is_empty()));
        let (Some(id), Some(pair)) = (text("id")?, text("pair")?) else {
            return Err(Problem::bad_request("name `id` and `pair`"));
        };
        let name = text("name")?.unwrap_or(id);
        let made = section::create(id, pair, name, access, &work.ground, work.store, work.host)?;
        let shown = section::integration(&made, &work.ground, work.store, work.host)?;
        Ok(Answer::created(json!(shown)).location(format!("/api/v1/integrations/{id}")))
    })
    .await
}

async fn get_integration(Named(id): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, _| {
        let known = known(&id, access, work)?;
        Ok(Answer::ok(json!(section::integration(&known, &work.ground, work.store, work.host)?)))
    })
    .await
}

async fn get_schema(Named(id): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, _| Ok(Answer::ok(known(&id, access, work)?.pair.document().clone()))).await
}

async fn list_categories(Named(id): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, _| {
        let known = known(&id, access, work)?;
        let all = known.pair.categories().map(|category| section::category(&known, &category.id));
        let all: Vec<_> = all.collect::<Result<_, _>>()?;
        Ok(Answer::ok(json!({"categories": all})))
    })
    .await
}

async fn get_category(Named((id, category)): Named<(String, String)>, ask: Ask) -> Response {
    let asked = match same::look(&ask, &id, &category).await {
        Found::Same(response) => return response,
        Found::Unknown(asked) => asked,
    };
    let app = Arc::clone(&ask.app);
    ask.answer(move |work, access, query| {
        let epoch = work.store.epoch()?;
        let known = known(&id, access, work)?;
        let shown = json!(section::category(&known, &category)?);
        let etag = etag_of(known.revision(&category), epoch, Some(&shown));
        if let Some(asked) = asked {
            asked.keep(&app, &etag, access, work);
        }
        if query.knows(&etag)? {
            return Ok(Answer::not_modified(&etag));
        }
        Ok(Answer::ok(shown).etag(etag))
    })
    .await
}

async fn put_category(names: Named<(String, String)>, ask: Ask, Document(body): Document) -> Response {
    save_category(names, ask, Body::Whole(body)).await
}

async fn patch_category(names: Named<(String, String)>, ask: Ask, Document(body): Document) -> Response {
    save_category(names, ask, Body::Merge(body)).await
}

async fn save_category(Named((id, category)): Named<(String, String)>, ask: Ask, body: Body) -> Response {
    let app = Arc::clone(&ask.app);
    ask.answer(move |work, access, query| save(work, access, query, &app, &id, &category, body)).await
}

/// The Save of a category.
fn save(
    work: &mut Work<'_>,
    access: &Access,
    query: &Query,
    app: &App,
    id: &str,
    category: &str,
    body: Body,
) -> Result<Answer, Problem> {
    if !access.reads(id) {
        return Err(Problem::absent(format!("there is no integration `{id}`")));
    }
    let epoch = work.store.epoch()?;
    let (reason, key) = (query.header("pairform-override")?, query.header("idempotency-key")?);
    let is_trial = query.flag("trial")?;
    if reason.as_deref().is_some_and(str::is_empty) {
        return Err(Problem::bad_request("`Pairform-Override` needs a reason"));
    }
    let asked = SaveAsked {
        integration: id,
        category,
        body,
        expected: query.expected(epoch, is_trial)?,
        key: key.as_deref().filter(|key| !key.is_empty()),
        override_reason: reason.as_deref(),
        force: &[],
        is_trial,
    };
    let done = section::save(&asked, access, &work.ground, work.store, work.host)?;
    // It is saved, whether or not it can be told at once.
    if !is_trial {
        app.tell_saved(work.store);
    }
    let SavedNow { known, revision, changes, next_sync, findings: found, is_repeated } = done;
    let mut told = json!({
        "revision": revision, "changes": changes, "next_sync": next_sync, "findings": findings(&found),
    });
    // What is deployed by now may be somebody else's, where it was saved before.
    let shown = if is_repeated { None } else { Some(json!(section::category(&known, category)?)) };
    let etag = etag_of(revision, epoch, shown.as_ref());
    match shown {
        None => told["repeated"] = true.into(),
        Some(shown) => told["category"] = shown,
    }
    let answer = match asked.expected {
        section::Expected::Nothing if !is_trial && !is_repeated => Answer::created(told),
        _ => Answer::ok(told),
    };
    Ok(answer.etag(etag))
}

async fn revert(Named(id): Named<String>, ask: Ask, Document(body): Document) -> Response {
    let app = Arc::clone(&ask.app);
    ask.answer(move |work, access, query| {
        ask::only(&body, &["category", "revision"])?;
        let (Some(category), Some(revision)) = (body["category"].as_str(), body["revision"].as_u64()) else {
            return Err(Problem::bad_request("name `category`, and the `revision` to go back to"));
        };
        save(work, access, query, &app, &id, category, Body::Revision(revision))
    })
    .await
}

async fn get_configuration(Named(id): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, query| {
        let day = match query.text("on") {
            None => work.host.today(),
            Some(day) => day
                .parse::<Date>()
                .map_err(|_| Problem::bad_request("`on` must be a day such as 2026-11-29"))?,
        };
        let known = known(&id, access, work)?;
        let found = section::effective(&known, day, &work.ground, work.store, work.host)?;
        let etag = format!("\"{}\"", found.etag);
        if query.knows(&etag)? {
            return Ok(Answer::not_modified(&etag));
        }
        Ok(Answer::ok(found.document).etag(etag))
    })
    .await
}

async fn list_syncs(Named(id): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, _| {
        known(&id, access, work)?;
        let syncs: Vec<Json> = work.store.last_syncs(&id)?.iter().map(told_sync).collect();
        Ok(Answer::ok(json!({"syncs": syncs})))
    })
    .await
}

fn told_sync(sync: &SyncReport) -> Json {
    json!({
        "flow": sync.flow, "etag": sync.etag, "outcome": sync.outcome, "message": sync.message,
        "ended_at": sync.ended_at, "reported_at": sync.reported_at, "reported_by": sync.reported_by,
    })
}

async fn report_sync(Named(id): Named<String>, ask: Ask, Document(body): Document) -> Response {
    ask.answer(move |work, access, _| {
        let known = known(&id, access, work)?;
        if !access.reports(&id) {
            let why = format!("{} may not report syncs of {id}", access.name);
            return Err(work.forbid(&format!("syncs of {id}"), why, access));
        }
        ask::only(&body, &["flow", "etag", "outcome", "ended_at", "message"])?;
        let text = |key| Ok::<_, Problem>(ask::text(&body, key)?.map(str::to_owned));
        let (Some(flow), Some(etag), Some(outcome)) = (text("flow")?, text("etag")?, text("outcome")?) else {
            return Err(Problem::bad_request("name `flow`, `etag` and `outcome`"));
        };
        if known.pair.flow(&flow).is_none() {
            return Err(Problem::bad_request(format!("{} has no flow `{flow}`", known.pair.title)));
        }
        if !matches!(outcome.as_str(), "ok" | "failed") {
            return Err(Problem::bad_request("`outcome` must be ok or failed"));
        }
        let at = work.host.stamp();
        let ended_at = match text("ended_at")? {
            None => at.clone(),
            Some(ended) => match ended.parse::<jiff::Timestamp>() {
                Ok(ended) => ended.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                Err(_) => return Err(Problem::bad_request("`ended_at` must be a moment as in RFC 3339")),
            },
        };
        let message = text("message")?.unwrap_or_default();
        if message.len() > 2000 || etag.len() > 200 {
            return Err(Problem::bad_request("`message` takes at most 2000 bytes, `etag` 200"));
        }
        let saves = section::saves_in(&etag, &id, work.store)?;
        if saves.is_none_or(|saves| saves > section::saves_of(known.rows.values())) {
            let why = format!(
                "`etag` is none that this server gave out with a configuration of {id}; read it anew, and report with the ETag that it has"
            );
            return Err(Problem::bad_request(why));
        }
        let sync = SyncReport {
            integration: id,
            flow,
            etag,
            outcome,
            message,
            ended_at,
            reported_at: at,
            reported_by: access.name.clone(),
        };
        work.store.report_sync(&sync)?;
        Ok(Answer::created(told_sync(&sync)))
    })
    .await
}

async fn list_options(ask: Ask) -> Response {
    ask.answer(|work, _, _| {
        let lists = work.ground.options().lists().map(|(connector, list)| {
            let sets: Vec<Json> = list
                .sets
                .iter()
                .map(|(set, found)| json!({"set": set, "fetched": found.fetched, "values": found.choices.len()}))
                .collect();
            json!({"connector": connector, "account": list.account, "sets": sets})
        });
        Ok(Answer::ok(json!({"lists": lists.collect::<Vec<_>>()})))
    })
    .await
}

async fn get_options(
    Named((connector, account, set)): Named<(String, String, String)>,
    ask: Ask,
) -> Response {
    ask.answer(move |work, _, _| {
        let found = work.ground.options().list(&connector, &account).and_then(|list| list.sets.get(&set));
        let found = found.ok_or_else(|| Problem::absent("there is no such list of dropdown values"))?;
        let values: Vec<Json> = found
            .choices
            .iter()
            .map(|choice| json!({"value": choice.value, "label": choice.label, "active": choice.active}))
            .collect();
        Ok(Answer::ok(json!({"fetched": found.fetched, "values": values})))
    })
    .await
}

async fn list_pairs(ask: Ask) -> Response {
    ask.answer(|work, _, _| {
        let pairs = work.ground.catalogue().names("pairs");
        Ok(Answer::ok(json!({"pairs": pairs})))
    })
    .await
}

/// Tokens are an administrator's matter.
fn require_admin(access: &Access, work: &mut Work<'_>) -> Result<(), Problem> {
    match access.role() {
        Role::Admin => Ok(()),
        _ => Err(work.forbid("tokens", format!("{} may not see or change tokens", access.name), access)),
    }
}

async fn list_tokens(ask: Ask) -> Response {
    ask.answer(|work, access, _| {
        require_admin(access, work)?;
        let tokens: Vec<Json> =
            work.store.tokens()?.iter().filter(|token| access.covers(token)).map(told_token).collect();
        Ok(Answer::ok(json!({"tokens": tokens})))
    })
    .await
}

/// All but the hash.
fn told_token(token: &Token) -> Json {
    json!({
        "name": token.name, "role": token.role, "rights": token.rights, "categories": token.categories,
        "integrations": token.integrations, "expires_at": token.expires_at, "made_at": token.made_at,
        "made_by": token.made_by, "revoked_at": token.revoked_at, "revoked_by": token.revoked_by,
    })
}

async fn create_token(ask: Ask, Document(body): Document) -> Response {
    ask.answer(move |work, access, _| {
        require_admin(access, work)?;
        let asked = token_asked(&body)?;
        if let Some(why) = access.gives_more(&asked) {
            return Err(work.forbid(&format!("the token {}", asked.name), why, access));
        }
        let at = work.host.stamp();
        let made =
            make_token(&asked, &at, &access.name).map_err(|why| Problem::bad_request(why.to_string()))?;
        let (secret, token) = made;
        if !work.store.add_token(&token)? {
            return Err(Problem::exists(format!("there is or was a token `{}`", token.name)));
        }
        note(work, access, "token", format!("made the token {} ({})", token.name, token.role))?;
        let mut told = told_token(&token);
        told["token"] = secret.into();
        Ok(Answer::created(told))
    })
    .await
}

fn token_asked(body: &Json) -> Result<TokenAsked, Problem> {
    let bad = |why: String| Problem::bad_request(why);
    let texts = |key: &str| -> Result<Vec<String>, Problem> {
        let Some(list) = body.get(key) else { return Ok(Vec::new()) };
        let texts = list.as_array().and_then(|list| {
            list.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        texts.ok_or_else(|| bad(format!("`{key}` must be a list of texts")))
    };
    ask::only(body, &["name", "role", "rights", "categories", "integrations", "expires_at"])?;
    let name = ask::text(body, "name")?.filter(|name| !name.trim().is_empty() && name.len() <= 100);
    let rights = texts("rights")?;
    Ok(TokenAsked {
        name: name.ok_or_else(|| bad("name the token, in at most 100 characters".to_owned()))?.to_owned(),
        role: ask::text(body, "role")?
            .unwrap_or_default()
            .parse()
            .map_err(|why: section::BadToken| bad(why.to_string()))?,
        rights: rights
            .iter()
            .map(|right| right.parse().map_err(|why: section::BadToken| bad(why.to_string())))
            .collect::<Result<_, _>>()?,
        categories: texts("categories")?,
        integrations: texts("integrations")?,
        expires_at: match ask::text(body, "expires_at")? {
            None => None,
            Some(end) => Some(
                end.parse().map_err(|_| bad("`expires_at` must be a moment as in RFC 3339".to_owned()))?,
            ),
        },
    })
}

async fn revoke_token(Named(name): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, _| {
        require_admin(access, work)?;
        let is_his = |token: &Token| token.name == name && access.covers(token);
        let is_one = work.store.tokens()?.iter().any(is_his);
        if !is_one || !work.store.revoke_token(&name, &work.host.stamp(), &access.name)? {
            return Err(Problem::absent(format!("there is no token `{name}` in force")));
        }
        note(work, access, "token", format!("revoked the token {name}"))?;
        Ok(Answer::nothing())
    })
    .await
}

fn note(work: &mut Work<'_>, access: &Access, kind: &str, text: String) -> Result<(), Problem> {
    let note =
        Note { at: work.host.stamp(), by: access.name.clone(), kind: kind.to_owned(), text, run: None };
    Ok(work.store.note(&note)?)
}
