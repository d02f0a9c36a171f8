//! The transaction that stores events, and what follows from them for assets and checks.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::error::StorageError;
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, EventLogRecord};
use instance_core::ids::StorageId;
use instance_core::serdes::UnknownFields;
use instance_core::storage::{
    AssetCheckChange, AssetCheckExecutionRecordStatus, asset_check_changes, require_storable,
};

use super::assets::stored_materialization;
use crate::db::{Connection, naming};
use crate::sql::asset_checks::{self, CheckExecution};
use crate::sql::assets::{self, AssetChange, AssetEventTag};
use crate::sql::bounded::BoundedText;
use crate::sql::capabilities::{Capabilities, Feature};
use crate::sql::events::{self, EVENTS_PER_INSERT, EventRow};
use crate::sql::tables::{asset_keys, event_logs};

/// An entry that can be stored, with the columns of its row.
pub(crate) type PreparedEvent = (EventLogEntry, EventRow);

/// What is stored of an entry; refused if it cannot be stored completely.
pub(super) fn prepared(entry: &EventLogEntry) -> Result<PreparedEvent, StorageError> {
    require_storable(entry)?;
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

    /// Wakes the followers of each run: one notice for a run, which names its last event.
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
        if found.is_empty() {
            return Ok(());
        }
        let has = connection.capabilities(event_logs::TABLE, &[Feature::AssetEventTags]).await?;
        if !has.has(Feature::AssetEventTags) {
            return Ok(());
        }
        for tags in found.chunks(EVENTS_PER_INSERT) {
            let inserted = connection.execute(&assets::insert_event_tags(tags)).await;
            inserted.map_err(naming(tags.iter().flat_map(AssetEventTag::bounded)))?;
        }
        Ok(())
    }

    /// Changes each asset once, however many events are about it. Assets are changed in the order of their keys, so
    /// that two transactions never wait for each other.
    async fn change_assets(&self, connection: &mut Connection<'_>) -> Result<(), StorageError> {
        let mut changes: BTreeMap<&str, AssetChange> = BTreeMap::new();
        let mut mentioned = BTreeSet::new();
        let is_materialization = |entry: &EventLogEntry| {
            entry.event_type() == Some(DagsterEventType::AssetMaterialization)
        };
        let has = if self.entries.iter().any(is_materialization) {
            connection.capabilities(asset_keys::TABLE, &[Feature::CachedStatus]).await?
        } else {
            Capabilities::HEAD
        };
        for (entry, row, id) in self.each() {
            let (Some(asset_key), Some(event_type)) = (&row.asset_key, entry.event_type()) else {
                continue;
            };
            if !event_type.changes_asset() {
                if event_type.is_asset_event() && connection.dialect().has_assets_of_any_event() {
                    mentioned.insert(asset_key.as_str());
                }
                continue;
            }
            let change = changes.entry(asset_key).or_insert_with(|| AssetChange::of(asset_key));
            change.last_materialization_timestamp = row.timestamp.and_utc();
            if event_type != DagsterEventType::AssetObservation {
                change.last_run_id = Some(entry.run_id.to_string());
            }
            if event_type == DagsterEventType::AssetMaterialization {
                let record = EventLogRecord {
                    event_log_entry: entry.clone(),
                    storage_id: id,
                    unknown: UnknownFields::default(),
                };
                change.last_materialization = Some(stored_materialization(&record, has));
            }
        }
        mentioned.retain(|key| !changes.contains_key(key));
        let mentioned: Vec<_> = mentioned.into_iter().collect();
        for keys in mentioned.chunks(EVENTS_PER_INSERT) {
            let inserted = connection.execute(&assets::insert_missing(keys)).await;
            inserted.map_err(naming(keys.iter().map(|key| assets::bounded(key))))?;
        }
        let changes: Vec<_> = changes.into_values().collect();
        for changes in changes.chunks(EVENTS_PER_INSERT) {
            let upserted = connection.execute(&assets::upsert(changes)).await;
            let keys = changes.iter().map(|change| assets::bounded(&change.asset_key));
            upserted.map_err(naming(keys))?;
        }
        Ok(())
    }

    async fn change_checks(&self, connection: &mut Connection<'_>) -> Result<(), StorageError> {
        for (entry, row, id) in self.each() {
            let changes = asset_check_changes(entry)?.into_iter();
            let executions: Vec<_> = changes.map(|change| execution(change, row, id)).collect();
            let (planned, evaluated): (Vec<_>, Vec<_>) = executions
                .into_iter()
                .partition(|row| row.status == AssetCheckExecutionRecordStatus::Planned);
            for executions in planned.chunks(EVENTS_PER_INSERT) {
                insert_executions(connection, executions).await?;
            }
            for execution in evaluated {
                evaluate(connection, execution).await?;
            }
        }
        Ok(())
    }
}

async fn insert_executions(
    connection: &mut Connection<'_>,
    executions: &[CheckExecution],
) -> Result<(), StorageError> {
    let inserted = connection.execute(&asset_checks::insert(executions)).await.map(drop);
    inserted.map_err(naming(executions.iter().flat_map(CheckExecution::bounded)))
}

/// Ends the planned execution. Stores a new one if none was planned.
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
        0 => insert_executions(connection, &[execution]).await,
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

/// Whether an event can still be refused when its turn comes. Such an event must not take others with it.
pub(super) fn is_refusable((entry, row): &PreparedEvent) -> bool {
    is_of_check(entry) || has_text_that_postgres_refuses(entry, row)
}

/// Whether an event is about an asset check.
pub(super) fn is_of_check(entry: &EventLogEntry) -> bool {
    entry.event_type().is_some_and(DagsterEventType::is_asset_check_event)
}

/// Whether a text of the event's rows has the character of number zero, or may be too long.
fn has_text_that_postgres_refuses(entry: &EventLogEntry, row: &EventRow) -> bool {
    let tags = entry.dagster_event.as_deref().and_then(DagsterEvent::asset_event_tags);
    let tags = tags.into_iter().flatten().flat_map(|(key, value)| BoundedText::of_tag(key, value));
    row.bounded().chain(tags).any(|text| text.text.contains('\0') || text.may_be_too_long())
}

/// Whether an event is found across runs, and so is in the index, too.
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
        let inserted = connection.insert_returning_ids(&events::insert_events(rows)).await;
        ids.extend(inserted.map_err(naming(rows.iter().flat_map(EventRow::bounded)))?);
    }
    Ok(ids.into_iter().map(StorageId).collect())
}

/// The row of an execution, as an event changes it.
fn execution(change: AssetCheckChange<'_>, row: &EventRow, id: StorageId) -> CheckExecution {
    CheckExecution {
        asset_key: change.asset_key.to_db_string(),
        check_name: change.check_name.to_owned(),
        partition: change.partition,
        run_id: row.run_id.clone(),
        status: change.status,
        event: row.event.clone(),
        event_timestamp: row.timestamp,
        event_storage_id: id,
        materialization_storage_id: change.target_materialization,
    }
}
