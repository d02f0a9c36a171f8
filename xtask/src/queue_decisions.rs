//! The step `queue-decisions`: more queues than in the gate, asked of Dagster's daemon and of ours.
//!
//! Not here: how queues are drawn (`tests/python/queue_cases.py`), and what is compared (`tests/it/queue_decisions.rs`).

use anyhow::Result;
use clap::Args;

use crate::compat;
use crate::workspace::Workspace;

/// How many.
#[derive(Debug, Clone, Args)]
pub(crate) struct QueueDecisions {
    /// How many queues are drawn
    #[arg(long, default_value_t = 20_000)]
    count: u32,
}

/// Runs the test with this number.
pub(crate) fn run(workspace: &Workspace, decisions: &QueueDecisions) -> Result<()> {
    compat::with_servers(workspace, |tests| {
        tests.args(["--", "queue_decisions::"]);
        tests.env("DAGSTER_INSTANCE_QUEUE_CASES", decisions.count.to_string());
    })
}
