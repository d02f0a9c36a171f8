//! The steps that are one cargo command each, and `fix`, the writing twin of `fmt` and `clippy`.
//!
//! Not here: a step with logic of its own.

use anyhow::{Result, ensure};

use crate::codegen;
use crate::process::{cargo, run};
use crate::spelling;
use crate::workspace::{SELECTION, TESTS_PACKAGE, TESTS_TARGET, Workspace};

pub(crate) fn fmt(workspace: &Workspace) -> Result<()> {
    run(cargo(workspace, "fmt").args(["--all", "--check"]))
}

pub(crate) fn clippy(workspace: &Workspace) -> Result<()> {
    let mut command = cargo(workspace, "clippy");
    run(command.args(SELECTION).args(["--all-targets", "--", "-D", "warnings"]))
}

/// The unit tests of every package, and the integration tests except those that need Python.
pub(crate) fn test(workspace: &Workspace, args: &[String]) -> Result<()> {
    let names = workspace.integration_tests();
    ensure!(
        !names.contains(TESTS_TARGET),
        "a crate has integration tests named `{TESTS_TARGET}`, as `{TESTS_PACKAGE}` has: rename its"
    );
    let integration = names.into_iter().flat_map(|name| ["--test", name]);
    test_targets(
        workspace,
        &["--lib", "--bins"].into_iter().chain(integration).collect::<Vec<_>>(),
        args,
    )
}

/// Only the tests inside `src/`: what `check --quick` runs.
pub(crate) fn unit_test(workspace: &Workspace, args: &[String]) -> Result<()> {
    test_targets(workspace, &["--lib", "--bins"], args)
}

fn test_targets(workspace: &Workspace, targets: &[&str], args: &[String]) -> Result<()> {
    let mut command = cargo(workspace, "test");
    run(command.args(SELECTION).args(targets).arg("--").args(args))
}

pub(crate) fn doctest(workspace: &Workspace) -> Result<()> {
    run(cargo(workspace, "test").args(SELECTION).arg("--doc"))
}

pub(crate) fn doc(workspace: &Workspace) -> Result<()> {
    let mut command = cargo(workspace, "doc");
    // Examples are included so that dependencies have the same features as for tests and for clippy.
    command.args(SELECTION).args(["--lib", "--examples"]);
    // By name: `--bins` would also take programs that have no documentation.
    command.args(workspace.documented_programs().into_iter().flat_map(|name| ["--bin", name]));
    command.args(["--no-deps", "--document-private-items"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    codegen::run(workspace, false)?;
    spelling::run(workspace, true)?;
    let mut clippy = cargo(workspace, "clippy");
    clippy.args(SELECTION).args(["--all-targets", "--fix", "--allow-dirty", "--allow-staged"]);
    run(&mut clippy)?;
    // Last, because what clippy writes is not formatted.
    run(cargo(workspace, "fmt").arg("--all"))
}
