//! Executions of asset checks.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::error::StorageError;
use crate::event::EventLogEntry;
use crate::ids::{RunId, StorageId};
use crate::storage::Only;

/// How the execution of a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssetCheckExecutionRecordStatus {
    /// A run is going to execute it.
    Planned,
    /// It was passed.
    Succeeded,
    /// It was not passed.
    Failed,
}

impl AssetCheckExecutionRecordStatus {
    /// The statuses of an execution that has ended.
    pub const COMPLETED: &'static [Self] = &[Self::Succeeded, Self::Failed];

    /// Dagster's name of the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "PLANNED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Planned, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// A row of the `asset_check_executions` table.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssetCheckExecutionRecord {
    /// The check.
    pub key: AssetCheckKey,
    /// The id of the row.
    pub id: StorageId,
    /// The run; empty for an evaluation that was reported without one.
    pub run_id: RunId,
    /// How it stands.
    pub status: AssetCheckExecutionRecordStatus,
    /// The event that planned or evaluated it; `None` in rows of old versions.
    pub event: Option<EventLogEntry>,
    /// When the row was written.
    pub create_timestamp: DateTime<Utc>,
    /// The partition; `None` for the whole asset.
    pub partition: Option<String>,
}

impl AssetCheckExecutionRecord {
    /// The row of an execution for the whole asset, without its event.
    pub fn new(
        key: AssetCheckKey,
        id: StorageId,
        run_id: RunId,
        status: AssetCheckExecutionRecordStatus,
        create_timestamp: DateTime<Utc>,
    ) -> Self {
        Self { key, id, run_id, status, event: None, create_timestamp, partition: None }
    }
}

crate::setters! {
    impl AssetCheckExecutionRecord {
        /// The event that planned or evaluated it.
        with_event(event: impl Into<Option<EventLogEntry>>);
        /// The partition; `None` for the whole asset.
        with_partition(partition: impl Into<Option<String>>);
    }
}

/// The last execution of a check, and the last that has ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssetCheckSummaryRecord {
    /// The check.
    pub asset_check_key: AssetCheckKey,
    /// The last execution.
    pub last_check_execution_record: Option<AssetCheckExecutionRecord>,
    /// The last execution that has ended.
    pub last_completed_check_execution_record: Option<AssetCheckExecutionRecord>,
}

impl AssetCheckSummaryRecord {
    /// A check without an execution.
    pub fn new(asset_check_key: AssetCheckKey) -> Self {
        Self {
            asset_check_key,
            last_check_execution_record: None,
            last_completed_check_execution_record: None,
        }
    }
}

crate::setters! {
    impl AssetCheckSummaryRecord {
        /// The last execution.
        with_last_check_execution_record(last_check_execution_record: impl Into<Option<AssetCheckExecutionRecord>>);
        /// The last execution that has ended.
        with_last_completed_check_execution_record(last_completed_check_execution_record: impl Into<Option<AssetCheckExecutionRecord>>);
    }
}

/// How a partition of a check stands, against the materialisations of its asset.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssetCheckPartitionInfo {
    /// The check.
    pub check_key: AssetCheckKey,
    /// The partition; `None` for the whole asset.
    pub partition_key: Option<String>,
    /// How its last execution stands.
    pub latest_execution_status: AssetCheckExecutionRecordStatus,
    /// The run of its last execution.
    pub latest_planned_run_id: RunId,
    /// The row of the event of its last execution.
    pub latest_check_event_storage_id: StorageId,
    /// The row of the last materialisation of the partition, or of the whole asset if that is later.
    pub latest_materialization_storage_id: Option<StorageId>,
    /// The row of the materialisation that the last execution looked at.
    pub latest_target_materialization_storage_id: Option<StorageId>,
}

impl AssetCheckPartitionInfo {
    /// A check of a whole asset by its last execution, with no materialisation.
    pub const fn new(
        check_key: AssetCheckKey,
        latest_execution_status: AssetCheckExecutionRecordStatus,
        latest_planned_run_id: RunId,
        latest_check_event_storage_id: StorageId,
    ) -> Self {
        Self {
            check_key,
            partition_key: None,
            latest_execution_status,
            latest_planned_run_id,
            latest_check_event_storage_id,
            latest_materialization_storage_id: None,
            latest_target_materialization_storage_id: None,
        }
    }
}

crate::setters! {
    impl AssetCheckPartitionInfo {
        /// The partition; `None` for the whole asset.
        with_partition_key(partition_key: impl Into<Option<String>>);
        /// The row of the last materialisation of the partition, or of the whole asset if that is later.
        with_latest_materialization_storage_id(latest_materialization_storage_id: impl Into<Option<StorageId>>);
        /// The row of the materialisation that the last execution looked at.
        with_latest_target_materialization_storage_id(latest_target_materialization_storage_id: impl Into<Option<StorageId>>);
    }
}

/// Executions of one partition: of this one, or with `None` of no partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionKeyFilter {
    /// The partition; `None` for the whole asset.
    pub key: Option<String>,
}

impl PartitionKeyFilter {
    /// Executions of this partition; with `None`, of the whole asset.
    pub fn new(key: impl Into<Option<String>>) -> Self {
        Self { key: key.into() }
    }
}

/// Which executions of a check are meant; they come newest first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CheckExecutionsPage {
    /// The check.
    pub check_key: AssetCheckKey,
    /// At most so many.
    pub limit: u64,
    /// With a smaller id.
    pub cursor: Option<StorageId>,
    /// In one of these statuses.
    pub statuses: Only<AssetCheckExecutionRecordStatus>,
    /// Of one partition; `None` means any.
    pub partition_filter: Option<PartitionKeyFilter>,
}

impl CheckExecutionsPage {
    /// The newest executions of a check, at most so many.
    pub fn new(check_key: AssetCheckKey, limit: u64) -> Self {
        Self { check_key, limit, cursor: None, statuses: Only::Any, partition_filter: None }
    }
}

crate::setters! {
    impl CheckExecutionsPage {
        /// Executions with a smaller id.
        with_cursor(cursor: impl Into<Option<StorageId>>);
        /// Executions in one of these statuses.
        with_statuses(statuses: Only<AssetCheckExecutionRecordStatus>);
        /// Executions of one partition; `None` means any.
        with_partition_filter(partition_filter: impl Into<Option<PartitionKeyFilter>>);
    }
}

/// Executions of asset checks. Rows follow from events, in the transaction that stores the event.
#[async_trait]
pub trait AssetCheckStore: std::fmt::Debug + Send + Sync + 'static {
    /// Whether executions of checks can be stored. They cannot in a database of a release that had no table for them;
    /// all other methods, and storing events about checks, fail there with [`StorageError::NeedsMigration`].
    async fn supports_asset_checks(&self) -> Result<bool, StorageError> {
        Ok(true)
    }

    /// Executions of a check, newest first.
    async fn get_asset_check_execution_history(
        &self,
        page: &CheckExecutionsPage,
    ) -> Result<Vec<AssetCheckExecutionRecord>, StorageError>;

    /// The last execution of each check; checks without one are left out.
    async fn get_latest_asset_check_execution_by_key(
        &self,
        check_keys: &[AssetCheckKey],
        partition_filter: Option<&PartitionKeyFilter>,
    ) -> Result<Vec<AssetCheckExecutionRecord>, StorageError>;

    /// The checks of an asset that have an execution, planned or ended, by key ascending.
    async fn get_executed_asset_check_keys(
        &self,
        asset_key: &AssetKey,
    ) -> Result<Vec<AssetCheckKey>, StorageError>;

    /// The last execution of each check and the last that has ended, in the order of the keys.
    async fn get_asset_check_summary_records(
        &self,
        check_keys: &[AssetCheckKey],
    ) -> Result<Vec<AssetCheckSummaryRecord>, StorageError>;

    /// How the partitions of checks stand, for those whose check or materialisation is newer than a row.
    /// A check of the whole asset is among them only if any partition is asked for.
    async fn get_asset_check_partition_info(
        &self,
        check_keys: &[AssetCheckKey],
        after_storage_id: Option<StorageId>,
        partition_keys: &Only<String>,
    ) -> Result<Vec<AssetCheckPartitionInfo>, StorageError>;
}
