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
use instance_core::ops::CreateReexecutedRun;
use instance_core::run::{
    DagsterRun, DagsterRunStatsSnapshot, RunGroup, RunPartitionData, RunRecord,
    RunStepKeyStatsSnapshot, RunsFilter,
};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::{Only, RunTagsQuery, RunsPage};
use instance_runs::{CreateRun, RegisterManagedRun};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Stores a run exactly as it is given, and returns it.
    ///
    /// No event is stored, and no listener is notified. The run and the rows of its tags are stored in one transaction.
    /// [`create_run`](Self::create_run) makes a new run with its snapshots and its planned events.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`]: a run of this id is stored already, the job snapshot that the run names is not stored,
    /// the run is queued and does not say where its job is, or the storage fails. Nothing is written then.
    pub async fn add_run(&self, run: DagsterRun) -> Result<DagsterRun, InstanceError> {
        instance_runs::add_run(self, run).await
    }

    /// Adds tags to a run. A tag whose key the run has already gets the new value.
    ///
    /// All tags are written in one transaction.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`] if there is no such run; [`InstanceError::Storage`] if the storage fails. Nothing
    /// is written then.
    pub async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
    ) -> Result<(), InstanceError> {
        instance_runs::add_run_tags(self, run_id, new_tags).await
    }

    /// Makes the run of a request, stores its snapshots, and returns the run. The run itself is not stored.
    ///
    /// The snapshots are stored in one transaction. Storing the same snapshot again changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if arguments contradict each other, or if the run is larger than the instance allows;
    /// [`InstanceError::Partitions`] if the run names partitions that its assets do not have; [`InstanceError::Storage`]
    /// if the storage fails. Nothing is written then.
    pub async fn construct_run_with_snapshots(
        &self,
        request: CreateRun,
    ) -> Result<DagsterRun, InstanceError> {
        instance_runs::construct_run_with_snapshots(self, request).await
    }

    /// Creates a run that re-executes another one, and returns it as it is stored.
    ///
    /// The code location makes the execution plan. The run is then stored as [`create_run`](Self::create_run) stores it. Nothing is
    /// launched.
    ///
    /// # Errors
    ///
    /// Those of [`prepare_reexecuted_run`](instance_runs::prepare_reexecuted_run), after which nothing is written, and those of [`create_run`](Self::create_run).
    pub async fn create_reexecuted_run(
        &self,
        code_location: &dyn CodeLocation,
        request: CreateReexecutedRun,
    ) -> Result<DagsterRun, InstanceError> {
        // Callers need not carry this large future in theirs.
        Box::pin(instance_runs::create_reexecuted_run(self, code_location, request)).await
    }

    /// Creates a run, and returns it as it is stored.
    ///
    /// The run is stored with its snapshots and its planned events. A planned event announces an asset that the run is
    /// going to materialise, or a check that it is going to evaluate. A run has none if another system reports its assets
    /// (see [`tags::EXTERNALLY_MANAGED_ASSETS`](instance_core::tags::EXTERNALLY_MANAGED_ASSETS)). Listeners are notified of the planned events. Nothing is launched.
    ///
    /// Everything is stored in one transaction if one database holds runs and events. Otherwise the snapshots and the run
    /// are stored in one transaction, and the events after it.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::Invalid`] if arguments contradict each other, or if the run is larger than the instance allows;
    ///   [`InstanceError::Partitions`] if the run names partitions that its assets do not have; [`InstanceError::Storage`]
    ///   if a run of this id is stored already. Nothing is written then.
    /// - [`InstanceError::EventsIncomplete`] if the run and its events are stored, but the events are missing in the
    ///   index across runs.
    /// - [`InstanceError::Storage`] if a storage fails. Neither the run nor an event is written then, unless runs and
    ///   events are in several databases: the run may then be stored without its events.
    pub async fn create_run(&self, request: CreateRun) -> Result<DagsterRun, InstanceError> {
        // Callers need not carry this large future in theirs.
        Box::pin(instance_runs::create_run(self, request)).await
    }

    /// Deletes a run with its tags, its events and its claims of pools. Nothing happens if there is no such run.
    ///
    /// Captured output stays, and so do snapshots that no run refers to any more. One transaction deletes everything if
    /// one database holds runs and events. Otherwise the run is deleted last, so that an interrupted call can be
    /// repeated.
    ///
    /// Events of the run that still wait in a batch are stored when their time comes (see
    /// [`EventBatching`](instance_core::settings::EventBatching)). Flush them before you delete the run.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails. The run is still there then, perhaps without its events; call
    /// again.
    pub async fn delete_run(&self, run_id: &RunId) -> Result<(), InstanceError> {
        instance_runs::delete_run(self, run_id).await
    }

    /// Stores the snapshot of an execution plan, and returns its id.
    ///
    /// `job_snapshot_id` is the job that the plan is for. The program's log warns if the plan names another one. Storing
    /// the same snapshot again changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails. Nothing is written then.
    pub async fn ensure_persisted_execution_plan_snapshot(
        &self,
        snapshot: &ExecutionPlanSnapshot,
        job_snapshot_id: &SnapshotId,
    ) -> Result<SnapshotId, InstanceError> {
        instance_runs::ensure_persisted_execution_plan_snapshot(self, snapshot, job_snapshot_id)
            .await
    }

    /// Stores the snapshot of a job, and returns its id.
    ///
    /// If `parent` is given and the snapshot says that its job is a part of another one, the snapshot of that job is
    /// stored, too. Both are stored in one transaction. Storing the same snapshot again changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails. Nothing is written then.
    pub async fn ensure_persisted_job_snapshot(
        &self,
        snapshot: &JobSnap,
        parent: Option<&JobSnap>,
    ) -> Result<SnapshotId, InstanceError> {
        instance_runs::ensure_persisted_job_snapshot(self, snapshot, parent).await
    }

    /// Returns the one run whose id is the given text, or begins with it.
    ///
    /// A run whose id is exactly the text is found even if other ids begin with it.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`] if no id begins with the text; [`InstanceError::Invalid`] if several do, or if the
    /// text is empty; [`InstanceError::Storage`] if the storage fails.
    pub async fn find_run(&self, id_or_prefix: &str) -> Result<RunRecord, InstanceError> {
        instance_runs::find_run(self, id_or_prefix).await
    }

    /// Returns the snapshot of an execution plan by its id; `None` if it is not stored.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the stored snapshot cannot be read.
    pub async fn get_execution_plan_snapshot(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, InstanceError> {
        instance_runs::get_execution_plan_snapshot(self, snapshot_id).await
    }

    /// Returns the snapshot of a job by its id; `None` if it is not stored.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the stored snapshot cannot be read.
    pub async fn get_job_snapshot(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<Option<JobSnap>, InstanceError> {
        instance_runs::get_job_snapshot(self, snapshot_id).await
    }

    /// Returns the assets and the checks of a run that are not done, so that a re-execution has to make them.
    ///
    /// - An asset is not done if it was not materialised, or if one of its blocking checks did not pass.
    /// - A check is not done if it was not evaluated, or if its asset has a blocking check that did not pass.
    ///
    /// A step that makes one of them may also be unable to leave out other assets and checks. These are returned, too.
    /// Both sets are empty if everything is done.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_keys_to_reexecute(
        &self,
        run_id: &RunId,
        plan: &ExecutionPlanSnapshot,
    ) -> Result<(BTreeSet<AssetKey>, BTreeSet<AssetCheckKey>), InstanceError> {
        instance_runs::get_keys_to_reexecute(self, run_id, plan).await
    }

    /// Returns a run by its id; `None` if there is no such run.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the body of the run cannot be read.
    pub async fn get_run_by_id(&self, run_id: &RunId) -> Result<Option<DagsterRun>, InstanceError> {
        instance_runs::get_run_by_id(self, run_id).await
    }

    /// Returns the group that a run belongs to; `None` if there is no such run.
    ///
    /// A group is a first run and all its direct and indirect re-executions. The first run comes first, the others follow
    /// in any order.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`] if the run names a first run that is not stored; [`InstanceError::Storage`] if the
    /// storage fails.
    pub async fn get_run_group(&self, run_id: &RunId) -> Result<Option<RunGroup>, InstanceError> {
        instance_runs::get_run_group(self, run_id).await
    }

    /// Returns the ids of the runs that match a filter, without reading the bodies of the runs.
    ///
    /// Filter, page and order are those of [`get_run_records`](Self::get_run_records).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_run_ids(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunId>, InstanceError> {
        instance_runs::get_run_ids(self, filter, page).await
    }

    /// Returns, for each partition that matching runs are of, its newest run.
    ///
    /// Runs without a partition are left out.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_run_partition_data(
        &self,
        filter: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, InstanceError> {
        instance_runs::get_run_partition_data(self, filter).await
    }

    /// Returns a run by its id, with what its row says beside the run; `None` if there is no such run.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the body of the run cannot be read.
    pub async fn get_run_record_by_id(
        &self,
        run_id: &RunId,
    ) -> Result<Option<RunRecord>, InstanceError> {
        instance_runs::get_run_record_by_id(self, run_id).await
    }

    /// Returns the runs that match a filter, each with what its row says beside the run.
    ///
    /// A default [`RunsFilter`] matches all runs. The page says how many runs come at most, where they begin and in which
    /// order; a default [`RunsPage`] means all runs, newest first. The list is empty if no run matches.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the body of a run cannot be read.
    pub async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, InstanceError> {
        instance_runs::get_run_records(self, filter, page).await
    }

    /// Returns how many bytes the stored body of a run may have. `None` means any number.
    pub fn get_run_size_limit_bytes(&self) -> Option<u64> {
        instance_runs::get_run_size_limit_bytes(self)
    }

    /// Returns the counts and times that the events of a run add up to.
    ///
    /// A run without events, and one that is not stored, has counts of zero and no times.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_run_stats(
        &self,
        run_id: &RunId,
    ) -> Result<DagsterRunStatsSnapshot, InstanceError> {
        instance_runs::get_run_stats(self, run_id).await
    }

    /// Returns the status and the times of steps of a run, in the order in which the steps began.
    ///
    /// [`Only::Any`] means all steps. A step without events is left out.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_run_step_stats(
        &self,
        run_id: &RunId,
        step_keys: &Only<String>,
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, InstanceError> {
        instance_runs::get_run_step_stats(self, run_id, step_keys).await
    }

    /// Returns the keys of all tags that runs have, ascending and each once.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_run_tag_keys(&self) -> Result<Vec<String>, InstanceError> {
        instance_runs::get_run_tag_keys(self).await
    }

    /// Returns the values that runs have for each key of a query, by key ascending.
    ///
    /// A key that no run has is left out. A query without keys returns nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_run_tags(
        &self,
        query: &RunTagsQuery,
    ) -> Result<Vec<(String, BTreeSet<String>)>, InstanceError> {
        instance_runs::get_run_tags(self, query).await
    }

    /// Returns the runs that match a filter.
    ///
    /// Filter, page and order are those of [`get_run_records`](Self::get_run_records).
    ///
    /// # Errors
    ///
    /// Those of [`get_run_records`](Self::get_run_records).
    pub async fn get_runs(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<DagsterRun>, InstanceError> {
        instance_runs::get_runs(self, filter, page).await
    }

    /// Returns how many runs match a filter. A default [`RunsFilter`] matches all runs.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, InstanceError> {
        instance_runs::get_runs_count(self, filter).await
    }

    /// Changes a run as an event about it demands, and does not store the event.
    ///
    /// The event may change the status, the time of start or end, and the tag with the reason of a failure. They change
    /// in one transaction. `update_timestamp` is the time of the change; `None` means now. Nothing happens if the event
    /// changes no status, or if there is no such run.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the run would be queued and does not say where its job is, or if the storage fails.
    /// The run is not changed then.
    pub async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        update_timestamp: Option<DateTime<Utc>>,
    ) -> Result<(), InstanceError> {
        instance_runs::handle_run_event(self, run_id, event, update_timestamp).await
    }

    /// Returns whether the snapshot of an execution plan is stored.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn has_execution_plan_snapshot(
        &self,
        snapshot_id: &SnapshotId,
    ) -> Result<bool, InstanceError> {
        instance_runs::has_execution_plan_snapshot(self, snapshot_id).await
    }

    /// Returns whether the snapshot of a job is stored.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn has_job_snapshot(&self, snapshot_id: &SnapshotId) -> Result<bool, InstanceError> {
        instance_runs::has_job_snapshot(self, snapshot_id).await
    }

    /// Returns whether there is a run of this id.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn has_run(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_runs::has_run(self, run_id).await
    }

    /// Returns whether a snapshot of this id is stored, be it of a job or of an execution plan.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn has_snapshot(&self, snapshot_id: &SnapshotId) -> Result<bool, InstanceError> {
        instance_runs::has_snapshot(self, snapshot_id).await
    }

    /// Stores the planned events of a run, and notifies its listeners.
    ///
    /// There is one planned event for each asset that a step of the plan will materialise, or one for each partition of
    /// it if the run is of partitions; and one for each check that a step will evaluate. They are stored in the order of
    /// the keys, all of them or none.
    ///
    /// The graph says which partitions an asset has. Without a graph, the plan says whether an asset has partitions, and
    /// the tag of the run says which one is meant.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Partitions`] if an asset does not have the partitions that the run names;
    /// [`InstanceError::Invalid`] if the run is of a range of partitions and no graph is given;
    /// [`InstanceError::Storage`] if the storage fails. No event is stored then. [`InstanceError::EventsIncomplete`] if
    /// the events are stored, but are missing in the index across runs.
    pub async fn log_asset_planned_events(
        &self,
        run: &DagsterRun,
        plan: &ExecutionPlanSnapshot,
        graph: Option<&dyn AssetGraph>,
    ) -> Result<(), InstanceError> {
        instance_runs::log_asset_planned_events(self, run, plan, graph).await
    }

    /// Makes the event that announces that a run is going to materialise an asset, or one partition of it.
    ///
    /// `None` for the partition means the whole asset. The event is not stored.
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

    /// Stores a run that another system executes, in status `MANAGED`, and returns it as it is stored.
    ///
    /// If the same run is stored already, it is returned. If several callers register one run at the same time, one of
    /// them stores it, and all of them get it. The snapshots and the run are stored in one transaction.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunConflict`] if another run of this id is stored; [`InstanceError::Invalid`] if arguments
    /// contradict each other; [`InstanceError::Storage`] if the storage fails. Nothing is written then.
    pub async fn register_managed_run(
        &self,
        request: RegisterManagedRun,
    ) -> Result<DagsterRun, InstanceError> {
        instance_runs::register_managed_run(self, request).await
    }
}
