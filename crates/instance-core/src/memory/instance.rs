//! An instance in memory for a program that uses the domain of runs or of events alone.

use std::sync::Arc;

use crate::clock::{Clock, IdSource, RandomIds, SystemClock};
use crate::event::{EventBuffer, EventListeners};
use crate::memory::MemoryStores;
use crate::ops::{ClockAccess, EventOps, IdAccess, ListenersAccess, RunOps, StoresAccess};
use crate::storage::Stores;

/// What the functions of `instance-runs` and `instance-events` need of an instance, over stores in memory, with the
/// time of the operating system and random ids. Clones are handles to the same instance.
///
/// A program with stores of its own has a type like this one: it implements an accessor for each thing that it has,
/// and the trait of each domain that it uses.
///
/// ```
/// use instance_core::memory::MemoryInstance;
/// use instance_core::ops::{ClockAccess, RunStoreAccess};
/// use instance_core::run::DagsterRun;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), instance_core::StorageError> {
/// let instance = MemoryInstance::default();
/// let run = DagsterRun::new("7a1c".into(), "hello");
/// instance.run_store().add_run(&run, instance.clock().now()).await?;
/// assert!(instance.run_store().has_run(&run.run_id).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MemoryInstance {
    stores: Stores,
    event_listeners: Arc<EventListeners>,
    event_buffer: Arc<EventBuffer>,
}

impl Default for MemoryInstance {
    /// An empty instance.
    fn default() -> Self {
        Self {
            stores: MemoryStores::default().stores(),
            event_listeners: Arc::default(),
            event_buffer: Arc::default(),
        }
    }
}

impl StoresAccess for MemoryInstance {
    fn stores(&self) -> &Stores {
        &self.stores
    }
}

impl ListenersAccess for MemoryInstance {
    fn event_listeners(&self) -> &EventListeners {
        &self.event_listeners
    }
}

impl ClockAccess for MemoryInstance {
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }
}

impl IdAccess for MemoryInstance {
    fn ids(&self) -> &dyn IdSource {
        &RandomIds
    }
}

impl RunOps for MemoryInstance {}

impl EventOps for MemoryInstance {
    fn event_buffer(&self) -> &EventBuffer {
        &self.event_buffer
    }
}
