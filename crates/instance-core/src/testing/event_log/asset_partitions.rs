//! Cases about what events say of the partitions of assets.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::StorageError;
use crate::event::DagsterEventType;
use crate::ids::{RunId, StorageId};
use crate::storage::EventStoreExt;
use crate::storage::{
    AssetPartitionStore, EventLogStorage, EventRecordsFilter, EventStore, LatestTagsQuery, Only,
    Order,
};
use crate::tags::{DATA_VERSION, MULTIDIMENSIONAL_PARTITION_PREFIX};
use crate::testing::samples::{
    AWKWARD, FAR, MANY, asset, at, materialized, materialized_with, numbered, observed, planned,
    tags,
};

const MATERIALIZED: DagsterEventType = DagsterEventType::AssetMaterialization;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn set(of: &[&str]) -> BTreeSet<String> {
    names(of).into_iter().collect()
}

/// The ids of all events of a type about the asset `a`, by which they are found across runs.
async fn ids(storage: &dyn EventStore, event_type: DagsterEventType) -> Vec<StorageId> {
    let filter = EventRecordsFilter::new(event_type).with_asset_key(asset("a"));
    let found = storage.get_event_records(&filter, None, Order::Ascending).await.unwrap();
    found.iter().map(|record| record.storage_id).collect()
}

/// Partitions are found that were materialised between two events, and no planned or observed ones.
pub async fn materialized_partitions_are_found(storage: &dyn EventLogStorage) {
    let batch = [
        materialized("r1", "a", Some("p"), 1),
        materialized("r1", "a", None, 2),
        materialized("r1", "a", Some("P"), 3),
        materialized("r2", "b", Some("x"), 4),
        planned("r2", "a", Some("y"), 5),
        observed("r2", "a", Some("z"), &[], 6),
        materialized("r2", "a", Some("p"), 7),
    ];
    for entry in &batch {
        storage.store_event(entry).await.unwrap();
    }
    let ids = ids(storage, MATERIALIZED).await;
    let found = async |before, after| {
        storage.get_materialized_partitions(&asset("a"), before, after).await.unwrap()
    };
    assert_eq!(found(None, None).await, set(&["p", "P"]));
    assert_eq!(found(Some(ids[2]), None).await, set(&["p"]));
    assert_eq!(found(None, Some(ids[0])).await, set(&["p", "P"]));
    assert_eq!(found(None, Some(ids[2])).await, set(&["p"]));
    assert_eq!(found(Some(ids[3]), Some(ids[0])).await, set(&["P"]));
    assert_eq!(found(None, Some(StorageId(FAR))).await, set(&[]));
    assert_eq!(found(Some(StorageId(FAR)), None).await, set(&["p", "P"]));
    let none = storage.get_materialized_partitions(&asset("A"), None, None).await.unwrap();
    assert_eq!(none, set(&[]));
}

/// The last event of each partition is found, of all of them or of those asked for.
pub async fn the_last_event_of_each_partition_is_found(storage: &dyn EventLogStorage) {
    for (partition, second) in [(Some("p"), 1), (Some("q"), 2), (None, 3), (Some("p"), 4)] {
        storage.store_event(&materialized("r1", "a", partition, second)).await.unwrap();
        storage.store_event(&planned("r1", "a", Some("r"), second)).await.unwrap();
    }
    let ids = ids(storage, MATERIALIZED).await;
    let found = async |partitions: Only<String>, after| {
        storage
            .get_latest_storage_id_by_partition(&asset("a"), MATERIALIZED, &partitions, after)
            .await
            .unwrap()
    };
    let (p, q) = (("p".to_owned(), ids[3]), ("q".to_owned(), ids[1]));
    let both = BTreeMap::from([p.clone(), q.clone()]);
    assert_eq!(found(Only::Any, None).await, both);
    assert_eq!(found(Only::These(Vec::new()), None).await, BTreeMap::new());
    assert_eq!(found(Only::these(["q", "Q", "r"]), None).await, BTreeMap::from([q]));
    assert_eq!(found(Only::Any, Some(ids[1])).await, BTreeMap::from([p.clone()]));
    assert_eq!(found(Only::one("q"), Some(ids[1])).await, BTreeMap::new());
    assert_eq!(found(Only::Any, Some(StorageId(FAR))).await, BTreeMap::new());
    let planned = DagsterEventType::AssetMaterializationPlanned;
    let of_planned = storage
        .get_latest_storage_id_by_partition(&asset("a"), planned, &Only::Any, None)
        .await
        .unwrap();
    assert_eq!(of_planned.into_keys().collect::<Vec<_>>(), ["r"]);
}

fn dimension(name: &str) -> String {
    format!("{MULTIDIMENSIONAL_PARTITION_PREFIX}{name}")
}

/// The tags of the last event of each partition are found, and no older ones.
pub async fn the_last_tags_of_each_partition_are_found(storage: &dyn EventLogStorage) {
    let (day, place) = (dimension("day"), dimension("place"));
    for (partition, event_tags) in [
        ("p", &[(&*day, "old"), (&place, "here")][..]),
        ("q", &[(&*day, "1"), (DATA_VERSION, "v")]),
        ("r", &[("other", "x")]),
        ("p", &[(&*day, "new")]),
    ] {
        let entry = materialized_with("r1", &asset("a"), Some(partition), event_tags, 1);
        storage.store_event(&entry).await.unwrap();
    }
    let ids = ids(storage, MATERIALIZED).await;
    let query = |keys: &[&str]| LatestTagsQuery {
        asset_key: asset("a"),
        event_type: MATERIALIZED,
        tag_keys: names(keys),
        partitions: Only::Any,
        before_cursor: None,
        after_cursor: None,
    };
    let found =
        async |query: LatestTagsQuery| storage.get_latest_tags_by_partition(&query).await.unwrap();
    let (p, q) = (("p".to_owned(), tags(&[(&day, "new")])), ("q".to_owned(), tags(&[(&day, "1")])));
    assert_eq!(found(query(&[&day])).await, BTreeMap::from([p.clone(), q.clone()]));
    let version = ("q".to_owned(), tags(&[(&day, "1"), (DATA_VERSION, "v")]));
    let both = query(&[&day, DATA_VERSION]);
    assert_eq!(found(both).await, BTreeMap::from([p.clone(), version]));
    assert_eq!(found(query(&[&place])).await, BTreeMap::new());
    let some = LatestTagsQuery { partitions: Only::These(names(&["q", "Q"])), ..query(&[&day]) };
    assert_eq!(found(some).await, BTreeMap::from([q]));
    let none = LatestTagsQuery { partitions: Only::These(Vec::new()), ..query(&[&day]) };
    assert_eq!(found(none).await, BTreeMap::new());
    let before = LatestTagsQuery { before_cursor: Some(ids[1]), ..query(&[&day]) };
    let old = ("p".to_owned(), tags(&[(&day, "old")]));
    assert_eq!(found(before).await, BTreeMap::from([old]));
    let after = LatestTagsQuery { after_cursor: Some(ids[1]), ..query(&[&day]) };
    assert_eq!(found(after).await, BTreeMap::from([p]));
}

/// Tags that are not indexed cannot be asked for, nor none.
pub async fn tags_that_are_not_indexed_are_refused(storage: &dyn AssetPartitionStore) {
    for keys in [&[][..], &["other"], &[DATA_VERSION, "other"], &["DAGSTER/DATA_VERSION"]] {
        let query = LatestTagsQuery {
            asset_key: asset("a"),
            event_type: MATERIALIZED,
            tag_keys: names(keys),
            partitions: Only::Any,
            before_cursor: None,
            after_cursor: None,
        };
        let error = storage.get_latest_tags_by_partition(&query).await.unwrap_err();
        assert!(matches!(error, StorageError::Unsupported { .. }), "{keys:?}: {error:?}");
    }
}

/// Planned materialisations are open until the partition is materialised after them.
pub async fn open_attempts_are_found(storage: &dyn EventLogStorage) {
    for entry in [
        planned("r1", "a", Some("open"), 1),
        planned("r1", "a", Some("done"), 1),
        planned("r1", "a", Some("again"), 1),
        materialized("r2", "a", Some("done"), 2),
        materialized("r1", "a", Some("again"), 2),
        planned("r3", "a", Some("again"), 3),
        planned("r4", "a", Some("open"), 4),
        planned("r4", "a", None, 4),
        planned("r4", "b", Some("other"), 4),
        materialized("r4", "a", Some("OPEN"), 5),
    ] {
        storage.store_event(&entry).await.unwrap();
    }
    let ids = ids(storage, DagsterEventType::AssetMaterializationPlanned).await;
    let found = async |after| {
        let mut found = storage
            .get_latest_asset_partition_materialization_attempts_without_materializations(
                &asset("a"),
                after,
            )
            .await
            .unwrap();
        found.sort_by(|one, other| one.partition.cmp(&other.partition));
        let found = found.into_iter();
        found.map(|it| (it.partition, it.run_id.to_string(), it.storage_id)).collect::<Vec<_>>()
    };
    let again = ("again".to_owned(), "r3".to_owned(), ids[3]);
    let open = ("open".to_owned(), "r4".to_owned(), ids[4]);
    assert_eq!(found(None).await, [again, open.clone()]);
    assert_eq!(found(Some(ids[3])).await, [open]);
    assert_eq!(found(Some(StorageId(FAR))).await, []);
}

/// The last planned materialisation is found, of an asset or of one of its partitions.
pub async fn the_last_planned_materialization_is_found(storage: &dyn EventLogStorage) {
    for entry in [
        planned("r1", "a", Some("p"), 1),
        planned("r2", "a", Some("q"), 2),
        planned("r3", "a", Some("p"), 3),
        planned("r4", "a", None, 4),
        materialized("r5", "a", Some("p"), 5),
        planned("r6", "b", Some("p"), 6),
    ] {
        storage.store_event(&entry).await.unwrap();
    }
    let ids = ids(storage, DagsterEventType::AssetMaterializationPlanned).await;
    for (partition, run, place) in
        [(None, "r4", 3), (Some(""), "r4", 3), (Some("p"), "r3", 2), (Some("q"), "r2", 1)]
    {
        let found = storage
            .get_latest_planned_materialization_info(&asset("a"), partition)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.run_id, found.storage_id), (RunId::from(run), ids[place]));
    }
    for (name, partition) in [("a", Some("P")), ("a", Some("none")), ("none", None)] {
        let found = storage.get_latest_planned_materialization_info(&asset(name), partition).await;
        assert_eq!(found.unwrap(), None, "{partition:?} of {name}");
    }
}

/// A partition is updated if its last data version since a row is not the last one up to that row.
pub async fn updated_data_versions_are_found(storage: &dyn EventLogStorage) {
    let version = async |partition: &str, version: &str| {
        let entry =
            materialized_with("r1", &asset("a"), Some(partition), &[(DATA_VERSION, version)], 1);
        storage.store_event(&entry).await.unwrap();
    };
    for partition in ["same", "other", "back", "untouched"] {
        version(partition, "1").await;
    }
    let since = *ids(storage, MATERIALIZED).await.last().unwrap();
    for (partition, number) in
        [("same", "1"), ("other", "2"), ("back", "2"), ("back", "1"), ("new", "1")]
    {
        version(partition, number).await;
    }
    let found = async |partitions: &[&str], since| {
        let partitions = names(partitions);
        storage.get_updated_data_version_partitions(&asset("a"), &partitions, since).await.unwrap()
    };
    let all = ["same", "other", "back", "untouched", "new", "none"];
    assert_eq!(found(&all, since).await, set(&["other", "new"]));
    assert_eq!(found(&["same", "other", "Other"], since).await, set(&["other"]));
    assert_eq!(found(&[], since).await, set(&[]));
    assert_eq!(found(&all, StorageId(FAR)).await, set(&[]));
    assert_eq!(found(&all, StorageId(i64::MAX)).await, set(&[]));
    let first = found(&all, StorageId(-1)).await;
    assert_eq!(first, set(&["same", "other", "back", "untouched", "new"]));
}

/// The indexed tags of events are found by all tags of a filter and by the event.
pub async fn tags_of_events_are_found(storage: &dyn EventLogStorage) {
    let (day, place) = (dimension("day"), dimension("place"));
    for entry in [
        materialized_with("r1", &asset("a"), Some("p"), &[(&day, "1"), (&place, "x")], 1),
        materialized_with("r1", &asset("a"), Some("q"), &[(&day, "1"), (&place, "X")], 1),
        observed("r1", "a", None, &[(&day, "2"), ("other", "x")], 1),
        materialized_with("r1", &asset("b"), None, &[(&day, "1")], 1),
        materialized_with("r1", &asset("a"), None, &[("other", "x")], 1),
    ] {
        storage.store_event(&entry).await.unwrap();
    }
    let first = ids(storage, MATERIALIZED).await[0];
    let found = async |filter: &[(&str, &str)], event| {
        let mut found =
            storage.get_event_tags_for_asset(&asset("a"), &tags(filter), event).await.unwrap();
        found.sort();
        found
    };
    let one = tags(&[(&day, "1"), (&place, "x")]);
    let other = tags(&[(&day, "1"), (&place, "X")]);
    let seen = tags(&[(&day, "2")]);
    assert_eq!(found(&[], None).await, [other.clone(), one.clone(), seen.clone()]);
    assert_eq!(found(&[(&day, "1")], None).await, [other, one.clone()]);
    assert_eq!(found(&[(&day, "1"), (&place, "x")], None).await, std::slice::from_ref(&one));
    assert_eq!(found(&[(&day, "2"), (&place, "x")], None).await, []);
    assert_eq!(found(&[(&day, "2")], Some(first)).await, []);
    assert_eq!(found(&[], Some(first)).await, [one]);
    assert_eq!(found(&[], Some(StorageId(FAR))).await, []);
}

/// What was before an asset was last wiped does not count.
pub async fn partitions_from_before_a_wipe_do_not_count(storage: &dyn EventLogStorage) {
    let day = dimension("day");
    let entry = |partition, second| {
        materialized_with("r1", &asset("a"), Some(partition), &[(&day, "1")], second)
    };
    storage.store_event(&entry("old", 1)).await.unwrap();
    storage.store_event(&planned("r1", "a", Some("old plan"), 1)).await.unwrap();
    storage.wipe_assets(&[asset("a")], at(2)).await.unwrap();
    storage.store_event(&entry("new", 3)).await.unwrap();
    storage.store_event(&planned("r2", "a", Some("new plan"), 3)).await.unwrap();

    let found = storage.get_materialized_partitions(&asset("a"), None, None).await.unwrap();
    assert_eq!(found, set(&["new"]));
    let found = storage
        .get_latest_storage_id_by_partition(&asset("a"), MATERIALIZED, &Only::Any, None)
        .await
        .unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["new"]);
    let found = storage
        .get_latest_asset_partition_materialization_attempts_without_materializations(
            &asset("a"),
            None,
        )
        .await
        .unwrap();
    let open: Vec<_> = found.iter().map(|attempt| attempt.partition.as_str()).collect();
    assert_eq!(open, ["new plan"]);
    let query = LatestTagsQuery {
        asset_key: asset("a"),
        event_type: MATERIALIZED,
        tag_keys: vec![day.clone()],
        partitions: Only::Any,
        before_cursor: None,
        after_cursor: None,
    };
    let found = storage.get_latest_tags_by_partition(&query).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["new"]);
    let found =
        storage.get_latest_planned_materialization_info(&asset("a"), Some("old plan")).await;
    assert_eq!(found.unwrap(), None);
}

/// Partitions that differ in any way are different.
pub async fn awkward_partitions_are_told_apart(storage: &dyn EventLogStorage) {
    let day = dimension("day");
    let batch: Vec<_> = AWKWARD
        .iter()
        .map(|text| materialized_with("r1", &asset("a"), Some(text), &[(&day, text)], 1))
        .collect();
    storage.store_event_batch(&batch).await.unwrap();
    let all = storage.get_materialized_partitions(&asset("a"), None, None).await.unwrap();
    assert_eq!(all, set(AWKWARD));
    for text in AWKWARD {
        let found = storage
            .get_latest_storage_id_by_partition(&asset("a"), MATERIALIZED, &Only::one(*text), None)
            .await
            .unwrap();
        assert_eq!(found.into_keys().collect::<Vec<_>>(), names(&[text]));
        let filter = tags(&[(&day, text)]);
        let found = storage.get_event_tags_for_asset(&asset("a"), &filter, None).await.unwrap();
        assert_eq!(found, [filter]);
    }
}

/// More partitions than one statement may bind are stored and asked for.
pub async fn any_number_of_partitions_may_be_asked_for(storage: &dyn EventLogStorage) {
    let day = dimension("day");
    let entries: Vec<_> = ["p", "q"]
        .into_iter()
        .map(|partition| {
            let tags = [(&*day, partition), (DATA_VERSION, partition)];
            materialized_with("r1", &asset("a"), Some(partition), &tags, 1)
        })
        .collect();
    storage.store_event_batch(&entries).await.unwrap();
    let mut partitions = numbered("none", MANY);
    partitions.insert(0, "q".to_owned());
    partitions.push("p".to_owned());
    let asked = Only::These(partitions.clone());
    let found = storage
        .get_latest_storage_id_by_partition(&asset("a"), MATERIALIZED, &asked, None)
        .await
        .unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["p", "q"]);
    let found = storage
        .get_updated_data_version_partitions(&asset("a"), &partitions, StorageId(0))
        .await
        .unwrap();
    assert_eq!(found, set(&["p", "q"]));
    let query = LatestTagsQuery {
        asset_key: asset("a"),
        event_type: MATERIALIZED,
        tag_keys: vec![day],
        partitions: Only::These(partitions),
        before_cursor: None,
        after_cursor: None,
    };
    let found = storage.get_latest_tags_by_partition(&query).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["p", "q"]);
}
