//! The source distribution of the pinned Dagster. It has what the wheel lacks: Dagster's own tests, and databases
//! of older releases.
//!
//! Not here: who uses which part of it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process::run as run_command;
use crate::workspace::Workspace;
use crate::{cached, python_env};

/// The same release that `tests/python/requirements.txt` installs.
const SDIST: &str = "dagster==1.13.27";

/// Returns the unpacked distribution, and downloads it if it is not there. Nobody writes into it.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let python = python_env::ensure(workspace)?;
    let directory = cached::directory(workspace, "sdist", SDIST, |directory| {
        let mut download = Command::new(&python);
        download.args(["-m", "pip", "download", "--disable-pip-version-check", "--quiet"]);
        download.args(["--no-deps", "--no-binary", ":all:", "--dest"]);
        run_command(download.arg(directory).arg(SDIST))?;
        let mut unpack = Command::new(&python);
        unpack.arg("-c").arg(
            "import glob, sys, tarfile; tarfile.open(glob.glob(sys.argv[1] + '/*.tar.gz')[0])\
             .extractall(sys.argv[1], filter='data')",
        );
        run_command(unpack.arg(directory))
    })?;
    Ok(directory.join(SDIST.replace("==", "-")))
}
