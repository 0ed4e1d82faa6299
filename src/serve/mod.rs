//! The Configure section over HTTP: an API over what is deployed, for people's pages and for machines. A door over `ops::section`:
//! it reads requests, words answers, and decides nothing about settings. All state is the store's, so that any number of servers run
//! side by side.

mod api;
mod app;
mod ask;
mod attempts;
mod auth;
mod cache;
mod feed;
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
mod sessions;
mod store;

pub use listen::run;
pub use openapi::DOCUMENT;
