//! All stores of an instance, whoever wrote them.

use std::sync::Arc;

use crate::clock::Clock;
use crate::error::StorageError;
use crate::storage::{
    EventLogStorage, RunEventStore, RunStorage, ScheduleStorage, SchemaStore, SeparateStores,
};

/// All stores of an instance. Clones are handles to the same stores.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Stores {
    /// Runs, snapshots, backfills, and what daemons remember.
    pub run_storage: Arc<dyn RunStorage>,
    /// Events, and what follows from events and beside them.
    pub event_log_storage: Arc<dyn EventLogStorage>,
    /// Schedules, sensors and automation.
    pub schedule_storage: Arc<dyn ScheduleStorage>,
    /// Runs together with their events.
    pub run_event_store: Arc<dyn RunEventStore>,
}

impl Stores {
    /// Three stores, each in its own database. [`SeparateStores`] does what concerns runs and events at once.
    ///
    /// The clock is for events whose time is in no calendar.
    pub fn new(
        run_storage: Arc<dyn RunStorage>,
        event_log_storage: Arc<dyn EventLogStorage>,
        schedule_storage: Arc<dyn ScheduleStorage>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (runs, events) = (Arc::clone(&run_storage), Arc::clone(&event_log_storage));
        let run_event_store = Arc::new(SeparateStores { runs, events, clock });
        Self { run_storage, event_log_storage, schedule_storage, run_event_store }
    }

    /// The same with another store of runs together with their events. It is for a database that holds both, and
    /// changes both at once.
    #[must_use]
    pub fn with_run_event_store(mut self, run_event_store: Arc<dyn RunEventStore>) -> Self {
        self.run_event_store = run_event_store;
        self
    }

    /// Creates what fresh stores have and what is missing, so that Dagster finds them complete.
    ///
    /// # Errors
    ///
    /// That of the first store that cannot be created. The stores before it are created.
    pub async fn create(&self) -> Result<(), StorageError> {
        for store in self.each() {
            store.create().await?;
        }
        Ok(())
    }

    /// Closes all files and connections; see [`SchemaStore::close`].
    pub async fn close(&self) {
        for store in self.each() {
            store.close().await;
        }
    }

    fn each(&self) -> [&dyn SchemaStore; 3] {
        [&*self.run_storage, &*self.event_log_storage, &*self.schedule_storage]
    }
}

macro_rules! as_ref {
    ($($storage:ident of $field:ident),* $(,)?) => {
        $(
            impl AsRef<dyn $storage> for Stores {
                fn as_ref(&self) -> &dyn $storage {
                    &*self.$field
                }
            }
        )*
    };
}

// The conformance suite asks for the store that a case is about in this way.
as_ref! {
    RunStorage of run_storage,
    EventLogStorage of event_log_storage,
    ScheduleStorage of schedule_storage,
    RunEventStore of run_event_store,
}
