//! Starting, stopping and resetting schedules.
//!
//! Dagster's daemon looks at the states that these functions store.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{InstigatorData, InstigatorIds, InstigatorState, RemoteSchedule};

use crate::switch;

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
    switch::start(ops, schedule, |_, fresh| fresh).await
}

/// Has a schedule run no more; returns the state that it is in.
///
/// A schedule that is stopped already is left as it is. The definition says whether a schedule without a state runs,
/// and when it ticks. Without it, the stored state has to say that. A stored state of a sensor of the same name is
/// deleted if there is a definition, in a transaction of its own.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if there is no definition, and the selector has no state or that of a sensor, or if the
/// stored state does not say when the schedule ticks; nothing is changed then. [`InstanceError::Storage`] if the storage
/// fails.
#[tracing::instrument(level = "debug", skip_all, fields(selector_id = %ids.selector_id))]
pub async fn stop_schedule(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    schedule: Option<&RemoteSchedule>,
) -> Result<InstigatorState, InstanceError> {
    let remembers = |state: &InstigatorState| {
        let Some(InstigatorData::Schedule(mut data)) = state.instigator_data.clone() else {
            let reason = "its stored state does not say when it ticks; delete the state";
            return Err(InstanceError::invalid("schedule", state.name(), reason));
        };
        (data.last_iteration_timestamp, data.start_timestamp) = (None, None);
        Ok(Some(InstigatorData::Schedule(data)))
    };
    switch::stop(ops, ids, schedule, remembers).await
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
    switch::reset(ops, schedule).await
}
