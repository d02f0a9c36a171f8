//! The steps `corpus` and `differential`: we read and write again what the real Dagster stores, and what it would
//! write for generated values.
//!
//! Not here: what is generated (`tests/python/`), nor the comparison (`tests/src/bin/`).

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use clap::Args;

use crate::compat::test_program;
use crate::process::run as run_command;
use crate::scratch::Scratch;
use crate::scripts::{piped, script};
use crate::workspace::Workspace;
use crate::{cached, python_env, sdist};

/// Where the databases of older releases are within the source distribution.
const OLD_DATABASES: &str = "dagster_tests/general_tests/compat_tests";

/// What the corpus follows from, beside the interpreter and what is installed for it.
const GENERATOR: [&str; 5] =
    ["write_corpus.py", "corpus_definitions.py", "extract_bodies.py", "common.py", "speed.py"];

/// Returns the directory of the homes that Dagster has written. They are written once, and again when their generator
/// or the pinned Dagster changes. Nobody writes into them: a test that does has a copy.
pub(crate) fn homes(workspace: &Workspace) -> Result<PathBuf> {
    let mut stamp = python_env::requirements(workspace)?;
    for name in GENERATOR {
        let path = workspace.root.join("tests/python").join(name);
        let text = fs::read_to_string(&path);
        stamp += &text.with_context(|| format!("cannot read {}", path.display()))?;
    }
    cached::directory(workspace, "corpus", &stamp, |directory| {
        let scratch = Scratch::new()?;
        let mut write = script(workspace, "write_corpus.py")?;
        scratch.of(write.arg(directory).stdout(Stdio::null()));
        // Dagster logs every event of every run.
        let log = File::create(workspace.target.join("compat/corpus.log"))?;
        run_command(write.stderr(log)).context("its log is target/compat/corpus.log")
    })
}

/// Checks every body in what Dagster has written.
pub(crate) fn corpus(workspace: &Workspace) -> Result<()> {
    let directory = homes(workspace)?;
    let checker = test_program(workspace, "corpus")?;
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

/// Feeds damaged bodies of the corpus to the reader.
pub(crate) fn fuzz(workspace: &Workspace, seconds: u32, seed: u32) -> Result<()> {
    let directory = homes(workspace)?;
    let mut extract = script(workspace, "extract_bodies.py")?;
    let mut fuzz = Command::new(test_program(workspace, "fuzz")?);
    piped(extract.arg(directory), fuzz.args([seconds.to_string(), seed.to_string()]))
}
