//! An instance in memory that remembers every effect in its order.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::asset_key::AssetKey;
use instance_core::clock::Clock;
use instance_core::error::StorageError;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventLogConnection, EventLogCursor, EventLogEntry,
    EventLogRecord,
};
use instance_core::ids::{RunId, StorageId};
use instance_core::ops::{EventListener, EventOps};
use instance_core::run::{
    DagsterRun, DagsterRunStatsSnapshot, RemoteJobOrigin, RunGroup, RunPartitionData, RunRecord,
    RunStepKeyStatsSnapshot, RunsFilter,
};
use instance_core::serdes::UnknownFields;
use instance_core::storage::{
    AssetEventSummaryQuery, AssetEventSummaryRecord, EventRecordsFilter, EventStore, Order,
    RecordsForRun, RecordsPage, RunStatusChangeRecordsFilter, RunStore, RunTagsQuery, RunsPage,
};

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// The instance, and both of its stores.
#[derive(Default)]
pub(crate) struct Fake {
    stores: Stores,
    listeners: Mutex<Vec<(RunId, EventListener)>>,
}

/// Both stores.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    effects: Arc<Mutex<Vec<String>>>,
    entries: Mutex<Vec<EventLogEntry>>,
    storing_fails: bool,
    changing_fails: bool,
}

impl Fake {
    /// An instance that cannot store events.
    pub(crate) fn that_cannot_store() -> Self {
        Self { stores: Stores { storing_fails: true, ..Stores::default() }, ..Self::default() }
    }

    /// An instance that cannot change runs.
    pub(crate) fn that_cannot_change_runs() -> Self {
        Self { stores: Stores { changing_fails: true, ..Stores::default() }, ..Self::default() }
    }

    /// What happened, in its order.
    pub(crate) fn effects(&self) -> Vec<String> {
        lock(&self.stores.effects).clone()
    }

    /// The entries that were stored, in their order.
    pub(crate) fn entries(&self) -> Vec<EventLogEntry> {
        lock(&self.stores.entries).clone()
    }

    /// A listener that notes its calls among the effects.
    pub(crate) fn noting(&self, name: &'static str) -> EventListener {
        let effects = Arc::clone(&self.stores.effects);
        Arc::new(move |record| {
            let entry = &record.event_log_entry;
            let effect = format!("{name} hears {} {}", record.storage_id, entry.message());
            lock(&effects).push(effect);
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unused<T>(what: &str) -> Result<T, StorageError> {
    Err(StorageError::Unsupported { what: what.to_owned(), reason: "no test needs it".to_owned() })
}

#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 250_000_000).unwrap_or_default()
    }
}

impl EventOps for Fake {
    fn run_store(&self) -> &dyn RunStore {
        &self.stores
    }

    fn event_store(&self) -> &dyn EventStore {
        &self.stores
    }

    fn clock(&self) -> &dyn Clock {
        &FixedClock
    }

    fn add_listener(&self, run_id: &RunId, listener: EventListener) {
        lock(&self.listeners).push((run_id.clone(), listener));
    }

    fn listeners(&self, run_id: &RunId) -> Vec<EventListener> {
        let listeners = lock(&self.listeners);
        listeners
            .iter()
            .filter(|(id, _)| id == run_id)
            .map(|(_, listener)| Arc::clone(listener))
            .collect()
    }

    fn remove_listeners(&self, run_id: &RunId) {
        lock(&self.listeners).retain(|(id, _)| id != run_id);
    }
}

#[async_trait]
impl EventStore for Stores {
    async fn store_event(&self, _: &EventLogEntry) -> Result<StorageId, StorageError> {
        unused("store_event")
    }

    async fn store_event_batch(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<Vec<StorageId>, StorageError> {
        if self.storing_fails {
            return Err(StorageError::Unsupported {
                what: "event".to_owned(),
                reason: "no space".to_owned(),
            });
        }
        let mut stored = lock(&self.entries);
        let first = i64::try_from(stored.len()).unwrap_or_default() + 1;
        stored.extend_from_slice(entries);
        let messages: Vec<_> = entries.iter().map(EventLogEntry::message).collect();
        lock(&self.effects).push(format!("store {}", messages.join(", ")));
        Ok((first..).take(entries.len()).map(StorageId).collect())
    }

    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        let of_run = |(id, entry): (i64, &EventLogEntry)| {
            let wanted = query.of_types.is_empty()
                || entry
                    .event_type()
                    .is_some_and(|event_type| query.of_types.contains(&event_type));
            (entry.run_id == query.run_id && wanted).then(|| EventLogRecord {
                event_log_entry: entry.clone(),
                storage_id: StorageId(id),
                unknown: UnknownFields::default(),
            })
        };
        let records = (1..).zip(lock(&self.entries).iter()).filter_map(of_run).collect();
        Ok(EventLogConnection { records, cursor: EventLogCursor::START, has_more: false })
    }

    async fn get_stats_for_run(&self, _: &RunId) -> Result<DagsterRunStatsSnapshot, StorageError> {
        unused("get_stats_for_run")
    }

    async fn get_step_stats_for_run(
        &self,
        _: &RunId,
        _: &[String],
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, StorageError> {
        unused("get_step_stats_for_run")
    }

    async fn get_asset_partitions_for_run(
        &self,
        _: &RunId,
        _: &[DagsterEventType],
    ) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, StorageError> {
        unused("get_asset_partitions_for_run")
    }

    async fn get_event_records(
        &self,
        _: &EventRecordsFilter,
        _: Option<u64>,
        _: Order,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        unused("get_event_records")
    }

    async fn fetch_asset_events(
        &self,
        _: &EventRecordsFilter,
        _: RecordsPage,
    ) -> Result<EventLogConnection, StorageError> {
        unused("fetch_asset_events")
    }

    async fn fetch_run_status_changes(
        &self,
        _: &RunStatusChangeRecordsFilter,
        _: RecordsPage,
    ) -> Result<EventLogConnection, StorageError> {
        unused("fetch_run_status_changes")
    }

    async fn get_asset_event_summary_records(
        &self,
        _: &AssetEventSummaryQuery,
    ) -> Result<Vec<AssetEventSummaryRecord>, StorageError> {
        unused("get_asset_event_summary_records")
    }

    async fn get_logs_for_all_runs_by_log_id(
        &self,
        _: StorageId,
        _: &[DagsterEventType],
        _: Option<u64>,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        unused("get_logs_for_all_runs_by_log_id")
    }

    async fn get_maximum_record_id(&self) -> Result<Option<StorageId>, StorageError> {
        unused("get_maximum_record_id")
    }

    async fn get_all_run_ids(&self) -> Result<Vec<RunId>, StorageError> {
        unused("get_all_run_ids")
    }

    async fn delete_events(&self, _: &RunId) -> Result<(), StorageError> {
        unused("delete_events")
    }
}

#[async_trait]
impl RunStore for Stores {
    async fn add_run(&self, _: &DagsterRun, _: DateTime<Utc>) -> Result<(), StorageError> {
        unused("add_run")
    }

    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        if self.changing_fails {
            return unused("handle_run_event");
        }
        lock(&self.effects).push(format!("change {run_id} {} at {at}", event.event_type_value));
        Ok(())
    }

    async fn get_run_records(
        &self,
        _: &RunsFilter,
        _: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError> {
        unused("get_run_records")
    }

    async fn get_run_ids(&self, _: &RunsFilter, _: &RunsPage) -> Result<Vec<RunId>, StorageError> {
        unused("get_run_ids")
    }

    async fn get_runs_count(&self, _: &RunsFilter) -> Result<u64, StorageError> {
        unused("get_runs_count")
    }

    async fn has_run(&self, _: &RunId) -> Result<bool, StorageError> {
        unused("has_run")
    }

    async fn get_run_group(&self, _: &RunId) -> Result<Option<RunGroup>, StorageError> {
        unused("get_run_group")
    }

    async fn get_run_partition_data(
        &self,
        _: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, StorageError> {
        unused("get_run_partition_data")
    }

    async fn get_run_tags(
        &self,
        _: &RunTagsQuery,
    ) -> Result<Vec<(String, BTreeSet<String>)>, StorageError> {
        unused("get_run_tags")
    }

    async fn get_run_tag_keys(&self) -> Result<Vec<String>, StorageError> {
        unused("get_run_tag_keys")
    }

    async fn add_run_tags(
        &self,
        _: &RunId,
        _: &BTreeMap<String, String>,
        _: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        unused("add_run_tags")
    }

    async fn replace_job_origin(
        &self,
        _: &DagsterRun,
        _: &RemoteJobOrigin,
    ) -> Result<(), StorageError> {
        unused("replace_job_origin")
    }

    async fn delete_run(&self, _: &RunId) -> Result<(), StorageError> {
        unused("delete_run")
    }
}
