//! Settings that no file says, but environment variables.

use instance_core::config_problems::{ConfigProblem, ConfigProblems};
use instance_core::python;
use instance_core::settings::{EventBatching, InstanceSettings};

use crate::environment::Environment;
use crate::fields::when_used;

/// Which events wait in a batch.
pub(super) fn event_batching(
    environment: &dyn Environment,
) -> Result<EventBatching, ConfigProblems> {
    let batch = Variables(environment).number("DAGSTER_EVENT_BATCH_SIZE")?;
    // For Dagster, a number below zero means that no event waits, too.
    let batching = batch.map(|size| EventBatching::of_size(usize::try_from(size).unwrap_or(0)));
    Ok(batching.unwrap_or_default())
}

/// The settings with what environment variables say, whose mistakes matter only to those who need them.
pub(super) fn with_variables(
    settings: InstanceSettings,
    environment: &dyn Environment,
) -> InstanceSettings {
    let variables = Variables(environment);
    let freshness = variables.text("DAGSTER_ASSET_FRESHNESS_ENABLED");
    let killswitch = variables.text("DAGSTER_LEGACY_FRESHNESS_POLICY_KILLSWITCH");
    let limit = variables.number_if_set("DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT");
    let tolerance = variables.number("DAGSTER_DAEMON_HEARTBEAT_TOLERANCE");
    let tolerance = match tolerance {
        Ok(None) => settings.daemon_heartbeat_tolerance_seconds.clone(),
        Ok(Some(seconds)) => Ok(seconds),
        Err(problems) => Err(when_used(problems)),
    };
    let allotted =
        variables.number_if_set("DAGSTER_OP_CONCURRENCY_KEYS_ALLOTTED_FOR_STARTED_RUN_SECONDS");
    let allotted = match allotted {
        Ok(None) => settings.started_run_pools_allotted_seconds.clone(),
        Ok(Some(seconds)) => Ok(seconds),
        Err(problems) => Err(when_used(problems)),
    };
    settings
        .with_asset_freshness_enabled(freshness.is_none_or(|text| text != "false"))
        .with_legacy_freshness_policy_killswitch_enabled(
            killswitch.is_some_and(|text| matches!(&*text, "1" | "true")),
        )
        .with_default_graphql_run_records_limit(limit.map_err(when_used))
        .with_daemon_heartbeat_tolerance_seconds(tolerance)
        .with_started_run_pools_allotted_seconds(allotted)
}

struct Variables<'a>(&'a dyn Environment);

impl Variables<'_> {
    /// The value in small letters.
    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|text| text.to_lowercase())
    }

    /// The whole number that a variable holds; `None` if it is not set, or empty.
    fn number(&self, name: &str) -> Result<Option<i64>, ConfigProblems> {
        if self.0.get(name).is_some_and(|text| text.is_empty()) {
            return Ok(None);
        }
        self.number_if_set(name)
    }

    /// The whole number that a variable holds; `None` if it is not set.
    fn number_if_set(&self, name: &str) -> Result<Option<i64>, ConfigProblems> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        let number = python::integer(&text);
        number.map(Some).ok_or_else(|| {
            let reason = format!("{text:?} is no number; set it to one, such as 50, or unset it");
            let place = format!("environment variable {name}");
            ConfigProblems::new(place, vec![ConfigProblem::new(reason)])
        })
    }
}
