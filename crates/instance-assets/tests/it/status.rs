//! How the partitions of an asset stand, and the cached status that says so.

use std::collections::BTreeMap;

use instance_assets::{
    AssetPartitionStatus, get_and_update_asset_status_cache_value, get_asset_records,
    get_status_by_known_partition, get_status_by_partition, update_asset_cached_status_data,
    wipe_asset_partitions, wipe_assets,
};
use instance_core::assets::AssetStatusCacheValue;
use instance_core::error::{ErrorKind, InstanceError};
use instance_core::event::{DagsterEvent, DagsterEventType};
use instance_core::ids::StorageId;
use instance_core::ops::DynamicPartitionStoreAccess;
use instance_core::partitions::PartitionsSnap;
use instance_core::run::DagsterRunStatus;
use instance_core::serdes::deserialize_value;
use instance_core::storage::Only;
use instance_core::testing::instance::TestInstance;

use crate::samples::{
    TestResult, add_run, key, letters, materialize, plan, static_partitions, texts,
};

const MATERIALIZED: Option<AssetPartitionStatus> = Some(AssetPartitionStatus::Materialized);
const IN_PROGRESS: Option<AssetPartitionStatus> = Some(AssetPartitionStatus::InProgress);
const FAILED: Option<AssetPartitionStatus> = Some(AssetPartitionStatus::Failed);

/// How partitions of the asset `a` stand.
async fn statuses(
    instance: &TestInstance,
    partitions: &PartitionsSnap,
    keys: &[&str],
) -> Vec<Option<AssetPartitionStatus>> {
    let found = get_status_by_partition(instance, &key("a"), &texts(keys), partitions).await;
    let found: BTreeMap<_, _> = found.unwrap().unwrap();
    assert_eq!(found.len(), keys.len());
    keys.iter().map(|key| found[*key]).collect()
}

async fn cached(instance: &TestInstance) -> Option<AssetStatusCacheValue> {
    let records = get_asset_records(instance, &Only::one(key("a"))).await.unwrap();
    records.into_iter().next()?.asset_entry.cached_status
}

async fn end(instance: &TestInstance, run_id: &str, event_type: DagsterEventType) {
    let event = DagsterEvent::new(event_type, "j");
    let at = chrono::DateTime::UNIX_EPOCH;
    let runs = &instance.stores.run_storage;
    runs.handle_run_event(&run_id.into(), &event, at).await.unwrap();
}

#[tokio::test]
async fn an_asset_without_events_has_no_status() -> TestResult {
    let instance = TestInstance::default();
    let found = get_status_by_partition(&instance, &key("a"), &texts(&["a"]), &letters()).await?;
    assert_eq!(found, None);
    assert_eq!(get_and_update_asset_status_cache_value(&instance, &key("a"), None).await?, None);
    Ok(())
}

#[tokio::test]
async fn partitions_stand_as_their_events_and_runs_say() -> TestResult {
    let instance = TestInstance::default();
    add_run(&instance, "ended", DagsterRunStatus::Success).await;
    add_run(&instance, "failed", DagsterRunStatus::Failure).await;
    add_run(&instance, "running", DagsterRunStatus::Started).await;
    add_run(&instance, "stopped", DagsterRunStatus::Canceled).await;
    let partitions =
        static_partitions(&["made", "failed", "running", "stopped", "gone", "never", "again"]);
    materialize(&instance, "ended", "a", Some("made")).await;
    plan(&instance, "failed", "a", Some("failed")).await;
    plan(&instance, "failed", "a", Some("again")).await;
    let first_open = plan(&instance, "running", "a", Some("running")).await;
    plan(&instance, "running", "a", Some("made")).await;
    plan(&instance, "stopped", "a", Some("stopped")).await;
    plan(&instance, "deleted", "a", Some("gone")).await;
    materialize(&instance, "ended", "a", Some("again")).await;
    materialize(&instance, "ended", "a", Some("of another definition")).await;
    let keys =
        ["made", "failed", "running", "stopped", "gone", "never", "again", "of another definition"];
    let expected = [IN_PROGRESS, FAILED, IN_PROGRESS, None, None, None, MATERIALIZED, None];
    // Without a definition, all that events name is known, and nothing is stored.
    let known = get_status_by_known_partition(&instance, &key("a")).await?;
    assert_eq!(cached(&instance).await, None);
    assert!(!known.contains_key("never"));
    let of_known = |name: &&str| known.get(*name).copied().unwrap_or_default();
    let mut of_events = expected;
    of_events[7] = MATERIALIZED;
    assert_eq!(keys.iter().map(of_known).collect::<Vec<_>>(), of_events);
    assert_eq!(known.len(), keys.len() - 1);
    assert!(get_status_by_known_partition(&instance, &key("b")).await?.is_empty());
    assert_eq!(statuses(&instance, &partitions, &keys).await, expected);

    let value = cached(&instance).await.unwrap();
    assert_eq!(value.earliest_in_progress_materialization_event_id, Some(first_open.0));
    let text = |keys: &str| Some(format!("{{\"version\": 1, \"subset\": [{keys}]}}"));
    assert_eq!(value.serialized_materialized_partition_subset, text(r#""again", "made""#));
    assert_eq!(value.serialized_failed_partition_subset, text(r#""failed""#));
    assert_eq!(value.serialized_in_progress_partition_subset, text(r#""made", "running""#));

    // Nothing but a run has changed.
    end(&instance, "running", DagsterEventType::RunFailure).await;
    let expected = [FAILED, FAILED, FAILED, None, None, None, MATERIALIZED, None];
    assert_eq!(statuses(&instance, &partitions, &keys).await, expected);
    // What failed is materialised.
    materialize(&instance, "ended", "a", Some("failed")).await;
    let expected = [FAILED, MATERIALIZED, FAILED, None, None, None, MATERIALIZED, None];
    assert_eq!(statuses(&instance, &partitions, &keys).await, expected);
    assert_eq!(
        cached(&instance).await.unwrap().earliest_in_progress_materialization_event_id,
        None
    );
    Ok(())
}

#[tokio::test]
async fn only_new_events_are_looked_at_unless_the_definition_has_changed() -> TestResult {
    let instance = TestInstance::default();
    materialize(&instance, "r1", "a", Some("a")).await;
    assert_eq!(statuses(&instance, &letters(), &["a", "b"]).await, [MATERIALIZED, None]);
    // A status that says something else shows that it is read, and not made anew.
    let mut value = cached(&instance).await.unwrap();
    value.serialized_materialized_partition_subset =
        Some(r#"{"version": 1, "subset": ["b"]}"#.to_owned());
    update_asset_cached_status_data(&instance, &key("a"), &value).await?;
    assert_eq!(statuses(&instance, &letters(), &["a", "b"]).await, [None, MATERIALIZED]);
    materialize(&instance, "r1", "a", Some("c")).await;
    let found = statuses(&instance, &letters(), &["a", "b", "c"]).await;
    assert_eq!(found, [None, MATERIALIZED, MATERIALIZED]);
    let other = static_partitions(&["a", "b", "c", "d"]);
    let found = statuses(&instance, &other, &["a", "b", "c"]).await;
    assert_eq!(found, [MATERIALIZED, None, MATERIALIZED]);
    Ok(())
}

#[tokio::test]
async fn a_status_that_cannot_be_read_is_made_anew() -> TestResult {
    let instance = TestInstance::default();
    materialize(&instance, "r1", "a", Some("a")).await;
    let right =
        get_and_update_asset_status_cache_value(&instance, &key("a"), Some(&letters())).await?;
    let right = right.unwrap();
    for text in ["", "nonsense", r#"{"version": 9, "subset": []}"#] {
        let mut wrong = right.clone();
        wrong.latest_storage_id = 0;
        wrong.serialized_failed_partition_subset = Some(text.to_owned());
        wrong.serialized_materialized_partition_subset = Some(text.to_owned());
        update_asset_cached_status_data(&instance, &key("a"), &wrong).await?;
        assert_eq!(statuses(&instance, &letters(), &["a", "b"]).await, [MATERIALIZED, None]);
        assert_eq!(cached(&instance).await, Some(right.clone()), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn keys_of_a_dynamic_set_come_and_go() -> TestResult {
    let text = r#"{"__class__": "ExternalDynamicPartitionsDefinitionData", "name": "s"}"#;
    let partitions: PartitionsSnap = deserialize_value(text)?;
    let instance = TestInstance::default();
    let sets = instance.dynamic_partition_store();
    sets.add_dynamic_partitions("s", &texts(&["p"])).await?;
    materialize(&instance, "r1", "a", Some("p")).await;
    materialize(&instance, "r1", "a", Some("q")).await;
    assert_eq!(statuses(&instance, &partitions, &["p", "q"]).await, [MATERIALIZED, None]);
    sets.add_dynamic_partitions("s", &texts(&["q"])).await?;
    sets.delete_dynamic_partition("s", "p").await?;
    assert_eq!(statuses(&instance, &partitions, &["p", "q"]).await, [None, MATERIALIZED]);
    Ok(())
}

#[tokio::test]
async fn time_windows_are_partitions_once_they_have_ended() -> TestResult {
    // The clock of the test stands in the evening of 2023-11-14.
    let text = r#"{"__class__": "ExternalTimeWindowPartitionsDefinitionData", "cron_schedule": "0 0 * * *", "end": null, "end_offset": 0, "exclusions": null, "fmt": "%Y-%m-%d", "start": 1699660800.0, "timezone": "UTC"}"#;
    let partitions: PartitionsSnap = deserialize_value(text)?;
    let instance = TestInstance::default();
    for day in ["2023-11-11", "2023-11-12", "2023-11-14", "2023-11-10", "no day"] {
        materialize(&instance, "r1", "a", Some(day)).await;
    }
    let keys = ["2023-11-10", "2023-11-11", "2023-11-12", "2023-11-13", "2023-11-14", "no day"];
    let expected = [None, MATERIALIZED, MATERIALIZED, None, None, None];
    assert_eq!(statuses(&instance, &partitions, &keys).await, expected);
    let value = cached(&instance).await.unwrap();
    let windows =
        r#"{"version": 1, "time_windows": [[1699660800.0, 1699833600.0]], "num_partitions": 2}"#;
    assert_eq!(value.serialized_materialized_partition_subset.as_deref(), Some(windows));
    Ok(())
}

#[tokio::test]
async fn wipes_are_seen_at_once() -> TestResult {
    let instance = TestInstance::default();
    add_run(&instance, "failed", DagsterRunStatus::Failure).await;
    materialize(&instance, "r1", "a", Some("a")).await;
    materialize(&instance, "r1", "a", Some("b")).await;
    plan(&instance, "failed", "a", Some("c")).await;
    let all = ["a", "b", "c"];
    let before = statuses(&instance, &letters(), &all).await;
    assert_eq!(before, [MATERIALIZED, MATERIALIZED, FAILED]);
    wipe_asset_partitions(&instance, &key("a"), &texts(&["b", "c"])).await?;
    assert_eq!(statuses(&instance, &letters(), &all).await, [MATERIALIZED, None, None]);
    materialize(&instance, "r2", "a", Some("b")).await;
    assert_eq!(statuses(&instance, &letters(), &all).await, [MATERIALIZED, MATERIALIZED, None]);
    wipe_assets(&instance, &[key("a")]).await?;
    let found = get_status_by_partition(&instance, &key("a"), &texts(&all), &letters()).await?;
    assert_eq!(found, None);
    Ok(())
}

#[tokio::test]
async fn an_asset_without_partitions_has_a_status_without_them() -> TestResult {
    let instance = TestInstance::default();
    let last = materialize(&instance, "r1", "a", None).await;
    let value = get_and_update_asset_status_cache_value(&instance, &key("a"), None).await?.unwrap();
    assert_eq!(StorageId(value.latest_storage_id), last);
    assert_eq!(
        (&value.partitions_def_id, &value.serialized_failed_partition_subset),
        (&None, &None)
    );
    assert_eq!(cached(&instance).await, Some(value));
    Ok(())
}

#[tokio::test]
async fn what_is_no_definition_is_refused_and_nothing_is_stored() -> TestResult {
    let unknown: PartitionsSnap = deserialize_value(r#"{"__class__": "PartitionsOfTomorrow"}"#)?;
    let forbidden = static_partitions(&["a...b"]);
    let instance = TestInstance::default();
    materialize(&instance, "r1", "a", Some("a")).await;
    for partitions in [unknown, forbidden] {
        let found = get_status_by_partition(&instance, &key("a"), &[], &partitions).await;
        let Err(error @ InstanceError::Partitions(_)) = found else {
            return Err("the definition was not refused".into());
        };
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(cached(&instance).await, None);
    }
    Ok(())
}

#[tokio::test]
async fn keys_may_be_none_or_many_or_long() -> TestResult {
    let instance = TestInstance::default();
    materialize(&instance, "r1", "a", Some("a")).await;
    let found = get_status_by_partition(&instance, &key("a"), &[], &letters()).await?;
    assert_eq!(found, Some(BTreeMap::new()));
    let long = "x".repeat(2 << 20);
    assert_eq!(statuses(&instance, &letters(), &[&long, "a"]).await, [None, MATERIALIZED]);
    let many: Vec<String> = (0..50_000).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(statuses(&instance, &letters(), &many).await.iter().all(Option::is_none));
    Ok(())
}
