//! Whether a plan is signed as is asked for from outside: every way to apply or record passes here.

use std::time::Duration;

use jiff::Timestamp;

use super::error::{Error, ErrorKind, Help, Result};
use crate::plan::{Plan, signature};
use crate::source::git::History;
use crate::trust::Signatures;

/// How a signature in the form of OpenPGP begins.
const OPENPGP: &str = "-----BEGIN PGP ";

/// How long git may take to judge one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whose signature a plan has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBy {
    /// Of the key: `SHA256:…`
    pub fingerprint: String,
    /// The names that the key has among the signers; empty where it is none of theirs.
    pub names: Vec<String>,
}

/// Who signed a plan; none where nobody did.
///
/// # Errors
/// When its signature is broken.
pub fn signed_by(
    file: &Plan,
    signatures: &Signatures,
    now: Timestamp,
) -> Result<Option<SignedBy>, signature::Broken> {
    let Some(armored) = &file.signature else { return Ok(None) };
    let signed = signature::verify(&file.digest, armored)?;
    let names = signatures.who(&signed.key, signature::NAMESPACE, now);
    let names = names.into_iter().map(str::to_owned).collect();
    Ok(Some(SignedBy { fingerprint: signed.fingerprint, names }))
}

/// Proof that as much is signed as is asked for. Only [`require_signature`] makes one.
#[derive(Debug)]
pub struct Signed(Asked);

#[derive(Debug)]
enum Asked {
    /// Nothing has to be signed.
    Nothing,
    /// The plan with this digest had to be, and is.
    Plan(String),
    /// What is planned of this commit: it had to be signed, and is.
    Commit(String),
}

impl Signed {
    /// Proves that it is of this plan.
    ///
    /// # Errors
    /// When it is of another one.
    pub(super) fn require(&self, plan: &Plan) -> Result<()> {
        match &self.0 {
            Asked::Plan(digest) if *digest != plan.digest => {
                Err(refused("another plan was signed than this"))
            }
            Asked::Commit(id) if plan.commit.as_ref().is_none_or(|of| of.dirty || of.id != *id) => {
                Err(refused("another commit was signed than the one that the plan is of"))
            }
            _ => Ok(()),
        }
    }
}

/// Proves that a plan is signed as is asked for here; of one that was not saved nothing is signed.
///
/// # Errors
/// When a signature is broken, or a plan has to be signed by one of the signers and is not.
pub fn require_signature(file: Option<&Plan>, signatures: &Signatures, now: Timestamp) -> Result<Signed> {
    let signed = match file.map(|file| signed_by(file, signatures, now)) {
        Some(Err(broken)) => return Err(refused(format!("the signature of the plan is broken: {broken}"))),
        Some(Ok(signed)) => file.zip(signed),
        None => None,
    };
    match signed {
        _ if !signatures.required => Ok(Signed(Asked::Nothing)),
        Some((file, SignedBy { names, .. })) if !names.is_empty() => {
            Ok(Signed(Asked::Plan(file.digest.clone())))
        }
        Some((_, SignedBy { fingerprint, .. })) => Err(refused(format!(
            "the plan is signed with the key {fingerprint}, which is none of the signers' here and now"
        ))),
        None => Err(refused("only plans that are signed are applied here, and this one is not")),
    }
}

/// Proves that a commit is signed as is asked for here: where plans have to be signed and nobody signs one, one of the signers signs
/// the commit, as git does with a key of SSH or OpenPGP. Of the latter git and the machine's keyring say whether it is good.
///
/// # Errors
/// When it has to be signed by one of the signers and is not.
pub fn require_signed_commit(
    history: &History,
    commit: &str,
    signatures: &Signatures,
    now: Timestamp,
) -> Result<Signed> {
    if !signatures.required {
        return Ok(Signed(Asked::Nothing));
    }
    let refused = |why: String| {
        Error::new(ErrorKind::NotAllowed, format!("commit {commit} is not applied: {why}"))
            .help("have one of the signers of the policy sign a commit on top of it (`git commit -S`)")
    };
    let Some((signature, signed)) = history.signature(commit) else {
        return Err(refused("only what is signed is applied here, and it is not".to_owned()));
    };
    let no_good = |why: &dyn std::fmt::Display| refused(format!("its signature does not count: {why}"));
    let (shown, keys) = if signature.trim_start().starts_with(OPENPGP) {
        let keys = history.openpgp_key(commit, PATIENCE).map_err(|error| no_good(&error))?;
        (keys[0].clone(), keys.to_vec())
    } else {
        let signed = signature::verify_commit(&signed, &signature).map_err(|broken| no_good(&broken))?;
        (signed.fingerprint, vec![signed.key])
    };
    let is_a_signers = |key: &String| !signatures.who(key, signature::COMMIT_NAMESPACE, now).is_empty();
    if !keys.iter().any(is_a_signers) {
        return Err(refused(format!(
            "it is signed with the key {shown}, which is none of the signers' here and now"
        )));
    }
    Ok(Signed(Asked::Commit(commit.to_owned())))
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::NotAllowed, why).with(Help::SignPlan)
}
