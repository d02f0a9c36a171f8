//! Starting, stopping and resetting sensors.

use instance_core::error::ErrorKind;
use instance_core::scheduling::{
    DefaultStatus, InstigatorData, InstigatorState, InstigatorStatus, RemoteSensor,
    SensorInstigatorData, SensorType,
};
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{reset_sensor, start_sensor, stop_sensor};

use crate::support::{NOW, TestResult, data, refused, schedule, sensor, states, stored};

fn running(name: &str) -> RemoteSensor {
    sensor(name).with_default_status(DefaultStatus::Running)
}

/// What a sensor remembers that has ticked.
fn ticked() -> SensorInstigatorData {
    SensorInstigatorData {
        cursor: Some("7".to_owned()),
        last_run_key: Some("k".to_owned()),
        last_sensor_start_timestamp: Some(1.0.into()),
        last_tick_timestamp: Some(5.0.into()),
        ..SensorInstigatorData::new()
    }
}

fn with_data(state: InstigatorState, data: SensorInstigatorData) -> InstigatorState {
    state.with_data(InstigatorData::Sensor(data))
}

#[tokio::test]
async fn a_start_is_stored_with_its_time() -> TestResult {
    let instance = TestInstance::default();
    let started = start_sensor(&instance, &sensor("files")).await?;
    assert_eq!(started.status, InstigatorStatus::Running);
    assert_eq!(
        data(&started),
        format!(
            r#"{{"__class__": "SensorInstigatorData", "cursor": null, "last_run_key": null, "last_sensor_start_timestamp": {NOW}, "last_tick_start_timestamp": null, "last_tick_success_timestamp": null, "last_tick_timestamp": null, "min_interval": 30, "sensor_type": {{"__enum__": "SensorType.UNKNOWN"}}}}"#
        )
    );
    assert_eq!(states(&instance).await?, std::slice::from_ref(&started));
    instance.clock.advance(chrono::TimeDelta::hours(1));
    assert_eq!(start_sensor(&instance, &sensor("files")).await?, started);
    assert_eq!(states(&instance).await?, [started]);
    Ok(())
}

#[tokio::test]
async fn what_its_definition_has_running_is_not_started() -> TestResult {
    let instance = TestInstance::default();
    let current = start_sensor(&instance, &running("files")).await?;
    assert_eq!(current.status, InstigatorStatus::DeclaredInCode);
    assert_eq!(states(&instance).await?, []);
    Ok(())
}

#[tokio::test]
async fn a_sensor_remembers_what_it_knew_before_a_start() -> TestResult {
    for status in [
        InstigatorStatus::Stopped,
        InstigatorStatus::DeclaredInCode,
        InstigatorStatus::AutomaticallyRunning,
    ] {
        let instance = TestInstance::default();
        let state = with_data(sensor("files").state(status, None), ticked());
        stored(&instance, state.clone(), status).await?;
        let started = start_sensor(&instance, &sensor("files")).await?;
        let data =
            SensorInstigatorData { last_sensor_start_timestamp: Some(NOW.into()), ..ticked() };
        let expected = with_data(state.with_status(InstigatorStatus::Running), data);
        assert_eq!(started, expected, "{status}");
        assert_eq!(states(&instance).await?, [expected]);
    }
    Ok(())
}

#[tokio::test]
async fn a_sensor_without_data_gets_those_of_its_definition() -> TestResult {
    let instance = TestInstance::default();
    let definition =
        sensor("files").with_min_interval_seconds(5).with_sensor_type(SensorType::RunStatus);
    let state = definition.state(InstigatorStatus::Stopped, None).with_data(None);
    stored(&instance, state, InstigatorStatus::Stopped).await?;
    let started = start_sensor(&instance, &definition).await?;
    assert_eq!(started, definition.state(InstigatorStatus::Running, Some(NOW)));
    assert!(data(&started).contains(r#""min_interval": 5"#));
    assert!(data(&started).contains("SensorType.RUN_STATUS"));
    Ok(())
}

#[tokio::test]
async fn a_stop_is_stored() -> TestResult {
    let instance = TestInstance::default();
    let definition = running("files");
    let stopped = stop_sensor(&instance, &definition.ids(), Some(&definition)).await?;
    assert_eq!(stopped, definition.state(InstigatorStatus::Stopped, None));
    assert_eq!(states(&instance).await?, std::slice::from_ref(&stopped));
    assert_eq!(stop_sensor(&instance, &definition.ids(), None).await?, stopped);
    Ok(())
}

#[tokio::test]
async fn a_stop_keeps_what_the_sensor_remembers() -> TestResult {
    let definition = sensor("files");
    for given in [Some(&definition), None] {
        let instance = TestInstance::default();
        let state = with_data(definition.state(InstigatorStatus::Running, None), ticked());
        stored(&instance, state.clone(), InstigatorStatus::Running).await?;
        let stopped = stop_sensor(&instance, &definition.ids(), given).await?;
        assert_eq!(stopped, state.with_status(InstigatorStatus::Stopped));
        assert_eq!(states(&instance).await?, [stopped]);
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_run_is_not_stopped() -> TestResult {
    let instance = TestInstance::default();
    let definition = sensor("files");
    let current = stop_sensor(&instance, &definition.ids(), Some(&definition)).await?;
    assert_eq!(current, definition.state(InstigatorStatus::Stopped, None));
    assert_eq!(states(&instance).await?, []);
    // The definition has had it run once; without the definition, that counts.
    let state = with_data(definition.state(InstigatorStatus::Stopped, None), ticked());
    let old = stored(&instance, state, InstigatorStatus::DeclaredInCode).await?;
    let current = stop_sensor(&instance, &definition.ids(), Some(&definition)).await?;
    assert_eq!(current.status, InstigatorStatus::Stopped);
    assert_eq!(states(&instance).await?, std::slice::from_ref(&old));
    stop_sensor(&instance, &definition.ids(), None).await?;
    assert_eq!(states(&instance).await?, [old.with_status(InstigatorStatus::Stopped)]);
    Ok(())
}

#[tokio::test]
async fn without_a_definition_only_a_stored_sensor_is_stopped() -> TestResult {
    let instance = TestInstance::default();
    let ids = sensor("files").ids();
    let nothing = stop_sensor(&instance, &ids, None).await;
    refused(nothing, ErrorKind::Invalid, &[&ids.selector_id, "give the definition"]);
    let state = schedule("files").state(InstigatorStatus::Running, None);
    let state = stored(&instance, state, InstigatorStatus::Running).await?;
    let other = stop_sensor(&instance, &ids, None).await;
    refused(other, ErrorKind::Invalid, &[&ids.selector_id, "it is a schedule"]);
    assert_eq!(states(&instance).await?, [state]);
    Ok(())
}

#[tokio::test]
async fn a_reset_leaves_it_to_the_definition() -> TestResult {
    let instance = TestInstance::default();
    let definition = sensor("files");
    let reset = reset_sensor(&instance, &definition).await?;
    assert_eq!(reset, definition.state(InstigatorStatus::DeclaredInCode, None));
    assert_eq!(states(&instance).await?, [reset]);
    let instance = TestInstance::default();
    let state = with_data(definition.state(InstigatorStatus::Running, None), ticked());
    stored(&instance, state.clone(), InstigatorStatus::Running).await?;
    let reset = reset_sensor(&instance, &definition).await?;
    assert_eq!(reset, state.with_status(InstigatorStatus::DeclaredInCode));
    assert_eq!(states(&instance).await?, [reset]);
    Ok(())
}

#[tokio::test]
async fn the_state_of_a_schedule_of_the_same_name_gives_way() -> TestResult {
    let definition = running("files");
    for (number, expected) in [
        (0, None),
        (1, Some(definition.state(InstigatorStatus::Stopped, None))),
        (2, Some(definition.state(InstigatorStatus::DeclaredInCode, None))),
    ] {
        let instance = TestInstance::default();
        let state = schedule("files").state(InstigatorStatus::Running, None);
        stored(&instance, state, InstigatorStatus::Running).await?;
        match number {
            0 => start_sensor(&instance, &definition).await?,
            1 => stop_sensor(&instance, &definition.ids(), Some(&definition)).await?,
            _ => reset_sensor(&instance, &definition).await?,
        };
        assert_eq!(states(&instance).await?, Vec::from_iter(expected));
    }
    Ok(())
}
