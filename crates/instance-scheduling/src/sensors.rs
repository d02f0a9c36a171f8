//! Starting, stopping and resetting sensors.
//!
//! Dagster's daemon looks at the states that these functions store.

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{
    InstigatorData, InstigatorIds, InstigatorState, InstigatorStatus, InstigatorType, RemoteSensor,
};

use crate::switch::{added, required_state, state_of_type, updated};

const TYPE: InstigatorType = InstigatorType::Sensor;

/// Has a sensor run from now on; returns the state that it is in.
///
/// What it remembers, such as its cursor, stays. A sensor that runs already, by somebody's start or by its definition,
/// is left as it is. A stored state of a schedule of the same name is deleted first, in a transaction of its own.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if somebody else stores a first state at the same time.
#[tracing::instrument(level = "debug", skip_all, fields(sensor = %sensor.name()))]
pub async fn start_sensor(
    ops: &dyn SchedulingOps,
    sensor: &RemoteSensor,
) -> Result<InstigatorState, InstanceError> {
    let stored = state_of_type(ops, &sensor.ids(), TYPE).await?;
    let current = sensor.current_state(stored.clone());
    if current.is_running() {
        return Ok(current);
    }
    let now = timestamp_of(ops.clock().now());
    let started = sensor.state(InstigatorStatus::Running, Some(now));
    let Some(state) = stored else {
        return added(ops, started).await;
    };
    let data = match state.instigator_data.clone() {
        Some(InstigatorData::Sensor(mut data)) => {
            data.last_sensor_start_timestamp = Some(now.into());
            Some(InstigatorData::Sensor(data))
        }
        // Old versions stored no data of a sensor that had not ticked.
        _ => started.instigator_data,
    };
    updated(ops, state.with_status(InstigatorStatus::Running).with_data(data)).await
}

/// Has a sensor run no more; returns the state that it is in.
///
/// What it remembers, such as its cursor, stays. A sensor that is stopped already is left as it is. The definition says
/// whether a sensor without a state runs. Without it, the stored state has to say that. A stored state of a schedule of
/// the same name is deleted if there is a definition, in a transaction of its own.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if there is no definition, and the selector has no state or that of a schedule; nothing
/// is changed then. [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(selector_id = %ids.selector_id))]
pub async fn stop_sensor(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    sensor: Option<&RemoteSensor>,
) -> Result<InstigatorState, InstanceError> {
    let (stored, current) = if let Some(sensor) = sensor {
        let stored = state_of_type(ops, ids, TYPE).await?;
        (stored.clone(), sensor.current_state(stored))
    } else {
        let stored = required_state(ops, ids, TYPE).await?;
        (Some(stored.clone()), stored)
    };
    if !current.is_running() {
        return Ok(current);
    }
    match stored {
        None => added(ops, current.with_status(InstigatorStatus::Stopped)).await,
        Some(state) => updated(ops, state.with_status(InstigatorStatus::Stopped)).await,
    }
}

/// Has the definition of a sensor say again whether it runs; returns the state that is stored.
///
/// What it remembers, such as its cursor, stays. A stored state of a schedule of the same name is deleted first, in a
/// transaction of its own.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if somebody else stores a first state at the same time.
#[tracing::instrument(level = "debug", skip_all, fields(sensor = %sensor.name()))]
pub async fn reset_sensor(
    ops: &dyn SchedulingOps,
    sensor: &RemoteSensor,
) -> Result<InstigatorState, InstanceError> {
    match state_of_type(ops, &sensor.ids(), TYPE).await? {
        None => added(ops, sensor.state(InstigatorStatus::DeclaredInCode, None)).await,
        Some(state) => updated(ops, state.with_status(InstigatorStatus::DeclaredInCode)).await,
    }
}
