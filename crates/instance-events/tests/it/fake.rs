//! An instance in memory that remembers every effect in its order.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::clock::Clock;
use instance_core::error::StorageError;
use instance_core::event::{
    DagsterEvent, EventLogConnection, EventLogCursor, EventLogEntry, EventLogRecord,
};
use instance_core::ids::{RunId, StorageId};
use instance_core::ops::{EventListener, EventOps};
use instance_core::serdes::UnknownFields;
use instance_core::storage::{EventStore, RecordsForRun, RunStore};
use instance_core::testing::doubles::{EventStoreDouble, RunStoreDouble};

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
    refused: Option<&'static str>,
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

    /// An instance that stores no entry whose run or message contains a word.
    #[cfg(feature = "tracing-layer")]
    pub(crate) fn that_refuses(word: &'static str) -> Self {
        Self { stores: Stores { refused: Some(word), ..Stores::default() }, ..Self::default() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed() -> StorageError {
    StorageError::Unsupported { what: "event".to_owned(), reason: "no space".to_owned() }
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
impl EventStoreDouble for Stores {
    async fn store_event_batch(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<Vec<StorageId>, StorageError> {
        if self.storing_fails {
            return Err(failed());
        }
        let refuses = |text: &str| self.refused.is_some_and(|word| text.contains(word));
        if entries.iter().any(|entry| refuses(entry.run_id.as_str()) || refuses(entry.message())) {
            return Err(failed());
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
}

#[async_trait]
impl RunStoreDouble for Stores {
    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        if self.changing_fails {
            return Err(failed());
        }
        lock(&self.effects).push(format!("change {run_id} {} at {at}", event.event_type_value));
        Ok(())
    }
}
