//! SQLite in Dagster's default layout: one file of runs, one index across runs, one shard of events
//! for each run, one file of schedules.

mod database;
mod decode;
mod event_log;
mod runs;
mod schedules;
mod shards;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use instance_core::clock::{Clock, IdSource};
use instance_core::error::StorageError;
use instance_core::storage::{EventLogStorage, RunStorage, ScheduleStorage};

use crate::sql::schema::Schema;
use database::Database;
use event_log::SqliteEventLogStorage;
use runs::SqliteRunStorage;
use schedules::SqliteScheduleStorage;

/// Whether an instance may be created where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Create what is missing.
    CreateIfMissing,
    /// An error if there is no instance.
    MustExist,
}

/// The three stores of an instance in SQLite files.
#[derive(Debug, Clone)]
pub struct SqliteStorages {
    runs: Arc<SqliteRunStorage>,
    events: Arc<SqliteEventLogStorage>,
    schedules: Arc<SqliteScheduleStorage>,
}

impl SqliteStorages {
    /// The stores below a directory. Files are opened, and missing ones created, on first use.
    ///
    /// Errors: with [`OpenMode::MustExist`], there is no store of runs.
    pub async fn open(
        base_dir: &Path,
        mode: OpenMode,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Result<Self, StorageError> {
        let runs_path = base_dir.join("history").join("runs.db");
        if mode == OpenMode::MustExist && !exists(&runs_path).await? {
            return Err(StorageError::Unsupported {
                what: format!("no Dagster instance in {}", base_dir.display()),
                reason: format!(
                    "{} is missing; name another directory, or create a run first",
                    runs_path.display()
                ),
            });
        }
        let at = Shared { clock, ids };
        let event_dir = base_dir.join("history").join("runs");
        let schedules_path = base_dir.join("schedules").join("schedules.db");
        Ok(Self {
            runs: Arc::new(SqliteRunStorage::new(Database::new(
                runs_path,
                Schema::Runs,
                at.clone(),
            ))),
            events: Arc::new(SqliteEventLogStorage::new(event_dir, at.clone())),
            schedules: Arc::new(SqliteScheduleStorage::new(Database::new(
                schedules_path,
                Schema::Schedules,
                at,
            ))),
        })
    }

    /// The store of runs.
    pub fn run_storage(&self) -> Arc<dyn RunStorage> {
        self.runs.clone()
    }

    /// The store of events.
    pub fn event_log_storage(&self) -> Arc<dyn EventLogStorage> {
        self.events.clone()
    }

    /// The store of schedules and sensors.
    pub fn schedule_storage(&self) -> Arc<dyn ScheduleStorage> {
        self.schedules.clone()
    }

    /// Creates every file that a fresh instance has, so that Dagster finds it complete.
    pub async fn create(&self) -> Result<(), StorageError> {
        self.runs.database().ready().await?;
        self.events.index().ready().await?;
        self.schedules.database().ready().await
    }

    /// Closes all files. What was acknowledged before is durable without it; it only leaves the
    /// directory without journals.
    pub async fn dispose(&self) {
        self.runs.database().close().await;
        self.events.close().await;
        self.schedules.database().close().await;
    }
}

/// What every file's creation needs: the time, and an id.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
}

async fn exists(path: &Path) -> Result<bool, StorageError> {
    let look = tokio::fs::try_exists(path).await;
    look.map_err(|source| StorageError::Io { action: "look for", path: display(path), source })
}

fn display(path: &Path) -> String {
    PathBuf::from(path).display().to_string()
}
