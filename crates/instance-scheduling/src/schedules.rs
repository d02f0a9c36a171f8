//! Starting, stopping and resetting schedules.
//!
//! Dagster's daemon looks at the states that these functions store.

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{
    InstigatorData, InstigatorIds, InstigatorState, InstigatorStatus, InstigatorType,
    RemoteSchedule, ScheduleInstigatorData,
};

use crate::switch::{added, required_state, state_of_type, updated};

const TYPE: InstigatorType = InstigatorType::Schedule;

/// Has a schedule run from now on; returns the state that it is in.
///
/// A schedule that runs already, by somebody's start or by its definition, is left as it is. A stored state of a
/// sensor of the same name is deleted first, in a transaction of its own.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if somebody else stores a first state at the same time.
#[tracing::instrument(level = "debug", skip_all, fields(schedule = %schedule.name()))]
pub async fn start_schedule(
    ops: &dyn SchedulingOps,
    schedule: &RemoteSchedule,
) -> Result<InstigatorState, InstanceError> {
    let stored = state_of_type(ops, &schedule.ids(), TYPE).await?;
    let current = schedule.current_state(stored.clone());
    if current.is_running() {
        return Ok(current);
    }
    let started = schedule.state(InstigatorStatus::Running, Some(timestamp_of(ops.clock().now())));
    match stored {
        None => added(ops, started).await,
        Some(state) => {
            let state = state.with_status(InstigatorStatus::Running);
            updated(ops, state.with_data(started.instigator_data)).await
        }
    }
}

/// Has a schedule run no more; returns the state that it is in.
///
/// A schedule that is stopped already is left as it is. The definition says whether a schedule without a state runs,
/// and when it ticks. Without it, the stored state has to say that. A stored state of a sensor of the same name is
/// deleted if there is a definition, in a transaction of its own.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if there is no definition, and the selector has no state or that of a sensor; nothing is
/// changed then. [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(selector_id = %ids.selector_id))]
pub async fn stop_schedule(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    schedule: Option<&RemoteSchedule>,
) -> Result<InstigatorState, InstanceError> {
    let (stored, current) = if let Some(schedule) = schedule {
        let stored = state_of_type(ops, ids, TYPE).await?;
        (stored.clone(), schedule.current_state(stored))
    } else {
        let stored = required_state(ops, ids, TYPE).await?;
        (Some(stored.clone()), stored)
    };
    if !current.is_running() {
        return Ok(current);
    }
    let Some(stored) = stored else {
        return added(ops, current.with_status(InstigatorStatus::Stopped)).await;
    };
    let Some(InstigatorData::Schedule(data)) = current.instigator_data else {
        let reason = "its stored state does not say when it ticks; reset it";
        return Err(InstanceError::invalid("schedule", stored.name(), reason));
    };
    let data =
        ScheduleInstigatorData { last_iteration_timestamp: None, start_timestamp: None, ..data };
    let stopped = stored.with_status(InstigatorStatus::Stopped);
    updated(ops, stopped.with_data(InstigatorData::Schedule(data))).await
}

/// Has the definition of a schedule say again whether it runs; returns the state that is stored.
///
/// When the schedule last ticked stays stored. A stored state of a sensor of the same name is deleted first, in a
/// transaction of its own.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if somebody else stores a first state at the same time.
#[tracing::instrument(level = "debug", skip_all, fields(schedule = %schedule.name()))]
pub async fn reset_schedule(
    ops: &dyn SchedulingOps,
    schedule: &RemoteSchedule,
) -> Result<InstigatorState, InstanceError> {
    match state_of_type(ops, &schedule.ids(), TYPE).await? {
        None => added(ops, schedule.state(InstigatorStatus::DeclaredInCode, None)).await,
        Some(state) => updated(ops, state.with_status(InstigatorStatus::DeclaredInCode)).await,
    }
}
