//! Dropdown values: what the committed lists know of the connected platforms. Only [`fetch`] reaches for a network.
//!
//! Unknown is an answer: an account without a list leaves its values unjudged and unlabelled.

pub mod account;
pub mod fetch;
pub mod lists;
pub mod lock;
mod view;

pub use account::account_of;
pub use lists::{Choice, Gone, List, Options, Set, sort};
pub use view::{SEPARATOR, View};
