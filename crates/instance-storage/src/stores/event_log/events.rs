//! Events: of one run, of one asset, and across all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::asset_key::AssetKey;
use instance_core::error::StorageError;
use instance_core::event::{DagsterEventType, EventLogConnection, EventLogEntry, EventLogRecord};
use instance_core::ids::{RunId, StorageId};
use instance_core::run::{
    DagsterRunStatsSnapshot, RUN_STATS_EVENT_TYPES, RunStepKeyStatsSnapshot, RunsFilter,
    STEP_STATS_EVENT_TYPES, build_run_step_stats_from_events,
};
use instance_core::serdes::UnknownFields;
use instance_core::storage::{
    AssetEventSummaryQuery, AssetEventSummaryRecord, EventCursor, EventRecordsFilter, EventStore,
    Only, Order, PoolStore, RecordsForRun, RecordsPage, RunStatusChangeRecordsFilter, RunsOrderBy,
    RunsPage, StoredEvents,
};

use super::SqlEventLogStorage;
use crate::db::{Connection, Database, Operation, Row, is_damaged};
use crate::sql::capabilities::Feature;
use crate::sql::events::{self, Among};
use crate::sql::tables::event_logs::{
    ASSET_KEY, DAGSTER_EVENT_TYPE, EVENT, ID, PARTITION, RUN_ID, TABLE, TIMESTAMP,
};
use crate::stores::runs::run_ids;

#[async_trait]
impl EventStore for SqlEventLogStorage {
    async fn store_events(&self, entries: &[EventLogEntry]) -> Result<StoredEvents, StorageError> {
        self.store_entries(entries).await
    }

    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        let reading = "reading events of a run";
        let select = events::select_records_for_run(query, self.among());
        let bytes = AtomicU64::new(0);
        let counted = |row: &Row| {
            bytes.fetch_add(row.get::<&str>(TABLE, EVENT)?.len() as u64, Ordering::Relaxed);
            record(row)
        };
        let records = self.fetch_of_run(&query.run_id, reading, &select, counted).await?;
        Ok(query.page_of(records, bytes.into_inner()))
    }

    async fn get_stats_for_run(
        &self,
        run_id: &RunId,
    ) -> Result<DagsterRunStatsSnapshot, StorageError> {
        let select = events::select_run_stats(run_id, RUN_STATS_EVENT_TYPES, self.among());
        let counted = |row: &Row| {
            let count: i64 = row.get(TABLE, events::COUNT)?;
            let last: Option<DateTime<Utc>> = row.get(TABLE, events::LAST_TIME)?;
            Ok((row.get::<String>(TABLE, DAGSTER_EVENT_TYPE)?, (count, last)))
        };
        let reading = "reading statistics of a run";
        let found = self.fetch_of_run(run_id, reading, &select, counted).await?;
        let found: BTreeMap<_, _> = found.into_iter().collect();
        let of = |event_type: DagsterEventType| found.get(event_type.as_str()).copied();
        Ok(DagsterRunStatsSnapshot::from_counts(run_id.clone(), of))
    }

    async fn get_step_stats_for_run(
        &self,
        run_id: &RunId,
        step_keys: &Only<String>,
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, StorageError> {
        let types = STEP_STATS_EVENT_TYPES;
        let select = events::select_step_events(run_id, step_keys, types, self.among());
        let entry = |row: &Row| row.body::<EventLogEntry>(TABLE, EVENT);
        let reading = "reading statistics of steps";
        let entries = self.fetch_of_run(run_id, reading, &select, entry).await?;
        Ok(build_run_step_stats_from_events(run_id, entries))
    }

    async fn get_asset_partitions_for_run(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, StorageError> {
        let select = events::select_asset_partitions_of_run(run_id, of_types, self.among());
        let partition = |row: &Row| Ok((asset_key(row)?, row.get(TABLE, PARTITION)?));
        let reading = "reading assets of a run";
        let mut found: BTreeMap<AssetKey, BTreeSet<Option<String>>> = BTreeMap::new();
        for (key, partition) in self.fetch_of_run(run_id, reading, &select, partition).await? {
            found.entry(key).or_default().insert(partition);
        }
        Ok(found.into_iter().collect())
    }

    async fn get_event_records(
        &self,
        filter: &EventRecordsFilter,
        limit: Option<u64>,
        order: Order,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        if self.run_logs.is_sharded() && !filter.event_type.is_asset_event() {
            return self.sharded_event_records(filter, limit, order).await;
        }
        self.indexed_event_records(filter, limit, order).await
    }

    async fn fetch_asset_events(
        &self,
        filter: &EventRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, StorageError> {
        let filter = filter.on_page(page);
        let records = self.indexed_event_records(&filter, page.limit, page.order).await?;
        Ok(page.of(records))
    }

    async fn fetch_run_status_changes(
        &self,
        filter: &RunStatusChangeRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, StorageError> {
        self.fetch_asset_events(&filter.as_event_filter()?, page).await
    }

    async fn get_asset_event_summary_records(
        &self,
        query: &AssetEventSummaryQuery,
    ) -> Result<Vec<AssetEventSummaryRecord>, StorageError> {
        let select = events::select_asset_event_summaries(query, self.index.dialect());
        let rows = self.index.fetch("reading events about assets", &select).await?;
        let summary = |row: &Row| {
            let run_id: Option<String> = row.get(TABLE, RUN_ID)?;
            let run_id = RunId::from(run_id.unwrap_or_default());
            let (id, at) = (StorageId(row.get(TABLE, ID)?), row.get(TABLE, TIMESTAMP)?);
            Ok(AssetEventSummaryRecord::new(id, run_id, asset_key(row)?, at)
                .with_partition(row.get::<Option<String>>(TABLE, PARTITION)?))
        };
        rows.iter().map(summary).collect()
    }

    async fn get_logs_for_all_runs_by_log_id(
        &self,
        after_cursor: StorageId,
        of_types: &Only<DagsterEventType>,
        limit: Option<u64>,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        let select = events::select_behind(after_cursor, of_types, limit);
        let records = self.index.fetch_map("reading events", &select, readable).await?;
        Ok(records.into_iter().flatten().collect())
    }

    async fn get_maximum_record_id(&self) -> Result<Option<StorageId>, StorageError> {
        let row = self.index.fetch_one("reading events", &events::select_max_id()).await?;
        let id = row.as_ref().map(Row::scalar::<Option<i64>>).transpose()?.flatten();
        Ok(id.map(StorageId))
    }

    async fn get_all_run_ids(&self) -> Result<Vec<RunId>, StorageError> {
        self.run_logs.run_ids().await
    }

    async fn delete_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        if self.run_logs.is_sharded()
            && let Some(shard) = self.run_logs.get_existing(run_id).await?
        {
            delete_from(&shard, run_id).await?;
        }
        delete_from(&self.index, run_id).await?;
        self.free_concurrency_slots(run_id, None).await
    }
}

impl SqlEventLogStorage {
    /// Among which events those of a run are read.
    const fn among(&self) -> Among {
        if self.run_logs.is_sharded() { Among::ItsOwn } else { Among::AllRuns }
    }

    /// What `read` makes of the rows of a query on the log of a run; nothing if the run has none.
    async fn fetch_of_run<T: Send>(
        &self,
        run_id: &RunId,
        operation: &'static str,
        select: &sea_query::SelectStatement,
        read: impl Fn(&Row) -> Result<T, StorageError> + Send + Sync,
    ) -> Result<Vec<T>, StorageError> {
        let operation = Operation::of_run(operation, run_id);
        match self.run_logs.get_existing(run_id).await? {
            Some(log) => log.fetch_map(operation, select, read).await,
            None => Ok(Vec::new()),
        }
    }

    pub(super) async fn indexed_event_records(
        &self,
        filter: &EventRecordsFilter,
        limit: Option<u64>,
        order: Order,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        let select = events::select_event_records(filter, limit, order, true, self.index.dialect());
        let records = self.index.fetch_map("reading events", &select, readable).await?;
        Ok(records.into_iter().flatten().collect())
    }

    /// Ids are of no use across shards: runs are asked one by one, by the time of their last change.
    async fn sharded_event_records(
        &self,
        filter: &EventRecordsFilter,
        limit: Option<u64>,
        order: Order,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        let updated_after = match filter.after_cursor {
            None => None,
            Some(EventCursor::RunSharded(cursor)) => Some(cursor.run_updated_after),
            Some(EventCursor::StorageId(id)) => {
                return Err(StorageError::Unsupported {
                    what: format!("cursor {id} across the events of all runs"),
                    reason:
                        "each run has ids of its own here. Add a RunShardedEventsCursor to your \
                             query filter, or use a storage that keeps all events together"
                            .to_owned(),
                });
            }
        };
        let runs = RunsFilter::new().with_updated_after(updated_after);
        let by_change =
            RunsPage::new().with_order_by(RunsOrderBy::UpdateTimestamp).with_order(order);
        let mut run_ids = run_ids(&self.runs, &runs, &by_change).await?;
        run_ids.push(RunId::runless());
        let select =
            events::select_event_records(filter, limit, order, false, self.index.dialect());
        let mut records = Vec::new();
        for run_id in run_ids {
            let reading = "reading events of all runs";
            match self.fetch_of_run(&run_id, reading, &select, readable).await {
                Ok(of_run) => records.extend(of_run.into_iter().flatten()),
                // As with an event that cannot be read.
                Err(error) if is_of_one_file(&error) => {
                    warn_once(&run_id, &error);
                }
                Err(error) => return Err(error),
            }
            if limit.is_some_and(|limit| records.len() as u64 >= limit) {
                break;
            }
        }
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        records.truncate(limit);
        Ok(records)
    }
}

/// Whether a file of a run is not what it should be, and will not be: there is no database in it, it is damaged, it is a
/// directory, its tables are others, or it has no possible name.
fn is_of_one_file(error: &StorageError) -> bool {
    match error {
        StorageError::Io { source, .. } => source.kind() == std::io::ErrorKind::IsADirectory,
        StorageError::SchemaLacks { .. } | StorageError::Unsupported { .. } => true,
        other => is_damaged(other),
    }
}

/// Says once in a process that a run is left out, and why: what is read across runs is read again and again.
fn warn_once(run_id: &RunId, error: &StorageError) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let error = whole(error);
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("{run_id}: {error}")) {
        tracing::warn!(%run_id, error, "the events of a run are left out");
    }
}

/// An error with the errors behind it.
fn whole(error: &StorageError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

async fn delete_from(database: &Database, run_id: &RunId) -> Result<(), StorageError> {
    let operation = Operation::of_run("deleting events of a run", run_id);
    let run_id = run_id.clone();
    database
        .write(operation, move |mut connection: Connection<'_>| {
            Box::pin(async move { delete_of_run(&mut connection, &run_id).await })
        })
        .await
}

/// Deletes the events of a run and the tags of those about assets.
pub(crate) async fn delete_of_run(
    connection: &mut Connection<'_>,
    run_id: &RunId,
) -> Result<(), StorageError> {
    let has = connection.capabilities(TABLE, &[Feature::AssetEventTags]).await?;
    if has.has(Feature::AssetEventTags) {
        connection.execute(&events::delete_tags_of_run(run_id)).await?;
    }
    connection.execute(&events::delete_of_run(run_id)).await.map(drop)
}

pub(super) fn record(row: &Row) -> Result<EventLogRecord, StorageError> {
    Ok(EventLogRecord {
        event_log_entry: row.body(TABLE, EVENT)?,
        storage_id: StorageId(row.get(TABLE, ID)?),
        unknown: UnknownFields::default(),
    })
}

/// The record, if it can be read; one that cannot must not stop whoever looks at all runs.
#[expect(clippy::unnecessary_wraps, reason = "what reads rows may fail")]
fn readable(row: &Row) -> Result<Option<EventLogRecord>, StorageError> {
    Ok(record(row).inspect_err(|error| tracing::warn!(%error, "an event is left out")).ok())
}

pub(super) fn asset_key(row: &Row) -> Result<AssetKey, StorageError> {
    row.parsed(TABLE, ASSET_KEY, "asset key", AssetKey::from_db_string)
}
