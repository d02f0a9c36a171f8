//! Where the three stores of an instance lie: in which files or databases, and how they are opened.

mod configured;
#[cfg(feature = "postgres")]
mod postgres;
mod run_logs;
mod sqlite;

use std::sync::Arc;

use instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_core::error::StorageError;
use instance_core::storage::{EventLogStorage, RunEventStore, RunStorage, ScheduleStorage, Stores};
use instance_core::tags;

pub(crate) use run_logs::{NewRunLog, RunLogs};
pub use sqlite::OpenMode;

use crate::db::{Connection, Database};
use crate::sql::schema::{self, Schema};
use crate::stores::{SqlEventLogStorage, SqlRunStorage, SqlScheduleStorage};
use crate::watch::Watch;

/// What a storage takes from outside of its databases.
#[derive(Clone)]
pub struct StorageContext {
    /// The clock, for the time at which databases are created.
    pub clock: Arc<dyn Clock>,
    /// Where the id of a fresh store of runs comes from.
    pub ids: Arc<dyn IdSource>,
    /// Which tags of asset events are indexed, by their keys; [`is_indexed_tag`] unless said otherwise.
    pub indexed_tags: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Default for StorageContext {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            indexed_tags: Arc::new(is_indexed_tag),
        }
    }
}

impl std::fmt::Debug for StorageContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StorageContext").finish_non_exhaustive()
    }
}

impl StorageContext {
    /// Writes the rows that a database has from the first, but for its revision.
    pub(crate) async fn fill_fresh(
        &self,
        connection: &mut Connection<'_>,
        schema: Schema,
    ) -> Result<(), StorageError> {
        let now = self.clock.now().naive_utc();
        for name in schema.completed_migrations() {
            connection.execute(&schema::insert_completed_migration(name, now)).await?;
        }
        if schema == Schema::Runs {
            let id = self.ids.uuid().to_string();
            connection.execute(&schema::insert_run_storage_id(&id)).await?;
        }
        Ok(())
    }
}

/// Whether Dagster looks events up by a tag. All others would only fill the table.
pub fn is_indexed_tag(key: &str) -> bool {
    key == tags::DATA_VERSION || key.starts_with(tags::MULTIDIMENSIONAL_PARTITION_PREFIX)
}

/// The three stores of an instance.
#[derive(Debug, Clone)]
pub struct Storages {
    runs: Arc<SqlRunStorage>,
    events: Arc<SqlEventLogStorage>,
    schedules: Arc<SqlScheduleStorage>,
    clock: Arc<dyn Clock>,
}

impl Storages {
    fn new(
        runs: Arc<Database>,
        index: Arc<Database>,
        run_logs: RunLogs,
        schedules: Arc<Database>,
        context: &StorageContext,
    ) -> Self {
        let runs = Arc::new(SqlRunStorage::new(runs));
        let watch = Watch::new(run_logs.notices());
        let events = SqlEventLogStorage::new(index, run_logs, Arc::clone(&runs), context, watch);
        let schedules = Arc::new(SqlScheduleStorage::new(schedules));
        Self { runs, events, schedules, clock: Arc::clone(&context.clock) }
    }

    /// All stores, as an instance is built on them.
    pub fn stores(&self) -> Stores {
        Stores::new(
            self.runs.clone(),
            self.events.clone(),
            self.schedules.clone(),
            self.clock.clone(),
        )
        .with_run_event_store(self.events.clone())
    }

    /// The store of runs.
    pub fn run_storage(&self) -> Arc<dyn RunStorage> {
        self.runs.clone()
    }

    /// The store of events.
    pub fn event_log_storage(&self) -> Arc<dyn EventLogStorage> {
        self.events.clone()
    }

    /// Runs together with their events.
    pub fn run_event_store(&self) -> Arc<dyn RunEventStore> {
        self.events.clone()
    }

    /// The store of schedules and sensors.
    pub fn schedule_storage(&self) -> Arc<dyn ScheduleStorage> {
        self.schedules.clone()
    }

    /// Creates every file and table that a fresh instance has, so that Dagster finds it complete.
    ///
    /// # Errors
    ///
    /// A file or a table cannot be created; those before it are.
    pub async fn create(&self) -> Result<(), StorageError> {
        self.stores().create().await
    }

    /// Closes all connections. What was acknowledged before is durable without it; it only leaves
    /// directories without journals.
    pub async fn dispose(&self) {
        self.stores().close().await;
    }
}
