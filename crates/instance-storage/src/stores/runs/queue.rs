//! The runs that wait and those that go on.

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::ids::{RunId, StorageId};
use instance_core::run::RunRecord;
use instance_core::storage::{ActiveRow, RunQueueStore};

use super::SqlRunStorage;
use super::runs::{record, status};
use crate::db::Row;
use crate::sql::queue;
use crate::sql::tables::runs::{ID, RUN_ID, START_TIME, TABLE, UPDATE_TIMESTAMP};

#[async_trait]
impl RunQueueStore for SqlRunStorage {
    async fn get_active_rows(&self) -> Result<Vec<ActiveRow>, StorageError> {
        self.database
            .fetch_map("reading the rows of active runs", &queue::select_active_rows(), active_row)
            .await
    }

    async fn get_active_runs(
        &self,
        ids: &[StorageId],
    ) -> Result<Vec<(StorageId, Result<RunRecord, StorageError>)>, StorageError> {
        let mut runs = Vec::with_capacity(ids.len());
        for ids in ids.chunks(queue::RUNS_PER_STATEMENT) {
            let select = queue::select_active_runs(ids);
            let read = |row: &Row| Ok((StorageId(row.get(TABLE, ID)?), record(row)));
            runs.extend(self.database.fetch_map("reading active runs", &select, read).await?);
        }
        Ok(runs)
    }
}

fn active_row(row: &Row) -> Result<ActiveRow, StorageError> {
    let run_id = RunId::from(row.get::<String>(TABLE, RUN_ID)?);
    let changed = row.get(TABLE, UPDATE_TIMESTAMP)?;
    Ok(ActiveRow::new(StorageId(row.get(TABLE, ID)?), run_id, status(row)?, changed)
        .with_start_time(row.get::<Option<f64>>(TABLE, START_TIME)?))
}
