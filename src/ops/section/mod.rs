//! The Configure section over one store: what a server shows of it and saves in it, an integration and a category at a time. Who
//! asks is an [`Access`]; what judges is a [`Ground`]. Nothing here knows HTTP, and nothing plans a fleet.

mod access;
mod cache;
mod changes;
mod clear;
mod create;
mod effective;
mod fleet;
mod glance;
mod ground;
mod handed;
mod known;
mod lists;
mod ownership;
mod past;
mod pipeline;
mod planning;
mod proposals;
mod proposing;
mod readiness;
mod refusals;
mod save;
mod stood;
mod tried;
mod view;
mod wish;

pub use access::{Access, BadToken, Right, Role, TokenAsked, hash_token, make_token};
pub use cache::{Cache, CacheList, cache};
pub use changes::{Drifted, changes};
pub use clear::{Clearing, NotCleared, begin, fetch};
pub use create::create;
pub use effective::{Effective, effective, etag_of, saves_in, saves_of};
pub use fleet::fleet;
pub use glance::{Glance, Repository};
pub use ground::{Ground, Judged, Says, Written};
pub use handed::{HandedAsked, apply_handed, plan_handed};
pub use known::{Known, known, plain_form};
pub use ownership::{Held, Ownership, ownership};
pub use past::{mover, past, reasons};
pub use pipeline::Pipeline;
pub use planning::{ApplyAsked, apply_seen, planned_now, to_type};
pub use proposals::{Proposal, close, proposals, reaching};
pub use proposing::{
    Asked, PlanPreview, PlannedChange, Preview, Proposing, ask_forge, is_branch, preview, propose,
};
pub use readiness::{Needed, platforms, readiness, required, unconnected};
pub use refusals::{Managed, NotSaved, keep_forbidden, kept as kept_refusal};
pub use save::{Body, Expected, SaveAsked, SavedNow, may_lift, save, unprintable};
pub use tried::{Tried, try_connections};
pub use view::{
    CategoryView, IntegrationView, SettingView, category, integration, integrations, look, name_of,
};
pub use wish::{Base, Wish, base_at, may_propose};
