//! `run show`: one run with its steps.

use std::io::{BufWriter, Write};

use dagster_instance::DagsterInstance;
use dagster_instance::clock::timestamp_of;
use dagster_instance::error_info::SerializableErrorInfo;
use dagster_instance::event::{DagsterEventType, EventLogEntry, EventSpecificData};
use dagster_instance::launcher::CheckRunHealthResult;
use dagster_instance::run::{
    DagsterRunStatus, RunRecord, RunStepKeyStatsSnapshot, StepEventStatus,
};
use dagster_instance::storage::{Only, RecordsForRun};

use super::pages::EventPages;
use crate::args::RunShow;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

/// How many failures are shown; `run events` shows all.
const FAILURES_SHOWN: usize = 20;

pub(crate) async fn run(place: &InstancePlace, args: &RunShow) -> Result<()> {
    let instance = open::existing(place).await?;
    let record = instance.find_run(&args.id).await?;
    let run_id = &record.dagster_run.run_id;
    let steps = instance.get_run_step_stats(run_id, &Only::Any).await?;
    // Other runs have no worker yet, or none any more.
    let has_worker = matches!(
        record.dagster_run.status,
        DagsterRunStatus::Starting | DagsterRunStatus::Started | DagsterRunStatus::Canceling
    );
    let worker =
        if has_worker { Some(instance.check_run_worker_health(run_id).await?) } else { None };
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        let stats = instance.get_run_stats(run_id).await?;
        writeln!(out, "{}", json::run_in_full(&record, &stats, &steps, worker.as_ref()))?;
    } else {
        print_run(&mut out, &record, worker.as_ref())?;
        if !steps.is_empty() {
            writeln!(out)?;
            print_steps(&mut out, &steps)?;
        }
        print_failures(&mut out, &instance, &record).await?;
    }
    out.flush()?;
    Ok(())
}

fn print_run(
    out: &mut impl Write,
    record: &RunRecord,
    worker: Option<&CheckRunHealthResult>,
) -> std::io::Result<()> {
    let run = &record.dagster_run;
    writeln!(out, "Run       {}", text::value(run.run_id.as_str()))?;
    writeln!(out, "Job       {}", text::value(&run.job_name))?;
    writeln!(out, "Status    {}", run.status)?;
    writeln!(out, "Created   {} UTC", print::time(Some(timestamp_of(record.create_timestamp))))?;
    writeln!(out, "Started   {}", print::time(record.start_time))?;
    writeln!(out, "Ended     {}", print::time(record.end_time))?;
    writeln!(out, "Duration  {}", print::duration(record.start_time, record.end_time))?;
    if let Some(health) = worker {
        let message = health.msg.as_deref().map(text::message);
        let message = message.map_or_else(String::new, |message| format!(": {message}"));
        writeln!(out, "Worker    {}{message}", health.status)?;
    }
    if let Some(parent) = &run.parent_run_id {
        writeln!(out, "Retries   {}", text::value(parent.as_str()))?;
    }
    for (key, value) in &run.tags {
        writeln!(out, "Tag       {} = {}", text::value(key), text::value(value))?;
    }
    // A message and no value: as JSON, it has quotes of its own.
    writeln!(out, "Config    {}", text::message(run.run_config.as_str()))
}

fn print_steps(out: &mut impl Write, steps: &[RunStepKeyStatsSnapshot]) -> std::io::Result<()> {
    let row = |step: &RunStepKeyStatsSnapshot| {
        vec![
            text::value(&step.step_key),
            step.status.map_or("-", StepEventStatus::as_str).to_owned(),
            print::duration(step.start_time, step.end_time),
            step.attempts.to_string(),
            step.materialization_events.len().to_string(),
        ]
    };
    print::Table::new(&["STEP", "STATUS", "DURATION", "ATTEMPTS", "MATERIALIZATIONS"])
        .rows(out, &steps.iter().map(row).collect::<Vec<_>>())
}

/// Prints what failed, up to a bound. A run may have any number of failures of any size.
async fn print_failures(
    out: &mut impl Write,
    instance: &DagsterInstance,
    record: &RunRecord,
) -> Result<()> {
    let run_id = &record.dagster_run.run_id;
    let query = RecordsForRun::new(run_id.clone())
        .with_of_types(Only::these([DagsterEventType::StepFailure, DagsterEventType::RunFailure]));
    let mut pages = EventPages::new(instance, query);
    let mut shown = 0;
    while let Some(records) = pages.next().await? {
        for record in &records {
            let entry = &record.event_log_entry;
            let error = error_of(entry);
            if error.is_none() && !is_marked_from_outside(entry) {
                continue;
            }
            if shown == FAILURES_SHOWN {
                let id = text::value(run_id.as_str());
                writeln!(out, "\nThere are more failures: dagster-instance run events {id}")?;
                return Ok(());
            }
            shown += 1;
            let place = entry.step_key().map_or_else(|| "the run".to_owned(), text::value);
            let message = error.map_or_else(|| entry.message(), |error| &error.message);
            writeln!(out, "\n{place}: {}", text::lines(message))?;
            let mut cause = error.and_then(|error| error.cause.as_deref());
            while let Some(error) = cause {
                writeln!(out, "caused by {}", text::lines(&error.message))?;
                cause = error.cause.as_deref();
            }
        }
    }
    Ok(())
}

/// The error that belongs to a failure event, unless another event has it already.
fn error_of(entry: &EventLogEntry) -> Option<&SerializableErrorInfo> {
    match entry.dagster_event.as_ref()?.event_specific_data.as_deref()? {
        EventSpecificData::StepFailure(data) => data.error.as_ref(),
        // What a step failed with is in the event of the step.
        EventSpecificData::JobFailure(data) if data.first_step_failure_event.is_none() => {
            data.error.as_ref()
        }
        _ => None,
    }
}

/// Whether a run was marked as failed from outside of its execution, which has its reason in words.
fn is_marked_from_outside(entry: &EventLogEntry) -> bool {
    let event = entry.dagster_event.as_ref();
    event.is_some_and(|event| {
        event.event_type() == Some(DagsterEventType::RunFailure)
            && event.event_specific_data.is_none()
    })
}
