//! The listeners of this process to the events of a run.
//!
//! Not here: watching a run across processes, which reads the log of the run.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{DagsterEventType, EventLogEntry, EventLogRecord};
use crate::ids::{RunId, StorageId};
use crate::run::DagsterRunStatus;
use crate::serdes::UnknownFields;

/// Called with each entry of a run after it was stored.
pub type EventListener = Arc<dyn Fn(&EventLogRecord) + Send + Sync>;

/// The listeners of this process to the events of a run.
#[derive(Default)]
pub struct EventListeners {
    by_run: Mutex<HashMap<RunId, Vec<EventListener>>>,
}

impl std::fmt::Debug for EventListeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventListeners").field("runs", &self.by_run().len()).finish()
    }
}

impl EventListeners {
    /// Adds a listener to the entries of a run that are stored from now on.
    pub fn add(&self, run_id: &RunId, listener: EventListener) {
        self.by_run().entry(run_id.clone()).or_default().push(listener);
    }

    /// Forgets the listeners of a run.
    pub fn remove(&self, run_id: &RunId) {
        self.by_run().remove(run_id);
    }

    /// Whether the run has no listener.
    pub fn is_empty(&self, run_id: &RunId) -> bool {
        !self.by_run().contains_key(run_id)
    }

    /// Notifies the listeners of the run of an entry that was stored, in the order in which they were added. If the
    /// entry ends the run, its listeners are forgotten.
    ///
    /// A listener that panics harms nobody: the others are called, and it is called again with the next entry. The
    /// program's log says that it panicked.
    pub fn notify(&self, entry: &EventLogEntry, storage_id: StorageId) {
        // A listener may add and remove listeners, so none is called under the lock.
        let listeners = self.by_run().get(&entry.run_id).cloned().unwrap_or_default();
        if listeners.is_empty() {
            return;
        }
        let record = EventLogRecord {
            event_log_entry: entry.clone(),
            storage_id,
            unknown: UnknownFields::default(),
        };
        for listener in &listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(&record))).is_err() {
                tracing::error!(run_id = %entry.run_id, "a listener to events has panicked");
            }
        }
        let status = entry.event_type().and_then(DagsterEventType::run_status);
        if status.is_some_and(DagsterRunStatus::is_finished) {
            self.remove(&entry.run_id);
        }
    }

    /// [Notifies](Self::notify) with entries that were stored, each with the id of its row, in their order.
    pub fn notify_all(&self, entries: &[EventLogEntry], storage_ids: &[StorageId]) {
        for (entry, storage_id) in entries.iter().zip(storage_ids) {
            self.notify(entry, *storage_id);
        }
    }

    fn by_run(&self) -> MutexGuard<'_, HashMap<RunId, Vec<EventListener>>> {
        self.by_run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
