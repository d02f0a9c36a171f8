//! The settings of an instance, made of the parts that a file or a reference names: a file for each section.

mod artifacts;
mod automation;
mod code_servers;
mod compute_logs;
mod concurrency;
mod daemon_threads;
mod defs_state;
mod postgres;
mod python_logs;
mod retention;
mod run_coordinator;
mod run_launcher;
mod run_monitoring;
mod run_retries;
mod scheduler;
mod secrets;
mod storage;
mod switches;
mod tag_limits;
mod variables;

use std::path::Path;

use instance_core::config_problems::ConfigProblems;
use instance_core::error::InstanceError;
use instance_core::settings::InstanceSettings;

use crate::environment::Environment;
use crate::fields::Fields;
use crate::parts::Parts;

/// The settings of the instance in a directory, of which these parts are known.
///
/// What Dagster makes when it opens an instance is made here, and its mistakes are errors. The other parts, which
/// Dagster makes when they are needed, hold their mistakes themselves.
pub(crate) fn settings(
    home: &Path,
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> Result<InstanceSettings, InstanceError> {
    let settings = of_parts(InstanceSettings::new(home), parts, environment)?;
    Ok(variables::with_variables(settings, environment)?)
}

fn of_parts(
    defaults: InstanceSettings,
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> Result<InstanceSettings, ConfigProblems> {
    let sections = Fields::new(&parts.settings, parts.settings_place.clone(), environment);
    let run_launcher = run_launcher::run_launcher(parts, environment);
    let run_monitoring = run_monitoring::run_monitoring(&sections, &run_launcher)?;
    let artifacts = artifacts::local_artifact_storage(parts, &defaults, environment)?;
    let storage = storage::storage(parts, &defaults, environment)?;
    let compute_logs = compute_logs::compute_logs(parts, &defaults, environment);
    Ok(defaults
        .with_storage(storage)
        .with_local_artifact_storage(artifacts)
        .with_compute_logs(compute_logs)
        .with_scheduler(scheduler::scheduler(parts, environment)?)
        .with_run_coordinator(run_coordinator::run_coordinator(parts, environment))
        .with_run_launcher(run_launcher)
        .with_secrets(secrets::secrets(parts, environment)?)
        .with_defs_state_storage(defs_state::defs_state_storage(parts, environment)?)
        .with_instance_class(parts.instance_class.as_ref().map(|part| part.class.clone()))
        .with_telemetry_enabled(switches::telemetry_enabled(&sections)?)
        .with_nux_enabled(switches::nux_enabled(&sections)?)
        .with_freshness_enabled(switches::freshness_enabled(&sections)?)
        .with_python_logs(python_logs::python_logs(&sections)?)
        .with_run_monitoring(run_monitoring)
        .with_run_retries(run_retries::run_retries(&sections)?)
        .with_code_servers(code_servers::code_servers(&sections)?)
        .with_tick_retention(retention::tick_retention(&sections)?)
        .with_backfills(daemon_threads::backfills(&sections)?)
        .with_sensors(daemon_threads::sensors(&sections)?)
        .with_schedules(daemon_threads::schedules(&sections)?)
        .with_auto_materialize(automation::auto_materialize(&sections)?)
        .with_concurrency(concurrency::concurrency(&sections)?))
}
