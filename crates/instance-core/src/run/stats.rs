//! What a run's events add up to.

use chrono::{DateTime, Utc};

use crate::clock::timestamp_of;
use crate::event::{DagsterEventType, EventLogEntry, ExpectationResult};
use crate::ids::RunId;

/// The types of events that the statistics of a run count.
pub const RUN_STATS_EVENT_TYPES: &[DagsterEventType] = &[
    DagsterEventType::RunEnqueued,
    DagsterEventType::RunStarting,
    DagsterEventType::RunStart,
    DagsterEventType::RunSuccess,
    DagsterEventType::RunFailure,
    DagsterEventType::RunCanceled,
    DagsterEventType::StepSuccess,
    DagsterEventType::StepFailure,
    DagsterEventType::AssetMaterialization,
    DagsterEventType::StepExpectationResult,
];

/// Counts and times of a whole run. Times are seconds since 1970, `None` where it did not happen.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DagsterRunStatsSnapshot {
    /// The run.
    pub run_id: RunId,
    /// How many steps succeeded.
    pub steps_succeeded: i64,
    /// How many steps failed.
    pub steps_failed: i64,
    /// How many materialisations were reported.
    pub materializations: i64,
    /// How many expectations were reported.
    pub expectations: i64,
    /// When the run was queued.
    pub enqueued_time: Option<f64>,
    /// When the run was launched.
    pub launch_time: Option<f64>,
    /// When the run began.
    pub start_time: Option<f64>,
    /// When the run ended.
    pub end_time: Option<f64>,
}

impl DagsterRunStatsSnapshot {
    /// The statistics of a run by its events: `of` returns for each of [`RUN_STATS_EVENT_TYPES`] how many there are and
    /// the greatest of their times; `None` if there is no such event.
    pub fn from_counts(
        run_id: RunId,
        of: impl Fn(DagsterEventType) -> Option<(i64, Option<DateTime<Utc>>)>,
    ) -> Self {
        let count = |event_type| of(event_type).map_or(0, |(count, _)| count);
        let time = |event_type| of(event_type).and_then(|(_, time)| time).map(timestamp_of);
        Self {
            run_id,
            steps_succeeded: count(DagsterEventType::StepSuccess),
            steps_failed: count(DagsterEventType::StepFailure),
            materializations: count(DagsterEventType::AssetMaterialization),
            expectations: count(DagsterEventType::StepExpectationResult),
            enqueued_time: time(DagsterEventType::RunEnqueued),
            launch_time: time(DagsterEventType::RunStarting),
            start_time: time(DagsterEventType::RunStart),
            end_time: time(DagsterEventType::RunSuccess)
                .or_else(|| time(DagsterEventType::RunFailure))
                .or_else(|| time(DagsterEventType::RunCanceled)),
        }
    }
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepEventStatus {
    /// Executing.
    InProgress,
    /// Skipped because an optional input did not come.
    Skipped,
    /// Finished without an error.
    Success,
    /// Finished with an error.
    Failure,
}

impl StepEventStatus {
    /// Dagster's name of the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Skipped => "SKIPPED",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
        }
    }
}

/// A span of time within a step, in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunStepMarker {
    /// When it began, if that was reported.
    pub start_time: Option<f64>,
    /// When it ended, if that was reported.
    pub end_time: Option<f64>,
    /// The name of the span; `None` for an attempt.
    pub key: Option<String>,
}

/// Status, times and attempts of one step of a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunStepKeyStatsSnapshot {
    /// The run.
    pub run_id: RunId,
    /// The step.
    pub step_key: String,
    /// How the step stands; `None` before it began.
    pub status: Option<StepEventStatus>,
    /// When its first attempt began.
    pub start_time: Option<f64>,
    /// When it ended.
    pub end_time: Option<f64>,
    /// The events of its materialisations, in order.
    pub materialization_events: Vec<EventLogEntry>,
    /// The results of its expectations, in order.
    pub expectation_results: Vec<ExpectationResult>,
    /// How many attempts there were.
    pub attempts: i64,
    /// When the attempt began that has not ended yet.
    pub partial_attempt_start: Option<f64>,
    /// The attempts that ended, in order.
    pub attempts_list: Vec<RunStepMarker>,
    /// The named spans, in order of their first report.
    pub markers: Vec<RunStepMarker>,
}
