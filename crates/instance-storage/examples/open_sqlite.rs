//! Opens SQLite stores in Dagster's layout, and says where they are and in which schema.
//!
//! `cargo run --package instance-storage --example open_sqlite`

use std::fs;
use std::path::Path;

use instance_storage::instance_core::RunId;
use instance_storage::instance_core::clock::{Clock, SystemClock};
use instance_storage::instance_core::ops::{
    ClockAccess, RunStoreAccess, SettingsAccess, StorageOps, StoresAccess,
};
use instance_storage::instance_core::run::DagsterRun;
use instance_storage::instance_core::settings::InstanceSettings;
use instance_storage::instance_core::storage::Stores;
use instance_storage::{OpenMode, StorageContext, Storages, storage_info};

/// What the functions of this crate need of an instance, and no more.
struct Instance {
    settings: InstanceSettings,
    stores: Stores,
}

impl StoresAccess for Instance {
    fn stores(&self) -> &Stores {
        &self.stores
    }
}

impl SettingsAccess for Instance {
    fn settings(&self) -> &InstanceSettings {
        &self.settings
    }
}

impl ClockAccess for Instance {
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }
}

impl StorageOps for Instance {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("open-sqlite-{}", std::process::id()));
    let outcome = open(&directory).await;
    fs::remove_dir_all(&directory)?;
    outcome
}

async fn open(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let settings = InstanceSettings::new(directory);
    let mode = OpenMode::CreateIfMissing;
    let storages = Storages::open(&settings.storage, mode, StorageContext::default()).await?;
    let instance = Instance { settings, stores: storages.stores() };

    let run = DagsterRun::new(RunId::from("7a1c"), "hello");
    instance.run_store().add_run(&run, SystemClock.now()).await?;

    let info = storage_info(&instance).await?;
    println!("{} run(s) in {}", info.runs, info.storage.run_storage);
    for (store, revision) in &info.schema_revisions {
        println!("the schema of {store} is {revision}");
    }
    assert_eq!(info.runs, 1);
    storages.dispose().await;

    // What was stored is there for whoever opens it next, Dagster included.
    let must_exist = OpenMode::MustExist;
    let again = Storages::open(&info.storage, must_exist, StorageContext::default()).await?;
    assert!(again.run_storage().has_run(&run.run_id).await?);
    again.dispose().await;
    Ok(())
}
