//! pairform: integration configuration as code.
//!
//! Modules in reading order; each imports only from those above it (a test keeps it so). The pipeline is
//! `load → parse → compose → check → lower → compare → plan → apply`, see ARCHITECTURE.md. What a user can do is in [`ops`]:
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use pairform::ops::{self, Host, Request, Workspace, load::Purpose, workspace::Files};
//!
//! // A project that stands in memory, and a host without a store, secrets or a clock that moves.
//! let files = Files::from([
//!     ("pairform.yaml".to_owned(), "version: 1\n".to_owned()),
//!     (
//!         "integrations/my-shop.yaml".to_owned(),
//!         "integration: my-shop\npair: fortnox-shopify\nsettings: {general: {name: My Shop}}\n".to_owned(),
//!     ),
//! ]);
//! let (secrets, cancel) = (pairform::secrets::Local::default(), AtomicBool::new(false));
//! let trust = pairform::trust::Trust::default();
//! let host = Host {
//!     now: &|| "2026-12-01T12:00:00Z".parse().unwrap_or_default(),
//!     elapsed: &Default::default,
//!     sleep: &|_| (),
//!     actor: &|_| "an example".to_owned(),
//!     holder: &|| "this process".to_owned(),
//!     open_store: &|_, _| Ok(None),
//!     secrets: &secrets,
//!     trust: &trust,
//!     ask: &|_, _| false,
//!     progress: &|_| (),
//!     cancel: &cancel,
//! };
//! let workspace = Workspace::in_memory("/nowhere".as_ref(), &files);
//! let planned = ops::plan::plan(&workspace, &Request::default(), &host, Purpose::Look)?;
//! assert_eq!(planned.plan.summary.categories.create, 1);
//! assert!(!planned.project.has_errors(), "what is missing is a warning while the integration is not live");
//! # Ok::<(), ops::Error>(())
//! ```

pub mod source;

pub mod diagnostic;

pub mod trust;

pub mod yaml;

pub mod model;

pub mod schema;

pub mod http;

pub mod options;

pub mod secrets;

pub mod compile;

pub mod plan;

pub mod store;

pub mod apply;

pub mod ops;

pub mod report;

#[cfg(feature = "serve")]
pub mod serve;

#[cfg(feature = "cli")]
pub mod cli;
