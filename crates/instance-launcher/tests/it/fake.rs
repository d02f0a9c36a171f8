//! An instance over stores in memory, and launchers that do as they are told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_core::error::{BoxError, InstanceError, StorageError};
use instance_core::event::{DagsterEventType, EventLogEntry, EventSpecificData, NewEvent};
use instance_core::ids::RunId;
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, RunCoordinator, RunLauncher,
    TerminateRunContext,
};
use instance_core::ops::{
    ClockAccess, ComputeLogAccess, EventReporter, IdAccess, LauncherOps, RunWorkerOps, StoresAccess,
};
use instance_core::run::{DagsterRun, DagsterRunStatus, RunsFilter};
use instance_core::serdes::deserialize_value;
use instance_core::storage::{
    CapturedLogMetadata, ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager,
    ComputeLogPrefix, LogsToDelete, RunsPage, Stores,
};
use instance_core::testing::instance::{TestInstance, at_once};
use instance_launcher::DefaultRunCoordinator;
use tokio::sync::watch;

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), BoxError>;

/// Where the job of each run is: only a run that says it can be queued.
const ORIGIN: &str = r#"{"__class__": "ExternalPipelineOrigin", "pipeline_name": "job",
    "external_repository_origin": {"__class__": "ExternalRepositoryOrigin", "repository_name": "shop",
        "repository_location_origin": {"__class__": "RegisteredRepositoryLocationOrigin",
            "location_name": "shop"}}}"#;

/// The instance; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Fake {
    memory: TestInstance,
    refused: Vec<DagsterEventType>,
    changed: watch::Sender<()>,
}

impl Fake {
    /// An instance that launches every run at once.
    pub(crate) fn new(launcher: impl RunLauncher) -> Self {
        let memory = TestInstance {
            run_coordinator: Arc::new(DefaultRunCoordinator),
            run_launcher: Arc::new(launcher),
            ..TestInstance::default()
        };
        Self { memory, refused: Vec::new(), changed: watch::Sender::default() }
    }

    /// The same with another coordinator.
    pub(crate) fn with_coordinator(mut self, coordinator: impl RunCoordinator) -> Self {
        self.memory.run_coordinator = Arc::new(coordinator);
        self
    }

    /// The same, which stores no event of a type.
    pub(crate) fn that_refuses(mut self, event_type: DagsterEventType) -> Self {
        self.refused.push(event_type);
        self
    }

    /// The same, whose logs fail in this way.
    pub(crate) fn with_logs_that_fail(mut self, failure: LogFailure) -> Self {
        self.memory.compute_log_manager = Arc::new(failure);
        self
    }

    /// Adds a run of this status.
    pub(crate) fn add_run(&self, status: DagsterRunStatus) -> RunId {
        let run_id = RandomIds.run_id();
        let mut run = DagsterRun::new(run_id.clone(), "job");
        run.status = status;
        run.remote_job_origin = deserialize_value(ORIGIN).expect("an origin");
        self.put_run(run);
        run_id
    }

    /// Adds a run, or puts it in the place of the one of its id.
    pub(crate) fn put_run(&self, run: DagsterRun) {
        at_once(self.memory.stores.run_storage.delete_run(&run.run_id)).expect("runs");
        at_once(self.memory.add_run(run));
    }

    /// The run, which has to be there.
    pub(crate) fn run(&self, run_id: &RunId) -> DagsterRun {
        at_once(self.memory.run(run_id))
    }

    /// The entries of a run.
    pub(crate) fn entries(&self, run_id: &RunId) -> Vec<EventLogEntry> {
        at_once(self.memory.entries(run_id))
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
        let mut bytes = Vec::new();
        for key in self.captures(io_type) {
            let logs = self.memory.compute_log_manager();
            let data = logs.get_log_data_for_type(&key, io_type, 0, usize::MAX);
            bytes.extend(at_once(data).expect("logs").unwrap_or_default());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How many captures have ended in order.
    pub(crate) fn completed_captures(&self) -> usize {
        let logs = self.memory.compute_log_manager();
        let is_complete = |key: &ComputeLogKey| at_once(logs.is_capture_complete(key));
        let captures = self.captures(ComputeIoType::Stdout).into_iter();
        captures.filter(|key| is_complete(key).expect("logs")).count()
    }

    /// The captures of an output, of all runs.
    fn captures(&self, io_type: ComputeIoType) -> Vec<ComputeLogKey> {
        let runs = &self.memory.stores.run_storage;
        let runs = at_once(runs.get_run_ids(&RunsFilter::default(), &RunsPage::default()));
        let logs = self.memory.compute_log_manager();
        let of_run = |run_id: RunId| {
            let prefix = ComputeLogPrefix::of_run(&run_id);
            at_once(logs.get_log_keys_for_log_key_prefix(&prefix, io_type)).expect("logs")
        };
        runs.expect("runs").into_iter().flat_map(of_run).collect()
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
        if event.entry.event_type().is_some_and(|of_type| self.refused.contains(&of_type)) {
            return Err(no_space().into());
        }
        self.memory.handle_new_event(event).await?;
        self.changed.send_replace(());
        Ok(())
    }
}

impl StoresAccess for Fake {
    fn stores(&self) -> &Stores {
        self.memory.stores()
    }
}

impl ComputeLogAccess for Fake {
    fn compute_log_manager(&self) -> &dyn ComputeLogManager {
        self.memory.compute_log_manager()
    }
}

impl ClockAccess for Fake {
    fn clock(&self) -> &dyn Clock {
        // Its commands are real processes, and take real time.
        &SystemClock
    }
}

impl IdAccess for Fake {
    fn ids(&self) -> &dyn IdSource {
        self.memory.ids()
    }
}

impl RunWorkerOps for Fake {}

impl LauncherOps for Fake {
    fn run_coordinator(&self) -> &dyn RunCoordinator {
        self.memory.run_coordinator()
    }

    fn run_launcher(&self) -> &dyn RunLauncher {
        self.memory.run_launcher()
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

/// Logs that fail, of which nothing is there.
#[async_trait]
impl ComputeLogManager for LogFailure {
    async fn capture_logs(
        &self,
        _log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        match self {
            Self::Begin => Err(no_space()),
            Self::Write => Ok(Box::new(*self)),
        }
    }

    async fn is_capture_complete(&self, _log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        Ok(false)
    }

    async fn get_log_data_for_type(
        &self,
        _log_key: &ComputeLogKey,
        _io_type: ComputeIoType,
        _offset: u64,
        _max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(None)
    }

    async fn get_log_metadata(
        &self,
        _log_key: &ComputeLogKey,
    ) -> Result<CapturedLogMetadata, StorageError> {
        Ok(CapturedLogMetadata::default())
    }

    async fn get_log_keys_for_log_key_prefix(
        &self,
        _prefix: &ComputeLogPrefix,
        _io_type: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        Ok(Vec::new())
    }

    async fn delete_logs(&self, _logs: LogsToDelete<'_>) -> Result<(), StorageError> {
        Ok(())
    }
}

#[async_trait]
impl ComputeLogCapture for LogFailure {
    async fn write(&self, _io_type: ComputeIoType, _bytes: &[u8]) -> Result<(), StorageError> {
        Err(no_space())
    }

    async fn complete(self: Box<Self>) -> Result<(), StorageError> {
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
