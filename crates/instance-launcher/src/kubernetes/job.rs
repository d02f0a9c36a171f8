//! The Job of a run, as JSON.

use instance_core::code_location::payloads::{ExecuteRunArgs, ResumeRunArgs};
use instance_core::error::BoxError;
use instance_core::instance_ref::InstanceRef;
use instance_core::run::{DagsterRun, JobPythonOrigin};
use instance_core::serdes::{UnknownFields, serialize_value};
use instance_core::settings::KubernetesSettings;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::layers::{Layer, Part};
use super::models::to_json;
use super::names::{job_name, labels};
use crate::variables::LauncherVariables;

/// For how many seconds Kubernetes keeps a Job that has ended, unless its configuration says otherwise.
const TTL_SECONDS: u32 = 24 * 60 * 60;

/// The Job of Kubernetes that executes a run, as Dagster's `K8sRunLauncher` makes it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KubernetesJob {
    /// Its name, which is also that of its pods' template.
    pub name: String,
    /// Its namespace. It is not part of the body.
    pub namespace: String,
    /// The image of the run's container.
    pub image: String,
    /// The Job in the JSON of Kubernetes. Its arguments hold the reference of the instance, and so may hold a password.
    pub body: Value,
}

impl KubernetesJob {
    /// The Job of a run: of its first worker, or of that of an attempt to resume it, which count from 1. `reference` is that
    /// by which the worker opens the instance.
    ///
    /// # Errors
    ///
    /// The run does not say where its code is, or no image is known; or something is configured that makes no Job.
    pub fn of_run(
        settings: &KubernetesSettings,
        run: &DagsterRun,
        attempt: Option<u32>,
        reference: &InstanceRef,
        variables: &LauncherVariables,
    ) -> Result<Self, BoxError> {
        let name = job_name(&run.run_id, attempt.unwrap_or(0) as usize)?;
        let Some(origin) = run.job_code_origin.as_deref() else {
            return Err(format!("run {} does not say where its code is", run.run_id).into());
        };
        let context = Context::of_run(settings, run, variables)?;
        let namespace = context.namespace()?.to_owned();
        let labels = labels_of(run, origin, &context.layer);
        let container = container(settings, run, attempt, reference, origin, &context.layer)?;
        let Some(image) = container.get("image").and_then(Value::as_str).map(str::to_owned) else {
            return Err(format!(
                "no image is known for run {}: neither its tags nor its code location has one; set `job_image` of the \
                 run launcher",
                run.run_id
            )
            .into());
        };
        let body = job(&name, &labels, container, &context.layer)?;
        Ok(Self { name, namespace, image, body })
    }
}

/// Labels that say whose Job it is.
fn labels_of(run: &DagsterRun, origin: &JobPythonOrigin, layer: &Layer) -> Map<String, Value> {
    let mut of_run =
        vec![("dagster/job", &*origin.job_name), ("dagster/run-id", run.run_id.as_str())];
    let container = layer.part(Part::Container);
    let variables = container.get("env").and_then(Value::as_array);
    let mut variables = variables.into_iter().flatten();
    let deployment = variables.find(|variable| variable["name"] == "DAGSTER_CLOUD_DEPLOYMENT_NAME");
    if let Some(name) = deployment.and_then(|variable| variable["value"].as_str()) {
        of_run.push(("dagster/deployment-name", name));
    }
    if let Some(remote) = &run.remote_job_origin {
        let location = remote.repository_origin.location_name().unwrap_or_default();
        of_run.push(("dagster/code-location", location));
    }
    labels(&of_run)
}

/// The command of the worker.
fn arguments(
    settings: &KubernetesSettings,
    run: &DagsterRun,
    attempt: Option<u32>,
    reference: &InstanceRef,
    origin: &JobPythonOrigin,
) -> Vec<String> {
    let (instance_ref, job_origin) = (Some(reference.clone()), origin.clone());
    let (run_id, unknown) = (run.run_id.clone(), UnknownFields::default());
    let set_exit_code_on_failure = settings.fail_pod_on_run_failure.filter(|fail| *fail);
    let (call, text) = if attempt.is_some() {
        let args =
            ResumeRunArgs { instance_ref, job_origin, run_id, set_exit_code_on_failure, unknown };
        ("resume_run", serialize_value(&args))
    } else {
        let args =
            ExecuteRunArgs { instance_ref, job_origin, run_id, set_exit_code_on_failure, unknown };
        ("execute_run", serialize_value(&args))
    };
    let repository = &origin.repository_origin;
    let mut command: Vec<String> = repository.entry_point.clone().unwrap_or_default();
    if command.is_empty() {
        command = vec![repository.executable_path.clone(), "-m".into(), "dagster".into()];
    }
    command.extend(["api".to_owned(), call.to_owned(), text]);
    command
}

/// The container of the worker, with keys in `snake_case`.
fn container(
    settings: &KubernetesSettings,
    run: &DagsterRun,
    attempt: Option<u32>,
    reference: &InstanceRef,
    origin: &JobPythonOrigin,
    layer: &Layer,
) -> Result<Map<String, Value>, BoxError> {
    let mut container = layer.part(Part::Container);
    let mut env = vec![json!({"name": "DAGSTER_RUN_JOB_NAME", "value": origin.job_name})];
    if !settings.dagster_home.is_empty() {
        env.push(json!({"name": "DAGSTER_HOME", "value": settings.dagster_home}));
    }
    if let Some(secret) = settings.postgres_password_secret.as_ref().filter(|name| !name.is_empty())
    {
        let key = json!({"secret_key_ref": {"name": secret, "key": "postgresql-password"}});
        env.push(json!({"name": "DAGSTER_PG_PASSWORD", "value_from": key}));
    }
    env.extend(taken_list(&mut container, "env")?);
    let image = container.get("image").cloned().unwrap_or_else(|| {
        let of_code = origin.repository_origin.container_image.clone();
        json!(of_code.filter(|image| !image.is_empty()).or_else(|| settings.job_image.clone()))
    });
    let security_context = container.remove("security_context").filter(is_set);
    for (key, value) in [
        ("args", json!(arguments(settings, run, attempt, reference, origin))),
        ("env", json!(env)),
        ("image", image),
    ] {
        container.insert(key.to_owned(), value);
    }
    for (key, default) in [
        ("env_from", json!([])),
        ("image_pull_policy", json!("Always")),
        ("name", json!("dagster")),
        ("resources", json!({})),
        ("volume_mounts", json!([])),
    ] {
        container.entry(key).or_insert(default);
    }
    if let Some(security_context) = security_context {
        container.insert("security_context".to_owned(), security_context);
    }
    Ok(container)
}

/// The whole, in the JSON of Kubernetes.
fn job(
    name: &str,
    labels: &Map<String, Value>,
    container: Map<String, Value>,
    layer: &Layer,
) -> Result<Value, BoxError> {
    let mut pod = layer.part(Part::Pod);
    let mut containers = vec![Value::Object(container)];
    containers.extend(taken_list(&mut pod, "containers")?);
    pod.insert("containers".to_owned(), json!(containers));
    for (key, default) in [
        ("automount_service_account_token", json!(true)),
        ("image_pull_secrets", json!([])),
        ("restart_policy", json!("Never")),
        ("volumes", json!([])),
    ] {
        pod.entry(key).or_insert(default);
    }
    if pod.get("scheduler_name").is_some_and(|name| !is_set(name)) {
        pod.remove("scheduler_name");
    }
    let mut spec = layer.part(Part::JobSpec);
    spec.entry("ttl_seconds_after_finished").or_insert(json!(TTL_SECONDS));
    spec.entry("backoff_limit").or_insert(json!(0));
    let template = json!({
        "metadata": metadata(name, labels, layer.part(Part::PodMetadata))?,
        "spec": pod,
    });
    spec.insert("template".to_owned(), template);
    let mut job = layer.part(Part::Job);
    job.insert("api_version".to_owned(), json!("batch/v1"));
    job.insert("kind".to_owned(), json!("Job"));
    let metadata = metadata(name, labels, layer.part(Part::JobMetadata))?;
    job.insert("metadata".to_owned(), metadata.into());
    job.insert("spec".to_owned(), spec.into());
    to_json("V1Job", &job)
}

/// The metadata of the Job or of its pods: the labels of users come over those of Dagster.
fn metadata(
    name: &str,
    labels: &Map<String, Value>,
    mut of_user: Map<String, Value>,
) -> Result<Map<String, Value>, BoxError> {
    let mut labels = labels.clone();
    match of_user.remove("labels") {
        None => {}
        Some(Value::Object(of_user)) => labels.extend(of_user),
        Some(_) => return Err("the labels of a Job have to be a mapping".into()),
    }
    of_user.insert("labels".to_owned(), labels.into());
    of_user.insert("name".to_owned(), name.into());
    Ok(of_user)
}

fn taken_list(map: &mut Map<String, Value>, key: &str) -> Result<Vec<Value>, BoxError> {
    match map.remove(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("the key {key:?} of a Job has to have a list").into()),
    }
}

/// Whether Python takes a value for true.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(map) => !map.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}
