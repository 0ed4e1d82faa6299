//! Records, and where their fields stood before or are kept: `x-was` and `x-kept-in` of a field, as data.
//!
//! A record is a row of a mapping that has fields. A field may once have been a mapping of its own, or a list of the records of
//! which it held (`x-was`). What that means for settings as they were saved is in `present`, for documents in
//! `compile::carry`.

use serde_json::Value as Json;

use super::fragment::Fragment;
use super::keywords::text;
use crate::model::{Name, SettingPath, Value};

/// A field of the records in a mapping, and the setting of the same category in which it stood before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Was {
    /// The setting that it stood in.
    pub from: Box<str>,
    /// The mapping with the records, and the field.
    pub records: Box<str>,
    pub field: Box<str>,
    /// The setting was a list of records, of which the field has this value; none: a mapping, whose rows held the value.
    pub listed: Option<Box<str>>,
}

/// A field that is written in a record, and kept as a row of a mapping in another category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub records: Box<str>,
    pub field: Box<str>,
    pub category: Name,
    pub mapping: Box<str>,
}

/// The fields of the records in a category that stood elsewhere, and those that are kept elsewhere.
pub(super) fn fields_elsewhere(schema: &Fragment) -> (Vec<Was>, Vec<Kept>) {
    let (mut was, mut kept) = (Vec::new(), Vec::new());
    let settings = schema.get("properties").and_then(Json::as_object);
    let is_setting = |name: &str| settings.is_some_and(|settings| settings.contains_key(name));
    for (records, mapping) in settings.into_iter().flatten() {
        let fields = mapping.pointer("/additionalProperties/properties").and_then(Json::as_object);
        for (field, schema) in fields.into_iter().flatten() {
            let one = |from: &str, listed: Option<&str>| Was {
                from: from.into(),
                records: records.as_str().into(),
                field: field.as_str().into(),
                listed: listed.map(Into::into),
            };
            match schema.get("x-was") {
                Some(Json::String(from)) if is_setting(from) => was.push(one(from, None)),
                Some(Json::Object(lists)) => {
                    let lists = lists.iter().filter(|(from, _)| is_setting(from));
                    was.extend(lists.filter_map(|(from, value)| Some(one(from, Some(value.as_str()?)))));
                }
                _ => {}
            }
            if let Some((category, mapping)) = text(schema, "x-kept-in").split_once('.') {
                kept.push(Kept {
                    records: records.as_str().into(),
                    field: field.as_str().into(),
                    category: category.into(),
                    mapping: mapping.into(),
                });
            }
        }
    }
    (was, kept)
}

impl Was {
    /// The path that the field of one record has now.
    pub(super) fn path_of(&self, record: &str) -> SettingPath {
        [&*self.records, record, &*self.field].iter().collect()
    }

    /// Whether a path is that of the field in a record.
    pub(super) fn is_at(&self, path: &SettingPath) -> bool {
        matches!(path.segments(), [records, _, field] if *records == self.records && *field == self.field)
    }

    /// Whether such a field was said by the setting that it stood in, where it has this value.
    pub(super) fn told(&self, value: &Value) -> bool {
        self.listed.as_ref().is_none_or(|listed| matches!(value, Value::Text(text) if **text == **listed))
    }
}
