//! Dropdown values of the platforms: fetching them, comparing them with what the files use, and showing or dropping what is
//! kept of them. How a platform is asked is `options::fetch`'s, how a committed list is written `options::lock`'s.

mod cache;
mod check;
mod clear;
mod fetch;
mod fetched;
mod list;
mod refresh;
mod sets;

pub use check::{Checked, check_options};
pub use clear::{Cleared, clear_options};
pub use fetch::{FetchRequest, fetch_options};
pub use fetched::{Fetched, Note, OfAccount, OfSet};
pub use list::{Known, KnownSet, list_options};
pub use refresh::{refresh_options, save_options};
pub use sets::{Purpose, Sets, open};
