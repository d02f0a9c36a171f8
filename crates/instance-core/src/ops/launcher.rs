//! What the launcher domain needs of an instance, and what the worker of a run does.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::{Clock, IdSource};
use crate::error::InstanceError;
use crate::event::{DagsterEventType, EventLogEntry};
use crate::ids::RunId;
use crate::launcher::{RunCoordinator, RunLauncher};
use crate::run::DagsterRun;
use crate::snap::ExecutionPlanSnapshot;
use crate::storage::ComputeLogManager;

/// What the launcher domain needs of an instance, and what coordinators and launchers get of it.
#[async_trait]
pub trait LauncherOps: RunWorkerOps {
    /// The coordinator.
    fn run_coordinator(&self) -> &dyn RunCoordinator;

    /// The launcher.
    fn run_launcher(&self) -> &dyn RunLauncher;

    /// The run of this id.
    async fn get_run_by_id(&self, run_id: &RunId) -> Result<Option<DagsterRun>, InstanceError>;

    /// Adds tags to a run, such as those by which a launcher finds the run's worker again.
    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
    ) -> Result<(), InstanceError>;

    /// The log of a run, oldest entry first, as far as it is of these types; no types mean all of it.
    async fn all_logs(
        &self,
        run_id: &RunId,
        of_types: &[DagsterEventType],
    ) -> Result<Vec<EventLogEntry>, InstanceError>;

    /// A handle to the same instance, for contexts and tasks.
    fn to_owned_ops(&self) -> Arc<dyn LauncherOps>;
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
