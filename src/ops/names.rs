//! What an integration may be called.

use super::error::{Error, Result};

/// Proves that a text can be an integration's id.
///
/// # Errors
/// When it cannot.
pub fn require_id(name: &str) -> Result<()> {
    let fits = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if fits {
        Ok(())
    } else {
        Err(Error::usage(format!("`{name}` cannot be an integration's id"))
            .help("write lower-case letters, digits and hyphens"))
    }
}
