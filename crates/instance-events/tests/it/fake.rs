//! An instance in memory that remembers every effect in its order.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::clock::{Clock, SystemClock};
use instance_core::error::{Persistence, StorageError};
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventBuffer, EventListener, EventListeners, EventLogConnection,
    EventLogCursor, EventLogEntry, EventLogRecord,
};
use instance_core::ids::{RunId, StorageId};
use instance_core::ops::{
    ClockAccess, EventOps, EventStoreAccess, EventWatchAccess, ListenersAccess,
    RunEventStoreAccess, RunStoreAccess,
};
use instance_core::run::{DagsterRun, RunGroup, RunRecord};
use instance_core::serdes::UnknownFields;
use instance_core::settings::{EventBatching, RunRetries};
use instance_core::storage::{
    EventSignal, EventStore, EventWatch, NewRun, RecordsForRun, RunEventStore, RunStore,
    StoredEvents, store_then_change,
};
use instance_core::testing::clock::ManualClock;
use instance_core::testing::doubles::{EventStoreDouble, RunStoreDouble};
use tokio::sync::watch;

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// The instance, and all of its stores; clones are the same instance.
#[derive(Default, Clone)]
pub(crate) struct Fake {
    pub(crate) stores: Arc<Stores>,
    pub(crate) listeners: Arc<EventListeners>,
    pub(crate) buffer: Arc<EventBuffer>,
    pub(crate) batching: EventBatching,
    pub(crate) retries: RunRetries,
}

/// The stores.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    effects: Arc<Mutex<Vec<String>>>,
    entries: Mutex<Vec<EventLogEntry>>,
    runs: Mutex<BTreeMap<RunId, DagsterRun>>,
    failure: Mutex<Failure>,
    noticed: watch::Sender<u64>,
    pub(crate) clock: ManualClock,
}

/// What does not work.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Failure {
    /// No event can be stored, as of a disk that is full.
    pub(crate) storing: bool,
    /// No run can be changed.
    pub(crate) changing: bool,
    /// No event can be stored whose run or message has this word, whenever it is tried.
    pub(crate) refused: Option<&'static str>,
}

impl Fake {
    /// An instance of which something does not work.
    pub(crate) fn that_fails(failure: Failure) -> Self {
        let fake = Self::default();
        fake.fail(failure);
        fake
    }

    /// From now on this does not work.
    pub(crate) fn fail(&self, failure: Failure) {
        *lock(&self.stores.failure) = failure;
    }

    /// An instance that stores no entry whose run or message contains a word.
    pub(crate) fn that_refuses(word: &'static str) -> Self {
        Self::that_fails(Failure { refused: Some(word), ..Failure::default() })
    }

    /// The same with a run.
    pub(crate) fn with_run(self, run: DagsterRun) -> Self {
        lock(&self.stores.runs).insert(run.run_id.clone(), run);
        self
    }

    /// The run of this id.
    pub(crate) fn run(&self, run_id: &str) -> Option<DagsterRun> {
        lock(&self.stores.runs).get(&RunId::from(run_id)).cloned()
    }

    /// Forgets a run.
    pub(crate) fn delete_run(&self, run_id: &str) {
        lock(&self.stores.runs).remove(&RunId::from(run_id));
        self.stores.notice();
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

/// An error that may be over at another time.
fn unavailable() -> StorageError {
    StorageError::Backend {
        database: "memory".to_owned(),
        operation: "storing",
        persistence: Persistence::Temporary,
        source: "no space".into(),
    }
}

fn refused() -> StorageError {
    StorageError::Unsupported { what: "event".to_owned(), reason: "not this one".to_owned() }
}

impl RunStoreAccess for Fake {
    fn run_store(&self) -> &dyn RunStore {
        &*self.stores
    }
}

impl EventStoreAccess for Fake {
    fn event_store(&self) -> &dyn EventStore {
        &*self.stores
    }
}

impl RunEventStoreAccess for Fake {
    fn run_event_store(&self) -> &dyn RunEventStore {
        &*self.stores
    }
}

impl EventWatchAccess for Fake {
    fn event_watch(&self) -> &dyn EventWatch {
        &*self.stores
    }
}

impl ClockAccess for Fake {
    fn clock(&self) -> &dyn Clock {
        &self.stores.clock
    }
}

impl ListenersAccess for Fake {
    fn event_listeners(&self) -> &EventListeners {
        &self.listeners
    }
}

impl EventOps for Fake {
    fn run_retries(&self) -> RunRetries {
        self.retries
    }

    fn event_batching(&self) -> EventBatching {
        self.batching
    }

    fn event_buffer(&self) -> &EventBuffer {
        &self.buffer
    }
}

impl Stores {
    fn failure(&self) -> Failure {
        *lock(&self.failure)
    }

    fn notice(&self) {
        self.noticed.send_modify(|notices| *notices += 1);
    }
}

#[async_trait]
impl EventStoreDouble for Stores {
    async fn store_events(&self, entries: &[EventLogEntry]) -> Result<StoredEvents, StorageError> {
        let failure = self.failure();
        if failure.storing {
            return Err(unavailable());
        }
        let refuses = |text: &str| failure.refused.is_some_and(|word| text.contains(word));
        if entries.iter().any(|entry| refuses(entry.run_id.as_str()) || refuses(entry.message())) {
            return Err(refused());
        }
        let mut stored = lock(&self.entries);
        let first = i64::try_from(stored.len()).unwrap_or_default() + 1;
        stored.extend_from_slice(entries);
        let messages: Vec<_> = entries.iter().map(EventLogEntry::message).collect();
        lock(&self.effects).push(format!("store {}", messages.join(", ")));
        self.notice();
        Ok(StoredEvents::complete((first..).take(entries.len()).map(StorageId).collect()))
    }

    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        if self.failure().storing {
            return Err(unavailable());
        }
        let (behind, skipped) = match query.cursor {
            Some(EventLogCursor::StorageId(id)) => (id, 0),
            Some(EventLogCursor::Offset(count)) => (StorageId(0), count),
            None => (StorageId(0), 0),
        };
        let wanted = |record: &EventLogRecord| {
            let event_type = record.event_log_entry.event_type();
            let of_type = query.of_types.is_any()
                || event_type.is_some_and(|event_type| query.of_types.contains(&event_type));
            of_type && record.storage_id > behind
        };
        let limit = query.limit.and_then(|limit| usize::try_from(limit).ok());
        let entries = lock(&self.entries);
        let of_run = (1..).zip(entries.iter()).filter(|(_, entry)| entry.run_id == query.run_id);
        let records: Vec<_> = of_run
            .skip(usize::try_from(skipped).unwrap_or(usize::MAX))
            .map(|(id, entry)| EventLogRecord {
                event_log_entry: entry.clone(),
                storage_id: StorageId(id),
                unknown: UnknownFields::default(),
            })
            .filter(wanted)
            .take(limit.unwrap_or(usize::MAX))
            .collect();
        let last = records.last().map(|record| EventLogCursor::StorageId(record.storage_id));
        let cursor = last.or(query.cursor).unwrap_or(EventLogCursor::START);
        Ok(EventLogConnection { has_more: Some(records.len()) == limit, records, cursor })
    }
}

#[async_trait]
impl RunStoreDouble for Stores {
    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        if self.failure().changing {
            return Err(unavailable());
        }
        lock(&self.effects).push(format!("change {run_id} {} at {at}", event.event_type_value));
        let status = event.event_type().and_then(DagsterEventType::run_status);
        if let (Some(run), Some(status)) = (lock(&self.runs).get_mut(run_id), status) {
            run.status = status;
        }
        Ok(())
    }

    async fn get_run_record(&self, run_id: &RunId) -> Result<Option<RunRecord>, StorageError> {
        let runs = lock(&self.runs);
        let record = |run: &DagsterRun| {
            RunRecord::new(StorageId(1), run.clone(), self.clock.now(), self.clock.now())
        };
        Ok(runs.get(run_id).map(record))
    }

    async fn get_run_group(&self, run_id: &RunId) -> Result<Option<RunGroup>, StorageError> {
        let runs = lock(&self.runs);
        let Some(run) = runs.get(run_id) else {
            return Ok(None);
        };
        let root_run_id = run.root_run_id.clone().unwrap_or_else(|| run_id.clone());
        if !runs.contains_key(&root_run_id) {
            return Err(StorageError::RunNotFound { run_id: root_run_id });
        }
        let of_group = |run: &&DagsterRun| {
            run.run_id == root_run_id || run.root_run_id.as_ref() == Some(&root_run_id)
        };
        let runs = runs.values().filter(of_group).cloned().collect();
        Ok(Some(RunGroup::new(root_run_id, runs)))
    }

    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
        _: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let mut runs = lock(&self.runs);
        let missing = || StorageError::RunNotFound { run_id: run_id.clone() };
        let run = runs.get_mut(run_id).ok_or_else(missing)?;
        run.tags.extend(new_tags.clone());
        for (key, value) in new_tags {
            lock(&self.effects).push(format!("tag {run_id} {key}={value}"));
        }
        Ok(())
    }
}

#[async_trait]
impl RunEventStore for Stores {
    async fn add_run_with_events(&self, _: NewRun) -> Result<StoredEvents, StorageError> {
        Err(refused())
    }

    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        let stored = store_then_change(self, self, entries, &SystemClock).await;
        self.notice();
        stored
    }

    async fn delete_run_with_events(&self, _: &RunId) -> Result<(), StorageError> {
        Err(refused())
    }
}

#[async_trait]
impl EventWatch for Stores {
    async fn watch_run(&self, _: &RunId) -> Result<Box<dyn EventSignal>, StorageError> {
        Ok(Box::new(Signal(self.noticed.subscribe())))
    }
}

/// Comes with every change of the stores.
#[derive(Debug)]
struct Signal(watch::Receiver<u64>);

#[async_trait]
impl EventSignal for Signal {
    async fn changed(&mut self, _: bool) {
        // The sender is as long there as the stores are, which the one who waits holds.
        let _ = self.0.changed().await;
    }
}
