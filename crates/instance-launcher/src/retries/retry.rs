//! Retrying one run: what is known about it is asked, and what was decided is done.

use std::collections::BTreeMap;
use std::sync::Arc;

use instance_core::code_location::{CodeLocation, CodeLocationError, Workspace};
use instance_core::error::{BoxError, InstanceError, StorageError};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::metadata::DagsterRunMetadataValue;
use instance_core::event::{EngineEventData, MetadataEntry, ReportEngineEvent};
use instance_core::ids::RunId;
use instance_core::ops::{CreateReexecutedRun, EventReporterExt, KeeperOps, RunReexecutor};
use instance_core::run::{DagsterRun, DagsterRunStatus, ReexecutionStrategy, retry_run_id};
use instance_core::serdes::UnknownFields;
use instance_core::tags;

use super::decide::{RetryFacts, RetryVerdict, missing_will_retry, verdict};
use crate::away::is_away;
use crate::lifecycle::submit;
use crate::read::{engine_events, existing_run};

/// What a run is asked.
#[derive(Debug)]
pub(super) struct Question<'q> {
    pub(super) run_id: &'q RunId,
    /// Whether it failed before the keeper began: then only its tag says whether it is retried, for it may have failed
    /// before anything was retried at all.
    pub(super) is_old: bool,
    /// Whether it was asked for so long that this is the last time.
    pub(super) is_over: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Considered {
    /// Nothing more is to be done about it. The run that was created, if one was.
    Decided { created: Option<RunId> },
    /// It cannot be decided now.
    NotYet,
}

const DONE: Considered = Considered::Decided { created: None };

/// By what runs are retried.
pub(super) struct Retrying<'r> {
    pub(super) ops: &'r dyn KeeperOps,
    pub(super) workspace: &'r Arc<dyn Workspace>,
    pub(super) reexecutor: &'r dyn RunReexecutor,
}

/// Why a run was not retried.
#[derive(Debug)]
enum Obstacle {
    /// Its code is away, and may come back.
    Away(InstanceError),
    /// Something that people are told of in these words.
    Refused(String),
    /// Anything else.
    Failed(InstanceError),
}

impl From<InstanceError> for Obstacle {
    fn from(error: InstanceError) -> Self {
        Self::Failed(error)
    }
}

impl Retrying<'_> {
    /// Decides about a run that has an event of a failure, and retries it if it is to be retried.
    pub(super) async fn consider(
        &self,
        question: &Question<'_>,
    ) -> Result<Considered, InstanceError> {
        let Some(record) = self.ops.run_store().get_run_record(question.run_id).await? else {
            return Ok(DONE);
        };
        let mut run = record.dagster_run;
        let is_untold =
            run.status == DagsterRunStatus::Failure && !run.tags.contains_key(tags::WILL_RETRY);
        if question.is_old && is_untold {
            return Ok(Considered::NotYet);
        }
        let (facts, settings) = (self.facts(&run).await?, self.ops.settings().run_retries);
        if let Some(will_retry) = missing_will_retry(&run, &facts, &settings) {
            self.tag(&mut run, tags::WILL_RETRY, &will_retry.to_string()).await?;
        }
        match verdict(&run, &facts, &settings) {
            RetryVerdict::NotYet => {
                if question.is_over {
                    tracing::warn!(run_id = %run.run_id, status = %run.status, "the run has an event of a failure, and has not ended; it is not retried");
                }
                Ok(Considered::NotYet)
            }
            RetryVerdict::No { event: None } => Ok(DONE),
            RetryVerdict::No { event: Some(event) } => {
                self.tell_once(&run, event).await?;
                Ok(DONE)
            }
            RetryVerdict::Again { existing, submit, set_tag } => {
                if set_tag {
                    self.tag(&mut run, tags::AUTO_RETRY_RUN_ID, existing.as_str()).await?;
                }
                if submit {
                    return self.told(&run, question, self.submit(&existing).await).await;
                }
                Ok(DONE)
            }
            RetryVerdict::New { strategy, retry_number, warning } => {
                let retry = self.create(&mut run, strategy, retry_number, warning);
                let retried = Box::pin(retry).await;
                self.told(&run, question, retried).await
            }
        }
    }

    async fn facts(&self, run: &DagsterRun) -> Result<RetryFacts, InstanceError> {
        if run.status != DagsterRunStatus::Failure {
            return Ok(RetryFacts::new());
        }
        let group = match self.ops.run_store().get_run_group(&run.run_id).await {
            Err(StorageError::RunNotFound { .. }) => None,
            found => found?.map(|group| group.runs),
        };
        let retry = match run.tags.get(tags::AUTO_RETRY_RUN_ID) {
            None => None,
            Some(id) => self.ops.run_store().get_run_record(&RunId::from(id.as_str())).await?,
        };
        let backfill = match run.tags.get(tags::BACKFILL_ID) {
            None => None,
            Some(id) => self.ops.backfill_store().get_backfill(id).await?,
        };
        Ok(RetryFacts::new()
            .with_group(group)
            .with_retry(retry.map(|record| record.dagster_run))
            .with_backfill(backfill.map(|backfill| backfill.status)))
    }

    /// Creates the retry of a run and submits it. If it was created before, it is submitted if it was not yet.
    async fn create(
        &self,
        run: &mut DagsterRun,
        strategy: ReexecutionStrategy,
        retry_number: usize,
        warning: Option<String>,
    ) -> Result<Option<RunId>, Obstacle> {
        let (location, job) = self.job(run).await?;
        if let Some(warning) = warning {
            self.tell_once(run, warning).await?;
        }
        let run_id = retry_run_id(&run.run_id);
        let number = BTreeMap::from([(tags::RETRY_NUMBER.to_owned(), retry_number.to_string())]);
        let request = CreateReexecutedRun::new(run.clone(), job, strategy)
            .with_extra_tags(number)
            .with_run_id(run_id.clone())
            .with_use_parent_run_tags(true);
        let created = match self.reexecutor.reexecute(&*location, request).await {
            Ok(created) => created,
            Err(InstanceError::Storage(StorageError::RunAlreadyExists { .. })) => {
                // Another keeper has created it at this moment.
                self.tag(run, tags::AUTO_RETRY_RUN_ID, run_id.as_str()).await?;
                let existing = existing_run(self.ops, &run_id).await?;
                if existing.status != DagsterRunStatus::NotStarted {
                    return Ok(None);
                }
                return self.submit(&run_id).await;
            }
            Err(InstanceError::CodeLocation { action, source }) => {
                let is_away = source.downcast_ref().is_some_and(is_away);
                let error = InstanceError::CodeLocation { action, source };
                return Err(if is_away { Obstacle::Away(error) } else { Obstacle::Failed(error) });
            }
            Err(error) => return Err(error.into()),
        };
        self.tag(run, tags::AUTO_RETRY_RUN_ID, created.run_id.as_str()).await?;
        self.tell_of(run, "Retrying the run", "new run", &created.run_id).await?;
        self.tell_of(&created, "Launched as an automatic retry", "failed run", &run.run_id).await?;
        self.submit(&created.run_id).await?;
        Ok(Some(created.run_id))
    }

    /// The code location of a run, and the job of the run there.
    async fn job(
        &self,
        run: &DagsterRun,
    ) -> Result<(Arc<dyn CodeLocation>, instance_core::code_location::RemoteJob), Obstacle> {
        let Some(origin) = &run.remote_job_origin else {
            return Err(Obstacle::Refused(String::new()));
        };
        let origin = &origin.repository_origin;
        let (repository, name) =
            (&origin.repository_name, origin.location_name().unwrap_or_default());
        let asked = |action: &'static str| {
            move |source: BoxError| InstanceError::CodeLocation { action, source }
        };
        let location = self.workspace.code_location(name).await.map_err(|source| {
            // Code that cannot be loaded now may be mended at this moment.
            let is_unknown = matches!(
                source.downcast_ref(),
                Some(CodeLocationError::NotServed { .. } | CodeLocationError::Unnamed { .. })
            );
            let error = asked("open the code location")(source);
            if is_unknown { Obstacle::Failed(error) } else { Obstacle::Away(error) }
        })?;
        let job = location.get_job_of_run(repository, run).await.map_err(|source| {
            let missing = match source.downcast_ref() {
                Some(CodeLocationError::NotServed { what, .. }) => Some(*what),
                _ => None,
            };
            match missing {
                Some("repository") => Obstacle::Refused(format!(
                    "Could not find repository {repository} in location {name}, unable to retry the run. It was likely \
                     renamed or deleted."
                )),
                Some("job") => Obstacle::Refused(format!(
                    "Could not find job {} in repository {repository}, unable to retry the run. It was likely renamed \
                     or deleted.",
                    run.job_name
                )),
                _ if source.downcast_ref().is_some_and(is_away) => Obstacle::Away(asked("tell the job")(source)),
                _ => Obstacle::Failed(asked("tell the job")(source)),
            }
        })?;
        Ok((location, job))
    }

    async fn submit(&self, run_id: &RunId) -> Result<Option<RunId>, Obstacle> {
        submit(self.ops, run_id, Some(Arc::clone(self.workspace))).await?;
        Ok(None)
    }

    /// Tells people why a run was not retried. What may pass by itself is tried again, for a while.
    async fn told(
        &self,
        run: &DagsterRun,
        question: &Question<'_>,
        retried: Result<Option<RunId>, Obstacle>,
    ) -> Result<Considered, InstanceError> {
        let error = match retried {
            Ok(created) => return Ok(Considered::Decided { created }),
            Err(Obstacle::Refused(event)) => {
                self.tell_once(run, event).await?;
                return Ok(DONE);
            }
            Err(Obstacle::Away(error)) if !question.is_over => return Err(error),
            // Nothing can be told either.
            Err(Obstacle::Failed(error @ InstanceError::Storage(_))) if !question.is_over => {
                return Err(error);
            }
            Err(Obstacle::Away(error) | Obstacle::Failed(error)) => error,
        };
        tracing::warn!(run_id = %run.run_id, %error, "the run is not retried");
        let info = SerializableErrorInfo::from_error("RetryError", &error);
        let report = ReportEngineEvent::new(run, "Failed to retry run")
            .with_data(EngineEventData::engine_error(info));
        self.ops.report_engine_event(report).await?;
        self.tag(&mut run.clone(), tags::WILL_RETRY, "false").await?;
        Ok(DONE)
    }

    /// Tells something of another run.
    async fn tell_of(
        &self,
        run: &DagsterRun,
        message: &str,
        label: &str,
        other: &RunId,
    ) -> Result<(), InstanceError> {
        let (run_id, unknown) = (other.clone(), UnknownFields::default());
        let entry = MetadataEntry::new(label, DagsterRunMetadataValue { run_id, unknown });
        let report =
            ReportEngineEvent::new(run, message).with_data(EngineEventData::new(vec![entry]));
        self.ops.report_engine_event(report).await.map(drop)
    }

    /// Tells something, unless it was told before: a run may be looked at several times.
    async fn tell_once(&self, run: &DagsterRun, message: String) -> Result<(), InstanceError> {
        let told = engine_events(self.ops, &run.run_id).await?;
        if told.iter().any(|entry| entry.message() == message) {
            return Ok(());
        }
        self.ops.report_engine_event(ReportEngineEvent::new(run, message)).await.map(drop)
    }

    /// Gives a run a tag. One that was deleted meanwhile needs none.
    async fn tag(&self, run: &mut DagsterRun, key: &str, value: &str) -> Result<(), InstanceError> {
        run.tags.insert(key.to_owned(), value.to_owned());
        let tag = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        match self.ops.run_store().add_run_tags(&run.run_id, &tag, self.ops.clock().now()).await {
            Err(StorageError::RunNotFound { .. }) => Ok(()),
            other => Ok(other?),
        }
    }
}
