//! `daemon run`: duties of Dagster's daemon, until a signal comes.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use dagster_instance::error::{KeeperError, chain};
use dagster_instance::keepers::{KeeperDuty, KeeperOptions, TwinCheck};
use dagster_instance::{CodeLocations, DagsterInstance, InstanceError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::args::DaemonRun;
use crate::open::InstancePlace;
use crate::usage::USAGE;
use crate::{DONE_BY_OTHERS, INTERRUPTED, Result, open, report, server_output};

/// How long a storage that is away is tried at the beginning, and how long each pause is.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn run(
    place: &InstancePlace,
    args: DaemonRun,
    is_verbose: bool,
) -> Result<ExitCode> {
    // This comes first: an early signal is not to be lost, and one that the parent has ignored is to be heard.
    let mut signals = Signals::new()?;
    let options = KeeperOptions::new()
        .with_duties(args.duties.named())
        .with_launch_workers(args.parallel.map(usize::from))
        .with_launch_timeout(Duration::from_secs_f64(args.launch_timeout))
        .with_grace(Duration::from_secs_f64(args.grace))
        .with_twin_check(if args.refuse_at_once {
            TwinCheck::RefuseAtOnce
        } else {
            TwinCheck::Wait
        });
    open::must_be_there(place)?;
    let instance = open::builder(place).open().await?;
    let duties = match instance.duties_to_keep(&options) {
        Ok(duties) => duties,
        Err(error @ InstanceError::Invalid { .. }) => {
            report::error(&error);
            return Ok(ExitCode::from(USAGE));
        }
        Err(error) => return Err(error.into()),
    };
    let workspace = if duties.iter().copied().any(needs_code) {
        args.code.workspace()?
    } else {
        args.code.workspace_if_any()?.unwrap_or_default()
    };
    tokio::select! {
        created = created(&instance) => created?,
        () = signals.next() => return Ok(ExitCode::SUCCESS),
    }
    let (locations, _) = server_output::locations(&instance, &args.code, &workspace, is_verbose)?;
    let names: Vec<_> = duties.iter().map(|duty| duty.daemon_type().to_string()).collect();
    report::say(&format!("dagster-instance: does {}; Ctrl-C ends it", names.join(", ")));
    let ended = keep(&instance, options, &locations, &mut signals).await;
    let closing = async {
        locations.close().await;
        instance.dispose().await
    };
    let disposed = tokio::select! {
        disposed = closing => disposed,
        () = signals.next() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    let code = ended?;
    disposed?;
    Ok(code)
}

/// Whether a duty launches runs, so that it has to be told where their code is. Whoever looks after runs that were launched
/// asks the servers that these name.
const fn needs_code(duty: KeeperDuty) -> bool {
    !matches!(duty, KeeperDuty::Monitoring)
}

/// Creates what the storages lack. A storage that is away for a moment is tried again.
async fn created(instance: &DagsterInstance) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match instance.create_storages().await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_temporary() && Instant::now() < deadline => {
                report::failure(&format!(
                    "the storage is away, and is tried again: {}",
                    chain(&error)
                ));
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Does the duties until a signal comes.
async fn keep(
    instance: &DagsterInstance,
    options: KeeperOptions,
    locations: &CodeLocations,
    signals: &mut Signals,
) -> Result<ExitCode> {
    let grace = options.grace.as_secs_f64();
    let (stop, stopped) = oneshot::channel::<()>();
    // Nothing is sent; that the sender is dropped is the message.
    let until = async { drop(stopped.await) };
    let keeping = instance.keep(options, Arc::new(locations.clone()), until);
    tokio::pin!(keeping);
    let mut stop = Some(stop);
    loop {
        tokio::select! {
            ended = &mut keeping => return code_of(ended),
            () = signals.next() => match stop.take() {
                Some(stop) => {
                    report::say(&format!(
                        "dagster-instance: ends; what is in flight gets {grace} s. A second signal ends it at once"
                    ));
                    drop(stop);
                }
                None => return Ok(ExitCode::from(INTERRUPTED)),
            },
        }
    }
}

fn code_of(ended: std::result::Result<(), KeeperError>) -> Result<ExitCode> {
    match ended {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ (KeeperError::TwinAlive { .. } | KeeperError::OtherLeader { .. })) => {
            report::error(&error);
            Ok(ExitCode::from(DONE_BY_OTHERS))
        }
        Err(error) => Err(error.into()),
    }
}

/// The signals that ask this program to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
