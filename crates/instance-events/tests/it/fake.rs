//! An instance over stores in memory that remembers every effect in its order, and of which a test makes something fail.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::clock::Clock;
use instance_core::error::{Persistence, StorageError};
use instance_core::event::{
    DagsterEvent, EventBuffer, EventListener, EventListeners, EventLogConnection, EventLogEntry,
};
use instance_core::ids::{RunId, StorageId};
use instance_core::ops::{
    ClockAccess, EventOps, EventStoreAccess, EventWatchAccess, ListenersAccess,
    RunEventStoreAccess, RunStoreAccess,
};
use instance_core::run::DagsterRun;
use instance_core::settings::{EventBatching, RunRetries};
use instance_core::storage::{
    EventStore, EventWatch, NewRun, RecordsForRun, RunEventStore, RunStore, StoredEvents,
    store_then_change,
};
use instance_core::testing::doubles::{EventStoreDouble, RunStoreDouble};
use instance_core::testing::instance::{TestInstance, at_once};

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// The instance; clones are the same one.
#[derive(Default, Clone)]
pub(crate) struct Fake {
    pub(crate) stores: Arc<Stores>,
    pub(crate) buffer: Arc<EventBuffer>,
    pub(crate) batching: EventBatching,
    pub(crate) retries: RunRetries,
}

/// The stores, which are those of an instance in memory but for what is remembered and what fails.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    memory: TestInstance,
    effects: Arc<Mutex<Vec<String>>>,
    failure: Mutex<Failure>,
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
        at_once(self.stores.memory.add_run(run));
        self
    }

    /// The run of this id.
    pub(crate) fn run(&self, run_id: &str) -> Option<DagsterRun> {
        let record = at_once(self.stores.runs().get_run_record(&RunId::from(run_id)));
        record.expect("runs").map(|record| record.dagster_run)
    }

    /// Forgets a run.
    pub(crate) fn delete_run(&self, run_id: &str) {
        at_once(self.stores.runs().delete_run(&RunId::from(run_id))).expect("runs");
    }

    /// What happened, in its order.
    pub(crate) fn effects(&self) -> Vec<String> {
        lock(&self.stores.effects).clone()
    }

    /// The entries that were stored, in their order.
    pub(crate) fn entries(&self) -> Vec<EventLogEntry> {
        let all = self.stores.events().get_logs_for_all_runs_by_log_id(
            StorageId(0),
            &instance_core::storage::Only::Any,
            None,
        );
        let records = at_once(all).expect("events");
        records.into_iter().map(|record| record.event_log_entry).collect()
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
        self.stores.memory.event_watch()
    }
}

impl ClockAccess for Fake {
    fn clock(&self) -> &dyn Clock {
        self.stores.memory.clock()
    }
}

impl ListenersAccess for Fake {
    fn event_listeners(&self) -> &EventListeners {
        self.stores.memory.event_listeners()
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
    fn runs(&self) -> &dyn RunStore {
        self.memory.run_store()
    }

    fn events(&self) -> &dyn EventStore {
        self.memory.event_store()
    }

    fn failure(&self) -> Failure {
        *lock(&self.failure)
    }

    fn note(&self, effect: String) {
        lock(&self.effects).push(effect);
    }
}

#[async_trait]
impl EventStoreDouble for Stores {
    fn other(&self) -> Option<&dyn EventStore> {
        Some(self.events())
    }

    async fn store_events(&self, entries: &[EventLogEntry]) -> Result<StoredEvents, StorageError> {
        let failure = self.failure();
        if failure.storing {
            return Err(unavailable());
        }
        let refuses = |text: &str| failure.refused.is_some_and(|word| text.contains(word));
        if entries.iter().any(|entry| refuses(entry.run_id.as_str()) || refuses(entry.message())) {
            return Err(refused());
        }
        let stored = self.events().store_events(entries).await?;
        let messages: Vec<_> = entries.iter().map(EventLogEntry::message).collect();
        self.note(format!("store {}", messages.join(", ")));
        Ok(stored)
    }

    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        if self.failure().storing {
            return Err(unavailable());
        }
        self.events().get_records_for_run(query).await
    }
}

#[async_trait]
impl RunStoreDouble for Stores {
    fn other(&self) -> Option<&dyn RunStore> {
        Some(self.runs())
    }

    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        if self.failure().changing {
            return Err(unavailable());
        }
        self.note(format!("change {run_id} {} at {at}", event.event_type_value));
        self.runs().handle_run_event(run_id, event, at).await
    }

    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.runs().add_run_tags(run_id, new_tags, at).await?;
        for (key, value) in new_tags {
            self.note(format!("tag {run_id} {key}={value}"));
        }
        Ok(())
    }
}

/// The two stores as if each were in its own database, so that one of them can fail.
#[async_trait]
impl RunEventStore for Stores {
    async fn add_run_with_events(&self, new_run: NewRun) -> Result<StoredEvents, StorageError> {
        self.memory.run_event_store().add_run_with_events(new_run).await
    }

    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        store_then_change(self, self, entries, self.memory.clock()).await
    }

    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        self.memory.run_event_store().delete_run_with_events(run_id).await
    }
}
