//! Single events that are pending together are stored together.
//!
//! Many callers, each with one event, are the usual load of an instance. A statement and a flush for each
//! would be most of what they cost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use instance_core::error::{ErrorKind, Persistence, StorageError};
use instance_core::event::EventLogEntry;
use instance_core::ids::RunId;
use instance_core::storage::StoredEvents;
use tokio::sync::oneshot;

use super::SqlEventLogStorage;
use super::storing::Storing;
use super::write::{PreparedEvent, is_refusable, prepared};
use crate::db::Operation;

/// How many events one transaction holds at most, so that none waits long for its answer.
const EVENTS_PER_GROUP: usize = 512;

/// An event, and who waits for what becomes of it.
type Pending = (PreparedEvent, oneshot::Sender<Result<StoredEvents, StorageError>>);

/// Events that wait to be stored.
#[derive(Debug, Default)]
pub(super) struct EventQueue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    events: Vec<Pending>,
    /// Whether a task stores what waits.
    is_served: bool,
}

impl EventQueue {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqlEventLogStorage {
    /// Stores an entry; an error says that it is stored nowhere.
    pub(super) async fn store_entry(
        &self,
        entry: &EventLogEntry,
    ) -> Result<StoredEvents, StorageError> {
        let event = prepared(entry)?;
        // An id that names no file is refused before it can take others with it.
        self.check_run(&entry.run_id)?;
        if is_refusable(&event) {
            return self.store(Storing::Alone, vec![event]).await;
        }
        // The task works for several callers, and its span belongs to none of them. This span is for what the
        // caller waits for.
        let operation = Operation::of_run("storing an event", &entry.run_id);
        let storing = self.store_in_queue(event);
        operation.observe(self.index.name(), |stored| Some(stored.ids.len()), storing).await
    }

    /// Stores an event, alone or with others. Returns when it is durable.
    async fn store_in_queue(&self, event: PreparedEvent) -> Result<StoredEvents, StorageError> {
        let lost = || StorageError::Backend {
            database: self.index.name().to_string(),
            operation: "storing an event",
            persistence: Persistence::Temporary,
            source: "the runtime that stored it was shut down meanwhile".into(),
        };
        let (reply, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.queue.waiting();
            waiting.events.push((event, reply));
            !std::mem::replace(&mut waiting.is_served, true)
        };
        if is_first && let Some(this) = self.this.upgrade() {
            // The task is its own: the caller may be dropped, and others wait for the same transaction.
            tokio::spawn(async move {
                let serving = Serving(&this);
                this.serve().await;
                // The task ended in its own time, and somebody else may serve already.
                std::mem::forget(serving);
            });
        }
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    async fn serve(&self) {
        loop {
            let group: Vec<Pending> = {
                let mut waiting = self.queue.waiting();
                if waiting.events.is_empty() {
                    waiting.is_served = false;
                    return;
                }
                let count = waiting.events.len().min(EVENTS_PER_GROUP);
                waiting.events.drain(..count).collect()
            };
            // A file that cannot be written must not take the events of other runs with it.
            let mut of_run: BTreeMap<Option<RunId>, Vec<Pending>> = BTreeMap::new();
            for pending in group {
                let run_id = self.run_logs.is_sharded().then(|| pending.0.0.run_id.clone());
                of_run.entry(run_id).or_default().push(pending);
            }
            join_all(of_run.into_values().map(|group| self.store_group(group))).await;
        }
    }

    async fn store_group(&self, group: Vec<Pending>) {
        let (events, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        // A caller that no longer waits has no use for an answer.
        match self.store(Storing::Alone, events).await {
            Ok(StoredEvents { ids, incomplete, .. }) => {
                let errors = self.for_each(incomplete, ids.len());
                for ((reply, id), incomplete) in replies.into_iter().zip(ids).zip(errors) {
                    let stored = StoredEvents::complete(vec![id]).with_incomplete(incomplete);
                    let _ = reply.send(Ok(stored));
                }
            }
            Err(error) => {
                let errors = self.for_each(Some(error), replies.len());
                for (reply, error) in replies.into_iter().zip(errors) {
                    let _ = error.map(|error| reply.send(Err(error)));
                }
            }
        }
    }

    /// An error as each of several callers gets it.
    fn for_each(&self, error: Option<StorageError>, callers: usize) -> Vec<Option<StorageError>> {
        if callers == 1 {
            return vec![error];
        }
        let error = error.map(Arc::new);
        let shared = || {
            let error = error.as_ref()?;
            let database = self.index.name().to_string();
            let operation = "storing events of several callers";
            let source = Box::new(Arc::clone(error));
            Some(if error.kind() == ErrorKind::Invalid {
                StorageError::Values { database, operation, source }
            } else {
                let persistence = if error.is_temporary() {
                    Persistence::Temporary
                } else {
                    Persistence::Permanent
                };
                StorageError::Backend { database, operation, persistence, source }
            })
        };
        (0..callers).map(|_| shared()).collect()
    }
}

/// If the task ends early, together with its runtime, nobody waits for it for ever.
struct Serving<'s>(&'s SqlEventLogStorage);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.queue.waiting();
        if std::mem::take(&mut waiting.is_served) {
            waiting.events.clear();
        }
    }
}
