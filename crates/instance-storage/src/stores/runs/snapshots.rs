//! The snapshots of jobs and plans.

use std::io::Write;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::ids::SnapshotId;
use instance_core::serdes::{Unpack, serialize_value};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::SnapshotStore;

use super::SqlRunStorage;
use crate::sql::snapshots::{self, SnapshotType};
use crate::sql::tables;

impl SqlRunStorage {
    async fn has_snapshot(
        &self,
        id: &SnapshotId,
        kind: SnapshotType,
    ) -> Result<bool, StorageError> {
        let select = snapshots::select_exists(id.as_str(), kind);
        Ok(self.database.fetch_one("looking for a snapshot", &select).await?.is_some())
    }

    async fn add_snapshot(
        &self,
        text: String,
        kind: SnapshotType,
    ) -> Result<SnapshotId, StorageError> {
        let id = SnapshotId::of_text(&text);
        let body = compress(&text).map_err(|source| StorageError::Io {
            action: "compress",
            path: format!("snapshot {id}"),
            source,
        })?;
        let insert = snapshots::insert(id.as_str(), kind, body);
        self.database.execute("storing a snapshot", insert).await?;
        Ok(id)
    }

    async fn get_snapshot<T: Unpack>(
        &self,
        id: &SnapshotId,
        kind: SnapshotType,
    ) -> Result<Option<T>, StorageError> {
        let select = snapshots::select_body(id.as_str(), kind);
        let row = self.database.fetch_one("reading a snapshot", &select).await?;
        let read = |row: crate::db::Row| {
            row.compressed(tables::snapshots::TABLE, tables::snapshots::SNAPSHOT_BODY)
        };
        row.map(read).transpose()
    }
}

#[async_trait]
impl SnapshotStore for SqlRunStorage {
    async fn has_job_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        self.has_snapshot(id, SnapshotType::Job).await
    }

    async fn add_job_snapshot(&self, snapshot: &JobSnap) -> Result<SnapshotId, StorageError> {
        self.add_snapshot(serialize_value(snapshot), SnapshotType::Job).await
    }

    async fn get_job_snapshot(&self, id: &SnapshotId) -> Result<Option<JobSnap>, StorageError> {
        self.get_snapshot(id, SnapshotType::Job).await
    }

    async fn has_execution_plan_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        self.has_snapshot(id, SnapshotType::ExecutionPlan).await
    }

    async fn add_execution_plan_snapshot(
        &self,
        snapshot: &ExecutionPlanSnapshot,
    ) -> Result<SnapshotId, StorageError> {
        self.add_snapshot(serialize_value(snapshot), SnapshotType::ExecutionPlan).await
    }

    async fn get_execution_plan_snapshot(
        &self,
        id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, StorageError> {
        self.get_snapshot(id, SnapshotType::ExecutionPlan).await
    }
}

fn compress(text: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}
