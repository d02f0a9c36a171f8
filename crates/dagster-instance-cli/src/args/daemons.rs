//! The arguments of commands about daemons.

use clap::{Args, Subcommand};
use dagster_instance::keepers::KeeperDuty;
use dagster_instance::storage::Only;

use super::{Consent, Output};

#[derive(Debug, Subcommand)]
pub(crate) enum DaemonCommand {
    #[cfg(feature = "grpc")]
    Run(Box<DaemonRun>),
    PythonScript(DaemonPythonScript),
    Status(DaemonStatusOf),
    /// Check for recent heartbeats from all daemons that are required
    ///
    /// The exit code is 0 if there are, and 1 if not. DAGSTER_DAEMON_HEARTBEAT_TOLERANCE says how many seconds a
    /// heartbeat may be late [default: 1800].
    LivenessCheck,
    Wipe(DaemonWipe),
}

/// Say which daemons the configuration requires, and whether they run.
///
/// A daemon runs if its last heartbeat is recent enough: at most half an hour late. KEEPER is the `daemon run` that does the
/// duty, if one does.
#[derive(Debug, Args)]
pub(crate) struct DaemonStatusOf {
    /// Only these daemons, such as SENSOR or SCHEDULER [default: all that are required]
    #[arg(value_name = "DAEMON")]
    pub(crate) daemon_types: Vec<String>,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Wipe all heartbeats from storage.
#[derive(Debug, Args)]
pub(crate) struct DaemonWipe {
    #[command(flatten)]
    pub(crate) consent: Consent,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Which of the duties that this program can do.
#[derive(Debug, Args)]
pub(crate) struct Duties {
    /// Take runs from the queue
    #[arg(long)]
    pub(crate) queue: bool,

    /// Look for runs that do not go on
    #[arg(long)]
    pub(crate) monitoring: bool,

    /// Retry failed runs
    #[arg(long)]
    pub(crate) retries: bool,
}

impl Duties {
    /// Those that are named; without a name, any.
    pub(crate) fn named(&self) -> Only<KeeperDuty> {
        let named = [
            (KeeperDuty::Queue, self.queue),
            (KeeperDuty::Monitoring, self.monitoring),
            (KeeperDuty::Retries, self.retries),
        ];
        let named = named.into_iter().filter(|(_, is_named)| *is_named);
        Only::any_if_empty(named.map(|(duty, _)| duty).collect())
    }
}

/// Do duties of Dagster's daemon: take runs from the queue, look after runs, retry failed ones.
///
/// Without --queue, --monitoring and --retries it does those of the three that the configuration requires. Any number of
/// these programs may run for one instance: one leads, and another one goes on within seconds when it ends. Dagster's own
/// daemon must not do the same: start it by the script that `dagster-instance daemon python-script` prints.
///
/// It runs until SIGTERM or Ctrl-C, and the exit code is 0 then. It is 1 if this program failed, 2 if the arguments are
/// wrong or a duty is not configured, 4 if Dagster's own daemon of a duty is alive, and 130 after a second signal.
#[cfg(feature = "grpc")]
#[derive(Debug, Args)]
pub(crate) struct DaemonRun {
    #[command(flatten)]
    pub(crate) duties: Duties,

    #[command(flatten)]
    pub(crate) code: super::CodePlace,

    /// Launch at most so many runs at the same time
    /// [default: run_coordinator.config.dequeue_num_workers with dequeue_use_threads, else 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallel: Option<u16>,

    /// How long the launch of a run may take
    #[arg(long, value_name = "SECONDS", value_parser = super::parse_seconds, default_value = "60")]
    pub(crate) launch_timeout: f64,

    /// How long what is in flight may take at the end
    #[arg(long, value_name = "SECONDS", value_parser = super::parse_seconds, default_value = "30")]
    pub(crate) grace: f64,

    /// Do not wait to see whether Dagster's own daemon lives: a heartbeat of the last 90 seconds says so
    #[arg(long)]
    pub(crate) refuse_at_once: bool,
}

/// Print a script of Python that starts Dagster's daemon without the duties that `daemon run` does.
///
/// Run it with the options of `dagster-daemon`: `python rest_of_dagster.py run -w workspace.yaml`. Without --queue,
/// --monitoring and --retries it leaves out all three.
#[derive(Debug, Args)]
pub(crate) struct DaemonPythonScript {
    #[command(flatten)]
    pub(crate) duties: Duties,
}
