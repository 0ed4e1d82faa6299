//! A base that is made for another pair: what it says is wrong in one integration, while those of the other pair that extend it
//! have no fault in it. The mistake stands where the integration extends it.

use std::collections::{BTreeMap, BTreeSet};

use super::One;
use super::compose::Composer;
use crate::diagnostic::codes::compose as codes;
use crate::diagnostic::{About, Finding, Severity};
use crate::source::FileId;

/// So many of its settings are refused at least; a single one may be a slip.
const FEWEST: usize = 2;

/// Puts one finding at `extends` in place of those in such a base.
pub(super) fn blame<T>(composer: &Composer<'_>, results: &mut [One<T>]) {
    // Most projects have no fault in a base.
    let mut faults: BTreeMap<FileId, Vec<usize>> = BTreeMap::new();
    for (index, one) in results.iter().enumerate() {
        let mut in_bases: BTreeMap<FileId, usize> = BTreeMap::new();
        for finding in one.findings.iter().filter(|finding| finding.severity == Severity::Error) {
            let file = finding.primary.span.file;
            if one.bases.contains(&file) {
                *in_bases.entry(file).or_default() += 1;
            }
        }
        for (file, _) in in_bases.into_iter().filter(|(_, count)| *count >= FEWEST) {
            faults.entry(file).or_default().push(index);
        }
    }
    for (file, suffering) in faults {
        let pairs: BTreeSet<&str> =
            suffering.iter().filter_map(|index| results[*index].pair.as_deref()).collect();
        // Those of other pairs that have no fault in it.
        let is_sound = |one: &&One<T>| {
            one.pair.as_deref().is_some_and(|pair| !pairs.contains(pair))
                && one.bases.contains(&file)
                && !one
                    .findings
                    .iter()
                    .any(|finding| finding.severity == Severity::Error && finding.primary.span.file == file)
        };
        let sound: Vec<&str> =
            results.iter().filter(is_sound).filter_map(|one| one.pair.as_deref()).collect();
        // Where most suffer, the base is what is wrong.
        if suffering.len() * 2 > sound.len() + 1 {
            continue;
        }
        let of = sound[0].to_owned();
        for index in suffering {
            let one = &mut results[index];
            let Some((base, at)) = composer.extended_at(one.at, file) else { continue };
            let (inside, others): (Vec<Finding>, Vec<Finding>) = std::mem::take(&mut one.findings)
                .into_iter()
                .partition(|finding| finding.primary.span.file == file);
            one.findings = others;
            let pair = one.pair.as_deref().unwrap_or_default();
            let mut finding = codes::foreign_base(&base, &of, pair, inside.len(), at);
            for one in inside.into_iter().take(3) {
                finding = finding.related(one.primary.span, one.message);
            }
            let about = About { integration: Some(composer.name(one.at).to_owned()), ..About::default() };
            one.findings.push(finding.about(about));
        }
    }
}
