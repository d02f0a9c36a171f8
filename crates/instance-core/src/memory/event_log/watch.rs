//! Waking those who follow the events of a run.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;

use async_trait::async_trait;
use futures_util::task::AtomicWaker;

use super::MemoryEventLogStorage;
use crate::error::StorageError;
use crate::event::EventLogEntry;
use crate::ids::RunId;
use crate::storage::{EventSignal, EventWatch};

/// Who follows which run.
#[derive(Debug, Clone, Default)]
pub(in crate::memory) struct Watchers {
    of_run: Arc<Mutex<BTreeMap<RunId, Vec<Weak<Watcher>>>>>,
}

/// One who follows a run.
#[derive(Debug, Default)]
struct Watcher {
    /// Whether there may be events that it was not told of.
    has_news: AtomicBool,
    waker: AtomicWaker,
}

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Vec<Weak<Watcher>>>> {
        self.of_run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, run_id: &RunId) -> MemoryEventSignal {
        let watcher = Arc::default();
        self.lock().entry(run_id.clone()).or_default().push(Arc::downgrade(&watcher));
        MemoryEventSignal { run_id: run_id.clone(), watcher, watchers: self.clone() }
    }

    /// Wakes those who follow the runs of entries that are stored.
    pub(in crate::memory) fn signal_all(&self, entries: &[EventLogEntry]) {
        let of_run = self.lock();
        if of_run.is_empty() {
            return;
        }
        let watchers = entries.iter().filter_map(|entry| of_run.get(&entry.run_id)).flatten();
        for watcher in watchers.filter_map(Weak::upgrade) {
            watcher.has_news.store(true, Ordering::Release);
            watcher.waker.wake();
        }
    }
}

/// The signal of one watcher.
#[derive(Debug)]
struct MemoryEventSignal {
    run_id: RunId,
    watcher: Arc<Watcher>,
    watchers: Watchers,
}

#[async_trait]
impl EventSignal for MemoryEventSignal {
    async fn changed(&mut self, _found: bool) {
        let Watcher { has_news, waker } = &*self.watcher;
        poll_fn(|context| {
            // A signal between looking and waiting would wake nobody, so the follower registers first.
            waker.register(context.waker());
            if has_news.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Drop for MemoryEventSignal {
    fn drop(&mut self) {
        let mut of_run = self.watchers.lock();
        if let Some(watchers) = of_run.get_mut(&self.run_id) {
            watchers.retain(|watcher| watcher.as_ptr() != Arc::as_ptr(&self.watcher));
            if watchers.is_empty() {
                of_run.remove(&self.run_id);
            }
        }
    }
}

#[async_trait]
impl EventWatch for MemoryEventLogStorage {
    async fn watch_run(&self, run_id: &RunId) -> Result<Box<dyn EventSignal>, StorageError> {
        Ok(Box::new(self.shared.watchers.watch(run_id)))
    }
}
