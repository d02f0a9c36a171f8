//! `run events`, `run tail` and `run wait`: the events of a run, oldest first, and its end.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use dagster_instance::event::{EventLogCursor, EventLogRecord};
use dagster_instance::run::DagsterRunStatus;
use dagster_instance::storage::RecordsForRun;
use dagster_instance::{DagsterInstance, RunId, StorageId, WatchEventLogs};

use super::lost_worker;
use crate::args::{RunEvents, RunTail, RunWait};
use crate::{EXEC_FAILED, Result, TIMED_OUT, json, open, print};

/// How many events are in memory at once.
const PAGE: u64 = 1_000;

pub(crate) async fn run(home: Option<&Path>, args: &RunEvents) -> Result<()> {
    let instance = open::existing(home).await?;
    let run_id = instance.find_run(&args.id).await?.dagster_run.run_id;
    if args.follow {
        return match follow(&instance, &run_id, args.limit, args.output.json).await? {
            Followed::ToItsEnd => Ok(()),
            Followed::WithoutAnEnd(reason) => Err(lost_worker::text(&run_id, &reason).into()),
        };
    }
    let limit = args.limit.unwrap_or(u64::MAX);
    print_stored(&instance, &run_id, None, limit, args.output.json).await
}

/// Prints the events of a run that are stored behind one.
async fn print_stored(
    instance: &DagsterInstance,
    run_id: &RunId,
    last: Option<StorageId>,
    mut left: u64,
    as_json: bool,
) -> Result<()> {
    let mut query = RecordsForRun::all(run_id.clone());
    query.cursor = last.map(EventLogCursor::StorageId);
    while left > 0 {
        query.limit = Some(PAGE.min(left));
        let page = instance.get_records_for_run(&query).await?;
        query.cursor = Some(page.cursor);
        left -= page.records.len() as u64;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for record in &page.records {
            print_record(&mut out, record, as_json)?;
        }
        out.flush()?;
        if !page.has_more {
            break;
        }
    }
    Ok(())
}

pub(crate) async fn tail(home: Option<&Path>, args: &RunTail) -> Result<ExitCode> {
    let instance = open::existing(home).await?;
    let run_id = instance.find_run(&args.id).await?.dagster_run.run_id;
    match follow(&instance, &run_id, None, args.output.json).await? {
        Followed::ToItsEnd => ended_as(&instance, &run_id).await,
        Followed::WithoutAnEnd(reason) => {
            eprintln!("dagster-instance: {}", lost_worker::text(&run_id, &reason));
            Ok(ExitCode::from(EXEC_FAILED))
        }
    }
}

pub(crate) async fn wait(home: Option<&Path>, args: &RunWait) -> Result<ExitCode> {
    let instance = open::existing(home).await?;
    let record = instance.find_run(&args.id).await?;
    let run_id = record.dagster_run.run_id;
    let ending = async {
        // Only the events by which runs end are read.
        let mut request = WatchEventLogs::of_run(run_id.clone()).until_run_ends();
        request.of_types = DagsterRunStatus::ENDING_EVENTS.to_vec();
        let mut watch = instance.watch_event_logs(request).await?;
        while watch.next().await.transpose()?.is_some() {}
        Ok::<_, dagster_instance::InstanceError>(())
    };
    let ending = async {
        tokio::select! {
            ended = ending => ended.map(|()| None),
            lost = lost_worker::wait(&instance, &run_id) => Ok(Some(lost)),
        }
    };
    let longest = args.timeout.map_or(Duration::MAX, Duration::from_secs_f64);
    if let Ok(ended) = tokio::time::timeout(longest, ending).await {
        if let Some(lost) = ended? {
            eprintln!("dagster-instance: {}", lost_worker::text(&run_id, &lost));
            return Ok(ExitCode::from(EXEC_FAILED));
        }
        return ended_as(&instance, &run_id).await;
    }
    let status = instance.get_run_by_id(&run_id).await?.map(|run| run.status);
    let status = status.map_or_else(|| "deleted".to_owned(), |status| status.to_string());
    eprintln!("dagster-instance: run {run_id} has not ended in time; it is {status}");
    Ok(ExitCode::from(TIMED_OUT))
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
    print_stored(instance, run_id, last, left, as_json).await?;
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
    let mut request = WatchEventLogs::of_run(run_id.clone()).until_run_ends();
    request.page_size = PAGE.min(*left).max(1);
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
async fn ended_as(instance: &DagsterInstance, run_id: &RunId) -> Result<ExitCode> {
    let Some(run) = instance.get_run_by_id(run_id).await? else {
        return Err(format!("run {run_id} was deleted").into());
    };
    Ok(ExitCode::from(match run.status {
        DagsterRunStatus::Success => 0,
        DagsterRunStatus::Failure => 1,
        DagsterRunStatus::Canceled => 3,
        status => return Err(format!("run {run_id} is {status}").into()),
    }))
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
        Some(event) => event.event_type_value.as_str(),
        None => entry.level.name(),
    };
    let step =
        entry.step_key().map_or_else(String::new, |step| format!("[{}] ", print::one_line(step)));
    let message = print::one_line(entry.message());
    format!("{}  {kind:<29} {step}{message}", print::time_of_day(entry.timestamp))
        .trim_end()
        .to_owned()
}
