//! Whole runs against the public interface.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and tests touch the machine"
)]

mod across;
mod apply;
mod attacks;
mod attacks_payments;
mod attacks_review;
mod cache;
mod cases;
mod composition;
mod day;
mod dice;
mod documents;
mod drift;
mod editor;
mod examples;
mod expectations;
mod faults;
mod findings;
mod flags;
mod fleet;
mod fmt;
mod forge;
mod forms;
mod fuzz;
mod generated;
mod histories;
mod hostile;
mod hostile_stores;
mod imports;
mod init;
mod instructions;
mod interleavings;
mod judged;
mod layers;
mod live;
mod mistakes;
mod ops;
mod options;
mod outputs;
mod overwrites;
mod packaging;
mod pages;
mod parts;
mod payments;
mod pictures;
mod pipelines;
mod place;
mod plans;
mod platforms;
mod postgres;
mod propose;
mod pull;
mod pull_races;
mod records;
mod release;
mod renames;
mod report;
mod requires;
mod revert;
mod revisions;
mod rules;
mod run;
mod runner;
mod schemas;
mod secrets;
mod secrets_sources;
mod serve;
mod serve_pipelines;
mod server;
mod signatures;
mod silence;
mod skill;
mod store;
mod tidy;
mod tokens;
mod tools;
mod trace;
mod vault;
mod walks;
