//! The sections `backfills`, `sensors` and `schedules`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::DaemonThreadSettings;

use crate::fields::Fields;

pub(super) fn backfills(sections: &Fields<'_>) -> Result<DaemonThreadSettings, ConfigProblems> {
    threads(sections, "backfills", DaemonThreadSettings::new())
}

pub(super) fn sensors(sections: &Fields<'_>) -> Result<DaemonThreadSettings, ConfigProblems> {
    threads(sections, "sensors", DaemonThreadSettings::of_sensors())
}

pub(super) fn schedules(sections: &Fields<'_>) -> Result<DaemonThreadSettings, ConfigProblems> {
    threads(sections, "schedules", DaemonThreadSettings::new())
}

fn threads(
    sections: &Fields<'_>,
    key: &str,
    default: DaemonThreadSettings,
) -> Result<DaemonThreadSettings, ConfigProblems> {
    let Some(section) = sections.section(key)? else { return Ok(default) };
    section.only(&["use_threads", "num_workers", "num_submit_workers"])?;
    let use_threads = section.plain_boolean("use_threads")?;
    Ok(default
        .with_use_threads(use_threads.unwrap_or(default.use_threads))
        .with_num_workers(section.plain_integer("num_workers")?)
        .with_num_submit_workers(section.plain_integer("num_submit_workers")?))
}
