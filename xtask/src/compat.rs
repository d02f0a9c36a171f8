//! The step `compat`: the cross-crate tests, with the release binary, against the real Dagster; and
//! how the programs come about that this step and others test with.
//!
//! Not here: how the Python environment comes about.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::process::{cargo, run as run_command};
use crate::python_env;
use crate::workspace::{TESTS_PACKAGE, Workspace};

/// Builds the binary, brings up the environment, and runs the tests with the paths of both in their
/// environment.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let binary = release_binary(workspace)?;
    let python = python_env::ensure(workspace)?;
    let mut tests = cargo(workspace, "test");
    tests.args(["--package", TESTS_PACKAGE, "--"]).args(args);
    run_command(tests.env("DAGSTER_INSTANCE_BIN", binary).env("DAGSTER_INSTANCE_PYTHON", python))
}

/// Builds the binary as it is shipped; returns its path.
pub(crate) fn release_binary(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = cargo(workspace, "build");
    run_command(build.args(["--release", "--package", "dagster-instance-cli"]))?;
    let binary = workspace.target.join("release").join(format!("dagster-instance{EXE_SUFFIX}"));
    // With `build.target` configured cargo writes elsewhere, and a stale binary here would be
    // tested instead.
    ensure!(
        binary.is_file(),
        "the release build left no {}; is a `build.target` configured?",
        binary.display()
    );
    Ok(binary)
}

/// Builds a program of the tests, without optimizations; returns its path.
pub(crate) fn test_program(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let mut build = cargo(workspace, "build");
    run_command(build.args(["--quiet", "--package", TESTS_PACKAGE, "--bin", name]))?;
    Ok(workspace.target.join("debug").join(format!("{name}{EXE_SUFFIX}")))
}
