//! What an instance is configured to be, as far as other domains need to know.

use std::path::{Path, PathBuf};

/// The configuration of an instance, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSettings {
    /// The instance's directory, which Dagster calls `DAGSTER_HOME`.
    pub home: PathBuf,
    /// Where the three stores are.
    pub storage: StorageSettings,
    /// The directory of captured logs.
    pub compute_logs_dir: PathBuf,
    /// The directory where Dagster's IO manager stores values.
    pub artifacts_dir: PathBuf,
    /// Keys of `dagster.yaml` that this version does not act upon.
    pub ignored_keys: Vec<String>,
}

/// Where the three stores are.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A Postgres database, which stores with the same settings share.
    Postgres(PostgresSettings),
}

/// How to reach a Postgres database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresSettings {
    /// The URL, which may hold a password.
    pub url: Secret,
    /// Whether missing tables are created.
    pub should_autocreate_tables: bool,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A text that is never printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever has to use it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
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
        let store = StoreSettings::Postgres(settings);
        Self {
            run_storage: store.clone(),
            event_log_storage: store.clone(),
            schedule_storage: store,
        }
    }
}

impl std::fmt::Display for StoreSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(directory) => write!(f, "SQLite in {}", directory.display()),
            Self::ConsolidatedSqlite(directory) => {
                write!(f, "SQLite in one file of {}", directory.display())
            }
            Self::Postgres(settings) => write!(f, "Postgres at {settings}"),
        }
    }
}

/// The URL without what may be secret: password and parameters.
impl std::fmt::Display for PostgresSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.expose();
        let (_, rest) = url.split_once("://").unwrap_or_default();
        let rest = rest.split('?').next().unwrap_or_default();
        // A password may hold an unescaped `@`; the host does not.
        match rest.rsplit_once('@') {
            Some((user, place)) => {
                write!(f, "{}@{place}", user.split(':').next().unwrap_or_default())
            }
            None => f.write_str(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PostgresSettings, Secret, StoreSettings};

    #[test]
    fn passwords_are_not_printed() {
        for (url, shown) in [
            ("postgresql://u:secret@h:5432/d", "u@h:5432/d"),
            ("postgresql://u:secr@et@h/d?sslpassword=secret", "u@h/d"),
            ("postgresql://h/d", "h/d"),
            ("secret", ""),
        ] {
            let settings =
                PostgresSettings { url: Secret::new(url), should_autocreate_tables: true };
            let store = StoreSettings::Postgres(settings);
            assert_eq!(store.to_string(), format!("Postgres at {shown}"));
            assert!(!format!("{store:?}").contains("secret"));
        }
    }
}
