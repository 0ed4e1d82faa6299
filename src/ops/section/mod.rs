//! The Configure section over one store: what a server shows of it and saves in it, an integration and a category at a time. Who
//! asks is an [`Access`]; what judges is a [`Ground`]. Nothing here knows HTTP, and nothing plans a fleet.

mod access;
mod cache;
mod changes;
mod clear;
mod create;
mod effective;
mod ground;
mod known;
mod lists;
mod ownership;
mod planning;
mod proposals;
mod proposing;
mod save;
mod view;
mod wish;

pub use access::{Access, BadToken, Right, Role, TokenAsked, hash_token, make_token};
pub use cache::{Cache, CacheList, cache};
pub use changes::{Drifted, changes};
pub use clear::{Clearing, NotCleared, begin, fetch};
pub use create::create;
pub use effective::{Effective, effective};
pub use ground::{Ground, Says, Written};
pub use known::{Known, known, plain_form};
pub use ownership::{Held, Ownership, ownership};
pub use planning::{ApplyAsked, apply_seen, planned_now, to_type};
pub use proposals::{Proposal, close, proposals};
pub use proposing::{Asked, Preview, Proposing, preview, propose};
pub use save::{Body, Expected, Managed, NotSaved, SaveAsked, SavedNow, save};
pub use view::{CategoryView, IntegrationView, SettingView, category, integration};
pub use wish::Wish;
