//! The store of schedules and sensors, their ticks, and evaluations of automation conditions.

mod automation;
mod instigators;
mod ticks;

use async_trait::async_trait;

pub use automation::{AutomationStore, EvaluationsPage};
pub use instigators::{InstigatorFilter, InstigatorStore};
pub use ticks::{TickStore, TicksQuery};

use crate::error::StorageError;
use crate::storage::SchemaStore;

/// The store of schedules and sensors, which Dagster calls `ScheduleStorage`: one database.
#[async_trait]
pub trait ScheduleStorage: InstigatorStore + TickStore + AutomationStore + SchemaStore {
    /// Deletes everything, in one transaction.
    async fn wipe(&self) -> Result<(), StorageError>;
}
