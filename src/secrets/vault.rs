//! HashiCorp Vault, key/value engine version 2: `vault/MOUNT/PATH#KEY`. Asked as Vault's own command asks it: `VAULT_ADDR`,
//! `VAULT_TOKEN` (else the token that `vault login` kept), `VAULT_NAMESPACE` and `VAULT_CACERT`.
//!
//! Reads only. The token goes to that address and nowhere else: a redirect is told, never followed. Each path is asked for
//! once; what it holds is wiped at the end. Nothing here decides when a secret may be asked for.
#![expect(clippy::disallowed_methods, reason = "the door through which Vault is found and trusted")]

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::Hidden;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::http::address::{self, encode};
use crate::http::client::{Authorities, Http};
use crate::http::{Answer, Fault, FaultKind, Request};
use crate::source::load;
use crate::trust::Need;

const PATIENCE: Duration = Duration::from_secs(30);
/// Vault itself takes no larger entry by default.
const MAX_BYTES: u64 = 1024 * 1024;

/// What one path holds, by key.
type KeyValues = BTreeMap<String, Word>;

/// The Vault that the environment names. It is not looked for before the first secret is asked of it.
#[derive(Default)]
pub struct Vault {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// By path; a path that cannot be read is not asked for again.
    entries: HashMap<String, Result<KeyValues, Fault>>,
    /// An address that did not answer is not tried again.
    down: Option<Fault>,
}

impl Vault {
    /// The value behind what follows `vault/`; `allowed` says whether that server may be asked.
    ///
    /// # Errors
    /// Why it is not at hand; never says anything of a value or the token.
    pub fn read(
        &self,
        reference: &str,
        allowed: &dyn Fn(&Need) -> Result<(), Fault>,
    ) -> Result<Hidden<Vec<u8>>, Fault> {
        let parts =
            reference.split_once('#').and_then(|(path, key)| Some((path, path.split_once('/')?, key)));
        let Some((whole, (mount, path), key)) = parts else {
            return Err(Fault::new(FaultKind::Denied, "a secret in Vault is written `vault/MOUNT/PATH#KEY`"));
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = &known.down {
            return Err(fault.clone());
        }
        if !known.entries.contains_key(whole) {
            let entry = ask(mount, path, allowed);
            if let Err(fault) = &entry
                && matches!(fault.kind, FaultKind::Unreachable | FaultKind::TimedOut)
            {
                known.down = Some(fault.clone());
            }
            known.entries.insert(whole.to_owned(), entry);
        }
        let entry = match known.entries.get(whole) {
            Some(Err(fault)) => return Err(fault.clone()),
            Some(Ok(entry)) => entry.get(key),
            None => None,
        };
        match entry {
            Some(Word(Some(word))) => Ok(Hidden::new(word.as_bytes().to_vec())),
            Some(Word(None)) => Err(denied(format!("`{key}` of `{whole}` is no text in Vault"))),
            None => Err(denied(format!("`{whole}` has no key `{key}` in Vault"))),
        }
    }
}

fn denied(message: String) -> Fault {
    Fault::new(FaultKind::Denied, message)
}

fn ask(mount: &str, path: &str, allowed: &dyn Fn(&Need) -> Result<(), Fault>) -> Result<KeyValues, Fault> {
    let address = variable("VAULT_ADDR").ok_or_else(|| {
        denied("VAULT_ADDR is not set; it is Vault's address, such as https://vault.example.com".to_owned())
    })?;
    let address = address.trim_end_matches('/');
    let safe = address::parse(address).filter(address::is_safe);
    let Some(safe) = safe.filter(|_| !address.contains(['@', '?', '#'])) else {
        return Err(denied(
            "VAULT_ADDR must be an https:// address; http:// is for this machine only, so that the token is not sent in the open".to_owned(),
        ));
    };
    allowed(&Need::Vault(address::endpoint(&safe)))?;
    let token = token()
        .ok_or_else(|| denied("VAULT_TOKEN is not set, and `vault login` has left no token".to_owned()))?;
    let mut headers = vec![
        ("x-vault-token".to_owned(), token),
        ("x-vault-request".to_owned(), Hidden::new("true".to_owned())),
    ];
    if let Some(namespace) = variable("VAULT_NAMESPACE") {
        headers.push(("x-vault-namespace".to_owned(), Hidden::new(namespace)));
    }
    let path: Vec<String> = path.split('/').map(encode).collect();
    let url = format!("{address}/v1/{}/data/{}", encode(mount), path.join("/"));
    let url = address::read(&url)?;
    let http = Http::trusting(PATIENCE, MAX_BYTES, trusted()?);
    let answer = http.send(&Request { method: "GET", url, headers, body: None }).map_err(|fault| {
        let message = format!("Vault at {address} does not answer: {}", fault.message);
        Fault { message, ..fault }
    })?;
    understand(answer, address)
}

fn understand(answer: Answer, address: &str) -> Result<KeyValues, Fault> {
    let status = answer.status;
    let body = Hidden::new(answer.body);
    match status {
        200 => {
            let read: Option<Body> = serde_json::from_slice(&body).ok();
            // serde's own message might quote what it found.
            let read = read.ok_or_else(|| {
                let why =
                    format!("what Vault at {address} answers is not of its key/value engine, version 2");
                Fault::new(FaultKind::Unusable, why)
            })?;
            read.data.data.ok_or_else(|| denied("it was deleted in Vault".to_owned()))
        }
        401 | 403 => Err(denied(format!(
            "Vault at {address} does not let this token read it; the token may have expired, or lack a policy for `MOUNT/data/PATH`"
        ))),
        404 => Err(denied(format!(
            "Vault at {address} has nothing there; the mount is the first part and has to be a key/value engine, version 2"
        ))),
        429 => Err(Fault::new(FaultKind::Throttled, format!("Vault at {address} asks to wait"))),
        503 => {
            Err(Fault::new(FaultKind::Unreachable, format!("Vault at {address} is sealed or in maintenance")))
        }
        300..400 => Err(Fault::new(
            FaultKind::Unusable,
            format!(
                "Vault at {address} sends on to another address, which gets no token; set VAULT_ADDR to it if that is right"
            ),
        )),
        400..500 => Err(denied(format!("Vault at {address} refuses the request (HTTP {status})"))),
        _ => Err(Fault::new(FaultKind::Unreachable, format!("Vault at {address} fails (HTTP {status})"))),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn token() -> Option<Hidden<String>> {
    let given = env::var("VAULT_TOKEN").ok().filter(|token| !token.trim().is_empty());
    let kept = || load::text_of(&Path::new(&env::var_os("HOME")?).join(".vault-token")).ok();
    let token = Hidden::new(given.or_else(kept)?);
    Some(Hidden::new(token.trim().to_owned())).filter(|token| !token.is_empty())
}

/// The authority that `VAULT_CACERT` names, else those of the system.
fn trusted() -> Result<Authorities, Fault> {
    let Some(path) = variable("VAULT_CACERT") else { return Ok(Authorities::system()) };
    let unread = |why: String| denied(format!("VAULT_CACERT, {path}, cannot be used: {why}"));
    let pem = load::bytes_of(Path::new(&path)).map_err(|error| unread(error.to_string()))?;
    Authorities::of_pem(&pem).ok_or_else(|| unread("it holds no certificate".to_owned()))
}

#[derive(Deserialize)]
struct Body {
    data: Version,
}

#[derive(Deserialize)]
struct Version {
    data: Option<KeyValues>,
    /// Version 1 of the engine has none.
    #[serde(rename = "metadata")]
    _metadata: serde_json::Map<String, serde_json::Value>,
}

/// A text, number or toggle; `None` for all else. Its memory is wiped.
struct Word(Option<Hidden<String>>);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor)
    }
}

struct WordVisitor;

impl WordVisitor {
    fn word(text: impl fmt::Display) -> Word {
        Word(Some(Hidden::new(text.to_string())))
    }
}

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Word;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
        Ok(Self::word(text))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Word, E> {
        Ok(Self::word(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Word, E> {
        Ok(Self::word(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Word, E> {
        Ok(Self::word(number))
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Word, E> {
        Ok(Self::word(on))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Word, E> {
        Ok(Word(None))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Word, A::Error> {
        while items.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(Word(None))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Word, A::Error> {
        while entries.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
        Ok(Word(None))
    }
}
