//! The step `scenarios`: the same runs and events go through the real Dagster and through us, and both databases
//! are compared.
//!
//! Not here: what the scenarios are and how they are compared (`tests/python/scenarios/`), which differences stay
//! (`docs/differences.md`), nor how we replay (`tests/src/scenarios/`).

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::compat::test_program;
use crate::postgres;
use crate::process::run as run_command;
use crate::scripts::package;
use crate::workspace::Workspace;

/// Which scenarios, and where.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Scenarios {
    /// Only those whose name has this part, or matches it with wildcards
    #[arg(long)]
    only: Option<String>,
    /// In one kind of database; in both unless said
    #[arg(long)]
    storage: Option<Storage>,
    /// Keep homes and documents in a directory, which is made
    #[arg(long, requires = "storage")]
    keep: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Storage {
    Sqlite,
    Postgres,
}

/// Plays the scenarios on both sides.
pub(crate) fn run(workspace: &Workspace, scenarios: &Scenarios) -> Result<()> {
    let replay = test_program(workspace, "replay_scenarios")?;
    let is_wanted = |storage| scenarios.storage.is_none_or(|wanted| wanted == storage);
    let mut play = package(workspace, "scenarios")?;
    play.arg("--replay").arg(&replay);
    play.args(scenarios.only.iter().flat_map(|pattern| ["--only", pattern]));
    play.args(scenarios.keep.iter().flat_map(|directory| ["--keep", directory]));
    if is_wanted(Storage::Sqlite) {
        play.args(["--storage", "sqlite"]);
        run_command(&mut play)?;
    }
    if is_wanted(Storage::Postgres) {
        let postgres = postgres::ensure(workspace)?;
        // The last one that is given counts.
        play.args(["--storage", "postgres", "--postgres-url", postgres.url()]);
        run_command(&mut play)?;
    }
    Ok(())
}
