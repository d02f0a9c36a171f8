//! The signs of life of daemons, which daemons an instance needs, and how they stand.

use instance_core::clock::timestamp_of;
use instance_core::daemon::{DaemonHeartbeat, DaemonStatus, DaemonStatusQuery, DaemonType};
use instance_core::error::InstanceError;
use instance_core::ops::StorageOps;
use instance_core::settings::{InstanceType, SchedulerSettings};
use instance_core::storage::Only;

/// Stores the sign of life of a daemon, in the place of the last one of its kind.
///
/// # Errors
///
/// [`InstanceError::Storage`] if its time is in no calendar, or if the storage fails. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn add_daemon_heartbeat(
    ops: &dyn StorageOps,
    heartbeat: &DaemonHeartbeat,
) -> Result<(), InstanceError> {
    Ok(ops.stores().run_storage.add_daemon_heartbeat(heartbeat).await?)
}

/// Returns the last sign of life of each kind of daemon, in the order of their first.
///
/// The list is empty if no daemon has left one.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a stored sign cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_daemon_heartbeats(
    ops: &dyn StorageOps,
) -> Result<Vec<DaemonHeartbeat>, InstanceError> {
    Ok(ops.stores().run_storage.get_daemon_heartbeats().await?)
}

/// Deletes the signs of life of all daemons.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn wipe_daemon_heartbeats(ops: &dyn StorageOps) -> Result<(), InstanceError> {
    Ok(ops.stores().run_storage.wipe_daemon_heartbeats().await?)
}

/// Returns the kinds of daemons that have to run for what is configured, in Dagster's order. An instance in memory
/// needs none.
///
/// A scheduler of a class of somebody else's is taken to need no daemon.
///
/// # Errors
///
/// [`InstanceError::Config`] if the configuration of the coordinator is wrong, or if the coordinator is of a class that
/// this version does not have: only that class knows whether there is a queue.
pub fn get_required_daemon_types(ops: &dyn StorageOps) -> Result<Vec<DaemonType>, InstanceError> {
    let settings = ops.settings();
    if settings.instance_type == InstanceType::Ephemeral {
        return Ok(Vec::new());
    }
    let has_queue = settings.run_coordinator.queue()?.is_some();
    let has_scheduler = matches!(settings.scheduler, SchedulerSettings::DagsterDaemon(_));
    let automation = &settings.auto_materialize;
    let needed = [
        (DaemonType::SENSOR, true),
        (DaemonType::BACKFILL, true),
        (DaemonType::SCHEDULER, has_scheduler),
        (DaemonType::QUEUED_RUN_COORDINATOR, has_queue),
        (DaemonType::MONITORING, settings.run_monitoring.enabled),
        (DaemonType::EVENT_LOG_CONSUMER, settings.run_retries.enabled),
        (DaemonType::ASSET, automation.enabled || automation.use_sensors),
        (DaemonType::FRESHNESS_DAEMON, settings.freshness_enabled),
    ];
    let needed = needed.into_iter().filter(|(_, is_needed)| *is_needed);
    Ok(needed.map(|(daemon_type, _)| DaemonType::from(daemon_type)).collect())
}

/// Returns how daemons stand: whether the instance needs each, and whether its last sign of life is recent enough.
///
/// A daemon is healthy until an interval and the tolerance have passed since its last sign. The order is that of the
/// query, or else that of [`get_required_daemon_types`]. A kind that the query names twice is there twice.
///
/// # Errors
///
/// Those of [`get_required_daemon_types`] and [`get_daemon_heartbeats`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_daemon_statuses(
    ops: &dyn StorageOps,
    query: &DaemonStatusQuery,
) -> Result<Vec<DaemonStatus>, InstanceError> {
    let required = get_required_daemon_types(ops)?;
    let heartbeats = get_daemon_heartbeats(ops).await?;
    let now = timestamp_of(ops.clock().now());
    let status = |daemon_type: &DaemonType| {
        let daemon_type = daemon_type.clone();
        if !required.contains(&daemon_type) {
            return DaemonStatus::not_required(daemon_type);
        }
        let last = heartbeats.iter().find(|heartbeat| heartbeat.daemon_type == daemon_type);
        let is_healthy = last.is_some_and(|heartbeat| {
            let tolerated = heartbeat.timestamp.as_f64()
                + query.heartbeat_interval_seconds
                + query.heartbeat_tolerance_seconds;
            now <= tolerated && (query.ignore_errors || heartbeat.errors().is_empty())
        });
        DaemonStatus::required(daemon_type, is_healthy, last.cloned())
    };
    Ok(match &query.daemon_types {
        Only::Any => required.iter().map(status).collect(),
        Only::These(daemon_types) => daemon_types.iter().map(status).collect(),
    })
}

/// Returns whether daemons leave a sign of life only if they have errors to tell. In Dagster's open source they always
/// leave one.
pub fn daemon_skip_heartbeats_without_errors(ops: &dyn StorageOps) -> bool {
    // Nothing configures it; products that are made of Dagster override it.
    let _ = ops;
    false
}
