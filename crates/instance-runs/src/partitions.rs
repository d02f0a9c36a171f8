//! The partitions of a run: those that are stored in the run, and those that its events are about.

use std::collections::BTreeMap;

use instance_core::error::InstanceError;
use instance_core::ops::RunOps;
use instance_core::partitions::{
    DynamicPartitionKeys, PartitionKeyRange, PartitionsSnap, PartitionsSubset,
};
use instance_core::run::DagsterRun;
use instance_core::serdes::UnknownFields;
use instance_core::tags;

/// The partitions that are stored in a run, from its tags. `None` if the tags name no partitions, or if the
/// partitions have no compact form.
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

/// The partitions of an asset or check that events of a run are about; `None` if they are about none. `partitions` is
/// the definition of the asset or check.
pub(crate) fn subset_for_events(
    ops: &dyn RunOps,
    run: &DagsterRun,
    partitions: Option<&PartitionsSnap>,
    dynamic: &DynamicPartitionKeys,
) -> Result<Option<PartitionsSubset>, InstanceError> {
    // A range of keys means nothing without its definition, so the tags are read instead.
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

/// Reads the keys of all dynamic sets that these definitions of partitions refer to.
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
