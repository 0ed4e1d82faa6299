//! The arguments of the server, its tokens and its store.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::ops::section::{Right, Role};
use crate::ops::serving::Network;

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
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
    /// Save nothing; only show.
    #[arg(long)]
    pub read_only: bool,
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
