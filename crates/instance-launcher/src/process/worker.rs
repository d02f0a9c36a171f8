//! The worker of a run: executes the command and reports what happens.

use std::sync::Arc;
use std::time::Duration;

use instance_core::clock::timestamp_of;
use instance_core::command::CommandSpec;
use instance_core::error::{InstanceError, StorageError};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{DagsterEvent, ErrorSource, EventLogEntry, LogLevel};
use instance_core::launcher::LaunchRunContext;
use instance_core::ops::RunWorkerOps;
use instance_core::run::DagsterRun;
use instance_core::storage::{ComputeIoType, ComputeLogCapture, ComputeLogKey};
use instance_core::tags;
use tokio::sync::mpsc::UnboundedReceiver;

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
    failure: Option<StorageError>,
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
        let executed = self.execute(&events, &mut stops, log.as_ref()).await;
        let duration = self
            .instance
            .clock()
            .now()
            .signed_duration_since(started_at);
        let completed = log.complete().await;
        let duration_ms = duration.as_seconds_f64() * 1_000.0;
        let reported = self.end(&events, &executed, duration_ms).await;
        let stored = executed
            .failure
            .map_or(Ok(()), Err)
            .and(completed)
            .map_err(InstanceError::from);
        outcome(
            executed.outcome,
            executed.stop_requested,
            reported.and(stored).err(),
        )
    }

    async fn begin(
        &self,
        events: &RunEvents<'_>,
    ) -> Result<Box<dyn ComputeLogCapture>, InstanceError> {
        self.report(events.run_start()).await?;
        let file_key = self.instance.ids().log_file_key();
        let log_key = ComputeLogKey::for_run(&self.run.run_id, &file_key);
        let log = self
            .instance
            .compute_log_manager()
            .capture_logs(&log_key)
            .await?;
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
        let mut command =
            match RunningCommand::start(&self.command, &self.run, self.shares_terminal) {
                Ok(command) => command,
                Err(outcome) => {
                    return Executed {
                        outcome,
                        stderr: Tail::default(),
                        stop_requested: false,
                        failure: None,
                    };
                }
            };
        let (stdout, stderr) = (command.child.stdout.take(), command.child.stderr.take());
        let (mut stdout_tail, mut stderr_tail) = (Tail::default(), Tail::default());
        let sink = self.output.as_ref();
        let mut captured = Box::pin(async {
            tokio::join!(
                async {
                    capture(
                        stdout?,
                        ComputeIoType::Stdout,
                        Some(log),
                        sink,
                        &mut stdout_tail,
                    )
                    .await
                },
                async {
                    capture(
                        stderr?,
                        ComputeIoType::Stderr,
                        Some(log),
                        sink,
                        &mut stderr_tail,
                    )
                    .await
                },
                // Reported meanwhile, so that a slow disk does not hold the command's output back.
                self.report(events.command_started(self.command.program(), command.pid)),
            )
        });
        let mut printed = None;
        let mut stop_requested = false;
        let mut kill_at = None;
        let outcome = loop {
            let killing = async {
                match kill_at {
                    Some(kill_at) => tokio::time::sleep_until(kill_at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = command.child.wait() => break match ended {
                    Ok(status) => CommandOutcome::of(status),
                    Err(error) => CommandOutcome::NotStarted { reason: error.to_string(), missing: false },
                },
                all = &mut captured, if printed.is_none() => printed = Some(all),
                Some(signal) = stops.recv() => {
                    stop_requested = true;
                    command.signal(signal);
                    kill_at.get_or_insert(tokio::time::Instant::now() + STOP_TIMEOUT);
                }
                () = killing => {
                    command.signal(StopSignal::Kill);
                    kill_at = None;
                }
            }
        };
        if printed.is_none() {
            printed = tokio::time::timeout(DRAIN_TIMEOUT, &mut captured)
                .await
                .ok();
        }
        drop(captured);
        let mut failure = None;
        if let Some((stdout_failure, stderr_failure, reported)) = printed {
            if let Err(error) = reported {
                tracing::warn!(run_id = %self.run.run_id, %error, "the start of the command was not reported");
            }
            failure = stdout_failure.or(stderr_failure);
        }
        Executed {
            outcome,
            stderr: stderr_tail,
            stop_requested,
            failure,
        }
    }

    async fn end(
        &self,
        events: &RunEvents<'_>,
        executed: &Executed,
        duration_ms: f64,
    ) -> Result<(), InstanceError> {
        if executed.stop_requested {
            let error = self.error_info(executed, "CommandInterrupted");
            self.report(events.step_failure(error.clone(), ErrorSource::Interrupt))
                .await?;
            return self.report(events.run_canceled(Some(error))).await;
        }
        if !executed.outcome.is_success() {
            let error = self.error_info(executed, "CommandFailed");
            let step_failure = events.step_failure(error.clone(), ErrorSource::UserCodeError);
            self.report(step_failure.clone()).await?;
            return self.report(events.run_failure(error, step_failure)).await;
        }
        let plan = self.instance.get_execution_plan_snapshot(&self.run).await?;
        for output in plan
            .iter()
            .flat_map(|plan| &plan.steps)
            .flat_map(|step| &step.outputs)
        {
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
                self.report(events.materialization(asset_key, partition.cloned()))
                    .await?;
            }
        }
        self.report(events.step_success(duration_ms)).await?;
        self.report(events.run_success()).await
    }

    fn error_info(&self, executed: &Executed, cls_name: &str) -> SerializableErrorInfo {
        let message = format!(
            "The command {:?} {}\n",
            self.command.program(),
            executed.outcome.reason()
        );
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
        self.instance.handle_new_event(entry).await
    }
}

fn outcome(command: CommandOutcome, canceled: bool, error: Option<InstanceError>) -> RunOutcome {
    RunOutcome {
        command,
        canceled,
        error: error.map(Arc::new),
    }
}
