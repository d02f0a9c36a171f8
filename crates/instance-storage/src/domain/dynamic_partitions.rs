//! The keys of dynamic partitions, and the events of partitions.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::asset_key::AssetKey;
use instance_core::error::InstanceError;
use instance_core::event::DagsterEventType;
use instance_core::ids::{StorageId, partition_keys_id};
use instance_core::ops::StorageOps;
use instance_core::partitions::forbidden_in_key;
use instance_core::storage::{
    AssetPartitionStore, DynamicPartitionStore, DynamicPartitionsPage, Only, PaginatedResults,
};

/// How many bytes the name of a definition and a key of it may have together. A longer pair has no place in the
/// index of a Postgres database.
const MAX_BYTES: usize = 2_500;

/// Returns the keys of a definition of dynamic partitions, in the order in which they were added.
///
/// The list is empty if nobody has added a key under this name.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_dynamic_partitions(
    ops: &dyn StorageOps,
    partitions_def_name: &str,
) -> Result<Vec<String>, InstanceError> {
    Ok(store(ops).get_dynamic_partitions(partitions_def_name).await?)
}

/// Returns a page of the keys of a definition of dynamic partitions.
///
/// The page says how many keys come at most, behind which one they begin, and in which order. The cursor of the result
/// is where the next page begins. Where the page is empty, it is the cursor that was given, or -1.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_paginated_dynamic_partitions(
    ops: &dyn StorageOps,
    partitions_def_name: &str,
    page: &DynamicPartitionsPage,
) -> Result<PaginatedResults<String>, InstanceError> {
    Ok(store(ops).get_paginated_dynamic_partitions(partitions_def_name, page).await?)
}

/// Returns whether a definition of dynamic partitions has a key.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn has_dynamic_partition(
    ops: &dyn StorageOps,
    partitions_def_name: &str,
    partition_key: &str,
) -> Result<bool, InstanceError> {
    Ok(store(ops).has_dynamic_partition(partitions_def_name, partition_key).await?)
}

/// Returns those of the keys that a definition of dynamic partitions has.
///
/// The set is empty for a name under which nobody has added a key.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_existing_dynamic_partitions(
    ops: &dyn StorageOps,
    partitions_def_name: &str,
    partition_keys: &[String],
) -> Result<BTreeSet<String>, InstanceError> {
    Ok(store(ops).get_existing_dynamic_partitions(partitions_def_name, partition_keys).await?)
}

/// Adds keys to a definition of dynamic partitions, in their order, all of them or none.
///
/// A key that the definition has stays where it is. A definition exists from its first key. The call is one
/// transaction; for very many keys there is [`add_dynamic_partitions_in_batches`](crate::add_dynamic_partitions_in_batches).
///
/// # Errors
///
/// [`InstanceError::Invalid`] if the name or a key is empty, if both together have more than 2,500 bytes, or if a key has
/// `...` or a control character in it, as no range of partitions could be read then; [`InstanceError::Storage`] if the
/// storage fails. Nothing is added then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn add_dynamic_partitions(
    ops: &dyn StorageOps,
    partitions_def_name: &str,
    partition_keys: &[String],
) -> Result<(), InstanceError> {
    require_possible(partitions_def_name, partition_keys)?;
    Ok(store(ops).add_dynamic_partitions(partitions_def_name, partition_keys).await?)
}

/// Takes a key out of a definition of dynamic partitions.
///
/// A key that the definition does not have is no error. What is stored of the partition stays: its runs, its events and
/// what was made.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn delete_dynamic_partition(
    ops: &dyn StorageOps,
    partitions_def_name: &str,
    partition_key: &str,
) -> Result<(), InstanceError> {
    Ok(store(ops).delete_dynamic_partition(partitions_def_name, partition_key).await?)
}

/// Returns an id of the keys that a definition of dynamic partitions has now, as Dagster computes it.
///
/// Whoever keeps something that follows from the keys sees by the id that the keys are others, or come in another order.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_dynamic_partitions_definition_id(
    ops: &dyn StorageOps,
    partitions_def_name: &str,
) -> Result<String, InstanceError> {
    Ok(partition_keys_id(&store(ops).get_dynamic_partitions(partitions_def_name).await?))
}

/// Returns, for each partition of an asset, the row of its last event of a type.
///
/// Only these partitions count, and only events behind the cursor. Events from before the asset was last wiped do not
/// count. A partition without such an event is left out.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_latest_storage_id_by_partition(
    ops: &dyn StorageOps,
    asset_key: &AssetKey,
    event_type: DagsterEventType,
    partitions: &Only<String>,
    after_cursor: Option<StorageId>,
) -> Result<BTreeMap<String, StorageId>, InstanceError> {
    let store: &dyn AssetPartitionStore = &*ops.stores().event_log_storage;
    Ok(store
        .get_latest_storage_id_by_partition(asset_key, event_type, partitions, after_cursor)
        .await?)
}

pub(super) fn store(ops: &dyn StorageOps) -> &dyn DynamicPartitionStore {
    &*ops.stores().event_log_storage
}

/// Refuses keys that are not to be added.
pub(super) fn require_possible(name: &str, keys: &[String]) -> Result<(), InstanceError> {
    if name.is_empty() {
        return Err(InstanceError::invalid(
            "name of dynamic partitions",
            name,
            "it is empty; give the name of the definition",
        ));
    }
    match keys.iter().find_map(|key| Some((key, fault_of(name, key)?))) {
        Some((key, fault)) => Err(InstanceError::invalid("partition key", key, fault.reason())),
        None => Ok(()),
    }
}

/// Why a key is not to be added.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Empty,
    TooLong { bytes: usize },
    Forbidden { text: &'static str },
}

impl Fault {
    /// What is wrong, and what is right.
    pub(super) fn reason(self) -> String {
        match self {
            Self::Empty => "it is empty; no run can be of such a partition".to_owned(),
            Self::TooLong { bytes } => format!(
                "it has {bytes} bytes with the name of its definition; both may have {MAX_BYTES}"
            ),
            Self::Forbidden { text } => {
                format!("it has {text:?} in it, which partition keys cannot have; leave it out")
            }
        }
    }
}

pub(super) fn fault_of(name: &str, key: &str) -> Option<Fault> {
    let bytes = name.len().saturating_add(key.len());
    if key.is_empty() {
        return Some(Fault::Empty);
    }
    if let Some(text) = forbidden_in_key(key) {
        return Some(Fault::Forbidden { text });
    }
    (bytes > MAX_BYTES).then_some(Fault::TooLong { bytes })
}
