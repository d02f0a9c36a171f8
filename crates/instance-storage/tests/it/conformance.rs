//! The conformance suite of the core on each layout of SQLite, and with the stores of runs and of events beside each
//! other. Postgres is where a server is: in the tests
//! across crates.

use std::sync::Arc;

use instance_core::clock::SystemClock;
use instance_core::settings::{StorageSettings, StoreSettings};
use instance_core::storage::{
    EventLogStorage, RunEventStore, RunStorage, ScheduleStorage, SeparateStores,
};
use instance_storage::{OpenMode, StorageContext, Storages};
use tempfile::TempDir;

/// Storages, with the directory that goes with them.
struct Made {
    runs: Arc<dyn RunStorage>,
    events: Arc<dyn EventLogStorage>,
    schedules: Arc<dyn ScheduleStorage>,
    run_events: Arc<dyn RunEventStore>,
    _directory: Option<TempDir>,
}

impl Made {
    fn new(storages: &Storages, directory: Option<TempDir>) -> Self {
        Self {
            runs: storages.run_storage(),
            events: storages.event_log_storage(),
            schedules: storages.schedule_storage(),
            run_events: storages.run_event_store(),
            _directory: directory,
        }
    }

    #[expect(clippy::unwrap_used, reason = "a test without a storage has failed")]
    async fn below(settings: impl FnOnce(&TempDir) -> StorageSettings) -> Self {
        let directory = TempDir::new().unwrap();
        let (settings, context) = (settings(&directory), StorageContext::default());
        let opened = Storages::open(&settings, OpenMode::CreateIfMissing, context).await;
        Self::new(&opened.unwrap(), Some(directory))
    }

    /// The same, as if nothing knew that both stores are ours.
    fn separate(self) -> Self {
        let (runs, events) = (Arc::clone(&self.runs), Arc::clone(&self.events));
        let run_events = Arc::new(SeparateStores::new(runs, events, Arc::new(SystemClock)));
        Self { run_events, ..self }
    }
}

impl AsRef<dyn RunStorage> for Made {
    fn as_ref(&self) -> &dyn RunStorage {
        &*self.runs
    }
}

impl AsRef<dyn EventLogStorage> for Made {
    fn as_ref(&self) -> &dyn EventLogStorage {
        &*self.events
    }
}

impl AsRef<dyn ScheduleStorage> for Made {
    fn as_ref(&self) -> &dyn ScheduleStorage {
        &*self.schedules
    }
}

impl AsRef<dyn RunEventStore> for Made {
    fn as_ref(&self) -> &dyn RunEventStore {
        &*self.run_events
    }
}

mod sharded {
    use super::{Made, StorageSettings};

    async fn storages() -> Made {
        Made::below(|directory| StorageSettings::sqlite_below(directory.path())).await
    }

    instance_core::storage_tests!(storages);

    mod separate {
        use super::Made;

        async fn storages() -> Made {
            super::storages().await.separate()
        }

        instance_core::run_event_store_tests!(storages);
    }
}

mod consolidated {
    use super::{Made, StorageSettings, StoreSettings};

    async fn storages() -> Made {
        Made::below(|directory| {
            let events = StoreSettings::ConsolidatedSqlite(directory.path().to_owned());
            StorageSettings::sqlite_below(directory.path()).with_event_log_storage(events)
        })
        .await
    }

    instance_core::storage_tests!(storages);

    mod separate {
        use super::Made;

        async fn storages() -> Made {
            super::storages().await.separate()
        }

        instance_core::run_event_store_tests!(storages);
    }
}

mod memory {
    use super::{Made, StorageContext, Storages};

    #[expect(clippy::unused_async, reason = "the suite waits for it")]
    async fn storages() -> Made {
        Made::new(&Storages::in_memory(StorageContext::default()), None)
    }

    instance_core::storage_tests!(storages);

    mod separate {
        use super::Made;

        async fn storages() -> Made {
            super::storages().await.separate()
        }

        instance_core::run_event_store_tests!(storages);
    }
}
