//! What a user can do, without a terminal: every door (command line, server, editor) calls these.
//!
//! A [`Workspace`] is opened at a path that is given, a [`Request`] is plain data, and the [`Host`] hands in what comes from
//! outside: the clock, who acts, secrets, stores, progress and the wish to stop. Results, [`Error`]s and their [`Help`] are
//! data that a door words. Nothing here prints, asks, knows an exit code, a flag or a command, or reads the working folder, a
//! clock or the environment by itself.

pub mod adopt;
pub mod allowed;
pub mod any_schema;
pub mod apply;
pub mod approved;
pub mod audit;
pub mod base;
pub mod blame;
pub mod branch;
pub mod catalogue;
pub mod check;
pub mod chosen;
pub mod copy_store;
pub mod deployed;
pub mod diff;
pub mod drift;
pub mod error;
mod expected;
pub mod explain;
pub mod export;
pub mod files;
pub mod fix;
pub mod fleet;
pub mod fmt;
pub mod forge;
pub mod handing;
pub mod history;
pub mod holder;
pub mod holds;
pub mod host;
pub mod init;
pub mod judged;
pub mod left;
pub mod list;
pub mod load;
pub mod locks;
pub mod names;
pub mod needs;
pub mod options;
pub mod owners;
pub mod parts;
mod people;
pub mod places;
pub mod plan;
pub mod policy;
pub mod policy_changes;
pub mod policy_file;
pub mod project;
pub mod propose;
pub mod pull;
pub mod reconcile;
pub mod release;
pub mod replaced;
pub mod request;
pub mod revert;
pub mod said;
pub mod scaffold;
pub mod section;
pub mod serving;
pub mod signed;
pub mod templates;
pub mod validate;
pub mod window;
pub mod workspace;

pub use error::{Error, ErrorKind, Help, Result};
pub use host::{Access, Host, Progress, Whose, open_store};
pub use project::Project;
pub use request::{Filter, Request, SecretsAsked, SecretsPlanned};
pub use workspace::Workspace;
