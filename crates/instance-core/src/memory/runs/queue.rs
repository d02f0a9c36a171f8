//! The runs that wait and those that go on.

use async_trait::async_trait;

use super::MemoryRunStorage;
use crate::error::StorageError;
use crate::ids::StorageId;
use crate::run::RunRecord;
use crate::storage::{ActiveRow, RunQueueStore};

#[async_trait]
impl RunQueueStore for MemoryRunStorage {
    async fn get_active_rows(&self) -> Result<Vec<ActiveRow>, StorageError> {
        let state = self.shared.lock();
        let is_active =
            |record: &&RunRecord| ActiveRow::STATUSES.contains(&record.dagster_run.status);
        let row = |record: &RunRecord| {
            let run = &record.dagster_run;
            let id = record.storage_id;
            ActiveRow::new(id, run.run_id.clone(), run.status, record.update_timestamp)
                .with_start_time(record.start_time)
        };
        Ok(state.runs.records().filter(is_active).map(row).collect())
    }

    async fn get_active_runs(
        &self,
        ids: &[StorageId],
    ) -> Result<Vec<(StorageId, Result<RunRecord, StorageError>)>, StorageError> {
        let state = self.shared.lock();
        let found = ids.iter().filter_map(|id| state.runs.record(*id));
        Ok(found.map(|record| (record.storage_id, Ok(record.clone()))).collect())
    }
}
