//! Cases about storing events and reading the log of a run.

use crate::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventLogConnection, EventLogCursor,
    EventLogEntry,
};
use crate::ids::{RunId, StorageId};
use crate::serdes::{deserialize_value, serialize_value};
use crate::storage::EventStoreExt;
use crate::storage::{EventStore, Only, Order, RecordsForRun};
use crate::testing::samples::{
    AWKWARD, Evaluated, FAR, all_of, asset, awkward_times, check_evaluated, check_key,
    check_planned, check_planned_of_a_range, entry, event, line, materialized, message, stamp,
    step_event, with_unknown_field,
};

fn log_of(run_id: &str) -> RecordsForRun {
    RecordsForRun::new(RunId::from(run_id))
}

fn messages(page: &EventLogConnection) -> Vec<&str> {
    page.records.iter().map(|record| record.event_log_entry.message()).collect()
}

/// The messages of all entries of a run.
pub(in crate::testing) async fn all_messages(
    storage: &dyn EventStore,
    run_id: &str,
) -> Vec<String> {
    let page = storage.get_records_for_run(&log_of(run_id)).await.unwrap();
    messages(&page).into_iter().map(str::to_owned).collect()
}

async fn store_messages(storage: &dyn EventStore, run_id: &str, texts: &[&str]) -> Vec<StorageId> {
    let entries: Vec<_> = texts.iter().map(|text| message(run_id, text)).collect();
    storage.store_event_batch(&entries).await.unwrap()
}

/// An entry comes back byte for byte, with whatever a newer version wrote into it.
pub async fn an_entry_is_read_as_it_was_stored(storage: &dyn EventStore) {
    let event = DagsterEvent::new(DagsterEventType::StepStart, "j")
        .with_message("naïve \u{0} 🦀 \u{10ffff}")
        .with_step_key("a")
        .with_data(EngineEventData::default());
    let stored = EventLogEntry { timestamp: stamp(0) + 0.123_456_7, ..entry("r1", event, 0) };
    let newer = with_unknown_field(&stored);
    let future = EventLogEntry {
        dagster_event: Some(Box::new(DagsterEvent {
            event_type_value: "RUN_TELEPORTED".to_owned(),
            ..DagsterEvent::new(DagsterEventType::EngineEvent, "j")
        })),
        ..newer.clone()
    };
    for entry in [&stored, &newer, &future, &line("r1", "it's", 0)] {
        storage.store_event(entry).await.unwrap();
        let page = storage.get_records_for_run(&log_of("r1")).await.unwrap();
        let last = page.records.last().unwrap();
        assert_eq!(serialize_value(&last.event_log_entry), serialize_value(entry));
    }
}

/// Data of a class that this version does not know is kept as its text.
pub async fn data_of_an_unknown_class_is_kept(storage: &dyn EventStore) {
    let text = serialize_value(&message("r1", "x")).replace(
        r#""event_specific_data": null"#,
        r#""event_specific_data": {"__class__": "DataOfTomorrow", "x": [1e+22, {"__enum__": "A.B"}]}"#,
    );
    assert!(text.contains("Tomorrow"));
    let entry: EventLogEntry = deserialize_value(&text).unwrap();
    storage.store_event(&entry).await.unwrap();
    let page = storage.get_records_for_run(&log_of("r1")).await.unwrap();
    assert_eq!(serialize_value(&page.records[0].event_log_entry), text);
}

/// Entries come in the order in which they were stored, alone or in batches, whatever their times say; ids
/// ascend, and are those that storing returned.
pub async fn entries_come_in_the_order_in_which_they_were_stored(storage: &dyn EventStore) {
    let mut ids = vec![
        storage.store_event(&message("r1", "1")).await.unwrap(),
        storage.store_event(&line("r1", "a line", 9)).await.unwrap(),
    ];
    ids.extend(store_messages(storage, "r1", &["2", "3"]).await);
    let page = storage.get_records_for_run(&log_of("r1")).await.unwrap();
    assert_eq!(messages(&page), ["1", "a line", "2", "3"]);
    let found: Vec<_> = page.records.iter().map(|record| record.storage_id).collect();
    assert_eq!(found, ids);
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    assert!(!page.has_more);
    assert_eq!(page.cursor, EventLogCursor::StorageId(ids[3]));
    let query = RecordsForRun { order: Order::Descending, ..log_of("r1") };
    let page = storage.get_records_for_run(&query).await.unwrap();
    assert_eq!(messages(&page), ["3", "2", "a line", "1"]);
}

/// A batch of more entries than one statement may bind keeps its order.
pub async fn a_large_batch_keeps_its_order(storage: &dyn EventStore) {
    let texts: Vec<_> = (0..12_000).map(|number| number.to_string()).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let ids = store_messages(storage, "r1", &texts).await;
    assert!(ids.is_sorted_by(|one, next| one < next));
    let page = storage.get_records_for_run(&log_of("r1")).await.unwrap();
    assert_eq!(messages(&page), texts);
    let found: Vec<_> = page.records.iter().map(|record| record.storage_id).collect();
    assert_eq!(found, ids);
}

/// Ids are returned at the places of their entries, also where runs are mixed.
pub async fn a_batch_of_several_runs_is_stored_run_by_run(storage: &dyn EventStore) {
    store_messages(storage, "b", &["0"]).await;
    let runs = ["a", "b", "a", "", "b"];
    let batch: Vec<_> =
        (1..).zip(runs).map(|(number, run)| message(run, &number.to_string())).collect();
    let ids = storage.store_event_batch(&batch).await.unwrap();
    for (run, expected) in [("a", vec!["1", "3"]), ("b", vec!["0", "2", "5"]), ("", vec!["4"])] {
        let page = storage.get_records_for_run(&log_of(run)).await.unwrap();
        assert_eq!(messages(&page), expected, "{run:?}");
        for record in &page.records {
            let number: usize = record.event_log_entry.message().parse().unwrap();
            if number > 0 {
                assert_eq!(record.storage_id, ids[number - 1]);
            }
        }
    }
}

/// A batch of nothing stores nothing, and a run of nothing has an empty page.
pub async fn a_run_without_events_has_an_empty_page(storage: &dyn EventStore) {
    assert_eq!(storage.store_event_batch(&[]).await.unwrap(), []);
    store_messages(storage, "other", &["x"]).await;
    for order in [Order::Ascending, Order::Descending] {
        let query = RecordsForRun { order, limit: Some(5), ..log_of("r1") };
        let page = storage.get_records_for_run(&query).await.unwrap();
        assert_eq!((messages(&page), page.has_more), (vec![], false));
    }
}

/// Page by page, every entry comes once and in order, whatever the limit and the order.
pub async fn pages_of_a_log_follow_one_another(storage: &dyn EventStore) {
    let texts = ["1", "2", "3", "4", "5"];
    for text in texts {
        // Rows of another run between those of this one.
        store_messages(storage, "r1", &[text]).await;
        store_messages(storage, "r2", &["x"]).await;
    }
    for order in [Order::Ascending, Order::Descending] {
        for limit in 1..=6 {
            let mut query = RecordsForRun { limit: Some(limit), order, ..log_of("r1") };
            let mut seen = Vec::new();
            loop {
                let page = storage.get_records_for_run(&query).await.unwrap();
                assert!(page.records.len() as u64 <= limit);
                assert!(page.has_more || (page.records.len() as u64) < limit, "{query:?}");
                seen.extend(messages(&page).into_iter().map(str::to_owned));
                assert!(seen.len() < 1_000, "pages do not end");
                query.cursor = Some(page.cursor);
                if !page.has_more {
                    break;
                }
            }
            if order == Order::Descending {
                seen.reverse();
            }
            assert_eq!(seen, texts, "{order:?}, {limit} at once");
        }
    }
}

/// Behind the cursor of an empty page is what is stored later, and behind the last entry nothing.
pub async fn the_cursor_of_an_empty_page_finds_what_comes_later(storage: &dyn EventStore) {
    let empty = storage.get_records_for_run(&log_of("r1")).await.unwrap();
    store_messages(storage, "r1", &["1"]).await;
    let behind = |cursor| RecordsForRun { cursor: Some(cursor), ..log_of("r1") };
    let page = storage.get_records_for_run(&behind(empty.cursor)).await.unwrap();
    assert_eq!(messages(&page), ["1"]);
    let nothing = storage.get_records_for_run(&behind(page.cursor)).await.unwrap();
    assert_eq!((messages(&nothing), nothing.cursor), (vec![], page.cursor));
    store_messages(storage, "r1", &["2"]).await;
    let next = storage.get_records_for_run(&behind(nothing.cursor)).await.unwrap();
    assert_eq!(messages(&next), ["2"]);
}

/// Cursors of old versions count entries, in the order that is asked for.
pub async fn offsets_count_entries(storage: &dyn EventStore) {
    store_messages(storage, "r2", &["x", "y"]).await;
    store_messages(storage, "r1", &["1", "2", "3", "4", "5"]).await;
    for (offset, limit, order, expected) in [
        (0, None, Order::Ascending, vec!["1", "2", "3", "4", "5"]),
        (3, None, Order::Ascending, vec!["4", "5"]),
        (1, Some(2), Order::Ascending, vec!["2", "3"]),
        (1, Some(2), Order::Descending, vec!["4", "3"]),
        (9, None, Order::Ascending, vec![]),
        (1 << 40, Some(1), Order::Descending, vec![]),
        (u64::MAX, None, Order::Ascending, vec![]),
    ] {
        let cursor = Some(EventLogCursor::Offset(offset));
        let query = RecordsForRun { cursor, limit, order, ..log_of("r1") };
        let page = storage.get_records_for_run(&query).await.unwrap();
        assert_eq!(messages(&page), expected, "{query:?}");
    }
}

/// A page ends with the entry by which the bodies become as many bytes as are asked for, and the next one goes on
/// behind it; in both orders, and whichever of two bounds comes first.
pub async fn pages_of_a_log_are_bounded_by_bytes(storage: &dyn EventStore) {
    const BODY: usize = 10_000;
    let texts: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].map(|text| text.repeat(BODY)).into();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    store_messages(storage, "r1", &texts).await;
    let no_more = u64::MAX;
    for (max_bytes, limit, expected) in [
        (Some(0), None, vec![1, 1, 1, 1, 1, 1, 1]),
        (Some(1), None, vec![1, 1, 1, 1, 1, 1, 1]),
        (Some(25_000), None, vec![3, 3, 1]),
        (Some(25_000), Some(2), vec![2, 2, 2, 1]),
        (Some(25_000), Some(5), vec![3, 3, 1]),
        (Some(no_more), None, vec![7]),
        (None, None, vec![7]),
    ] {
        for order in [Order::Ascending, Order::Descending] {
            let mut query = RecordsForRun { limit, max_bytes, order, ..log_of("r1") };
            let (mut seen, mut sizes) = (Vec::new(), Vec::new());
            loop {
                let page = storage.get_records_for_run(&query).await.unwrap();
                seen.extend(messages(&page).iter().map(|text| text[..1].to_owned()));
                if !page.records.is_empty() {
                    sizes.push(page.records.len());
                }
                if !page.has_more {
                    break;
                }
                query.cursor = Some(page.cursor);
            }
            if order == Order::Descending {
                seen.reverse();
            }
            assert_eq!(seen.concat(), "abcdefg", "{query:?}");
            assert_eq!(sizes, expected, "{query:?}");
        }
    }
}

/// A bound of bytes counts the entries of the asked types, from the position on; a log without any is empty.
pub async fn a_bound_of_bytes_counts_what_is_asked_for(storage: &dyn EventStore) {
    let long = "x".repeat(10_000);
    let lines: Vec<_> = (0..3).map(|number| line("r1", &long, number)).collect();
    storage.store_event_batch(&lines).await.unwrap();
    let starts =
        [event("r1", DagsterEventType::RunStart, 0), event("r1", DagsterEventType::RunSuccess, 0)];
    let ids = storage.store_event_batch(&starts).await.unwrap();
    let of_types = vec![DagsterEventType::RunStart, DagsterEventType::RunSuccess];
    let query =
        RecordsForRun { of_types: Only::These(of_types), max_bytes: Some(9_000), ..log_of("r1") };
    let page = storage.get_records_for_run(&query).await.unwrap();
    assert_eq!((page.records.len(), page.has_more), (2, false));
    let cursor = Some(EventLogCursor::StorageId(ids[0]));
    let page =
        storage.get_records_for_run(&RecordsForRun { cursor, ..query.clone() }).await.unwrap();
    assert_eq!((page.records.len(), page.has_more), (1, false));
    let none = RecordsForRun { run_id: RunId::from("r2"), ..query };
    let page = storage.get_records_for_run(&none).await.unwrap();
    assert_eq!((page.records.len(), page.has_more), (0, false));
}

/// A limit of nothing gives nothing, one that no database counts to gives all, and ids may be of any size.
pub async fn limits_and_cursors_of_a_log_may_be_of_any_size(storage: &dyn EventStore) {
    store_messages(storage, "r1", &["1", "2"]).await;
    for (limit, expected) in [(0, 0), (1 << 32, 2), (u64::MAX, 2)] {
        let query = RecordsForRun { limit: Some(limit), ..log_of("r1") };
        let page = storage.get_records_for_run(&query).await.unwrap();
        assert_eq!((page.records.len(), page.has_more), (expected, false), "{limit}");
    }
    for (id, order, expected) in [
        (FAR, Order::Ascending, 0),
        (FAR, Order::Descending, 2),
        (i64::MAX, Order::Ascending, 0),
        (i64::MIN, Order::Ascending, 2),
        (-1, Order::Descending, 0),
    ] {
        let cursor = Some(EventLogCursor::StorageId(StorageId(id)));
        let query = RecordsForRun { cursor, order, ..log_of("r1") };
        let page = storage.get_records_for_run(&query).await.unwrap();
        assert_eq!(page.records.len(), expected, "{query:?}");
    }
}

/// Types are one of several; lines of logs have none, and are left out if any is asked for.
pub async fn only_events_of_the_asked_types_are_read(storage: &dyn EventStore) {
    let mut batch: Vec<_> = (1..)
        .zip([
            DagsterEventType::StepStart,
            DagsterEventType::StepSuccess,
            DagsterEventType::StepStart,
            DagsterEventType::RunStart,
        ])
        .map(|(second, event_type)| event("r1", event_type, second))
        .collect();
    batch.insert(1, line("r1", "a line", 9));
    storage.store_event_batch(&batch).await.unwrap();
    let of = async |of_types, limit| {
        let query = RecordsForRun { of_types, limit, ..log_of("r1") };
        let page = storage.get_records_for_run(&query).await.unwrap();
        page.records.iter().map(|record| record.event_log_entry.timestamp).collect::<Vec<_>>()
    };
    let at = |seconds: &[u32]| seconds.iter().map(|second| stamp(*second)).collect::<Vec<_>>();
    assert_eq!(of(Only::Any, None).await, at(&[1, 9, 2, 3, 4]));
    assert_eq!(of(Only::one(DagsterEventType::StepStart), None).await, at(&[1, 3]));
    assert_eq!(of(Only::one(DagsterEventType::StepStart), Some(1)).await, at(&[1]));
    let both = [DagsterEventType::RunStart, DagsterEventType::StepSuccess];
    assert_eq!(of(Only::these(both), None).await, at(&[2, 4]));
    assert_eq!(of(Only::one(DagsterEventType::StepInput), None).await, at(&[]));
    assert_eq!(of(Only::These(DagsterEventType::ALL.to_vec()), None).await, at(&[1, 2, 3, 4]));
}

/// Runs whose ids differ in case only, or by more characters, have logs of their own.
pub async fn logs_of_runs_are_told_apart(storage: &dyn EventStore) {
    let ids = ["r1", "r11", "r", "r%", "r_", "é", "e\u{301}", "🦀"];
    for id in ids {
        store_messages(storage, id, &[id]).await;
    }
    for id in ids {
        assert_eq!(all_messages(storage, id).await, [id]);
    }
    assert_eq!(all_messages(storage, "none").await, Vec::<String>::new());
}

/// Events of any time are stored; their order is not that of their times.
pub async fn events_of_any_time_are_stored(storage: &dyn EventStore) {
    let mut expected = Vec::new();
    for time in awkward_times().into_iter().rev() {
        let timestamp = crate::clock::timestamp_of(time);
        let entry = EventLogEntry { timestamp, ..message("r1", "x") };
        storage.store_event(&entry).await.unwrap();
        expected.push(timestamp);
    }
    let page = storage.get_records_for_run(&log_of("r1")).await.unwrap();
    let found: Vec<_> = page.records.iter().map(|r| r.event_log_entry.timestamp).collect();
    assert_eq!(found, expected);
}

/// An entry that cannot be stored completely is refused, alone and with the rest of its batch.
pub async fn what_cannot_be_stored_takes_its_batch_with_it(storage: &dyn EventStore) {
    let at = |timestamp| EventLogEntry { timestamp, ..event("r1", DagsterEventType::StepStart, 0) };
    store_messages(storage, "r1", &["before"]).await;
    for refused in [
        event("r1", DagsterEventType::AssetMaterialization, 0),
        event("r1", DagsterEventType::AssetObservation, 0),
        event("r1", DagsterEventType::AssetMaterializationPlanned, 0),
        event("r1", DagsterEventType::AssetCheckEvaluation, 0),
        event("r1", DagsterEventType::AssetCheckEvaluationPlanned, 0),
        check_planned_of_a_range("r1", &check_key("a", "c")),
        at(f64::NAN),
        at(f64::NEG_INFINITY),
        at(-1e300),
    ] {
        storage.store_event(&refused).await.unwrap_err();
        let batch = [message("r1", "1"), message("r2", "2"), refused, message("r1", "3")];
        storage.store_event_batch(&batch).await.unwrap_err();
        assert_eq!(all_messages(storage, "r1").await, ["before"]);
        assert_eq!(all_messages(storage, "r2").await, Vec::<String>::new());
    }
}

/// A text with the character of number zero in a column is stored with all of its batch, or nothing of the
/// run is; and other callers of the same moment are not kept from storing theirs.
pub async fn a_text_that_cannot_be_stored_takes_no_others_with_it(storage: &dyn EventStore) {
    let step = step_event("r1", DagsterEventType::StepStart, "a\0b", 0);
    let batch = [message("r1", "1"), step.clone(), message("r1", "2")];
    let is_stored = storage.store_event_batch(&batch).await.is_ok();
    let page = storage.get_records_for_run(&log_of("r1")).await.unwrap();
    assert_eq!(page.records.len(), if is_stored { 3 } else { 0 });

    let entries: Vec<_> = (0..20)
        .map(|number| match number {
            7 => step.clone(),
            _ => message("r2", &number.to_string()),
        })
        .collect();
    let outcomes = all_of(entries.iter().map(|entry| storage.store_event(entry))).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert!(outcome.is_ok() || number == 7, "{number}: {outcome:?}");
    }
    assert_eq!(all_messages(storage, "r2").await.len(), 19);
}

/// Events stored at once all have ids of their own, and each caller was told the id of its own event.
pub async fn events_may_be_stored_at_once(storage: &dyn EventStore) {
    let entries: Vec<_> = (0..60)
        .map(|number| match number % 3 {
            0 => materialized("r1", &format!("a{}", number % 4), None, number),
            1 => line("r1", "x", number),
            _ => event("r2", DagsterEventType::StepStart, number),
        })
        .collect();
    let ids = all_of(entries.iter().map(|entry| storage.store_event(entry))).await;
    for run in ["r1", "r2"] {
        let page = storage.get_records_for_run(&log_of(run)).await.unwrap();
        for (entry, id) in entries.iter().zip(&ids) {
            let id = id.as_ref().unwrap();
            if entry.run_id.as_str() == run {
                let found = page.records.iter().find(|record| record.storage_id == *id).unwrap();
                assert_eq!(&found.event_log_entry, entry);
            }
        }
        assert_eq!(page.records.len(), if run == "r1" { 40 } else { 20 });
    }
}

/// An entry of more than a megabyte is stored.
pub async fn an_entry_may_be_of_any_length(storage: &dyn EventStore) {
    let entry = message("r1", &"né🦀\n".repeat(150_000));
    storage.store_event_batch(&[entry.clone(), entry.clone()]).await.unwrap();
    let page = storage.get_records_for_run(&log_of("r1")).await.unwrap();
    assert_eq!(page.records[1].event_log_entry, entry);
}

/// The log of a run is deleted, with what is found of its events elsewhere; other runs keep theirs.
pub async fn deleted_events_are_gone(storage: &dyn EventStore) {
    use crate::storage::EventRecordsFilter;

    for run in ["r1", "r2"] {
        let batch = [
            message(run, run),
            event(run, DagsterEventType::RunStart, 1),
            materialized(run, "a", Some("p"), 2),
        ];
        storage.store_event_batch(&batch).await.unwrap();
    }
    let materialization = DagsterEventType::AssetMaterialization;
    let filter = EventRecordsFilter::new(materialization).with_asset_key(asset("a"));
    for _ in 0..2 {
        storage.delete_events(&RunId::from("r1")).await.unwrap();
        assert_eq!(all_messages(storage, "r1").await, Vec::<String>::new());
        assert_eq!(all_messages(storage, "r2").await.len(), 3);
        let found = storage.get_event_records(&filter, None, Order::Ascending).await.unwrap();
        let runs: Vec<_> = found.iter().map(|r| r.event_log_entry.run_id.as_str()).collect();
        assert_eq!(runs, ["r2"]);
    }
    store_messages(storage, "r1", &["again"]).await;
    assert_eq!(all_messages(storage, "r1").await, ["again"]);
}

/// Steps, messages and partitions of any characters are read as they were.
pub async fn awkward_texts_of_events_are_kept(storage: &dyn EventStore) {
    let batch: Vec<_> = AWKWARD
        .iter()
        .flat_map(|text| {
            let key = check_key(text, text);
            [
                step_event("r1", DagsterEventType::StepStart, text, 0),
                message("r1", text),
                line("r1", text, 0),
                materialized("r1", text, Some(text), 0),
                check_planned("r1", &key, 0),
                check_evaluated("r1", &key, Evaluated::default(), 0),
            ]
        })
        .collect();
    storage.store_event_batch(&batch).await.unwrap();
    let page = storage.get_records_for_run(&log_of("r1")).await.unwrap();
    let found: Vec<_> = page.records.into_iter().map(|record| record.event_log_entry).collect();
    assert_eq!(found, batch);
    for text in AWKWARD {
        let steps = Only::one(*text);
        let stats = storage.get_step_stats_for_run(&RunId::from("r1"), &steps).await.unwrap();
        assert_eq!(stats.len(), 1, "{text:?}");
        assert_eq!(stats[0].step_key, *text);
    }
}

/// A list without a type finds no entry, also on a page whose bytes are bounded.
pub async fn a_list_without_a_type_finds_no_entry(storage: &dyn EventStore) {
    storage.store_event(&event("r1", DagsterEventType::RunStart, 1)).await.unwrap();
    for max_bytes in [None, Some(1_000)] {
        let of_types = Only::These(Vec::new());
        let query = RecordsForRun { of_types, max_bytes, ..log_of("r1") };
        let page = storage.get_records_for_run(&query).await.unwrap();
        assert_eq!(page.records, [], "{max_bytes:?}");
        assert!(!page.has_more, "{max_bytes:?}");
    }
}
