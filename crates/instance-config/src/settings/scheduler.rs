//! The section `scheduler`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{DaemonSchedulerSettings, SchedulerSettings};

use crate::environment::Environment;
use crate::known::Known;
use crate::parts::Parts;

pub(super) fn scheduler(
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> Result<SchedulerSettings, ConfigProblems> {
    let Some(part) = &parts.scheduler else { return Ok(SchedulerSettings::default()) };
    match part.known() {
        Some(Known::DagsterDaemonScheduler) => {}
        Some(_) => return Err(part.is_no("a scheduler")),
        None => return Ok(SchedulerSettings::Other(part.class.clone())),
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
