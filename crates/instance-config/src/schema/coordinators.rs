//! Which runs are launched when: the section `run_queue`, and the configuration of run coordinators.

use super::types::{Field, Rule, Type};

/// The queue of runs.
pub(super) const QUEUE: Type = Type::Shape(&[
    Field::optional(
        "max_concurrent_runs",
        Type::INTEGER_SOURCE,
        "How many runs are in progress at once; -1 is any number, and 0 launches none.",
    )
    .implied("10")
    .rule(Rule::RunLimit),
    Field::optional(
        "tag_concurrency_limits",
        TAG_LIMITS,
        "How many runs with certain tags are in progress at once.",
    ),
    Field::optional(
        "dequeue_interval_seconds",
        Type::INTEGER_SOURCE,
        "How often the daemon looks at the queue.",
    )
    .implied("5"),
    Field::optional(
        "dequeue_use_threads",
        Type::BOOLEAN,
        "Whether several runs are launched at the same time.",
    )
    .implied("false"),
    Field::optional("dequeue_num_workers", Type::INTEGER_SOURCE, "How many threads launch runs."),
    Field::optional(
        "max_user_code_failure_retries",
        Type::INTEGER_SOURCE,
        "How often a launch is tried again when the code server does not answer.",
    )
    .filled("0"),
    Field::optional(
        "user_code_failure_retry_delay",
        Type::INTEGER_SOURCE,
        "How many seconds pass before a launch is tried again.",
    )
    .filled("60"),
    Field::optional(
        "block_op_concurrency_limited_runs",
        BLOCKING,
        "Whether a run waits for room in the pools of its ops.",
    )
    .filled("{}"),
]);

const BLOCKING: Type = Type::Shape(&[
    Field::optional(
        "enabled",
        Type::BOOLEAN,
        "Whether a run waits in the queue while none of its ops could start.",
    )
    .implied("true"),
    Field::optional(
        "op_concurrency_slot_buffer",
        Type::INTEGER,
        "How many runs are launched all the same, with all of their ops waiting.",
    )
    .implied("0"),
]);

/// Limits of runs by their tags.
pub(super) const TAG_LIMITS: Type = Type::Nullable(&Type::List(&Type::Shape(&[
    Field::required("key", Type::TEXT, "The key of the tag."),
    Field::optional("value", TAG_VALUE, "The value of the tag; without it, any value counts."),
    Field::required("limit", Type::INTEGER, "How many runs are in progress at once."),
])));

const TAG_VALUE: Type = Type::Either(
    super::Scalar::Text,
    &Type::Shape(&[Field::required(
        "applyLimitPerUniqueValue",
        Type::BOOLEAN,
        "Whether the limit holds for each value by itself.",
    )]),
);
