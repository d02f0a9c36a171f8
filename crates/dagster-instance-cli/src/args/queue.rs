//! The arguments of commands about the queue of runs.

use clap::{Args, Subcommand};

use super::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    List(QueueList),
    Explain(QueueExplain),
    #[cfg(feature = "grpc")]
    Run(Box<QueueRun>),
}

/// List the queued runs in the order in which they will be taken, each with what it waits for.
///
/// The last line says who takes runs from the queue.
#[derive(Debug, Args)]
pub(crate) struct QueueList {
    /// At most so many runs
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Take runs from the queue once, launch them, and wait for the launches.
///
/// It takes the runs that the limits of the configuration allow now. Runs whose code server is started for a workspace need
/// the options that say where their code is; for others, the run says where its server is. The servers that are started go on
/// as long as the runs.
///
/// The exit code is 0 if all that was taken is launched, also if that is nothing; 1 if a launch failed or this program itself
/// failed, 2 if the arguments are wrong, and 4 if Dagster's own daemon or a `daemon run` takes runs from the queue.
#[cfg(feature = "grpc")]
#[derive(Debug, Args)]
pub(crate) struct QueueRun {
    /// Take at most so many runs
    #[arg(long, value_name = "N")]
    pub(crate) max: Option<usize>,

    #[command(flatten)]
    pub(crate) code: super::CodePlace,

    /// Launch at most so many runs at the same time
    /// [default: run_coordinator.config.dequeue_num_workers with dequeue_use_threads, else 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallel: Option<u16>,

    /// How long the launch of a run may take
    #[arg(long, value_name = "SECONDS", value_parser = super::parse_seconds, default_value = "60")]
    pub(crate) launch_timeout: f64,

    /// Do not wait to see whether Dagster's own daemon lives: a heartbeat of the last 90 seconds says so
    #[arg(long)]
    pub(crate) refuse_at_once: bool,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Say why a run waits in the queue: each limit that holds it back, how full it is and which runs hold it.
///
/// The exit code is 0 if the run is explained, 1 if it is not queued or this program itself failed, and 2 if the arguments
/// are wrong.
#[derive(Debug, Args)]
pub(crate) struct QueueExplain {
    /// The run's id, or as much of its beginning as no other run has
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) output: Output,
}
