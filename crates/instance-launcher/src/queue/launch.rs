//! Taking one run from the queue and launching it, and what is stored if the launch fails.

use std::sync::Arc;
use std::time::Duration;

use instance_core::clock::timestamp_of;
use instance_core::code_location::{CodeLocationError, Workspace};
use instance_core::error::{BoxError, InstanceError, chain};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, ReportEngineEvent, ReportEvent,
};
use instance_core::ids::RunId;
use instance_core::launcher::{LaunchDeadline, LaunchRunContext, LaunchTimeOver, LaunchUncertain};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRunStatus;
use instance_core::storage::{Fence, GuardedEvents, GuardedOutcome, Note, Only, RecordsForRun};

use super::claim_note::{self, ClaimNote};
use super::reading::queue_config;
use crate::away::is_away;
use crate::coordinator::enqueued;
use crate::read::existing_run;

/// What an event says of a run that was taken from the queue and not launched. Attempts are counted without it.
pub(super) const RECOVERED: &str = "The daemon that took this run from the queue ended before it launched the run. The run \
                                    is in the queue again.";

/// By what runs are taken from the queue and launched.
#[derive(Clone)]
pub(super) struct Taker {
    pub(super) ops: Arc<dyn LauncherOps>,
    pub(super) workspace: Option<Arc<dyn Workspace>>,
    /// The id of the daemon.
    pub(super) by: String,
    /// What every change demands: that the daemon is the leader still.
    pub(super) fence: Option<Fence>,
    /// How long a launch may take.
    pub(super) launch_timeout: Duration,
}

/// What became of a claim.
#[derive(Debug)]
pub(super) enum Claim {
    /// The run is ours to launch.
    Taken(Taken),
    /// The run is not queued any more, or its event is not stored yet: recovery goes on with it.
    Gone,
    /// Somebody else leads the queue.
    NotLeader,
}

/// A run that was taken from the queue.
#[derive(Debug)]
pub(super) struct Taken {
    run_id: RunId,
    /// The text of its note.
    note: String,
    deadline: LaunchDeadline,
}

/// What became of the launch of a run.
#[derive(Debug)]
pub(super) enum LaunchEnd {
    /// Its worker was started.
    Launched,
    /// It has gone on by itself, or was canceled.
    LeftAlone,
    /// Its code server could not be reached, and it is in the queue again.
    Queued { reason: String },
    /// It has failed. `pauses` if its code server could not be reached, and others are to wait for it.
    Failed { reason: String, pauses: bool },
    /// Nobody knows whether its worker was started. Its note stays for recovery.
    Unknown { reason: String },
}

impl Taker {
    /// Takes a run from the queue: it is `STARTING` then, if it was queued still and nobody else leads the queue.
    pub(super) async fn claim(
        &self,
        run_id: &RunId,
        job_name: &str,
    ) -> Result<Claim, InstanceError> {
        let clock = self.ops.clock();
        let deadline = LaunchDeadline::after(self.launch_timeout, clock);
        let note = ClaimNote::of_this_process(&self.by, timestamp_of(clock.now())).to_text();
        let key = claim_note::key(run_id);
        let starting = DagsterEvent::new(DagsterEventType::RunStarting, job_name);
        let change = GuardedEvents::new(run_id.clone(), [DagsterRunStatus::Queued], Vec::new())
            .with_fence(self.fence.clone())
            .with_notes(vec![Note::Put { key: key.clone(), value: note.clone() }]);
        let starting = vec![ReportEvent::new(starting, run_id)];
        let taken = || Claim::Taken(Taken { run_id: run_id.clone(), note: note.clone(), deadline });
        match self.ops.report_events_if(change, starting).await {
            Ok(GuardedOutcome::Stored(stored)) => match stored.incomplete {
                None => Ok(taken()),
                Some(error) => {
                    tracing::warn!(%run_id, %error, "a run was taken from the queue, and its event is not stored");
                    Ok(Claim::Gone)
                }
            },
            Ok(GuardedOutcome::NotLeader) => Ok(Claim::NotLeader),
            Ok(_) => Ok(Claim::Gone),
            Err(error) => {
                // The connection may have been lost while the claim was committed. Its own note tells it.
                let keys = [key.clone()].into();
                let values = self.ops.daemon_store().get_cursor_values(&keys).await;
                let is_own = values.is_ok_and(|values| values.get(&key) == Some(&note));
                if is_own { Ok(taken()) } else { Err(error) }
            }
        }
    }

    /// Launches a run that was taken from the queue.
    pub(super) async fn launch(&self, taken: Taken) -> LaunchEnd {
        let run_id = &taken.run_id;
        let launched = self.try_launch(&taken).await;
        let end = match launched {
            Ok(()) => LaunchEnd::Launched,
            Err(error) if is_unknown(&error) => {
                let reason = chain(&*error);
                tracing::warn!(%run_id, reason, "whether the worker of a run was started is not known");
                LaunchEnd::Unknown { reason }
            }
            Err(error) => match self.store_failure(run_id, &error).await {
                Ok(end) => end,
                Err(second) => {
                    tracing::error!(%run_id, %error, %second, "the failure of a launch is not stored");
                    LaunchEnd::Unknown { reason: chain(&*error) }
                }
            },
        };
        if matches!(end, LaunchEnd::Launched | LaunchEnd::LeftAlone) {
            self.forget(&claim_note::key(run_id), &taken.note).await;
        }
        end
    }

    async fn try_launch(&self, taken: &Taken) -> Result<(), BoxError> {
        let run = existing_run(&*self.ops, &taken.run_id).await?;
        let left = taken.deadline.left(self.ops.clock()).ok_or(LaunchTimeOver)?;
        let context = LaunchRunContext::new(run, Arc::clone(&self.ops))
            .with_workspace(self.workspace.clone())
            .with_deadline(taken.deadline);
        let launched =
            tokio::time::timeout(left, self.ops.run_launcher().launch_run(context)).await;
        if let Ok(launched) = launched {
            launched
        } else {
            let seconds = self.launch_timeout.as_secs();
            Err(Box::new(LaunchUncertain(
                format!("the launch has not ended within {seconds} seconds").into(),
            )))
        }
    }

    /// Deletes a note, if it is this one still. One that stays is found by recovery.
    pub(super) async fn forget(&self, key: &str, note: &str) {
        let deleted = self.ops.daemon_store().change_cursor_value(key, Some(note), None).await;
        if let Err(error) = deleted {
            tracing::warn!(key, %error, "the note of a launch that has ended stays");
        }
    }

    /// Stores that a run could not be launched: it has failed, or is in the queue again.
    async fn store_failure(
        &self,
        run_id: &RunId,
        error: &BoxError,
    ) -> Result<LaunchEnd, InstanceError> {
        let run = existing_run(&*self.ops, run_id).await?;
        let config = queue_config(&*self.ops)?;
        let most = config.coordinator.max_user_code_failure_retries;
        let is_unreachable = is_unreachable(&**error);
        let reason = chain(&**error);
        let report = |message: String, class: &str| {
            let info = SerializableErrorInfo::from_error(class, &**error);
            let data = EngineEventData::engine_error(info);
            ReportEngineEvent::new(&run, message).with_data(data).into_report()
        };
        // The texts are Dagster's.
        let (reports, end) = if is_unreachable && most != 0 {
            let class = "DagsterUserCodeUnreachableError";
            let left = most - self.attempts(run_id).await?;
            if left > 0 {
                let retries = if left == 1 { "retry" } else { "retries" };
                let message = format!(
                    "Run dequeue failed to reach the user code server, re-submitting the run into the queue ({left} \
                     {retries} remaining)"
                );
                let again = ReportEvent::new(enqueued(&run), run_id);
                (vec![report(message, class)?, again], LaunchEnd::Queued { reason })
            } else {
                let message = format!(
                    "Run dequeue failed to reach the user code server after {most} attempts, failing run"
                );
                let failed = ReportEvent::run_failed(&run, None, None);
                (vec![report(message, class)?, failed], LaunchEnd::Failed { reason, pauses: true })
            }
        } else {
            let message = "Caught an unrecoverable error while dequeuing the run. Marking the run as failed and \
                           dropping it from the queue";
            let class =
                if is_unreachable { "DagsterUserCodeUnreachableError" } else { "LaunchError" };
            let failed = ReportEvent::run_failed(&run, None, None);
            let reports = vec![report(message.to_owned(), class)?, failed];
            (reports, LaunchEnd::Failed { reason, pauses: false })
        };
        let from = [DagsterRunStatus::Queued, DagsterRunStatus::Starting];
        let change = GuardedEvents::new(run_id.clone(), from, Vec::new())
            .with_fence(self.fence.clone())
            .with_notes(vec![Note::Delete { key: claim_note::key(run_id) }]);
        match self.ops.report_events_if(change, reports).await? {
            GuardedOutcome::Stored(_) => {
                tracing::warn!(%run_id, error = %chain(&**error), "a run from the queue could not be launched");
                Ok(end)
            }
            // Its worker has started after all, or it was canceled.
            GuardedOutcome::OtherStatus(status) => {
                tracing::info!(%run_id, ?status, %error, "a launch has failed, and the run has gone on");
                Ok(LaunchEnd::LeftAlone)
            }
            _ => Ok(LaunchEnd::Unknown { reason: "somebody else leads the queue".to_owned() }),
        }
    }

    /// How often a run went back into the queue as its code server could not be reached.
    async fn attempts(&self, run_id: &RunId) -> Result<i64, InstanceError> {
        let types = [DagsterEventType::RunEnqueued, DagsterEventType::EngineEvent];
        let query = RecordsForRun::new(run_id.clone()).with_of_types(Only::these(types));
        let found = self.ops.event_store().get_records_for_run(&query).await?;
        let (mut enqueued, mut recovered) = (0_i64, 0_i64);
        for record in &found.records {
            let entry = &record.event_log_entry;
            if entry.event_type() == Some(DagsterEventType::RunEnqueued) {
                enqueued += 1;
            } else if entry.message() == RECOVERED {
                recovered += 1;
            }
        }
        Ok((enqueued - 1 - recovered).max(0))
    }
}

/// Whether an error leaves open if a worker was started, or if it will be.
fn is_unknown(error: &BoxError) -> bool {
    error.is::<LaunchUncertain>() || error.is::<LaunchTimeOver>()
}

/// Whether the code server of a run could not be reached, or its code could not be loaded: both may pass.
fn is_unreachable(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<CodeLocationError>() {
            return is_away(error);
        }
        next = error.source();
    }
    false
}
