//! Where the three stores of an instance lie: in which files or databases, and how they are opened.

mod configured;
#[cfg(test)]
mod older;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

use std::sync::Arc;

use instance_core::clock::Clock;
use instance_core::error::StorageError;
use instance_core::storage::{EventLogStorage, RunEventStore, RunStorage, ScheduleStorage, Stores};

use crate::context::StorageContext;
use crate::db::Database;
use crate::run_logs::RunLogs;
use crate::stores::{
    RunsAndEvents, SqlEventLogStorage, SqlRunEventStore, SqlRunStorage, SqlScheduleStorage,
};
use crate::watch::Watch;

/// The three stores of an instance.
#[derive(Debug, Clone)]
pub struct Storages {
    runs: Arc<SqlRunStorage>,
    events: Arc<SqlEventLogStorage>,
    schedules: Arc<SqlScheduleStorage>,
    run_events: Arc<SqlRunEventStore>,
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
        let place =
            if Arc::ptr_eq(&runs, &index) { RunsAndEvents::Together } else { RunsAndEvents::Apart };
        let watch = Watch::new(run_logs.notices());
        let events = SqlEventLogStorage::new(index, run_logs, Arc::clone(&runs), context, watch);
        let runs = Arc::new(SqlRunStorage::new(runs, context));
        let run_events =
            SqlRunEventStore::new(Arc::clone(&runs), Arc::clone(&events), place, context);
        Self {
            runs,
            events,
            schedules: Arc::new(SqlScheduleStorage::new(schedules)),
            run_events: Arc::new(run_events),
            clock: Arc::clone(&context.clock),
        }
    }

    /// All stores, as an instance is built on them.
    pub fn stores(&self) -> Stores {
        let clock = Arc::clone(&self.clock);
        Stores::new(self.runs.clone(), self.events.clone(), self.schedules.clone(), clock)
            .with_run_event_store(self.run_events.clone())
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
        self.run_events.clone()
    }

    /// The store of schedules and sensors.
    pub fn schedule_storage(&self) -> Arc<dyn ScheduleStorage> {
        self.schedules.clone()
    }

    /// Creates every file and table that a fresh instance has, so that Dagster finds it complete.
    ///
    /// # Errors
    ///
    /// A file or a table cannot be created. Those before it are created.
    pub async fn create(&self) -> Result<(), StorageError> {
        self.stores().create().await
    }

    /// Closes all connections. What was acknowledged before is durable without it. It only leaves directories
    /// without journals.
    pub async fn dispose(&self) {
        self.stores().close().await;
    }
}
