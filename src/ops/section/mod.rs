//! The Configure section over one store: what a server shows of it and saves in it, an integration and a category at a time. Who
//! asks is an [`Access`]; what judges is a [`Ground`]. Nothing here knows HTTP, and nothing plans a fleet.

mod access;
mod create;
mod effective;
mod ground;
mod known;
mod ownership;
mod pipeline;
mod save;
mod view;

pub use access::{Access, BadToken, Right, Role, TokenAsked, hash_token, make_token};
pub use create::create;
pub use effective::{Effective, effective};
pub use ground::{Ground, Says, Written};
pub use known::{Known, known, plain_form};
pub use ownership::{Held, Ownership, ownership};
pub use pipeline::Pipeline;
pub use save::{Body, Expected, Managed, NotSaved, SaveAsked, SavedNow, save};
pub use view::{CategoryView, IntegrationView, SettingView, category, integration};
