//! The worker of a run: it executes the command and reports the events of the run.

use std::sync::Arc;

use instance_core::asset_key::AssetKey;
use instance_core::clock::timestamp_of;
use instance_core::command::CommandSpec;
use instance_core::error::InstanceError;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    AssetMaterialization, DagsterEvent, ErrorSource, EventLogEntry, LogLevel,
};
use instance_core::ops::RunWorkerOps;
use instance_core::run::DagsterRun;
use instance_core::snap::ExecutionPlanSnapshot;
use instance_core::storage::{ComputeLogCapture, ComputeLogKey};
use instance_core::tags;
use tokio::sync::mpsc::UnboundedReceiver;

use super::Options;
use super::command::StopSignal;
use super::events::RunEvents;
use super::execution::Executed;
use super::outcome::{CommandOutcome, RunOutcome};
use super::pipes::{OpenedPipes, Pipes, Told};

pub(super) struct Worker {
    pub(super) run: DagsterRun,
    pub(super) options: Options,
    pub(super) instance: Arc<dyn RunWorkerOps>,
    command: CommandSpec,
}

impl Worker {
    pub(super) fn new(
        run: DagsterRun,
        instance: Arc<dyn RunWorkerOps>,
        command: CommandSpec,
        options: Options,
    ) -> Self {
        Self { run, options, instance, command }
    }

    /// Executes the run to its end. When this returns, the run has ended, unless its end could not be stored.
    pub(super) async fn run_to_its_end(
        self: Arc<Self>,
        stops: UnboundedReceiver<StopSignal>,
    ) -> RunOutcome {
        let worker = Arc::clone(&self);
        // In a task of its own, so that a panic, for instance of an output sink, ends the run as failed.
        match tokio::spawn(async move { worker.run(stops).await }).await {
            Ok(outcome) => outcome,
            Err(source) => {
                let run_id = self.run.run_id.clone();
                let error = InstanceError::Worker { run_id, source: Box::new(source) };
                self.end_as_failed(&error).await;
                outcome(CommandOutcome::Skipped, false, Some(error))
            }
        }
    }

    async fn run(&self, mut stops: UnboundedReceiver<StopSignal>) -> RunOutcome {
        if stops.try_recv().is_ok() {
            let reported = self.report(self.events().run_canceled(None)).await;
            return outcome(CommandOutcome::Skipped, true, reported.err());
        }
        let (log, pipes) = match self.begin().await {
            Ok(begun) => begun,
            // The command is not started: nobody would see what it does, since its run cannot be stored.
            Err(error) => {
                self.end_as_failed(&error).await;
                return outcome(CommandOutcome::Skipped, false, Some(error));
            }
        };
        let started_at = self.instance.clock().now();
        let mut executed = self.execute(&self.command, &mut stops, log.as_ref(), pipes).await;
        let duration = self.instance.clock().now().signed_duration_since(started_at);
        executed.failure.keep(log.complete().await.map_err(InstanceError::from));
        if let Some(error) = &executed.failure.0 {
            let info = SerializableErrorInfo::from_error("WorkerError", error);
            let reported = self.report(self.events().not_recorded(info)).await;
            executed.failure.keep(reported);
        }
        let reported = self.end(&executed, duration.as_seconds_f64() * 1_000.0).await;
        executed.failure.keep(reported);
        outcome(executed.outcome, executed.stop_requested, executed.failure.0)
    }

    async fn begin(
        &self,
    ) -> Result<(Box<dyn ComputeLogCapture>, Option<OpenedPipes>), InstanceError> {
        let events = self.events();
        self.report(events.run_start()).await?;
        let pipes = match &self.options.pipes {
            Some(options) => Some(Pipes::open(options, &self.run, &self.planned_assets().await?)?),
            None => None,
        };
        let file_key = self.instance.ids().log_file_key();
        let log_key = ComputeLogKey::for_run(&self.run.run_id, &file_key);
        let log = self.instance.compute_log_manager().capture_logs(&log_key).await?;
        let reported = async {
            self.report(events.logs_captured(&file_key, log.context())).await?;
            self.report(events.step_start()).await
        };
        match reported.await {
            Ok(()) => Ok((log, pipes)),
            Err(error) => {
                // Nothing will be captured. Complete the capture, so that its followers end. The first error counts.
                let _ = log.complete().await;
                Err(error)
            }
        }
    }

    /// Reports how the run ended. The end is reported even if something before it could not be.
    async fn end(&self, executed: &Executed, duration_ms: f64) -> Result<(), InstanceError> {
        let events = self.events();
        if executed.stop_requested {
            let error = self.error_info(executed, "CommandInterrupted");
            let step_failure = events.step_failure(error.clone(), ErrorSource::Interrupt);
            let of_step = self.report(step_failure).await;
            return of_step.and(self.report(events.run_canceled(Some(error))).await);
        }
        if !executed.outcome.is_success() {
            let error = self.error_info(executed, "CommandFailed");
            let step_failure = events.step_failure(error.clone(), ErrorSource::UserCodeError);
            let of_step = self.report(step_failure.clone()).await;
            return of_step.and(self.report(events.run_failure(error, step_failure)).await);
        }
        match self.report_outputs(&executed.told).await {
            // The events are stored, or wait for the next attempt.
            Ok(())
            | Err(InstanceError::EventsWaiting { .. } | InstanceError::EventsIncomplete { .. }) => {
                let of_step = self.report(events.step_success(duration_ms)).await;
                of_step.and(self.report(events.run_success()).await)
            }
            // Nobody knows what the command has made, so the run has failed.
            Err(error) => {
                let info = SerializableErrorInfo::from_error("WorkerError", &error);
                let step_failure = events.step_failure(info, ErrorSource::FrameworkError);
                let of_step = self.report(step_failure).await;
                self.end_as_failed(&error).await;
                of_step.and(Err(error))
            }
        }
    }

    /// The plan of the run; `None` if it has none.
    async fn plan(&self) -> Result<Option<ExecutionPlanSnapshot>, InstanceError> {
        Ok(match &self.run.execution_plan_snapshot_id {
            Some(id) => self.instance.snapshot_store().get_execution_plan_snapshot(id).await?,
            None => None,
        })
    }

    /// The assets that the command is going to materialise.
    async fn planned_assets(&self) -> Result<Vec<AssetKey>, InstanceError> {
        let plan = self.plan().await?;
        let outputs = plan.iter().flat_map(|plan| &plan.steps).flat_map(|step| &step.outputs);
        let properties = outputs.filter_map(|output| output.properties.as_ref());
        Ok(properties.filter_map(|properties| properties.asset_key.clone()).collect())
    }

    /// Reports what a command that succeeded has made, as the plan says, but for what it has reported itself.
    async fn report_outputs(&self, told: &Told) -> Result<(), InstanceError> {
        let events = self.events();
        let plan = self.plan().await?;
        let mut reported = Ok(());
        for output in plan.iter().flat_map(|plan| &plan.steps).flat_map(|step| &step.outputs) {
            let properties = output.properties.as_ref();
            if properties.is_some_and(|properties| properties.asset_check_key.is_some()) {
                // Only the command knows how a check went. One that it did not report was not evaluated.
                continue;
            }
            reported = reported.and(self.report(events.step_output(&output.name)).await);
            let Some(properties) = properties else {
                continue;
            };
            if let Some(asset_key) = &properties.asset_key
                && !told.materialized.contains(asset_key)
            {
                let partition = self
                    .run
                    .tags
                    .get(tags::PARTITION)
                    .filter(|_| properties.is_asset_partitioned == Some(true));
                let materialization =
                    AssetMaterialization::new(asset_key.clone(), partition.cloned());
                let event = events.materialization(materialization);
                reported = reported.and(self.report(event).await);
            }
        }
        reported
    }

    /// Reports the failure of a run that failed outside of its command.
    async fn end_as_failed(&self, error: &InstanceError) {
        let info = SerializableErrorInfo::from_error("WorkerError", error);
        if let Err(second) = self.report(self.events().worker_failure(info)).await {
            let run_id = &self.run.run_id;
            tracing::error!(%run_id, %error, %second, "the failure of a run could not be reported");
        }
    }

    fn error_info(&self, executed: &Executed, cls_name: &str) -> SerializableErrorInfo {
        let message =
            format!("The command {:?} {}\n", self.command.program(), executed.outcome.reason());
        let info = SerializableErrorInfo::new(cls_name, message);
        if let Some(exception) = &executed.told.exception {
            return info.caused_by((**exception).clone());
        }
        let stderr = executed.stderr.text();
        if stderr.trim().is_empty() {
            return info;
        }
        info.caused_by(SerializableErrorInfo::new("stderr", stderr))
    }

    pub(super) fn events(&self) -> RunEvents<'_> {
        RunEvents::new(&self.run)
    }

    pub(super) async fn report(&self, event: DagsterEvent) -> Result<(), InstanceError> {
        self.instance.handle_new_event(self.entry(event).into()).await
    }

    /// The entry of an event that happens now.
    pub(super) fn entry(&self, event: DagsterEvent) -> EventLogEntry {
        let timestamp = timestamp_of(self.instance.clock().now());
        let user_message = event.message.clone().unwrap_or_default();
        EventLogEntry {
            user_message,
            ..EventLogEntry::of_event(event, self.run.run_id.clone(), LogLevel::DEBUG, timestamp)
        }
    }
}

fn outcome(command: CommandOutcome, canceled: bool, error: Option<InstanceError>) -> RunOutcome {
    RunOutcome { command, canceled, error: error.map(Arc::new) }
}
