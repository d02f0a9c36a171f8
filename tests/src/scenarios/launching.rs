//! What steps about launching do: the methods of the facade, on an instance that the settings of a scenario describe.

use std::path::PathBuf;

use dagster_instance::run::DagsterRun;
use dagster_instance::serdes::serialize_value;
use dagster_instance::settings::{InstanceSettings, RunMonitoringSettings};
use dagster_instance::{
    DagsterInstance, DagsterInstanceBuilder, LoadSettings, ProcessEnvironment, load_settings_of,
};
use serde_json::{Map, Value, json};

use super::Result;
use super::arguments::Arguments;
use super::launcher_double::{CoordinatorDouble, LauncherDouble};

/// Plays a step; `None` if it is not about launching.
pub(super) async fn play(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    if !OPERATIONS.contains(&name) {
        return Ok(None);
    }
    let run_id = arguments.run_id("run_id")?.ok_or("no run id")?;
    let run = |run: DagsterRun| Value::from(serialize_value(&run));
    let answer = |answer: Value| Value::from(answer.to_string());
    Ok(Some(match name {
        "submit_run" => run(instance.submit_run(&run_id).await?),
        "launch_run" => run(instance.launch_run(&run_id).await?),
        "resume_run" => {
            let attempt = arguments.number("attempt_number")?;
            run(instance.resume_run(&run_id, attempt).await?)
        }
        "cancel_run" | "terminate_run" => answer(json!(instance.cancel_run(&run_id).await?)),
        "force_cancel_run" => run(instance.force_cancel_run(&run_id).await?),
        "count_resume_run_attempts" => {
            answer(json!(instance.count_resume_run_attempts(&run_id).await?))
        }
        _ => answer(json!(instance.run_will_resume(&run_id).await?)),
    }))
}

const OPERATIONS: [&str; 8] = [
    "submit_run",
    "launch_run",
    "resume_run",
    "cancel_run",
    "terminate_run",
    "force_cancel_run",
    "count_resume_run_attempts",
    "run_will_resume",
];

/// A builder of the instance in a directory, with the doubles that the settings of a scenario name.
pub(super) fn builder(home: &str, settings: &Value) -> Result<DagsterInstanceBuilder> {
    let mut builder = DagsterInstance::builder();
    if settings["run_monitoring"].is_null() {
        builder = builder.home(PathBuf::from(home));
    } else {
        builder = builder.settings(monitoring(home, &settings["run_monitoring"])?);
    }
    if settings["run_launcher"]["class"] == "LauncherDouble" {
        builder = builder.run_launcher(LauncherDouble::new(&settings["run_launcher"]["config"])?);
    }
    if settings["run_coordinator"]["class"] == "CoordinatorDouble" {
        builder = builder.run_coordinator(CoordinatorDouble);
    }
    Ok(builder)
}

/// The settings of a directory with this monitoring of runs. A class that is not Dagster's cannot be read with it from the
/// file, as nobody knows then whether the launcher resumes runs.
fn monitoring(home: &str, section: &Value) -> Result<InstanceSettings> {
    let without = Map::from_iter([("run_monitoring".to_owned(), json!({}))]);
    let request = LoadSettings::new(home).with_overrides(without);
    let mut settings = load_settings_of(&request, &ProcessEnvironment)?;
    let number = |name: &str, default: i64| section[name].as_i64().unwrap_or(default);
    let default = RunMonitoringSettings::new();
    settings.run_monitoring = default
        .with_enabled(section["enabled"] == true)
        .with_start_timeout_seconds(number("start_timeout_seconds", default.start_timeout_seconds))
        .with_cancel_timeout_seconds(number(
            "cancel_timeout_seconds",
            default.cancel_timeout_seconds,
        ))
        .with_max_runtime_seconds(number("max_runtime_seconds", default.max_runtime_seconds))
        .with_max_resume_run_attempts(number(
            "max_resume_run_attempts",
            default.max_resume_run_attempts,
        ))
        .with_free_slots_after_run_end_seconds(
            section["free_slots_after_run_end_seconds"].as_i64(),
        );
    Ok(settings)
}
