//! The code location of a recorded step: it answers what the real one was asked, in that order, and nothing else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dagster_instance::assets::AssetGraph;
use dagster_instance::code_location::{CodeLocation, RemoteJob};
use dagster_instance::run::DagsterRun;
use dagster_instance::serdes::{FrozenSet, Opaque, SetOrder, deserialize_value, serialize_value};
use dagster_instance::snap::{ExecutionPlanSnapshot, KnownExecutionState};
use dagster_instance::{AssetCheckKey, AssetKey};
use serde_json::{Value, json};

use super::Result;
use super::arguments::Arguments;

/// What the real one was asked, with its answers.
#[derive(Debug)]
pub(super) struct Recorded(Mutex<VecDeque<Value>>);

impl Recorded {
    pub(super) fn new(calls: &[Value]) -> Self {
        Self(Mutex::new(calls.iter().cloned().collect()))
    }

    fn answer(&self, name: &str, asked: &Value) -> Result<Value> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut call = calls.pop_front().ok_or_else(|| format!("{name} was not asked for"))?;
        let recorded = call.get(name).cloned().unwrap_or_default();
        if in_order(recorded) != in_order(asked.clone()) {
            return Err(format!("asked {name} {asked} where {call} was recorded").into());
        }
        match call.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.into()),
            None => Ok(call["answer"].take()),
        }
    }
}

/// The question with its steps in order: the order in which Dagster names those for the keys of a dynamic output
/// is that of a set.
fn in_order(mut question: Value) -> Value {
    if let Some(steps) = question.get_mut("step_keys_to_execute").and_then(Value::as_array_mut) {
        steps.sort_by_key(ToString::to_string);
    }
    question
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
        let checks = asset_check_selection
            .iter()
            .map(|key| json!({"asset_key": key.asset_key.path, "name": key.name}));
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

    async fn get_job_of_run(&self, _: &str, run: &DagsterRun) -> Result<RemoteJob> {
        Err(format!(
            "no recorded step asks for the job of a run, and that of {} was asked for",
            run.run_id
        )
        .into())
    }

    async fn get_asset_graph(
        &self,
        repository: &str,
        _: &ExecutionPlanSnapshot,
    ) -> Result<Option<Arc<dyn AssetGraph>>> {
        Err(format!("no recorded step asks for assets, and those of {repository} were asked for")
            .into())
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
