//! YAML 1.2 and JSON as a tree in which every key and every value knows where it was written.
//!
//! This module reads, and [`edit`] changes a text in place; neither knows what a configuration is. There is one meaning of YAML in
//! the program, and it is the one here: the core schema of YAML 1.2, so that `no`, dates and `1_000` are text.
//! Reading cannot fail. What is wrong becomes a finding, one a mistake, and the tree has a [`NodeKind::Hole`] where the text was
//! wrong, so that later stages need not speak of it again. A map of which an unknown part is missing says so
//! ([`Map::is_cut`]).
//!
//! # Where this reader differs from the standard on purpose
//!
//! The grammar is granit-parser's. Of the 402 cases of the yaml-test-suite (data-2022-01-17) [`parse_stream`] accepts or
//! refuses 386 as the suite does: all 94 invalid ones, and all valid ones but 16. What valid files we refuse:
//!
//! | refused | because | cases |
//! |---|---|---|
//! | a list or a map as a key | a setting's name is text | 4FJ6 6BFJ 6PBE 9MMW KK5P LX3P M2N8/00 M2N8/01 M5DY Q9WF RZP5 SBG9 V9D5 X38W XW4D |
//! | a key twice in one map | YAML asks for unique keys too, and the other would silently vanish | 2JQS |
//! | more than one document, unknown tags (configuration only, not [`parse_stream`]) | a file describes one thing | |
//! | `<<` before anything but maps | we expand merges, which YAML 1.2 does not know | |
//! | deeper than 255, aliases that expand beyond 100,000 values | bounds against hostile files | |

mod build;
pub mod edit;
mod expression;
mod fast_path;
mod json;
mod json_values;
pub mod layout;
mod limits;
mod pack;
mod read;
mod scalar;
mod syntax;
mod text;
mod tree;

pub(crate) use json_values::number_to_json;
pub use limits::{DEPTH_LIMIT, EXPANSION_LIMIT};
pub(crate) use pack::{begin_map, pack, pack_key, pack_text};
pub use read::{parse, parse_beside, parse_json, parse_stream};
pub use tree::{Entry, Key, Map, Node, NodeKind, Trail, find_path, key_at};

#[cfg(test)]
mod tests;
