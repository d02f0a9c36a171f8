//! Cases about assets.

use crate::asset_key::AssetKey;
use crate::assets::{AssetRecord, AssetStatusCacheValue, FreshnessState};
use crate::event::DagsterEventType;
use crate::ids::RunId;
use crate::serdes::serialize_value;
use crate::storage::EventStoreExt;
use crate::storage::{
    AssetEventSummaryQuery, AssetKeysPage, AssetStore, EventLogStorage, EventRecordsFilter, Only,
    Order,
};
use crate::testing::samples::{
    AWKWARD, COLLATED, FAR, MANY, asset, at, check_key, check_planned, event, freshness,
    materialized, materialized_with, numbered, observed, planned, stamp, time, with_unknown_field,
};

async fn record(storage: &dyn AssetStore, name: &str) -> Option<AssetRecord> {
    let mut records = storage.get_asset_records(&Only::one(asset(name))).await.unwrap();
    assert!(records.len() < 2);
    records.pop()
}

async fn keys(storage: &dyn AssetStore, page: &AssetKeysPage) -> Vec<String> {
    let keys = storage.get_asset_keys(page).await.unwrap();
    keys.iter().map(AssetKey::to_user_string).collect()
}

/// An asset is there from its first event, planned, done or observed, and not by those of its checks. Whether it is by
/// one of its freshness, is the database's: in Dagster's Postgres it is, in its SQLite it is not.
pub async fn an_asset_is_there_from_its_first_event(storage: &dyn EventLogStorage) {
    for (name, entry) in [
        ("planned", planned("r1", "planned", None, 1)),
        ("done", materialized("r1", "done", None, 1)),
        ("observed", observed("r1", "observed", None, &[], 1)),
    ] {
        assert!(!storage.has_asset_key(&asset(name)).await.unwrap());
        assert_eq!(record(storage, name).await, None);
        storage.store_event(&entry).await.unwrap();
        assert!(storage.has_asset_key(&asset(name)).await.unwrap());
        assert!(!storage.has_asset_key(&asset(&name.to_uppercase())).await.unwrap());
        assert_eq!(record(storage, name).await.unwrap().asset_entry.asset_key, asset(name));
    }
    storage.store_event(&freshness("fresh", FreshnessState::Pass, 1.0)).await.unwrap();
    storage.store_event(&check_planned("r1", &check_key("checked", "c"), 1)).await.unwrap();
    for name in ["checked", "none"] {
        assert!(!storage.has_asset_key(&asset(name)).await.unwrap(), "{name}");
    }
    let mut all = keys(storage, &AssetKeysPage::default()).await;
    all.retain(|key| key != "fresh");
    assert_eq!(all, ["done", "observed", "planned"]);
}

/// A record has the last materialisation, byte for byte and with the id by which it is found across runs,
/// and the last run that materialised the asset or was going to.
pub async fn a_record_follows_from_the_events(storage: &dyn EventLogStorage) {
    let last = with_unknown_field(&materialized_with(
        "r2",
        &asset("a"),
        Some("p"),
        &[("t", "it's 🦀\u{0}")],
        2,
    ));
    let steps = [
        (observed("r0", "a", None, &[], 1), None, false),
        (planned("r1", "a", None, 2), Some("r1"), false),
        (last.clone(), Some("r2"), true),
        (observed("r3", "a", None, &[], 4), Some("r2"), true),
        (planned("r4", "a", None, 5), Some("r4"), true),
        (event("r5", DagsterEventType::RunStart, 6), Some("r4"), true),
    ];
    for (entry, run, is_materialized) in steps {
        storage.store_event(&entry).await.unwrap();
        let entry = record(storage, "a").await.unwrap().asset_entry;
        assert_eq!(entry.last_run_id, run.map(RunId::from));
        assert_eq!((entry.asset_details, entry.cached_status), (None, None));
        let found = entry.last_materialization_record;
        assert_eq!(found.is_some(), is_materialized);
        if let Some(found) = found {
            assert_eq!(serialize_value(&found.event_log_entry), serialize_value(&last));
            let filter = EventRecordsFilter {
                storage_ids: Only::one(found.storage_id),
                ..EventRecordsFilter::new(DagsterEventType::AssetMaterialization)
            };
            let same = storage.get_event_records(&filter, None, Order::Ascending).await.unwrap();
            assert_eq!(same, [found]);
        }
    }
}

/// In a batch the last event about an asset counts, as if they had been stored one by one.
pub async fn the_last_event_of_a_batch_counts(storage: &dyn EventLogStorage) {
    let batch = [
        materialized("r1", "a", Some("p"), 1),
        planned("r2", "b", None, 2),
        materialized("r3", "a", Some("q"), 3),
        observed("r4", "a", None, &[], 4),
        materialized("r5", "b", None, 5),
        planned("r6", "b", None, 6),
    ];
    storage.store_event_batch(&batch).await.unwrap();
    for (name, run, last) in [("a", "r3", 2), ("b", "r6", 4)] {
        let entry = record(storage, name).await.unwrap().asset_entry;
        assert_eq!(entry.last_run_id, Some(RunId::from(run)));
        let found = entry.last_materialization_record.unwrap().event_log_entry;
        assert_eq!(found, batch[last]);
    }
}

/// Records come by key ascending, of all assets or of those asked for, each once.
pub async fn records_come_by_key(storage: &dyn EventLogStorage) {
    assert_eq!(storage.get_asset_records(&Only::Any).await.unwrap(), []);
    let batch: Vec<_> = COLLATED.iter().map(|name| planned("r1", name, None, 1)).collect();
    storage.store_event_batch(&batch).await.unwrap();
    let found = async |keys: &Only<AssetKey>| {
        let records = storage.get_asset_records(keys).await.unwrap();
        let names = records.into_iter().map(|record| record.asset_entry.asset_key.to_db_string());
        names.collect::<Vec<_>>()
    };
    let mut expected: Vec<_> = COLLATED.iter().map(|name| asset(name).to_db_string()).collect();
    expected.sort();
    assert_eq!(found(&Only::Any).await, expected);
    let asked = ["b", "none", "B", "b"].map(asset);
    assert_eq!(found(&Only::these(asked)).await, [r#"["B"]"#, r#"["b"]"#]);
    assert_eq!(found(&Only::These(Vec::new())).await, Vec::<String>::new());
}

/// Page by page, every key comes once and in order, whatever the limit.
pub async fn pages_of_asset_keys_follow_one_another(storage: &dyn EventLogStorage) {
    let mut batch: Vec<_> = COLLATED.iter().map(|name| planned("r1", name, None, 1)).collect();
    let deep = [vec!["a", "b"], vec!["a", "B"], vec!["a b", "c"], vec!["é", "-"]];
    for path in deep.iter().cloned().map(AssetKey::new) {
        batch.push(materialized_with("r1", &path, None, &[], 1));
    }
    storage.store_event_batch(&batch).await.unwrap();
    let mut expected: Vec<_> = COLLATED.iter().map(|name| asset(name).to_db_string()).collect();
    expected.extend(deep.into_iter().map(|path| AssetKey::new(path).to_db_string()));
    expected.sort();
    for limit in [1, 2, 3, 7, 50] {
        let mut page = AssetKeysPage { limit: Some(limit), ..AssetKeysPage::default() };
        let mut seen = Vec::new();
        loop {
            let found = storage.get_asset_keys(&page).await.unwrap();
            assert!(found.len() as u64 <= limit);
            let Some(last) = found.last() else { break };
            page.cursor = Some(last.to_db_string());
            seen.extend(found.iter().map(AssetKey::to_db_string));
            assert!(seen.len() < 1_000, "pages do not end");
        }
        assert_eq!(seen, expected, "{limit} at once");
    }
}

/// A prefix is of whole parts but the last, in its own case, and nothing in it stands for other characters.
pub async fn prefixes_of_asset_keys_are_taken_literally(storage: &dyn EventLogStorage) {
    let keys_of = [
        AssetKey::new(["a", "b"]),
        AssetKey::new(["a", "b", "c"]),
        AssetKey::new(["a", "B"]),
        AssetKey::new(["ab", "b"]),
        AssetKey::new(["a%", "b"]),
        AssetKey::new(["é🦀", "b"]),
        AssetKey::new(["\"", "b"]),
        AssetKey::new(["\\", "b"]),
        AssetKey::new(["_", "b"]),
    ];
    for key in &keys_of {
        storage.store_event(&materialized_with("r1", key, None, &[], 1)).await.unwrap();
    }
    for (prefix, expected) in [
        (&["a"][..], 3),
        (&["a", "b"], 2),
        (&["a", "b", "c"], 1),
        (&["A"], 0),
        (&["%"], 0),
        (&["a%"], 1),
        (&["_"], 1),
        (&["é🦀"], 1),
        (&["\""], 1),
        (&["\\"], 1),
        (&["b"], 0),
        (&[], 9),
    ] {
        let prefix: Vec<_> = prefix.iter().map(|part| (*part).to_owned()).collect();
        let page = AssetKeysPage { prefix: prefix.clone(), ..AssetKeysPage::default() };
        let found = storage.get_asset_keys(&page).await.unwrap();
        assert_eq!(found.len(), expected, "{prefix:?}: {found:?}");
        assert!(found.iter().all(|key| key.path.starts_with(&prefix)), "{found:?}");
    }
}

/// A limit of nothing gives nothing, and one that no database counts to gives everything.
pub async fn a_limit_of_asset_keys_may_be_of_any_size(storage: &dyn EventLogStorage) {
    storage.store_event(&planned("r1", "a", None, 1)).await.unwrap();
    for (limit, expected) in [(0, 0), (1 << 32, 1), (u64::MAX, 1)] {
        let page = AssetKeysPage { limit: Some(limit), ..AssetKeysPage::default() };
        assert_eq!(keys(storage, &page).await.len(), expected);
    }
}

/// The last materialisation of each asset is found, in whatever order events came.
pub async fn last_materializations_are_found(storage: &dyn EventLogStorage) {
    let batch = [
        materialized("r1", "a", None, 9),
        materialized("r2", "b", None, 2),
        materialized("r3", "a", Some("p"), 3),
        planned("r4", "c", None, 4),
    ];
    storage.store_event_batch(&batch).await.unwrap();
    let asked = ["c", "b", "a", "none"].map(asset);
    let mut found = storage.get_latest_materialization_records(&asked).await.unwrap();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let found: Vec<_> =
        found.into_iter().map(|(key, record)| (key, record.event_log_entry)).collect();
    assert_eq!(found, [(asset("a"), batch[2].clone()), (asset("b"), batch[1].clone())]);
    assert_eq!(storage.get_latest_materialization_records(&[]).await.unwrap(), []);
}

/// A wiped asset is gone, with its status, checks and events, until its next event; then what was before
/// the wipe does not come back.
pub async fn a_wiped_asset_is_gone_until_its_next_event(storage: &dyn EventLogStorage) {
    use crate::storage::CheckExecutionsPage;

    let check = check_key("a", "c");
    for name in ["a", "b", "c"] {
        storage.store_event(&materialized("r1", name, Some("p"), 1)).await.unwrap();
    }
    storage.store_event(&check_planned("r1", &check, 1)).await.unwrap();
    storage.update_asset_cached_status_data(&asset("a"), &status(1)).await.unwrap();
    storage.wipe_assets(&[asset("c"), asset("a"), asset("c")], at(2)).await.unwrap();
    storage.wipe_assets(&[], at(2)).await.unwrap();

    assert!(!storage.has_asset_key(&asset("a")).await.unwrap());
    assert_eq!(record(storage, "a").await, None);
    assert_eq!(keys(storage, &AssetKeysPage::default()).await, ["b"]);
    assert_eq!(storage.get_latest_materialization_records(&[asset("a")]).await.unwrap(), []);
    let filter =
        EventRecordsFilter::new(DagsterEventType::AssetMaterialization).with_asset_key(asset("a"));
    assert_eq!(storage.get_event_records(&filter, None, Order::Ascending).await.unwrap(), []);
    let page = CheckExecutionsPage {
        check_key: check,
        limit: 9,
        cursor: None,
        statuses: Only::Any,
        partition_filter: None,
    };
    assert_eq!(storage.get_asset_check_execution_history(&page).await.unwrap(), []);

    storage.store_event(&planned("r2", "a", None, 3)).await.unwrap();
    let entry = record(storage, "a").await.unwrap().asset_entry;
    assert_eq!(entry.last_materialization_record, None);
    assert_eq!((entry.last_run_id, entry.cached_status), (Some(RunId::from("r2")), None));
    let wiped_at = entry.asset_details.unwrap().last_wipe_timestamp.unwrap();
    assert_eq!(wiped_at, stamp(2).into());
    storage.store_event(&materialized("r2", "a", None, 4)).await.unwrap();
    let entry = record(storage, "a").await.unwrap().asset_entry;
    assert!(entry.last_materialization_record.is_some());
    let found = storage.get_event_records(&filter, None, Order::Ascending).await.unwrap();
    assert_eq!(found.len(), 1);
    storage.wipe_assets(&[asset("none")], at(9)).await.unwrap();
    assert_eq!(record(storage, "none").await, None);
    let many: Vec<_> = numbered("none", MANY).iter().map(|name| asset(name)).collect();
    storage.wipe_assets(&[&[asset("b")], &many[..], &[asset("a")]].concat(), at(9)).await.unwrap();
    assert!(keys(storage, &AssetKeysPage::default()).await.is_empty());
}

/// What happened in the microsecond of the wipe is wiped, and what happened in the next one is not.
pub async fn a_wipe_is_of_its_very_microsecond(storage: &dyn EventLogStorage) {
    let wiped_at = time("2023-11-14 22:13:20.000000");
    for (name, fraction, is_there) in
        [("before", -0.000_001, false), ("then", 0.0, false), ("after", 0.000_001, true)]
    {
        let entry = crate::event::EventLogEntry {
            timestamp: stamp(0) + fraction,
            ..materialized("r1", name, Some("p"), 0)
        };
        storage.store_event(&entry).await.unwrap();
        storage.wipe_assets(&[asset(name)], wiped_at).await.unwrap();
        assert_eq!(storage.has_asset_key(&asset(name)).await.unwrap(), is_there, "{name}");
    }
    // As another event makes the asset come back, nothing from before does.
    storage.store_event(&observed("r2", "then", None, &[], 9)).await.unwrap();
    let query = AssetEventSummaryQuery {
        event_type: DagsterEventType::AssetMaterialization,
        asset_key: Some(asset("then")),
        run_id: None,
        storage_ids: Only::Any,
        after_storage_id: None,
        before_storage_id: None,
        limit: None,
        order: Order::Ascending,
    };
    assert_eq!(storage.get_asset_event_summary_records(&query).await.unwrap(), []);
    assert_eq!(
        record(storage, "then").await.unwrap().asset_entry.last_materialization_record,
        None
    );
}

fn status(latest_storage_id: i64) -> AssetStatusCacheValue {
    AssetStatusCacheValue {
        earliest_in_progress_materialization_event_id: Some(FAR),
        latest_storage_id,
        partitions_def_id: Some("d".to_owned()),
        serialized_failed_partition_subset: Some("é🦀\u{0}".to_owned()),
        serialized_in_progress_partition_subset: None,
        serialized_materialized_partition_subset: None,
        unknown: crate::serdes::UnknownFields::default(),
    }
}

/// The cached status of an asset is replaced, stays when events come, and is deleted; of an unknown asset
/// there is none.
pub async fn the_cached_status_of_an_asset_is_kept(storage: &dyn EventLogStorage) {
    storage.store_event(&materialized("r1", "a", None, 1)).await.unwrap();
    storage.store_event(&materialized("r1", "b", None, 1)).await.unwrap();
    for id in [1, FAR, i64::MAX] {
        let value = with_unknown_field(&status(id));
        storage.update_asset_cached_status_data(&asset("a"), &value).await.unwrap();
        storage.store_event(&materialized("r2", "a", None, 2)).await.unwrap();
        let stored = record(storage, "a").await.unwrap().asset_entry.cached_status.unwrap();
        assert_eq!(serialize_value(&stored), serialize_value(&value));
    }
    assert_eq!(record(storage, "b").await.unwrap().asset_entry.cached_status, None);
    storage.update_asset_cached_status_data(&asset("none"), &status(1)).await.unwrap();
    assert_eq!(record(storage, "none").await, None);
    storage.update_asset_cached_status_data(&asset("b"), &status(1)).await.unwrap();
    storage.wipe_asset_cached_status(&[]).await.unwrap();
    for wiped in [&["a", "a", "none"][..], &["a"], &["none"]] {
        let wiped: Vec<_> = wiped.iter().map(|name| asset(name)).collect();
        storage.wipe_asset_cached_status(&wiped).await.unwrap();
    }
    assert_eq!(record(storage, "a").await.unwrap().asset_entry.cached_status, None);
    assert!(record(storage, "b").await.unwrap().asset_entry.cached_status.is_some());
    let many: Vec<_> = numbered("none", MANY).iter().map(|name| asset(name)).collect();
    storage.wipe_asset_cached_status(&[&many[..], &[asset("b")]].concat()).await.unwrap();
    assert_eq!(record(storage, "b").await.unwrap().asset_entry.cached_status, None);
}

/// The last change of the freshness of each asset counts, with its own time.
pub async fn the_freshness_of_assets_is_found(storage: &dyn EventLogStorage) {
    for (name, state, changed_at) in [
        ("a", FreshnessState::Pass, 5.0),
        ("b", FreshnessState::Warn, -0.5),
        ("a", FreshnessState::Fail, 4.000_001),
    ] {
        storage.store_event(&freshness(name, state, changed_at)).await.unwrap();
    }
    let asked = ["a", "b", "none"].map(asset);
    let mut found = storage.get_freshness_state_records(&asked).await.unwrap();
    found.sort_by(|one, other| one.entity_key.cmp(&other.entity_key));
    let found: Vec<_> = found
        .iter()
        .map(|record| (record.entity_key.clone(), record.freshness_state, record.updated_at))
        .collect();
    let expected = [
        (asset("a"), FreshnessState::Fail, time("1970-01-01 00:00:04.000001")),
        (asset("b"), FreshnessState::Warn, time("1969-12-31 23:59:59.5")),
    ];
    assert_eq!(found, expected);
    assert_eq!(storage.get_freshness_state_records(&[]).await.unwrap(), []);
}

/// Assets that differ in any way are different.
pub async fn awkward_keys_of_assets_are_told_apart(storage: &dyn EventLogStorage) {
    let batch: Vec<_> = AWKWARD.iter().map(|name| materialized("r1", name, None, 1)).collect();
    storage.store_event_batch(&batch).await.unwrap();
    for (entry, name) in batch.iter().zip(AWKWARD) {
        let found = record(storage, name).await.unwrap().asset_entry;
        assert_eq!(found.asset_key, asset(name));
        assert_eq!(&found.last_materialization_record.unwrap().event_log_entry, entry);
    }
    assert_eq!(storage.get_asset_records(&Only::Any).await.unwrap().len(), AWKWARD.len());
}

/// More assets than one statement may bind are asked for.
pub async fn any_number_of_assets_may_be_asked_for(storage: &dyn EventLogStorage) {
    storage.store_event(&materialized("r1", "z", None, 1)).await.unwrap();
    storage.store_event(&planned("r1", "a", None, 1)).await.unwrap();
    storage.store_event(&freshness("z", FreshnessState::Pass, 1.0)).await.unwrap();
    let mut asked: Vec<_> = numbered("none", MANY).iter().map(|name| asset(name)).collect();
    asked.insert(0, asset("z"));
    asked.push(asset("a"));
    let found = storage.get_asset_records(&Only::These(asked.clone())).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|record| record.asset_entry.asset_key).collect();
    assert_eq!(found, [asset("a"), asset("z")]);
    let found = storage.get_latest_materialization_records(&asked).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(storage.get_freshness_state_records(&asked).await.unwrap().len(), 1);
}
