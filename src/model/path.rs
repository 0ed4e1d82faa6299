//! Paths of settings within a category: `map.Klarna`, `countries.FI.rates."25.5"`.

use std::fmt;
use std::sync::Arc;

/// Keys from the category down to one leaf. Ordered key by key. Copies share their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingPath(Arc<[Box<str>]>);

impl SettingPath {
    #[must_use]
    pub fn root() -> Self {
        SettingPath::default()
    }

    #[must_use]
    pub fn child(&self, key: &str) -> Self {
        self.0.iter().map(|key| &**key).chain([key]).collect()
    }

    #[must_use]
    pub fn segments(&self) -> &[Box<str>] {
        &self.0
    }

    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn starts_with(&self, prefix: &SettingPath) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// Reads what [`fmt::Display`] writes; `None` when a quote is left open or a key is empty and unquoted.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let segment;
            if rest.starts_with('"') {
                let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                segment = stream.next()?.ok()?;
                rest = &rest[stream.byte_offset()..];
            } else {
                let end = rest.find('.').unwrap_or(rest.len());
                segment = rest[..end].to_owned();
                rest = &rest[end..];
                if segment.is_empty() {
                    return None;
                }
            }
            segments.push(segment.into_boxed_str());
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None if rest.is_empty() => return Some(SettingPath(segments.into())),
                None => return None,
            }
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for SettingPath {
    fn from_iter<I: IntoIterator<Item = S>>(keys: I) -> Self {
        SettingPath(keys.into_iter().map(|key| key.as_ref().into()).collect())
    }
}

impl fmt::Display for SettingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            let plain = !segment.is_empty()
                && segment
                    .chars()
                    .all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '.' | '"' | '\\'));
            if plain {
                f.write_str(segment)?;
            } else {
                f.write_str(&serde_json::Value::from(&**segment).to_string())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_path_reads_back_as_it_was_written(keys in proptest::collection::vec(".{0,6}", 1..4)) {
            let path: SettingPath = keys.iter().collect();
            proptest::prop_assert_eq!(SettingPath::parse(&path.to_string()), Some(path));
        }
    }

    #[test]
    fn keys_with_dots_or_spaces_are_quoted() {
        let path: SettingPath = ["rates", "25.5"].iter().collect();
        assert_eq!(path.to_string(), r#"rates."25.5""#);
    }
}
