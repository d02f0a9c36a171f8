//! The steps that are one cargo command each, and `fix`, the writing twin of `fmt` and `clippy`.
//!
//! Not here: a step with logic of its own.

use anyhow::Result;

use crate::codegen;
use crate::process::{cargo, run};
use crate::spelling;
use crate::workspace::{TESTS_PACKAGE, Workspace};

pub(crate) fn fmt(workspace: &Workspace) -> Result<()> {
    run(cargo(workspace, "fmt").args(["--all", "--check"]))
}

pub(crate) fn clippy(workspace: &Workspace) -> Result<()> {
    let everything = ["--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    run(cargo(workspace, "clippy").args(everything))
}

/// The unit and integration tests of every package but the one that needs Python.
pub(crate) fn test(workspace: &Workspace, args: &[String]) -> Result<()> {
    test_targets(workspace, &["--lib", "--bins", "--tests"], args)
}

/// Only the tests inside `src/`: what `check --quick` runs.
pub(crate) fn unit_test(workspace: &Workspace, args: &[String]) -> Result<()> {
    test_targets(workspace, &["--lib", "--bins"], args)
}

fn test_targets(workspace: &Workspace, targets: &[&str], args: &[String]) -> Result<()> {
    let mut command = cargo(workspace, "test");
    command.args(["--workspace", "--all-features", "--exclude", TESTS_PACKAGE]).args(targets);
    run(command.arg("--").args(args))
}

pub(crate) fn doctest(workspace: &Workspace) -> Result<()> {
    run(cargo(workspace, "test").args(["--workspace", "--doc", "--all-features"]))
}

pub(crate) fn doc(workspace: &Workspace) -> Result<()> {
    let mut command = cargo(workspace, "doc");
    command.args(["--workspace", "--no-deps", "--all-features", "--document-private-items"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    codegen::run(workspace, false)?;
    spelling::run(workspace, true)?;
    let mut clippy = cargo(workspace, "clippy");
    clippy.args([
        "--fix",
        "--allow-dirty",
        "--allow-staged",
        "--workspace",
        "--all-targets",
        "--all-features",
    ]);
    run(&mut clippy)?;
    // Last, because what clippy writes is not formatted.
    run(cargo(workspace, "fmt").arg("--all"))
}
