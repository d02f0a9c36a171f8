//! The store of events.

mod asset_checks;
mod asset_partitions;
mod assets;
mod dynamic_partitions;
mod events;
mod pools;
mod settled;
mod watch;

pub(super) use asset_checks::AssetChecks;
pub(super) use assets::Assets;
pub(super) use dynamic_partitions::DynamicPartitions;
pub(super) use events::Events;
pub(super) use pools::Pools;
pub(super) use watch::Watchers;

use std::sync::Arc;

use async_trait::async_trait;

use super::{Shared, schema_store};
use crate::error::StorageError;
use crate::storage::{EVENT_DATA_MIGRATIONS, EventLogStorage};

/// The store of events, in memory.
#[derive(Debug)]
pub struct MemoryEventLogStorage {
    shared: Arc<Shared>,
}

impl MemoryEventLogStorage {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

schema_store!(MemoryEventLogStorage, events, EVENT_DATA_MIGRATIONS);

#[async_trait]
impl EventLogStorage for MemoryEventLogStorage {
    fn is_run_sharded(&self) -> bool {
        false
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        state.events.clear();
        state.assets.clear();
        state.asset_checks.clear();
        state.dynamic_partitions.clear();
        state.pools = Pools::default();
        Ok(())
    }
}
