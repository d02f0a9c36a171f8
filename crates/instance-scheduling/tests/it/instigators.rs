//! The states of schedules and sensors.

use std::error::Error;

use instance_core::clock::Clock;
use instance_core::ops::InstigatorStoreAccess;
use instance_core::scheduling::{InstigatorState, InstigatorStatus, InstigatorType};
use instance_core::serdes::deserialize_value;
use instance_core::testing::instance::TestInstance;
use instance_scheduling::all_instigator_state;

type TestResult = Result<(), Box<dyn Error>>;

fn state(
    instigator_type: InstigatorType,
    name: &str,
    status: InstigatorStatus,
) -> Result<InstigatorState, Box<dyn Error>> {
    let mut state: InstigatorState = deserialize_value(
        r#"{"__class__": "InstigatorState", "job_specific_data": null,
            "job_type": {"__enum__": "InstigatorType.SENSOR"},
            "origin": {"__class__": "ExternalJobOrigin", "job_name": "",
                "external_repository_origin": {"__class__": "ExternalRepositoryOrigin",
                    "repository_location_origin": {"__class__": "RegisteredRepositoryLocationOrigin",
                        "location_name": "shop"},
                    "repository_name": "shop"}},
            "status": {"__enum__": "InstigatorStatus.RUNNING"}}"#,
    )?;
    state.instigator_type = instigator_type;
    name.clone_into(&mut state.origin.instigator_name);
    state.status = status;
    Ok(state)
}

/// The names and statuses of the states of a type, by name.
async fn names(
    instance: &TestInstance,
    instigator_type: Option<InstigatorType>,
) -> Result<Vec<(String, InstigatorStatus)>, Box<dyn Error>> {
    let states = all_instigator_state(instance, instigator_type).await?;
    let mut names: Vec<_> =
        states.iter().map(|state| (state.name().to_owned(), state.status)).collect();
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(names)
}

#[tokio::test]
async fn states_are_all_or_those_of_a_type() -> TestResult {
    let instance = TestInstance::default();
    assert_eq!(all_instigator_state(&instance, None).await?, []);

    let sensor = state(InstigatorType::Sensor, "files", InstigatorStatus::Running)?;
    let schedule = state(InstigatorType::Schedule, "nightly", InstigatorStatus::Stopped)?;
    for state in [&sensor, &schedule] {
        instance.instigator_store().add_instigator_state(state, instance.clock.now()).await?;
    }
    let files = ("files".to_owned(), InstigatorStatus::Running);
    let nightly = ("nightly".to_owned(), InstigatorStatus::Stopped);
    assert_eq!(names(&instance, None).await?, [files.clone(), nightly.clone()]);
    assert_eq!(names(&instance, Some(InstigatorType::Sensor)).await?, [files]);
    assert_eq!(names(&instance, Some(InstigatorType::Schedule)).await?, [nightly]);
    assert_eq!(names(&instance, Some(InstigatorType::AutoMaterialize)).await?, []);
    assert_eq!(all_instigator_state(&instance, Some(InstigatorType::Sensor)).await?, [sensor]);
    Ok(())
}

#[tokio::test]
async fn a_state_is_the_last_that_was_stored() -> TestResult {
    let instance = TestInstance::default();
    let store = instance.instigator_store();
    let mut sensor = state(InstigatorType::Sensor, "files", InstigatorStatus::Running)?;
    store.add_instigator_state(&sensor, instance.clock.now()).await?;
    sensor.status = InstigatorStatus::Stopped;
    store.update_instigator_state(&sensor, instance.clock.now()).await?;
    assert_eq!(all_instigator_state(&instance, None).await?, [sensor.clone()]);
    store.delete_instigator_state(&sensor.instigator_origin_id(), &sensor.selector_id()).await?;
    assert_eq!(all_instigator_state(&instance, None).await?, []);
    Ok(())
}
