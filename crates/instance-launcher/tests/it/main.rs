//! The launcher domain over an instance in memory: runs from their submission to their end, and real processes.
#![expect(clippy::expect_used, reason = "a failed expectation is a failed test")]

#[cfg(feature = "grpc")]
mod code_locations;
mod coordinators;
mod deletion;
mod health;
mod keepers;
#[cfg(feature = "grpc")]
mod launch_state;
mod lifecycle;
mod monitoring;
mod other_process;
mod pipes;
mod process;
mod process_failures;
mod queue;
#[cfg(feature = "grpc")]
mod repository_text;
mod retries;
mod support;
mod unserved;
