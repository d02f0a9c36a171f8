//! The built binary over homes that the tests fill through the facade: what it prints, and its exit codes. No
//! Python and no Postgres.
#![expect(clippy::expect_used, reason = "a failed expectation is a failed test")]

mod assets;
#[cfg(feature = "grpc")]
mod code_places;
mod config;
mod configured;
#[cfg(feature = "grpc")]
mod daemon_run;
mod daemons;
mod doctor;
mod ended;
mod ending;
mod errors;
mod escaping;
mod exec;
mod help;
mod home;
mod looking;
mod migrate;
mod missing_homes;
mod partitions;
mod queue;
mod reindex;
mod scheduling;
mod strict_json;
