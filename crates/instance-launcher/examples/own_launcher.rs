//! A launcher of one's own: it executes runs in this process, over stores in memory.
//!
//! `cargo run --package instance-launcher --example own_launcher`

use std::sync::Arc;

use async_trait::async_trait;
use instance_launcher::instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_launcher::instance_core::error::BoxError;
use instance_launcher::instance_core::event::{
    DagsterEvent, DagsterEventType, NewEvent, ReportEvent,
};
use instance_launcher::instance_core::launcher::{
    LaunchRunContext, RunCoordinator, RunLauncher, TerminateRunContext,
};
use instance_launcher::instance_core::memory::{MemoryComputeLogManager, MemoryStores};
use instance_launcher::instance_core::ops::{
    ClockAccess, ComputeLogAccess, EventReporter, EventReporterExt, IdAccess, LauncherOps,
    RunStoreAccess, RunWorkerOps, SettingsAccess, StoresAccess,
};
use instance_launcher::instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_launcher::instance_core::settings::InstanceSettings;
use instance_launcher::instance_core::storage::{
    ComputeLogManager, GuardedEvents, GuardedOutcome, Stores,
};
use instance_launcher::instance_core::{InstanceError, RunId};
use instance_launcher::{DefaultRunCoordinator, cancel_run, submit_run};

/// Executes each run at once. A launcher for a cluster would ask the cluster for a worker here, and return.
#[derive(Debug)]
struct InThisProcess;

#[async_trait]
impl RunLauncher for InThisProcess {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        let LaunchRunContext { dagster_run, instance, .. } = context;
        for event_type in [DagsterEventType::RunStart, DagsterEventType::RunSuccess] {
            let event = DagsterEvent::new(event_type, &dagster_run.job_name);
            instance.report_dagster_event(ReportEvent::new(event, &dagster_run.run_id)).await?;
        }
        Ok(())
    }

    async fn terminate(&self, _context: TerminateRunContext) -> Result<bool, BoxError> {
        // A run has ended before anybody could ask for its end.
        Ok(false)
    }
}

/// What the functions of this crate need of an instance, and no more. Clones are handles to the same instance.
#[derive(Clone)]
struct Instance {
    stores: Stores,
    logs: MemoryComputeLogManager,
    settings: Arc<InstanceSettings>,
}

impl StoresAccess for Instance {
    fn stores(&self) -> &Stores {
        &self.stores
    }
}

impl ComputeLogAccess for Instance {
    fn compute_log_manager(&self) -> &dyn ComputeLogManager {
        &self.logs
    }
}

impl SettingsAccess for Instance {
    fn settings(&self) -> &InstanceSettings {
        &self.settings
    }
}

impl ClockAccess for Instance {
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }
}

impl IdAccess for Instance {
    fn ids(&self) -> &dyn IdSource {
        &RandomIds
    }
}

#[async_trait]
impl EventReporter for Instance {
    async fn handle_new_event(&self, event: NewEvent) -> Result<(), InstanceError> {
        self.stores.run_event_store.store_run_events(&[event.entry]).await?;
        Ok(())
    }

    async fn handle_events_if(
        &self,
        change: GuardedEvents,
    ) -> Result<GuardedOutcome, InstanceError> {
        Ok(self.stores.run_event_store.store_run_events_if(&change).await?)
    }
}

impl RunWorkerOps for Instance {}

impl LauncherOps for Instance {
    fn run_coordinator(&self) -> &dyn RunCoordinator {
        &DefaultRunCoordinator
    }

    fn run_launcher(&self) -> &dyn RunLauncher {
        &InThisProcess
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stores = MemoryStores::default().stores();
    let settings = Arc::new(InstanceSettings::new("a directory that nobody needs"));
    let instance = Instance { stores, logs: MemoryComputeLogManager::default(), settings };
    let run_id: RunId = instance.ids().run_id();
    let run = DagsterRun::new(run_id.clone(), "hello");
    instance.run_store().add_run(&run, SystemClock.now()).await?;

    submit_run(&instance, &run_id).await?;
    let record = instance.run_store().get_run_record(&run_id).await?.ok_or("no run")?;
    println!("{run_id} ended as {}", record.dagster_run.status);
    assert_eq!(record.dagster_run.status, DagsterRunStatus::Success);
    assert!(!cancel_run(&instance, &run_id).await?, "there is nothing left to cancel");
    Ok(())
}
