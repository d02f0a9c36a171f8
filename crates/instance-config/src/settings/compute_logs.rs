//! The section `compute_logs`.

use std::time::Duration;

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{ComputeLogSettings, InstanceSettings, LocalComputeLogSettings};

use crate::environment::Environment;
use crate::fields::when_used;
use crate::parts::{Part, Parts};
use crate::schema::{ClassKind, Slot};

pub(super) fn compute_logs(
    parts: &Parts<'_>,
    defaults: &InstanceSettings,
    environment: &dyn Environment,
) -> ComputeLogSettings {
    let read = match &parts.compute_logs {
        Some(Ok(part)) => of_part(part, environment),
        Some(Err(problems)) => Err(problems.clone()),
        None => Ok(match &parts.instance_class {
            Some(instance) => ComputeLogSettings::Other(instance.class.clone()),
            None => defaults.compute_logs.clone(),
        }),
    };
    read.unwrap_or_else(|problems| ComputeLogSettings::Unusable(when_used(problems)))
}

fn of_part(
    part: &Part<'_>,
    environment: &dyn Environment,
) -> Result<ComputeLogSettings, ConfigProblems> {
    let fields = part.fields(environment);
    match part.kind(Slot::ComputeLogs)? {
        Some(ClassKind::LocalFiles) => {
            fields.only(&["base_dir", "polling_timeout"])?;
            let mut local = LocalComputeLogSettings::new(fields.required_text("base_dir")?);
            if let Some(seconds) = fields.plain_number("polling_timeout")? {
                let timeout = Duration::try_from_secs_f64(seconds).map_err(|_| {
                    fields
                        .problem("polling_timeout", "it has to be a number of seconds, such as 2.5")
                })?;
                local = local.with_polling_timeout(timeout);
            }
            Ok(ComputeLogSettings::Local(local))
        }
        Some(ClassKind::Nothing) => {
            fields.only(&[])?;
            Ok(ComputeLogSettings::NoOp)
        }
        _ => Ok(ComputeLogSettings::Other(part.class.clone())),
    }
}
