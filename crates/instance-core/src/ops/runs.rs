//! What the run domain needs of an instance.

use async_trait::async_trait;

use crate::clock::{Clock, IdSource};
use crate::error::InstanceError;
use crate::event::{DagsterEvent, LogLevel};
use crate::ids::RunId;
use crate::storage::{EventStore, RunStore, SnapshotStore};

/// What the run domain needs of an instance.
#[async_trait]
pub trait RunOps: Send + Sync {
    /// Runs and their tags.
    fn run_store(&self) -> &dyn RunStore;

    /// The snapshots of jobs and plans.
    fn snapshot_store(&self) -> &dyn SnapshotStore;

    /// Events.
    fn event_store(&self) -> &dyn EventStore;

    /// The clock.
    fn clock(&self) -> &dyn Clock;

    /// Where the ids of new runs come from.
    fn ids(&self) -> &dyn IdSource;

    /// Reports events of one run, in their order and all or none.
    async fn report_dagster_events(
        &self,
        events: Vec<DagsterEvent>,
        run_id: &RunId,
        level: LogLevel,
    ) -> Result<(), InstanceError>;
}
