//! The section `concurrency`: how many runs and steps there are at the same time.

use super::{QueuedRunCoordinatorSettings, RunQueueConfig, TagConcurrencyLimit};

/// How many runs and steps there are at the same time, as the section says it. What it does not say, the coordinator
/// says; [`config`](Self::config) puts both together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcurrencySettings {
    /// The limits of pools.
    pub pools: PoolSettings,
    /// The limits of runs.
    pub runs: RunConcurrencySettings,
    /// The old name of the limit of pools that have none of their own; `None`, the default, is no limit. What
    /// [`PoolSettings::default_limit`] says comes first.
    pub default_op_concurrency_limit: Option<i64>,
}

impl ConcurrencySettings {
    /// What Dagster does where nothing is configured.
    pub fn new() -> Self {
        Self::default()
    }

    /// The limits that hold, with those of a coordinator that has a queue.
    pub fn config(&self, queue: Option<&QueuedRunCoordinatorSettings>) -> ConcurrencyConfig {
        let queue = queue.map(QueuedRunCoordinatorSettings::run_queue_config);
        let asked_to_wait =
            queue.as_ref().is_some_and(|queue| queue.explicitly_enabled_concurrency_run_blocking);
        let pool_config = PoolConfig {
            pool_granularity: self
                .pools
                .granularity
                .or(asked_to_wait.then_some(PoolGranularity::Op)),
            default_pool_limit: self.pools.default_limit.or(self.default_op_concurrency_limit),
            op_granularity_run_buffer: self.pools.op_granularity_run_buffer,
        };
        let run_queue_config = queue.map(|queue| RunQueueConfig {
            max_concurrent_runs: self.runs.max_concurrent_runs.unwrap_or(queue.max_concurrent_runs),
            tag_concurrency_limits: self
                .runs
                .tag_concurrency_limits
                .clone()
                .unwrap_or(queue.tag_concurrency_limits),
            op_concurrency_slot_buffer: self
                .pools
                .op_granularity_run_buffer
                .unwrap_or(queue.op_concurrency_slot_buffer),
            // Dagster's own does not hand it on either: it has had its effect on the pools above.
            explicitly_enabled_concurrency_run_blocking: false,
            ..queue
        });
        ConcurrencyConfig { pool_config, run_queue_config }
    }
}

crate::setters! {
    impl ConcurrencySettings {
        /// The limits of pools.
        with_pools(pools: PoolSettings);
        /// The limits of runs.
        with_runs(runs: RunConcurrencySettings);
        /// The old name of the limit of pools that have none of their own.
        with_default_op_concurrency_limit(default_op_concurrency_limit: impl Into<Option<i64>>);
    }
}

/// The limits of pools, as the section says them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolSettings {
    /// The limit of a pool that has none of its own; `None`, the default, is no limit.
    pub default_limit: Option<i64>,
    /// What a pool counts; `None`, the default, leaves it to Dagster, which counts steps.
    pub granularity: Option<PoolGranularity>,
    /// How many runs are launched while all their first steps would wait for a pool; `None`, the default, leaves it to
    /// the coordinator.
    pub op_granularity_run_buffer: Option<i64>,
}

impl PoolSettings {
    /// What Dagster does where nothing is configured.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl PoolSettings {
        /// The limit of a pool that has none of its own.
        with_default_limit(default_limit: impl Into<Option<i64>>);
        /// What a pool counts.
        with_granularity(granularity: impl Into<Option<PoolGranularity>>);
        /// How many runs are launched while all their first steps would wait for a pool.
        with_op_granularity_run_buffer(op_granularity_run_buffer: impl Into<Option<i64>>);
    }
}

/// What a pool counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PoolGranularity {
    /// Steps that execute.
    Op,
    /// Runs that have a step of the pool.
    Run,
}

impl PoolGranularity {
    /// Dagster's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Op => "op",
            Self::Run => "run",
        }
    }

    /// The granularity of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Op, Self::Run].into_iter().find(|granularity| granularity.as_str() == name)
    }
}

/// The limits of runs, as the section says them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunConcurrencySettings {
    /// How many runs are in progress at most; `None`, the default, leaves it to the coordinator.
    pub max_concurrent_runs: Option<i64>,
    /// How many runs with certain tags are in progress at most; `None`, the default, leaves it to the coordinator.
    pub tag_concurrency_limits: Option<Vec<TagConcurrencyLimit>>,
}

impl RunConcurrencySettings {
    /// What Dagster does where nothing is configured.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl RunConcurrencySettings {
        /// How many runs are in progress at most.
        with_max_concurrent_runs(max_concurrent_runs: impl Into<Option<i64>>);
        /// How many runs with certain tags are in progress at most.
        with_tag_concurrency_limits(tag_concurrency_limits: impl Into<Option<Vec<TagConcurrencyLimit>>>);
    }
}

/// The limits of runs and pools that hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcurrencyConfig {
    /// The limits of pools.
    pub pool_config: PoolConfig,
    /// The limits of the queue of runs; `None` if the coordinator has no queue.
    pub run_queue_config: Option<RunQueueConfig>,
}

/// The limits of pools that hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// What a pool counts; `None` leaves it to Dagster, which counts steps.
    pub pool_granularity: Option<PoolGranularity>,
    /// The limit of a pool that has none of its own; `None` is no limit.
    pub default_pool_limit: Option<i64>,
    /// How many runs are launched while all their first steps would wait for a pool; `None` leaves it to the queue.
    pub op_granularity_run_buffer: Option<i64>,
}
