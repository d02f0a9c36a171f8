//! The scheduling domain over stores in memory.
#![expect(clippy::expect_used, reason = "a failed expectation is a failed test")]

mod automation;
mod backfills;
mod cursors;
mod debug;
mod instigators;
mod next_ticks;
mod paths;
mod retention;
mod schedules;
mod sensors;
mod support;
mod ticks;
