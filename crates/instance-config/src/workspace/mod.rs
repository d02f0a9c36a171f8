//! The workspace: which code locations there are, by `workspace.yaml`, by `pyproject.toml` or by options of a command.
//!
//! The result is the origins that Dagster makes of the same words, to the letter: they are stored with runs, and their
//! hash names schedules and sensors. Nothing that they name is opened.
//!
//! Here: what is asked for, and in which order it is looked for. `file` reads a `workspace.yaml`, `entry` makes an origin
//! of one of its entries, `pyproject` reads `pyproject.toml`, `options` has what a command may say, `variables` what the environment does, `origin` has names of locations,
//! `python_path` joins paths as Python does, and `description` tells what a file says and what is wrong with it.

mod description;
mod entry;
mod file;
mod options;
mod origin;
mod pyproject;
mod python_path;
mod variables;

use std::path::{Path, PathBuf};

use instance_core::config_problems::ConfigProblems;
use instance_core::error::InstanceError;
use instance_core::run::CodeLocationOrigin;
use instance_core::settings::WorkspaceSettings;

use crate::environment::Environment;
use crate::verdict;

pub use description::{DescribedLocation, WorkspaceDescription, describe_workspace};
pub use options::WorkspaceOptions;

use file::WorkspaceFile;

/// The file that lists code locations, unless another one is named.
pub const WORKSPACE_FILENAME: &str = "workspace.yaml";

/// Its other name, which is looked for last.
const OTHER_FILENAME: &str = "workspace.yml";

/// The file of a Python project, which may say where its definitions are.
pub const PYPROJECT_FILENAME: &str = "pyproject.toml";

/// Which workspace is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadWorkspace {
    /// The absolute path of the directory in which files are looked for and from which relative paths go on: the current
    /// directory of the process.
    pub directory: PathBuf,
    /// What the options of a command say. By default they say nothing, and files are looked for.
    pub options: WorkspaceOptions,
}

impl LoadWorkspace {
    /// The workspace that is found in a directory, whose path is absolute.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), options: WorkspaceOptions::default() }
    }
}

instance_core::setters! {
    impl LoadWorkspace {
        /// What the options of a command say.
        with_options(options: WorkspaceOptions);
    }
}

/// Loads a workspace.
///
/// If the options name a target, it is that. Otherwise it is what is found first in the directory: a `pyproject.toml` with
/// a table `tool.dagster` or `tool.dg`, a `workspace.yaml`, a `workspace.yml`. Of several files the locations of a later
/// one are in the place of those of the same name of an earlier one.
///
/// # Errors
///
/// [`InstanceError::ConfigFile`] with every mistake of the first file that has some. [`InstanceError::Config`] if a file
/// cannot be read, or if none is there. [`InstanceError::Invalid`] for options that exclude each other, and for a
/// directory whose path is not UTF-8 or not absolute.
pub fn load_workspace(
    request: &LoadWorkspace,
    environment: &dyn Environment,
) -> Result<WorkspaceSettings, InstanceError> {
    let directory = directory_of(&request.directory)?;
    if let Some(locations) = request.options.locations(directory)? {
        return Ok(WorkspaceSettings::new(locations));
    }
    let mut locations: Vec<CodeLocationOrigin> = Vec::new();
    for path in &files(request)? {
        for origin in accepted(read(path, directory, environment)?)? {
            let same = |known: &&mut CodeLocationOrigin| {
                !is_project(path) && known.location_name() == origin.location_name()
            };
            match locations.iter_mut().find(same) {
                Some(known) => *known = origin,
                None => locations.push(origin),
            }
        }
    }
    Ok(WorkspaceSettings::new(locations))
}

/// The files that a request names, or the one that is found.
fn files(request: &LoadWorkspace) -> Result<Vec<String>, InstanceError> {
    match &*request.options.workspace {
        [] => Ok(vec![found_in(&request.directory)?]),
        named => Ok(named.to_vec()),
    }
}

/// Whether a file is that of a Python project.
fn is_project(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "toml")
}

/// Reads a file, whatever is wrong with it.
fn read(
    path: &str,
    directory: &str,
    environment: &dyn Environment,
) -> Result<WorkspaceFile, InstanceError> {
    if is_project(path) {
        pyproject::read(path, directory)
    } else {
        WorkspaceFile::read(path, directory, environment)
    }
}

/// The locations of a file that Dagster accepts.
fn accepted(file: WorkspaceFile) -> Result<Vec<CodeLocationOrigin>, InstanceError> {
    let errors = verdict::errors(&file.problems);
    if !errors.is_empty() {
        return Err(ConfigProblems::new(file.path, errors).into());
    }
    for problem in &file.problems {
        tracing::warn!(file = file.path, "{problem}");
    }
    Ok(file.locations.into_iter().map(|located| located.origin).collect())
}

/// The file of a directory that Dagster takes, by its name.
fn found_in(directory: &Path) -> Result<String, InstanceError> {
    let project = directory.join(PYPROJECT_FILENAME);
    if project.exists() && pyproject::is_of_dagster(&project)? {
        return Ok(PYPROJECT_FILENAME.to_owned());
    }
    let found =
        [WORKSPACE_FILENAME, OTHER_FILENAME].into_iter().find(|name| directory.join(name).exists());
    found.map(str::to_owned).ok_or_else(|| InstanceError::Config {
        place: directory.display().to_string(),
        reason: format!(
            "it has no {WORKSPACE_FILENAME}, and no {PYPROJECT_FILENAME} with a table [tool.dagster] or [tool.dg]; say \
             where the code is with -w, -f or -m, or where its server is"
        ),
        source: None,
    })
}

/// The path of the directory as a text, which origins are made of.
fn directory_of(directory: &Path) -> Result<&str, InstanceError> {
    let reason = match directory.to_str() {
        Some(path) if path.starts_with('/') => return Ok(path),
        Some(_) => "give the absolute path of a directory",
        None => "the path is not UTF-8, which the origins of code locations have to be",
    };
    Err(InstanceError::Invalid {
        what: "the directory of the workspace",
        value: directory.to_string_lossy().into_owned(),
        reason: reason.to_owned(),
    })
}

/// What cannot be read.
fn unreadable(path: &str, error: std::io::Error) -> InstanceError {
    InstanceError::Config {
        place: path.to_owned(),
        reason: "it cannot be read".to_owned(),
        source: Some(Box::new(error)),
    }
}
