//! The conformance suite of the crate on its own stores in memory.

mod atomicity;

use std::sync::Arc;

use instance_core::clock::SystemClock;
use instance_core::memory::MemoryStores;
use instance_core::storage::{ComputeLogManager, Stores};

#[expect(clippy::unused_async, reason = "the suite waits for it")]
async fn stores() -> Stores {
    MemoryStores::default().stores()
}

instance_core::storage_tests!(stores);

#[expect(clippy::unused_async, reason = "the suite waits for it")]
async fn compute_logs() -> Arc<dyn ComputeLogManager> {
    MemoryStores::default().compute_log_manager()
}

instance_core::compute_log_manager_tests!(compute_logs);

/// The same, as if nothing knew that both stores are in one memory.
mod separate {
    use super::{Arc, MemoryStores, Stores, SystemClock};

    #[expect(clippy::unused_async, reason = "the suite waits for it")]
    async fn stores() -> Stores {
        let memory = MemoryStores::default();
        let (runs, events) = (memory.run_storage(), memory.event_log_storage());
        Stores::new(runs, events, memory.schedule_storage(), Arc::new(SystemClock))
    }

    instance_core::run_event_store_tests!(stores);
}
