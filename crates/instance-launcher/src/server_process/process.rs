//! The process of a code server: starting it and waiting until it answers, its heartbeat, and ending it.
//!
//! The server ends by itself when it hears no heartbeat, but not before its runs have ended. So whoever starts a server may
//! end, or be killed, and leaves neither a server nor a run without one.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use instance_core::code_location::CodeLocationError;
use instance_core::error::BoxError;
use instance_core::settings::GrpcLimits;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};

use super::command::CodeServerCommand;
use super::directory::ServerDirectory;
use super::output::{Lines, ServerOutput};
use crate::code::{CodeServerClient, GrpcTarget};
use crate::signals::hear_signals;

/// How often a server that starts is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// How often a server hears that we are there.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long one heartbeat may take.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is looked whether a server has printed something.
const READ_EVERY: Duration = Duration::from_millis(100);

/// How long a server may take to answer that it is going to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a server without runs may take to end then.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a process takes at most that was killed.
const ENDING_TIMEOUT: Duration = Duration::from_secs(2);

/// How a server is started.
#[derive(Debug)]
pub(crate) struct ServerStart<'a> {
    /// The name of the code location.
    pub(crate) location: &'a str,
    /// The limits of calls to it.
    pub(crate) limits: GrpcLimits,
    /// How long it may take until it answers; `None` for as long as it needs.
    pub(crate) timeout: Option<Duration>,
    /// Who gets what it prints.
    pub(crate) output: Option<ServerOutput>,
    /// The value of the variable `PATH`.
    pub(crate) path: Option<&'a std::ffi::OsStr>,
    /// Becomes true when nobody needs the server any more.
    pub(crate) closed: watch::Receiver<bool>,
}

/// A code server that this process has started and that answered.
///
/// If this value goes away without [`end`](Self::end), nobody sends heartbeats any more, and the server ends by itself.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    client: CodeServerClient,
    directory: ServerDirectory,
    lines: Arc<Lines>,
    _tasks: Tasks,
}

/// The tasks that work for a server, and end with this.
#[derive(Debug)]
struct Tasks([AbortHandle; 2]);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl ServerProcess {
    /// Starts a server, and returns when it answers. That does not say that its code could be loaded.
    ///
    /// # Errors
    ///
    /// [`CodeLocationError::NotStarted`]; no server is left then.
    pub(crate) async fn start(
        start: ServerStart<'_>,
        command: impl FnOnce(&Path) -> CodeServerCommand,
    ) -> Result<Self, CodeLocationError> {
        let location = start.location.to_owned();
        Self::started(start, command).await.map_err(|reason| CodeLocationError::NotStarted {
            location,
            reason: reason.to_string(),
        })
    }

    async fn started(
        start: ServerStart<'_>,
        command: impl FnOnce(&Path) -> CodeServerCommand,
    ) -> Result<Self, BoxError> {
        let base = std::env::temp_dir();
        ServerDirectory::remove_abandoned(&base);
        let (directory, output) = ServerDirectory::create(&base)?;
        let mut starting = Starting { directory: Some(directory), child: None };
        let Some(directory) = &starting.directory else { return Err("it has no directory".into()) };
        let socket = directory.socket();
        let lines = Lines::of(&directory.output(), start.location, start.output)?;
        let client = CodeServerClient::new(GrpcTarget::socket(&socket), start.limits)?;
        let command = command(&socket);
        hear_signals()?;
        let mut process = command.command(start.path);
        process.stdout(output.try_clone()?).stderr(output).kill_on_drop(false);
        let child = starting.child.insert(process.spawn().map_err(|error| {
            format!(
                "the interpreter {} cannot be started ({error}); name the one that has Dagster by executable_path in the \
                 workspace, by --python or by DAGSTER_INSTANCE_PYTHON",
                command.interpreter.path.display()
            )
        })?);
        // It holds the other end of the file.
        drop(process);
        let mut closed = start.closed;
        let deadline = start.timeout.map(|timeout| Instant::now() + timeout);
        let answers = async {
            loop {
                match client.ping().await {
                    Ok(()) => return,
                    Err(error) => tracing::debug!(%error, "a code server does not answer yet"),
                }
                sleep(ASK_EVERY).await;
            }
        };
        let reason: Option<String> = tokio::select! {
            () = answers => None,
            ended = child.wait() => Some(format!(
                "gRPC server exited with return code {} while starting up with the command: \"{}\"",
                return_code(ended?),
                shown(&command)
            )),
            () = until(deadline) => Some(format!(
                "it did not answer within {} seconds, which code_servers.local_startup_timeout of dagster.yaml allows; its \
                 command was: {}",
                start.timeout.unwrap_or_default().as_secs_f64(),
                shown(&command)
            )),
            _ = closed.wait_for(|closed| *closed) => Some("it is not needed any more".to_owned()),
        };
        if let Some(mut reason) = reason {
            let last = lines.last();
            if !last.is_empty() {
                let _ = write!(reason, "\nIts last lines:\n{}", last.join("\n"));
            }
            return Err(reason.into());
        }
        lines.release();
        let lines = Arc::new(lines);
        let tasks = Tasks([
            tokio::spawn(beat(client.clone())).abort_handle(),
            tokio::spawn(pass_on(Arc::clone(&lines))).abort_handle(),
        ]);
        let (directory, child) = starting.ready().ok_or("it is gone")?;
        Ok(Self { child, client, directory, lines, _tasks: tasks })
    }

    /// The client of the server.
    pub(crate) const fn client(&self) -> &CodeServerClient {
        &self.client
    }

    /// Whether the server has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Whether the server, which has closed its socket, ends in a moment.
    pub(crate) async fn is_ending(&mut self) -> bool {
        timeout(ENDING_TIMEOUT, self.child.wait()).await.is_ok()
    }

    /// Ends the server. If it has runs, it goes on until they have ended, and this does not wait for it.
    pub(crate) async fn end(mut self) {
        if !self.has_ended() && self.has_runs_when_told_to_end().await {
            let Self { mut child, directory, .. } = self;
            // If this process ends before, the next start of a server removes the directory.
            tokio::spawn(async move {
                if child.wait().await.is_ok() {
                    directory.remove();
                }
            });
            return;
        }
        if timeout(END_TIMEOUT, self.child.wait()).await.is_err() {
            tracing::warn!(server = %self.client.target(), "a code server does not end, and is killed");
            // Its group may have workers, so it is killed alone.
            if let Err(error) = self.child.kill().await {
                tracing::warn!(server = %self.client.target(), %error, "a code server cannot be killed");
            }
        }
        self.lines.pass_on();
        self.directory.remove();
    }

    /// Tells the server to end, and returns whether it goes on for its runs. A server that does not say so has none.
    async fn has_runs_when_told_to_end(&self) -> bool {
        let told = async {
            self.client.shutdown_server().await?;
            self.client.get_current_runs().await
        };
        match timeout(SHUTDOWN_TIMEOUT, told).await {
            Ok(Ok(runs)) => !runs.is_empty(),
            Ok(Err(error)) => {
                tracing::debug!(server = %self.client.target(), %error, "a code server does not say whether it has runs");
                false
            }
            Err(_) => false,
        }
    }
}

/// A server that does not answer yet, and so has no runs. It is killed if it is given up.
#[derive(Debug)]
struct Starting {
    directory: Option<ServerDirectory>,
    child: Option<Child>,
}

impl Starting {
    fn ready(mut self) -> Option<(ServerDirectory, Child)> {
        Some((self.directory.take()?, self.child.take()?))
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended.
            let _ = child.start_kill();
        }
        if let Some(directory) = &self.directory {
            directory.remove();
        }
    }
}

/// Tells a server from time to time that we are there.
async fn beat(client: CodeServerClient) {
    let mut ticks = interval(HEARTBEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // Whoever asks the server for something finds out what is wrong with it.
        let _ = timeout(HEARTBEAT_TIMEOUT, client.heartbeat()).await;
    }
}

/// Passes on what a server prints.
async fn pass_on(lines: Arc<Lines>) {
    loop {
        lines.pass_on();
        sleep(READ_EVERY).await;
    }
}

/// Waits for a time; for ever if there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => {
            let _ = timeout_at(deadline, std::future::pending::<()>()).await;
        }
        None => std::future::pending().await,
    }
}

/// Python's return code: the exit code, or the negative number of the signal.
fn return_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;

    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or_default()
}

/// A command for people. No argument is secret.
fn shown(command: &CodeServerCommand) -> String {
    let mut shown = command.interpreter.path.display().to_string();
    for argument in command.arguments() {
        let _ = write!(shown, " {}", argument.to_string_lossy());
    }
    shown
}
