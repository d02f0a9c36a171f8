//! `run show`: one run with its steps.

use std::io::Write;
use std::path::Path;

use dagster_instance::SnapshotId;
use dagster_instance::clock::timestamp_of;
use dagster_instance::event::{DagsterEventType, EventSpecificData};
use dagster_instance::run::{DagsterRunStatus, StepEventStatus};
use serde_json::json;

use crate::args::RunShow;
use crate::{Result, json, open, print};

pub(crate) async fn run(home: Option<&Path>, args: &RunShow) -> Result<()> {
    let instance = open::existing(home).await?;
    let record = instance.find_run(&args.id).await?;
    let run = &record.dagster_run;
    let stats = instance.get_run_stats(&run.run_id).await?;
    let steps = instance.get_run_step_stats(&run.run_id, &[]).await?;
    let failures = instance
        .all_logs(&run.run_id, &[DagsterEventType::StepFailure, DagsterEventType::RunFailure])
        .await?;
    // Other runs have no worker yet, or none any more.
    let has_worker = matches!(
        run.status,
        DagsterRunStatus::Starting | DagsterRunStatus::Started | DagsterRunStatus::Canceling
    );
    let worker =
        if has_worker { Some(instance.check_run_worker_health(&run.run_id).await?) } else { None };
    let mut out = std::io::stdout().lock();
    if args.output.json {
        let mut value = json::run(&record);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("run_config".to_owned(), json::carried(&run.run_config));
            fields.insert(
                "job_snapshot_id".to_owned(),
                json!(run.job_snapshot_id.as_ref().map(SnapshotId::as_str)),
            );
            let plan = run.execution_plan_snapshot_id.as_ref();
            fields.insert(
                "execution_plan_snapshot_id".to_owned(),
                json!(plan.map(SnapshotId::as_str)),
            );
            fields.insert("stats".to_owned(), json::stats(&stats));
            fields.insert("steps".to_owned(), steps.iter().map(json::step).collect());
            let worker = worker
                .map(|health| json!({ "status": health.status.as_str(), "message": health.msg }));
            fields.insert("worker".to_owned(), json!(worker));
        }
        writeln!(out, "{value}")?;
        return Ok(());
    }
    writeln!(out, "Run       {}", run.run_id)?;
    writeln!(out, "Job       {}", print::one_line(&run.job_name))?;
    writeln!(out, "Status    {}", run.status)?;
    writeln!(out, "Created   {} UTC", print::time(Some(timestamp_of(record.create_timestamp))))?;
    writeln!(out, "Started   {}", print::time(record.start_time))?;
    writeln!(out, "Ended     {}", print::time(record.end_time))?;
    writeln!(out, "Duration  {}", print::duration(record.start_time, record.end_time))?;
    if let Some(health) = &worker {
        let message = health.msg.as_deref().map(print::one_line);
        writeln!(
            out,
            "Worker    {}{}",
            health.status,
            message.map_or_else(String::new, |text| format!(": {text}"))
        )?;
    }
    if let Some(parent) = &run.parent_run_id {
        writeln!(out, "Retries   {parent}")?;
    }
    for (key, value) in &run.tags {
        writeln!(out, "Tag       {} = {}", print::one_line(key), print::one_line(value))?;
    }
    writeln!(out, "Config    {}", run.run_config.as_str())?;
    if !steps.is_empty() {
        writeln!(out)?;
        let rows: Vec<_> = steps
            .iter()
            .map(|step| {
                let ended_as = step.status.map_or("-", StepEventStatus::as_str);
                vec![
                    print::one_line(&step.step_key),
                    ended_as.to_owned(),
                    print::duration(step.start_time, step.end_time),
                    step.attempts.to_string(),
                    step.materialization_events.len().to_string(),
                ]
            })
            .collect();
        print::table(
            &mut out,
            &["STEP", "STATUS", "DURATION", "ATTEMPTS", "MATERIALIZATIONS"],
            &rows,
        )?;
    }
    for entry in &failures {
        let data =
            entry.dagster_event.as_ref().and_then(|event| event.event_specific_data.as_deref());
        let error = match data {
            Some(EventSpecificData::StepFailure(data)) => data.error.as_ref(),
            // What a step failed with was printed above.
            Some(EventSpecificData::JobFailure(data))
                if data.first_step_failure_event.is_none() =>
            {
                data.error.as_ref()
            }
            _ => None,
        };
        let place = entry.step_key().unwrap_or("the run");
        if data.is_none() {
            // Marked as failed from outside, with the reason in words.
            writeln!(out, "\n{}: {}", print::one_line(place), print::one_line(entry.message()))?;
        }
        if let Some(error) = error {
            writeln!(out, "\n{}: {}", print::one_line(place), error.message.trim_end())?;
            let mut cause = error.cause.as_deref();
            while let Some(error) = cause {
                writeln!(out, "caused by {}", error.message.trim_end())?;
                cause = error.cause.as_deref();
            }
        }
    }
    Ok(())
}
