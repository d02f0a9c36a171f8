//! Which partitions of assets were materialised, and how often.

use std::collections::{BTreeMap, BTreeSet};

use instance_assets::{
    get_asset_keys, get_materialization_count_by_partition, get_materialized_partitions,
};
use instance_core::ids::StorageId;
use instance_core::storage::AssetKeysPage;
use instance_core::testing::instance::TestInstance;

use crate::samples::{TestResult, key, materialize, plan, texts};

fn set(keys: &[&str]) -> BTreeSet<String> {
    texts(keys).into_iter().collect()
}

#[tokio::test]
async fn materialised_partitions_are_between_the_cursors() -> TestResult {
    let instance = TestInstance::default();
    let first = materialize(&instance, "r1", "a", Some("p")).await;
    let second = materialize(&instance, "r1", "a", Some("q")).await;
    plan(&instance, "r1", "a", Some("r")).await;
    materialize(&instance, "r1", "a", None).await;
    let found = async |before: Option<StorageId>, after: Option<StorageId>| {
        get_materialized_partitions(&instance, &key("a"), before, after).await.unwrap()
    };
    assert_eq!(found(None, None).await, set(&["p", "q"]));
    assert_eq!(found(Some(second), None).await, set(&["p"]));
    assert_eq!(found(None, Some(first)).await, set(&["q"]));
    assert_eq!(found(Some(first), Some(second)).await, set(&[]));
    let unknown = get_materialized_partitions(&instance, &key("none"), None, None).await?;
    assert_eq!(unknown, set(&[]));
    Ok(())
}

#[tokio::test]
async fn each_asset_that_is_asked_for_has_its_counts() -> TestResult {
    let instance = TestInstance::default();
    for partition in ["p", "q", "p"] {
        materialize(&instance, "r1", "a", Some(partition)).await;
    }
    materialize(&instance, "r1", "whole", None).await;
    let asked = ["a", "whole", "none", "a"].map(key);
    let found = get_materialization_count_by_partition(&instance, &asked).await?;
    let counts = BTreeMap::from([("p".to_owned(), 2), ("q".to_owned(), 1)]);
    let expected = BTreeMap::from([
        (key("a"), counts),
        (key("none"), BTreeMap::new()),
        (key("whole"), BTreeMap::new()),
    ]);
    assert_eq!(found, expected);
    assert!(get_materialization_count_by_partition(&instance, &[]).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn pages_of_keys_follow_one_another() -> TestResult {
    let instance = TestInstance::default();
    for name in ["c", "a", "ab", "b"] {
        materialize(&instance, "r1", name, None).await;
    }
    let page = AssetKeysPage::new().with_limit(3);
    let first = get_asset_keys(&instance, &page).await?;
    assert_eq!(first, ["a", "ab", "b"].map(key));
    let next = page.clone().with_cursor(first[2].to_db_string());
    assert_eq!(get_asset_keys(&instance, &next).await?, [key("c")]);
    let prefix = AssetKeysPage::new().with_prefix(texts(&["a"]));
    assert_eq!(get_asset_keys(&instance, &prefix).await?, [key("a")], "a part is a whole part");
    let none = AssetKeysPage::new().with_prefix(texts(&["z"]));
    assert_eq!(get_asset_keys(&instance, &none).await?, []);
    Ok(())
}
