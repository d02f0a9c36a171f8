//! The step `scenarios`: the same runs and events go through the real Dagster and through us, and both databases
//! are compared.
//!
//! Not here: what the scenarios are and how they are compared (`tests/python/scenarios/`), which differences stay
//! (`docs/differences.md`), nor how we replay (`tests/src/scenarios/`).

use std::process::Command;
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::compat::test_program;
use crate::postgres;
use crate::process::run as run_command;
use crate::scratch::Scratch;
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

/// Plays the scenarios on both sides, in both kinds of database at once: on either, one process has Dagster's side.
pub(crate) fn run(workspace: &Workspace, scenarios: &Scenarios) -> Result<()> {
    let replay = test_program(workspace, "replay_scenarios")?;
    let scratch = Scratch::new()?;
    let play = |storage| -> Result<Command> {
        let mut play = package(workspace, "scenarios")?;
        play.arg("--replay").arg(&replay).args(["--storage", storage]);
        play.args(scenarios.only.iter().flat_map(|pattern| ["--only", pattern]));
        play.args(scenarios.keep.iter().flat_map(|directory| ["--keep", directory]));
        scratch.of(&mut play);
        Ok(play)
    };
    let is_wanted = |storage| scenarios.storage.is_none_or(|wanted| wanted == storage);
    let mut plays = Vec::new();
    if is_wanted(Storage::Sqlite) {
        plays.push(play("sqlite")?);
    }
    let postgres = is_wanted(Storage::Postgres)
        .then(|| postgres::ensure(workspace, postgres::Place::Memory))
        .transpose()?;
    if let Some(postgres) = &postgres {
        let mut play = play("postgres")?;
        play.args(["--postgres-url", postgres.url()]);
        plays.push(play);
    }
    // All of them come to their ends: what differs in one kind of database may explain what does in the other.
    let results = thread::scope(|scope| {
        let started: Vec<_> =
            plays.iter_mut().map(|play| scope.spawn(|| run_command(play))).collect();
        started.into_iter().map(ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    results.into_iter().try_for_each(|result| result.ok().context("a thread panicked")?)
}
