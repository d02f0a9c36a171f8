//! What starting, stopping and resetting have in common for schedules and sensors.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{InstigatorIds, InstigatorState, InstigatorType};

use crate::instigators::stored_state;

/// The stored state of a schedule or sensor that a code location defines with this type; `None` if it has none.
///
/// A state of the other type is deleted: it was left by something else of the same name.
pub(crate) async fn state_of_type(
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
pub(crate) async fn added(
    ops: &dyn SchedulingOps,
    state: InstigatorState,
) -> Result<InstigatorState, InstanceError> {
    ops.instigator_store().add_instigator_state(&state, ops.clock().now()).await?;
    Ok(state)
}

/// Replaces the state of something that has one, and returns it.
pub(crate) async fn updated(
    ops: &dyn SchedulingOps,
    state: InstigatorState,
) -> Result<InstigatorState, InstanceError> {
    ops.instigator_store().update_instigator_state(&state, ops.clock().now()).await?;
    Ok(state)
}

/// The stored state of something whose definition is not at hand.
pub(crate) async fn required_state(
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
