//! The arguments of the program.

mod assets;
#[cfg(feature = "grpc")]
mod code;
mod config;
mod daemons;
mod doctor;
#[cfg(feature = "grpc")]
mod launch;
mod migrate;
mod partitions;
mod reindex;
#[cfg(feature = "grpc")]
mod retry;
mod scheduling;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use dagster_instance::run::DagsterRunStatus;
use dagster_instance::{AssetCheckKey, AssetKey};

pub(crate) use assets::{
    AssetChecks, AssetCommand, AssetList, AssetPartitions, AssetShow, AssetWipe, Definition,
    MISSING, PartitionStatus,
};
#[cfg(feature = "grpc")]
pub(crate) use code::{CodeCommand, CodeList, CodePing, CodePlace};
pub(crate) use config::{ConfigCheckOf, ConfigCommand, ConfigShowOf};
#[cfg(feature = "grpc")]
pub(crate) use daemons::DaemonRun;
pub(crate) use daemons::{DaemonCommand, DaemonPythonScript, DaemonStatusOf, DaemonWipe};
pub(crate) use doctor::Doctor;
#[cfg(feature = "grpc")]
pub(crate) use launch::Launch;
pub(crate) use migrate::Migrate;
pub(crate) use partitions::{
    KeysOf, PartitionsAdd, PartitionsCommand, PartitionsDelete, PartitionsList,
};
pub(crate) use reindex::Reindex;
#[cfg(feature = "grpc")]
pub(crate) use retry::RunRetry;
pub(crate) use scheduling::{
    BackfillCommand, BackfillList, BackfillShow, Named, ScheduleCommand, ScheduleList,
    ScheduleShow, SensorCommand, TickCommand, TickList,
};

/// Create, launch and observe Dagster runs without a Python process.
#[derive(Debug, Parser)]
#[command(name = "dagster-instance", version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The instance's directory [default: $DAGSTER_HOME, else dagster-instance in the user's data directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,

    /// Where runs, events and schedules are stored, whatever dagster.yaml says: the URL of a Postgres database, such as
    /// postgresql://USER:PASSWORD@HOST/DATABASE, or a directory for SQLite
    #[arg(long, global = true, value_name = "STORAGE")]
    pub(crate) storage: Option<String>,

    /// Say more of what is done, on standard error; twice for more still
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Exec(Exec),
    #[cfg(feature = "grpc")]
    Launch(Box<Launch>),
    /// Look at what code locations have
    #[cfg(feature = "grpc")]
    #[command(subcommand)]
    Code(CodeCommand),
    /// Look at runs
    #[command(subcommand)]
    Run(RunCommand),
    /// Look at assets, and wipe them
    #[command(subcommand)]
    Asset(AssetCommand),
    /// List, add and delete dynamic partitions
    #[command(subcommand)]
    Partitions(PartitionsCommand),
    /// Look at schedules, start and stop them
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Look at sensors, start and stop them
    #[command(subcommand)]
    Sensor(SensorCommand),
    /// Look at the ticks of schedules and sensors
    #[command(subcommand)]
    Tick(TickCommand),
    /// Look at backfills
    #[command(subcommand)]
    Backfill(BackfillCommand),
    /// Say how Dagster's daemons stand, and do some of their duties
    #[command(subcommand)]
    Daemon(DaemonCommand),
    /// Check the configuration, and show what it says
    #[command(subcommand)]
    Config(ConfigCommand),
    Doctor(Doctor),
    Migrate(Migrate),
    Reindex(Reindex),
    /// Say where the instance is, and what it holds
    Info(Output),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand {
    /// List runs, newest first
    List(RunList),
    /// Show a run with its steps
    Show(RunShow),
    /// Show the events of a run, oldest first
    Events(RunEvents),
    Tail(RunTail),
    Wait(RunWait),
    Cancel(RunCancel),
    Resume(RunResume),
    #[cfg(feature = "grpc")]
    Retry(Box<RunRetry>),
    Delete(RunDelete),
}

/// Execute a command and record it as a run of a job with one step.
///
/// Its output is shown and captured. If it succeeds, the named assets are materialised. The exit
/// code is the command's own: 127 if there is no such program, 126 if it cannot be executed, 128 and
/// the number of the signal that ended it; 125 if the run could not be recorded or the arguments are wrong.
///
/// The command may speak Dagster Pipes: what it reports of assets and checks, and what it logs, is stored as it comes.
#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// The name of the job [default: the program's name, with underscores for what Dagster's names lack]
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<String>,

    /// An asset that the command materialises, such as demo/hello; may be repeated. Within a part of the key,
    /// a slash is \/ and a backslash \\
    #[arg(long = "asset", value_name = "KEY", value_parser = AssetKey::from_user_string)]
    pub(crate) assets: Vec<AssetKey>,

    /// A check of such an asset that the command evaluates, and reports by Dagster Pipes; may be repeated
    #[arg(long = "check", value_name = "ASSET:NAME", value_parser = parse_check, requires = "assets")]
    pub(crate) checks: Vec<AssetCheckKey>,

    /// The partition of the assets that the command materialises
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) partition: Option<String>,

    /// A tag of the run; may be repeated, with one value for a key
    #[arg(long = "tag", value_name = "K=V", value_parser = parse_tag)]
    pub(crate) tags: Vec<(String, String)>,

    /// What the command finds as an extra of its Dagster Pipes context; may be repeated, with one value for a key
    #[arg(long = "extra", value_name = "KEY=JSON", value_parser = parse_extra, conflicts_with = "no_pipes")]
    pub(crate) extras: Vec<(String, serde_json::Value)>,

    /// Give the command nothing by Dagster Pipes
    #[arg(long)]
    pub(crate) no_pipes: bool,

    /// Create the directory that --home, --storage or DAGSTER_HOME names, if it is missing. The one in the user's data
    /// directory is created without it
    #[arg(long)]
    pub(crate) create: bool,

    /// Show only what the command prints, not the run's events
    #[arg(long)]
    pub(crate) quiet: bool,

    /// How long output is read after the command has ended, while processes that it left behind hold it open
    /// [default: until they close it]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) output_timeout: Option<f64>,

    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print JSON; lists as JSON Lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunList {
    /// At most so many runs
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,

    /// Only runs of this status, such as SUCCESS; may be repeated
    #[arg(long = "status", value_name = "STATUS", value_parser = parse_status)]
    pub(crate) statuses: Vec<DagsterRunStatus>,

    /// Only runs of this job
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<String>,

    /// Only runs with this tag; may be repeated with other keys, and then all must hold
    #[arg(long = "tag", value_name = "K=V", value_parser = parse_tag)]
    pub(crate) tags: Vec<(String, String)>,

    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct RunShow {
    /// The run's id, or as much of its beginning as no other run has
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct RunEvents {
    /// The run's id, or as much of its beginning as no other run has
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Go on until the run has ended
    #[arg(long)]
    pub(crate) follow: bool,

    /// At most so many events
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Show the events of a run until it ends, and end as it did.
///
/// The exit code says how the run ended: 0 is success, 1 failure, 3 canceled; 125 means that its worker is gone
/// without an end, that this program itself failed or that its arguments are wrong, and 141 that its output was closed, as by `head`, before the end was shown.
#[derive(Debug, Args)]
pub(crate) struct RunTail {
    /// The run's id, or as much of its beginning as no other run has
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Wait until a run ends, and end as it did.
///
/// The exit code says how the run ended: 0 is success, 1 failure, 3 canceled; 124 means that it has not ended in
/// time, and 125 that its worker is gone without an end, that this program itself failed or that its arguments are
/// wrong.
#[derive(Debug, Args)]
pub(crate) struct RunWait {
    /// The run's id, or as much of its beginning as no other run has
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Wait for so many seconds at most
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) timeout: Option<f64>,
}

/// Stop a run.
///
/// A queued run is taken out of the queue, and the worker of a run that executes is asked to stop, if this host
/// can reach it; `run wait` tells how the run then ends. A run whose worker is gone is marked as failed. The exit
/// code is 0 if this was done, 1 if nothing was done, and 125 if this program itself failed or its arguments are
/// wrong.
#[derive(Debug, Args)]
pub(crate) struct RunCancel {
    /// The run's id, or as much of its beginning as no other run has
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Mark the run as canceled at once, even if its worker cannot be asked and goes on
    #[arg(long)]
    pub(crate) force: bool,
}

/// Start another worker for a run whose worker is gone.
///
/// The run continues where its events end. Runs of Dagster's own worker can be resumed, if it was a process of this host
/// and the launcher that started it says so in the events of the run. The exit code is 0 if the run is resumed, 1 if it was
/// refused or no worker could be started, and 125 if this program itself failed or its arguments are wrong.
#[derive(Debug, Args)]
pub(crate) struct RunResume {
    /// The run's id, or as much of its beginning as no other run has
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Resume the run even if nobody can tell whether its worker is gone
    #[arg(long)]
    pub(crate) force: bool,
}

/// Delete runs with their events.
///
/// A queued run is taken out of the queue first. A run whose worker is at work, or may be, is refused; `--force` stops
/// the worker before, and deletes the run even if the worker does not stop within 30 seconds. Captured output stays.
/// The exit code is 0 if the runs are deleted, 1 if you said no, a run was refused or this program itself failed, and 2
/// if the arguments are wrong.
#[derive(Debug, Args)]
pub(crate) struct RunDelete {
    /// The runs' ids, or as much of their beginnings as no other run has
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// Stop the worker of a run that executes, and delete the run
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) consent: Consent,
}

/// Whether something that destroys is done.
#[derive(Debug, Args)]
pub(crate) struct Consent {
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,

    /// Say what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn parse_tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

fn parse_check(text: &str) -> Result<AssetCheckKey, String> {
    match text.rsplit_once(':') {
        Some((asset, name)) if !name.is_empty() => {
            let asset = AssetKey::from_user_string(asset).map_err(|error| error.to_string())?;
            Ok(AssetCheckKey::new(asset, name))
        }
        _ => Err("write ASSET:NAME, such as demo/hello:is_fresh".to_owned()),
    }
}

fn parse_extra(text: &str) -> Result<(String, serde_json::Value), String> {
    let (key, value) = parse_tag(text)?;
    let value = serde_json::from_str(&value)
        .map_err(|error| format!("{error}; a text is written as KEY='\"text\"'"))?;
    Ok((key, value))
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..1e9).contains(seconds));
    seconds.ok_or_else(|| "write a number of seconds, such as 60 or 0.5".to_owned())
}

fn parse_status(text: &str) -> Result<DagsterRunStatus, String> {
    DagsterRunStatus::from_name(&text.to_ascii_uppercase()).ok_or_else(|| {
        let names: Vec<_> = DagsterRunStatus::ALL.iter().map(|status| status.as_str()).collect();
        format!("the statuses are {}", names.join(", "))
    })
}
