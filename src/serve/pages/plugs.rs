//! What the pages link to beside each other.

use serde::Serialize;

/// What else there is to link to. Each is off until its page or call is there.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Plugs {
    /// `/integrations/{id}/propose?category=…&setting=…`: Propose a change, and Take into git.
    pub propose: bool,
    /// `/integrations/{id}/changes`
    pub changes: bool,
    /// `/integrations/{id}/plan`
    pub plan: bool,
    /// `POST /integrations/{id}/cache:clear`
    pub clear_cache: bool,
}

pub const PLUGS: Plugs = Plugs { propose: false, changes: false, plan: false, clear_cache: false };
