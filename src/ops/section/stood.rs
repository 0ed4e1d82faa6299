//! What was found of integrations as they stand: what a save is compared with. It is judged once, and known then by what it was judged from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::diagnostic::Finding;

/// Integrations of which it is known.
const MOST: usize = 4096;

/// What was found of an integration.
#[derive(Debug)]
pub struct Stood {
    pub findings: Vec<Finding>,
    /// It is live, and nobody wrote its connections.
    pub lacks_connections: bool,
}

/// By integration, a mark of what it was judged from and what was found.
#[derive(Debug, Default)]
pub struct AllStood(Mutex<HashMap<String, (String, Arc<Stood>)>>);

impl AllStood {
    fn all(&self) -> MutexGuard<'_, HashMap<String, (String, Arc<Stood>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found, where it was judged from just that.
    #[must_use]
    pub fn of(&self, id: &str, mark: &str) -> Option<Arc<Stood>> {
        self.all().get(id).filter(|(of, _)| of == mark).map(|(_, stood)| Arc::clone(stood))
    }

    pub fn keep(&self, id: &str, mark: String, stood: Arc<Stood>) {
        let mut all = self.all();
        if all.len() >= MOST && !all.contains_key(id) {
            all.clear();
        }
        all.insert(id.to_owned(), (mark, stood));
    }
}
