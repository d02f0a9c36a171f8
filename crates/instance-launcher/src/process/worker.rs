//! The worker of a run: executes the command and reports what happens.

use std::sync::Arc;
use std::time::Duration;

use instance_core::clock::timestamp_of;
use instance_core::command::CommandSpec;
use instance_core::error::InstanceError;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{DagsterEvent, ErrorSource, EventLogEntry, LogLevel};
use instance_core::launcher::LaunchRunContext;
use instance_core::ops::RunWorkerOps;
use instance_core::run::DagsterRun;
use instance_core::storage::{ComputeIoType, ComputeLogCapture, ComputeLogKey};
use instance_core::tags;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::command::{RunningCommand, StopSignal};
use super::events::RunEvents;
use super::outcome::{CommandOutcome, RunOutcome};
use super::output::{OutputSink, Tail, capture};

/// How long output is still read after the command's end, while other processes hold it open.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a command may take to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Worker {
    run: DagsterRun,
    instance: Arc<dyn RunWorkerOps>,
    command: CommandSpec,
    output: Option<OutputSink>,
    shares_terminal: bool,
}

/// What a command left behind.
struct Executed {
    outcome: CommandOutcome,
    stderr: Tail,
    stop_requested: bool,
    failure: Failure,
}

impl Executed {
    fn of(outcome: CommandOutcome) -> Self {
        Self {
            outcome,
            stderr: Tail::default(),
            stop_requested: false,
            failure: Failure::default(),
        }
    }
}

/// The first thing that could not be stored. The command goes on, whatever happens to its record.
#[derive(Debug, Default)]
struct Failure(Option<InstanceError>);

impl Failure {
    fn keep(&mut self, result: Result<(), InstanceError>) {
        if let Err(error) = result {
            tracing::warn!(%error, "a part of the run is not recorded");
            self.0.get_or_insert(error);
        }
    }
}

/// Waits until a moment; for ever if there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

impl Worker {
    pub(super) fn new(
        context: LaunchRunContext,
        command: CommandSpec,
        output: Option<OutputSink>,
        shares_terminal: bool,
    ) -> Self {
        Self {
            run: context.dagster_run,
            instance: context.instance,
            command,
            output,
            shares_terminal,
        }
    }

    /// Executes the run to its end.
    pub(super) async fn run(&self, mut stops: UnboundedReceiver<StopSignal>) -> RunOutcome {
        let events = RunEvents::new(&self.run);
        if stops.try_recv().is_ok() {
            let reported = self.report(events.run_canceled(None)).await;
            return outcome(CommandOutcome::Skipped, true, reported.err());
        }
        let log = match self.begin(&events).await {
            Ok(log) => log,
            // Nobody would see what a command does whose run cannot be stored.
            Err(error) => return outcome(CommandOutcome::Skipped, false, Some(error)),
        };
        let started_at = self.instance.clock().now();
        let mut executed = self.execute(&events, &mut stops, log.as_ref()).await;
        let duration = self.instance.clock().now().signed_duration_since(started_at);
        executed.failure.keep(log.complete().await.map_err(InstanceError::from));
        let reported = self.end(&events, &executed, duration.as_seconds_f64() * 1_000.0).await;
        executed.failure.keep(reported);
        outcome(executed.outcome, executed.stop_requested, executed.failure.0)
    }

    async fn begin(
        &self,
        events: &RunEvents<'_>,
    ) -> Result<Box<dyn ComputeLogCapture>, InstanceError> {
        self.report(events.run_start()).await?;
        let file_key = self.instance.ids().log_file_key();
        let log_key = ComputeLogKey::for_run(&self.run.run_id, &file_key);
        let log = self.instance.compute_log_manager().capture_logs(&log_key).await?;
        self.report(events.logs_captured(&file_key)).await?;
        self.report(events.step_start()).await?;
        Ok(log)
    }

    async fn execute(
        &self,
        events: &RunEvents<'_>,
        stops: &mut UnboundedReceiver<StopSignal>,
        log: &dyn ComputeLogCapture,
    ) -> Executed {
        let started = RunningCommand::start(&self.command, &self.run, self.shares_terminal);
        let mut command = match started {
            Ok(command) => command,
            Err(outcome) => return Executed::of(outcome),
        };
        let mut failure = Failure::default();
        let (program, pid) = (self.command.program(), command.pid);
        failure.keep(self.report(events.command_started(program, pid)).await);

        let (stdout, stderr) = (command.child.stdout.take(), command.child.stderr.take());
        let mut stderr_tail = Tail::default();
        let sink = self.output.as_ref();
        let mut capturing = Box::pin(async {
            tokio::join!(
                capture(stdout, ComputeIoType::Stdout, log, sink, None),
                capture(stderr, ComputeIoType::Stderr, log, sink, Some(&mut stderr_tail)),
            )
        });
        let mut captured = None;
        let mut stop_requested = false;
        let mut kill_at = None;
        let outcome = loop {
            tokio::select! {
                ended = command.child.wait() => break CommandOutcome::of(ended),
                both = &mut capturing, if captured.is_none() => captured = Some(both),
                Some(signal) = stops.recv() => {
                    command.signal(signal);
                    kill_at.get_or_insert(Instant::now() + STOP_TIMEOUT);
                    if !std::mem::replace(&mut stop_requested, true) {
                        // Reported by the worker, so that the report of the end comes behind it.
                        failure.keep(self.report(events.run_canceling()).await);
                    }
                }
                () = at(kill_at) => {
                    command.signal(StopSignal::Kill);
                    kill_at = None;
                }
            }
        };
        if captured.is_none() {
            captured = tokio::time::timeout(DRAIN_TIMEOUT, &mut capturing).await.ok();
        }
        drop(capturing);
        if let Some((stdout, stderr)) = captured {
            failure.keep(stdout.map_err(InstanceError::from));
            failure.keep(stderr.map_err(InstanceError::from));
        }
        Executed { outcome, stderr: stderr_tail, stop_requested, failure }
    }

    async fn end(
        &self,
        events: &RunEvents<'_>,
        executed: &Executed,
        duration_ms: f64,
    ) -> Result<(), InstanceError> {
        if executed.stop_requested {
            let error = self.error_info(executed, "CommandInterrupted");
            self.report(events.step_failure(error.clone(), ErrorSource::Interrupt)).await?;
            return self.report(events.run_canceled(Some(error))).await;
        }
        if !executed.outcome.is_success() {
            let error = self.error_info(executed, "CommandFailed");
            let step_failure = events.step_failure(error.clone(), ErrorSource::UserCodeError);
            self.report(step_failure.clone()).await?;
            return self.report(events.run_failure(error, step_failure)).await;
        }
        let plan = match &self.run.execution_plan_snapshot_id {
            Some(id) => self.instance.snapshot_store().get_execution_plan_snapshot(id).await?,
            None => None,
        };
        for output in plan.iter().flat_map(|plan| &plan.steps).flat_map(|step| &step.outputs) {
            self.report(events.step_output(&output.name)).await?;
            let Some(properties) = &output.properties else {
                continue;
            };
            if let Some(asset_key) = &properties.asset_key {
                let partition = self
                    .run
                    .tags
                    .get(tags::PARTITION)
                    .filter(|_| properties.is_asset_partitioned == Some(true));
                self.report(events.materialization(asset_key, partition.cloned())).await?;
            }
        }
        self.report(events.step_success(duration_ms)).await?;
        self.report(events.run_success()).await
    }

    fn error_info(&self, executed: &Executed, cls_name: &str) -> SerializableErrorInfo {
        let message =
            format!("The command {:?} {}\n", self.command.program(), executed.outcome.reason());
        let info = SerializableErrorInfo::new(cls_name, message);
        let stderr = executed.stderr.text();
        if stderr.trim().is_empty() {
            return info;
        }
        info.caused_by(SerializableErrorInfo::new("stderr", stderr))
    }

    async fn report(&self, event: DagsterEvent) -> Result<(), InstanceError> {
        let timestamp = timestamp_of(self.instance.clock().now());
        let user_message = event.message.clone().unwrap_or_default();
        let entry = EventLogEntry {
            user_message,
            ..EventLogEntry::of_event(event, self.run.run_id.clone(), LogLevel::DEBUG, timestamp)
        };
        self.instance.handle_new_event(entry.into()).await
    }
}

fn outcome(command: CommandOutcome, canceled: bool, error: Option<InstanceError>) -> RunOutcome {
    RunOutcome { command, canceled, error: error.map(Arc::new) }
}
