//! The tags that Dagster itself gives a meaning, and what a tag may look like.

use std::collections::BTreeMap;

/// The partition of a run.
pub const PARTITION: &str = "dagster/partition";
/// The partition set of a run, in old versions.
pub const PARTITION_SET: &str = "dagster/partition_set";
/// The first partition of a run over a range.
pub const ASSET_PARTITION_RANGE_START: &str = "dagster/asset_partition_range_start";
/// The last partition of a run over a range.
pub const ASSET_PARTITION_RANGE_END: &str = "dagster/asset_partition_range_end";
/// The backfill that a run belongs to.
pub const BACKFILL_ID: &str = "dagster/backfill";
/// The code location of a run's job.
pub const CODE_LOCATION: &str = "dagster/code_location";
/// The repository of a run's job, written beside the run's own tags.
pub const REPOSITORY_LABEL: &str = ".dagster/repository";
/// The prefix of the tags that name a run's pools, written beside the run's own tags.
pub const POOL_PREFIX: &str = ".dagster/pool/";
/// Why a run failed.
pub const RUN_FAILURE_REASON: &str = "dagster/failure_reason";
/// Whether a failed run will be retried.
pub const WILL_RETRY: &str = "dagster/will_retry";
/// The data version of a materialisation.
pub const DATA_VERSION: &str = "dagster/data_version";
/// The prefix of the tags that name the dimensions of a partition.
pub const MULTIDIMENSIONAL_PARTITION_PREFIX: &str = "dagster/partition/";
/// The parent of a run that re-executes another.
pub const PARENT_RUN_ID: &str = "dagster/parent_run_id";
/// The first run of a chain of re-executions.
pub const ROOT_RUN_ID: &str = "dagster/root_run_id";
/// Set (`true`) on runs whose asset events another system reports.
pub const EXTERNALLY_MANAGED_ASSETS: &str = "dagster/defer_asset_events";

/// A tag that Dagster would not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tag {key:?}: {reason}")]
pub struct TagError {
    /// The key of the tag.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub reason: &'static str,
}

/// Checks the tags of a run that is about to be created.
///
/// Only what no database or user interface can carry is refused: an empty key. Dagster warns of
/// other unusual keys and stores them all the same.
pub fn validate_run_tags(tags: &BTreeMap<String, String>) -> Result<(), TagError> {
    match tags.keys().find(|key| key.is_empty()) {
        Some(key) => {
            Err(TagError { key: key.clone(), reason: "the key is empty; write KEY=VALUE" })
        }
        None => Ok(()),
    }
}
