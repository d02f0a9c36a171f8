//! The step `bench`: ours and the real Dagster, measured side by side in one run.
//!
//! Not part of the gate: figures are for people. What is measured is in `tests/`.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::compat::{DIST, binary};
use crate::postgres::{self, Postgres};
use crate::process::{cargo, run as run_command};
use crate::python_env;
use crate::scripts::{piped, script};
use crate::workspace::{TESTS_PACKAGE, Workspace};

type Benchmark = fn(&Workspace, quick: bool) -> Result<()>;

/// What can be measured.
const BENCHMARKS: &[(&str, Benchmark)] = &[
    ("startup", startup),
    ("serdes", serdes),
    ("storage", storage),
    ("instance", instance),
    ("assets", assets),
    ("network", network),
    ("queue", queue),
];

/// Runs the benchmark of this name, or all.
pub(crate) fn run(workspace: &Workspace, quick: bool, name: Option<&str>) -> Result<()> {
    let chosen: Vec<_> =
        BENCHMARKS.iter().filter(|(known, _)| name.is_none_or(|name| name == *known)).collect();
    let names: Vec<_> = BENCHMARKS.iter().map(|(name, _)| *name).collect();
    ensure!(!chosen.is_empty(), "there is no such benchmark; there are: {}", names.join(", "));
    chosen.into_iter().try_for_each(|(_, benchmark)| benchmark(workspace, quick))
}

/// `run list` as a whole process.
fn startup(workspace: &Workspace, quick: bool) -> Result<()> {
    let binary = binary(workspace, DIST)?;
    let mut bench = script(workspace, "bench_startup.py")?;
    bench.arg(&binary).args(quick.then_some("--quick"));
    run_command(&mut bench)
}

/// Reading and writing the bodies of events.
fn serdes(workspace: &Workspace, _quick: bool) -> Result<()> {
    let mut build = cargo(workspace, "build");
    build.args(["--profile", DIST, "--package", TESTS_PACKAGE, "--bin", "serdes_speed"]);
    run_command(&mut build)?;
    let program = format!("serdes_speed{}", std::env::consts::EXE_SUFFIX);
    let ours = workspace.target.join(DIST).join(program);
    piped(&mut script(workspace, "time_serdes.py")?, &mut Command::new(ours))
}

/// The storages, SQLite and Postgres.
fn storage(workspace: &Workspace, quick: bool) -> Result<()> {
    beside_dagster(workspace, quick, "storage", "docs/benchmarks.md")
}

/// Creating runs and reporting events, and how soon a watcher has an event.
fn instance(workspace: &Workspace, quick: bool) -> Result<()> {
    beside_dagster(workspace, quick, "instance", "docs/benchmarks-instance.md")
}

/// Reading and wiping assets where there are many.
fn assets(workspace: &Workspace, quick: bool) -> Result<()> {
    beside_dagster(workspace, quick, "assets", "docs/benchmarks-assets.md")
}

/// Events of several processes in a Postgres that is a network away.
fn network(workspace: &Workspace, quick: bool) -> Result<()> {
    beside_dagster(workspace, quick, "network", "docs/benchmarks-network.md")
}

/// Taking runs from the queue and launching them, in Postgres alone.
fn queue(workspace: &Workspace, quick: bool) -> Result<()> {
    let postgres = postgres::ensure_counting(workspace)?;
    beside_dagster_in(workspace, &postgres, quick, "queue", "docs/benchmarks-queue.md")
}

/// A benchmark of `tests/benches`, in SQLite and Postgres; writes its document.
fn beside_dagster(workspace: &Workspace, quick: bool, name: &str, document: &str) -> Result<()> {
    let postgres = postgres::ensure(workspace, postgres::Place::Disk)?;
    beside_dagster_in(workspace, &postgres, quick, name, document)
}

/// The same with this Postgres.
fn beside_dagster_in(
    workspace: &Workspace,
    postgres: &Postgres,
    quick: bool,
    name: &str,
    document: &str,
) -> Result<()> {
    // Below the target directory: a temporary directory may be in memory, where a flush costs nothing.
    let directory = tempfile::tempdir_in(&workspace.target)?;
    let python = python_env::ensure(workspace)?;
    let mut bench = cargo(workspace, "bench");
    bench.env("DAGSTER_INSTANCE_PYTHON", &python);
    bench.args(["--profile", DIST, "--package", TESTS_PACKAGE, "--bench", name, "--"]).arg(python);
    bench.arg(workspace.root.join(format!("tests/python/time_{name}.py")));
    bench.arg(directory.path()).arg(postgres.url()).arg(workspace.root.join(document));
    run_command(bench.args(quick.then_some("--quick")))
}
