//! The step `keepers`: processes that keep the queue, monitoring and retries are killed more often than in the gate, or at
//! other moments.
//!
//! Not here: what they do meanwhile, and what has to be so afterwards (`tests/it/keepers/`).

use anyhow::Result;
use clap::Args;

use crate::compat::{self, RELEASE};
use crate::workspace::Workspace;
use crate::{pgbouncer, postgres};

/// How often, for how long, and when.
#[derive(Debug, Clone, Args)]
pub(crate) struct Keepers {
    /// How many times the keeper of each duty is killed over each database
    #[arg(long, default_value_t = 50)]
    times: u32,
    /// For how many minutes two keepers of one database are killed in turn
    #[arg(long, default_value_t = 10)]
    minutes: u32,
    /// Which moments
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

/// Runs the tests of keepers with these numbers.
pub(crate) fn run(workspace: &Workspace, keepers: &Keepers) -> Result<()> {
    let binary = compat::binary(workspace, RELEASE)?;
    let (servers, pooler) = (postgres::programs(workspace)?, pgbouncer::ensure(workspace)?);
    compat::with_servers(workspace, |tests| {
        tests.args(["--", "keepers::", "--nocapture"]);
        tests.env("DAGSTER_INSTANCE_BIN", binary);
        tests.env("DAGSTER_INSTANCE_TEST_POSTGRES_PROGRAMS", servers);
        tests.env("DAGSTER_INSTANCE_TEST_PGBOUNCER", pooler);
        tests.env("DAGSTER_INSTANCE_KEEPERS_TIMES", keepers.times.to_string());
        tests.env("DAGSTER_INSTANCE_KEEPERS_SECONDS", (60 * keepers.minutes).to_string());
        tests.env("DAGSTER_INSTANCE_KEEPERS_SEED", keepers.seed.to_string());
    })
}
