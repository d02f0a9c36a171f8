//! The states of schedules and sensors.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{InstigatorIds, InstigatorState};
use instance_core::storage::InstigatorFilter;

/// Returns the states of schedules and sensors that match a filter, oldest first.
///
/// A default [`InstigatorFilter`] matches all of them. It looks at statuses as they are stored. A schedule or sensor
/// that was never started, stopped or evaluated may have no state and is left out. The list is empty if none matches.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a state cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn all_instigator_state(
    ops: &dyn SchedulingOps,
    filter: &InstigatorFilter,
) -> Result<Vec<InstigatorState>, InstanceError> {
    stored_states(ops, filter).await
}

/// What [`all_instigator_state`] returns, for functions that have a span of their own.
pub(crate) async fn stored_states(
    ops: &dyn SchedulingOps,
    filter: &InstigatorFilter,
) -> Result<Vec<InstigatorState>, InstanceError> {
    let states = ops.instigator_store().all_instigator_state(filter).await?;
    Ok(states.into_iter().map(of_today).collect())
}

/// Returns the state of the schedule or sensor with a selector id; `None` if it has none.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the state cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(%selector_id))]
pub async fn get_instigator_state(
    ops: &dyn SchedulingOps,
    selector_id: &str,
) -> Result<Option<InstigatorState>, InstanceError> {
    stored_state(ops, selector_id).await
}

/// What [`get_instigator_state`] returns, for functions that have a span of their own.
pub(crate) async fn stored_state(
    ops: &dyn SchedulingOps,
    selector_id: &str,
) -> Result<Option<InstigatorState>, InstanceError> {
    let state = ops.instigator_store().get_instigator_state(selector_id).await?;
    Ok(state.map(of_today))
}

/// The status of an old version means another one today.
fn of_today(mut state: InstigatorState) -> InstigatorState {
    state.status = state.status.of_today();
    state
}

/// Stores the state of a schedule or sensor that has none, under both of its ids, in one transaction.
///
/// If another origin has left a state under the same selector, this one takes its place.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the origin has a state, or if the storage fails; [`InstanceError::Invalid`] for a
/// state that Dagster could not read. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn add_instigator_state(
    ops: &dyn SchedulingOps,
    state: &InstigatorState,
) -> Result<(), InstanceError> {
    require_readable(state)?;
    Ok(ops.instigator_store().add_instigator_state(state, ops.clock().now()).await?)
}

/// Replaces the state of a schedule or sensor, under both of its ids, in one transaction.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the selector has no state, or if the storage fails; [`InstanceError::Invalid`] for a
/// state that Dagster could not read. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn update_instigator_state(
    ops: &dyn SchedulingOps,
    state: &InstigatorState,
) -> Result<(), InstanceError> {
    require_readable(state)?;
    Ok(ops.instigator_store().update_instigator_state(state, ops.clock().now()).await?)
}

/// Deletes the state of a schedule or sensor, in one transaction.
///
/// What is stored under the selector stays while another origin has a state with the same selector. Ticks stay.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the selector has no state, or if the storage fails. Nothing is deleted then.
#[tracing::instrument(level = "debug", skip_all, fields(selector_id = %ids.selector_id))]
pub async fn delete_instigator_state(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
) -> Result<(), InstanceError> {
    let store = ops.instigator_store();
    Ok(store.delete_instigator_state(&ids.origin_id, &ids.selector_id).await?)
}

fn require_readable(state: &InstigatorState) -> Result<(), InstanceError> {
    match state.unreadable_because() {
        None => Ok(()),
        Some(reason) => Err(InstanceError::invalid("state of an instigator", state.name(), reason)),
    }
}
