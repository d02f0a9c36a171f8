//! The storages over real files: what they store, what they refuse, and what they survive.

mod as_found;
mod assets;
mod bad_days;
mod compute_logs;
mod concurrency;
mod conformance;
mod daemons;
mod damage;
mod domain;
mod dynamic_partitions;
mod events;
mod idle;
mod info;
mod layers;
mod mutants;
mod query_plans;
mod reindex;
mod run_events;
mod runs;
#[cfg(feature = "s3")]
mod s3;
mod schedules;
mod spans;
mod support;
mod watch;
