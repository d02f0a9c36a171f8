//! The sections `run_coordinator` and `run_queue`: when a submitted run is launched.

use super::ClassSettings;
use crate::config_problems::ConfigProblems;
use crate::error::InstanceError;

/// What decides when a submitted run is launched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunCoordinatorSettings {
    /// A queue, from which Dagster's daemon takes runs. This is Dagster's default.
    Queued(QueuedRunCoordinatorSettings),
    /// Nothing: each run is launched at once. Dagster's `DefaultRunCoordinator` does so.
    Default,
    /// A class that this version does not have.
    Other(ClassSettings),
    /// Its configuration is wrong. The instance opens, as in Dagster; whoever needs it gets this as an error.
    Unusable(ConfigProblems),
}

impl Default for RunCoordinatorSettings {
    fn default() -> Self {
        Self::Queued(QueuedRunCoordinatorSettings::default())
    }
}

impl RunCoordinatorSettings {
    /// The queue; `None` if every run is launched at once.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if only a class knows whether there is a queue that this version does not have, or if
    /// the configuration is wrong.
    pub fn queue(&self) -> Result<Option<&QueuedRunCoordinatorSettings>, InstanceError> {
        match self {
            Self::Queued(queue) => Ok(Some(queue)),
            Self::Default => Ok(None),
            Self::Unusable(problems) => Err(problems.clone().into()),
            Self::Other(class) => Err(InstanceError::Config {
                place: "run_coordinator".to_owned(),
                reason: format!(
                    "only {class} knows whether runs wait in a queue, and this version does not have that class; it \
                     has Dagster's QueuedRunCoordinator and DefaultRunCoordinator"
                ),
                source: None,
            }),
        }
    }
}

/// How Dagster's daemon takes runs from the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedRunCoordinatorSettings {
    /// How many runs are in progress at most. The default is 10; -1 means any number, and 0 none.
    pub max_concurrent_runs: i64,
    /// How many runs with certain tags are in progress at most. The default is no limit.
    pub tag_concurrency_limits: Vec<TagConcurrencyLimit>,
    /// How many seconds pass between two looks into the queue. The default is 5.
    pub dequeue_interval_seconds: i64,
    /// Whether threads launch several runs at once. The default is no.
    pub dequeue_use_threads: bool,
    /// How many threads launch runs; `None`, the default, leaves that to Python.
    pub dequeue_num_workers: Option<i64>,
    /// How often a run is tried again whose code server could not be reached. The default is 0.
    pub max_user_code_failure_retries: i64,
    /// How many seconds pass before runs of that code server are tried again. The default is 60.
    pub user_code_failure_retry_delay: i64,
    /// Whether a run waits in the queue while all its first steps would wait for a pool.
    pub block_op_concurrency_limited_runs: BlockOpConcurrencyLimitedRuns,
}

impl Default for QueuedRunCoordinatorSettings {
    fn default() -> Self {
        Self {
            max_concurrent_runs: 10,
            tag_concurrency_limits: Vec::new(),
            dequeue_interval_seconds: 5,
            dequeue_use_threads: false,
            dequeue_num_workers: None,
            max_user_code_failure_retries: 0,
            user_code_failure_retry_delay: 60,
            block_op_concurrency_limited_runs: BlockOpConcurrencyLimitedRuns::default(),
        }
    }
}

impl QueuedRunCoordinatorSettings {
    /// What Dagster does where nothing is configured.
    pub fn new() -> Self {
        Self::default()
    }

    /// What of it concerns the queue itself.
    pub fn run_queue_config(&self) -> RunQueueConfig {
        let blocking = &self.block_op_concurrency_limited_runs;
        RunQueueConfig {
            max_concurrent_runs: self.max_concurrent_runs,
            tag_concurrency_limits: self.tag_concurrency_limits.clone(),
            max_user_code_failure_retries: self.max_user_code_failure_retries,
            user_code_failure_retry_delay: self.user_code_failure_retry_delay,
            should_block_op_concurrency_limited_runs: blocking.enabled.unwrap_or(true),
            op_concurrency_slot_buffer: blocking.op_concurrency_slot_buffer,
            explicitly_enabled_concurrency_run_blocking: blocking.enabled == Some(true),
        }
    }
}

crate::setters! {
    impl QueuedRunCoordinatorSettings {
        /// How many runs are in progress at most; -1 means any number, and 0 none.
        with_max_concurrent_runs(max_concurrent_runs: i64);
        /// How many runs with certain tags are in progress at most.
        with_tag_concurrency_limits(tag_concurrency_limits: Vec<TagConcurrencyLimit>);
        /// How many seconds pass between two looks into the queue.
        with_dequeue_interval_seconds(dequeue_interval_seconds: i64);
        /// Whether threads launch several runs at once.
        with_dequeue_use_threads(dequeue_use_threads: bool);
        /// How many threads launch runs.
        with_dequeue_num_workers(dequeue_num_workers: impl Into<Option<i64>>);
        /// How often a run is tried again whose code server could not be reached.
        with_max_user_code_failure_retries(max_user_code_failure_retries: i64);
        /// How many seconds pass before runs of that code server are tried again.
        with_user_code_failure_retry_delay(user_code_failure_retry_delay: i64);
        /// Whether a run waits in the queue while all its first steps would wait for a pool.
        with_block_op_concurrency_limited_runs(block_op_concurrency_limited_runs: BlockOpConcurrencyLimitedRuns);
    }
}

/// Whether a run waits in the queue while all its first steps would wait for a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockOpConcurrencyLimitedRuns {
    /// Whether it waits. `None`, the default, is a yes; a yes that is said also makes pools count steps, unless
    /// `concurrency` says what they count.
    pub enabled: Option<bool>,
    /// How many runs are launched nevertheless, so that steps are ready when a slot gets free. The default is 0.
    pub op_concurrency_slot_buffer: i64,
}

impl BlockOpConcurrencyLimitedRuns {
    /// What Dagster does where nothing is configured.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl BlockOpConcurrencyLimitedRuns {
        /// Whether it waits.
        with_enabled(enabled: impl Into<Option<bool>>);
        /// How many runs are launched nevertheless.
        with_op_concurrency_slot_buffer(op_concurrency_slot_buffer: i64);
    }
}

/// How many runs with a tag are in progress at most.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TagConcurrencyLimit {
    /// The key of the tag.
    pub key: String,
    /// Which values of the tag count together.
    pub value: TagLimitValue,
    /// How many runs there are at most.
    pub limit: i64,
}

/// Which values of a tag count together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TagLimitValue {
    /// All of them: the limit is that of the key.
    #[default]
    Any,
    /// This one, and no other counts.
    Of(String),
    /// Each by itself: every value has the limit. Dagster calls it `applyLimitPerUniqueValue`.
    EachByItself,
}

impl TagConcurrencyLimit {
    /// A limit of all runs with this key.
    pub fn new(key: impl Into<String>, limit: i64) -> Self {
        Self { key: key.into(), value: TagLimitValue::Any, limit }
    }
}

crate::setters! {
    impl TagConcurrencyLimit {
        /// Which values of the tag count together.
        with_value(value: TagLimitValue);
    }
}

/// What concerns the queue of runs, put together from the coordinator and from `concurrency`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunQueueConfig {
    /// How many runs are in progress at most; -1 means any number, and 0 none.
    pub max_concurrent_runs: i64,
    /// How many runs with certain tags are in progress at most.
    pub tag_concurrency_limits: Vec<TagConcurrencyLimit>,
    /// How often a run is tried again whose code server could not be reached.
    pub max_user_code_failure_retries: i64,
    /// How many seconds pass before runs of that code server are tried again.
    pub user_code_failure_retry_delay: i64,
    /// Whether a run waits in the queue while all its first steps would wait for a pool.
    pub should_block_op_concurrency_limited_runs: bool,
    /// How many runs are launched nevertheless.
    pub op_concurrency_slot_buffer: i64,
    /// Whether the configuration of the coordinator says in so many words that runs wait.
    pub explicitly_enabled_concurrency_run_blocking: bool,
}
