//! The JSON of dynamic partitions.

use dagster_instance::AddedDynamicPartitions;
use serde_json::{Value, json};

use super::text;

/// A key of a definition.
pub(crate) fn partition(key: &str) -> Value {
    json!({ "partition": text(key) })
}

/// What was added to a definition.
pub(crate) fn added_partitions(name: &str, added: &AddedDynamicPartitions) -> Value {
    json!({ "partitions_def": text(name), "added": added.added, "existing": added.existing })
}

/// What was deleted of a definition, or would be.
pub(crate) fn deleted_partitions(
    name: &str,
    deleted: usize,
    not_there: usize,
    dry_run: bool,
) -> Value {
    json!({
        "partitions_def": text(name),
        "deleted": deleted,
        "not_there": not_there,
        "dry_run": dry_run,
    })
}
