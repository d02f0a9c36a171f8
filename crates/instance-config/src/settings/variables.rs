//! Settings that no file says, but environment variables.

use instance_core::error::InstanceError;
use instance_core::settings::{EventBatching, InstanceSettings};

use crate::environment::Environment;
use crate::schema::source;

/// The settings with what environment variables say.
pub(super) fn with_variables(
    settings: InstanceSettings,
    environment: &dyn Environment,
) -> Result<InstanceSettings, InstanceError> {
    let variables = Variables(environment);
    // For Dagster, a number below zero means that no event waits, too.
    let batch = variables.integer("DAGSTER_EVENT_BATCH_SIZE")?;
    let batching = batch.map(|size| EventBatching::of_size(usize::try_from(size).unwrap_or(0)));
    let freshness = variables.text("DAGSTER_ASSET_FRESHNESS_ENABLED");
    let killswitch = variables.text("DAGSTER_LEGACY_FRESHNESS_POLICY_KILLSWITCH");
    let limit = variables.integer("DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT")?;
    let tolerance = variables.integer("DAGSTER_DAEMON_HEARTBEAT_TOLERANCE")?;
    let tolerance = tolerance.unwrap_or(settings.daemon_heartbeat_tolerance_seconds);
    Ok(settings
        .with_event_batching(batching.unwrap_or_default())
        .with_asset_freshness_enabled(freshness.is_none_or(|text| text != "false"))
        .with_legacy_freshness_policy_killswitch_enabled(
            killswitch.is_some_and(|text| matches!(&*text, "1" | "true")),
        )
        .with_default_graphql_run_records_limit(limit)
        .with_daemon_heartbeat_tolerance_seconds(tolerance))
}

struct Variables<'a>(&'a dyn Environment);

impl Variables<'_> {
    /// The value in small letters.
    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|text| text.to_lowercase())
    }

    /// The whole number that a variable holds; `None` if it is not set, or empty.
    fn integer(&self, name: &str) -> Result<Option<i64>, InstanceError> {
        let Some(text) = self.0.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = source::python_integer(&text);
        number.map(Some).ok_or_else(|| InstanceError::Config {
            place: format!("environment variable {name}"),
            reason: format!("{text:?} is no number; set it to one, such as 50, or unset it"),
            source: None,
        })
    }
}
