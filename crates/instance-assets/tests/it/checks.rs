//! Executions of checks, and freshness.

use instance_assets::{
    get_asset_check_summary_records_for_asset, get_freshness_state_records,
    get_latest_asset_check_evaluation_record, report_runless_asset_event, wipe_assets,
};
use instance_core::AssetCheckKey;
use instance_core::assets::FreshnessState;
use instance_core::event::FreshnessStateChange;
use instance_core::serdes::UnknownFields;
use instance_core::storage::AssetCheckExecutionRecordStatus;
use instance_core::testing::instance::TestInstance;

use crate::samples::{TestResult, evaluation, key};

#[tokio::test]
async fn the_last_execution_of_a_check_is_of_any_partition() -> TestResult {
    let instance = TestInstance::default();
    let check = AssetCheckKey::new(key("a"), "full");
    assert_eq!(get_latest_asset_check_evaluation_record(&instance, &check).await?, None);
    for partition in [None, Some("p")] {
        report_runless_asset_event(&instance, evaluation("a", partition)).await?;
    }
    report_runless_asset_event(&instance, evaluation("b", None)).await?;
    let last = get_latest_asset_check_evaluation_record(&instance, &check).await?.unwrap();
    assert_eq!((&last.key, last.partition.as_deref()), (&check, Some("p")));
    assert_eq!(last.status, AssetCheckExecutionRecordStatus::Succeeded);
    let all = get_asset_check_summary_records_for_asset(&instance, &key("a")).await?;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].asset_check_key, check);
    assert_eq!(all[0].last_completed_check_execution_record.as_ref(), Some(&last));
    assert!(get_asset_check_summary_records_for_asset(&instance, &key("c")).await?.is_empty());
    let other = AssetCheckKey::new(key("a"), "other");
    assert_eq!(get_latest_asset_check_evaluation_record(&instance, &other).await?, None);
    wipe_assets(&instance, &[key("a")]).await?;
    assert_eq!(get_latest_asset_check_evaluation_record(&instance, &check).await?, None);
    Ok(())
}

#[tokio::test]
async fn freshness_is_that_of_the_last_change_of_each_asset() -> TestResult {
    let instance = TestInstance::default();
    let change = |name, new_state, at| FreshnessStateChange {
        key: key(name),
        new_state,
        previous_state: FreshnessState::Unknown,
        state_change_timestamp: at,
        unknown: UnknownFields::default(),
    };
    for (name, state, at) in [
        ("a", FreshnessState::Pass, 5.0),
        ("b", FreshnessState::Warn, 6.0),
        ("a", FreshnessState::Fail, 4.0),
    ] {
        report_runless_asset_event(&instance, change(name, state, at)).await?;
    }
    let found = get_freshness_state_records(&instance, &["a", "b", "none"].map(key)).await?;
    let states: Vec<_> = found.iter().map(|(key, record)| (key, record.freshness_state)).collect();
    assert_eq!(states, [(&key("a"), FreshnessState::Fail), (&key("b"), FreshnessState::Warn)]);
    assert!(get_freshness_state_records(&instance, &[]).await?.is_empty());
    Ok(())
}
