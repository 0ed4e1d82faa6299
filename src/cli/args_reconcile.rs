//! The arguments of the reconciler.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::plan::policy::reconcile::span;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Reconcile {
    #[command(subcommand)]
    pub command: Option<ReconcileCommand>,
    /// Make one round and end, with an exit code as apply has it: 3 where something was saved and something is held or failed, 5 where
    /// something is only held.
    #[arg(long, conflicts_with = "every")]
    pub once: bool,
    #[command(flatten)]
    pub rounds: RoundArgs,
    /// Where to listen for what looks after it: /metrics for Prometheus, /healthz and /readyz. No secret, shop or setting's value is
    /// there. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listening, conflicts_with = "once")]
    pub listen: Option<SocketAddr>,
}

/// How rounds are made, by `reconcile` and by `serve --reconcile`.
#[derive(Debug, Clone, Args)]
pub struct RoundArgs {
    #[command(flatten)]
    pub place: ReconcilePlace,
    /// How long to wait from one round to the next, such as 30s or 5m.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = pause)]
    pub every: Duration,
    /// Who is told: a file outside the repository that names webhooks, workflows of Slack and Teams, and forges.
    #[arg(long, value_name = "FILE", env = "PAIRFORM_TELL")]
    pub tell: Option<PathBuf>,
    /// Leave to change integrations in live mode, where the project requires it.
    #[arg(long)]
    pub allow_live: bool,
    /// How long git may take to fetch or to push.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = pause)]
    pub git_timeout: Duration,
    /// How long to wait for an integration that somebody else is applying; then it is left to the next round.
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    pub lock_timeout: u64,
}

/// What is reconciled.
#[derive(Debug, Clone, Args)]
pub struct ReconcilePlace {
    /// The remote that is fetched from, as `git remote` names it.
    #[arg(long, value_name = "NAME", default_value = "origin")]
    pub remote: String,
    /// The branch of it; else the one that the remote begins with, as this clone knows it, or the one that is checked out.
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum ReconcileCommand {
    /// Where reconciliation stands: the commit, who works, and what is open; fetches and writes nothing.
    Status,
    /// Go on with a commit that does not go on from what is deployed, after a force-push; the reason is kept.
    Accept {
        #[arg(value_name = "COMMIT")]
        commit: String,
        /// Why.
        #[arg(long, value_name = "WHY")]
        reason: String,
    },
    /// Take the wave of a rollout for done, so that the next round goes on with the next one; the reason is kept.
    Next {
        /// Why.
        #[arg(long, value_name = "WHY")]
        reason: String,
    },
    /// Begin a rollout anew in the next round: with the newest commit, from the first wave on; the reason is kept.
    Restart {
        /// Why.
        #[arg(long, value_name = "WHY")]
        reason: String,
    },
}

/// Where to listen; a name could be one of another machine tomorrow.
pub fn listening(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

/// From a second to a day.
fn pause(text: &str) -> Result<Duration, String> {
    let time = span(text).ok_or("a time is a number and `s`, `m`, `h` or `d`, such as `30s`")?;
    let fits = (1..=86_400).contains(&time.as_secs());
    if fits { Ok(time) } else { Err("it is from `1s` to `1d`".to_owned()) }
}
