//! Texts and places in them: files, spans, lines and columns.
//!
//! This module does not parse and does not judge. [`load`] is the door to a working tree and [`git`] to its revisions; a
//! text is read when somebody asks for it. [`mod@write`] is the door out. Everything else here is plain data.

mod blob;
mod content;
mod file;
pub mod git;
pub mod kept;
pub mod links;
pub mod load;
pub mod names;
mod on_disk;
pub mod program;
mod span;
mod texts;
pub mod write;

pub use content::ReadFault;
pub use file::SourceFile;
pub use span::{FileId, Position, Span};
pub use texts::Sources;
