//! The codes, a module a stage, and the constructors that word each finding in one place.
//!
//! Stage 04 has two: `rules` is about single settings, `across` about several of them, or several integrations. The words of both on
//! who pays which VAT are in `customers`, on what is paid and paid out in `payments`.
//!
//! A constructor takes primitives and spans. Stages: 01 YAML, 02 composition and project, 03 schema, 04 rules,
//! 05 options. A code is never reused; its page is `explain/CODE.md`.

pub mod across;
pub mod compose;
pub mod customers;
mod declare;
pub mod options;
pub mod payments;
pub mod rules;
pub mod schema;
pub mod yaml;

use super::Code;

/// Every code, in order of stage and number.
#[must_use]
pub fn all() -> Vec<&'static Code> {
    let mut all = [yaml::ALL, compose::ALL, schema::ALL, rules::ALL, across::ALL, options::ALL].concat();
    all.sort_by_key(|code| &code.id[1..]);
    all
}

/// The code with this id (`E0312`, any case) or this name.
#[must_use]
pub fn find(text: &str) -> Option<&'static Code> {
    all().into_iter().find(|code| code.id.eq_ignore_ascii_case(text) || code.name == text)
}
