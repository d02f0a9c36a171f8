//! A home with many assets.

use std::path::{Path, PathBuf};
use std::time::Instant;

use dagster_instance::{DagsterInstance, RunId};
use instance_core::AssetKey;
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel,
    StepMaterializationData,
};
use instance_core::ops::EventStoreAccess;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use sqlx::Connection;

use crate::Result;

/// How many entries are stored at once.
const BATCH: usize = 1_000;

/// How many assets there are, and how many partitions each has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) assets: usize,
    pub(crate) partitions: usize,
}

impl Size {
    pub(crate) const WHOLE: Self = Self { assets: 10_000, partitions: 100 };
    pub(crate) const QUICK: Self = Self { assets: 1_000, partitions: 20 };

    pub(crate) const fn events(self) -> usize {
        self.assets * self.partitions
    }
}

/// A home, and what its tables are called after.
pub(crate) struct Home {
    pub(crate) database: &'static str,
    pub(crate) path: PathBuf,
}

impl Home {
    pub(crate) fn sqlite(directory: &Path) -> Result<Self> {
        Self::new(directory, "SQLite", "")
    }

    pub(crate) async fn postgres(directory: &Path, url: &str) -> Result<Self> {
        const NAME: &str = "assets_speed";
        let mut connection = sqlx::PgConnection::connect(url).await?;
        let (base, _) = url.rsplit_once('/').ok_or("the URL names no database")?;
        for sql in [format!("DROP DATABASE IF EXISTS {NAME}"), format!("CREATE DATABASE {NAME}")] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        let section = format!("storage:\n  postgres:\n    postgres_url: {base}/{NAME}\n");
        Self::new(directory, "Postgres", &section)
    }

    fn new(directory: &Path, database: &'static str, section: &str) -> Result<Self> {
        let path = directory.join(database);
        std::fs::create_dir_all(&path)?;
        let settings = format!("telemetry:\n  enabled: false\n{section}");
        std::fs::write(path.join("dagster.yaml"), settings)?;
        Ok(Self { database, path })
    }

    /// Writes the materialisations, those of a partition by one run; returns how many seconds that took.
    pub(crate) async fn fill(&self, size: Size) -> Result<f64> {
        let began = Instant::now();
        let instance = DagsterInstance::builder().home(&self.path).open().await?;
        instance.create_storages().await?;
        for partition in 0..size.partitions {
            let mut run = DagsterRun::new(RunId::from(uuid::Uuid::new_v4().to_string()), "fill");
            run.status = DagsterRunStatus::Success;
            let run_id = instance.add_run(run).await?.run_id;
            let entries: Vec<_> = (0..size.assets)
                .map(|asset| materialization(&run_id, asset, &partition_key(partition)))
                .collect();
            for batch in entries.chunks(BATCH) {
                instance.event_store().store_events(batch).await?.into_result(batch)?;
            }
        }
        instance.dispose().await?;
        Ok(began.elapsed().as_secs_f64())
    }
}

/// The key of an asset.
pub(crate) fn asset_key(number: usize) -> AssetKey {
    AssetKey::new(["warehouse".to_owned(), format!("table_{number:05}")])
}

/// The key of a partition.
pub(crate) fn partition_key(number: usize) -> String {
    format!("part_{number:03}")
}

fn materialization(run_id: &RunId, asset: usize, partition: &str) -> EventLogEntry {
    let data = AssetMaterialization::new(asset_key(asset), Some(partition.to_owned()));
    let event = DagsterEvent::new(DagsterEventType::AssetMaterialization, "fill")
        .with_step_key("fill")
        .with_data(StepMaterializationData::from(data));
    EventLogEntry::of_event(event, run_id.clone(), LogLevel::INFO, 1_700_000_000.0)
}
