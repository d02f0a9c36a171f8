//! Reports from outside of a step: an event, or a message about the machinery around a run.
//!
//! Not here: how a report is handled, which the event domain decides.

use crate::error::InstanceError;
use crate::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventBatchMetadata, EventLogEntry,
    JobFailureData, LogLevel,
};
use crate::ids::RunId;
use crate::run::DagsterRun;

/// An entry that is to be stored.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewEvent {
    /// The entry.
    pub entry: EventLogEntry,
    /// The batch that it is part of; `None` if it is reported alone.
    pub batch: Option<EventBatchMetadata>,
}

impl NewEvent {
    /// An entry that is reported alone.
    pub const fn new(entry: EventLogEntry) -> Self {
        Self { entry, batch: None }
    }

    /// The same as part of a batch; `None` means alone.
    #[must_use]
    pub fn with_batch(mut self, batch: Option<EventBatchMetadata>) -> Self {
        self.batch = batch;
        self
    }
}

impl From<EventLogEntry> for NewEvent {
    fn from(entry: EventLogEntry) -> Self {
        Self::new(entry)
    }
}

/// An event that is to be reported.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReportEvent {
    /// The event.
    pub event: DagsterEvent,
    /// The run; empty for an event without one.
    pub run_id: RunId,
    /// The level; [`LogLevel::INFO`] by default.
    pub level: LogLevel,
    /// The batch that it is part of; `None` if it is reported alone.
    pub batch: Option<EventBatchMetadata>,
    /// When it was, in seconds since 1970; `None` means now.
    pub timestamp: Option<f64>,
}

impl ReportEvent {
    /// An event of a run, at the time at which it is reported.
    pub fn new(event: DagsterEvent, run_id: &RunId) -> Self {
        Self { event, run_id: run_id.clone(), level: LogLevel::INFO, batch: None, timestamp: None }
    }

    /// An event that belongs to no run, such as that of an asset that something else has materialised.
    pub fn runless(event: DagsterEvent) -> Self {
        Self::new(event, &RunId::runless())
    }

    /// The report that a run was asked to stop. `None` for the message means Dagster's.
    pub fn run_canceling(run: &DagsterRun, message: Option<String>) -> Self {
        let default = "Sending run termination request.";
        Self::of_run(run, DagsterEventType::RunCanceling, message, default)
    }

    /// The report that a run is canceled, from outside of its execution. `None` for the message means Dagster's.
    pub fn run_canceled(run: &DagsterRun, message: Option<String>) -> Self {
        let default = "This run has been marked as canceled from outside the execution context.";
        let report = Self::of_run(run, DagsterEventType::RunCanceled, message, default);
        report.with_level(LogLevel::ERROR)
    }

    /// The report that a run has failed, from outside of its execution. `None` for the message means Dagster's; the data
    /// say why it failed, `None` if that is not known.
    pub fn run_failed(
        run: &DagsterRun,
        message: Option<String>,
        data: Option<JobFailureData>,
    ) -> Self {
        let default = "This run has been marked as failed from outside the execution context.";
        let mut report = Self::of_run(run, DagsterEventType::RunFailure, message, default);
        report.event.event_specific_data = data.map(|data| Box::new(data.into()));
        report.with_level(LogLevel::ERROR)
    }

    fn of_run(
        run: &DagsterRun,
        event_type: DagsterEventType,
        message: Option<String>,
        default: &str,
    ) -> Self {
        let message = message.unwrap_or_else(|| default.to_owned());
        let event = DagsterEvent::new(event_type, &run.job_name).with_message(message);
        Self::new(event, &run.run_id)
    }

    /// The same with another level.
    #[must_use]
    pub const fn with_level(mut self, level: LogLevel) -> Self {
        self.level = level;
        self
    }

    /// The same with the time of the event, in seconds since 1970.
    #[must_use]
    pub const fn with_timestamp(mut self, timestamp: f64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// The same as part of a batch.
    #[must_use]
    pub fn with_batch(mut self, batch: EventBatchMetadata) -> Self {
        self.batch = Some(batch);
        self
    }

    /// The entry to store. An event without a time gets `now`, in seconds since 1970.
    pub fn into_new_event(self, now: f64) -> NewEvent {
        let Self { event, run_id, level, batch, timestamp } = self;
        // Dagster takes the time zero for none.
        let timestamp = timestamp.filter(|timestamp| *timestamp != 0.0).unwrap_or(now);
        let entry = EventLogEntry::of_event(event, run_id, level, timestamp);
        NewEvent::new(entry).with_batch(batch)
    }
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
    /// More about it. If an error is in it, the report is an error.
    pub data: EngineEventData,
}

impl ReportEngineEvent {
    /// A report about a run.
    pub fn new(run: &DagsterRun, message: impl Into<String>) -> Self {
        Self::from_ids(&run.run_id, &run.job_name, message)
    }

    /// A report about a run of which only the id and the job are known.
    pub fn from_ids(
        run_id: &RunId,
        job_name: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
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
    pub fn with_step_key(mut self, step_key: impl Into<String>) -> Self {
        self.step_key = Some(step_key.into());
        self
    }

    /// The same with the name of the part of the machinery that reports, before the message.
    #[must_use]
    pub fn with_reporter(mut self, part: &str) -> Self {
        self.message = format!("[{part}] {}", self.message);
        self
    }

    /// The event that is reported of it.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the run or its job has no name.
    pub fn into_report(self) -> Result<ReportEvent, InstanceError> {
        let Self { message, run_id, job_name, step_key, data } = self;
        if run_id == RunId::runless() || job_name.is_empty() {
            let reason = "it has to name its run and the job of the run";
            return Err(InstanceError::invalid("engine event", message, reason));
        }
        let level = if data.error.is_some() { LogLevel::ERROR } else { LogLevel::INFO };
        let mut event = DagsterEvent::new(DagsterEventType::EngineEvent, job_name)
            .with_message(message)
            .with_data(data);
        event.step_key = step_key;
        Ok(ReportEvent::new(event, &run_id).with_level(level))
    }
}
