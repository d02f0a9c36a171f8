//! Reporting what happened to assets outside of any run.

use std::error::Error;

use instance_assets::{RunlessAssetEvent, has_asset_key, report_runless_asset_event};
use instance_core::assets::AssetCheckEvaluation;
use instance_core::event::{
    AssetMaterialization, AssetObservation, EventLogEntry, FreshnessStateChange,
    FreshnessStateEvaluation, LogLevel,
};
use instance_core::ids::RunId;
use instance_core::ops::AssetStoreAccess;
use instance_core::serdes::{deserialize_value, serialize_value};
use instance_core::testing::instance::TestInstance;
use instance_core::{AssetCheckKey, AssetKey};

type TestResult = Result<(), Box<dyn Error>>;

const MATERIALIZATION: &str = r#"{"__class__": "AssetMaterialization", "asset_key": {"__class__": "AssetKey", "path": ["a"]}, "description": null, "metadata_entries": [], "partition": "p", "tags": {}}"#;
const OBSERVATION: &str = r#"{"__class__": "AssetObservation", "asset_key": {"__class__": "AssetKey", "path": ["a"]}, "description": "seen", "metadata_entries": [], "partition": null, "tags": {}}"#;
const CHECK: &str = r#"{"__class__": "AssetCheckEvaluation", "asset_key": {"__class__": "AssetKey", "path": ["a"]}, "blocking": false, "check_name": "full", "description": null, "metadata": {}, "partition": null, "severity": {"__enum__": "AssetCheckSeverity.WARN"}, "success": true, "target_materialization_data": null}"#;
const FRESHNESS: &str = r#"{"__class__": "FreshnessStateEvaluation", "freshness_state": {"__enum__": "FreshnessState.PASS"}, "key": {"__class__": "AssetKey", "path": ["a"]}}"#;
const FRESHNESS_CHANGE: &str = r#"{"__class__": "FreshnessStateChange", "key": {"__class__": "AssetKey", "path": ["a"]}, "new_state": {"__enum__": "FreshnessState.FAIL"}, "previous_state": {"__enum__": "FreshnessState.PASS"}, "state_change_timestamp": 1700000000.5}"#;

fn key() -> AssetKey {
    AssetKey::new(["a"])
}

/// Reports an event to a fresh instance; returns the instance and the entry that was stored.
async fn report(
    event: impl Into<RunlessAssetEvent> + Send,
) -> Result<(TestInstance, EventLogEntry), Box<dyn Error>> {
    let instance = TestInstance::default();
    report_runless_asset_event(&instance, event).await?;
    let mut entries = instance.entries(&RunId::runless()).await;
    assert_eq!(entries.len(), 1);
    Ok((instance, entries.remove(0)))
}

/// Checks what every entry of no run is, and that its event is of a type and has the reported text among its data.
fn check(entry: &EventLogEntry, event_type: &str, text: &str) {
    let event = entry.dagster_event.as_deref().unwrap();
    assert_eq!(event.event_type_value, event_type);
    assert_eq!((event.job_name.as_str(), event.step_key.as_deref()), ("", None));
    assert_eq!((&entry.run_id, entry.level), (&RunId::runless(), LogLevel::INFO));
    let now = entry.timestamp.to_string();
    assert_eq!(now, "1700000000.25", "the time is that of the clock");
    let body = serialize_value(entry);
    assert!(body.contains(text), "{event_type}: {body}");
}

#[tokio::test]
async fn a_materialisation_is_stored_and_its_asset_is_known() -> TestResult {
    let event: AssetMaterialization = deserialize_value(MATERIALIZATION)?;
    let (instance, entry) = report(event).await?;
    check(&entry, "ASSET_MATERIALIZATION", MATERIALIZATION);
    assert!(serialize_value(&entry).contains(r#""__class__": "StepMaterializationData""#));
    assert!(has_asset_key(&instance, &key()).await?);
    let record = instance
        .asset_store()
        .get_asset_records(&instance_core::storage::Only::Any)
        .await?
        .remove(0);
    assert_eq!(record.asset_entry.last_materialization_record.unwrap().event_log_entry, entry);
    Ok(())
}

#[tokio::test]
async fn an_observation_is_stored_and_materialises_nothing() -> TestResult {
    let event: AssetObservation = deserialize_value(OBSERVATION)?;
    let (instance, entry) = report(event).await?;
    check(&entry, "ASSET_OBSERVATION", OBSERVATION);
    assert!(has_asset_key(&instance, &key()).await?);
    let record = instance
        .asset_store()
        .get_asset_records(&instance_core::storage::Only::Any)
        .await?
        .remove(0);
    assert_eq!(record.asset_entry.last_materialization_record, None);
    Ok(())
}

#[tokio::test]
async fn an_evaluation_of_a_check_is_the_last_of_its_check() -> TestResult {
    let event: AssetCheckEvaluation = deserialize_value(CHECK)?;
    let (instance, entry) = report(event).await?;
    check(&entry, "ASSET_CHECK_EVALUATION", CHECK);
    let check_key = AssetCheckKey::new(key(), "full");
    let summary = instance.stores.event_log_storage;
    let summary = summary.get_asset_check_summary_records(&[check_key]).await?.remove(0);
    assert_eq!(summary.last_check_execution_record.unwrap().event, Some(entry));
    Ok(())
}

#[tokio::test]
async fn an_evaluation_of_freshness_is_stored() -> TestResult {
    let event: FreshnessStateEvaluation = deserialize_value(FRESHNESS)?;
    let (_, entry) = report(event).await?;
    check(&entry, "FRESHNESS_STATE_EVALUATION", FRESHNESS);
    Ok(())
}

#[tokio::test]
async fn a_change_of_freshness_is_found_by_its_asset() -> TestResult {
    let event: FreshnessStateChange = deserialize_value(FRESHNESS_CHANGE)?;
    let state = event.new_state;
    let (instance, entry) = report(event).await?;
    check(&entry, "FRESHNESS_STATE_CHANGE", FRESHNESS_CHANGE);
    let record = instance.asset_store().get_freshness_state_records(&[key()]).await?.remove(0);
    assert_eq!((record.entity_key, record.freshness_state), (key(), state));
    assert_eq!(record.updated_at.to_rfc3339(), "2023-11-14T22:13:20.500+00:00");
    Ok(())
}

#[tokio::test]
async fn tags_are_those_that_dagster_allows() -> TestResult {
    let longest = "x".repeat(63);
    let too_long = "x".repeat(64);
    let tagged = |name: &str, value: &str| {
        let mut event = AssetMaterialization::new(key(), None);
        event.tags = Some([(name.to_owned(), value.to_owned())].into());
        event
    };
    let instance = TestInstance::default();
    for (name, value) in [
        ("team", "data"),
        ("ns/team", ""),
        (&*longest, &*longest),
        ("dagster/kind/python", "a_b-c.D"),
        ("dagster/data_version", "any text, of any length"),
        ("dagster/code_version", "é"),
        ("dagster/partition/a/b", "x|y"),
        ("dagster/input_data_version/a/b", "x y"),
        ("dagster/reporting_user", "a@b"),
    ] {
        report_runless_asset_event(&instance, tagged(name, value)).await?;
    }
    let stored = instance.entries(&RunId::runless()).await.len();
    for (name, value) in [
        ("", "x"),
        ("a b", "x"),
        ("é", "x"),
        ("a/b/c", "x"),
        ("/a", "x"),
        ("a/", "x"),
        (&*too_long, "x"),
        ("team", "a b"),
        ("team", "é"),
        ("team", &*too_long),
    ] {
        let refused = report_runless_asset_event(&instance, tagged(name, value)).await;
        let error = refused.err().map(|error| (error.kind(), error.to_string()));
        let (kind, text) = error.ok_or_else(|| format!("{name:?}={value:?} was not refused"))?;
        assert_eq!(kind, instance_core::error::ErrorKind::Invalid);
        assert!(text.contains("use letters, digits"), "{text}");
    }
    let mut seen: AssetObservation = deserialize_value(OBSERVATION)?;
    seen.tags = Some([("a b".to_owned(), String::new())].into());
    assert!(report_runless_asset_event(&instance, seen).await.is_err());
    assert_eq!(instance.entries(&RunId::runless()).await.len(), stored, "nothing is stored");
    Ok(())
}
