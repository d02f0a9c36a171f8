//! What there is to say of schedules and sensors to somebody who looks for a fault.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{
    CronSchedule, InstigatorData, InstigatorState, InstigatorStatus, InstigatorType,
};
use instance_core::storage::InstigatorFilter;

use crate::instigators::stored_states;

/// What [`scheduler_debug_info`] returns.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SchedulerDebugInfo {
    /// What is wrong with the scheduler. Dagster's own scheduler says nothing here.
    pub errors: Vec<String>,
    /// The class of the scheduler.
    pub scheduler_config_info: String,
    /// What the scheduler says of itself. Dagster's own scheduler says nothing.
    pub scheduler_info: String,
    /// The stored states: first those of schedules, then those of sensors, each oldest first.
    pub schedule_storage: Vec<InstigatorDebugInfo>,
}

/// What there is to say of one schedule or sensor.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InstigatorDebugInfo {
    /// Its name.
    pub name: String,
    /// Whether it is a schedule or a sensor.
    pub instigator_type: InstigatorType,
    /// Whether it runs.
    pub status: InstigatorStatus,
    /// The origin id of its repository.
    pub repository_origin_id: String,
    /// Its origin id.
    pub origin_id: String,
    /// When it ticks; `None` for a sensor.
    pub cron_schedule: Option<CronSchedule>,
}

/// Returns the class that starts the runs of schedules: Dagster's daemon, unless `scheduler` of `dagster.yaml` names
/// another.
pub fn scheduler_class(ops: &dyn SchedulingOps) -> &str {
    ops.settings().scheduler.class()
}

/// Returns what there is to say of all schedules and sensors that have a state.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a state cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn scheduler_debug_info(
    ops: &dyn SchedulingOps,
) -> Result<SchedulerDebugInfo, InstanceError> {
    let mut schedule_storage = Vec::new();
    for instigator_type in [InstigatorType::Schedule, InstigatorType::Sensor] {
        let filter = InstigatorFilter::new().with_instigator_type(instigator_type);
        let states = stored_states(ops, &filter).await?;
        schedule_storage.extend(states.into_iter().map(InstigatorDebugInfo::from));
    }
    Ok(SchedulerDebugInfo {
        errors: Vec::new(),
        scheduler_config_info: scheduler_class(ops).to_owned(),
        scheduler_info: String::new(),
        schedule_storage,
    })
}

impl From<InstigatorState> for InstigatorDebugInfo {
    fn from(state: InstigatorState) -> Self {
        Self {
            name: state.name().to_owned(),
            instigator_type: state.instigator_type,
            status: state.status,
            repository_origin_id: state.repository_origin_id(),
            origin_id: state.instigator_origin_id(),
            cron_schedule: match &state.instigator_data {
                Some(InstigatorData::Schedule(data)) => data.cron_schedule(),
                _ => None,
            },
        }
    }
}
