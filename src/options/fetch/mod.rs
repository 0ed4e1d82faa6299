//! Fetching dropdown values from the platforms, by their descriptors: with stores, the one door to the network.
//!
//! Which sets of which accounts is [`wanted`]; everything about a platform is data in `schemas/connectors`. Nothing here writes a
//! file, reads a clock or the environment: all of that comes in with [`Environment`].

mod account;
pub mod addresses;
pub mod auth;
pub mod descriptor;
mod environment;
pub mod extract;
pub mod limits;
pub mod paging;
mod run;
pub mod session;
pub mod wanted;

pub use account::Account;
pub use environment::Environment;
pub use run::{Event, MAX_BYTES, Outcome, fetch};
