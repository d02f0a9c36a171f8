//! Pages of the events about an asset, and their tags.

use std::collections::BTreeMap;

use instance_assets::{
    fetch_failed_materializations, fetch_materializations, fetch_observations,
    fetch_planned_materializations, get_event_tags_for_asset, wipe_assets,
};
use instance_core::event::{EventLogConnection, EventLogCursor};
use instance_core::ids::StorageId;
use instance_core::storage::{AssetRecordsFilter, Only, Order, RecordsPage};
use instance_core::testing::instance::TestInstance;

use crate::samples::{TestResult, key, materialize, materialize_with, observe, plan, tags};

fn ids(page: &EventLogConnection) -> Vec<StorageId> {
    page.records.iter().map(|record| record.storage_id).collect()
}

#[tokio::test]
async fn each_kind_of_event_has_pages_of_its_own() -> TestResult {
    let instance = TestInstance::default();
    let planned = plan(&instance, "r1", "a", Some("p")).await;
    let made = materialize(&instance, "r1", "a", Some("p")).await;
    let seen = observe(&instance, "r1", "a", None).await;
    materialize(&instance, "r1", "b", None).await;
    let filter = AssetRecordsFilter::from(key("a"));
    let all = RecordsPage::new();
    assert_eq!(ids(&fetch_materializations(&instance, &filter, all).await?), [made]);
    assert_eq!(ids(&fetch_observations(&instance, &filter, all).await?), [seen]);
    assert_eq!(ids(&fetch_planned_materializations(&instance, &filter, all).await?), [planned]);
    assert_eq!(ids(&fetch_failed_materializations(&instance, &filter, all).await?), []);
    let unknown = AssetRecordsFilter::new(key("none"));
    let page = fetch_materializations(&instance, &unknown, all).await?;
    assert!(page.records.is_empty() && !page.has_more);
    Ok(())
}

#[tokio::test]
async fn pages_follow_one_another_and_filters_hold_on_each() -> TestResult {
    let instance = TestInstance::default();
    let mut made = Vec::new();
    for partition in ["p", "q", "p", "q", "p"] {
        made.push(materialize(&instance, "r1", "a", Some(partition)).await);
    }
    let filter = AssetRecordsFilter::new(key("a")).with_asset_partitions(Only::one("p"));
    let page = RecordsPage::new().with_limit(2);
    let first = fetch_materializations(&instance, &filter, page).await?;
    assert_eq!((ids(&first), first.has_more), (vec![made[4], made[2]], true));
    let EventLogCursor::StorageId(cursor) = first.cursor else {
        return Err("a page of events of an asset ends at a row".into());
    };
    let second = fetch_materializations(&instance, &filter, page.with_cursor(cursor)).await?;
    assert_eq!((ids(&second), second.has_more), (vec![made[0]], false));

    let all = AssetRecordsFilter::new(key("a"));
    let ascending = RecordsPage::new().with_order(Order::Ascending);
    let after = all.clone().with_after_storage_id(made[1]).with_before_storage_id(made[4]);
    let found = fetch_materializations(&instance, &after, ascending).await?;
    assert_eq!(ids(&found), [made[2], made[3]]);
    let by_id = all.clone().with_storage_ids(Only::these([made[3], StorageId(9_999)]));
    assert_eq!(ids(&fetch_materializations(&instance, &by_id, ascending).await?), [made[3]]);
    let nothing = all.clone().with_asset_partitions(Only::These(Vec::new()));
    assert_eq!(ids(&fetch_materializations(&instance, &nothing, ascending).await?), []);
    let time = |id: StorageId| {
        let at = 1_700_000_000 + 1 + id.0 - made[0].0;
        chrono::DateTime::from_timestamp(at, 250_000_000).unwrap()
    };
    let between =
        all.clone().with_after_timestamp(time(made[0])).with_before_timestamp(time(made[2]));
    assert_eq!(ids(&fetch_materializations(&instance, &between, ascending).await?), [made[1]]);

    wipe_assets(&instance, &[key("a")]).await?;
    assert_eq!(ids(&fetch_materializations(&instance, &all, ascending).await?), []);
    Ok(())
}

#[tokio::test]
async fn tags_come_by_event_and_filters_choose_events() -> TestResult {
    const DAY: &str = "dagster/partition/day";
    const VERSION: &str = "dagster/data_version";
    let instance = TestInstance::default();
    materialize_with(&instance, "r1", "a", None, &[(DAY, "1"), (VERSION, "v")]).await;
    let second = materialize_with(&instance, "r1", "a", None, &[(DAY, "2"), ("other", "x")]).await;
    materialize_with(&instance, "r1", "b", None, &[(DAY, "1")]).await;
    let found = async |filter: BTreeMap<String, String>, event| {
        get_event_tags_for_asset(&instance, &key("a"), &filter, event).await.unwrap()
    };
    let both = [tags(&[(DAY, "1"), (VERSION, "v")]), tags(&[(DAY, "2")])];
    assert_eq!(found(BTreeMap::new(), None).await, both);
    assert_eq!(found(tags(&[(DAY, "1")]), None).await, both[..1]);
    assert_eq!(found(BTreeMap::new(), Some(second)).await, both[1..]);
    assert!(found(tags(&[(DAY, "1")]), Some(second)).await.is_empty());
    assert!(found(tags(&[("other", "x")]), None).await.is_empty(), "that tag is not indexed");
    Ok(())
}
