//! `run events`: the events of a run, oldest first.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use dagster_instance::event::EventLogRecord;
use dagster_instance::storage::RecordsForRun;
use dagster_instance::{DagsterInstance, RunId};

use crate::args::RunEvents;
use crate::{Result, json, open, print};

/// How many events are in memory at once.
const PAGE: u64 = 1_000;

/// How often a run that goes on is looked at.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(100);

pub(crate) async fn run(home: Option<&Path>, args: &RunEvents) -> Result<()> {
    let instance = open::existing(home).await?;
    let run_id = instance.find_run(&args.id).await?.dagster_run.run_id;
    let mut query = RecordsForRun::all(run_id.clone());
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        // Asked before the events are read: a run that has ended stores no more.
        let has_ended = !args.follow || has_ended(&instance, &run_id).await?;
        let limit = PAGE.min(left);
        query.limit = Some(limit);
        let page = instance.get_records_for_run(&query).await?;
        query.cursor = Some(page.cursor);
        left -= page.records.len() as u64;
        print_records(&page.records, args.output.json)?;
        if !page.has_more {
            if has_ended {
                break;
            }
            tokio::time::sleep(FOLLOW_INTERVAL).await;
        }
    }
    Ok(())
}

async fn has_ended(instance: &DagsterInstance, run_id: &RunId) -> Result<bool> {
    let run = instance.get_run_by_id(run_id).await?;
    Ok(run.is_none_or(|run| run.status.is_finished()))
}

fn print_records(records: &[EventLogRecord], as_json: bool) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for record in records {
        if as_json {
            writeln!(out, "{}", json::event(record))?;
        } else {
            writeln!(out, "{}", line(record))?;
        }
    }
    out.flush()?;
    Ok(())
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
