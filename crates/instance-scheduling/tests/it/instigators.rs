//! The states of schedules and sensors.

use instance_core::clock::Clock;
use instance_core::error::ErrorKind;
use instance_core::ops::InstigatorStoreAccess;
use instance_core::scheduling::{
    InstigatorData, InstigatorIds, InstigatorState, InstigatorStatus, InstigatorType,
    SensorInstigatorData,
};
use instance_core::storage::{InstigatorFilter, Only};
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{
    add_instigator_state, all_instigator_state, delete_instigator_state, get_instigator_state,
    update_instigator_state, wipe_all_schedules,
};

use crate::support::{TestResult, origin, origin_at, refused, schedule, sensor, states, stored};

#[tokio::test]
async fn states_are_those_that_a_filter_lets_through() -> TestResult {
    let instance = TestInstance::default();
    assert_eq!(states(&instance).await?, []);
    let files = sensor("files").state(InstigatorStatus::Running, None);
    let files = stored(&instance, files, InstigatorStatus::Running).await?;
    let nightly = schedule("nightly").state(InstigatorStatus::Stopped, None);
    let nightly = stored(&instance, nightly, InstigatorStatus::Stopped).await?;
    let far = InstigatorState::new(
        origin_at("elsewhere", "files"),
        InstigatorType::Sensor,
        InstigatorStatus::DeclaredInCode,
    );
    add_instigator_state(&instance, &far).await?;

    let all = InstigatorFilter::new();
    let shop = files.origin.repository_origin.selector().id();
    for (filter, expected) in [
        (all.clone(), vec![&files, &nightly, &far]),
        (all.clone().with_instigator_type(InstigatorType::Sensor), vec![&files, &far]),
        (all.clone().with_instigator_type(InstigatorType::AutoMaterialize), vec![]),
        (all.clone().with_repository_selector_id(shop.clone()), vec![&files, &nightly]),
        (all.clone().with_repository_selector_id("unknown".to_owned()), vec![]),
        (all.clone().with_statuses(Only::one(InstigatorStatus::Stopped)), vec![&nightly]),
        (all.clone().with_statuses(Only::These(Vec::new())), vec![]),
        (
            all.with_repository_selector_id(shop)
                .with_instigator_type(InstigatorType::Sensor)
                .with_statuses(Only::one(InstigatorStatus::Running)),
            vec![&files],
        ),
    ] {
        let found = all_instigator_state(&instance, &filter).await?;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_state_is_the_last_that_was_stored() -> TestResult {
    let instance = TestInstance::default();
    let files = sensor("files").state(InstigatorStatus::Running, None);
    let ids = files.ids();
    assert_eq!(get_instigator_state(&instance, &ids.selector_id).await?, None);
    add_instigator_state(&instance, &files).await?;
    assert_eq!(get_instigator_state(&instance, &ids.selector_id).await?, Some(files.clone()));
    let data = SensorInstigatorData { cursor: Some("7".to_owned()), ..SensorInstigatorData::new() };
    let files = files.with_data(InstigatorData::Sensor(data));
    update_instigator_state(&instance, &files).await?;
    assert_eq!(get_instigator_state(&instance, &ids.selector_id).await?, Some(files));
    delete_instigator_state(&instance, &ids).await?;
    assert_eq!(states(&instance).await?, []);
    Ok(())
}

#[tokio::test]
async fn states_that_are_there_or_not_are_told_apart() -> TestResult {
    let instance = TestInstance::default();
    let files = sensor("files").state(InstigatorStatus::Running, None);
    let ids = files.ids();
    let stopped = files.clone().with_status(InstigatorStatus::Stopped);
    let unknown = [ids.selector_id.as_str(), "not stored"];
    refused(update_instigator_state(&instance, &files).await, ErrorKind::NotFound, &unknown);
    refused(delete_instigator_state(&instance, &ids).await, ErrorKind::NotFound, &unknown);
    add_instigator_state(&instance, &files).await?;
    let again = add_instigator_state(&instance, &stopped).await;
    refused(again, ErrorKind::AlreadyExists, &[&ids.origin_id]);
    let other = InstigatorIds::new(&ids.origin_id, "unknown");
    refused(delete_instigator_state(&instance, &other).await, ErrorKind::NotFound, &["unknown"]);
    assert_eq!(states(&instance).await?, [files]);
    Ok(())
}

#[tokio::test]
async fn states_that_dagster_cannot_read_are_refused() -> TestResult {
    let instance = TestInstance::default();
    let of = |instigator_type| {
        InstigatorState::new(origin("odd"), instigator_type, InstigatorStatus::Running)
    };
    let of_sensor = InstigatorData::Sensor(SensorInstigatorData::new());
    let of_schedule = schedule("odd").state(InstigatorStatus::Running, None).instigator_data;
    for (state, named) in [
        (of(InstigatorType::Schedule), "data of a schedule"),
        (of(InstigatorType::Schedule).with_data(of_sensor.clone()), "data of a schedule"),
        (of(InstigatorType::Sensor).with_data(of_schedule), "data of a sensor"),
        (of(InstigatorType::AutoMaterialize).with_data(of_sensor), "only schedules and sensors"),
    ] {
        for result in [
            add_instigator_state(&instance, &state).await,
            update_instigator_state(&instance, &state).await,
        ] {
            refused(result, ErrorKind::Invalid, &["\"odd\"", named]);
        }
    }
    assert_eq!(states(&instance).await?, []);
    Ok(())
}

#[tokio::test]
async fn the_status_of_an_old_version_is_that_of_today() -> TestResult {
    let instance = TestInstance::default();
    let old = sensor("files").state(InstigatorStatus::AutomaticallyRunning, None);
    let store = instance.instigator_store();
    store.add_instigator_state(&old, instance.clock.now()).await?;
    let today = old.clone().with_status(InstigatorStatus::DeclaredInCode);
    assert_eq!(states(&instance).await?, std::slice::from_ref(&today));
    let selector_id = old.selector_id();
    assert_eq!(get_instigator_state(&instance, &selector_id).await?, Some(today));
    // What is stored is still that of the old version.
    assert_eq!(store.get_instigator_state(&selector_id).await?, Some(old));
    Ok(())
}

#[tokio::test]
async fn wiping_takes_all_states() -> TestResult {
    let instance = TestInstance::default();
    wipe_all_schedules(&instance).await?;
    for state in [
        sensor("files").state(InstigatorStatus::Running, None),
        schedule("nightly").state(InstigatorStatus::Stopped, None),
    ] {
        add_instigator_state(&instance, &state).await?;
    }
    wipe_all_schedules(&instance).await?;
    assert_eq!(states(&instance).await?, []);
    Ok(())
}
