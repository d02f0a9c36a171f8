//! `run events`, `run tail` and `run wait`: the events of a run, oldest first, and its end.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use dagster_instance::event::EventLogRecord;
use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::storage::RecordsForRun;
use dagster_instance::{DagsterInstance, RunId, WatchEventLogs};

use super::pages::{EVENTS_IN_MEMORY, EventPages};
use crate::args::{RunEvents, RunTail, RunWait};
use crate::{FAILURE, Result, SUCCESS, TIMED_OUT, json, open, print, report, text};

/// The exit code that says that a run was canceled.
const CANCELED: u8 = 3;

pub(crate) async fn run(home: Option<&Path>, args: &RunEvents) -> Result<()> {
    let instance = open::existing(home).await?;
    let run_id = instance.find_run(&args.id).await?.dagster_run.run_id;
    if args.follow {
        return follow(&instance, &run_id, args.limit, args.output.json).await;
    }
    let query = RecordsForRun { limit: args.limit, ..RecordsForRun::all(run_id) };
    let mut pages = EventPages::new(&instance, query);
    let mut out = BufWriter::new(std::io::stdout().lock());
    while let Some(records) = pages.next().await? {
        for record in &records {
            print_record(&mut out, record, args.output.json)?;
        }
        out.flush()?;
    }
    Ok(())
}

pub(crate) async fn tail(home: Option<&Path>, args: &RunTail) -> Result<ExitCode> {
    let instance = open::existing(home).await?;
    let run_id = instance.find_run(&args.id).await?.dagster_run.run_id;
    follow(&instance, &run_id, None, args.output.json).await?;
    match instance.get_run_by_id(&run_id).await? {
        Some(run) => ended_as(&run),
        None => Err(deleted(&run_id)),
    }
}

pub(crate) async fn wait(home: Option<&Path>, args: &RunWait) -> Result<ExitCode> {
    let instance = open::existing(home).await?;
    let run = instance.find_run(&args.id).await?.dagster_run;
    if run.status.is_finished() {
        return ended_as(&run);
    }
    let run_id = run.run_id;
    let ending = async {
        // Only the events by which runs end are read.
        let mut request = WatchEventLogs::of_run(run_id.clone()).until_run_ends();
        request.of_types = DagsterRunStatus::ENDING_EVENTS.to_vec();
        request.page_size = EVENTS_IN_MEMORY;
        let mut watch = instance.watch_event_logs(request).await?;
        while watch.next().await.transpose()?.is_some() {}
        Ok::<_, dagster_instance::InstanceError>(())
    };
    let longest = args.timeout.map_or(Duration::MAX, Duration::from_secs_f64);
    let in_time = tokio::time::timeout(longest, ending).await.ok().transpose()?.is_some();
    // The run may have ended in the last moment.
    match instance.get_run_by_id(&run_id).await? {
        Some(run) if in_time || run.status.is_finished() => ended_as(&run),
        Some(run) => {
            report::failure(&format!("run {run_id} has not ended in time; it is {}", run.status));
            Ok(ExitCode::from(TIMED_OUT))
        }
        None => Err(deleted(&run_id)),
    }
}

/// Prints the events of a run as they come, until it has ended.
async fn follow(
    instance: &DagsterInstance,
    run_id: &RunId,
    limit: Option<u64>,
    as_json: bool,
) -> Result<()> {
    let mut request = WatchEventLogs::of_run(run_id.clone()).until_run_ends();
    request.page_size = EVENTS_IN_MEMORY.min(limit.unwrap_or(u64::MAX)).max(1);
    let mut watch = instance.watch_event_logs(request).await?;
    let mut left = limit.unwrap_or(u64::MAX);
    let mut out = std::io::stdout().lock();
    while left > 0
        && let Some(record) = watch.next().await
    {
        print_record(&mut out, &record?, as_json)?;
        out.flush()?;
        left -= 1;
    }
    Ok(())
}

/// Says how a run ended, by the exit code.
fn ended_as(run: &DagsterRun) -> Result<ExitCode> {
    Ok(ExitCode::from(match run.status {
        DagsterRunStatus::Success => SUCCESS,
        DagsterRunStatus::Failure => FAILURE,
        DagsterRunStatus::Canceled => CANCELED,
        status => return Err(format!("run {} is {status}", run.run_id).into()),
    }))
}

fn deleted(run_id: &RunId) -> Box<dyn std::error::Error> {
    format!("run {run_id} was deleted").into()
}

fn print_record(
    out: &mut impl Write,
    record: &EventLogRecord,
    as_json: bool,
) -> std::io::Result<()> {
    if as_json {
        writeln!(out, "{}", json::event(record))
    } else {
        writeln!(out, "{}", line(record))
    }
}

/// An event for people: its time, type, step and message.
pub(crate) fn line(record: &EventLogRecord) -> String {
    let entry = &record.event_log_entry;
    let kind = match &entry.dagster_event {
        Some(event) => text::value(&event.event_type_value),
        None => entry.level.name().to_owned(),
    };
    let step =
        entry.step_key().map_or_else(String::new, |step| format!("[{}] ", text::value(step)));
    let message = text::message(entry.message());
    format!("{}  {kind:<29} {step}{message}", print::time_of_day(entry.timestamp))
        .trim_end()
        .to_owned()
}
