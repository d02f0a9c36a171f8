//! What events do to runs: the rules that every store of runs applies.
//!
//! Not here: storing anything.

use chrono::{DateTime, Utc};

use crate::clock::timestamp_of;
use crate::error::StorageError;
use crate::event::{DagsterEvent, DagsterEventType, RunFailureReason};
use crate::run::DagsterRun;
use crate::tags;

/// What an event changes of the row of a run, beside the run itself.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunChange {
    /// When the run began, in seconds since 1970; `None` leaves the stored time as it is.
    pub start_time: Option<f64>,
    /// When the run ended, in seconds since 1970; `None` leaves the stored time as it is.
    pub end_time: Option<f64>,
    /// The reason of a failure, which has become a tag of the run; `None` if no tag has changed.
    pub failure_reason: Option<RunFailureReason>,
}

/// Changes a run as an event about it demands: its status, and the tag with the reason of a failure. `at` is the
/// time of the event. `None` means that the event changes no run.
///
/// # Errors
///
/// [`StorageError::Invalid`] if the run would be queued and does not say where its job is.
pub fn apply_run_event(
    run: &mut DagsterRun,
    event: &DagsterEvent,
    at: DateTime<Utc>,
) -> Result<Option<RunChange>, StorageError> {
    let Some(status) = event.event_type().and_then(DagsterEventType::run_status) else {
        return Ok(None);
    };
    run.status = status;
    require_readable(run)?;
    let failure_reason = match event.event_type() {
        Some(DagsterEventType::RunFailure) => event
            .job_failure_data()
            .and_then(|data| data.failure_reason)
            .filter(|reason| *reason != RunFailureReason::Unknown),
        _ => None,
    };
    if let Some(reason) = failure_reason {
        run.tags.insert(tags::RUN_FAILURE_REASON.to_owned(), reason.as_str().to_owned());
    }
    let time = Some(timestamp_of(at));
    Ok(Some(RunChange {
        start_time: time.filter(|_| event.event_type() == Some(DagsterEventType::RunStart)),
        end_time: time.filter(|_| status.is_finished()),
        failure_reason,
    }))
}

/// Refuses a run that Dagster could not read.
///
/// # Errors
///
/// [`StorageError::Invalid`] for a queued run that does not say where its job is.
pub fn require_readable(run: &DagsterRun) -> Result<(), StorageError> {
    if run.is_readable() {
        return Ok(());
    }
    Err(StorageError::Invalid {
        what: "queued run",
        value: run.run_id.to_string(),
        reason: "it does not say where its job is, and Dagster could not read it; give it a remote job origin"
            .to_owned(),
    })
}
