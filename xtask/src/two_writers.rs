//! The step `two-writers`: we and Dagster write one database for longer than in the gate.
//!
//! Not here: what is written, and what has to be found (`tests/it/two_writers.rs`).

use anyhow::Result;
use clap::Args;

use crate::compat;
use crate::workspace::Workspace;

/// How long.
#[derive(Debug, Clone, Args)]
pub(crate) struct TwoWriters {
    /// How many events, runs and dynamic partitions we write
    #[arg(long, default_value_t = 20_000)]
    count: u32,
}

/// Runs the tests of two writers with this number.
pub(crate) fn run(workspace: &Workspace, writers: &TwoWriters) -> Result<()> {
    compat::with_servers(workspace, |tests| {
        tests.args(["--", "two_writers::", "--nocapture", "--test-threads=1"]);
        tests.env("DAGSTER_INSTANCE_TWO_WRITERS_COUNT", writers.count.to_string());
    })
}
