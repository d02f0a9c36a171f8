//! Settings that environment variables say.

use std::path::Path;

use instance_config::load_settings;
use instance_core::settings::{BatchedEvents, InstanceSettings};

use crate::support::Variables;

fn with(name: &'static str, value: &'static str) -> Result<InstanceSettings, String> {
    let variables = Variables(Box::leak(Box::new([(name, value)])));
    load_settings(Path::new("/no/such/home"), &variables).map_err(|error| error.to_string())
}

#[test]
fn the_freshness_of_assets() {
    for (text, expected) in
        [("", true), ("true", true), ("0", true), ("false", false), ("FALSE", false)]
    {
        let settings = with("DAGSTER_ASSET_FRESHNESS_ENABLED", text).unwrap();
        assert_eq!(settings.asset_freshness_enabled, expected, "{text:?}");
    }
    assert!(with("OTHER", "").unwrap().asset_freshness_enabled);
}

#[test]
fn the_old_policies_of_freshness() {
    for (text, expected) in [("1", true), ("True", true), ("yes", false), ("", false)] {
        let settings = with("DAGSTER_LEGACY_FRESHNESS_POLICY_KILLSWITCH", text).unwrap();
        assert_eq!(settings.legacy_freshness_policy_killswitch_enabled, expected, "{text:?}");
    }
}

#[test]
fn numbers() {
    let batching = |text| with("DAGSTER_EVENT_BATCH_SIZE", text).unwrap().event_batching;
    assert_eq!((batching("50").of, batching("50").size), (BatchedEvents::OfBatches, 50));
    assert_eq!((batching("-1").of, batching("-1").size), (BatchedEvents::None, 0));
    assert_eq!(batching(""), with("OTHER", "").unwrap().event_batching);
    let limit = "DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT";
    let found = with(limit, "100").unwrap().default_graphql_run_records_limit;
    assert_eq!(found, Ok(Some(100)));
    let tolerance = "DAGSTER_DAEMON_HEARTBEAT_TOLERANCE";
    let found = with(tolerance, " 60 ").unwrap().daemon_heartbeat_tolerance_seconds;
    assert_eq!(found, Ok(60));
    assert_eq!(with(tolerance, "").unwrap().daemon_heartbeat_tolerance_seconds, Ok(1_800));
    let allotted = "DAGSTER_OP_CONCURRENCY_KEYS_ALLOTTED_FOR_STARTED_RUN_SECONDS";
    let found = |text| with(allotted, text).unwrap().started_run_pools_allotted_seconds;
    assert_eq!((found("7"), found("0")), (Ok(7), Ok(0)));
    assert_eq!(with("OTHER", "").unwrap().started_run_pools_allotted_seconds, Ok(5));
    assert!(found("").is_err() && found("soon").unwrap_err().to_string().contains(allotted));
    // What nobody may need is an error of who needs it.
    let errors = [
        with("DAGSTER_EVENT_BATCH_SIZE", "many").unwrap_err(),
        with(limit, "many").unwrap().default_graphql_run_records_limit.unwrap_err().to_string(),
        with(tolerance, "many")
            .unwrap()
            .daemon_heartbeat_tolerance_seconds
            .unwrap_err()
            .to_string(),
    ];
    for (error, name) in errors.iter().zip(["DAGSTER_EVENT_BATCH_SIZE", limit, tolerance]) {
        assert!(error.contains(name) && error.contains("many"), "{error}");
    }
    assert!(with(limit, "").unwrap().default_graphql_run_records_limit.is_err());
}
