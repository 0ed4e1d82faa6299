//! Signatures of plans, made as git signs commits, and those of commits: SSHSIG in the namespace `pairform-plan`, over the digest of a plan as it stands in
//! its file. `ssh-keygen -Y verify -n pairform-plan` checks them too. Whose signature counts is not asked here, and no file is
//! read.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm,
    EcdsaVerificationAlgorithm, Ed25519KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use ssh_key::private::{EcdsaKeypair, KeypairData};
use ssh_key::public::{EcdsaPublicKey, KeyData};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, Mpint, PrivateKey, PublicKey, Signature, SshSig};

use crate::model::Hidden;

/// What a signature has to be made for: one of a commit is none of a plan.
pub const NAMESPACE: &str = "pairform-plan";

/// What git makes signatures of commits for.
pub const COMMIT_NAMESPACE: &str = "git";

/// Why a plan cannot be signed with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("it is no private key of OpenSSH")]
    NoKey,
    #[error(
        "it is encrypted, and pairform asks for no passphrase and no agent; sign with a key that is kept unencrypted where only this job can read it"
    )]
    Encrypted,
    #[error("keys of the kind {0} do not sign plans; make one with `ssh-keygen -t ed25519`")]
    Kind(String),
}

/// Why a signature is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("it is no signature of SSH")]
    NoSignature,
    #[error("it was made for `{found}`, not for `{wanted}`")]
    Namespace { found: String, wanted: &'static str },
    #[error("it is of a kind that is not known here: {0}")]
    Kind(String),
    #[error("it is of something else")]
    Other,
}

/// Whose signature it is, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// As OpenSSH writes it: `ssh-ed25519 AAAA…`
    pub key: String,
    /// `SHA256:…`
    pub fingerprint: String,
}

/// Signs a digest with a private key in the form of OpenSSH.
///
/// # Errors
/// When the key cannot sign.
pub fn sign(digest: &str, key: &str) -> Result<String, SignError> {
    let key = PrivateKey::from_openssh(key.trim_start()).map_err(|_| SignError::NoKey)?;
    if key.is_encrypted() {
        return Err(SignError::Encrypted);
    }
    let kind = |_| SignError::Kind(key.algorithm().to_string());
    let signed = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, digest.as_bytes()).map_err(kind)?;
    let bytes = signature_bytes(key.key_data(), &signed)
        .ok_or_else(|| SignError::Kind(key.algorithm().to_string()))?;
    let signature = Signature::new(key.algorithm(), bytes).map_err(kind)?;
    let public = key.public_key().key_data().clone();
    let signature = SshSig::new(public, NAMESPACE, HashAlg::Sha512, signature).map_err(kind)?;
    signature.to_pem(LineEnding::LF).map_err(kind)
}

fn signature_bytes(key: &KeypairData, message: &[u8]) -> Option<Vec<u8>> {
    match key {
        KeypairData::Ed25519(pair) => {
            let (seed, public) = (Hidden::new(pair.private.to_bytes()), pair.public.as_ref());
            let pair = Ed25519KeyPair::from_seed_and_public_key(&*seed, public).ok()?;
            Some(pair.sign(message).as_ref().to_vec())
        }
        KeypairData::Ecdsa(pair @ EcdsaKeypair::NistP256 { .. }) => {
            ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, pair, message)
        }
        KeypairData::Ecdsa(pair @ EcdsaKeypair::NistP384 { .. }) => {
            ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, pair, message)
        }
        _ => None,
    }
}

/// Two numbers of one length, as SSH writes numbers.
fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, pair: &EcdsaKeypair, message: &[u8]) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    let (private, public) = (pair.private_key_bytes(), pair.public_key_bytes());
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random).ok()?;
    let signature = pair.sign(&random, message).ok()?;
    let (r, s) = signature.as_ref().split_at(signature.as_ref().len() / 2);
    let mut bytes = Vec::new();
    for number in [r, s] {
        let number = Mpint::from_positive_bytes(number);
        bytes.extend(u32::try_from(number.as_bytes().len()).ok()?.to_be_bytes());
        bytes.extend(number.as_bytes());
    }
    Some(bytes)
}

/// Proves that a signature is of a digest, and tells whose it is.
///
/// # Errors
/// When it is not.
pub fn verify(digest: &str, signature: &str) -> Result<Signed, Broken> {
    verify_in(NAMESPACE, digest.as_bytes(), signature)
}

/// Proves that a signature is of what git signs of a commit, and tells whose it is.
///
/// # Errors
/// When it is not, or is none of SSH.
pub fn verify_commit(signed: &[u8], signature: &str) -> Result<Signed, Broken> {
    verify_in(COMMIT_NAMESPACE, signed, signature)
}

fn verify_in(namespace: &'static str, signed: &[u8], signature: &str) -> Result<Signed, Broken> {
    let signature = SshSig::from_pem(signature).map_err(|_| Broken::NoSignature)?;
    if signature.namespace() != namespace {
        return Err(Broken::Namespace { found: signature.namespace().to_owned(), wanted: namespace });
    }
    let message =
        SshSig::signed_data(namespace, signature.hash_alg(), signed).map_err(|_| Broken::NoSignature)?;
    let kind = || Broken::Kind(signature.public_key().algorithm().to_string());
    if signature.reserved() != b"" {
        return Err(Broken::NoSignature);
    }
    if !is_of(signature.public_key(), &message, signature.signature()).ok_or_else(kind)? {
        return Err(Broken::Other);
    }
    let key = PublicKey::from(signature.public_key().clone());
    Ok(Signed {
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        key: key.to_openssh().map_err(|_| Broken::NoSignature)?,
    })
}

/// Whether a signature is of a message; none where its kind is not known here.
fn is_of(key: &KeyData, message: &[u8], signature: &Signature) -> Option<bool> {
    let (bytes, algorithm) = (signature.as_bytes(), signature.algorithm());
    Some(match (key, algorithm) {
        (KeyData::Ed25519(key), Algorithm::Ed25519) => {
            UnparsedPublicKey::new(&ED25519, key.as_ref()).verify(message, bytes).is_ok()
        }
        (KeyData::Ecdsa(key), Algorithm::Ecdsa { curve }) if key.curve() == curve => {
            is_of_ecdsa(key, message, bytes)?
        }
        (KeyData::Rsa(key), Algorithm::Rsa { hash }) => {
            let (n, e) = (key.n().as_positive_bytes()?, key.e().as_positive_bytes()?);
            let algorithm = match hash? {
                HashAlg::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                HashAlg::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                _ => return None,
            };
            RsaPublicKeyComponents { n, e }.verify(algorithm, message, bytes).is_ok()
        }
        _ => return None,
    })
}

fn is_of_ecdsa(key: &EcdsaPublicKey, message: &[u8], bytes: &[u8]) -> Option<bool> {
    let (algorithm, size): (&'static EcdsaVerificationAlgorithm, usize) = match key.curve() {
        EcdsaCurve::NistP256 => (&ECDSA_P256_SHA256_FIXED, 32),
        EcdsaCurve::NistP384 => (&ECDSA_P384_SHA384_FIXED, 48),
        EcdsaCurve::NistP521 => return None,
    };
    let mut fixed = Vec::with_capacity(2 * size);
    let mut rest = bytes;
    for _ in 0..2 {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (number, after) = after.split_at_checked(length)?;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        fixed.extend(std::iter::repeat_n(0, size.checked_sub(number.len())?));
        fixed.extend(number);
        rest = after;
    }
    let key = UnparsedPublicKey::new(algorithm, key.as_sec1_bytes());
    Some(rest.is_empty() && key.verify(message, &fixed).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_signature_and_no_key_is_told() {
        assert_eq!(verify("sha256:00", ""), Err(Broken::NoSignature));
        assert_eq!(verify("sha256:00", "-----BEGIN SSH SIGNATURE-----\n"), Err(Broken::NoSignature));
        assert_eq!(sign("sha256:00", "a secret"), Err(SignError::NoKey));
    }
}
