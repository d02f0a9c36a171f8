//! Batches: which entries wait, when a batch is flushed, and what happens to entries that cannot be stored.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use instance_core::error::{InstanceError, Persistence, StorageError};
use instance_core::event::{EventBatch, NewEvent};
use instance_core::ops::EventOps;
use instance_core::settings::BatchedEvents;
use instance_core::storage::changes_run;

use crate::pipeline::{of_one_run, store_and_follow};

/// How many entries may wait in all batches together, in sizes of one batch. When they are more, all batches are
/// flushed before another entry is taken.
const BATCHES_AT_MOST: usize = 100;

/// The longest pause before the next attempt to store entries that could not be stored.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Stores an entry, or adds it to a batch, as the instance is configured.
pub(crate) async fn store_or_wait(
    ops: &dyn EventOps,
    event: NewEvent,
) -> Result<(), InstanceError> {
    let batching = ops.event_batching();
    let NewEvent { entry, batch, .. } = event;
    let (name, is_end) = match (batching.of, batch) {
        (BatchedEvents::OfBatches, Some(batch)) => (batch.id, batch.is_end),
        (BatchedEvents::Every, batch) => {
            let is_end = batch.is_some_and(|batch| batch.is_end) || changes_run(&entry);
            (entry.run_id.to_string(), is_end)
        }
        _ => {
            let entries = std::slice::from_ref(&entry);
            return store_and_follow(ops, entries).await?.into_result(entries);
        }
    };
    let size = batching.size.max(1);
    if ops.event_buffer().len() >= size.saturating_mul(BATCHES_AT_MOST) {
        // The buffer is full: make room before this entry is taken.
        flush_events(ops).await?;
    }
    let (batch, count) = ops.event_buffer().push(&name, entry);
    let flushed = if is_end || count >= size { flush(ops, &name).await } else { Ok(()) };
    let still_waits = matches!(flushed, Err(InstanceError::EventsWaiting { .. }));
    if (count < size && !is_end || still_waits) && batch.begin_to_wait() {
        tokio::spawn(flush_later(ops.owned_event_ops(), name, batch, batching.max_delay));
    }
    flushed
}

/// Flushes a batch after a delay. While it cannot be stored, tries again after longer and longer delays.
async fn flush_later(
    ops: Arc<dyn EventOps>,
    name: String,
    batch: Arc<EventBatch>,
    mut delay: Duration,
) {
    loop {
        tokio::time::sleep(delay).await;
        batch.end_to_wait();
        let flushed = flush(&*ops, &name).await;
        log_failure(&name, &flushed);
        let still_waits = matches!(flushed, Err(InstanceError::EventsWaiting { .. }));
        if !still_waits || !batch.begin_to_wait() {
            return;
        }
        delay = delay.saturating_mul(2).clamp(Duration::from_millis(1), LONGEST_DELAY);
    }
}

/// Logs an error that no caller gets.
fn log_failure(batch: &str, outcome: &Result<(), InstanceError>) {
    if let Err(error) = outcome {
        let source = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(batch, %error, source, "events that waited could not be stored");
    }
}

/// Flushes all batches: stores every entry that waits. The batches come in any order.
///
/// Every batch is tried, even if one before it fails. The first error is returned.
///
/// # Errors
///
/// - [`InstanceError::EventsWaiting`] if entries could not be stored now. They still wait. Do not report them again.
/// - [`InstanceError::EventsIncomplete`] if entries are stored, but not all of their effects.
/// - [`InstanceError::Storage`] if the storage refuses an entry for good. That entry is dropped.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn flush_events(ops: &dyn EventOps) -> Result<(), InstanceError> {
    let mut outcome = Ok(());
    for name in ops.event_buffer().names() {
        outcome = outcome.and(flush(ops, &name).await);
    }
    outcome
}

/// Stores the entries of one batch.
async fn flush(ops: &dyn EventOps, name: &str) -> Result<(), InstanceError> {
    let Some(batch) = ops.event_buffer().get(name) else {
        return Ok(());
    };
    let (ops, name) = (ops.owned_event_ops(), name.to_owned());
    // In a task of its own: a batch also has entries of other callers, which must not be lost if this caller is dropped.
    let storing = tokio::spawn(async move {
        let _turn = batch.turn().await;
        let stored = store(&*ops, &name, &batch).await;
        ops.event_buffer().forget_if_empty(&name, &batch);
        stored
    });
    match storing.await {
        Ok(stored) => stored,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, and the entries that wait are lost with the process.
            Err(error) => Err(StorageError::Backend {
                database: "the events that wait".to_owned(),
                operation: "storing a batch",
                persistence: Persistence::Permanent,
                source: Box::new(error),
            }
            .into()),
        },
    }
}

async fn store(ops: &dyn EventOps, name: &str, batch: &EventBatch) -> Result<(), InstanceError> {
    let entries = batch.take();
    let mut parts: VecDeque<_> = of_one_run(&entries).collect();
    let (mut first, mut done) = (Ok(()), 0);
    while let Some(part) = parts.pop_front() {
        match store_and_follow(ops, part).await {
            Ok(stored) => {
                first = first.and(stored.into_result(part));
            }
            Err(source) if source.is_temporary() => {
                let left = entries.get(done..).unwrap_or_default().to_vec();
                let waiting = left.len();
                batch.put_back(left);
                log_failure(name, &first);
                return Err(InstanceError::EventsWaiting { waiting, source });
            }
            // Try the entries one by one, so that one that is refused takes no other with it.
            Err(_) if part.len() > 1 => {
                part.chunks(1).rev().for_each(|entry| parts.push_front(entry));
                continue;
            }
            Err(refused) => first = first.and(Err(refused.into())),
        }
        done += part.len();
    }
    first
}
