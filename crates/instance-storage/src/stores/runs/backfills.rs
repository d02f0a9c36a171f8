//! Backfills.

use std::collections::BTreeMap;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::run::TagFilter;
use instance_core::scheduling::{BulkActionsFilter, PartitionBackfill};
use instance_core::storage::{BackfillStore, BackfillsPage};

use super::SqlRunStorage;
use crate::db::{Connection, Row, naming};
use crate::sql::backfills;
use crate::sql::capabilities::{Capabilities, Feature, Mark};
use crate::sql::tables::bulk_actions::{BODY, TABLE};
use crate::stores::column_time;

/// By what the statements differ.
const FEATURES: &[Feature] = &[Feature::BackfillJobNames, Feature::BackfillTags];

#[async_trait]
impl BackfillStore for SqlRunStorage {
    async fn get_backfills(
        &self,
        filter: &BulkActionsFilter,
        page: &BackfillsPage,
    ) -> Result<Vec<PartitionBackfill>, StorageError> {
        let has = self.database.capabilities().await?;
        if has.is_built(Mark::BackfillJobNameAndTags) || filter.tags.is_empty() {
            return self.select_backfills(filter, page, has).await;
        }
        self.backfills_with_tags(filter, page, has).await
    }

    async fn get_backfills_count(&self, filter: &BulkActionsFilter) -> Result<u64, StorageError> {
        let has = self.database.capabilities().await?;
        if !has.is_built(Mark::BackfillJobNameAndTags) && !filter.tags.is_empty() {
            let any = filter.clone().with_tags(BTreeMap::new());
            let all = self.select_backfills(&any, &BackfillsPage::default(), has).await?;
            return Ok(all.iter().filter(|backfill| has_tags(backfill, filter)).count() as u64);
        }
        let count = backfills::count(filter, has);
        let row = self.database.fetch_one("counting backfills", &count).await?;
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
        let adding = backfill.clone();
        self.database
            .write("adding a backfill", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let has = connection.capabilities(TABLE, FEATURES).await?;
                    if connection.execute(&backfills::insert(&adding, at, has)).await? == 0 {
                        let id = adding.backfill_id;
                        return Err(StorageError::AlreadyExists { what: "backfill", id });
                    }
                    if has.has(Feature::BackfillTags) {
                        for tags in &backfills::insert_tags(&adding) {
                            connection.execute(tags).await?;
                        }
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

impl SqlRunStorage {
    async fn select_backfills(
        &self,
        filter: &BulkActionsFilter,
        page: &BackfillsPage,
        has: Capabilities,
    ) -> Result<Vec<PartitionBackfill>, StorageError> {
        let select = backfills::select(filter, page, has);
        let body = |row: &Row| row.body(TABLE, BODY);
        self.database.fetch_map("reading backfills", &select, body).await
    }

    /// Backfills with tags, where the tags of backfills have no rows: their runs have them, and so must they
    /// themselves. Reads on until the page is full.
    async fn backfills_with_tags(
        &self,
        filter: &BulkActionsFilter,
        page: &BackfillsPage,
        has: Capabilities,
    ) -> Result<Vec<PartitionBackfill>, StorageError> {
        let limit = page.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let mut next = page.clone();
        let mut found = Vec::new();
        while found.len() < limit {
            let some = self.select_backfills(filter, &next, has).await?;
            next.cursor = some.last().map(|last| last.backfill_id.clone());
            found.extend(some.into_iter().filter(|backfill| has_tags(backfill, filter)));
            if next.cursor.is_none() || next.limit.is_none() {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}

/// Whether a backfill itself has all tags of a filter.
fn has_tags(backfill: &PartitionBackfill, filter: &BulkActionsFilter) -> bool {
    filter.tags.iter().all(|(key, wanted)| {
        let value = backfill.tags.as_ref().and_then(|tags| tags.get(key));
        value.is_some_and(|value| match wanted {
            TagFilter::Is(text) => value == text,
            TagFilter::In(texts) => texts.contains(value),
        })
    })
}
