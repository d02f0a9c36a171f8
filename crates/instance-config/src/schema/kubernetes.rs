//! The configuration of the run launcher that starts jobs of Kubernetes.

use super::types::{Field, Type};

/// Jobs of Kubernetes.
pub(super) const KUBERNETES: Type = Type::Shape(&LAUNCHER_FIELDS);

/// What the launcher takes whose steps are tasks of Celery, too.
pub(super) const LAUNCHER_FIELDS: [Field; 24] = [
    Field::optional(
        "job_image",
        Type::NULL_OR_TEXT_SOURCE,
        "The image of runs; by default that of the code location.",
    ),
    Field::optional("image_pull_policy", Type::NULL_OR_TEXT_SOURCE, "When images are pulled.")
        .implied("\"IfNotPresent\""),
    Field::optional(
        "image_pull_secrets",
        Type::Nullable(&Type::List(&NAMED)),
        "The secrets that open the registry.",
    ),
    Field::optional(
        "service_account_name",
        Type::NULL_OR_TEXT_SOURCE,
        "The service account of the pods.",
    ),
    Field::optional("env_config_maps", NAMES, "Config maps that become environment variables."),
    Field::optional("env_secrets", NAMES, "Secrets that become environment variables."),
    Field::optional(
        "env_vars",
        Type::Nullable(&Type::List(&Type::TEXT)),
        "Environment variables of the container: `KEY=VALUE`, or `KEY` for that of the launcher.",
    )
    .secret(),
    Field::optional(
        "volume_mounts",
        Type::List(&VOLUME_MOUNT),
        "Where the volumes are in the container.",
    )
    .filled("[]"),
    Field::optional("volumes", Type::List(&VOLUME), "The volumes of the pods.").filled("[]"),
    Field::optional("labels", Type::ANYTHING, "More labels of the pods."),
    Field::optional("resources", Type::Nullable(&RESOURCES), "What the container may use."),
    Field::optional("scheduler_name", Type::NULL_OR_TEXT_SOURCE, "Who schedules the pods."),
    Field::optional("security_context", Type::ANYTHING, "The security context of the container."),
    Field::required(
        "instance_config_map",
        Type::TEXT_SOURCE,
        "The config map that holds `dagster.yaml`.",
    ),
    Field::optional(
        "postgres_password_secret",
        Type::TEXT_SOURCE,
        "The secret that holds the password of Postgres.",
    ),
    Field::optional("dagster_home", Type::TEXT_SOURCE, "`DAGSTER_HOME` in the container.")
        .filled("\"/opt/dagster/dagster_home\""),
    Field::optional(
        "load_incluster_config",
        Type::BOOLEAN,
        "Whether the launcher runs in the cluster itself.",
    )
    .filled("true"),
    Field::optional(
        "kubeconfig_file",
        NULL_OR_TEXT,
        "The file that says how to reach the cluster.",
    )
    .filled("null"),
    Field::optional(
        "k8s_api_ssl_ca_cert_file",
        NULL_OR_TEXT,
        "The certificates that the cluster is checked by.",
    )
    .filled("null"),
    Field::optional(
        "fail_pod_on_run_failure",
        Type::BOOLEAN,
        "Whether the pod fails when the run fails.",
    ),
    Field::optional("run_k8s_config", RAW, "Raw parts of the jobs."),
    Field::optional("job_namespace", Type::TEXT_SOURCE, "The namespace of the jobs.")
        .filled("\"default\""),
    Field::optional(
        "only_allow_user_defined_k8s_config_fields",
        ALLOWED,
        "What a run or a code location may set itself.",
    ),
    Field::optional(
        "only_allow_user_defined_env_vars",
        Type::List(&Type::TEXT),
        "Which environment variables a run or a code location may set itself.",
    ),
];

const NULL_OR_TEXT: Type = Type::Nullable(&Type::TEXT);

const NAMES: Type = Type::Nullable(&Type::List(&Type::TEXT_SOURCE));

const NAMED: Type =
    Type::Shape(&[Field::required("name", Type::TEXT_SOURCE, "The name of the secret.")]);

const VOLUME_MOUNT: Type = Type::Open(&[
    Field::required("name", Type::TEXT_SOURCE, "The volume."),
    Field::optional("mount_path", Type::TEXT_SOURCE, "The path in the container."),
    Field::optional("mount_propagation", Type::TEXT_SOURCE, "Whether mounts of the host are seen."),
    Field::optional("read_only", Type::BOOLEAN_SOURCE, "Whether it can only be read."),
    Field::optional("sub_path", Type::TEXT_SOURCE, "The path in the volume."),
    Field::optional(
        "sub_path_expr",
        Type::TEXT_SOURCE,
        "The path in the volume, with environment variables.",
    ),
]);

const VOLUME: Type = Type::Open(&[Field::required("name", Type::TEXT, "The name of the volume.")]);

const RESOURCES: Type = Type::Shape(&[
    Field::optional("limits", Type::ANYTHING, "The most that it may use."),
    Field::optional("requests", Type::ANYTHING, "What it gets in any case."),
]);

const RAW: Type = Type::Shape(&[
    Field::optional("container_config", Type::ANYTHING, "Of the container.").filled("{}").secret(),
    Field::optional("pod_template_spec_metadata", Type::ANYTHING, "Of the pod's metadata.")
        .filled("{}"),
    Field::optional("pod_spec_config", Type::ANYTHING, "Of the pod.").filled("{}").secret(),
    Field::optional("job_config", Type::ANYTHING, "Of the job.").filled("{}"),
    Field::optional("job_metadata", Type::ANYTHING, "Of the job's metadata.").filled("{}"),
    Field::optional("job_spec_config", Type::ANYTHING, "Of the job's specification.").filled("{}"),
]);

const FLAGS: Type = Type::Map(&Type::BOOLEAN);

const ALLOWED: Type = Type::Shape(&[
    Field::optional("container_config", FLAGS, "Keys of the container."),
    Field::optional("pod_spec_config", FLAGS, "Keys of the pod."),
    Field::optional("pod_template_spec_metadata", FLAGS, "Keys of the pod's metadata."),
    Field::optional("job_metadata", FLAGS, "Keys of the job's metadata."),
    Field::optional("job_spec_config", FLAGS, "Keys of the job's specification."),
    Field::optional("namespace", Type::BOOLEAN_SOURCE, "The namespace."),
]);
