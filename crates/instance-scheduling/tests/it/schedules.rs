//! Starting, stopping and resetting schedules.

use instance_core::clock::Clock;
use instance_core::error::ErrorKind;
use instance_core::ops::InstigatorStoreAccess;
use instance_core::scheduling::{
    DefaultStatus, InstigatorData, InstigatorIds, InstigatorState, InstigatorStatus,
    InstigatorType, RemoteSchedule, ScheduleInstigatorData,
};
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{reset_schedule, start_schedule, stop_schedule};

use crate::support::{NOW, TestResult, data, origin, refused, schedule, sensor, states, stored};

fn running(name: &str) -> RemoteSchedule {
    schedule(name).with_default_status(DefaultStatus::Running)
}

/// What a schedule remembers that has ticked.
fn ticked(start: f64) -> InstigatorData {
    let mut data = ScheduleInstigatorData::new(&"1 1 * * *".into(), Some(start));
    data.last_iteration_timestamp = Some(5.0.into());
    InstigatorData::Schedule(data)
}

#[tokio::test]
async fn a_start_is_stored_with_its_time() -> TestResult {
    let instance = TestInstance::default();
    let started = start_schedule(&instance, &schedule("nightly")).await?;
    assert_eq!(started.status, InstigatorStatus::Running);
    assert_eq!(started.ids(), schedule("nightly").ids());
    assert_eq!(
        data(&started),
        format!(
            r#"{{"__class__": "ScheduleInstigatorData", "cron_schedule": "0 2 * * *", "last_iteration_timestamp": null, "start_timestamp": {NOW}}}"#
        )
    );
    assert_eq!(states(&instance).await?, std::slice::from_ref(&started));

    // A second start changes nothing.
    instance.clock.advance(chrono::TimeDelta::hours(1));
    assert_eq!(start_schedule(&instance, &schedule("nightly")).await?, started);
    assert_eq!(states(&instance).await?, [started]);
    Ok(())
}

#[tokio::test]
async fn what_its_definition_has_running_is_not_started() -> TestResult {
    let instance = TestInstance::default();
    let current = start_schedule(&instance, &running("nightly")).await?;
    assert_eq!(current.status, InstigatorStatus::DeclaredInCode);
    assert_eq!(states(&instance).await?, []);
    Ok(())
}

#[tokio::test]
async fn a_start_forgets_when_the_schedule_ticked_and_takes_its_cron() -> TestResult {
    for (definition, stored_status) in [
        (schedule("nightly"), InstigatorStatus::Stopped),
        (running("nightly"), InstigatorStatus::Stopped),
        // The definition no longer says that it runs.
        (schedule("nightly"), InstigatorStatus::DeclaredInCode),
        (schedule("nightly"), InstigatorStatus::AutomaticallyRunning),
    ] {
        let instance = TestInstance::default();
        let state = definition.state(stored_status, None).with_data(ticked(1.0));
        stored(&instance, state, stored_status).await?;
        let started = start_schedule(&instance, &definition).await?;
        let expected = definition.state(InstigatorStatus::Running, Some(NOW));
        assert_eq!(started, expected, "{stored_status}");
        assert_eq!(states(&instance).await?, [expected], "{stored_status}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stop_is_stored() -> TestResult {
    let instance = TestInstance::default();
    let definition = running("nightly");
    let stopped = stop_schedule(&instance, &definition.ids(), Some(&definition)).await?;
    assert_eq!(stopped, definition.state(InstigatorStatus::Stopped, None));
    assert_eq!(states(&instance).await?, std::slice::from_ref(&stopped));
    // A second stop changes nothing.
    assert_eq!(stop_schedule(&instance, &definition.ids(), None).await?, stopped);
    assert_eq!(states(&instance).await?, [stopped]);
    Ok(())
}

#[tokio::test]
async fn what_does_not_run_is_not_stopped() -> TestResult {
    let instance = TestInstance::default();
    let definition = schedule("nightly");
    let current = stop_schedule(&instance, &definition.ids(), Some(&definition)).await?;
    assert_eq!(current, definition.state(InstigatorStatus::Stopped, None));
    assert_eq!(states(&instance).await?, []);

    // Its definition has had it run once.
    let old = stored(&instance, current.with_data(ticked(1.0)), InstigatorStatus::DeclaredInCode);
    let old = old.await?;
    let current = stop_schedule(&instance, &definition.ids(), Some(&definition)).await?;
    assert_eq!(current, old.clone().with_status(InstigatorStatus::Stopped));
    assert_eq!(states(&instance).await?, [old]);
    Ok(())
}

#[tokio::test]
async fn a_stop_keeps_the_stored_cron_and_forgets_the_times() -> TestResult {
    let definition = schedule("nightly");
    for given in [Some(&definition), None] {
        let instance = TestInstance::default();
        let state = definition.state(InstigatorStatus::Running, None).with_data(ticked(1.0));
        stored(&instance, state.clone(), InstigatorStatus::Running).await?;
        let stopped = stop_schedule(&instance, &definition.ids(), given).await?;
        let cron = ScheduleInstigatorData::new(&"1 1 * * *".into(), None);
        let expected =
            state.with_status(InstigatorStatus::Stopped).with_data(InstigatorData::Schedule(cron));
        assert_eq!(stopped, expected);
        assert_eq!(states(&instance).await?, [expected]);
    }
    Ok(())
}

#[tokio::test]
async fn without_a_definition_only_a_stored_schedule_is_stopped() -> TestResult {
    let instance = TestInstance::default();
    let ids = schedule("nightly").ids();
    let nothing = stop_schedule(&instance, &ids, None).await;
    refused(nothing, ErrorKind::Invalid, &[&ids.selector_id, "give the definition"]);
    let state = sensor("nightly").state(InstigatorStatus::Running, None);
    let state = stored(&instance, state, InstigatorStatus::Running).await?;
    let other = stop_schedule(&instance, &ids, None).await;
    refused(other, ErrorKind::Invalid, &[&ids.selector_id, "it is a sensor"]);
    assert_eq!(states(&instance).await?, [state]);

    // Another version may store a schedule in a way that this one does not know.
    let state =
        InstigatorState::new(origin("odd"), InstigatorType::Schedule, InstigatorStatus::Running);
    let store = instance.instigator_store();
    store.add_instigator_state(&state, instance.clock.now()).await?;
    let unknown = stop_schedule(&instance, &InstigatorIds::from(&origin("odd")), None).await;
    refused(unknown, ErrorKind::Invalid, &["\"odd\"", "when it ticks"]);
    Ok(())
}

#[tokio::test]
async fn a_reset_leaves_it_to_the_definition() -> TestResult {
    let instance = TestInstance::default();
    let definition = schedule("nightly");
    let reset = reset_schedule(&instance, &definition).await?;
    assert_eq!(reset, definition.state(InstigatorStatus::DeclaredInCode, None));
    assert_eq!(states(&instance).await?, [reset]);

    let instance = TestInstance::default();
    let state = definition.state(InstigatorStatus::Running, None).with_data(ticked(1.0));
    stored(&instance, state.clone(), InstigatorStatus::Running).await?;
    let reset = reset_schedule(&instance, &definition).await?;
    assert_eq!(reset, state.with_status(InstigatorStatus::DeclaredInCode));
    assert_eq!(states(&instance).await?, [reset]);
    Ok(())
}

#[tokio::test]
async fn the_state_of_a_sensor_of_the_same_name_gives_way() -> TestResult {
    let definition = running("nightly");
    for (number, expected) in [
        (0, None),
        (1, Some(definition.state(InstigatorStatus::Stopped, None))),
        (2, Some(definition.state(InstigatorStatus::DeclaredInCode, None))),
    ] {
        let instance = TestInstance::default();
        let state = sensor("nightly").state(InstigatorStatus::Running, None);
        stored(&instance, state, InstigatorStatus::Running).await?;
        match number {
            0 => start_schedule(&instance, &definition).await?,
            1 => stop_schedule(&instance, &definition.ids(), Some(&definition)).await?,
            _ => reset_schedule(&instance, &definition).await?,
        };
        assert_eq!(states(&instance).await?, Vec::from_iter(expected));
    }
    Ok(())
}

#[tokio::test]
async fn several_cron_schedules_are_stored_as_a_list() -> TestResult {
    let instance = TestInstance::default();
    let several = vec!["0 2 * * *".to_owned(), "@weekly".to_owned()];
    let definition = RemoteSchedule::new(origin("nightly"), several);
    let started = start_schedule(&instance, &definition).await?;
    assert!(data(&started).contains(r#""cron_schedule": ["0 2 * * *", "@weekly"]"#));
    Ok(())
}
