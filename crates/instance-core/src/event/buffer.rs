//! Events that wait to be stored together.
//!
//! Not here: when they are stored, which the event domain decides.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::EventLogEntry;

/// Which batch an event is part of, which Dagster calls `DagsterEventBatchMetadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventBatchMetadata {
    /// The batch.
    pub id: String,
    /// Whether it ends with this event.
    pub is_end: bool,
}

impl EventBatchMetadata {
    /// An event of this batch; `is_end` says whether the batch ends with it.
    pub fn new(id: impl Into<String>, is_end: bool) -> Self {
        Self { id: id.into(), is_end }
    }
}

/// Events that wait for others, in batches that have names.
#[derive(Debug, Default)]
pub struct EventBuffer {
    batches: Mutex<HashMap<String, Arc<EventBatch>>>,
}

/// One batch.
#[derive(Debug, Default)]
pub struct EventBatch {
    waiting: Mutex<Vec<EventLogEntry>>,
    /// Whoever stores the batch holds this, so that its parts are stored in their order.
    storing: futures_util::lock::Mutex<()>,
    has_timer: AtomicBool,
}

impl EventBuffer {
    /// Adds an event to a batch; returns the batch with how many events wait in it now.
    pub fn push(&self, batch: &str, entry: EventLogEntry) -> (Arc<EventBatch>, usize) {
        let mut batches = self.batches();
        let batch = Arc::clone(batches.entry(batch.to_owned()).or_default());
        let mut waiting = batch.waiting();
        waiting.push(entry);
        let count = waiting.len();
        drop(waiting);
        (batch, count)
    }

    /// The batch of this name; `None` if nothing waits in it.
    pub fn get(&self, batch: &str) -> Option<Arc<EventBatch>> {
        self.batches().get(batch).cloned()
    }

    /// The names of all batches in which something waits.
    pub fn names(&self) -> Vec<String> {
        self.batches().keys().cloned().collect()
    }

    /// How many events wait in all batches.
    pub fn len(&self) -> usize {
        self.batches().values().map(|batch| batch.len()).sum()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets this batch if no event waits in it. Another batch that has taken its name since stays.
    pub fn forget_if_empty(&self, name: &str, batch: &Arc<EventBatch>) {
        let mut batches = self.batches();
        // Events are added under the same lock, so none can come in between.
        if batch.is_empty() && batches.get(name).is_some_and(|known| Arc::ptr_eq(known, batch)) {
            batches.remove(name);
        }
    }

    fn batches(&self) -> MutexGuard<'_, HashMap<String, Arc<EventBatch>>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventBatch {
    /// Waits for the turn to store the batch. Nobody else stores it until the guard is dropped.
    pub async fn turn(&self) -> impl Sized + Send + '_ {
        self.storing.lock().await
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.waiting().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    /// Notes that somebody is going to store the batch later; `false` if somebody already is.
    pub fn begin_to_wait(&self) -> bool {
        !self.has_timer.swap(true, Ordering::Relaxed)
    }

    /// Notes that this time is over.
    pub fn end_to_wait(&self) {
        self.has_timer.store(false, Ordering::Relaxed);
    }

    /// Takes out what waits, in its order.
    pub fn take(&self) -> Vec<EventLogEntry> {
        std::mem::take(&mut *self.waiting())
    }

    /// Puts back events that could not be stored, before those that have come since.
    pub fn put_back(&self, mut entries: Vec<EventLogEntry>) {
        let mut waiting = self.waiting();
        entries.append(&mut waiting);
        *waiting = entries;
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<EventLogEntry>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
