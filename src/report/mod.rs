//! Findings, plans and apply reports in every output form. Decides nothing, prints nothing: it returns strings.
//!
//! Texts carry ANSI styles; whoever prints them goes through `anstream`, which takes them away where they are not
//! wanted.

mod alike;
pub mod apply;
mod budget;
pub mod configuration;
pub mod content;
pub mod edits;
pub mod explain;
pub mod files;
pub mod findings;
pub mod fix;
pub mod github;
pub mod gitlab;
pub mod grouped;
pub mod groups;
pub mod history;
pub mod html;
pub mod json;
pub mod junit;
pub mod list;
pub mod markdown;
pub mod moved;
pub mod options;
pub mod outline;
mod outline_first;
mod outline_groups;
pub mod page;
pub mod plan;
pub mod policy;
pub mod reconcile;
pub mod reference;
pub mod sarif;
mod say;
pub mod schema;
pub mod show;
pub mod stopped;
pub mod telling;
pub mod template;
pub mod texts;
pub mod words;

pub use crate::diagnostic::text::{clean, clean_text, count, list_words};

/// What comes piece by piece is handed on in pieces of about so many bytes.
const PIECE: usize = 64 * 1024;
