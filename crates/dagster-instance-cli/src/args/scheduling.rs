//! The arguments of `schedule`, `sensor`, `tick` and `backfill`.

use clap::{Args, Subcommand};
use dagster_instance::scheduling::{BulkActionStatus, TickStatus};

use super::{Output, parse_tag};

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// List the schedules that have a state, with their next ticks
    List(ScheduleList),
    /// Show a schedule with its next and last ticks
    Show(ScheduleShow),
    /// Have a schedule run from now on
    Start(Named),
    /// Have a schedule run no more
    Stop(Named),
    /// Have the code say again whether a schedule runs
    Reset(Named),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SensorCommand {
    /// List the sensors that have a state
    List(Output),
    /// Show a sensor with its last ticks
    Show(Named),
    /// Have a sensor run from now on
    Start(Named),
    /// Have a sensor run no more
    Stop(Named),
    /// Have the code say again whether a sensor runs
    Reset(Named),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TickCommand {
    /// List the ticks of a schedule or sensor, newest first
    List(TickList),
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackfillCommand {
    /// List backfills, newest first
    List(BackfillList),
    /// Show a backfill, with how its runs stand
    Show(BackfillShow),
}

/// What the database does not know of schedules.
#[derive(Debug, Args)]
pub(crate) struct Zone {
    /// The time zone of the cron schedules, such as Europe/Berlin: it is in the code alone [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ScheduleList {
    #[command(flatten)]
    pub(crate) zone: Zone,

    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct ScheduleShow {
    #[command(flatten)]
    pub(crate) zone: Zone,

    #[command(flatten)]
    pub(crate) named: Named,
}

/// One schedule or sensor.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The name, or the selector id where several have one name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct TickList {
    /// Only ticks of this status: STARTED, SKIPPED, SUCCESS or FAILURE; may be repeated
    #[arg(long = "status", value_name = "STATUS", value_parser = parse_tick_status)]
    pub(crate) statuses: Vec<TickStatus>,

    /// At most so many ticks
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u64,

    #[command(flatten)]
    pub(crate) named: Named,
}

#[derive(Debug, Args)]
pub(crate) struct BackfillList {
    /// Only backfills of this status, such as REQUESTED; may be repeated
    #[arg(long = "status", value_name = "STATUS", value_parser = parse_backfill_status)]
    pub(crate) statuses: Vec<BulkActionStatus>,

    /// Only backfills of this job
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<String>,

    /// Only backfills with this tag; may be repeated with other keys, and then all must hold
    #[arg(long = "tag", value_name = "K=V", value_parser = parse_tag)]
    pub(crate) tags: Vec<(String, String)>,

    /// At most so many backfills
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,

    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct BackfillShow {
    /// The backfill's id
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) output: Output,
}

fn parse_tick_status(text: &str) -> Result<TickStatus, String> {
    let names = || TickStatus::ALL.iter().map(|status| status.as_str()).collect::<Vec<_>>();
    TickStatus::from_name(&text.to_ascii_uppercase())
        .ok_or_else(|| format!("the statuses are {}", names().join(", ")))
}

fn parse_backfill_status(text: &str) -> Result<BulkActionStatus, String> {
    let names = || BulkActionStatus::ALL.iter().map(|status| status.as_str()).collect::<Vec<_>>();
    BulkActionStatus::from_name(&text.to_ascii_uppercase())
        .ok_or_else(|| format!("the statuses are {}", names().join(", ")))
}
