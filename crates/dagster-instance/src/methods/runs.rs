//! The methods of the run domain.

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::run::{
    DagsterRun, DagsterRunStatsSnapshot, RunRecord, RunStepKeyStatsSnapshot, RunsFilter,
};
use instance_core::storage::RunsPage;
use instance_runs::CreateRun;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// See [`instance_runs::create_run`].
    pub async fn create_run(&self, request: CreateRun) -> Result<DagsterRun, InstanceError> {
        instance_runs::create_run(self, request).await
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
}
