//! The steps `corpus` and `differential`: we read and write again what the real Dagster stores, and what it would
//! write for generated values.
//!
//! Not here: what is generated (`tests/python/`), nor the comparison (`tests/src/bin/`).

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use clap::Args;

use crate::compat::test_program;
use crate::process::run as run_command;
use crate::scripts::{piped, script};
use crate::sdist;
use crate::workspace::Workspace;

/// Where the databases of older releases are within the source distribution.
const OLD_DATABASES: &str = "dagster_tests/general_tests/compat_tests";

/// Has Dagster write a corpus, and checks every body in it.
pub(crate) fn corpus(workspace: &Workspace) -> Result<()> {
    let directory = fresh_directory(workspace, "corpus")?;
    let checker = test_program(workspace, "corpus")?;
    let mut write = script(workspace, "write_corpus.py")?;
    write.arg(&directory).stdout(Stdio::null());
    // Dagster logs every event of every run.
    let log = std::fs::File::create(workspace.target.join("compat/corpus.log"))?;
    run_command(write.stderr(log)).context("its log is target/compat/corpus.log")?;
    let mut extract = script(workspace, "extract_bodies.py")?;
    piped(extract.arg(&directory), &mut Command::new(checker))
}

/// Checks every body in the databases of older releases.
pub(crate) fn old_corpus(workspace: &Workspace) -> Result<()> {
    let databases = sdist::ensure(workspace)?.join(OLD_DATABASES);
    let mut extract = script(workspace, "extract_bodies.py")?;
    let mut checker = Command::new(test_program(workspace, "corpus")?);
    piped(extract.arg(databases), checker.arg("--old"))
}

/// How much is generated, and what.
#[derive(Debug, Clone, Args)]
pub(crate) struct Size {
    /// How many documents
    #[arg(long, default_value_t = 100_000)]
    documents: u32,
    /// How many values
    #[arg(long, default_value_t = 10_000)]
    values: u32,
    /// Which documents and values
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self { documents: 100_000, values: 10_000, seed: 1 }
    }
}

/// Compares our text with Python's for generated documents and values.
pub(crate) fn differential(workspace: &Workspace, size: &Size) -> Result<()> {
    let checker = test_program(workspace, "differential")?;
    let mut generate = script(workspace, "differential.py")?;
    for (option, value) in
        [("--documents", size.documents), ("--values", size.values), ("--seed", size.seed)]
    {
        generate.arg(option).arg(value.to_string());
    }
    let kept = workspace.root.join("tests/kept/differential.jsonl");
    generate.arg("--kept").arg(&kept);
    let mut checker = Command::new(checker);
    checker.env("DAGSTER_INSTANCE_PYTHON", generate.get_program());
    piped(&mut generate, checker.arg(kept))
}

/// Feeds damaged bodies of the corpus to the reader. The corpus is written if it is not there.
pub(crate) fn fuzz(workspace: &Workspace, seconds: u32, seed: u32) -> Result<()> {
    let directory = workspace.target.join("compat/corpus");
    if !directory.exists() {
        corpus(workspace)?;
    }
    let mut extract = script(workspace, "extract_bodies.py")?;
    let mut fuzz = Command::new(test_program(workspace, "fuzz")?);
    piped(extract.arg(directory), fuzz.args([seconds.to_string(), seed.to_string()]))
}

fn fresh_directory(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let directory = workspace.target.join("compat").join(name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}
