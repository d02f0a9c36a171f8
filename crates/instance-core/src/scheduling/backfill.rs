//! Backfills: many runs over partitions, of a job or of assets.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::asset_key::AssetKey;
use crate::error_info::SerializableErrorInfo;
use crate::partitions::{PartitionsSubset, TimestampWithTimezone};
use crate::run::{RemoteRepositoryOrigin, TagFilter};
use crate::scheduling::RunRequest;
use crate::serdes::{FrozenSet, Number, Opaque, PairMap, UnknownFields};
use crate::storage::Only;
use crate::{serdes_class, serdes_enum};

serdes_enum! {
    /// How a backfill stands.
    pub enum BulkActionStatus = "BulkActionStatus" {
        /// It goes on.
        Requested = "REQUESTED",
        /// It ended, in old versions.
        Completed = "COMPLETED",
        /// It failed.
        Failed = "FAILED",
        /// It was asked to stop.
        Canceling = "CANCELING",
        /// It was stopped.
        Canceled = "CANCELED",
        /// It ended, and all of its runs succeeded.
        CompletedSuccess = "COMPLETED_SUCCESS",
        /// It ended, and some of its runs failed.
        CompletedFailed = "COMPLETED_FAILED",
        /// It failed, and its runs are being stopped.
        Failing = "FAILING",
    }
}

impl BulkActionStatus {
    /// The statuses of a backfill that has ended.
    pub const ENDED: [Self; 5] = [
        Self::Completed,
        Self::Failed,
        Self::Canceled,
        Self::CompletedSuccess,
        Self::CompletedFailed,
    ];

    /// Whether a backfill of this status has ended.
    pub fn has_ended(self) -> bool {
        Self::ENDED.contains(&self)
    }
}

serdes_class! {
    /// A backfill.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PartitionBackfill = "PartitionBackfill" {
        /// What is done and what is not, for a backfill of assets.
        pub asset_backfill_data: Option<AssetBackfillData> = "asset_backfill_data",
        /// The assets.
        pub asset_selection: Option<Vec<AssetKey>> = "asset_selection",
        /// When it ended, in seconds since 1970.
        pub backfill_end_timestamp: Option<Number> = "backfill_end_timestamp",
        /// The id.
        pub backfill_id: String = "backfill_id",
        /// When it was asked for, in seconds since 1970.
        pub backfill_timestamp: Number = "backfill_timestamp",
        /// The description.
        pub description: Option<String> = "description",
        /// The error, if it failed.
        pub error: Option<SerializableErrorInfo> = "error",
        /// How often in a row an iteration failed.
        pub failure_count: Option<i64> = "failure_count" [or_some],
        /// Whether it re-executes from failures.
        pub from_failure: bool = "from_failure" [or_default],
        /// The last partition for which a run was submitted.
        pub last_submitted_partition_name: Option<String> = "last_submitted_partition_name",
        /// The partitions, for a backfill of a job.
        pub partition_names: Option<Vec<String>> = "partition_names",
        /// The job, for a backfill of a job.
        pub partition_set_origin: Option<RemotePartitionSetOrigin> = "partition_set_origin",
        /// The steps to execute.
        pub reexecution_steps: Option<Vec<String>> = "reexecution_steps",
        /// The ids that were set aside for runs.
        pub reserved_run_ids: Option<Vec<String>> = "reserved_run_ids" [or_some],
        /// The configuration of the runs.
        pub run_config: Option<Opaque> = "run_config" [or_empty_object],
        /// What is done and what is not, in the form of old versions.
        pub serialized_asset_backfill_data: Option<String> = "serialized_asset_backfill_data",
        /// How it stands.
        pub status: BulkActionStatus = "status",
        /// The runs that are being submitted.
        pub submitting_run_requests: Option<Vec<RunRequest>> = "submitting_run_requests" [or_some],
        /// The tags of the runs.
        pub tags: Option<BTreeMap<String, String>> = "tags",
        /// The title.
        pub title: Option<String> = "title",
    }
}

serdes_class! {
    /// The partitions of a repository's job.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RemotePartitionSetOrigin = "ExternalPartitionSetOrigin" {
        /// The repository.
        pub repository_origin: RemoteRepositoryOrigin = "external_repository_origin",
        /// The name of the set of partitions.
        pub partition_set_name: String = "partition_set_name",
    }
}

serdes_class! {
    /// What of a backfill of assets is done and what is not.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetBackfillData = "AssetBackfillData" {
        /// When it began.
        pub backfill_start_time: TimestampWithTimezone = "backfill_start_time",
        /// What failed, and what waits for it.
        pub failed_and_downstream_subset: AssetGraphSubset = "failed_and_downstream_subset",
        /// The last event that was taken into account.
        pub latest_storage_id: Option<i64> = "latest_storage_id",
        /// What is materialised.
        pub materialized_subset: AssetGraphSubset = "materialized_subset",
        /// Whether runs were asked for all assets that wait for none.
        pub requested_runs_for_target_roots: bool = "requested_runs_for_target_roots" [or_default],
        /// What runs were asked for.
        pub requested_subset: AssetGraphSubset = "requested_subset",
        /// All that is to be done.
        pub target_subset: AssetGraphSubset = "target_subset",
    }
}

serdes_class! {
    /// Assets, and partitions of assets.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetGraphSubset = "AssetGraphSubset" {
        /// The assets that have no partitions.
        pub non_partitioned_asset_keys: FrozenSet<AssetKey> = "non_partitioned_asset_keys",
        /// The partitions of the others.
        pub partitions_subsets_by_asset_key: PairMap<AssetKey, PartitionsSubset> =
            "partitions_subsets_by_asset_key",
    }
}

/// What the name of a job's set of partitions has behind the name of the job.
const PARTITION_SET_SUFFIX: &str = "_partition_set";

/// A filter on backfills. Fields that are `None` or [`Only::Any`] do not filter, nor do no tags; all others must hold
/// together.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct BulkActionsFilter {
    /// The backfill has one of these statuses.
    pub statuses: Only<BulkActionStatus>,
    /// It was asked for before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// It was asked for after this time.
    pub created_after: Option<DateTime<Utc>>,
    /// It has all these tags.
    pub tags: BTreeMap<String, TagFilter>,
    /// It is of this job.
    pub job_name: Option<String>,
    /// It is one of these.
    pub backfill_ids: Only<String>,
    /// It is of the set of partitions with this selector id.
    pub selector_id: Option<String>,
}

impl BulkActionsFilter {
    /// A filter that lets all backfills through.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl BulkActionsFilter {
        /// Backfills that have one of these statuses.
        with_statuses(statuses: Only<BulkActionStatus>);
        /// Backfills that were asked for before this time.
        with_created_before(created_before: impl Into<Option<DateTime<Utc>>>);
        /// Backfills that were asked for after this time.
        with_created_after(created_after: impl Into<Option<DateTime<Utc>>>);
        /// Backfills that have all these tags.
        with_tags(tags: BTreeMap<String, TagFilter>);
        /// Backfills of this job.
        with_job_name(job_name: impl Into<Option<String>>);
        /// Backfills that are one of these.
        with_backfill_ids(backfill_ids: Only<String>);
        /// Backfills of the set of partitions with this selector id.
        with_selector_id(selector_id: impl Into<Option<String>>);
    }
}

impl RemotePartitionSetOrigin {
    /// A set of partitions of a repository, by its name.
    pub fn new(
        repository_origin: RemoteRepositoryOrigin,
        partition_set_name: impl Into<String>,
    ) -> Self {
        let (partition_set_name, unknown) = (partition_set_name.into(), UnknownFields::default());
        Self { repository_origin, partition_set_name, unknown }
    }

    /// The set of partitions of a job, which Dagster names after the job.
    pub fn of_job(repository_origin: RemoteRepositoryOrigin, job_name: &str) -> Self {
        Self::new(repository_origin, format!("{job_name}{PARTITION_SET_SUFFIX}"))
    }
}

crate::setters! {
    impl PartitionBackfill {
        /// What is done and what is not, for a backfill of assets.
        with_asset_backfill_data(asset_backfill_data: impl Into<Option<AssetBackfillData>>);
        /// The assets.
        with_asset_selection(asset_selection: impl Into<Option<Vec<AssetKey>>>);
        /// When it ended, in seconds since 1970.
        with_backfill_end_timestamp(backfill_end_timestamp: impl Into<Option<Number>>);
        /// The description.
        with_description(description: impl Into<Option<String>>);
        /// The error, if it failed.
        with_error(error: impl Into<Option<SerializableErrorInfo>>);
        /// How often in a row an iteration failed.
        with_failure_count(failure_count: impl Into<Option<i64>>);
        /// Whether it re-executes from failures.
        with_from_failure(from_failure: bool);
        /// The last partition for which a run was submitted.
        with_last_submitted_partition_name(last_submitted_partition_name: impl Into<Option<String>>);
        /// The partitions, for a backfill of a job.
        with_partition_names(partition_names: impl Into<Option<Vec<String>>>);
        /// The job, for a backfill of a job.
        with_partition_set_origin(partition_set_origin: impl Into<Option<RemotePartitionSetOrigin>>);
        /// The steps to execute.
        with_reexecution_steps(reexecution_steps: impl Into<Option<Vec<String>>>);
        /// The ids that were set aside for runs.
        with_reserved_run_ids(reserved_run_ids: impl Into<Option<Vec<String>>>);
        /// The configuration of the runs.
        with_run_config(run_config: impl Into<Option<Opaque>>);
        /// What is done and what is not, in the form of old versions.
        with_serialized_asset_backfill_data(serialized_asset_backfill_data: impl Into<Option<String>>);
        /// How it stands.
        with_status(status: BulkActionStatus);
        /// The runs that are being submitted.
        with_submitting_run_requests(submitting_run_requests: impl Into<Option<Vec<RunRequest>>>);
        /// The tags of the runs.
        with_tags(tags: impl Into<Option<BTreeMap<String, String>>>);
        /// The title.
        with_title(title: impl Into<Option<String>>);
    }
}

/// How many characters the title of a backfill has at most.
const MAX_TITLE_LENGTH: usize = 100;

impl PartitionBackfill {
    /// A backfill that was asked for at a time in seconds since 1970, as Dagster makes one that is of nothing yet.
    pub fn new(
        backfill_id: impl Into<String>,
        status: BulkActionStatus,
        backfill_timestamp: f64,
    ) -> Self {
        Self {
            asset_backfill_data: None,
            asset_selection: None,
            backfill_end_timestamp: None,
            backfill_id: backfill_id.into(),
            backfill_timestamp: backfill_timestamp.into(),
            description: None,
            error: None,
            failure_count: Some(0),
            from_failure: false,
            last_submitted_partition_name: None,
            partition_names: None,
            partition_set_origin: None,
            reexecution_steps: None,
            reserved_run_ids: Some(Vec::new()),
            run_config: Some(Opaque::empty_object()),
            serialized_asset_backfill_data: None,
            status,
            submitting_run_requests: Some(Vec::new()),
            tags: Some(BTreeMap::new()),
            title: None,
            unknown: UnknownFields::default(),
        }
    }

    /// Why Dagster could not read the backfill, and what to do; `None` if it could.
    pub fn unreadable_because(&self) -> Option<&'static str> {
        fn has_some<T>(list: Option<&Vec<T>>) -> bool {
            list.is_some_and(|list| !list.is_empty())
        }
        let title = self.title.as_deref().unwrap_or_default();
        let is_of_a_job = self.partition_set_origin.is_some()
            || self.partition_names.is_some()
            || self.last_submitted_partition_name.is_some()
            || self.reexecution_steps.is_some();
        if has_some(self.asset_selection.as_ref()) && has_some(self.reexecution_steps.as_ref()) {
            Some("it selects assets and steps; leave out one of them")
        } else if self.serialized_asset_backfill_data.is_some() && is_of_a_job {
            Some("it is of assets and of a job; leave out one of them")
        } else if title.chars().count() > MAX_TITLE_LENGTH {
            Some("its title is too long; give it one of 100 characters at most")
        } else if title.contains(['%', '*', '"']) {
            Some("its title has one of the characters % * \"; leave them out")
        } else {
            None
        }
    }

    /// Whether it is a backfill of assets, and not of a job.
    pub const fn is_asset_backfill(&self) -> bool {
        self.serialized_asset_backfill_data.is_some() || self.asset_backfill_data.is_some()
    }

    /// What Dagster calls the kind of the backfill.
    pub const fn bulk_action_type(&self) -> &'static str {
        if self.is_asset_backfill() { "MULTI_RUN_ASSET_ACTION" } else { "PARTITION_BACKFILL" }
    }

    /// The job, for a backfill of a job.
    pub fn job_name(&self) -> Option<&str> {
        if self.is_asset_backfill() {
            return None;
        }
        let partition_set = self.partition_set_origin.as_ref()?.partition_set_name.as_str();
        // Python cuts so many characters off, whichever they are.
        let end = partition_set.char_indices().rev().nth(PARTITION_SET_SUFFIX.len() - 1)?.0;
        partition_set.get(..end)
    }

    /// The id of the set of partitions, for a backfill of a job.
    pub fn selector_id(&self) -> Option<String> {
        let origin = self.partition_set_origin.as_ref()?;
        let repository = origin.repository_origin.selector();
        Some(repository.partition_set(&origin.partition_set_name).id())
    }
}
