//! Keeping the deployed state at what git says, without anybody who is asked: a round compiles a commit, plans it, decides about each
//! difference by who made it, leaves what nobody allowed, and applies the rest. What is left is a matter, told once and closed once.
//! Whoever works holds a lease. Nothing here fetches by itself, waits for the next round or words anything for a terminal.

mod accept;
mod ancestry;
mod concern;
mod git;
mod lease;
mod matrix;
mod matters;
mod measure;
mod partial;
mod proposal;
mod round;
mod status;
mod telling;

pub use accept::accept;
pub use concern::{Concern, Kind};
pub use git::{fetch, push};
pub use lease::{Held, LEASE, Lease, lease, let_go, with_lease};
pub use matrix::{Left, Why};
pub use matters::matters;
pub use measure::{Measures, OfPair, Pace, Rounds};
pub use round::{Asked, Done, Push, round};
pub use status::{Open, Status, status};
pub use telling::{Event, Message, longest, tell};
