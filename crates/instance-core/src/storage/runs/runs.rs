//! Runs and their tags.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::StorageError;
use crate::event::DagsterEvent;
use crate::ids::RunId;
use crate::run::{
    DagsterRun, DagsterRunStatus, RemoteJobOrigin, RunGroup, RunPartitionData, RunRecord,
    RunsFilter,
};
use crate::storage::{GuardedChange, GuardedOutcome, Order};

/// Which part of the matching runs is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunsPage {
    /// Begin behind the row of this run, as rows were written; an unknown run gives an empty page.
    pub cursor: Option<RunId>,
    /// At most so many; `None` means all.
    pub limit: Option<u64>,
    /// By what the runs are ordered.
    pub order_by: RunsOrderBy,
    /// In which order the runs come; newest first by default.
    pub order: Order,
}

impl RunsPage {
    /// All runs, newest first.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl RunsPage {
        /// Begin behind the row of this run, as rows were written.
        with_cursor(cursor: impl Into<Option<RunId>>);
        /// At most so many; `None` means all.
        with_limit(limit: impl Into<Option<u64>>);
        /// By what the runs are ordered.
        with_order_by(order_by: RunsOrderBy);
        /// In which order the runs come.
        with_order(order: Order);
    }
}

/// By what runs are ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunsOrderBy {
    /// As their rows were written.
    #[default]
    StorageId,
    /// When they were created.
    CreateTimestamp,
    /// When they were last changed.
    UpdateTimestamp,
    /// When they began; runs that have not begun come first or last, as the database orders nothing.
    StartTime,
    /// When they ended; runs that have not ended come first or last, as the database orders nothing.
    EndTime,
}

/// Which tags of runs are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunTagsQuery {
    /// The keys; none means no tag.
    pub tag_keys: Vec<String>,
    /// The beginning of the value, in its own case.
    pub value_prefix: Option<String>,
    /// At most so many pairs of key and value; `None` means all.
    pub limit: Option<u64>,
}

impl RunTagsQuery {
    /// All values of the tags with these keys.
    pub fn new(tag_keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { tag_keys: tag_keys.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

crate::setters! {
    impl RunTagsQuery {
        /// Values that begin with this text, in its own case.
        with_value_prefix(value_prefix: impl Into<Option<String>>);
        /// At most so many pairs of key and value; `None` means all.
        with_limit(limit: impl Into<Option<u64>>);
    }
}

/// When a run began and ended, in seconds since 1970, as its events say it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunTimes {
    /// The run.
    pub run_id: RunId,
    /// The status that the run had before its events were read.
    pub status: DagsterRunStatus,
    /// When it began; `None` if no event says it.
    pub start_time: Option<f64>,
    /// When it ended; `None` if no event says it.
    pub end_time: Option<f64>,
}

/// Runs and their tags.
#[async_trait]
pub trait RunStore: std::fmt::Debug + Send + Sync + 'static {
    /// Stores a new run and the rows of its tags in one transaction.
    ///
    /// # Errors
    ///
    /// * [`StorageError::RunAlreadyExists`].
    /// * [`StorageError::SnapshotDoesNotExist`] if the run names a job snapshot that was not added before.
    /// * [`StorageError::Invalid`] for a queued run that does not say where its job is: Dagster could not read it.
    async fn add_run(
        &self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// Changes a run as an event about it demands, in one transaction: its status, its start and end time, and the
    /// tag with the reason of a failure.
    ///
    /// An event that changes no status, or is about an unknown run, does nothing. `at` is the time of the event.
    ///
    /// # Errors
    ///
    /// [`StorageError::Invalid`] if a run would be queued that does not say where its job is.
    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// Changes a run as events demand, if it has one of the statuses that are named and the fence has its value, and
    /// writes notes, all in one transaction. Of several callers who would change a run from the same status, one does.
    ///
    /// Events of no status change nothing of the row, its time of change neither. The order of the outcomes is that of
    /// [`RunEventStore::store_run_events_if`](crate::storage::RunEventStore::store_run_events_if).
    ///
    /// # Errors
    ///
    /// [`StorageError::Invalid`] if the run would be queued and does not say where its job is.
    async fn change_run_if(
        &self,
        change: &GuardedChange,
    ) -> Result<GuardedOutcome<()>, StorageError>;

    /// The run of this id with its row; `None` if there is none.
    async fn get_run_record(&self, run_id: &RunId) -> Result<Option<RunRecord>, StorageError>;

    /// The runs that match, with their rows.
    async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError>;

    /// The ids of the runs that match, without reading their bodies.
    async fn get_run_ids(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunId>, StorageError>;

    /// How many runs match.
    async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, StorageError>;

    /// Whether a run of this id is stored.
    async fn has_run(&self, run_id: &RunId) -> Result<bool, StorageError>;

    /// The run's first ancestor and all its re-executions, the ancestor first and the others in any order; `None`
    /// if there is no such run.
    ///
    /// # Errors
    ///
    /// [`StorageError::RunNotFound`] if the ancestor that the run names is not stored.
    async fn get_run_group(&self, run_id: &RunId) -> Result<Option<RunGroup>, StorageError>;

    /// For each partition of matching runs, the newest of them.
    async fn get_run_partition_data(
        &self,
        filter: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, StorageError>;

    /// The values that tags of runs have, by key ascending.
    async fn get_run_tags(
        &self,
        query: &RunTagsQuery,
    ) -> Result<Vec<(String, BTreeSet<String>)>, StorageError>;

    /// The keys of all tags of runs, ascending.
    async fn get_run_tag_keys(&self) -> Result<Vec<String>, StorageError>;

    /// Adds tags to a run, in one transaction: in its body, its columns and its rows of tags. A tag that the run
    /// has already gets the new value.
    ///
    /// # Errors
    ///
    /// [`StorageError::RunNotFound`].
    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// Replaces the times at which runs began and ended, all of them or none, and changes nothing else of the runs.
    /// A time that is `None` stays as it is, and so does a run whose status is another one by now. An unknown run is no
    /// error.
    async fn set_run_times(&self, times: &[RunTimes]) -> Result<(), StorageError>;

    /// Gives a run another origin, and the tag of its repository that follows from it, in one transaction.
    /// Otherwise the run is stored as given.
    async fn replace_job_origin(
        &self,
        run: &DagsterRun,
        job_origin: &RemoteJobOrigin,
    ) -> Result<(), StorageError>;

    /// Deletes a run and the rows of its tags in one transaction. An unknown run is no error. The run's events,
    /// captured logs and claims of pools stay; other methods delete them.
    async fn delete_run(&self, run_id: &RunId) -> Result<(), StorageError>;
}
