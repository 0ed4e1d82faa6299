//! Secrets in memory. Not here: where they are read (`secrets`) and how they are fingerprinted.

#![expect(clippy::disallowed_types, reason = "the one holder of what is wiped")]

use std::fmt;
use std::ops::{Deref, DerefMut};

use zeroize::{Zeroize, Zeroizing};

/// A secret at hand: never printed, and wiped from memory when it is dropped.
#[derive(Clone, Default)]
pub struct Hidden<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Hidden<T> {
    pub fn new(value: T) -> Self {
        Hidden(Zeroizing::new(value))
    }
}

impl<T: Zeroize> Deref for Hidden<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> DerefMut for Hidden<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Hidden::new("s3cret".to_owned());
        assert_eq!(format!("{:?} {:#?}", Some(&secret), [&secret]), "Some((hidden)) [\n    (hidden),\n]");
        assert_eq!(secret.len(), 6);
    }
}
