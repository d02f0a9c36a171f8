//! What the tests share, beside the instance in memory.

use async_trait::async_trait;
use instance_core::clock::IdSource;
use instance_core::error::{BoxError, StorageError};
use instance_core::event::{DagsterEventType, EventSpecificData};
use instance_core::ids::RunId;
use instance_core::launcher::RunLauncher;
use instance_core::ops::EventWatchAccess;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::serdes::deserialize_value;
use instance_core::storage::{ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogPrefix};
use instance_core::testing::doubles::ComputeLogManagerDouble;
use instance_core::testing::instance::{TestInstance, at_once};
use instance_core::testing::observed::StoreCall;
use instance_launcher::DefaultRunCoordinator;

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), BoxError>;

/// Where the job of each run is: only a run that says it can be queued.
pub(crate) const ORIGIN: &str = r#"{"__class__": "ExternalPipelineOrigin", "pipeline_name": "job",
    "external_repository_origin": {"__class__": "ExternalRepositoryOrigin", "repository_name": "shop",
        "repository_location_origin": {"__class__": "RegisteredRepositoryLocationOrigin",
            "location_name": "shop"}}}"#;

/// Where the code of each run is.
const CODE: &str = r#"{"__class__": "PipelinePythonOrigin", "pipeline_name": "job", "repository_origin":
    {"__class__": "RepositoryPythonOrigin", "code_pointer": {"__class__": "ModuleCodePointer", "fn_name": "defs",
        "module": "shop", "working_directory": null}, "container_context": {}, "container_image": null,
        "entry_point": ["dagster"], "executable_path": "/usr/bin/python3"}}"#;

/// An instance that launches every run at once.
pub(crate) fn launching(launcher: impl RunLauncher) -> TestInstance {
    TestInstance::default().with_run_coordinator(DefaultRunCoordinator).with_run_launcher(launcher)
}

/// From now on, no event of this type can be stored.
pub(crate) fn refuse(instance: &TestInstance, event_type: DagsterEventType) {
    instance.store_calls.refuse(move |call| match call {
        StoreCall::StoreEvents(entries)
            if entries.iter().any(|entry| entry.event_type() == Some(event_type)) =>
        {
            Err(no_space())
        }
        _ => Ok(()),
    });
}

fn no_space() -> StorageError {
    let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
    StorageError::Io { action: "write", path: "memory".to_owned(), source }
}

/// A run of this status, which is yet to be added.
pub(crate) fn new_run(instance: &TestInstance, status: DagsterRunStatus) -> DagsterRun {
    let mut run = DagsterRun::new(instance.ids.run_id(), "job");
    run.status = status;
    run.remote_job_origin = deserialize_value(ORIGIN).expect("an origin");
    run.job_code_origin = deserialize_value(CODE).expect("an origin");
    run
}

/// Adds a run of this status.
pub(crate) fn add_run(instance: &TestInstance, status: DagsterRunStatus) -> RunId {
    let run = new_run(instance, status);
    let run_id = run.run_id.clone();
    at_once(instance.add_run(run));
    run_id
}

/// Everything that the events of a run say of errors, causes included.
pub(crate) fn errors(instance: &TestInstance, run_id: &RunId) -> String {
    let mut text = String::new();
    for entry in at_once(instance.entries(run_id)) {
        let data = entry.dagster_event.and_then(|event| event.event_specific_data);
        let mut error = match data.map(|data| *data) {
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
pub(crate) async fn wait_for_message(instance: &TestInstance, run_id: &RunId, message: &str) {
    let mut signal = instance.event_watch().watch_run(run_id).await.expect("a signal");
    while !instance.messages(run_id).iter().any(|stored| stored.contains(message)) {
        signal.changed(false).await;
    }
}

/// What was captured of an output, of all runs.
pub(crate) fn captured(instance: &TestInstance, io_type: ComputeIoType) -> String {
    let logs = &instance.compute_log_manager;
    let output = |key| {
        let data = logs.get_log_data_for_type(&key, io_type, 0, usize::MAX);
        at_once(data).expect("logs").unwrap_or_default()
    };
    let bytes: Vec<_> = captures(instance, io_type).into_iter().flat_map(output).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How many captures have ended in order.
pub(crate) fn completed_captures(instance: &TestInstance) -> usize {
    let is_complete = |key: &ComputeLogKey| {
        at_once(instance.compute_log_manager.is_capture_complete(key)).expect("logs")
    };
    captures(instance, ComputeIoType::Stdout).iter().filter(|key| is_complete(key)).count()
}

/// The captures of an output, of all runs.
fn captures(instance: &TestInstance, io_type: ComputeIoType) -> Vec<ComputeLogKey> {
    let logs = &instance.compute_log_manager;
    let of_run = |run_id: &RunId| {
        let prefix = ComputeLogPrefix::of_run(run_id);
        at_once(logs.get_log_keys_for_log_key_prefix(&prefix, io_type)).expect("logs")
    };
    let runs = instance.all_runs();
    runs.iter().flat_map(|record| of_run(&record.dagster_run.run_id)).collect()
}

/// Captured logs of which something does not work, and in which nothing is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LogFailure {
    /// None can be begun.
    Begin,
    /// Nothing can be added.
    Write,
}

#[async_trait]
impl ComputeLogManagerDouble for LogFailure {
    async fn capture_logs(
        &self,
        _log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        match self {
            Self::Begin => Err(no_space()),
            Self::Write => Ok(Box::new(*self)),
        }
    }

    async fn get_log_keys_for_log_key_prefix(
        &self,
        _prefix: &ComputeLogPrefix,
        _io_type: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        Ok(Vec::new())
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
