//! Events that stores take: those of assets say which asset they are about, and those of checks which check.

use instance_core::asset_key::AssetKey;
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventSpecificData,
    StepMaterializationData,
};
use instance_core::run::DagsterRun;
use instance_core::serdes::deserialize_value;

const PLANNED: &str = r#"{"__class__": "AssetMaterializationPlannedData",
    "asset_key": {"__class__": "AssetKey", "path": ["a"]}, "partition": null}"#;
const OBSERVATION: &str = r#"{"__class__": "AssetObservationData", "asset_observation": {
    "__class__": "AssetObservation", "asset_key": {"__class__": "AssetKey", "path": ["a"]},
    "description": null, "metadata_entries": [], "partition": null, "tags": {}}}"#;
const CHECK_PLANNED: &str = r#"{"__class__": "AssetCheckEvaluationPlanned",
    "asset_key": {"__class__": "AssetKey", "path": ["a"]}, "check_name": "c"}"#;
const CHECK: &str = r#"{"__class__": "AssetCheckEvaluation",
    "asset_key": {"__class__": "AssetKey", "path": ["a"]}, "blocking": null, "check_name": "c",
    "description": null, "metadata": {}, "partition": null,
    "severity": {"__enum__": "AssetCheckSeverity.ERROR"}, "success": true,
    "target_materialization_data": null}"#;

/// Where a job is: a run that does not say so cannot be queued.
const ORIGIN: &str = r#"{"__class__": "ExternalPipelineOrigin", "pipeline_name": "j",
    "external_repository_origin": {"__class__": "ExternalRepositoryOrigin", "repository_name": "shop",
        "repository_location_origin": {"__class__": "RegisteredRepositoryLocationOrigin",
            "location_name": "shop"}}}"#;

/// The run as one that can be queued.
pub(crate) fn of_code_location(run: DagsterRun) -> DagsterRun {
    let remote_job_origin = deserialize_value(ORIGIN).expect("an origin");
    DagsterRun { remote_job_origin, ..run }
}

/// An event of a type.
pub(crate) fn event(event_type: DagsterEventType) -> DagsterEvent {
    let event = DagsterEvent::new(event_type, "j");
    let of_text = |text| deserialize_value::<EventSpecificData>(text).expect("data of an event");
    match event_type {
        DagsterEventType::AssetMaterialization => {
            let made = AssetMaterialization::new(AssetKey::new(["a"]), None);
            event.with_data(StepMaterializationData::from(made))
        }
        DagsterEventType::AssetMaterializationPlanned => event.with_data(of_text(PLANNED)),
        DagsterEventType::AssetObservation => event.with_data(of_text(OBSERVATION)),
        DagsterEventType::AssetCheckEvaluationPlanned => event.with_data(of_text(CHECK_PLANNED)),
        DagsterEventType::AssetCheckEvaluation => event.with_data(of_text(CHECK)),
        _ => event,
    }
}
