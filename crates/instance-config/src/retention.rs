//! The section `retention`: how long ticks are kept.

use instance_core::error::InstanceError;
use instance_core::scheduling::{TickRetention, TickRetentionSettings};

use crate::yaml::Section;

/// Under each type of ticks, the number of days, or a number for each status.
const PURGE_AFTER_DAYS: &str = "purge_after_days";

/// Reads for how many days the ticks of each type and status are kept. What is not said is Dagster's default.
pub(crate) fn tick_retention(root: &Section<'_>) -> Result<TickRetentionSettings, InstanceError> {
    let mut settings = TickRetentionSettings::default();
    let Some(section) = root.section("retention")? else {
        return Ok(settings);
    };
    for (key, retention) in [
        ("schedule", &mut settings.schedule),
        ("sensor", &mut settings.sensor),
        ("auto_materialize", &mut settings.auto_materialize),
    ] {
        if let Some(section) = section.section(key)? {
            read(&section, retention)?;
        }
    }
    Ok(settings)
}

fn read(section: &Section<'_>, retention: &mut TickRetention) -> Result<(), InstanceError> {
    if let Some(days) = section.integer_or_section(PURGE_AFTER_DAYS)? {
        // Dagster takes zero for a number that is not said.
        if days != 0 {
            *retention = TickRetention::of_all(days);
        }
        return Ok(());
    }
    let Some(of_statuses) = section.section(PURGE_AFTER_DAYS)? else {
        return Ok(());
    };
    for (key, days) in [
        ("started", &mut retention.started),
        ("skipped", &mut retention.skipped),
        ("success", &mut retention.success),
        ("failure", &mut retention.failure),
    ] {
        if let Some(said) = of_statuses.integer(key)? {
            *days = said;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use instance_core::scheduling::{TickRetention, TickRetentionSettings};
    use serde_json::{Value, json};

    use super::tick_retention;
    use crate::yaml::Section;

    fn read(document: &Value) -> Result<TickRetentionSettings, String> {
        let map = document.as_object().ok_or("no mapping")?;
        tick_retention(&Section::root(Path::new("dagster.yaml"), map))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_the_default() -> Result<(), String> {
        let default = TickRetentionSettings::default();
        assert_eq!((default.schedule.skipped, default.sensor.skipped), (-1, 7));
        for document in [
            json!({}),
            json!({"retention": null}),
            json!({"retention": {"sensor": {}}}),
            json!({"retention": {"sensor": {"purge_after_days": {}}}}),
            json!({"retention": {"sensor": {"purge_after_days": 0}}}),
        ] {
            assert_eq!(read(&document)?, default, "{document}");
        }
        Ok(())
    }

    #[test]
    fn a_number_is_of_all_statuses_and_a_mapping_of_each() -> Result<(), String> {
        let settings = read(&json!({"retention": {
            "schedule": {"purge_after_days": 90},
            "sensor": {"purge_after_days": {"failure": 30, "skipped": -1}},
        }}))?;
        assert_eq!(settings.schedule, TickRetention::of_all(90));
        assert_eq!(settings.sensor, TickRetention { failure: 30, ..TickRetention::of_all(-1) });
        assert_eq!(settings.auto_materialize, TickRetentionSettings::default().auto_materialize);
        Ok(())
    }

    #[test]
    fn other_values_are_errors_that_name_them() {
        for (document, named) in [
            (json!({"retention": {"sensor": {"purge_after_days": []}}}), "sensor.purge_after_days"),
            (
                json!({"retention": {"sensor": {"purge_after_days": "7"}}}),
                "sensor.purge_after_days",
            ),
            (
                json!({"retention": {"sensor": {"purge_after_days": 1.5}}}),
                "sensor.purge_after_days",
            ),
            (
                json!({"retention": {"sensor": {"purge_after_days": {"skipped": true}}}}),
                "purge_after_days.skipped",
            ),
        ] {
            let error = read(&document).expect_err("it is wrong");
            assert!(error.contains(named) && error.contains("number"), "{error}");
        }
    }
}
