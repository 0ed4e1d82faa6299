//! `requires` of the project file: the versions of pairform that may work on the project. Another one would misread what it does
//! not know, so that it tells this alone and judges nothing.

use crate::diagnostic::Finding;
use crate::diagnostic::codes;
use crate::yaml;

/// This program's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a project file says where this version is not among those that it asks for. A text that asks for nothing is left to the
/// schema of the file.
pub fn unmet(root: &yaml::Node) -> Option<Finding> {
    let said = root.get("requires")?;
    let text = said.as_text()?;
    (!admits(text, VERSION)?).then(|| codes::compose::other_version(text, VERSION, said.span))
}

/// Whether a text such as `>=0.2, <0.4` or `=0.2` admits a version; `None` where it is no such text.
fn admits(text: &str, version: &str) -> Option<bool> {
    let version = numbers(version.split(['-', '+']).next()?)?;
    let mut all = true;
    for comparison in text.split(',').map(str::trim) {
        let (sign, wanted) = comparison.split_at(comparison.find(|c: char| c.is_ascii_digit())?);
        let wanted = numbers(wanted)?;
        // `0.2` is `0.2.0` where it is a bound, and any `0.2` where it is meant as such.
        let padded = |index: usize| wanted.get(index).copied().unwrap_or(0);
        let bound = [padded(0), padded(1), padded(2)];
        all &= match sign.trim() {
            ">=" => version[..] >= bound[..],
            "<" => version[..] < bound[..],
            "=" => version.starts_with(&wanted),
            _ => return None,
        };
    }
    Some(all)
}

/// One to three numbers with dots.
fn numbers(text: &str) -> Option<Vec<u64>> {
    let numbers: Option<Vec<u64>> = text.split('.').map(|number| number.parse().ok()).collect();
    numbers.filter(|numbers| numbers.len() <= 3)
}

#[cfg(test)]
mod tests {
    use super::admits;

    #[test]
    fn a_requirement_admits_what_it_says() {
        for (text, version, admitted) in [
            (">=0.2", "0.2.0", Some(true)),
            (">=0.2", "0.1.9", Some(false)),
            (">=0.2", "0.10.0", Some(true)),
            (">=0.2", "1.0.0-rc.1", Some(true)),
            (">= 0.2.1 , <0.4", "0.3.9", Some(true)),
            (">=0.2.1,<0.4", "0.4.0", Some(false)),
            (">=0.2.1,<0.4", "0.2.0", Some(false)),
            ("=0.2", "0.2.7", Some(true)),
            ("=0.2", "0.20.0", Some(false)),
            ("=0.2.1", "0.2.2", Some(false)),
            ("=1", "1.4.0", Some(true)),
            ("0.2", "0.2.0", None),
            ("^0.2", "0.2.0", None),
            (">=0.2.0.1", "0.2.0", None),
            (">=x", "0.2.0", None),
            ("", "0.2.0", None),
        ] {
            assert_eq!(admits(text, version), admitted, "{text} {version}");
        }
    }
}
