//! `run events`, `run tail` and `run wait`: the events of a run, oldest first, and its end.

use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use dagster_instance::event::{EventLogCursor, EventLogRecord};
use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::storage::{Only, RecordsForRun};
use dagster_instance::{DagsterInstance, RunId, StorageId, WatchEventLogs, WatchUntil};

use super::lost_worker;
use super::pages::{EVENTS_IN_MEMORY, EventPages};
use crate::args::{RunEvents, RunTail, RunWait};
use crate::open::InstancePlace;
use crate::{FAILURE, OWN_FAILURE, Result, SUCCESS, TIMED_OUT, json, open, print, report, text};

/// The exit code that says that a run was canceled.
const CANCELED: u8 = 3;

pub(crate) async fn run(place: &InstancePlace, args: &RunEvents) -> Result<()> {
    let instance = open::existing(place).await?;
    let run_id = instance.find_run(&args.id).await?.dagster_run.run_id;
    if args.follow {
        return match follow(&instance, &run_id, args.limit, args.output.json).await? {
            Followed::ToItsEnd => Ok(()),
            Followed::WithoutAnEnd(reason) => Err(lost_worker::text(&run_id, &reason).into()),
        };
    }
    print_stored(&instance, &run_id, None, args.limit, args.output.json).await
}

/// Prints the events of a run that are stored behind one.
async fn print_stored(
    instance: &DagsterInstance,
    run_id: &RunId,
    last: Option<StorageId>,
    limit: Option<u64>,
    as_json: bool,
) -> Result<()> {
    let cursor = last.map(EventLogCursor::StorageId);
    let query = RecordsForRun::new(run_id.clone()).with_cursor(cursor).with_limit(limit);
    let mut pages = EventPages::new(instance, query);
    let mut out = BufWriter::new(std::io::stdout().lock());
    while let Some(records) = pages.next().await? {
        for record in &records {
            print_record(&mut out, record, as_json)?;
        }
        out.flush()?;
    }
    Ok(())
}

pub(crate) async fn tail(place: &InstancePlace, args: &RunTail) -> Result<ExitCode> {
    let instance = open::existing(place).await?;
    let run_id = instance.find_run(&args.id).await?.dagster_run.run_id;
    follow_to_its_end(&instance, &run_id, args.output.json).await
}

/// Prints the events of a run until it has ended, and says by the exit code how it did.
pub(crate) async fn follow_to_its_end(
    instance: &DagsterInstance,
    run_id: &RunId,
    as_json: bool,
) -> Result<ExitCode> {
    if let Followed::WithoutAnEnd(reason) = follow(instance, run_id, None, as_json).await? {
        return Ok(without_an_end(run_id, &reason));
    }
    match instance.get_run_by_id(run_id).await? {
        Some(run) => ended_as(&run),
        None => Err(deleted(run_id)),
    }
}

pub(crate) async fn wait(place: &InstancePlace, args: &RunWait) -> Result<ExitCode> {
    let instance = open::existing(place).await?;
    let run = instance.find_run(&args.id).await?.dagster_run;
    if run.status.is_finished() {
        return ended_as(&run);
    }
    let run_id = run.run_id;
    let ending = async {
        // Only the events by which runs end are read.
        let request = WatchEventLogs::new(run_id.clone())
            .with_of_types(Only::These(DagsterRunStatus::ENDING_EVENTS.to_vec()))
            .with_until(WatchUntil::RunEnds)
            .with_page_size(EVENTS_IN_MEMORY);
        let mut watch = instance.watch_event_logs(request).await?;
        while watch.next().await.transpose()?.is_some() {}
        Ok::<_, dagster_instance::InstanceError>(())
    };
    let longest = args.timeout.map_or(Duration::MAX, Duration::from_secs_f64);
    let in_time = tokio::select! {
        ended = tokio::time::timeout(longest, ending) => ended.ok().transpose()?.is_some(),
        reason = lost_worker::wait(&instance, &run_id) => {
            return Ok(without_an_end(&run_id, &reason));
        }
    };
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

/// Says that a run will not end by itself.
fn without_an_end(run_id: &RunId, reason: &str) -> ExitCode {
    report::failure(&lost_worker::text(run_id, reason));
    ExitCode::from(OWN_FAILURE)
}

/// How the following of a run ended.
enum Followed {
    /// As the run did, or at the limit.
    ToItsEnd,
    /// The run will not end by itself: why.
    WithoutAnEnd(String),
}

/// Prints the events of a run as they come, until it has ended or nobody is left who could end it.
async fn follow(
    instance: &DagsterInstance,
    run_id: &RunId,
    limit: Option<u64>,
    as_json: bool,
) -> Result<Followed> {
    let mut left = limit.unwrap_or(u64::MAX);
    let mut last = None;
    let reason = tokio::select! {
        followed = print_as_they_come(instance, run_id, &mut left, &mut last, as_json) => {
            return followed.map(|()| Followed::ToItsEnd);
        }
        reason = lost_worker::wait(instance, run_id) => reason,
    };
    // Nobody adds to what is stored any more.
    print_stored(instance, run_id, last, Some(left), as_json).await?;
    Ok(Followed::WithoutAnEnd(reason))
}

/// Prints the events of a run as they come, until it has ended; `last` is the last one that was printed.
async fn print_as_they_come(
    instance: &DagsterInstance,
    run_id: &RunId,
    left: &mut u64,
    last: &mut Option<StorageId>,
    as_json: bool,
) -> Result<()> {
    let request = WatchEventLogs::new(run_id.clone())
        .with_until(WatchUntil::RunEnds)
        .with_page_size(EVENTS_IN_MEMORY.min(*left).max(1));
    let mut watch = instance.watch_event_logs(request).await?;
    while *left > 0
        && let Some(record) = watch.next().await
    {
        let record = record?;
        let mut out = std::io::stdout().lock();
        print_record(&mut out, &record, as_json)?;
        out.flush()?;
        *last = Some(record.storage_id);
        *left -= 1;
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
