//! Backfills.

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::scheduling::{BulkActionsFilter, PartitionBackfill};
use instance_core::storage::{BackfillStore, BackfillsPage};

use super::SqlRunStorage;
use crate::db::{Connection, Row, naming};
use crate::sql::backfills;
use crate::sql::tables::bulk_actions::{BODY, TABLE};
use crate::stores::column_time;

#[async_trait]
impl BackfillStore for SqlRunStorage {
    async fn get_backfills(
        &self,
        filter: &BulkActionsFilter,
        page: &BackfillsPage,
    ) -> Result<Vec<PartitionBackfill>, StorageError> {
        self.database
            .fetch_map("reading backfills", &backfills::select(filter, page), |row| {
                row.body(TABLE, BODY)
            })
            .await
    }

    async fn get_backfills_count(&self, filter: &BulkActionsFilter) -> Result<u64, StorageError> {
        let row = self.database.fetch_one("counting backfills", &backfills::count(filter)).await?;
        Ok(row.as_ref().map_or(Ok(0), Row::scalar::<i64>)?.unsigned_abs())
    }

    async fn get_backfill(
        &self,
        backfill_id: &str,
    ) -> Result<Option<PartitionBackfill>, StorageError> {
        let select = backfills::select_one(backfill_id);
        let row = self.database.fetch_one("reading a backfill", &select).await?;
        row.map(|row| row.body(TABLE, BODY)).transpose()
    }

    async fn add_backfill(&self, backfill: &PartitionBackfill) -> Result<(), StorageError> {
        let at = column_time("backfill_timestamp", backfill.backfill_timestamp.as_f64())?;
        let insert = backfills::insert(backfill, at);
        let tags = backfills::insert_tags(backfill);
        let id = backfill.backfill_id.clone();
        self.database
            .write("adding a backfill", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    if connection.execute(&insert).await? == 0 {
                        return Err(StorageError::AlreadyExists { what: "backfill", id });
                    }
                    for tags in &tags {
                        connection.execute(tags).await?;
                    }
                    Ok(())
                })
            })
            .await
            .map_err(naming(backfills::bounded(backfill)))
    }

    async fn update_backfill(&self, backfill: &PartitionBackfill) -> Result<(), StorageError> {
        let update = backfills::update(backfill);
        if self.database.execute("changing a backfill", update).await? == 0 {
            let id = backfill.backfill_id.clone();
            return Err(StorageError::NotFound { what: "backfill", id });
        }
        Ok(())
    }
}
