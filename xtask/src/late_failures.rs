//! The step `late-failures`: more failures that are committed late than in the gate, before our retries and before Dagster's.
//!
//! Not here: how runs fail (`tests/python/late_failures.py`), and what has to come of it (`tests/it/code_server/late_failures.rs`).

use anyhow::Result;
use clap::Args;

use crate::compat;
use crate::workspace::Workspace;

/// How many.
#[derive(Debug, Clone, Args)]
pub(crate) struct LateFailures {
    /// How many runs fail
    #[arg(long, default_value_t = 2_000)]
    count: u32,
}

/// Runs the test with this number.
pub(crate) fn run(workspace: &Workspace, failures: &LateFailures) -> Result<()> {
    compat::with_servers(workspace, |tests| {
        tests.args(["--", "late_failures::", "--nocapture"]);
        tests.env("DAGSTER_INSTANCE_LATE_FAILURES", failures.count.to_string());
    })
}
