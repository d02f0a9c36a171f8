//! The other functions of the storage domain: directories, what is said in Dagster's form, snapshots, signs of life,
//! connections and the wipe.

use std::path::PathBuf;
use std::time::Duration;

use instance_core::daemon::{DaemonHeartbeat, DaemonType};
use instance_core::error::ErrorKind;
use instance_core::event::DagsterEventType;
use instance_core::ids::{RunId, SnapshotId};
use instance_core::run::RunsFilter;
use instance_core::serdes::deserialize_value;
use instance_core::settings::{
    ClassSettings, ComputeLogSettings, InstanceSettings, LocalArtifactSettings, PostgresSettings,
    S3ComputeLogSettings, StorageSettings, StoreSettings,
};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::{EventStoreExt, RecordsForRun, WebserverConnections};
use instance_core::testing::instance::TestInstance;
use instance_storage::{
    InfoValue, Snapshot, StorageContext, Storages, add_daemon_heartbeat, add_dynamic_partitions,
    add_snapshot, dispose, file_manager_directory, get_daemon_heartbeats, get_dynamic_partitions,
    get_historical_job, has_historical_job, info_dict, info_str, optimize_for_webserver,
    root_directory, schedules_directory, schema_str, storage_directory, wipe,
    wipe_daemon_heartbeats,
};

use crate::support::{TestResult, event, later, run};

fn instances() -> [TestInstance; 2] {
    let storages = Storages::in_memory(StorageContext::default());
    [TestInstance::default(), TestInstance { stores: storages.stores(), ..TestInstance::default() }]
}

#[test]
fn directories_lie_below_that_of_the_instance() -> TestResult {
    let mut ops = TestInstance {
        settings: InstanceSettings::new("/home/d").into(),
        ..TestInstance::default()
    };
    assert_eq!(root_directory(&ops)?, PathBuf::from("/home/d"));
    assert_eq!(storage_directory(&ops)?, PathBuf::from("/home/d/storage"));
    assert_eq!(schedules_directory(&ops)?, PathBuf::from("/home/d/schedules"));
    let of_run = file_manager_directory(&ops, &RunId::from("r1"))?;
    assert_eq!(of_run, PathBuf::from("/home/d/storage/r1/files"));
    // As `local_artifact_storage` names another directory.
    ops.settings.local_artifact_storage = LocalArtifactSettings::Local("/data".into());
    assert_eq!(root_directory(&ops)?, PathBuf::from("/data"));
    assert_eq!(schedules_directory(&ops)?, PathBuf::from("/data/schedules"));
    assert_eq!(storage_directory(&ops)?, PathBuf::from("/data/storage"));
    // Only the class knows.
    let class = ClassSettings::new("mine", "Mine");
    ops.settings.local_artifact_storage = LocalArtifactSettings::Other(class);
    let error = file_manager_directory(&ops, &RunId::from("r1")).unwrap_err();
    assert!(error.to_string().contains("mine.Mine"), "{error}");
    Ok(())
}

#[test]
fn an_id_that_is_no_name_of_a_directory_is_refused() {
    let ops = TestInstance::default();
    for id in ["", ".", "..", "../x", "a/b", "/etc", "a\\b", "a\0b"] {
        let error = file_manager_directory(&ops, &RunId::from(id)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{id:?}");
    }
}

#[test]
fn the_storages_are_said_in_dagsters_form() {
    let mut ops = TestInstance {
        settings: InstanceSettings::new("/home/d").into(),
        ..TestInstance::default()
    };
    insta::assert_snapshot!(info_str(&ops), @r"
    local_artifact_storage:
      module: dagster._core.storage.root
      class: LocalArtifactStorage
      config:
        base_dir: /home/d
    run_storage:
      module: dagster._core.storage.runs
      class: SqliteRunStorage
      config:
        base_dir: /home/d/history
    event_log_storage:
      module: dagster._core.storage.event_log
      class: SqliteEventLogStorage
      config:
        base_dir: /home/d/history/runs
    compute_logs:
      module: dagster._core.storage.local_compute_log_manager
      class: LocalComputeLogManager
      config:
        base_dir: /home/d/storage
    schedule_storage:
      module: dagster._core.storage.schedules
      class: SqliteScheduleStorage
      config:
        base_dir: /home/d/schedules
    ");
    let url = "postgresql://me:secret@db:5432/dagster?sslmode=require";
    let postgres = PostgresSettings::from_url(url).unwrap();
    ops.settings.storage = StorageSettings::postgres(postgres);
    let text = info_str(&ops);
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("postgres_url: postgresql://me@db:5432/dagster\n"), "{text}");
    assert!(text.contains("should_autocreate_tables: true\n"), "{text}");
    ops.settings.storage = StorageSettings::all(StoreSettings::Memory);
    let config = serde_json::json!({"bucket": "secret"});
    let class = ClassSettings::new("dagster_gcp.gcs", "GCSComputeLogManager")
        .with_config(config.as_object().cloned().unwrap_or_default());
    ops.settings.compute_logs = ComputeLogSettings::Other(class);
    let text = info_str(&ops);
    assert!(text.contains("  class: GCSComputeLogManager\n") && !text.contains("secret"), "{text}");
    let arguments = serde_json::json!({"SSECustomerKey": "secret"});
    let s3 = S3ComputeLogSettings::new("logs")
        .with_upload_interval(std::time::Duration::from_secs(30))
        .with_upload_extra_args(arguments.as_object().cloned().unwrap_or_default());
    ops.settings.compute_logs = ComputeLogSettings::s3(s3);
    let text = info_str(&ops);
    let of_s3 = "  class: S3ComputeLogManager\n  config:\n    bucket: logs\n    local_dir: /tmp\n    prefix: dagster\n";
    assert!(text.contains(of_s3) && text.contains("    upload_interval: 30\n"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    let info = info_dict(&ops);
    let memory = InfoValue::Text("the memory of this process".to_owned());
    assert_eq!(info.get("run_storage"), Some(&memory));
    assert_eq!(info.get("none"), None);
    assert_eq!(info.parts().len(), 5);
}

#[tokio::test]
async fn schemas_are_said_in_dagsters_form() -> TestResult {
    for (ops, revision) in instances().into_iter().zip(["memory", "29b539ebc72a"]) {
        let of_store = format!("current: {revision}\n    latest: {revision}\n");
        let expected = ["event_log_storage", "run_storage", "schedule_storage"]
            .map(|name| format!("  {name}:\n    {of_store}"))
            .concat();
        assert_eq!(schema_str(&ops).await?, format!("schema:\n{expected}"));
        dispose(&ops).await;
    }
    Ok(())
}

fn job(name: &str) -> Result<JobSnap, Box<dyn std::error::Error>> {
    let text = include_str!("fixtures/job_snapshot.json");
    let mut job: JobSnap = deserialize_value(text.trim_end())?;
    name.clone_into(&mut job.name);
    Ok(job)
}

fn plan() -> Result<ExecutionPlanSnapshot, Box<dyn std::error::Error>> {
    let text = include_str!("fixtures/execution_plan.json");
    Ok(deserialize_value(text.trim_end())?)
}

#[tokio::test]
async fn snapshots_are_stored_and_found_as_jobs_of_the_past() -> TestResult {
    for ops in instances() {
        let job = job("letters")?;
        let unknown = SnapshotId::from("none");
        assert!(!has_historical_job(&ops, &unknown).await?);
        assert_eq!(get_historical_job(&ops, &unknown).await?, None);
        let id = add_snapshot(&ops, &Snapshot::from(job.clone())).await?;
        assert_eq!(add_snapshot(&ops, &Snapshot::from(job.clone())).await?, id);
        assert!(has_historical_job(&ops, &id).await?);
        let found = get_historical_job(&ops, &id).await?.ok_or("no job")?;
        assert_eq!((&found.snapshot_id, &found.job_snapshot), (&id, &job));
        assert_eq!(found.parent_job_snapshot, None);
        let plan_id = add_snapshot(&ops, &Snapshot::from(plan()?)).await?;
        assert!(!has_historical_job(&ops, &plan_id).await?);
        assert_eq!(get_historical_job(&ops, &plan_id).await?, None);
        dispose(&ops).await;
    }
    Ok(())
}

fn heartbeat(daemon_type: &str, seconds: f64) -> DaemonHeartbeat {
    DaemonHeartbeat::new(DaemonType::from(daemon_type), "process", seconds, Vec::new())
}

#[tokio::test]
async fn the_last_sign_of_life_of_each_daemon_is_kept() -> TestResult {
    for ops in instances() {
        assert!(get_daemon_heartbeats(&ops).await?.is_empty());
        for (daemon, seconds) in [("SENSOR", 1.5), ("SCHEDULER", 2.0), ("SENSOR", 3.25)] {
            add_daemon_heartbeat(&ops, &heartbeat(daemon, seconds)).await?;
        }
        let expected = [heartbeat("SENSOR", 3.25), heartbeat("SCHEDULER", 2.0)];
        assert_eq!(get_daemon_heartbeats(&ops).await?, expected);
        let never = add_daemon_heartbeat(&ops, &heartbeat("SENSOR", f64::NAN)).await;
        assert_eq!(never.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(get_daemon_heartbeats(&ops).await?, expected);
        wipe_daemon_heartbeats(&ops).await?;
        assert!(get_daemon_heartbeats(&ops).await?.is_empty());
        dispose(&ops).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_wipe_leaves_no_run_and_no_event() -> TestResult {
    for ops in instances() {
        let id = RunId::from("r1");
        ops.add_run(run("r1", "j", &[("a", "1")])).await;
        let store = &ops.stores.event_log_storage;
        store.store_event(&event("r1", DagsterEventType::RunStart, 1)).await?;
        add_dynamic_partitions(&ops, "set", &["a".to_owned()]).await?;
        add_daemon_heartbeat(&ops, &heartbeat("SENSOR", 1.0)).await?;
        add_snapshot(&ops, &Snapshot::from(job("letters")?)).await?;
        let cursors = [("kept".to_owned(), "7".to_owned())].into();
        ops.stores.run_storage.set_cursor_values(&cursors).await?;

        for _ in 0..2 {
            wipe(&ops).await?;
            assert_eq!(ops.stores.run_storage.get_runs_count(&RunsFilter::default()).await?, 0);
            assert!(ops.entries(&id).await.is_empty());
            assert!(
                store
                    .get_records_for_run(&RecordsForRun::new(id.clone()))
                    .await?
                    .records
                    .is_empty()
            );
            assert!(get_dynamic_partitions(&ops, "set").await?.is_empty());
            assert!(get_daemon_heartbeats(&ops).await?.is_empty());
        }
        let keys = ["kept".to_owned()].into();
        assert_eq!(ops.stores.run_storage.get_cursor_values(&keys).await?, cursors);
        // It can be used as before.
        ops.stores.run_storage.add_run(&run("r2", "j", &[]), later(0)).await?;
        dispose(&ops).await;
    }
    Ok(())
}

#[tokio::test]
async fn storages_without_a_server_have_no_connections_to_limit() -> TestResult {
    for ops in instances() {
        let connections = WebserverConnections::default()
            .with_statement_timeout(Duration::from_millis(1))
            .with_pool_recycle(None)
            .with_max_overflow(0);
        optimize_for_webserver(&ops, &connections).await?;
        optimize_for_webserver(&ops, &WebserverConnections::default()).await?;
        ops.add_run(run("r1", "j", &[])).await;
        assert!(ops.stores.run_storage.has_run(&RunId::from("r1")).await?);
        dispose(&ops).await;
    }
    Ok(())
}
