//! The stored texts of schedules and sensors.

use insta::assert_snapshot;
use instance_core::scheduling::{
    InstigatorState, InstigatorStatus, InstigatorType, RemoteInstigatorOrigin,
};
use serde_json::json;

use crate::support::{none, read, round_trip, round_trips};

fn origin() -> RemoteInstigatorOrigin {
    RemoteInstigatorOrigin {
        repository_origin: read(&json!({
            "__class__": "ExternalRepositoryOrigin",
            "repository_location_origin": {"__class__": "Elsewhere", "location_name": "defs"},
            "repository_name": "__repository__",
        })),
        instigator_name: "nightly".to_owned(),
        unknown: none(),
    }
}

#[test]
fn instigator_statuses() {
    assert_snapshot!(round_trips(InstigatorStatus::ALL));
}

#[test]
fn instigator_types() {
    assert_snapshot!(round_trips(InstigatorType::ALL));
}

#[test]
fn remote_instigator_origin() {
    assert_snapshot!(round_trip(&origin()));
}

#[test]
fn instigator_state() {
    let state = InstigatorState {
        instigator_data: None,
        instigator_type: InstigatorType::Sensor,
        origin: origin(),
        status: InstigatorStatus::DeclaredInCode,
        unknown: none(),
    };
    assert_eq!(state.name(), "nightly");
    assert_snapshot!(round_trip(&state));
}

#[test]
fn a_status_of_old_versions_means_what_it_means_today() {
    let old = json!({"__enum__": "JobStatus.AUTOMATICALLY_RUNNING"});
    assert_eq!(read::<InstigatorStatus>(&old).of_today(), InstigatorStatus::DeclaredInCode);
    assert_eq!(InstigatorStatus::Stopped.of_today(), InstigatorStatus::Stopped);
}
