//! The facade in memory: it needs neither Python nor a server nor a file, but where a test says so.
#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod building;
mod events;
#[cfg(all(feature = "process", feature = "sqlite"))]
mod keepers;
mod launching;
mod support;
