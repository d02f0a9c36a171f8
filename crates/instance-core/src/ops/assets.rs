//! What the asset domain needs of an instance.

use crate::storage::EventLogStorage;

/// What the asset domain needs of an instance.
pub trait AssetOps: Send + Sync {
    /// The store of events.
    fn event_log_storage(&self) -> &dyn EventLogStorage;
}
