//! `run events`, `run tail` and `run wait`: the events of a run, oldest first, and its end.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use dagster_instance::event::EventLogRecord;
use dagster_instance::run::DagsterRunStatus;
use dagster_instance::storage::RecordsForRun;
use dagster_instance::{DagsterInstance, RunId, WatchEventLogs};

use crate::args::{RunEvents, RunTail, RunWait};
use crate::{Result, TIMED_OUT, json, open, print};

/// How many events are in memory at once.
const PAGE: u64 = 1_000;

pub(crate) async fn run(home: Option<&Path>, args: &RunEvents) -> Result<()> {
    let instance = open::existing(home).await?;
    let run_id = instance.find_run(&args.id).await?.dagster_run.run_id;
    if args.follow {
        return follow(&instance, &run_id, args.limit, args.output.json).await;
    }
    let mut query = RecordsForRun::all(run_id);
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        query.limit = Some(PAGE.min(left));
        let page = instance.get_records_for_run(&query).await?;
        query.cursor = Some(page.cursor);
        left -= page.records.len() as u64;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for record in &page.records {
            print_record(&mut out, record, args.output.json)?;
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
    follow(&instance, &run_id, None, args.output.json).await?;
    ended_as(&instance, &run_id).await
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
    let longest = args.timeout.map_or(Duration::MAX, Duration::from_secs_f64);
    if let Ok(ended) = tokio::time::timeout(longest, ending).await {
        ended?;
        return ended_as(&instance, &run_id).await;
    }
    let status = instance.get_run_by_id(&run_id).await?.map(|run| run.status);
    let status = status.map_or_else(|| "deleted".to_owned(), |status| status.to_string());
    eprintln!("dagster-instance: run {run_id} has not ended in time; it is {status}");
    Ok(ExitCode::from(TIMED_OUT))
}

/// Prints the events of a run as they come, until it has ended.
async fn follow(
    instance: &DagsterInstance,
    run_id: &RunId,
    limit: Option<u64>,
    as_json: bool,
) -> Result<()> {
    let mut request = WatchEventLogs::of_run(run_id.clone()).until_run_ends();
    request.page_size = PAGE.min(limit.unwrap_or(PAGE)).max(1);
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
