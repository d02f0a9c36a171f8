//! The sections `storage`, `run_storage`, `event_log_storage` and `schedule_storage`: where the three stores are.

use std::path::{Path, PathBuf};

use super::{ClassSettings, PostgresSettings};

/// Where the three stores are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageSettings {
    /// The store of runs.
    pub run_storage: StoreSettings,
    /// The store of events.
    pub event_log_storage: StoreSettings,
    /// The store of schedules and sensors.
    pub schedule_storage: StoreSettings,
}

/// Where one store is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreSettings {
    /// SQLite in files of this directory; a store of events has a file for each run.
    Sqlite(PathBuf),
    /// SQLite in one file of this directory, for a store of events.
    ConsolidatedSqlite(PathBuf),
    /// A Postgres database. Stores with the same settings share it.
    Postgres(PostgresSettings),
    /// The memory of this process.
    Memory,
    /// A store of the caller's own, which no file configures.
    Custom,
    /// Where a class says that this version does not have, such as `MySQLRunStorage`. It cannot be opened.
    Other(ClassSettings),
}

impl StorageSettings {
    /// Dagster's default: SQLite in several files below a directory.
    pub fn sqlite_below(base_dir: &Path) -> Self {
        let history = base_dir.join("history");
        Self {
            event_log_storage: StoreSettings::Sqlite(history.join("runs")),
            run_storage: StoreSettings::Sqlite(history),
            schedule_storage: StoreSettings::Sqlite(base_dir.join("schedules")),
        }
    }

    /// All three stores in one Postgres database.
    pub fn postgres(settings: PostgresSettings) -> Self {
        Self::all(StoreSettings::Postgres(settings))
    }

    /// All three stores in one place.
    pub fn all(store: StoreSettings) -> Self {
        Self {
            run_storage: store.clone(),
            event_log_storage: store.clone(),
            schedule_storage: store,
        }
    }

    /// The three stores with the names that their sections have.
    pub const fn each(&self) -> [(&'static str, &StoreSettings); 3] {
        [
            ("run_storage", &self.run_storage),
            ("event_log_storage", &self.event_log_storage),
            ("schedule_storage", &self.schedule_storage),
        ]
    }
}

crate::setters! {
    impl StorageSettings {
        /// The store of runs.
        with_run_storage(run_storage: StoreSettings);
        /// The store of events.
        with_event_log_storage(event_log_storage: StoreSettings);
        /// The store of schedules and sensors.
        with_schedule_storage(schedule_storage: StoreSettings);
    }
}

/// Where it is, for people, without passwords.
impl std::fmt::Display for StoreSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(directory) => write!(f, "SQLite in {}", directory.display()),
            Self::ConsolidatedSqlite(directory) => {
                write!(f, "SQLite in one file of {}", directory.display())
            }
            Self::Postgres(settings) => write!(f, "Postgres at {settings}"),
            Self::Memory => f.write_str("the memory of this process"),
            Self::Custom => f.write_str("a store of the program's own"),
            Self::Other(class) => write!(f, "{class}, which this version does not have"),
        }
    }
}
