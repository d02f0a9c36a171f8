//! Statements on schedules and sensors.

use instance_core::scheduling::{InstigatorState, InstigatorStatus, InstigatorType};
use instance_core::serdes::deserialize_value;
use instance_core::storage::{InstigatorFilter, Only};

use super::{check, time};
use crate::sql::instigators;

pub(super) fn state() -> InstigatorState {
    let text = r#"{"__class__": "InstigatorState", "job_specific_data": null,
        "job_type": {"__enum__": "InstigatorType.SENSOR"},
        "origin": {"__class__": "ExternalJobOrigin",
            "external_repository_origin": {"__class__": "ExternalRepositoryOrigin",
                "repository_location_origin": {
                    "__class__": "RegisteredRepositoryLocationOrigin", "location_name": "here"},
                "repository_name": "repo"},
            "job_name": "it's"},
        "status": {"__enum__": "InstigatorStatus.RUNNING"}}"#;
    deserialize_value(text).unwrap()
}

#[test]
fn selects() {
    check("instigators_select_all", &instigators::select(&InstigatorFilter::default()));
    let filtered = InstigatorFilter::new()
        .with_repository_selector_id("4e90".to_owned())
        .with_instigator_type(InstigatorType::Sensor)
        .with_statuses(Only::these([InstigatorStatus::Running, InstigatorStatus::DeclaredInCode]));
    check("instigators_select_filtered", &instigators::select(&filtered));
    check("instigators_select_jobs_all", &instigators::select_jobs(&InstigatorFilter::default()));
    check("instigators_select_jobs_filtered", &instigators::select_jobs(&filtered));
    check("instigators_select_one", &instigators::select_one("5e1ec7"));
}

#[test]
fn writes() {
    check("instigators_insert_job", &instigators::insert_job(&state()));
    check("instigators_update_job", &instigators::update_job(&state(), time()));
    check("instigators_delete_job", &instigators::delete_job("0419"));
    check("instigators_insert_instigator", &instigators::insert_instigator(&state()));
    check("instigators_update_instigator", &instigators::update_instigator(&state(), time()));
    check("instigators_delete_instigator", &instigators::delete_instigator("5e1ec7"));
}
