//! The section `run_monitoring`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{RunLauncherSettings, RunMonitoringSettings};

use crate::fields::Fields;

/// Reads the section. Where runs are to be resumed, the launcher has to be able to: Dagster opens no instance otherwise.
pub(super) fn run_monitoring(
    sections: &Fields<'_>,
    launcher: &RunLauncherSettings,
) -> Result<RunMonitoringSettings, ConfigProblems> {
    let mut monitoring = RunMonitoringSettings::new();
    let Some(section) = sections.section("run_monitoring")? else { return Ok(monitoring) };
    section.only(&[
        "enabled",
        "start_timeout_seconds",
        "cancel_timeout_seconds",
        "max_runtime_seconds",
        "max_resume_run_attempts",
        "poll_interval_seconds",
        "cancellation_thread_poll_interval_seconds",
        "free_slots_after_run_end_seconds",
    ])?;
    monitoring.enabled = section.plain_boolean("enabled")?.unwrap_or(monitoring.enabled);
    for (key, value) in [
        ("start_timeout_seconds", &mut monitoring.start_timeout_seconds),
        ("cancel_timeout_seconds", &mut monitoring.cancel_timeout_seconds),
        ("max_runtime_seconds", &mut monitoring.max_runtime_seconds),
        ("max_resume_run_attempts", &mut monitoring.max_resume_run_attempts),
        ("poll_interval_seconds", &mut monitoring.poll_interval_seconds),
        (
            "cancellation_thread_poll_interval_seconds",
            &mut monitoring.cancellation_thread_poll_interval_seconds,
        ),
    ] {
        if let Some(given) = section.plain_integer(key)? {
            *value = given;
        }
    }
    monitoring.free_slots_after_run_end_seconds =
        section.plain_integer("free_slots_after_run_end_seconds")?;
    if monitoring.enabled && monitoring.max_resume_run_attempts != 0 {
        match launcher {
            RunLauncherSettings::Unusable(problems) => return Err(problems.clone()),
            _ if launcher.supports_resume_run() == Some(false) => {
                let reason = "the configured run launcher does not resume runs; set it to 0: runs whose worker is \
                              gone are then marked as failed";
                return Err(section.problem("max_resume_run_attempts", reason));
            }
            _ => {}
        }
    }
    Ok(monitoring)
}
