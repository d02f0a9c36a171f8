//! The last materialisations of assets, and what they say.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::error::InstanceError;
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, EventLogRecord};
use instance_core::ids::StorageId;
use instance_core::ops::AssetOps;
use instance_core::storage::{AssetRecordsFilter, Only, PlannedMaterializationInfo, RecordsPage};
use instance_core::tags;

use crate::events::fetch;

/// Returns the event of the last materialisation of an asset, of whichever partition. `None` if the asset was not
/// materialised since it was last wiped, or is not known.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the record of the asset cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn get_latest_materialization_event(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
) -> Result<Option<EventLogEntry>, InstanceError> {
    let asset_keys = std::slice::from_ref(asset_key);
    let found = ops.asset_store().get_latest_materialization_records(asset_keys).await?;
    Ok(found.into_iter().next().map(|(_, record)| record.event_log_entry))
}

/// Returns the event of the last materialisation of each of these assets; see [`get_latest_materialization_event`].
/// The map has each key that is asked for. Any number of assets may be asked for at once.
///
/// # Errors
///
/// Those of [`get_latest_materialization_event`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_latest_materialization_events(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
) -> Result<BTreeMap<AssetKey, Option<EventLogEntry>>, InstanceError> {
    latest(ops, asset_keys, Some).await
}

/// Returns the version of the code that made each of these assets at last. Dagster writes it into a tag of the
/// materialisation; where code has no version, that is the id of the run.
///
/// The map has each key that is asked for. The version is `None` if the asset was not materialised since it was last
/// wiped, is not known, or has a materialisation without the tag.
///
/// # Errors
///
/// Those of [`get_latest_materialization_event`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_latest_materialization_code_versions(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
) -> Result<BTreeMap<AssetKey, Option<String>>, InstanceError> {
    let version = |entry: EventLogEntry| {
        let tags = entry.dagster_event.as_deref().and_then(DagsterEvent::asset_event_tags);
        tags.and_then(|tags| tags.get(tags::CODE_VERSION)).cloned()
    };
    latest(ops, asset_keys, version).await
}

/// What the last materialisation of each of the assets says.
async fn latest<T>(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
    of: impl Fn(EventLogEntry) -> Option<T> + Send,
) -> Result<BTreeMap<AssetKey, Option<T>>, InstanceError> {
    let found = ops.asset_store().get_latest_materialization_records(asset_keys).await?;
    let mut latest: BTreeMap<_, _> = asset_keys.iter().map(|key| (key.clone(), None)).collect();
    for (asset_key, record) in found {
        latest.insert(asset_key, of(record.event_log_entry));
    }
    Ok(latest)
}

/// Which event has the last data version of an asset.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DataVersionQuery {
    /// The asset.
    pub asset_key: AssetKey,
    /// Whether the asset is a source, which is observed and never materialised. `None` means that nobody knows: a
    /// materialisation counts, and an observation if there is none.
    pub is_source: Option<bool>,
    /// Of this partition; `None` means any, and the whole asset.
    pub partition_key: Option<String>,
    /// With a smaller id.
    pub before_cursor: Option<StorageId>,
    /// With a greater id.
    pub after_cursor: Option<StorageId>,
}

impl DataVersionQuery {
    /// The last event of an asset of which nobody knows whether it is a source.
    pub const fn new(asset_key: AssetKey) -> Self {
        Self {
            asset_key,
            is_source: None,
            partition_key: None,
            before_cursor: None,
            after_cursor: None,
        }
    }
}

instance_core::setters! {
    impl DataVersionQuery {
        /// Whether the asset is a source; `None` means that nobody knows.
        with_is_source(is_source: impl Into<Option<bool>>);
        /// Of this partition; `None` means any, and the whole asset.
        with_partition_key(partition_key: impl Into<Option<String>>);
        /// With a smaller id.
        with_before_cursor(before_cursor: impl Into<Option<StorageId>>);
        /// With a greater id.
        with_after_cursor(after_cursor: impl Into<Option<StorageId>>);
    }
}

/// Returns the event that has the last data version of an asset: its last materialisation, or for a source its last
/// observation. `None` if there is no such event since the asset was last wiped.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(asset_key = %query.asset_key))]
pub async fn get_latest_data_version_record(
    ops: &dyn AssetOps,
    query: &DataVersionQuery,
) -> Result<Option<EventLogRecord>, InstanceError> {
    // An empty partition is none, as for Dagster.
    let partition = query.partition_key.as_deref().filter(|partition| !partition.is_empty());
    let filter = AssetRecordsFilter::new(query.asset_key.clone())
        .with_asset_partitions(partition.map_or(Only::Any, Only::one))
        .with_before_storage_id(query.before_cursor)
        .with_after_storage_id(query.after_cursor);
    let types: &[DagsterEventType] = match query.is_source {
        Some(true) => &[DagsterEventType::AssetObservation],
        Some(false) => &[DagsterEventType::AssetMaterialization],
        None => &[DagsterEventType::AssetMaterialization, DagsterEventType::AssetObservation],
    };
    let page = RecordsPage::new().with_limit(1);
    for event_type in types {
        let found = fetch(ops, *event_type, &filter, page).await?;
        if let Some(record) = found.records.into_iter().next() {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// Returns the last planned materialisation of an asset, or of one of its partitions. `None` if there is none since
/// the asset was last wiped.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn get_latest_planned_materialization_info(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
    partition: Option<&str>,
) -> Result<Option<PlannedMaterializationInfo>, InstanceError> {
    let store = ops.asset_partition_store();
    Ok(store.get_latest_planned_materialization_info(asset_key, partition).await?)
}
