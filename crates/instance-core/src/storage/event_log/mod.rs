//! The store of events. It also holds what follows from events, and what stands beside them: assets, checks,
//! dynamic partitions and pools.

mod asset_checks;
mod asset_partitions;
mod assets;
mod dynamic_partitions;
mod effects;
mod events;
mod pools;
mod settled;
mod watch;

use async_trait::async_trait;

pub use asset_checks::{
    AssetCheckExecutionRecord, AssetCheckExecutionRecordStatus, AssetCheckPartitionInfo,
    AssetCheckStore, AssetCheckSummaryRecord, CheckExecutionsPage, PartitionKeyFilter,
};
pub use asset_partitions::{
    AssetPartitionStore, LatestTagsQuery, MaterializationAttempt, PlannedMaterializationInfo,
    WipedAssetPartitions,
};
pub use assets::{AssetKeysPage, AssetStore};
pub use dynamic_partitions::{DynamicPartitionStore, DynamicPartitionsPage, PaginatedResults};
pub use effects::{AssetCheckChange, asset_check_changes, require_storable};
pub use events::{
    AssetEventSummaryQuery, AssetEventSummaryRecord, AssetRecordsFilter, EventCursor,
    EventRecordsFilter, EventStore, EventStoreExt, RecordsForRun, RecordsPage,
    RunShardedEventsCursor, RunStatusChangeRecordsFilter,
};
pub use pools::{
    ClaimedSlotInfo, ConcurrencyClaimStatus, ConcurrencyKeyInfo, ConcurrencySlotStatus,
    MAX_CONCURRENCY_LIMIT, PendingStepInfo, PoolLimit, PoolStore, require_pool_limit,
};
pub use settled::{EventWriter, SettledEventStore, SettledPosition};
pub use watch::{EventSignal, EventWatch};

use crate::error::StorageError;
use crate::storage::SchemaStore;

/// The store of events, which Dagster calls `EventLogStorage`.
#[async_trait]
pub trait EventLogStorage:
    EventStore
    + AssetStore
    + AssetPartitionStore
    + AssetCheckStore
    + DynamicPartitionStore
    + PoolStore
    + SettledEventStore
    + EventWatch
    + SchemaStore
{
    /// Whether the events of each run are in a file of their own, so that ids of rows are only unique
    /// within a run.
    fn is_run_sharded(&self) -> bool;

    /// Deletes everything but marks of data migrations.
    async fn wipe(&self) -> Result<(), StorageError>;
}
