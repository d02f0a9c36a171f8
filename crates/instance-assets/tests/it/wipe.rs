//! Wiping assets and partitions of them.

use std::collections::BTreeMap;

use instance_assets::{
    all_asset_keys, get_asset_records, get_event_tags_for_asset,
    get_latest_asset_check_evaluation_record, get_materialized_partitions, has_asset_key,
    report_runless_asset_event, update_asset_cached_status_data, wipe_asset_cached_status,
    wipe_asset_partitions, wipe_assets,
};
use instance_core::AssetCheckKey;
use instance_core::assets::{AssetRecord, AssetStatusCacheValue};
use instance_core::event::{DagsterEventType, EventLogEntry, EventSpecificData};
use instance_core::ids::RunId;
use instance_core::serdes::UnknownFields;
use instance_core::storage::Only;
use instance_core::testing::instance::TestInstance;

use crate::samples::{TestResult, evaluation, key, materialize, materialize_with, plan, texts};

fn status() -> AssetStatusCacheValue {
    AssetStatusCacheValue {
        earliest_in_progress_materialization_event_id: None,
        latest_storage_id: 7,
        partitions_def_id: None,
        serialized_failed_partition_subset: None,
        serialized_in_progress_partition_subset: None,
        serialized_materialized_partition_subset: None,
        unknown: UnknownFields::default(),
    }
}

/// What the events without a run say was wiped.
async fn reported(instance: &TestInstance) -> Vec<(String, Option<Vec<String>>)> {
    let wiped = |entry: EventLogEntry| {
        let event = entry.dagster_event?;
        if event.event_type() != Some(DagsterEventType::AssetWiped) {
            return None;
        }
        assert_eq!((event.job_name.as_str(), entry.run_id), ("", RunId::runless()));
        match *event.event_specific_data? {
            EventSpecificData::AssetWiped(data) => {
                Some((data.asset_key.to_string(), data.partition_keys))
            }
            _ => None,
        }
    };
    instance.entries(&RunId::runless()).await.into_iter().filter_map(wiped).collect()
}

async fn record(instance: &TestInstance, name: &str) -> AssetRecord {
    get_asset_records(instance, &Only::one(key(name))).await.unwrap().remove(0)
}

#[tokio::test]
async fn wiped_assets_are_gone_and_an_event_says_so_of_each() -> TestResult {
    let instance = TestInstance::default();
    for name in ["a", "b", "c"] {
        materialize(&instance, "r1", name, Some("p")).await;
    }
    report_runless_asset_event(&instance, evaluation("a", None)).await?;
    wipe_assets(&instance, &["c", "a", "c", "none"].map(key)).await?;
    assert_eq!(all_asset_keys(&instance).await?, [key("b")]);
    assert!(!has_asset_key(&instance, &key("a")).await?);
    let check = AssetCheckKey::new(key("a"), "full");
    assert_eq!(get_latest_asset_check_evaluation_record(&instance, &check).await?, None);
    let expected = ["c", "a", "c", "none"].map(|name| (name.to_owned(), None));
    assert_eq!(reported(&instance).await, expected);
    assert_eq!(instance.entries(&"r1".into()).await.len(), 3, "the log of the run stays");

    materialize(&instance, "r2", "a", Some("q")).await;
    let found = get_materialized_partitions(&instance, &key("a"), None, None).await?;
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["q"], "what was wiped does not come back");
    Ok(())
}

#[tokio::test]
async fn wiping_nothing_changes_nothing() -> TestResult {
    let instance = TestInstance::default();
    materialize(&instance, "r1", "a", Some("p")).await;
    update_asset_cached_status_data(&instance, &key("a"), &status()).await?;
    let before = record(&instance, "a").await;
    wipe_assets(&instance, &[]).await?;
    wipe_asset_cached_status(&instance, &[]).await?;
    wipe_asset_cached_status(&instance, &[key("none")]).await?;
    let long = "x".repeat(2 << 20);
    for (name, partitions) in [
        ("a", texts(&[])),
        ("a", texts(&["q", "", "P"])),
        ("a", vec![long]),
        ("none", texts(&["p"])),
    ] {
        let wiped = wipe_asset_partitions(&instance, &key(name), &partitions).await?;
        assert!(wiped.is_nothing(), "{name}");
    }
    update_asset_cached_status_data(&instance, &key("none"), &status()).await?;
    assert_eq!(record(&instance, "a").await, before);
    assert_eq!(all_asset_keys(&instance).await?, [key("a")]);
    assert!(reported(&instance).await.is_empty());
    Ok(())
}

#[tokio::test]
async fn wiped_partitions_are_named_nowhere_and_an_event_says_so() -> TestResult {
    let instance = TestInstance::default();
    let day = [("dagster/partition/day", "1")];
    materialize_with(&instance, "r1", "a", Some("p"), &day).await;
    plan(&instance, "r2", "a", Some("q")).await;
    materialize(&instance, "r2", "a", Some("q")).await;
    plan(&instance, "r3", "a", Some("p")).await;
    materialize_with(&instance, "r3", "a", Some("p"), &day).await;
    materialize(&instance, "r3", "b", Some("p")).await;
    for partition in [None, Some("p"), Some("q")] {
        report_runless_asset_event(&instance, evaluation("a", partition)).await?;
    }
    update_asset_cached_status_data(&instance, &key("a"), &status()).await?;
    update_asset_cached_status_data(&instance, &key("b"), &status()).await?;

    let wiped = wipe_asset_partitions(&instance, &key("a"), &texts(&["p", "none"])).await?;
    assert_eq!((wiped.events, wiped.check_executions), (3, 1));
    let expected = [("a".to_owned(), Some(texts(&["p", "none"])))];
    assert_eq!(reported(&instance).await, expected);

    let found = get_materialized_partitions(&instance, &key("a"), None, None).await?;
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["q"]);
    let entry = record(&instance, "a").await.asset_entry;
    let last = entry.last_materialization_record.unwrap().event_log_entry;
    assert_eq!((last.run_id, entry.last_run_id), ("r2".into(), Some("r2".into())));
    assert_eq!(entry.cached_status, None);
    let tags = get_event_tags_for_asset(&instance, &key("a"), &BTreeMap::default(), None).await?;
    assert!(tags.is_empty());
    let check = AssetCheckKey::new(key("a"), "full");
    let last = get_latest_asset_check_evaluation_record(&instance, &check).await?.unwrap();
    assert_eq!(last.partition.as_deref(), Some("q"));
    assert_eq!(record(&instance, "b").await.asset_entry.cached_status, Some(status()));
    assert_eq!(instance.entries(&"r3".into()).await.len(), 3, "the log of the run stays");

    let again = wipe_asset_partitions(&instance, &key("a"), &texts(&["p"])).await?;
    assert!(again.is_nothing());
    assert_eq!(reported(&instance).await.len(), 1);
    assert!(has_asset_key(&instance, &key("a")).await?);
    Ok(())
}

#[tokio::test]
async fn the_cached_status_is_stored_and_deleted() -> TestResult {
    let instance = TestInstance::default();
    for name in ["a", "b", "c"] {
        materialize(&instance, "r1", name, None).await;
        update_asset_cached_status_data(&instance, &key(name), &status()).await?;
    }
    wipe_asset_cached_status(&instance, &["a", "c"].map(key)).await?;
    for (name, expected) in [("a", None), ("b", Some(status())), ("c", None)] {
        assert_eq!(record(&instance, name).await.asset_entry.cached_status, expected, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn ten_thousand_assets_are_wiped_at_once() -> TestResult {
    let instance = TestInstance::default();
    let keys: Vec<_> = (0..10_000).map(|number| key(&format!("asset_{number}"))).collect();
    materialize(&instance, "r1", "asset_9999", None).await;
    wipe_assets(&instance, &keys).await?;
    assert!(all_asset_keys(&instance).await?.is_empty());
    assert_eq!(reported(&instance).await.len(), keys.len());
    Ok(())
}
