//! A real code location as the facade sees it: every question goes to the pinned Dagster, in a process that answers one
//! at a time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dagster_instance::assets::AssetGraph;
use dagster_instance::code_location::{CodeLocation, RemoteJob};
use dagster_instance::error::BoxError;
use dagster_instance::run::DagsterRun;
use dagster_instance::serdes::{Opaque, deserialize_value, serialize_value};
use dagster_instance::snap::{ExecutionPlanSnapshot, KnownExecutionState};
use dagster_instance::{AssetCheckKey, AssetKey, CreateRun, RunId};
use serde_json::{Value, json};

use crate::dagster::dagster_script;
use crate::home::Home;
use crate::scenarios::{recorded_graph, recorded_job};

/// The script that answers.
const SCRIPT: &str = "code_location.py";

/// Processes that have answered and wait for the next question: each takes seconds to start. They end when their input
/// does, so with this process at the latest.
static IDLE: Mutex<Vec<Process>> = Mutex::new(Vec::new());

/// A process that answers.
struct Process {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start() -> Self {
        // What Dagster logs of the runs is of no use here.
        let child = dagster_script(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        match child.map(|mut child| (child.stdin.take(), child.stdout.take(), child)) {
            Ok((Some(questions), Some(answers), child)) => {
                Self { child, questions, answers: BufReader::new(answers) }
            }
            other => panic!("{SCRIPT} could not be started: {other:?}"),
        }
    }

    fn answer(&mut self, question: &Value) -> Value {
        let mut line = String::new();
        let asked = writeln!(self.questions, "{question}");
        let answered = asked.and_then(|()| self.answers.read_line(&mut line));
        let mut answer = match (answered, serde_json::from_str::<Value>(&line)) {
            (Ok(_), Ok(answer)) => answer,
            failed => panic!("{SCRIPT}: {failed:?}, and it is {:?}", self.child.try_wait()),
        };
        match answer.get_mut("answer") {
            Some(answer) => answer.take(),
            None => panic!("{SCRIPT} {question}: {}", answer["error"].as_str().unwrap_or_default()),
        }
    }
}

/// The answer to a question. A process that fails is not used again.
fn answer_to(question: &Value) -> Value {
    let idle = || IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let waiting = idle().pop();
    let mut process = waiting.unwrap_or_else(Process::start);
    let answer = process.answer(question);
    idle().push(process);
    answer
}

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
        let document = answer_to(&json!({"job": name}));
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
    pub fn asset_graph(&self) -> Result<Arc<dyn AssetGraph>, BoxError> {
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
    executed(&json!({"home": home.path(), "run_id": run_id.as_str()}))
}

/// Has Dagster execute a run in the instance that a serialised reference names.
pub fn execute_by_reference(reference: &str, run_id: &RunId) -> Executed {
    executed(&json!({"reference": reference, "run_id": run_id.as_str()}))
}

fn executed(question: &Value) -> Executed {
    let question = json!({"execute": question});
    let answer = answer_to(&question);
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
    Ok(tokio::task::spawn_blocking(move || answer_to(&question)).await?)
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

    async fn get_job_of_ops(
        &self,
        _: &RemoteJob,
        op_selection: &[String],
    ) -> Result<RemoteJob, BoxError> {
        Err(format!("{SCRIPT} has no parts by ops, and was asked for {op_selection:?}").into())
    }

    async fn get_job_of_run(&self, _: &str, run: &DagsterRun) -> Result<RemoteJob, BoxError> {
        Err(format!("{SCRIPT} tells no jobs of runs, and was asked for that of {}", run.run_id)
            .into())
    }

    async fn get_asset_graph(
        &self,
        _: &str,
        _: &ExecutionPlanSnapshot,
    ) -> Result<Option<Arc<dyn AssetGraph>>, BoxError> {
        Ok(Some(self.asset_graph()?))
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
