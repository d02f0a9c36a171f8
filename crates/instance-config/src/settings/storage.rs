//! The sections `storage`, `run_storage`, `event_log_storage` and `schedule_storage`.

use std::path::PathBuf;

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{InstanceSettings, StorageSettings, StoreSettings};

use super::postgres::postgres;
use crate::environment::Environment;
use crate::fields::Fields;
use crate::parts::{Part, Parts, StorageParts};
use crate::schema::{ClassKind, Slot};

/// Where the three stores are.
pub(super) fn storage(
    parts: &Parts<'_>,
    defaults: &InstanceSettings,
    environment: &dyn Environment,
) -> Result<StorageSettings, ConfigProblems> {
    // A class of the instance itself may keep its stores anywhere. Dagster's own default would be an empty database.
    let defaults = match &parts.instance_class {
        Some(instance) => StorageSettings::all(StoreSettings::Other(instance.class.clone())),
        None => defaults.storage.clone(),
    };
    match &parts.storage {
        StorageParts::Default => Ok(defaults),
        StorageParts::All(part) => all(part, environment),
        StorageParts::Separate([runs, events, schedules]) => {
            let of = |part: &Option<Part<'_>>, kind: Kind| match part {
                Some(part) => store(part, kind, environment),
                None => Ok(kind.of(&defaults)),
            };
            Ok(StorageSettings::all(StoreSettings::Memory)
                .with_run_storage(of(runs, Kind::Runs)?)
                .with_event_log_storage(of(events, Kind::Events)?)
                .with_schedule_storage(of(schedules, Kind::Schedules)?))
        }
    }
}

/// One of the three stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Runs,
    Events,
    Schedules,
}

impl Kind {
    fn of(self, storage: &StorageSettings) -> StoreSettings {
        match self {
            Self::Runs => storage.run_storage.clone(),
            Self::Events => storage.event_log_storage.clone(),
            Self::Schedules => storage.schedule_storage.clone(),
        }
    }

    const fn slot(self) -> Slot {
        match self {
            Self::Runs => Slot::RunStorage,
            Self::Events => Slot::EventLogStorage,
            Self::Schedules => Slot::ScheduleStorage,
        }
    }
}

/// All three stores by one class.
fn all(part: &Part<'_>, environment: &dyn Environment) -> Result<StorageSettings, ConfigProblems> {
    match part.kind(Slot::Storage)? {
        Some(ClassKind::Sqlite) => {
            Ok(StorageSettings::sqlite_below(&directory(&part.fields(environment))?))
        }
        Some(ClassKind::Postgres) => {
            postgres(&part.fields(environment)).map(StorageSettings::postgres)
        }
        Some(ClassKind::Composite) => {
            part.fields(environment).only(&[
                "run_storage",
                "event_log_storage",
                "schedule_storage",
            ])?;
            let of = |key, kind| store(&part.inner_at(key, environment)?, kind, environment);
            Ok(StorageSettings::all(StoreSettings::Memory)
                .with_run_storage(of("run_storage", Kind::Runs)?)
                .with_event_log_storage(of("event_log_storage", Kind::Events)?)
                .with_schedule_storage(of("schedule_storage", Kind::Schedules)?))
        }
        _ => Ok(StorageSettings::all(StoreSettings::Other(part.class.clone()))),
    }
}

/// One store by its own class.
fn store(
    part: &Part<'_>,
    kind: Kind,
    environment: &dyn Environment,
) -> Result<StoreSettings, ConfigProblems> {
    let fields = part.fields(environment);
    match part.kind(kind.slot())? {
        Some(ClassKind::Sqlite) => Ok(StoreSettings::Sqlite(directory(&fields)?)),
        Some(ClassKind::ConsolidatedSqlite) => {
            Ok(StoreSettings::ConsolidatedSqlite(directory(&fields)?))
        }
        Some(ClassKind::Postgres) => postgres(&fields).map(StoreSettings::Postgres),
        // These stand for one store of a class of all three.
        Some(ClassKind::OfAnother) => Ok(kind.of(&all(&part.inner(environment)?, environment)?)),
        _ => Ok(StoreSettings::Other(part.class.clone())),
    }
}

/// The directory of SQLite's files. A relative one is taken from the working directory, and `~` and `$NAME` are names as
/// others are, as in Dagster.
fn directory(fields: &Fields<'_>) -> Result<PathBuf, ConfigProblems> {
    fields.only(&["base_dir"])?;
    let directory = fields.required_text("base_dir")?;
    if directory.is_empty() {
        return Err(fields.problem("base_dir", "it is empty; name a directory"));
    }
    Ok(directory.into())
}
