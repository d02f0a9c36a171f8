//! Backfills.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{MemoryRunStorage, has_all_tags};
use crate::error::StorageError;
use crate::memory::{RowIds, at_most, is_between};
use crate::scheduling::{BulkActionsFilter, PartitionBackfill};
use crate::storage::{BackfillStore, BackfillsPage, storable_time};

/// The rows of backfills.
#[derive(Debug, Default)]
pub(in crate::memory) struct Backfills {
    row_ids: RowIds,
    rows: BTreeMap<i64, BackfillRow>,
    by_id: BTreeMap<String, i64>,
}

/// A backfill, and that by which it is found from its beginning to its end.
#[derive(Debug)]
struct BackfillRow {
    backfill: PartitionBackfill,
    created_at: DateTime<Utc>,
    job_name: Option<String>,
    selector_id: Option<String>,
    tags: BTreeMap<String, String>,
}

impl Backfills {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.by_id.clear();
    }

    fn row(&self, backfill_id: &str) -> Option<&BackfillRow> {
        self.rows.get(self.by_id.get(backfill_id)?)
    }

    /// The backfills that match, with the ids of their rows, newest first.
    fn matching(&self, filter: &BulkActionsFilter) -> impl Iterator<Item = (i64, &BackfillRow)> {
        let ids: Option<BTreeSet<&String>> =
            filter.backfill_ids.as_slice().map(|ids| ids.iter().collect());
        self.rows
            .iter()
            .rev()
            .filter(move |(_, row)| {
                ids.as_ref().is_none_or(|ids| ids.contains(&row.backfill.backfill_id))
            })
            .filter(|(_, row)| row.matches(filter))
            .map(|(id, row)| (*id, row))
    }
}

impl BackfillRow {
    /// Whether the backfill is one that is asked for, its id left aside.
    fn matches(&self, filter: &BulkActionsFilter) -> bool {
        filter.statuses.contains(&self.backfill.status)
            && is_between(self.created_at, filter.created_after, filter.created_before)
            && filter.job_name.as_ref().is_none_or(|name| self.job_name.as_ref() == Some(name))
            && filter.selector_id.as_ref().is_none_or(|id| self.selector_id.as_ref() == Some(id))
            && has_all_tags(&self.tags, &filter.tags)
    }
}

#[async_trait]
impl BackfillStore for MemoryRunStorage {
    async fn get_backfills(
        &self,
        filter: &BulkActionsFilter,
        page: &BackfillsPage,
    ) -> Result<Vec<PartitionBackfill>, StorageError> {
        let state = self.shared.lock();
        let cursor = match &page.cursor {
            None => i64::MAX,
            Some(cursor) => match state.backfills.by_id.get(cursor) {
                Some(id) => *id,
                None => return Ok(Vec::new()),
            },
        };
        let found = state.backfills.matching(filter).filter(|(id, _)| *id < cursor);
        Ok(found.take(at_most(page.limit)).map(|(_, row)| row.backfill.clone()).collect())
    }

    async fn get_backfills_count(&self, filter: &BulkActionsFilter) -> Result<u64, StorageError> {
        Ok(self.shared.lock().backfills.matching(filter).count() as u64)
    }

    async fn get_backfill(
        &self,
        backfill_id: &str,
    ) -> Result<Option<PartitionBackfill>, StorageError> {
        let state = self.shared.lock();
        Ok(state.backfills.row(backfill_id).map(|row| row.backfill.clone()))
    }

    async fn add_backfill(&self, backfill: &PartitionBackfill) -> Result<(), StorageError> {
        let created_at = storable_time("backfill_timestamp", backfill.backfill_timestamp.as_f64())?;
        let row = BackfillRow {
            created_at,
            job_name: backfill.job_name().map(str::to_owned),
            selector_id: backfill.selector_id(),
            tags: backfill.tags.clone().unwrap_or_default(),
            backfill: backfill.clone(),
        };
        let mut state = self.shared.lock();
        let backfills = &mut state.backfills;
        let id = backfill.backfill_id.clone();
        if backfills.by_id.contains_key(&id) {
            return Err(StorageError::AlreadyExists { what: "backfill", id });
        }
        let row_id = backfills.row_ids.next();
        backfills.rows.insert(row_id, row);
        backfills.by_id.insert(id, row_id);
        Ok(())
    }

    async fn update_backfill(&self, backfill: &PartitionBackfill) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        let backfills = &mut state.backfills;
        let row_id = backfills.by_id.get(&backfill.backfill_id);
        let Some(row) = row_id.and_then(|row_id| backfills.rows.get_mut(row_id)) else {
            let id = backfill.backfill_id.clone();
            return Err(StorageError::NotFound { what: "backfill", id });
        };
        row.backfill = backfill.clone();
        Ok(())
    }
}
