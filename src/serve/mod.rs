//! The Configure section over HTTP: an API over what is deployed, for people's pages and for machines. A door over `ops::section`:
//! it reads requests, words answers, and decides nothing about settings. All state is the store's, so that any number of servers run
//! side by side.

mod answers;
mod api;
mod app;
mod ask;
mod attempts;
mod auth;
mod cache;
mod counted;
mod feed;
mod history;
mod known;
mod listen;
mod log;
mod metrics;
mod oidc;
mod openapi;
mod pages;
mod plans;
mod problem;
mod proposals;
mod reconciler;
mod same;
mod sessions;
mod store;
mod unmoved;

pub use openapi::DOCUMENT;

use crate::ops::serving::Server;

/// What a program can do that has this.
pub const SERVER: Server = Server { serve: listen::run, show: reconciler::show };
