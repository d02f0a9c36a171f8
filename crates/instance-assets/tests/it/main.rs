//! The asset domain over stores in memory.
#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod records;
mod runless;
