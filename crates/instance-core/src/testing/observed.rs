//! Stores that note what they write, and that refuse what a test tells them to refuse.
//!
//! They do everything else as the stores beneath them. `TestInstance` stands on them, so that a test of a domain
//! needs no stores of its own to see what was written, in which order, and what becomes of an error.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::error::StorageError;
use crate::event::{DagsterEvent, EventLogConnection, EventLogEntry};
use crate::ids::{RunId, SnapshotId};
use crate::run::DagsterRun;
use crate::snap::SnapshotBody;
use crate::storage::{
    AssetCheckStore, AssetPartitionStore, AssetStore, BackfillStore, CheckedDatabase,
    ConcurrencyKeyInfo, DaemonStore, DatabaseSchema, DynamicPartitionStore, EventLogStorage,
    EventSignal, EventStore, EventWatch, GuardedChange, GuardedOutcome, PoolStore, RecordsForRun,
    RunQueueStore, RunStorage, RunStore, SchemaLock, SchemaProgress, SchemaStore, SchemaUpgrade,
    SchemaUpgraded, SettledEventStore, SnapshotStore, StoredEvents, Stores,
};
use crate::testing::doubles::{
    AssetCheckStoreDouble, AssetPartitionStoreDouble, AssetStoreDouble, BackfillStoreDouble,
    DaemonStoreDouble, DynamicPartitionStoreDouble, EventStoreDouble, PoolStoreDouble,
    RunQueueStoreDouble, RunStoreDouble, SettledEventStoreDouble, SnapshotStoreDouble,
};

/// What a store is asked for. Other calls are neither noted nor refused.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum StoreCall<'call> {
    /// A job snapshot is to be stored that is not stored yet.
    AddJobSnapshot(&'call SnapshotId),
    /// The snapshot of a plan is to be stored that is not stored yet.
    AddExecutionPlanSnapshot(&'call SnapshotId),
    /// A run is to be stored.
    AddRun(&'call DagsterRun),
    /// A run is to change as an event demands.
    HandleRunEvent(&'call RunId, &'call DagsterEvent, DateTime<Utc>),
    /// A run is to get tags.
    AddRunTags(&'call RunId, &'call BTreeMap<String, String>, DateTime<Utc>),
    /// A run is to be deleted.
    DeleteRun(&'call RunId),
    /// Entries are to be stored.
    StoreEvents(&'call [EventLogEntry]),
    /// The entries of a run are to be read, which is not noted.
    GetRecordsForRun(&'call RunId),
    /// It is to be read how pools stand, which is not noted.
    GetConcurrencyInfos(&'call [String]),
}

impl StoreCall<'_> {
    /// The call as a note: what was done, and to what. An entry stands there by its message, or else by the type of
    /// its event.
    fn note(&self) -> Option<String> {
        let of_entry = |entry: &EventLogEntry| match (entry.message(), &entry.dagster_event) {
            ("", Some(event)) => event.event_type_value.clone(),
            (message, _) => message.to_owned(),
        };
        Some(match self {
            Self::AddJobSnapshot(id) => format!("add_job_snapshot {id}"),
            Self::AddExecutionPlanSnapshot(id) => format!("add_execution_plan_snapshot {id}"),
            Self::AddRun(run) => format!("add_run {}", run.run_id),
            Self::HandleRunEvent(run_id, event, at) => {
                format!("change {run_id} {} at {at}", event.event_type_value)
            }
            Self::AddRunTags(run_id, tags, at) => format!("tag {run_id} {tags:?} at {at}"),
            Self::DeleteRun(run_id) => format!("delete_run {run_id}"),
            Self::StoreEvents(entries) => {
                format!("store {}", entries.iter().map(of_entry).collect::<Vec<_>>().join(", "))
            }
            Self::GetRecordsForRun(_) | Self::GetConcurrencyInfos(_) => return None,
        })
    }
}

/// Decides whether a call is refused, and by which error.
type Refusal = dyn Fn(&StoreCall<'_>) -> Result<(), StorageError> + Send + Sync;

/// What the stores of a test note, and what they refuse. Clones are handles to the same notes.
#[derive(Debug, Clone, Default)]
pub struct StoreCalls(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    notes: Vec<String>,
    refusal: Option<Arc<Refusal>>,
    /// How many parts of a test prepare the stores now.
    quiet: usize,
}

impl Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("notes", &self.notes).finish_non_exhaustive()
    }
}

impl StoreCalls {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was noted, in its order.
    pub fn notes(&self) -> Vec<String> {
        self.lock().notes.clone()
    }

    /// Notes something else, such as what a listener heard.
    pub fn note(&self, note: impl Into<String>) {
        self.lock().notes.push(note.into());
    }

    /// From now on, a call fails by the error that `refusal` returns for it. Earlier refusals are forgotten.
    pub fn refuse(
        &self,
        refusal: impl Fn(&StoreCall<'_>) -> Result<(), StorageError> + Send + Sync + 'static,
    ) {
        self.lock().refusal = Some(Arc::new(refusal));
    }

    /// Nothing is noted or refused until the value is dropped: the test prepares what is there before.
    #[must_use]
    pub fn quiet(&self) -> Quiet {
        self.lock().quiet += 1;
        Quiet(self.clone())
    }

    /// Does something of which the stores are asked by these calls, unless one of them is refused.
    async fn observe<T>(
        &self,
        calls: &[StoreCall<'_>],
        done: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        self.observe_if(calls, done, |_| true).await
    }

    /// The same with something that may turn out not to be done.
    async fn observe_if<T>(
        &self,
        calls: &[StoreCall<'_>],
        done: impl Future<Output = Result<T, StorageError>>,
        is_done: impl FnOnce(&T) -> bool,
    ) -> Result<T, StorageError> {
        let (is_quiet, refusal) = {
            let state = self.lock();
            (state.quiet > 0, state.refusal.clone())
        };
        if let Some(refusal) = refusal.filter(|_| !is_quiet) {
            calls.iter().try_for_each(|call| refusal(call))?;
        }
        let value = done.await?;
        if !is_quiet && is_done(&value) {
            self.lock().notes.extend(calls.iter().filter_map(StoreCall::note));
        }
        Ok(value)
    }
}

/// As long as it lives, nothing is noted or refused.
#[derive(Debug)]
pub struct Quiet(StoreCalls);

impl Drop for Quiet {
    fn drop(&mut self) {
        self.0.lock().quiet -= 1;
    }
}

/// The same stores, observed. Runs and events are kept apart, so that each can fail alone.
pub fn observed(stores: &Stores, calls: &StoreCalls, clock: Arc<dyn Clock>) -> Stores {
    let runs = Arc::clone(&stores.run_storage);
    let events = Arc::clone(&stores.event_log_storage);
    Stores::new(
        Arc::new(ObservedRuns { inner: runs, calls: calls.clone() }),
        Arc::new(ObservedEvents { inner: events, calls: calls.clone() }),
        Arc::clone(&stores.schedule_storage),
        clock,
    )
}

/// The store of runs, observed.
#[derive(Debug)]
struct ObservedRuns {
    inner: Arc<dyn RunStorage>,
    calls: StoreCalls,
}

/// The store of events, observed.
#[derive(Debug)]
struct ObservedEvents {
    inner: Arc<dyn EventLogStorage>,
    calls: StoreCalls,
}

/// The parts of an observed store of which nothing is noted.
macro_rules! not_observed {
    ($store:ty { $($double:ident of $part:ident;)* }) => {
        $(
            impl $double for $store {
                fn other(&self) -> Option<&dyn $part> {
                    Some(&*self.inner)
                }
            }
        )*

        #[async_trait]
        impl SchemaStore for $store {
            async fn create(&self) -> Result<(), StorageError> {
                self.inner.create().await
            }

            async fn close(&self) {
                self.inner.close().await;
            }

            async fn schema_revision(&self) -> Result<String, StorageError> {
                self.inner.schema_revision().await
            }

            fn data_migrations(&self) -> &'static [&'static str] {
                self.inner.data_migrations()
            }

            async fn has_built_index(&self, migration_name: &str) -> Result<bool, StorageError> {
                self.inner.has_built_index(migration_name).await
            }

            async fn mark_index_built(
                &self,
                migration_name: &str,
                at: DateTime<Utc>,
            ) -> Result<(), StorageError> {
                self.inner.mark_index_built(migration_name, at).await
            }

            async fn schema_of_databases(
                &self,
                how: &SchemaUpgrade,
            ) -> Result<Vec<DatabaseSchema>, StorageError> {
                self.inner.schema_of_databases(how).await
            }

            async fn check_databases(&self) -> Result<Vec<CheckedDatabase>, StorageError> {
                self.inner.check_databases().await
            }

            async fn lock_schema(&self) -> Result<SchemaLock, StorageError> {
                self.inner.lock_schema().await
            }

            async fn back_up_database(
                &self,
                database: &str,
                to: &std::path::Path,
            ) -> Result<(), StorageError> {
                self.inner.back_up_database(database, to).await
            }

            async fn upgrade_database(
                &self,
                database: &str,
                how: &SchemaUpgrade,
                progress: &(dyn Fn(SchemaProgress) + Send + Sync),
            ) -> Result<SchemaUpgraded, StorageError> {
                self.inner.upgrade_database(database, how, progress).await
            }
        }
    };
}

not_observed! {
    ObservedRuns {
        BackfillStoreDouble of BackfillStore;
        DaemonStoreDouble of DaemonStore;
        RunQueueStoreDouble of RunQueueStore;
    }
}

not_observed! {
    ObservedEvents {
        AssetStoreDouble of AssetStore;
        AssetPartitionStoreDouble of AssetPartitionStore;
        AssetCheckStoreDouble of AssetCheckStore;
        DynamicPartitionStoreDouble of DynamicPartitionStore;
        SettledEventStoreDouble of SettledEventStore;
    }
}

#[async_trait]
impl PoolStoreDouble for ObservedEvents {
    fn other(&self) -> Option<&dyn PoolStore> {
        Some(&*self.inner)
    }

    async fn get_concurrency_infos(
        &self,
        concurrency_keys: &[String],
        default_limit: Option<i64>,
    ) -> Result<Vec<ConcurrencyKeyInfo>, StorageError> {
        let infos = self.inner.get_concurrency_infos(concurrency_keys, default_limit);
        self.calls.observe(&[StoreCall::GetConcurrencyInfos(concurrency_keys)], infos).await
    }
}

#[async_trait]
impl RunStoreDouble for ObservedRuns {
    fn other(&self) -> Option<&dyn RunStore> {
        Some(&*self.inner)
    }

    async fn add_run(
        &self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let call = [StoreCall::AddRun(run)];
        self.calls.observe(&call, self.inner.add_run(run, created_at)).await
    }

    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let call = [StoreCall::HandleRunEvent(run_id, event, at)];
        self.calls.observe(&call, self.inner.handle_run_event(run_id, event, at)).await
    }

    async fn change_run_if(
        &self,
        change: &GuardedChange,
    ) -> Result<GuardedOutcome<()>, StorageError> {
        let call = |(event, at)| StoreCall::HandleRunEvent(&change.run_id, event, at);
        let events = change.events.iter().map(|(event, at)| (event, *at));
        let calls: Vec<_> = events.map(call).collect();
        let changing = self.inner.change_run_if(change);
        self.calls.observe_if(&calls, changing, GuardedOutcome::is_stored).await
    }

    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let call = [StoreCall::AddRunTags(run_id, new_tags, at)];
        self.calls.observe(&call, self.inner.add_run_tags(run_id, new_tags, at)).await
    }

    async fn delete_run(&self, run_id: &RunId) -> Result<(), StorageError> {
        self.calls.observe(&[StoreCall::DeleteRun(run_id)], self.inner.delete_run(run_id)).await
    }
}

#[async_trait]
impl SnapshotStoreDouble for ObservedRuns {
    fn other(&self) -> Option<&dyn SnapshotStore> {
        Some(&*self.inner)
    }

    async fn add_snapshots(
        &self,
        jobs: &[SnapshotBody],
        execution_plan: Option<&SnapshotBody>,
    ) -> Result<(), StorageError> {
        let mut calls = Vec::new();
        for job in jobs {
            if !self.inner.has_job_snapshot(job.id()).await? {
                calls.push(StoreCall::AddJobSnapshot(job.id()));
            }
        }
        if let Some(plan) = execution_plan
            && !self.inner.has_execution_plan_snapshot(plan.id()).await?
        {
            calls.push(StoreCall::AddExecutionPlanSnapshot(plan.id()));
        }
        self.calls.observe(&calls, self.inner.add_snapshots(jobs, execution_plan)).await
    }
}

#[async_trait]
impl RunStorage for ObservedRuns {
    async fn get_run_storage_id(&self) -> Result<String, StorageError> {
        self.inner.get_run_storage_id().await
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        self.inner.wipe().await
    }
}

#[async_trait]
impl EventStoreDouble for ObservedEvents {
    fn other(&self) -> Option<&dyn EventStore> {
        Some(&*self.inner)
    }

    async fn store_events(&self, entries: &[EventLogEntry]) -> Result<StoredEvents, StorageError> {
        let call = [StoreCall::StoreEvents(entries)];
        self.calls.observe(&call, self.inner.store_events(entries)).await
    }

    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        let call = [StoreCall::GetRecordsForRun(&query.run_id)];
        self.calls.observe(&call, self.inner.get_records_for_run(query)).await
    }
}

#[async_trait]
impl EventWatch for ObservedEvents {
    async fn watch_run(&self, run_id: &RunId) -> Result<Box<dyn EventSignal>, StorageError> {
        self.inner.watch_run(run_id).await
    }
}

#[async_trait]
impl EventLogStorage for ObservedEvents {
    fn is_run_sharded(&self) -> bool {
        self.inner.is_run_sharded()
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        self.inner.wipe().await
    }
}
