//! What starting, stopping and resetting have in common for schedules and sensors.

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{
    InstigatorData, InstigatorIds, InstigatorState, InstigatorStatus, InstigatorType,
    RemoteSchedule, RemoteSensor,
};

use crate::instigators::stored_state;

/// A schedule or a sensor, as its code location defines it.
pub(crate) trait Definition: Sync {
    /// Which of the two it is.
    const TYPE: InstigatorType;

    fn ids(&self) -> InstigatorIds;

    /// The state that it is in, if this state is stored of it, or none.
    fn current_state(&self, stored: Option<InstigatorState>) -> InstigatorState;

    /// A state of it. The time says since when somebody has it run.
    fn state(&self, status: InstigatorStatus, start_timestamp: Option<f64>) -> InstigatorState;
}

macro_rules! definition {
    ($definition:ty, $instigator_type:expr) => {
        impl Definition for $definition {
            const TYPE: InstigatorType = $instigator_type;

            fn ids(&self) -> InstigatorIds {
                <$definition>::ids(self)
            }

            fn current_state(&self, stored: Option<InstigatorState>) -> InstigatorState {
                <$definition>::current_state(self, stored)
            }

            fn state(&self, status: InstigatorStatus, start: Option<f64>) -> InstigatorState {
                <$definition>::state(self, status, start)
            }
        }
    };
}

definition!(RemoteSchedule, InstigatorType::Schedule);
definition!(RemoteSensor, InstigatorType::Sensor);

/// Has it run from now on. `remembers` says what it remembers then, of what is stored and of what it would remember if
/// nothing were.
pub(crate) async fn start<D: Definition>(
    ops: &dyn SchedulingOps,
    definition: &D,
    remembers: impl FnOnce(Option<InstigatorData>, Option<InstigatorData>) -> Option<InstigatorData>
    + Send,
) -> Result<InstigatorState, InstanceError> {
    let (stored, current) = states(ops, &definition.ids(), Some(definition)).await?;
    if current.is_running() {
        return Ok(current);
    }
    let now = timestamp_of(ops.clock().now());
    let started = definition.state(InstigatorStatus::Running, Some(now));
    let Some(mut state) = stored else {
        return added(ops, started).await;
    };
    let data = remembers(state.instigator_data.take(), started.instigator_data);
    updated(ops, state.with_status(InstigatorStatus::Running).with_data(data)).await
}

/// Has it run no more. `remembers` says what it remembers then, if a state is stored.
pub(crate) async fn stop<D: Definition>(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    definition: Option<&D>,
    remembers: impl FnOnce(&InstigatorState) -> Result<Option<InstigatorData>, InstanceError> + Send,
) -> Result<InstigatorState, InstanceError> {
    let (stored, current) = states(ops, ids, definition).await?;
    if !current.is_running() {
        return Ok(current);
    }
    let Some(state) = stored else {
        return added(ops, current.with_status(InstigatorStatus::Stopped)).await;
    };
    let data = remembers(&state)?;
    updated(ops, state.with_status(InstigatorStatus::Stopped).with_data(data)).await
}

/// Has its definition say again whether it runs.
pub(crate) async fn reset<D: Definition>(
    ops: &dyn SchedulingOps,
    definition: &D,
) -> Result<InstigatorState, InstanceError> {
    match state_of_type(ops, &definition.ids(), D::TYPE).await? {
        None => added(ops, definition.state(InstigatorStatus::DeclaredInCode, None)).await,
        Some(state) => updated(ops, state.with_status(InstigatorStatus::DeclaredInCode)).await,
    }
}

/// The state that is stored of it, and the state that it is in. Without its definition, the stored state says both.
async fn states<D: Definition>(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    definition: Option<&D>,
) -> Result<(Option<InstigatorState>, InstigatorState), InstanceError> {
    if let Some(definition) = definition {
        let stored = state_of_type(ops, ids, D::TYPE).await?;
        Ok((stored.clone(), definition.current_state(stored)))
    } else {
        let stored = required_state(ops, ids, D::TYPE).await?;
        Ok((Some(stored.clone()), stored))
    }
}

/// The stored state of a schedule or sensor that a code location defines with this type; `None` if it has none.
///
/// A state of the other type is deleted: it was left by something else of the same name.
async fn state_of_type(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    instigator_type: InstigatorType,
) -> Result<Option<InstigatorState>, InstanceError> {
    let Some(state) = stored_state(ops, &ids.selector_id).await? else {
        return Ok(None);
    };
    if state.instigator_type == instigator_type {
        return Ok(Some(state));
    }
    tracing::warn!(
        stored = %state.instigator_type,
        defined = %instigator_type,
        origin_id = %ids.origin_id,
        "the stored state is of another type than the definition of the same name; it is deleted"
    );
    let store = ops.instigator_store();
    store.delete_instigator_state(&ids.origin_id, &ids.selector_id).await?;
    Ok(None)
}

/// Stores the state of something that has none, and returns it.
async fn added(
    ops: &dyn SchedulingOps,
    state: InstigatorState,
) -> Result<InstigatorState, InstanceError> {
    ops.instigator_store().add_instigator_state(&state, ops.clock().now()).await?;
    Ok(state)
}

/// Replaces the state of something that has one, and returns it.
async fn updated(
    ops: &dyn SchedulingOps,
    state: InstigatorState,
) -> Result<InstigatorState, InstanceError> {
    ops.instigator_store().update_instigator_state(&state, ops.clock().now()).await?;
    Ok(state)
}

/// The stored state of something whose definition is not at hand.
async fn required_state(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    instigator_type: InstigatorType,
) -> Result<InstigatorState, InstanceError> {
    let invalid =
        |reason: &str| InstanceError::invalid("instigator", &ids.selector_id, reason.to_owned());
    let Some(state) = stored_state(ops, &ids.selector_id).await? else {
        return Err(invalid(
            "nothing is stored under this selector id; give the definition of the schedule or sensor",
        ));
    };
    if state.instigator_type != instigator_type {
        return Err(invalid(match state.instigator_type {
            InstigatorType::Schedule => "it is a schedule; stop it as one",
            _ => "it is a sensor; stop it as one",
        }));
    }
    Ok(state)
}
