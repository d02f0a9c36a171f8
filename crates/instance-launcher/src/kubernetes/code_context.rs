//! What the code location of a run says of its containers: the part of `container_context` that is for Kubernetes.

use instance_core::error::BoxError;
use serde_json::{Map, Value};

use super::context::Context;
use super::fields::Fields;
use super::layers::{Layer, MERGE_BEHAVIOR};
use super::tags::parts;
use crate::variables::LauncherVariables;

/// The keys of the section `k8s`.
const KEYS: [&str; 17] = [
    "env",
    "env_config_maps",
    "env_secrets",
    "env_vars",
    "image_pull_policy",
    "image_pull_secrets",
    "labels",
    "namespace",
    "resources",
    "run_k8s_config",
    "scheduler_name",
    "security_context",
    "server_k8s_config",
    "server_replica_count",
    "service_account_name",
    "volume_mounts",
    "volumes",
];

/// What the code says: first for containers of every platform, then for those of Kubernetes.
///
/// # Errors
///
/// A key or a value that it cannot have, or a variable that is not set.
pub(super) fn context(
    given: &Map<String, Value>,
    variables: &LauncherVariables,
) -> Result<Context, BoxError> {
    let shared = Section { map: given, variables };
    let fields = Fields { env_vars: shared.texts("env_vars")?, ..Fields::default() };
    let shared = Context { layer: fields.layer(variables)?, namespace: None };
    match given.get("k8s") {
        None | Some(Value::Null) => Ok(shared),
        Some(Value::Object(map)) => of_kubernetes(&Section { map, variables })?.over(shared),
        Some(_) => Err(wrong("it has to be a mapping")),
    }
}

fn of_kubernetes(section: &Section<'_>) -> Result<Context, BoxError> {
    if let Some(key) = section.map.keys().find(|key| !KEYS.contains(&&***key)) {
        return Err(wrong(format!("the key {key:?} is not known")));
    }
    let text = |key| Ok::<_, BoxError>(section.source(key)?.unwrap_or_default());
    let mut image_pull_secrets = Vec::new();
    for secret in section.list("image_pull_secrets")? {
        let map = secret.as_object().ok_or_else(|| wrong("image_pull_secrets: no mapping"))?;
        let name = Section { map, variables: section.variables }.source("name")?;
        image_pull_secrets.push(name.ok_or_else(|| wrong("image_pull_secrets: no name"))?);
    }
    let fields = Fields {
        image_pull_policy: text("image_pull_policy")?,
        image_pull_secrets,
        service_account_name: text("service_account_name")?,
        env_config_maps: section.sources("env_config_maps")?,
        env_secrets: section.sources("env_secrets")?,
        env_vars: section.texts("env_vars")?,
        volume_mounts: section.volume_mounts()?,
        volumes: section.named("volumes")?,
        labels: section.mapping("labels")?,
        resources: section.mapping("resources")?,
        scheduler_name: text("scheduler_name")?,
        security_context: section.mapping("security_context")?,
        env: section.named("env")?,
    };
    if let Some(key) = fields.resources.keys().find(|key| *key != "limits" && *key != "requests") {
        return Err(wrong(format!("resources: the key {key:?} is not known")));
    }
    let raw = section.mapping("run_k8s_config")?;
    let merge = parts(&raw).map_err(|reason| wrong(format!("run_k8s_config: {reason}")))?;
    server(&section.mapping("server_k8s_config")?)?;
    let layer = Layer::of_raw(merge, &raw)?.over(fields.layer(section.variables)?)?;
    Ok(Context { layer, namespace: section.source("namespace")?.filter(|name| !name.is_empty()) })
}

/// Checks the raw configuration of servers, of which Jobs take nothing.
fn server(raw: &Map<String, Value>) -> Result<(), BoxError> {
    const OF_SERVERS: [&str; 3] =
        ["deployment_metadata", "service_metadata", "service_spec_config"];
    const OF_JOBS: [&str; 3] = ["job_config", "job_metadata", "job_spec_config"];
    let mut shared = raw.clone();
    shared.retain(|key, _| !OF_SERVERS.contains(&&**key));
    if let Some(key) = shared.keys().find(|key| OF_JOBS.contains(&&***key)) {
        return Err(wrong(format!("server_k8s_config: the key {key:?} is not known")));
    }
    let merge = parts(&shared).map_err(|reason| wrong(format!("server_k8s_config: {reason}")))?;
    shared.remove(MERGE_BEHAVIOR);
    Layer::of_raw(merge, &shared).map(drop)
}

/// A mapping whose values may come from variables.
struct Section<'a> {
    map: &'a Map<String, Value>,
    variables: &'a LauncherVariables,
}

impl Section<'_> {
    /// A text, or that of the variable that stands there; `None` for a null, too.
    fn source(&self, key: &str) -> Result<Option<String>, BoxError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => self.text_of(key, value).map(Some),
        }
    }

    fn text_of(&self, key: &str, value: &Value) -> Result<String, BoxError> {
        if let Value::String(text) = value {
            return Ok(text.clone());
        }
        match (value.get("env"), value.as_object().map(Map::len)) {
            (Some(Value::String(name)), Some(1)) => self.variables.get(name).ok_or_else(|| {
                wrong(format!("{key}: the environment variable {name} is not set; set it for the process of the launcher"))
            }),
            _ => Err(wrong(format!("{key}: it has to be a text, or {{env: NAME}}"))),
        }
    }

    fn list(&self, key: &str) -> Result<&[Value], BoxError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(wrong(format!("{key}: it has to be a list"))),
        }
    }

    /// A list of texts, each of which may come from a variable.
    fn sources(&self, key: &str) -> Result<Vec<String>, BoxError> {
        self.list(key)?.iter().map(|item| self.text_of(key, item)).collect()
    }

    /// A list of texts without variables.
    fn texts(&self, key: &str) -> Result<Vec<String>, BoxError> {
        let text = |item: &Value| item.as_str().map(str::to_owned);
        let wrong = || wrong(format!("{key}: it has to be a list of texts"));
        self.list(key)?.iter().map(|item| text(item).ok_or_else(wrong)).collect()
    }

    /// A list of mappings, each with a name.
    fn named(&self, key: &str) -> Result<Vec<Value>, BoxError> {
        let list = self.list(key)?;
        if list.iter().all(|item| item.get("name").is_some_and(Value::is_string)) {
            return Ok(list.to_vec());
        }
        Err(wrong(format!("{key}: each item has to be a mapping with a `name`")))
    }

    fn mapping(&self, key: &str) -> Result<Map<String, Value>, BoxError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map.clone()),
            Some(_) => Err(wrong(format!("{key}: it has to be a mapping"))),
        }
    }

    /// Mounts with the values of the variables that they name. Other keys are kept as they are.
    fn volume_mounts(&self) -> Result<Vec<Value>, BoxError> {
        const KEY: &str = "volume_mounts";
        const TEXTS: [&str; 5] =
            ["name", "mount_path", "mount_propagation", "sub_path", "sub_path_expr"];
        let mut mounts = Vec::new();
        for item in self.list(KEY)? {
            let map = item.as_object().ok_or_else(|| wrong(format!("{KEY}: no mapping")))?;
            let mut mount = map.clone();
            for key in TEXTS {
                if let Some(value) = map.get(key) {
                    mount.insert(key.to_owned(), self.text_of(KEY, value)?.into());
                }
            }
            if !mount.contains_key("name") {
                return Err(wrong(format!("{KEY}: no name")));
            }
            if let Some(flag @ Value::Object(_)) = map.get("read_only") {
                let text = self.text_of(KEY, flag)?;
                let is_true = !matches!(&*text.to_lowercase(), "false" | "none" | "0" | "");
                mount.insert("read_only".to_owned(), is_true.into());
            }
            mounts.push(Value::Object(mount));
        }
        Ok(mounts)
    }
}

fn wrong(reason: impl std::fmt::Display) -> BoxError {
    format!("Errors while parsing k8s container context: {reason}").into()
}
