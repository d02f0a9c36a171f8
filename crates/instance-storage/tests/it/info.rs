//! What is said of the storages of an instance, whoever wrote them.

use std::error::Error;
use std::path::PathBuf;

use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::settings::{ClassSettings, ComputeLogSettings, StorageSettings, StoreSettings};
use instance_core::testing::instance::TestInstance;
use instance_storage::{OpenMode, StorageContext, Storages, storage_info};

#[tokio::test]
async fn stores_and_settings_are_told_as_they_are() -> Result<(), Box<dyn Error>> {
    let mut instance = TestInstance::default();
    instance.settings.compute_logs = ComputeLogSettings::local("logs");
    for id in ["r1", "r2"] {
        instance.add_run(DagsterRun::new(RunId::from(id), "j")).await;
    }
    let info = storage_info(&instance).await?;
    assert_eq!(info.home, PathBuf::from("home"));
    assert_eq!(info.storage, StorageSettings::all(StoreSettings::Memory));
    assert_eq!(info.compute_logs, ComputeLogSettings::local("logs"));
    assert_eq!(info.run_storage_id, "00000000-0000-0000-0000-000000000000");
    let revision = |store| (store, "memory".to_owned());
    assert_eq!(info.schema_revisions, ["runs", "events", "schedules"].map(revision));
    assert_eq!(info.runs, 2);
    Ok(())
}

#[tokio::test]
async fn stores_of_sqlite_have_the_revision_of_dagsters_schema() -> Result<(), Box<dyn Error>> {
    let storages = Storages::in_memory(StorageContext::default());
    let instance = TestInstance { stores: storages.stores(), ..TestInstance::default() };
    let info = storage_info(&instance).await?;
    assert_eq!(info.runs, 0);
    let id = storages.run_storage().get_run_storage_id().await?;
    assert_eq!(info.run_storage_id, id);
    for (store, revision) in info.schema_revisions {
        assert_eq!(revision, "29b539ebc72a", "{store}");
    }
    storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn a_class_that_this_version_does_not_have_is_refused_by_name() {
    let class = ClassSettings::new("mine", "PooledRunStorage");
    let settings = StorageSettings::all(StoreSettings::Other(class));
    let opened = Storages::open(&settings, OpenMode::CreateIfMissing, StorageContext::new()).await;
    let error = opened.map(drop).unwrap_err().to_string();
    assert!(error.contains("mine.PooledRunStorage") && error.contains("--storage"), "{error}");
}
