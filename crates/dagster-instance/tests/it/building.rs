//! What an instance is built of: what the caller gives, and what it makes for itself.

use dagster_instance::memory::{MemoryComputeLogManager, MemoryStores};
use dagster_instance::run::{DagsterRun, RunsFilter};
use dagster_instance::settings::{InstanceSettings, StorageSettings, StoreSettings};
use dagster_instance::storage::{ComputeIoType, ComputeLogKey, ComputeLogManager, RunsPage};
use dagster_instance::{Clock, DagsterInstance, InstanceError, QueuedRunCoordinator, RunId};
use instance_core::ops::ComputeLogAccess;
use instance_core::testing::clock::{ManualClock, SequentialIds};

use crate::support::{NotingLauncher, TestResult, event_types, hello};

#[tokio::test]
async fn an_instance_in_memory_is_one_call_and_shares_nothing_with_another() -> TestResult {
    let (instance, other) = (DagsterInstance::ephemeral(), DagsterInstance::ephemeral());
    let run = instance.create_run(hello()?).await?;
    assert_eq!(event_types(&instance, &run.run_id).await?, ["ASSET_MATERIALIZATION_PLANNED"]);
    assert!(instance.clone().has_run(&run.run_id).await?, "a clone is the same instance");
    assert!(!other.has_run(&run.run_id).await?);

    let info = instance.storage_info().await?;
    assert_eq!(info.storage, StorageSettings::all(StoreSettings::Memory));
    assert_eq!((info.runs, info.home.as_os_str().is_empty()), (1, true));
    assert_ne!(info.run_storage_id, other.storage_info().await?.run_storage_id);

    instance.delete_run(&run.run_id).await?;
    assert_eq!(instance.get_runs_count(&RunsFilter::default()).await?, 0);
    Ok(())
}

#[tokio::test]
async fn stores_of_the_caller_are_used_and_no_other() -> TestResult {
    let memory = MemoryStores::default();
    let instance = DagsterInstance::builder().stores(memory.stores()).open().await?;
    let run = instance.create_run(hello()?).await?;
    let runs = memory.run_storage();
    let stored = runs.get_run_records(&RunsFilter::default(), &RunsPage::default()).await?;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].dagster_run, run);

    // Another instance on the same stores has the same runs, and says that it did not choose them.
    let again = DagsterInstance::builder().stores(memory.stores()).open().await?;
    assert!(again.has_run(&run.run_id).await?);
    assert_eq!(again.storage_info().await?.storage, StorageSettings::all(StoreSettings::Custom));
    Ok(())
}

#[tokio::test]
async fn the_time_and_the_ids_are_those_of_the_caller() -> TestResult {
    let clock = ManualClock::default();
    let now = clock.now();
    let builder = DagsterInstance::builder().clock(clock).ids(SequentialIds::from(0xa0));
    let instance = builder.in_memory();
    let run = instance.create_run(hello()?).await?;
    // The stores in memory took the first id.
    assert_eq!(run.run_id, RunId::from("00000000-0000-0000-0000-0000000000a1"));
    let record = instance.get_run_record_by_id(&run.run_id).await?.unwrap();
    assert_eq!(record.create_timestamp, now);
    Ok(())
}

#[tokio::test]
async fn captured_logs_are_kept_where_the_caller_says() -> TestResult {
    let logs = MemoryComputeLogManager::default();
    let builder = DagsterInstance::builder().compute_log_manager(logs.clone());
    let instance = builder.in_memory();
    let key = ComputeLogKey::for_run(&RunId::from("r1"), "step");
    let capture = instance.compute_log_manager().capture_logs(&key).await?;
    capture.write(ComputeIoType::Stdout, b"hello\n").await?;
    capture.complete().await?;
    let data = logs.get_log_data_for_type(&key, ComputeIoType::Stdout, 0, 100).await?;
    assert_eq!(data.as_deref(), Some(&b"hello\n"[..]));
    Ok(())
}

#[tokio::test]
async fn the_launcher_and_the_coordinator_are_those_of_the_caller() -> TestResult {
    let launcher = NotingLauncher::default();
    let builder = DagsterInstance::builder().run_launcher(launcher.clone());
    let instance = builder.run_coordinator(QueuedRunCoordinator).in_memory();
    let run = DagsterRun::new(RunId::from("r1"), "j");
    instance.add_run(run).await?;
    // The queue takes only runs that Dagster's daemon can launch, so what it says shows that it was asked.
    let refused = instance.submit_run(&RunId::from("r1")).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(launcher.calls(), [""; 0]);
    instance.dispose().await?;
    assert_eq!(launcher.calls(), ["dispose"]);
    Ok(())
}

#[tokio::test]
async fn settings_of_the_caller_are_taken_and_no_file_is_read() -> TestResult {
    let home = tempfile::tempdir()?;
    std::fs::write(home.path().join("dagster.yaml"), "this: [is, no, configuration")?;
    let mut settings = InstanceSettings::new(home.path());
    settings.run_retries.enabled = true;
    settings.run_retries.max_retries = 7;
    let instance = DagsterInstance::builder().settings(settings.clone()).in_memory();
    assert_eq!(instance.get_settings().run_retries, settings.run_retries);
    assert!(instance.is_ephemeral());
    assert_eq!(instance.storage_info().await?.home, home.path());
    let stores = MemoryStores::default();
    let builder = DagsterInstance::builder().settings(settings.clone()).stores(stores.stores());
    assert_eq!(builder.open().await?.get_settings(), &settings);

    let of_home = DagsterInstance::builder().home(home.path()).open().await;
    assert!(matches!(of_home, Err(InstanceError::ConfigFile(_))), "{of_home:?}");
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_too_large_is_refused() -> TestResult {
    let instance = DagsterInstance::builder().run_size_limit_bytes(10).in_memory();
    assert_eq!(instance.get_run_size_limit_bytes(), Some(10));
    let refused = instance.create_run(hello()?).await;
    assert!(matches!(refused, Err(InstanceError::Invalid { .. })), "{refused:?}");
    assert_eq!(instance.get_runs_count(&RunsFilter::default()).await?, 0);
    Ok(())
}

/// A build without a database says what to do. With one, the same call opens it.
#[tokio::test]
async fn stores_that_this_build_does_not_have_are_a_clear_error() -> TestResult {
    let home = tempfile::tempdir()?;
    let opened = DagsterInstance::builder().home(home.path()).open().await;
    if cfg!(feature = "sqlite") {
        let instance = opened?;
        assert_eq!(instance.storage_info().await?.runs, 0);
        instance.dispose().await?;
    } else {
        let error = opened.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, InstanceError::Config { .. }), "{text}");
        assert!(text.contains("SQLite in") && text.contains("feature `sqlite`"), "{text}");
    }
    Ok(())
}

#[test]
fn an_instance_can_be_handed_to_other_threads() {
    fn check<T: Send + Sync + 'static>(_: &T) {}
    let instance = DagsterInstance::ephemeral();
    check(&instance);
}

#[tokio::test]
async fn what_is_set_twice_is_refused() {
    let settings = || InstanceSettings::new("h");
    let reference = DagsterInstance::ephemeral().get_ref().cloned();
    assert!(reference.is_err(), "an instance in memory has none");
    let builders = [
        DagsterInstance::builder().settings(settings()).storage("/a"),
        DagsterInstance::builder().settings(settings()).config_filename("other.yaml"),
    ];
    for builder in builders {
        let error = builder.open().await.map(drop).unwrap_err();
        assert!(matches!(error, InstanceError::Invalid { .. }), "{error}");
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_directory_or_a_reference_is_the_same_instance() -> TestResult {
    let home = tempfile::tempdir()?;
    std::fs::write(home.path().join("other.yaml"), "nux: {enabled: false}\n")?;
    let instance = DagsterInstance::from_config(home.path(), Some("other.yaml")).await?;
    assert!(!instance.nux_enabled() && instance.telemetry_enabled());
    let run = instance.create_run(hello()?).await?;
    let again = DagsterInstance::from_ref(instance.get_ref()?).await?;
    assert_eq!(again.get_settings(), instance.get_settings());
    assert!(again.has_run(&run.run_id).await?);
    let by_default = DagsterInstance::from_config(home.path(), None).await?;
    assert!(by_default.nux_enabled());

    // The stores may be others, whatever the file says.
    let stores = tempfile::tempdir()?;
    let place = stores.path().to_str().ok_or("no text")?;
    let builder = DagsterInstance::builder().home(home.path()).storage(place);
    assert!(!builder.open().await?.has_run(&run.run_id).await?);

    let missing = DagsterInstance::from_config(home.path().join("missing"), None).await;
    let error = missing.map(drop).unwrap_err().to_string();
    assert!(error.contains("missing is no directory"), "{error}");
    Ok(())
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_temporary_instance_leaves_nothing_behind() -> TestResult {
    let instance = DagsterInstance::local_temp().await?;
    assert!(instance.is_persistent());
    let home = instance.get_settings().home.clone();
    let run = instance.create_run(hello()?).await?;
    let same = DagsterInstance::from_ref(instance.get_ref()?).await?;
    assert!(same.has_run(&run.run_id).await?);
    same.dispose().await?;
    assert!(home.join("history/runs.db").exists());
    instance.dispose().await?;
    assert!(!home.exists());
    let dropped = DagsterInstance::local_temp().await?;
    let home = dropped.get_settings().home.clone();
    assert!(home.exists());
    drop(dropped);
    assert!(!home.exists());
    Ok(())
}

/// Reading needs no launcher, no coordinator and no captured logs; what needs them names them.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn what_this_version_lacks_is_refused_only_where_it_is_needed() -> TestResult {
    let home = tempfile::tempdir()?;
    std::fs::write(
        home.path().join("dagster.yaml"),
        "run_launcher: {module: dagster_docker, class: DockerRunLauncher, config: {image: {env: NOT_SET}}}\n\
         run_coordinator: {module: mine, class: Mine}\n\
         compute_logs: {module: dagster_gcp.gcs, class: GCSComputeLogManager, config: {bucket: b}}\n",
    )?;
    let instance = DagsterInstance::builder().home(home.path()).open().await?;
    let run = instance.create_run(hello()?).await?;
    assert_eq!(instance.get_runs_count(&RunsFilter::default()).await?, 1);
    let submitted = instance.submit_run(&run.run_id).await.map(drop).unwrap_err().to_string();
    assert!(submitted.contains("mine.Mine"), "{submitted}");
    let key = ComputeLogKey::for_run(&run.run_id, "k");
    let complete = instance.compute_log_manager().is_capture_complete(&key).await;
    assert!(complete.unwrap_err().to_string().contains("GCSComputeLogManager"));
    instance.dispose().await?;
    Ok(())
}

struct NoVariables;

impl dagster_instance::Environment for NoVariables {
    fn get(&self, _name: &str) -> Option<String> {
        None
    }
}

/// No server is looked for when an instance is opened, and none at all where the build has no S3.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn captured_logs_in_s3_are_reached_when_they_are_needed() -> TestResult {
    let home = tempfile::tempdir()?;
    std::fs::write(
        home.path().join("dagster.yaml"),
        "compute_logs: {module: dagster_aws.s3, class: S3ComputeLogManager, config: {bucket: b, endpoint_url: \
         'http://127.0.0.1:1'}}\n",
    )?;
    let instance =
        DagsterInstance::builder().home(home.path()).environment(NoVariables).open().await?;
    instance.create_run(hello()?).await?;
    let logs = instance.compute_log_manager();
    // Such a key is refused before any server is asked.
    let key = ComputeLogKey(vec!["..".to_owned(), "k".to_owned()]);
    let error = logs.is_capture_complete(&key).await.unwrap_err().to_string();
    assert_eq!(error.contains("feature `s3`"), !cfg!(feature = "s3"), "{error}");
    assert_eq!(instance.storage_info().await?.compute_logs.to_string(), "s3://b/dagster");
    instance.dispose().await?;
    Ok(())
}
