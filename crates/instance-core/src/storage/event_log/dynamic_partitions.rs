//! The keys of dynamic partitions.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::error::StorageError;
use crate::ids::StorageId;
use crate::storage::Order;

/// Which part of the keys is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynamicPartitionsPage {
    /// Begin behind this row, in the order that is asked for.
    pub cursor: Option<StorageId>,
    /// At most so many.
    pub limit: u64,
    /// In which order they come.
    pub order: Order,
}

impl DynamicPartitionsPage {
    /// The first keys in this order, at most so many.
    pub fn new(limit: u64, order: Order) -> Self {
        Self { cursor: None, limit, order }
    }
}

crate::setters! {
    impl DynamicPartitionsPage {
        /// Begin behind this row, in the order that is asked for.
        with_cursor(cursor: impl Into<Option<StorageId>>);
    }
}

/// A page of results.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaginatedResults<T> {
    /// The results.
    pub results: Vec<T>,
    /// The row of the last one; where there is none, what was asked for, or -1.
    pub cursor: StorageId,
    /// Whether there are more.
    pub has_more: bool,
}

impl<T> PaginatedResults<T> {
    /// These results, with the row of the last one, and whether there are more.
    pub const fn new(results: Vec<T>, cursor: StorageId, has_more: bool) -> Self {
        Self { results, cursor, has_more }
    }
}

/// The keys of dynamic partitions, in sets that have names.
#[async_trait]
pub trait DynamicPartitionStore: std::fmt::Debug + Send + Sync + 'static {
    /// The keys of a set in the order in which they were added; empty for an unknown set.
    async fn get_dynamic_partitions(
        &self,
        partitions_def_name: &str,
    ) -> Result<Vec<String>, StorageError>;

    /// A page of the keys of a set.
    async fn get_paginated_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        page: &DynamicPartitionsPage,
    ) -> Result<PaginatedResults<String>, StorageError>;

    /// Whether a set has a key.
    async fn has_dynamic_partition(
        &self,
        partitions_def_name: &str,
        partition_key: &str,
    ) -> Result<bool, StorageError>;

    /// Those of the keys that a set has.
    async fn get_existing_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        partition_keys: &[String],
    ) -> Result<BTreeSet<String>, StorageError>;

    /// Adds keys to a set in their order, all of them in one transaction. Keys that the set has already stay where
    /// they are.
    async fn add_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        partition_keys: &[String],
    ) -> Result<(), StorageError>;

    /// Takes a key out of a set; one that it has not is no error.
    async fn delete_dynamic_partition(
        &self,
        partitions_def_name: &str,
        partition_key: &str,
    ) -> Result<(), StorageError>;
}
