//! What is wrong with a `dagster.yaml`, all of it at once.

use std::path::{Path, PathBuf};

use instance_core::config_problems::ConfigProblem;
use instance_core::error::InstanceError;

use crate::config::Config;
use crate::environment::Environment;

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigCheck {
    /// The file.
    pub file: PathBuf,
    /// Whether there is one that Dagster reads. If not, all settings are defaults.
    pub exists: bool,
    /// The problems, in the order of the file. None of them holds a secret.
    pub problems: Vec<ConfigProblem>,
}

/// Finds everything that is wrong with a `dagster.yaml`. Nothing that it names is opened.
///
/// The problems are those that keep an instance from being opened, those that matter only when the part is used that
/// they are in, and warnings; each says what it is by its [severity](ConfigProblem::severity). Environment variables
/// that the file refers to have to be set.
///
/// # Errors
///
/// [`InstanceError::Config`] if the file exists and cannot be read.
pub fn check_config(
    file: &Path,
    environment: &dyn Environment,
) -> Result<ConfigCheck, InstanceError> {
    let config = Config::inspect(file, environment, |_| {})?;
    Ok(ConfigCheck {
        file: config.file().to_owned(),
        exists: config.exists(),
        problems: config.problems().to_vec(),
    })
}
