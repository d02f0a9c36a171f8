//! An instance whose runs fail and are retried, with a code location and a run domain that do as they are told.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::AssetGraph;
use instance_core::code_location::{CodeLocation, CodeLocationError, RemoteJob, Workspace};
use instance_core::error::{BoxError, InstanceError};
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel, ReportEvent};
use instance_core::ids::RunId;
use instance_core::ops::{CreateReexecutedRun, EventReporterExt as _, RunReexecutor};
use instance_core::run::{DagsterRun, DagsterRunStatus, GrpcServerCodeLocationOrigin};
use instance_core::serdes::{Opaque, deserialize_value};
use instance_core::settings::RunRetries;
use instance_core::snap::{ExecutionPlanSnapshot, KnownExecutionState};
use instance_core::testing::instance::TestInstance;
use instance_core::testing::launching::ToldLauncher;
use instance_launcher::retries::{RetryConsumer, RetryLook};

use crate::support::{launching, new_run};

/// Some job, without ops.
const JOB: &str = include_str!("../fixtures/job.json");

/// What the code location answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Answers,
    IsAway,
    LacksRepository,
    LacksJob,
    Fails,
}

/// All that retries need.
#[derive(Debug)]
pub(super) struct World {
    pub(super) instance: TestInstance,
    pub(super) launcher: ToldLauncher,
    pub(super) code: Arc<Told>,
    workspace: Arc<dyn Workspace>,
    pub(super) consumer: RetryConsumer,
}

#[derive(Debug)]
pub(super) struct Told(Mutex<Code>);

impl Told {
    pub(super) fn becomes(&self, code: Code) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = code;
    }

    fn code(&self) -> Code {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Runs are retried twice, and launched at once.
    pub(super) fn new() -> Self {
        let launcher = ToldLauncher::default();
        let mut instance = launching(launcher.clone());
        instance.settings.run_retries = RunRetries::new().with_enabled(true).with_max_retries(2);
        let code = Arc::new(Told(Mutex::new(Code::Answers)));
        let workspace = Arc::new(Double(Arc::clone(&code)));
        Self { instance, launcher, code, workspace, consumer: RetryConsumer::new() }
    }

    pub(super) async fn look(&mut self) -> Result<RetryLook, InstanceError> {
        let reexecutor = Reexecutor(self.instance.clone());
        self.consumer.look(&self.instance, &self.workspace, &reexecutor, None).await
    }

    /// A keeper that begins, in the place of the one that there was.
    pub(super) fn restart(&mut self) {
        self.consumer = RetryConsumer::new();
    }

    /// A run that has failed, with its tag by which others know whether it is retried.
    pub(super) async fn failed(&self, tags: &[(&str, &str)]) -> Result<RunId, BoxError> {
        let mut run = new_run(&self.instance, DagsterRunStatus::Started);
        run.tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let run_id = run.run_id.clone();
        self.instance.add_run(run).await;
        self.fails(&run_id).await?;
        Ok(run_id)
    }

    pub(super) async fn fails(&self, run_id: &RunId) -> Result<(), BoxError> {
        let event = DagsterEvent::new(DagsterEventType::RunFailure, "job");
        self.instance.report_dagster_event(ReportEvent::new(event, run_id)).await?;
        Ok(())
    }

    /// A run whose event of a failure is stored, and whose status is not yet.
    pub(super) async fn fails_in_its_log_alone(&self) -> Result<RunId, BoxError> {
        let run = new_run(&self.instance, DagsterRunStatus::Started);
        let run_id = run.run_id.clone();
        self.instance.add_run(run).await;
        let event = DagsterEvent::new(DagsterEventType::RunFailure, "job");
        let entry = EventLogEntry::of_event(event, run_id.clone(), LogLevel::ERROR, 1.5);
        self.instance.stores.event_log_storage.store_events(&[entry]).await?;
        Ok(run_id)
    }

    /// The values of both cursors.
    pub(super) async fn cursors(&self) -> Result<Vec<String>, BoxError> {
        let prefix = "EVENT_LOG_CONSUMER_CURSOR-";
        let found = self.instance.stores.run_storage.get_cursor_values_beginning(prefix).await?;
        Ok(found
            .into_iter()
            .map(|(key, value)| format!("{}: {value}", &key[prefix.len()..]))
            .collect())
    }
}

#[derive(Debug)]
struct Double(Arc<Told>);

#[async_trait]
impl Workspace for Double {
    async fn code_location(&self, _: &str) -> Result<Arc<dyn CodeLocation>, BoxError> {
        if self.0.code() == Code::IsAway {
            let source = "connection refused".into();
            let target = "localhost:1".to_owned();
            return Err(Box::new(CodeLocationError::Unreachable {
                target,
                code: "UNAVAILABLE",
                source,
            }));
        }
        Ok(Arc::new(Self(Arc::clone(&self.0))))
    }

    async fn code_server(&self, _: &str) -> Result<GrpcServerCodeLocationOrigin, BoxError> {
        Err("no server is asked for".into())
    }
}

#[async_trait]
impl CodeLocation for Double {
    async fn get_job(
        &self,
        _: &RemoteJob,
        _: &[AssetKey],
        _: &[AssetCheckKey],
    ) -> Result<RemoteJob, BoxError> {
        Err("no part is asked for".into())
    }

    async fn get_job_of_ops(&self, _: &RemoteJob, _: &[String]) -> Result<RemoteJob, BoxError> {
        Err("no part is asked for".into())
    }

    async fn get_job_of_run(&self, _: &str, run: &DagsterRun) -> Result<RemoteJob, BoxError> {
        let missing = |what, name: &str| {
            Err(CodeLocationError::not_served(what, name, "the location", []).into())
        };
        match self.0.code() {
            Code::LacksRepository => missing("repository", "shop"),
            Code::LacksJob => missing("job", &run.job_name),
            Code::Fails => Err("the job cannot be told".into()),
            _ => {
                let origin = run.remote_job_origin.clone().ok_or("no origin")?;
                Ok(RemoteJob::new(deserialize_value(JOB)?, *origin))
            }
        }
    }

    async fn get_asset_graph(
        &self,
        _: &str,
        _: &ExecutionPlanSnapshot,
    ) -> Result<Option<Arc<dyn AssetGraph>>, BoxError> {
        Ok(None)
    }

    async fn get_execution_plan(
        &self,
        _: &RemoteJob,
        _: &Opaque,
        _: Option<&[String]>,
        _: Option<&KnownExecutionState>,
    ) -> Result<ExecutionPlanSnapshot, BoxError> {
        Err("no plan is asked for".into())
    }
}

/// The run domain, which creates the run as it is asked to.
#[derive(Debug)]
pub(super) struct Reexecutor(pub(super) TestInstance);

#[async_trait]
impl RunReexecutor for Reexecutor {
    async fn reexecute(
        &self,
        _: &dyn CodeLocation,
        request: CreateReexecutedRun,
    ) -> Result<DagsterRun, InstanceError> {
        let parent = request.parent_run;
        let run_id = request.run_id.ok_or_else(|| InstanceError::invalid("run", "", "no id"))?;
        let mut run = DagsterRun::new(run_id.clone(), &parent.job_name);
        run.remote_job_origin.clone_from(&parent.remote_job_origin);
        run.job_code_origin.clone_from(&parent.job_code_origin);
        let root = parent.root_run_id.clone().unwrap_or_else(|| parent.run_id.clone());
        run.tags = request.extra_tags;
        run.tags.insert("dagster/root_run_id".to_owned(), root.to_string());
        run.tags.insert("dagster/parent_run_id".to_owned(), parent.run_id.to_string());
        (run.root_run_id, run.parent_run_id) = (Some(root), Some(parent.run_id));
        let now = instance_core::clock::Clock::now(&*self.0.clock);
        self.0.stores.run_storage.add_run(&run, now).await?;
        Ok(run)
    }
}
