//! What a newer Dagster may write: fields, classes and members that this version does not know.

use instance_core::event::{
    EventLogEntry, EventSpecificData, LogLevel, MetadataEntry, MetadataValue,
};
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::serdes::{Unpack, deserialize_value, serialize_value};
use instance_core::snap::JobSnap;

use crate::support::fixture;

/// Adds fields to the object around a key: before `__class__`, before the key and at the end.
fn with_unknown_fields(text: &str, class: &str, before: &str, new: &str) -> String {
    let class = format!("{{\"__class__\": \"{class}\"");
    let nested = r#"{"__class__": "New", "deep": [{"x": 1e-07, "y": "\u00fc"}, null, true]}"#;
    let text = text.replacen(&class, &class.replacen('{', &format!("{{\"AAA\": {nested}, "), 1), 1);
    let text = text.replacen(before, &format!("{new}: [], {before}"), 1);
    let end = text.rfind('}').unwrap_or_default();
    format!("{}, \"zzz\": 123456789012345678901234567890}}", &text[..end])
}

#[test]
fn fields_of_a_run_survive_a_change_of_the_run() {
    let text = with_unknown_fields(fixture!("run_of_ops"), "PipelineRun", "\"tags\"", "\"tag\"");
    let mut run: DagsterRun = deserialize_value(&text).unwrap();
    assert_eq!(run.unknown.names().collect::<Vec<_>>(), ["AAA", "tag", "zzz"]);
    run.status = DagsterRunStatus::Failure;
    run.tags.insert("added".to_owned(), "1".to_owned());
    let expected = text
        .replacen("PipelineRunStatus.SUCCESS", "PipelineRunStatus.FAILURE", 1)
        .replacen("\"tags\": {", "\"tags\": {\"added\": \"1\", ", 1);
    assert_ne!(expected, text);
    assert_eq!(serialize_value(&run), expected);
}

#[test]
fn fields_of_an_entry_and_of_what_is_inside_survive() {
    let entry =
        with_unknown_fields(fixture!("event_engine"), "EventLogEntry", "\"timestamp\"", "\"time\"");
    let inner = [
        ("{\"__class__\": \"DagsterEvent\"", "{\"A\": {}, \"__class__\": \"DagsterEvent\""),
        ("\"marker_end\"", "\"marker\": {\"a\": [[]]}, \"marker_end\""),
        ("\"text\": \"7017\"}", "\"text\": \"7017\", \"zoom\": -0.0}"),
        (
            "\"pipeline_name\": \"sh\", \"solid_handle\"",
            "\"pipeline_name\": \"sh\", \"queue\": 1, \"solid_handle\"",
        ),
    ];
    let text = inner.iter().fold(entry, |text, (old, new)| {
        let changed = text.replacen(old, new, 1);
        assert_ne!(changed, text, "{old} was not found");
        changed
    });
    let mut entry: EventLogEntry = deserialize_value(&text).unwrap();
    assert_eq!(serialize_value(&entry), text);
    entry.level = LogLevel::CRITICAL;
    let expected = text.replacen("\"level\": 10", "\"level\": 50", 1);
    assert_ne!(expected, text);
    assert_eq!(serialize_value(&entry), expected);
}

#[test]
fn fields_of_a_job_snapshot_survive() {
    let text = with_unknown_fields(
        fixture!("job_snapshot"),
        "PipelineSnapshot",
        "\"tags\": {\"team\"",
        "\"tagged\"",
    );
    let text = text.replacen(
        "\"pool\": \"pool\", \"required",
        "\"pool\": \"pool\", \"quota\": {\"a\": NaN}, \"required",
        1,
    );
    let job: JobSnap = deserialize_value(&text).unwrap();
    assert_eq!(serialize_value(&job), text);
    assert_eq!(
        job.node_defs_snapshot.op_def_snaps[0].unknown.names().collect::<Vec<_>>(),
        ["quota"]
    );
}

#[test]
fn fields_come_in_any_order_and_leave_in_theirs() {
    let text = r#"{"name": "n", "new": 1, "parent": null, "__class__": "SolidHandle", "NEW": 2}"#;
    let handle: instance_core::event::NodeHandle = deserialize_value(text).unwrap();
    assert_eq!(
        serialize_value(&handle),
        r#"{"NEW": 2, "__class__": "SolidHandle", "name": "n", "new": 1, "parent": null}"#
    );
}

#[test]
fn an_unknown_class_of_event_data_is_carried() {
    let data = r#"{"B": 1, "__class__": "BrandNewData", "c": {"__enum__": "New.ONE"}, "f": 1E5}"#;
    let text = fixture!("event_run_start").replacen(
        "\"event_specific_data\": null",
        &format!("\"event_specific_data\": {data}"),
        1,
    );
    let entry: EventLogEntry = deserialize_value(&text).unwrap();
    assert_eq!(serialize_value(&entry), text);
    let carried = entry.dagster_event.unwrap().event_specific_data;
    let Some(EventSpecificData::Opaque(carried)) = carried.as_deref() else {
        panic!("not carried: {carried:?}");
    };
    assert_eq!(carried.class().as_deref(), Some("BrandNewData"));
    assert_eq!(carried.as_str(), data);
}

#[test]
fn an_unknown_type_of_event_is_carried() {
    let text = fixture!("event_run_start").replacen("PIPELINE_START", "RUN_TELEPORTED", 1);
    let entry: EventLogEntry = deserialize_value(&text).unwrap();
    assert_eq!(entry.event_type(), None);
    assert_eq!(serialize_value(&entry), text);
}

#[test]
fn an_unknown_class_of_metadata_is_carried() {
    let text = r#"{"__class__": "EventMetadataEntry", "description": null, "entry_data": {"__class__": "HoloMetadataEntryData", "x": [1.0, 1]}, "label": "l"}"#;
    let entry: MetadataEntry = deserialize_value(text).unwrap();
    assert!(
        matches!(&entry.entry_data, MetadataValue::Opaque(value) if value.class().as_deref() == Some("HoloMetadataEntryData"))
    );
    assert_eq!(serialize_value(&entry), text);
}

#[test]
fn unknown_members_of_enums_are_named() {
    #[track_caller]
    fn check<T: Unpack + std::fmt::Debug>(text: &str, old: &str, new: &str, expected: &str) {
        let changed = text.replacen(old, new, 1);
        assert_ne!(changed, text, "{old} was not found");
        let error = deserialize_value::<T>(&changed).map(drop).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    check::<DagsterRun>(
        fixture!("run_of_ops"),
        "PipelineRunStatus.SUCCESS",
        "PipelineRunStatus.PAUSED",
        r#"DagsterRun.status: "PipelineRunStatus.PAUSED" is no member of PipelineRunStatus that this version knows (at byte 658)"#,
    );
    check::<EventLogEntry>(
        fixture!("event_run_failure"),
        "RunFailureReason.STEP_FAILURE",
        "RunFailureReason.SOLAR_FLARE",
        r#"EventLogEntry.dagster_event > DagsterEvent.event_specific_data > JobFailureData.failure_reason: "RunFailureReason.SOLAR_FLARE" is no member of RunFailureReason that this version knows (at byte 215)"#,
    );
    check::<DagsterRun>(
        fixture!("run_of_ops"),
        "PipelineRunStatus.SUCCESS",
        "OtherEnum.SUCCESS",
        r#"DagsterRun.status: "OtherEnum.SUCCESS" is no member of PipelineRunStatus that this version knows (at byte 651)"#,
    );
}
