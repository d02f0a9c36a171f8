//! The methods of `instance-runs`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-runs` instead.

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
use instance_core::storage::{Only, RunTagsQuery, RunsPage};
use instance_runs::{CreateReexecutedRun, CreateRun, RegisterManagedRun};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Stores a run as it is; returns it.
    ///
    /// Errors: a run of its id is stored, or the job snapshot that it names is not.
    pub async fn add_run(&self, run: DagsterRun) -> Result<DagsterRun, InstanceError> {
        instance_runs::add_run(self, run).await
    }

    /// Adds tags to a run and replaces the values of those that it has.
    ///
    /// Errors: there is no such run.
    pub async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
    ) -> Result<(), InstanceError> {
        instance_runs::add_run_tags(self, run_id, new_tags).await
    }

    /// Makes the run of a request and stores its snapshots, unless they are stored; the run itself is not stored.
    ///
    /// Errors: [`InstanceError::Invalid`] for arguments that contradict each other, before anything is written.
    pub async fn construct_run_with_snapshots(
        &self,
        request: CreateRun,
    ) -> Result<DagsterRun, InstanceError> {
        instance_runs::construct_run_with_snapshots(self, request).await
    }

    /// Creates a run that re-executes another one, as [`create_run`](Self::create_run) does.
    ///
    /// Errors: [`InstanceError::NothingToReexecute`]; from failure, a parent that has not failed and was not canceled,
    /// or whose plan or ancestor is not stored; [`InstanceError::CodeLocation`]. Nothing is written then.
    pub async fn create_reexecuted_run(
        &self,
        code_location: &dyn CodeLocation,
        request: CreateReexecutedRun,
    ) -> Result<DagsterRun, InstanceError> {
        // Callers need not carry this large future in theirs.
        Box::pin(instance_runs::create_reexecuted_run(self, code_location, request)).await
    }

    /// Creates a run: stores its snapshots, the run, and the events that announce what it is going to materialise and
    /// to check.
    ///
    /// Where one database holds runs and events, that is one transaction; else the snapshots and the run are one, and
    /// the events come behind it, so that nothing ever refers to what is not there. A run whose assets another system
    /// reports (see [`tags::EXTERNALLY_MANAGED_ASSETS`](instance_core::tags::EXTERNALLY_MANAGED_ASSETS)) announces nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] for arguments that contradict each other, [`InstanceError::Partitions`] for partitions
    /// that are none, and a run of the same id; nothing is written then. With [`InstanceError::EventsIncomplete`] the run
    /// and its events are stored, and the events are not found across runs.
    pub async fn create_run(&self, request: CreateRun) -> Result<DagsterRun, InstanceError> {
        // Callers need not carry this large future in theirs.
        Box::pin(instance_runs::create_run(self, request)).await
    }

    /// Deletes a run with its tags, its events and its claims of pools; an unknown run is no error.
    ///
    /// Captured logs, and snapshots that no run refers to any more, stay. Where runs and events are in several
    /// databases, the run goes last: what is interrupted can be done again. Events of the run that still wait for others
    /// (see [`EventBatching`](instance_core::settings::EventBatching)) are stored when their time comes; flush them
    /// before.
    pub async fn delete_run(&self, run_id: &RunId) -> Result<(), InstanceError> {
        instance_runs::delete_run(self, run_id).await
    }

    /// Stores an execution plan snapshot unless it is stored; returns its id.
    pub async fn ensure_persisted_execution_plan_snapshot(
        &self,
        snapshot: &ExecutionPlanSnapshot,
        job_snapshot_id: &SnapshotId,
    ) -> Result<SnapshotId, InstanceError> {
        instance_runs::ensure_persisted_execution_plan_snapshot(self, snapshot, job_snapshot_id)
            .await
    }

    /// Stores a job snapshot, and the one that it is a part of, unless they are stored; returns its id.
    pub async fn ensure_persisted_job_snapshot(
        &self,
        snapshot: &JobSnap,
        parent: Option<&JobSnap>,
    ) -> Result<SnapshotId, InstanceError> {
        instance_runs::ensure_persisted_job_snapshot(self, snapshot, parent).await
    }

    /// The one run whose id is, or begins with, the given text, which is how people name runs.
    ///
    /// Errors: no run does, or several do; the text is empty, with which every id begins.
    pub async fn find_run(&self, id_or_prefix: &str) -> Result<RunRecord, InstanceError> {
        instance_runs::find_run(self, id_or_prefix).await
    }

    /// The execution plan snapshot of this id; `None` if there is none.
    pub async fn get_execution_plan_snapshot(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, InstanceError> {
        instance_runs::get_execution_plan_snapshot(self, snapshot_id).await
    }

    /// The job snapshot of this id; `None` if there is none.
    pub async fn get_job_snapshot(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<Option<JobSnap>, InstanceError> {
        instance_runs::get_job_snapshot(self, snapshot_id).await
    }

    /// What of a run's plan was not done: the assets that were not materialised, or whose blocking checks were not
    /// passed; and the checks that were not evaluated, or are of such an asset. With each, everything that its step
    /// cannot leave out.
    pub async fn get_keys_to_reexecute(
        &self,
        run_id: &RunId,
        plan: &ExecutionPlanSnapshot,
    ) -> Result<(BTreeSet<AssetKey>, BTreeSet<AssetCheckKey>), InstanceError> {
        instance_runs::get_keys_to_reexecute(self, run_id, plan).await
    }

    /// The run of this id; `None` if there is none.
    pub async fn get_run_by_id(&self, run_id: &RunId) -> Result<Option<DagsterRun>, InstanceError> {
        instance_runs::get_run_by_id(self, run_id).await
    }

    /// The run's first ancestor and all its re-executions, the ancestor first; `None` if there is no such run.
    ///
    /// Errors: the ancestor that the run names is not there.
    pub async fn get_run_group(&self, run_id: &RunId) -> Result<Option<RunGroup>, InstanceError> {
        instance_runs::get_run_group(self, run_id).await
    }

    /// The ids of the runs that match, without reading the runs.
    pub async fn get_run_ids(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunId>, InstanceError> {
        instance_runs::get_run_ids(self, filter, page).await
    }

    /// For each partition that matching runs are of, the newest of them.
    pub async fn get_run_partition_data(
        &self,
        filter: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, InstanceError> {
        instance_runs::get_run_partition_data(self, filter).await
    }

    /// The run of this id with its row; `None` if there is none.
    pub async fn get_run_record_by_id(
        &self,
        run_id: &RunId,
    ) -> Result<Option<RunRecord>, InstanceError> {
        instance_runs::get_run_record_by_id(self, run_id).await
    }

    /// The runs that match, with their rows.
    pub async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, InstanceError> {
        instance_runs::get_run_records(self, filter, page).await
    }

    /// How many bytes the body of a run may have; `None` means any number.
    pub fn get_run_size_limit_bytes(&self) -> Option<u64> {
        instance_runs::get_run_size_limit_bytes(self)
    }

    /// Counts and times of a run.
    pub async fn get_run_stats(
        &self,
        run_id: &RunId,
    ) -> Result<DagsterRunStatsSnapshot, InstanceError> {
        instance_runs::get_run_stats(self, run_id).await
    }

    /// Status and times of these steps of a run, in the order in which they began.
    pub async fn get_run_step_stats(
        &self,
        run_id: &RunId,
        step_keys: &Only<String>,
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, InstanceError> {
        instance_runs::get_run_step_stats(self, run_id, step_keys).await
    }

    /// The keys of all tags of runs, ascending.
    pub async fn get_run_tag_keys(&self) -> Result<Vec<String>, InstanceError> {
        instance_runs::get_run_tag_keys(self).await
    }

    /// The values that tags of runs have, by key ascending; keys that no run has are left out.
    pub async fn get_run_tags(
        &self,
        query: &RunTagsQuery,
    ) -> Result<Vec<(String, BTreeSet<String>)>, InstanceError> {
        instance_runs::get_run_tags(self, query).await
    }

    /// The runs that match.
    pub async fn get_runs(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<DagsterRun>, InstanceError> {
        instance_runs::get_runs(self, filter, page).await
    }

    /// How many runs match.
    pub async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, InstanceError> {
        instance_runs::get_runs_count(self, filter).await
    }

    /// Changes a run as an event about it demands, without storing the event; `None` for the time means now.
    ///
    /// An event that changes no status, or is about an unknown run, does nothing.
    pub async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        update_timestamp: Option<DateTime<Utc>>,
    ) -> Result<(), InstanceError> {
        instance_runs::handle_run_event(self, run_id, event, update_timestamp).await
    }

    /// Whether there is an execution plan snapshot of this id.
    pub async fn has_execution_plan_snapshot(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<bool, InstanceError> {
        instance_runs::has_execution_plan_snapshot(self, snapshot_id).await
    }

    /// Whether there is a job snapshot of this id.
    pub async fn has_job_snapshot(&self, snapshot_id: &SnapshotId) -> Result<bool, InstanceError> {
        instance_runs::has_job_snapshot(self, snapshot_id).await
    }

    /// Whether there is a run of this id.
    pub async fn has_run(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_runs::has_run(self, run_id).await
    }

    /// Whether there is a snapshot of this id, of a job or of a plan.
    pub async fn has_snapshot(&self, snapshot_id: &SnapshotId) -> Result<bool, InstanceError> {
        instance_runs::has_snapshot(self, snapshot_id).await
    }

    /// Reports a planned materialisation for each asset that the plan's steps will write, and for each partition of it
    /// that the run is of, and a planned evaluation for each check; by key ascending, all or none.
    ///
    /// Without a graph, the plan says which assets have partitions, and their partition is that of the run's tag.
    ///
    /// Errors: the partitions are none, or without a graph the run is of a range of them.
    pub async fn log_asset_planned_events(
        &self,
        run: &DagsterRun,
        plan: &ExecutionPlanSnapshot,
        graph: Option<&dyn AssetGraph>,
    ) -> Result<(), InstanceError> {
        instance_runs::log_asset_planned_events(self, run, plan, graph).await
    }

    /// The event that announces that a run is going to materialise an asset, or one partition of it.
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

    /// Stores a run that something else executes, in status `MANAGED`, unless it is stored; returns it as it is
    /// stored. Of several that register one run at once, one stores it and all get it.
    ///
    /// Errors: [`InstanceError::RunConflict`] if a run of the id is stored and is another one;
    /// [`InstanceError::Invalid`] for arguments that contradict each other. Nothing is written then.
    pub async fn register_managed_run(
        &self,
        request: RegisterManagedRun,
    ) -> Result<DagsterRun, InstanceError> {
        instance_runs::register_managed_run(self, request).await
    }
}
