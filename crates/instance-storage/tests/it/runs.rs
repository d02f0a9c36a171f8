//! Adding runs and snapshots.

use instance_core::run::RunsFilter;
use instance_core::serdes::{deserialize_value, serialize_value};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::RunsPage;
use instance_core::{SnapshotId, StorageError};
use sqlx::Row;

use crate::support::{Home, TestResult, execute, later, query, run};

const JOB: &str = r#"{"__class__": "PipelineSnapshot", "config_schema_snapshot": {"__class__": "ConfigSchemaSnapshot", "all_config_snaps_by_key": {}}, "dagster_type_namespace_snapshot": {"__class__": "DagsterTypeNamespaceSnapshot", "all_dagster_type_snaps_by_key": {}}, "dep_structure_snapshot": {"__class__": "DependencyStructureSnapshot", "solid_invocation_snaps": []}, "description": null, "graph_def_name": "j", "lineage_snapshot": null, "mode_def_snaps": [], "name": "j", "new_field": {"a": 1}, "solid_definitions_snapshot": {"__class__": "SolidDefinitionsSnapshot", "composite_solid_def_snaps": [], "solid_def_snaps": []}, "tags": {}}"#;
const PLAN: &str = r#"{"__class__": "ExecutionPlanSnapshot", "artifacts_persisted": true, "executor_name": null, "initial_known_state": null, "pipeline_snapshot_id": "aa", "snapshot_version": 1, "step_keys_to_execute": [], "steps": []}"#;

#[tokio::test]
async fn a_run_is_stored_with_its_columns_and_tags() -> TestResult {
    let home = Home::new().await?;
    let tags = [
        ("dagster/backfill", "bf"),
        ("dagster/partition", "ü"),
        ("dagster/partition_set", "s"),
        ("who", "me"),
    ];
    let added = run("r1", "letters", &tags);
    home.runs().add_run(&added, later(5)).await?;

    let record = home.record("r1").await?;
    assert_eq!(record.dagster_run, added);
    assert_eq!((record.start_time, record.end_time), (None, None));
    assert_eq!(record.create_timestamp, later(5));
    let row = query(&home.runs_db(), "SELECT * FROM runs").await?.pop().unwrap();
    let text = |column: &str| row.get::<Option<String>, _>(column);
    assert_eq!(text("run_body"), Some(serialize_value(&added)));
    assert_eq!(text("create_timestamp").as_deref(), Some("2023-11-14 22:13:25.000000"));
    assert_eq!(text("pipeline_name").as_deref(), Some("letters"));
    assert_eq!(text("status").as_deref(), Some("NOT_STARTED"));
    assert_eq!(text("partition").as_deref(), Some("ü"));
    assert_eq!(text("partition_set").as_deref(), Some("s"));
    assert_eq!(text("backfill_id").as_deref(), Some("bf"));
    assert_eq!(text("snapshot_id"), None);
    let rows =
        query(&home.runs_db(), "SELECT key, value FROM run_tags WHERE run_id = 'r1' ORDER BY key")
            .await?;
    let stored: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(stored, added.tags.into_iter().collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_second_run_of_the_same_id_is_refused_and_changes_nothing() -> TestResult {
    let home = Home::new().await?;
    home.runs().add_run(&run("r1", "first", &[("a", "1")]), later(0)).await?;
    let before = home.record("r1").await?;

    let error =
        home.runs().add_run(&run("r1", "second", &[("a", "2"), ("b", "2")]), later(9)).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, StorageError::RunAlreadyExists { run_id } if run_id.as_str() == "r1"),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "a run with the id r1 exists already");
    assert_eq!(home.record("r1").await?, before);
    assert_eq!(query(&home.runs_db(), "SELECT key FROM run_tags").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_run_of_a_missing_snapshot_is_refused_and_writes_nothing() -> TestResult {
    let home = Home::new().await?;
    let mut new = run("r1", "j", &[("a", "1")]);
    new.job_snapshot_id = Some(SnapshotId::from("missing"));
    let error = home.runs().add_run(&new, later(0)).await.unwrap_err();
    assert!(
        matches!(&error, StorageError::SnapshotDoesNotExist { run_id, snapshot_id }
            if run_id.as_str() == "r1" && snapshot_id.as_str() == "missing"),
        "{error:?}"
    );
    assert_eq!(home.runs().get_runs_count(&RunsFilter::default()).await?, 0);
    assert_eq!(query(&home.runs_db(), "SELECT key FROM run_tags").await?.len(), 0);

    // A plan of that id is no job.
    let plan: ExecutionPlanSnapshot = deserialize_value(PLAN)?;
    new.job_snapshot_id = Some(home.runs().add_execution_plan_snapshot(&plan).await?);
    assert!(matches!(
        home.runs().add_run(&new, later(0)).await,
        Err(StorageError::SnapshotDoesNotExist { .. })
    ));

    let job: JobSnap = deserialize_value(JOB)?;
    new.job_snapshot_id = Some(home.runs().add_job_snapshot(&job).await?);
    home.runs().add_run(&new, later(0)).await?;
    assert_eq!(home.record("r1").await?.dagster_run, new);
    Ok(())
}

#[tokio::test]
async fn snapshots_are_stored_once_under_the_hash_of_their_text() -> TestResult {
    let home = Home::new().await?;
    let job: JobSnap = deserialize_value(JOB)?;
    let id = SnapshotId::of_text(JOB);
    assert!(!home.runs().has_job_snapshot(&id).await?);
    assert_eq!(home.runs().get_job_snapshot(&id).await?, None);
    assert_eq!(home.runs().add_job_snapshot(&job).await?, id);
    assert_eq!(home.runs().add_job_snapshot(&job).await?, id);
    assert!(home.runs().has_job_snapshot(&id).await?);
    let stored = home.runs().get_job_snapshot(&id).await?.unwrap();
    assert_eq!(serialize_value(&stored), JOB, "the field that we do not know is kept");

    let plan: ExecutionPlanSnapshot = deserialize_value(PLAN)?;
    let plan_id = home.runs().add_execution_plan_snapshot(&plan).await?;
    assert_eq!(plan_id, SnapshotId::of_text(PLAN));
    assert_eq!(home.runs().get_execution_plan_snapshot(&plan_id).await?, Some(plan));

    // The two kinds are apart.
    assert!(!home.runs().has_execution_plan_snapshot(&id).await?);
    assert!(!home.runs().has_job_snapshot(&plan_id).await?);
    assert_eq!(home.runs().get_job_snapshot(&plan_id).await?, None);
    let rows = query(&home.runs_db(), "SELECT snapshot_type FROM snapshots ORDER BY 1").await?;
    let kinds: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(kinds, ["EXECUTION_PLAN", "PIPELINE"]);
    Ok(())
}

#[tokio::test]
async fn a_fresh_instance_has_every_file_and_mark() -> TestResult {
    let home = Home::new().await?;
    assert_eq!(home.files(), Vec::<String>::new(), "opening alone creates nothing");
    home.storages.create().await?;
    home.storages.dispose().await;
    assert_eq!(
        home.files(),
        [
            "history",
            "history/runs",
            "history/runs.db",
            "history/runs/index.db",
            "schedules",
            "schedules/schedules.db"
        ]
    );
    let marks =
        query(&home.runs_db(), "SELECT DISTINCT migration_completed FROM secondary_indexes")
            .await?;
    let marks: Vec<String> = marks.iter().map(|row| row.get(0)).collect();
    assert_eq!(marks, ["2023-11-14 22:13:20.000000"]);

    let again =
        crate::support::open(home.directory.path(), instance_storage::OpenMode::MustExist).await?;
    let id = again.run_storage().get_run_storage_id().await?;
    assert_eq!(id, "00000000-0000-0000-0000-000000000001");
    for revision in [
        again.run_storage().schema_revision().await?,
        again.event_log_storage().schema_revision().await?,
        again.schedule_storage().schema_revision().await?,
    ] {
        assert_eq!(revision, "29b539ebc72a");
    }
    Ok(())
}

#[tokio::test]
async fn a_run_added_after_all_was_closed_is_stored() -> TestResult {
    let home = Home::new().await?;
    home.runs().add_run(&run("r1", "j", &[]), later(0)).await?;
    home.storages.dispose().await;
    let reopened =
        crate::support::open(home.directory.path(), instance_storage::OpenMode::MustExist).await?;
    reopened.run_storage().add_run(&run("r2", "j", &[]), later(0)).await?;
    let records = reopened
        .run_storage()
        .get_run_records(&RunsFilter::default(), &RunsPage::default())
        .await?;
    let ids: Vec<_> = records.iter().map(|record| record.dagster_run.run_id.as_str()).collect();
    assert_eq!(ids, ["r2", "r1"]);
    Ok(())
}

#[tokio::test]
async fn the_status_of_the_column_is_the_one_to_trust() -> TestResult {
    let home = Home::new().await?;
    home.runs().add_run(&run("r1", "j", &[]), later(0)).await?;
    execute(&home.runs_db(), "UPDATE runs SET status = 'CANCELING'").await?;
    assert_eq!(home.record("r1").await?.dagster_run.status.as_str(), "CANCELING");
    Ok(())
}

/// More values than one statement of SQLite may have.
#[tokio::test]
async fn a_run_may_have_any_number_of_tags() -> TestResult {
    let home = Home::new().await?;
    let mut new = run("r1", "j", &[]);
    new.tags = (0..12_000).map(|number| (format!("tag{number}"), number.to_string())).collect();
    home.runs().add_run(&new, later(0)).await?;
    assert_eq!(home.record("r1").await?.dagster_run, new);
    assert_eq!(query(&home.runs_db(), "SELECT key FROM run_tags").await?.len(), 12_000);
    Ok(())
}
