//! The storages over real files: what they store, what they refuse, and what they survive.

mod assets;
mod bad_days;
mod compute_logs;
mod concurrency;
mod damage;
mod events;
mod run_events;
mod run_filters;
mod runs;
mod schedules;
mod stats;
mod support;
