//! What went wrong with a request, as RFC 9457 has it: one form for every refusal, each with a code that a program can match.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value as Json, json};

use crate::diagnostic::clean;
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::text::outward_json;
use crate::model::SettingPath;
use crate::ops::section::{Managed, NotSaved};
use crate::ops::{Error, ErrorKind, Help};
use crate::store::Deployed;

/// A refusal.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    /// What the error was, where an operation told it.
    kind: Option<ErrorKind>,
    detail: String,
    more: Map<String, Json>,
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

impl Problem {
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl AsRef<str>) -> Self {
        let detail = clean(detail.as_ref());
        let (kind, more, headers) = (None, Map::new(), Vec::new());
        Problem(Box::new(Parts { status, code, kind, detail, more, headers }))
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.0.more.insert(key.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn header(mut self, name: header::HeaderName, value: &str) -> Self {
        self.0.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    #[must_use]
    pub fn bad_request(detail: impl AsRef<str>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    #[must_use]
    pub fn forbidden(detail: impl AsRef<str>) -> Self {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    #[must_use]
    pub fn absent(detail: impl AsRef<str>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    #[must_use]
    pub fn exists(detail: impl AsRef<str>) -> Self {
        Problem::new(StatusCode::CONFLICT, "exists", detail)
    }

    /// Who asks is not known.
    #[must_use]
    pub fn unauthorized(detail: impl AsRef<str>) -> Self {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .header(header::WWW_AUTHENTICATE, "Bearer realm=\"pairform\"")
    }

    /// As an error of the program that serves.
    #[must_use]
    pub fn into_error(self) -> Error {
        Error::new(self.0.kind.unwrap_or(ErrorKind::Unreachable), self.0.detail)
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What it says besides.
    #[must_use]
    pub fn more(&self, key: &str) -> Option<&Json> {
        self.0.more.get(key)
    }

    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// As it is told.
    #[must_use]
    pub fn document(self) -> Json {
        Json::Object(self.into_parts().1)
    }

    fn into_parts(self) -> (StatusCode, Map<String, Json>, Vec<(header::HeaderName, HeaderValue)>) {
        let Parts { status, code, kind: _, detail, more, headers } = *self.0;
        let mut body = Map::new();
        body.insert("type".to_owned(), format!("urn:pairform:problem:{code}").into());
        body.insert("title".to_owned(), title(code, status).into());
        body.insert("status".to_owned(), status.as_u16().into());
        body.insert("code".to_owned(), code.into());
        body.insert("detail".to_owned(), detail.into());
        body.extend(more);
        (status, body, headers)
    }

    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let (status, body, own) = self.into_parts();
        let mut response = Response::new(Body::from(outward_json(format!("{}\n", Json::Object(body)))));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(own);
        response
    }
}

/// A few words that are the same for each problem of a code.
fn title(code: &str, status: StatusCode) -> &'static str {
    match code {
        "stale" => "Somebody saved it since",
        "exists" => "The name is taken",
        "managed-by-git" => "Git owns this setting",
        "invalid" => "The settings have errors",
        "refused" => "The rules refuse it",
        "locked" => "It is locked",
        "precondition-required" => "Say which revision you saw",
        "key-reused" => "The key was used for something else",
        "gone" => "The cursor is of another store, or of this one before it was copied",
        "read-only" => "The server saves nothing",
        "unjudged" => "Nothing can be judged now",
        "unreachable" => "The store does not answer",
        "too-soon" => "It was done just now",
        "too-many-attempts" => "Too many attempts",
        _ => status.canonical_reason().unwrap_or("Refused"),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error.kind {
            ErrorKind::Absent => (StatusCode::NOT_FOUND, "not-found"),
            ErrorKind::Usage => (StatusCode::BAD_REQUEST, "bad-request"),
            ErrorKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            ErrorKind::Stale => (StatusCode::PRECONDITION_FAILED, "stale"),
            ErrorKind::Refused => (StatusCode::FORBIDDEN, "refused"),
            ErrorKind::NotAllowed => (StatusCode::FORBIDDEN, "forbidden"),
            ErrorKind::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, "unreachable"),
            ErrorKind::Locked => (StatusCode::LOCKED, "locked"),
            ErrorKind::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        let mut problem = Problem::new(status, code, &error.message);
        problem.0.kind = Some(error.kind);
        match &error.help {
            Some(Help::SeeFindings(findings)) if !findings.is_empty() => {
                problem.with("findings", self::findings(findings))
            }
            Some(Help::Refusals(refusals)) => problem.with("refusals", json!(refusals)),
            help => match help.as_ref().and_then(worded) {
                Some(help) => problem.with("help", help),
                None => problem,
            },
        }
    }
}

/// Help in the words of this door.
fn worded(help: &Help) -> Option<String> {
    Some(match help {
        Help::Do(what) => what.clone(),
        Help::DidYouMean(name) => format!("did you mean `{name}`?"),
        Help::ListPairs => "GET /api/v1/pairs lists them".to_owned(),
        Help::OtherName => "choose another id".to_owned(),
        Help::Again => "try again".to_owned(),
        Help::Allow(lines) => {
            let lines: Vec<String> = lines.iter().map(|line| format!("`{line}`")).collect();
            format!("whoever runs the server can allow it with the line {}", lines.join(", "))
        }
        _ => return None,
    })
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Self {
        Problem::from(Error::from(error))
    }
}

impl From<NotSaved> for Problem {
    fn from(not: NotSaved) -> Self {
        match not {
            NotSaved::Failed(error) => error.into(),
            NotSaved::Stale { category, now, git, saved_by, saved_at } => {
                let problem = stale(&category, now.as_deref(), &saved_by, &saved_at);
                match git {
                    Some(git) => problem.with("git", crate::ops::section::plain_form(&git)),
                    None => problem,
                }
            }
            NotSaved::Invalid(findings) => {
                let first = findings.iter().find(|one| one.severity == crate::diagnostic::Severity::Error);
                let detail = first.map_or("the settings have errors", |one| one.message.as_str()).to_owned();
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
                    .with("findings", self::findings(&findings))
            }
            NotSaved::Managed(managed) => {
                let names: Vec<String> = managed.iter().map(|one| one.setting.to_string()).collect();
                let detail = format!(
                    "git owns {}; change it in its file, or send `Pairform-Override: REASON` with the right to override",
                    names.join(", ")
                );
                Problem::new(StatusCode::CONFLICT, "managed-by-git", detail)
                    .with("settings", managed.iter().map(self::managed).collect::<Vec<Json>>())
            }
            NotSaved::Unprintable(found) => {
                let one = |(path, c): &(SettingPath, char)| {
                    format!("`{path}` holds the character {}, which nobody sees", code_of(*c))
                };
                let detail: Vec<String> = found.iter().map(one).collect();
                let settings: Vec<String> = found.iter().map(|(path, _)| path.to_string()).collect();
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail.join("; "))
                    .with("settings", settings)
                    .with("help", "type the text anew, without it")
            }
            NotSaved::Forbidden(why) => Problem::forbidden(why),
            NotSaved::Refused(refusals) => {
                let is_waiting = |check: &str| matches!(check, "hold" | "window");
                let (status, code) = match refusals.iter().all(|one| is_waiting(&one.check)) {
                    true => (StatusCode::LOCKED, "locked"),
                    false => (StatusCode::FORBIDDEN, "refused"),
                };
                let detail: Vec<&str> = refusals.iter().map(|one| one.message.as_str()).collect();
                Problem::new(status, code, detail.join("; ")).with("refusals", json!(refusals))
            }
            NotSaved::Locked(lock) => {
                let detail = format!(
                    "{} is locked by {} since {} ({}), until {} at the latest",
                    lock.integration, lock.owner, lock.taken_at, lock.reason, lock.expires_at
                );
                Problem::new(StatusCode::LOCKED, "locked", detail).header(header::RETRY_AFTER, "5")
            }
            NotSaved::Unjudged(why) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unjudged", why),
            NotSaved::Exists(what) => Problem::exists(what),
            NotSaved::KeyTaken => {
                let detail =
                    "this `Idempotency-Key` was used for another request; each save needs a key of its own";
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", detail)
            }
        }
    }
}

/// A character by its number.
#[must_use]
pub fn code_of(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// What is deployed now, by whom and since when.
fn stale(category: &str, now: Option<&Deployed>, saved_by: &str, saved_at: &str) -> Problem {
    let detail = match now {
        Some(_) => format!("{saved_by} saved `{category}` at {saved_at}, after the revision that you saw"),
        None => format!("`{category}` is not deployed (any more)"),
    };
    let problem = Problem::new(StatusCode::PRECONDITION_FAILED, "stale", detail);
    match now {
        Some(now) => problem
            .with("revision", now.revision)
            .with("saved_by", saved_by)
            .with("saved_at", saved_at)
            .with("deployed", crate::ops::section::plain_form(&now.settings))
            .with("applied", crate::ops::section::plain_form(&now.applied)),
        None => problem.with("revision", 0),
    }
}

fn managed(one: &Managed) -> Json {
    let mut told =
        json!({"setting": one.setting.to_string(), "state": one.owner.as_str(), "told": one.owner.words()});
    if let Some(written) = &one.written {
        told["path"] = written.path.clone().into();
        told["line"] = written.line.into();
    }
    told
}

/// Findings of a save: about settings, as no file is to be seen.
#[must_use]
pub fn findings(all: &[PlacedFinding]) -> Json {
    let one = |finding: &PlacedFinding| {
        let mut told = json!({
            "code": finding.code, "name": finding.name, "severity": finding.severity, "message": finding.message,
        });
        let texts = [("category", &finding.category), ("setting", &finding.setting), ("help", &finding.help)];
        for (key, text) in texts {
            if let Some(text) = text {
                told[key] = text.clone().into();
            }
        }
        if !finding.settings.is_empty() {
            told["settings"] = json!(finding.settings);
        }
        if !finding.notes.is_empty() {
            told["notes"] = json!(finding.notes);
        }
        told
    };
    all.iter().map(one).collect()
}
