//! Ticks: the evaluations of schedules and sensors.

use chrono::{DateTime, Utc};

use crate::error_info::SerializableErrorInfo;
use crate::scheduling::{InstigatorIds, InstigatorType, RunRequest};
use crate::serdes::{Number, UnknownFields};
use crate::{serdes_class, serdes_enum};

serdes_enum! {
    /// How a tick stands.
    pub enum TickStatus = "TickStatus" | "JobTickStatus" {
        /// It is being evaluated.
        Started = "STARTED",
        /// It asked for nothing.
        Skipped = "SKIPPED",
        /// It asked for something.
        Success = "SUCCESS",
        /// It failed.
        Failure = "FAILURE",
    }
}

serdes_class! {
    /// A tick with the id of its row.
    #[derive(Debug, Clone, PartialEq)]
    pub struct InstigatorTick = "InstigatorTick" | "JobTick" {
        /// The tick.
        pub tick_data: TickData = "job_tick_data",
        /// The id of the row.
        pub tick_id: i64 = "tick_id",
    }
}

serdes_class! {
    /// An evaluation of a schedule or sensor.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TickData = "TickData" | "JobTickData" {
        /// The evaluation of automation conditions that it belongs to.
        pub auto_materialize_evaluation_id: Option<i64> = "auto_materialize_evaluation_id",
        /// How often in a row it failed.
        pub consecutive_failure_count: Option<i64> = "consecutive_failure_count" [or_some],
        /// What the sensor's own code remembers after it.
        pub cursor: Option<String> = "cursor",
        /// What it added to and deleted from dynamic partitions.
        pub dynamic_partitions_request_results: Vec<DynamicPartitionsRequestResult> =
            "dynamic_partitions_request_results",
        /// When it ended, in seconds since 1970.
        pub end_timestamp: Option<Number> = "end_timestamp",
        /// The error, if it failed.
        pub error: Option<SerializableErrorInfo> = "error",
        /// How often it was tried and failed.
        pub failure_count: Option<i64> = "failure_count" [or_some],
        /// The name of the schedule or sensor.
        pub instigator_name: String = "job_name",
        /// The id of the schedule or sensor, which old versions made of its origin.
        pub instigator_origin_id: String = "job_origin_id",
        /// Whether it is a schedule or a sensor.
        pub instigator_type: InstigatorType = "job_type",
        /// The key of its captured log.
        pub log_key: Option<Vec<String>> = "log_key",
        /// The runs that caused it.
        pub origin_run_ids: Option<Vec<String>> = "origin_run_ids" [or_some],
        /// The ids that were set aside for the runs that it asks for.
        pub reserved_run_ids: Option<Vec<String>> = "reserved_run_ids" [or_some],
        /// The runs that it asked for.
        pub run_ids: Option<Vec<String>> = "run_ids" [or_some],
        /// The keys of the runs that it asked for.
        pub run_keys: Option<Vec<String>> = "run_keys" [or_some],
        /// What it asks for.
        pub run_requests: Option<Vec<RunRequest>> = "run_requests" [or_some],
        /// The id of the schedule or sensor.
        pub selector_id: Option<String> = "selector_id",
        /// Why it asked for nothing.
        pub skip_reason: Option<String> = "skip_reason",
        /// How it stands.
        pub status: TickStatus = "status",
        /// When it began, in seconds since 1970.
        pub timestamp: Number = "timestamp",
        /// Whether a user ended it.
        pub user_interrupted: Option<bool> = "user_interrupted" [or_some],
    }
}

impl TickData {
    /// A tick of a schedule or sensor that began at a time in seconds since 1970, as Dagster makes one.
    pub fn new(
        ids: InstigatorIds,
        instigator_name: impl Into<String>,
        instigator_type: InstigatorType,
        status: TickStatus,
        timestamp: f64,
    ) -> Self {
        Self {
            auto_materialize_evaluation_id: None,
            consecutive_failure_count: Some(0),
            cursor: None,
            dynamic_partitions_request_results: Vec::new(),
            end_timestamp: None,
            error: None,
            failure_count: Some(0),
            instigator_name: instigator_name.into(),
            instigator_origin_id: ids.origin_id,
            instigator_type,
            log_key: None,
            origin_run_ids: Some(Vec::new()),
            reserved_run_ids: Some(Vec::new()),
            run_ids: Some(Vec::new()),
            run_keys: Some(Vec::new()),
            run_requests: Some(Vec::new()),
            selector_id: Some(ids.selector_id),
            skip_reason: None,
            status,
            timestamp: timestamp.into(),
            user_interrupted: Some(false),
            unknown: UnknownFields::default(),
        }
    }

    /// Why Dagster could not read the tick, and what to do; `None` if it could.
    pub fn unreadable_because(&self) -> Option<&'static str> {
        let is_skipped = self.status == TickStatus::Skipped;
        let has_reason = self.skip_reason.as_ref().is_some_and(|reason| !reason.is_empty());
        match (self.status, &self.error) {
            (TickStatus::Failure, None) => Some("it has failed; give it the error"),
            (TickStatus::Success, None) if self.run_ids.is_none() => {
                Some("it has succeeded; give it a list of runs, which may be empty")
            }
            (TickStatus::Failure, Some(_)) | (_, None) if is_skipped || !has_reason => None,
            (TickStatus::Failure, Some(_)) | (_, None) => {
                Some("it says why it asked for nothing, and was not skipped; leave out the reason")
            }
            (_, Some(_)) => Some("it has an error, and has not failed; leave out the error"),
        }
    }
}

serdes_class! {
    /// What a tick added to and deleted from a set of dynamic partitions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DynamicPartitionsRequestResult = "DynamicPartitionsRequestResult" {
        /// The keys that were added; `None` if it was a deletion.
        pub added_partitions: Option<Vec<String>> = "added_partitions",
        /// The keys that were deleted; `None` if it was an addition.
        pub deleted_partitions: Option<Vec<String>> = "deleted_partitions",
        /// The name of the set of keys.
        pub partitions_def_name: String = "partitions_def_name",
        /// The keys that were there, or were not there, already.
        pub skipped_partitions: Vec<String> = "skipped_partitions",
    }
}

/// What the columns of a tick say, without its body.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InstigatorTickSummary {
    /// The id of the row.
    pub tick_id: i64,
    /// The origin id of the schedule or sensor.
    pub instigator_origin_id: String,
    /// Whether it is a schedule or a sensor.
    pub instigator_type: InstigatorType,
    /// How it stands.
    pub status: TickStatus,
    /// When it began.
    pub timestamp: DateTime<Utc>,
}

impl InstigatorTickSummary {
    /// What is known of a tick without its body.
    pub fn new(
        tick_id: i64,
        instigator_origin_id: impl Into<String>,
        instigator_type: InstigatorType,
        status: TickStatus,
        timestamp: DateTime<Utc>,
    ) -> Self {
        Self {
            tick_id,
            instigator_origin_id: instigator_origin_id.into(),
            instigator_type,
            status,
            timestamp,
        }
    }
}
