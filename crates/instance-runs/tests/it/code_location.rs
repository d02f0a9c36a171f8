//! A code location that remembers what it is asked.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::AssetGraph;
use instance_core::code_location::{CodeLocation, RemoteJob};
use instance_core::error::BoxError;
use instance_core::ids::SnapshotId;
use instance_core::run::{
    DagsterRun, RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin,
};
use instance_core::serdes::{FrozenSet, Opaque, UnknownFields};
use instance_core::snap::{
    ExecutionPlanSnapshot, ExecutionStepSnap, JobLineageSnap, KnownExecutionState,
};
use instance_runs::CommandJob;

/// A question, with what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    Job {
        job: String,
        assets: Vec<AssetKey>,
        checks: Vec<AssetCheckKey>,
    },
    Plan {
        job: String,
        run_config: Opaque,
        steps: Option<Vec<String>>,
        known_state: Option<Box<KnownExecutionState>>,
    },
}

/// Which question is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fails {
    #[default]
    Never,
    AtJobs,
    AtPlans,
}

/// The code location. A part of a job is called `part`, and the steps of a plan have the keys that were asked
/// for.
#[derive(Debug, Default)]
pub(crate) struct Location {
    fails: Fails,
    asked: Mutex<Vec<Asked>>,
}

impl Location {
    /// One that does not answer some of the questions.
    pub(crate) fn that_fails(fails: Fails) -> Self {
        Self { fails, ..Self::default() }
    }

    /// What was asked, in its order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer<T>(&self, asked: Asked, fails: Fails, answer: T) -> Result<T, BoxError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        if self.fails == fails { Err("it is gone".into()) } else { Ok(answer) }
    }
}

#[async_trait]
impl CodeLocation for Location {
    async fn get_job(
        &self,
        job: &RemoteJob,
        asset_selection: &[AssetKey],
        asset_check_selection: &[AssetCheckKey],
    ) -> Result<RemoteJob, BoxError> {
        let (assets, checks) = (asset_selection.to_vec(), asset_check_selection.to_vec());
        let lineage = JobLineageSnap {
            asset_check_selection: None,
            asset_selection: None,
            parent_snapshot_id: job.job_snapshot.snapshot_id(),
            op_selection: None,
            resolved_op_selection: None,
            unknown: UnknownFields::default(),
        };
        let mut part = job
            .clone()
            .with_parent_job_snapshot(job.job_snapshot.clone())
            .with_asset_selection(FrozenSet::from_iter(assets.clone()))
            .with_asset_check_selection(FrozenSet::from_iter(checks.clone()));
        "part".clone_into(&mut part.job_snapshot.name);
        part.job_snapshot.lineage_snapshot = Some(lineage);
        let asked = Asked::Job { job: job.job_snapshot.name.clone(), assets, checks };
        self.answer(asked, Fails::AtJobs, part)
    }

    async fn get_job_of_ops(
        &self,
        job: &RemoteJob,
        op_selection: &[String],
    ) -> Result<RemoteJob, BoxError> {
        // Re-execution selects steps, and never ops.
        Err(format!("{} was asked for its ops {op_selection:?}", job.job_snapshot.name).into())
    }

    async fn get_job_of_run(
        &self,
        repository: &str,
        run: &DagsterRun,
    ) -> Result<RemoteJob, BoxError> {
        // Whoever creates a run has its job.
        Err(format!("the job of the run {} of {repository} was asked for", run.run_id).into())
    }

    async fn get_asset_graph(
        &self,
        repository: &str,
        _: &ExecutionPlanSnapshot,
    ) -> Result<Option<Arc<dyn AssetGraph>>, BoxError> {
        Err(format!("the assets of {repository} were asked for").into())
    }

    async fn get_execution_plan(
        &self,
        job: &RemoteJob,
        run_config: &Opaque,
        step_keys_to_execute: Option<&[String]>,
        known_state: Option<&KnownExecutionState>,
    ) -> Result<ExecutionPlanSnapshot, BoxError> {
        let plan = ExecutionPlanSnapshot {
            initial_known_state: known_state.cloned(),
            step_keys_to_execute: step_keys_to_execute.unwrap_or_default().to_vec(),
            ..plan(Vec::new())
        };
        let asked = Asked::Plan {
            job: job.job_snapshot.name.clone(),
            run_config: run_config.clone(),
            steps: step_keys_to_execute.map(<[String]>::to_vec),
            known_state: known_state.cloned().map(Box::new),
        };
        self.answer(asked, Fails::AtPlans, plan)
    }
}

/// A job named `j`, with a tag.
pub(crate) fn remote_job() -> Result<RemoteJob, instance_core::InstanceError> {
    let job_snapshot = CommandJob::new("j", &[], false)?.snapshots().job;
    let origin = RemoteJobOrigin {
        repository_origin: RemoteRepositoryOrigin {
            code_location_origin: RegisteredCodeLocationOrigin {
                location_name: "defs".to_owned(),
                unknown: UnknownFields::default(),
            }
            .into(),
            repository_name: "r".to_owned(),
            unknown: UnknownFields::default(),
        },
        job_name: "j".to_owned(),
        unknown: UnknownFields::default(),
    };
    Ok(RemoteJob::new(job_snapshot, origin).with_tags([("of".to_owned(), "job".to_owned())].into()))
}

/// A plan of which all steps are executed.
pub(crate) fn plan(steps: Vec<ExecutionStepSnap>) -> ExecutionPlanSnapshot {
    ExecutionPlanSnapshot {
        artifacts_persisted: true,
        executor_name: None,
        initial_known_state: None,
        job_snapshot_id: SnapshotId::from("j"),
        repository_load_data: None,
        snapshot_version: Some(1),
        step_keys_to_execute: steps.iter().map(|step| step.key.clone()).collect(),
        steps,
        unknown: UnknownFields::default(),
    }
}
