//! Cases about events across runs.

use crate::asset_key::AssetKey;
use crate::error::StorageError;
use crate::event::{DagsterEventType, EventLogConnection, EventLogCursor, EventLogEntry};
use crate::ids::{RunId, StorageId};
use crate::storage::EventStoreExt;
use crate::storage::{
    AssetEventSummaryQuery, EventCursor, EventLogStorage, EventRecordsFilter, EventStore, Only,
    Order, RecordsPage, RunShardedEventsCursor, RunStatusChangeRecordsFilter,
};
use crate::testing::samples::{
    AWKWARD, FAR, MANY, asset, at, awkward_times, event, line, materialized, numbered, observed,
    planned, stamp, time,
};

const MATERIALIZED: DagsterEventType = DagsterEventType::AssetMaterialization;

fn of_asset(name: &str) -> EventRecordsFilter {
    EventRecordsFilter::new(MATERIALIZED).with_asset_key(asset(name))
}

/// The times of the events that match, in seconds since the first one.
async fn seconds(storage: &dyn EventStore, filter: &EventRecordsFilter) -> Vec<u32> {
    let found = storage.get_event_records(filter, None, Order::Ascending).await.unwrap();
    let page = RecordsPage { order: Order::Ascending, ..RecordsPage::default() };
    let fetched = storage.fetch_asset_events(filter, page).await.unwrap();
    assert_eq!(fetched.records, found, "{filter:?}");
    found.iter().map(|record| second_of(&record.event_log_entry)).collect()
}

fn second_of(entry: &EventLogEntry) -> u32 {
    (0..100).find(|second| entry.timestamp < stamp(*second) + 0.5).unwrap()
}

fn seconds_of(page: &EventLogConnection) -> Vec<u32> {
    page.records.iter().map(|record| second_of(&record.event_log_entry)).collect()
}

/// Events of the assets `a` and `b` at seconds 1 to 6; returns the ids by which they are found across runs.
async fn fill(storage: &dyn EventStore) -> Vec<StorageId> {
    let batch = [
        materialized("r1", "a", Some("p"), 1),
        materialized("r2", "b", Some("p"), 2),
        materialized("r2", "a", None, 3),
        materialized("r1", "a", Some("P"), 4),
        observed("r1", "a", Some("p"), &[], 5),
        materialized("r3", "a", Some("q"), 6),
    ];
    for entry in &batch {
        storage.store_event(entry).await.unwrap();
    }
    let all = EventRecordsFilter::new(MATERIALIZED);
    let found = storage.get_event_records(&all, None, Order::Ascending).await.unwrap();
    assert_eq!(found.len(), 5);
    found.iter().map(|record| record.storage_id).collect()
}

/// Each filter alone finds what it says, and several have to hold together.
pub async fn filters_find_the_events_that_match(storage: &dyn EventStore) {
    let ids = fill(storage).await;
    let all = || EventRecordsFilter::new(MATERIALIZED);
    let partitions = |names: &[&str]| Only::these(names.iter().copied());
    let behind = |place: usize| Some(EventCursor::StorageId(ids[place]));
    let sharded = |place: usize| {
        let cursor = RunShardedEventsCursor { id: ids[place], run_updated_after: at(99) };
        Some(EventCursor::RunSharded(cursor))
    };
    let cases: Vec<(EventRecordsFilter, &[u32])> = vec![
        (all(), &[1, 2, 3, 4, 6]),
        (EventRecordsFilter::new(DagsterEventType::AssetObservation), &[5]),
        (EventRecordsFilter::new(DagsterEventType::AssetMaterializationPlanned), &[]),
        (of_asset("a"), &[1, 3, 4, 6]),
        (of_asset("A"), &[]),
        (EventRecordsFilter::new(MATERIALIZED).with_asset_key(AssetKey::new(["a", "a"])), &[]),
        (EventRecordsFilter { asset_partitions: partitions(&["p"]), ..of_asset("a") }, &[1]),
        (EventRecordsFilter { asset_partitions: partitions(&["p", "q"]), ..all() }, &[1, 2, 6]),
        (EventRecordsFilter { asset_partitions: partitions(&["none"]), ..all() }, &[]),
        (EventRecordsFilter { after_cursor: behind(1), ..all() }, &[3, 4, 6]),
        (EventRecordsFilter { after_cursor: sharded(1), ..all() }, &[3, 4, 6]),
        (EventRecordsFilter { before_cursor: behind(1), ..all() }, &[1]),
        (
            EventRecordsFilter { after_cursor: behind(0), before_cursor: behind(3), ..all() },
            &[2, 3],
        ),
        (EventRecordsFilter { after_timestamp: Some(at(3)), ..all() }, &[4, 6]),
        (EventRecordsFilter { before_timestamp: Some(at(3)), ..all() }, &[1, 2]),
        (EventRecordsFilter { storage_ids: Only::these([ids[4], ids[0]]), ..all() }, &[1, 6]),
        (EventRecordsFilter { storage_ids: Only::one(StorageId(FAR)), ..all() }, &[]),
        (
            EventRecordsFilter {
                asset_partitions: partitions(&["p", "q"]),
                after_timestamp: Some(at(1)),
                storage_ids: Only::These(ids.clone()),
                ..of_asset("a")
            },
            &[6],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(seconds(storage, &filter).await, expected, "{filter:?}");
    }
}

/// A limit takes the first events in the order that is asked for.
pub async fn a_limit_takes_the_first_events(storage: &dyn EventStore) {
    fill(storage).await;
    for (limit, order, expected) in [
        (Some(2), Order::Ascending, vec![1, 3]),
        (Some(2), Order::Descending, vec![6, 4]),
        (None, Order::Descending, vec![6, 4, 3, 1]),
        (Some(0), Order::Ascending, vec![]),
        (Some(u64::MAX), Order::Ascending, vec![1, 3, 4, 6]),
    ] {
        let found = storage.get_event_records(&of_asset("a"), limit, order).await.unwrap();
        let found: Vec<_> = found.iter().map(|r| second_of(&r.event_log_entry)).collect();
        assert_eq!(found, expected, "{limit:?}, {order:?}");
    }
}

/// An event of the very microsecond in question is neither before nor after it, and events of before 1970
/// are events.
pub async fn times_of_events_are_compared_as_times(storage: &dyn EventStore) {
    // Seconds of which a float has all microseconds.
    let times: Vec<_> = awkward_times().into_iter().skip(1).take(11).collect();
    for time in &times {
        let timestamp = crate::clock::timestamp_of(*time);
        let entry = EventLogEntry { timestamp, ..materialized("r1", "a", None, 0) };
        storage.store_event(&entry).await.unwrap();
    }
    let count = async |filter: EventRecordsFilter| {
        storage.get_event_records(&filter, None, Order::Ascending).await.unwrap().len()
    };
    for filter in [EventRecordsFilter::new(MATERIALIZED), of_asset("a")] {
        assert_eq!(count(filter.clone()).await, times.len(), "{filter:?}");
        for (number, boundary) in times.iter().enumerate() {
            let after = EventRecordsFilter { after_timestamp: Some(*boundary), ..filter.clone() };
            assert_eq!(count(after).await, times.len() - number - 1, "after {boundary}");
            let before = EventRecordsFilter { before_timestamp: Some(*boundary), ..filter.clone() };
            assert_eq!(count(before).await, number, "before {boundary}");
        }
    }
}

/// Page by page, every event about an asset comes once, and cursors of filter and page hold together.
pub async fn pages_of_asset_events_follow_one_another(storage: &dyn EventStore) {
    let ids = fill(storage).await;
    for order in [Order::Ascending, Order::Descending] {
        for limit in 1..=5 {
            let mut page = RecordsPage { cursor: None, limit: Some(limit), order };
            let mut seen = Vec::new();
            loop {
                let found = storage.fetch_asset_events(&of_asset("a"), page).await.unwrap();
                seen.extend(seconds_of(&found));
                assert!(seen.len() < 1_000, "pages do not end");
                let EventLogCursor::StorageId(id) = found.cursor else {
                    panic!("{:?}", found.cursor);
                };
                page.cursor = Some(id);
                if !found.has_more {
                    break;
                }
            }
            if order == Order::Descending {
                seen.reverse();
            }
            assert_eq!(seen, [1, 3, 4, 6], "{order:?}, {limit} at once");
        }
    }
    let within = EventRecordsFilter {
        after_cursor: Some(EventCursor::StorageId(ids[0])),
        before_cursor: Some(EventCursor::StorageId(ids[4])),
        ..of_asset("a")
    };
    for (cursor, order, expected) in [
        (ids[2], Order::Ascending, vec![4]),
        (ids[2], Order::Descending, vec![]),
        (StorageId(-1), Order::Ascending, vec![3, 4]),
        (StorageId(FAR), Order::Descending, vec![4, 3]),
    ] {
        let page = RecordsPage { cursor: Some(cursor), limit: None, order };
        let found = storage.fetch_asset_events(&within, page).await.unwrap();
        assert_eq!(seconds_of(&found), expected, "{page:?}");
    }
}

/// Changes of the statuses of runs are found by type, time and id, page by page.
pub async fn changes_of_statuses_are_found(storage: &dyn EventStore) {
    for (second, run) in (1..).zip(["r1", "r2", "r3", "r1"]) {
        let batch = [
            event(run, DagsterEventType::RunSuccess, second),
            event(run, DagsterEventType::RunFailure, second),
            event(run, DagsterEventType::StepSuccess, second),
        ];
        storage.store_event_batch(&batch).await.unwrap();
    }
    let all = RunStatusChangeRecordsFilter {
        event_type: DagsterEventType::RunSuccess,
        after_timestamp: None,
        before_timestamp: None,
        after_storage_id: None,
        before_storage_id: None,
        storage_ids: Only::Any,
    };
    let page = RecordsPage { cursor: None, limit: Some(3), order: Order::Ascending };
    let first = storage.fetch_run_status_changes(&all, page).await.unwrap();
    assert_eq!((seconds_of(&first), first.has_more), (vec![1, 2, 3], true));
    let EventLogCursor::StorageId(cursor) = first.cursor else { panic!("{:?}", first.cursor) };
    let next = RecordsPage { cursor: Some(cursor), ..page };
    let next = storage.fetch_run_status_changes(&all, next).await.unwrap();
    assert_eq!((seconds_of(&next), next.has_more), (vec![4], false));

    let id = |place: usize| first.records[place].storage_id;
    for (filter, expected) in [
        (RunStatusChangeRecordsFilter { after_timestamp: Some(at(2)), ..all.clone() }, vec![4, 3]),
        (RunStatusChangeRecordsFilter { before_timestamp: Some(at(2)), ..all.clone() }, vec![1]),
        (RunStatusChangeRecordsFilter { after_storage_id: Some(id(1)), ..all.clone() }, vec![4, 3]),
        (RunStatusChangeRecordsFilter { before_storage_id: Some(id(1)), ..all.clone() }, vec![1]),
        (
            RunStatusChangeRecordsFilter {
                storage_ids: Only::these([id(2), id(0)]),
                ..all.clone()
            },
            vec![3, 1],
        ),
    ] {
        let page = RecordsPage::default();
        let found = storage.fetch_run_status_changes(&filter, page).await.unwrap();
        assert_eq!(seconds_of(&found), expected, "{filter:?}");
    }
}

/// What changes no status cannot be asked for as a change of one.
pub async fn a_type_that_changes_no_status_is_refused(storage: &dyn EventStore) {
    let filter = RunStatusChangeRecordsFilter {
        event_type: DagsterEventType::StepSuccess,
        after_timestamp: None,
        before_timestamp: None,
        after_storage_id: None,
        before_storage_id: None,
        storage_ids: Only::Any,
    };
    let error =
        storage.fetch_run_status_changes(&filter, RecordsPage::default()).await.unwrap_err();
    assert!(matches!(error, StorageError::Unsupported { .. }), "{error:?}");
}

/// Summaries say of events what the events say, by each filter alone and together.
pub async fn summaries_of_asset_events_are_found(storage: &dyn EventStore) {
    let ids = fill(storage).await;
    let all = || AssetEventSummaryQuery {
        event_type: MATERIALIZED,
        asset_key: None,
        run_id: None,
        storage_ids: Only::Any,
        after_storage_id: None,
        before_storage_id: None,
        limit: None,
        order: Order::Ascending,
    };
    let cases: Vec<(AssetEventSummaryQuery, &[usize])> = vec![
        (all(), &[0, 1, 2, 3, 4]),
        (AssetEventSummaryQuery { asset_key: Some(asset("a")), ..all() }, &[0, 2, 3, 4]),
        (AssetEventSummaryQuery { run_id: Some(RunId::from("r1")), ..all() }, &[0, 3]),
        (AssetEventSummaryQuery { run_id: Some(RunId::from("R1")), ..all() }, &[]),
        (
            AssetEventSummaryQuery { storage_ids: Only::These(vec![ids[3], ids[1]]), ..all() },
            &[1, 3],
        ),
        (AssetEventSummaryQuery { storage_ids: Only::These(Vec::new()), ..all() }, &[]),
        (AssetEventSummaryQuery { after_storage_id: Some(ids[2]), ..all() }, &[3, 4]),
        (AssetEventSummaryQuery { before_storage_id: Some(ids[2]), ..all() }, &[0, 1]),
        (AssetEventSummaryQuery { limit: Some(2), order: Order::Descending, ..all() }, &[4, 3]),
        (AssetEventSummaryQuery { limit: Some(0), ..all() }, &[]),
        (AssetEventSummaryQuery { limit: Some(u64::MAX), ..all() }, &[0, 1, 2, 3, 4]),
        (
            AssetEventSummaryQuery {
                asset_key: Some(asset("a")),
                run_id: Some(RunId::from("r1")),
                after_storage_id: Some(ids[0]),
                ..all()
            },
            &[3],
        ),
    ];
    for (query, expected) in cases {
        let found = storage.get_asset_event_summary_records(&query).await.unwrap();
        let found: Vec<_> = found.iter().map(|record| record.storage_id).collect();
        let expected: Vec<_> = expected.iter().map(|place| ids[*place]).collect();
        assert_eq!(found, expected, "{query:?}");
    }
    let found = storage.get_asset_event_summary_records(&all()).await.unwrap();
    assert_eq!(found[1].run_id.as_str(), "r2");
    assert_eq!(found[1].asset_key, asset("b"));
    assert_eq!(found[1].partition.as_deref(), Some("p"));
    assert_eq!((found[2].partition.as_deref(), found[2].timestamp), (None, at(3)));
}

/// A partition without a name is no partition.
pub async fn an_empty_partition_is_none(storage: &dyn EventStore) {
    storage.store_event(&materialized("r1", "a", Some(""), 1)).await.unwrap();
    let found = storage.get_asset_partitions_for_run(&RunId::from("r1"), &Only::Any).await.unwrap();
    assert_eq!(found, [(asset("a"), [None].into())]);
}

/// The assets of a run come with their partitions, and those of events without one.
pub async fn assets_and_partitions_of_a_run_are_found(storage: &dyn EventStore) {
    let batch = [
        planned("r1", "b", None, 1),
        materialized("r1", "a", Some("p"), 1),
        materialized("r1", "a", Some("P"), 1),
        materialized("r1", "a", Some("p"), 1),
        materialized("r1", "a", None, 1),
        observed("r1", "c", Some("p"), &[], 1),
        line("r1", "x", 1),
        materialized("r2", "d", None, 1),
    ];
    storage.store_event_batch(&batch).await.unwrap();
    let found = async |of_types: &Only<DagsterEventType>| {
        let run_id = RunId::from("r1");
        let mut found = storage.get_asset_partitions_for_run(&run_id, of_types).await.unwrap();
        found.sort();
        found
    };
    let name = |name: &str| Some(name.to_owned());
    let of_a = (asset("a"), [None, name("p"), name("P")].into());
    let (of_b, of_c) = ((asset("b"), [None].into()), (asset("c"), [name("p")].into()));
    assert_eq!(found(&Only::Any).await, [of_a.clone(), of_b.clone(), of_c]);
    assert_eq!(found(&Only::one(MATERIALIZED)).await, std::slice::from_ref(&of_a));
    let both = [MATERIALIZED, DagsterEventType::AssetMaterializationPlanned];
    assert_eq!(found(&Only::these(both)).await, [of_a, of_b]);
    assert_eq!(found(&Only::one(DagsterEventType::StepStart)).await, []);
}

/// Entries of all runs that share rows come by id, behind the cursor, of the types, up to the limit; the
/// greatest id is that of the last of them.
pub async fn entries_behind_an_id_are_found(storage: &dyn EventLogStorage) {
    assert_eq!(storage.get_maximum_record_id().await.unwrap(), None);
    let batch = [
        event("r1", DagsterEventType::RunStart, 1),
        materialized("r2", "a", None, 2),
        event("r1", DagsterEventType::RunSuccess, 3),
    ];
    for entry in &batch {
        storage.store_event(entry).await.unwrap();
    }
    let all =
        storage.get_logs_for_all_runs_by_log_id(StorageId(-1), &Only::Any, None).await.unwrap();
    let found: Vec<_> = all.iter().map(|record| &record.event_log_entry).collect();
    assert_eq!(found, batch.iter().collect::<Vec<_>>());
    assert_eq!(storage.get_maximum_record_id().await.unwrap(), Some(all[2].storage_id));
    let two_types = Only::these([DagsterEventType::RunStart, MATERIALIZED]);
    for (after, of_types, limit, expected) in [
        (all[0].storage_id, Only::Any, None, &all[1..]),
        (all[0].storage_id, Only::Any, Some(1), &all[1..2]),
        (StorageId(0), Only::one(MATERIALIZED), None, &all[1..2]),
        (StorageId(0), two_types, Some(u64::MAX), &all[..2]),
        (StorageId(FAR), Only::Any, None, &[]),
        (StorageId(i64::MIN), Only::Any, Some(0), &[]),
    ] {
        let found = storage.get_logs_for_all_runs_by_log_id(after, &of_types, limit).await.unwrap();
        assert_eq!(found, expected, "{after}, {of_types:?}, {limit:?}");
    }
}

/// Runs have logs of their own exactly where logs are sharded.
pub async fn runs_with_logs_of_their_own_are_listed(storage: &dyn EventLogStorage) {
    assert_eq!(storage.get_all_run_ids().await.unwrap(), []);
    for run in ["r1", "r2", "r1"] {
        storage.store_event(&line(run, "x", 1)).await.unwrap();
    }
    let mut found = storage.get_all_run_ids().await.unwrap();
    found.sort();
    let expected = ["r1", "r2"].map(RunId::from);
    assert_eq!(found, if storage.is_run_sharded() { &expected[..] } else { &[] });
}

/// More ids and partitions than one statement may bind are asked for, in order and up to the limit.
pub async fn any_number_of_events_may_be_asked_for(storage: &dyn EventStore) {
    let ids = fill(storage).await;
    let mut storage_ids: Vec<_> = (FAR..).take(MANY).map(StorageId).collect();
    storage_ids.insert(0, ids[4]);
    storage_ids.push(ids[0]);
    let filter = EventRecordsFilter {
        storage_ids: Only::These(storage_ids.clone()),
        ..EventRecordsFilter::new(MATERIALIZED)
    };
    assert_eq!(seconds(storage, &filter).await, [1, 6]);
    let last = storage.get_event_records(&filter, Some(1), Order::Descending).await.unwrap();
    assert_eq!(last[0].storage_id, ids[4]);
    let mut asset_partitions = numbered("none", MANY);
    asset_partitions.insert(0, "p".to_owned());
    asset_partitions.push("q".to_owned());
    let filter =
        EventRecordsFilter { asset_partitions: Only::These(asset_partitions), ..of_asset("a") };
    assert_eq!(seconds(storage, &filter).await, [1, 6]);
    let query = AssetEventSummaryQuery {
        event_type: MATERIALIZED,
        asset_key: None,
        run_id: None,
        storage_ids: Only::These(storage_ids),
        after_storage_id: None,
        before_storage_id: None,
        limit: Some(1),
        order: Order::Descending,
    };
    let found = storage.get_asset_event_summary_records(&query).await.unwrap();
    assert_eq!(found.iter().map(|record| record.storage_id).collect::<Vec<_>>(), [ids[4]]);
}

/// Assets and partitions that differ in any way have events of their own.
pub async fn awkward_assets_and_partitions_are_told_apart(storage: &dyn EventStore) {
    let batch: Vec<_> =
        AWKWARD.iter().map(|text| materialized("r1", text, Some(text), 1)).collect();
    storage.store_event_batch(&batch).await.unwrap();
    for (entry, text) in batch.iter().zip(AWKWARD) {
        for filter in [
            of_asset(text),
            EventRecordsFilter {
                asset_partitions: Only::one((*text).to_owned()),
                ..EventRecordsFilter::new(MATERIALIZED)
            },
        ] {
            let found = storage.get_event_records(&filter, None, Order::Ascending).await.unwrap();
            assert_eq!(found.len(), 1, "{filter:?}");
            assert_eq!(&found[0].event_log_entry, entry);
        }
    }
}

/// Parts of a microsecond do not make an event later than its row says.
pub async fn a_boundary_of_nanoseconds_is_one_of_microseconds(storage: &dyn EventStore) {
    let timestamp = 1_700_000_000.5;
    let entry = EventLogEntry { timestamp, ..materialized("r1", "a", None, 0) };
    storage.store_event(&entry).await.unwrap();
    let boundary = time("2023-11-14 22:13:20.500000999");
    let after = EventRecordsFilter { after_timestamp: Some(boundary), ..of_asset("a") };
    let found = storage.get_event_records(&after, None, Order::Ascending).await.unwrap();
    assert_eq!(found, []);
}

/// A list without anything finds no event, with every way of asking.
pub async fn a_list_without_anything_finds_no_event(storage: &dyn EventStore) {
    fill(storage).await;
    storage.store_event(&event("r1", DagsterEventType::RunStart, 1)).await.unwrap();
    for filter in [
        EventRecordsFilter { asset_partitions: Only::These(Vec::new()), ..of_asset("a") },
        EventRecordsFilter { storage_ids: Only::These(Vec::new()), ..of_asset("a") },
    ] {
        let found = storage.get_event_records(&filter, None, Order::Ascending).await.unwrap();
        assert_eq!(found, [], "{filter:?}");
        let page = storage.fetch_asset_events(&filter, RecordsPage::default()).await.unwrap();
        assert_eq!(page.records, [], "{filter:?}");
    }
    let changes = RunStatusChangeRecordsFilter {
        event_type: DagsterEventType::RunStart,
        after_timestamp: None,
        before_timestamp: None,
        after_storage_id: None,
        before_storage_id: None,
        storage_ids: Only::These(Vec::new()),
    };
    let page = storage.fetch_run_status_changes(&changes, RecordsPage::default()).await.unwrap();
    assert_eq!(page.records, []);
    let none = Only::These(Vec::new());
    let of_run = storage.get_asset_partitions_for_run(&RunId::from("r1"), &none).await.unwrap();
    assert_eq!(of_run, []);
    let behind = storage.get_logs_for_all_runs_by_log_id(StorageId(-1), &none, None).await.unwrap();
    assert_eq!(behind, []);
}
