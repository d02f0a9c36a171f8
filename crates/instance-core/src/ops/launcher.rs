//! What the launcher domain needs of an instance, and what the worker of a run does.

use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::{Clock, IdSource};
use crate::error::InstanceError;
use crate::event::{DagsterEvent, EngineEventData, EventLogEntry, LogLevel};
use crate::ids::RunId;
use crate::launcher::{RunCoordinator, RunLauncher};
use crate::run::DagsterRun;
use crate::snap::ExecutionPlanSnapshot;
use crate::storage::ComputeLogManager;

/// What the launcher domain needs of an instance.
#[async_trait]
pub trait LauncherOps: Send + Sync {
    /// The coordinator.
    fn run_coordinator(&self) -> &dyn RunCoordinator;

    /// The launcher.
    fn run_launcher(&self) -> &dyn RunLauncher;

    /// The run of this id.
    async fn get_run_by_id(&self, run_id: &RunId) -> Result<Option<DagsterRun>, InstanceError>;

    /// Reports an event of a run.
    async fn report_dagster_event(
        &self,
        event: DagsterEvent,
        run_id: &RunId,
        level: LogLevel,
    ) -> Result<(), InstanceError>;

    /// Reports something of the machinery around a run.
    async fn report_engine_event(
        &self,
        message: String,
        run: &DagsterRun,
        data: EngineEventData,
    ) -> Result<(), InstanceError>;

    /// Reports that a run failed outside of its execution.
    async fn report_run_failed(&self, run: &DagsterRun) -> Result<(), InstanceError>;

    /// The instance as the worker of a run sees it.
    fn worker_ops(&self) -> Arc<dyn RunWorkerOps>;
}

/// What the worker of a run needs of an instance.
#[async_trait]
pub trait RunWorkerOps: Send + Sync {
    /// Stores an entry of the run, and does what follows from it.
    async fn handle_new_event(&self, entry: EventLogEntry) -> Result<(), InstanceError>;

    /// The plan of a run; `None` for a run without one.
    async fn get_execution_plan_snapshot(
        &self,
        run: &DagsterRun,
    ) -> Result<Option<ExecutionPlanSnapshot>, InstanceError>;

    /// Where the output of the worker is captured.
    fn compute_log_manager(&self) -> &dyn ComputeLogManager;

    /// The clock.
    fn clock(&self) -> &dyn Clock;

    /// Where the keys of captured logs come from.
    fn ids(&self) -> &dyn IdSource;
}
