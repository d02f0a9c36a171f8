//! The section `secrets`: from where user code gets environment variables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::ClassSettings;

/// From where user code gets environment variables before it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretsSettings {
    /// From a file `.env` for each code location: Dagster's `PerProjectEnvFileLoader`, which is its default.
    PerProjectEnvFiles {
        /// The path of the file of each code location, by the name of the location. `None` leaves it to the
        /// variable `DAGSTER_PROJECT_ENV_FILE_PATHS`, which Dagster's own development server sets.
        location_paths: Option<BTreeMap<String, String>>,
    },
    /// From one file `.env` in a directory, for all: Dagster's `EnvFileLoader`.
    EnvFile {
        /// The directory; `None` is the working directory of the process.
        base_dir: Option<PathBuf>,
    },
    /// From where a class of somebody else's says.
    Other(ClassSettings),
}

impl Default for SecretsSettings {
    fn default() -> Self {
        Self::PerProjectEnvFiles { location_paths: None }
    }
}
