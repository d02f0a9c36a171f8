//! The configuration of run launchers that start containers with Docker, Celery and Azure.

use super::kubernetes::LAUNCHER_FIELDS;
use super::types::{Field, Type};

/// Containers of a Docker server.
pub(super) const DOCKER: Type = Type::Shape(&[
    Field::optional("image", Type::TEXT_SOURCE, "The image, where the code location names none."),
    Field::optional(
        "network",
        Type::TEXT_SOURCE,
        "The network of the containers; an older form of `networks`.",
    ),
    Field::optional("registry", REGISTRY, "Who has the images."),
    ENV_VARS,
    Field::optional(
        "container_kwargs",
        Type::ANYTHING,
        "More arguments of Docker's `containers.create`.",
    )
    .secret(),
    Field::optional("networks", Type::List(&Type::TEXT_SOURCE), "The networks of the containers."),
]);

const REGISTRY: Type = Type::Shape(&[
    Field::required("url", Type::TEXT_SOURCE, "The URL of the registry.").url(),
    Field::required("username", Type::TEXT_SOURCE, "Who logs in."),
    Field::required("password", Type::TEXT_SOURCE, "The password.").secret(),
]);

const ENV_VARS: Field = Field::optional(
    "env_vars",
    Type::List(&Type::TEXT),
    "Environment variables of the container: `KEY=VALUE`, or `KEY` for that of the launcher.",
)
.secret();

/// Tasks of a Celery queue.
pub(super) const CELERY: Type = Type::Shape(&[
    BROKER,
    BACKEND,
    INCLUDE,
    Field::optional("default_queue", Type::TEXT_SOURCE, "The queue of runs that name none.")
        .filled("\"dagster\""),
    CONFIG_SOURCE,
]);

const BROKER: Field =
    Field::optional("broker", Type::NULL_OR_TEXT_SOURCE, "The URL of Celery's broker.").url();

const BACKEND: Field =
    Field::optional("backend", Type::NULL_OR_TEXT_SOURCE, "The URL of Celery's store of results.")
        .filled("\"rpc://\"")
        .url();

const INCLUDE: Field =
    Field::optional("include", Type::List(&Type::TEXT), "The modules that each worker imports.");

const CONFIG_SOURCE: Field =
    Field::optional("config_source", Type::Nullable(&Type::ANYTHING), "More settings of Celery.")
        .secret();

const RETRIES: Type = Type::Choice(&[
    Field::optional("enabled", Type::Shape(&[]), "Steps that fail are tried again."),
    Field::optional("disabled", Type::Shape(&[]), "Steps that fail are not tried again."),
]);

/// Kubernetes jobs whose steps are tasks of a Celery queue.
pub(super) const CELERY_KUBERNETES: Type = Type::Shape(&CELERY_KUBERNETES_FIELDS);

const CELERY_KUBERNETES_FIELDS: [Field; LAUNCHER_FIELDS.len() + 5] = {
    let retries = Field::optional("retries", RETRIES, "Whether steps that fail are tried again.")
        .filled("{\"enabled\": {}}");
    let mut fields = [retries; LAUNCHER_FIELDS.len() + 5];
    let mut index = 0;
    while index < LAUNCHER_FIELDS.len() {
        fields[index] = LAUNCHER_FIELDS[index];
        index += 1;
    }
    fields[index] = BROKER;
    fields[index + 1] = BACKEND;
    fields[index + 2] = INCLUDE;
    fields[index + 3] = CONFIG_SOURCE;
    fields
};

/// Jobs of Azure Container Apps.
pub(super) const AZURE: Type = Type::Shape(&[
    Field::required("subscription_id", Type::TEXT_SOURCE, "The subscription."),
    Field::required("resource_group", Type::TEXT_SOURCE, "The resource group of the jobs."),
    Field::required("region", Type::TEXT_SOURCE, "The region of the jobs."),
    Field::required("environment_id", Type::TEXT_SOURCE, "The environment in which the jobs run."),
    Field::optional(
        "env_vars",
        Type::List(&Type::TEXT_SOURCE),
        "Environment variables of the job: `KEY=VALUE`, or `KEY` for that of the launcher.",
    )
    .secret(),
    Field::optional("run_resources", RESOURCES, "What the container of a run may use."),
    Field::optional("run_job_replica_timeout", Type::INTEGER, "How many seconds a run may take.")
        .implied("86400"),
    Field::optional("server_resources", RESOURCES, "What the container of a code server may use."),
    Field::optional("identity_id", Type::TEXT_SOURCE, "The identity of the jobs."),
]);

const RESOURCES: Type = Type::Open(&[
    Field::optional("cpu", Type::TEXT, "Processors, such as `500m`."),
    Field::optional("memory", Type::TEXT, "Memory, such as `1Gi`."),
]);
