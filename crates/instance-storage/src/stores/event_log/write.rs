//! The transaction that stores events, and what follows from them for assets and checks.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::assets::{AssetCheckEvaluation, AssetCheckEvaluationPlanned};
use instance_core::clock::datetime_of;
use instance_core::error::StorageError;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventLogEntry, EventLogRecord, EventSpecificData,
};
use instance_core::ids::StorageId;
use instance_core::serdes::{UnknownFields, serialize_value};
use instance_core::storage::AssetCheckExecutionRecordStatus;

use crate::db::Connection;
use crate::sql::asset_checks::{self, CheckExecution};
use crate::sql::assets::{self, AssetChange, AssetEventTag};
use crate::sql::events::{self, EVENTS_PER_INSERT, EventRow};

/// An entry that can be stored, with the columns of its row.
pub(crate) type PreparedEvent = (EventLogEntry, EventRow);

/// What is stored of an entry; refused if it cannot be stored completely.
pub(super) fn prepared(entry: &EventLogEntry) -> Result<PreparedEvent, StorageError> {
    check(entry)?;
    Ok((entry.clone(), EventRow::of(entry)))
}

/// Stores events, and what follows from them for assets and checks.
pub(super) async fn insert(
    connection: &mut Connection<'_>,
    entries: Vec<PreparedEvent>,
    indexed_tags: &(dyn Fn(&str) -> bool + Send + Sync),
) -> Result<Vec<StorageId>, StorageError> {
    let (entries, rows): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
    let ids = insert_rows(connection, &rows).await?;
    let events = Events { entries, rows, ids };
    events.notify(connection).await?;
    events.index_tags(connection, indexed_tags).await?;
    events.change_assets(connection).await?;
    events.change_checks(connection).await?;
    Ok(events.ids)
}

/// Events that have rows in the index.
struct Events {
    entries: Vec<EventLogEntry>,
    rows: Vec<EventRow>,
    ids: Vec<StorageId>,
}

impl Events {
    fn each(&self) -> impl Iterator<Item = (&EventLogEntry, &EventRow, StorageId)> {
        self.entries
            .iter()
            .zip(&self.rows)
            .zip(&self.ids)
            .map(|((entry, row), id)| (entry, row, *id))
    }

    /// Wakes those who listen to a run: one notice for each run, which names its last event.
    async fn notify(&self, connection: &mut Connection<'_>) -> Result<(), StorageError> {
        let last: BTreeMap<_, _> = self.each().map(|(entry, _, id)| (&entry.run_id, id)).collect();
        let notices: Vec<_> =
            last.into_iter().map(|(run_id, id)| format!("{run_id}_{id}")).collect();
        connection.notify(&notices).await
    }

    async fn index_tags(
        &self,
        connection: &mut Connection<'_>,
        is_indexed: &(dyn Fn(&str) -> bool + Send + Sync),
    ) -> Result<(), StorageError> {
        let mut found = Vec::new();
        for (entry, row, id) in self.each() {
            let tags = entry.dagster_event.as_ref().and_then(|event| event.asset_event_tags());
            let (Some(tags), Some(asset_key)) = (tags, &row.asset_key) else {
                continue;
            };
            let tags = tags.iter().filter(|(key, _)| is_indexed(key));
            found.extend(tags.map(|(key, value)| AssetEventTag {
                event_id: id,
                asset_key: asset_key.clone(),
                key: key.clone(),
                value: value.clone(),
                event_timestamp: row.timestamp,
            }));
        }
        for tags in found.chunks(EVENTS_PER_INSERT) {
            connection.execute(&assets::insert_event_tags(tags)).await?;
        }
        Ok(())
    }

    /// Changes each asset once, however many events are about it, and assets in the order of their keys:
    /// two transactions that change the same assets then wait for each other, and never both.
    async fn change_assets(&self, connection: &mut Connection<'_>) -> Result<(), StorageError> {
        let mut changes: BTreeMap<&str, AssetChange> = BTreeMap::new();
        let mut mentioned = BTreeSet::new();
        for (entry, row, id) in self.each() {
            let (Some(asset_key), Some(event_type)) = (&row.asset_key, entry.event_type()) else {
                continue;
            };
            if !changes_asset(event_type) {
                if event_type.is_asset_event() && connection.dialect().has_assets_of_any_event() {
                    mentioned.insert(asset_key.as_str());
                }
                continue;
            }
            let change = changes.entry(asset_key).or_insert_with(|| AssetChange::of(asset_key));
            change.last_materialization_timestamp = row.timestamp;
            if event_type != DagsterEventType::AssetObservation {
                change.last_run_id = Some(entry.run_id.to_string());
            }
            if event_type == DagsterEventType::AssetMaterialization {
                let record = EventLogRecord {
                    event_log_entry: entry.clone(),
                    storage_id: id,
                    unknown: UnknownFields::default(),
                };
                change.last_materialization = Some(serialize_value(&record));
            }
        }
        mentioned.retain(|key| !changes.contains_key(key));
        let mentioned: Vec<_> = mentioned.into_iter().collect();
        for keys in mentioned.chunks(EVENTS_PER_INSERT) {
            connection.execute(&assets::insert_missing(keys)).await?;
        }
        let changes: Vec<_> = changes.into_values().collect();
        for changes in changes.chunks(EVENTS_PER_INSERT) {
            connection.execute(&assets::upsert(changes)).await?;
        }
        Ok(())
    }

    async fn change_checks(&self, connection: &mut Connection<'_>) -> Result<(), StorageError> {
        for (entry, row, id) in self.each() {
            match entry
                .dagster_event
                .as_ref()
                .and_then(|event| event.event_specific_data.as_deref())
            {
                Some(EventSpecificData::AssetCheckEvaluationPlanned(planned)) => {
                    let executions = planned_executions(planned, entry, row, id)?;
                    for executions in executions.chunks(EVENTS_PER_INSERT) {
                        connection.execute(&asset_checks::insert(executions)).await?;
                    }
                }
                Some(EventSpecificData::AssetCheckEvaluation(evaluation)) => {
                    evaluate(connection, execution(evaluation, row, id)).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Ends the planned execution, or stores one where none was planned.
async fn evaluate(
    connection: &mut Connection<'_>,
    execution: CheckExecution,
) -> Result<(), StorageError> {
    // What is reported without a run was never planned.
    let updated = if execution.run_id.is_empty() {
        0
    } else {
        connection.execute(&asset_checks::update(&execution)).await?
    };
    match updated {
        0 => connection.execute(&asset_checks::insert(&[execution])).await.map(drop),
        1 => Ok(()),
        _ => Err(StorageError::Duplicate {
            what: "planned executions of the asset check",
            id: format!(
                "{} on {} in run {}",
                execution.check_name, execution.asset_key, execution.run_id
            ),
            rows: updated,
        }),
    }
}

/// Refuses an entry that cannot be stored completely.
fn check(entry: &EventLogEntry) -> Result<(), StorageError> {
    let event = entry.dagster_event.as_deref();
    let reason = match entry.event_type() {
        _ if datetime_of(entry.timestamp).is_none() => {
            format!("its time, {} seconds since 1970, is in no calendar", entry.timestamp)
        }
        Some(event_type)
            if changes_asset(event_type) && event.and_then(DagsterEvent::asset_key).is_none() =>
        {
            "this version cannot tell which asset it is about".to_owned()
        }
        Some(event_type) if event_type.is_asset_check_event() && !is_about_check(event) => {
            "this version cannot tell which check it is about".to_owned()
        }
        Some(DagsterEventType::AssetCheckEvaluationPlanned) if !has_known_partitions(event) => {
            UNKNOWN_PARTITIONS.to_owned()
        }
        _ => return Ok(()),
    };
    let what = format!("event of run {} of type {}", entry.run_id, event_type_name(entry));
    Err(StorageError::Unsupported { what, reason })
}

const UNKNOWN_PARTITIONS: &str =
    "its partitions follow from a schedule or a dynamic set, which is not evaluated here";

/// Whether it is known of which partitions a check is going to be evaluated.
fn has_known_partitions(event: Option<&DagsterEvent>) -> bool {
    match event.and_then(|event| event.event_specific_data.as_deref()) {
        Some(EventSpecificData::AssetCheckEvaluationPlanned(planned)) => {
            let subset = planned.partitions_subset.as_ref();
            subset.is_none_or(|subset| subset.partition_keys().is_some())
        }
        _ => true,
    }
}

fn is_about_check(event: Option<&DagsterEvent>) -> bool {
    matches!(
        event.and_then(|event| event.event_specific_data.as_deref()),
        Some(
            EventSpecificData::AssetCheckEvaluation(_)
                | EventSpecificData::AssetCheckEvaluationPlanned(_)
        )
    )
}

/// Whether an event can still be refused when its turn comes, and so must not take others with it.
pub(super) fn is_refusable(entry: &EventLogEntry) -> bool {
    entry.event_type().is_some_and(DagsterEventType::is_asset_check_event)
        || has_text_that_postgres_refuses(entry)
}

/// Whether a column of the event's rows would hold the character of number zero.
fn has_text_that_postgres_refuses(entry: &EventLogEntry) -> bool {
    let event = entry.dagster_event.as_deref();
    let tags = event.and_then(DagsterEvent::asset_event_tags);
    let columns = [
        Some(entry.run_id.as_str()),
        entry.step_key(),
        event.map(|event| event.event_type_value.as_str()),
        event.and_then(DagsterEvent::partition),
    ];
    let tags = tags.into_iter().flatten().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    columns.into_iter().flatten().chain(tags).any(|text| text.contains('\0'))
}

fn event_type_name(entry: &EventLogEntry) -> &str {
    entry.dagster_event.as_ref().map_or("log line", |event| event.event_type_value.as_str())
}

/// Whether an event changes the row of its asset.
const fn changes_asset(event_type: DagsterEventType) -> bool {
    matches!(
        event_type,
        DagsterEventType::AssetMaterialization
            | DagsterEventType::AssetMaterializationPlanned
            | DagsterEventType::AssetObservation
    )
}

/// Whether an event is found across runs, and so stands in the index, too.
pub(super) fn is_indexed(entry: &EventLogEntry) -> bool {
    entry.event_type().is_some_and(|event_type| {
        event_type.is_asset_event()
            || event_type.is_asset_check_event()
            || event_type.run_status().is_some()
    })
}

pub(super) async fn insert_rows(
    connection: &mut Connection<'_>,
    rows: &[EventRow],
) -> Result<Vec<StorageId>, StorageError> {
    let mut ids = Vec::with_capacity(rows.len());
    for rows in rows.chunks(EVENTS_PER_INSERT) {
        ids.extend(connection.insert_returning_ids(&events::insert_events(rows)).await?);
    }
    Ok(ids.into_iter().map(StorageId).collect())
}

fn planned_executions(
    planned: &AssetCheckEvaluationPlanned,
    entry: &EventLogEntry,
    row: &EventRow,
    id: StorageId,
) -> Result<Vec<CheckExecution>, StorageError> {
    let partitions = match &planned.partitions_subset {
        None => vec![None],
        Some(subset) => {
            let keys = subset.partition_keys().ok_or_else(|| StorageError::Unsupported {
                what: format!("planned check {} of run {}", planned.check_name, entry.run_id),
                reason: UNKNOWN_PARTITIONS.to_owned(),
            })?;
            keys.into_iter().map(Some).collect()
        }
    };
    let of_partition = |partition| CheckExecution {
        asset_key: planned.asset_key.to_db_string(),
        check_name: planned.check_name.clone(),
        partition,
        run_id: row.run_id.clone(),
        status: AssetCheckExecutionRecordStatus::Planned,
        event: row.event.clone(),
        event_timestamp: row.timestamp,
        event_storage_id: id,
        materialization_storage_id: None,
    };
    Ok(partitions.into_iter().map(of_partition).collect())
}

fn execution(evaluation: &AssetCheckEvaluation, row: &EventRow, id: StorageId) -> CheckExecution {
    let target = evaluation.target_materialization_data.as_ref();
    CheckExecution {
        asset_key: evaluation.asset_key.to_db_string(),
        check_name: evaluation.check_name.clone(),
        partition: evaluation.partition.clone(),
        run_id: row.run_id.clone(),
        status: if evaluation.passed {
            AssetCheckExecutionRecordStatus::Succeeded
        } else {
            AssetCheckExecutionRecordStatus::Failed
        },
        event: row.event.clone(),
        event_timestamp: row.timestamp,
        event_storage_id: id,
        materialization_storage_id: target.map(|target| target.storage_id),
    }
}
