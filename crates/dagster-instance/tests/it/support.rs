//! What several tests need.

use std::error::Error;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dagster_instance::error::BoxError;
use dagster_instance::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel};
use dagster_instance::launcher::{LaunchRunContext, RunLauncher, TerminateRunContext};
use dagster_instance::ops::EventReporterExt;
use dagster_instance::{
    AssetKey, CommandJob, CommandSpec, CreateRun, DagsterInstance, InstanceError, ReportEvent,
    RunId,
};

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// The request for a run that is to materialise an asset.
pub(crate) fn hello() -> Result<CreateRun, Box<dyn Error>> {
    let job = CommandJob::new("hello", &[AssetKey::new(["demo", "hello"])], false)?;
    Ok(job.create_run(&CommandSpec::new(vec!["echo".to_owned(), "hello".to_owned()])?))
}

/// Reports an event of a run that has nothing but a type.
pub(crate) async fn report(
    instance: &DagsterInstance,
    run_id: &RunId,
    event_type: DagsterEventType,
) -> Result<(), InstanceError> {
    let event = DagsterEvent::new(event_type, "hello");
    instance.report_dagster_event(ReportEvent::new(event, run_id)).await
}

/// The entry of an event that has nothing but a type.
pub(crate) fn entry(run_id: &RunId, event_type: DagsterEventType) -> EventLogEntry {
    let event = DagsterEvent::new(event_type, "hello");
    EventLogEntry::of_event(event, run_id.clone(), LogLevel::INFO, 1.5)
}

/// The types of the events that a run has in its log.
pub(crate) async fn event_types(
    instance: &DagsterInstance,
    run_id: &RunId,
) -> Result<Vec<String>, InstanceError> {
    let entries =
        instance.all_logs(run_id, &dagster_instance::storage::Only::Any).await?.into_iter();
    Ok(entries.filter_map(|entry| Some(entry.dagster_event?.event_type_value)).collect())
}

/// A launcher that notes what it is asked for, and has runs begin and end.
#[derive(Debug, Clone, Default)]
pub(crate) struct NotingLauncher {
    calls: Arc<Mutex<Vec<String>>>,
}

impl NotingLauncher {
    /// What it was asked for.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn note(&self, call: &str) {
        self.calls.lock().unwrap().push(call.to_owned());
    }
}

#[async_trait]
impl RunLauncher for NotingLauncher {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        self.note("launch");
        for event_type in [DagsterEventType::RunStart, DagsterEventType::RunSuccess] {
            let event = DagsterEvent::new(event_type, &context.dagster_run.job_name);
            let report = ReportEvent::new(event, &context.dagster_run.run_id);
            context.instance.report_dagster_event(report).await?;
        }
        Ok(())
    }

    async fn terminate(&self, _context: TerminateRunContext) -> Result<bool, BoxError> {
        self.note("terminate");
        Ok(true)
    }

    async fn dispose(&self) {
        self.note("dispose");
    }
}
