//! A real code location as the facade sees it: every question goes to the pinned Dagster, in a process of its own.

use async_trait::async_trait;
use dagster_instance::code_location::{CodeLocation, RemoteJob};
use dagster_instance::error::BoxError;
use dagster_instance::serdes::{Opaque, deserialize_value, serialize_value};
use dagster_instance::snap::{ExecutionPlanSnapshot, KnownExecutionState};
use dagster_instance::{AssetCheckKey, AssetKey, CreateRun, RunId};
use serde_json::{Value, json};

use crate::dagster::dagster_with_input;
use crate::home::Home;
use crate::scenarios::{recorded_graph, recorded_job};

/// The script that answers.
const SCRIPT: &str = "code_location.py";

/// One job of the code location `tests/python/execution_definitions.py`.
#[derive(Debug)]
pub struct PythonJob {
    name: String,
    document: Value,
}

/// How Dagster executed a run.
#[derive(Debug)]
pub struct Executed {
    /// The status of the run.
    pub status: String,
    /// The steps that began, in their order.
    pub steps: Vec<String>,
    /// The types of all events of the run, in their order.
    pub events: Vec<String>,
}

impl PythonJob {
    /// The job of this name.
    pub fn named(name: &str) -> Self {
        let document = dagster_with_input(SCRIPT, &[], &json!({"job": name}));
        Self { name: name.to_owned(), document }
    }

    /// The job as the code location tells it.
    ///
    /// # Errors
    ///
    /// The recorded document has no such job.
    pub fn remote_job(&self) -> Result<RemoteJob, BoxError> {
        recorded_job(&self.document)
    }

    /// The assets of the code location.
    ///
    /// # Errors
    ///
    /// The recorded document has no such graph.
    pub fn asset_graph(
        &self,
    ) -> Result<std::sync::Arc<dyn dagster_instance::assets::AssetGraph>, BoxError> {
        recorded_graph(&self.document)
    }

    /// A run of the whole job, as it is to be created.
    ///
    /// # Errors
    ///
    /// The recorded document has no such job, or no plan of it.
    pub async fn whole_run(&self) -> Result<CreateRun, BoxError> {
        let job = self.remote_job()?;
        let mut request = CreateRun::new(&*self.name);
        request.execution_plan_snapshot =
            Some(self.get_execution_plan(&job, &Opaque::empty_object(), None, None).await?);
        request.job_snapshot = Some(job.job_snapshot);
        request.parent_job_snapshot = job.parent_job_snapshot;
        request.asset_selection = job.asset_selection;
        request.asset_check_selection = job.asset_check_selection;
        request.tags = job.tags;
        request.remote_job_origin = Some(job.remote_job_origin);
        request.job_code_origin = job.job_code_origin;
        request.asset_graph = Some(self.asset_graph()?);
        Ok(request)
    }
}

/// Has Dagster execute a run that was created.
pub fn execute(home: &Home, run_id: &RunId) -> Executed {
    executed(json!({"home": home.path(), "run_id": run_id.as_str()}))
}

/// Has Dagster execute a run in the instance that a serialised reference names.
pub fn execute_by_reference(reference: &str, run_id: &RunId) -> Executed {
    executed(json!({"reference": reference, "run_id": run_id.as_str()}))
}

fn executed(question: Value) -> Executed {
    let question = json!({"execute": question});
    let answer = dagster_with_input(SCRIPT, &[], &question);
    let texts = |key: &str| {
        let list = answer[key].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Executed {
        status: answer["status"].as_str().unwrap_or_default().to_owned(),
        steps: texts("steps"),
        events: texts("events"),
    }
}

/// A question about a job, or a part of it.
fn about(name: &str, assets: Option<&[AssetKey]>, checks: Option<&[AssetCheckKey]>) -> Value {
    let check = |key: &AssetCheckKey| json!({"asset_key": key.asset_key.path, "name": key.name});
    json!({
        "name": name,
        "asset_selection": assets.map(|keys| keys.iter().map(|key| &key.path).collect::<Vec<_>>()),
        "asset_check_selection": checks.map(|keys| keys.iter().map(check).collect::<Vec<_>>()),
    })
}

async fn ask(question: Value) -> Result<Value, BoxError> {
    // It waits for a process.
    Ok(tokio::task::spawn_blocking(move || dagster_with_input(SCRIPT, &[], &question)).await?)
}

#[async_trait]
impl CodeLocation for PythonJob {
    async fn get_job(
        &self,
        _: &RemoteJob,
        asset_selection: &[AssetKey],
        asset_check_selection: &[AssetCheckKey],
    ) -> Result<RemoteJob, BoxError> {
        let part = about(&self.name, Some(asset_selection), Some(asset_check_selection));
        recorded_job(&ask(json!({"get_job": part})).await?)
    }

    async fn get_execution_plan(
        &self,
        job: &RemoteJob,
        run_config: &Opaque,
        step_keys_to_execute: Option<&[String]>,
        known_state: Option<&KnownExecutionState>,
    ) -> Result<ExecutionPlanSnapshot, BoxError> {
        let assets =
            job.asset_selection.as_ref().map(dagster_instance::serdes::FrozenSet::as_slice);
        let checks =
            job.asset_check_selection.as_ref().map(dagster_instance::serdes::FrozenSet::as_slice);
        let mut question = about(&self.name, assets, checks);
        question["run_config"] = run_config.to_json()?;
        question["step_keys_to_execute"] = json!(step_keys_to_execute);
        question["known_state"] = json!(known_state.map(serialize_value));
        let plan = ask(json!({"get_execution_plan": question})).await?;
        Ok(deserialize_value(plan.as_str().ok_or("the plan is no text")?)?)
    }
}
