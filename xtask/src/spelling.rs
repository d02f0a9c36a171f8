//! The step `spelling`: no word in the sources and the documents is a known typing error.
//!
//! Not here: which files and words are left out (`typos.toml`), nor which release of the checker runs
//! (`xtask/requirements.txt`).

use std::env::consts::EXE_SUFFIX;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::run as run_command;
use crate::python_env;
use crate::workspace::Workspace;

/// Looks for typing errors. With `mend`, replaces those that can be only one word.
pub(crate) fn run(workspace: &Workspace, mend: bool) -> Result<()> {
    let python = python_env::tools(workspace)?;
    let typos = python.with_file_name(format!("typos{EXE_SUFFIX}"));
    let mut command = Command::new(typos);
    command.current_dir(&workspace.root).args(["--format", "brief"]);
    command.args(mend.then_some("--write-changes"));
    run_command(&mut command).context("a word that is right goes into typos.toml, with a reason")
}
