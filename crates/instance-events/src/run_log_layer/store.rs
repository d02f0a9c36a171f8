//! The task that stores lines, and what it does with lines that cannot be stored.
//!
//! Not here: when lines are due; see [`queue`](super::queue).

use std::collections::BTreeMap;
use std::error::Error;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use instance_core::error::{BoxError, InstanceError, Persistence, StorageError};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{EngineEventData, ReportEngineEvent};
use instance_core::ids::RunId;
use instance_core::ops::EventOps;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::line::Line;
use super::own;
use super::queue::{Next, Queue};
use crate::{handle_new_events, report_engine_event};

/// Stores lines until the queue ends. `progress` counts the lines that are stored or lost.
pub(super) async fn store_lines(
    ops: Arc<dyn EventOps>,
    queue: Arc<Queue>,
    progress: watch::Sender<u64>,
    maximum_delay: Duration,
) {
    let mut deadline: Option<Instant> = None;
    loop {
        let overdue = deadline.is_some_and(|deadline| deadline <= Instant::now());
        match queue.next(overdue) {
            Next::Store(lines) => {
                deadline = None;
                let stored = u64::try_from(lines.len()).unwrap_or(u64::MAX);
                for error in store_batch(&ops, lines).await {
                    queue.keep_error(error);
                }
                progress.send_modify(|done| *done = done.saturating_add(stored));
            }
            Next::WaitForMore => {
                deadline = deadline.or_else(|| Instant::now().checked_add(maximum_delay));
                match deadline {
                    // In either case the queue is asked again.
                    Some(at) => drop(timeout_at(at, queue.changed()).await),
                    // The delay is too long for a point in time: wait until the queue changes.
                    None => queue.changed().await,
                }
            }
            Next::WaitForAny => queue.changed().await,
            Next::End => return,
        }
    }
}

/// Stores lines of any runs, and returns the first error of each run that lost some.
async fn store_batch(ops: &Arc<dyn EventOps>, lines: Vec<Line>) -> Vec<InstanceError> {
    // Each run by itself: only entries of one run are stored all or none. After an error over several runs,
    // nobody would know which entries to store again.
    let mut runs: BTreeMap<RunId, Vec<Line>> = BTreeMap::new();
    for line in lines {
        runs.entry(line.run.run_id.clone()).or_default().push(line);
    }
    let mut errors = Vec::new();
    for (run_id, lines) in runs {
        let ops = Arc::clone(ops);
        // In a task of its own, so that a panic over one run stops neither other runs nor later lines.
        let storing = async move { store_run(&*ops, &lines).await };
        match tokio::spawn(own::while_storing(storing)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => errors.push(error),
            Err(error) => {
                tracing::warn!(parent: None, %run_id, %error, "lines of a run are not stored");
                errors.push(ended_early(error.into()));
            }
        }
    }
    errors
}

/// The error for a task that ended before its work was done.
pub(super) fn ended_early(source: BoxError) -> InstanceError {
    StorageError::Backend {
        database: "the event log".to_owned(),
        operation: "handling lines of run logs",
        persistence: Persistence::Permanent,
        source,
    }
    .into()
}

/// Stores lines of one run together. If that fails, stores them one by one, as far as possible.
async fn store_run(ops: &dyn EventOps, lines: &[Line]) -> Result<(), InstanceError> {
    let Err(error) = store(ops, lines).await else { return Ok(()) };
    if matches!(error, InstanceError::EventsIncomplete { .. }) {
        // The lines are stored, and must not be stored twice.
        return Err(error);
    }
    tracing::debug!(parent: None, error = &error as &dyn Error, "lines are stored one by one");
    let mut first_error = None;
    let mut lost = 0;
    for (index, line) in lines.iter().enumerate() {
        let Err(error) = store(ops, slice::from_ref(line)).await else { continue };
        lost += 1;
        if first_error.is_some() {
            continue;
        }
        let reported = report(ops, line, &error).await;
        first_error = Some(error);
        if let Err(error) = reported {
            // The log takes nothing at all. Trying every further line would make all other runs wait.
            tracing::warn!(
                parent: None,
                run_id = %line.run.run_id,
                error = &error as &dyn Error,
                "that lines of a run's log are lost cannot be said in the log"
            );
            lost = lines.len() - index;
            break;
        }
    }
    let Some(error) = first_error else { return Ok(()) };
    tracing::warn!(
        parent: None,
        run_id = lines.first().map(|line| line.run.run_id.as_str()),
        lines = lost,
        error = &error as &dyn Error,
        "lines of a run's log are lost, as they could not be stored"
    );
    Err(error)
}

async fn store(ops: &dyn EventOps, lines: &[Line]) -> Result<(), InstanceError> {
    handle_new_events(ops, lines.iter().map(Line::entry).collect()).await
}

/// Reports in the log of a run that a line is lost, in Dagster's words.
async fn report(
    ops: &dyn EventOps,
    line: &Line,
    error: &InstanceError,
) -> Result<(), InstanceError> {
    let error = SerializableErrorInfo::from_error("StorageError", error);
    let mut report = ReportEngineEvent::from_ids(
        &line.run.run_id,
        &line.run.job_name,
        "Exception while writing logger call to event log",
    )
    .with_data(EngineEventData::engine_error(error));
    report.step_key.clone_from(&line.run.step_key);
    report_engine_event(ops, report).await.map(drop)
}
