//! The events that both sides store, and the driver does.

use chrono::{DateTime, Utc};
use instance_core::clock::timestamp_of;
use instance_core::event::metadata::{FloatMetadataValue, IntMetadataValue, TextMetadataValue};
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel, MetadataEntry,
    NodeHandle, StepHandle, StepMaterializationData,
};
use instance_core::{AssetKey, RunId};

pub(crate) fn asset_key(number: u32) -> AssetKey {
    AssetKey::new(["warehouse".to_owned(), format!("orders_{}", number % 100)])
}

pub(crate) fn events_of(kind: &str, run_id: &str, count: u32) -> Vec<EventLogEntry> {
    (0..count)
        .map(|number| match kind {
            "asset_materialization" => materialization(run_id, &asset_key(number), number),
            "step_start" => {
                let event = step_event(DagsterEventType::StepStart, run_id)
                    .with_message("Started execution of step \"orders\".");
                entry(run_id, event)
            }
            _ => EventLogEntry {
                dagster_event: None,
                user_message: "an ordinary line of a log".to_owned(),
                ..entry(run_id, step_event(DagsterEventType::StepStart, run_id))
            },
        })
        .collect()
}

pub(crate) fn materialization(run_id: &str, asset_key: &AssetKey, number: u32) -> EventLogEntry {
    let mut made = AssetMaterialization::new(asset_key.clone(), Some(format!("part_{number}")));
    made.description = Some("Orders of one day".to_owned());
    let tags = [("dagster/code_version", "3"), ("dagster/data_version", "0f3c")];
    made.tags = Some(tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    made.metadata = vec![
        MetadataEntry::new("dagster/row_count", IntMetadataValue::new(1024)),
        MetadataEntry::new("ratio", FloatMetadataValue::new(0.25)),
        MetadataEntry::new("path", TextMetadataValue::new("/data/orders/2024-11-22.parquet")),
        MetadataEntry::new("note", TextMetadataValue::new("nothing unusual")),
    ];
    let event = step_event(DagsterEventType::AssetMaterialization, run_id)
        .with_message("Materialized value.")
        .with_data(StepMaterializationData::from(made));
    entry(run_id, event)
}

fn step_event(event_type: DagsterEventType, run_id: &str) -> DagsterEvent {
    let mut event =
        DagsterEvent::new(event_type, "daily_orders").with_pid(12_345).with_step_key("orders");
    event.step_handle = Some(StepHandle::top("orders").into());
    event.node_handle = Some(NodeHandle::top("orders"));
    event.step_kind_value = Some("COMPUTE".to_owned());
    let tags = [
        ("job_name", "daily_orders"),
        ("op_name", "orders"),
        ("run_id", run_id),
        ("step_key", "orders"),
    ];
    event.logging_tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    event
}

fn entry(run_id: &str, event: DagsterEvent) -> EventLogEntry {
    let now: DateTime<Utc> = Utc::now();
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::DEBUG, timestamp_of(now))
}
