//! What steps about launching do: the methods of the facade, and the launcher and the coordinator that the settings of a
//! scenario name.
//!
//! Their counterparts in Python are in `tests/python/scenarios/launcher_double.py`.

use std::path::PathBuf;

use async_trait::async_trait;
use dagster_instance::event::{DagsterEvent, DagsterEventType, ReportEvent};
use dagster_instance::launcher::{
    CancelRunContext, LaunchRunContext, ResumeRunContext, RunCoordinator, RunLauncher,
    SubmitRunContext, TerminateRunContext,
};
use dagster_instance::ops::{EventReporterExt, LauncherOps};
use dagster_instance::run::DagsterRun;
use dagster_instance::serdes::serialize_value;
use dagster_instance::settings::{InstanceSettings, RunMonitoringSettings};
use dagster_instance::{
    DagsterInstance, DagsterInstanceBuilder, InstanceError, LoadSettings, ProcessEnvironment,
    ReportEngineEvent, load_settings_of,
};
use serde_json::{Map, Value, json};

use super::Result;
use super::arguments::Arguments;

/// Plays a step; `None` if it is not about launching.
pub(super) async fn play(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    if !OPERATIONS.contains(&name) {
        return Ok(None);
    }
    let run_id = arguments.run_id("run_id")?.ok_or("no run id")?;
    let run = |run: DagsterRun| Value::from(serialize_value(&run));
    let answer = |answer: Value| Value::from(answer.to_string());
    Ok(Some(match name {
        "submit_run" => run(instance.submit_run(&run_id).await?),
        "launch_run" => run(instance.launch_run(&run_id).await?),
        "resume_run" => {
            let attempt = arguments.number("attempt_number")?;
            run(instance.resume_run(&run_id, attempt).await?)
        }
        "cancel_run" | "terminate_run" => answer(json!(instance.cancel_run(&run_id).await?)),
        "force_cancel_run" => run(instance.force_cancel_run(&run_id).await?),
        "count_resume_run_attempts" => {
            answer(json!(instance.count_resume_run_attempts(&run_id).await?))
        }
        _ => answer(json!(instance.run_will_resume(&run_id).await?)),
    }))
}

const OPERATIONS: [&str; 8] = [
    "submit_run",
    "launch_run",
    "resume_run",
    "cancel_run",
    "terminate_run",
    "force_cancel_run",
    "count_resume_run_attempts",
    "run_will_resume",
];

/// A builder of the instance in a directory, with the doubles that the settings of a scenario name.
pub(super) fn builder(home: &str, settings: &Value) -> Result<DagsterInstanceBuilder> {
    let mut builder = DagsterInstance::builder();
    if settings["run_monitoring"].is_null() {
        builder = builder.home(PathBuf::from(home));
    } else {
        builder = builder.settings(monitoring(home, &settings["run_monitoring"])?);
    }
    if settings["run_launcher"]["class"] == "LauncherDouble" {
        let does = |what: &str| match settings["run_launcher"]["config"][what].as_str() {
            None | Some("works") => Ok(Does::Work),
            Some("throws") => Ok(Does::Throw),
            Some("finishes") => Ok(Does::Finish),
            Some("refuses") => Ok(Does::Refuse),
            Some("absent") => Ok(Does::Lack),
            Some(other) => Err(format!("a launcher cannot do {other}")),
        };
        builder = builder.run_launcher(LauncherDouble {
            launch: does("launch")?,
            resume: does("resume")?,
            terminate: does("terminate")?,
        });
    }
    if settings["run_coordinator"]["class"] == "CoordinatorDouble" {
        builder = builder.run_coordinator(CoordinatorDouble);
    }
    Ok(builder)
}

/// The settings of a directory with this monitoring of runs. A class that is not Dagster's cannot be read with it from the
/// file, as nobody knows then whether the launcher resumes runs.
fn monitoring(home: &str, section: &Value) -> Result<InstanceSettings> {
    let without = Map::from_iter([("run_monitoring".to_owned(), json!({}))]);
    let request = LoadSettings::new(home).with_overrides(without);
    let mut settings = load_settings_of(&request, &ProcessEnvironment)?;
    let number = section["max_resume_run_attempts"].as_i64().ok_or("no number of attempts")?;
    settings.run_monitoring = RunMonitoringSettings::new()
        .with_enabled(section["enabled"] == true)
        .with_max_resume_run_attempts(number);
    Ok(settings)
}

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

/// An error with a cause.
fn no_worker() -> std::io::Error {
    std::io::Error::other(std::io::Error::other("the cluster is full"))
}

#[derive(Debug)]
struct LauncherDouble {
    launch: Does,
    resume: Does,
    terminate: Does,
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
struct CoordinatorDouble;

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
