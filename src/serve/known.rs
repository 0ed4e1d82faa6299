//! What is known of the integration that a path names.

use super::app::Work;
use super::problem::Problem;
use crate::ops::section::{self, Access, Known};

/// What is known of an integration, where whoever asks may read it. Whether there is one he may not read is not told.
pub fn known(id: &str, access: &Access, work: &mut Work<'_>) -> Result<Known, Problem> {
    if !access.reads(id) {
        return Err(Problem::absent(format!("there is no integration `{id}`")));
    }
    Ok(section::known(id, &work.ground, work.store, work.host)?)
}
