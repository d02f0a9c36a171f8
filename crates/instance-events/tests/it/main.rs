//! The event domain over stores in memory: what is stored, what changes, and who is told, in order.
#![expect(clippy::expect_used, reason = "a failed expectation is a failed test")]

mod batch;
mod handle;
mod report;
mod retry;
#[cfg(feature = "tracing-layer")]
mod run_log_layer;
mod samples;
mod support;
mod watch;
