//! Adding runs and snapshots.

use instance_core::run::RunsFilter;
use instance_core::serdes::serialize_value;
use instance_core::storage::RunsPage;
use sqlx::Row;

use crate::support::{Home, TestResult, execute, later, query, run};

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

/// Dagster makes its stores without an id; the first who asks for it gives them one, and they keep it.
#[tokio::test]
async fn a_store_without_an_id_is_given_one_when_it_is_asked_for() -> TestResult {
    let home = Home::new().await?;
    home.storages.create().await?;
    execute(&home.runs_db(), "DELETE FROM instance_info").await?;
    let ids = query(&home.runs_db(), "SELECT run_storage_id FROM instance_info").await?;
    assert_eq!(ids.len(), 0);
    let id = home.runs().get_run_storage_id().await?;
    assert!(!id.is_empty());
    assert_eq!(home.runs().get_run_storage_id().await?, id);
    let ids = query(&home.runs_db(), "SELECT run_storage_id FROM instance_info").await?;
    let ids: Vec<String> = ids.iter().map(|row| row.get(0)).collect();
    assert_eq!(ids, [id]);
    Ok(())
}
