//! Subsets of partitions.

use crate::partitions::{PartitionsSnap, PersistedTimeWindow, TimeWindowPartitionsDefinition};
use crate::serdes::FrozenSet;
use crate::{serdes_class, serdes_union};

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
    /// How many partitions there are; `None` where it follows from a definition that this version does
    /// not evaluate.
    pub fn num_partitions(&self) -> Option<i64> {
        match self {
            Self::TimeWindow(subset) => subset.num_partitions,
            _ => i64::try_from(self.partition_keys()?.len()).ok(),
        }
    }

    /// The keys of the partitions; `None` where they follow from a definition that this version does not
    /// evaluate.
    pub fn partition_keys(&self) -> Option<Vec<String>> {
        match self {
            Self::Default(subset) => Some(subset.subset.as_slice().to_vec()),
            Self::KeyRanges(subset) => subset.partition_keys(),
            Self::TimeWindow(subset) => subset.partition_keys(),
            Self::Opaque(_) => None,
        }
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

impl KeyRangesPartitionsSubset {
    fn partition_keys(&self) -> Option<Vec<String>> {
        let PartitionsSnap::Static(all) = &self.partitions_snap else {
            return None;
        };
        let place = |key: &String| all.partition_keys.iter().position(|other| other == key);
        let mut keys = Vec::new();
        for range in &self.key_ranges {
            keys.extend_from_slice(
                all.partition_keys.get(place(&range.start)?..=place(&range.end)?)?,
            );
        }
        Some(keys)
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
    /// A subset as windows of time.
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
