//! What pairform knows of platforms: connectors, categories and pairs, linked into one schema per pair.
//!
//! Facts live in `schemas/` (and in a project's own `schemas/`), never in this code. Nothing here knows an integration.

pub mod addresses;
pub mod archive;
pub mod built_in;
pub mod compiled;
mod decimal;
mod engine;
mod exact;
pub mod facts;
mod fitting;
pub mod fragment;
pub mod instance;
pub mod keywords;
pub mod link;
pub mod lint;
mod meant;
mod merge;
pub mod messages;
mod packed;
pub mod pair;
pub mod part_files;
mod part_names;
pub mod parts;
pub mod platform;
pub mod pointer;
mod present;
pub mod records;
mod references;
pub mod repair;
mod same;
mod secret_marks;
pub mod shape;
mod slips;
pub mod suggest;
pub mod validate;
pub mod vat;
pub mod words;

pub use keywords::{days_name, default_of, fields_of, former_names, had_name, is_set, options_of, text};
pub use messages::other_word;
pub use pair::{Category, Condition, Connector, Flow, PAYMENT, Pair, Reference, Required, Scoped, Setting};
