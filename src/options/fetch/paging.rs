//! All pages of a list. It ends where the platform says so; where it says nothing, at a page that is empty or was there before.
//!
//! A page with fewer items than were asked for is no end: a platform may give fewer at a time than it is asked for.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::model::Hidden;
use serde_json::{Map, Value as Json, json};
use url::Url;

use super::auth::accept;
use super::descriptor::{Absent, Descriptor, Fetch, Paging, Style, fill};
use super::extract::{self, Fields};
use super::session::Session;
use crate::http::address::{encode, encode_path, query};
use crate::http::{Answer, Fault, FaultKind, Request};

const PAGE_LIMIT: usize = 2_000;
const ITEM_LIMIT: usize = 200_000;

/// Where in the list the next request reads.
struct NextPage {
    page: u64,
    offset: u64,
    cursor: Option<String>,
    link: Option<Url>,
}

/// Reads every item of a list. `each` is the value that the request is made for, with its place in the path.
///
/// # Errors
/// Why a page could not be read: a list is whole or it is not used.
pub fn read(
    session: &mut Session<'_>,
    descriptor: &Descriptor,
    fetch: &Fetch,
    each: Option<(&str, &str)>,
) -> Result<Vec<Json>, Fault> {
    let mut paging = descriptor.paging.clone();
    if fetch.paging.as_deref() == Some("none") {
        paging.style = Style::None;
    } else if fetch.graphql.is_some() {
        paging.style = if fetch.cursor.is_some() { Style::Cursor } else { Style::None };
    }
    let mut at = NextPage { page: paging.first.unwrap_or(1), offset: 0, cursor: None, link: None };
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    let mut totals = Totals::default();
    let fields = Fields::of(fetch, descriptor);
    for number in 0..PAGE_LIMIT {
        let request = request(session, fetch, &paging, &at, each)?;
        let answer = match session.call(&request) {
            // Beyond the last page some platforms answer with an error.
            Err(fault)
                if number > 0 && paging.style == Style::Page && matches!(fault.status, Some(400 | 404)) =>
            {
                return if totals.is_more_than(&all, number as u64) { Err(fault) } else { Ok(all) };
            }
            other => other?,
        };
        let json = answer.json()?;
        let items = extract::items(json, fetch)?;
        let mut hasher = DefaultHasher::new();
        items.hash(&mut hasher);
        if !items.is_empty() && !seen.insert(hasher.finish()) {
            // The platform takes no notice of the page that it is asked for, or repeats the last one.
            return match paging.style {
                Style::Page | Style::Offset => totals.require_all(all),
                _ => Err(Fault::new(FaultKind::Unusable, "the platform gives the same page again and again")),
            };
        }
        let got = items.len() as u64;
        if all.len() + items.len() > ITEM_LIMIT {
            return Err(Fault::new(
                FaultKind::Unusable,
                format!("the list has more than {ITEM_LIMIT} values"),
            ));
        }
        all.extend(items.into_iter().map(|item| fields.keep(item)));
        totals.record(&paging, &answer, json);
        if !next(session, &paging, fetch, &mut at, &request, &answer, json, got, all.len() as u64)? {
            return totals.require_all(all);
        }
    }
    Err(Fault::new(FaultKind::Unusable, format!("the list has more than {PAGE_LIMIT} pages")))
}

/// What the platform said of the whole list.
#[derive(Default)]
struct Totals {
    items: Option<u64>,
    pages: Option<u64>,
}

impl Totals {
    fn record(&mut self, paging: &Paging, answer: &Answer, json: &Json) {
        self.items = self.items.max(paging.total.as_deref().and_then(|path| extract::number(json, path)));
        self.pages = self.pages.max(pages(paging, answer, json));
    }

    fn is_more_than(&self, all: &[Json], pages: u64) -> bool {
        self.items.is_some_and(|told| told > all.len() as u64) || self.pages.is_some_and(|told| told > pages)
    }

    /// A list of which a part is missing would make values look gone that are not. Some totals count the page only, and
    /// are no more than what was read.
    fn require_all(&self, all: Vec<Json>) -> Result<Vec<Json>, Fault> {
        match self.items {
            Some(told) if told > all.len() as u64 => Err(Fault::new(
                FaultKind::Unusable,
                format!("the platform says that the list has {told} values, and gave {}", all.len()),
            )),
            _ => Ok(all),
        }
    }
}

/// How many pages there are, as far as the answer tells.
fn pages(paging: &Paging, answer: &Answer, json: &Json) -> Option<u64> {
    let told = paging.pages.as_deref().and_then(|path| extract::number(json, path));
    told.or_else(|| answer.header(paging.pages_header.as_deref()?)?.parse().ok())
}

/// Moves on to the next page; false at the end.
#[expect(clippy::too_many_arguments, reason = "what an answer says of the next page stands in many places")]
fn next(
    session: &Session<'_>,
    paging: &Paging,
    fetch: &Fetch,
    at: &mut NextPage,
    request: &Request,
    answer: &Answer,
    json: &Json,
    got: u64,
    collected: u64,
) -> Result<bool, Fault> {
    let full = paging.max.is_some_and(|max| got >= max);
    let total = paging.total.as_deref().and_then(|path| extract::number(json, path));
    // Some totals count the page only, so a full page is never the last.
    let done = got == 0 || total.is_some_and(|total| collected >= total && !full);
    match paging.style {
        Style::None => Ok(false),
        Style::Page => {
            let told = pages(paging, answer, json);
            let read = at.page - paging.first.unwrap_or(1) + 1;
            at.page += 1;
            Ok(told.map_or(!done, |pages| read < pages))
        }
        Style::Offset => {
            at.offset += got;
            Ok(!done)
        }
        Style::Cursor => {
            let info = fetch.cursor.as_deref().unwrap_or_default();
            let more = extract::first(json, &format!("{info}.hasNextPage")).and_then(Json::as_bool);
            let cursor = extract::scalar(json, &format!("{info}.endCursor"));
            let Some(more) = more else {
                return Err(Fault::new(
                    FaultKind::Unusable,
                    format!("the answer has no `{info}.hasNextPage`"),
                ));
            };
            if more && (cursor.is_none() || cursor == at.cursor) {
                return Err(Fault::new(
                    FaultKind::Unusable,
                    "the platform says that there is more and not where",
                ));
            }
            at.cursor = cursor;
            Ok(more)
        }
        Style::Odata | Style::Link => {
            let found = match paging.style {
                Style::Odata => json.get("@odata.nextLink"),
                _ => paging.next.as_deref().and_then(|path| extract::first(json, path)),
            };
            let link = match found {
                None | Some(Json::Null) => None,
                Some(Json::String(link)) => Some(link.clone()),
                Some(_) => {
                    return Err(Fault::new(
                        FaultKind::Unusable,
                        "where the next page should be named is no address",
                    ));
                }
            };
            at.link = link
                .filter(|link| !link.is_empty())
                .map(|link| session.link(&request.url, &link))
                .transpose()?;
            Ok(at.link.is_some())
        }
    }
}

fn request(
    session: &Session<'_>,
    fetch: &Fetch,
    paging: &Paging,
    at: &NextPage,
    each: Option<(&str, &str)>,
) -> Result<Request, Fault> {
    let mut headers = vec![accept()];
    headers.extend(
        fetch.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), Hidden::new(value.clone()))),
    );
    if let Some(text) = &fetch.graphql {
        let mut variables = Map::new();
        for (name, field) in &fetch.variables {
            variables.insert(name.clone(), session.plain(field)?);
        }
        if text.contains("$after") {
            variables.insert("after".to_owned(), at.cursor.as_deref().into());
        }
        let mut body = json!({"query": text});
        if !variables.is_empty() {
            body["variables"] = variables.into();
        }
        let body = Hidden::new(body.to_string().into_bytes());
        return Ok(Request {
            method: "POST",
            url: session.address(fetch.base_url.as_deref(), "")?,
            headers,
            body: Some(("application/json", body)),
        });
    }
    let path = fetch.get.as_deref().or(fetch.post.as_deref()).unwrap_or_default();
    let path = fill(path, &|name| each.filter(|(set, _)| *set == name).map(|(_, value)| encode(value)))
        .map_err(|Absent(name)| {
            Fault::new(
                FaultKind::Unusable,
                format!("the descriptor's path names `{name}`, which is not there"),
            )
        })?;
    let mut parameters: Vec<(String, Json)> = Vec::new();
    let mut put = |name: &Option<String>, value: u64| {
        parameters.extend(name.as_ref().map(|name| (name.clone(), value.into())));
    };
    match paging.style {
        Style::Page => {
            put(&paging.page, at.page);
            put(&paging.size, paging.max.unwrap_or(100));
        }
        Style::Offset => {
            let size = paging.max.unwrap_or(100);
            put(&paging.offset, at.offset);
            put(&paging.size, size);
            if let Some(name) = &paging.range {
                parameters.push((name.clone(), format!("{},{size}", at.offset).into()));
            }
        }
        Style::Link => put(&paging.size, paging.max.unwrap_or(100)),
        _ => {}
    }
    let in_body = fetch.post.is_some() && paging.place.as_deref() == Some("body");
    let mut body = fetch.body.clone().unwrap_or_else(|| json!({}));
    let mut pairs: Vec<(String, String)> =
        fetch.params.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
    for (name, value) in parameters {
        if in_body {
            body[name] = value;
        } else {
            pairs.retain(|(other, _)| *other != name);
            pairs.push((name, plain(&value)));
        }
    }
    let mut path = encode_path(&path);
    if !pairs.is_empty() {
        path = format!("{path}{}{}", if path.contains('?') { '&' } else { '?' }, query(&pairs));
    }
    let url = match &at.link {
        Some(link) => link.clone(),
        None => session.address(fetch.base_url.as_deref(), &path)?,
    };
    let post = fetch.post.is_some();
    let body = post.then(|| ("application/json", Hidden::new(body.to_string().into_bytes())));
    Ok(Request { method: if post { "POST" } else { "GET" }, url, headers, body })
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
