//! The settings of an instance, made of the parts that a file or a reference names: a file for each section.

mod artifacts;
mod automation;
mod code_servers;
mod compute_logs;
mod concurrency;
mod daemon_threads;
mod defs_state;
mod kubernetes;
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
///
/// # Errors
///
/// [`InstanceError::ConfigFile`] with all mistakes of the file, or with the name of a variable.
pub(crate) fn settings(
    home: &Path,
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> Result<InstanceSettings, InstanceError> {
    let made = make(home, parts, environment);
    let Some(first) = made.mistakes.0.first() else { return Ok(made.settings) };
    // Those of variables are not in the file.
    let file = first.file.clone();
    let of_file = made.mistakes.0.into_iter().filter(|mistake| mistake.file == file);
    let problems = of_file.flat_map(|mistake| mistake.problems).collect();
    Err(ConfigProblems::new(file, problems).into())
}

/// Settings as far as they could be made.
pub(crate) struct Made {
    /// The settings. What could not be made has its default.
    pub(crate) settings: InstanceSettings,
    /// Why the rest could not be made. It keeps an instance from being opened.
    pub(crate) mistakes: Mistakes,
}

/// What could not be made.
#[derive(Default)]
pub(crate) struct Mistakes(pub(crate) Vec<ConfigProblems>);

impl Mistakes {
    /// Keeps a mistake, or puts what was read in its place.
    fn put<T>(&mut self, place: &mut T, read: Result<T, ConfigProblems>) {
        match read {
            Ok(value) => *place = value,
            Err(problems) => self.0.push(problems),
        }
    }
}

/// Makes the settings of these parts, all that can be made.
pub(crate) fn make(home: &Path, parts: &Parts<'_>, environment: &dyn Environment) -> Made {
    let defaults = InstanceSettings::new(home);
    let mut mistakes = Mistakes::default();
    let mut made = defaults.clone();
    let sections = Fields::new(&parts.settings, parts.settings_place.clone(), environment);
    made.run_launcher = run_launcher::run_launcher(parts, environment);
    made.run_coordinator = run_coordinator::run_coordinator(parts, environment);
    made.compute_logs = compute_logs::compute_logs(parts, &defaults, environment);
    made.instance_class = parts.instance_class.as_ref().map(|part| part.class.clone());
    let monitoring = run_monitoring::run_monitoring(&sections, &made.run_launcher);
    mistakes.put(&mut made.run_monitoring, monitoring);
    mistakes.put(
        &mut made.local_artifact_storage,
        artifacts::local_artifact_storage(parts, &defaults, environment),
    );
    mistakes.put(&mut made.storage, storage::storage(parts, &defaults, environment));
    mistakes.put(&mut made.scheduler, scheduler::scheduler(parts, environment));
    mistakes.put(&mut made.secrets, secrets::secrets(parts, environment));
    mistakes.put(&mut made.defs_state_storage, defs_state::defs_state_storage(parts, environment));
    mistakes.put(&mut made.telemetry_enabled, switches::telemetry_enabled(&sections));
    mistakes.put(&mut made.nux_enabled, switches::nux_enabled(&sections));
    mistakes.put(&mut made.freshness_enabled, switches::freshness_enabled(&sections));
    mistakes.put(&mut made.python_logs, python_logs::python_logs(&sections));
    mistakes.put(&mut made.run_retries, run_retries::run_retries(&sections));
    mistakes.put(&mut made.code_servers, code_servers::code_servers(&sections));
    mistakes.put(&mut made.tick_retention, retention::tick_retention(&sections));
    mistakes.put(&mut made.backfills, daemon_threads::backfills(&sections));
    mistakes.put(&mut made.sensors, daemon_threads::sensors(&sections));
    mistakes.put(&mut made.schedules, daemon_threads::schedules(&sections));
    mistakes.put(&mut made.auto_materialize, automation::auto_materialize(&sections));
    mistakes.put(&mut made.concurrency, concurrency::concurrency(&sections));
    mistakes.put(&mut made.event_batching, variables::event_batching(environment));
    Made { settings: variables::with_variables(made, environment), mistakes }
}
