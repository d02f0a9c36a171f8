//! The store of events in SQLite: a shard for each run, and an index across runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use instance_core::asset_key::AssetKey;
use instance_core::assets::{AssetEntry, AssetRecord};
use instance_core::clock::timestamp_of;
use instance_core::error::StorageError;
use instance_core::event::{
    DagsterEventType, EventLogConnection, EventLogCursor, EventLogEntry, EventLogRecord,
};
use instance_core::ids::{RunId, StorageId};
use instance_core::run::{
    DagsterRunStatsSnapshot, RunStepKeyStatsSnapshot, STEP_STATS_EVENT_TYPES,
    build_run_step_stats_from_events,
};
use instance_core::serdes::{SerdesError, UnknownFields, serialize_value};
use instance_core::storage::{EventLogStorage, RecordsForRun};
use instance_core::tags;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::Shared;
use super::database::{Database, backend_error, execute, insert_returning_ids};
use super::decode::Place;
use super::runs::schema_revision;
use super::shards::Shards;
use crate::sql::event_log::{self, AssetChange, AssetEventTag, EVENTS_PER_INSERT, EventRow};
use crate::sql::tables::{asset_keys, event_logs};
use crate::sql::timestamp;

/// The types of a run's events that its statistics count.
const RUN_STATS_EVENT_TYPES: &[DagsterEventType] = &[
    DagsterEventType::RunEnqueued,
    DagsterEventType::RunStarting,
    DagsterEventType::RunStart,
    DagsterEventType::RunSuccess,
    DagsterEventType::RunFailure,
    DagsterEventType::RunCanceled,
    DagsterEventType::StepSuccess,
    DagsterEventType::StepFailure,
    DagsterEventType::AssetMaterialization,
    DagsterEventType::StepExpectationResult,
];

/// The store of events below one directory.
#[derive(Debug)]
pub(super) struct SqliteEventLogStorage {
    shards: Shards,
    index: Database,
}

impl SqliteEventLogStorage {
    pub(super) fn new(directory: PathBuf, shared: Shared) -> Self {
        let shards = Shards::new(directory, shared);
        let index = shards.index();
        Self { shards, index }
    }

    pub(super) fn index(&self) -> &Database {
        &self.index
    }

    pub(super) async fn close(&self) {
        self.shards.close().await;
        self.index.close().await;
    }

    async fn store_in_shard(
        &self,
        run_id: &RunId,
        rows: Vec<EventRow>,
    ) -> Result<Vec<StorageId>, StorageError> {
        let shard = self.shards.get(run_id)?;
        let database = shard.name().to_owned();
        let operation = "storing events of a run";
        shard
            .write(operation, move |connection| {
                Box::pin(async move {
                    let stored = insert_rows(connection, &rows).await;
                    stored.map_err(|error| backend_error(&database, operation, error))
                })
            })
            .await
    }

    async fn store_in_index(
        &self,
        entries: Vec<(EventLogEntry, EventRow)>,
    ) -> Result<(), StorageError> {
        if entries.is_empty() {
            return Ok(());
        }
        let database = self.index.name().to_owned();
        let operation = "storing events in the index across runs";
        self.index
            .write(operation, move |connection| {
                Box::pin(async move {
                    let stored = insert_indexed(connection, entries).await;
                    stored.map_err(|error| backend_error(&database, operation, error))
                })
            })
            .await
    }
}

#[async_trait]
impl EventLogStorage for SqliteEventLogStorage {
    async fn store_event(&self, entry: &EventLogEntry) -> Result<StorageId, StorageError> {
        let mut ids = self.store_event_batch(std::slice::from_ref(entry)).await?;
        ids.pop().ok_or_else(|| StorageError::Unsupported {
            what: "event".to_owned(),
            reason: "it was given no row".to_owned(),
        })
    }

    #[tracing::instrument(skip_all, fields(entries = entries.len()))]
    async fn store_event_batch(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<Vec<StorageId>, StorageError> {
        let rows = entries.iter().map(checked_row).collect::<Result<Vec<_>, _>>()?;
        let mut of_run: BTreeMap<&RunId, Vec<usize>> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            of_run.entry(&entry.run_id).or_default().push(place);
        }
        let mut ids = vec![StorageId(0); entries.len()];
        for (run_id, places) in of_run {
            let rows_of_run = places.iter().map(|place| rows[*place].clone()).collect();
            let ids_of_run = self.store_in_shard(run_id, rows_of_run).await?;
            for (place, id) in places.into_iter().zip(ids_of_run) {
                ids[place] = id;
            }
        }
        let indexed = entries.iter().zip(rows).filter(|(entry, _)| is_indexed(entry));
        self.store_in_index(indexed.map(|(entry, row)| (entry.clone(), row)).collect()).await?;
        Ok(ids)
    }

    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        let records = match self.shards.get_existing(&query.run_id).await? {
            Some(shard) => {
                let select = event_log::select_records_for_run(query);
                shard
                    .fetch("reading events of a run", &select, |row| {
                        decode_record(shard.name(), row)
                    })
                    .await?
            }
            None => Vec::new(),
        };
        let has_more = query.limit.is_some_and(|limit| limit > 0 && records.len() as u64 == limit);
        let cursor = match records.last() {
            Some(last) => EventLogCursor::StorageId(last.storage_id),
            None => query.cursor.unwrap_or(EventLogCursor::StorageId(StorageId(-1))),
        };
        Ok(EventLogConnection { records, cursor, has_more })
    }

    async fn get_stats_for_run(
        &self,
        run_id: &RunId,
    ) -> Result<DagsterRunStatsSnapshot, StorageError> {
        let operation = "reading statistics of a run";
        let counts: Vec<(String, i64, Option<String>)> =
            match self.shards.get_existing(run_id).await? {
                Some(shard) => {
                    let select = event_log::select_run_stats(run_id, RUN_STATS_EVENT_TYPES);
                    let decode = |row: &SqliteRow| -> sqlx::Result<_> {
                        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
                    };
                    shard
                        .fetch(operation, &select, |row| {
                            decode(row).map_err(|error| shard.error(operation, error))
                        })
                        .await?
                }
                None => Vec::new(),
            };
        let of = |event_type: DagsterEventType| {
            counts.iter().find(|(name, ..)| name == event_type.as_str())
        };
        let count = |event_type| of(event_type).map_or(0, |(_, count, _)| *count);
        let time = |event_type| {
            let (_, _, text) = of(event_type)?;
            timestamp::from_text(text.as_deref()?).map(timestamp_of)
        };
        Ok(DagsterRunStatsSnapshot {
            run_id: run_id.clone(),
            steps_succeeded: count(DagsterEventType::StepSuccess),
            steps_failed: count(DagsterEventType::StepFailure),
            materializations: count(DagsterEventType::AssetMaterialization),
            expectations: count(DagsterEventType::StepExpectationResult),
            enqueued_time: time(DagsterEventType::RunEnqueued),
            launch_time: time(DagsterEventType::RunStarting),
            start_time: time(DagsterEventType::RunStart),
            end_time: time(DagsterEventType::RunSuccess)
                .or_else(|| time(DagsterEventType::RunFailure))
                .or_else(|| time(DagsterEventType::RunCanceled)),
        })
    }

    async fn get_step_stats_for_run(
        &self,
        run_id: &RunId,
        step_keys: &[String],
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, StorageError> {
        let Some(shard) = self.shards.get_existing(run_id).await? else {
            return Ok(Vec::new());
        };
        let select = event_log::select_step_events(run_id, step_keys, STEP_STATS_EVENT_TYPES);
        let records = shard
            .fetch("reading statistics of steps", &select, |row| decode_record(shard.name(), row))
            .await?;
        let entries = records.into_iter().map(|record| record.event_log_entry);
        Ok(build_run_step_stats_from_events(run_id, entries))
    }

    async fn get_asset_records(
        &self,
        asset_keys: Option<&[AssetKey]>,
    ) -> Result<Vec<AssetRecord>, StorageError> {
        let select = event_log::select_assets(asset_keys);
        self.index
            .fetch("reading assets", &select, |row| decode_asset(self.index.name(), row))
            .await
    }

    async fn schema_revision(&self) -> Result<String, StorageError> {
        schema_revision(&self.index).await
    }
}

/// The row of an entry, refused before anything is written if it cannot be stored completely.
fn checked_row(entry: &EventLogEntry) -> Result<EventRow, StorageError> {
    let unsupported = |reason: String| StorageError::Unsupported {
        what: format!("event of run {} of type {}", entry.run_id, event_type_name(entry)),
        reason,
    };
    let row = EventRow::of(entry).ok_or_else(|| {
        unsupported(format!("its time, {} seconds since 1970, is in no calendar", entry.timestamp))
    })?;
    match entry.event_type() {
        Some(event_type) if event_type.is_asset_event() && row.asset_key.is_none() => {
            Err(unsupported("this version cannot tell which asset it is about".to_owned()))
        }
        Some(event_type) if event_type.is_asset_check_event() => {
            Err(unsupported("this version does not store asset checks".to_owned()))
        }
        _ => Ok(row),
    }
}

fn event_type_name(entry: &EventLogEntry) -> &str {
    entry.dagster_event.as_ref().map_or("log line", |event| event.event_type_value.as_str())
}

/// Whether an event is found across runs, and so stands in the index, too.
fn is_indexed(entry: &EventLogEntry) -> bool {
    entry
        .event_type()
        .is_some_and(|event_type| event_type.is_asset_event() || event_type.run_status().is_some())
}

async fn insert_rows(
    connection: &mut SqliteConnection,
    rows: &[EventRow],
) -> sqlx::Result<Vec<StorageId>> {
    let mut ids = Vec::with_capacity(rows.len());
    for rows in rows.chunks(EVENTS_PER_INSERT) {
        ids.extend(insert_returning_ids(connection, &event_log::insert_events(rows)).await?);
    }
    Ok(ids.into_iter().map(StorageId).collect())
}

async fn insert_indexed(
    connection: &mut SqliteConnection,
    entries: Vec<(EventLogEntry, EventRow)>,
) -> sqlx::Result<()> {
    let (entries, rows): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
    let ids = insert_rows(connection, &rows).await?;
    let mut tags = Vec::new();
    for ((entry, row), id) in entries.into_iter().zip(rows).zip(ids) {
        tags.extend(indexed_tags(&entry, &row, id));
        if let Some(change) = asset_change(entry, row, id) {
            execute(connection, &event_log::upsert_asset(&change)).await?;
        }
    }
    for tags in tags.chunks(EVENTS_PER_INSERT) {
        execute(connection, &event_log::insert_asset_event_tags(tags)).await?;
    }
    Ok(())
}

/// The tags of an asset event that Dagster looks events up by. All others would only fill the table.
fn indexed_tags(entry: &EventLogEntry, row: &EventRow, id: StorageId) -> Vec<AssetEventTag> {
    let tags = entry.dagster_event.as_ref().and_then(|event| event.asset_event_tags());
    let (Some(tags), Some(asset_key)) = (tags, &row.asset_key) else {
        return Vec::new();
    };
    tags.iter()
        .filter(|(key, _)| {
            *key == tags::DATA_VERSION || key.starts_with(tags::MULTIDIMENSIONAL_PARTITION_PREFIX)
        })
        .map(|(key, value)| AssetEventTag {
            event_id: id,
            asset_key: asset_key.clone(),
            key: key.clone(),
            value: value.clone(),
            event_timestamp: row.timestamp.clone(),
        })
        .collect()
}

/// What an event changes of its asset's row.
fn asset_change(entry: EventLogEntry, row: EventRow, id: StorageId) -> Option<AssetChange> {
    let asset_key = row.asset_key?;
    let event_type = entry.event_type()?;
    let run_id = entry.run_id.to_string();
    let change = AssetChange {
        asset_key,
        last_materialization: None,
        last_run_id: None,
        last_materialization_timestamp: row.timestamp,
    };
    match event_type {
        DagsterEventType::AssetMaterialization => {
            let record = EventLogRecord {
                event_log_entry: entry,
                storage_id: id,
                unknown: UnknownFields::default(),
            };
            Some(AssetChange {
                last_materialization: Some(serialize_value(&record)),
                last_run_id: Some(run_id),
                ..change
            })
        }
        DagsterEventType::AssetMaterializationPlanned => {
            Some(AssetChange { last_run_id: Some(run_id), ..change })
        }
        DagsterEventType::AssetObservation => Some(change),
        _ => None,
    }
}

fn decode_record(database: &str, row: &SqliteRow) -> Result<EventLogRecord, StorageError> {
    let place = Place { database, table: event_logs::TABLE, id: event_logs::ID };
    Ok(EventLogRecord {
        event_log_entry: place.body(row, event_logs::EVENT)?,
        storage_id: StorageId(place.column(row, event_logs::ID)?),
        unknown: UnknownFields::default(),
    })
}

fn decode_asset(database: &str, row: &SqliteRow) -> Result<AssetRecord, StorageError> {
    use asset_keys::{ASSET_KEY, ID, LAST_MATERIALIZATION, LAST_RUN_ID, TABLE, WIPE_TIMESTAMP};

    let place = Place { database, table: TABLE, id: ID };
    let key: &str = place.column(row, ASSET_KEY)?;
    let asset_key = AssetKey::from_db_string(key).ok_or_else(|| {
        place.error(row, ASSET_KEY, SerdesError::new(format!("{key:?} is no asset key"), 0))
    })?;
    let wiped_at =
        place.column::<Option<&str>>(row, WIPE_TIMESTAMP)?.and_then(timestamp::from_text);
    let last: Option<EventLogRecord> =
        match place.column::<Option<&str>>(row, LAST_MATERIALIZATION)? {
            Some(text) => Some(place.text(row, LAST_MATERIALIZATION, text)?),
            None => None,
        };
    let is_current = |record: &EventLogRecord| {
        wiped_at.is_none_or(|wiped_at| record.event_log_entry.timestamp > timestamp_of(wiped_at))
    };
    Ok(AssetRecord {
        storage_id: StorageId(place.column(row, ID)?),
        asset_entry: AssetEntry {
            asset_key,
            last_materialization_record: last.filter(is_current),
            last_run_id: place.column::<Option<String>>(row, LAST_RUN_ID)?.map(RunId::from),
        },
    })
}
