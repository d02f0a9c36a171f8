//! The store of schedules and sensors.

mod automation;
mod instigators;
mod ticks;

pub(super) use automation::Evaluations;
pub(super) use instigators::Instigators;
pub(super) use ticks::Ticks;

use std::sync::Arc;

use async_trait::async_trait;

use super::{Shared, schema_store};
use crate::error::StorageError;
use crate::storage::{SCHEDULE_DATA_MIGRATIONS, ScheduleStorage};

/// The store of schedules and sensors, in memory.
#[derive(Debug)]
pub struct MemoryScheduleStorage {
    shared: Arc<Shared>,
}

impl MemoryScheduleStorage {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

schema_store!(MemoryScheduleStorage, schedules, SCHEDULE_DATA_MIGRATIONS);

#[async_trait]
impl ScheduleStorage for MemoryScheduleStorage {
    async fn wipe(&self) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        state.instigators = Instigators::default();
        state.ticks.clear();
        state.evaluations.clear();
        Ok(())
    }
}
