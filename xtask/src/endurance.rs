//! The step `endurance`: many writers store very many events, and another process follows them.
//!
//! Not here: what is written and what is checked (`tests/src/bin/endurance.rs`).

use std::env::consts::EXE_SUFFIX;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::compat::test_program;
use crate::postgres;
use crate::process::{cargo, run as run_command};
use crate::python_env;
use crate::workspace::{TESTS_PACKAGE, Workspace};

const PROGRAM: &str = "endurance";

/// How much is written.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Endurance {
    /// How many events
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// How many writers, each with a run of its own
    #[arg(long, default_value_t = 64)]
    writers: u64,
}

impl Endurance {
    /// As the gate does it.
    pub(crate) const SHORT: Self = Self { events: 20_000, writers: 64 };
    /// With more events than this, the program is built with optimizations first.
    const LONG: u64 = 100_000;
}

/// Writes and follows in SQLite, in each of its layouts, and in Postgres.
pub(crate) fn run(workspace: &Workspace, endurance: Endurance) -> Result<()> {
    let program = if endurance.events > Endurance::LONG {
        let mut build = cargo(workspace, "build");
        run_command(build.args(["--release", "--package", TESTS_PACKAGE, "--bin", PROGRAM]))?;
        workspace.target.join("release").join(format!("{PROGRAM}{EXE_SUFFIX}"))
    } else {
        test_program(workspace, PROGRAM)?
    };
    let postgres = postgres::ensure(workspace, postgres::Place::Disk)?;
    let python = python_env::ensure(workspace)?;
    let (server, _) = postgres.url().rsplit_once('/').context("the URL names no database")?;
    let name = format!("endurance_{}", std::process::id());
    let sql = |statement: String| {
        let mut command = Command::new(&python);
        command.arg(workspace.root.join("tests/python/postgres_sql.py"));
        run_command(command.args([postgres.url(), &statement]))
    };
    // Below the target directory: a temporary directory may be in memory, where a flush costs nothing.
    let directory = tempfile::tempdir_in(&workspace.target)?;
    let mut sections = vec![
        ("SQLite", String::new()),
        ("SQLite, one file for all runs", consolidated(directory.path())),
    ];
    sql(format!("CREATE DATABASE {name}"))?;
    sections
        .push(("Postgres", format!("storage:\n  postgres:\n    postgres_url: {server}/{name}\n")));
    let mut done = Ok(());
    for (place, section) in &sections {
        println!("{place}");
        let home = directory.path().join(place.to_lowercase().replace([' ', ','], "_"));
        std::fs::create_dir_all(&home)?;
        std::fs::write(home.join("dagster.yaml"), section)?;
        let mut command = Command::new(&program);
        command.arg(&home).args([endurance.events.to_string(), endurance.writers.to_string()]);
        done = run_command(&mut command);
        if done.is_err() {
            break;
        }
    }
    sql(format!("DROP DATABASE {name} WITH (FORCE)"))?;
    done
}

/// The settings of a home that has the events of all runs in one file.
fn consolidated(directory: &Path) -> String {
    let mut section =
        String::from("event_log_storage:\n  module: dagster._core.storage.event_log\n");
    // A `String` takes whatever is written to it.
    let _ = write!(
        section,
        "  class: ConsolidatedSqliteEventLogStorage\n  config:\n    base_dir: {}\n",
        directory.join("consolidated").display()
    );
    section
}
