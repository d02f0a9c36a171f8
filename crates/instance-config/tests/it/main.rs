//! Files and references, and the settings that are made of them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation is a failed test"
)]

mod classes;
mod described;
mod members;
mod overrides;
mod postgres;
mod problems;
mod references;
mod secrets;
mod sections;
mod storage;
mod support;
mod variables;
mod workspaces;
