//! What a run or its code may set itself: the lists of the launcher.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::error::BoxError;
use instance_core::settings::KubernetesSettings;
use serde_json::{Map, Value};

use super::context::Context;
use super::layers::Part;
use super::models::snake_case_keys;

/// What users have set, without the environment variables that they may not set.
///
/// # Errors
///
/// They have set something else that they may not.
pub(super) fn checked(
    settings: &KubernetesSettings,
    mut user: Context,
) -> Result<Context, BoxError> {
    if let Some(allowed) = &settings.only_allow_user_defined_k8s_config_fields {
        let refused = refused(allowed, &user)?;
        if !refused.is_empty() {
            return Err(format!(
                "Attempted to create a pod with fields that violated the allowed list: {}",
                refused.join(", ")
            )
            .into());
        }
    }
    if let Some(allowed) = &settings.only_allow_user_defined_env_vars {
        let mut dropped = BTreeSet::new();
        user.layer = user.layer.with_variables(|variable| {
            let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
            let is_allowed = allowed.iter().any(|allowed| allowed == name);
            if !is_allowed {
                dropped.insert(name.to_owned());
            }
            is_allowed
        });
        if !dropped.is_empty() {
            let names: Vec<_> = dropped.into_iter().collect();
            tracing::warn!(
                variables = names.join(", "),
                "environment variables are left out, as `only_allow_user_defined_env_vars` does not have them"
            );
        }
    }
    Ok(user)
}

/// The fields that are set and not allowed, by their paths.
fn refused(allowed: &Map<String, Value>, user: &Context) -> Result<Vec<String>, BoxError> {
    let mut switches = BTreeMap::new();
    for part in Part::ALL {
        if let Some(Value::Object(keys)) = allowed.get(part.name()) {
            switches.insert(part, snake_case_keys(part.model(), keys)?);
        }
    }
    let is_on = |switch: Option<&Value>| switch == Some(&Value::Bool(true));
    let is_allowed =
        |part: &Part, key: &str| is_on(switches.get(part).and_then(|map| map.get(key)));
    let excess = user.layer.keys().filter(|(part, key)| !is_allowed(part, key));
    let mut refused: Vec<_> = excess.map(|(part, key)| format!("{}.{key}", part.name())).collect();
    if user.namespace.is_some() && !is_on(allowed.get("namespace")) {
        refused.push("namespace".to_owned());
    }
    Ok(refused)
}
