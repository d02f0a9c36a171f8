//! The section `auto_materialize`: assets that are materialised by their conditions.

use super::types::{Field, Type};

/// The section `auto_materialize`.
pub(super) const AUTO_MATERIALIZE: Type = Type::Shape(&[
    Field::optional("enabled", Type::BOOLEAN_SOURCE, "Whether conditions are evaluated at all.")
        .implied("true"),
    Field::optional(
        "minimum_interval_seconds",
        Type::INTEGER_SOURCE,
        "The shortest time between two evaluations.",
    ),
    Field::optional("run_tags", Type::ANYTHING, "Tags of the runs that are started.").implied("{}"),
    Field::optional(
        "respect_materialization_data_versions",
        Type::BOOLEAN_SOURCE,
        "Whether an asset whose data version did not change counts as not materialised.",
    )
    .implied("false"),
    Field::optional(
        "max_tick_retries",
        Type::INTEGER_SOURCE,
        "How often a tick that fails is tried again.",
    )
    .filled("3"),
    Field::optional(
        "use_sensors",
        Type::BOOLEAN_SOURCE,
        "Whether sensors evaluate the conditions.",
    )
    .implied("true"),
    Field::optional(
        "use_threads",
        Type::BOOLEAN,
        "Whether several sensors are evaluated at the same time.",
    )
    .filled("false"),
    Field::optional("num_workers", Type::INTEGER, "How many threads evaluate sensors."),
]);
