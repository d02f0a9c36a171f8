//! The section `run_launcher`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::RunLauncherSettings;

use crate::environment::Environment;
use crate::fields::when_used;
use crate::parts::{Part, Parts};
use crate::schema::{ClassKind, Slot};

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
    let launcher = match part.kind(Slot::RunLauncher)? {
        Some(ClassKind::CodeServer) => RunLauncherSettings::Default,
        Some(ClassKind::InProcess) => RunLauncherSettings::SyncInMemory,
        _ => return Ok(RunLauncherSettings::Other(part.class.clone())),
    };
    part.fields(environment).only(&[])?;
    Ok(launcher)
}
