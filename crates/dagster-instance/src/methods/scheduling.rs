//! The methods of `instance-scheduling`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-scheduling` instead.

use instance_core::error::InstanceError;
use instance_core::scheduling::{InstigatorState, InstigatorType};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Returns the states of schedules and sensors, oldest first.
    ///
    /// `None` means both; a type means only schedules, or only sensors. A schedule or sensor that was never started,
    /// stopped or evaluated may have no state and is left out.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a state cannot be read.
    pub async fn all_instigator_state(
        &self,
        instigator_type: Option<InstigatorType>,
    ) -> Result<Vec<InstigatorState>, InstanceError> {
        instance_scheduling::all_instigator_state(self, instigator_type).await
    }
}
