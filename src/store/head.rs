//! What a store tells of a category without its settings, and whether that is enough: the marks that a save leaves beside the
//! documents. Knows no table.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::data::Save;
use crate::model::{self, CanonicalText, Name, Secret, SettingPath, Settings, Step, Value, hex};

/// A category as a plan that changes nothing has to know it. There may be a million of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub category: Name,
    pub revision: u64,
    /// How many settings were deployed by the save that left the marks.
    pub settings: usize,
    marks: Option<Marks>,
}

impl Head {
    /// True when it is certain that nothing differs: what the last apply set is what is wanted, and all of it is deployed.
    #[must_use]
    pub fn is_up_to_date(&self, wanted: Wanted<'_>) -> bool {
        let Some(marks) = &self.marks else { return false };
        let secrets_agree = match (wanted.known, wanted.unknown) {
            (false, _) => true,
            (true, false) => marks.secrets == wanted.secrets_mark(),
            (true, true) => false,
        };
        secrets_agree && marks.settled == wanted.settled_mark(&marks.digest)
    }

    /// True unless somebody edited it by hand since the last save, or the save is older than the marks.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.marks.is_some()
    }

    /// As one program tells it to another: category, revision, how many settings, and the marks as they lie in a table.
    #[must_use]
    pub fn told(&self) -> (String, u64, usize, [String; 3]) {
        let marks = match &self.marks {
            Some(Marks { digest, settled, secrets }) => [
                digest_text(digest),
                hex(settled),
                secrets.as_ref().map(|mark| hex(mark)).unwrap_or_default(),
            ],
            None => Default::default(),
        };
        (self.category.to_string(), self.revision, self.settings, marks)
    }

    /// True when the last apply left no setting of its own here.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.is_up_to_date(Wanted::default())
    }
}

/// What the files want of a category, in the form that marks are made of. A secret whose value is not at hand counts by its
/// reference.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// Of secrets only the references.
    text: CanonicalText,
    /// The keys of the open maps.
    open: Vec<&'a str>,
    /// Paths and fingerprints.
    secrets: String,
    is_some: bool,
    /// Secrets whose value is at hand, and whose is not.
    known: bool,
    unknown: bool,
}

impl<'a> Wanted<'a> {
    #[must_use]
    pub fn of(settings: &'a Settings) -> Self {
        let mut wanted = Wanted::default();
        model::walk(settings, &mut |step| wanted.take(step));
        wanted
    }

    /// Takes the next step, in the order of paths.
    pub fn take(&mut self, step: Step<'a, &Value>) {
        match &step {
            Step::Open(key) => self.open.push(key),
            Step::Close => drop(self.open.pop()),
            Step::Leaf(key, Value::Secret(secret)) => {
                self.is_some = true;
                let path: SettingPath = self.open.iter().copied().chain([*key]).collect();
                let fingerprint = secret.fingerprint.as_deref();
                self.known |= fingerprint.is_some();
                self.unknown |= fingerprint.is_none();
                self.secrets.push_str(&format!("{path}\n{}\n", fingerprint.unwrap_or_default()));
                let reference = Value::Secret(Secret { fingerprint: None, ..secret.clone() });
                return self.text.take(&Step::Leaf(key, &reference));
            }
            Step::Leaf(..) => self.is_some = true,
        }
        self.text.take(&step);
    }

    /// As [`Wanted::take`], of a leaf that is a text.
    pub fn text(&mut self, key: &str, text: &str) {
        self.is_some = true;
        self.text.text(key, text);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.is_some
    }

    /// Some secret is not at hand.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        self.unknown
    }

    /// Of the fingerprints of the secrets; `None` where there are no secrets.
    fn secrets_mark(&self) -> Option<Hash> {
        (!self.secrets.is_empty()).then(|| Sha256::digest(&self.secrets).into())
    }

    /// Of the digest of what is deployed and of what was applied, references for secrets.
    fn settled_mark(self, digest: &Hash) -> Hash {
        let mut hash = Sha256::new();
        hash.update(DIGEST);
        hash.update(hex(digest));
        hash.update("\n");
        hash.update(self.text.end());
        hash.finalize().into()
    }
}

/// A SHA-256.
type Hash = [u8; 32];

/// What a save left beside its documents, where all that was applied is deployed and nobody edited it by hand since.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marks {
    /// Of the settings.
    digest: Hash,
    /// See [`Wanted::settled_mark`] and [`Wanted::secrets_mark`].
    settled: Hash,
    secrets: Option<Hash>,
}

impl Marks {
    /// From the columns `digest`, `settled` and `secrets`. By what cannot be read nothing is certain.
    fn read(digest: &str, settled: &str, secrets: &str) -> Option<Self> {
        Some(Marks {
            digest: hash(digest.strip_prefix(DIGEST)?)?,
            settled: hash(settled)?,
            secrets: if secrets.is_empty() { None } else { Some(hash(secrets)?) },
        })
    }
}

const DIGEST: &str = "sha256:";

fn digest_text(digest: &Hash) -> String {
    format!("{DIGEST}{}", hex(digest))
}

/// From 64 hex digits.
fn hash(text: &str) -> Option<Hash> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut hash = [0; 32];
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != hash.len() {
        return None;
    }
    for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(hash)
}

/// The heads of a store's categories by integration.
#[derive(Debug, Default)]
pub struct Heads {
    found: BTreeMap<Name, Vec<Head>>,
}

impl Heads {
    /// Those of one integration; empty where it has none.
    #[must_use]
    pub fn of(&self, integration: &str) -> &[Head] {
        self.found.get(integration).map_or(&[], Vec::as_slice)
    }

    /// All, each with its integration.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Head)> {
        self.found.iter().flat_map(|(name, heads)| heads.iter().map(move |head| (name, head)))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn put(&mut self, integration: Name, heads: Vec<Head>) {
        self.found.insert(integration, heads);
    }
}

/// Takes the heads of one integration.
pub type TakeHeads<'t> = dyn FnMut(Name, Vec<Head>) + 't;

/// Heads as a store reads them, row by row, those of one integration after each other.
pub(super) struct Reading<'t> {
    take: &'t mut TakeHeads<'t>,
    /// The last integration, and what was read of it.
    last: String,
    heads: Vec<Head>,
    categories: Vec<Name>,
}

impl<'t> Reading<'t> {
    pub fn of(take: &'t mut TakeHeads<'t>) -> Self {
        Reading { take, last: String::new(), heads: Vec::new(), categories: Vec::new() }
    }

    pub fn add(&mut self, integration: &str, category: &str, revision: u64, settings: i64, marks: [&str; 3]) {
        if integration != self.last {
            self.give();
            integration.clone_into(&mut self.last);
        }
        let [digest, settled, secrets] = marks;
        let head = Head {
            category: self.category(category),
            revision,
            settings: usize::try_from(settings).unwrap_or_default(),
            marks: Marks::read(digest, settled, secrets),
        };
        self.heads.push(head);
    }

    /// A name that many have is kept once.
    fn category(&mut self, text: &str) -> Name {
        if let Some(known) = self.categories.iter().find(|known| **known == *text) {
            return known.clone();
        }
        let name = Name::from(text);
        self.categories.push(name.clone());
        name
    }

    /// All of the last integration were read. They take no more room than they need, as there may be very many.
    pub fn give(&mut self) {
        if !self.heads.is_empty() {
            let heads = self.heads.drain(..).collect();
            (self.take)(self.last.as_str().into(), heads);
        }
    }
}

/// What is written for one save: documents, and marks beside them. An edit by hand empties `digest`, and with it nothing is
/// certain any more.
pub(super) struct Documents {
    pub settings: String,
    pub applied: String,
    pub setting_count: i64,
    /// Of the settings.
    pub digest: String,
    /// Empty unless all that was applied is deployed.
    pub settled: String,
    /// Empty where there are no secrets.
    pub secrets: String,
}

impl Documents {
    /// `settings` are those of the save, without nulls.
    pub fn of(save: &Save<'_>, settings: &Settings) -> Documents {
        let text = model::canonical(settings);
        let digest: Hash = Sha256::digest(&text).into();
        let deployed = |(path, value): (_, &Value)| match value {
            Value::Null => !settings.keys().any(|key| key.starts_with(path)),
            value => settings.get(path) == Some(value),
        };
        let applied = Wanted::of(save.applied);
        let secrets = applied.secrets_mark().map(|mark| hex(&mark)).unwrap_or_default();
        let all_deployed = save.applied.iter().all(deployed);
        let settled = if all_deployed { hex(&applied.settled_mark(&digest)) } else { String::new() };
        Documents {
            applied: model::canonical(save.applied),
            setting_count: i64::try_from(settings.len()).unwrap_or(i64::MAX),
            digest: digest_text(&digest),
            settled,
            secrets,
            settings: text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_cannot_be_read_make_nothing_certain() {
        let (digest, mark) = (format!("sha256:{}", "0f".repeat(32)), "a1".repeat(32));
        let read = Marks::read(&digest, &mark, "").unwrap();
        assert_eq!(
            (digest_text(&read.digest), hex(&read.settled), read.secrets),
            (digest.clone(), mark.clone(), None)
        );
        assert!(Marks::read(&digest, &mark, &mark).is_some());
        for wrong in ["x", &mark[1..], &mark.to_uppercase(), &format!("{mark}00"), &"é".repeat(32)] {
            assert!(Marks::read(&format!("sha256:{wrong}"), &mark, "").is_none(), "{wrong}");
            assert!(
                Marks::read(&digest, wrong, "").is_none() && Marks::read(&digest, &mark, wrong).is_none(),
                "{wrong}"
            );
        }
        assert!(Marks::read("", &mark, "").is_none() && Marks::read(&digest, "", "").is_none());
        assert!(Marks::read(&mark, &mark, "").is_none());
    }
}
