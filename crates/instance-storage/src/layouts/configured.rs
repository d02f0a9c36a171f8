//! Opens the stores that the settings of an instance name.
//!
//! In Dagster's default layout there is one file of runs, one index across runs, one shard of events for each run,
//! and one file of schedules.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use instance_core::error::StorageError;
use instance_core::settings::{StorageSettings, StoreSettings};

use super::Storages;
use crate::context::{OpenMode, StorageContext};
use crate::db::{Database, SqlitePlace, exists};
use crate::file_systems;
use crate::run_logs::RunLogs;
use crate::sql::schema::Schema;

impl Storages {
    /// The stores that settings name. Missing files and tables are created on first use. Stores in the same
    /// Postgres share its connections.
    ///
    /// # Errors
    ///
    /// * With [`OpenMode::MustExist`], the file of the store of runs does not exist. A Postgres is not connected to
    ///   here, so its first use reports that.
    /// * A Postgres is named and the feature `postgres` is off, or its settings cannot be followed.
    /// * A class is named that this version does not have.
    /// * The name of a directory of SQLite is not UTF-8.
    pub async fn open(
        settings: &StorageSettings,
        mode: OpenMode,
        context: StorageContext,
    ) -> Result<Self, StorageError> {
        must_be_text(settings)?;
        warn_once(settings).await;
        let file = |directory: &Path, name: &str, schema| {
            Arc::new(Database::sqlite(SqlitePlace::File(directory.join(name)), schema, &context))
        };
        let mut opened = Postgres { mode, databases: Vec::new() };
        let runs = match &settings.run_storage {
            StoreSettings::Sqlite(directory) | StoreSettings::ConsolidatedSqlite(directory) => {
                let path = directory.join("runs.db");
                if mode == OpenMode::MustExist && !exists(&path).await? {
                    return Err(StorageError::Unsupported {
                        what: format!("no Dagster instance in {}", directory.display()),
                        reason: format!(
                            "{} is missing; name another directory, or create a run first",
                            path.display()
                        ),
                    });
                }
                file(directory, "runs.db", Schema::Runs)
            }
            other => opened.get(other, &context)?,
        };
        let (index, run_logs) = match &settings.event_log_storage {
            StoreSettings::Sqlite(directory) => {
                let index = file(directory, "index.db", Schema::EventIndex);
                let taken = taken(settings, directory).await;
                let beside = Arc::clone(&index);
                (index, RunLogs::sharded(directory.clone(), taken, beside, context.clone()))
            }
            StoreSettings::ConsolidatedSqlite(directory) => {
                let index = file(directory, "event_log.db", Schema::EventIndex);
                (Arc::clone(&index), RunLogs::Shared(index))
            }
            other => {
                let database = opened.get(other, &context)?;
                (Arc::clone(&database), RunLogs::Shared(database))
            }
        };
        let schedules = match &settings.schedule_storage {
            StoreSettings::Sqlite(directory) | StoreSettings::ConsolidatedSqlite(directory) => {
                file(directory, "schedules.db", Schema::Schedules)
            }
            other => opened.get(other, &context)?,
        };
        Ok(Self::new(runs, index, run_logs, schedules, &context))
    }
}

/// Refuses directories of SQLite whose names are not text: SQLite takes no others.
fn must_be_text(settings: &StorageSettings) -> Result<(), StorageError> {
    for (_, store) in settings.each() {
        if let StoreSettings::Sqlite(directory) | StoreSettings::ConsolidatedSqlite(directory) =
            store
            && directory.to_str().is_none()
        {
            return Err(StorageError::Unsupported {
                what: format!("SQLite in {}", directory.display()),
                reason: "the name is not UTF-8, and SQLite takes no other; make a link with such a name that leads \
                         there, and name the link"
                    .to_owned(),
            });
        }
    }
    Ok(())
}

/// Says once in a process what may go wrong where the files are.
async fn warn_once(settings: &StorageSettings) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let settings = settings.clone();
    let found = tokio::task::spawn_blocking(move || file_systems::warnings(&settings)).await;
    // Without an answer there is nothing to say.
    for warning in found.unwrap_or_default() {
        if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(warning.clone()) {
            tracing::warn!("{warning}");
        }
    }
}

/// The databases of other stores in the directory of the events: a file for each run would be a neighbour of theirs.
async fn taken(settings: &StorageSettings, directory: &Path) -> Vec<&'static str> {
    let mut taken = Vec::new();
    for (store, name) in
        [(&settings.run_storage, "runs"), (&settings.schedule_storage, "schedules")]
    {
        if let StoreSettings::Sqlite(other) | StoreSettings::ConsolidatedSqlite(other) = store
            && is_same(other, directory).await
        {
            taken.push(name);
        }
    }
    taken
}

/// Whether two paths lead to one directory, which need not exist.
async fn is_same(one: &Path, other: &Path) -> bool {
    if one == other {
        return true;
    }
    let (one, other) = (tokio::fs::canonicalize(one).await, tokio::fs::canonicalize(other).await);
    matches!((one, other), (Ok(one), Ok(other)) if one == other)
}

/// The Postgres databases that were opened.
struct Postgres {
    mode: OpenMode,
    databases: Vec<(StoreSettings, Arc<Database>)>,
}

impl Postgres {
    fn get(
        &mut self,
        settings: &StoreSettings,
        context: &StorageContext,
    ) -> Result<Arc<Database>, StorageError> {
        if let Some((_, database)) = self.databases.iter().find(|(other, _)| other == settings) {
            return Ok(Arc::clone(database));
        }
        let database = open_postgres(settings, self.mode, context)?;
        self.databases.push((settings.clone(), Arc::clone(&database)));
        Ok(database)
    }
}

fn open_postgres(
    settings: &StoreSettings,
    mode: OpenMode,
    context: &StorageContext,
) -> Result<Arc<Database>, StorageError> {
    match settings {
        #[cfg(feature = "postgres")]
        StoreSettings::Postgres(settings) => {
            let config = crate::db::PostgresConfig::from_settings(settings)?;
            Ok(super::postgres::database(&config, mode, context))
        }
        StoreSettings::Other(class) => Err(StorageError::Unsupported {
            what: format!("the storage {class}"),
            reason: "this version has Dagster's storages for SQLite and Postgres; if yours is one of these with \
                     another name, name the database by `--storage`, or give the builder `storage`"
                .to_owned(),
        }),
        other => {
            // Without the feature, nothing here opens anything.
            let _ = (mode, context);
            Err(StorageError::Unsupported {
                what: format!("a store in {other}"),
                reason: "this build does not open it; for Postgres the feature `postgres` is needed".to_owned(),
            })
        }
    }
}
