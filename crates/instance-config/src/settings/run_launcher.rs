//! The section `run_launcher`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::RunLauncherSettings;

use crate::environment::Environment;
use crate::fields::when_used;
use crate::known::Known;
use crate::parts::{Part, Parts};

pub(super) fn run_launcher(
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> RunLauncherSettings {
    let read = match &parts.run_launcher {
        Some(Ok(part)) => of_part(part, environment),
        Some(Err(problems)) => Err(problems.clone()),
        None => Ok(match &parts.instance_class {
            Some(instance) => RunLauncherSettings::Other(instance.class.clone()),
            None => RunLauncherSettings::Default,
        }),
    };
    read.unwrap_or_else(|problems| RunLauncherSettings::Unusable(when_used(problems)))
}

fn of_part(
    part: &Part<'_>,
    environment: &dyn Environment,
) -> Result<RunLauncherSettings, ConfigProblems> {
    let launcher = match part.known() {
        Some(Known::DefaultRunLauncher) => RunLauncherSettings::Default,
        Some(Known::SyncInMemoryRunLauncher) => RunLauncherSettings::SyncInMemory,
        Some(_) => return Err(part.is_no("a run launcher")),
        None => return Ok(RunLauncherSettings::Other(part.class.clone())),
    };
    part.fields(environment).only(&[])?;
    Ok(launcher)
}
