//! An instance's directory that goes away with the test.

use std::path::Path;

use tempfile::TempDir;

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
