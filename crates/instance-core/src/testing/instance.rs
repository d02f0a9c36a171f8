//! An instance in memory with everything that the ops traits ask for, for tests of one domain crate alone.
//!
//! Not here: what a domain does with an event. A report is stored, its run changes, and listeners are called, as far
//! as the core alone can do it: nothing waits in batches, and no failed run is marked for a retry.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;

use crate::clock::{Clock, IdSource};
use crate::error::{BoxError, InstanceError, StorageError};
use crate::event::{
    EventBuffer, EventListener, EventListeners, EventLogEntry, EventLogRecord, NewEvent,
};
use crate::ids::{RunId, StorageId};
use crate::launcher::{
    CancelRunContext, LaunchRunContext, RunCoordinator, RunLauncher, SubmitRunContext,
    TerminateRunContext,
};
use crate::memory::MemoryStores;
use crate::ops::{
    AssetOps, ClockAccess, ComputeLogAccess, ConfigOps, EventOps, EventReporter, IdAccess,
    KeeperOps, LauncherOps, ListenersAccess, RunOps, RunWorkerOps, SchedulingOps, SettingsAccess,
    StorageOps, StoresAccess,
};
use crate::run::{DagsterRun, RunRecord, RunsFilter};
use crate::scheduling::PartitionBackfill;
use crate::settings::{
    EventBatching, InstanceSettings, RunRetries, StorageSettings, StoreSettings,
};
use crate::snap::ExecutionPlanSnapshot;
use crate::storage::{
    ComputeLogManager, GuardedEvents, GuardedOutcome, Only, Order, RecordsForRun, RunsPage, Stores,
};
use crate::testing::clock::{ManualClock, SequentialIds};
use crate::testing::observed::{StoreCalls, observed};

/// An instance in memory whose clock stands still and whose ids count. Clones are handles to the same instance.
///
/// Its stores are [observed](crate::testing::observed): they note what they write, and refuse what a test tells them to.
/// What is put into the instance by its own methods is neither noted nor refused.
///
/// ```
/// use instance_core::ops::RunStoreAccess;
/// use instance_core::run::DagsterRun;
/// use instance_core::testing::instance::TestInstance;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let instance = TestInstance::default();
/// instance.add_run(DagsterRun::new("r1".into(), "j")).await;
/// assert!(instance.run_store().has_run(&"r1".into()).await.unwrap());
///
/// instance.run_store().delete_run(&"r1".into()).await.unwrap();
/// assert_eq!(instance.effects(), ["delete_run r1"]);
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TestInstance {
    /// The stores, which are observed.
    pub stores: Stores,
    /// What the stores have noted, and what they refuse.
    pub store_calls: StoreCalls,
    /// The store of what processes print.
    pub compute_log_manager: Arc<dyn ComputeLogManager>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// Where fresh ids come from.
    pub ids: Arc<SequentialIds>,
    /// The settings.
    pub settings: Box<InstanceSettings>,
    /// Those who listen.
    pub event_listeners: Arc<EventListeners>,
    /// The events that wait for others.
    pub event_buffer: Arc<EventBuffer>,
    /// How many bytes the body of a run may have at most; `None` means any number.
    pub run_size_limit_bytes: Option<u64>,
    /// The coordinator: unless another is put here, one that refuses every run.
    pub run_coordinator: Arc<dyn RunCoordinator>,
    /// The launcher: unless another is put here, one that refuses every run.
    pub run_launcher: Arc<dyn RunLauncher>,
}

impl Default for TestInstance {
    /// An empty instance. The first id that it gives is `00000000-0000-0000-0000-000000000001`.
    fn default() -> Self {
        let clock = Arc::new(ManualClock::default());
        // The id of the store is not one of those that tests count.
        let memory =
            MemoryStores::new(Arc::clone(&clock) as Arc<dyn Clock>, &SequentialIds::from(0));
        let settings = InstanceSettings::new("home");
        let store_calls = StoreCalls::default();
        let own_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        Self {
            stores: observed(&memory.stores(), &store_calls, own_clock),
            store_calls,
            compute_log_manager: memory.compute_log_manager(),
            clock,
            ids: Arc::default(),
            settings: Box::new(settings.with_storage(StorageSettings::all(StoreSettings::Memory))),
            event_listeners: Arc::default(),
            event_buffer: Arc::default(),
            run_size_limit_bytes: None,
            run_coordinator: Arc::new(Refusing),
            run_launcher: Arc::new(Refusing),
        }
    }
}

impl TestInstance {
    /// Adds a run, which is created at the time of the clock.
    pub async fn add_run(&self, run: DagsterRun) {
        let _quiet = self.store_calls.quiet();
        self.stores.run_storage.add_run(&run, self.clock.now()).await.unwrap();
    }

    /// The same with a run.
    #[must_use]
    pub fn with_run(self, run: DagsterRun) -> Self {
        at_once(self.add_run(run));
        self
    }

    /// The same with runs of a job `j` that have these ids.
    #[must_use]
    pub fn with_runs(self, ids: &[&str]) -> Self {
        let runs = ids.iter().map(|id| DagsterRun::new(RunId::from(*id), "j"));
        runs.fold(self, Self::with_run)
    }

    /// The same with a plan.
    #[must_use]
    pub fn with_plan(self, plan: &ExecutionPlanSnapshot) -> Self {
        self.prepare(self.stores.run_storage.add_execution_plan_snapshot(plan));
        self
    }

    /// The same with a backfill.
    #[must_use]
    pub fn with_backfill(self, backfill: &PartitionBackfill) -> Self {
        self.prepare(self.stores.run_storage.add_backfill(backfill));
        self
    }

    /// The same with entries in its logs; no run changes by them.
    #[must_use]
    pub fn with_entries(self, entries: impl IntoIterator<Item = EventLogEntry>) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        self.prepare(self.stores.event_log_storage.store_events(&entries));
        self
    }

    /// The same with keys of dynamic partitions.
    #[must_use]
    pub fn with_dynamic_partitions(self, partitions_def_name: &str, keys: &[&str]) -> Self {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        let store = &self.stores.event_log_storage;
        self.prepare(store.add_dynamic_partitions(partitions_def_name, &keys));
        self
    }

    /// Does what is neither noted nor refused.
    fn prepare<T>(&self, done: impl Future<Output = Result<T, StorageError>>) {
        let _quiet = self.store_calls.quiet();
        at_once(done).unwrap();
    }

    /// The same with another coordinator.
    #[must_use]
    pub fn with_run_coordinator(mut self, run_coordinator: impl RunCoordinator) -> Self {
        self.run_coordinator = Arc::new(run_coordinator);
        self
    }

    /// The same with another launcher.
    #[must_use]
    pub fn with_run_launcher(mut self, run_launcher: impl RunLauncher) -> Self {
        self.run_launcher = Arc::new(run_launcher);
        self
    }

    /// The same with another store of what processes print.
    #[must_use]
    pub fn with_compute_log_manager(mut self, manager: impl ComputeLogManager) -> Self {
        self.compute_log_manager = Arc::new(manager);
        self
    }

    /// What the stores have noted, in its order.
    pub fn effects(&self) -> Vec<String> {
        self.store_calls.notes()
    }

    /// A listener that notes what it hears among the effects.
    pub fn noting_listener(&self, name: &'static str) -> EventListener {
        let calls = self.store_calls.clone();
        Arc::new(move |record: &EventLogRecord| {
            let message = record.event_log_entry.message();
            calls.note(format!("{name} hears {} {message}", record.storage_id));
        })
    }

    /// All runs, in the order in which they were added.
    pub fn all_runs(&self) -> Vec<RunRecord> {
        let (filter, page) = (RunsFilter::default(), RunsPage::new().with_order(Order::Ascending));
        at_once(self.stores.run_storage.get_run_records(&filter, &page)).unwrap()
    }

    /// The entries of all runs, oldest first.
    pub fn all_entries(&self) -> Vec<EventLogEntry> {
        let events = &self.stores.event_log_storage;
        let all = events.get_logs_for_all_runs_by_log_id(StorageId(0), &Only::Any, None);
        at_once(all).unwrap().into_iter().map(|record| record.event_log_entry).collect()
    }

    /// The run of this id, which has to be there.
    pub async fn run(&self, run_id: &RunId) -> DagsterRun {
        let record = self.stores.run_storage.get_run_record(run_id).await.unwrap();
        record.unwrap_or_else(|| panic!("there is no run {run_id}")).dagster_run
    }

    /// The entries of a run, oldest first; with an empty id, those of no run.
    pub async fn entries(&self, run_id: &RunId) -> Vec<EventLogEntry> {
        let _quiet = self.store_calls.quiet();
        let query = RecordsForRun::new(run_id.clone());
        let page = self.stores.event_log_storage.get_records_for_run(&query).await.unwrap();
        page.records.into_iter().map(|record| record.event_log_entry).collect()
    }

    /// The types of a run's events, oldest first.
    pub fn event_types(&self, run_id: &RunId) -> Vec<String> {
        let event_type = |entry: EventLogEntry| Some(entry.dagster_event?.event_type_value);
        at_once(self.entries(run_id)).into_iter().filter_map(event_type).collect()
    }

    /// The messages of a run's entries, oldest first.
    pub fn messages(&self, run_id: &RunId) -> Vec<String> {
        let message = |entry: EventLogEntry| entry.message().to_owned();
        at_once(self.entries(run_id)).into_iter().map(message).collect()
    }
}

impl StoresAccess for TestInstance {
    fn stores(&self) -> &Stores {
        &self.stores
    }
}

impl ComputeLogAccess for TestInstance {
    fn compute_log_manager(&self) -> &dyn ComputeLogManager {
        &*self.compute_log_manager
    }
}

impl ClockAccess for TestInstance {
    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

impl IdAccess for TestInstance {
    fn ids(&self) -> &dyn IdSource {
        &*self.ids
    }
}

impl SettingsAccess for TestInstance {
    fn settings(&self) -> &InstanceSettings {
        &self.settings
    }
}

impl ListenersAccess for TestInstance {
    fn event_listeners(&self) -> &EventListeners {
        &self.event_listeners
    }
}

#[async_trait]
impl EventReporter for TestInstance {
    async fn handle_new_event(&self, event: NewEvent) -> Result<(), InstanceError> {
        let entry = event.entry;
        let stored =
            self.stores.run_event_store.store_run_events(std::slice::from_ref(&entry)).await?;
        for storage_id in stored.ids {
            self.event_listeners.notify(&entry, storage_id);
        }
        match stored.incomplete {
            None => Ok(()),
            Some(source) => Err(InstanceError::EventsIncomplete { run_id: entry.run_id, source }),
        }
    }

    async fn handle_events_if(
        &self,
        change: GuardedEvents,
    ) -> Result<GuardedOutcome, InstanceError> {
        let outcome = self.stores.run_event_store.store_run_events_if(&change).await?;
        if let GuardedOutcome::Stored(stored) = &outcome {
            self.event_listeners.notify_all(&change.entries, &stored.ids);
        }
        Ok(outcome)
    }
}

impl RunOps for TestInstance {
    fn run_size_limit_bytes(&self) -> Option<u64> {
        self.run_size_limit_bytes
    }
}

impl EventOps for TestInstance {
    fn run_retries(&self) -> RunRetries {
        self.settings.run_retries
    }

    fn event_batching(&self) -> EventBatching {
        self.settings.event_batching
    }

    fn event_buffer(&self) -> &EventBuffer {
        &self.event_buffer
    }
}

impl LauncherOps for TestInstance {
    fn run_coordinator(&self) -> &dyn RunCoordinator {
        &*self.run_coordinator
    }

    fn run_launcher(&self) -> &dyn RunLauncher {
        &*self.run_launcher
    }
}

impl KeeperOps for TestInstance {}

impl AssetOps for TestInstance {
    fn asset_freshness_enabled(&self) -> bool {
        self.settings.asset_freshness_enabled
    }
}

impl ConfigOps for TestInstance {}
impl RunWorkerOps for TestInstance {}
impl SchedulingOps for TestInstance {}
impl StorageOps for TestInstance {}

/// What stores in memory answer: none of their methods waits, so a test need not either.
///
/// # Panics
///
/// The answer was waited for.
pub fn at_once<T>(answer: impl Future<Output = T>) -> T {
    let Some(answer) = answer.now_or_never() else {
        panic!("a store has to be waited for; only those in memory answer at once");
    };
    answer
}

/// The coordinator and the launcher of an instance whose test is not about launching.
#[derive(Debug)]
struct Refusing;

impl Refusing {
    fn refuse() -> BoxError {
        "this test launches no runs; put a coordinator and a launcher into its instance".into()
    }
}

#[async_trait]
impl RunCoordinator for Refusing {
    async fn submit_run(&self, context: SubmitRunContext) -> Result<DagsterRun, InstanceError> {
        let run_id = context.dagster_run.run_id;
        Err(InstanceError::Launch { run_id, source: Self::refuse() })
    }

    async fn cancel_run(&self, context: CancelRunContext) -> Result<bool, InstanceError> {
        let run_id = context.dagster_run.run_id;
        Err(InstanceError::Launch { run_id, source: Self::refuse() })
    }
}

#[async_trait]
impl RunLauncher for Refusing {
    async fn launch_run(&self, _context: LaunchRunContext) -> Result<(), BoxError> {
        Err(Self::refuse())
    }

    async fn terminate(&self, _context: TerminateRunContext) -> Result<bool, BoxError> {
        Err(Self::refuse())
    }
}
