//! Reporting events from outside of a step: of the machinery, and about runs as a whole.

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventBatchMetadata, EventLogEntry,
    JobFailureData, LogLevel,
};
use instance_core::ids::RunId;
use instance_core::ops::EventOps;
use instance_core::run::DagsterRun;

use crate::handle::{NewEvent, handle_new_event};

/// An event that is to be reported.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReportEvent {
    /// The event.
    pub event: DagsterEvent,
    /// The run; empty for an event without one.
    pub run_id: RunId,
    /// The level; [`LogLevel::INFO`] unless said otherwise.
    pub level: LogLevel,
    /// The batch that it is part of; `None` if it is reported alone.
    pub batch: Option<EventBatchMetadata>,
    /// When it was, in seconds since 1970; `None` means now.
    pub timestamp: Option<f64>,
}

impl ReportEvent {
    /// An event of a run, of now.
    pub fn of(event: DagsterEvent, run_id: &RunId) -> Self {
        Self { event, run_id: run_id.clone(), level: LogLevel::INFO, batch: None, timestamp: None }
    }

    /// An event of no run, as of an asset that something else has materialised.
    pub fn runless(event: DagsterEvent) -> Self {
        Self::of(event, &RunId::runless())
    }

    /// The same with another level.
    #[must_use]
    pub const fn level(mut self, level: LogLevel) -> Self {
        self.level = level;
        self
    }

    /// The same with the time at which it was, in seconds since 1970.
    #[must_use]
    pub const fn at(mut self, timestamp: f64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// The same as part of a batch.
    #[must_use]
    pub fn in_batch(mut self, batch: EventBatchMetadata) -> Self {
        self.batch = Some(batch);
        self
    }
}

/// Stores an event as [`handle_new_event`] does.
pub async fn report_dagster_event(
    ops: &dyn EventOps,
    report: ReportEvent,
) -> Result<(), InstanceError> {
    let ReportEvent { event, run_id, level, batch, timestamp } = report;
    // Dagster takes the time zero for none.
    let timestamp = timestamp.filter(|timestamp| *timestamp != 0.0);
    let timestamp = timestamp.unwrap_or_else(|| timestamp_of(ops.clock().now()));
    let entry = EventLogEntry::of_event(event, run_id, level, timestamp);
    handle_new_event(ops, NewEvent { entry, batch }).await
}

/// A report of the machinery around a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReportEngineEvent {
    /// The message for people.
    pub message: String,
    /// The run.
    pub run_id: RunId,
    /// The job of the run.
    pub job_name: String,
    /// The step that it is about; `None` if it is about the run.
    pub step_key: Option<String>,
    /// What is to be known of it; an error in it makes the report an error.
    pub data: EngineEventData,
}

impl ReportEngineEvent {
    /// A report about a run.
    pub fn of(run: &DagsterRun, message: impl Into<String>) -> Self {
        Self::of_ids(&run.run_id, &run.job_name, message)
    }

    /// A report about a run of which these are known.
    pub fn of_ids(run_id: &RunId, job_name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            run_id: run_id.clone(),
            job_name: job_name.into(),
            step_key: None,
            data: EngineEventData::default(),
        }
    }

    /// The same with data.
    #[must_use]
    pub fn with_data(mut self, data: EngineEventData) -> Self {
        self.data = data;
        self
    }

    /// The same about a step.
    #[must_use]
    pub fn of_step(mut self, step_key: impl Into<String>) -> Self {
        self.step_key = Some(step_key.into());
        self
    }

    /// The same as a report of this part of the machinery, which the message then names.
    #[must_use]
    pub fn by(mut self, part: &str) -> Self {
        self.message = format!("[{part}] {}", self.message);
        self
    }
}

/// Reports something of the machinery around a run; returns the event.
///
/// Errors: [`InstanceError::Invalid`] if the run or its job has no name.
pub async fn report_engine_event(
    ops: &dyn EventOps,
    report: ReportEngineEvent,
) -> Result<DagsterEvent, InstanceError> {
    let ReportEngineEvent { message, run_id, job_name, step_key, data } = report;
    if run_id == RunId::runless() || job_name.is_empty() {
        return Err(InstanceError::Invalid {
            what: "engine event",
            value: message,
            reason: "it has to name its run and the job of the run".to_owned(),
        });
    }
    let level = if data.error.is_some() { LogLevel::ERROR } else { LogLevel::INFO };
    let mut event = DagsterEvent::new(DagsterEventType::EngineEvent, job_name)
        .with_message(message)
        .with_data(data);
    event.step_key = step_key;
    report_returning(ops, event, &run_id, level).await
}

async fn report_returning(
    ops: &dyn EventOps,
    event: DagsterEvent,
    run_id: &RunId,
    level: LogLevel,
) -> Result<DagsterEvent, InstanceError> {
    report_dagster_event(ops, ReportEvent::of(event.clone(), run_id).level(level)).await?;
    Ok(event)
}

/// Reports that a run was asked to stop; its status is then `CANCELING`. Returns the event.
pub async fn report_run_canceling(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
) -> Result<DagsterEvent, InstanceError> {
    let message = message.unwrap_or_else(|| "Sending run termination request.".to_owned());
    let event =
        DagsterEvent::new(DagsterEventType::RunCanceling, &run.job_name).with_message(message);
    report_returning(ops, event, &run.run_id, LogLevel::INFO).await
}

/// Marks a run as canceled from outside of its execution; returns the event.
pub async fn report_run_canceled(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
) -> Result<DagsterEvent, InstanceError> {
    let message = message.unwrap_or_else(|| {
        "This run has been marked as canceled from outside the execution context.".to_owned()
    });
    let event =
        DagsterEvent::new(DagsterEventType::RunCanceled, &run.job_name).with_message(message);
    report_returning(ops, event, &run.run_id, LogLevel::ERROR).await
}

/// Marks a run as failed from outside of its execution; returns the event.
pub async fn report_run_failed(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
    data: Option<JobFailureData>,
) -> Result<DagsterEvent, InstanceError> {
    let message = message.unwrap_or_else(|| {
        "This run has been marked as failed from outside the execution context.".to_owned()
    });
    let mut event =
        DagsterEvent::new(DagsterEventType::RunFailure, &run.job_name).with_message(message);
    event.event_specific_data = data.map(|data| Box::new(data.into()));
    report_returning(ops, event, &run.run_id, LogLevel::ERROR).await
}
