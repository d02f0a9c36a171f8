//! The section `run_launcher` with Dagster's `K8sRunLauncher`: runs are Jobs of Kubernetes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The configuration of Dagster's `K8sRunLauncher`, with its defaults.
///
/// Parts of Jobs are kept as they are written: the names of their keys may be in `camelCase` or in `snake_case`. Which
/// values fit is found out when a Job is made. Some of them may be secret, so they are not printed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KubernetesSettings {
    /// The service account of the pods.
    pub service_account_name: String,
    /// The config map that has the instance's `dagster.yaml`. Dagster wants its name, and makes nothing of it.
    pub instance_config_map: String,
    /// The secret that has the password of Postgres, under the key `postgresql-password`; `None` if there is none.
    pub postgres_password_secret: Option<String>,
    /// `DAGSTER_HOME` in the container.
    pub dagster_home: String,
    /// The image of runs whose code has none; `None` if there is none.
    pub job_image: Option<String>,
    /// When images are pulled.
    pub image_pull_policy: String,
    /// The names of the secrets that open the registry.
    pub image_pull_secrets: Vec<String>,
    /// Whether this process runs in the cluster itself, and reaches it by its own service account.
    pub load_incluster_config: bool,
    /// The file that says how to reach the cluster, unless this process runs in it; `None` for the usual one.
    pub kubeconfig_file: Option<String>,
    /// The file of certificates that the cluster is checked by; `None` for what is said elsewhere.
    pub k8s_api_ssl_ca_cert_file: Option<String>,
    /// The namespace of the Jobs.
    pub job_namespace: String,
    /// Config maps that become environment variables.
    pub env_config_maps: Vec<String>,
    /// Secrets that become environment variables.
    pub env_secrets: Vec<String>,
    /// Environment variables: `KEY=VALUE`, or `KEY` for the value that it has in the process of the launcher.
    pub env_vars: Vec<String>,
    /// Where volumes are in the container.
    pub volume_mounts: Vec<Value>,
    /// The volumes of the pods.
    pub volumes: Vec<Value>,
    /// Labels of the Jobs and their pods.
    pub labels: BTreeMap<String, String>,
    /// Whether the worker ends with an error if its run fails; `None` means not.
    pub fail_pod_on_run_failure: Option<bool>,
    /// What the container may use.
    pub resources: Map<String, Value>,
    /// Who schedules the pods; `None` for the usual scheduler.
    pub scheduler_name: Option<String>,
    /// The security context of the container.
    pub security_context: Map<String, Value>,
    /// Raw parts of Jobs, by their names.
    pub run_k8s_config: Map<String, Value>,
    /// What a run or its code may set itself, for each part of a Job; `None` means everything.
    pub only_allow_user_defined_k8s_config_fields: Option<Map<String, Value>>,
    /// The environment variables that a run or its code may set itself; `None` means all.
    pub only_allow_user_defined_env_vars: Option<Vec<String>>,
}

impl KubernetesSettings {
    /// All defaults, with what has no default.
    pub fn new(
        service_account_name: impl Into<String>,
        instance_config_map: impl Into<String>,
    ) -> Self {
        Self {
            service_account_name: service_account_name.into(),
            instance_config_map: instance_config_map.into(),
            postgres_password_secret: None,
            dagster_home: "/opt/dagster/dagster_home".to_owned(),
            job_image: None,
            image_pull_policy: "IfNotPresent".to_owned(),
            image_pull_secrets: Vec::new(),
            load_incluster_config: true,
            kubeconfig_file: None,
            k8s_api_ssl_ca_cert_file: None,
            job_namespace: "default".to_owned(),
            env_config_maps: Vec::new(),
            env_secrets: Vec::new(),
            env_vars: Vec::new(),
            volume_mounts: Vec::new(),
            volumes: Vec::new(),
            labels: BTreeMap::new(),
            fail_pod_on_run_failure: None,
            resources: Map::new(),
            scheduler_name: None,
            security_context: Map::new(),
            run_k8s_config: Map::new(),
            only_allow_user_defined_k8s_config_fields: None,
            only_allow_user_defined_env_vars: None,
        }
    }
}

/// Without what may be secret.
impl std::fmt::Debug for KubernetesSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubernetesSettings")
            .field("job_namespace", &self.job_namespace)
            .field("job_image", &self.job_image)
            .finish_non_exhaustive()
    }
}
