//! The step `crash`: writers and servers are killed more often than in the gate, or at other moments.
//!
//! Not here: what is killed, and what has to survive (`tests/it/crash.rs`).

use anyhow::Result;
use clap::Args;

use crate::compat;
use crate::workspace::Workspace;

/// How often, and when.
#[derive(Debug, Clone, Args)]
pub(crate) struct Crashes {
    /// How many times over each database
    #[arg(long, default_value_t = 50)]
    times: u32,
    /// Which moments
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

/// Runs the tests of crashes with these numbers.
pub(crate) fn run(workspace: &Workspace, crashes: &Crashes) -> Result<()> {
    compat::with_servers(workspace, |tests| {
        tests.args(["--", "crash::", "--nocapture"]);
        tests.env("DAGSTER_INSTANCE_CRASH_TIMES", crashes.times.to_string());
        tests.env("DAGSTER_INSTANCE_CRASH_SEED", crashes.seed.to_string());
    })
}
