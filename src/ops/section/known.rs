//! All that is known of one integration: what is deployed, what the files say, its pair. Read once for each request.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::ground::{Ground, Says};
use super::ownership::{Held, Ownership, ownership};
use crate::model::{SettingPath, Settings, Value};
use crate::ops::deployed;
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::ops::propose::{insert, plain};
use crate::schema::{Category, Pair, default_of};
use crate::store::{Deployed, Registered, Store};

/// One integration.
#[derive(Debug)]
pub struct Known {
    pub registered: Registered,
    pub pair: Arc<Pair>,
    /// Under the names and in the places that settings have now, by category.
    pub rows: BTreeMap<String, Deployed>,
    /// None where no file has it.
    pub says: Option<Arc<Says>>,
}

/// Reads what is known of an integration.
///
/// # Errors
/// When there is none of this id, its pair is not known, or the store cannot be read.
pub fn known(id: &str, ground: &Ground, store: &mut dyn Store, host: &Host<'_>) -> Result<Known> {
    let registered = store.integration(id)?.ok_or_else(|| nothing(id))?;
    let says = ground.says(id, store, host)?;
    let rows = store.read(Some(&[id.to_owned()]))?;
    known_from(registered, rows, says, ground)
}

/// Puts together what was read of an integration.
///
/// # Errors
/// When its pair is not known.
fn known_from(
    registered: Registered,
    rows: Vec<Deployed>,
    says: Option<Arc<Says>>,
    ground: &Ground,
) -> Result<Known> {
    let id = &registered.id;
    let said = says.as_ref().filter(|says| !says.is_broken).map(|says| says.pair.as_str());
    let pair = said.or(registered.pair.as_deref());
    let Some(pair) = pair else {
        let why = format!("the pair of `{id}` is not known: nobody said it yet");
        return Err(Error::new(ErrorKind::Invalid, why).help("apply the file that has it"));
    };
    let pair = ground.pair(pair).ok_or_else(|| {
        let why = format!("the schema of the pair `{pair}` is not at hand, or has mistakes");
        Error::new(ErrorKind::Invalid, why)
    })?;
    let rows = rows.into_iter().map(|mut row| {
        row.settings = deployed::present(&pair, &row.category, std::mem::take(&mut row.settings));
        row.applied = deployed::present(&pair, &row.category, std::mem::take(&mut row.applied));
        (row.category.clone(), row)
    });
    let rows = rows.collect();
    Ok(Known { rows, registered, pair, says })
}

/// Reads what is known of some integrations, which are sorted by id, at once; why it is not, of one that cannot be read.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn known_all(
    registered: Vec<Registered>,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<Vec<std::result::Result<Known, (Registered, Error)>>> {
    let ids: Vec<String> = registered.iter().map(|one| one.id.clone()).collect();
    ground.read_some(&ids, host);
    let mut rows = store.read(Some(&ids))?.into_iter().peekable();
    let mut all = Vec::with_capacity(registered.len());
    for one in registered {
        let mut own: Vec<Deployed> = Vec::new();
        // Both are sorted by id.
        while let Some(row) = rows.next_if(|row| row.integration <= one.id) {
            if row.integration == one.id {
                own.push(row);
            }
        }
        let says = ground.says(&one.id, store, host)?;
        let known = known_from(one.clone(), own, says, ground);
        all.push(known.map_err(|error| (one, error)));
    }
    Ok(all)
}

/// There is no such integration.
pub(super) fn nothing(id: &str) -> Error {
    Error::new(ErrorKind::Absent, format!("there is no integration `{id}`"))
}

impl Known {
    #[must_use]
    pub fn id(&self) -> &str {
        &self.registered.id
    }

    /// A category of its pair.
    ///
    /// # Errors
    /// When the pair has none of this id.
    pub fn category(&self, id: &str) -> Result<&Category> {
        self.pair.category(id).ok_or_else(|| {
            Error::new(ErrorKind::Absent, format!("{} has no category `{id}`", self.pair.title))
        })
    }

    /// The revision of a category; 0: never saved.
    #[must_use]
    pub fn revision(&self, category: &str) -> u64 {
        self.rows.get(category).map_or(0, |row| row.revision)
    }

    /// What is deployed of each category, as people say it.
    #[must_use]
    pub fn documents(&self) -> BTreeMap<String, Json> {
        let rows = self.rows.iter().filter_map(|(id, row)| Some((id, row, self.pair.category(id)?)));
        rows.map(|(id, row, category)| (id.clone(), known_form(&row.settings, category))).collect()
    }

    /// Whose a setting is, with what is known of it.
    #[must_use]
    pub fn held<'a>(
        &'a self,
        category: &'a Category,
        path: &SettingPath,
        default: Option<&'a Value>,
    ) -> Held<'a> {
        let row = self.rows.get(category.id.as_str());
        let says = self.says.as_deref();
        let of_files = says.and_then(|says| says.categories.get(category.id.as_str()));
        Held {
            said: of_files.and_then(|settings| settings.get(path)),
            applied: row.and_then(|row| row.applied.get(path)),
            deployed: row.and_then(|row| row.settings.get(path)),
            default,
            is_unmanaged: says
                .is_some_and(|says| says.unmanaged.iter().any(|unmanaged| *unmanaged == *category.id)),
            is_gone: says.is_none(),
            is_unread: says.is_some_and(|says| says.is_broken),
        }
    }

    /// Whose each setting of a category is that is deployed, applied or in the files.
    #[must_use]
    pub fn owners(&self, category: &Category) -> BTreeMap<SettingPath, Ownership> {
        let row = self.rows.get(category.id.as_str());
        let says = self.says.as_deref().and_then(|says| says.categories.get(category.id.as_str()));
        let paths = row.into_iter().flat_map(|row| row.settings.keys().chain(row.applied.keys()));
        let paths = paths.chain(says.into_iter().flat_map(Settings::keys));
        let mut owners = BTreeMap::new();
        for path in paths {
            let default = category.schema_at(path).and_then(default_of);
            owners
                .entry(path.clone())
                .or_insert_with(|| ownership(self.held(category, path, default.as_ref())));
        }
        owners
    }
}

/// As [`plain_form`], of what the schema knows.
#[must_use]
pub fn known_form(settings: &Settings, category: &Category) -> Json {
    let known = settings.iter().filter(|(path, _)| category.schema_at(path).is_some());
    plain_form(&known.map(|(path, value)| (path.clone(), value.clone())).collect())
}

/// Settings of a category as a document, as people say them.
#[must_use]
pub fn plain_form(settings: &Settings) -> Json {
    let mut document = Map::new();
    for (path, value) in settings {
        insert(&mut document, path.segments(), plain(value));
    }
    Json::Object(document)
}
