//! The random facts that a store is given when it is made, and the ids of locks. Nothing here is stored or read.

use crate::model::{self, Hidden};

#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub(super) struct NoRandomBytes(getrandom::Error);

/// What a new store is given: its identity (a UUID), and the key of its fingerprints as 64 hex digits.
pub(super) fn invent() -> Result<(String, Hidden<String>), NoRandomBytes> {
    let mut key = Hidden::new([0_u8; 32]);
    fill(&mut *key)?;
    Ok((random_id()?, Hidden::new(model::hex(&*key))))
}

/// A random UUID's text.
pub(super) fn random_id() -> Result<String, NoRandomBytes> {
    let mut bytes = [0_u8; 16];
    fill(&mut bytes)?;
    Ok(uuid(bytes))
}

fn fill(bytes: &mut [u8]) -> Result<(), NoRandomBytes> {
    getrandom::fill(bytes).map_err(NoRandomBytes)
}

/// RFC 9562, version 4.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    [0..4, 4..6, 6..8, 8..10, 10..16].map(|part| model::hex(&bytes[part])).join("-")
}

/// 32 bytes from 64 hex digits.
pub(super) fn from_hex(text: &str) -> Option<Hidden<Vec<u8>>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect::<Option<_>>()
        .map(Hidden::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_uuid_of_version_4() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn a_key_reads_back_from_hex_or_not_at_all() {
        assert_eq!(from_hex(&model::hex(&[7; 32])).as_deref(), Some(&vec![7; 32]));
        assert!(from_hex("07").is_none());
        assert!(from_hex(&"é".repeat(32)).is_none());
    }
}
