//! What a decision about the queue is made of.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use instance_core::clock::timestamp_of;
use instance_core::ids::{RunId, StorageId};
use instance_core::run::{DagsterRunStatus, RunOpConcurrency, RunRecord};
use instance_core::settings::{PoolConfig, RunQueueConfig};
use instance_core::{python, tags};

/// All that a decision is made of. Borrowed, so that nothing is copied for a look into the queue.
#[derive(Debug, Clone, Copy)]
pub struct QueueSnapshot<'a> {
    /// The time, in seconds since 1970.
    pub now: f64,
    /// The limits of the queue.
    pub limits: &'a RunQueueConfig,
    /// What pools count.
    pub pools: &'a PoolConfig,
    /// For how many seconds after its start a run counts in the pools of its first steps, which have no slots yet.
    /// Dagster's default is 5.
    pub started_run_pools_allotted_seconds: f64,
    /// How the pools stand that have a limit. A pool that is not here has none.
    pub pool_fills: &'a BTreeMap<String, PoolFill>,
    /// The runs that are `STARTING`, `STARTED` or `CANCELING`. Each counts, whatever its status is.
    pub in_progress: &'a [InProgressRun],
    /// The runs that are `QUEUED`, in any order.
    pub queued: &'a [QueuedRun],
    /// The code locations whose runs wait, by name. One whose time is over is not paused.
    pub paused: &'a BTreeMap<String, LocationPause>,
}

/// How a pool stands that has a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolFill {
    /// How many slots it has.
    pub slots: i64,
    /// The run of each step that has a slot, or waits for one; a run is here once for each of its steps.
    pub pending: Vec<RunId>,
}

/// Until when runs of a code location wait.
#[derive(Debug, Clone, PartialEq)]
pub struct LocationPause {
    /// In seconds since 1970.
    pub until: f64,
    /// Why, in words.
    pub reason: String,
}

/// A run that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedRun {
    /// Its row. Of two runs with the same priority the one with the lower row is first, so a run that comes back into
    /// the queue has its old place.
    pub storage_id: StorageId,
    /// The run.
    pub run_id: RunId,
    /// Its job.
    pub job_name: String,
    /// Since when it waits, in seconds since 1970: when its row was last changed. A tag that it got in the queue counts as a
    /// change, too.
    pub since: f64,
    /// The greatest is first. It comes from the tag `dagster/priority`.
    pub priority: i64,
    /// The code location of its job; `None` if the run does not say it.
    pub location: Option<String>,
    /// Its tags.
    pub tags: Arc<BTreeMap<String, String>>,
    /// The pools of its steps; `None` if there are none.
    pub pools: Option<Arc<RunOpConcurrency>>,
}

/// A run that is in progress.
#[derive(Debug, Clone, PartialEq)]
pub struct InProgressRun {
    /// The run.
    pub run_id: RunId,
    /// Its status.
    pub status: DagsterRunStatus,
    /// When it started, in seconds since 1970; `None` if it has not.
    pub start_time: Option<f64>,
    /// Its tags.
    pub tags: Arc<BTreeMap<String, String>>,
    /// The pools of its steps; `None` if there are none.
    pub pools: Option<Arc<RunOpConcurrency>>,
}

impl From<&RunRecord> for QueuedRun {
    fn from(record: &RunRecord) -> Self {
        let run = &record.dagster_run;
        // What is no number is no priority, as in Dagster.
        let priority = run.tags.get(tags::PRIORITY).and_then(|text| python::integer(text));
        let origin = run.remote_job_origin.as_deref();
        Self {
            storage_id: record.storage_id,
            run_id: run.run_id.clone(),
            job_name: run.job_name.clone(),
            since: timestamp_of(record.update_timestamp),
            priority: priority.unwrap_or(0),
            location: origin
                .and_then(|origin| origin.repository_origin.location_name())
                .map(str::to_owned),
            tags: Arc::new(run.tags.clone()),
            pools: run.run_op_concurrency.clone().map(Arc::new),
        }
    }
}

impl From<&RunRecord> for InProgressRun {
    fn from(record: &RunRecord) -> Self {
        let run = &record.dagster_run;
        Self {
            run_id: run.run_id.clone(),
            status: run.status,
            start_time: record.start_time,
            tags: Arc::new(run.tags.clone()),
            pools: run.run_op_concurrency.clone().map(Arc::new),
        }
    }
}

impl<'a> QueueSnapshot<'a> {
    /// The queue in its order: the greatest priority first, then the lowest row.
    pub(super) fn in_order(&self) -> Vec<&'a QueuedRun> {
        let mut runs: Vec<_> = self.queued.iter().collect();
        runs.sort_unstable_by_key(|run| (Reverse(run.priority), run.storage_id));
        runs
    }
}
