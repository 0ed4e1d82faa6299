//! pairform: integration configuration as code.
//!
//! Modules in reading order; each imports only from those above it (a test keeps it so). The pipeline is
//! `load → parse → compose → check → lower → compare → plan → apply`, see ARCHITECTURE.md.

pub mod source;

pub mod diagnostic;

pub mod yaml;

pub mod model;

pub mod schema;

pub mod options;

pub mod compile;

pub mod plan;

pub mod store;

pub mod apply;

pub mod report;

pub mod cli;
