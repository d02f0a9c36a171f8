//! The stored texts of events, of what they carry, and of the entries around them.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    AnyStepHandle, AssetMaterialization, AssetMaterializationPlannedData, AssetObservation,
    AssetObservationData, ComputeLogsCaptureData, DagsterEvent, DagsterEventType, EngineEventData,
    ErrorSource, EventLogEntry, EventLogRecord, EventSpecificData, JobCanceledData, JobFailureData,
    LogLevel, MetadataEntry, NodeHandle, ResolvedFromDynamicStepHandle, RunFailureReason,
    StepFailureData, StepHandle, StepMaterializationData, StepOutputData, StepOutputHandle,
    StepSuccessData, TypeCheckData, UnresolvedStepHandle,
};
use instance_core::serdes::{Pack, Unpack, deserialize_value};
use instance_core::{AssetKey, RunId, StorageId};

use crate::support::{none, round_trip, round_trips};

fn error() -> SerializableErrorInfo {
    let cause = SerializableErrorInfo::new("KeyError", "KeyError: 'inner'\n");
    SerializableErrorInfo::new("ValueError", "ValueError: outer ✗\n").caused_by(cause)
}

fn metadata() -> Vec<MetadataEntry> {
    vec![MetadataEntry::text("pid", "7017")]
}

fn materialization() -> AssetMaterialization {
    AssetMaterialization {
        description: Some("Written by a command".to_owned()),
        metadata: metadata(),
        tags: Some(BTreeMap::from([("dagster/data_version".to_owned(), "v1".to_owned())])),
        ..AssetMaterialization::new(AssetKey::new(["demo", "hello"]), Some("a".to_owned()))
    }
}

fn observation() -> AssetObservation {
    AssetObservation {
        asset_key: AssetKey::new(["outside"]),
        description: None,
        metadata: metadata(),
        partition: None,
        tags: Some(BTreeMap::new()),
        unknown: none(),
    }
}

fn output_handle() -> StepOutputHandle {
    StepOutputHandle {
        mapping_key: Some("n0".to_owned()),
        output_name: "result".to_owned(),
        step_key: "numbers".to_owned(),
        unknown: none(),
    }
}

fn type_check() -> TypeCheckData {
    TypeCheckData {
        description: None,
        label: "result".to_owned(),
        metadata: Vec::new(),
        success: true,
        unknown: none(),
    }
}

fn step_failure() -> StepFailureData {
    StepFailureData {
        error: Some(error()),
        error_source: Some(ErrorSource::UserCodeError),
        user_failure_data: deserialize_value(
            r#"{"__class__": "UserFailureData", "description": null, "label": "l", "metadata_entries": []}"#,
        )
        .ok(),
        unknown: none(),
    }
}

fn engine() -> EngineEventData {
    EngineEventData {
        marker_start: Some("resources".to_owned()),
        marker_end: Some("imports".to_owned()),
        ..EngineEventData::new(metadata())
    }
}

fn event() -> DagsterEvent {
    DagsterEvent::new(DagsterEventType::EngineEvent, "demo")
        .with_message("Executing steps in process (pid: 7017)")
        .with_pid(7017)
        .with_data(engine())
}

fn entry() -> EventLogEntry {
    EventLogEntry::of_event(event(), RunId::from("r"), LogLevel::DEBUG, 1_700_000_000.25)
}

/// The text of an event's data; inside of an event it reads back as the variant of its class.
#[track_caller]
fn as_event_data<T>(data: &T) -> String
where
    T: Pack + Unpack + PartialEq + std::fmt::Debug + Clone + Into<EventSpecificData>,
{
    round_trip(&DagsterEvent::new(DagsterEventType::EngineEvent, "j").with_data(data.clone()));
    round_trip(data)
}

#[test]
fn error_info() {
    assert_snapshot!(round_trip(&error()));
}

#[test]
fn error_info_of_a_rust_error_has_the_chain_of_sources() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot launch")]
    struct Outer(#[source] std::fmt::Error);

    assert_snapshot!(round_trip(&SerializableErrorInfo::from_error(
        "LaunchError",
        &Outer(std::fmt::Error)
    )));
}

#[test]
fn metadata_entry() {
    assert_snapshot!(round_trip(&MetadataEntry::text("pid", "7017")));
}

#[test]
fn node_handle() {
    let handle = NodeHandle {
        parent: Some(Box::new(NodeHandle::top("graph"))),
        ..NodeHandle::top("explode")
    };
    assert_snapshot!(round_trip(&handle));
}

#[test]
fn step_handle() {
    assert_snapshot!(round_trip(&StepHandle::top("command")));
}

#[test]
fn step_handles_of_dynamic_outputs() {
    let resolved = ResolvedFromDynamicStepHandle {
        key: Some("double[n0]".to_owned()),
        mapping_key: "n0".to_owned(),
        node_handle: NodeHandle::top("double"),
        unknown: none(),
    };
    let unresolved =
        UnresolvedStepHandle { node_handle: NodeHandle::top("double"), unknown: none() };
    let handles = [AnyStepHandle::from(resolved), AnyStepHandle::from(unresolved)];
    assert_snapshot!(round_trips(&handles));
}

#[test]
fn step_output_handle() {
    assert_snapshot!(round_trip(&output_handle()));
}

#[test]
fn asset_materialization() {
    assert_snapshot!(round_trip(&materialization()));
}

#[test]
fn asset_materialization_without_anything() {
    assert_snapshot!(round_trip(&AssetMaterialization::new(AssetKey::new(["a"]), None)));
}

#[test]
fn step_materialization_data() {
    assert_snapshot!(as_event_data(&StepMaterializationData::from(materialization())));
}

#[test]
fn asset_observation() {
    assert_snapshot!(round_trip(&observation()));
}

#[test]
fn asset_observation_data() {
    let data = AssetObservationData { asset_observation: observation(), unknown: none() };
    assert_snapshot!(as_event_data(&data));
}

#[test]
fn asset_materialization_planned_data() {
    let data = AssetMaterializationPlannedData {
        asset_key: AssetKey::new(["demo", "hello"]),
        partition: Some("a".to_owned()),
        partitions_subset: None,
        unknown: none(),
    };
    assert_snapshot!(as_event_data(&data));
}

#[test]
fn compute_logs_capture_data() {
    let data = ComputeLogsCaptureData::new("tzebinja", vec!["command".to_owned()]);
    assert_snapshot!(as_event_data(&data));
}

#[test]
fn engine_event_data() {
    assert_snapshot!(as_event_data(&engine()));
}

#[test]
fn engine_event_data_of_an_error() {
    assert_snapshot!(as_event_data(&EngineEventData::engine_error(error())));
}

#[test]
fn job_canceled_data() {
    let data = JobCanceledData { error: Some(error()), unknown: none() };
    assert_snapshot!(as_event_data(&data));
}

#[test]
fn run_failure_reasons() {
    assert_snapshot!(round_trips(RunFailureReason::ALL));
}

#[test]
fn job_failure_data() {
    let first = DagsterEvent::new(DagsterEventType::StepFailure, "j")
        .with_step_key("explode")
        .with_data(step_failure());
    let data = JobFailureData {
        error: None,
        failure_reason: Some(RunFailureReason::StepFailure),
        first_step_failure_event: Some(Box::new(first)),
        unknown: none(),
    };
    assert_snapshot!(as_event_data(&data));
}

#[test]
fn error_sources() {
    assert_snapshot!(round_trips(ErrorSource::ALL));
}

#[test]
fn step_failure_data() {
    assert_snapshot!(as_event_data(&step_failure()));
}

#[test]
fn type_check_data() {
    assert_snapshot!(round_trip(&type_check()));
}

#[test]
fn step_output_data() {
    // Read and not built, for most of it is of old versions.
    let text =
        r#"{"metadata_entries": [], "step_output_handle": {"output_name": "o", "step_key": "s"}}"#;
    let data = StepOutputData {
        metadata: metadata(),
        step_output_handle: output_handle(),
        type_check_data: Some(type_check()),
        ..deserialize_value(text).unwrap()
    };
    assert_snapshot!(as_event_data(&data));
}

#[test]
fn step_success_data() {
    let data = StepSuccessData { duration_ms: 1e-5, unknown: none() };
    assert_snapshot!(as_event_data(&data));
}

#[test]
fn dagster_event() {
    assert_snapshot!(round_trip(&event()));
}

#[test]
fn dagster_event_of_a_step() {
    let event = DagsterEvent {
        logging_tags: BTreeMap::from([("step_key".to_owned(), "command".to_owned())]),
        node_handle: Some(NodeHandle::top("command")),
        step_handle: Some(StepHandle::top("command").into()),
        step_kind_value: Some("COMPUTE".to_owned()),
        ..DagsterEvent::new(DagsterEventType::StepStart, "demo").with_step_key("command")
    };
    assert_snapshot!(round_trip(&event));
}

#[test]
fn event_log_entry() {
    assert_snapshot!(round_trip(&entry()));
}

#[test]
fn event_log_entry_of_a_log_line() {
    let line = EventLogEntry {
        dagster_event: None,
        error_info: Some(error()),
        step_key: Some("command".to_owned()),
        user_message: "naïve \u{0}\u{7f}\u{2028} 🦀 \"\\".to_owned(),
        ..entry()
    };
    assert_eq!(line.message(), line.user_message);
    assert_eq!(line.step_key(), Some("command"));
    assert_snapshot!(round_trip(&line));
}

#[test]
fn event_log_record() {
    let record =
        EventLogRecord { event_log_entry: entry(), storage_id: StorageId(42), unknown: none() };
    assert_snapshot!(round_trip(&record));
}

#[test]
fn event_types_and_the_statuses_they_lead_to() {
    let lines: Vec<String> = DagsterEventType::ALL
        .iter()
        .map(|event_type| {
            assert_eq!(DagsterEventType::from_value(event_type.as_str()), Some(*event_type));
            let status =
                event_type.run_status().map_or(String::new(), |status| format!(" -> {status}"));
            let about = match (event_type.is_asset_event(), event_type.is_asset_check_event()) {
                (true, false) => " (asset)",
                (false, true) => " (asset check)",
                (false, false) => "",
                (true, true) => panic!("{event_type} is about an asset and a check"),
            };
            format!("{event_type}{status}{about}")
        })
        .collect();
    assert_snapshot!(lines.join("\n"));
}

#[test]
fn levels_are_named_as_python_names_them() {
    let cases = [
        (0, "DEBUG"),
        (10, "DEBUG"),
        (20, "INFO"),
        (29, "INFO"),
        (30, "WARNING"),
        (40, "ERROR"),
        (50, "CRITICAL"),
        (99, "CRITICAL"),
    ];
    for (number, name) in cases {
        assert_eq!(LogLevel(number).name(), name);
    }
}
