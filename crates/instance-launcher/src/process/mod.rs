//! The launcher that executes a run's command as a process of this machine.
//!
//! The worker of a run is a task of this process: it starts the command, captures what it prints,
//! and reports the run's events.

mod command;
mod events;
mod outcome;
mod output;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use instance_core::command::CommandSpec;
use instance_core::error::BoxError;
use instance_core::ids::RunId;
use instance_core::launcher::{LaunchRunContext, RunLauncher, TerminateRunContext};
use tokio::sync::{mpsc, watch};

pub use command::StopSignal;
pub use outcome::{CommandOutcome, RunOutcome};
pub use output::OutputSink;
use worker::Worker;

/// How many workers are remembered, so that a service may launch runs for years; those that run are
/// never forgotten.
const REMEMBERED: usize = 1_024;

/// Executes the command that a run's configuration names.
#[derive(Debug, Clone, Default)]
pub struct ProcessRunLauncher {
    workers: Arc<Mutex<HashMap<RunId, Handle>>>,
    output: Option<OutputSink>,
    shares_terminal: bool,
}

#[derive(Debug)]
struct Handle {
    stop: mpsc::UnboundedSender<StopSignal>,
    outcome: watch::Receiver<Option<RunOutcome>>,
}

impl ProcessRunLauncher {
    /// A launcher whose commands print to their captured logs only.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same launcher, which also gives everything that commands print to a sink.
    #[must_use]
    pub fn with_output(mut self, sink: OutputSink) -> Self {
        self.output = Some(sink);
        self
    }

    /// The same launcher, whose commands stay in this process's group, so that they can read from
    /// its terminal, which then sends Ctrl-C to both. Without it a command has a group of its own,
    /// and stopping it stops all processes of the group.
    #[must_use]
    pub fn sharing_terminal(mut self) -> Self {
        self.shares_terminal = true;
        self
    }

    /// Waits for the end of a run that this launcher launched; `None` if there is no such run, or it
    /// ended so long ago that it is forgotten.
    ///
    /// Everything that the run reported is stored when this returns.
    pub async fn wait(&self, run_id: &RunId) -> Option<RunOutcome> {
        let mut outcome = self.lock().get(run_id)?.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await.ok()?;
        ended.clone()
    }

    /// Sends a signal to the command of a run, which then ends as canceled. `false` if there is no
    /// such run.
    pub fn signal(&self, run_id: &RunId, signal: StopSignal) -> bool {
        self.lock().get(run_id).is_some_and(|worker| worker.stop.send(signal).is_ok())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Handle>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RunLauncher for ProcessRunLauncher {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        let run_id = context.dagster_run.run_id.clone();
        let command = CommandSpec::of_run(&context.dagster_run)?;
        let (stop, stops) = mpsc::unbounded_channel();
        let (ended, outcome) = watch::channel(None);
        let worker = Worker::new(context, command, self.output.clone(), self.shares_terminal);
        let mut workers = self.lock();
        if workers.len() >= REMEMBERED {
            workers.retain(|_, worker| worker.outcome.borrow().is_none());
        }
        workers.insert(run_id, Handle { stop, outcome });
        drop(workers);
        tokio::spawn(async move {
            let outcome = worker.run(stops).await;
            // A launcher that is gone has nobody who waits.
            let _ = ended.send(Some(outcome));
        });
        Ok(())
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        Ok(self.signal(&context.dagster_run.run_id, StopSignal::Terminate))
    }
}
