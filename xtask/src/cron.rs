//! The step `cron`: the ticks of schedules beside Dagster's, in more time zones than in the gate.
//!
//! Not here: the schedules and the comparison (`tests/it/cron.rs`).

use anyhow::Result;
use clap::Args;

use crate::compat;
use crate::workspace::Workspace;

/// How many.
#[derive(Debug, Clone, Args)]
pub(crate) struct Cron {
    /// In how many time zones each schedule is compared; there are twelve
    #[arg(long, default_value_t = 12)]
    zones: u32,
}

/// Runs the tests of ticks in so many time zones.
pub(crate) fn run(workspace: &Workspace, cron: &Cron) -> Result<()> {
    compat::with_servers(workspace, |tests| {
        tests.args(["--", "cron::", "--nocapture"]);
        tests.env("DAGSTER_INSTANCE_CRON_ZONES", cron.zones.to_string());
    })
}
