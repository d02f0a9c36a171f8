//! Reading entries of logs: of one run, and across runs.

use std::collections::BTreeSet;

use instance_core::asset_key::AssetKey;
use instance_core::error::InstanceError;
use instance_core::event::{
    DagsterEventType, EventLogConnection, EventLogCursor, EventLogEntry, EventLogRecord,
};
use instance_core::ids::RunId;
use instance_core::ops::EventOps;
use instance_core::storage::{
    AssetEventSummaryQuery, AssetEventSummaryRecord, EventRecordsFilter, Only, Order,
    RecordsForRun, RecordsPage, RunStatusChangeRecordsFilter,
};

/// Returns a page of the log of a run.
///
/// The query says where the page begins, which entries it has, how many and in which order. The page says where the
/// next one begins, and whether there is more. The log of an unknown run is empty.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if an entry cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %query.run_id))]
pub async fn get_records_for_run(
    ops: &dyn EventOps,
    query: &RecordsForRun,
) -> Result<EventLogConnection, InstanceError> {
    Ok(ops.event_store().get_records_for_run(query).await?)
}

/// Returns the whole log of a run, oldest entry first, or its events of the given types.
///
/// [`Only::Any`] means all entries, lines of logs included. The log of an unknown run is empty. All entries are
/// held in memory; [`get_records_for_run`] reads a long log page by page.
///
/// # Errors
///
/// Those of [`get_records_for_run`].
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn all_logs(
    ops: &dyn EventOps,
    run_id: &RunId,
    of_types: &Only<DagsterEventType>,
) -> Result<Vec<EventLogEntry>, InstanceError> {
    let query = RecordsForRun::new(run_id.clone()).with_of_types(of_types.clone());
    entries(ops, &query).await
}

/// Returns the entries of the log of a run after the entry of a number, oldest first.
///
/// The first entry has the number 0. `None` means from the first entry on. Entries are counted in the whole log,
/// whatever their types are. The numbers change when entries are deleted; a cursor of [`get_records_for_run`] does
/// not. Empty `of_types` means all entries, lines of logs included. `None` for the limit means no limit.
///
/// # Errors
///
/// Those of [`get_records_for_run`].
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn logs_after(
    ops: &dyn EventOps,
    run_id: &RunId,
    cursor: Option<u64>,
    of_types: &Only<DagsterEventType>,
    limit: Option<u64>,
) -> Result<Vec<EventLogEntry>, InstanceError> {
    let query = RecordsForRun::new(run_id.clone())
        .with_cursor(cursor.map(|number| EventLogCursor::Offset(number.saturating_add(1))))
        .with_of_types(of_types.clone())
        .with_limit(limit);
    entries(ops, &query).await
}

async fn entries(
    ops: &dyn EventOps,
    query: &RecordsForRun,
) -> Result<Vec<EventLogEntry>, InstanceError> {
    let connection = ops.event_store().get_records_for_run(query).await?;
    Ok(connection.records.into_iter().map(|record| record.event_log_entry).collect())
}

/// Returns events of one type across runs. `None` for the limit means no limit.
///
/// An event whose body cannot be read is left out, with a warning in the program's log. The events come by the id of
/// their row. If each run has a file of its own, events that are not about assets come run by run; see
/// [`EventStore::get_event_records`](instance_core::storage::EventStore::get_event_records).
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_event_records(
    ops: &dyn EventOps,
    filter: &EventRecordsFilter,
    limit: Option<u64>,
    order: Order,
) -> Result<Vec<EventLogRecord>, InstanceError> {
    Ok(ops.event_store().get_event_records(filter, limit, order).await?)
}

/// Returns a page of the events that change the status of a run, across runs.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the type of the filter changes no status, or if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn fetch_run_status_changes(
    ops: &dyn EventOps,
    filter: &RunStatusChangeRecordsFilter,
    page: RecordsPage,
) -> Result<EventLogConnection, InstanceError> {
    Ok(ops.event_store().fetch_run_status_changes(filter, page).await?)
}

/// Returns the assets that events of a run are about. [`Only::Any`] means events of any type.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn get_asset_keys_for_run(
    ops: &dyn EventOps,
    run_id: &RunId,
    of_types: &Only<DagsterEventType>,
) -> Result<BTreeSet<AssetKey>, InstanceError> {
    let found = ops.event_store().get_asset_partitions_for_run(run_id, of_types).await?;
    Ok(found.into_iter().map(|(key, _)| key).collect())
}

/// Returns the assets that events of a run are about, each with the partitions that they are about.
///
/// `None` among the partitions means that there is an event about the whole asset. [`Only::Any`] means events of
/// any type.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
#[expect(
    clippy::type_complexity,
    reason = "the span of the function repeats the type of its result"
)]
pub async fn get_asset_partitions_for_run(
    ops: &dyn EventOps,
    run_id: &RunId,
    of_types: &Only<DagsterEventType>,
) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, InstanceError> {
    Ok(ops.event_store().get_asset_partitions_for_run(run_id, of_types).await?)
}

/// Returns summaries of events about assets: asset, partition, run and time of each event, without its body.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_asset_event_summary_records(
    ops: &dyn EventOps,
    query: &AssetEventSummaryQuery,
) -> Result<Vec<AssetEventSummaryRecord>, InstanceError> {
    Ok(ops.event_store().get_asset_event_summary_records(query).await?)
}
