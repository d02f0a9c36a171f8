//! Events: of one run, of one asset, and across all.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::asset_key::AssetKey;
use crate::error::StorageError;
use crate::event::{
    DagsterEventType, EventLogConnection, EventLogCursor, EventLogEntry, EventLogRecord,
};
use crate::ids::{RunId, StorageId};
use crate::run::{DagsterRunStatsSnapshot, RunStepKeyStatsSnapshot};
use crate::storage::{Only, Order, StoredEvents};

/// Which entries of a run's log are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordsForRun {
    /// The run.
    pub run_id: RunId,
    /// Begin behind this position, in the order that is asked for; `None` means at the beginning.
    pub cursor: Option<EventLogCursor>,
    /// Events of these types; any means all entries, lines of logs included.
    pub of_types: Only<DagsterEventType>,
    /// At most so many; `None` means all.
    pub limit: Option<u64>,
    /// At most so many bytes of bodies, as they are stored: the page ends, with `has_more`, after the entry by which
    /// they become as many or more. It has at least one entry, if there is one. `None` means no bound.
    ///
    /// A store does not hold more than about one such page in memory.
    pub max_bytes: Option<u64>,
    /// In which order the entries come.
    pub order: Order,
}

crate::setters! {
    impl RecordsForRun {
        /// Begin behind this position; `None` means at the beginning.
        with_cursor(cursor: impl Into<Option<EventLogCursor>>);
        /// Events of these types; any includes lines of logs.
        with_of_types(of_types: Only<DagsterEventType>);
        /// At most so many; `None` means all.
        with_limit(limit: impl Into<Option<u64>>);
        /// At most so many bytes of bodies; see [`RecordsForRun::max_bytes`]. `None` means no bound.
        with_max_bytes(max_bytes: impl Into<Option<u64>>);
        /// In which order the entries come.
        with_order(order: Order);
    }
}

impl RecordsForRun {
    /// All entries of a run, oldest first.
    pub const fn new(run_id: RunId) -> Self {
        Self {
            run_id,
            cursor: None,
            of_types: Only::Any,
            limit: None,
            max_bytes: None,
            order: Order::Ascending,
        }
    }
}

impl RecordsForRun {
    /// The page that these records are, with where the next one begins. `bytes` is how many bytes their bodies have,
    /// as they are stored.
    pub fn page_of(&self, records: Vec<EventLogRecord>, bytes: u64) -> EventLogConnection {
        let is_full = self.limit.is_some_and(|limit| records.len() as u64 == limit)
            || self.max_bytes.is_some_and(|max_bytes| bytes >= max_bytes);
        let has_more = is_full && !records.is_empty();
        let cursor = match records.last() {
            Some(last) => EventLogCursor::StorageId(last.storage_id),
            None => self.cursor.unwrap_or(EventLogCursor::StorageId(StorageId(-1))),
        };
        EventLogConnection { records, cursor, has_more }
    }
}

/// Which part of the matching records is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordsPage {
    /// Begin behind the row of this id, in the order that is asked for.
    pub cursor: Option<StorageId>,
    /// At most so many; `None` means all.
    pub limit: Option<u64>,
    /// In which order the records come; newest first unless said otherwise.
    pub order: Order,
}

impl RecordsPage {
    /// All records, newest first.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl RecordsPage {
        /// Begin behind the row of this id, in the order that is asked for.
        with_cursor(cursor: impl Into<Option<StorageId>>);
        /// At most so many; `None` means all.
        with_limit(limit: impl Into<Option<u64>>);
        /// In which order the records come.
        with_order(order: Order);
    }
}

impl RecordsPage {
    /// The page that these records are, with where the next one begins.
    pub fn of(self, records: Vec<EventLogRecord>) -> EventLogConnection {
        let last = records.last().map(|record| record.storage_id).or(self.cursor);
        EventLogConnection {
            cursor: EventLogCursor::StorageId(last.unwrap_or(StorageId(-1))),
            has_more: self.limit == Some(records.len() as u64),
            records,
        }
    }
}

/// A position among events of all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventCursor {
    /// The row of this id.
    StorageId(StorageId),
    /// The same where each run has rows of its own.
    RunSharded(RunShardedEventsCursor),
}

impl EventCursor {
    /// The id of the row.
    pub const fn storage_id(self) -> StorageId {
        match self {
            Self::StorageId(id) => id,
            Self::RunSharded(cursor) => cursor.id,
        }
    }
}

/// A position where each run has rows of its own: only runs that changed since are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunShardedEventsCursor {
    /// The row.
    pub id: StorageId,
    /// Only runs that were changed after this time.
    pub run_updated_after: DateTime<Utc>,
}

/// Which events of all runs are meant.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EventRecordsFilter {
    /// Of this type.
    pub event_type: DagsterEventType,
    /// About this asset, and after it was last wiped.
    pub asset_key: Option<AssetKey>,
    /// About one of these partitions; any includes events about none.
    pub asset_partitions: Only<String>,
    /// With a greater id.
    pub after_cursor: Option<EventCursor>,
    /// With a smaller id.
    pub before_cursor: Option<EventCursor>,
    /// After this time.
    pub after_timestamp: Option<DateTime<Utc>>,
    /// Before this time.
    pub before_timestamp: Option<DateTime<Utc>>,
    /// In one of these rows.
    pub storage_ids: Only<StorageId>,
}

crate::setters! {
    impl EventRecordsFilter {
        /// Events about this asset, and after it was last wiped.
        with_asset_key(asset_key: impl Into<Option<AssetKey>>);
        /// Events about one of these partitions; any includes events about none.
        with_asset_partitions(asset_partitions: Only<String>);
        /// Events with a greater id.
        with_after_cursor(after_cursor: impl Into<Option<EventCursor>>);
        /// Events with a smaller id.
        with_before_cursor(before_cursor: impl Into<Option<EventCursor>>);
        /// Events after this time.
        with_after_timestamp(after_timestamp: impl Into<Option<DateTime<Utc>>>);
        /// Events before this time.
        with_before_timestamp(before_timestamp: impl Into<Option<DateTime<Utc>>>);
        /// Events in one of these rows.
        with_storage_ids(storage_ids: Only<StorageId>);
    }
}

impl EventRecordsFilter {
    /// All events of a type.
    pub const fn new(event_type: DagsterEventType) -> Self {
        Self {
            event_type,
            asset_key: None,
            asset_partitions: Only::Any,
            after_cursor: None,
            before_cursor: None,
            after_timestamp: None,
            before_timestamp: None,
            storage_ids: Only::Any,
        }
    }

    /// The same events, of which only those on a page are meant: its cursor holds together with the filter's own.
    #[must_use]
    pub fn on_page(&self, page: RecordsPage) -> Self {
        let mut filter = self.clone();
        let Some(cursor) = page.cursor.map(EventCursor::StorageId) else {
            return filter;
        };
        let id = |cursor: &EventCursor| cursor.storage_id();
        match page.order {
            Order::Ascending => {
                let cursors = [filter.after_cursor, Some(cursor)].into_iter().flatten();
                filter.after_cursor = cursors.max_by_key(id);
            }
            Order::Descending => {
                let cursors = [filter.before_cursor, Some(cursor)].into_iter().flatten();
                filter.before_cursor = cursors.min_by_key(id);
            }
        }
        filter
    }
}

/// Which events about one asset are meant, since it was last wiped.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssetRecordsFilter {
    /// The asset.
    pub asset_key: AssetKey,
    /// About one of these partitions; any includes events about none.
    pub asset_partitions: Only<String>,
    /// After this time.
    pub after_timestamp: Option<DateTime<Utc>>,
    /// Before this time.
    pub before_timestamp: Option<DateTime<Utc>>,
    /// With a greater id.
    pub after_storage_id: Option<StorageId>,
    /// With a smaller id.
    pub before_storage_id: Option<StorageId>,
    /// In one of these rows.
    pub storage_ids: Only<StorageId>,
}

impl AssetRecordsFilter {
    /// All events about an asset.
    pub const fn new(asset_key: AssetKey) -> Self {
        Self {
            asset_key,
            asset_partitions: Only::Any,
            after_timestamp: None,
            before_timestamp: None,
            after_storage_id: None,
            before_storage_id: None,
            storage_ids: Only::Any,
        }
    }

    /// The same as a filter on events of a type.
    pub fn as_event_filter(&self, event_type: DagsterEventType) -> EventRecordsFilter {
        EventRecordsFilter {
            asset_key: Some(self.asset_key.clone()),
            asset_partitions: self.asset_partitions.clone(),
            after_cursor: self.after_storage_id.map(EventCursor::StorageId),
            before_cursor: self.before_storage_id.map(EventCursor::StorageId),
            after_timestamp: self.after_timestamp,
            before_timestamp: self.before_timestamp,
            storage_ids: self.storage_ids.clone(),
            ..EventRecordsFilter::new(event_type)
        }
    }
}

crate::setters! {
    impl AssetRecordsFilter {
        /// Events about one of these partitions; any includes events about none.
        with_asset_partitions(asset_partitions: Only<String>);
        /// Events after this time.
        with_after_timestamp(after_timestamp: impl Into<Option<DateTime<Utc>>>);
        /// Events before this time.
        with_before_timestamp(before_timestamp: impl Into<Option<DateTime<Utc>>>);
        /// Events with a greater id.
        with_after_storage_id(after_storage_id: impl Into<Option<StorageId>>);
        /// Events with a smaller id.
        with_before_storage_id(before_storage_id: impl Into<Option<StorageId>>);
        /// Events in one of these rows.
        with_storage_ids(storage_ids: Only<StorageId>);
    }
}

impl From<AssetKey> for AssetRecordsFilter {
    fn from(asset_key: AssetKey) -> Self {
        Self::new(asset_key)
    }
}

/// Which changes of runs' statuses are meant. Names of jobs do not filter: a database of Dagster's does
/// not know the job of an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunStatusChangeRecordsFilter {
    /// The type of the event, one that changes the status of a run.
    pub event_type: DagsterEventType,
    /// After this time.
    pub after_timestamp: Option<DateTime<Utc>>,
    /// Before this time.
    pub before_timestamp: Option<DateTime<Utc>>,
    /// With a greater id.
    pub after_storage_id: Option<StorageId>,
    /// With a smaller id.
    pub before_storage_id: Option<StorageId>,
    /// In one of these rows.
    pub storage_ids: Only<StorageId>,
}

impl RunStatusChangeRecordsFilter {
    /// All changes by events of a type, one that changes the status of a run.
    pub fn new(event_type: DagsterEventType) -> Self {
        Self {
            event_type,
            after_timestamp: None,
            before_timestamp: None,
            after_storage_id: None,
            before_storage_id: None,
            storage_ids: Only::Any,
        }
    }
}

crate::setters! {
    impl RunStatusChangeRecordsFilter {
        /// Changes after this time.
        with_after_timestamp(after_timestamp: impl Into<Option<DateTime<Utc>>>);
        /// Changes before this time.
        with_before_timestamp(before_timestamp: impl Into<Option<DateTime<Utc>>>);
        /// Changes with a greater id.
        with_after_storage_id(after_storage_id: impl Into<Option<StorageId>>);
        /// Changes with a smaller id.
        with_before_storage_id(before_storage_id: impl Into<Option<StorageId>>);
        /// Changes in one of these rows.
        with_storage_ids(storage_ids: Only<StorageId>);
    }
}

impl RunStatusChangeRecordsFilter {
    /// The same as a filter on events.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] for a type that changes no status.
    pub fn as_event_filter(&self) -> Result<EventRecordsFilter, StorageError> {
        if self.event_type.run_status().is_none() {
            return Err(StorageError::Unsupported {
                what: format!("event type {}", self.event_type.as_str()),
                reason: "expected one that changes the status of a run".to_owned(),
            });
        }
        Ok(EventRecordsFilter {
            after_cursor: self.after_storage_id.map(EventCursor::StorageId),
            before_cursor: self.before_storage_id.map(EventCursor::StorageId),
            after_timestamp: self.after_timestamp,
            before_timestamp: self.before_timestamp,
            storage_ids: self.storage_ids.clone(),
            ..EventRecordsFilter::new(self.event_type)
        })
    }
}

/// Which events about assets are summed up.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssetEventSummaryQuery {
    /// Of this type.
    pub event_type: DagsterEventType,
    /// About this asset, and after it was last wiped; `None` means any.
    pub asset_key: Option<AssetKey>,
    /// Of this run.
    pub run_id: Option<RunId>,
    /// In one of these rows.
    pub storage_ids: Only<StorageId>,
    /// With a greater id.
    pub after_storage_id: Option<StorageId>,
    /// With a smaller id.
    pub before_storage_id: Option<StorageId>,
    /// At most so many; `None` means all.
    pub limit: Option<u64>,
    /// In which order they come.
    pub order: Order,
}

impl AssetEventSummaryQuery {
    /// All events of a type about assets, newest first.
    pub fn new(event_type: DagsterEventType) -> Self {
        Self {
            event_type,
            asset_key: None,
            run_id: None,
            storage_ids: Only::Any,
            after_storage_id: None,
            before_storage_id: None,
            limit: None,
            order: Order::Descending,
        }
    }
}

crate::setters! {
    impl AssetEventSummaryQuery {
        /// Events about this asset, and after it was last wiped; `None` means any.
        with_asset_key(asset_key: impl Into<Option<AssetKey>>);
        /// Events of this run.
        with_run_id(run_id: impl Into<Option<RunId>>);
        /// Events in one of these rows.
        with_storage_ids(storage_ids: Only<StorageId>);
        /// Events with a greater id.
        with_after_storage_id(after_storage_id: impl Into<Option<StorageId>>);
        /// Events with a smaller id.
        with_before_storage_id(before_storage_id: impl Into<Option<StorageId>>);
        /// At most so many; `None` means all.
        with_limit(limit: impl Into<Option<u64>>);
        /// In which order they come.
        with_order(order: Order);
    }
}

/// What the columns of an event about an asset say, without its body.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssetEventSummaryRecord {
    /// The id of the row.
    pub storage_id: StorageId,
    /// The run; empty for an event without one.
    pub run_id: RunId,
    /// The asset.
    pub asset_key: AssetKey,
    /// The partition, if it is about one.
    pub partition: Option<String>,
    /// When it was reported.
    pub timestamp: DateTime<Utc>,
}

impl AssetEventSummaryRecord {
    /// An event about an asset, and none of its partitions.
    pub fn new(
        storage_id: StorageId,
        run_id: RunId,
        asset_key: AssetKey,
        timestamp: DateTime<Utc>,
    ) -> Self {
        Self { storage_id, run_id, asset_key, partition: None, timestamp }
    }
}

crate::setters! {
    impl AssetEventSummaryRecord {
        /// The partition that it is about.
        with_partition(partition: impl Into<Option<String>>);
    }
}

/// Events.
#[async_trait]
pub trait EventStore: std::fmt::Debug + Send + Sync + 'static {
    /// Stores entries in their order, and for events about assets and checks what follows for these. Those of one run
    /// are stored in one transaction, all of them or none.
    ///
    /// Returns the ids of the entries' rows in the logs of their runs. Where logs of runs and the index across runs
    /// are separate files, the logs are written first, and the index in a transaction of its own: what the index
    /// refuses is [`StoredEvents::incomplete`], since the entries are stored. Single entries that several callers
    /// give at once may share a transaction.
    ///
    /// # Errors
    ///
    /// No entry is stored, if all are of one run or all logs are together. Entries of several runs whose logs are
    /// separate are stored run by run, and an error then leaves open which of the runs have theirs: whoever would
    /// store again gives the entries of one run at a time.
    async fn store_events(&self, entries: &[EventLogEntry]) -> Result<StoredEvents, StorageError>;

    /// A page of the log of a run. A run without events has an empty page.
    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError>;

    /// Counts and times of a run; zero and `None` for a run without events.
    async fn get_stats_for_run(
        &self,
        run_id: &RunId,
    ) -> Result<DagsterRunStatsSnapshot, StorageError>;

    /// Status and times of these steps of a run, in the order in which they began.
    async fn get_step_stats_for_run(
        &self,
        run_id: &RunId,
        step_keys: &Only<String>,
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, StorageError>;

    /// The assets that events of these types of a run are about, each with the partitions, `None` standing for
    /// events without one.
    async fn get_asset_partitions_for_run(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, StorageError>;

    /// Events across runs. Bodies that cannot be read are left out with a warning, as one bad row must
    /// not stop a sensor. So are the events of a run whose own database is damaged.
    ///
    /// Where each run has rows of its own, events that are not about assets come run by run, by the time
    /// of the run's last change, and `after_cursor` has to be run-sharded.
    async fn get_event_records(
        &self,
        filter: &EventRecordsFilter,
        limit: Option<u64>,
        order: Order,
    ) -> Result<Vec<EventLogRecord>, StorageError>;

    /// A page of the events of a type about an asset. The cursors of the filter and of the page hold
    /// together.
    async fn fetch_asset_events(
        &self,
        filter: &EventRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, StorageError>;

    /// A page of the changes of runs' statuses.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] for a type that changes no status.
    async fn fetch_run_status_changes(
        &self,
        filter: &RunStatusChangeRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, StorageError>;

    /// What the columns of events about assets say, without their bodies.
    async fn get_asset_event_summary_records(
        &self,
        query: &AssetEventSummaryQuery,
    ) -> Result<Vec<AssetEventSummaryRecord>, StorageError>;

    /// Entries of these types with a greater id than the cursor, of all runs that share rows, oldest first. Any
    /// type includes lines of logs.
    async fn get_logs_for_all_runs_by_log_id(
        &self,
        after_cursor: StorageId,
        of_types: &Only<DagsterEventType>,
        limit: Option<u64>,
    ) -> Result<Vec<EventLogRecord>, StorageError>;

    /// The greatest id of a row; `None` if there is none.
    async fn get_maximum_record_id(&self) -> Result<Option<StorageId>, StorageError>;

    /// The runs that have a log of their own; only where logs are sharded.
    async fn get_all_run_ids(&self) -> Result<Vec<RunId>, StorageError>;

    /// Deletes the events of a run, the tags of its asset events, and its claims of pools. The rows of
    /// assets stay as they are.
    async fn delete_events(&self, run_id: &RunId) -> Result<(), StorageError>;
}

/// Dagster's own two methods of storing events, made of [`EventStore::store_events`].
///
/// For callers that need no more than an error where something is incomplete: an error of these does not say whether
/// the entries are stored.
#[async_trait]
pub trait EventStoreExt: EventStore {
    /// Stores an entry; returns the id of its row in the log of its run.
    ///
    /// # Errors
    ///
    /// The entry is not stored, or what follows from it is not.
    async fn store_event(&self, entry: &EventLogEntry) -> Result<StorageId, StorageError> {
        let ids = self.store_event_batch(std::slice::from_ref(entry)).await?;
        Ok(ids.first().copied().unwrap_or(StorageId(0)))
    }

    /// Stores entries in their order; returns the ids of their rows in the logs of their runs.
    ///
    /// # Errors
    ///
    /// Entries are not stored, or what follows from one of them is not.
    async fn store_event_batch(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<Vec<StorageId>, StorageError> {
        let StoredEvents { ids, incomplete } = self.store_events(entries).await?;
        incomplete.map_or(Ok(ids), Err)
    }
}

impl<T: EventStore + ?Sized> EventStoreExt for T {}
