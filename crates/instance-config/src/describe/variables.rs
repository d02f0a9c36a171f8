//! Settings that environment variables of Dagster's own say.

use instance_core::config_problems::ConfigProblems;
use instance_core::python;
use instance_core::settings::{BatchedEvents, InstanceSettings};
use serde_json::Value;

use super::walk::Walker;
use super::{DescribedSetting, SettingOrigin};

/// Tells them. Their names are their keys.
pub(super) fn describe(walker: &mut Walker<'_>, settings: &InstanceSettings) {
    let reason = |problems: &ConfigProblems| {
        problems.problems.first().map(|problem| problem.reason.clone()).unwrap_or_default()
    };
    let number = |name: &str| number_of(walker, name);
    let batch = match &settings.event_batching {
        batching if batching.of == BatchedEvents::None => {
            number("DAGSTER_EVENT_BATCH_SIZE").map(|_| 0)
        }
        batching => Ok(i64::try_from(batching.size).unwrap_or(i64::MAX)),
    };
    let pool_limit = number("DAGSTER_MAX_GLOBAL_OP_CONCURRENCY_LIMIT");
    let pool_limit = pool_limit.map(|limit| limit.unwrap_or(1000));
    let limit = settings.default_graphql_run_records_limit.as_ref();
    let tolerance = settings.daemon_heartbeat_tolerance_seconds.as_ref();
    let allotted = settings.started_run_pools_allotted_seconds.as_ref();
    for (name, value, default) in [
        ("DAGSTER_EVENT_BATCH_SIZE", batch.map(Value::from), Value::from(0)),
        (
            "DAGSTER_ASSET_FRESHNESS_ENABLED",
            Ok(settings.asset_freshness_enabled.into()),
            true.into(),
        ),
        (
            "DAGSTER_LEGACY_FRESHNESS_POLICY_KILLSWITCH",
            Ok(settings.legacy_freshness_policy_killswitch_enabled.into()),
            false.into(),
        ),
        (
            "DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT",
            limit.map(|limit| Value::from(*limit)).map_err(reason),
            Value::Null,
        ),
        (
            "DAGSTER_DAEMON_HEARTBEAT_TOLERANCE",
            tolerance.map(|seconds| Value::from(*seconds)).map_err(reason),
            Value::from(1800),
        ),
        (
            "DAGSTER_OP_CONCURRENCY_KEYS_ALLOTTED_FOR_STARTED_RUN_SECONDS",
            allotted.map(|seconds| Value::from(*seconds)).map_err(reason),
            Value::from(5),
        ),
        ("DAGSTER_MAX_GLOBAL_OP_CONCURRENCY_LIMIT", pool_limit.map(Value::from), Value::from(1000)),
    ] {
        let is_set = walker.environment.get_os(name).is_some();
        let origin = if is_set {
            SettingOrigin::Variable { name: name.to_owned(), reference: None }
        } else {
            SettingOrigin::Default
        };
        let (value, unusable) = match value {
            Ok(value) => (value, None),
            Err(reason) => (Value::Null, Some(reason)),
        };
        let key = name.to_owned();
        walker.add(DescribedSetting { key, value, default, origin, is_masked: false, unusable });
    }
}

/// The number that a variable holds; `None` if it is not set or empty.
fn number_of(walker: &Walker<'_>, name: &str) -> Result<Option<i64>, String> {
    match walker.environment.get(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => python::integer(&text)
            .map(Some)
            .ok_or_else(|| "it holds no whole number; set it to one, or unset it".to_owned()),
    }
}
