//! Partitions: what definitions of them are stored as, and subsets of their keys.

mod snap;
mod subset;
mod time_window;
mod time_window_keys;

pub use snap::{
    DynamicPartitionsSnap, MultiPartitionsSnap, PartitionDimensionSnap, PartitionsSnap,
    StaticPartitionsSnap, TimeWindowPartitionsSnap,
};
pub use subset::{
    DefaultPartitionsSubset, KeyRangesPartitionsSubset, PartitionKeyRange, PartitionsSubset,
    TimeWindowPartitionsSubset,
};
pub use time_window::{
    PartitionsExclusion, PersistedTimeWindow, TimeWindowPartitionsDefinition, TimestampWithTimezone,
};
