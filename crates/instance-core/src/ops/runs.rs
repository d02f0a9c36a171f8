//! What the run domain needs of an instance.

use crate::ops::{
    BackfillStoreAccess, ClockAccess, DynamicPartitionStoreAccess, EventStoreAccess, IdAccess,
    ListenersAccess, RunEventStoreAccess, RunStoreAccess, SnapshotStoreAccess,
};

/// What the run domain needs of an instance.
pub trait RunOps:
    RunStoreAccess
    + SnapshotStoreAccess
    + EventStoreAccess
    + RunEventStoreAccess
    + BackfillStoreAccess
    + DynamicPartitionStoreAccess
    + ListenersAccess
    + ClockAccess
    + IdAccess
{
    /// How many bytes the body of a run may have at most; `None` means any number.
    fn run_size_limit_bytes(&self) -> Option<u64> {
        None
    }
}
