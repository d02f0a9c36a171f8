//! Reading events back.

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

/// A page of the log of a run.
pub async fn get_records_for_run(
    ops: &dyn EventOps,
    query: &RecordsForRun,
) -> Result<EventLogConnection, InstanceError> {
    Ok(ops.event_store().get_records_for_run(query).await?)
}

/// The whole log of a run, oldest entry first, or its events of these types; any includes lines of logs.
///
/// Everything is held in memory; for long logs, page with [`get_records_for_run`].
pub async fn all_logs(
    ops: &dyn EventOps,
    run_id: &RunId,
    of_types: &Only<DagsterEventType>,
) -> Result<Vec<EventLogEntry>, InstanceError> {
    let query = RecordsForRun::new(run_id.clone()).with_of_types(of_types.clone());
    entries(ops, &query).await
}

/// The log of a run, oldest entry first, behind its entry of this number; `None` means from the first on.
///
/// The first entry has the number 0. Numbers are of the run's whole log, whatever the types; a position that
/// stays true when entries are deleted is a cursor, as [`get_records_for_run`] takes it.
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

/// Events of one type across runs. Those whose body cannot be read are left out with a warning.
///
/// Where each run has a file of its own, events that are not about assets come run by run; see
/// [`EventStore::get_event_records`](instance_core::storage::EventStore::get_event_records).
pub async fn get_event_records(
    ops: &dyn EventOps,
    filter: &EventRecordsFilter,
    limit: Option<u64>,
    order: Order,
) -> Result<Vec<EventLogRecord>, InstanceError> {
    Ok(ops.event_store().get_event_records(filter, limit, order).await?)
}

/// A page of the changes of runs' statuses, across runs.
///
/// Errors: the filter's type is none that changes the status of a run.
pub async fn fetch_run_status_changes(
    ops: &dyn EventOps,
    filter: &RunStatusChangeRecordsFilter,
    page: RecordsPage,
) -> Result<EventLogConnection, InstanceError> {
    Ok(ops.event_store().fetch_run_status_changes(filter, page).await?)
}

/// The assets that events of these types of a run are about, ascending.
pub async fn get_asset_keys_for_run(
    ops: &dyn EventOps,
    run_id: &RunId,
    of_types: &Only<DagsterEventType>,
) -> Result<BTreeSet<AssetKey>, InstanceError> {
    let found = get_asset_partitions_for_run(ops, run_id, of_types).await?;
    Ok(found.into_iter().map(|(key, _)| key).collect())
}

/// The assets that events of these types of a run are about, each with the partitions, `None` standing for events
/// without one.
pub async fn get_asset_partitions_for_run(
    ops: &dyn EventOps,
    run_id: &RunId,
    of_types: &Only<DagsterEventType>,
) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, InstanceError> {
    Ok(ops.event_store().get_asset_partitions_for_run(run_id, of_types).await?)
}

/// What the columns of events about assets say, without their bodies.
pub async fn get_asset_event_summary_records(
    ops: &dyn EventOps,
    query: &AssetEventSummaryQuery,
) -> Result<Vec<AssetEventSummaryRecord>, InstanceError> {
    Ok(ops.event_store().get_asset_event_summary_records(query).await?)
}
