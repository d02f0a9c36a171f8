//! Backfills.

use async_trait::async_trait;

use crate::error::StorageError;
use crate::scheduling::{BulkActionsFilter, PartitionBackfill};

/// Which part of the matching backfills is meant; they come newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackfillsPage {
    /// Begin behind the backfill of this id; an unknown one gives an empty page.
    pub cursor: Option<String>,
    /// At most so many; `None` means all.
    pub limit: Option<u64>,
}

impl BackfillsPage {
    /// All backfills.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl BackfillsPage {
        /// Begin behind the backfill of this id.
        with_cursor(cursor: impl Into<Option<String>>);
        /// At most so many; `None` means all.
        with_limit(limit: impl Into<Option<u64>>);
    }
}

/// Backfills.
#[async_trait]
pub trait BackfillStore: std::fmt::Debug + Send + Sync + 'static {
    /// The backfills that match, newest first.
    async fn get_backfills(
        &self,
        filter: &BulkActionsFilter,
        page: &BackfillsPage,
    ) -> Result<Vec<PartitionBackfill>, StorageError>;

    /// How many backfills match.
    async fn get_backfills_count(&self, filter: &BulkActionsFilter) -> Result<u64, StorageError>;

    /// The backfill of this id.
    async fn get_backfill(
        &self,
        backfill_id: &str,
    ) -> Result<Option<PartitionBackfill>, StorageError>;

    /// Stores a new backfill and the rows of its tags in one transaction.
    ///
    /// # Errors
    ///
    /// [`StorageError::AlreadyExists`].
    async fn add_backfill(&self, backfill: &PartitionBackfill) -> Result<(), StorageError>;

    /// Replaces the body and status of a backfill.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    async fn update_backfill(&self, backfill: &PartitionBackfill) -> Result<(), StorageError>;
}
