//! The steps `corpus` and `differential`: what the real Dagster stores, and what it would write for
//! generated values, read and written again by us.
//!
//! Not here: what is generated (`tests/python/`), nor the comparison (`tests/src/bin/`).

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use clap::Args;

use crate::process::{cargo, run as run_command};
use crate::python_env;
use crate::scripts::{piped, script};
use crate::workspace::{TESTS_PACKAGE, Workspace};

/// The release whose source distribution carries databases of older releases.
const SDIST: &str = "dagster==1.13.27";

/// Where those databases are within the source distribution.
const OLD_DATABASES: &str = "dagster_tests/general_tests/compat_tests";

/// Has Dagster write a corpus, and checks every body in it.
pub(crate) fn corpus(workspace: &Workspace) -> Result<()> {
    let directory = fresh_directory(workspace, "corpus")?;
    let checker = built(workspace, "corpus")?;
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
    let directory = fresh_directory(workspace, "sdist")?;
    let python = python_env::ensure(workspace)?;
    let mut download = Command::new(&python);
    download.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "--dest",
    ]);
    run_command(download.arg(&directory).arg(SDIST))?;
    let mut unpack = Command::new(&python);
    unpack.arg("-c").arg(
        "import glob, sys, tarfile; tarfile.open(glob.glob(sys.argv[1] + '/*.tar.gz')[0])\
         .extractall(sys.argv[1], filter='data')",
    );
    run_command(unpack.arg(&directory))?;
    let unpacked = directory.join(SDIST.replace("==", "-")).join(OLD_DATABASES);
    let mut extract = script(workspace, "extract_bodies.py")?;
    let mut checker = Command::new(built(workspace, "corpus")?);
    piped(extract.arg(unpacked), checker.arg("--old"))
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
    let checker = built(workspace, "differential")?;
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

/// Feeds damaged bodies of the corpus to the reader; the corpus is written if it is not there.
pub(crate) fn fuzz(workspace: &Workspace, seconds: u32, seed: u32) -> Result<()> {
    let directory = workspace.target.join("compat/corpus");
    if !directory.exists() {
        corpus(workspace)?;
    }
    let mut extract = script(workspace, "extract_bodies.py")?;
    let mut fuzz = Command::new(built(workspace, "fuzz")?);
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

fn built(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let mut build = cargo(workspace, "build");
    run_command(build.args(["--quiet", "--package", TESTS_PACKAGE, "--bin", name]))?;
    Ok(workspace.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}
