//! The section `concurrency`: how much is done at the same time.

use super::coordinators::TAG_LIMITS;
use super::types::{Field, Rule, Type};

/// The section `concurrency`.
pub(super) const CONCURRENCY: Type = Type::Shape(&[
    Field::optional("pools", POOLS, "Limits of pools, which ops and assets name."),
    Field::optional("runs", RUNS, "Limits of runs."),
    Field::optional(
        "default_op_concurrency_limit",
        Type::INTEGER,
        "An older name of `pools.default_limit`.",
    )
    .rule(Rule::PoolLimit),
]);

const POOLS: Type = Type::Shape(&[
    Field::optional(
        "default_limit",
        Type::INTEGER,
        "The limit of a pool that has none of its own.",
    )
    .rule(Rule::PoolLimit),
    Field::optional("granularity", Type::TEXT, "Whether ops or whole runs count: `op` or `run`.")
        .rule(Rule::OneOf(&["op", "run"])),
    Field::optional(
        "op_granularity_run_buffer",
        Type::INTEGER,
        "How many runs are launched all the same, with all of their ops waiting.",
    )
    .implied("0"),
]);

const RUNS: Type = Type::Shape(&[
    Field::optional(
        "max_concurrent_runs",
        Type::INTEGER,
        "How many runs are in progress at once; -1 is any number, and 0 launches none.",
    )
    .implied("10"),
    Field::optional(
        "tag_concurrency_limits",
        TAG_LIMITS,
        "How many runs with certain tags are in progress at once.",
    ),
]);
