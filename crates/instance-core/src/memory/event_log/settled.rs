//! Up to which id no event is missing, and the failures of runs behind an id.

use std::ops::Bound;

use async_trait::async_trait;

use super::MemoryEventLogStorage;
use crate::error::StorageError;
use crate::event::DagsterEventType;
use crate::ids::{RunId, StorageId};
use crate::storage::{SettledEventStore, SettledPosition};

#[async_trait]
impl SettledEventStore for MemoryEventLogStorage {
    async fn settled_position(&self) -> Result<SettledPosition, StorageError> {
        let max = self.shared.lock().events.rows.keys().next_back().copied();
        Ok(SettledPosition::new(max))
    }

    async fn get_failure_ids(
        &self,
        after: StorageId,
        limit: u64,
    ) -> Result<Vec<(StorageId, RunId)>, StorageError> {
        let state = self.shared.lock();
        let rows = state.events.rows.range((Bound::Excluded(after), Bound::Unbounded));
        let failures = rows
            .map(|(_, row)| row)
            .filter(|row| row.event_type == Some(DagsterEventType::RunFailure))
            .map(|row| (row.id, row.entry.run_id.clone()));
        Ok(failures.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }
}
