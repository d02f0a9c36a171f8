//! An instance in memory with everything that the ops traits ask for, for tests of one domain crate alone.
//!
//! Not here: what a domain does with an event. A report is stored, its run changes, and listeners are called, as far
//! as the core alone can do it: nothing waits in batches, and no failed run is marked for a retry.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;

use crate::clock::{Clock, IdSource};
use crate::error::{BoxError, InstanceError};
use crate::event::{EventBuffer, EventListeners, EventLogEntry, NewEvent};
use crate::ids::RunId;
use crate::launcher::{
    CancelRunContext, LaunchRunContext, RunCoordinator, RunLauncher, SubmitRunContext,
    TerminateRunContext,
};
use crate::memory::MemoryStores;
use crate::ops::{
    AssetOps, ClockAccess, ComputeLogAccess, ConfigOps, EventOps, EventReporter, IdAccess,
    LauncherOps, ListenersAccess, RunOps, RunWorkerOps, SchedulingOps, SettingsAccess, StorageOps,
    StoresAccess,
};
use crate::run::DagsterRun;
use crate::settings::{
    EventBatching, InstanceSettings, RunRetries, StorageSettings, StoreSettings,
};
use crate::storage::{ComputeLogManager, RecordsForRun, Stores};
use crate::testing::clock::{ManualClock, SequentialIds};

/// An instance in memory whose clock stands still and whose ids count. Clones are handles to the same instance.
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
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TestInstance {
    /// The stores; whoever needs one that fails or remembers puts it here.
    pub stores: Stores,
    /// The store of what processes print.
    pub compute_log_manager: Arc<dyn ComputeLogManager>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// Where fresh ids come from.
    pub ids: Arc<SequentialIds>,
    /// The settings.
    pub settings: InstanceSettings,
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
        Self {
            stores: memory.stores(),
            compute_log_manager: memory.compute_log_manager(),
            clock,
            ids: Arc::default(),
            settings: settings.with_storage(StorageSettings::all(StoreSettings::Memory)),
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
        self.stores.run_storage.add_run(&run, self.clock.now()).await.unwrap();
    }

    /// The run of this id, which has to be there.
    pub async fn run(&self, run_id: &RunId) -> DagsterRun {
        let record = self.stores.run_storage.get_run_record(run_id).await.unwrap();
        record.unwrap_or_else(|| panic!("there is no run {run_id}")).dagster_run
    }

    /// The entries of a run, oldest first; with an empty id, those of no run.
    pub async fn entries(&self, run_id: &RunId) -> Vec<EventLogEntry> {
        let query = RecordsForRun::new(run_id.clone());
        let page = self.stores.event_log_storage.get_records_for_run(&query).await.unwrap();
        page.records.into_iter().map(|record| record.event_log_entry).collect()
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
