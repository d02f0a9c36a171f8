//! What an instance is configured to be, as far as other domains need to know.

use std::path::PathBuf;

/// The configuration of an instance, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSettings {
    /// The instance's directory, which Dagster calls `DAGSTER_HOME`.
    pub home: PathBuf,
    /// The directory below which the SQLite databases are.
    pub sqlite_base_dir: PathBuf,
    /// The directory of captured logs.
    pub compute_logs_dir: PathBuf,
    /// The directory where Dagster's IO manager stores values.
    pub artifacts_dir: PathBuf,
    /// Keys of `dagster.yaml` that this version does not act upon.
    pub ignored_keys: Vec<String>,
}
