//! Waking those who follow the events of a run.

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::ids::RunId;
use instance_core::storage::{EventSignal, EventWatch};

use super::SqlEventLogStorage;

#[async_trait]
impl EventWatch for SqlEventLogStorage {
    async fn watch_run(&self, run_id: &RunId) -> Result<Box<dyn EventSignal>, StorageError> {
        Ok(Box::new(self.watch.watch(run_id)))
    }
}
