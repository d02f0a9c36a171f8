//! The scripts in `tests/python`, and what reads their output.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::python_env;
use crate::workspace::Workspace;

/// A script, with the pinned Dagster and no home of the caller's.
pub(crate) fn script(workspace: &Workspace, name: &str) -> Result<Command> {
    let mut python = Command::new(python_env::ensure(workspace)?);
    python.arg(workspace.root.join("tests/python").join(name)).current_dir(&workspace.root);
    python.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("DAGSTER_HOME");
    Ok(python)
}

/// A package of scripts that is run as a whole, in the same way.
pub(crate) fn package(workspace: &Workspace, name: &str) -> Result<Command> {
    let mut python = Command::new(python_env::ensure(workspace)?);
    python.args(["-W", "ignore", "-m", name]).current_dir(workspace.root.join("tests/python"));
    // The order of Python's sets shows in what Dagster writes.
    python.env("PYTHONHASHSEED", "0");
    python.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("DAGSTER_HOME");
    Ok(python)
}

/// Runs two programs. The output of the first is the input of the second. Both have to succeed.
pub(crate) fn piped(first: &mut Command, second: &mut Command) -> Result<()> {
    let mut source = first.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = source.stdout.take().context("the output is not piped")?;
    let checked = second.stdin(output).status()?;
    let generated = source.wait()?;
    ensure!(checked.success(), "{} failed", second.get_program().display());
    ensure!(generated.success(), "{} failed", first.get_program().display());
    Ok(())
}
