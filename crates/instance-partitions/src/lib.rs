//! Partitions: how definitions of them are stored, what the definitions say about keys, and subsets of keys.
//!
//! Not here: where the keys of dynamic sets are stored, nor what time it is. Callers pass both in.
//!
#![doc = include_str!("../README.md")]

mod cached_subset;
mod cron;
mod definition;
mod error;
mod execution_times;
mod existing;
mod hourly;
mod key_format;
mod key_reader;
mod resolve;
mod snap;
mod subset;
mod ticks;
pub mod time;
mod time_window;
mod time_window_keys;
mod windows;

pub use cached_subset::CachedSubset;
pub use error::PartitionsError;
pub use execution_times::ExecutionTimes;
pub use resolve::{DynamicPartitionKeys, forbidden_in_key};
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
