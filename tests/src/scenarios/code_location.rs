//! The code location of a recorded step, and the workspace that has it: it answers what the real one was asked, in that
//! order, and nothing else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dagster_instance::assets::AssetGraph;
use dagster_instance::code_location::{CodeLocation, CodeLocationError, RemoteJob, Workspace};
use dagster_instance::error::BoxError;
use dagster_instance::run::{DagsterRun, GrpcServerCodeLocationOrigin};
use dagster_instance::serdes::{FrozenSet, Opaque, SetOrder, deserialize_value, serialize_value};
use dagster_instance::snap::{ExecutionPlanSnapshot, KnownExecutionState};
use dagster_instance::{AssetCheckKey, AssetKey};
use serde_json::{Value, json};

use super::Result;
use super::arguments::Arguments;
use super::graph::graph;

/// What the real one was asked, with its answers, and its assets.
#[derive(Debug)]
pub(super) struct Recorded {
    calls: Mutex<VecDeque<Value>>,
    graph: Arc<dyn AssetGraph>,
}

impl Recorded {
    /// That of a step.
    pub(super) fn of(arguments: Arguments<'_>) -> Result<Self> {
        let calls = arguments.list("code_location")?.iter().cloned().collect();
        Ok(Self { calls: Mutex::new(calls), graph: graph(arguments)? })
    }

    fn answer(&self, name: &str, asked: &Value) -> Result<Value> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let mut call = calls.pop_front().ok_or_else(|| format!("{name} was not asked for"))?;
        let recorded = call.get(name).cloned().unwrap_or_default();
        if in_order(recorded) != in_order(asked.clone()) {
            return Err(format!("asked {name} {asked} where {call} was recorded").into());
        }
        match call.get("error").and_then(Value::as_str) {
            Some(error) => Err(refusal(&call, error)),
            None => Ok(call["answer"].take()),
        }
    }

    /// Whether the code has something of this name.
    fn has(&self, what: &'static str, name: &str) -> Result<()> {
        if self.answer(&format!("has_{what}"), &json!({"name": name}))? == true {
            return Ok(());
        }
        Err(CodeLocationError::not_served(what, name, "the recorded location", []).into())
    }
}

/// The error of a call: one of ours, if the recorder says which.
fn refusal(call: &Value, error: &str) -> BoxError {
    match call.get("reason").and_then(Value::as_str) {
        Some("not served") => {
            let name = call["get_code_location"]["name"].as_str().unwrap_or_default();
            CodeLocationError::not_served("code location", name, "the recorded workspace", [])
                .into()
        }
        Some("unreachable") => CodeLocationError::Unreachable {
            target: "localhost:1".to_owned(),
            code: "UNAVAILABLE",
            source: error.into(),
        }
        .into(),
        _ => error.into(),
    }
}

/// The question with its sets in order. The steps are one, too: Dagster names those for the keys of a dynamic output in
/// the order of a set.
fn in_order(mut question: Value) -> Value {
    for set in ["step_keys_to_execute", "asset_selection", "asset_check_selection"] {
        if let Some(items) = question.get_mut(set).and_then(Value::as_array_mut) {
            items.sort_by_key(ToString::to_string);
        }
    }
    question
}

fn check_key(key: &AssetCheckKey) -> Value {
    json!({"asset_key": key.asset_key.path, "name": key.name})
}

/// A job as it was recorded.
pub(super) fn job(document: &Value) -> Result<RemoteJob> {
    let job = Arguments(document);
    let plain = job.texts("plain_sets")?.unwrap_or_default();
    let origin = job.stored("remote_origin")?.ok_or("a job without an origin")?;
    let snapshot = job.stored("job_snapshot")?.ok_or("a job without a snapshot")?;
    let assets = job.asset_keys("asset_selection")?.map(set("asset_selection", &plain));
    let checks = job.check_keys("asset_check_selection")?.map(set("asset_check_selection", &plain));
    let mut remote_job = RemoteJob::new(snapshot, origin)
        .with_tags(job.tags("tags")?)
        .with_asset_selection(assets)
        .with_asset_check_selection(checks);
    remote_job.parent_job_snapshot = job.stored("parent_job_snapshot")?;
    remote_job.job_code_origin = job.stored("python_origin")?;
    Ok(remote_job)
}

/// How a set of this name was written.
fn set<T: SetOrder + PartialEq>(name: &str, plain: &[String]) -> impl Fn(Vec<T>) -> FrozenSet<T> {
    let is_plain = plain.iter().any(|plain| plain == name);
    move |items| if is_plain { FrozenSet::mutable(items) } else { FrozenSet::from_iter(items) }
}

#[async_trait]
impl CodeLocation for Recorded {
    async fn get_job(
        &self,
        _: &RemoteJob,
        asset_selection: &[AssetKey],
        asset_check_selection: &[AssetCheckKey],
    ) -> Result<RemoteJob> {
        let checks = asset_check_selection.iter().map(check_key);
        let asked = json!({
            "asset_selection": asset_selection.iter().map(|key| &key.path).collect::<Vec<_>>(),
            "asset_check_selection": checks.collect::<Vec<_>>(),
        });
        job(&self.answer("get_job", &asked)?)
    }

    async fn get_job_of_ops(&self, _: &RemoteJob, op_selection: &[String]) -> Result<RemoteJob> {
        Err(format!("no recorded step asks for a part by ops, and {op_selection:?} was asked for")
            .into())
    }

    async fn get_job_of_run(&self, repository: &str, run: &DagsterRun) -> Result<RemoteJob> {
        self.has("repository", repository)?;
        self.has("job", &run.job_name)?;
        let assets = run.asset_selection.iter().flat_map(FrozenSet::as_slice);
        let checks = run.asset_check_selection.iter().flat_map(FrozenSet::as_slice);
        let asked = json!({
            "repository_name": repository,
            "job_name": run.job_name,
            "op_selection": run.op_selection,
            "asset_selection": assets.map(|key| &key.path).collect::<Vec<_>>(),
            "asset_check_selection": checks.map(check_key).collect::<Vec<_>>(),
        });
        job(&self.answer("get_job_of_run", &asked)?)
    }

    async fn get_asset_graph(
        &self,
        _: &str,
        _: &ExecutionPlanSnapshot,
    ) -> Result<Option<Arc<dyn AssetGraph>>> {
        Ok(Some(Arc::clone(&self.graph)))
    }

    async fn get_execution_plan(
        &self,
        _: &RemoteJob,
        run_config: &Opaque,
        step_keys_to_execute: Option<&[String]>,
        known_state: Option<&KnownExecutionState>,
    ) -> Result<ExecutionPlanSnapshot> {
        let asked = json!({
            "run_config": run_config.to_json()?,
            "step_keys_to_execute": step_keys_to_execute,
            "known_state": known_state.map(serialize_value),
        });
        let plan = self.answer("get_execution_plan", &asked)?;
        Ok(deserialize_value(plan.as_str().ok_or("the plan is no text")?)?)
    }
}

/// The workspace of a recorded step.
#[derive(Debug)]
pub(super) struct RecordedWorkspace(pub(super) Arc<Recorded>);

#[async_trait]
impl Workspace for RecordedWorkspace {
    async fn code_location(&self, name: &str) -> Result<Arc<dyn CodeLocation>> {
        self.0.answer("get_code_location", &json!({"name": name}))?;
        Ok(Arc::clone(&self.0) as Arc<dyn CodeLocation>)
    }

    async fn code_server(&self, name: &str) -> Result<GrpcServerCodeLocationOrigin> {
        Err(format!("no recorded step asks for a server, and that of {name} was asked for").into())
    }
}
