//! The methods of the scheduling domain.

use instance_core::error::InstanceError;
use instance_core::scheduling::{InstigatorState, InstigatorType};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// See [`instance_scheduling::all_instigator_state`].
    pub async fn all_instigator_state(
        &self,
        instigator_type: Option<InstigatorType>,
    ) -> Result<Vec<InstigatorState>, InstanceError> {
        instance_scheduling::all_instigator_state(self, instigator_type).await
    }
}
