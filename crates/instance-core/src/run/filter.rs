//! Which runs are meant.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::ids::{RunId, SnapshotId};
use crate::run::DagsterRunStatus;
use crate::storage::Only;

/// A filter on runs. Fields that are `None` or [`Only::Any`] do not filter, nor do no tags; all others must hold
/// together.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RunsFilter {
    /// The run is one of these.
    pub run_ids: Only<RunId>,
    /// The run's id begins with this text.
    pub run_id_prefix: Option<String>,
    /// The run is of this job.
    pub job_name: Option<String>,
    /// The run has one of these statuses.
    pub statuses: Only<DagsterRunStatus>,
    /// The run has all these tags.
    pub tags: BTreeMap<String, TagFilter>,
    /// The run's job has this snapshot.
    pub snapshot_id: Option<SnapshotId>,
    /// The run was updated after this time.
    pub updated_after: Option<DateTime<Utc>>,
    /// The run was updated before this time.
    pub updated_before: Option<DateTime<Utc>>,
    /// The run was created after this time.
    pub created_after: Option<DateTime<Utc>>,
    /// The run was created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// Leave out the runs of backfills.
    pub exclude_subruns: bool,
}

impl RunsFilter {
    /// A filter that lets all runs through.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl RunsFilter {
        /// Runs that are one of these.
        with_run_ids(run_ids: Only<RunId>);
        /// Runs whose ids begin with this text.
        with_run_id_prefix(run_id_prefix: impl Into<Option<String>>);
        /// Runs of this job.
        with_job_name(job_name: impl Into<Option<String>>);
        /// Runs that have one of these statuses.
        with_statuses(statuses: Only<DagsterRunStatus>);
        /// Runs that have all these tags.
        with_tags(tags: BTreeMap<String, TagFilter>);
        /// Runs whose job has this snapshot.
        with_snapshot_id(snapshot_id: impl Into<Option<SnapshotId>>);
        /// Runs that were updated after this time.
        with_updated_after(updated_after: impl Into<Option<DateTime<Utc>>>);
        /// Runs that were updated before this time.
        with_updated_before(updated_before: impl Into<Option<DateTime<Utc>>>);
        /// Runs that were created after this time.
        with_created_after(created_after: impl Into<Option<DateTime<Utc>>>);
        /// Runs that were created before this time.
        with_created_before(created_before: impl Into<Option<DateTime<Utc>>>);
        /// Whether the runs of backfills are left out.
        with_exclude_subruns(exclude_subruns: bool);
    }
}

/// The values that a tag may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagFilter {
    /// Exactly this value.
    Is(String),
    /// One of these values.
    In(Vec<String>),
}
