//! The execution of a command: from its start until it has ended and its output is closed.

use std::time::Duration;

use instance_core::command::CommandSpec;
use instance_core::error::InstanceError;
use instance_core::storage::{ComputeIoType, ComputeLogCapture};
use tokio::io::AsyncRead;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::Instant;

use super::command::{RunningCommand, StopSignal};
use super::outcome::CommandOutcome;
use super::output::{Tail, capture};
use super::pipes::{OpenedPipes, Told};
use super::worker::Worker;

/// How long output may stay open after the command has ended, until an event of the run says why the run goes on.
const NOTICE_AFTER: Duration = Duration::from_secs(1);

/// How long output is still read after all processes were stopped that could be stopped.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a command may take to stop, until it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The result of executing a command.
pub(super) struct Executed {
    pub(super) outcome: CommandOutcome,
    /// The end of what it printed on standard error.
    pub(super) stderr: Tail,
    pub(super) stop_requested: bool,
    pub(super) failure: Failure,
    /// What it has told by Pipes.
    pub(super) told: Told,
}

impl Executed {
    fn of(outcome: CommandOutcome) -> Self {
        Self {
            outcome,
            stderr: Tail::default(),
            stop_requested: false,
            failure: Failure::default(),
            told: Told::default(),
        }
    }
}

/// The first error of storing a part of the run. The command goes on after such an error.
#[derive(Debug, Default)]
pub(super) struct Failure(pub(super) Option<InstanceError>);

impl Failure {
    pub(super) fn keep(&mut self, result: Result<(), InstanceError>) {
        if let Err(error) = result {
            tracing::warn!(%error, "a part of the run is not recorded");
            self.0.get_or_insert(error);
        }
    }
}

/// The moments at which the worker does something; `None` means never.
#[derive(Debug, Default)]
struct Moments {
    /// Kill the command if it has not stopped.
    kill: Option<Instant>,
    /// Report that output is held open.
    notice: Option<Instant>,
    /// Stop reading.
    give_up: Option<Instant>,
}

impl Moments {
    /// Stops reading after this time at the latest.
    fn give_up_after(&mut self, timeout: Duration) {
        let moment = Instant::now() + timeout;
        self.give_up = Some(self.give_up.map_or(moment, |earlier| earlier.min(moment)));
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
    /// Executes the command.
    pub(super) async fn execute(
        &self,
        command: &CommandSpec,
        stops: &mut UnboundedReceiver<StopSignal>,
        log: &dyn ComputeLogCapture,
        pipes: Option<OpenedPipes>,
    ) -> Executed {
        let events = self.events();
        let OpenedPipes { pipes, variables, splitter } = pipes.unwrap_or_default();
        let shares_terminal = self.options.shares_terminal;
        let started =
            RunningCommand::start(command, &self.run, shares_terminal, variables.as_ref());
        let mut running = match started {
            Ok(running) => running,
            Err(outcome) => return Executed::of(outcome),
        };
        let mut failure = Failure::default();
        failure.keep(self.report(events.command_started(command.program(), &running)).await);

        let (mut stdout, mut stderr) = (running.child.stdout.take(), running.child.stderr.take());
        let mut stderr_tail = Tail::default();
        let sink = self.options.output.as_ref();
        let mut capturing = Box::pin(async {
            tokio::join!(
                capture(stdout.as_mut(), ComputeIoType::Stdout, log, sink, None, None),
                capture(
                    stderr.as_mut(),
                    ComputeIoType::Stderr,
                    log,
                    sink,
                    Some(&mut stderr_tail),
                    splitter
                ),
            )
        });
        let (is_over, over) = watch::channel(false);
        let mut following = Box::pin(async {
            match pipes {
                Some(pipes) => pipes.follow(self, log, sink, over).await,
                None => Told::default(),
            }
        });
        let mut told = None;
        let mut outcome = None;
        let mut captured = None;
        let mut stop_requested = false;
        let mut moments = Moments::default();
        while outcome.is_none() || captured.is_none() {
            tokio::select! {
                ended = running.child.wait(), if outcome.is_none() => {
                    outcome = Some(CommandOutcome::of(ended));
                    moments.notice = Some(Instant::now() + NOTICE_AFTER);
                    if let Some(timeout) = self.options.output_timeout {
                        moments.give_up_after(timeout);
                    }
                    if stop_requested && !running.has_left_processes() {
                        moments.give_up_after(DRAIN_TIMEOUT);
                    }
                }
                both = &mut capturing, if captured.is_none() => captured = Some(both),
                all = &mut following, if told.is_none() => told = Some(all),
                Some(signal) = stops.recv() => {
                    let is_received = running.signal(signal);
                    if outcome.is_some() && (!is_received || signal == StopSignal::Kill) {
                        moments.give_up_after(DRAIN_TIMEOUT);
                    }
                    moments.kill.get_or_insert(Instant::now() + STOP_TIMEOUT);
                    if !std::mem::replace(&mut stop_requested, true) {
                        // The worker reports it, so that the report of the end comes after it.
                        failure.keep(self.report(events.run_canceling()).await);
                    }
                }
                () = at(moments.kill) => {
                    running.signal(StopSignal::Kill);
                    moments.kill = None;
                    if outcome.is_some() {
                        moments.give_up_after(DRAIN_TIMEOUT);
                    }
                }
                () = at(moments.notice) => {
                    moments.notice = None;
                    failure.keep(self.report(events.output_is_held()).await);
                }
                () = at(moments.give_up) => break,
            }
        }
        drop(capturing);
        // Nobody waits for the receiver if everything is told.
        let _ = is_over.send(true);
        let mut told = match told {
            Some(told) => told,
            None => following.await,
        };
        failure.keep(std::mem::take(&mut told.failure).0.map_or(Ok(()), Err));
        if let Some((stdout, stderr)) = captured {
            failure.keep(stdout.map_err(InstanceError::from));
            failure.keep(stderr.map_err(InstanceError::from));
        } else {
            failure.keep(self.report(events.output_is_given_up()).await);
            // The output is read further: a closed pipe would kill the processes that write to it.
            tokio::spawn(async { tokio::join!(throw_away(stdout), throw_away(stderr)) });
        }
        let outcome = outcome.unwrap_or(CommandOutcome::Skipped);
        Executed { outcome, stderr: stderr_tail, stop_requested, failure, told }
    }
}

/// Reads an output to its end.
async fn throw_away(output: Option<impl AsyncRead + Unpin>) {
    if let Some(mut output) = output {
        // An error does not matter, because nobody waits for this output.
        let _ = tokio::io::copy(&mut output, &mut tokio::io::sink()).await;
    }
}
