//! What is known of assets.

use std::error::Error;

use instance_assets::{
    all_asset_keys, get_asset_records, has_asset_key, report_runless_asset_event,
};
use instance_core::AssetKey;
use instance_core::assets::AssetRecord;
use instance_core::event::{AssetMaterialization, EventLogRecord};
use instance_core::storage::Only;
use instance_core::testing::instance::TestInstance;

type TestResult = Result<(), Box<dyn Error>>;

fn key(name: &str) -> AssetKey {
    AssetKey::new(["demo", name])
}

/// An instance in which these assets were materialised, in this order.
async fn with_assets(names: &[&str]) -> Result<TestInstance, Box<dyn Error>> {
    let instance = TestInstance::default();
    for name in names {
        report_runless_asset_event(&instance, AssetMaterialization::new(key(name), None)).await?;
    }
    Ok(instance)
}

fn keys(records: &[AssetRecord]) -> Vec<AssetKey> {
    records.iter().map(|record| record.asset_entry.asset_key.clone()).collect()
}

#[tokio::test]
async fn nothing_is_known_before_anything_has_happened() -> TestResult {
    let instance = TestInstance::default();
    assert!(!has_asset_key(&instance, &key("a")).await?);
    assert_eq!(all_asset_keys(&instance).await?, []);
    assert_eq!(get_asset_records(&instance, &Only::Any).await?, []);
    assert_eq!(get_asset_records(&instance, &Only::these([key("a")])).await?, []);
    Ok(())
}

#[tokio::test]
async fn all_assets_come_by_key_and_asked_ones_without_those_that_are_not_known() -> TestResult {
    let instance = with_assets(&["b", "c", "a"]).await?;
    assert_eq!(all_asset_keys(&instance).await?, [key("a"), key("b"), key("c")]);
    let all = get_asset_records(&instance, &Only::Any).await?;
    assert_eq!(keys(&all), [key("a"), key("b"), key("c")]);

    let asked =
        get_asset_records(&instance, &Only::these([key("c"), key("none"), key("a")])).await?;
    assert_eq!(keys(&asked), [key("a"), key("c")]);
    assert_eq!(
        get_asset_records(&instance, &Only::These(Vec::new())).await?,
        [],
        "no keys are not all keys"
    );

    assert!(has_asset_key(&instance, &key("b")).await?);
    assert!(!has_asset_key(&instance, &AssetKey::new(["demo"])).await?, "a prefix is no asset");
    Ok(())
}

#[tokio::test]
async fn a_record_has_the_last_materialisation() -> TestResult {
    let instance = with_assets(&["a"]).await?;
    let first = get_asset_records(&instance, &Only::Any).await?.remove(0);
    let again = AssetMaterialization::new(key("a"), Some("2026-01-01".to_owned()));
    report_runless_asset_event(&instance, again).await?;
    let second = get_asset_records(&instance, &Only::Any).await?.remove(0);
    let last = |record: AssetRecord| record.asset_entry.last_materialization_record.unwrap();
    let (first, second): (EventLogRecord, EventLogRecord) = (last(first), last(second));
    assert!(first.storage_id < second.storage_id);
    let partition = |record: &EventLogRecord| {
        let event = record.event_log_entry.dagster_event.as_deref();
        event.and_then(|event| event.partition()).map(str::to_owned)
    };
    assert_eq!((partition(&first), partition(&second)), (None, Some("2026-01-01".to_owned())));
    Ok(())
}
