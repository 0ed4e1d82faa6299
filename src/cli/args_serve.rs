//! The arguments of the server, its tokens and its store.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args_reconcile::{RoundArgs, listening};
use crate::http::address;
use crate::model::credential::is_reference;
use crate::ops::forge::Forge;
use crate::ops::section::{Right, Role};
use crate::ops::serving::Network;
use crate::source::git::{Remote, is_branch_name};

#[derive(Debug, Args)]
#[command(mut_args(of_reconciler))]
pub struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = listening)]
    pub listen: SocketAddr,
    /// Certificates of the server, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The key of these certificates, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Addresses of a proxy whose word on who asks is taken, such as 10.0.0.0/8.
    #[arg(long, value_name = "NETWORK", requires = "user_header")]
    pub trusted_proxy: Option<Network>,
    /// The header in which that proxy names who asks.
    #[arg(long, value_name = "NAME", requires = "trusted_proxy")]
    pub user_header: Option<String>,
    /// Where branches of proposed changes are pushed, by git with its user's credentials: https://HOST/PATH, ssh://USER@HOST/PATH,
    /// USER@HOST:PATH or a folder. Without it they stay in the repository beside the server.
    #[arg(long, value_name = "REPOSITORY")]
    pub propose_to: Option<Remote>,
    /// The branch that proposed changes are to be merged into; usually the one that the repository is on.
    #[arg(long, value_name = "BRANCH", value_parser = branch)]
    pub propose_onto: Option<String>,
    /// The forge where they become pull requests, and the page of the repository there, such as
    /// `gitlab=https://git.example.com/team/shops` (or github, azure, gitea, forgejo, bitbucket); known by itself where the host says it.
    #[arg(long, value_name = "KIND=PAGE", requires = "propose_to")]
    pub forge: Option<Forge>,
    /// A token that opens pull requests, as a reference: env/NAME, file/PATH or vault/PATH. It is sent to that forge's API alone.
    #[arg(long, value_name = "REFERENCE", requires = "propose_to", value_parser = reference)]
    pub forge_token: Option<String>,
    /// Where the forge's API is, if elsewhere than usual.
    #[arg(long, value_name = "URL", requires = "forge_token", value_parser = api)]
    pub forge_api: Option<url::Url>,
    /// Save nothing; only show.
    #[arg(long, conflicts_with = "reconcile")]
    pub read_only: bool,
    /// Reconcile the deployed state with git too, as `pairform reconcile` does; /metrics tells how it does.
    #[arg(long)]
    pub reconcile: bool,
    #[command(flatten, next_help_heading = "With --reconcile")]
    pub rounds: RoundArgs,
}

/// What says how to reconcile says nothing without it. Who is told is a variable too, which may be set for all.
fn of_reconciler(arg: clap::Arg) -> clap::Arg {
    let is_its = ["remote", "branch", "every", "allow_live", "git_timeout", "lock_timeout"];
    if is_its.contains(&arg.get_id().as_str()) { arg.requires("reconcile") } else { arg }
}

fn branch(text: &str) -> Result<String, String> {
    let fits = is_branch_name(text) && !text.starts_with('-');
    if fits { Ok(text.to_owned()) } else { Err("it cannot be a branch's name".to_owned()) }
}

fn reference(text: &str) -> Result<String, String> {
    let fits = is_reference(text) && !text.starts_with("exec/");
    if fits { Ok(text.to_owned()) } else { Err("write env/NAME, file/PATH or vault/PATH".to_owned()) }
}

fn api(text: &str) -> Result<url::Url, String> {
    let url = address::parse(text).filter(address::is_safe);
    url.ok_or_else(|| "write an address that begins with https://".to_owned())
}

#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    pub command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it; it is printed this once.
    Create(TokenCreate),
    /// List tokens: roles, rights, what they are for and until when.
    List,
    /// End a token at once.
    Revoke {
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct TokenCreate {
    /// Who has it, as the history will say.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// viewer (reads), editor (saves categories), applier (hands in plans), runtime (reports syncs) or admin (all of it).
    #[arg(long, value_name = "ROLE")]
    pub role: Role,
    /// What it may besides: force, unlock, rename, release, override; may be given more than once.
    #[arg(long, value_name = "RIGHT")]
    pub right: Vec<Right>,
    /// Categories that it is for, such as `payment_*`; all when left out.
    #[arg(long, value_name = "PATTERN")]
    pub for_category: Vec<String>,
    /// Integrations that it is for, such as `nordic-*`; all when left out.
    #[arg(long, value_name = "PATTERN")]
    pub for_integration: Vec<String>,
    /// When it ends, such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "MOMENT")]
    pub until: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
pub struct StoreArgs {
    #[command(subcommand)]
    pub command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Copy all that a store has, its history too, into another one, which gets a new epoch.
    Copy {
        /// The store to copy, as `--store` names it.
        #[arg(value_name = "FROM")]
        from: String,
        /// The store to copy into; made where there is none.
        #[arg(value_name = "TO")]
        to: String,
        /// Copy into a store that has something, which is lost.
        #[arg(long)]
        replace: bool,
    },
}
