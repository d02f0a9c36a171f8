//! Pools, which Dagster also calls concurrency keys: their limits, their slots, and the steps that wait.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::StorageError;
use crate::ids::RunId;

/// The greatest limit that a pool may have.
pub const MAX_CONCURRENCY_LIMIT: i64 = 1_000;

/// Refuses a limit that no pool may have.
///
/// # Errors
///
/// [`StorageError::Invalid`] for a limit below zero or above [`MAX_CONCURRENCY_LIMIT`].
pub fn require_pool_limit(limit: i64) -> Result<(), StorageError> {
    if (0..=MAX_CONCURRENCY_LIMIT).contains(&limit) {
        return Ok(());
    }
    Err(StorageError::Invalid {
        what: "limit of a pool",
        value: limit.to_string(),
        reason: format!("expected 0 to {MAX_CONCURRENCY_LIMIT}"),
    })
}

/// Whether a step has a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConcurrencySlotStatus {
    /// It waits.
    Blocked,
    /// It has one.
    Claimed,
}

impl ConcurrencySlotStatus {
    /// Dagster's name of the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "BLOCKED",
            Self::Claimed => "CLAIMED",
        }
    }
}

/// How a claim of a slot stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcurrencyClaimStatus {
    /// The pool.
    pub concurrency_key: String,
    /// Whether the step has a slot.
    pub slot_status: ConcurrencySlotStatus,
    /// The step's priority; `None` for the usual one, and for a step that does not wait.
    pub priority: Option<i64>,
    /// When a slot was set aside for the step.
    pub assigned_timestamp: Option<DateTime<Utc>>,
    /// When the step began to wait; `None` if it does not.
    pub enqueued_timestamp: Option<DateTime<Utc>>,
}

impl ConcurrencyClaimStatus {
    /// The claim of a step that has the usual priority.
    pub fn new(concurrency_key: impl Into<String>, slot_status: ConcurrencySlotStatus) -> Self {
        Self {
            concurrency_key: concurrency_key.into(),
            slot_status,
            priority: None,
            assigned_timestamp: None,
            enqueued_timestamp: None,
        }
    }
}

crate::setters! {
    impl ConcurrencyClaimStatus {
        /// The step's priority; `None` for the usual one.
        with_priority(priority: impl Into<Option<i64>>);
        /// When a slot was set aside for the step.
        with_assigned_timestamp(assigned_timestamp: impl Into<Option<DateTime<Utc>>>);
        /// When the step began to wait.
        with_enqueued_timestamp(enqueued_timestamp: impl Into<Option<DateTime<Utc>>>);
    }
}

/// A step that waits for a slot, or for which one is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingStepInfo {
    /// The run.
    pub run_id: RunId,
    /// The step.
    pub step_key: String,
    /// When it began to wait.
    pub enqueued_timestamp: DateTime<Utc>,
    /// When a slot was set aside for it.
    pub assigned_timestamp: Option<DateTime<Utc>>,
    /// Its priority; greater is earlier.
    pub priority: Option<i64>,
}

impl PendingStepInfo {
    /// A step that waits since this time.
    pub fn new(
        run_id: RunId,
        step_key: impl Into<String>,
        enqueued_timestamp: DateTime<Utc>,
    ) -> Self {
        Self {
            run_id,
            step_key: step_key.into(),
            enqueued_timestamp,
            assigned_timestamp: None,
            priority: None,
        }
    }
}

crate::setters! {
    impl PendingStepInfo {
        /// When a slot was set aside for it.
        with_assigned_timestamp(assigned_timestamp: impl Into<Option<DateTime<Utc>>>);
        /// Its priority; greater is earlier.
        with_priority(priority: impl Into<Option<i64>>);
    }
}

/// A slot that a step has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimedSlotInfo {
    /// The run.
    pub run_id: RunId,
    /// The step.
    pub step_key: String,
}

impl ClaimedSlotInfo {
    /// A slot that this step has.
    pub fn new(run_id: RunId, step_key: impl Into<String>) -> Self {
        Self { run_id, step_key: step_key.into() }
    }
}

/// How a pool stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcurrencyKeyInfo {
    /// The pool.
    pub concurrency_key: String,
    /// How many slots it has, without surplus ones that go as soon as they are free.
    pub slot_count: i64,
    /// The slots that steps have.
    pub claimed_slots: Vec<ClaimedSlotInfo>,
    /// The steps that wait, or for which a slot is set aside.
    pub pending_steps: Vec<PendingStepInfo>,
    /// The limit; `None` if it has none and there is no default.
    pub limit: Option<i64>,
    /// Whether the limit is the instance's default.
    pub using_default_limit: bool,
}

impl ConcurrencyKeyInfo {
    /// A pool without slots and without a limit.
    pub fn new(concurrency_key: impl Into<String>) -> Self {
        Self {
            concurrency_key: concurrency_key.into(),
            slot_count: 0,
            claimed_slots: Vec::new(),
            pending_steps: Vec::new(),
            limit: None,
            using_default_limit: false,
        }
    }
}

crate::setters! {
    impl ConcurrencyKeyInfo {
        /// How many slots it has, without those that go as soon as they are free.
        with_slot_count(slot_count: i64);
        /// The slots that steps have.
        with_claimed_slots(claimed_slots: Vec<ClaimedSlotInfo>);
        /// The steps that wait, or for which a slot is set aside.
        with_pending_steps(pending_steps: Vec<PendingStepInfo>);
        /// The limit; `None` if it has none and there is no default.
        with_limit(limit: impl Into<Option<i64>>);
        /// Whether the limit is the instance's default.
        with_using_default_limit(using_default_limit: bool);
    }
}

/// The limit of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolLimit {
    /// The pool.
    pub name: String,
    /// How many steps may have a slot at once.
    pub limit: i64,
    /// Whether it was taken over from the instance's default.
    pub from_default: bool,
}

impl PoolLimit {
    /// The limit of a pool, which is its own.
    pub fn new(name: impl Into<String>, limit: i64) -> Self {
        Self { name: name.into(), limit, from_default: false }
    }
}

crate::setters! {
    impl PoolLimit {
        /// Whether it was taken over from the instance's default.
        with_from_default(from_default: bool);
    }
}

/// Pools. A method that reads and then writes does both in one transaction, so that two processes never get the
/// same slot.
#[async_trait]
pub trait PoolStore: std::fmt::Debug + Send + Sync + 'static {
    /// Whether there are pools. There are none in a database of a release that had no tables for them; all other
    /// methods fail there with [`StorageError::NeedsMigration`], but for those that free slots.
    async fn supports_global_concurrency_limits(&self) -> Result<bool, StorageError> {
        Ok(true)
    }

    /// Gives a pool a limit and as many slots. Surplus slots go at once if they are free, else when they are freed.
    /// New ones are set aside for steps that wait.
    ///
    /// # Errors
    ///
    /// [`StorageError::Invalid`] for a limit below zero or above [`MAX_CONCURRENCY_LIMIT`].
    async fn set_concurrency_slots(
        &self,
        concurrency_key: &str,
        limit: i64,
    ) -> Result<(), StorageError>;

    /// Gives a pool that has no limit of its own the default of the instance. `None` takes its limit and slots
    /// away.
    async fn initialize_concurrency_limit_to_default(
        &self,
        concurrency_key: &str,
        default_limit: Option<i64>,
    ) -> Result<(), StorageError>;

    /// Takes the limit and the slots of a pool away.
    async fn delete_concurrency_limit(&self, concurrency_key: &str) -> Result<(), StorageError>;

    /// The pools that have a limit.
    async fn get_concurrency_keys(&self) -> Result<BTreeSet<String>, StorageError>;

    /// The limits of all pools that have one.
    async fn get_pool_limits(&self) -> Result<Vec<PoolLimit>, StorageError>;

    /// How pools stand, in the order of the keys, each once. `default_limit` is what a pool without a
    /// limit and slots would get.
    async fn get_concurrency_infos(
        &self,
        concurrency_keys: &[String],
        default_limit: Option<i64>,
    ) -> Result<Vec<ConcurrencyKeyInfo>, StorageError>;

    /// The runs that have steps which wait, or for which a slot is set aside.
    async fn get_concurrency_run_ids(&self) -> Result<BTreeSet<RunId>, StorageError>;

    /// The runs that have slots, whether or not one of their steps is among those of
    /// [`get_concurrency_run_ids`](Self::get_concurrency_run_ids).
    async fn get_slot_run_ids(&self) -> Result<BTreeSet<RunId>, StorageError>;

    /// Claims a slot for a step. A step that gets none waits. Among the steps that wait, the greatest priority
    /// comes first, then the longest wait. Claiming again does no harm.
    async fn claim_concurrency_slot(
        &self,
        concurrency_key: &str,
        run_id: &RunId,
        step_key: &str,
        priority: Option<i64>,
    ) -> Result<ConcurrencyClaimStatus, StorageError>;

    /// How the claim of a step stands, without a change.
    async fn check_concurrency_claim(
        &self,
        concurrency_key: &str,
        run_id: &RunId,
        step_key: &str,
    ) -> Result<ConcurrencyClaimStatus, StorageError>;

    /// Frees the slots of a run, or of one of its steps, in every pool. Ends their waiting, too. Sets the slots
    /// aside for other steps that wait. `None` means all steps.
    async fn free_concurrency_slots(
        &self,
        run_id: &RunId,
        step_key: Option<&str>,
    ) -> Result<(), StorageError>;
}
