//! The step `outside`: projects outside of the workspace, as somebody else would have them, are built, tested and run.
//!
//! Each directory below `tests/outside/` is one. Whoever adds one need not add it anywhere else. Not here: what the
//! projects show, which their own README says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{MetadataCommand, Package};

use crate::process::{cargo, run as run_command};
use crate::workspace::Workspace;

const DIRECTORY: &str = "tests/outside";
const MANIFEST: &str = "Cargo.toml";
const LOCK: &str = "Cargo.lock";

/// Builds and runs the projects; `name` is that of one, all run unless said.
pub(crate) fn run(workspace: &Workspace, name: Option<&str>) -> Result<()> {
    let projects = projects(&workspace.root.join(DIRECTORY), name)?;
    ensure!(!projects.is_empty(), "there is no such project below {DIRECTORY}/");
    for project in projects {
        let manifest = project.join(MANIFEST);
        // The versions of the workspace, so that nothing else is downloaded, and little is built.
        fs::copy(workspace.root.join(LOCK), project.join(LOCK))
            .with_context(|| format!("cannot write {}", project.join(LOCK).display()))?;
        let metadata = MetadataCommand::new().manifest_path(&manifest).no_deps().exec()?;
        let package = metadata.root_package().context("the manifest is of no package")?;
        let ours = ours(workspace, package);
        ensure!(
            ours.len() == 1,
            "{} depends, of our crates, on {ours:?}; a project outside depends on one",
            package.name
        );
        run_command(of_project(workspace, "fmt", &manifest).arg("--check"))?;
        if package.targets.iter().any(|target| target.is_test() || target.is_lib()) {
            run_command(of_project(workspace, "test", &manifest).arg("--quiet"))?;
        }
        if package.targets.iter().any(cargo_metadata::Target::is_bin) {
            run_command(of_project(workspace, "run", &manifest).arg("--quiet"))?;
        }
    }
    Ok(())
}

/// The directories that have a manifest, in the order of their names.
fn projects(directory: &Path, name: Option<&str>) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut projects = Vec::new();
    for entry in entries {
        let entry = entry?;
        let is_asked_for = name.is_none_or(|name| entry.file_name() == name);
        if is_asked_for && entry.path().join(MANIFEST).is_file() {
            projects.push(entry.path());
        }
    }
    projects.sort();
    Ok(projects)
}

/// The crates of the workspace that a project depends on, each once.
fn ours<'a>(workspace: &Workspace, package: &'a Package) -> Vec<&'a str> {
    let crates = workspace.root.join("crates");
    let is_ours = |path: &cargo_metadata::camino::Utf8PathBuf| {
        fs::canonicalize(path).is_ok_and(|path| path.starts_with(&crates))
    };
    let dependencies = package.dependencies.iter();
    let mut names: Vec<&str> = dependencies
        .filter(|dependency| dependency.path.as_ref().is_some_and(is_ours))
        .map(|dependency| dependency.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A cargo command for a project that shares what the workspace has built.
fn of_project(workspace: &Workspace, subcommand: &str, manifest: &Path) -> Command {
    let mut command = cargo(workspace, subcommand);
    command
        .env("CARGO_TARGET_DIR", &workspace.target)
        // As the workspace's own profile says, which a project outside does not see.
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .arg("--manifest-path")
        .arg(manifest);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_a_directory_with_a_manifest() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b", "a", "none"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        for name in ["a", "b"] {
            fs::write(directory.path().join(name).join(MANIFEST), "").unwrap();
        }
        let found = |name| projects(directory.path(), name).unwrap();
        assert_eq!(found(None), [directory.path().join("a"), directory.path().join("b")]);
        assert_eq!(found(Some("b")), [directory.path().join("b")]);
        assert!(found(Some("none")).is_empty());
    }
}
