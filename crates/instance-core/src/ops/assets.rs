//! What the asset domain needs of an instance.

use async_trait::async_trait;

use crate::error::InstanceError;
use crate::event::DagsterEvent;
use crate::storage::AssetStore;

/// What the asset domain needs of an instance.
#[async_trait]
pub trait AssetOps: Send + Sync {
    /// Assets.
    fn asset_store(&self) -> &dyn AssetStore;

    /// Reports an event that belongs to no run, with the time of the clock.
    async fn report_runless_event(&self, event: DagsterEvent) -> Result<(), InstanceError>;
}
