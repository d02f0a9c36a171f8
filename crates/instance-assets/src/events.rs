//! Pages of the events about an asset, and their tags.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::error::InstanceError;
use instance_core::event::{DagsterEventType, EventLogConnection};
use instance_core::ids::StorageId;
use instance_core::ops::AssetOps;
use instance_core::storage::{AssetRecordsFilter, RecordsPage};

/// Returns a page of the materialisations of an asset since it was last wiped.
///
/// A default [`RecordsPage`] means all of them, newest first. The cursor of a page is where the next one begins. The
/// page is empty if no event matches or the asset is not known.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(asset_key = %filter.asset_key))]
pub async fn fetch_materializations(
    ops: &dyn AssetOps,
    filter: &AssetRecordsFilter,
    page: RecordsPage,
) -> Result<EventLogConnection, InstanceError> {
    fetch(ops, DagsterEventType::AssetMaterialization, filter, page).await
}

/// Returns a page of the observations of an asset since it was last wiped. Pages are those of
/// [`fetch_materializations`].
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(asset_key = %filter.asset_key))]
pub async fn fetch_observations(
    ops: &dyn AssetOps,
    filter: &AssetRecordsFilter,
    page: RecordsPage,
) -> Result<EventLogConnection, InstanceError> {
    fetch(ops, DagsterEventType::AssetObservation, filter, page).await
}

/// Returns a page of the planned materialisations of an asset since it was last wiped. Pages are those of
/// [`fetch_materializations`].
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(asset_key = %filter.asset_key))]
pub async fn fetch_planned_materializations(
    ops: &dyn AssetOps,
    filter: &AssetRecordsFilter,
    page: RecordsPage,
) -> Result<EventLogConnection, InstanceError> {
    fetch(ops, DagsterEventType::AssetMaterializationPlanned, filter, page).await
}

/// Returns a page of the events by which runs said that they did not materialise an asset. Pages are those of
/// [`fetch_materializations`].
///
/// Neither open-source Dagster nor this instance stores such events, so the page is empty unless something else has
/// stored them; see [`can_read_asset_failure_events`](crate::can_read_asset_failure_events).
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(asset_key = %filter.asset_key))]
pub async fn fetch_failed_materializations(
    ops: &dyn AssetOps,
    filter: &AssetRecordsFilter,
    page: RecordsPage,
) -> Result<EventLogConnection, InstanceError> {
    fetch(ops, DagsterEventType::AssetFailedToMaterialize, filter, page).await
}

/// A page of the events of a type about an asset.
pub(crate) async fn fetch(
    ops: &dyn AssetOps,
    event_type: DagsterEventType,
    filter: &AssetRecordsFilter,
    page: RecordsPage,
) -> Result<EventLogConnection, InstanceError> {
    let filter = filter.as_event_filter(event_type);
    Ok(ops.event_store().fetch_asset_events(&filter, page).await?)
}

/// Returns the indexed tags of the events about an asset since it was last wiped: one map for each event that has any.
///
/// Of the tags, the data version and the dimensions of a partition are indexed. With `filter_tags`, only events count
/// that have all of these. With `filter_event_id`, only that event counts.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn get_event_tags_for_asset(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
    filter_tags: &BTreeMap<String, String>,
    filter_event_id: Option<StorageId>,
) -> Result<Vec<BTreeMap<String, String>>, InstanceError> {
    let store = ops.asset_partition_store();
    Ok(store.get_event_tags_for_asset(asset_key, filter_tags, filter_event_id).await?)
}
