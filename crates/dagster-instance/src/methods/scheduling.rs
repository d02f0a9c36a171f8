//! The methods of `instance-scheduling`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-scheduling` instead.

use instance_core::error::InstanceError;
use instance_core::scheduling::{InstigatorState, InstigatorType};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// The states of all schedules and sensors that have one, or of those of one type.
    pub async fn all_instigator_state(
        &self,
        instigator_type: Option<InstigatorType>,
    ) -> Result<Vec<InstigatorState>, InstanceError> {
        instance_scheduling::all_instigator_state(self, instigator_type).await
    }
}
