//! Subsets of partitions.

use instance_serdes::{FrozenSet, serdes_class, serdes_union};

use crate::{
    DynamicPartitionKeys, PartitionsSnap, PersistedTimeWindow, TimeWindowPartitionsDefinition,
};

serdes_union! {
    /// A subset of the partitions of an asset.
    pub enum PartitionsSubset {
        /// The keys, one by one.
        Default(DefaultPartitionsSubset),
        /// Ranges of keys.
        KeyRanges(KeyRangesPartitionsSubset),
        /// Windows of time.
        TimeWindow(TimeWindowPartitionsSubset),
    }
}

impl PartitionsSubset {
    /// How many partitions there are. `None` if the number follows from a definition that this version does not
    /// evaluate, or from keys of a dynamic set, which [`keys`](Self::keys) takes.
    pub fn num_partitions(&self) -> Option<i64> {
        match self {
            Self::TimeWindow(subset) => subset.count().ok(),
            _ => i64::try_from(self.partition_keys()?.len()).ok(),
        }
    }

    /// The keys of the partitions. `None` if they follow from a definition that this version does not evaluate, or
    /// from keys of a dynamic set, which [`keys`](Self::keys) takes.
    pub fn partition_keys(&self) -> Option<Vec<String>> {
        self.keys(&DynamicPartitionKeys::new()).ok()
    }
}

serdes_class! {
    /// A subset as its keys, one by one.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DefaultPartitionsSubset = "DefaultPartitionsSubset" {
        /// The keys.
        pub subset: FrozenSet<String> = "subset",
    }
}

serdes_class! {
    /// A subset as ranges of keys.
    #[derive(Debug, Clone, PartialEq)]
    pub struct KeyRangesPartitionsSubset = "KeyRangesPartitionsSubset" {
        /// The ranges.
        pub key_ranges: Vec<PartitionKeyRange> = "key_ranges",
        /// The definition of the partitions.
        pub partitions_snap: PartitionsSnap = "partitions_snap",
    }
}

serdes_class! {
    /// A range of keys, both ends included.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct PartitionKeyRange = "PartitionKeyRange" {
        /// The last key.
        pub end: String = "end",
        /// The first key.
        pub start: String = "start",
    }
}

serdes_class! {
    /// A subset as time windows.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TimeWindowPartitionsSubset = "TimeWindowPartitionsSubset" {
        /// The windows.
        pub included_time_windows: Vec<PersistedTimeWindow> = "included_time_windows",
        /// How many partitions there are in the windows.
        pub num_partitions: Option<i64> = "num_partitions",
        /// The definition of the partitions.
        pub partitions_def: TimeWindowPartitionsDefinition = "partitions_def",
    }
}
