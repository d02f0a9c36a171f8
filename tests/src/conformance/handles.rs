//! Handles: the storages that were opened, and what requests tell them beside the arguments of methods.
//!
//! The only file that knows how storages are opened.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use instance_core::clock::Clock;
use instance_core::settings::{StorageSettings, StoreSettings};
use instance_core::storage::{EventLogStorage, RunStorage, ScheduleStorage};
use instance_storage::{OpenMode, PostgresConfig, StorageContext, Storages, is_indexed_tag};

use super::envelope::Request;
use super::errors::WireError;

/// The directory below that of a single store where the other two would be, if anybody used them.
const UNUSED: &str = "unused";

/// Whatever holds a lock has no state that a panic could leave half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time that the last request came with.
#[derive(Debug)]
struct RequestClock(Mutex<DateTime<Utc>>);

impl Clock for RequestClock {
    fn now(&self) -> DateTime<Utc> {
        *lock(&self.0)
    }
}

/// The tags to index, where a test says which; `None` is Dagster's own choice.
#[derive(Debug, Default)]
struct IndexedTags(Mutex<Option<HashSet<String>>>);

impl IndexedTags {
    fn contains(&self, key: &str) -> bool {
        lock(&self.0).as_ref().map_or_else(|| is_indexed_tag(key), |keys| keys.contains(key))
    }
}

/// While it lives, the storages of a handle index other tags than usual.
#[derive(Debug)]
pub(super) struct OtherTags<'h>(&'h IndexedTags);

impl Drop for OtherTags<'_> {
    fn drop(&mut self) {
        *lock(&self.0.0) = None;
    }
}

/// The storages of one handle.
#[derive(Debug)]
pub(super) struct Handle {
    storages: Storages,
    is_persistent: bool,
    clock: Arc<RequestClock>,
    indexed_tags: Arc<IndexedTags>,
}

impl Handle {
    /// Opens what `impl` names. Where it names all stores of an instance, they are created as well.
    pub(super) async fn open(request: &Request) -> Result<Self, WireError> {
        let clock = Arc::new(RequestClock(Mutex::new(request.now)));
        let indexed_tags = Arc::new(IndexedTags::default());
        let asked_tags = Arc::clone(&indexed_tags);
        let context = StorageContext::new()
            .with_clock(clock.clone())
            .with_indexed_tags(Arc::new(move |key| asked_tags.contains(key)));
        let kind = request.argument("impl")?;
        let (storages, whole) = match kind.text()? {
            "memory" => (Storages::in_memory(context), true),
            "postgres" => {
                let url = request.argument("postgres_url")?;
                let config = PostgresConfig::from_url(url.text()?)?;
                (Storages::open_postgres(&config, context), true)
            }
            name => {
                let directory = PathBuf::from(request.argument("base_dir")?.text()?);
                let Some((settings, whole)) = sqlite_settings(name, &directory) else {
                    return Err(kind.expected("an implementation that is known here"));
                };
                (Storages::open(&settings, OpenMode::CreateIfMissing, context).await?, whole)
            }
        };
        if whole {
            storages.create().await?;
        }
        Ok(Self { storages, is_persistent: kind.text()? != "memory", clock, indexed_tags })
    }

    pub(super) fn run_storage(&self) -> Arc<dyn RunStorage> {
        self.storages.run_storage()
    }

    pub(super) fn event_log_storage(&self) -> Arc<dyn EventLogStorage> {
        self.storages.event_log_storage()
    }

    pub(super) fn schedule_storage(&self) -> Arc<dyn ScheduleStorage> {
        self.storages.schedule_storage()
    }

    /// Whether the stores outlive the handle.
    pub(super) const fn is_persistent(&self) -> bool {
        self.is_persistent
    }

    /// The time is what this request says. Requests of several threads may come at once; as all of them
    /// tell the same clock, it does not matter whose time a storage sees.
    pub(super) fn set_time(&self, request: &Request) {
        *lock(&self.clock.0) = request.now;
    }

    /// Tags to index until the result is dropped, if a request says which.
    pub(super) fn other_tags(&self, request: &Request) -> Result<Option<OtherTags<'_>>, WireError> {
        let Some(keys) = request.side_argument("__index_tags__") else { return Ok(None) };
        *lock(&self.indexed_tags.0) = Some(keys.strings()?);
        Ok(Some(OtherTags(&self.indexed_tags)))
    }

    pub(super) async fn dispose(&self) {
        self.storages.dispose().await;
    }
}

/// Where the stores are, and whether all of them are meant.
fn sqlite_settings(name: &str, directory: &Path) -> Option<(StorageSettings, bool)> {
    let here = StoreSettings::Sqlite(directory.to_owned());
    let all = StorageSettings::sqlite_below(directory);
    let others = StorageSettings::sqlite_below(&directory.join(UNUSED));
    Some(match name {
        // The second is Python's class for tests of pools, which are no speciality here.
        "sqlite" | "sqlite_concurrency" => (all, true),
        "consolidated" => {
            let event_log_storage = StoreSettings::ConsolidatedSqlite(directory.to_owned());
            (all.with_event_log_storage(event_log_storage), true)
        }
        "sqlite_run" => (others.with_run_storage(here), false),
        "sqlite_event_log" => (others.with_event_log_storage(here), false),
        "sqlite_schedule" => (others.with_schedule_storage(here), false),
        _ => return None,
    })
}

/// All handles by their numbers, which count up from one.
///
/// A handle stays after it was closed, as Dagster's storages do: what still uses it is told by the
/// storage.
#[derive(Debug, Default)]
pub(super) struct Handles(Mutex<BTreeMap<i64, Arc<Handle>>>);

impl Handles {
    pub(super) fn add(&self, handle: Handle) -> i64 {
        let mut handles = lock(&self.0);
        let number = handles.last_key_value().map_or(1, |(last, _)| last + 1);
        handles.insert(number, Arc::new(handle));
        number
    }

    pub(super) fn get(&self, number: Option<i64>) -> Result<Arc<Handle>, WireError> {
        let handle = number.and_then(|number| lock(&self.0).get(&number).cloned());
        handle.ok_or_else(|| WireError::unknown_handle(number))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use instance_core::settings::StoreSettings;

    use super::sqlite_settings;

    #[test]
    fn stores_lie_where_dagster_has_them() {
        let settings = |name| sqlite_settings(name, Path::new("/d"));
        let (all, whole) = settings("sqlite").unwrap();
        assert_eq!((all.run_storage, whole), (StoreSettings::Sqlite("/d/history".into()), true));
        let (all, _) = settings("consolidated").unwrap();
        assert_eq!(all.event_log_storage, StoreSettings::ConsolidatedSqlite("/d".into()));
        let (one, whole) = settings("sqlite_schedule").unwrap();
        assert_eq!((one.schedule_storage, whole), (StoreSettings::Sqlite("/d".into()), false));
        assert!(
            matches!(one.run_storage, StoreSettings::Sqlite(path) if path.starts_with("/d/unused"))
        );
        assert!(settings("other").is_none());
    }
}
