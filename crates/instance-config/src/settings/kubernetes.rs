//! The configuration of `K8sRunLauncher`, which the section `run_launcher` names.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::KubernetesSettings;
use serde_json::{Map, Value};

use crate::fields::Fields;

/// The raw parts of Jobs.
const PARTS: [&str; 6] = [
    "container_config",
    "pod_template_spec_metadata",
    "pod_spec_config",
    "job_config",
    "job_metadata",
    "job_spec_config",
];

pub(super) fn kubernetes(fields: &Fields<'_>) -> Result<KubernetesSettings, ConfigProblems> {
    fields.only(&[
        "job_image",
        "image_pull_policy",
        "image_pull_secrets",
        "service_account_name",
        "env_config_maps",
        "env_secrets",
        "env_vars",
        "volume_mounts",
        "volumes",
        "labels",
        "resources",
        "scheduler_name",
        "security_context",
        "instance_config_map",
        "postgres_password_secret",
        "dagster_home",
        "load_incluster_config",
        "kubeconfig_file",
        "k8s_api_ssl_ca_cert_file",
        "fail_pod_on_run_failure",
        "run_k8s_config",
        "job_namespace",
        "only_allow_user_defined_k8s_config_fields",
        "only_allow_user_defined_env_vars",
    ])?;
    let mut made = KubernetesSettings::new(
        fields.required("service_account_name", nullable_text(fields, "service_account_name")?)?,
        fields.required_text("instance_config_map")?,
    );
    made.postgres_password_secret = fields.text("postgres_password_secret")?;
    made.job_image = nullable_text(fields, "job_image")?;
    made.scheduler_name = nullable_text(fields, "scheduler_name")?;
    for (key, place) in
        [("dagster_home", &mut made.dagster_home), ("job_namespace", &mut made.job_namespace)]
    {
        if let Some(given) = fields.text(key)? {
            *place = given;
        }
    }
    if let Some(policy) = nullable_text(fields, "image_pull_policy")? {
        made.image_pull_policy = policy;
    }
    if let Some(incluster) = fields.plain_boolean("load_incluster_config")? {
        made.load_incluster_config = incluster;
    }
    made.fail_pod_on_run_failure = fields.plain_boolean("fail_pod_on_run_failure")?;
    made.kubeconfig_file = nullable_plain_text(fields, "kubeconfig_file")?;
    made.k8s_api_ssl_ca_cert_file = nullable_plain_text(fields, "k8s_api_ssl_ca_cert_file")?;
    if made.load_incluster_config && made.kubeconfig_file.is_some() {
        let reason = "it has a meaning only if `load_incluster_config` is false";
        return Err(fields.problem("kubeconfig_file", reason));
    }
    for item in items(fields, "image_pull_secrets")? {
        made.image_pull_secrets.push(item.required_text("name")?);
    }
    made.env_config_maps = names(fields, "env_config_maps")?;
    made.env_secrets = names(fields, "env_secrets")?;
    if !is_null(fields, "env_vars") {
        made.env_vars = plain_texts(fields, "env_vars")?.unwrap_or_default();
    }
    made.volume_mounts = volume_mounts(fields)?;
    made.volumes = volumes(fields)?;
    for (key, value) in fields.map("labels")?.into_iter().flatten() {
        let Value::String(value) = value else {
            let place = fields.place().below("labels").below(key);
            return Err(place.problem("it has to be a text"));
        };
        made.labels.insert(key.clone(), value.clone());
    }
    if fields.value("resources").is_some_and(|value| !value.is_null())
        && let Some(resources) = fields.section("resources")?
    {
        resources.only(&["limits", "requests"])?;
        made.resources = of_mappings(&resources, &["limits", "requests"])?;
    }
    made.security_context = fields.map("security_context")?.cloned().unwrap_or_default();
    if let Some(raw) = fields.section("run_k8s_config")? {
        raw.only(&PARTS)?;
        made.run_k8s_config = of_mappings(&raw, &PARTS)?;
    }
    made.only_allow_user_defined_k8s_config_fields = allowed(fields)?;
    made.only_allow_user_defined_env_vars =
        plain_texts(fields, "only_allow_user_defined_env_vars")?;
    Ok(made)
}

/// The text under a key, or that of a variable; `None` also for a null.
fn nullable_text(fields: &Fields<'_>, key: &str) -> Result<Option<String>, ConfigProblems> {
    if is_null(fields, key) { Ok(None) } else { fields.text(key) }
}

/// The text under a key, without variables; `None` also for a null.
fn nullable_plain_text(fields: &Fields<'_>, key: &str) -> Result<Option<String>, ConfigProblems> {
    if is_null(fields, key) { Ok(None) } else { fields.plain_text(key) }
}

fn is_null(fields: &Fields<'_>, key: &str) -> bool {
    fields.value(key).is_some_and(Value::is_null)
}

/// The items of a list of mappings.
fn items<'a>(fields: &Fields<'a>, key: &str) -> Result<Vec<Fields<'a>>, ConfigProblems> {
    if is_null(fields, key) {
        return Ok(Vec::new());
    }
    let list = fields.list(key)?.unwrap_or_default();
    list.iter().enumerate().map(|(index, item)| fields.item(key, index, item)).collect()
}

/// A list of texts, each of which may be that of a variable.
fn names(fields: &Fields<'_>, key: &str) -> Result<Vec<String>, ConfigProblems> {
    if is_null(fields, key) {
        return Ok(Vec::new());
    }
    let list = fields.list(key)?.unwrap_or_default();
    list.iter().enumerate().map(|(index, item)| fields.item_text(key, index, item)).collect()
}

/// A list of texts without variables.
fn plain_texts(fields: &Fields<'_>, key: &str) -> Result<Option<Vec<String>>, ConfigProblems> {
    let Some(list) = fields.list(key)? else { return Ok(None) };
    let text = |(index, item): (usize, &Value)| {
        let place = fields.place().below(key).below(&index.to_string());
        item.as_str().map(str::to_owned).ok_or_else(|| place.problem("it has to be a text"))
    };
    list.iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
}

/// Mounts with the values of the variables that they name. Other keys are kept as they are.
fn volume_mounts(fields: &Fields<'_>) -> Result<Vec<Value>, ConfigProblems> {
    const TEXTS: [&str; 5] =
        ["name", "mount_path", "mount_propagation", "sub_path", "sub_path_expr"];
    let mut mounts = Vec::new();
    for (index, given) in fields.list("volume_mounts")?.unwrap_or_default().iter().enumerate() {
        let item = fields.item("volume_mounts", index, given)?;
        item.required("name", item.value("name"))?;
        let mut mount = given.as_object().cloned().unwrap_or_default();
        for key in TEXTS {
            if let Some(text) = item.text(key)? {
                mount.insert(key.to_owned(), text.into());
            }
        }
        if let Some(read_only) = item.boolean("read_only")? {
            mount.insert("read_only".to_owned(), read_only.into());
        }
        mounts.push(Value::Object(mount));
    }
    Ok(mounts)
}

fn volumes(fields: &Fields<'_>) -> Result<Vec<Value>, ConfigProblems> {
    let list = fields.list("volumes")?.unwrap_or_default();
    for (index, given) in list.iter().enumerate() {
        let item = fields.item("volumes", index, given)?;
        item.required("name", item.plain_text("name")?)?;
    }
    Ok(list.to_vec())
}

/// The mappings under these keys.
fn of_mappings(fields: &Fields<'_>, keys: &[&str]) -> Result<Map<String, Value>, ConfigProblems> {
    let mut mappings = Map::new();
    for key in keys {
        if let Some(map) = fields.map(key)? {
            mappings.insert((*key).to_owned(), Value::Object(map.clone()));
        }
    }
    Ok(mappings)
}

/// What users may set, for each part of a Job, and whether they may choose the namespace.
fn allowed(fields: &Fields<'_>) -> Result<Option<Map<String, Value>>, ConfigProblems> {
    const KEY: &str = "only_allow_user_defined_k8s_config_fields";
    let Some(section) = fields.section(KEY)? else { return Ok(None) };
    let parts: Vec<&str> = PARTS.into_iter().filter(|part| *part != "job_config").collect();
    section.only(&[&parts[..], &["namespace"]].concat())?;
    let mut allowed = of_mappings(&section, &parts)?;
    for (part, switches) in &allowed {
        for (key, switch) in switches.as_object().into_iter().flatten() {
            if !switch.is_boolean() {
                let place = section.place().below(part).below(key);
                return Err(place.problem("it has to be true or false"));
            }
        }
    }
    if let Some(namespace) = section.boolean("namespace")? {
        allowed.insert("namespace".to_owned(), namespace.into());
    }
    Ok(Some(allowed))
}
