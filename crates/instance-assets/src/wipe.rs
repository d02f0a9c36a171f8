//! Wiping assets and partitions of them.

use instance_core::asset_key::AssetKey;
use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::event::{AssetWipedData, DagsterEvent, DagsterEventType, ReportEvent};
use instance_core::ops::{AssetOps, EventReporterExt};
use instance_core::serdes::UnknownFields;
use instance_core::storage::WipedAssetPartitions;

/// How many events are reported together.
const EVENTS_AT_ONCE: usize = 1_000;

/// Wipes assets: what is known of them is forgotten, with their cached status and the executions of their checks. Their
/// events stay in the logs of their runs. The next event about an asset makes it known again, as if it were new.
///
/// All of them are wiped, or none. Then an event without a run says of each that it was wiped, as often as it is in the
/// list. An asset that is not known is no error: as in Dagster, its checks are wiped, and there is an event. An empty
/// list changes nothing.
///
/// # Errors
///
/// [`InstanceError::Storage`] if nothing was wiped, or if everything was and an event about it could not be stored.
/// To wipe again does no harm.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn wipe_assets(ops: &dyn AssetOps, asset_keys: &[AssetKey]) -> Result<(), InstanceError> {
    ops.asset_store().wipe_assets(asset_keys, ops.clock().now()).await?;
    for keys in asset_keys.chunks(EVENTS_AT_ONCE) {
        let now = timestamp_of(ops.clock().now());
        let entries = keys.iter().map(|key| wiped(key.clone(), None).into_new_event(now).entry);
        ops.handle_new_events(entries.collect()).await?;
    }
    Ok(())
}

/// Wipes partitions of an asset: whatever names them is repaired. Returns what was wiped.
///
/// Their events stay in the logs of their runs, but nothing that asks for the asset finds them: they are no longer
/// about it. The tags of these events are deleted, and so are the executions of checks of these partitions. The record
/// of the asset names the last of the materialisations and runs that are left. Its cached status is deleted, and made
/// anew from what is left when somebody asks for it. The asset stays known.
///
/// All of them are wiped in one transaction. Then an event without a run says that they were wiped. Partitions of which
/// nothing is known, and an unknown asset, are no error: if there is nothing to wipe, nothing is changed, there is no
/// event, and the result [is nothing](WipedAssetPartitions::is_nothing).
///
/// Dagster has this method, but its open source can wipe nothing less than an asset.
///
/// # Errors
///
/// [`InstanceError::Storage`] if nothing was wiped, or if everything was and the event about it could not be stored.
/// Where the log of each run is a file of its own, some of these may have been changed before; the same call again
/// completes it.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn wipe_asset_partitions(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
    partition_keys: &[String],
) -> Result<WipedAssetPartitions, InstanceError> {
    let result =
        ops.asset_partition_store().wipe_asset_partitions(asset_key, partition_keys).await?;
    if !result.is_nothing() {
        let event = wiped(asset_key.clone(), Some(partition_keys.to_vec()));
        ops.report_dagster_event(event).await?;
    }
    Ok(result)
}

/// The event that says what was wiped.
fn wiped(asset_key: AssetKey, partition_keys: Option<Vec<String>>) -> ReportEvent {
    let data = AssetWipedData { asset_key, partition_keys, unknown: UnknownFields::default() };
    // The event belongs to no job. Dagster writes that as an empty name.
    ReportEvent::runless(DagsterEvent::new(DagsterEventType::AssetWiped, "").with_data(data))
}
