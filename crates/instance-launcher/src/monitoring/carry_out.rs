//! Doing what was decided about a run. Each change goes from the status that was judged, and only while its writer is the
//! leader.

use std::collections::BTreeSet;

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{EngineEventData, ReportEngineEvent, ReportEvent};
use instance_core::launcher::{CheckRunHealthResult, WorkerStatus};
use instance_core::ops::{EventReporterExt, KeeperOps};
use instance_core::run::{DagsterRun, DagsterRunStatus, RunRecord};
use instance_core::storage::{Fence, GuardedEvents, GuardedOutcome, Note};

use super::decide::MonitorAction;
use super::facts::in_time;
use super::resuming::{self, RESUMING};
use crate::health::debug_info;
use crate::lifecycle::{resume, terminate};
use crate::read::existing_run;
use crate::report::{start_timed_out, start_timeout_message};

/// The statuses of a run that was launched and has not ended.
const UNFINISHED: [DagsterRunStatus; 4] = [
    DagsterRunStatus::Starting,
    DagsterRunStatus::Started,
    DagsterRunStatus::Suspended,
    DagsterRunStatus::Canceling,
];

/// Does what was decided about a run. Nothing happens if its status is another one by now.
pub(super) async fn carry_out(
    ops: &dyn KeeperOps,
    record: &RunRecord,
    action: MonitorAction,
    fence: Option<&Fence>,
) -> Result<(), InstanceError> {
    let judged = Judged { ops, run: &record.dagster_run, fence };
    match action {
        MonitorAction::LeaveAlone => Ok(()),
        MonitorAction::FailToStart { seconds } => {
            let message = judged.with_debug_info(start_timeout_message(seconds), true).await;
            judged.report(start_timed_out(judged.run, message)).await
        }
        MonitorAction::CancelAtLast { seconds } => {
            let message =
                format!("Run timed out due to taking longer than {seconds} seconds to cancel.");
            let message = judged.with_debug_info(message, true).await;
            judged.report(ReportEvent::run_canceled(judged.run, Some(message))).await
        }
        MonitorAction::Resume { attempt, health } => judged.resume(attempt, &health).await,
        MonitorAction::FailLostWorker { health, surpassed } => {
            judged.fail_lost_worker(&health, surpassed).await
        }
        MonitorAction::StopForRuntime { seconds } => judged.stop_for_runtime(seconds).await,
    }
}

/// A run as it was judged, and who acts.
struct Judged<'a> {
    ops: &'a dyn KeeperOps,
    run: &'a DagsterRun,
    fence: Option<&'a Fence>,
}

impl Judged<'_> {
    /// Stores an event if the run still has the status that was judged.
    async fn report(&self, report: ReportEvent) -> Result<(), InstanceError> {
        self.report_from([self.run.status], report, Vec::new()).await.map(drop)
    }

    /// Stores an event, with notes, if the run has one of these statuses; says what became of it.
    async fn report_from(
        &self,
        from: impl IntoIterator<Item = DagsterRunStatus>,
        report: ReportEvent,
        notes: Vec<Note>,
    ) -> Result<Reported, InstanceError> {
        let change = GuardedEvents::new(self.run.run_id.clone(), from, Vec::new())
            .with_fence(self.fence.cloned())
            .with_notes(notes);
        match self.ops.report_events_if(change, vec![report]).await? {
            GuardedOutcome::Stored(stored) => match stored.incomplete {
                None => Ok(Reported::Stored),
                Some(source) => {
                    let run_id = self.run.run_id.clone();
                    Err(InstanceError::EventsIncomplete { run_id, source })
                }
            },
            GuardedOutcome::NoteExists { .. } => Ok(Reported::NoteExists),
            other => {
                tracing::info!(run_id = %self.run.run_id, outcome = ?other, "the run is left alone: it is not as it was judged");
                Ok(Reported::Refused)
            }
        }
    }

    /// The message with what the launcher knows about the worker, if it knows anything.
    async fn with_debug_info(&self, mut message: String, with_logs: bool) -> String {
        let asked = debug_info(self.ops, self.run, with_logs);
        match in_time(self.run, "tell about its worker", asked).await {
            Ok(Some(info)) => {
                message.push('\n');
                message.push_str(&info);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "nothing is known about the worker"),
        }
        message
    }

    async fn fail_lost_worker(
        &self,
        health: &CheckRunHealthResult,
        surpassed: Option<i64>,
    ) -> Result<(), InstanceError> {
        let run_id = &self.run.run_id;
        let ending = match surpassed {
            None => ".".to_owned(),
            Some(attempts) => format!(
                ", because it has surpassed the configured maximum attempts to resume the run: {attempts}."
            ),
        };
        let mut message =
            format!("Detected run worker status {health}. Marking run {run_id} as failed{ending}");
        if health.status == WorkerStatus::Failed {
            message = self.with_debug_info(message, false).await;
        }
        self.report(ReportEvent::run_failed(self.run, Some(message), None)).await
    }

    /// Has another worker started. A status does not tell whether somebody else does so at this moment, so a note does.
    async fn resume(
        &self,
        attempt: u32,
        health: &CheckRunHealthResult,
    ) -> Result<(), InstanceError> {
        let run_id = &self.run.run_id;
        let message = format!(
            "Detected run worker status {health}. Resuming run {run_id} with a new worker."
        );
        let report = ReportEngineEvent::new(self.run, message).into_report()?;
        let now = timestamp_of(self.ops.clock().now());
        let (key, value) = (resuming::key(run_id, attempt), resuming::value(now));
        let note = if resuming::is_stale(self.ops, &key, now).await? {
            Note::Put { key, value }
        } else {
            Note::PutNew { key, value }
        };
        let stored = self.report_from([DagsterRunStatus::Started], report, vec![note]).await?;
        if stored != Reported::Stored {
            return Ok(());
        }
        if timestamp_of(self.ops.clock().now()) - now > RESUMING {
            // This process was stopped meanwhile, and somebody else may have taken the note for one that is left.
            tracing::warn!(%run_id, attempt, "too late to resume the run");
            return Ok(());
        }
        resume(self.ops, run_id, attempt).await.map(drop)
    }

    async fn stop_for_runtime(&self, seconds: f64) -> Result<(), InstanceError> {
        // As Python makes an integer of it, which has no zero below zero.
        let shown = seconds.trunc() + 0.0;
        let message = format!("Canceling due to exceeding maximum runtime of {shown} seconds.");
        let canceling = ReportEvent::run_canceling(self.run, Some(message));
        let stored = self.report_from([self.run.status], canceling, Vec::new()).await?;
        if stored != Reported::Stored {
            return Ok(());
        }
        let run = existing_run(self.ops, &self.run.run_id).await?;
        let stopped = match in_time(&run, "stop its worker", terminate(self.ops, run.clone())).await
        {
            Ok(stopped) => stopped,
            Err(error) => Err(error),
        };
        // It was asked to stop because of its runtime, so it has failed, even if its worker says that it is canceled.
        let from: BTreeSet<_> =
            UNFINISHED.into_iter().chain([DagsterRunStatus::Canceled]).collect();
        match stopped {
            Ok(true) => {
                let message = format!("Exceeded maximum runtime of {shown} seconds.");
                let failed = ReportEvent::run_failed(&run, Some(message), None);
                self.report_from(from, failed, Vec::new()).await?;
            }
            Ok(false) => {}
            Err(error) => {
                let message = "Exception while attempting to terminate run. Run will still be marked as failed.";
                let info = SerializableErrorInfo::from_error("TerminateError", &error);
                let data = EngineEventData::engine_error(info);
                let report = ReportEngineEvent::new(&run, message).with_data(data).into_report()?;
                self.report_from(from, report, Vec::new()).await?;
            }
        }
        let message = "This job is being forcibly marked as failed. The computational resources created by the run may \
                       not have been fully cleaned up.";
        let forced = ReportEvent::run_failed(&run, Some(message.to_owned()), None);
        self.report_from(UNFINISHED, forced, Vec::new()).await.map(drop)
    }
}

/// What became of a report on conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reported {
    Stored,
    /// Somebody else does the same.
    NoteExists,
    /// The run has another status, or somebody else is the leader.
    Refused,
}
