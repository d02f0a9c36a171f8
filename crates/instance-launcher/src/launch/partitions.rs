//! The partition of a run: whether there is such a key, and which tags and which configuration it means.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::code_location::CodeLocationError;
use instance_core::error::InstanceError;
use instance_core::ops::LauncherOps;
use instance_core::partitions::{
    DynamicPartitionKeys, MultiPartitionsSnap, PartitionKeyRange, PartitionsSnap,
};
use instance_core::run::RemoteJobOrigin;
use instance_core::serdes::{Opaque, UnknownFields};
use instance_core::tags;

use super::code::Code;
use super::prepare::of;
use super::request::LaunchPartition;

/// What stands between the parts of a key of several dimensions.
const DELIMITER: &str = "|";

/// What a partition adds to a run.
#[derive(Debug, Default)]
pub(super) struct OfPartition {
    pub(super) tags: BTreeMap<String, String>,
    /// `None` where the partition means no configuration.
    pub(super) run_config: Option<Opaque>,
}

/// The partition of a job, as its code defines it.
pub(super) async fn of_job(
    ops: &dyn LauncherOps,
    location: &dyn Code,
    job: &RemoteJobOrigin,
    key: &str,
) -> Result<OfPartition, InstanceError> {
    let told = of("tell the partition");
    // The code tells tags and a configuration for any key, so its keys are asked for first.
    let key = match location.partition_names(job).await {
        Ok(known) => known_key(location, job, key, &known).map_err(&told)?,
        Err(error @ CodeLocationError::UserCode(_)) => {
            // It cannot tell keys that are added at run time: they are in the instance.
            let repository = &job.repository_origin.repository_name;
            let text = location.repository(repository).await.map_err(&told)?;
            let definition = text.partitions_of_job(&job.job_name).map_err(|error| {
                told(location.protocol("StreamingExternalRepository", error.to_string()))
            })?;
            match definition {
                Some(definition) if !definition.dynamic_sets().is_empty() => {
                    let partition = LaunchPartition::Key(key.to_owned());
                    let of_it = of_assets(ops, &[definition], &partition).await?;
                    of_it.tags.get(tags::PARTITION).cloned().unwrap_or_default()
                }
                _ => return Err(told(error)),
            }
        }
        Err(error) => return Err(told(error)),
    };
    let (tags, run_config) = location.partition(job, &key).await.map_err(&told)?;
    Ok(OfPartition { tags, run_config: Some(run_config) })
}

/// A key as the code has it, whichever way it was written.
fn known_key(
    location: &dyn Code,
    job: &RemoteJobOrigin,
    key: &str,
    known: &[String],
) -> Result<String, CodeLocationError> {
    let by_dimensions = dimensions(key).map(|parts| joined(&parts));
    let mut written = [Some(key.to_owned()), by_dimensions].into_iter().flatten();
    written.find(|key| known.contains(key)).ok_or_else(|| {
        let place = format!("the job {:?} of {}", job.job_name, location.place());
        CodeLocationError::not_served("partition", key, place, known.iter().cloned())
    })
}

/// The partition of assets, by their definitions. Assets without partitions have none to contradict.
pub(super) async fn of_assets(
    ops: &dyn LauncherOps,
    definitions: &[PartitionsSnap],
    partition: &LaunchPartition,
) -> Result<OfPartition, InstanceError> {
    let Some(first) = definitions.first() else {
        let reason =
            "none of the selected assets and checks has partitions; leave the partition out";
        return Err(InstanceError::invalid("partition", shown(partition), reason));
    };
    let mut dynamic = DynamicPartitionKeys::new();
    for set in definitions.iter().flat_map(PartitionsSnap::dynamic_sets) {
        if !dynamic.contains_key(set) {
            let keys = ops.dynamic_partition_store().get_dynamic_partitions(set).await?;
            dynamic.insert(set.to_owned(), keys);
        }
    }
    let mut tags = BTreeMap::new();
    match partition {
        LaunchPartition::Key(key) => {
            let key = key_of(first, key);
            for definition in definitions {
                let asked = BTreeSet::from([key.clone()]);
                if definition.existing_keys(&asked, &dynamic, ops.clock().now())?.is_empty() {
                    return Err(InstanceError::invalid("partition", key, missing(definition)));
                }
            }
            if let PartitionsSnap::Multi(multi) = first {
                for (name, part) in names(multi).into_iter().zip(key.split(DELIMITER)) {
                    let tag = format!("{}{name}", tags::MULTIDIMENSIONAL_PARTITION_PREFIX);
                    tags.insert(tag, part.to_owned());
                }
            }
            tags.insert(tags::PARTITION.to_owned(), key);
        }
        LaunchPartition::Range(start, end) => {
            let (start, end) = (key_of(first, start), key_of(first, end));
            for definition in definitions {
                let range = PartitionKeyRange {
                    end: end.clone(),
                    start: start.clone(),
                    unknown: UnknownFields::default(),
                };
                let keys: BTreeSet<_> =
                    definition.keys_in_range(&range, &dynamic)?.into_iter().collect();
                if keys.is_empty() {
                    let reason = "it has no keys; write the first key before the last one";
                    return Err(InstanceError::invalid(
                        "range of partitions",
                        shown(partition),
                        reason,
                    ));
                }
                let there = definition.existing_keys(&keys, &dynamic, ops.clock().now())?;
                if let Some(key) = keys.difference(&there).next() {
                    return Err(InstanceError::invalid("partition", key, missing(definition)));
                }
            }
            tags.insert(tags::ASSET_PARTITION_RANGE_START.to_owned(), start);
            tags.insert(tags::ASSET_PARTITION_RANGE_END.to_owned(), end);
        }
    }
    Ok(OfPartition { tags, run_config: None })
}

/// Why a definition does not have a key, and which keys it has.
fn missing(definition: &PartitionsSnap) -> String {
    match definition {
        PartitionsSnap::Static(snap) => {
            let some: Vec<_> = snap.partition_keys.iter().take(10).map(String::as_str).collect();
            let more = if snap.partition_keys.len() > some.len() { ", .." } else { "" };
            format!("there is no such one; there are {}{more}", some.join(", "))
        }
        PartitionsSnap::Dynamic(snap) => format!(
            "there is no such one; `dagster-instance partitions list {0}` tells the keys of {0}, and `partitions add` \
             adds one",
            snap.name
        ),
        PartitionsSnap::TimeWindow(snap) => format!(
            "there is no such one now; keys are written as {}, and a window is a partition when it has ended",
            snap.fmt
        ),
        PartitionsSnap::Multi(snap) => format!(
            "there is no such one; write a part for each of the dimensions: {}",
            names(snap).into_iter().map(|name| format!("{name}=..")).collect::<Vec<_>>().join(",")
        ),
        _ => "its definition is of a kind that this version does not know".to_owned(),
    }
}

/// A key as it is stored. Only a key of several dimensions may be written in another way.
fn key_of(definition: &PartitionsSnap, key: &str) -> String {
    match (definition, dimensions(key)) {
        (PartitionsSnap::Multi(_), Some(parts)) => joined(&parts),
        _ => key.to_owned(),
    }
}

/// The names of the dimensions in the order in which a key has them.
fn names(multi: &MultiPartitionsSnap) -> Vec<&str> {
    let names: BTreeSet<_> =
        multi.partition_dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
    names.into_iter().collect()
}

/// The parts of a key that is written as `day=2026-11-02,size=x`; `None` if it is not.
fn dimensions(key: &str) -> Option<BTreeMap<&str, &str>> {
    key.split(',').map(|part| part.split_once('=')).collect()
}

fn joined(parts: &BTreeMap<&str, &str>) -> String {
    parts.values().copied().collect::<Vec<_>>().join(DELIMITER)
}

/// A partition as people write it.
pub(super) fn shown(partition: &LaunchPartition) -> String {
    match partition {
        LaunchPartition::Key(key) => key.clone(),
        LaunchPartition::Range(start, end) => format!("{start}..{end}"),
    }
}
