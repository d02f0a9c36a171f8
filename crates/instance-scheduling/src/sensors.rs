//! Starting, stopping and resetting sensors.
//!
//! Dagster's daemon looks at the states that these functions store.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{InstigatorData, InstigatorIds, InstigatorState, RemoteSensor};

use crate::switch;

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
    switch::start(ops, sensor, |stored, fresh| match (stored, fresh) {
        (Some(InstigatorData::Sensor(mut data)), Some(InstigatorData::Sensor(fresh))) => {
            data.last_sensor_start_timestamp = fresh.last_sensor_start_timestamp;
            Some(InstigatorData::Sensor(data))
        }
        // Old versions stored no data of a sensor that had not ticked.
        (_, fresh) => fresh,
    })
    .await
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
    switch::stop(ops, ids, sensor, |state| Ok(state.instigator_data.clone())).await
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
    switch::reset(ops, sensor).await
}
