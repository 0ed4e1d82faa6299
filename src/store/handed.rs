//! A plan that is handed in to a server, and what it says to it. What stands in it is its maker's and its reader's matter.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::error::StoreError;

/// What a server said to a plan that was handed in.
#[derive(Debug)]
pub struct Handed {
    /// An answer before this one was lost, so that what it finds done may be our own doing.
    pub asked_again: bool,
    pub said: HandedSaid,
}

#[derive(Debug)]
pub enum HandedSaid {
    /// What became of it.
    Done(Json),
    /// It is not applied, and why.
    Refused(Told),
}

/// An answer of a problem (RFC 9457), as far as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Told {
    pub status: u16,
    pub code: String,
    pub detail: String,
    pub help: Option<String>,
    #[serde(flatten)]
    pub more: BTreeMap<String, Json>,
}

/// A store that nobody but its server writes.
pub trait TakesPlans {
    /// Hands in a plan to be applied, under its digest; events are told as they come. An answer that is lost is asked for again, as
    /// what is applied once stays so.
    ///
    /// # Errors
    /// When there is no answer; [`StoreError::InDoubt`] where the plan may have been begun.
    fn hand_in(
        &mut self,
        digest: &str,
        body: &[u8],
        is_stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Json),
    ) -> Result<Handed, StoreError>;
}
