//! One account of one platform, and what is wanted of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::descriptor::Descriptor;

/// One account of one platform, and what is wanted of it.
#[derive(Debug)]
pub struct Account {
    pub connector: String,
    /// What names the account: shop, tenant, store address.
    pub name: String,
    pub descriptor: Descriptor,
    /// The connection's fields, defaults filled in; secrets are references.
    pub connection: BTreeMap<String, Json>,
    /// Set to the values that are used of it.
    pub sets: BTreeMap<String, BTreeSet<String>>,
    pub integrations: BTreeSet<String>,
}
