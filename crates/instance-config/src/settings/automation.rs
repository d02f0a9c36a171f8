//! The section `auto_materialize`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::AutoMaterializeSettings;
use serde_json::Value;

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
    let is_variable = |key| section.value(key).is_some_and(Value::is_object);
    for (key, value) in [
        ("enabled", &mut settings.enabled),
        (
            "respect_materialization_data_versions",
            &mut settings.respect_materialization_data_versions,
        ),
        ("use_sensors", &mut settings.use_sensors),
    ] {
        // Dagster looks up no variable here, and a mapping is true.
        let given = if is_variable(key) { Some(true) } else { section.plain_boolean(key)? };
        *value = given.unwrap_or(*value);
    }
    let number = |key| if is_variable(key) { Ok(None) } else { section.plain_integer(key) };
    if let Some(retries) = number("max_tick_retries")? {
        settings.max_tick_retries = retries;
    }
    Ok(settings
        .with_minimum_interval_seconds(number("minimum_interval_seconds")?)
        .with_run_tags(section.map("run_tags")?.cloned().unwrap_or_default())
        .with_use_threads(section.plain_boolean("use_threads")?.unwrap_or(false))
        .with_num_workers(section.plain_integer("num_workers")?))
}
