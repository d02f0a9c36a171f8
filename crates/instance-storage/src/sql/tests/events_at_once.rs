//! The statements of a message.

use chrono::DateTime;
use instance_core::event::{EventLogEntry, EventLogRecord, LogLevel};
use instance_core::ids::{RunId, StorageId};
use instance_core::serdes::{UnknownFields, serialize_value};

use super::{check_postgres, compare, run, run_id};
use crate::sql::events::EventRow;
use crate::sql::events_at_once::{notices, statements};
use crate::sql::following::{AssetAt, Following, RECORD, TagAt};
use crate::sql::id_order;
use crate::sql::runs::RunChange;
use crate::sql::runs_at_once;
use crate::sql::session::{BEGIN, COMMIT};

fn row(run_id: &str, event: &str, asset_key: Option<&str>) -> EventRow {
    EventRow {
        run_id: run_id.to_owned(),
        event: event.to_owned(),
        dagster_event_type: asset_key.map(|_| "ASSET_MATERIALIZATION".to_owned()),
        timestamp: DateTime::from_timestamp(1_000_000_000, 1_000).unwrap().naive_utc(),
        step_key: None,
        asset_key: asset_key.map(str::to_owned),
        partition: None,
    }
}

#[test]
fn a_message() {
    let rows =
        [row("r1", "{\"it's\": 1}", None), row("r2", "{}", Some("[\"a\"]")), row("r1", "{}", None)];
    let rows: Vec<_> = rows.iter().collect();
    let timestamp = rows[0].timestamp;
    let asset = |key: &str, materialized| AssetAt {
        asset_key: key.to_owned(),
        materialized,
        run_id: materialized.map(|_| "r2".to_owned()),
        timestamp: timestamp.and_utc(),
    };
    let following = Following {
        tags: vec![TagAt {
            place: 1,
            asset_key: "[\"a\"]".to_owned(),
            key: "dagster/data_version".to_owned(),
            value: "v".to_owned(),
            timestamp,
        }],
        mentioned: vec!["[\"m\"]".to_owned()],
        changed: vec![asset("[\"a\"]", Some(1)), asset("[\"o\"]", None)],
    };
    let mut message = vec![BEGIN.to_owned(), id_order::TURN.to_owned()];
    message.extend(id_order::LOCK.map(str::to_owned));
    message.extend(statements(&rows, &following).unwrap());
    message.push(COMMIT.to_owned());
    message.extend(notices(&rows).unwrap());
    compare("events_at_once", &format!("-- Postgres\n{};", message.join(";\n")));
}

/// The server puts the record of a materialisation together. It is the text that we write.
#[test]
fn the_parts_of_a_record_are_its_text() {
    let entry = EventLogEntry::of_message("line", RunId::from("r"), LogLevel::INFO, 1e9);
    let record = EventLogRecord {
        event_log_entry: entry.clone(),
        storage_id: StorageId(7),
        unknown: UnknownFields::default(),
    };
    let [before, between, behind] = RECORD;
    let text = format!("{before}{}{between}7{behind}", serialize_value(&entry));
    assert_eq!(text, serialize_value(&record));
}

#[test]
fn changes_of_runs() {
    check_postgres(
        "runs_at_once_select_run_with_version",
        &runs_at_once::select_run_with_version(&run_id()),
    );
    let run = run();
    let change = RunChange {
        run: &run,
        updated_at: DateTime::from_timestamp(1_000_000_000, 1_000).unwrap(),
        start_time: Some(1e9),
        end_time: None,
    };
    let update = runs_at_once::update_version(&change, 731).unwrap();
    compare("runs_at_once_update_version", &format!("-- Postgres\n{update};"));
}
