//! Digests, and the forms in which bytes and JSON are compared.

use sha2::{Digest as _, Sha256};

/// Compact JSON with sorted keys, of any value.
#[must_use]
pub fn canonical_json(mut value: serde_json::Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

/// `sha256:` and 64 hex digits of a text's bytes.
#[must_use]
pub fn digest_text(text: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(text.as_bytes())))
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}
