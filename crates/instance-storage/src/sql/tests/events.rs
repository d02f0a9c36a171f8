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

use super::{check, check_each, check_postgres, run_id, strings, time};
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
    check(
        "events_delete_of_assets",
        &events::delete_of_assets(&strings([r#"["demo"]"#, r#"["a"]"#])),
    );
}

#[test]
fn records_of_a_run() {
    let all = || RecordsForRun::new(run_id());
    let check_query = |name: &str, query: RecordsForRun| {
        let name = format!("events_select_records_for_run_{name}");
        check(&name, &events::select_records_for_run(&query, Among::AllRuns));
    };
    check_query("all", all());
    let of_bytes = |order| all().with_limit(10).with_max_bytes(1_000).with_order(order);
    check_query("of_bytes", of_bytes(Order::Ascending));
    check_query("of_bytes_descending", of_bytes(Order::Descending));
    check_query(
        "of_types",
        all().with_of_types(Only::these([
            DagsterEventType::StepStart,
            DagsterEventType::StepSuccess,
        ])),
    );
    let behind = Some(EventLogCursor::StorageId(StorageId(7)));
    check_query("behind", all().with_cursor(behind).with_limit(10));
    check_query(
        "behind_descending",
        all().with_cursor(behind).with_limit(10).with_order(Order::Descending),
    );
    check_query("from_the_start", all().with_cursor(EventLogCursor::START));
    let offset = Some(EventLogCursor::Offset(5));
    check_query("offset", all().with_cursor(offset));
    check_query("offset_with_limit", all().with_cursor(offset).with_limit(10));
    let of_types = all().with_of_types(Only::these(TYPES));
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
    let all = EventRecordsFilter::new(DagsterEventType::AssetMaterialization);
    let filtered = all
        .clone()
        .with_asset_key(AssetKey::new(["demo", "hello"]))
        .with_asset_partitions(Only::These(strings(["a", "b"]).to_vec()))
        .with_after_cursor(EventCursor::StorageId(StorageId(5)))
        .with_before_cursor(EventCursor::StorageId(StorageId(9)))
        .with_after_timestamp(time())
        .with_before_timestamp(time())
        .with_storage_ids(Only::these([StorageId(6), StorageId(7)]));
    check_each("events_select_event_records_all", |dialect| {
        events::select_event_records(&all, None, Order::Ascending, true, dialect)
    });
    check_each("events_select_event_records_filtered", |dialect| {
        events::select_event_records(&filtered, Some(25), Order::Descending, true, dialect)
    });
    check_each("events_select_event_records_without_cursors", |dialect| {
        events::select_event_records(&filtered, Some(25), Order::Descending, false, dialect)
    });
    check("events_select_behind", &events::select_behind(StorageId(7), &Only::Any, None));
    check(
        "events_select_behind_of_types",
        &events::select_behind(StorageId(7), &Only::these(TYPES), Some(25)),
    );
    check("events_select_max_id", &events::select_max_id());
}

#[test]
fn summaries() {
    let all = AssetEventSummaryQuery::new(DagsterEventType::AssetMaterialization)
        .with_order(Order::Ascending);
    check_each("events_select_asset_event_summaries_all", |dialect| {
        events::select_asset_event_summaries(&all, dialect)
    });
    let filtered = all
        .with_asset_key(AssetKey::new(["demo", "hello"]))
        .with_run_id(run_id())
        .with_storage_ids(Only::These(vec![StorageId(6), StorageId(7)]))
        .with_after_storage_id(StorageId(5))
        .with_before_storage_id(StorageId(9))
        .with_limit(25)
        .with_order(Order::Descending);
    check_each("events_select_asset_event_summaries_filtered", |dialect| {
        events::select_asset_event_summaries(&filtered, dialect)
    });
}
