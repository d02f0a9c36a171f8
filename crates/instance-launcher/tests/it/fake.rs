//! An instance in memory, and launchers that do as they are told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_core::error::{BoxError, InstanceError, StorageError};
use instance_core::event::{
    DagsterEventType, EventLogConnection, EventLogCursor, EventLogEntry, EventLogRecord,
    EventSpecificData, NewEvent,
};
use instance_core::ids::{RunId, StorageId};
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, RunCoordinator, RunLauncher,
    TerminateRunContext,
};
use instance_core::ops::{
    ClockAccess, ComputeLogAccess, EventReporter, EventStoreAccess, IdAccess, LauncherOps,
    RunStoreAccess, RunWorkerOps, SnapshotStoreAccess,
};
use instance_core::run::{DagsterRun, DagsterRunStatus, RunRecord};
use instance_core::serdes::UnknownFields;
use instance_core::storage::{
    CapturedLogMetadata, ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager,
    ComputeLogPrefix, EventStore, LogsToDelete, RecordsForRun, RunStore, SnapshotStore,
};
use instance_core::testing::doubles::{EventStoreDouble, RunStoreDouble, SnapshotStoreDouble};
use instance_launcher::DefaultRunCoordinator;
use tokio::sync::watch;

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), BoxError>;

/// The instance, and its own stores; clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<()>,
    logs: Logs,
    coordinator: Arc<dyn RunCoordinator>,
    launcher: Arc<dyn RunLauncher>,
}

#[derive(Debug, Default)]
struct State {
    runs: BTreeMap<RunId, DagsterRun>,
    entries: Vec<EventLogEntry>,
    refused: Vec<DagsterEventType>,
}

impl Fake {
    /// An instance that launches every run at once.
    pub(crate) fn new(launcher: impl RunLauncher) -> Self {
        Self {
            state: Arc::default(),
            changed: watch::Sender::default(),
            logs: Logs::default(),
            coordinator: Arc::new(DefaultRunCoordinator),
            launcher: Arc::new(launcher),
        }
    }

    /// The same with another coordinator.
    pub(crate) fn with_coordinator(mut self, coordinator: impl RunCoordinator) -> Self {
        self.coordinator = Arc::new(coordinator);
        self
    }

    /// The same, which stores no event of a type.
    pub(crate) fn that_refuses(self, event_type: DagsterEventType) -> Self {
        self.lock().refused.push(event_type);
        self
    }

    /// The same, whose logs fail in this way.
    pub(crate) fn with_logs_that_fail(mut self, failure: LogFailure) -> Self {
        self.logs.failure = Some(failure);
        self
    }

    /// Adds a run of this status.
    pub(crate) fn add_run(&self, status: DagsterRunStatus) -> RunId {
        let run_id = RandomIds.run_id();
        let mut run = DagsterRun::new(run_id.clone(), "job");
        run.status = status;
        self.put_run(run);
        run_id
    }

    /// Adds a run, or puts it in the place of the one of its id.
    pub(crate) fn put_run(&self, run: DagsterRun) {
        self.lock().runs.insert(run.run_id.clone(), run);
    }

    /// The run, which has to be there.
    pub(crate) fn run(&self, run_id: &RunId) -> DagsterRun {
        self.lock().runs.get(run_id).expect("the run").clone()
    }

    /// The entries of a run.
    pub(crate) fn entries(&self, run_id: &RunId) -> Vec<EventLogEntry> {
        let state = self.lock();
        state.entries.iter().filter(|entry| entry.run_id == *run_id).cloned().collect()
    }

    /// The types of a run's events.
    pub(crate) fn event_types(&self, run_id: &RunId) -> Vec<String> {
        let event = |entry: EventLogEntry| entry.dagster_event.map(|event| event.event_type_value);
        self.entries(run_id).into_iter().filter_map(event).collect()
    }

    /// The messages of a run's events.
    pub(crate) fn messages(&self, run_id: &RunId) -> Vec<String> {
        self.entries(run_id).iter().map(|entry| entry.message().to_owned()).collect()
    }

    /// Everything that the events of a run say of errors, causes included.
    pub(crate) fn errors(&self, run_id: &RunId) -> String {
        let mut text = String::new();
        for event in self.entries(run_id).into_iter().filter_map(|entry| entry.dagster_event) {
            let mut error = match event.event_specific_data.map(|data| *data) {
                Some(EventSpecificData::EngineEvent(data)) => data.error,
                Some(EventSpecificData::StepFailure(data)) => data.error,
                Some(EventSpecificData::JobFailure(data)) => data.error,
                _ => None,
            };
            while let Some(info) = error {
                text.push_str(&info.message);
                error = info.cause.map(|cause| *cause);
            }
        }
        text
    }

    /// Waits until the run has an event with this message.
    pub(crate) async fn wait_for_message(&self, run_id: &RunId, message: &str) {
        let mut changes = self.changed.subscribe();
        let is_there =
            |(): &()| self.messages(run_id).iter().any(|stored| stored.contains(message));
        changes.wait_for(is_there).await.expect("the instance lives");
    }

    /// What was captured of an output, of all runs.
    pub(crate) fn captured(&self, io_type: ComputeIoType) -> String {
        let written = lock(&self.logs.written);
        let bytes: Vec<u8> = written
            .iter()
            .filter(|(of_type, _)| *of_type == io_type)
            .flat_map(|(_, bytes)| bytes.clone())
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How many captures have ended in order.
    pub(crate) fn completed_captures(&self) -> usize {
        *lock(&self.logs.completed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_space() -> StorageError {
    let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
    StorageError::Io { action: "write", path: "memory".to_owned(), source }
}

#[async_trait]
impl EventReporter for Fake {
    async fn handle_new_event(&self, event: NewEvent) -> Result<(), InstanceError> {
        let entry = event.entry;
        let mut state = self.lock();
        let event_type = entry.dagster_event.as_ref().and_then(|event| event.event_type());
        if event_type.is_some_and(|event_type| state.refused.contains(&event_type)) {
            return Err(no_space().into());
        }
        if let Some(status) = event_type.and_then(DagsterEventType::run_status)
            && let Some(run) = state.runs.get_mut(&entry.run_id)
        {
            run.status = status;
        }
        state.entries.push(entry);
        drop(state);
        self.changed.send_replace(());
        Ok(())
    }
}

#[async_trait]
impl RunStoreDouble for Fake {
    async fn get_run_record(&self, run_id: &RunId) -> Result<Option<RunRecord>, StorageError> {
        let run = self.lock().runs.get(run_id).cloned();
        let now = SystemClock.now();
        Ok(run.map(|dagster_run| RunRecord::new(StorageId(1), dagster_run, now, now)))
    }
}

impl SnapshotStoreDouble for Fake {}

#[async_trait]
impl EventStoreDouble for Fake {
    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        let is_asked_for = |entry: &EventLogEntry| {
            let event_type = entry.dagster_event.as_ref().and_then(|event| event.event_type());
            event_type.is_some_and(|one| query.of_types.contains(&one))
        };
        let entries = self.entries(&query.run_id).into_iter().filter(is_asked_for);
        let records = entries
            .map(|event_log_entry| EventLogRecord {
                storage_id: StorageId(1),
                event_log_entry,
                unknown: UnknownFields::default(),
            })
            .collect();
        Ok(EventLogConnection { records, cursor: EventLogCursor::START, has_more: false })
    }
}

impl RunStoreAccess for Fake {
    fn run_store(&self) -> &dyn RunStore {
        self
    }
}

impl SnapshotStoreAccess for Fake {
    fn snapshot_store(&self) -> &dyn SnapshotStore {
        self
    }
}

impl EventStoreAccess for Fake {
    fn event_store(&self) -> &dyn EventStore {
        self
    }
}

impl ComputeLogAccess for Fake {
    fn compute_log_manager(&self) -> &dyn ComputeLogManager {
        &self.logs
    }
}

impl ClockAccess for Fake {
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }
}

impl IdAccess for Fake {
    fn ids(&self) -> &dyn IdSource {
        &RandomIds
    }
}

impl RunWorkerOps for Fake {}

impl LauncherOps for Fake {
    fn run_coordinator(&self) -> &dyn RunCoordinator {
        &*self.coordinator
    }

    fn run_launcher(&self) -> &dyn RunLauncher {
        &*self.launcher
    }
}

/// What does not work of the captured logs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LogFailure {
    /// None can be begun.
    Begin,
    /// Nothing can be added.
    Write,
}

/// A piece of an output.
type Piece = (ComputeIoType, Vec<u8>);

#[derive(Debug, Clone, Default)]
struct Logs {
    failure: Option<LogFailure>,
    written: Arc<Mutex<Vec<Piece>>>,
    completed: Arc<Mutex<usize>>,
}

#[async_trait]
impl ComputeLogManager for Logs {
    async fn capture_logs(
        &self,
        _log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        match self.failure {
            Some(LogFailure::Begin) => Err(no_space()),
            _ => Ok(Box::new(self.clone())),
        }
    }

    async fn is_capture_complete(&self, _log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        unreachable!("no test asks")
    }

    async fn get_log_data_for_type(
        &self,
        _log_key: &ComputeLogKey,
        _io_type: ComputeIoType,
        _offset: u64,
        _max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        unreachable!("no test asks")
    }

    async fn get_log_metadata(
        &self,
        _log_key: &ComputeLogKey,
    ) -> Result<CapturedLogMetadata, StorageError> {
        unreachable!("no test asks")
    }

    async fn get_log_keys_for_log_key_prefix(
        &self,
        _prefix: &ComputeLogPrefix,
        _io_type: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        unreachable!("no test asks")
    }

    async fn delete_logs(&self, _logs: LogsToDelete<'_>) -> Result<(), StorageError> {
        unreachable!("no test asks")
    }
}

#[async_trait]
impl ComputeLogCapture for Logs {
    async fn write(&self, io_type: ComputeIoType, bytes: &[u8]) -> Result<(), StorageError> {
        if matches!(self.failure, Some(LogFailure::Write)) {
            return Err(no_space());
        }
        lock(&self.written).push((io_type, bytes.to_vec()));
        Ok(())
    }

    async fn complete(self: Box<Self>) -> Result<(), StorageError> {
        *lock(&self.completed) += 1;
        Ok(())
    }
}

/// A launcher that notes what it is asked for and answers as it was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToldLauncher {
    pub(crate) calls: Arc<Mutex<Vec<String>>>,
    pub(crate) fails: bool,
    /// What it says of every worker; `None` if it does not check workers.
    pub(crate) health: Option<CheckRunHealthResult>,
}

impl ToldLauncher {
    /// A launcher with which nothing works.
    pub(crate) fn that_fails() -> Self {
        Self { fails: true, ..Self::default() }
    }

    /// What it was asked for.
    pub(crate) fn calls(&self) -> Vec<String> {
        lock(&self.calls).clone()
    }

    fn answer(&self, call: &str, run: &DagsterRun) -> Result<(), BoxError> {
        lock(&self.calls).push(format!("{call} {}", run.status));
        if self.fails { Err("the cluster is full".into()) } else { Ok(()) }
    }
}

#[async_trait]
impl RunLauncher for ToldLauncher {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        self.answer("launch", &context.dagster_run)
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        self.answer("terminate", &context.dagster_run).map(|()| true)
    }

    fn supports_check_run_worker_health(&self) -> bool {
        self.health.is_some()
    }

    async fn check_run_worker_health(
        &self,
        _context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        self.health.clone().ok_or_else(|| "not checked".into())
    }

    async fn dispose(&self) {
        lock(&self.calls).push("dispose".to_owned());
    }
}
