//! Whether a failed run will be retried. Dagster's daemon reads that from a tag of the run.

use std::collections::BTreeMap;

use instance_core::error::{InstanceError, StorageError};
use instance_core::ids::RunId;
use instance_core::ops::EventOps;
use instance_core::run::{DagsterRun, allowed_retries};
use instance_core::tags;

/// Adds the tag that says whether a failed run will be retried. Nothing happens if there is no such run.
pub(crate) async fn mark_for_retry(ops: &dyn EventOps, run_id: &RunId) -> Result<(), StorageError> {
    let Some(record) = ops.run_store().get_run_record(run_id).await? else {
        return Ok(());
    };
    let will_retry = should_retry(ops, &record.dagster_run).await?;
    let tag = BTreeMap::from([(tags::WILL_RETRY.to_owned(), will_retry.to_string())]);
    match ops.run_store().add_run_tags(run_id, &tag, ops.clock().now()).await {
        // The run was deleted meanwhile.
        Err(StorageError::RunNotFound { .. }) => Ok(()),
        other => other,
    }
}

/// Returns whether Dagster's daemon will retry a run.
///
/// It retries a run that has failed for a reason that allows a retry, and whose group has fewer retries than allowed.
/// A tag of the run says how many are allowed, or else the settings. A tag that is not a number means none.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the group of the run cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %run.run_id))]
pub async fn auto_reexecution_should_retry_run(
    ops: &dyn EventOps,
    run: &DagsterRun,
) -> Result<bool, InstanceError> {
    Ok(should_retry(ops, run).await?)
}

async fn should_retry(ops: &dyn EventOps, run: &DagsterRun) -> Result<bool, StorageError> {
    let settings = ops.run_retries();
    if allowed_retries(run, &settings).is_none() {
        return Ok(false);
    }
    let group = match ops.run_store().get_run_group(&run.run_id).await {
        // This run, or the first of its group, was deleted.
        Err(StorageError::RunNotFound { .. }) => None,
        found => found?.map(|group| group.runs.len()),
    };
    Ok(instance_core::run::should_retry(run, group, &settings))
}
