//! Places within one JSON Schema that many share: all that a pair says of its categories and settings is one document,
//! which is not copied for each of them.

use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value as Json;
use yoke::Yoke;

/// A schema within a schema; it keeps the whole alive.
#[derive(Debug, Clone)]
pub struct Fragment(Yoke<&'static Json, Arc<Json>>);

impl Fragment {
    /// The whole of a schema.
    #[must_use]
    pub fn whole(schema: Arc<Json>) -> Self {
        Fragment(Yoke::attach_to_cart(schema, |whole| whole))
    }

    /// What is reached by these keys, one below the other.
    #[must_use]
    pub fn below(&self, keys: &[&str]) -> Option<Self> {
        let below = self.0.try_map_project_cloned(|schema, _| {
            keys.iter().try_fold(*schema, |schema, key| schema.get(key)).ok_or(())
        });
        below.ok().map(Fragment)
    }
}

impl Deref for Fragment {
    type Target = Json;

    fn deref(&self) -> &Json {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fragment_outlives_the_whole_from_which_it_was_taken() {
        let whole = Fragment::whole(Arc::new(json!({"properties": {"a": {"type": "string"}}})));
        let part = whole.below(&["properties", "a"]).unwrap();
        assert!(whole.below(&["properties", "b"]).is_none());
        drop(whole);
        assert_eq!(*part, json!({"type": "string"}));
        assert_eq!(part.below(&["type"]).unwrap().as_str(), Some("string"));
    }
}
