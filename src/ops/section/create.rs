//! A new integration, made by a person: in onboarding, with a name. One that a file has needs no making; an apply does that.

use serde_json::json;

use super::access::Access;
use super::ground::Ground;
use super::known::{Known, known};
use super::refusals::{self, NotSaved};
use super::save::{Body, Expected, SaveAsked, save};
use crate::model::GENERAL;
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::ops::names::require_id;
use crate::ops::project::no_pair;
use crate::store::{Registered, Store};

/// Makes an integration of a pair.
///
/// # Errors
/// When there is one of this id, the pair is not known, or whoever asks may not; see [`save`].
pub fn create(
    id: &str,
    pair: &str,
    name: &str,
    access: &Access,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<Known, NotSaved> {
    if !access.saves(id, GENERAL) {
        let refused = NotSaved::Forbidden(format!("{} may not make integrations of that name", access.name));
        return refusals::kept(Err(refused), &format!("a new integration `{id}`"), access, store, host);
    }
    require_id(id)?;
    let pair = ground.pair(pair).ok_or_else(|| no_pair(pair, ground.catalogue()))?;
    if ground.says(id, store, host)?.is_some() {
        let why = format!("a file has the integration `{id}`; an apply makes it");
        return Err(NotSaved::Exists(why));
    }
    let new = Registered {
        id: id.to_owned(),
        pair: Some(pair.id.to_string()),
        made_at: host.stamp(),
        made_by: access.name.clone(),
    };
    if !store.register(&new)? {
        return Err(NotSaved::Exists(format!("there is an integration `{id}` already")));
    }
    let general = SaveAsked {
        integration: id,
        category: GENERAL,
        body: Body::Whole(json!({"name": name, "onboarding_mode": true, "live_mode": false})),
        expected: Expected::Nothing,
        key: None,
        override_reason: None,
        force: &[],
        is_trial: false,
    };
    if pair.category(GENERAL).is_some()
        && let Err(why) = save(&general, access, ground, store, host)
    {
        // One that could not be named is not there.
        store.forget(id)?;
        return Err(why);
    }
    Ok(known(id, ground, store, host)?)
}
