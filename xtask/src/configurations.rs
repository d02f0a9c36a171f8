//! The step `configurations`: the real Dagster and we load the same homes, and what both make of each `dagster.yaml` is
//! compared.
//!
//! Not here: which homes there are and how they are compared (`tests/python/configurations/`), which differences stay
//! (`docs/differences.md`), nor how we load them (`tests/src/configurations/`).

use anyhow::Result;
use clap::Args;

use crate::compat::test_program;
use crate::process::run as run_command;
use crate::scripts::package;
use crate::sdist;
use crate::workspace::Workspace;

/// Which homes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Configurations {
    /// Only those whose name has this part, or matches it with wildcards
    #[arg(long)]
    only: Option<String>,
}

/// Loads the homes on both sides. What Dagster says of a home is kept below `target/compat/configurations`, and it is
/// asked again when the home changes.
pub(crate) fn run(workspace: &Workspace, configurations: &Configurations) -> Result<()> {
    let ours = test_program(workspace, "load_configurations")?;
    let mut load = package(workspace, "configurations")?;
    load.arg("--ours").arg(ours).arg("--sdist").arg(sdist::ensure(workspace)?);
    load.arg("--directory").arg(workspace.target.join("compat/configurations"));
    load.args(configurations.only.iter().flat_map(|pattern| ["--only", pattern]));
    run_command(&mut load)
}
