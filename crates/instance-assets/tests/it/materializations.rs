//! The last materialisations of assets.

use instance_assets::{
    DataVersionQuery, get_latest_data_version_record, get_latest_materialization_code_versions,
    get_latest_materialization_event, get_latest_materialization_events,
    get_latest_planned_materialization_info, wipe_assets,
};
use instance_core::event::EventLogRecord;
use instance_core::ids::{RunId, StorageId};
use instance_core::testing::instance::TestInstance;

use crate::samples::{TestResult, key, materialize, materialize_with, observe, plan};

#[tokio::test]
async fn the_last_event_counts_and_each_key_is_in_the_answer() -> TestResult {
    let instance = TestInstance::default();
    materialize(&instance, "r1", "a", Some("p")).await;
    materialize(&instance, "r2", "a", None).await;
    materialize(&instance, "r1", "b", None).await;
    plan(&instance, "r3", "c", None).await;
    let last = get_latest_materialization_event(&instance, &key("a")).await?;
    assert_eq!(last.unwrap().run_id, RunId::from("r2"));
    assert_eq!(get_latest_materialization_event(&instance, &key("none")).await?, None);

    let asked = ["none", "c", "a", "b", "a"].map(key);
    let found = get_latest_materialization_events(&instance, &asked).await?;
    let runs: Vec<_> = found
        .iter()
        .map(|(key, event)| (key.to_string(), event.as_ref().map(|event| event.run_id.to_string())))
        .collect();
    let of = |name: &str, run: Option<&str>| (name.to_owned(), run.map(str::to_owned));
    let expected = [of("a", Some("r2")), of("b", Some("r1")), of("c", None), of("none", None)];
    assert_eq!(runs, expected);
    assert!(get_latest_materialization_events(&instance, &[]).await?.is_empty());

    wipe_assets(&instance, &[key("a")]).await?;
    assert_eq!(get_latest_materialization_event(&instance, &key("a")).await?, None);
    Ok(())
}

#[tokio::test]
async fn versions_of_code_are_those_of_the_last_materialisations() -> TestResult {
    const VERSION: &str = "dagster/code_version";
    let instance = TestInstance::default();
    materialize_with(&instance, "r1", "a", None, &[(VERSION, "1")]).await;
    materialize_with(&instance, "r2", "a", None, &[(VERSION, "2"), ("x", "y")]).await;
    materialize_with(&instance, "r2", "b", None, &[("x", "y")]).await;
    let asked = ["a", "b", "none"].map(key);
    let found = get_latest_materialization_code_versions(&instance, &asked).await?;
    let versions: Vec<_> = asked.iter().map(|key| found[key].as_deref()).collect();
    assert_eq!(versions, [Some("2"), None, None]);
    assert_eq!(found.len(), 3);
    Ok(())
}

#[tokio::test]
async fn the_data_version_of_a_source_is_observed() -> TestResult {
    let instance = TestInstance::default();
    let made = materialize(&instance, "r1", "a", Some("p")).await;
    let made_later = materialize(&instance, "r1", "a", Some("q")).await;
    let seen = observe(&instance, "r1", "a", Some("p")).await;
    let seen_alone = observe(&instance, "r1", "source", None).await;
    let found = async |query: DataVersionQuery| {
        let record = get_latest_data_version_record(&instance, &query).await.unwrap();
        record.map(|record: EventLogRecord| record.storage_id)
    };
    let query = || DataVersionQuery::new(key("a"));
    assert_eq!(found(query()).await, Some(made_later));
    assert_eq!(found(query().with_is_source(false)).await, Some(made_later));
    assert_eq!(found(query().with_is_source(true)).await, Some(seen));
    assert_eq!(found(query().with_partition_key("p".to_owned())).await, Some(made));
    assert_eq!(found(query().with_partition_key(String::new())).await, Some(made_later));
    assert_eq!(found(query().with_partition_key("none".to_owned())).await, None);
    assert_eq!(found(query().with_before_cursor(made_later)).await, Some(made));
    assert_eq!(found(query().with_after_cursor(made_later)).await, Some(seen));
    assert_eq!(found(query().with_after_cursor(StorageId(i64::MAX))).await, None);

    let source = DataVersionQuery::new(key("source"));
    assert_eq!(found(source.clone()).await, Some(seen_alone));
    assert_eq!(found(source.with_is_source(false)).await, None);
    assert_eq!(found(DataVersionQuery::new(key("none"))).await, None);
    Ok(())
}

#[tokio::test]
async fn the_last_plan_is_found_for_the_asset_and_for_a_partition() -> TestResult {
    let instance = TestInstance::default();
    let first = plan(&instance, "r1", "a", Some("p")).await;
    let last = plan(&instance, "r2", "a", Some("q")).await;
    let found = async |partition| {
        get_latest_planned_materialization_info(&instance, &key("a"), partition).await
    };
    let info = found(None).await?.unwrap();
    assert_eq!((info.storage_id, info.run_id), (last, "r2".into()));
    assert_eq!(found(Some("p")).await?.unwrap().storage_id, first);
    assert_eq!(found(Some("none")).await?, None);
    let none = get_latest_planned_materialization_info(&instance, &key("none"), None).await?;
    assert_eq!(none, None);
    Ok(())
}
