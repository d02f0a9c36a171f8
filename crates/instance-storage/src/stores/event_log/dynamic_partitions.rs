//! The keys of dynamic partitions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::ids::StorageId;
use instance_core::storage::{DynamicPartitionStore, DynamicPartitionsPage, PaginatedResults};

use super::SqlEventLogStorage;
use crate::db::{Connection, Row, naming};
use crate::sql::VALUES_PER_STATEMENT;
use crate::sql::capabilities::Feature;
use crate::sql::dynamic_partitions;
use crate::sql::tables::dynamic_partitions::{ID, PARTITION, TABLE};

#[async_trait]
impl DynamicPartitionStore for SqlEventLogStorage {
    async fn get_dynamic_partitions(
        &self,
        partitions_def_name: &str,
    ) -> Result<Vec<String>, StorageError> {
        self.require(Feature::DynamicPartitions).await?;
        let select = dynamic_partitions::select(partitions_def_name, self.index.dialect());
        let mut keys: Vec<(i64, String)> =
            self.index.fetch_packed("reading dynamic partitions", &select).await?;
        keys.sort_unstable_by_key(|(id, _)| *id);
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }

    async fn get_paginated_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        page: &DynamicPartitionsPage,
    ) -> Result<PaginatedResults<String>, StorageError> {
        self.require(Feature::DynamicPartitions).await?;
        let select = dynamic_partitions::select_page(partitions_def_name, page);
        let mut rows = self.index.fetch("reading dynamic partitions", &select).await?;
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let cursor = match rows.last() {
            Some(last) => StorageId(last.get(TABLE, ID)?),
            None => page.cursor.unwrap_or(StorageId(-1)),
        };
        let results = rows.iter().map(|row| row.get(TABLE, PARTITION)).collect::<Result<_, _>>()?;
        Ok(PaginatedResults::new(results, cursor, has_more))
    }

    async fn has_dynamic_partition(
        &self,
        partitions_def_name: &str,
        partition_key: &str,
    ) -> Result<bool, StorageError> {
        let keys = [partition_key.to_owned()];
        Ok(!self.get_existing_dynamic_partitions(partitions_def_name, &keys).await?.is_empty())
    }

    async fn get_existing_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        partition_keys: &[String],
    ) -> Result<BTreeSet<String>, StorageError> {
        self.require(Feature::DynamicPartitions).await?;
        let mut found = BTreeSet::new();
        for keys in partition_keys.chunks(VALUES_PER_STATEMENT) {
            let select = dynamic_partitions::select_existing(partitions_def_name, keys);
            found.extend(self.index.fetch_map("reading dynamic partitions", &select, key).await?);
        }
        Ok(found)
    }

    async fn add_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        partition_keys: &[String],
    ) -> Result<(), StorageError> {
        self.require(Feature::DynamicPartitions).await?;
        let inserts: Vec<_> = partition_keys
            .chunks(VALUES_PER_STATEMENT)
            .map(|keys| dynamic_partitions::insert(partitions_def_name, keys))
            .collect();
        if inserts.is_empty() {
            return Ok(());
        }
        // Two that add the same keys in other orders would each wait for the other.
        let lock = format!("dynamic partitions {partitions_def_name}");
        self.index
            .write("adding dynamic partitions", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    connection.lock(&lock).await?;
                    for insert in &inserts {
                        connection.execute(insert).await?;
                    }
                    Ok(())
                })
            })
            .await
            .map_err(naming(dynamic_partitions::bounded(partitions_def_name, partition_keys)))
    }

    async fn delete_dynamic_partition(
        &self,
        partitions_def_name: &str,
        partition_key: &str,
    ) -> Result<(), StorageError> {
        self.require(Feature::DynamicPartitions).await?;
        let delete = dynamic_partitions::delete(partitions_def_name, partition_key);
        self.index.execute("deleting a dynamic partition", delete).await.map(drop)
    }
}

fn key(row: &Row) -> Result<String, StorageError> {
    row.get(TABLE, PARTITION)
}
