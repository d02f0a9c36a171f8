//! SQLite in files, or in memory.
//!
//! In Dagster's default layout there is one file of runs, one index across runs, one shard of events for
//! each run, and one file of schedules.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use instance_core::error::StorageError;

use super::{RunLogs, StorageContext, Storages};
use crate::db::{Database, SqliteDatabase, SqlitePlace, exists};
use crate::sql::schema::Schema;

/// Whether an instance may be created where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Create what is missing.
    CreateIfMissing,
    /// An error if there is no instance.
    MustExist,
}

/// The directories of the three stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlitePaths {
    /// Where `runs.db` is.
    pub runs: PathBuf,
    /// Where events are.
    pub events: EventPaths,
    /// Where `schedules.db` is.
    pub schedules: PathBuf,
}

/// The directory of the store of events, and how it is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventPaths {
    /// `index.db`, and a file for each run.
    Sharded(PathBuf),
    /// One file, `event_log.db`.
    Consolidated(PathBuf),
}

impl SqlitePaths {
    /// Dagster's default layout below a directory.
    pub fn below(base_dir: &Path) -> Self {
        Self {
            runs: base_dir.join("history"),
            events: EventPaths::Sharded(base_dir.join("history").join("runs")),
            schedules: base_dir.join("schedules"),
        }
    }
}

impl Storages {
    /// The stores in files, which are opened, and created where they are missing, on first use.
    ///
    /// Errors: with [`OpenMode::MustExist`], there is no store of runs.
    pub async fn open_sqlite(
        paths: SqlitePaths,
        mode: OpenMode,
        context: StorageContext,
    ) -> Result<Self, StorageError> {
        let runs_path = paths.runs.join("runs.db");
        if mode == OpenMode::MustExist && !exists(&runs_path).await? {
            return Err(StorageError::Unsupported {
                what: format!("no Dagster instance in {}", paths.runs.display()),
                reason: format!(
                    "{} is missing; name another directory, or create a run first",
                    runs_path.display()
                ),
            });
        }
        let open = |path, schema| database(SqlitePlace::File(path), schema, &context);
        let (index, run_logs) = match paths.events {
            EventPaths::Sharded(directory) => {
                let index = open(directory.join("index.db"), Schema::EventIndex);
                (index, RunLogs::sharded(directory, context.clone()))
            }
            EventPaths::Consolidated(directory) => {
                let index = open(directory.join("event_log.db"), Schema::EventIndex);
                (Arc::clone(&index), RunLogs::Together(index))
            }
        };
        let runs = open(runs_path, Schema::Runs);
        let schedules = open(paths.schedules.join("schedules.db"), Schema::Schedules);
        Ok(Self::new(runs, index, run_logs, schedules, context))
    }

    /// The stores in memory, as long as they are open: Dagster's ephemeral instance.
    pub fn in_memory(context: StorageContext) -> Self {
        let open = |schema| database(SqlitePlace::Memory, schema, &context);
        let index = open(Schema::EventIndex);
        let run_logs = RunLogs::Together(Arc::clone(&index));
        Self::new(open(Schema::Runs), index, run_logs, open(Schema::Schedules), context)
    }
}

pub(super) fn database(
    place: SqlitePlace,
    schema: Schema,
    context: &StorageContext,
) -> Arc<Database> {
    Arc::new(Database::Sqlite(Box::new(SqliteDatabase::new(place, schema, context.clone()))))
}
