//! The configuration of the run launcher that starts tasks of Amazon's ECS.

use super::types::{Field, Type};

/// Tasks of ECS.
pub(super) const ECS: Type = Type::Shape(&[
    Field::optional(
        "task_definition",
        Type::Either(super::Scalar::Text, &TASK_DEFINITION),
        "The definition of the tasks: the name of one that exists, or its parts.",
    ),
    Field::optional("container_name", Type::TEXT_SOURCE, "The name of the container.")
        .filled("\"run\""),
    Field::optional(
        "secrets",
        Type::List(&Type::Either(super::Scalar::Text, &SECRET)),
        "Secrets of AWS that become environment variables.",
    ),
    Field::optional(
        "secrets_tag",
        Type::NULL_OR_TEXT_SOURCE,
        "Secrets with this tag become environment variables, too.",
    )
    .filled("\"dagster\""),
    Field::optional(
        "include_sidecars",
        Type::BOOLEAN,
        "Whether runs have the sidecars of the launcher's task.",
    )
    .filled("false"),
    Field::optional(
        "use_current_ecs_task_config",
        Type::BOOLEAN,
        "Whether cluster and network are those of the launcher's task.",
    )
    .filled("true"),
    Field::optional("run_task_kwargs", RUN_TASK, "More arguments of ECS's `run_task`."),
    Field::optional("propagate_tags", PROPAGATE_TAGS, "Which tags of a run its task gets."),
    Field::optional(
        "task_definition_prefix",
        Type::TEXT_SOURCE,
        "How the names of new definitions begin.",
    )
    .filled("\"run\""),
    Field::optional(
        "env_vars",
        Type::List(&Type::TEXT_SOURCE),
        "Environment variables of the task: `KEY=VALUE`, or `KEY` for that of the launcher.",
    )
    .secret(),
    Field::optional("run_resources", RESOURCES, "What the task of a run may use.").filled("{}"),
    Field::optional("run_ecs_tags", Type::List(&TAG), "More tags of the tasks."),
]);

const TASK_DEFINITION: Type = Type::Shape(&[
    Field::optional("log_group", Type::TEXT_SOURCE, "The group of logs."),
    Field::optional(
        "sidecar_containers",
        Type::List(&Type::ANYTHING),
        "More containers of the task.",
    )
    .secret(),
    Field::optional("requires_compatibilities", Type::List(&Type::TEXT), "Where the task can run."),
    Field::optional(
        "env",
        Type::TEXT,
        "The environment variable that holds the name of the definition.",
    ),
    Field::optional("linux_parameters", Type::ANYTHING, "Options of Linux."),
    Field::optional(
        "execution_role_arn",
        Type::TEXT_SOURCE,
        "The role of the agent that starts the task.",
    ),
    Field::optional("task_role_arn", Type::TEXT_SOURCE, "The role of the task."),
    Field::optional("runtime_platform", PLATFORM, "The machine and its operating system."),
    Field::optional("volumes", Type::List(&VOLUME), "The volumes of the task."),
    Field::optional(
        "mount_points",
        Type::List(&MOUNT_POINT),
        "Where the volumes are in the container.",
    ),
    Field::optional(
        "repository_credentials",
        Type::TEXT_SOURCE,
        "The secret that opens the registry of images.",
    ),
]);

const PLATFORM: Type = Type::Shape(&[
    Field::optional("cpuArchitecture", Type::TEXT_SOURCE, "The processor."),
    Field::optional("operatingSystemFamily", Type::TEXT_SOURCE, "The operating system."),
]);

const VOLUME: Type =
    Type::Open(&[Field::optional("name", Type::TEXT_SOURCE, "The name of the volume.")]);

const MOUNT_POINT: Type = Type::Shape(&[
    Field::optional("sourceVolume", Type::TEXT_SOURCE, "The volume."),
    Field::optional("containerPath", Type::TEXT_SOURCE, "The path in the container."),
    Field::optional("readOnly", Type::BOOLEAN_SOURCE, "Whether it can only be read."),
]);

const SECRET: Type = Type::Shape(&[
    Field::required("name", Type::TEXT_SOURCE, "The environment variable."),
    Field::required("valueFrom", Type::TEXT_SOURCE, "The secret of AWS."),
]);

const RUN_TASK: Type =
    Type::Open(&[Field::optional("cluster", Type::TEXT_SOURCE, "The cluster of the tasks.")]);

const PROPAGATE_TAGS: Type = Type::Shape(&[Field::required(
    "allow_list",
    Type::List(&Type::TEXT),
    "The keys of these tags.",
)]);

const RESOURCES: Type = Type::Open(&[
    Field::optional("cpu", Type::TEXT, "Units of processors."),
    Field::optional("memory", Type::TEXT, "Memory in MiB."),
    Field::optional("ephemeral_storage", Type::INTEGER, "Disk space in GiB."),
]);

const TAG: Type = Type::Shape(&[
    Field::required("key", Type::TEXT_SOURCE, "The key."),
    Field::optional("value", Type::TEXT_SOURCE, "The value."),
]);
