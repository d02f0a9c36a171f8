//! The launcher and the coordinator that the settings of a scenario name: they do as these say.
//!
//! Their counterparts in Python are in `tests/python/scenarios/launcher_double.py`.

use async_trait::async_trait;
use dagster_instance::event::{DagsterEvent, DagsterEventType, ReportEvent};
use dagster_instance::launcher::{
    CancelRunContext, CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext,
    ResumeRunContext, RunCoordinator, RunLauncher, RunWorkerDebugInfoContext, SubmitRunContext,
    TerminateRunContext, WorkerStatus,
};
use dagster_instance::ops::{EventReporterExt, LauncherOps};
use dagster_instance::run::DagsterRun;
use dagster_instance::{InstanceError, ReportEngineEvent};
use serde_json::Value;

use super::Result;

/// What a double does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Work,
    Throw,
    /// The run ends meanwhile.
    Finish,
    Refuse,
    /// It has no such method.
    Lack,
}

impl Does {
    fn named(name: &str) -> Option<Self> {
        match name {
            "works" => Some(Self::Work),
            "throws" => Some(Self::Throw),
            "finishes" => Some(Self::Finish),
            "refuses" => Some(Self::Refuse),
            "absent" => Some(Self::Lack),
            _ => None,
        }
    }
}

/// What it says of a worker when it is asked how the worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Is(WorkerStatus),
    Throw,
    /// The run ends meanwhile.
    Finish,
    /// It has no such method.
    Lack,
}

impl Health {
    fn named(name: &str) -> Option<Self> {
        match name {
            "works" => Some(Self::Is(WorkerStatus::Running)),
            "SUCCESS" => Some(Self::Is(WorkerStatus::Success)),
            "FAILED" => Some(Self::Is(WorkerStatus::Failed)),
            "NOT_FOUND" => Some(Self::Is(WorkerStatus::NotFound)),
            "UNKNOWN" => Some(Self::Is(WorkerStatus::Unknown)),
            "throws" => Some(Self::Throw),
            "finishes" => Some(Self::Finish),
            "absent" => Some(Self::Lack),
            _ => None,
        }
    }
}

/// What else it knows of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knows {
    /// It has no such method.
    Lack,
    Tell,
    /// An empty text.
    TellNothing,
    Throw,
    /// It tells, and the run ends meanwhile.
    Finish,
}

impl Knows {
    fn named(name: &str) -> Option<Self> {
        match name {
            "works" => Some(Self::Lack),
            "tells" => Some(Self::Tell),
            "tells nothing" => Some(Self::TellNothing),
            "throws" => Some(Self::Throw),
            "finishes" => Some(Self::Finish),
            _ => None,
        }
    }
}

/// An error with a cause.
fn no_worker() -> std::io::Error {
    std::io::Error::other(std::io::Error::other("the cluster is full"))
}

/// A launcher that does as its settings say.
#[derive(Debug)]
pub(super) struct LauncherDouble {
    launch: Does,
    resume: Does,
    terminate: Does,
    health: Health,
    debug: Knows,
}

impl LauncherDouble {
    /// The launcher of a configuration. What it does not say works.
    pub(super) fn new(config: &Value) -> Result<Self> {
        Ok(Self {
            launch: named(config, "launch", Does::named)?,
            resume: named(config, "resume", Does::named)?,
            terminate: named(config, "terminate", Does::named)?,
            health: named(config, "health", Health::named)?,
            debug: named(config, "debug", Knows::named)?,
        })
    }
}

fn named<T>(config: &Value, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T> {
    let name = config[what].as_str().unwrap_or("works");
    Ok(read(name).ok_or_else(|| format!("{what} of a launcher cannot be {name:?}"))?)
}

#[async_trait]
impl RunLauncher for LauncherDouble {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<()> {
        start("launch", self.launch, &context.dagster_run, &*context.instance).await
    }

    fn supports_resume_run(&self) -> bool {
        self.resume != Does::Lack
    }

    async fn resume_run(&self, context: ResumeRunContext) -> Result<()> {
        start("resume", self.resume, &context.dagster_run, &*context.instance).await
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool> {
        let TerminateRunContext { dagster_run: run, instance, .. } = context;
        if run.status.is_finished() {
            return Ok(false);
        }
        match self.terminate {
            Does::Refuse | Does::Lack => return Ok(false),
            Does::Throw => return Err(no_worker().into()),
            Does::Finish => {
                ends(&[DagsterEventType::RunSuccess], &run, &*instance).await?;
                return Ok(false);
            }
            Does::Work => {}
        }
        instance.report_run_canceling(&run, None).await?;
        Ok(true)
    }

    fn supports_check_run_worker_health(&self) -> bool {
        self.health != Health::Lack
    }

    async fn check_run_worker_health(
        &self,
        context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult> {
        let status = match self.health {
            Health::Is(status) => status,
            Health::Throw | Health::Lack => return Err(no_worker().into()),
            Health::Finish => {
                let CheckRunHealthContext { dagster_run: run, instance, .. } = context;
                ends(&[DagsterEventType::RunSuccess], &run, &*instance).await?;
                WorkerStatus::Failed
            }
        };
        let health = CheckRunHealthResult::new(status);
        Ok(if status == WorkerStatus::Failed { health.with_msg("exit code 137") } else { health })
    }

    async fn get_run_worker_debug_info(
        &self,
        context: RunWorkerDebugInfoContext,
    ) -> Result<Option<String>> {
        let RunWorkerDebugInfoContext {
            dagster_run: run, instance, include_container_logs, ..
        } = context;
        match self.debug {
            Knows::Lack => return Ok(None),
            Knows::TellNothing => return Ok(Some(String::new())),
            Knows::Throw => return Err(no_worker().into()),
            Knows::Finish => ends(&[DagsterEventType::RunSuccess], &run, &*instance).await?,
            Knows::Tell => {}
        }
        let logs = if include_container_logs { "with" } else { "without" };
        Ok(Some(format!("It was on node 7, {logs} its logs.")))
    }
}

async fn start(what: &str, does: Does, run: &DagsterRun, instance: &dyn LauncherOps) -> Result<()> {
    if matches!(does, Does::Throw | Does::Lack) {
        return Err(no_worker().into());
    }
    let message = format!("[LauncherDouble] {what}");
    instance.report_engine_event(ReportEngineEvent::new(run, message)).await?;
    if does == Does::Finish {
        ends(&[DagsterEventType::RunStart, DagsterEventType::RunSuccess], run, instance).await?;
    }
    Ok(())
}

async fn ends(
    types: &[DagsterEventType],
    run: &DagsterRun,
    instance: &dyn LauncherOps,
) -> Result<()> {
    for event_type in types {
        let event = DagsterEvent::new(*event_type, &run.job_name);
        instance.report_dagster_event(ReportEvent::new(event, &run.run_id)).await?;
    }
    Ok(())
}

/// A coordinator with which nothing works.
#[derive(Debug)]
pub(super) struct CoordinatorDouble;

impl CoordinatorDouble {
    fn error(run: &DagsterRun) -> InstanceError {
        InstanceError::Launch { run_id: run.run_id.clone(), source: no_worker().into() }
    }
}

#[async_trait]
impl RunCoordinator for CoordinatorDouble {
    async fn submit_run(
        &self,
        context: SubmitRunContext,
    ) -> std::result::Result<DagsterRun, InstanceError> {
        Err(Self::error(&context.dagster_run))
    }

    async fn cancel_run(
        &self,
        context: CancelRunContext,
    ) -> std::result::Result<bool, InstanceError> {
        Err(Self::error(&context.dagster_run))
    }

    fn requires_origins(&self) -> bool {
        // Dagster asks for them before any coordinator.
        true
    }
}
