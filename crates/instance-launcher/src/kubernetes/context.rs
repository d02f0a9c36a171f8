//! All that is configured for the Job of a run: by the launcher, by the code location, and by the tags of the run.

use instance_core::error::BoxError;
use instance_core::run::{DagsterRun, RepositoryPythonOrigin};
use instance_core::settings::KubernetesSettings;
use serde_json::{Map, Value};

use super::fields::Fields;
use super::layers::{Layer, Merge};
use super::names::is_name;
use super::{allowed, code_context, tags};
use crate::variables::LauncherVariables;

/// A layer, and the namespace.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    pub(super) layer: Layer,
    /// `None` if it says none.
    pub(super) namespace: Option<String>,
}

impl Context {
    /// The namespace of the Job.
    ///
    /// # Errors
    ///
    /// It is no name of a namespace, and so must not come into a URL.
    pub(super) fn namespace(&self) -> Result<&str, BoxError> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        is_name(namespace)
            .then_some(namespace)
            .ok_or_else(|| format!("{namespace:?} is no name of a namespace of Kubernetes").into())
    }

    /// This one over another one.
    pub(super) fn over(self, below: Self) -> Result<Self, BoxError> {
        Ok(Self {
            layer: self.layer.over(below.layer)?,
            namespace: self.namespace.or(below.namespace),
        })
    }

    /// What is configured for the Job of a run.
    ///
    /// # Errors
    ///
    /// Something is configured that does not fit, or that the launcher does not allow.
    pub(super) fn of_run(
        settings: &KubernetesSettings,
        run: &DagsterRun,
        variables: &LauncherVariables,
    ) -> Result<Self, BoxError> {
        let launcher = of_launcher(settings, variables)?;
        let repository = run.job_code_origin.as_deref().map(|origin| &origin.repository_origin);
        let code = match repository.map(container_context).transpose()?.flatten() {
            Some(given) => code_context::context(&given, variables)?,
            None => Self::default(),
        };
        let tags = Self { layer: tags::layer(run)?, namespace: None };
        let user = allowed::checked(settings, tags.over(code)?)?;
        user.over(launcher)
    }
}

fn of_launcher(
    settings: &KubernetesSettings,
    variables: &LauncherVariables,
) -> Result<Context, BoxError> {
    let labels = settings.labels.iter().map(|(key, value)| (key.clone(), value.clone().into()));
    let fields = Fields {
        image_pull_policy: settings.image_pull_policy.clone(),
        image_pull_secrets: settings.image_pull_secrets.clone(),
        service_account_name: settings.service_account_name.clone(),
        env_config_maps: settings.env_config_maps.clone(),
        env_secrets: settings.env_secrets.clone(),
        env_vars: settings.env_vars.clone(),
        volume_mounts: settings.volume_mounts.clone(),
        volumes: settings.volumes.clone(),
        labels: labels.collect(),
        resources: settings.resources.clone(),
        scheduler_name: settings.scheduler_name.clone().unwrap_or_default(),
        security_context: settings.security_context.clone(),
        env: Vec::new(),
    };
    let raw = Layer::of_raw(Merge::Deep, &settings.run_k8s_config)?;
    let layer = raw.over(fields.layer(variables)?)?;
    Ok(Context { layer, namespace: Some(settings.job_namespace.clone()) })
}

/// What the code location says of its containers; `None` if it says nothing.
fn container_context(
    repository: &RepositoryPythonOrigin,
) -> Result<Option<Map<String, Value>>, BoxError> {
    let Some(context) = &repository.container_context else { return Ok(None) };
    match serde_json::from_str(context.as_str())? {
        Value::Object(map) => Ok(Some(map)),
        Value::Null => Ok(None),
        _ => Err("the container context of the code location has to be a mapping".into()),
    }
}
