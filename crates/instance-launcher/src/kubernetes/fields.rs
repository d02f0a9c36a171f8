//! The fields of a launcher or of a code location that are no raw configuration, and go into the parts of a Job.

use instance_core::error::BoxError;
use serde_json::{Map, Value, json};

use super::layers::{Layer, Merge, Part};
use super::models::snake_case;
use crate::variables::LauncherVariables;

/// The fields. What is empty is left out of the layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) image_pull_policy: String,
    pub(super) image_pull_secrets: Vec<String>,
    pub(super) service_account_name: String,
    pub(super) env_config_maps: Vec<String>,
    pub(super) env_secrets: Vec<String>,
    /// `KEY=VALUE`, or `KEY` for the value that it has in the process of the launcher.
    pub(super) env_vars: Vec<String>,
    pub(super) volume_mounts: Vec<Value>,
    pub(super) volumes: Vec<Value>,
    pub(super) labels: Map<String, Value>,
    pub(super) resources: Map<String, Value>,
    pub(super) scheduler_name: String,
    pub(super) security_context: Map<String, Value>,
    /// Environment variables as Kubernetes has them, after `env_vars`.
    pub(super) env: Vec<Value>,
}

impl Fields {
    /// The layer that they make.
    ///
    /// # Errors
    ///
    /// A variable of the process is not set, or a model of Kubernetes does not have a key.
    pub(super) fn layer(&self, variables: &LauncherVariables) -> Result<Layer, BoxError> {
        let named = |names: &[String]| -> Vec<Value> {
            names.iter().map(|name| json!({"name": name})).collect()
        };
        let mut container = Map::new();
        let mut pod = Map::new();
        let mut metadata = Map::new();
        put(&mut container, "volume_mounts", models("V1VolumeMount", &self.volume_mounts)?);
        put(&mut container, "resources", Value::Object(self.resources.clone()));
        put(&mut container, "image_pull_policy", json!(self.image_pull_policy));
        let env_from = |key: &str, names: &[String]| -> Vec<Value> {
            named(names).into_iter().map(|name| json!({key: name})).collect()
        };
        let mut sources = env_from("config_map_ref", &self.env_config_maps);
        sources.extend(env_from("secret_ref", &self.env_secrets));
        put(&mut container, "env_from", Value::Array(sources));
        let mut env = Vec::new();
        for variable in &self.env_vars {
            let (name, value) = variables.parse(variable)?;
            env.push(json!({"name": name, "value": value}));
        }
        if let Value::Array(given) = models("V1EnvVar", &self.env)? {
            env.extend(given);
        }
        put(&mut container, "env", Value::Array(env));
        put(&mut container, "security_context", Value::Object(self.security_context.clone()));
        put(&mut pod, "image_pull_secrets", Value::Array(named(&self.image_pull_secrets)));
        put(&mut pod, "volumes", models("V1Volume", &self.volumes)?);
        put(&mut pod, "service_account_name", json!(self.service_account_name));
        put(&mut pod, "scheduler_name", json!(self.scheduler_name));
        put(&mut metadata, "labels", Value::Object(self.labels.clone()));
        Layer::new(
            Merge::Deep,
            [
                (Part::Container, container),
                (Part::PodMetadata, metadata.clone()),
                (Part::Pod, pod),
                (Part::JobMetadata, metadata),
            ],
        )
    }
}

/// Puts what is not empty.
fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    let is_empty = match &value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    if !is_empty {
        map.insert(key.to_owned(), value);
    }
}

/// A list of models, in `snake_case`.
fn models(model: &str, given: &[Value]) -> Result<Value, BoxError> {
    let one = |value: &Value| match value {
        Value::Object(map) => snake_case(model, map).map(Value::Object),
        _ => Err(format!(
            "a list of {model} of the configuration of Kubernetes has an item that is no mapping"
        )
        .into()),
    };
    given.iter().map(one).collect::<Result<_, _>>().map(Value::Array)
}
