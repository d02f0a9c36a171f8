//! The launcher that has a code server start the worker of a run, which Dagster calls `DefaultRunLauncher`.
//!
//! The worker is a child of the server and a process of its own: it outlives a server that is killed.

mod grpc_info;
mod health;
mod launch_state;
mod worker;

use std::collections::BTreeMap;

use async_trait::async_trait;
use instance_core::code_location::payloads::ExecuteRemoteJobArgs;
use instance_core::code_location::{CodeLocationError, Workspace};
use instance_core::error::BoxError;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{EngineEventData, ReportEngineEvent};
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, LaunchState, LaunchStateContext,
    LaunchTimeOver, LaunchUncertain, RunLauncher, TerminateRunContext,
};
use instance_core::ops::EventReporterExt;
use instance_core::run::{CodeLocationOrigin, DagsterRun};
use instance_core::serdes::UnknownFields;
use instance_core::settings::GrpcLimits;

use crate::code::{CodeServerClient, GrpcTarget};
pub(crate) use grpc_info::GRPC_INFO;
use grpc_info::GrpcInfo;
use worker::WorkerProcess;

/// The name of Dagster's launcher, which texts of events have.
const REPORTER: &str = "DefaultRunLauncher";

/// A launcher that has a run's code server start its worker.
#[derive(Debug, Clone)]
pub struct CodeServerRunLauncher {
    limits: Result<GrpcLimits, String>,
}

impl CodeServerRunLauncher {
    /// A launcher whose calls have these limits.
    pub const fn new(limits: GrpcLimits) -> Self {
        Self { limits: Ok(limits) }
    }

    /// The place of a launcher whose limits are not usable. Whatever is asked of a server is an error with this text.
    pub fn unusable(problem: impl Into<String>) -> Self {
        Self { limits: Err(problem.into()) }
    }

    fn client(&self, target: GrpcTarget) -> Result<CodeServerClient, BoxError> {
        Ok(CodeServerClient::new(target, self.limits.clone()?)?)
    }
}

/// Where the code of a run is served. A server that is started for a workspace is found in it, by the name of its location.
async fn target_of(
    run: &DagsterRun,
    workspace: Option<&dyn Workspace>,
) -> Result<GrpcTarget, BoxError> {
    let run_id = &run.run_id;
    let Some(origin) = &run.remote_job_origin else {
        return Err(format!("run {run_id} does not say where its code is").into());
    };
    let repository = &origin.repository_origin;
    let name = repository.location_name().unwrap_or_default();
    let started;
    let server = match (&repository.code_location_origin, workspace) {
        (CodeLocationOrigin::GrpcServer(server), _) => server,
        (_, Some(workspace)) => {
            started = workspace.code_server(name).await?;
            &started
        }
        (_, None) => {
            return Err(format!(
                "run {run_id} is from the code location {name:?}, whose server is started for a workspace, and here is no \
                 workspace; launch it where the workspace is known"
            )
            .into());
        }
    };
    GrpcTarget::of_origin(server).ok_or_else(|| {
        format!("run {run_id} is from the code location {name:?}, whose origin has neither a port nor a socket").into()
    })
}

#[async_trait]
impl RunLauncher for CodeServerRunLauncher {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        let LaunchRunContext { dagster_run: run, instance, workspace, deadline, .. } = context;
        let client = self.client(target_of(&run, workspace.as_deref()).await?)?;
        let Some(job_origin) = run.remote_job_origin.as_deref().cloned() else {
            return Err(format!("run {} does not say where its code is", run.run_id).into());
        };
        let instance_ref = instance.settings().required_instance_ref()?.clone();
        let server_id = client.get_server_id().await;
        // Dagster sets the tag before it calls the server, so a run has it even if no server is there.
        let info = GrpcInfo::of(client.target(), server_id.as_ref().ok().cloned()).to_text();
        let tag = BTreeMap::from([(GRPC_INFO.to_owned(), info)]);
        instance.run_store().add_run_tags(&run.run_id, &tag, instance.clock().now()).await?;
        if let Err(error) = server_id {
            return Err(report_ipc_error(&*instance, &run, error).await);
        }
        let args = ExecuteRemoteJobArgs {
            instance_ref: Some(instance_ref),
            job_origin,
            run_id: run.run_id.clone(),
            unknown: UnknownFields::default(),
        };
        let left = match deadline {
            Some(deadline) => Some(deadline.left(instance.clock()).ok_or(LaunchTimeOver)?),
            None => None,
        };
        let result = match client.start_run_within(&args, left).await {
            Ok(result) => result,
            Err(error) => {
                // The server was there a moment ago. It may have started the worker before it went away.
                let is_uncertain = matches!(
                    error,
                    CodeLocationError::TimedOut { .. } | CodeLocationError::Unreachable { .. }
                );
                let error = report_ipc_error(&*instance, &run, error).await;
                return Err(if is_uncertain { Box::new(LaunchUncertain(error)) } else { error });
            }
        };
        if result.success {
            return Ok(());
        }
        Err(Box::new(NotStarted {
            message: result.message,
            source: result.serializable_error_info.map(CodeLocationError::user_code),
        }))
    }

    async fn launch_state(&self, context: LaunchStateContext) -> Result<LaunchState, BoxError> {
        self.state_of_launch(&*context.instance, &context.dagster_run).await
    }

    /// Reaches the worker by its server. If the server is gone and the worker's process goes on, on this machine, the
    /// process is asked.
    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        let TerminateRunContext { dagster_run: run, instance, .. } = context;
        if run.status.is_finished() {
            return Ok(false);
        }
        let Some(info) = GrpcInfo::of_run(&run)? else {
            instance.report_run_canceling(&run, None).await?;
            let message = "Unable to get grpc client to send termination request to.";
            let report = ReportEngineEvent::new(&run, message).with_reporter(REPORTER);
            instance.report_engine_event(report).await?;
            return Ok(false);
        };
        let target = info.target;
        let client = self.client(target.clone())?;
        let has_it = client.can_cancel_execution(&run.run_id).await;
        if matches!(has_it, Ok(true)) {
            instance.report_run_canceling(&run, None).await?;
            let result = client.cancel_execution(&run.run_id).await?;
            return match result.serializable_error_info {
                Some(info) => Err(Box::new(CodeLocationError::user_code(info))),
                None => Ok(result.success),
            };
        }
        // Its server is another one by now, or gone.
        if target.is_local()
            && let Some(worker) = WorkerProcess::find(&*instance, &run.run_id).await?
        {
            match worker.is_alive() {
                Some(true) => {
                    // The worker reports that it was canceled only if it finds that it is to be.
                    instance.report_run_canceling(&run, None).await?;
                    return worker.stop(&*instance, &run.run_id).await;
                }
                // Nobody is left who could be asked.
                Some(false) => return Ok(false),
                None => {}
            }
        }
        has_it.map_err(Into::into)
    }

    fn supports_check_run_worker_health(&self) -> bool {
        true
    }

    async fn check_run_worker_health(
        &self,
        context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        self.health(&*context.instance, &context.dagster_run).await
    }
}

/// Reports a call that failed on its way, as Dagster's client does before its launcher reports the same.
async fn report_ipc_error(
    instance: &dyn instance_core::ops::LauncherOps,
    run: &DagsterRun,
    error: CodeLocationError,
) -> BoxError {
    let info = SerializableErrorInfo::from_error("DagsterUserCodeUnreachableError", &error);
    let report = ReportEngineEvent::new(run, "Unexpected error in IPC client")
        .with_data(EngineEventData::engine_error(info));
    if let Err(second) = instance.report_engine_event(report).await {
        tracing::error!(run_id = %run.run_id, %second, "an error of a call is not reported");
    }
    error.into()
}

/// The server did not start the worker. The text is that of Dagster.
#[derive(Debug, thiserror::Error)]
#[error("{}", message.as_deref().unwrap_or("None"))]
struct NotStarted {
    message: Option<String>,
    source: Option<CodeLocationError>,
}
