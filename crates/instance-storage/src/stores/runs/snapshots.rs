//! The snapshots of jobs and plans.

use std::io::Write;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::ids::SnapshotId;
use instance_core::serdes::Unpack;
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};
use instance_core::storage::SnapshotStore;

use super::SqlRunStorage;
use crate::db::Connection;
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
        snapshot: SnapshotBody,
        kind: SnapshotType,
    ) -> Result<SnapshotId, StorageError> {
        let insert = insert(&snapshot, kind)?;
        self.database.execute("storing a snapshot", insert).await?;
        Ok(snapshot.id().clone())
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
        self.add_snapshot(SnapshotBody::of_job(snapshot), SnapshotType::Job).await
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
        let snapshot = SnapshotBody::of_execution_plan(snapshot);
        self.add_snapshot(snapshot, SnapshotType::ExecutionPlan).await
    }

    async fn add_snapshots(
        &self,
        jobs: &[SnapshotBody],
        execution_plan: Option<&SnapshotBody>,
    ) -> Result<(), StorageError> {
        let (jobs, execution_plan) = (jobs.to_vec(), execution_plan.cloned());
        self.database
            .write("storing snapshots", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    add_missing(&mut connection, &jobs, execution_plan.as_ref()).await
                })
            })
            .await
    }

    async fn get_execution_plan_snapshot(
        &self,
        id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, StorageError> {
        self.get_snapshot(id, SnapshotType::ExecutionPlan).await
    }
}

/// Stores those of the snapshots that are not stored. Most often all are stored, and their bodies need not be sent.
pub(crate) async fn add_missing(
    connection: &mut Connection<'_>,
    jobs: &[SnapshotBody],
    execution_plan: Option<&SnapshotBody>,
) -> Result<(), StorageError> {
    let jobs = jobs.iter().map(|job| (job, SnapshotType::Job));
    let plans = execution_plan.into_iter().map(|plan| (plan, SnapshotType::ExecutionPlan));
    for (snapshot, kind) in jobs.chain(plans) {
        let exists = snapshots::select_exists(snapshot.id().as_str(), kind);
        if connection.fetch_one(&exists).await?.is_none() {
            connection.execute(&insert(snapshot, kind)?).await?;
        }
    }
    Ok(())
}

fn insert(
    snapshot: &SnapshotBody,
    kind: SnapshotType,
) -> Result<sea_query::InsertStatement, StorageError> {
    let body = compress(snapshot.text()).map_err(|source| StorageError::Io {
        action: "compress",
        path: format!("snapshot {}", snapshot.id()),
        source,
    })?;
    Ok(snapshots::insert(snapshot.id().as_str(), kind, body))
}

fn compress(text: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}
