//! The configuration of an instance, as far as other domains need it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::scheduling::TickRetentionSettings;

/// The class that starts the runs of schedules unless `dagster.yaml` names another: Dagster's daemon.
pub const DEFAULT_SCHEDULER_CLASS: &str = "DagsterDaemonScheduler";

/// The configuration of an instance, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceSettings {
    /// The instance's directory, which Dagster calls `DAGSTER_HOME`.
    pub home: PathBuf,
    /// Where the three stores are.
    pub storage: StorageSettings,
    /// The directory of captured logs.
    pub compute_logs_dir: PathBuf,
    /// The directory where Dagster's IO manager stores values.
    pub artifacts_dir: PathBuf,
    /// Whether and when failed runs are retried.
    pub run_retries: RunRetries,
    /// Which events wait for others before they are stored.
    pub event_batching: EventBatching,
    /// Whether the freshness of assets is evaluated, unless `DAGSTER_ASSET_FRESHNESS_ENABLED` is `false`.
    pub asset_freshness_enabled: bool,
    /// How long ticks are kept.
    pub tick_retention: TickRetentionSettings,
    /// The class of Dagster's that starts the runs of schedules.
    pub scheduler_class: String,
    /// Keys of `dagster.yaml` that this version does not act upon.
    pub ignored_keys: Vec<String>,
}

impl InstanceSettings {
    /// All defaults, for an instance in this directory. An empty path is the working directory of the process.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        Self {
            storage: StorageSettings::sqlite_below(&home),
            compute_logs_dir: home.join("storage"),
            artifacts_dir: home.join("storage"),
            run_retries: RunRetries::default(),
            event_batching: EventBatching::default(),
            asset_freshness_enabled: true,
            tick_retention: TickRetentionSettings::default(),
            scheduler_class: DEFAULT_SCHEDULER_CLASS.to_owned(),
            ignored_keys: Vec::new(),
            home,
        }
    }

    /// The directory that has the directories of values and of schedules in it. It is the instance's own, unless
    /// `local_artifact_storage` of `dagster.yaml` names another.
    pub fn base_dir(&self) -> &Path {
        self.artifacts_dir.parent().unwrap_or(&self.home)
    }

    /// The directory of what schedules leave, such as their logs. It need not exist.
    pub fn schedules_dir(&self) -> PathBuf {
        self.base_dir().join("schedules")
    }
}

crate::setters! {
    impl InstanceSettings {
        /// Where the three stores are.
        with_storage(storage: StorageSettings);
        /// The directory of captured logs.
        with_compute_logs_dir(compute_logs_dir: impl Into<PathBuf>);
        /// The directory where Dagster's IO manager stores values.
        with_artifacts_dir(artifacts_dir: impl Into<PathBuf>);
        /// Whether and when failed runs are retried.
        with_run_retries(run_retries: RunRetries);
        /// Which events wait for others before they are stored.
        with_event_batching(event_batching: EventBatching);
        /// Whether the freshness of assets is evaluated.
        with_asset_freshness_enabled(asset_freshness_enabled: bool);
        /// How long ticks are kept.
        with_tick_retention(tick_retention: TickRetentionSettings);
        /// The class of Dagster's that starts the runs of schedules.
        with_scheduler_class(scheduler_class: impl Into<String>);
        /// Keys of `dagster.yaml` that this version does not act upon.
        with_ignored_keys(ignored_keys: Vec<String>);
    }
}

/// Whether and when failed runs are retried, as Dagster's daemon does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunRetries {
    /// Whether failed runs are retried at all.
    pub enabled: bool,
    /// How often a run is retried at most, unless a tag of the run says it.
    pub max_retries: i64,
    /// Whether a run is retried in which a step failed, unless a tag of the run says it.
    pub retry_on_asset_or_op_failure: bool,
}

impl Default for RunRetries {
    fn default() -> Self {
        Self { enabled: false, max_retries: 0, retry_on_asset_or_op_failure: true }
    }
}

impl RunRetries {
    /// What Dagster does where nothing is configured: no run is retried.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl RunRetries {
        /// Whether failed runs are retried at all.
        with_enabled(enabled: bool);
        /// How often a run is retried at most, unless a tag of the run says it.
        with_max_retries(max_retries: i64);
        /// Whether a run is retried in which a step failed, unless a tag of the run says it.
        with_retry_on_asset_or_op_failure(retry_on_asset_or_op_failure: bool);
    }
}

/// Which events wait for others before they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventBatching {
    /// Which events wait.
    pub of: BatchedEvents,
    /// How many events a batch has at most. It is stored when it has as many.
    pub size: usize,
    /// How long an event waits at most.
    pub max_delay: Duration,
}

/// Which events wait for others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BatchedEvents {
    /// None: each is stored before the call that reports it returns.
    #[default]
    None,
    /// Events that are reported as part of a batch, as Dagster does it.
    OfBatches,
    /// Every event, with the others of its run. An event that changes the status of its run is stored at once,
    /// together with those that waited.
    Every,
}

impl Default for EventBatching {
    fn default() -> Self {
        Self { of: BatchedEvents::None, size: 1_000, max_delay: Duration::from_millis(100) }
    }
}

crate::setters! {
    impl EventBatching {
        /// Which events wait.
        with_of(of: BatchedEvents);
        /// How many events a batch has at most. It is stored when it has as many.
        with_size(size: usize);
        /// How long an event waits at most.
        with_max_delay(max_delay: Duration);
    }
}

impl EventBatching {
    /// What Dagster does where nothing is configured: no event waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// What Dagster does when `DAGSTER_EVENT_BATCH_SIZE` is this.
    pub fn of_size(size: usize) -> Self {
        let of = if size == 0 { BatchedEvents::None } else { BatchedEvents::OfBatches };
        Self { of, size, ..Self::default() }
    }
}

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
}

/// How to reach a Postgres database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresSettings {
    /// The URL, which may hold a password.
    pub url: Secret,
    /// Whether missing tables are created.
    pub should_autocreate_tables: bool,
}

impl PostgresSettings {
    /// The database of this URL, in which missing tables are created.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Secret::new(url), should_autocreate_tables: true }
    }
}

crate::setters! {
    impl PostgresSettings {
        /// Whether missing tables are created.
        with_should_autocreate_tables(should_autocreate_tables: bool);
    }
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
    use super::{PostgresSettings, StoreSettings};

    #[test]
    fn passwords_are_not_printed() {
        for (url, shown) in [
            ("postgresql://u:secret@h:5432/d", "u@h:5432/d"),
            ("postgresql://u:secr@et@h/d?sslpassword=secret", "u@h/d"),
            ("postgresql://h/d", "h/d"),
            ("secret", ""),
        ] {
            let store = StoreSettings::Postgres(PostgresSettings::new(url));
            assert_eq!(store.to_string(), format!("Postgres at {shown}"));
            assert!(!format!("{store:?}").contains("secret"));
        }
    }
}
