//! The store of schedules and sensors.

use async_trait::async_trait;

use crate::error::StorageError;
use crate::scheduling::{InstigatorState, InstigatorType};

/// The store of schedules and sensors.
#[async_trait]
pub trait ScheduleStorage: std::fmt::Debug + Send + Sync + 'static {
    /// The states of all schedules and sensors, or of those of one type.
    async fn all_instigator_state(
        &self,
        instigator_type: Option<InstigatorType>,
    ) -> Result<Vec<InstigatorState>, StorageError>;

    /// The revision of the store's schema.
    async fn schema_revision(&self) -> Result<String, StorageError>;
}
