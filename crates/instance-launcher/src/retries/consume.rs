//! One look at the failures of runs: which are new, which are decided, and what is remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use instance_core::clock::timestamp_of;
use instance_core::code_location::Workspace;
use instance_core::error::InstanceError;
use instance_core::ids::{RunId, StorageId};
use instance_core::ops::{KeeperOps, RunReexecutor};

use super::cursor::{NOTHING, Settling, StoredCursors};
use super::retry::{Considered, Question, Retrying};
use crate::keepers::Lease;

/// How many failures are read at once.
const PAGE: u64 = 500;

/// How many ids before the cursor are read again by a keeper that begins: others remember what is not settled.
const BEFORE: i64 = 1_000;

/// For how many seconds a failure may stay undecided.
const PATIENCE: f64 = 600.0;

/// An event of a failure. Where ids are given again, the run tells two events of one id apart.
type Failure = (StorageId, RunId);

/// Retries failed runs, look by look. It remembers which failures behind the stored cursor are decided.
#[derive(Debug, Default)]
pub struct RetryConsumer {
    settling: Settling,
    /// The cursor that was read or stored last; `None` before the first look.
    cursor: Option<StorageId>,
    /// Whether everything up to the cursor was settled when it was last read again.
    is_caught_up: bool,
    /// The failures up to the cursor that were there before the first look. Somebody may have left them out on purpose.
    old: BTreeSet<Failure>,
    decided: BTreeSet<Failure>,
    /// Since when each failure is undecided, in seconds since 1970.
    undecided: BTreeMap<Failure, f64>,
}

/// What a look has met.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RetryLook {
    /// The runs that were created, in their order.
    pub created: Vec<RunId>,
    /// How many failures are not decided yet.
    pub undecided: usize,
    /// What went wrong with single runs. The others were looked at all the same.
    pub errors: Vec<InstanceError>,
}

impl RetryConsumer {
    /// A consumer that has not looked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at all failures that are not decided yet, and retries the runs that are to be retried. Then it stores how far
    /// everything is decided that can ever be there.
    ///
    /// With a lease, the look ends when the lease allows nothing new any more. Each run is retried once, however many try. An
    /// error with one run does not stop the look; that run is looked at again, for ten minutes.
    ///
    /// The first look of all, without a stored cursor, retries nothing that had failed before.
    ///
    /// # Errors
    ///
    /// The events or the cursors cannot be read or stored.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn look(
        &mut self,
        ops: &dyn KeeperOps,
        workspace: &Arc<dyn Workspace>,
        reexecutor: &dyn RunReexecutor,
        lease: Option<&Lease>,
    ) -> Result<RetryLook, InstanceError> {
        let mut look = RetryLook::default();
        let now = timestamp_of(ops.clock().now());
        // Before the failures are read, so that all are visible up to what is settled.
        let position = ops.settled_event_store().settled_position().await?;
        let max = position.max.unwrap_or(NOTHING);
        let greatest = position.gives_ids_again.then_some(max);
        let settled = self.settling.look(position, now);
        let stored = StoredCursors::read(ops).await?;
        let failures = self.read(ops, &stored, max, greatest, settled).await?;
        let retrying = Retrying { ops, workspace, reexecutor };
        for failure in failures {
            if lease.is_some_and(|lease| !lease.may_begin()) {
                look.undecided = self.undecided.len();
                return Ok(look);
            }
            let since = *self.undecided.entry(failure.clone()).or_insert(now);
            let question = Question {
                run_id: &failure.1,
                is_old: self.old.contains(&failure),
                is_over: now - since >= PATIENCE,
            };
            let is_decided = match Box::pin(retrying.consider(&question)).await {
                Ok(Considered::Decided { created }) => {
                    look.created.extend(created);
                    true
                }
                Ok(Considered::NotYet) => question.is_over,
                Err(error) => {
                    tracing::warn!(run_id = %failure.1, %error, "the run could not be retried now");
                    look.errors.push(error);
                    question.is_over
                }
            };
            if is_decided {
                self.undecided.remove(&failure);
                self.decided.insert(failure);
            }
        }
        look.undecided = self.undecided.len();
        self.remember(ops, &stored, settled, greatest).await?;
        Ok(look)
    }

    /// The failures that are not decided, oldest first. Without a stored cursor, those that are there are decided.
    async fn read(
        &mut self,
        ops: &dyn KeeperOps,
        stored: &StoredCursors,
        max: StorageId,
        greatest: Option<StorageId>,
        settled: Option<StorageId>,
    ) -> Result<BTreeSet<Failure>, InstanceError> {
        let is_first_look = self.cursor.is_none();
        let known = stored.failures.or(self.cursor);
        let cursor = known.map_or(max, |cursor| greatest.map_or(cursor, |most| cursor.min(most)));
        let reads_again = greatest.is_some() || !self.is_caught_up || self.cursor != Some(cursor);
        let after = if reads_again { before(cursor) } else { cursor };
        let mut failures = failures_behind(ops, after).await?;
        if is_first_look {
            let is_old = |(id, _): &&Failure| *id <= cursor;
            let old = failures.iter().filter(is_old).cloned();
            if known.is_none() { self.decided.extend(old) } else { self.old.extend(old) }
        }
        if reads_again {
            self.is_caught_up = settled.is_some_and(|settled| settled >= cursor);
        }
        self.cursor = Some(cursor);
        failures.extend(self.undecided.keys().cloned());
        failures.retain(|failure| !self.decided.contains(failure));
        Ok(failures)
    }

    /// Stores the least of what is settled and of what stands before the oldest undecided failure.
    async fn remember(
        &mut self,
        ops: &dyn KeeperOps,
        stored: &StoredCursors,
        settled: Option<StorageId>,
        greatest: Option<StorageId>,
    ) -> Result<(), InstanceError> {
        let Some(settled) = settled else {
            return Ok(());
        };
        let oldest = self.undecided.keys().next().map(|(id, _)| StorageId(id.0.saturating_sub(1)));
        let reached = oldest.map_or(settled, |oldest| settled.min(oldest));
        let cursor = self.cursor.map_or(reached, |cursor| reached.max(cursor));
        if stored.store(ops, cursor, greatest).await? {
            self.cursor = Some(cursor);
            let is_read_again = greatest.is_some() || !self.is_caught_up;
            let kept = if is_read_again { before(cursor) } else { cursor };
            self.decided.retain(|(id, _)| *id > kept);
            self.old.retain(|failure| self.undecided.contains_key(failure));
        }
        Ok(())
    }
}

/// Some ids before a position.
const fn before(cursor: StorageId) -> StorageId {
    StorageId(cursor.0.saturating_sub(BEFORE))
}

/// All failures behind a position that are visible now.
async fn failures_behind(
    ops: &dyn KeeperOps,
    after: StorageId,
) -> Result<BTreeSet<Failure>, InstanceError> {
    let (mut found, mut after) = (BTreeSet::new(), after);
    loop {
        let page = ops.settled_event_store().get_failure_ids(after, PAGE).await?;
        let is_last = (page.len() as u64) < PAGE;
        if let Some((id, _)) = page.last() {
            after = *id;
        }
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}
