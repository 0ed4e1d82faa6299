//! Findings: what is wrong in what the user wrote, where, why and what to do.
//!
//! This module does not draw (that is `report`) and does not judge (that is `compile`). What stops the tool itself is
//! an `Err`, never a finding.

pub mod codes;
pub mod commented;
mod finding;
pub mod placed;
pub mod text;

pub use finding::{About, Code, Edit, Finding, Fix, Label, Severity, counts, sort_and_merge};
pub use text::{clean, clean_text, count, in_sentence, list_words, nearest};
