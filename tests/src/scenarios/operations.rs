//! What each step does: a method of the facade, with the recorded arguments.

use dagster_instance::assets::AssetCheckEvaluation;
use dagster_instance::event::{
    AssetMaterialization, AssetObservation, EngineEventData, FreshnessStateChange,
    FreshnessStateEvaluation, LogLevel,
};
use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::serdes::{Opaque, Unpack, deserialize_value, serialize_value};
use dagster_instance::{
    CreateReexecutedRun, CreateRun, DagsterInstance, NewEvent, ReexecutionStrategy,
    RegisterManagedRun, ReportEngineEvent, ReportEvent, RunId, RunlessAssetEvent,
};
use serde_json::Value;

use super::arguments::Arguments;
use super::code_location::{Recorded, job};
use super::graph::graph;
use super::keepers::Keepers;
use super::{Result, assets, launching, scheduling, storage};

/// Plays a step; returns what the method gives back, or null.
pub(super) async fn play(
    instance: &DagsterInstance,
    keepers: &mut Keepers,
    step: &Value,
    run_config: Option<Opaque>,
) -> Result<Value> {
    let name = Arguments(step).text("op")?;
    let arguments = Arguments(&step["args"]);
    if let Some(value) = storage::play(instance, name, arguments).await? {
        return Ok(value);
    }
    match name {
        "create_run" => create_run(instance, arguments, run_config).await,
        "register_managed_run" => register_managed_run(instance, arguments, run_config).await,
        "create_reexecuted_run" => create_reexecuted_run(instance, arguments, run_config).await,
        "add_run" => {
            let run = arguments.stored("run")?.ok_or("no run")?;
            Ok(given_back(&instance.add_run(run).await?))
        }
        _ => {
            if let Some(answer) = assets::play(instance, name, arguments).await? {
                return Ok(answer);
            }
            if let Some(answer) = launching::play(instance, name, arguments).await? {
                return Ok(answer);
            }
            if let Some(answer) = keepers.play(instance, name, arguments).await? {
                return Ok(answer);
            }
            if let Some(answer) = scheduling::play(instance, name, arguments).await? {
                return Ok(answer);
            }
            change(instance, name, arguments).await?;
            Ok(Value::Null)
        }
    }
}

fn given_back(run: &DagsterRun) -> Value {
    Value::from(serialize_value(run))
}

async fn change(instance: &DagsterInstance, name: &str, arguments: Arguments<'_>) -> Result<()> {
    match name {
        "add_run_tags" => {
            instance.add_run_tags(&run_id(arguments)?, &arguments.tags("tags")?).await?;
        }
        "delete_run" => instance.delete_run(&run_id(arguments)?).await?,
        "handle_run_event" => {
            let event = arguments.stored("event")?.ok_or("no event")?;
            let at = arguments.optional_float("timestamp")?.ok_or("no time")?;
            let at = dagster_instance::clock::datetime_of(at);
            instance.handle_run_event(&run_id(arguments)?, &event, at).await?;
        }
        "report_dagster_event" => {
            let event = arguments.stored("event")?.ok_or("no event")?;
            let mut report = ReportEvent::new(event, &run_id(arguments)?);
            report.level = LogLevel(arguments.number("level")?);
            report.timestamp = arguments.optional_float("timestamp")?;
            report.batch = arguments.batch()?;
            instance.report_dagster_event(report).await?;
        }
        "handle_new_event" => {
            let entry = arguments.stored("entry")?.ok_or("no entry")?;
            instance.handle_new_event(NewEvent::new(entry).with_batch(arguments.batch()?)).await?;
        }
        "store_event" => {
            let entry = arguments.stored("entry")?.ok_or("no entry")?;
            instance.store_event(&entry).await?;
        }
        "report_engine_event" => report_engine_event(instance, arguments).await?,
        "report_run_canceling" => {
            let run = run(instance, arguments).await?;
            instance.report_run_canceling(&run, arguments.owned_text("message")?).await?;
        }
        "report_run_canceled" => {
            let run = run(instance, arguments).await?;
            instance.report_run_canceled(&run, arguments.owned_text("message")?).await?;
        }
        "report_run_failed" => {
            let run = run(instance, arguments).await?;
            let data = arguments.stored("job_failure_data")?;
            instance.report_run_failed(&run, arguments.owned_text("message")?, data).await?;
        }
        "report_runless_asset_event" => {
            let event = runless_event(arguments.text("event")?)?;
            instance.report_runless_asset_event(event).await?;
        }
        other => return Err(format!("there is no operation {other}").into()),
    }
    Ok(())
}

fn run_id(arguments: Arguments<'_>) -> Result<RunId> {
    Ok(arguments.run_id("run_id")?.ok_or("no run id")?)
}

async fn run(instance: &DagsterInstance, arguments: Arguments<'_>) -> Result<DagsterRun> {
    let run = instance.get_run_by_id(&run_id(arguments)?).await?;
    Ok(run.ok_or("there is no such run")?)
}

async fn create_run(
    instance: &DagsterInstance,
    arguments: Arguments<'_>,
    run_config: Option<Opaque>,
) -> Result<Value> {
    let mut request = CreateRun::new(arguments.text("job_name")?);
    request.run_id = arguments.run_id("run_id")?;
    request.run_config = run_config;
    if let Some(status) = arguments.optional_text("status")? {
        request.status = DagsterRunStatus::from_name(status).ok_or("an unknown status")?;
    }
    request.tags = arguments.tags("tags")?;
    request.root_run_id = arguments.run_id("root_run_id")?;
    request.parent_run_id = arguments.run_id("parent_run_id")?;
    request.step_keys_to_execute = arguments.texts("step_keys_to_execute")?;
    request.execution_plan_snapshot = arguments.stored("execution_plan_snapshot")?;
    request.job_snapshot = arguments.stored("job_snapshot")?;
    request.parent_job_snapshot = arguments.stored("parent_job_snapshot")?;
    request.asset_selection = arguments.asset_keys("asset_selection")?.map(FromIterator::from_iter);
    request.asset_check_selection =
        arguments.check_keys("asset_check_selection")?.map(FromIterator::from_iter);
    request.resolved_op_selection = arguments.set_of_texts("resolved_op_selection")?;
    request.op_selection = arguments.texts("op_selection")?;
    request.remote_job_origin = arguments.stored("remote_job_origin")?;
    request.job_code_origin = arguments.stored("job_code_origin")?;
    request.asset_graph = Some(graph(arguments)?);
    Ok(given_back(&instance.create_run(request).await?))
}

async fn register_managed_run(
    instance: &DagsterInstance,
    arguments: Arguments<'_>,
    run_config: Option<Opaque>,
) -> Result<Value> {
    let mut request = RegisterManagedRun::new(RunId::runless(), arguments.text("job_name")?);
    request.run_id = arguments.run_id("run_id")?;
    request.run_config = run_config;
    request.resolved_op_selection = arguments.set_of_texts("resolved_op_selection")?;
    request.op_selection = arguments.texts("op_selection")?;
    request.step_keys_to_execute = arguments.texts("step_keys_to_execute")?;
    request.tags = arguments.tags("tags")?;
    request.root_run_id = arguments.run_id("root_run_id")?;
    request.parent_run_id = arguments.run_id("parent_run_id")?;
    request.job_snapshot = arguments.stored("job_snapshot")?;
    request.execution_plan_snapshot = arguments.stored("execution_plan_snapshot")?;
    request.parent_job_snapshot = arguments.stored("parent_job_snapshot")?;
    request.job_code_origin = arguments.stored("job_code_origin")?;
    Ok(given_back(&instance.register_managed_run(request).await?))
}

async fn create_reexecuted_run(
    instance: &DagsterInstance,
    arguments: Arguments<'_>,
    run_config: Option<Opaque>,
) -> Result<Value> {
    let strategy = match arguments.text("strategy")? {
        "ALL_STEPS" => ReexecutionStrategy::AllSteps,
        "FROM_FAILURE" => ReexecutionStrategy::FromFailure,
        "FROM_ASSET_FAILURE" => ReexecutionStrategy::FromAssetFailure,
        other => return Err(format!("there is no strategy {other}").into()),
    };
    let parent = arguments.run_id("parent_run_id")?.ok_or("no parent")?;
    let parent = instance.get_run_by_id(&parent).await?.ok_or("the parent is not there")?;
    let remote_job = job(arguments.get("remote_job")?.ok_or("no job")?)?;
    let mut request = CreateReexecutedRun::new(parent, remote_job, strategy);
    request.extra_tags = arguments.tags("extra_tags")?;
    request.run_config = run_config;
    request.use_parent_run_tags = arguments.is_true("use_parent_run_tags")?;
    request.asset_graph = Some(graph(arguments)?);
    let location = Recorded::of(arguments)?;
    Ok(given_back(&instance.create_reexecuted_run(&location, request).await?))
}

async fn report_engine_event(instance: &DagsterInstance, arguments: Arguments<'_>) -> Result<()> {
    let message = arguments.text("message")?;
    let mut report = match arguments.optional_text("job_name")? {
        Some(job_name) => ReportEngineEvent::from_ids(&run_id(arguments)?, job_name, message),
        None => ReportEngineEvent::new(&run(instance, arguments).await?, message),
    };
    report.step_key = arguments.owned_text("step_key")?;
    report.data = arguments.stored::<EngineEventData>("engine_event_data")?.unwrap_or_default();
    instance.report_engine_event(report).await?;
    Ok(())
}

/// What happened to an asset, by the class of the text.
fn runless_event(text: &str) -> Result<RunlessAssetEvent> {
    fn read<T: Unpack + Into<RunlessAssetEvent>>(text: &str) -> Result<RunlessAssetEvent> {
        Ok(deserialize_value::<T>(text)?.into())
    }
    let document: Value = serde_json::from_str(text)?;
    match document["__class__"].as_str() {
        Some("AssetMaterialization") => read::<AssetMaterialization>(text),
        Some("AssetObservation") => read::<AssetObservation>(text),
        Some("AssetCheckEvaluation") => read::<AssetCheckEvaluation>(text),
        Some("FreshnessStateEvaluation") => read::<FreshnessStateEvaluation>(text),
        Some("FreshnessStateChange") => read::<FreshnessStateChange>(text),
        other => Err(format!("{other:?} is no event of an asset").into()),
    }
}
