//! Who is told by the reconciler, and how it reaches them: a file outside the repository names them, and messages leave for nobody else.
#![expect(clippy::disallowed_methods, reason = "reads who is told")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sha2::Sha256;
use url::Url;

use super::exit::Stop;
use crate::diagnostic::text::outward_json;
use crate::http::client::{Authorities, Http};
use crate::http::{Request, address};
use crate::model::Hidden;
use crate::ops::Host;
use crate::ops::reconcile::{CommitState, CommitStatus, Daily, Listener, Message, Statuses};
use crate::plan::policy::minute;
use crate::report::telling;
use crate::secrets::{Reach, Secrets};
use crate::source::git;
use crate::source::load::{self, reason};

/// Nobody is waited for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// No answer is longer, in bytes.
const MOST: u64 = 64 * 1024;

/// How a target is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// A Standard Webhook, signed.
    Webhook,
    Slack,
    Teams,
    /// The status of a commit.
    Github,
    Gitlab,
}

/// A text, or a reference to a secret that holds it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Plain(String),
    Secret { secret: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    form: Form,
    url: Said,
    /// Of a webhook: what its messages are signed with, `whsec_…`.
    secret: Option<Said>,
    /// Of a forge: what may set the status of a commit.
    token: Option<Said>,
    /// What it is told; matters, and digests where there are any.
    tells: Option<Vec<Tells>>,
    /// Only what this owner reviews.
    owner: Option<String>,
    /// More matters at once are one message.
    most: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tells {
    Matters,
    Digest,
}

/// When digests are sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestAt {
    at: String,
    timezone: String,
}

/// More matters at once are one message where nothing else is said.
const MANY: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tell: Vec<Named>,
    digest: Option<DigestAt>,
}

struct Target {
    form: Form,
    url: Url,
    key: Option<Hidden<Vec<u8>>>,
    token: Option<Hidden<String>>,
    tells: Vec<Tells>,
    owner: Option<String>,
    most: usize,
}

/// Who is told.
pub struct Targets {
    targets: BTreeMap<String, Target>,
    daily: Option<Daily>,
    http: Http,
}

impl Targets {
    /// Reads who is told from a file, which lies outside the repository; none where no file is named.
    ///
    /// # Errors
    /// When it cannot be read, names an address that is not safe, or a secret is not at hand.
    pub fn read(file: Option<&Path>, here: &Path, host: &Host<'_>) -> Result<Self, Stop> {
        let mut targets = BTreeMap::new();
        let mut daily = None;
        if let Some(path) = file {
            let wrong =
                |why: String| Stop::usage(format!("{} does not say who is told: {why}", path.display()));
            let full = std::fs::canonicalize(path).map_err(|error| wrong(reason(&error)))?;
            let tree = git::work_tree(here).and_then(|tree| std::fs::canonicalize(tree).ok());
            if tree.is_some_and(|tree| full.starts_with(tree)) {
                return Err(wrong(
                    "it lies in the work tree, where a branch could lead messages elsewhere".to_owned(),
                )
                .help("keep it outside of the repository"));
            }
            let text = load::text_of(&full).map_err(|error| wrong(reason(&error)))?;
            let read: File = serde_yaml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            let secrets = Secrets::new(host.secrets, Reach::fetch(here, host.trust), &[]);
            let value = |said: &Said| match said {
                Said::Plain(text) => Ok(Hidden::new(text.clone())),
                Said::Secret { secret } => secrets.text(secret).map_err(|fault| wrong(fault.message)),
            };
            if let Some(said) = &read.digest {
                let why = "`digest` needs a time of day such as `08:00` in `at`, and a `timezone`";
                daily = Some(daily_of(said).ok_or_else(|| wrong(why.to_owned()))?);
            }
            for named in &read.tell {
                let target = Target::of(named, &value).map_err(|error| match error {
                    Wrong::Stop(stop) => stop,
                    Wrong::Said(why) => wrong(format!("`{}`: {why}", named.name)),
                })?;
                if targets.insert(named.name.clone(), target).is_some() {
                    return Err(wrong(format!("`{}` is named twice", named.name)));
                }
            }
        }
        let http = Http::trusting(PATIENCE, MOST, Authorities::system());
        Ok(Targets { targets, daily, http })
    }

    /// All of them, and what each hears.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        let listener = |(name, target): (&String, &Target)| {
            let statuses = match target.form {
                Form::Github => Some(Statuses::All),
                // It answers 400 to a status that it has: a pipeline that runs cannot begin to.
                Form::Gitlab => Some(Statuses::Moved),
                Form::Webhook | Form::Slack | Form::Teams => None,
            };
            let tells = |what: Tells| statuses.is_none() && target.tells.contains(&what);
            Listener {
                name: name.clone(),
                matters: tells(Tells::Matters),
                digest: tells(Tells::Digest),
                owner: target.owner.clone(),
                most: target.most,
                statuses,
            }
        };
        self.targets.iter().map(listener).collect()
    }

    /// When they are sent digests.
    #[must_use]
    pub fn daily(&self) -> Option<&Daily> {
        self.daily.as_ref()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// Why it did not arrive; never says anything of an address or a secret.
    pub fn send(&self, message: &Message<'_>, now: i64) -> Result<(), String> {
        let Some(target) = self.targets.get(message.target) else { return Ok(()) };
        let body = match target.form {
            Form::Slack => telling::slack(message),
            Form::Teams => telling::teams(message),
            _ => telling::webhook(message),
        };
        let body = outward_json(body.to_string());
        let mut headers = Vec::new();
        if let Some(key) = &target.key {
            let signature = sign(key, &message.id, now, &body);
            for (name, value) in [
                ("webhook-id", message.id.clone()),
                ("webhook-timestamp", now.to_string()),
                ("webhook-signature", signature),
            ] {
                headers.push((name.to_owned(), Hidden::new(value)));
            }
        }
        self.post(&target.url, headers, body)
    }

    /// Shows at a forge how a commit stands.
    ///
    /// # Errors
    /// Why it was not taken; never says anything of an address or a secret.
    pub fn show(&self, target: &str, status: &CommitStatus, environment: Option<&str>) -> Result<(), String> {
        let Some(target) = self.targets.get(target) else { return Ok(()) };
        let context = match environment {
            Some(name) => format!("pairform/{name}"),
            None => "pairform".to_owned(),
        };
        let token = target.token.as_deref().map(String::as_str).unwrap_or_default();
        let CommitStatus { commit, state, said } = status;
        let (body, header) = if target.form == Form::Gitlab {
            let state = match state {
                CommitState::Deployed => "success",
                CommitState::Pending => "running",
                CommitState::Held => "failed",
            };
            let body: Json = json!({"state": state, "name": context, "description": said});
            (body, ("private-token", token.to_owned()))
        } else {
            let state = match state {
                CommitState::Deployed => "success",
                CommitState::Pending => "pending",
                CommitState::Held => "failure",
            };
            let body: Json = json!({"state": state, "context": context, "description": said});
            (body, ("authorization", format!("Bearer {token}")))
        };
        let url = format!("{}/statuses/{commit}", target.url.as_str().trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| "its address cannot be used".to_owned())?;
        let mut headers = vec![(header.0.to_owned(), Hidden::new(header.1))];
        headers.push(("accept".to_owned(), Hidden::new("application/json".to_owned())));
        self.post(&url, headers, outward_json(body.to_string()))
    }

    fn post(&self, url: &Url, headers: Vec<(String, Hidden<String>)>, body: String) -> Result<(), String> {
        let body = Some(("application/json", Hidden::new(body.into_bytes())));
        let request = Request { method: "POST", url: url.clone(), headers, body };
        let answer = self.http.send(&request).map_err(|fault| fault.message)?;
        if (200..300).contains(&answer.status) {
            Ok(())
        } else {
            Err(format!("it answered {}", answer.status))
        }
    }
}

enum Wrong {
    Stop(Stop),
    Said(String),
}

impl Target {
    fn of(named: &Named, value: &dyn Fn(&Said) -> Result<Hidden<String>, Stop>) -> Result<Self, Wrong> {
        let said = |why: &str| Wrong::Said(why.to_owned());
        let text = value(&named.url).map_err(Wrong::Stop)?;
        let url = Url::parse(&text).map_err(|_| said("its address cannot be read"))?;
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && address::is_here(&url));
        if !is_safe {
            return Err(said("its address has to begin with https://"));
        }
        let key = named.secret.as_ref().map(value).transpose().map_err(Wrong::Stop)?;
        let key = key.map(|key| STANDARD.decode(key.trim_start_matches("whsec_"))).transpose();
        let key = key.map_err(|_| said("its secret is `whsec_` and base64"))?.map(Hidden::new);
        let token = named.token.as_ref().map(value).transpose().map_err(Wrong::Stop)?;
        match named.form {
            Form::Webhook if key.is_none() => Err(said("a webhook is signed: give it a `secret`")),
            Form::Github | Form::Gitlab if token.is_none() => {
                Err(said("a forge lets nobody in without a `token`"))
            }
            form => Ok(Target {
                form,
                url,
                key,
                token,
                tells: named.tells.clone().unwrap_or_else(|| vec![Tells::Matters, Tells::Digest]),
                owner: named.owner.clone(),
                most: named.most.unwrap_or(MANY),
            }),
        }
    }
}

fn daily_of(said: &DigestAt) -> Option<Daily> {
    let minute = minute(&said.at)?;
    let part = |part: usize| i8::try_from(part).ok();
    let at = Time::new(part(minute / 60)?, part(minute % 60)?, 0, 0).ok()?;
    Some(Daily { at, zone: TimeZone::get(&said.timezone).ok()? })
}

/// As Standard Webhooks sign: over id, time and body.
fn sign(key: &[u8], id: &str, now: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(format!("{id}.{now}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn a_message_is_signed_as_the_standard_says() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
