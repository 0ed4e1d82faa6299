//! What an integration may be called, and names that nobody has yet.

use super::error::{Error, ErrorKind, Result};

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

/// A random name of sixteen hexadecimal digits.
///
/// # Errors
/// When the system gives no random bytes.
pub fn random_name() -> Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the system gives no random bytes: {error}"))
    })?;
    Ok(crate::model::hex(&bytes))
}
