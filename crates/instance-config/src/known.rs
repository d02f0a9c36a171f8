//! The classes of Dagster whose work is known here, and the modules from which Python imports each.
//!
//! The same class is the same thing from whichever module it comes. A class of that name from a module of somebody
//! else's is another one.

/// A class whose work is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    DagsterSqliteStorage,
    DagsterPostgresStorage,
    CompositeStorage,
    LegacyRunStorage,
    LegacyEventLogStorage,
    LegacyScheduleStorage,
    SqliteRunStorage,
    SqliteEventLogStorage,
    ConsolidatedSqliteEventLogStorage,
    SqliteScheduleStorage,
    PostgresRunStorage,
    PostgresEventLogStorage,
    PostgresScheduleStorage,
    LocalArtifactStorage,
    LocalComputeLogManager,
    NoOpComputeLogManager,
    DagsterDaemonScheduler,
    QueuedRunCoordinator,
    DefaultRunCoordinator,
    SyncInMemoryRunCoordinator,
    DefaultRunLauncher,
    SyncInMemoryRunLauncher,
    EnvFileLoader,
    PerProjectEnvFileLoader,
    UPathDefsStateStorage,
}

/// Each class with the beginning that its modules have in common, and their rests.
type Row = (Known, &'static str, &'static str, &'static [&'static str]);

const CLASSES: [Row; 25] = [
    (
        Known::DagsterSqliteStorage,
        "DagsterSqliteStorage",
        "dagster._core.storage",
        &[".sqlite_storage"],
    ),
    (
        Known::DagsterPostgresStorage,
        "DagsterPostgresStorage",
        "dagster_postgres",
        &["", ".storage"],
    ),
    (Known::CompositeStorage, "CompositeStorage", "dagster._core.storage", &[".legacy_storage"]),
    (Known::LegacyRunStorage, "LegacyRunStorage", "dagster._core.storage", &[".legacy_storage"]),
    (
        Known::LegacyEventLogStorage,
        "LegacyEventLogStorage",
        "dagster._core.storage",
        &[".legacy_storage"],
    ),
    (
        Known::LegacyScheduleStorage,
        "LegacyScheduleStorage",
        "dagster._core.storage",
        &[".legacy_storage"],
    ),
    (
        Known::SqliteRunStorage,
        "SqliteRunStorage",
        "dagster._core.storage",
        &[
            ".runs",
            ".runs.sqlite",
            ".runs.sqlite.sqlite_run_storage",
            ".sqlite_storage",
            ".migration.bigint_migration",
        ],
    ),
    (
        Known::SqliteEventLogStorage,
        "SqliteEventLogStorage",
        "dagster._core.storage",
        &[
            ".event_log",
            ".event_log.sqlite",
            ".event_log.sqlite.sqlite_event_log",
            ".sqlite_storage",
            ".migration.bigint_migration",
        ],
    ),
    (
        Known::ConsolidatedSqliteEventLogStorage,
        "ConsolidatedSqliteEventLogStorage",
        "dagster._core.storage.event_log",
        &["", ".sqlite", ".sqlite.consolidated_sqlite_event_log"],
    ),
    (
        Known::SqliteScheduleStorage,
        "SqliteScheduleStorage",
        "dagster._core.storage",
        &[
            ".schedules",
            ".schedules.sqlite",
            ".schedules.sqlite.sqlite_schedule_storage",
            ".sqlite_storage",
            ".migration.bigint_migration",
        ],
    ),
    (
        Known::PostgresRunStorage,
        "PostgresRunStorage",
        "dagster_postgres",
        &["", ".run_storage", ".run_storage.run_storage", ".storage"],
    ),
    (
        Known::PostgresEventLogStorage,
        "PostgresEventLogStorage",
        "dagster_postgres",
        &["", ".event_log", ".event_log.event_log", ".storage"],
    ),
    (
        Known::PostgresScheduleStorage,
        "PostgresScheduleStorage",
        "dagster_postgres",
        &["", ".schedule_storage", ".schedule_storage.schedule_storage", ".storage"],
    ),
    (Known::LocalArtifactStorage, "LocalArtifactStorage", "dagster._core.storage", &[".root"]),
    (
        Known::LocalComputeLogManager,
        "LocalComputeLogManager",
        "dagster._core.storage",
        &[".local_compute_log_manager", ".cloud_storage_compute_log_manager"],
    ),
    (
        Known::NoOpComputeLogManager,
        "NoOpComputeLogManager",
        "dagster._core.storage",
        &[".noop_compute_log_manager"],
    ),
    (
        Known::DagsterDaemonScheduler,
        "DagsterDaemonScheduler",
        "dagster.",
        &["_core.scheduler", "_core.scheduler.scheduler", "_daemon.daemon", "_cli.schedule"],
    ),
    (
        Known::QueuedRunCoordinator,
        "QueuedRunCoordinator",
        "dagster",
        &[
            "",
            "._core.run_coordinator",
            "._core.run_coordinator.queued_run_coordinator",
            "._daemon.run_coordinator.queued_run_coordinator_daemon",
        ],
    ),
    (
        Known::DefaultRunCoordinator,
        "DefaultRunCoordinator",
        "dagster._core.run_coordinator",
        &["", ".default_run_coordinator"],
    ),
    (
        Known::SyncInMemoryRunCoordinator,
        "SyncInMemoryRunCoordinator",
        "dagster._core.run_coordinator",
        &[".default_run_coordinator", ".sync_in_memory_run_coordinator"],
    ),
    (
        Known::DefaultRunLauncher,
        "DefaultRunLauncher",
        "dagster",
        &["", "._core.launcher", "._core.launcher.default_run_launcher"],
    ),
    (
        Known::SyncInMemoryRunLauncher,
        "SyncInMemoryRunLauncher",
        "dagster._core.launcher",
        &[".sync_in_memory_run_launcher"],
    ),
    (Known::EnvFileLoader, "EnvFileLoader", "dagster._core.secrets", &[".env_file"]),
    (
        Known::PerProjectEnvFileLoader,
        "PerProjectEnvFileLoader",
        "dagster._core.secrets",
        &[".env_file"],
    ),
    (
        Known::UPathDefsStateStorage,
        "UPathDefsStateStorage",
        "dagster",
        &["", "._core.storage.defs_state", "._core.storage.defs_state.blob_storage_state_storage"],
    ),
];

/// The class of this name in this module, if its work is known here. The name of the module is that of today.
pub(crate) fn known(module: &str, class: &str) -> Option<Known> {
    let mut named = CLASSES.iter().filter(|(_, name, ..)| *name == class);
    let found = named.find(|(_, _, beginning, rests)| {
        module.strip_prefix(beginning).is_some_and(|rest| rests.contains(&rest))
    });
    found.map(|(known, ..)| *known)
}

#[cfg(test)]
mod tests {
    use super::{Known, known};

    #[test]
    fn a_class_is_known_by_each_of_its_modules_and_by_no_other() {
        for (module, class, expected) in [
            ("dagster", "QueuedRunCoordinator", Some(Known::QueuedRunCoordinator)),
            ("dagster._core.storage.runs", "SqliteRunStorage", Some(Known::SqliteRunStorage)),
            ("dagster_postgres", "PostgresRunStorage", Some(Known::PostgresRunStorage)),
            ("dagster_postgres.mine", "PostgresRunStorage", None),
            ("mine", "PostgresRunStorage", None),
            ("dagster_postgres", "PooledPostgresRunStorage", None),
            ("dagster_k8s", "K8sRunLauncher", None),
        ] {
            assert_eq!(known(module, class), expected, "{module}.{class}");
        }
    }
}
