//! Built-in parts as the build packed them: their YAML costs much to read, and it is the same at every start.
//!
//! A value is a letter and what follows it: `n`, `t` and `f` stand for null, true and false; `"` and `#` for a text and for a
//! number as it is written, with its length and its bytes; `[` and `{` for a list and a map, with the number of what is in it.
//! A key is a length and bytes. `build.rs` writes this, and a test holds it to the texts. Only what is built in is read here.

use serde_json::{Map, Value as Json};

use crate::yaml::number_to_json;

static PARTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/parts.rs"));

/// A built-in part by its path below `schemas/`.
#[derive(Clone, Copy)]
pub(super) struct Packed(&'static [u8]);

/// The part at this path.
pub(super) fn find(path: &str) -> Option<Packed> {
    let at = PARTS.binary_search_by(|(known, _)| (*known).cmp(path)).ok()?;
    Some(Packed(PARTS[at].1))
}

impl Packed {
    pub(super) fn to_json(self) -> Option<Json> {
        Reader(self.0).value()
    }

    /// The text that a part has under a key of its own; the rest is not read.
    pub(super) fn text(self, key: &str) -> Option<&'static str> {
        let mut reader = Reader(self.0);
        if reader.byte()? != b'{' {
            return None;
        }
        for _ in 0..reader.length()? {
            if reader.text()? == key {
                return if reader.byte()? == b'"' { reader.text() } else { None };
            }
            reader.pass()?;
        }
        None
    }
}

/// What is left to read.
struct Reader(&'static [u8]);

impl Reader {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for place in 0..5 {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Some(length);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'static str> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn value(&mut self) -> Option<Json> {
        Some(match self.byte()? {
            b'n' => Json::Null,
            b't' => Json::Bool(true),
            b'f' => Json::Bool(false),
            b'"' => Json::String(self.text()?.to_owned()),
            b'#' => number_to_json(self.text()?),
            b'[' => {
                let length = self.length()?;
                let mut items = Vec::with_capacity(length);
                for _ in 0..length {
                    items.push(self.value()?);
                }
                Json::Array(items)
            }
            b'{' => {
                let length = self.length()?;
                let mut map = Map::with_capacity(length);
                for _ in 0..length {
                    let key = self.text()?.to_owned();
                    map.insert(key, self.value()?);
                }
                Json::Object(map)
            }
            _ => return None,
        })
    }

    /// Goes over a value.
    fn pass(&mut self) -> Option<()> {
        match self.byte()? {
            b'"' | b'#' => drop(self.text()?),
            b'[' => {
                for _ in 0..self.length()? {
                    self.pass()?;
                }
            }
            b'{' => {
                for _ in 0..self.length()? {
                    self.text()?;
                    self.pass()?;
                }
            }
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::built_in::built_in_text;
    use crate::source::{SourceFile, Sources};
    use crate::yaml;

    #[test]
    fn what_was_packed_is_what_the_texts_say() {
        assert!(PARTS.len() > 80);
        for (path, _) in PARTS {
            let mut sources = Sources::default();
            let file = sources.add(SourceFile::new(*path, built_in_text(path).unwrap()));
            let read = yaml::parse(&sources, file, &mut Vec::new()).map(yaml::Node::into_json);
            let packed = find(path).unwrap();
            assert_eq!(packed.to_json(), read, "{path}");
            for (key, value) in read.unwrap().as_object().unwrap() {
                assert_eq!(packed.text(key), value.as_str(), "{path} {key}");
            }
            assert_eq!(packed.text("none"), None);
        }
    }
}
