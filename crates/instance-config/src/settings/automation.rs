//! The section `auto_materialize`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::AutoMaterializeSettings;

use crate::fields::Fields;

pub(super) fn auto_materialize(
    sections: &Fields<'_>,
) -> Result<AutoMaterializeSettings, ConfigProblems> {
    let mut settings = AutoMaterializeSettings::new();
    let Some(section) = sections.section("auto_materialize")? else { return Ok(settings) };
    section.only(&[
        "enabled",
        "minimum_interval_seconds",
        "run_tags",
        "respect_materialization_data_versions",
        "max_tick_retries",
        "use_sensors",
        "use_threads",
        "num_workers",
    ])?;
    for (key, value) in [
        ("enabled", &mut settings.enabled),
        (
            "respect_materialization_data_versions",
            &mut settings.respect_materialization_data_versions,
        ),
        ("use_sensors", &mut settings.use_sensors),
    ] {
        if let Some(given) = section.boolean(key)? {
            *value = given;
        }
    }
    if let Some(retries) = section.integer("max_tick_retries")? {
        settings.max_tick_retries = retries;
    }
    Ok(settings
        .with_minimum_interval_seconds(section.integer("minimum_interval_seconds")?)
        .with_run_tags(section.map("run_tags")?.cloned().unwrap_or_default())
        .with_use_threads(section.plain_boolean("use_threads")?.unwrap_or(false))
        .with_num_workers(section.plain_integer("num_workers")?))
}
