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

/// Each partition of each asset is counted, from its last wipe on.
pub async fn materializations_of_each_partition_are_counted(storage: &dyn EventLogStorage) {
    let batch = [
        materialized("r1", "a", Some("p"), 1),
        materialized("r1", "a", Some("q"), 2),
        materialized("r2", "a", Some("p"), 3),
        materialized("r2", "a", None, 3),
        planned("r2", "a", Some("p"), 3),
        observed("r2", "a", Some("p"), &[], 3),
        materialized("r2", "b", Some("p"), 3),
        materialized("r2", "c", Some("p"), 3),
        materialized("r2", "d", None, 3),
    ];
    for entry in &batch {
        storage.store_event(entry).await.unwrap();
    }
    storage.wipe_assets(&[asset("b")], at(5)).await.unwrap();
    storage.store_event(&materialized("r3", "b", Some("late"), 6)).await.unwrap();
    let asked = ["b", "d", "a", "none", "a"].map(asset);
    let found = storage.get_materialization_count_by_partition(&asked).await.unwrap();
    let counts = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    let expected = BTreeMap::from([
        (asset("a"), counts(&[("p", 2), ("q", 1)])),
        (asset("b"), counts(&[("late", 1)])),
    ]);
    assert_eq!(found, expected);
    assert_eq!(storage.get_materialization_count_by_partition(&[]).await.unwrap(), BTreeMap::new());
    let many: Vec<_> = numbered("none", MANY).iter().map(|name| asset(name)).collect();
    let asked = [&many[..], &[asset("a")]].concat();
    let found = storage.get_materialization_count_by_partition(&asked).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [asset("a")]);
}

/// Whatever is asked about an asset, wiped partitions are not in the answer. Those of the same name of other assets are,
/// and so are later events of the wiped ones.
pub async fn wiped_partitions_are_gone_and_others_stay(storage: &dyn EventLogStorage) {
    let version = &[(DATA_VERSION, "v")][..];
    let batch = [
        materialized_with("r1", &asset("a"), Some("p"), version, 1),
        materialized_with("r1", &asset("a"), Some("q"), version, 2),
        observed("r1", "a", Some("p"), version, 3),
        planned("r2", "a", Some("p"), 4),
        planned("r2", "a", Some("q"), 5),
        materialized("r2", "b", Some("p"), 6),
        materialized_with("r3", &asset("a"), Some("r"), version, 7),
    ];
    for entry in &batch {
        storage.store_event(entry).await.unwrap();
    }
    let wiped =
        storage.wipe_asset_partitions(&asset("a"), &names(&["p", "none", "r", "p"])).await.unwrap();
    assert_eq!((wiped.events, wiped.check_executions), (4, 0));

    let materialized_ones =
        async |name| storage.get_materialized_partitions(&asset(name), None, None).await.unwrap();
    assert_eq!(materialized_ones("a").await, set(&["q"]));
    assert_eq!(materialized_ones("b").await, set(&["p"]));
    let attempts = storage
        .get_latest_asset_partition_materialization_attempts_without_materializations(
            &asset("a"),
            None,
        )
        .await
        .unwrap();
    let attempts: Vec<_> = attempts.into_iter().map(|attempt| attempt.partition).collect();
    assert_eq!(attempts, ["q"]);
    let of_p = storage.get_latest_planned_materialization_info(&asset("a"), Some("p")).await;
    assert_eq!(of_p.unwrap(), None);
    let tags = storage.get_event_tags_for_asset(&asset("a"), &BTreeMap::new(), None).await.unwrap();
    assert_eq!(tags.len(), 1);
    let updated = storage
        .get_updated_data_version_partitions(&asset("a"), &names(&["p", "q", "r"]), StorageId(0))
        .await
        .unwrap();
    assert_eq!(updated, set(&["q"]));
    for event_type in [MATERIALIZED, DagsterEventType::AssetObservation] {
        let filter = EventRecordsFilter::new(event_type).with_asset_key(asset("a"));
        let found = storage.get_event_records(&filter, None, Order::Ascending).await.unwrap();
        let partition = |record: &crate::event::EventLogRecord| {
            let event = record.event_log_entry.dagster_event.as_deref();
            event.and_then(|event| event.partition()).map(str::to_owned)
        };
        let expected = if event_type == MATERIALIZED { vec![Some("q".to_owned())] } else { vec![] };
        assert_eq!(found.iter().map(partition).collect::<Vec<_>>(), expected);
    }

    storage.store_event(&materialized("r4", "a", Some("p"), 8)).await.unwrap();
    assert_eq!(materialized_ones("a").await, set(&["p", "q"]));
}

/// The record of an asset names the last events that are left, and stays as it is where it names none that were wiped.
pub async fn a_wipe_of_partitions_repairs_the_record_of_the_asset(storage: &dyn EventLogStorage) {
    let status = crate::assets::AssetStatusCacheValue {
        earliest_in_progress_materialization_event_id: None,
        latest_storage_id: 9,
        partitions_def_id: None,
        serialized_failed_partition_subset: None,
        serialized_in_progress_partition_subset: None,
        serialized_materialized_partition_subset: None,
        unknown: crate::serdes::UnknownFields::default(),
    };
    let batch = [
        materialized("r1", "a", Some("p"), 1),
        materialized("r2", "a", Some("q"), 2),
        materialized("r3", "a", Some("r"), 3),
        planned("r4", "a", Some("s"), 4),
        materialized("r3", "b", Some("r"), 3),
    ];
    for entry in &batch {
        storage.store_event(entry).await.unwrap();
    }
    let entry = async |name: &str| {
        let mut records = storage.get_asset_records(&Only::one(asset(name))).await.unwrap();
        records.pop().unwrap().asset_entry
    };
    let last = |entry: &crate::assets::AssetEntry| {
        let record = entry.last_materialization_record.as_ref();
        record.map(|record| record.event_log_entry.clone())
    };
    let wipe = async |partitions: &[&str]| {
        storage.update_asset_cached_status_data(&asset("a"), &status).await.unwrap();
        storage.update_asset_cached_status_data(&asset("b"), &status).await.unwrap();
        storage.wipe_asset_partitions(&asset("a"), &names(partitions)).await.unwrap()
    };

    assert_eq!(wipe(&["p"]).await.events, 1);
    let found = entry("a").await;
    assert_eq!(last(&found), Some(batch[2].clone()));
    assert_eq!((found.last_run_id.clone(), found.cached_status), (Some("r4".into()), None));

    assert_eq!(wipe(&["s"]).await.events, 1);
    let found = entry("a").await;
    assert_eq!((last(&found), found.last_run_id), (Some(batch[2].clone()), Some("r3".into())));

    assert_eq!(wipe(&["r"]).await.events, 1);
    let found = entry("a").await;
    assert_eq!((last(&found), found.last_run_id), (Some(batch[1].clone()), Some("r2".into())));
    let records = storage.get_latest_materialization_records(&[asset("a")]).await.unwrap();
    assert_eq!(records[0].1.event_log_entry, batch[1]);

    assert_eq!(wipe(&["q", "p", "r", "s"]).await.events, 1);
    let found = entry("a").await;
    assert_eq!((last(&found), found.last_run_id, found.cached_status), (None, None, None));
    assert!(storage.has_asset_key(&asset("a")).await.unwrap(), "an asset stays known");

    let other = entry("b").await;
    assert_eq!((last(&other), other.cached_status), (Some(batch[4].clone()), Some(status.clone())));

    // What was wiped with the whole asset does not come back.
    storage.store_event(&materialized("r5", "c", Some("old"), 1)).await.unwrap();
    storage.wipe_assets(&[asset("c")], at(5)).await.unwrap();
    storage.store_event(&materialized("r6", "c", Some("new"), 6)).await.unwrap();
    storage.wipe_asset_partitions(&asset("c"), &names(&["new"])).await.unwrap();
    let found = entry("c").await;
    assert_eq!((last(&found), found.last_run_id), (None, None));
}

/// The logs of runs have every event as it was.
pub async fn a_wipe_of_partitions_leaves_the_logs_of_runs(storage: &dyn EventLogStorage) {
    let batch = [
        planned("r1", "a", Some("p"), 1),
        materialized("r1", "a", Some("p"), 2),
        materialized("r1", "a", Some("q"), 3),
        materialized("", "a", Some("p"), 4),
    ];
    for entry in &batch {
        storage.store_event(entry).await.unwrap();
    }
    let wiped = storage.wipe_asset_partitions(&asset("a"), &names(&["p"])).await.unwrap();
    assert_eq!(wiped.events, 3);
    for run_id in ["r1", ""] {
        let query = crate::storage::RecordsForRun::new(RunId::from(run_id));
        let log = storage.get_records_for_run(&query).await.unwrap().records;
        let log: Vec<_> = log.into_iter().map(|record| record.event_log_entry).collect();
        let expected: Vec<_> =
            batch.iter().filter(|entry| entry.run_id.as_str() == run_id).cloned().collect();
        assert_eq!(log, expected);
    }
    let of_run = storage.get_asset_partitions_for_run(&"r1".into(), &Only::Any).await.unwrap();
    let q = BTreeSet::from([Some("q".to_owned())]);
    assert_eq!(of_run, [(asset("a"), q)], "the log does not say it of the asset");
}

/// Executions of checks of wiped partitions are gone. Those of the asset, of other partitions and of other assets stay.
pub async fn a_wipe_of_partitions_takes_their_checks(storage: &dyn EventLogStorage) {
    use crate::storage::{AssetCheckExecutionRecordStatus, CheckExecutionsPage};
    use crate::testing::samples::{Evaluated, check_evaluated, check_key};

    for (name, partition) in
        [("a", Some("p")), ("a", Some("q")), ("a", None), ("b", Some("p")), ("none", Some("p"))]
    {
        let how = Evaluated { partition, ..Evaluated::default() };
        let entry = check_evaluated("r1", &check_key(name, "c"), how, 1);
        storage.store_event(&entry).await.unwrap();
    }
    storage.store_event(&materialized("r1", "a", None, 1)).await.unwrap();
    let wiped = storage.wipe_asset_partitions(&asset("a"), &names(&["p"])).await.unwrap();
    assert_eq!((wiped.events, wiped.check_executions), (0, 1));
    let left = async |name| {
        let page = CheckExecutionsPage::new(check_key(name, "c"), 9);
        let found = storage.get_asset_check_execution_history(&page).await.unwrap();
        assert!(found.iter().all(|row| row.status == AssetCheckExecutionRecordStatus::Succeeded));
        found.into_iter().map(|row| row.partition).collect::<Vec<_>>()
    };
    assert_eq!(left("a").await, [None, Some("q".to_owned())]);
    assert_eq!(left("b").await, [Some("p".to_owned())]);
    // An asset that is not known may have checks.
    let wiped = storage.wipe_asset_partitions(&asset("none"), &names(&["p"])).await.unwrap();
    assert_eq!(wiped.check_executions, 1);
    assert!(left("none").await.is_empty());
}

/// A wipe that finds nothing leaves everything as it is, the cached status too.
pub async fn a_wipe_of_nothing_changes_nothing(storage: &dyn EventLogStorage) {
    let status = crate::assets::AssetStatusCacheValue {
        earliest_in_progress_materialization_event_id: None,
        latest_storage_id: 1,
        partitions_def_id: Some("d".to_owned()),
        serialized_failed_partition_subset: None,
        serialized_in_progress_partition_subset: None,
        serialized_materialized_partition_subset: None,
        unknown: crate::serdes::UnknownFields::default(),
    };
    storage.store_event(&materialized("r1", "a", Some("p"), 1)).await.unwrap();
    storage.store_event(&materialized("r1", "a", None, 2)).await.unwrap();
    storage.update_asset_cached_status_data(&asset("a"), &status).await.unwrap();
    let before = storage.get_asset_records(&Only::Any).await.unwrap();
    let long = "x".repeat(2 << 20);
    let many = numbered("none", MANY);
    for (name, partitions) in [
        ("a", &[][..]),
        ("a", &names(&["", "P", "p ", "%", "_"])),
        ("a", std::slice::from_ref(&long)),
        ("a", &many),
        ("none", &names(&["p"])),
        ("A", &names(&["p"])),
    ] {
        let wiped = storage.wipe_asset_partitions(&asset(name), partitions).await.unwrap();
        assert!(wiped.is_nothing(), "{name}: {wiped:?}");
    }
    assert_eq!(storage.get_asset_records(&Only::Any).await.unwrap(), before);
    let found = storage.get_materialized_partitions(&asset("a"), None, None).await.unwrap();
    assert_eq!(found, set(&["p"]));

    let all = [&many[..], &names(&["p"])].concat();
    let wiped = storage.wipe_asset_partitions(&asset("a"), &all).await.unwrap();
    assert_eq!(wiped.events, 1, "any number of partitions may be wiped");
}
