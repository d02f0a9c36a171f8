//! Very many keys of dynamic partitions: read from a file, and added in batches.

use std::collections::HashSet;
use std::path::Path;

use instance_core::error::InstanceError;
use instance_core::ops::StorageOps;

use super::dynamic_partitions::{fault_of, require_possible, store};

/// How many keys one transaction adds.
const KEYS_PER_BATCH: usize = 5_000;

/// How far [`add_dynamic_partitions_in_batches`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynamicPartitionsProgress {
    /// How many of the keys are there now.
    pub done: u64,
    /// How many keys were given.
    pub total: u64,
    /// How many keys the call has added.
    pub added: u64,
}

/// What [`add_dynamic_partitions_in_batches`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddedDynamicPartitions {
    /// How many keys were added.
    pub added: u64,
    /// How many keys were there already, or were given twice.
    pub existing: u64,
}

/// Adds very many keys to a definition of dynamic partitions, in their order and in batches.
///
/// `progress` is called after each batch of 5,000 keys, which is one transaction. If the call is interrupted or fails
/// in between, the batches before are stored: call it again with the same keys, and it goes on where it was, as keys
/// that are there are left alone.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if a key is one that [`add_dynamic_partitions`](crate::add_dynamic_partitions) refuses;
/// nothing is added then. [`InstanceError::Storage`] if the storage fails; the batches before are stored then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn add_dynamic_partitions_in_batches(
    ops: &dyn StorageOps,
    partitions_def_name: &str,
    partition_keys: &[String],
    progress: &mut (dyn FnMut(DynamicPartitionsProgress) + Send),
) -> Result<AddedDynamicPartitions, InstanceError> {
    require_possible(partitions_def_name, partition_keys)?;
    let total = partition_keys.len() as u64;
    let (mut done, mut added) = (0, 0);
    for batch in partition_keys.chunks(KEYS_PER_BATCH) {
        let existing =
            store(ops).get_existing_dynamic_partitions(partitions_def_name, batch).await?;
        let (mut seen, mut new) = (HashSet::new(), Vec::new());
        for key in batch {
            if !existing.contains(key) && seen.insert(key) {
                new.push(key.clone());
            }
        }
        if !new.is_empty() {
            store(ops).add_dynamic_partitions(partitions_def_name, &new).await?;
        }
        done += batch.len() as u64;
        added += new.len() as u64;
        progress(DynamicPartitionsProgress { done, total, added });
    }
    Ok(AddedDynamicPartitions { added, existing: total - added })
}

/// Reads the keys of a file that has one key on each line.
///
/// Empty lines are left out, and a key that comes again counts once. The file is UTF-8 text; its lines may end as on
/// Windows. `partitions_def_name` is the definition that the keys are for.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if the file cannot be read, is not UTF-8, or has a key that
/// [`add_dynamic_partitions`](crate::add_dynamic_partitions) refuses. The error names the line.
pub async fn read_partition_keys(
    partitions_def_name: &str,
    file: &Path,
) -> Result<Vec<String>, InstanceError> {
    let place = || file.display().to_string();
    let bytes = tokio::fs::read(file).await.map_err(|error| {
        InstanceError::invalid(
            "file of partition keys",
            place(),
            format!("it cannot be read: {error}"),
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n');
        let reason = format!("line {} is not UTF-8; save the file as UTF-8", line.count());
        InstanceError::invalid("file of partition keys", place(), reason)
    })?;
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if line.is_empty() {
            continue;
        }
        if let Some(fault) = fault_of(partitions_def_name, line) {
            let reason = format!("line {} of {}: {}", number + 1, place(), fault.reason());
            return Err(InstanceError::invalid("partition key", line, reason));
        }
        if seen.insert(line) {
            keys.push(line.to_owned());
        }
    }
    Ok(keys)
}
