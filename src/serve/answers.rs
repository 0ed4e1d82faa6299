//! What platforms answered when somebody had their connections tried, as long as this server remembers it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::ops::section::Tried;

/// Of so many integrations it is remembered.
const MOST: usize = 1000;

/// What was answered, by integration, and when.
#[derive(Debug, Default)]
pub struct Answers(Mutex<HashMap<String, (String, Vec<Tried>)>>);

impl Answers {
    pub fn keep(&self, id: &str, at: String, tried: Vec<Tried>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(id.to_owned(), (at, tried));
    }

    #[must_use]
    pub fn of(&self, id: &str) -> Option<(String, Vec<Tried>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}
