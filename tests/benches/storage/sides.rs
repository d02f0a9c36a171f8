//! The homes of both sides, and what is in them before anything is measured.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use instance_core::run::DagsterRun;
use instance_core::settings::StorageSettings;
use instance_core::storage::EventStoreExt;
use instance_core::storage::{EventLogStorage, RunStorage};
use instance_core::{AssetKey, RunId};
use instance_storage::{OpenMode, PostgresConfig, StorageContext, Storages};
use sqlx::Connection;

use crate::Result;
use crate::events::{asset_key, events_of, materialization};
use crate::raw::Raw;

/// A home, as Dagster knows it, and our storages in it.
pub(crate) struct Side {
    storages: Storages,
    pub(crate) home: PathBuf,
}

impl Side {
    pub(crate) fn events(&self) -> Arc<dyn EventLogStorage> {
        self.storages.event_log_storage()
    }

    pub(crate) fn runs(&self) -> Arc<dyn RunStorage> {
        self.storages.run_storage()
    }
}

/// What is measured with one kind of database.
pub(crate) struct Sides {
    /// Where we write.
    pub(crate) ours: Side,
    /// What both read, and where Dagster writes.
    pub(crate) shared: Side,
    pub(crate) raw: Raw,
}

impl Sides {
    pub(crate) async fn sqlite(directory: &Path) -> Result<Self> {
        let open = async |name: &str| -> Result<Side> {
            let home = home(directory, name, "")?;
            let settings = StorageSettings::sqlite_below(&home);
            let context = StorageContext::default();
            let storages = Storages::open(&settings, OpenMode::CreateIfMissing, context).await?;
            storages.create().await?;
            Ok(Side { storages, home })
        };
        let (ours, shared) = (open("ours").await?, open("shared").await?);
        fill(&shared).await?;
        Ok(Self { ours, shared, raw: Raw::sqlite(directory).await? })
    }

    pub(crate) async fn postgres(directory: &Path, url: &str) -> Result<Self> {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        let (base, _) = url.rsplit_once('/').ok_or("the URL names no database")?;
        for name in ["speed_ours", "speed_shared"] {
            for sql in
                [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")]
            {
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
            }
        }
        let open = async |name: &str| -> Result<Side> {
            let url = format!("{base}/{name}");
            let section = format!("storage:\n  postgres:\n    postgres_url: {url}\n");
            let home = home(directory, name, &section)?;
            let config = PostgresConfig::from_url(&url)?;
            let storages = Storages::open_postgres(&config, StorageContext::default());
            storages.create().await?;
            Ok(Side { storages, home })
        };
        let (ours, shared) = (open("speed_ours").await?, open("speed_shared").await?);
        fill(&shared).await?;
        Ok(Self { ours, shared, raw: Raw::postgres(&format!("{base}/speed_ours")).await? })
    }
}

fn home(directory: &Path, name: &str, section: &str) -> Result<PathBuf> {
    let home = directory.join(name);
    std::fs::create_dir_all(&home)?;
    let settings = format!("telemetry:\n  enabled: false\n{section}");
    std::fs::write(home.join("dagster.yaml"), settings)?;
    Ok(home)
}

/// The run with a long log, and the one that materialised what is asked for.
pub(crate) const LONG_RUN: &str = "0dfe2b5c-77a5-4a5e-9c1b-4f2f5d7a3c11";
const RUN_OF_ASSETS: &str = "7c1f0f5e-0b55-4b43-8a57-6f0de61f3d52";

pub(crate) const EVENTS_OF_LONG_RUN: u32 = 10_000;
pub(crate) const PARTITIONS: u32 = 10_000;

/// The asset of which every partition is materialised.
pub(crate) fn partitioned_asset() -> AssetKey {
    AssetKey::new(["warehouse", "partitioned"])
}

async fn fill(side: &Side) -> Result<()> {
    for number in 0..500_u32 {
        let run_id = RunId::from(uuid::Uuid::new_v4().to_string());
        let mut run = DagsterRun::new(run_id, "daily_orders");
        run.tags.insert("team".to_owned(), format!("team_{}", number % 7));
        side.runs().add_run(&run, Utc::now()).await?;
    }
    for start in (0..EVENTS_OF_LONG_RUN).step_by(1_000) {
        let events = events_of("step_start", LONG_RUN, 1_000);
        side.events().store_event_batch(&events).await?;
        let partitions: Vec<_> = (start..start + 1_000)
            .map(|number| materialization(RUN_OF_ASSETS, &partitioned_asset(), number))
            .collect();
        side.events().store_event_batch(&partitions).await?;
    }
    let assets: Vec<_> = (0..1_000)
        .map(|number| materialization(RUN_OF_ASSETS, &asset_key(number), number))
        .collect();
    side.events().store_event_batch(&assets).await?;
    let keys: Vec<String> = (0..PARTITIONS).map(|number| format!("key_{number}")).collect();
    side.events().add_dynamic_partitions("prepared", &keys).await?;
    Ok(())
}
