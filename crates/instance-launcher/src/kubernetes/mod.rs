//! The launcher that executes each run in a Job of Kubernetes, which Dagster calls `K8sRunLauncher`.
//!
//! The Job is written as Dagster writes it, so both can stop, check and resume the workers that the other one started.

mod allowed;
mod api;
mod code_context;
mod connection;
mod context;
mod debug;
mod fields;
mod health;
mod job;
mod layers;
mod models;
mod names;
mod python_text;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use async_trait::async_trait;
use instance_core::error::{BoxError, InstanceError, chain};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{EngineEventData, MetadataEntry, ReportEngineEvent};
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchDeadline, LaunchRunContext, LaunchState,
    LaunchStateContext, LaunchTimeOver, ResumeRunContext, RunLauncher, RunWorkerDebugInfoContext,
    TerminateRunContext, WorkerStatus,
};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;
use instance_core::settings::{InstanceSettings, KubernetesSettings, StoreSettings};
use tokio::sync::OnceCell;

use crate::lifecycle::resume_run_attempts;
use crate::variables::LauncherVariables;
use api::{Api, ApiError, Patience};
use context::Context;
use names::job_name;

pub use job::KubernetesJob;

/// The name of Dagster's launcher, which texts of events have.
const REPORTER: &str = "K8sRunLauncher";

/// The tag that says which image a run has.
const IMAGE: &str = "dagster/image";

/// A launcher that executes each run in a Job of Kubernetes.
///
/// The cluster is looked for when it is first needed. A run needs `job_code_origin`; an image comes from there, from the
/// run's tags, or from the settings. The worker opens the instance by its reference, so its stores have to be in a database
/// that pods reach.
pub struct KubernetesRunLauncher {
    settings: KubernetesSettings,
    variables: LauncherVariables,
    patience: Patience,
    api: OnceCell<Api>,
}

impl std::fmt::Debug for KubernetesRunLauncher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubernetesRunLauncher")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl KubernetesRunLauncher {
    /// A launcher of these settings. `variables` are those of this process, to which configurations may refer.
    pub fn new(settings: KubernetesSettings, variables: LauncherVariables) -> Self {
        Self { settings, variables, patience: Patience::default(), api: OnceCell::new() }
    }

    async fn api(&self) -> Result<&Api, BoxError> {
        let connect = async || {
            let client = connection::client(&self.settings).await?;
            Ok(Api::new(client, self.patience))
        };
        self.api.get_or_try_init(connect).await
    }

    /// The namespace and the name of the newest Job of a run.
    async fn newest_job(
        &self,
        instance: &dyn LauncherOps,
        run: &DagsterRun,
    ) -> Result<(String, String), BoxError> {
        let context = Context::of_run(&self.settings, run, &self.variables)?;
        let attempts = resume_run_attempts(instance, &run.run_id).await?;
        Ok((context.namespace()?.to_owned(), job_name(&run.run_id, attempts)?))
    }

    async fn start(
        &self,
        instance: &dyn LauncherOps,
        run: &DagsterRun,
        attempt: Option<u32>,
        deadline: Option<LaunchDeadline>,
    ) -> Result<(), BoxError> {
        let settings = instance.settings();
        let reference = settings.required_instance_ref()?;
        refuse_files(settings)?;
        let job = KubernetesJob::of_run(&self.settings, run, attempt, reference, &self.variables)?;
        let api = self.api().await?;
        let tag = BTreeMap::from([(IMAGE.to_owned(), job.image.clone())]);
        instance.run_store().add_run_tags(&run.run_id, &tag, instance.clock().now()).await?;
        let metadata = [
            ("Kubernetes Job name", &*job.name),
            ("Kubernetes Namespace", &*job.namespace),
            ("Run ID", run.run_id.as_str()),
        ];
        let metadata = metadata.map(|(label, text)| MetadataEntry::text(label, text));
        let data = EngineEventData::new(metadata.into());
        report(instance, run, "Creating Kubernetes run worker job", data).await?;
        if deadline.is_some_and(|deadline| deadline.left(instance.clock()).is_none()) {
            return Err(LaunchTimeOver.into());
        }
        api.create_job(&job.namespace, &job.body).await?;
        report(instance, run, "Kubernetes run worker job created", EngineEventData::default())
            .await?;
        Ok(())
    }

    /// Deletes the Job of a run and its pods; `false` if one of them is not there.
    async fn delete(&self, namespace: &str, job: &str) -> Result<bool, BoxError> {
        let api = self.api().await?;
        let pods = api.pods_of(namespace, job).await?;
        let mut deleted = vec![api.delete_job(namespace, job).await];
        for pod in &pods {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            deleted.push(api.delete_pod(namespace, name).await);
        }
        // All of them are tried before the first error is told.
        let deleted: Vec<bool> = deleted.into_iter().collect::<Result<_, ApiError>>()?;
        Ok(deleted.into_iter().all(|deleted| deleted))
    }
}

/// Refuses stores that no pod can reach.
fn refuse_files(settings: &InstanceSettings) -> Result<(), InstanceError> {
    for (section, store) in settings.storage.each() {
        if matches!(store, StoreSettings::Sqlite(_) | StoreSettings::ConsolidatedSqlite(_)) {
            return Err(InstanceError::Config {
                place: section.to_owned(),
                reason: format!(
                    "it is {store}, and a pod cannot reach the SQLite files of this instance; keep it in Postgres"
                ),
                source: None,
            });
        }
    }
    Ok(())
}

async fn report(
    instance: &dyn LauncherOps,
    run: &DagsterRun,
    message: &str,
    data: EngineEventData,
) -> Result<(), InstanceError> {
    let report = ReportEngineEvent::new(run, message).with_data(data).with_reporter(REPORTER);
    instance.report_engine_event(report).await.map(drop)
}

#[async_trait]
impl RunLauncher for KubernetesRunLauncher {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        self.start(&*context.instance, &context.dagster_run, None, context.deadline).await
    }

    /// There is a Job, or there is none: the cluster knows.
    async fn launch_state(&self, context: LaunchStateContext) -> Result<LaunchState, BoxError> {
        let run = &context.dagster_run;
        let (namespace, job) = self.newest_job(&*context.instance, run).await?;
        Ok(match self.api().await?.job_status(&namespace, &job).await? {
            Some(_) => LaunchState::Launched,
            None => LaunchState::NotLaunched { answered_by: None },
        })
    }

    fn supports_resume_run(&self) -> bool {
        true
    }

    async fn resume_run(&self, context: ResumeRunContext) -> Result<(), BoxError> {
        let attempt = context.resume_attempt_number.unwrap_or(1);
        self.start(&*context.instance, &context.dagster_run, Some(attempt), None).await
    }

    /// Deletes the Job and its pods. That they could not be deleted is an event of the run, and `false`.
    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        let TerminateRunContext { dagster_run: run, instance, .. } = context;
        if run.status.is_finished() {
            return Ok(false);
        }
        instance.report_run_canceling(&run, None).await?;
        let (namespace, job) = self.newest_job(&*instance, &run).await?;
        let (message, data) = match self.delete(&namespace, &job).await {
            Ok(true) => {
                let message = "Run was terminated successfully.";
                report(&*instance, &run, message, EngineEventData::default()).await?;
                return Ok(true);
            }
            Ok(false) => (
                "Run was not terminated successfully; delete_job returned False",
                EngineEventData::default(),
            ),
            Err(error) => (
                "Run was not terminated successfully; encountered error in delete_job",
                EngineEventData::engine_error(SerializableErrorInfo::from_error(
                    "DagsterK8sUnrecoverableAPIError",
                    &*error,
                )),
            ),
        };
        report(&*instance, &run, message, data).await?;
        Ok(false)
    }

    fn supports_check_run_worker_health(&self) -> bool {
        true
    }

    async fn check_run_worker_health(
        &self,
        context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        let run = &context.dagster_run;
        let (namespace, job) = self.newest_job(&*context.instance, run).await?;
        let status =
            async { Ok::<_, BoxError>(self.api().await?.job_status(&namespace, &job).await?) };
        Ok(match status.await {
            Ok(status) => health::health(run.status, &job, status.as_ref()),
            Err(error) => CheckRunHealthResult::new(WorkerStatus::Unknown).with_msg(chain(&*error)),
        })
    }

    async fn get_run_worker_debug_info(
        &self,
        context: RunWorkerDebugInfoContext,
    ) -> Result<Option<String>, BoxError> {
        let (namespace, job) = self.newest_job(&*context.instance, &context.dagster_run).await?;
        let api = self.api().await?;
        let info = debug::debug_info(api, &namespace, &job, context.include_container_logs).await?;
        Ok(Some(info))
    }
}
