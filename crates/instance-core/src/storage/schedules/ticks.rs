//! Ticks: the evaluations of schedules and sensors.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::StorageError;
use crate::scheduling::{InstigatorTick, InstigatorTickSummary, TickData, TickStatus};
use crate::storage::Only;

/// Which ticks of one schedule or sensor are meant; they come newest first.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct TicksQuery {
    /// The origin id, for ticks of old versions, which have no selector id.
    pub origin_id: String,
    /// The selector id.
    pub selector_id: String,
    /// Began before this time.
    pub before: Option<DateTime<Utc>>,
    /// Began after this time.
    pub after: Option<DateTime<Utc>>,
    /// In one of these statuses.
    pub statuses: Only<TickStatus>,
    /// At most so many; `None` means all.
    pub limit: Option<u64>,
}

impl TicksQuery {
    /// All ticks of a schedule or sensor.
    pub fn new(origin_id: impl Into<String>, selector_id: impl Into<String>) -> Self {
        Self { origin_id: origin_id.into(), selector_id: selector_id.into(), ..Self::default() }
    }
}

crate::setters! {
    impl TicksQuery {
        /// Ticks that began before this time.
        with_before(before: impl Into<Option<DateTime<Utc>>>);
        /// Ticks that began after this time.
        with_after(after: impl Into<Option<DateTime<Utc>>>);
        /// Ticks in one of these statuses.
        with_statuses(statuses: Only<TickStatus>);
        /// At most so many; `None` means all.
        with_limit(limit: impl Into<Option<u64>>);
    }
}

/// Ticks: the evaluations of schedules and sensors.
#[async_trait]
pub trait TickStore: std::fmt::Debug + Send + Sync + 'static {
    /// Whether the ticks of several schedules and sensors can be asked for at once. They cannot in a database where the
    /// ticks of old releases do not yet name what they belong to.
    async fn supports_batch_queries(&self) -> Result<bool, StorageError> {
        Ok(true)
    }

    /// Stores a new tick; returns it with its id.
    async fn create_tick(&self, tick_data: &TickData) -> Result<InstigatorTick, StorageError>;

    /// Replaces a tick; one that is not stored is no error.
    async fn update_tick(&self, tick: &InstigatorTick) -> Result<(), StorageError>;

    /// The tick of this id.
    async fn get_tick(&self, tick_id: i64) -> Result<Option<InstigatorTick>, StorageError>;

    /// The ticks of these ids, in any order; those that are not stored are left out.
    async fn get_ticks_by_ids(&self, tick_ids: &[i64])
    -> Result<Vec<InstigatorTick>, StorageError>;

    /// The ticks of a schedule or sensor, newest first.
    async fn get_ticks(&self, query: &TicksQuery) -> Result<Vec<InstigatorTick>, StorageError>;

    /// What can be said of ticks without reading their bodies, newest first.
    async fn get_tick_summaries(
        &self,
        query: &TicksQuery,
    ) -> Result<Vec<InstigatorTickSummary>, StorageError>;

    /// The newest ticks of each of several selectors, `limit` of each, newest first within each. `None`
    /// means all.
    async fn get_batch_ticks(
        &self,
        selector_ids: &[String],
        limit: Option<u64>,
        statuses: &Only<TickStatus>,
    ) -> Result<Vec<(String, Vec<InstigatorTick>)>, StorageError>;

    /// Deletes the ticks of a schedule or sensor of these statuses that began before a time. Returns how
    /// many were deleted.
    async fn purge_ticks(
        &self,
        origin_id: &str,
        selector_id: &str,
        before: DateTime<Utc>,
        statuses: &Only<TickStatus>,
    ) -> Result<u64, StorageError>;
}
