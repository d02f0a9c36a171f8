//! The step `upgrade-bench`: a large Postgres of Dagster 1.5, upgraded by Dagster and by us.
//!
//! Not part of the gate: it takes minutes and gigabytes. What is measured is in `tests/python/time_upgrade.py`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::compat::{DIST, binary};
use crate::process::run as run_command;
use crate::scripts::script;
use crate::workspace::Workspace;
use crate::{old_databases, postgres};

/// The release whose database is multiplied.
const RELEASE: &str = "1.5";
/// Where the figures of a run of this size are.
const DOCUMENT: &str = "docs/benchmarks-upgrade.md";
const EVENTS_OF_DOCUMENT: u64 = 5_000_000;

/// How large the database is.
#[derive(Debug, Clone, Args)]
pub(crate) struct UpgradeBench {
    /// How many events it has; 5,000,000 need 30 GB of disk, and only a run of so many writes the document
    #[arg(long, default_value_t = EVENTS_OF_DOCUMENT)]
    events: u64,
    /// A binary that is built already, in the place of one that is built now
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Makes the database, upgrades copies of it, and drops all.
pub(crate) fn run(workspace: &Workspace, bench: &UpgradeBench) -> Result<()> {
    let binary = match &bench.binary {
        Some(binary) => binary.clone(),
        None => binary(workspace, DIST)?,
    };
    let postgres = postgres::ensure(workspace, postgres::Place::Disk)?;
    let sql = old_databases::unpacked(workspace)?.join(RELEASE).join("postgres.sql");
    let mut bench_script = script(workspace, "time_upgrade.py")?;
    bench_script.arg(postgres.url()).arg(sql).arg(binary);
    bench_script.args(["--events", &bench.events.to_string()]);
    if bench.events == EVENTS_OF_DOCUMENT {
        bench_script.arg("--document").arg(workspace.root.join(DOCUMENT));
    }
    run_command(&mut bench_script)
}
