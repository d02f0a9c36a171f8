//! What can be said of the storages of an instance.

use std::path::PathBuf;

use instance_core::error::InstanceError;
use instance_core::ops::StorageOps;
use instance_core::run::RunsFilter;
use instance_core::settings::StorageSettings;

/// Where an instance stores what, in which schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageInfo {
    /// The instance's directory.
    pub home: PathBuf,
    /// Where the stores are.
    pub storage: StorageSettings,
    /// The directory of captured logs.
    pub compute_logs_dir: PathBuf,
    /// The id that the store of runs was given when it was created.
    pub run_storage_id: String,
    /// The revisions of the schemas: of runs, events and schedules.
    pub schema_revisions: [(&'static str, String); 3],
    /// How many runs there are.
    pub runs: u64,
    /// Keys of `dagster.yaml` that this version does not act upon.
    pub ignored_keys: Vec<String>,
}

/// Where the instance stores what, in which schema.
pub async fn storage_info(ops: &dyn StorageOps) -> Result<StorageInfo, InstanceError> {
    let (settings, stores) = (ops.settings(), ops.stores());
    Ok(StorageInfo {
        home: settings.home.clone(),
        storage: settings.storage.clone(),
        compute_logs_dir: settings.compute_logs_dir.clone(),
        run_storage_id: stores.run_storage.get_run_storage_id().await?,
        schema_revisions: [
            ("runs", stores.run_storage.schema_revision().await?),
            ("events", stores.event_log_storage.schema_revision().await?),
            ("schedules", stores.schedule_storage.schema_revision().await?),
        ],
        runs: stores.run_storage.get_runs_count(&RunsFilter::default()).await?,
        ignored_keys: settings.ignored_keys.clone(),
    })
}
