//! The places of `dagster.yaml` that a class fills, and how a class is found that fills one.

use super::class_list::CLASSES;
use super::types::Type;

/// A place that a class fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// `storage.custom`: all three stores.
    Storage,
    /// `run_storage`.
    RunStorage,
    /// `event_log_storage`.
    EventLogStorage,
    /// `schedule_storage`.
    ScheduleStorage,
    /// `local_artifact_storage`.
    LocalArtifactStorage,
    /// `compute_logs`.
    ComputeLogs,
    /// `scheduler`.
    Scheduler,
    /// `run_coordinator`.
    RunCoordinator,
    /// `run_launcher`.
    RunLauncher,
    /// `secrets.custom`.
    Secrets,
    /// `defs_state_storage`.
    DefsStateStorage,
    /// `instance_class`.
    Instance,
}

impl Slot {
    /// Whether Dagster makes the class as soon as the instance is opened.
    pub(crate) const fn is_eager(self) -> bool {
        !matches!(self, Self::ComputeLogs | Self::RunCoordinator | Self::RunLauncher)
    }

    /// Whether the class says where runs, events or schedules are.
    pub(crate) const fn is_storage(self) -> bool {
        matches!(
            self,
            Self::Storage | Self::RunStorage | Self::EventLogStorage | Self::ScheduleStorage
        )
    }

    /// What fills the place, in words.
    pub(crate) const fn filled_by(self) -> &'static str {
        match self {
            Self::Storage => "a storage of runs, events and schedules",
            Self::RunStorage => "a storage of runs",
            Self::EventLogStorage => "a storage of events",
            Self::ScheduleStorage => "a storage of schedules",
            Self::LocalArtifactStorage => "a storage of local artifacts",
            Self::ComputeLogs => "a manager of compute logs",
            Self::Scheduler => "a scheduler",
            Self::RunCoordinator => "a run coordinator",
            Self::RunLauncher => "a run launcher",
            Self::Secrets => "a loader of secrets",
            Self::DefsStateStorage => "a storage of states of definitions",
            Self::Instance => "an instance",
        }
    }
}

/// A class of Dagster's.
#[derive(Debug)]
pub(crate) struct Class {
    /// Its name.
    pub(crate) name: &'static str,
    /// The modules from which it can be imported; the first is the usual one.
    pub(crate) modules: &'static [&'static str],
    /// The place that it fills.
    pub(crate) slot: Slot,
    /// What it is.
    pub(crate) kind: ClassKind,
    /// The type of its configuration.
    pub(crate) config: Type,
}

/// What a class is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClassKind {
    /// SQLite files; for events a file for each run.
    Sqlite,
    /// One SQLite file for all events.
    ConsolidatedSqlite,
    /// A Postgres database.
    Postgres,
    /// A MySQL database.
    MySql,
    /// The memory of the process.
    InMemory,
    /// A class for each store, by their names.
    Composite,
    /// One store of a class that has all three, by its name.
    OfAnother,
    /// Files of this machine.
    LocalFiles,
    /// A file with variables.
    EnvFile,
    /// A file with variables for each code location.
    EnvFileOfEachProject,
    /// Nothing is kept.
    Nothing,
    /// A bucket of S3.
    S3,
    /// A bucket of Google Cloud Storage.
    Gcs,
    /// A container of Azure's blob storage.
    AzureBlob,
    /// Dagster's daemon.
    Daemon,
    /// A queue of runs.
    Queue,
    /// Runs are launched at once.
    AtOnce,
    /// Runs are executed by the code server.
    CodeServer,
    /// Runs are executed in the process itself.
    InProcess,
    /// Runs are executed as Jobs of Kubernetes.
    Kubernetes,
    /// Runs are executed elsewhere, by workers that can be replaced.
    Resumable,
    /// Runs are executed elsewhere.
    Elsewhere,
}

/// What the names of a module and a class lead to.
pub(crate) enum Found {
    /// A class of Dagster's for the place.
    Class(&'static Class),
    /// A class of Dagster's for another place.
    Misplaced(&'static Class),
    /// A class that is known, but not in this module. Here is the usual one.
    OtherModule(&'static Class),
    /// A class of somebody else's whose name and place say what it is.
    Alike(&'static Class),
    /// A class of which nothing is known, and whether its module is of one of Dagster's packages.
    Unknown(bool),
}

/// Finds the class that a place names.
pub(crate) fn find_class(slot: Slot, module: &str, name: &str) -> Found {
    let module = private_name(module);
    let named = || CLASSES.iter().filter(|class| class.name == name);
    if let Some(class) = named().find(|class| class.modules.contains(&&*module)) {
        return if class.slot == slot { Found::Class(class) } else { Found::Misplaced(class) };
    }
    if is_dagsters(&module) {
        return named()
            .find(|class| class.slot == slot)
            .map_or(Found::Unknown(true), Found::OtherModule);
    }
    // `PooledPostgresRunStorage` is a `PostgresRunStorage`.
    let alike = |class: &&Class| {
        class.slot == slot
            && matches!(class.kind, ClassKind::Sqlite | ClassKind::Postgres)
            && name.ends_with(class.name)
    };
    CLASSES.iter().find(alike).map_or(Found::Unknown(false), Found::Alike)
}

/// The classes that fill a place.
pub(crate) fn classes_of(slot: Slot) -> impl Iterator<Item = &'static Class> {
    CLASSES.iter().filter(move |class| class.slot == slot)
}

/// The name that Dagster has for a module today. The modules of its core once had names without the underscore.
fn private_name(module: &str) -> String {
    match module.strip_prefix("dagster.") {
        Some(rest) if !rest.is_empty() && !rest.starts_with('_') => format!("dagster._{rest}"),
        _ => module.to_owned(),
    }
}

/// The modules that Dagster's own tests have their classes in.
const OF_TESTS: [&str; 2] = ["dagster._utils.test", "dagster._core.test_utils"];

/// Whether a module is of one of Dagster's packages.
fn is_dagsters(module: &str) -> bool {
    if OF_TESTS.contains(&module) {
        return false;
    }
    let package = module.split('.').next().unwrap_or_default();
    package == "dagster"
        || CLASSES.iter().flat_map(|class| class.modules).any(|known| {
            known.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::{Found, Slot, find_class};

    fn found(slot: Slot, module: &str, name: &str) -> String {
        match find_class(slot, module, name) {
            Found::Class(class) => class.name.to_owned(),
            Found::Misplaced(class) => format!("misplaced {}", class.name),
            Found::OtherModule(class) => format!("in {}", class.modules[0]),
            Found::Alike(class) => format!("like {}", class.name),
            Found::Unknown(_) => "unknown".to_owned(),
        }
    }

    #[test]
    fn classes_are_found_by_module_and_name() {
        for (slot, module, name, expected) in [
            (
                Slot::RunStorage,
                "dagster._core.storage.runs",
                "SqliteRunStorage",
                "SqliteRunStorage",
            ),
            (Slot::RunStorage, "dagster.core.storage.runs", "SqliteRunStorage", "SqliteRunStorage"),
            (
                Slot::RunStorage,
                "dagster_postgres.run_storage",
                "PostgresRunStorage",
                "PostgresRunStorage",
            ),
            (
                Slot::EventLogStorage,
                "dagster_postgres",
                "PostgresRunStorage",
                "misplaced PostgresRunStorage",
            ),
            (
                Slot::RunStorage,
                "dagster_postgres.runs",
                "PostgresRunStorage",
                "in dagster_postgres",
            ),
            (Slot::RunStorage, "pooled", "PooledPostgresRunStorage", "like PostgresRunStorage"),
            (Slot::ScheduleStorage, "pooled", "PooledPostgresRunStorage", "unknown"),
            (Slot::RunLauncher, "mine", "MyDefaultRunLauncher", "unknown"),
            (Slot::RunStorage, "dagster_postgres", "Postgres", "unknown"),
        ] {
            assert_eq!(found(slot, module, name), expected, "{module} {name}");
        }
    }
}
