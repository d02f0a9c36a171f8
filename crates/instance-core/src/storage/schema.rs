//! What every store knows of its own schema.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::StorageError;

/// The data migrations that Dagster knows for a store of runs, in their order.
pub const RUN_DATA_MIGRATIONS: &[&str] = &[
    "run_partitions",
    "run_repo_label_tags",
    "bulk_action_types",
    "run_backfill_id",
    "backfill_job_name_and_tags",
    "backfill_end_timestamp",
    "run_start_end_overwritten",
];

/// The data migrations that Dagster knows for a store of events, in their order.
pub const EVENT_DATA_MIGRATIONS: &[&str] = &["asset_key_table", "asset_key_index_columns"];

/// The data migrations that Dagster knows for a store of schedules, in their order.
pub const SCHEDULE_DATA_MIGRATIONS: &[&str] =
    &["schedule_jobs_selector_id", "schedule_ticks_selector_id"];

/// What every store knows of its own schema.
#[async_trait]
pub trait SchemaStore: std::fmt::Debug + Send + Sync + 'static {
    /// Creates what a fresh store has and what is missing, so that Dagster finds it complete. The other methods
    /// create what they need when they need it.
    async fn create(&self) -> Result<(), StorageError>;

    /// Closes files and connections. What was acknowledged before is durable without it. The store may be used
    /// again, and opens them again then.
    async fn close(&self);

    /// The revision of the store's schema.
    async fn schema_revision(&self) -> Result<String, StorageError>;

    /// The names of the data migrations that Dagster knows for this store, in the order in which it
    /// carries them out. A store that this version opens has been through all of them.
    fn data_migrations(&self) -> &'static [&'static str];

    /// Whether a data migration is marked as complete.
    async fn has_built_index(&self, migration_name: &str) -> Result<bool, StorageError>;

    /// Marks a data migration as complete.
    async fn mark_index_built(
        &self,
        migration_name: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError>;
}
