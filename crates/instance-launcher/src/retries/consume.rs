//! One look at the failures of runs: which are new, which are decided, and what is remembered.

use std::sync::Arc;

use instance_core::clock::timestamp_of;
use instance_core::code_location::Workspace;
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::{KeeperOps, RunReexecutor};

use super::retry::{Considered, Question, Retrying};
use super::tracker::Tracker;
use crate::keepers::Lease;

/// For how many seconds a failure may stay undecided.
const PATIENCE: f64 = 600.0;

/// Retries failed runs, look by look. It remembers which failures behind the stored cursor are decided.
#[derive(Debug, Default)]
pub struct RetryConsumer {
    tracker: Tracker,
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
        let round = self.tracker.begin(ops.settled_event_store(), ops.daemon_store(), now).await?;
        let retrying = Retrying { ops, workspace, reexecutor };
        for failure in &round.failures {
            if lease.is_some_and(|lease| !lease.may_begin()) {
                look.undecided = self.tracker.undecided();
                return Ok(look);
            }
            let question = Question {
                run_id: &failure.1,
                is_old: self.tracker.is_old(failure),
                is_over: now - self.tracker.undecided_since(failure, now) >= PATIENCE,
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
                self.tracker.decide(failure.clone());
            }
        }
        look.undecided = self.tracker.undecided();
        self.tracker.end(ops.daemon_store(), &round).await?;
        Ok(look)
    }
}
