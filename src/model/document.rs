//! Settings of a category as their nested document, for serde.

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

use super::{Settings, from_json, to_json};

/// # Errors
/// As the serializer has them.
pub fn serialize<S: Serializer>(settings: &Settings, to: S) -> Result<S::Ok, S::Error> {
    to_json(settings).serialize(to)
}

/// # Errors
/// When it is no JSON.
pub fn deserialize<'de, T: From<Settings>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    serde_json::Value::deserialize(from).map(|document| from_json(&document).into())
}
