//! Canonical JSON of whatever can be serialized: compact, the keys of every object sorted. Written in one go; no tree of
//! values is made on the way.

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::rc::Rc;

use serde::Serialize;
use serde_json::ser::Formatter;

/// The text, which the serializer writes and the formatter puts in order.
#[derive(Clone, Default)]
struct Text(Rc<RefCell<Vec<u8>>>);

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts the entries of an object in order when it ends.
struct Sorting {
    text: Text,
    open: Vec<Vec<Entry>>,
}

/// Where an entry stands, and the key at its beginning.
#[derive(Debug)]
struct Entry {
    key: Range<usize>,
    all: Range<usize>,
}

impl Sorting {
    fn here(&self) -> usize {
        self.text.0.borrow().len()
    }

    /// Ends the entry that was begun last.
    fn end_entry(&mut self) {
        let here = self.here();
        if let Some(last) = self.open.last_mut().and_then(|entries| entries.last_mut()) {
            last.all.end = here;
        }
    }
}

impl Formatter for Sorting {
    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open.push(Vec::new());
        writer.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            self.end_entry();
            writer.write_all(b",")?;
        }
        let here = self.here();
        if let Some(entries) = self.open.last_mut() {
            entries.push(Entry { key: here..here, all: here..here });
        }
        Ok(())
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        let here = self.here();
        if let Some(last) = self.open.last_mut().and_then(|entries| entries.last_mut()) {
            last.key.end = here;
        }
        Ok(())
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end_entry();
        if let Some(mut entries) = self.open.pop() {
            sort(&mut self.text.0.borrow_mut(), &mut entries);
        }
        writer.write_all(b"}")
    }
}

/// Puts the entries, which stand next to each other with a comma between, in the order of their keys.
fn sort(text: &mut Vec<u8>, entries: &mut [Entry]) {
    let key = |entry: &Entry| unquoted(&text[entry.key.clone()]);
    if entries.is_sorted_by_key(key) {
        return;
    }
    let start = entries[0].all.start;
    entries.sort_by_cached_key(key);
    let mut sorted = Vec::with_capacity(text.len() - start);
    for (at, entry) in entries.iter().enumerate() {
        sorted.extend_from_slice(if at == 0 { b"" } else { b"," });
        sorted.extend_from_slice(&text[entry.all.clone()]);
    }
    text.truncate(start);
    text.append(&mut sorted);
}

/// The text of a key, by which it is sorted.
fn unquoted(key: &[u8]) -> Vec<u8> {
    if key.contains(&b'\\') {
        return serde_json::from_slice::<String>(key).unwrap_or_default().into_bytes();
    }
    key.get(1..key.len().saturating_sub(1)).unwrap_or_default().to_vec()
}

/// Compact JSON with sorted keys.
///
/// # Errors
/// When the value has no JSON: a map whose keys are no texts.
pub fn to_canonical(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = Text::default();
    let sorting = Sorting { text: text.clone(), open: Vec::new() };
    value.serialize(&mut serde_json::Serializer::with_formatter(text.clone(), sorting))?;
    let written = text.0.take();
    String::from_utf8(written).map_err(serde::ser::Error::custom)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;
    use crate::model::canonical_json;

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            ".{0,6}".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            let key = prop_oneof!["[a-c!\" \\\\\n]{0,3}", ".{0,3}"];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
                proptest::collection::vec((key, inner), 0..6)
                    .prop_map(|entries| Json::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_the_tree_with_sorted_keys(json in any_json()) {
            prop_assert_eq!(to_canonical(&json).unwrap(), canonical_json(json));
        }
    }

    #[test]
    fn a_shorter_key_comes_before_what_begins_with_it() {
        let json =
            serde_json::json!({"a!": 1, "a": {"d": [], "c": {}}, "a\"": 3, "a\u{1}": 4, "é": 5, "": 6});
        let expected = r#"{"":6,"a":{"c":{},"d":[]},"a\u0001":4,"a!":1,"a\"":3,"é":5}"#;
        assert_eq!(to_canonical(&json).unwrap(), expected);
    }
}
