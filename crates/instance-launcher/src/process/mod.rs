//! The launcher that executes a run's command as a process of this machine.
//!
//! The worker of a run is a task of this process: it starts the command, captures its output and reports the events
//! of the run. An event of the run names the process of the worker, so that other processes of the host find it.

mod command;
mod events;
mod execution;
pub(crate) mod identity;
mod outcome;
mod output;
mod pipes;
mod record;
pub(crate) mod recorded;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use instance_core::command::CommandSpec;
use instance_core::error::BoxError;
use instance_core::event::{EngineEventData, ReportEngineEvent};
use instance_core::ids::RunId;
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, LaunchState, LaunchStateContext,
    LaunchTimeOver, ResumeRunContext, RunLauncher, TerminateRunContext, WorkerStatus,
};
use instance_core::ops::EventReporterExt;
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, watch};

pub use command::StopSignal;
pub use outcome::{CommandOutcome, RunOutcome};
pub use output::OutputSink;
pub use pipes::{CustomMessageSink, PipesTransport};

use crate::dagster_worker::{
    DagsterWorkerLauncher, has_worker, terminate_worker, worker_health, worker_of,
};
use crate::read::engine_events;
use identity::{Presence, ProcessIdentity};
use pipes::PipesOptions;
use record::{WorkerRecord, worker_metadata};
use worker::Worker;

/// How many workers are remembered. When they are more, those whose run has ended are forgotten, so that a service may
/// launch runs for years.
const REMEMBERED: usize = 1_024;

/// A launcher that executes the command in the configuration of a run, as a process of this machine. Clones are
/// handles to the same launcher.
///
/// A run ends when its command has ended and no process holds the output of the command open any more, unless
/// [`with_output_timeout`](Self::with_output_timeout) sets a time.
#[derive(Debug, Clone, Default)]
pub struct ProcessRunLauncher {
    workers: Arc<Mutex<HashMap<RunId, Handle>>>,
    options: Options,
}

/// How commands are executed.
#[derive(Debug, Clone)]
struct Options {
    output: Option<OutputSink>,
    output_timeout: Option<Duration>,
    shares_terminal: bool,
    passes_signals_on: bool,
    /// `None` means that commands get nothing by Pipes.
    pipes: Option<PipesOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            output: None,
            output_timeout: None,
            shares_terminal: false,
            passes_signals_on: false,
            pipes: Some(PipesOptions::default()),
        }
    }
}

#[derive(Debug)]
struct Handle {
    stop: mpsc::UnboundedSender<StopSignal>,
    outcome: watch::Receiver<Option<RunOutcome>>,
}

impl ProcessRunLauncher {
    /// Makes a launcher whose commands print only into their captured output.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same launcher, which also passes everything that commands print to a sink.
    #[must_use]
    pub fn with_output(mut self, sink: OutputSink) -> Self {
        self.options.output = Some(sink);
        self
    }

    /// The same launcher, which stops reading the output of a command at this time after the command has ended.
    ///
    /// Processes that a command leaves behind may hold its output open. Without a timeout, a run ends when they close
    /// it, as with ssh. With a timeout, the run ends after that time. What these processes print later is read and
    /// thrown away while this process lives, and an event of the run says so.
    #[must_use]
    pub const fn with_output_timeout(mut self, timeout: Duration) -> Self {
        self.options.output_timeout = Some(timeout);
        self
    }

    /// The same launcher, whose commands stay in the process group of this process.
    ///
    /// They can then read from its terminal, and Ctrl-C reaches both. Otherwise each command has a process group of
    /// its own, and stopping the command stops all processes of that group.
    #[must_use]
    pub const fn sharing_terminal(mut self) -> Self {
        self.options.shares_terminal = true;
        self
    }

    /// The same launcher, in a process that has one run and stops it on SIGTERM, by [`signal`](Self::signal).
    ///
    /// The events of the run say so. Other processes of the host can then terminate the run by sending SIGTERM to
    /// this process.
    #[must_use]
    pub const fn passing_signals_on(mut self) -> Self {
        self.options.passes_signals_on = true;
        self
    }

    /// The same launcher, which gives commands their context, and takes their messages, in this way. By default it does
    /// so by files.
    #[must_use]
    pub fn with_pipes_transport(mut self, transport: PipesTransport) -> Self {
        self.options.pipes.get_or_insert_default().transport = transport;
        self
    }

    /// The same launcher, whose commands find these values among the extras of their context.
    #[must_use]
    pub fn with_pipes_extras(
        mut self,
        extras: impl IntoIterator<Item = (String, serde_json::Value)>,
    ) -> Self {
        self.options.pipes.get_or_insert_default().extras.extend(extras);
        self
    }

    /// The same launcher, which also passes the custom messages of commands to a sink. Each of them is a line among the
    /// events of its run, too.
    #[must_use]
    pub fn with_custom_messages(mut self, sink: CustomMessageSink) -> Self {
        self.options.pipes.get_or_insert_default().custom_messages = Some(sink);
        self
    }

    /// The same launcher, which gives commands nothing by Dagster Pipes. Variables that this process has for it are
    /// removed from their environment.
    #[must_use]
    pub fn without_pipes(mut self) -> Self {
        self.options.pipes = None;
        self
    }

    /// Waits for the end of a run that this launcher launched, and returns its outcome.
    ///
    /// `None` means that this launcher has no such run, or that the run ended so long ago that it is forgotten. When
    /// this returns, everything that the run reported is stored.
    pub async fn wait(&self, run_id: &RunId) -> Option<RunOutcome> {
        let mut outcome = self.lock().get(run_id)?.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await.ok()?;
        ended.clone()
    }

    /// Sends a signal to the command of a run. The run then ends as canceled.
    ///
    /// `false` means that this launcher has no such run, or that the run has ended.
    pub fn signal(&self, run_id: &RunId, signal: StopSignal) -> bool {
        self.lock().get(run_id).is_some_and(|worker| worker.stop.send(signal).is_ok())
    }

    /// The health of the worker of a run that this launcher launched; `None` if there is no such run.
    fn health_here(&self, run_id: &RunId) -> Option<CheckRunHealthResult> {
        let outcome = self.lock().get(run_id)?.outcome.borrow().clone();
        Some(match outcome {
            None => CheckRunHealthResult::new(WorkerStatus::Running),
            Some(outcome) => match outcome.failure() {
                None => CheckRunHealthResult::new(WorkerStatus::Success),
                Some(reason) => CheckRunHealthResult::new(WorkerStatus::Failed).with_msg(reason),
            },
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Handle>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RunLauncher for ProcessRunLauncher {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        let LaunchRunContext { dagster_run: run, instance, deadline, .. } = context;
        let runtime = tokio::runtime::Handle::try_current()?;
        let command = CommandSpec::from_run(&run)?;
        let process = ProcessIdentity::of(std::process::id());
        let data = EngineEventData::new(worker_metadata(&process, self.options.passes_signals_on));
        let message = format!("Started process for run (pid: {}).", process.pid);
        if deadline.is_some_and(|deadline| deadline.left(instance.clock()).is_none()) {
            return Err(LaunchTimeOver.into());
        }
        instance.report_engine_event(ReportEngineEvent::new(&run, message).with_data(data)).await?;

        let (stop, stops) = mpsc::unbounded_channel();
        let (ended, outcome) = watch::channel(None);
        let run_id = run.run_id.clone();
        let worker = Worker::new(run, instance, command, self.options.clone());
        let mut workers = self.lock();
        if workers.len() >= REMEMBERED {
            workers.retain(|_, worker| worker.outcome.borrow().is_none());
        }
        workers.insert(run_id, Handle { stop, outcome });
        drop(workers);
        runtime.spawn(async move {
            let outcome = Arc::new(worker).run_to_its_end(stops).await;
            // If the launcher is gone, nobody waits for the outcome.
            let _ = ended.send(Some(outcome));
        });
        Ok(())
    }

    /// What records a worker is stored before its command is started. So a run without it may have a worker only in the
    /// moment in which it is launched.
    async fn launch_state(&self, context: LaunchStateContext) -> Result<LaunchState, BoxError> {
        let entries = engine_events(&*context.instance, &context.dagster_run.run_id).await?;
        let is_recorded = WorkerRecord::of_entries(&entries).is_some();
        Ok(if is_recorded || worker_of(&entries).is_some() {
            LaunchState::Launched
        } else {
            LaunchState::Unknown
        })
    }

    /// Also reaches a worker in another process of this host, if that process has one run and passes signals on. If
    /// the worker is gone and its command still runs, the command is stopped, and an event of the run says so.
    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        let TerminateRunContext { dagster_run: run, instance, .. } = context;
        if self.signal(&run.run_id, StopSignal::Terminate) {
            return Ok(true);
        }
        let entries = engine_events(&*instance, &run.run_id).await?;
        let Some(worker) = WorkerRecord::of_entries(&entries) else {
            // Dagster's own worker is found by its record, whoever has started it.
            return match worker_of(&entries) {
                Some(worker) => terminate_worker(&*instance, &run, &worker).await,
                None => Ok(false),
            };
        };
        if worker.passes_signals_on && worker.process.presence() == Presence::Running {
            return Ok(worker.process.signal(Signal::SIGTERM, false)?);
        }
        if let Some(command) = worker.command_left_behind()
            && command.process.signal(Signal::SIGTERM, command.has_group)?
        {
            let message = format!(
                "Sent SIGTERM to the command that the run's worker has left behind (pid: {}).",
                command.process.pid
            );
            instance.report_engine_event(ReportEngineEvent::new(&run, message)).await?;
        }
        Ok(false)
    }

    /// Resumes a run of Dagster's own worker, which [`DagsterWorkerLauncher`] has started. A command cannot be resumed.
    async fn resume_run(&self, context: ResumeRunContext) -> Result<(), BoxError> {
        if has_worker(&*context.instance, &context.dagster_run.run_id).await? {
            return DagsterWorkerLauncher::new().resume_run(context).await;
        }
        Err("a command cannot be resumed; execute it again".into())
    }

    fn supports_check_run_worker_health(&self) -> bool {
        true
    }

    /// If the worker is in another process of this host, its health is that of the process.
    async fn check_run_worker_health(
        &self,
        context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        let run_id = &context.dagster_run.run_id;
        if let Some(health) = self.health_here(run_id) {
            return Ok(health);
        }
        let entries = engine_events(&*context.instance, run_id).await?;
        if let Some(worker) = WorkerRecord::of_entries(&entries) {
            return Ok(worker.health());
        }
        Ok(worker_of(&entries).as_ref().map_or_else(recorded::no_record, worker_health))
    }

    async fn join(&self, timeout: Duration) -> Result<(), BoxError> {
        let running: Vec<_> = self
            .lock()
            .iter()
            .filter(|(_, worker)| worker.outcome.borrow().is_none())
            .map(|(run_id, worker)| (run_id.clone(), worker.outcome.clone()))
            .collect();
        let all_ended = async {
            for (_, mut outcome) in running.clone() {
                // An error means that the sender is gone, and then the worker has ended, too.
                let _ = outcome.wait_for(Option::is_some).await;
            }
        };
        if tokio::time::timeout(timeout, all_ended).await.is_ok() {
            return Ok(());
        }
        let left: Vec<_> = running
            .iter()
            .filter(|(_, outcome)| outcome.borrow().is_none())
            .map(|(run_id, _)| run_id.as_str())
            .collect();
        Err(format!("these runs have not ended in time: {}", left.join(", ")).into())
    }
}
