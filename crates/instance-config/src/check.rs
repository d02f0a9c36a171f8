//! What is wrong with a `dagster.yaml`, all of it at once.

use std::path::{Path, PathBuf};

use instance_core::config_problems::{ConfigProblem, ConfigProblems, Severity};
use instance_core::error::InstanceError;
use instance_core::settings::{
    ComputeLogSettings, InstanceSettings, RunCoordinatorSettings, RunLauncherSettings,
};

use crate::config::Config;
use crate::environment::Environment;
use crate::load::{LoadSettings, WithHome, inspect};
use crate::parts::Parts;
use crate::settings::{Made, make};
use crate::verdict;

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigCheck {
    /// The file.
    pub file: PathBuf,
    /// Whether there is one that Dagster reads. If not, all settings are defaults.
    pub exists: bool,
    /// The problems, in the order of the file. None of them holds a secret.
    pub problems: Vec<ConfigProblem>,
}

impl ConfigCheck {
    /// Whether [`load_settings_of`](crate::load_settings_of) accepts the file: no problem is an
    /// [error](Severity::Error).
    pub fn is_accepted(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }
}

/// Finds everything that is wrong with a `dagster.yaml`. Nothing that it names is opened.
///
/// The problems are those that keep an instance from being opened, those that matter only when the part is used that
/// they are in, and warnings; each says what it is by its [severity](ConfigProblem::severity). Environment variables
/// that the file refers to have to be set. A problem of a variable of Dagster's own has the variable as its key.
///
/// # Errors
///
/// [`InstanceError::Config`] if the file exists and cannot be read. [`InstanceError::Invalid`] if
/// [`LoadSettings::storage`] is neither a URL of Postgres nor a directory.
pub fn check_config(
    request: &LoadSettings,
    environment: &dyn Environment,
) -> Result<ConfigCheck, InstanceError> {
    let environment = WithHome { home: &request.home, environment };
    let config = inspect(request, &environment)?;
    let made = make(&request.home, &Parts::of_file(&config), &environment);
    Ok(ConfigCheck {
        file: config.file().to_owned(),
        exists: config.exists(),
        problems: problems(&config, &made),
    })
}

/// The problems of a file, and those that showed when its values became settings.
pub(crate) fn problems(config: &Config, made: &Made) -> Vec<ConfigProblem> {
    let mut problems = config.problems().to_vec();
    // The settings of a file with errors have consequences of these errors.
    if verdict::errors(&problems).is_empty() {
        let found: Vec<ConfigProblem> = made
            .mistakes
            .0
            .iter()
            .chain(later(&made.settings))
            .flat_map(|mistake| of_file(mistake, config.file()))
            .filter(|found| !problems.iter().any(|known| says_the_same(known, found)))
            .collect();
        problems.extend(found);
    }
    problems.sort_by_key(|problem| problem.position);
    problems
}

/// What is wrong with parts that are made when they are needed.
fn later(settings: &InstanceSettings) -> impl Iterator<Item = &ConfigProblems> {
    let compute_logs = match &settings.compute_logs {
        ComputeLogSettings::Unusable(problems) => Some(problems),
        _ => None,
    };
    let run_coordinator = match &settings.run_coordinator {
        RunCoordinatorSettings::Unusable(problems) => Some(problems),
        _ => None,
    };
    let run_launcher = match &settings.run_launcher {
        RunLauncherSettings::Unusable(problems) => Some(problems),
        _ => None,
    };
    let limit = settings.default_graphql_run_records_limit.as_ref().err();
    let tolerance = settings.daemon_heartbeat_tolerance_seconds.as_ref().err();
    let allotted = settings.started_run_pools_allotted_seconds.as_ref().err();
    [compute_logs, run_coordinator, run_launcher, limit, tolerance, allotted].into_iter().flatten()
}

/// The problems with keys that say where they are, even if it is not in the file.
fn of_file(mistake: &ConfigProblems, file: &Path) -> Vec<ConfigProblem> {
    let elsewhere = mistake.file != file.display().to_string();
    let problems = mistake.problems.iter().cloned();
    let named =
        problems.map(|problem| if elsewhere { problem.with_key(&*mistake.file) } else { problem });
    named.collect()
}

/// Whether two problems are about one section, and both keep it from being used. What is made of a section stops at its
/// first mistake.
fn says_the_same(known: &ConfigProblem, found: &ConfigProblem) -> bool {
    let section = |problem: &ConfigProblem| problem.key.split('.').next().map(str::to_owned);
    known.severity != Severity::Warning && section(known) == section(found)
}
