//! Runs: what is stored of them, how they are filtered, and where they come from.

mod dagster_run;
mod filter;
mod origin;
mod record;
mod retries;
mod stats;
mod status;
mod step_stats;

pub use dagster_run::{DagsterRun, RunOpConcurrency};
pub use filter::{RunsFilter, TagFilter};
pub use origin::*;
pub use record::{RunGroup, RunPartitionData, RunRecord};
pub use retries::{
    ReexecutionStrategy, allowed_retries, is_refused_after_step_failure, retry_run_id, should_retry,
};
pub use stats::{
    DagsterRunStatsSnapshot, RUN_STATS_EVENT_TYPES, RunStepKeyStatsSnapshot, RunStepMarker,
    StepEventStatus,
};
pub use status::DagsterRunStatus;
pub use step_stats::{STEP_STATS_EVENT_TYPES, build_run_step_stats_from_events};
