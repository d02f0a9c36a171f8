//! The partitions that a run is of: what stands in the run, and what its events are about.

use std::collections::BTreeMap;

use instance_core::error::InstanceError;
use instance_core::ops::RunOps;
use instance_core::partitions::{
    DynamicPartitionKeys, PartitionKeyRange, PartitionsSnap, PartitionsSubset,
};
use instance_core::run::DagsterRun;
use instance_core::serdes::UnknownFields;
use instance_core::tags;

/// The subset that stands in a run; `None` if its tags name no partitions, or they cannot be written in a compact
/// form.
pub(crate) fn stored_subset(
    partitions: &PartitionsSnap,
    tags: &BTreeMap<String, String>,
) -> Result<Option<PartitionsSubset>, InstanceError> {
    let of = |tag: &str| tags.get(tag).cloned();
    let ends = of(tags::ASSET_PARTITION_RANGE_START).zip(of(tags::ASSET_PARTITION_RANGE_END));
    let range = match (of(tags::PARTITION), ends) {
        (Some(key), Some(_)) => {
            return Err(InstanceError::Invalid {
                what: "partition",
                value: key,
                reason: format!(
                    "a run is of one partition or of a range: set the tag {}, or both {} and {}",
                    tags::PARTITION,
                    tags::ASSET_PARTITION_RANGE_START,
                    tags::ASSET_PARTITION_RANGE_END
                ),
            });
        }
        (Some(key), None) => range(key.clone(), key),
        (None, Some((start, end))) => range(start, end),
        (None, None) => return Ok(None),
    };
    Ok(partitions.stored_subset_of_key_range(&range)?)
}

fn range(start: String, end: String) -> PartitionKeyRange {
    PartitionKeyRange { end, start, unknown: UnknownFields::default() }
}

/// The subset that events of a run are about, of an asset or check with these partitions; `None` if they are about
/// no partition.
pub(crate) fn subset_for_events(
    ops: &dyn RunOps,
    run: &DagsterRun,
    partitions: Option<&PartitionsSnap>,
    dynamic: &DynamicPartitionKeys,
) -> Result<Option<PartitionsSubset>, InstanceError> {
    // Ranges of keys cannot be read without their definition, so tags say it again.
    if let Some(subset) = run.partitions_subset.as_deref()
        && !matches!(subset, PartitionsSubset::KeyRanges(_))
    {
        return Ok(Some(subset.clone()));
    }
    let of = |tag: &str| run.tags.get(tag).filter(|value| !value.is_empty()).cloned();
    let ends = (of(tags::ASSET_PARTITION_RANGE_START), of(tags::ASSET_PARTITION_RANGE_END));
    let now = ops.clock().now();
    match (ends, of(tags::PARTITION), partitions) {
        ((Some(start), Some(end)), _, Some(partitions)) => {
            Ok(Some(partitions.subset_of_key_range(&range(start, end), dynamic, now)?))
        }
        ((Some(key), None) | (None, Some(key)), _, _) => Err(InstanceError::Invalid {
            what: "range of partitions",
            value: key,
            reason: format!(
                "it has one end; set both {} and {}",
                tags::ASSET_PARTITION_RANGE_START,
                tags::ASSET_PARTITION_RANGE_END
            ),
        }),
        ((None, None), Some(key), Some(partitions)) => {
            Ok(Some(partitions.subset_of_key(&key, now)?))
        }
        _ => Ok(None),
    }
}

/// The keys of the dynamic sets that partitions need to be evaluated.
pub(crate) async fn dynamic_keys<'p>(
    ops: &dyn RunOps,
    partitions: impl Iterator<Item = &'p PartitionsSnap> + Send,
) -> Result<DynamicPartitionKeys, InstanceError> {
    let mut keys = DynamicPartitionKeys::new();
    for partitions in partitions {
        for set in partitions.dynamic_sets() {
            if !keys.contains_key(set) {
                let of_set = ops.dynamic_partition_store().get_dynamic_partitions(set).await?;
                keys.insert(set.to_owned(), of_set);
            }
        }
    }
    Ok(keys)
}
