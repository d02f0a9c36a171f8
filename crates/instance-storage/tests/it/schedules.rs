//! Reading the states of schedules and sensors.

use instance_core::StorageError;
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
