//! The arguments of commands about daemons.

use clap::{Args, Subcommand};

use super::{Consent, Output};

#[derive(Debug, Subcommand)]
pub(crate) enum DaemonCommand {
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
/// A daemon runs if its last heartbeat is recent enough: at most half an hour late.
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
