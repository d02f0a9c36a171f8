//! Reading the states of schedules and sensors.

use instance_core::StorageError;
use instance_core::scheduling::{InstigatorStatus, InstigatorType};
use instance_core::storage::InstigatorFilter;

use crate::support::{Home, TestResult, execute};

fn insert(name: &str, kind: &str, status: &str) -> String {
    let body = format!(
        r#"{{"__class__": "InstigatorState", "job_specific_data": null, "job_type": {{"__enum__": "InstigatorType.{kind}"}}, "origin": {{"__class__": "ExternalJobOrigin", "external_repository_origin": {{"__class__": "ExternalRepositoryOrigin", "repository_location_origin": {{"__class__": "X"}}, "repository_name": "r"}}, "job_name": "{name}"}}, "status": {{"__enum__": "InstigatorStatus.{status}"}}}}"#
    );
    format!(
        "INSERT INTO instigators (selector_id, repository_selector_id, status, instigator_type, instigator_body) \
         VALUES ('{name}', 'r', '{status}', '{kind}', '{body}')"
    )
}

fn of_type(instigator_type: InstigatorType) -> InstigatorFilter {
    InstigatorFilter { instigator_type: Some(instigator_type), ..InstigatorFilter::default() }
}

#[tokio::test]
async fn states_are_read_by_type() -> TestResult {
    let home = Home::new().await?;
    assert_eq!(home.schedules().all_instigator_state(&InstigatorFilter::default()).await?, []);
    let path = home.directory.path().join("schedules/schedules.db");
    execute(&path, &insert("nightly", "SCHEDULE", "RUNNING")).await?;
    execute(&path, &insert("watch", "SENSOR", "STOPPED")).await?;

    let all = home.schedules().all_instigator_state(&InstigatorFilter::default()).await?;
    let names: Vec<_> = all.iter().map(|state| (state.name(), state.status)).collect();
    assert_eq!(
        names,
        [("nightly", InstigatorStatus::Running), ("watch", InstigatorStatus::Stopped)]
    );
    let sensors = home.schedules().all_instigator_state(&of_type(InstigatorType::Sensor)).await?;
    assert_eq!(sensors, all[1..]);
    let others =
        home.schedules().all_instigator_state(&of_type(InstigatorType::AutoMaterialize)).await?;
    assert_eq!(others, []);
    Ok(())
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_named() -> TestResult {
    let home = Home::new().await?;
    home.storages.create().await?;
    let path = home.directory.path().join("schedules/schedules.db");
    execute(&path, &insert("nightly", "SCHEDULE", "PAUSED")).await?;
    let error =
        home.schedules().all_instigator_state(&InstigatorFilter::default()).await.unwrap_err();
    let StorageError::Decode { table, column, row, source, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!((table, column, row.as_str()), ("instigators", "instigator_body", "1"));
    assert!(source.to_string().contains("InstigatorStatus.PAUSED"), "{source}");
    Ok(())
}
