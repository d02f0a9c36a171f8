//! What the run domain needs of an instance.

use crate::clock::{Clock, IdSource};
use crate::event::EventLogRecord;
use crate::storage::{
    BackfillStore, DynamicPartitionStore, EventStore, RunEventStore, RunStore, SnapshotStore,
};

/// What the run domain needs of an instance.
pub trait RunOps: Send + Sync {
    /// Runs and their tags.
    fn run_store(&self) -> &dyn RunStore;

    /// The snapshots of jobs and plans.
    fn snapshot_store(&self) -> &dyn SnapshotStore;

    /// Events.
    fn event_store(&self) -> &dyn EventStore;

    /// Runs together with their events.
    fn run_event_store(&self) -> &dyn RunEventStore;

    /// Backfills, which runs may be part of.
    fn backfill_store(&self) -> &dyn BackfillStore;

    /// The keys of dynamic partitions.
    fn dynamic_partition_store(&self) -> &dyn DynamicPartitionStore;

    /// The clock.
    fn clock(&self) -> &dyn Clock;

    /// Where the ids of new runs come from.
    fn ids(&self) -> &dyn IdSource;

    /// How many bytes the body of a run may have at most; `None` means any number.
    fn run_size_limit_bytes(&self) -> Option<u64>;

    /// Tells those of this process who listen to a run of an event that was stored.
    fn tell_listeners(&self, record: &EventLogRecord);
}
