//! The methods of the run domain.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::AssetGraph;
use instance_core::code_location::CodeLocation;
use instance_core::error::InstanceError;
use instance_core::event::DagsterEvent;
use instance_core::ids::{RunId, SnapshotId};
use instance_core::run::{
    DagsterRun, DagsterRunStatsSnapshot, RunGroup, RunPartitionData, RunRecord,
    RunStepKeyStatsSnapshot, RunsFilter,
};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::{RunTagsQuery, RunsPage};
use instance_runs::{CreateReexecutedRun, CreateRun, RegisterManagedRun};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// See [`instance_runs::create_run`].
    pub async fn create_run(&self, request: CreateRun) -> Result<DagsterRun, InstanceError> {
        // What a run is made of is large; callers need not carry it in their futures.
        Box::pin(instance_runs::create_run(self, request)).await
    }

    /// See [`instance_runs::construct_run_with_snapshots`].
    pub async fn construct_run_with_snapshots(
        &self,
        request: CreateRun,
    ) -> Result<DagsterRun, InstanceError> {
        instance_runs::construct_run_with_snapshots(self, request).await
    }

    /// See [`instance_runs::create_reexecuted_run`].
    pub async fn create_reexecuted_run(
        &self,
        code_location: &dyn CodeLocation,
        request: CreateReexecutedRun,
    ) -> Result<DagsterRun, InstanceError> {
        Box::pin(instance_runs::create_reexecuted_run(self, code_location, request)).await
    }

    /// See [`instance_runs::register_managed_run`].
    pub async fn register_managed_run(
        &self,
        request: RegisterManagedRun,
    ) -> Result<DagsterRun, InstanceError> {
        instance_runs::register_managed_run(self, request).await
    }

    /// See [`instance_runs::ensure_persisted_job_snapshot`].
    pub async fn ensure_persisted_job_snapshot(
        &self,
        snapshot: &JobSnap,
        parent: Option<&JobSnap>,
    ) -> Result<SnapshotId, InstanceError> {
        instance_runs::ensure_persisted_job_snapshot(self, snapshot, parent).await
    }

    /// See [`instance_runs::ensure_persisted_execution_plan_snapshot`].
    pub async fn ensure_persisted_execution_plan_snapshot(
        &self,
        snapshot: &ExecutionPlanSnapshot,
        job_snapshot_id: &SnapshotId,
    ) -> Result<SnapshotId, InstanceError> {
        instance_runs::ensure_persisted_execution_plan_snapshot(self, snapshot, job_snapshot_id)
            .await
    }

    /// See [`instance_runs::get_keys_to_reexecute`].
    pub async fn get_keys_to_reexecute(
        &self,
        run_id: &RunId,
        plan: &ExecutionPlanSnapshot,
    ) -> Result<(BTreeSet<AssetKey>, BTreeSet<AssetCheckKey>), InstanceError> {
        instance_runs::get_keys_to_reexecute(self, run_id, plan).await
    }

    /// See [`instance_runs::log_asset_planned_events`].
    pub async fn log_asset_planned_events(
        &self,
        run: &DagsterRun,
        plan: &ExecutionPlanSnapshot,
        graph: Option<&dyn AssetGraph>,
    ) -> Result<(), InstanceError> {
        instance_runs::log_asset_planned_events(self, run, plan, graph).await
    }

    /// See [`instance_runs::add_run`].
    pub async fn add_run(&self, run: DagsterRun) -> Result<DagsterRun, InstanceError> {
        instance_runs::add_run(self, run).await
    }

    /// See [`instance_runs::add_run_tags`].
    pub async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
    ) -> Result<(), InstanceError> {
        instance_runs::add_run_tags(self, run_id, new_tags).await
    }

    /// See [`instance_runs::handle_run_event`].
    pub async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        update_timestamp: Option<DateTime<Utc>>,
    ) -> Result<(), InstanceError> {
        instance_runs::handle_run_event(self, run_id, event, update_timestamp).await
    }

    /// See [`instance_runs::delete_run`].
    pub async fn delete_run(&self, run_id: &RunId) -> Result<(), InstanceError> {
        instance_runs::delete_run(self, run_id).await
    }

    /// See [`instance_runs::get_run_size_limit_bytes`].
    pub fn get_run_size_limit_bytes(&self) -> Option<u64> {
        instance_runs::get_run_size_limit_bytes(self)
    }

    /// See [`instance_runs::get_run_by_id`].
    pub async fn get_run_by_id(&self, run_id: &RunId) -> Result<Option<DagsterRun>, InstanceError> {
        instance_runs::get_run_by_id(self, run_id).await
    }

    /// See [`instance_runs::get_run_record_by_id`].
    pub async fn get_run_record_by_id(
        &self,
        run_id: &RunId,
    ) -> Result<Option<RunRecord>, InstanceError> {
        instance_runs::get_run_record_by_id(self, run_id).await
    }

    /// See [`instance_runs::find_run`].
    pub async fn find_run(&self, id_or_prefix: &str) -> Result<RunRecord, InstanceError> {
        instance_runs::find_run(self, id_or_prefix).await
    }

    /// See [`instance_runs::has_run`].
    pub async fn has_run(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_runs::has_run(self, run_id).await
    }

    /// See [`instance_runs::get_runs`].
    pub async fn get_runs(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<DagsterRun>, InstanceError> {
        instance_runs::get_runs(self, filter, page).await
    }

    /// See [`instance_runs::get_run_ids`].
    pub async fn get_run_ids(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunId>, InstanceError> {
        instance_runs::get_run_ids(self, filter, page).await
    }

    /// See [`instance_runs::get_run_records`].
    pub async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, InstanceError> {
        instance_runs::get_run_records(self, filter, page).await
    }

    /// See [`instance_runs::get_runs_count`].
    pub async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, InstanceError> {
        instance_runs::get_runs_count(self, filter).await
    }

    /// See [`instance_runs::get_run_group`].
    pub async fn get_run_group(&self, run_id: &RunId) -> Result<Option<RunGroup>, InstanceError> {
        instance_runs::get_run_group(self, run_id).await
    }

    /// See [`instance_runs::get_run_partition_data`].
    pub async fn get_run_partition_data(
        &self,
        filter: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, InstanceError> {
        instance_runs::get_run_partition_data(self, filter).await
    }

    /// See [`instance_runs::get_run_tags`].
    pub async fn get_run_tags(
        &self,
        query: &RunTagsQuery,
    ) -> Result<Vec<(String, BTreeSet<String>)>, InstanceError> {
        instance_runs::get_run_tags(self, query).await
    }

    /// See [`instance_runs::get_run_tag_keys`].
    pub async fn get_run_tag_keys(&self) -> Result<Vec<String>, InstanceError> {
        instance_runs::get_run_tag_keys(self).await
    }

    /// See [`instance_runs::get_run_stats`].
    pub async fn get_run_stats(
        &self,
        run_id: &RunId,
    ) -> Result<DagsterRunStatsSnapshot, InstanceError> {
        instance_runs::get_run_stats(self, run_id).await
    }

    /// See [`instance_runs::get_run_step_stats`].
    pub async fn get_run_step_stats(
        &self,
        run_id: &RunId,
        step_keys: &[String],
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, InstanceError> {
        instance_runs::get_run_step_stats(self, run_id, step_keys).await
    }

    /// See [`instance_runs::get_job_snapshot`].
    pub async fn get_job_snapshot(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<Option<JobSnap>, InstanceError> {
        instance_runs::get_job_snapshot(self, snapshot_id).await
    }

    /// See [`instance_runs::has_job_snapshot`].
    pub async fn has_job_snapshot(&self, snapshot_id: &SnapshotId) -> Result<bool, InstanceError> {
        instance_runs::has_job_snapshot(self, snapshot_id).await
    }

    /// See [`instance_runs::get_execution_plan_snapshot`].
    pub async fn get_execution_plan_snapshot(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, InstanceError> {
        instance_runs::get_execution_plan_snapshot(self, snapshot_id).await
    }

    /// See [`instance_runs::has_execution_plan_snapshot`].
    pub async fn has_execution_plan_snapshot(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<bool, InstanceError> {
        instance_runs::has_execution_plan_snapshot(self, snapshot_id).await
    }

    /// See [`instance_runs::has_snapshot`].
    pub async fn has_snapshot(&self, snapshot_id: &SnapshotId) -> Result<bool, InstanceError> {
        instance_runs::has_snapshot(self, snapshot_id).await
    }

    /// See [`instance_runs::log_materialization_planned_event_for_asset`].
    pub fn log_materialization_planned_event_for_asset(
        &self,
        run: &DagsterRun,
        asset_key: &AssetKey,
        step_key: &str,
        partition: Option<String>,
    ) -> DagsterEvent {
        instance_runs::log_materialization_planned_event_for_asset(
            run, asset_key, step_key, partition,
        )
    }
}
