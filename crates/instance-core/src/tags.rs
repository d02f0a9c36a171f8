//! The tags that Dagster itself gives a meaning.

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
/// The backfill that a run's backfill retries.
pub const PARENT_BACKFILL_ID: &str = "dagster/parent_backfill_id";
/// The first backfill of a chain of retries.
pub const ROOT_BACKFILL_ID: &str = "dagster/root_backfill_id";
/// The run by which the daemon has retried a run.
pub const AUTO_RETRY_RUN_ID: &str = "dagster/auto_retry_run_id";
/// Set (`true`) on runs that re-execute what failed in another one.
pub const RESUME_RETRY: &str = "dagster/is_resume_retry";
/// Set (`true`) on runs that re-execute the assets which another one did not materialise.
pub const ASSET_RESUME_RETRY: &str = "dagster/is_asset_resume_retry";
/// The pool of a step, in old versions.
pub const GLOBAL_CONCURRENCY: &str = "dagster/concurrency_key";
/// Whether figures of a run's process are collected; the first is today's.
pub const RUN_METRICS: [&str; 2] = [".dagster/run_metrics", "dagster/run_metrics"];
/// Set on runs that Airflow executes, and when it executes them, which such runs always have.
pub const IS_AIRFLOW_INGEST_PIPELINE: &str = "is_airflow_ingest_pipeline";
/// See [`IS_AIRFLOW_INGEST_PIPELINE`].
pub const AIRFLOW_EXECUTION_DATE: &str = "airflow_execution_date";
/// Where in the queue a run stands: the greatest number comes first, and 0 is the default.
pub const PRIORITY: &str = "dagster/priority";
/// How often a run may be retried.
pub const MAX_RETRIES: &str = "dagster/max_retries";
/// Which retry a run is.
pub const RETRY_NUMBER: &str = "dagster/retry_number";
/// Which part of a run its retry executes again, such as `FROM_FAILURE`.
pub const RETRY_STRATEGY: &str = "dagster/retry_strategy";
/// After how many seconds a run is stopped.
pub const MAX_RUNTIME: &str = "dagster/max_runtime";
/// The same by another name, that of the setting; [`MAX_RUNTIME`] comes first.
pub const MAX_RUNTIME_SECONDS: &str = "dagster/max_runtime_seconds";
/// Whether a run is retried in which a step failed.
pub const RETRY_ON_ASSET_OR_OP_FAILURE: &str = "dagster/retry_on_asset_or_op_failure";
/// Why a run failed.
pub const RUN_FAILURE_REASON: &str = "dagster/failure_reason";
/// Whether a failed run will be retried.
pub const WILL_RETRY: &str = "dagster/will_retry";
/// The data version of a materialisation.
pub const DATA_VERSION: &str = "dagster/data_version";
/// The version of the code that made a materialisation.
pub const CODE_VERSION: &str = "dagster/code_version";
/// The prefix of the tags that name the dimensions of a partition.
pub const MULTIDIMENSIONAL_PARTITION_PREFIX: &str = "dagster/partition/";
/// The parent of a run that re-executes another.
pub const PARENT_RUN_ID: &str = "dagster/parent_run_id";
/// The first run of a chain of re-executions.
pub const ROOT_RUN_ID: &str = "dagster/root_run_id";
/// Set (`true`) on runs whose asset events another system reports.
pub const EXTERNALLY_MANAGED_ASSETS: &str = "dagster/defer_asset_events";

/// Whether the value of a tag means yes. `false`, `none`, `0` and the empty text mean no, in any case of letters.
/// All else means yes.
pub fn boolean_value(value: &str) -> bool {
    !["false", "none", "0", ""].iter().any(|no| value.eq_ignore_ascii_case(no))
}

/// Whether events are found by a tag in [`EventLogStorage`](crate::storage::EventLogStorage), unless a store is
/// told otherwise. Only the tags by which Dagster looks events up are indexed: all others would only fill the
/// index.
pub fn is_indexed_tag(key: &str) -> bool {
    key == DATA_VERSION || key.starts_with(MULTIDIMENSIONAL_PARTITION_PREFIX)
}
