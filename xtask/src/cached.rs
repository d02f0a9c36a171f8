//! Directories below `target/compat` that take long to make and are made once. Each has a stamp that says what it
//! was made from, and is made again when that changes.
//!
//! Not here: what is in them.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// Inside the directory, so that it goes when the directory goes.
const STAMP: &str = "xtask-stamp.txt";

/// Returns the directory of this name, which may have parts. If there is none with this stamp, `make` fills it.
pub(crate) fn directory(
    workspace: &Workspace,
    name: &str,
    stamp: &str,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let directory = workspace.target.join("compat").join(name);
    let parent = directory.parent().context("a name is not empty")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    // If two gates run on one target directory, the second waits for the first and then finds its directory.
    let lock = File::create(workspace.target.join("compat").join(format!("{name}.lock")))
        .with_context(|| format!("cannot create the lock of {name}"))?;
    lock.lock().with_context(|| format!("cannot lock {name}"))?;

    if fs::read_to_string(directory.join(STAMP)).is_ok_and(|found| found == stamp) {
        return Ok(directory);
    }
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error)
                .with_context(|| format!("cannot remove the outdated {}", directory.display()));
        }
        _ => {}
    }
    fs::create_dir(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    make(&directory)?;
    // The stamp comes last. Without it, whatever an interrupted run left behind is removed and made again. Moving a
    // complete directory into place would not do, as programs in it may hold its path.
    fs::write(directory.join(STAMP), stamp)
        .with_context(|| format!("cannot write the stamp of {name}"))?;
    Ok(directory)
}
