//! What definitions of partitions of every kind say about keys and ranges of keys, for the creation of runs.
//!
//! Not here: what only time windows need.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use instance_serdes::{FrozenSet, UnknownFields};

use crate::{
    DefaultPartitionsSubset, DynamicPartitionsSnap, KeyRangesPartitionsSubset, MultiPartitionsSnap,
    PartitionKeyRange, PartitionsError, PartitionsSnap, PartitionsSubset, StaticPartitionsSnap,
};

/// The keys of dynamic sets. The keys of each set are in the order in which they were added.
pub type DynamicPartitionKeys = BTreeMap<String, Vec<String>>;

/// What parts a key of several dimensions is joined with.
pub(super) const DELIMITER: char = '|';

/// What no key may contain: the text between the ends of a range, and characters that cannot be shown.
const NEVER_IN_KEYS: [&str; 9] = ["...", "\x07", "\x08", "\x0c", "\n", "\r", "\t", "\x0b", "\0"];

/// What static keys of a dimension may not have either.
const NEVER_IN_DIMENSIONS: [&str; 4] = ["|", ",", "[", "]"];

/// What a partition key has in it and no key may: the text between the ends of a range, or a character that cannot be
/// shown. `None` if the key may be one.
pub fn forbidden_in_key(key: &str) -> Option<&'static str> {
    NEVER_IN_KEYS.into_iter().find(|text| key.contains(text))
}

impl PartitionsSnap {
    /// The names of the dynamic sets whose keys the definition needs, each once.
    pub fn dynamic_sets(&self) -> Vec<&str> {
        let sets: BTreeSet<&str> = match self {
            Self::Dynamic(definition) => BTreeSet::from([definition.name.as_str()]),
            Self::Multi(multi) => {
                let dimensions = multi.partition_dimensions.iter();
                dimensions
                    .filter_map(|dimension| match &dimension.partitions {
                        Self::Dynamic(definition) => Some(definition.name.as_str()),
                        _ => None,
                    })
                    .collect()
            }
            Self::Static(_) | Self::TimeWindow(_) | Self::Opaque(_) => BTreeSet::new(),
        };
        sets.into_iter().collect()
    }

    /// The subset that a run over a range of keys is stored with. `None` where Dagster stores none: a subset of
    /// static keys, or of keys of several dimensions, would be large.
    ///
    /// It is not checked whether the keys exist.
    ///
    /// # Errors
    ///
    /// The definition is not understood, or a key of a time window does not have its format.
    pub fn stored_subset_of_key_range(
        &self,
        range: &PartitionKeyRange,
    ) -> Result<Option<PartitionsSubset>, PartitionsError> {
        Ok(match self {
            Self::TimeWindow(snap) => {
                Some(snap.to_definition()?.subset_of_key_range(range)?.into())
            }
            Self::Dynamic(snap) => Some(snap.subset_of_key_range(range.clone()).into()),
            Self::Static(_) | Self::Multi(_) => {
                self.validate()?;
                None
            }
            Self::Opaque(_) => return Err(self.unknown()),
        })
    }

    /// The subset of one key, for the events of a run.
    ///
    /// It is not checked whether the key exists, except for time windows: a window that is no partition now is left
    /// out without an error, as in Dagster.
    ///
    /// # Errors
    ///
    /// The definition is not understood or not allowed, a key of a time window does not have its format, or there
    /// are no time windows yet.
    pub fn subset_of_key(
        &self,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<PartitionsSubset, PartitionsError> {
        self.subset_of_keys(vec![key.to_owned()], now)
    }

    /// The subset of a range of keys, for the events of a run.
    ///
    /// # Errors
    ///
    /// Those of [`keys_in_range`](Self::keys_in_range) and [`subset_of_key`](Self::subset_of_key).
    pub fn subset_of_key_range(
        &self,
        range: &PartitionKeyRange,
        dynamic: &DynamicPartitionKeys,
        now: DateTime<Utc>,
    ) -> Result<PartitionsSubset, PartitionsError> {
        self.subset_of_keys(self.keys_in_range(range, dynamic)?, now)
    }

    /// The keys of a range, both ends included, in the order of the definition. There are none if the range runs
    /// backwards. A key of several dimensions is in the range if each of its parts is.
    ///
    /// `dynamic` has the keys of each set that [`dynamic_sets`](Self::dynamic_sets) names.
    ///
    /// # Errors
    ///
    /// The definition is not understood or not allowed, an end of the range does not exist or is malformed, the
    /// range reaches beyond the time windows, or the keys of a dynamic set are missing.
    pub fn keys_in_range(
        &self,
        range: &PartitionKeyRange,
        dynamic: &DynamicPartitionKeys,
    ) -> Result<Vec<String>, PartitionsError> {
        self.validate()?;
        match self {
            Self::Static(snap) => slice(&each_once(&snap.partition_keys), range),
            Self::Dynamic(snap) => slice(snap.keys(dynamic)?, range),
            Self::TimeWindow(snap) => snap.to_definition()?.keys_in_range(range),
            Self::Multi(snap) => snap.keys_in_range(range, dynamic),
            Self::Opaque(_) => Err(self.unknown()),
        }
    }

    fn subset_of_keys(
        &self,
        keys: Vec<String>,
        now: DateTime<Utc>,
    ) -> Result<PartitionsSubset, PartitionsError> {
        self.validate()?;
        match self {
            Self::TimeWindow(snap) => Ok(snap.to_definition()?.subset_of_keys(&keys, now)?.into()),
            Self::Static(_) | Self::Dynamic(_) | Self::Multi(_) => {
                Ok(DefaultPartitionsSubset::of_keys(keys).into())
            }
            Self::Opaque(_) => Err(self.unknown()),
        }
    }

    /// Refuses what Dagster refuses to make a definition of.
    pub(super) fn validate(&self) -> Result<(), PartitionsError> {
        match self {
            Self::Static(snap) => snap.refuse_keys_with(&NEVER_IN_KEYS),
            Self::Multi(snap) => snap.validate(),
            Self::TimeWindow(_) | Self::Dynamic(_) | Self::Opaque(_) => Ok(()),
        }
    }

    pub(super) fn unknown(&self) -> PartitionsError {
        let class = match self {
            Self::Opaque(stored) => stored.class(),
            _ => None,
        };
        PartitionsError::UnknownDefinition { class: class.unwrap_or_default() }
    }
}

impl StaticPartitionsSnap {
    fn refuse_keys_with(&self, parts: &[&str]) -> Result<(), PartitionsError> {
        for key in &self.partition_keys {
            if let Some(found) = parts.iter().find(|part| key.contains(**part)) {
                return Err(PartitionsError::InvalidKey {
                    key: key.clone(),
                    found: (*found).to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl DynamicPartitionsSnap {
    /// The subset that a run over a range of keys is stored with. It is not checked whether the keys exist.
    pub fn subset_of_key_range(&self, range: PartitionKeyRange) -> KeyRangesPartitionsSubset {
        KeyRangesPartitionsSubset {
            key_ranges: vec![range],
            partitions_snap: self.clone().into(),
            unknown: UnknownFields::default(),
        }
    }

    pub(super) fn keys<'a>(
        &self,
        dynamic: &'a DynamicPartitionKeys,
    ) -> Result<&'a [String], PartitionsError> {
        let missing = || PartitionsError::MissingDynamicKeys { name: self.name.clone() };
        dynamic.get(&self.name).map(Vec::as_slice).ok_or_else(missing)
    }
}

impl MultiPartitionsSnap {
    /// The dimensions in the order of their names, which is the order of the parts of a key. If several have one
    /// name, the last one counts.
    pub(super) fn dimensions(&self) -> BTreeMap<&str, &PartitionsSnap> {
        let dimensions = self.partition_dimensions.iter();
        dimensions.map(|dimension| (dimension.name.as_str(), &dimension.partitions)).collect()
    }

    fn validate(&self) -> Result<(), PartitionsError> {
        // Each dimension is evaluated by itself before all are evaluated together.
        for dimension in &self.partition_dimensions {
            match &dimension.partitions {
                PartitionsSnap::Static(snap) => snap.refuse_keys_with(&NEVER_IN_KEYS)?,
                PartitionsSnap::TimeWindow(snap) => drop(snap.to_definition()?),
                PartitionsSnap::Dynamic(_) => {}
                PartitionsSnap::Multi(_) => {
                    let dimension = dimension.name.clone();
                    return Err(PartitionsError::NestedDimensions { dimension });
                }
                PartitionsSnap::Opaque(_) => return Err(dimension.partitions.unknown()),
            }
        }
        let dimensions = self.dimensions();
        if dimensions.len() != 2 {
            return Err(PartitionsError::DimensionCount { found: dimensions.len() });
        }
        for partitions in dimensions.values() {
            if let PartitionsSnap::Static(snap) = partitions {
                snap.refuse_keys_with(&NEVER_IN_DIMENSIONS)?;
            }
        }
        Ok(())
    }

    fn keys_in_range(
        &self,
        range: &PartitionKeyRange,
        dynamic: &DynamicPartitionKeys,
    ) -> Result<Vec<String>, PartitionsError> {
        let dimensions = self.dimensions();
        let start = parts(&range.start, dimensions.len())?;
        let end = parts(&range.end, dimensions.len())?;
        let mut keys = vec![String::new()];
        for (index, (partitions, (start, end))) in
            dimensions.values().zip(start.into_iter().zip(end)).enumerate()
        {
            let range = PartitionKeyRange {
                end: end.to_owned(),
                start: start.to_owned(),
                unknown: UnknownFields::default(),
            };
            let of_dimension = partitions.keys_in_range(&range, dynamic)?;
            let join = |before: &String, part: &String| match index {
                0 => part.clone(),
                _ => format!("{before}{DELIMITER}{part}"),
            };
            keys = keys
                .iter()
                .flat_map(|before| of_dimension.iter().map(move |part| join(before, part)))
                .collect();
        }
        Ok(keys)
    }
}

/// The parts of a key of several dimensions.
fn parts(key: &str, expected: usize) -> Result<Vec<&str>, PartitionsError> {
    let parts: Vec<&str> = key.split(DELIMITER).collect();
    if parts.len() == expected {
        return Ok(parts);
    }
    Err(PartitionsError::WrongDimensions { key: key.to_owned(), expected, found: parts.len() })
}

/// Keys without repetitions: old code locations name some keys twice.
pub(super) fn each_once(keys: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    keys.iter().filter(|key| seen.insert(key.as_str())).cloned().collect()
}

/// The keys from one to another.
fn slice(keys: &[String], range: &PartitionKeyRange) -> Result<Vec<String>, PartitionsError> {
    let place = |key: &String| keys.iter().position(|other| other == key);
    let (Some(start), Some(end)) = (place(&range.start), place(&range.end)) else {
        let mut missing = vec![range.start.clone(), range.end.clone()];
        missing.retain(|key| place(key).is_none());
        missing.dedup();
        return Err(PartitionsError::NonexistentKeys {
            start: range.start.clone(),
            end: range.end.clone(),
            keys: missing,
        });
    };
    Ok(keys.get(start..=end).unwrap_or_default().to_vec())
}

impl DefaultPartitionsSubset {
    /// The subset of keys, each once, in the order in which Dagster stores them.
    pub fn of_keys(keys: impl IntoIterator<Item = String>) -> Self {
        Self { subset: FrozenSet::mutable(keys), unknown: UnknownFields::default() }
    }
}

impl PartitionsSubset {
    /// The keys of the partitions. Time windows and ranges give them in their order, single keys in the order in
    /// which they are stored.
    ///
    /// `dynamic` has the keys of each set that [`dynamic_sets`](Self::dynamic_sets) names.
    ///
    /// # Errors
    ///
    /// The subset or its definition is not understood, an end of a range does not exist, or the keys of a dynamic
    /// set are missing.
    pub fn keys(&self, dynamic: &DynamicPartitionKeys) -> Result<Vec<String>, PartitionsError> {
        match self {
            Self::Default(subset) => Ok(subset.subset.as_slice().to_vec()),
            Self::KeyRanges(subset) => {
                let mut keys = Vec::new();
                for range in &subset.key_ranges {
                    keys.append(&mut subset.partitions_snap.keys_in_range(range, dynamic)?);
                }
                Ok(keys)
            }
            Self::TimeWindow(subset) => subset.partition_keys(),
            Self::Opaque(stored) => Err(PartitionsError::UnknownDefinition {
                class: stored.class().unwrap_or_default(),
            }),
        }
    }

    /// The names of the dynamic sets whose keys the subset needs, each once.
    pub fn dynamic_sets(&self) -> Vec<&str> {
        match self {
            Self::KeyRanges(subset) => subset.partitions_snap.dynamic_sets(),
            Self::Default(_) | Self::TimeWindow(_) | Self::Opaque(_) => Vec::new(),
        }
    }
}
