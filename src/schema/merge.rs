//! Laying parts over each other.

use serde_json::Value as Json;

/// Maps merge key by key, `null` takes a key away, all else replaces.
pub(super) fn merge(into: &mut Json, over: &Json) {
    let (Json::Object(into), Json::Object(over)) = (&mut *into, over) else {
        *into = over.clone();
        return;
    };
    for (key, value) in over {
        if value.is_null() {
            into.shift_remove(key);
        } else {
            merge(into.entry(key.clone()).or_insert(Json::Null), value);
        }
    }
}
