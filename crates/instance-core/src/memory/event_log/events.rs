//! Events: of one run, of one asset, and across all.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryEventLogStorage;
use crate::asset_key::AssetKey;
use crate::clock::datetime_of;
use crate::error::StorageError;
use crate::event::{
    DagsterEvent, DagsterEventType, EventLogConnection, EventLogCursor, EventLogEntry,
    EventLogRecord,
};
use crate::ids::{RunId, StorageId};
use crate::memory::{RowIds, State, at_most, is_between};
use crate::run::{
    DagsterRunStatsSnapshot, RunStepKeyStatsSnapshot, STEP_STATS_EVENT_TYPES,
    build_run_step_stats_from_events,
};
use crate::serdes::{UnknownFields, serialize_value};
use crate::storage::StoredEvents;
use crate::storage::{
    AssetEventSummaryQuery, AssetEventSummaryRecord, EventCursor, EventRecordsFilter, EventStore,
    Only, Order, RecordsForRun, RecordsPage, RunStatusChangeRecordsFilter, require_storable,
};
use crate::tags::is_indexed_tag;

/// The rows of events, and by what they are found.
#[derive(Debug, Default)]
pub(in crate::memory) struct Events {
    row_ids: RowIds,
    pub(super) rows: BTreeMap<StorageId, EventRow>,
    of_run: BTreeMap<RunId, BTreeSet<StorageId>>,
    of_asset: BTreeMap<String, BTreeSet<StorageId>>,
    of_type: BTreeMap<DagsterEventType, BTreeSet<StorageId>>,
}

/// An entry, and what is asked for without looking into it.
#[derive(Debug)]
pub(super) struct EventRow {
    pub(super) id: StorageId,
    pub(super) entry: EventLogEntry,
    pub(super) event_type: Option<DagsterEventType>,
    pub(super) at: DateTime<Utc>,
    /// The database form of the asset's key.
    pub(super) asset_key: Option<String>,
    pub(super) partition: Option<String>,
    /// The indexed tags of an event about an asset.
    pub(super) tags: BTreeMap<String, String>,
}

impl EventRow {
    /// The row of an entry whose time is in the calendar.
    fn of(id: StorageId, entry: EventLogEntry) -> Self {
        let event = entry.dagster_event.as_deref();
        let tags = event.and_then(DagsterEvent::asset_event_tags).into_iter().flatten();
        let tags = tags.filter(|(key, _)| is_indexed_tag(key));
        let asset_key = event.and_then(DagsterEvent::asset_key);
        let partition = event.and_then(DagsterEvent::partition).filter(|name| !name.is_empty());
        Self {
            id,
            event_type: entry.event_type(),
            at: datetime_of(entry.timestamp).unwrap_or_default(),
            asset_key: asset_key.as_ref().map(AssetKey::to_db_string),
            partition: partition.map(str::to_owned),
            tags: match asset_key {
                Some(_) => tags.map(|(key, value)| (key.clone(), value.clone())).collect(),
                None => BTreeMap::new(),
            },
            entry,
        }
    }

    pub(super) fn record(&self) -> EventLogRecord {
        EventLogRecord {
            event_log_entry: self.entry.clone(),
            storage_id: self.id,
            unknown: UnknownFields::default(),
        }
    }

    pub(super) fn run_id(&self) -> RunId {
        self.entry.run_id.clone()
    }

    /// Whether the event is of one of these types; an entry of no type is of none of them.
    pub(super) fn is_of(&self, types: &[DagsterEventType]) -> bool {
        self.event_type.is_some_and(|event_type| types.contains(&event_type))
    }

    /// Whether the entry is let through: where any type is, so is an entry of no type.
    fn is_among(&self, types: &Only<DagsterEventType>) -> bool {
        types.as_slice().is_none_or(|types| self.is_of(types))
    }

    /// Whether the event is later than the last wipe of its asset.
    pub(super) fn is_after_wipe(&self, wiped_at: Option<DateTime<Utc>>) -> bool {
        wiped_at.is_none_or(|wiped_at| self.at > wiped_at)
    }
}

/// Ids behind one and before another, neither included.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Between {
    pub(super) after: Option<StorageId>,
    pub(super) before: Option<StorageId>,
}

impl Between {
    fn ids(self, ids: &BTreeSet<StorageId>) -> impl DoubleEndedIterator<Item = StorageId> {
        let is_empty =
            matches!((self.after, self.before), (Some(after), Some(before)) if after >= before);
        let lower = self.after.map_or(Bound::Unbounded, Bound::Excluded);
        let upper = self.before.map_or(Bound::Unbounded, Bound::Excluded);
        (!is_empty).then(|| ids.range((lower, upper))).into_iter().flatten().copied()
    }
}

/// What iterates in an order that is only known when it runs.
fn in_order<'a, T>(
    items: impl DoubleEndedIterator<Item = T> + 'a,
    order: Order,
) -> Box<dyn Iterator<Item = T> + 'a> {
    match order {
        Order::Ascending => Box::new(items),
        Order::Descending => Box::new(items.rev()),
    }
}

/// The ids of nothing.
static NO_IDS: BTreeSet<StorageId> = BTreeSet::new();

impl Events {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.of_run.clear();
        self.of_asset.clear();
        self.of_type.clear();
    }

    fn insert(&mut self, entry: EventLogEntry) -> &EventRow {
        let id = StorageId(self.row_ids.next());
        let row = EventRow::of(id, entry);
        self.of_run.entry(row.entry.run_id.clone()).or_default().insert(id);
        if let Some(asset_key) = &row.asset_key {
            self.of_asset.entry(asset_key.clone()).or_default().insert(id);
        }
        if let Some(event_type) = row.event_type {
            self.of_type.entry(event_type).or_default().insert(id);
        }
        self.rows.entry(id).or_insert(row)
    }

    fn delete_of_run(&mut self, run_id: &RunId) {
        for id in self.of_run.remove(run_id).unwrap_or_default() {
            let Some(row) = self.rows.remove(&id) else { continue };
            if let Some(ids) = row.asset_key.and_then(|key| self.of_asset.get_mut(&key)) {
                ids.remove(&id);
            }
            if let Some(ids) = row.event_type.and_then(|of_type| self.of_type.get_mut(&of_type)) {
                ids.remove(&id);
            }
        }
    }

    /// Makes the events of an asset's partitions be about neither. Returns them as far as a row of an asset names them:
    /// the type and the run of each.
    pub(super) fn unlink(
        &mut self,
        asset_key: &str,
        partitions: &BTreeSet<&str>,
    ) -> Vec<(Option<DagsterEventType>, RunId)> {
        let mut unlinked = Vec::new();
        let (of_asset, rows) = (&mut self.of_asset, &mut self.rows);
        if let Some(ids) = of_asset.get_mut(asset_key) {
            ids.retain(|id| {
                let Some(row) = rows.get_mut(id) else { return true };
                if !row.partition.as_deref().is_some_and(|name| partitions.contains(name)) {
                    return true;
                }
                (row.asset_key, row.partition) = (None, None);
                row.tags.clear();
                unlinked.push((row.event_type, row.run_id()));
                false
            });
        }
        unlinked
    }

    fn ids_of_run(&self, run_id: &RunId) -> &BTreeSet<StorageId> {
        self.of_run.get(run_id).unwrap_or(&NO_IDS)
    }

    fn ids_of_type(&self, event_type: DagsterEventType) -> &BTreeSet<StorageId> {
        self.of_type.get(&event_type).unwrap_or(&NO_IDS)
    }

    fn rows_of(
        &self,
        ids: &BTreeSet<StorageId>,
        between: Between,
    ) -> impl DoubleEndedIterator<Item = &EventRow> {
        between.ids(ids).filter_map(|id| self.rows.get(&id))
    }

    /// The events of a run, oldest first.
    fn of_run(&self, run_id: &RunId) -> impl DoubleEndedIterator<Item = &EventRow> {
        self.rows_of(self.ids_of_run(run_id), Between::default())
    }

    /// The events about an asset, oldest first.
    pub(super) fn of_asset<'a>(
        &'a self,
        asset_key: &str,
        between: Between,
    ) -> impl DoubleEndedIterator<Item = &'a EventRow> + use<'a> {
        self.rows_of(self.of_asset.get(asset_key).unwrap_or(&NO_IDS), between)
    }

    /// The entries of a page of the log of a run.
    fn records_for_run(&self, query: &RecordsForRun) -> EventLogConnection {
        let (between, offset) = match query.cursor {
            None => (Between::default(), 0),
            Some(EventLogCursor::Offset(offset)) => (Between::default(), at_most(offset)),
            Some(EventLogCursor::StorageId(id)) => match query.order {
                Order::Ascending => (Between { after: Some(id), before: None }, 0),
                Order::Descending => (Between { after: None, before: Some(id) }, 0),
            },
        };
        let rows = self.rows_of(self.ids_of_run(&query.run_id), between);
        let rows = in_order(rows, query.order)
            .filter(|row| row.is_among(&query.of_types))
            .skip(offset)
            .take(at_most(query.limit));
        let (mut records, mut bytes) = (Vec::new(), 0_u64);
        for row in rows {
            records.push(row.record());
            if let Some(max_bytes) = query.max_bytes {
                bytes = bytes.saturating_add(serialize_value(&row.entry).len() as u64);
                if bytes >= max_bytes {
                    break;
                }
            }
        }
        query.page_of(records, bytes)
    }
}

impl State {
    /// Refuses entries that cannot be stored completely; those that are not refused here are stored.
    pub(in crate::memory) fn require_storable(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<(), StorageError> {
        entries.iter().try_for_each(require_storable)?;
        self.asset_checks.require_storable(entries)
    }

    /// Stores entries that were not refused, and what follows from them for assets and checks.
    pub(in crate::memory) fn store_events(
        &mut self,
        entries: &[EventLogEntry],
        now: DateTime<Utc>,
    ) -> Vec<StorageId> {
        let mut ids = Vec::with_capacity(entries.len());
        for entry in entries {
            let row = self.events.insert(entry.clone());
            self.assets.change(row);
            self.asset_checks.change(row, now);
            ids.push(row.id);
        }
        ids
    }

    /// Deletes the events of a run and its claims of pools.
    pub(in crate::memory) fn delete_events(&mut self, run_id: &RunId, now: DateTime<Utc>) {
        self.events.delete_of_run(run_id);
        self.pools.free(run_id, None, now);
    }

    fn event_records(
        &self,
        filter: &EventRecordsFilter,
        limit: Option<u64>,
        order: Order,
    ) -> Vec<EventLogRecord> {
        let asset_key = filter.asset_key.as_ref().map(AssetKey::to_db_string);
        let wiped_at = asset_key.as_deref().and_then(|key| self.assets.wiped_at(key));
        let partitions: Option<BTreeSet<&String>> =
            filter.asset_partitions.as_slice().map(|names| names.iter().collect());
        let is_meant = |row: &&EventRow| {
            row.event_type == Some(filter.event_type)
                && (asset_key.is_none() || row.asset_key == asset_key)
                && row.is_after_wipe(wiped_at)
                && partitions.as_ref().is_none_or(|asked| {
                    row.partition.as_ref().is_some_and(|name| asked.contains(name))
                })
                && is_between(row.at, filter.after_timestamp, filter.before_timestamp)
        };
        let between = Between {
            after: filter.after_cursor.map(EventCursor::storage_id),
            before: filter.before_cursor.map(EventCursor::storage_id),
        };
        let asked: Option<BTreeSet<StorageId>> =
            filter.storage_ids.as_slice().map(|ids| ids.iter().copied().collect());
        let ids = match (&asked, &asset_key) {
            (Some(ids), _) => ids,
            (None, Some(key)) => self.events.of_asset.get(key).unwrap_or(&NO_IDS),
            (None, None) => self.events.ids_of_type(filter.event_type),
        };
        let rows = in_order(self.events.rows_of(ids, between), order).filter(is_meant);
        rows.take(at_most(limit)).map(EventRow::record).collect()
    }

    fn asset_event_summaries(
        &self,
        query: &AssetEventSummaryQuery,
    ) -> Vec<AssetEventSummaryRecord> {
        let asset_key = query.asset_key.as_ref().map(AssetKey::to_db_string);
        let wiped_at = asset_key.as_deref().and_then(|key| self.assets.wiped_at(key));
        let asked: Option<BTreeSet<StorageId>> =
            query.storage_ids.as_slice().map(|ids| ids.iter().copied().collect());
        let ids = match (&asked, &query.run_id, &asset_key) {
            (Some(ids), ..) => ids,
            (None, Some(run_id), _) => self.events.ids_of_run(run_id),
            (None, None, Some(key)) => self.events.of_asset.get(key).unwrap_or(&NO_IDS),
            (None, None, None) => self.events.ids_of_type(query.event_type),
        };
        let between = Between { after: query.after_storage_id, before: query.before_storage_id };
        let is_meant = |row: &&EventRow| {
            row.event_type == Some(query.event_type)
                && query.run_id.as_ref().is_none_or(|run_id| row.entry.run_id == *run_id)
                && (asset_key.is_none() || row.asset_key == asset_key)
                && row.is_after_wipe(wiped_at)
        };
        let summary = |row: &EventRow| {
            Some(AssetEventSummaryRecord {
                storage_id: row.id,
                run_id: row.entry.run_id.clone(),
                asset_key: AssetKey::from_db_string(row.asset_key.as_deref()?)?,
                partition: row.partition.clone(),
                timestamp: row.at,
            })
        };
        let rows = in_order(self.events.rows_of(ids, between), query.order).filter(is_meant);
        rows.filter_map(summary).take(at_most(query.limit)).collect()
    }
}

#[async_trait]
impl EventStore for MemoryEventLogStorage {
    async fn store_events(&self, entries: &[EventLogEntry]) -> Result<StoredEvents, StorageError> {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        state.require_storable(entries)?;
        let ids = state.store_events(entries, now);
        drop(state);
        self.shared.watchers.signal_all(entries);
        Ok(StoredEvents::complete(ids))
    }

    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        Ok(self.shared.lock().events.records_for_run(query))
    }

    async fn get_stats_for_run(
        &self,
        run_id: &RunId,
    ) -> Result<DagsterRunStatsSnapshot, StorageError> {
        let mut counts: BTreeMap<DagsterEventType, (i64, DateTime<Utc>)> = BTreeMap::new();
        for row in self.shared.lock().events.of_run(run_id) {
            if let Some(event_type) = row.event_type {
                let (count, last) = counts.entry(event_type).or_insert((0, row.at));
                *count += 1;
                *last = row.at.max(*last);
            }
        }
        let of = |event_type| counts.get(&event_type).map(|(count, last)| (*count, Some(*last)));
        Ok(DagsterRunStatsSnapshot::from_counts(run_id.clone(), of))
    }

    async fn get_step_stats_for_run(
        &self,
        run_id: &RunId,
        step_keys: &Only<String>,
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, StorageError> {
        let step_keys: Option<BTreeSet<&str>> =
            step_keys.as_slice().map(|keys| keys.iter().map(String::as_str).collect());
        let is_meant = |row: &&EventRow| {
            let is_asked = |key| step_keys.as_ref().is_none_or(|asked| asked.contains(key));
            row.is_of(STEP_STATS_EVENT_TYPES) && row.entry.step_key().is_some_and(is_asked)
        };
        let entries: Vec<_> = {
            let state = self.shared.lock();
            let rows = state.events.of_run(run_id).filter(is_meant);
            rows.map(|row| row.entry.clone()).collect()
        };
        Ok(build_run_step_stats_from_events(run_id, entries))
    }

    async fn get_asset_partitions_for_run(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, StorageError> {
        let state = self.shared.lock();
        let mut found: BTreeMap<AssetKey, BTreeSet<Option<String>>> = BTreeMap::new();
        for row in state.events.of_run(run_id).filter(|row| row.is_among(of_types)) {
            if let Some(key) = row.asset_key.as_deref().and_then(AssetKey::from_db_string) {
                found.entry(key).or_default().insert(row.partition.clone());
            }
        }
        Ok(found.into_iter().collect())
    }

    async fn get_event_records(
        &self,
        filter: &EventRecordsFilter,
        limit: Option<u64>,
        order: Order,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        Ok(self.shared.lock().event_records(filter, limit, order))
    }

    async fn fetch_asset_events(
        &self,
        filter: &EventRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, StorageError> {
        let filter = filter.on_page(page);
        Ok(page.of(self.shared.lock().event_records(&filter, page.limit, page.order)))
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
        Ok(self.shared.lock().asset_event_summaries(query))
    }

    async fn get_logs_for_all_runs_by_log_id(
        &self,
        after_cursor: StorageId,
        of_types: &Only<DagsterEventType>,
        limit: Option<u64>,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        let state = self.shared.lock();
        let rows = state.events.rows.range((Bound::Excluded(after_cursor), Bound::Unbounded));
        let rows = rows.map(|(_, row)| row).filter(|row| row.is_among(of_types));
        Ok(rows.take(at_most(limit)).map(EventRow::record).collect())
    }

    async fn get_maximum_record_id(&self) -> Result<Option<StorageId>, StorageError> {
        Ok(self.shared.lock().events.rows.keys().next_back().copied())
    }

    async fn get_all_run_ids(&self) -> Result<Vec<RunId>, StorageError> {
        // No run has a log of its own.
        Ok(Vec::new())
    }

    async fn delete_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        let now = self.shared.now();
        self.shared.lock().delete_events(run_id, now);
        Ok(())
    }
}
