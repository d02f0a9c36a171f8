//! When a schedule ticks next, and when it would have ticked last.

use chrono::{DateTime, Utc};
use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::RemoteSchedule;

/// Returns the next times at which a schedule ticks, beginning with the present one: at most `limit`, ascending.
///
/// They are those at which Dagster's daemon evaluates it, in its time zone, whether or not it runs now. There are fewer
/// where it is not known when the clocks of the zone will be set, after the year 2099.
///
/// # Errors
///
/// [`InstanceError::Partitions`] if a cron schedule or the time zone cannot be used.
pub fn get_next_schedule_ticks(
    ops: &dyn SchedulingOps,
    schedule: &RemoteSchedule,
    limit: usize,
) -> Result<Vec<DateTime<Utc>>, InstanceError> {
    let now = ops.clock().now();
    Ok(schedule.execution_times()?.ascending(now, now).take(limit).collect())
}

/// Returns the last times at which a schedule was to tick, beginning with the present one: at most `limit`, descending.
///
/// They are those of its definition as it is now, whether or not it ran then.
///
/// # Errors
///
/// [`InstanceError::Partitions`] if a cron schedule or the time zone cannot be used.
pub fn get_previous_schedule_ticks(
    ops: &dyn SchedulingOps,
    schedule: &RemoteSchedule,
    limit: usize,
) -> Result<Vec<DateTime<Utc>>, InstanceError> {
    let now = ops.clock().now();
    Ok(schedule.execution_times()?.descending(now, now).take(limit).collect())
}
