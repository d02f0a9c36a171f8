//! The step `compat`: the cross-crate tests, with the release binary, against the real Dagster. It also builds the
//! programs that this step and others test with.
//!
//! Not here: how the Python environment, the Postgres server and the corpus are made.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::process::{cargo, run as run_command};
use crate::scratch::Scratch;
use crate::workspace::{SELECTION, TESTS_TARGET, Workspace};
use crate::{corpus, old_databases, pgbouncer, postgres, python_env};

/// Runs the tests with the release binary.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let binary = binary(workspace, RELEASE)?;
    let with_clouds = test_program(workspace, "dagster-instance")?;
    let corpus = corpus::homes(workspace)?;
    let old_databases = old_databases::unpacked(workspace)?;
    // Some tests start servers and poolers of their own.
    let (servers, pooler) = (postgres::programs(workspace)?, pgbouncer::ensure(workspace)?);
    let node = python_env::node(workspace)?;
    with_servers(workspace, |tests| {
        tests.arg("--").args(args).env("DAGSTER_INSTANCE_BIN", binary);
        tests.env("DAGSTER_INSTANCE_BIN_WITH_CLOUDS", with_clouds);
        tests.env("DAGSTER_INSTANCE_CORPUS", corpus);
        tests.env("DAGSTER_INSTANCE_OLD_DATABASES", old_databases);
        tests.env("DAGSTER_INSTANCE_TEST_POSTGRES_PROGRAMS", servers);
        tests.env("DAGSTER_INSTANCE_TEST_PGBOUNCER", pooler);
        tests.env("DAGSTER_INSTANCE_TEST_NODE", node);
    })
}

/// Brings up the Python environment and a Postgres, and runs the tests with both in their environment. `change`
/// adds to it.
pub(crate) fn with_servers(workspace: &Workspace, change: impl FnOnce(&mut Command)) -> Result<()> {
    let python = python_env::ensure(workspace)?;
    let scratch = Scratch::new()?;
    let postgres = postgres::ensure(workspace, postgres::Place::Memory)?;
    let mut tests = cargo(workspace, "test");
    tests.args(SELECTION).args(["--test", TESTS_TARGET]);
    scratch.of(&mut tests);
    tests.env("DAGSTER_INSTANCE_PYTHON", python);
    tests.env("DAGSTER_INSTANCE_TEST_POSTGRES_URL", postgres.url());
    change(&mut tests);
    run_command(&mut tests)
}

/// The profile of what people build and of what the gate tests.
pub(crate) const RELEASE: &str = "release";
/// The profile of what is shipped and measured.
pub(crate) const DIST: &str = "dist";

/// Builds the binary in one of the optimised profiles; returns its path.
pub(crate) fn binary(workspace: &Workspace, profile: &str) -> Result<PathBuf> {
    let mut build = cargo(workspace, "build");
    run_command(build.args(["--profile", profile, "--package", "dagster-instance-cli"]))?;
    let binary = workspace.target.join(profile).join(format!("dagster-instance{EXE_SUFFIX}"));
    // With `build.target` configured cargo writes elsewhere, and a stale binary here would be
    // tested instead.
    ensure!(
        binary.is_file(),
        "the {profile} build left no {}; is a `build.target` configured?",
        binary.display()
    );
    Ok(binary)
}

/// Builds a program of the tests, without optimizations; returns its path.
pub(crate) fn test_program(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let mut build = cargo(workspace, "build");
    // With the examples, since those have the features of the tests' dependencies built.
    build.args(SELECTION).args(["--quiet", "--examples", "--bin", name]);
    run_command(&mut build)?;
    Ok(workspace.target.join("debug").join(format!("{name}{EXE_SUFFIX}")))
}
