//! What the run domain needs of an instance.

use async_trait::async_trait;

use crate::clock::{Clock, IdSource};
use crate::error::InstanceError;
use crate::event::{DagsterEvent, LogLevel};
use crate::ids::RunId;
use crate::storage::{EventLogStorage, RunStorage};

/// What the run domain needs of an instance.
#[async_trait]
pub trait RunOps: Send + Sync {
    /// The store of runs.
    fn run_storage(&self) -> &dyn RunStorage;

    /// The store of events.
    fn event_log_storage(&self) -> &dyn EventLogStorage;

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
