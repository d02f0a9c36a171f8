//! Stores that keep everything in memory: for instances that are thrown away, for examples, and for tests.
//!
//! [`MemoryStores`] are all stores of one instance. They pass the conformance suite, as every other store does. What
//! they keep is gone with the last of their handles. One lock guards all of it, so each method of each store is atomic,
//! those of [`RunEventStore`] too. No method waits for anything, and none starts a task.
//!
//! Dagster's databases differ from each other in a few things. In these, the stores behave like one database that
//! holds all runs: ids of events are unique across runs, and events of a wiped asset stay in the logs of their runs. As
//! in SQLite, an asset does not exist by its freshness alone.
//!
//! ```
//! use chrono::DateTime;
//! use instance_core::RunId;
//! use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel};
//! use instance_core::memory::MemoryStores;
//! use instance_core::run::{DagsterRun, DagsterRunStatus, RunsFilter};
//! use instance_core::storage::{NewRun, Only, RecordsForRun, RunsPage};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), instance_core::StorageError> {
//! let stores = MemoryStores::default();
//!
//! let run_id = RunId::from("3f2c1d0a-0000-4000-8000-000000000001");
//! let run = DagsterRun::new(run_id.clone(), "nightly");
//! stores.run_event_store().add_run_with_events(NewRun::new(run, DateTime::UNIX_EPOCH)).await?;
//!
//! // An event is stored, and the run changes as it demands, both or none.
//! let event = DagsterEvent::new(DagsterEventType::RunStart, "nightly").with_message("It begins.");
//! let entry = EventLogEntry::of_event(event, run_id.clone(), LogLevel::INFO, 1.5);
//! stores.run_event_store().store_run_events(&[entry]).await?;
//!
//! let filter = RunsFilter::new().with_run_ids(Only::one(run_id.clone()));
//! let records = stores.run_storage().get_run_records(&filter, &RunsPage::default()).await?;
//! assert_eq!(records[0].dagster_run.status, DagsterRunStatus::Started);
//! assert_eq!(records[0].start_time, Some(1.5));
//!
//! let log = stores.event_log_storage().get_records_for_run(&RecordsForRun::new(run_id)).await?;
//! assert_eq!(log.records[0].event_log_entry.message(), "It begins.");
//! # Ok(())
//! # }
//! ```

mod compute_logs;
mod event_log;
mod instance;
mod run_events;
mod runs;
mod schedules;

pub use compute_logs::MemoryComputeLogManager;
pub use event_log::MemoryEventLogStorage;
pub use instance::MemoryInstance;
pub use run_events::MemoryRunEventStore;
pub use runs::MemoryRunStorage;
pub use schedules::MemoryScheduleStorage;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SubsecRound, Utc};

use crate::clock::{Clock, IdSource, RandomIds, SystemClock};
use crate::storage::{
    ComputeLogManager, EventLogStorage, RunEventStore, RunStorage, ScheduleStorage, Stores,
};
use event_log::{AssetChecks, Assets, DynamicPartitions, Events, Pools, Watchers};
use runs::{Backfills, Daemons, Runs, Snapshots};
use schedules::{Evaluations, Instigators, Ticks};

/// The stores of one instance, in memory. Clones are handles to the same stores.
#[derive(Debug, Clone)]
pub struct MemoryStores {
    shared: Arc<Shared>,
    compute_logs: MemoryComputeLogManager,
}

impl MemoryStores {
    /// Empty stores. The clock gives the times that no caller gives, such as when a step began to wait. The next id
    /// of `ids` becomes the id of the store of runs.
    pub fn new(clock: Arc<dyn Clock>, ids: &dyn IdSource) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                watchers: Watchers::default(),
                run_storage_id: ids.uuid().to_string(),
                clock,
            }),
            compute_logs: MemoryComputeLogManager::default(),
        }
    }

    /// All stores, as an instance is built on them.
    pub fn stores(&self) -> Stores {
        let clock = Arc::clone(&self.shared.clock);
        Stores::new(self.run_storage(), self.event_log_storage(), self.schedule_storage(), clock)
            .with_run_event_store(self.run_event_store())
    }

    /// The store of runs.
    pub fn run_storage(&self) -> Arc<dyn RunStorage> {
        Arc::new(MemoryRunStorage::new(Arc::clone(&self.shared)))
    }

    /// The store of events.
    pub fn event_log_storage(&self) -> Arc<dyn EventLogStorage> {
        Arc::new(MemoryEventLogStorage::new(Arc::clone(&self.shared)))
    }

    /// The store of schedules and sensors.
    pub fn schedule_storage(&self) -> Arc<dyn ScheduleStorage> {
        Arc::new(MemoryScheduleStorage::new(Arc::clone(&self.shared)))
    }

    /// What concerns runs and their events at once.
    pub fn run_event_store(&self) -> Arc<dyn RunEventStore> {
        Arc::new(MemoryRunEventStore::new(Arc::clone(&self.shared)))
    }

    /// The store of what processes print.
    pub fn compute_log_manager(&self) -> Arc<dyn ComputeLogManager> {
        Arc::new(self.compute_logs.clone())
    }
}

impl Default for MemoryStores {
    /// Empty stores with the time of the operating system and random ids.
    fn default() -> Self {
        Self::new(Arc::new(SystemClock), &RandomIds)
    }
}

/// What the stores of an instance share.
#[derive(Debug)]
struct Shared {
    /// Whoever changes it has checked before that nothing can fail.
    state: Mutex<State>,
    watchers: Watchers,
    clock: Arc<dyn Clock>,
    run_storage_id: String,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> DateTime<Utc> {
        in_micros(self.clock.now())
    }
}

/// All that is stored, but for what processes print.
#[derive(Debug, Default)]
struct State {
    runs: Runs,
    snapshots: Snapshots,
    backfills: Backfills,
    daemons: Daemons,
    events: Events,
    assets: Assets,
    asset_checks: AssetChecks,
    dynamic_partitions: DynamicPartitions,
    pools: Pools,
    instigators: Instigators,
    ticks: Ticks,
    evaluations: Evaluations,
    migrations: Migrations,
}

/// The data migrations that each store was marked with, beside those that it never needed.
#[derive(Debug, Default)]
struct Migrations {
    runs: BTreeSet<String>,
    events: BTreeSet<String>,
    schedules: BTreeSet<String>,
}

/// Implements [`SchemaStore`](crate::storage::SchemaStore) for a store.
macro_rules! schema_store {
    ($store:ty, $name:ident, $migrations:expr) => {
        #[async_trait::async_trait]
        impl $crate::storage::SchemaStore for $store {
            async fn create(&self) -> Result<(), $crate::error::StorageError> {
                Ok(())
            }

            async fn close(&self) {}

            async fn schema_revision(&self) -> Result<String, $crate::error::StorageError> {
                Ok("memory".to_owned())
            }

            fn data_migrations(&self) -> &'static [&'static str] {
                $migrations
            }

            async fn has_built_index(
                &self,
                migration_name: &str,
            ) -> Result<bool, $crate::error::StorageError> {
                Ok($migrations.contains(&migration_name)
                    || self.shared.lock().migrations.$name.contains(migration_name))
            }

            async fn mark_index_built(
                &self,
                migration_name: &str,
                _: chrono::DateTime<chrono::Utc>,
            ) -> Result<(), $crate::error::StorageError> {
                self.shared.lock().migrations.$name.insert(migration_name.to_owned());
                Ok(())
            }
        }
    };
}
use schema_store;

/// The time as columns of databases keep it: whole microseconds.
fn in_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}

/// Whether a time is behind one boundary and before another; `None` is no boundary.
fn is_between(
    time: DateTime<Utc>,
    after: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
) -> bool {
    after.is_none_or(|after| time > in_micros(after))
        && before.is_none_or(|before| time < in_micros(before))
}

/// How many at most; `None` means all.
fn at_most(limit: impl Into<Option<u64>>) -> usize {
    limit.into().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// The ids that rows are given: each is greater than all before it, also after rows were deleted.
#[derive(Debug, Default)]
struct RowIds {
    last: i64,
}

impl RowIds {
    fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }
}
