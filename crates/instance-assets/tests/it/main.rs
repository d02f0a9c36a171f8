//! The asset domain over stores in memory.
#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod checks;
mod events;
mod health;
mod materializations;
mod partitions;
mod records;
mod runless;
mod samples;
mod status;
mod unknown;
mod wipe;
