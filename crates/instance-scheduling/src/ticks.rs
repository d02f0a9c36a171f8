//! Ticks: the evaluations of schedules and sensors.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use instance_core::error::{InstanceError, StorageError};
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{
    InstigatorIds, InstigatorTick, InstigatorTickSummary, TickData, TickStatus,
};
use instance_core::storage::{Only, TicksQuery};

/// Stores a new tick; returns it with its id.
///
/// # Errors
///
/// [`InstanceError::Invalid`] for a tick that Dagster could not read; [`InstanceError::Storage`] if the storage fails,
/// or if no calendar has the time of the tick. Nothing is stored then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn create_tick(
    ops: &dyn SchedulingOps,
    tick_data: &TickData,
) -> Result<InstigatorTick, InstanceError> {
    require_readable(tick_data)?;
    Ok(ops.tick_store().create_tick(tick_data).await?)
}

/// Replaces a stored tick.
///
/// A tick of an old version, which has no selector, may get one.
///
/// # Errors
///
/// [`InstanceError::Storage`] if no tick of this id is stored, if no calendar has the time of the tick, or if the
/// storage fails; [`InstanceError::Invalid`] if the stored tick is of another schedule or sensor, or if Dagster could
/// not read the tick. Nothing is changed then.
#[tracing::instrument(level = "debug", skip_all, fields(tick_id = tick.tick_id))]
pub async fn update_tick(
    ops: &dyn SchedulingOps,
    tick: &InstigatorTick,
) -> Result<(), InstanceError> {
    require_readable(&tick.tick_data)?;
    let Some(stored) = ops.tick_store().get_tick(tick.tick_id).await? else {
        let id = tick.tick_id.to_string();
        return Err(StorageError::NotFound { what: "tick", id }.into());
    };
    if !are_of_one(&stored.tick_data, &tick.tick_data) {
        return Err(InstanceError::invalid(
            "tick",
            tick.tick_id.to_string(),
            format!(
                "the stored one is of {:?} with the origin id {}; give the id of a tick of {:?}",
                stored.tick_data.instigator_name,
                stored.tick_data.instigator_origin_id,
                tick.tick_data.instigator_name
            ),
        ));
    }
    Ok(ops.tick_store().update_tick(tick).await?)
}

/// Whether two ticks are of one schedule or sensor: by its selector, or by its origin where one tick has no selector.
fn are_of_one(stored: &TickData, new: &TickData) -> bool {
    match (selector_of(stored), selector_of(new)) {
        (Some(stored), Some(new)) => stored == new,
        _ => stored.instigator_origin_id == new.instigator_origin_id,
    }
}

fn selector_of(tick: &TickData) -> Option<&str> {
    tick.selector_id.as_deref().filter(|id| !id.is_empty())
}

/// Returns the newest tick of a schedule or sensor that began within a second of a time; `None` if there is none.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the tick cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(selector_id = %ids.selector_id))]
pub async fn get_tick(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    at: DateTime<Utc>,
) -> Result<Option<InstigatorTick>, InstanceError> {
    let second = TimeDelta::seconds(1);
    let query = TicksQuery::new(&ids.origin_id, &ids.selector_id)
        .with_before(at.checked_add_signed(second))
        .with_after(at.checked_sub_signed(second))
        .with_limit(1);
    Ok(ops.tick_store().get_ticks(&query).await?.pop())
}

/// Returns the ticks of these ids, in any order; those that are not stored are left out.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a tick cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_ticks_by_ids(
    ops: &dyn SchedulingOps,
    tick_ids: &[i64],
) -> Result<Vec<InstigatorTick>, InstanceError> {
    Ok(ops.tick_store().get_ticks_by_ids(tick_ids).await?)
}

/// Returns the ticks of a schedule or sensor that a query asks for, newest first; none if it has none.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a tick cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(selector_id = %query.selector_id))]
pub async fn get_ticks(
    ops: &dyn SchedulingOps,
    query: &TicksQuery,
) -> Result<Vec<InstigatorTick>, InstanceError> {
    Ok(ops.tick_store().get_ticks(query).await?)
}

/// Returns what can be said of ticks without reading their bodies: id, origin, type, status and time, newest first.
///
/// The query is that of [`get_ticks`].
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a row cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(selector_id = %query.selector_id))]
pub async fn get_tick_summaries(
    ops: &dyn SchedulingOps,
    query: &TicksQuery,
) -> Result<Vec<InstigatorTickSummary>, InstanceError> {
    Ok(ops.tick_store().get_tick_summaries(query).await?)
}

/// Returns the newest ticks of each of several schedules and sensors, by their selector ids: at most `limit` of each,
/// newest first. `None` means all.
///
/// What has no such tick is left out. Ticks of old versions, which have no selector, are left out, too.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a tick cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_batch_ticks(
    ops: &dyn SchedulingOps,
    selector_ids: &[String],
    limit: Option<u64>,
    statuses: &Only<TickStatus>,
) -> Result<Vec<(String, Vec<InstigatorTick>)>, InstanceError> {
    Ok(ops.tick_store().get_batch_ticks(selector_ids, limit, statuses).await?)
}

/// Deletes the ticks of a schedule or sensor that have one of these statuses and began before a time. Returns how many
/// were deleted.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails; nothing is deleted then.
#[tracing::instrument(level = "debug", skip_all, fields(selector_id = %ids.selector_id))]
pub async fn purge_ticks(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    before: DateTime<Utc>,
    statuses: &Only<TickStatus>,
) -> Result<u64, InstanceError> {
    let store = ops.tick_store();
    Ok(store.purge_ticks(&ids.origin_id, &ids.selector_id, before, statuses).await?)
}

/// Returns whether [`get_batch_ticks`] finds all ticks. It does not in a database where the ticks of releases before 1.0
/// do not yet name what they belong to.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn supports_batch_tick_queries(ops: &dyn SchedulingOps) -> Result<bool, InstanceError> {
    Ok(ops.tick_store().supports_batch_queries().await?)
}

/// Returns how often whoever evaluates a tick should ask whether somebody has ended it. `None` means never, as nobody
/// can end a tick.
// facade: method
pub const fn get_tick_termination_check_interval() -> Option<Duration> {
    None
}

fn require_readable(tick: &TickData) -> Result<(), InstanceError> {
    match tick.unreadable_because() {
        None => Ok(()),
        Some(reason) => {
            let value = format!("{} of {}", tick.status, tick.instigator_name);
            Err(InstanceError::invalid("tick", value, reason))
        }
    }
}
