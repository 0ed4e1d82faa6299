//! Matters: what a round found, against what was found before. Each is opened once, updated where it changed and closed once, however
//! often the reconciler is started anew. Nothing is told here.

use std::collections::BTreeMap;

use super::concern::Concern;
use crate::ops::error::{Error, ErrorKind, Result};
use crate::store::{Matter, Store};

/// What moved among the matters.
#[derive(Debug, Clone, Default)]
pub struct Moved {
    pub opened: Vec<Concern>,
    pub updated: Vec<Concern>,
    pub closed: Vec<Concern>,
    /// Rows to write, and ids to forget.
    pub rows: Vec<Matter>,
    pub forgotten: Vec<String>,
}

/// All that is open or was not told to be over, with what there is to say of it.
///
/// # Errors
/// When the store cannot be read, or holds what this program does not know.
pub fn matters(store: &mut dyn Store, environment: &str) -> Result<Vec<(Matter, Concern)>> {
    let read = |matter: Matter| {
        let concern = serde_json::from_str(&matter.document).map_err(|error| {
            let why = format!("the matter `{}` of the reconciler cannot be read: {error}", matter.id);
            Error::new(ErrorKind::Unreachable, why)
                .help("reconcile with the version of pairform that wrote it, or a newer one")
        })?;
        Ok((matter, concern))
    };
    store.matters(environment)?.into_iter().map(read).collect()
}

/// What moves from what is known to what is found. Of kinds that are not `looked_for` nothing is closed: nobody looked.
#[must_use]
pub fn settle(
    known: Vec<(Matter, Concern)>,
    found: Vec<Concern>,
    looked_for: &dyn Fn(&Concern) -> bool,
    at: &str,
) -> Moved {
    let mut moved = Moved::default();
    let mut known: BTreeMap<String, (Matter, Concern)> =
        known.into_iter().map(|(matter, concern)| (matter.id.clone(), (matter, concern))).collect();
    for concern in found {
        let id = concern.id();
        let Ok(document) = serde_json::to_string(&concern) else { continue };
        match known.remove(&id) {
            None => {
                moved.rows.push(Matter {
                    id,
                    opened_at: at.to_owned(),
                    updated_at: at.to_owned(),
                    closed_at: None,
                    document,
                    told: String::new(),
                });
                moved.opened.push(concern);
            }
            Some((matter, before)) if before == concern && matter.closed_at.is_none() => {}
            Some((matter, _)) => {
                moved.rows.push(Matter { updated_at: at.to_owned(), closed_at: None, document, ..matter });
                moved.updated.push(concern);
            }
        }
    }
    for (id, (matter, concern)) in known {
        if matter.closed_at.is_some() || !looked_for(&concern) {
            continue;
        }
        // Who was never told of it needs not hear that it is over.
        if matter.told.is_empty() {
            moved.forgotten.push(id);
        } else {
            moved.rows.push(Matter { updated_at: at.to_owned(), closed_at: Some(at.to_owned()), ..matter });
        }
        moved.closed.push(concern);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::super::concern::Kind;
    use super::*;

    #[test]
    fn a_matter_is_opened_once_updated_where_it_changed_and_closed_once() {
        let drift = |setting: &str| Concern::new(Kind::Drift).of("shop").because([setting.to_owned()]);
        let mut rows: Vec<(Matter, Concern)> = Vec::new();
        let mut round = |found: Vec<Concern>, told: bool, at: &str| {
            let moved = settle(std::mem::take(&mut rows), found, &|_| true, at);
            let counts = (moved.opened.len(), moved.updated.len(), moved.closed.len());
            let mut next: BTreeMap<String, Matter> = BTreeMap::new();
            for mut row in moved.rows {
                if told {
                    row.told = "{}".to_owned();
                }
                next.insert(row.id.clone(), row);
            }
            rows = next
                .into_values()
                .map(|matter| {
                    let concern = serde_json::from_str(&matter.document).unwrap();
                    (matter, concern)
                })
                .collect();
            counts
        };
        assert_eq!(round(vec![drift("a")], true, "1"), (1, 0, 0));
        assert_eq!(round(vec![drift("a"), drift("a")], true, "2"), (1, 0, 0), "what was not written is new");
        assert_eq!(round(vec![drift("b")], true, "3"), (0, 1, 0));
        assert_eq!(round(vec![], true, "4"), (0, 0, 1));
        assert_eq!(round(vec![], true, "5"), (0, 0, 0), "it is closed once");
    }
}
