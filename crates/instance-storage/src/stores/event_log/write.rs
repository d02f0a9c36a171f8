//! The transaction that stores events, and what follows from them for assets and checks.

use std::collections::BTreeMap;

use instance_core::error::StorageError;
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry};
use instance_core::ids::StorageId;
use instance_core::storage::{
    AssetCheckChange, AssetCheckExecutionRecordStatus, asset_check_changes, require_storable,
};

use super::effects::following;
use crate::db::{Connection, naming};
use crate::sql::asset_checks::{self, CheckExecution};
use crate::sql::assets::{self, AssetChange, AssetEventTag, bounded, upsert};
use crate::sql::bounded::BoundedText;
use crate::sql::capabilities::{Capabilities, Feature};
use crate::sql::events::{self, EVENTS_PER_INSERT, EventRow};
use crate::sql::following::{AssetAt, RECORD, TagAt};
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
    events: Vec<PreparedEvent>,
    indexed_tags: &(dyn Fn(&str) -> bool + Send + Sync),
) -> Result<Vec<StorageId>, StorageError> {
    let has_assets_of_any_event = connection.dialect().has_assets_of_any_event();
    let following = following(&events, indexed_tags, has_assets_of_any_event);
    let (entries, rows): (Vec<_>, Vec<_>) = events.into_iter().unzip();
    let ids = insert_rows(connection, &rows).await?;
    let events = Events { entries, rows, ids };
    events.notify(connection).await?;
    events.index_tags(connection, following.tags).await?;
    insert_missing(connection, &following.mentioned).await?;
    events.change_assets(connection, following.changed).await?;
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
        tags: Vec<TagAt>,
    ) -> Result<(), StorageError> {
        if tags.is_empty() {
            return Ok(());
        }
        let has = connection.capabilities(event_logs::TABLE, &[Feature::AssetEventTags]).await?;
        if !has.has(Feature::AssetEventTags) {
            return Ok(());
        }
        let tags = tags.into_iter().map(|tag| AssetEventTag {
            event_id: self.ids[tag.place],
            asset_key: tag.asset_key,
            key: tag.key,
            value: tag.value,
            event_timestamp: tag.timestamp,
        });
        let tags: Vec<_> = tags.collect();
        for tags in tags.chunks(EVENTS_PER_INSERT) {
            let inserted = connection.execute(&assets::insert_event_tags(tags)).await;
            inserted.map_err(naming(tags.iter().flat_map(AssetEventTag::bounded)))?;
        }
        Ok(())
    }

    /// Changes each asset once, however many events are about it. Assets are changed in the order of their keys, so
    /// that two transactions never wait for each other.
    async fn change_assets(
        &self,
        connection: &mut Connection<'_>,
        assets: Vec<AssetAt>,
    ) -> Result<(), StorageError> {
        let has = if assets.iter().any(|asset| asset.materialized.is_some()) {
            connection.capabilities(asset_keys::TABLE, &[Feature::CachedStatus]).await?
        } else {
            Capabilities::HEAD
        };
        let changes = assets.into_iter().map(|asset| AssetChange {
            asset_key: asset.asset_key,
            last_materialization: asset.materialized.map(|place| self.materialization(place, has)),
            last_run_id: asset.run_id,
            last_materialization_timestamp: asset.timestamp,
        });
        let changes: Vec<_> = changes.collect();
        for changes in changes.chunks(EVENTS_PER_INSERT) {
            let upserted = connection.execute(&upsert(changes)).await;
            let keys = changes.iter().map(|change| bounded(&change.asset_key));
            upserted.map_err(naming(keys))?;
        }
        Ok(())
    }

    /// An event as the last materialisation of its asset, in the form that `stored_materialization` gives to a record.
    fn materialization(&self, place: usize, has: Capabilities) -> String {
        let event = &self.rows[place].event;
        if !has.has(Feature::CachedStatus) {
            return event.clone();
        }
        let [before, between, behind] = RECORD;
        format!("{before}{event}{between}{}{behind}", self.ids[place])
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

/// Stores the keys of assets that have no row yet.
async fn insert_missing(
    connection: &mut Connection<'_>,
    mentioned: &[String],
) -> Result<(), StorageError> {
    for keys in mentioned.chunks(EVENTS_PER_INSERT) {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let inserted = connection.execute(&assets::insert_missing(&keys)).await;
        inserted.map_err(naming(keys.iter().map(|key| bounded(key))))?;
    }
    Ok(())
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
