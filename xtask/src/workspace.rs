//! Where the workspace is and which packages it has, as `cargo metadata` says.
//!
//! Here: the facts that several steps share. Not here: the resolved graph of third-party crates, which is slow to
//! get and which only `tidy` reads.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The cross-crate test package: it needs Python and the release binary, so only the step `compat`
/// runs it.
pub(crate) const TESTS_PACKAGE: &str = "dagster-instance-tests";

/// Its integration tests, which need both.
pub(crate) const TESTS_TARGET: &str = "dagster";

/// What every build of the gate selects, whatever part of it the step is about.
///
/// The features of a third-party crate follow from all packages that are selected, and from whether their tests
/// are. With one selection everywhere, each crate is built once for all steps. With a `--package` here and there,
/// the database drivers are built several times.
pub(crate) const SELECTION: [&str; 2] = ["--workspace", "--all-features"];

/// The workspace that the current directory belongs to.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Absolute path of the directory of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Absolute path of the target directory, wherever the caller's configuration puts it.
    pub(crate) target: PathBuf,
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo, from the current directory. A path that is compiled in would be that of another checkout if two
    /// checkouts share a target directory.
    pub(crate) fn find() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .context("cargo metadata failed; run `cargo xtask` inside the workspace")?;
        Ok(Self {
            root: metadata.workspace_root.clone().into_std_path_buf(),
            target: metadata.target_directory.clone().into_std_path_buf(),
            metadata,
        })
    }

    /// The workspace's own packages, in the order of their names.
    pub(crate) fn packages(&self) -> Vec<&Package> {
        let mut packages = self.metadata.workspace_packages();
        packages.sort_by(|a, b| a.name.as_ref().cmp(b.name.as_ref()));
        packages
    }

    /// The packages below `crates/`: what the project ships, without its tests and tools.
    pub(crate) fn shipped_packages(&self) -> Vec<&Package> {
        let mut packages = self.packages();
        packages.retain(|package| self.relative_manifest(package).starts_with("crates/"));
        packages
    }

    /// The names of the integration tests that need neither Python nor a server, each once.
    pub(crate) fn integration_tests(&self) -> BTreeSet<&str> {
        let packages = self.packages().into_iter().filter(|package| package.name != TESTS_PACKAGE);
        packages
            .flat_map(|package| &package.targets)
            .filter(|target| target.is_test())
            .map(|target| target.name.as_str())
            .collect()
    }

    /// The names of the programs that have documentation of their own.
    pub(crate) fn documented_programs(&self) -> BTreeSet<&str> {
        let targets = self.packages().into_iter().flat_map(|package| &package.targets);
        let programs = targets.filter(|target| target.is_bin() && target.doc);
        programs.map(|target| target.name.as_str()).collect()
    }

    /// The path of a package's manifest from the root, with forward slashes.
    pub(crate) fn relative_manifest(&self, package: &Package) -> String {
        let path = &package.manifest_path;
        let relative = path.strip_prefix(&self.metadata.workspace_root).unwrap_or(path);
        relative.as_str().replace('\\', "/")
    }
}
