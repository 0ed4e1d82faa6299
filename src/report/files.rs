//! How files of the project would differ, as JSON.

use serde_json::{Value as Json, json};

use crate::ops::files::FileDiff;

/// As results carry it.
#[must_use]
pub fn json(diffs: &[FileDiff]) -> Json {
    let one = |diff: &FileDiff| json!({"path": diff.path, "created": diff.created, "diff": diff.text});
    diffs.iter().map(one).collect()
}
