//! Keeping the deployed state at what git says, without anybody who is asked: a round compiles a commit, plans it, decides about each
//! difference by who made it, leaves what nobody allowed, and applies the rest. What is left is a matter, told once and closed once.
//! Whoever works holds a lease. Nothing here fetches by itself, waits for the next round or words anything for a terminal.

mod accept;
mod ancestry;
mod concern;
mod decide;
mod digest;
mod git;
mod kept;
mod lease;
mod matrix;
mod matters;
mod measure;
mod message;
mod partial;
mod proposal;
mod rollout;
mod round;
mod state;
mod status;
mod telling;
mod waves;

pub use accept::{accept, step};
pub use concern::{Concern, Kind};
pub use digest::Daily;
pub use git::{fetch, push};
pub use lease::{Held, LEASE, lease, let_go, with_lease};
pub use matrix::{Left, Why};
pub use matters::matters;
pub use measure::{Measures, OfPair, Pace, Rounds};
pub use message::{
    Applied, CommitState, CommitStatus, Digest, Event, Listener, Message, Statuses, What, longest,
};
pub use rollout::{Member, Rollout, Stand, Step};
pub use round::{Done, round};
pub use state::{Asked, Push};
pub use status::{Open, Status, status};
pub use telling::{Telling, tell};
