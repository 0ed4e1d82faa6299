//! Parts as the build packed them, or an archive has them: their YAML costs much to read, and it is the same at every start.
//!
//! A value is a letter and what follows it: `n`, `t` and `f` stand for null, true and false; `"` and `#` for a text and for a
//! number as it is written, with its length and its bytes; `[` and `{` for a list and a map, with the number of what is in it.
//! A key is a length and bytes. `yaml::pack` writes this, and a test holds what is built in to the texts.

use serde_json::{Map, Value as Json};

use crate::yaml::{DEPTH_LIMIT, number_to_json};

static PARTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/parts.rs"));

/// A part.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a>(&'a [u8]);

/// The built-in part at this path below `schemas/`.
pub(super) fn find(path: &str) -> Option<Packed<'static>> {
    let at = PARTS.binary_search_by(|(known, _)| (*known).cmp(path)).ok()?;
    Some(Packed(PARTS[at].1))
}

/// The paths of all built-in parts, sorted.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|(path, _)| *path)
}

impl<'a> Packed<'a> {
    /// Bytes that [`Reader::pass`] went over.
    pub(super) fn proven(bytes: &'a [u8]) -> Self {
        Packed(bytes)
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn to_json(self) -> Option<Json> {
        Reader(self.0).value()
    }

    /// The text that a part has under a key of its own; the rest is not read.
    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        let mut reader = Reader(self.0);
        for _ in 0..reader.map()? {
            if reader.key()? == key {
                return reader.text();
            }
            reader.pass()?;
        }
        None
    }
}

/// What is left to read. Nothing that it is given makes it fail other than by `None`.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow. Whatever is counted has a byte at least.
    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for place in 0..5 {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f).checked_shl(7 * place)?;
            if byte < 0x80 {
                return (length <= self.0.len()).then_some(length);
            }
        }
        None
    }

    /// A key of a map.
    pub(super) fn key(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    /// A text, where one comes.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        (self.byte()? == b'"').then_some(())?;
        self.key()
    }

    /// The number of keys, where a map comes.
    pub(super) fn map(&mut self) -> Option<usize> {
        (self.byte()? == b'{').then_some(())?;
        self.length()
    }

    fn value(&mut self) -> Option<Json> {
        Some(match self.byte()? {
            b'n' => Json::Null,
            b't' => Json::Bool(true),
            b'f' => Json::Bool(false),
            b'"' => Json::String(self.key()?.to_owned()),
            b'#' => number_to_json(self.key()?),
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
                    let key = self.key()?.to_owned();
                    map.insert(key, self.value()?);
                }
                Json::Object(map)
            }
            _ => return None,
        })
    }

    /// Goes over a value; `None` where it is none, or deeper than any text may be.
    pub(super) fn pass(&mut self) -> Option<()> {
        self.pass_to(DEPTH_LIMIT)
    }

    fn pass_to(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match self.byte()? {
            b'n' | b't' | b'f' => {}
            b'"' | b'#' => drop(self.key()?),
            b'[' => {
                for _ in 0..self.length()? {
                    self.pass_to(depth)?;
                }
            }
            b'{' => {
                for _ in 0..self.length()? {
                    self.key()?;
                    self.pass_to(depth)?;
                }
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::built_in::text_in_repository;
    use crate::source::{SourceFile, Sources};
    use crate::yaml;

    #[test]
    fn what_was_packed_is_what_the_texts_say() {
        assert!(PARTS.len() > 80);
        for (path, _) in PARTS {
            let mut sources = Sources::default();
            let file = sources.add(SourceFile::new(*path, text_in_repository(path)));
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
