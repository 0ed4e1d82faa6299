//! A session with one account: limits before each request, tokens, retries of what is safe to retry, redirects within a host.
//!
//! A token goes to the host of the connection's base URL and to no other: a redirect or a link that leads elsewhere is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Hidden;
use serde_json::Value as Json;
use url::Url;

use super::account::Account;
use super::addresses::Addresses;
use super::auth::{self, Fields, lacking};
use super::descriptor::{Absent, Auth, Descriptor, fill};
use super::environment::Environment;
use super::extract;
use super::limits::{Gates, Limit};
use crate::http::address::{self, join, origin};
use crate::http::client::Http;
use crate::http::{Answer, Fault, FaultKind, Request};

/// How often a request is sent in all when the platform cannot answer.
const ATTEMPTS: u32 = 4;
/// How often when the time was up: a platform that hangs is not waited for many times.
const ATTEMPTS_TIMED_OUT: u32 = 2;
/// How often when the platform asks to wait.
const ATTEMPTS_THROTTLED: u32 = 6;
/// A platform that asks to wait longer is left alone.
const WAIT_LIMIT: Duration = Duration::from_secs(120);
const REDIRECTS: u32 = 5;

pub struct Session<'a> {
    descriptor: &'a Descriptor,
    way: &'a Auth,
    connection: &'a BTreeMap<String, Json>,
    fields: Fields,
    /// Where the platform is: its own address or the connection's `base_url`, without a slash at the end.
    host: String,
    /// What the paths of requests follow.
    base: String,
    /// The same for a fetch that names another address of the platform.
    others: BTreeMap<String, String>,
    /// Of these addresses: nothing is sent to another.
    origins: Vec<String>,
    /// Where tokens are got, where the way wants one.
    token_url: Option<String>,
    /// The reference behind the field that changes at each use.
    rotating: Option<String>,
    limits: Vec<Limit>,
    token_limits: Vec<Limit>,
    points: Option<Points>,
    timed_out: u32,
    /// Why nothing more is asked of this account.
    over: Option<Fault>,
    gates: &'a Gates,
    http: &'a Http,
    environment: &'a Environment<'a>,
}

/// What is left of a budget of calculated cost.
struct Points {
    available: f64,
    most: f64,
    restored_a_second: f64,
    at: Duration,
}

impl<'a> Session<'a> {
    /// Prepares a session; nothing is sent yet.
    ///
    /// # Errors
    /// When the connection has no credentials, its address is not allowed, or a secret is not at hand.
    pub fn new(
        account: &'a Account,
        gates: &'a Gates,
        http: &'a Http,
        environment: &'a Environment<'a>,
    ) -> Result<Self, Fault> {
        let descriptor = &account.descriptor;
        let connection = &account.connection;
        let way = auth::way(descriptor, connection)?;
        // Judged before any secret is read.
        let addresses = Addresses::of(descriptor, connection)?;
        addresses.needs(&account.connector).iter().try_for_each(environment.allowed)?;
        let Addresses { host, base, others, token_url } = addresses;
        let mut fields = auth::fields(descriptor, way, connection, environment.secret)?;
        fields.set("tomorrow", &environment.tomorrow.to_string());
        // Those of the addresses that were judged: what follows one is a text too, and `@` or `.` at its beginning would be of the host.
        let judged = std::iter::once(&host).chain(others.values());
        let origins =
            judged.map(|at| address::read(at).map(|at| origin(&at))).collect::<Result<Vec<_>, _>>()?;
        let rotating = way
            .token
            .as_ref()
            .and_then(|token| token.rotates.as_ref())
            .and_then(|field| Some(connection.get(field)?.get("secret")?.as_str()?.to_owned()));
        let token_rate = way.token.as_ref().and_then(|token| token.rate_limit.as_ref());
        Ok(Session {
            limits: Limit::of(descriptor.rate_limit.as_ref(), &account.connector, &account.name),
            token_limits: Limit::of(token_rate, &format!("{} tokens", account.connector), &account.name),
            descriptor,
            way,
            connection,
            fields,
            host,
            base,
            others,
            origins,
            token_url,
            rotating,
            points: None,
            timed_out: 0,
            over: None,
            gates,
            http,
            environment,
        })
    }

    /// What a field of the connection says, with its type, for a request that takes it as data. A secret is none of that.
    ///
    /// # Errors
    /// When the connection does not say it.
    pub fn plain(&self, field: &str) -> Result<Json, Fault> {
        let said = self.connection.get(field).filter(|value| !value.is_null() && !value.is_object());
        said.cloned().ok_or_else(|| lacking(Absent(field.to_owned())))
    }

    /// Sends a request with what the platform wants to see of us, and returns a good answer.
    ///
    /// # Errors
    /// Why there is none.
    pub fn call(&mut self, request: &Request) -> Result<Answer, Fault> {
        if let Some(fault) = &self.over {
            return Err(fault.clone());
        }
        let mut renewed = false;
        loop {
            if self.way.token.is_some() && self.fields.get("token").is_none() {
                self.get_token().inspect_err(|fault| self.over = Some(fault.clone()))?;
            }
            let answer = match self.exchange(request, Purpose::List) {
                Ok(answer) => answer,
                Err(fault) => {
                    self.timed_out += u32::from(fault.kind == FaultKind::TimedOut);
                    // One list may hang; where two do, the platform does.
                    if self.timed_out > 1
                        || matches!(
                            fault.kind,
                            FaultKind::Unreachable | FaultKind::Throttled | FaultKind::Stopped
                        )
                    {
                        self.over = Some(fault.clone());
                    }
                    return Err(fault);
                }
            };
            // A token can expire between two pages.
            if answer.status == 401 && self.way.token.is_some() && !renewed {
                self.fields.forget("token");
                renewed = true;
                continue;
            }
            let judged = self.judge(answer, request);
            if let Err(fault) = &judged
                && fault.status == Some(401)
            {
                self.over = Some(fault.clone());
            }
            return judged;
        }
    }

    fn get_token(&mut self) -> Result<(), Fault> {
        let (Some(token), Some(url)) = (&self.way.token, &self.token_url) else { return Ok(()) };
        let request = auth::token_request(token, url, &self.fields)?;
        let spent = token.rotates.is_some();
        let purpose = if spent { Purpose::TokenOnce } else { Purpose::Token };
        let answer = self
            .exchange(&request, purpose)
            .map_err(|fault| Fault { message: format!("no token: {}", fault.message), ..fault })?;
        if !(200..300).contains(&answer.status) {
            let kind = if answer.status >= 500 { FaultKind::Unreachable } else { FaultKind::Denied };
            let said = self.said(&answer).map_or_else(String::new, |said| format!(": {said}"));
            let message =
                format!("no token: the platform refused the credentials with {}{said}", answer.status);
            return Err(Fault { status: Some(answer.status), ..Fault::new(kind, message) });
        }
        let json = answer.json()?;
        // Before anything else, since the old one is dead by now.
        if let (Some(field), Some(reference)) = (&token.rotates, &self.rotating)
            && let Some(new) = extract::scalar(json, field)
        {
            let new = Hidden::new(new);
            if self.fields.get(field).as_deref() != Some(new.as_str()) {
                (self.environment.rotated)(reference, &new)?;
                self.fields.set_secret(field, new);
            }
        }
        let path = token.value.as_deref().unwrap_or("access_token");
        let value = extract::scalar(json, path).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| {
            Fault::new(FaultKind::Unusable, format!("no token: the answer has no `{path}`"))
        })?;
        self.fields.set_secret("token", Hidden::new(value));
        Ok(())
    }

    /// Sends a request until there is an answer that is worth judging.
    fn exchange(&mut self, request: &Request, purpose: Purpose) -> Result<Answer, Fault> {
        let limits = if purpose == Purpose::List { self.limits.clone() } else { self.token_limits.clone() };
        let environment = self.environment;
        let mut request = request.clone();
        let (mut tried, mut throttled, mut redirected) = (0, 0, 0);
        loop {
            if purpose == Purpose::List {
                self.wait_for_points(&limits);
            }
            if !self.gates.enter(&limits, environment.now, environment.sleep, environment.stopped) {
                return Err(Fault::new(FaultKind::Stopped, "the run was stopped"));
            }
            let sent = self.send(&request, purpose);
            self.gates.leave(&limits, (environment.now)());
            tried += 1;
            let answer = match sent {
                Ok(answer) => answer,
                Err(fault) => {
                    let most = match fault.kind {
                        FaultKind::TimedOut => ATTEMPTS_TIMED_OUT,
                        FaultKind::Unreachable => ATTEMPTS,
                        _ => 1,
                    };
                    // A token that is used up by its use may have been used.
                    if tried >= most || purpose == Purpose::TokenOnce {
                        return Err(fault);
                    }
                    self.back_off(tried);
                    continue;
                }
            };
            self.note_points(&answer);
            if let Some(wait) = self.told_to_wait(&answer) {
                throttled += 1;
                if wait > WAIT_LIMIT || throttled >= ATTEMPTS_THROTTLED {
                    let message = format!(
                        "the platform asks to wait {} s: its limit is reached",
                        wait.as_secs().max(1)
                    );
                    return Err(Fault::new(FaultKind::Throttled, message));
                }
                let jitter = Duration::from_millis((environment.random)() % 250);
                self.gates.close(&limits, (environment.now)() + wait + jitter);
                continue;
            }
            match answer.status {
                301 | 302 | 303 | 307 | 308 => {
                    redirected += 1;
                    request.url = self.redirected(&request, &answer, redirected)?;
                }
                500 | 502 | 503 | 504 if tried < ATTEMPTS && purpose != Purpose::TokenOnce => {
                    self.back_off(tried);
                }
                _ => return Ok(answer),
            }
        }
    }

    /// Sends a request where what was judged leads, and nowhere else.
    fn send(&self, request: &Request, purpose: Purpose) -> Result<Answer, Fault> {
        let is_judged = match (purpose, &self.token_url) {
            (Purpose::List, _) => self.origins.contains(&origin(&request.url)),
            (_, Some(url)) => address::parse(url).is_some_and(|url| origin(&url) == origin(&request.url)),
            (_, None) => false,
        };
        if !is_judged {
            let host = origin(&request.url);
            let why = format!(
                "its connector's paths lead to {host}, which is not its address and gets no credential"
            );
            return Err(Fault::new(FaultKind::Denied, why));
        }
        if purpose != Purpose::List {
            return self.http.send(request);
        }
        let mut signed = request.clone();
        let nonce = format!("{:016x}{:016x}", (self.environment.random)(), (self.environment.random)());
        auth::authorize(&mut signed, self.way, &self.fields, (self.environment.epoch)(), &nonce)?;
        self.http.send(&signed)
    }

    /// Exponential, with full jitter.
    fn back_off(&self, tried: u32) {
        let most = 400_u64 << tried.min(6);
        (self.environment.sleep)(Duration::from_millis(100 + (self.environment.random)() % most));
    }

    fn redirected(&self, request: &Request, answer: &Answer, number: u32) -> Result<Url, Fault> {
        let unusable = |message: String| Fault {
            status: Some(answer.status),
            ..Fault::new(FaultKind::Unusable, message)
        };
        let target = answer.header("location").and_then(|link| join(&request.url, link));
        let Some(target) = target.filter(|_| number <= REDIRECTS) else {
            return Err(unusable("the platform redirects without end or aim".to_owned()));
        };
        if origin(&target) != origin(&request.url) {
            return Err(unusable(format!(
                "the platform redirects to {}, which gets no credential; if that is right, set it as `base_url`",
                origin(&target)
            )));
        }
        if request.method != "GET" && !matches!(answer.status, 307 | 308) {
            return Err(unusable(format!("the platform answers a {} with a redirect", request.method)));
        }
        Ok(target)
    }

    /// A link in an answer, when it stays with the host that we ask. The platform's own address in it stands for where it was moved to.
    ///
    /// # Errors
    /// When it leads elsewhere.
    pub fn link(&self, from: &Url, link: &str) -> Result<Url, Fault> {
        let target = join(from, link);
        if let Some(target) = target.as_ref().filter(|target| origin(target) == origin(from)) {
            return Ok(target.clone());
        }
        let own = self.descriptor.base_url.iter().map(|own| (own, &self.host));
        let others = self.descriptor.base_urls.iter();
        let others = others.filter_map(|(name, own)| Some((own, self.others.get(name)?)));
        let moved = own.chain(others).find_map(|(own, host)| {
            let own = address::parse(&fill(own, &|name| self.fields.get(name)).ok()?)?;
            let rest = target.as_ref()?.as_str().strip_prefix(own.as_str().trim_end_matches('/'))?;
            let moved = rest.starts_with(['/', '?']).then(|| format!("{host}{rest}"))?;
            address::parse(&moved)
        });
        if let Some(moved) = moved {
            return Ok(moved);
        }
        let host = target.map_or_else(|| "another place".to_owned(), |target| origin(&target));
        Err(Fault::new(
            FaultKind::Unusable,
            format!("the next page is said to be at {host}, which gets no credential"),
        ))
    }

    /// The address of a path of the platform, with its query, both encoded; `base` names one of its further addresses.
    ///
    /// # Errors
    /// When they cannot stand in one, or there is no such address.
    pub fn address(&self, base: Option<&str>, path: &str) -> Result<Url, Fault> {
        let base = match base {
            None => &self.base,
            Some(name) => self.others.get(name).ok_or_else(|| {
                Fault::new(FaultKind::Unusable, format!("the descriptor has no address `{name}`"))
            })?,
        };
        let (below, full) = (address::read(base)?, address::read(&format!("{base}{path}"))?);
        // What was judged is the base: what follows it is a text of the connector too, and may climb.
        let rest = full.path().strip_prefix(below.path().trim_end_matches('/'));
        if rest.is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && !climbs(rest)) {
            Ok(full)
        } else {
            let why =
                format!("its connector's paths lead to {}, which is not below its address", full.path());
            Err(Fault::new(FaultKind::Denied, why))
        }
    }

    /// How long the platform asks to wait; `None` when it does not.
    fn told_to_wait(&self, answer: &Answer) -> Option<Duration> {
        let rate = self.descriptor.rate_limit.as_ref();
        let reset = rate.and_then(|rate| rate.reset_header.as_deref());
        let seconds = |name: &str| {
            let text = answer.header(name)?;
            text.parse::<f64>().ok().filter(|seconds| (0.0..1e6).contains(seconds)).or_else(|| {
                let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second();
                Some((until - (self.environment.epoch)()).max(0) as f64)
            })
        };
        let asked = seconds("retry-after").or_else(|| seconds(reset?)).map(Duration::from_secs_f64);
        if answer.status == 429 || (answer.status == 503 && asked.is_some()) {
            let window = rate.and_then(|rate| rate.seconds).unwrap_or(2);
            return Some(asked.unwrap_or(Duration::from_secs(window)));
        }
        let json = answer.json().ok().filter(|_| rate.is_some_and(|rate| rate.points.is_some()))?;
        let throttled = extract::at(json, self.descriptor.errors.code.as_deref().unwrap_or_default());
        throttled.contains(&&Json::from("THROTTLED")).then(|| {
            let cost = extract::number(json, "extensions.cost.requestedQueryCost").unwrap_or(100) as f64;
            let lacking = self
                .points
                .as_ref()
                .map_or(0.0, |points| (cost - points.available) / points.restored_a_second);
            Duration::from_secs_f64(lacking.clamp(1.0, 60.0))
        })
    }

    /// What the answer says is left, so that the next request waits before it is refused.
    fn note_points(&mut self, answer: &Answer) {
        let now = (self.environment.now)();
        let Some(rate) = &self.descriptor.rate_limit else { return };
        if let Some(reset) = &rate.reset_header {
            let remaining =
                rate.remaining_header.clone().unwrap_or_else(|| reset.replace("Reset", "Remaining"));
            let left = answer.header(&remaining).and_then(|left| left.parse::<i64>().ok());
            let wait = answer.header(reset).and_then(|wait| wait.parse::<u64>().ok());
            if let (Some(left), Some(wait)) = (left, wait)
                && left <= 0
                && answer.status != 429
            {
                self.gates.close(&self.limits, now + Duration::from_secs(wait.min(WAIT_LIMIT.as_secs())));
            }
        }
        let Some(state) = &rate.state else { return };
        let Ok(json) = answer.json() else { return };
        let of = |name: &str| extract::first(json, &format!("{state}.{name}")).and_then(Json::as_f64);
        if let (Some(available), Some(restored)) = (of("currentlyAvailable"), of("restoreRate")) {
            let most = of("maximumAvailable").unwrap_or(1000.0);
            self.points = Some(Points { available, most, restored_a_second: restored.max(1.0), at: now });
        }
    }

    /// Waits until the largest query that the platform takes can be paid.
    fn wait_for_points(&mut self, limits: &[Limit]) {
        let Some(points) = &self.points else { return };
        let dearest = self.descriptor.rate_limit.as_ref().and_then(|rate| rate.max_query).unwrap_or(1000);
        let needed = f64::from(dearest).min(points.most);
        let lacking = (needed - points.available).max(0.0) / points.restored_a_second;
        self.gates.close(limits, points.at + Duration::from_secs_f64(lacking.min(120.0)));
    }

    fn judge(&self, answer: Answer, request: &Request) -> Result<Answer, Fault> {
        let status = answer.status;
        let good = (200..300).contains(&status);
        let json = if good && !request.is_graphql() { None } else { answer.json().ok() };
        let has_errors =
            json.as_ref().and_then(|json| json.get("errors")).is_some_and(|errors| match errors {
                Json::Array(errors) => !errors.is_empty(),
                other => !other.is_null(),
            });
        if good && !has_errors {
            return Ok(answer);
        }
        let code =
            json.as_ref().and_then(|json| extract::scalar(json, self.descriptor.errors.code.as_deref()?));
        let known = code.as_ref().and_then(|code| self.descriptor.errors.codes.get(code));
        let refused = matches!(status, 401 | 403)
            || known.is_some()
            || code.as_deref().is_some_and(|code| {
                matches!(code, "ACCESS_DENIED" | "UNAUTHENTICATED" | "UNAUTHORIZED" | "FORBIDDEN")
            });
        let kind = match status {
            _ if refused => FaultKind::Denied,
            500.. => FaultKind::Unreachable,
            _ => FaultKind::Unusable,
        };
        let mut message = match status {
            404 => "the platform has no such list (404)".to_owned(),
            _ if refused => format!("the platform does not allow it ({status})"),
            _ if good => "the platform answered with an error".to_owned(),
            _ => format!("the platform answered with {status}"),
        };
        if let Some(known) = known {
            message = format!("{message}: {}", known.trim_end_matches('.'));
        }
        if let Some(said) = self.said(&answer) {
            message = format!("{message}: {said}");
        }
        Err(Fault { kind, message, status: Some(status) })
    }

    /// The platform's own words, without what we told it.
    fn said(&self, answer: &Answer) -> Option<String> {
        let json = answer.json().ok()?;
        let own = extract::scalar(json, &self.descriptor.errors.message);
        // Token endpoints speak OAuth (RFC 6749, 5.2).
        let own = own
            .or_else(|| extract::scalar(json, "error_description"))
            .or_else(|| extract::scalar(json, "error"));
        own.map(|said| format!("“{}”", self.fields.scrub(&said))).filter(|said| said.chars().count() > 2)
    }
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Reading: safe to send again.
    List,
    Token,
    /// A token for a token that its use spends: never sent twice.
    TokenOnce,
}

/// Whether a server may take a path for one that leads up: some read `%5c`, `%2f` and a backslash as `/`.
fn climbs(path: &str) -> bool {
    let read = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    read.split(['/', '\\']).any(|segment| segment == "..")
}
