//! Parts of a project that take the place of built-in ones, where nobody vouches for the project: those of its base serve.

use std::collections::BTreeSet;

use crate::schema::parts::replaced;
use crate::source::Sources;

/// The same sources with each part that replaces a built-in one as a base has it, or without it; none where that is what they
/// are.
#[must_use]
pub fn vouched(sources: &Sources, base: Option<&Sources>) -> Option<Sources> {
    let paths: BTreeSet<&str> = replaced(sources).chain(base.into_iter().flat_map(replaced)).collect();
    let same =
        |path: &str| match (sources.by_path(path), base.and_then(|base| Some((base, base.by_path(path)?)))) {
            (Some(own), Some((base, file))) => sources.file(own).same_content(base.file(file)),
            (own, of_base) => own.is_none() && of_base.is_none(),
        };
    if paths.iter().all(|path| same(path)) {
        return None;
    }
    let vouched = |path: &str| base.and_then(|base| Some(base.file(base.by_path(path)?).copy()));
    Some(sources.with_files(&|path| paths.contains(path), paths.iter().filter_map(|path| vouched(path))))
}
