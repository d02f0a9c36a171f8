//! Finding runs, and what their events add up to.

use std::collections::BTreeSet;

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::RunOps;
use instance_core::run::{
    DagsterRun, DagsterRunStatsSnapshot, RunGroup, RunPartitionData, RunRecord,
    RunStepKeyStatsSnapshot, RunsFilter,
};
use instance_core::storage::{Only, RunTagsQuery, RunsPage};

/// Returns the runs that match a filter, each with what its row says beside the run.
///
/// A default [`RunsFilter`] matches all runs. The page says how many runs come at most, where they begin and in which
/// order; a default [`RunsPage`] means all runs, newest first. The list is empty if no run matches.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the body of a run cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_run_records(
    ops: &dyn RunOps,
    filter: &RunsFilter,
    page: &RunsPage,
) -> Result<Vec<RunRecord>, InstanceError> {
    Ok(ops.run_store().get_run_records(filter, page).await?)
}

/// Returns the runs that match a filter.
///
/// Filter, page and order are those of [`get_run_records`].
///
/// # Errors
///
/// Those of [`get_run_records`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_runs(
    ops: &dyn RunOps,
    filter: &RunsFilter,
    page: &RunsPage,
) -> Result<Vec<DagsterRun>, InstanceError> {
    let records = ops.run_store().get_run_records(filter, page).await?;
    Ok(records.into_iter().map(|record| record.dagster_run).collect())
}

/// Returns how many runs match a filter. A default [`RunsFilter`] matches all runs.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_runs_count(ops: &dyn RunOps, filter: &RunsFilter) -> Result<u64, InstanceError> {
    Ok(ops.run_store().get_runs_count(filter).await?)
}

/// Returns a run by its id, with what its row says beside the run; `None` if there is no such run.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the body of the run cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn get_run_record_by_id(
    ops: &dyn RunOps,
    run_id: &RunId,
) -> Result<Option<RunRecord>, InstanceError> {
    Ok(ops.run_store().get_run_record(run_id).await?)
}

/// Returns a run by its id; `None` if there is no such run.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the body of the run cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn get_run_by_id(
    ops: &dyn RunOps,
    run_id: &RunId,
) -> Result<Option<DagsterRun>, InstanceError> {
    stored_run(ops, run_id).await
}

/// What [`get_run_by_id`] returns, for functions that have a span of their own.
pub(crate) async fn stored_run(
    ops: &dyn RunOps,
    run_id: &RunId,
) -> Result<Option<DagsterRun>, InstanceError> {
    Ok(ops.run_store().get_run_record(run_id).await?.map(|record| record.dagster_run))
}

/// Returns whether there is a run of this id.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn has_run(ops: &dyn RunOps, run_id: &RunId) -> Result<bool, InstanceError> {
    Ok(ops.run_store().has_run(run_id).await?)
}

/// Returns the ids of the runs that match a filter, without reading the bodies of the runs.
///
/// Filter, page and order are those of [`get_run_records`].
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_run_ids(
    ops: &dyn RunOps,
    filter: &RunsFilter,
    page: &RunsPage,
) -> Result<Vec<RunId>, InstanceError> {
    Ok(ops.run_store().get_run_ids(filter, page).await?)
}

/// Returns the group that a run belongs to; `None` if there is no such run.
///
/// A group is a first run and all its direct and indirect re-executions. The first run comes first, the others follow
/// in any order.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`] if the run names a first run that is not stored; [`InstanceError::Storage`] if the
/// storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn get_run_group(
    ops: &dyn RunOps,
    run_id: &RunId,
) -> Result<Option<RunGroup>, InstanceError> {
    Ok(ops.run_store().get_run_group(run_id).await?)
}

/// Returns the values that runs have for each key of a query, by key ascending.
///
/// A key that no run has is left out. A query without keys returns nothing.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_run_tags(
    ops: &dyn RunOps,
    query: &RunTagsQuery,
) -> Result<Vec<(String, BTreeSet<String>)>, InstanceError> {
    Ok(ops.run_store().get_run_tags(query).await?)
}

/// Returns the keys of all tags that runs have, ascending and each once.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_run_tag_keys(ops: &dyn RunOps) -> Result<Vec<String>, InstanceError> {
    Ok(ops.run_store().get_run_tag_keys().await?)
}

/// Returns, for each partition that matching runs are of, its newest run.
///
/// Runs without a partition are left out.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_run_partition_data(
    ops: &dyn RunOps,
    filter: &RunsFilter,
) -> Result<Vec<RunPartitionData>, InstanceError> {
    Ok(ops.run_store().get_run_partition_data(filter).await?)
}

/// Returns the one run whose id is the given text, or begins with it.
///
/// A run whose id is exactly the text is found even if other ids begin with it.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`] if no id begins with the text; [`InstanceError::Invalid`] if several do, or if the
/// text is empty; [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn find_run(ops: &dyn RunOps, id_or_prefix: &str) -> Result<RunRecord, InstanceError> {
    if id_or_prefix.is_empty() {
        return Err(InstanceError::Invalid {
            what: "run id",
            value: String::new(),
            reason: "it is empty; give the id of a run, or its beginning".to_owned(),
        });
    }
    if let Some(record) = ops.run_store().get_run_record(&RunId::from(id_or_prefix)).await? {
        return Ok(record);
    }
    let filter = RunsFilter::new().with_run_id_prefix(id_or_prefix.to_owned());
    let page = RunsPage::new().with_limit(3);
    let mut found = ops.run_store().get_run_records(&filter, &page).await?;
    match (found.len(), found.pop()) {
        (1, Some(record)) => Ok(record),
        (0, _) => Err(InstanceError::RunNotFound { run_id: id_or_prefix.to_owned() }),
        (_, last) => {
            found.extend(last);
            let ids: Vec<_> =
                found.iter().map(|record| record.dagster_run.run_id.as_str()).collect();
            Err(InstanceError::Invalid {
                what: "run id",
                value: id_or_prefix.to_owned(),
                reason: format!(
                    "several runs begin with it ({}); give more of the id",
                    ids.join(", ")
                ),
            })
        }
    }
}

/// Returns the counts and times that the events of a run add up to.
///
/// A run without events, and one that is not stored, has counts of zero and no times.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn get_run_stats(
    ops: &dyn RunOps,
    run_id: &RunId,
) -> Result<DagsterRunStatsSnapshot, InstanceError> {
    Ok(ops.event_store().get_stats_for_run(run_id).await?)
}

/// Returns the status and the times of steps of a run, in the order in which the steps began.
///
/// [`Only::Any`] means all steps. A step without events is left out.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn get_run_step_stats(
    ops: &dyn RunOps,
    run_id: &RunId,
    step_keys: &Only<String>,
) -> Result<Vec<RunStepKeyStatsSnapshot>, InstanceError> {
    Ok(ops.event_store().get_step_stats_for_run(run_id, step_keys).await?)
}
