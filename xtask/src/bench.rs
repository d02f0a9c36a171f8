//! The step `bench`: ours and the real Dagster, measured side by side in one run.
//!
//! Not part of the gate: figures are for people. The measuring itself is in `tests/python/`, so that
//! both sides are started by the same hand.

use std::process::Command;

use anyhow::Result;

use crate::compat::release_binary;
use crate::process::run as run_command;
use crate::python_env;
use crate::workspace::Workspace;

/// What can be measured: the name, and the script that measures it.
const BENCHMARKS: &[(&str, &str)] = &[("startup", "bench_startup.py")];

/// Runs the benchmarks of this name, or all.
pub(crate) fn run(workspace: &Workspace, quick: bool, name: Option<&str>) -> Result<()> {
    let chosen: Vec<_> =
        BENCHMARKS.iter().filter(|(known, _)| name.is_none_or(|name| name == *known)).collect();
    let names: Vec<_> = BENCHMARKS.iter().map(|(name, _)| *name).collect();
    anyhow::ensure!(
        !chosen.is_empty(),
        "there is no such benchmark; there are: {}",
        names.join(", ")
    );
    let binary = release_binary(workspace)?;
    let python = python_env::ensure(workspace)?;
    for (_, script) in chosen {
        let mut bench = Command::new(&python);
        bench.arg(workspace.root.join("tests/python").join(script)).arg(&binary);
        if quick {
            bench.arg("--quick");
        }
        run_command(bench.current_dir(&workspace.root).env("PYTHONDONTWRITEBYTECODE", "1"))?;
    }
    Ok(())
}
