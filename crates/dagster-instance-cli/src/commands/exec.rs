//! `exec`: a command, recorded as a run of a job with one step.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use dagster_instance::error::chain;
use dagster_instance::settings::ComputeLogSettings;
use dagster_instance::storage::ComputeIoType;
use dagster_instance::{
    CommandJob, CommandOutcome, CommandSpec, DagsterInstance, DefaultRunCoordinator,
    EventLogWatchHandle, OutputSink, ProcessRunLauncher, RunId, RunOutcome, StopSignal,
    WatchEventLogs, WatchUntil, tags,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use super::run_events;
use crate::args::Exec;
use crate::open::InstancePlace;
use crate::{OWN_FAILURE, Result, open, report, text};

pub(crate) async fn run(place: &InstancePlace, args: Exec) -> Result<ExitCode> {
    // This comes first, so that an early signal stops the run and not this program.
    let mut stops = Stops::new()?;
    let command = CommandSpec::new(in_utf8(args.command)?)?;
    let job_name = args.job.unwrap_or_else(|| job_name_of(command.program()));
    let job = CommandJob::new(job_name, &args.assets, args.partition.is_some())?;
    let mut request = job.with_checks(&args.checks)?.create_run(&command);
    request.tags = args.tags.into_iter().collect();
    if let Some(partition) = args.partition {
        request.tags.insert(tags::PARTITION.to_owned(), partition);
    }

    let mut launcher =
        ProcessRunLauncher::new().passing_signals_on().with_output(OutputSink::new(show_output));
    launcher = launcher.with_pipes_extras(args.extras);
    if args.no_pipes {
        launcher = launcher.without_pipes();
    }
    if let Some(seconds) = args.output_timeout {
        launcher = launcher.with_output_timeout(Duration::from_secs_f64(seconds));
    }
    if std::io::stdin().is_terminal() {
        launcher = launcher.sharing_terminal();
    }
    // The run has no origin by which anybody else could launch it, so it is launched here, whatever is configured.
    let mut builder = open::builder(place).run_launcher(launcher.clone());
    if args.create {
        builder = builder.create_home();
    } else {
        open::must_be_there(place)?;
    }
    let instance = builder.run_coordinator(DefaultRunCoordinator).open().await?;
    can_capture(&instance.get_settings().compute_logs)?;
    instance.create_storages().await?;
    let run = instance.create_run(request).await?;
    let run_id = run.run_id;
    if !args.quiet {
        report::say(&format!(
            "Run {run_id} of job {} in {}",
            text::value(&run.job_name),
            text::value(&instance.get_settings().home.to_string_lossy())
        ));
    }
    let shown = if args.quiet { None } else { show_events(&instance, &run_id).await };
    if let Err(error) = instance.submit_run(&run_id).await {
        // The events that say so may wait for others; that they were not stored is the smaller error.
        let _ = instance.dispose().await;
        return Err(error.into());
    }
    let outcome = wait(&launcher, &run_id, &mut stops).await?;
    if let Some(shown) = shown {
        shown.end(&instance, &outcome).await;
    }
    instance.dispose().await?;
    Ok(exit_code(&outcome, args.quiet, &run_id))
}

/// Whether the output of the command can be captured. If not, nothing is recorded, and the command is not started.
fn can_capture(compute_logs: &ComputeLogSettings) -> Result<()> {
    match compute_logs {
        ComputeLogSettings::Other(_) | ComputeLogSettings::Unusable(_) => Err(format!(
            "the output of the command cannot be captured: compute_logs of dagster.yaml is {compute_logs}; name \
             Dagster's LocalComputeLogManager, S3ComputeLogManager or NoOpComputeLogManager"
        )
        .into()),
        #[cfg(not(feature = "s3"))]
        ComputeLogSettings::S3(_) => Err(format!(
            "the output of the command cannot be captured: compute_logs of dagster.yaml is {compute_logs}, and this \
             build does not have Dagster's S3ComputeLogManager; build with the feature `s3`"
        )
        .into()),
        _ => Ok(()),
    }
}

/// Waits for the run's end, and passes signals on to its command.
async fn wait(
    launcher: &ProcessRunLauncher,
    run_id: &RunId,
    stops: &mut Stops,
) -> Result<RunOutcome> {
    let ended = launcher.wait(run_id);
    tokio::pin!(ended);
    let mut signals = 0;
    loop {
        tokio::select! {
            outcome = &mut ended => {
                return outcome.ok_or_else(|| format!("the worker of run {run_id} went away").into());
            }
            signal = stops.next() => {
                signals += 1;
                // Whoever asks a third time does not want to wait any more.
                launcher.signal(run_id, if signals > 2 { StopSignal::Kill } else { signal });
            }
        }
    }
}

fn exit_code(outcome: &RunOutcome, quiet: bool, run_id: &RunId) -> ExitCode {
    if !outcome.command.is_success() && !quiet {
        report::say(&text::lines(&format!("The command {}.", outcome.command.reason())));
    }
    let code = outcome.command.exit_code();
    if let Some(error) = &outcome.error {
        let reason = chain(&**error);
        report::failure(&format!("run {run_id} is not completely recorded: {reason}"));
        let is_commands_own = code != 0 && outcome.command != CommandOutcome::Skipped;
        return ExitCode::from(if is_commands_own { code } else { OWN_FAILURE });
    }
    ExitCode::from(code)
}

/// The command as the run's configuration can hold it.
fn in_utf8(command: Vec<OsString>) -> Result<Vec<String>> {
    let texts = command.into_iter().enumerate().map(|(index, argument)| {
        argument.into_string().map_err(|argument| {
            let which = match index {
                0 => "the program".to_owned(),
                _ => format!("argument {index} of the command"),
            };
            let shown = text::bytes(&argument);
            format!(
                "{which}, {shown}, is not UTF-8, and the configuration of a run holds nothing else; \
                 have a script put it together"
            )
            .into()
        })
    });
    texts.collect()
}

/// The events of the run as they are shown.
struct Shown {
    task: JoinHandle<()>,
    handle: EventLogWatchHandle,
}

/// Shows the events that creating the run stored, and from now on each event as it is stored. `None` if the events
/// cannot be followed: the run goes on, whatever can be shown of it.
async fn show_events(instance: &DagsterInstance, run_id: &RunId) -> Option<Shown> {
    let request = WatchEventLogs::new(run_id.clone()).with_until(WatchUntil::RunEnds);
    let mut watch = match instance.watch_event_logs(request).await {
        Ok(watch) => watch,
        Err(error) => {
            report::failure(&format!("events are not shown: {}", chain(&error)));
            return None;
        }
    };
    let handle = watch.handle();
    let task = tokio::spawn(async move {
        while let Some(record) = watch.next().await {
            match record {
                Ok(record) => report::say(&run_events::line(&record)),
                // The command goes on, whatever can be shown of it.
                Err(error) => {
                    report::failure(&format!("events are not shown: {}", chain(&error)));
                }
            }
        }
    });
    Some(Shown { task, handle })
}

impl Shown {
    /// Shows the rest, as far as there is an end.
    async fn end(self, instance: &DagsterInstance, outcome: &RunOutcome) {
        if outcome.error.is_some() {
            // A run that is not completely recorded may never end.
            instance.end_watch_event_logs(&self.handle);
        }
        // A task that panicked has shown what it could.
        let _ = self.task.await;
    }
}

/// Shows what the command prints where it would have printed it.
fn show_output(io_type: ComputeIoType, bytes: &[u8]) {
    // A terminal that is gone is no reason to stop the command. Its output is captured.
    let _ = match io_type {
        ComputeIoType::Stdout => {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        }
        ComputeIoType::Stderr => std::io::stderr().lock().write_all(bytes),
    };
}

/// The name of a job for a program: the file's name, with the letters that Dagster's names may have.
fn job_name_of(program: &str) -> String {
    let file = Path::new(program)
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name: String =
        file.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.is_empty() { "command".to_owned() } else { name }
}

/// The signals that ask this program to stop.
struct Stops {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Stops {
    fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.hangup.recv() => StopSignal::Terminate,
        }
    }
}
