//! The section `scheduler`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{DaemonSchedulerSettings, SchedulerSettings};

use crate::environment::Environment;
use crate::parts::Parts;
use crate::schema::Slot;

pub(super) fn scheduler(
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> Result<SchedulerSettings, ConfigProblems> {
    let Some(part) = &parts.scheduler else { return Ok(SchedulerSettings::default()) };
    if part.kind(Slot::Scheduler)?.is_none() {
        return Ok(SchedulerSettings::Other(part.class.clone()));
    }
    let fields = part.fields(environment);
    fields.only(&["max_catchup_runs", "max_tick_retries"])?;
    let defaults = DaemonSchedulerSettings::new();
    let catchup = fields.integer("max_catchup_runs")?.unwrap_or(defaults.max_catchup_runs);
    let retries = fields.integer("max_tick_retries")?.unwrap_or(defaults.max_tick_retries);
    Ok(SchedulerSettings::DagsterDaemon(
        defaults.with_max_catchup_runs(catchup).with_max_tick_retries(retries),
    ))
}
