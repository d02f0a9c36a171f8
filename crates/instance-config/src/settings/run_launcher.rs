//! The section `run_launcher`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::RunLauncherSettings;

use super::kubernetes::kubernetes;
use crate::environment::Environment;
use crate::parts::{Part, Parts};
use crate::schema::{ClassKind, Slot};

pub(super) fn run_launcher(
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> RunLauncherSettings {
    parts.run_launcher.read(
        parts.instance_class.as_ref(),
        |part| of_part(part, environment),
        RunLauncherSettings::Other,
        || RunLauncherSettings::Default,
        RunLauncherSettings::Unusable,
    )
}

fn of_part(
    part: &Part<'_>,
    environment: &dyn Environment,
) -> Result<RunLauncherSettings, ConfigProblems> {
    let launcher = match part.kind(Slot::RunLauncher)? {
        Some(ClassKind::CodeServer) => RunLauncherSettings::Default,
        Some(ClassKind::InProcess) => RunLauncherSettings::SyncInMemory,
        Some(ClassKind::Kubernetes) => {
            let settings = kubernetes(&part.fields(environment))?;
            return Ok(RunLauncherSettings::Kubernetes(Box::new(settings)));
        }
        _ => return Ok(RunLauncherSettings::Other(part.class.clone())),
    };
    part.fields(environment).only(&[])?;
    Ok(launcher)
}
