//! An instance's directory that goes away with the test.

use std::path::Path;
use std::{fs, io};

use tempfile::TempDir;

use crate::tools::target;

/// An instance's directory, empty at first.
#[derive(Debug)]
pub struct Home(TempDir);

impl Home {
    /// A new directory.
    pub fn new() -> Self {
        match tempfile::Builder::new().prefix("dagster-home-").tempdir() {
            Ok(directory) => Self(directory),
            Err(error) => panic!("no temporary directory: {error}"),
        }
    }

    /// A new directory on a disk: a temporary directory may be in memory, where a flush costs nothing and so writes
    /// never wait for each other.
    pub fn on_disk() -> Self {
        match tempfile::Builder::new().prefix("dagster-home-").tempdir_in(target()) {
            Ok(directory) => Self(directory),
            Err(error) => panic!("no directory on the disk: {error}"),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

/// Copies a directory with everything that is in it.
///
/// # Errors
///
/// Something cannot be read or written.
pub fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &copy)?;
        } else {
            fs::copy(entry.path(), copy)?;
        }
    }
    Ok(())
}
