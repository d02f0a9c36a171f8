//! The conformance suite of the crate on its own stores in memory.

mod atomicity;

use std::sync::Arc;

use instance_core::clock::SystemClock;
use instance_core::memory::MemoryStores;
use instance_core::storage::{
    ComputeLogManager, EventLogStorage, RunEventStore, RunStorage, ScheduleStorage, SeparateStores,
};

/// Stores, as the suite asks for them.
struct Made {
    runs: Arc<dyn RunStorage>,
    events: Arc<dyn EventLogStorage>,
    schedules: Arc<dyn ScheduleStorage>,
    run_events: Arc<dyn RunEventStore>,
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

#[expect(clippy::unused_async, reason = "the suite waits for it")]
async fn stores() -> Made {
    let stores = MemoryStores::default();
    Made {
        runs: stores.run_storage(),
        events: stores.event_log_storage(),
        schedules: stores.schedule_storage(),
        run_events: stores.run_event_store(),
    }
}

instance_core::storage_tests!(stores);

#[expect(clippy::unused_async, reason = "the suite waits for it")]
async fn compute_logs() -> Arc<dyn ComputeLogManager> {
    MemoryStores::default().compute_log_manager()
}

instance_core::compute_log_manager_tests!(compute_logs);

/// The same, as if nothing knew that both stores are in one memory.
mod separate {
    use super::{Arc, Made, SeparateStores, SystemClock};

    async fn stores() -> Made {
        let made = super::stores().await;
        let (runs, events) = (Arc::clone(&made.runs), Arc::clone(&made.events));
        let run_events = Arc::new(SeparateStores { runs, events, clock: Arc::new(SystemClock) });
        Made { run_events, ..made }
    }

    instance_core::run_event_store_tests!(stores);
}
