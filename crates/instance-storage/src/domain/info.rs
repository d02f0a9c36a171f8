//! A summary of the storages of an instance.

use std::path::PathBuf;

use instance_core::error::InstanceError;
use instance_core::ops::StorageOps;
use instance_core::run::RunsFilter;
use instance_core::settings::{ComputeLogSettings, StorageSettings};

use crate::file_systems;

/// A summary of the storages of an instance: where they are, and which schema they have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageInfo {
    /// The directory of the instance.
    pub home: PathBuf,
    /// The settings of the storages. They are printed without passwords.
    pub storage: StorageSettings,
    /// Where the output of workers is captured.
    pub compute_logs: ComputeLogSettings,
    /// The id that the storage of runs got when it was created.
    pub run_storage_id: String,
    /// The schema revision of each storage, with its name: `runs`, `events` and `schedules`.
    pub schema_revisions: [(&'static str, String); 3],
    /// The number of runs.
    pub runs: u64,
    /// What may go wrong where the storages are, as on a network file system: a sentence each, with the remedy.
    pub warnings: Vec<String>,
}

/// Returns a summary of the storages of the instance.
///
/// Storages that do not exist yet are created. The parts of the summary are read one after another, and not in one
/// transaction.
///
/// # Errors
///
/// [`InstanceError::Storage`] if a storage fails, or if it has a schema that this version does not know.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn storage_info(ops: &dyn StorageOps) -> Result<StorageInfo, InstanceError> {
    let (settings, stores) = (ops.settings(), ops.stores());
    Ok(StorageInfo {
        home: settings.home.clone(),
        storage: settings.storage.clone(),
        compute_logs: settings.compute_logs.clone(),
        run_storage_id: stores.run_storage.get_run_storage_id().await?,
        schema_revisions: [
            ("runs", stores.run_storage.schema_revision().await?),
            ("events", stores.event_log_storage.schema_revision().await?),
            ("schedules", stores.schedule_storage.schema_revision().await?),
        ],
        runs: stores.run_storage.get_runs_count(&RunsFilter::default()).await?,
        warnings: file_systems::warnings(&settings.storage),
    })
}
