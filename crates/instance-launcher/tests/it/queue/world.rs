//! A queue that is written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use instance_core::ids::{RunId, StorageId};
use instance_core::run::{DagsterRun, DagsterRunStatus, RunOpConcurrency, RunRecord};
use instance_core::serdes::{FrozenSet, UnknownFields};
use instance_core::settings::{
    BlockOpConcurrencyLimitedRuns, ConcurrencySettings, PoolConfig, PoolGranularity, PoolSettings,
    QueuedRunCoordinatorSettings, RunQueueConfig, TagConcurrencyLimit, TagLimitValue,
};
use instance_launcher::queue::{
    InProgressRun, LocationPause, PoolFill, QueueDecision, QueueSnapshot, QueuedRun, decide,
};

/// A queue with its limits.
pub(super) struct World {
    limits: RunQueueConfig,
    pools: PoolConfig,
    pub(super) allotted_seconds: f64,
    pub(super) now: f64,
    pub(super) fills: BTreeMap<String, PoolFill>,
    pub(super) in_progress: Vec<InProgressRun>,
    pub(super) queued: Vec<QueuedRun>,
    pub(super) paused: BTreeMap<String, LocationPause>,
}

impl World {
    pub(super) fn new(queue: &QueuedRunCoordinatorSettings) -> Self {
        Self::with_concurrency(queue, &ConcurrencySettings::new())
    }

    pub(super) fn with_concurrency(
        queue: &QueuedRunCoordinatorSettings,
        concurrency: &ConcurrencySettings,
    ) -> Self {
        let config = concurrency.config(Some(queue));
        Self {
            limits: config.run_queue_config.expect("a queue"),
            pools: config.pool_config,
            allotted_seconds: 5.0,
            now: 1_000.0,
            fills: BTreeMap::new(),
            in_progress: Vec::new(),
            queued: Vec::new(),
            paused: BTreeMap::new(),
        }
    }

    pub(super) fn snapshot(&self) -> QueueSnapshot<'_> {
        QueueSnapshot {
            now: self.now,
            limits: &self.limits,
            pools: &self.pools,
            started_run_pools_allotted_seconds: self.allotted_seconds,
            pool_fills: &self.fills,
            in_progress: &self.in_progress,
            queued: &self.queued,
            paused: &self.paused,
        }
    }

    /// Puts a run into the queue.
    pub(super) fn queue(&mut self, run_id: &str, tags: &[(&str, &str)]) -> &mut QueuedRun {
        let mut run = DagsterRun::new(RunId::from(run_id), "job");
        run.tags = owned(tags);
        let row = self.queued.len() + self.in_progress.len() + 1;
        let row = StorageId(i64::try_from(row).expect("a row"));
        let record = RunRecord::new(row, run, DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
        self.queued.push(QueuedRun::from(&record));
        self.queued.last_mut().expect("the run")
    }

    /// Puts a run into the queue whose first steps need these pools, and later ones those.
    pub(super) fn queue_with_pools(&mut self, run_id: &str, first: &[&str], later: &[&str]) {
        self.queue(run_id, &[]).pools = Some(pools(first, later, false));
    }

    /// Adds a run that is in progress.
    pub(super) fn add(&mut self, run_id: &str, status: DagsterRunStatus, tags: &[(&str, &str)]) {
        self.in_progress.push(InProgressRun {
            run_id: RunId::from(run_id),
            status,
            start_time: None,
            tags: Arc::new(owned(tags)),
            pools: None,
        });
    }

    pub(super) fn set_slots(&mut self, pool: &str, slots: i64) {
        self.fills.entry(pool.to_owned()).or_default().slots = slots;
    }

    pub(super) fn decide(&self) -> QueueDecision {
        decide(&self.snapshot())
    }

    /// Looks into the queue, and launches what is to be launched: such a run is STARTING then.
    pub(super) fn look(&mut self) -> Vec<String> {
        let launched = self.decide().launch;
        for run_id in &launched {
            let place = self.queued.iter().position(|run| run.run_id == *run_id);
            let run = self.queued.remove(place.expect("a queued run"));
            self.in_progress.push(InProgressRun {
                run_id: run.run_id,
                status: DagsterRunStatus::Starting,
                start_time: None,
                tags: run.tags,
                pools: run.pools,
            });
        }
        launched.iter().map(ToString::to_string).collect()
    }

    /// A run that is in progress starts now.
    pub(super) fn start(&mut self, run_id: &str) {
        let run = self.in_progress.iter_mut().find(|run| run.run_id == RunId::from(run_id));
        let run = run.expect("a run in progress");
        run.status = DagsterRunStatus::Started;
        run.start_time = Some(self.now);
    }
}

/// The pools of a run whose first steps need these, one step each, and later ones those.
pub(super) fn pools(first: &[&str], later: &[&str], is_free: bool) -> Arc<RunOpConcurrency> {
    let mut root_key_counts = BTreeMap::new();
    for pool in first {
        *root_key_counts.entry((*pool).to_owned()).or_insert(0) += 1;
    }
    let all_pools: FrozenSet<String> =
        first.iter().chain(later).map(|pool| (*pool).to_owned()).collect();
    Arc::new(RunOpConcurrency {
        all_pools: Some(all_pools),
        has_unconstrained_root_nodes: is_free,
        root_key_counts,
        unknown: UnknownFields::default(),
    })
}

fn owned(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A coordinator with such limits.
pub(super) fn limited(limits: impl Into<Vec<TagConcurrencyLimit>>) -> QueuedRunCoordinatorSettings {
    QueuedRunCoordinatorSettings::new().with_tag_concurrency_limits(limits.into())
}

pub(super) fn limit(key: &str, limit: i64) -> TagConcurrencyLimit {
    TagConcurrencyLimit::new(key, limit)
}

pub(super) fn limit_of(key: &str, value: &str, limit: i64) -> TagConcurrencyLimit {
    TagConcurrencyLimit::new(key, limit).with_value(TagLimitValue::Of(value.to_owned()))
}

pub(super) fn limit_each(key: &str, limit: i64) -> TagConcurrencyLimit {
    TagConcurrencyLimit::new(key, limit).with_value(TagLimitValue::EachByItself)
}

/// A coordinator that says in so many words whether runs wait for pools.
pub(super) fn blocking(enabled: bool, buffer: i64) -> QueuedRunCoordinatorSettings {
    QueuedRunCoordinatorSettings::new().with_block_op_concurrency_limited_runs(
        BlockOpConcurrencyLimitedRuns::new()
            .with_enabled(enabled)
            .with_op_concurrency_slot_buffer(buffer),
    )
}

pub(super) fn counting(granularity: PoolGranularity) -> ConcurrencySettings {
    ConcurrencySettings::new().with_pools(PoolSettings::new().with_granularity(granularity))
}
