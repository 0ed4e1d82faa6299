//! Dropdown values that a server fetched, beside the committed lists: of each set, whichever was fetched later counts. The committed
//! lists are git's and stay as they are; nothing is written here.

use std::collections::BTreeMap;

use crate::options::lock::{self, Update};
use crate::options::{List, Options};
use crate::source::{SourceFile, Sources};
use crate::store::KeptList;

/// The files with the lists as they are known now.
pub(super) fn with_kept(mut files: Vec<SourceFile>, kept: &[KeptList]) -> Vec<SourceFile> {
    if kept.is_empty() {
        return files;
    }
    let committed = Options::read(
        &Sources::from(files.iter().map(SourceFile::copy).collect::<Vec<_>>()),
        &mut Vec::new(),
    );
    let mut taken: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    for of_account in
        kept.chunk_by(|one, next| (&one.connector, &one.account) == (&next.connector, &next.account))
    {
        let Some(KeptList { connector, account, .. }) = of_account.first() else { continue };
        let before = committed.list(connector, account);
        let path = before.map_or_else(|| lock::path(connector, account, &taken), |list| list.path.clone());
        let mut sets = before.map(|list| list.sets.clone()).unwrap_or_default();
        for one in of_account {
            let set = Options::of(&path, &one.document).and_then(|list| list.sets.get(&one.name).cloned());
            // On one day, what was fetched here is what somebody wanted anew.
            if let Some(set) = set
                && sets.get(&one.name).is_none_or(|committed| committed.fetched <= set.fetched)
            {
                sets.insert(one.name.clone(), set);
            }
        }
        let list = List { path: path.clone(), account: account.clone(), sets };
        let text = written(connector, account, &list);
        match files.iter_mut().find(|file| file.path == path) {
            Some(file) => *file = SourceFile::new(path, text),
            None => {
                taken.push(path.clone());
                files.push(SourceFile::new(path, text));
            }
        }
    }
    files
}

/// A list as a file has it.
pub(super) fn written(connector: &str, account: &str, list: &List) -> String {
    let (fetched, used) = (BTreeMap::new(), BTreeMap::new());
    let update = Update { connector, account, fetched, used: &used, whole: false, today: "", keep_days: 0 };
    lock::render(&update, Some(list))
}
