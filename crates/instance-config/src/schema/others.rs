//! The configuration of the remaining classes: schedulers, local artifacts, secrets and states of definitions.

use super::types::{Field, Type};

/// A class that takes no configuration.
pub(super) const NOTHING: Type = Type::Shape(&[]);

/// What the daemon does about schedules.
pub(super) const SCHEDULER: Type = Type::Shape(&[
    Field::optional(
        "max_catchup_runs",
        Type::INTEGER_SOURCE,
        "How many missed ticks of a schedule are made up for.",
    )
    .filled("5"),
    Field::optional(
        "max_tick_retries",
        Type::INTEGER_SOURCE,
        "How often a tick that fails is tried again.",
    )
    .filled("0"),
]);

/// Where files of this machine are.
pub(super) const LOCAL_ARTIFACTS: Type = Type::Shape(&[Field::required(
    "base_dir",
    Type::TEXT_SOURCE,
    "The directory above `storage` and `schedules`; a relative one begins at the working directory.",
)]);

/// Variables of a file named `.env`.
pub(super) const ENV_FILE: Type = Type::Shape(&[Field::optional(
    "base_dir",
    Type::TEXT_SOURCE,
    "The directory of the file `.env`; by default the working directory.",
)]);

/// Variables of a file named `.env` for each code location.
pub(super) const ENV_FILES: Type = Type::Shape(&[Field::required(
    "location_paths",
    Type::Map(&Type::TEXT),
    "The directory of the file `.env` of each code location.",
)]);

/// States of definitions in files or in a bucket.
pub(super) const STATE_FILES: Type = Type::Shape(&[
    Field::required(
        "base_path",
        Type::TEXT,
        "The directory or the URL below which the states are.",
    )
    .url(),
    Field::optional("storage_options", Type::ANYTHING, "Options for whoever serves the URL.")
        .secret(),
]);
