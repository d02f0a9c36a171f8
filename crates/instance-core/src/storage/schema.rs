//! What every store knows of its own schema.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    CheckedDatabase, DatabaseSchema, SchemaLock, SchemaProgress, SchemaUpgrade, SchemaUpgraded,
};
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

/// How far one call of [`SchemaStore::migrate_data`] came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataMigrationStep {
    /// How many rows it looked at.
    pub rows: u64,
    /// Where the next call has to begin; `None` if nothing is left to do.
    pub cursor: Option<String>,
}

impl DataMigrationStep {
    /// A step that looked at so many rows. The next one begins at the cursor.
    pub fn new(rows: u64, cursor: impl Into<Option<String>>) -> Self {
        Self { rows, cursor: cursor.into() }
    }
}

/// How a store that has a server uses its connections in a program that serves people.
///
/// The default is that of Dagster's webserver: 15 seconds, one hour, and 20 connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebserverConnections {
    /// A statement that takes longer fails; `None` is no limit.
    pub statement_timeout: Option<Duration>,
    /// A connection that is older is replaced; `None` means never.
    pub pool_recycle: Option<Duration>,
    /// How many connections there may be beside the first; `None` means as many as the store allows.
    pub max_overflow: Option<u32>,
}

impl Default for WebserverConnections {
    fn default() -> Self {
        Self {
            statement_timeout: Some(Duration::from_secs(15)),
            pool_recycle: Some(Duration::from_hours(1)),
            max_overflow: Some(20),
        }
    }
}

crate::setters! {
    impl WebserverConnections {
        /// A statement that takes longer fails; `None` is no limit.
        with_statement_timeout(statement_timeout: impl Into<Option<Duration>>);
        /// A connection that is older is replaced; `None` means never.
        with_pool_recycle(pool_recycle: impl Into<Option<Duration>>);
        /// So many connections beside the first; `None` means as many as the store allows.
        with_max_overflow(max_overflow: impl Into<Option<u32>>);
    }
}

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

    /// The newest revision that there is for such a store. The default is that which it has.
    async fn latest_schema_revision(&self) -> Result<String, StorageError> {
        self.schema_revision().await
    }

    /// The names of the data migrations that Dagster knows for this store, in the order in which it
    /// carries them out. A fresh store has been through all of them.
    fn data_migrations(&self) -> &'static [&'static str];

    /// Whether a data migration is marked as complete.
    async fn has_built_index(&self, migration_name: &str) -> Result<bool, StorageError>;

    /// Marks a data migration as complete.
    async fn mark_index_built(
        &self,
        migration_name: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// Carries out a part of a data migration in one transaction, and says where the next part begins. `cursor` is
    /// where this one begins; `None` is the beginning.
    ///
    /// Doing a part again changes nothing more, and neither does beginning again: what is done already is found to be
    /// done. Others may write meanwhile, and none of it is lost. The migration is not marked as complete.
    ///
    /// A store has nothing to do if it keeps nothing that has to be derived from what it stores.
    ///
    /// # Errors
    ///
    /// * [`StorageError::Unsupported`] if the store cannot carry out this migration.
    /// * [`StorageError::Invalid`] if the cursor is none of this migration.
    async fn migrate_data(
        &self,
        migration_name: &str,
        cursor: Option<&str>,
    ) -> Result<DataMigrationStep, StorageError> {
        let (_, _) = (migration_name, cursor);
        Ok(DataMigrationStep::default())
    }

    /// How many rows a data migration has to look at if it begins now, whether or not it is marked as complete. It is
    /// for people who wait, and may have changed by the time they read it. It may be an estimate that is too high, such as
    /// one by the greatest id, so that nothing has to be counted.
    ///
    /// The default is that of a store that has nothing to do.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] if the store cannot carry out this migration.
    async fn rows_to_migrate(&self, migration_name: &str) -> Result<u64, StorageError> {
        let _ = migration_name;
        Ok(0)
    }

    /// What an upgrade of the schema finds in each database of the store: those of single runs first, the main one last.
    /// Nothing is changed, and no revision is an error. It is empty if the store has no database.
    async fn schema_of_databases(
        &self,
        how: &SchemaUpgrade,
    ) -> Result<Vec<DatabaseSchema>, StorageError> {
        let _ = how;
        Ok(Vec::new())
    }

    /// What a check of the schema finds in each database of the store: those of single runs first, those that are alike
    /// together, and the main one last. Nothing is changed, and nothing is created. A database that cannot be read is a
    /// finding, and no error. It is empty if the store has no database.
    async fn check_databases(&self) -> Result<Vec<CheckedDatabase>, StorageError> {
        Ok(Vec::new())
    }

    /// Makes other processes that upgrade the same store fail until the lock is dropped.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] if another process has it.
    async fn lock_schema(&self) -> Result<SchemaLock, StorageError> {
        Ok(SchemaLock::default())
    }

    /// Copies a database, which is named as [`schema_of_databases`](Self::schema_of_databases) names it, into a new file,
    /// as it is at one moment. Others may read and write meanwhile. When it returns, the copy is durable.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] if the store cannot copy it, or if there is no room for the copy.
    async fn back_up_database(&self, database: &str, to: &Path) -> Result<(), StorageError> {
        let _ = to;
        Err(no_schema_to_change(database))
    }

    /// Brings the schema of a database, which is named as [`schema_of_databases`](Self::schema_of_databases) names it, to
    /// the newest revision. It changes nothing if the database has that revision.
    ///
    /// A file is upgraded as a whole or not at all. A server's database is upgraded in steps, while others use it: each
    /// step is done or not, and a later call goes on with the next.
    ///
    /// # Errors
    ///
    /// * [`StorageError::Revision`] if this version does not know its revision.
    /// * [`StorageError::Unsupported`] if the store cannot upgrade it.
    /// * [`StorageError::Backend`] if others hold a lock for longer than `how` allows, or if the end was asked for.
    async fn upgrade_database(
        &self,
        database: &str,
        how: &SchemaUpgrade,
        progress: &(dyn Fn(SchemaProgress) + Send + Sync),
    ) -> Result<SchemaUpgraded, StorageError> {
        let (_, _) = (how, progress);
        Err(no_schema_to_change(database))
    }

    /// Uses connections as a program needs it that serves people for long. A store without a server has none.
    async fn optimize_for_webserver(
        &self,
        connections: &WebserverConnections,
    ) -> Result<(), StorageError> {
        let _ = connections;
        Ok(())
    }
}

fn no_schema_to_change(database: &str) -> StorageError {
    StorageError::Unsupported {
        what: format!("an upgrade of {database}"),
        reason: "this store has no database of this name whose schema can be changed".to_owned(),
    }
}
