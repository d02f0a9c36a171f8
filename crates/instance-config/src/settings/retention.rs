//! The section `retention`: how long ticks are kept.

use instance_core::config_problems::ConfigProblems;
use instance_core::scheduling::{TickRetention, TickRetentionSettings};
use serde_json::Value;

use crate::fields::Fields;

/// Under each type of ticks, the number of days, or a number for each status.
const PURGE_AFTER_DAYS: &str = "purge_after_days";

/// Reads for how many days the ticks of each type and status are kept. What is not said is Dagster's default.
pub(super) fn tick_retention(
    sections: &Fields<'_>,
) -> Result<TickRetentionSettings, ConfigProblems> {
    let mut settings = TickRetentionSettings::default();
    let Some(section) = sections.section("retention")? else { return Ok(settings) };
    section.only(&["schedule", "sensor", "auto_materialize"])?;
    for (key, retention) in [
        ("schedule", &mut settings.schedule),
        ("sensor", &mut settings.sensor),
        ("auto_materialize", &mut settings.auto_materialize),
    ] {
        if let Some(section) = section.section(key)? {
            section.only(&[PURGE_AFTER_DAYS])?;
            read(&section, retention)?;
        }
    }
    Ok(settings)
}

fn read(section: &Fields<'_>, retention: &mut TickRetention) -> Result<(), ConfigProblems> {
    if !matches!(section.value(PURGE_AFTER_DAYS), Some(Value::Object(_))) {
        // Dagster takes zero for a number that is not said.
        if let Some(days) = section.plain_integer(PURGE_AFTER_DAYS)?.filter(|days| *days != 0) {
            *retention = TickRetention::of_all(days);
        }
        return Ok(());
    }
    let Some(of_statuses) = section.section(PURGE_AFTER_DAYS)? else { return Ok(()) };
    of_statuses.only(&["skipped", "success", "failure", "started"])?;
    for (key, days) in [
        ("started", &mut retention.started),
        ("skipped", &mut retention.skipped),
        ("success", &mut retention.success),
        ("failure", &mut retention.failure),
    ] {
        if let Some(said) = of_statuses.plain_integer(key)? {
            *days = said;
        }
    }
    Ok(())
}
