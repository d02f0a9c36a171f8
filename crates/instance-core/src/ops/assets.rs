//! What the asset domain needs of an instance.

use crate::storage::AssetStore;

/// What the asset domain needs of an instance.
pub trait AssetOps: Send + Sync {
    /// Assets.
    fn asset_store(&self) -> &dyn AssetStore;
}
