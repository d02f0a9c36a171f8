//! Statements on events.

use instance_core::asset_key::AssetKey;
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogCursor, EventLogEntry, LogLevel,
    StepMaterializationData,
};
use instance_core::ids::StorageId;
use instance_core::storage::{
    AssetEventSummaryQuery, EventCursor, EventRecordsFilter, Only, Order, RecordsForRun,
};

use super::{check, check_postgres, run_id, strings, time};
use crate::sql::events::{self, Among, EventRow};

const TYPES: [DagsterEventType; 2] = [DagsterEventType::RunStart, DagsterEventType::StepSuccess];

fn rows() -> Vec<EventRow> {
    let materialization =
        AssetMaterialization::new(AssetKey::new(["demo", "hello"]), Some("p".to_owned()));
    let events = [
        DagsterEvent::new(DagsterEventType::RunStart, "letters").with_message("it's"),
        DagsterEvent::new(DagsterEventType::AssetMaterialization, "letters")
            .with_step_key("command")
            .with_data(StepMaterializationData::from(materialization)),
    ];
    let entry = |event| EventLogEntry::of_event(event, run_id(), LogLevel::INFO, 1_700_000_000.25);
    events.into_iter().map(|event| EventRow::of(&entry(event))).collect()
}

#[test]
fn writes() {
    check("events_insert_events", &events::insert_events(&rows()));
    check_postgres("events_notify", &events::notify(strings(["run_7", "it's"])));
    check("events_delete_tags_of_run", &events::delete_tags_of_run(&run_id()));
    check("events_delete_of_run", &events::delete_of_run(&run_id()));
    check("events_delete_of_asset", &events::delete_of_asset("[\"demo\"]"));
}

#[test]
fn sizes_of_a_run() {
    let query = RecordsForRun { limit: Some(10), ..RecordsForRun::all(run_id()) };
    check("events_select_sizes_for_run", &events::select_sizes_for_run(&query, Among::AllRuns));
}

#[test]
fn records_of_a_run() {
    let all = || RecordsForRun::all(run_id());
    let check_query = |name: &str, query: RecordsForRun| {
        let name = format!("events_select_records_for_run_{name}");
        check(&name, &events::select_records_for_run(&query, Among::AllRuns));
    };
    check_query("all", all());
    check_query(
        "of_types",
        RecordsForRun {
            of_types: Only::these([DagsterEventType::StepStart, DagsterEventType::StepSuccess]),
            ..all()
        },
    );
    let behind = Some(EventLogCursor::StorageId(StorageId(7)));
    check_query("behind", RecordsForRun { cursor: behind, limit: Some(10), ..all() });
    check_query(
        "behind_descending",
        RecordsForRun { cursor: behind, limit: Some(10), order: Order::Descending, ..all() },
    );
    check_query("from_the_start", RecordsForRun { cursor: Some(EventLogCursor::START), ..all() });
    let offset = Some(EventLogCursor::Offset(5));
    check_query("offset", RecordsForRun { cursor: offset, ..all() });
    check_query("offset_with_limit", RecordsForRun { cursor: offset, limit: Some(10), ..all() });
    let of_types = RecordsForRun { of_types: Only::these(TYPES), ..all() };
    check(
        "events_select_records_for_run_of_types_in_its_file",
        &events::select_records_for_run(&of_types, Among::ItsOwn),
    );
}

#[test]
fn parts_of_a_run() {
    for (among, place) in [(Among::AllRuns, ""), (Among::ItsOwn, "_in_its_file")] {
        check(
            &format!("events_select_run_stats{place}"),
            &events::select_run_stats(&run_id(), &TYPES, among),
        );
    }
    let among = Among::AllRuns;
    check(
        "events_select_step_events",
        &events::select_step_events(&run_id(), &Only::Any, &TYPES, among),
    );
    check(
        "events_select_step_events_of_steps",
        &events::select_step_events(&run_id(), &Only::these(["a", "b"]), &TYPES, among),
    );
    check(
        "events_select_asset_partitions_of_run",
        &events::select_asset_partitions_of_run(&run_id(), &Only::Any, among),
    );
    check(
        "events_select_asset_partitions_of_run_of_types",
        &events::select_asset_partitions_of_run(&run_id(), &Only::these(TYPES), among),
    );
}

#[test]
fn records_of_all_runs() {
    let all = EventRecordsFilter::of_type(DagsterEventType::AssetMaterialization);
    let filtered = EventRecordsFilter {
        asset_key: Some(AssetKey::new(["demo", "hello"])),
        asset_partitions: Only::These(strings(["a", "b"]).to_vec()),
        after_cursor: Some(EventCursor::StorageId(StorageId(5))),
        before_cursor: Some(EventCursor::StorageId(StorageId(9))),
        after_timestamp: Some(time()),
        before_timestamp: Some(time()),
        storage_ids: Only::these([StorageId(6), StorageId(7)]),
        ..all.clone()
    };
    check(
        "events_select_event_records_all",
        &events::select_event_records(&all, None, Order::Ascending, true),
    );
    check(
        "events_select_event_records_filtered",
        &events::select_event_records(&filtered, Some(25), Order::Descending, true),
    );
    check(
        "events_select_event_records_without_cursors",
        &events::select_event_records(&filtered, Some(25), Order::Descending, false),
    );
    check("events_select_behind", &events::select_behind(StorageId(7), &Only::Any, None));
    check(
        "events_select_behind_of_types",
        &events::select_behind(StorageId(7), &Only::these(TYPES), Some(25)),
    );
    check("events_select_max_id", &events::select_max_id());
}

#[test]
fn summaries() {
    let all = AssetEventSummaryQuery {
        event_type: DagsterEventType::AssetMaterialization,
        asset_key: None,
        run_id: None,
        storage_ids: Only::Any,
        after_storage_id: None,
        before_storage_id: None,
        limit: None,
        order: Order::Ascending,
    };
    check("events_select_asset_event_summaries_all", &events::select_asset_event_summaries(&all));
    let filtered = AssetEventSummaryQuery {
        asset_key: Some(AssetKey::new(["demo", "hello"])),
        run_id: Some(run_id()),
        storage_ids: Only::These(vec![StorageId(6), StorageId(7)]),
        after_storage_id: Some(StorageId(5)),
        before_storage_id: Some(StorageId(9)),
        limit: Some(25),
        order: Order::Descending,
        ..all
    };
    check(
        "events_select_asset_event_summaries_filtered",
        &events::select_asset_event_summaries(&filtered),
    );
}
