//! What is asked of an asset that is not known, of no assets, and of a partition with a very long key.

use std::collections::BTreeMap;

use instance_assets::{
    AssetPartitionStatus, DataVersionQuery, all_asset_keys, fetch_failed_materializations,
    fetch_materializations, fetch_observations, fetch_planned_materializations,
    get_asset_check_summary_records_for_asset, get_event_tags_for_asset,
    get_freshness_state_records, get_latest_asset_check_evaluation_record,
    get_latest_data_version_record, get_latest_materialization_code_versions,
    get_latest_materialization_event, get_latest_materialization_events,
    get_latest_planned_materialization_info, get_materialization_count_by_partition,
    get_materialized_partitions, get_status_by_known_partition, get_status_by_partition,
    report_runless_asset_event, wipe_asset_partitions,
};
use instance_core::asset_key::AssetCheckKey;
use instance_core::event::{AssetMaterialization, EventLogConnection};
use instance_core::storage::{AssetRecordsFilter, Only, RecordsPage};
use instance_core::testing::instance::TestInstance;

use crate::samples::{TestResult, evaluation, key, materialize, observe, plan, static_partitions};

/// Everything that an asset can have, of the asset `a`.
async fn with_a() -> TestInstance {
    let instance = TestInstance::default();
    plan(&instance, "r", "a", Some("p")).await;
    materialize(&instance, "r", "a", Some("p")).await;
    observe(&instance, "r", "a", Some("p")).await;
    report_runless_asset_event(&instance, evaluation("a", Some("p"))).await.unwrap();
    instance
}

#[tokio::test]
async fn nothing_is_said_of_an_asset_that_is_not_known() -> TestResult {
    let instance = with_a().await;
    for unknown in ["b", "A", "a\0", &"a".repeat(2 << 20)].map(key) {
        let filter = AssetRecordsFilter::new(unknown.clone());
        let page = RecordsPage::new();
        let is_empty = |found: EventLogConnection| found.records.is_empty() && !found.has_more;
        assert!(is_empty(fetch_materializations(&instance, &filter, page).await?));
        assert!(is_empty(fetch_observations(&instance, &filter, page).await?));
        assert!(is_empty(fetch_planned_materializations(&instance, &filter, page).await?));
        assert!(is_empty(fetch_failed_materializations(&instance, &filter, page).await?));
        assert_eq!(get_latest_materialization_event(&instance, &unknown).await?, None);
        let query = DataVersionQuery::new(unknown.clone());
        assert_eq!(get_latest_data_version_record(&instance, &query).await?, None);
        let planned = get_latest_planned_materialization_info(&instance, &unknown, None).await?;
        assert_eq!(planned, None);
        let check = AssetCheckKey::new(unknown.clone(), "full");
        assert_eq!(get_latest_asset_check_evaluation_record(&instance, &check).await?, None);
        assert_eq!(get_asset_check_summary_records_for_asset(&instance, &unknown).await?, []);
        let no_tags = BTreeMap::new();
        assert!(get_event_tags_for_asset(&instance, &unknown, &no_tags, None).await?.is_empty());
        assert!(get_materialized_partitions(&instance, &unknown, None, None).await?.is_empty());
        assert!(get_status_by_known_partition(&instance, &unknown).await?.is_empty());
        let partitions = static_partitions(&["p"]);
        let keys = ["p".to_owned()];
        assert_eq!(get_status_by_partition(&instance, &unknown, &keys, &partitions).await?, None);
    }
    assert_eq!(all_asset_keys(&instance).await?, [key("a")]);
    Ok(())
}

#[tokio::test]
async fn of_no_assets_nothing_is_said() -> TestResult {
    let instance = with_a().await;
    assert!(get_latest_materialization_events(&instance, &[]).await?.is_empty());
    assert!(get_latest_materialization_code_versions(&instance, &[]).await?.is_empty());
    assert!(get_materialization_count_by_partition(&instance, &[]).await?.is_empty());
    assert!(get_freshness_state_records(&instance, &[]).await?.is_empty());
    Ok(())
}

/// Stores in memory have room for it, as SQLite has.
#[tokio::test]
async fn a_partition_may_have_a_key_of_two_megabytes() -> TestResult {
    let instance = with_a().await;
    let long = "é".repeat(1 << 20);
    let made = AssetMaterialization::new(key("a"), Some(long.clone()));
    report_runless_asset_event(&instance, made).await?;
    let found = get_status_by_known_partition(&instance, &key("a")).await?;
    assert_eq!(found.get(&long), Some(&Some(AssetPartitionStatus::Materialized)));
    let filter = AssetRecordsFilter::new(key("a")).with_asset_partitions(Only::one(long.clone()));
    let page = fetch_materializations(&instance, &filter, RecordsPage::new()).await?;
    assert_eq!(page.records.len(), 1);
    let wiped = wipe_asset_partitions(&instance, &key("a"), std::slice::from_ref(&long)).await?;
    assert_eq!(wiped.events, 1);
    let left = get_materialized_partitions(&instance, &key("a"), None, None).await?;
    assert_eq!(left.into_iter().collect::<Vec<_>>(), ["p"]);
    Ok(())
}
