//! Who last touched the line that a change stands on. Reads git's history and nothing else.

use std::collections::BTreeMap;

use crate::plan::{ChangeKind, Integration, Touched};
use crate::source::Sources;
use crate::source::git::{Commit, History, Revision};

/// Who last touched each line of the files that changes stand in.
pub struct Blame<'a> {
    sources: &'a Sources,
    history: &'a (History, Revision),
    files: BTreeMap<String, Vec<Option<Commit>>>,
}

impl<'a> Blame<'a> {
    #[must_use]
    pub fn of(sources: &'a Sources, history: &'a (History, Revision)) -> Self {
        Blame { sources, history, files: BTreeMap::new() }
    }

    /// Names who last touched the line of each change.
    pub fn name(&mut self, integration: &mut Integration) {
        let Blame { sources, history: (history, head), files } = self;
        let changes = integration.categories.iter_mut().flat_map(|one| &mut one.changes);
        for change in changes.filter(|change| change.kind != ChangeKind::Reset) {
            let (Some(path), Some(line)) = (&change.path, change.line) else { continue };
            let lines = files.entry(path.clone()).or_insert_with(|| {
                let text = sources.by_path(path).map(|id| sources.file(id).text()).unwrap_or_default();
                history.touched(head, path, text)
            });
            change.touched = Some(match lines.get(line - 1).cloned().flatten() {
                Some(commit) => Touched { commit: Some(commit.id), author: commit.author },
                None => Touched { commit: None, author: String::new() },
            });
        }
    }
}
