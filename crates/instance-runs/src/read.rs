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

/// The runs that match, with their rows.
pub async fn get_run_records(
    ops: &dyn RunOps,
    filter: &RunsFilter,
    page: &RunsPage,
) -> Result<Vec<RunRecord>, InstanceError> {
    Ok(ops.run_store().get_run_records(filter, page).await?)
}

/// The runs that match.
pub async fn get_runs(
    ops: &dyn RunOps,
    filter: &RunsFilter,
    page: &RunsPage,
) -> Result<Vec<DagsterRun>, InstanceError> {
    let records = ops.run_store().get_run_records(filter, page).await?;
    Ok(records.into_iter().map(|record| record.dagster_run).collect())
}

/// How many runs match.
pub async fn get_runs_count(ops: &dyn RunOps, filter: &RunsFilter) -> Result<u64, InstanceError> {
    Ok(ops.run_store().get_runs_count(filter).await?)
}

/// The run of this id with its row; `None` if there is none.
pub async fn get_run_record_by_id(
    ops: &dyn RunOps,
    run_id: &RunId,
) -> Result<Option<RunRecord>, InstanceError> {
    Ok(ops.run_store().get_run_record(run_id).await?)
}

/// The run of this id; `None` if there is none.
pub async fn get_run_by_id(
    ops: &dyn RunOps,
    run_id: &RunId,
) -> Result<Option<DagsterRun>, InstanceError> {
    Ok(get_run_record_by_id(ops, run_id).await?.map(|record| record.dagster_run))
}

/// Whether there is a run of this id.
pub async fn has_run(ops: &dyn RunOps, run_id: &RunId) -> Result<bool, InstanceError> {
    Ok(ops.run_store().has_run(run_id).await?)
}

/// The ids of the runs that match, without reading the runs.
pub async fn get_run_ids(
    ops: &dyn RunOps,
    filter: &RunsFilter,
    page: &RunsPage,
) -> Result<Vec<RunId>, InstanceError> {
    Ok(ops.run_store().get_run_ids(filter, page).await?)
}

/// The run's first ancestor and all its re-executions, the ancestor first; `None` if there is no such run.
///
/// Errors: the ancestor that the run names is not there.
pub async fn get_run_group(
    ops: &dyn RunOps,
    run_id: &RunId,
) -> Result<Option<RunGroup>, InstanceError> {
    Ok(ops.run_store().get_run_group(run_id).await?)
}

/// The values that tags of runs have, by key ascending; keys that no run has are left out.
pub async fn get_run_tags(
    ops: &dyn RunOps,
    query: &RunTagsQuery,
) -> Result<Vec<(String, BTreeSet<String>)>, InstanceError> {
    Ok(ops.run_store().get_run_tags(query).await?)
}

/// The keys of all tags of runs, ascending.
pub async fn get_run_tag_keys(ops: &dyn RunOps) -> Result<Vec<String>, InstanceError> {
    Ok(ops.run_store().get_run_tag_keys().await?)
}

/// For each partition that matching runs are of, the newest of them.
pub async fn get_run_partition_data(
    ops: &dyn RunOps,
    filter: &RunsFilter,
) -> Result<Vec<RunPartitionData>, InstanceError> {
    Ok(ops.run_store().get_run_partition_data(filter).await?)
}

/// The one run whose id is, or begins with, the given text, which is how people name runs.
///
/// Errors: no run does, or several do; the text is empty, with which every id begins.
pub async fn find_run(ops: &dyn RunOps, id_or_prefix: &str) -> Result<RunRecord, InstanceError> {
    if id_or_prefix.is_empty() {
        return Err(InstanceError::Invalid {
            what: "run id",
            value: String::new(),
            reason: "it is empty; give the id of a run, or its beginning".to_owned(),
        });
    }
    if let Some(record) = get_run_record_by_id(ops, &RunId::from(id_or_prefix)).await? {
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

/// Counts and times of a run.
pub async fn get_run_stats(
    ops: &dyn RunOps,
    run_id: &RunId,
) -> Result<DagsterRunStatsSnapshot, InstanceError> {
    Ok(ops.event_store().get_stats_for_run(run_id).await?)
}

/// Status and times of these steps of a run, in the order in which they began.
pub async fn get_run_step_stats(
    ops: &dyn RunOps,
    run_id: &RunId,
    step_keys: &Only<String>,
) -> Result<Vec<RunStepKeyStatsSnapshot>, InstanceError> {
    Ok(ops.event_store().get_step_stats_for_run(run_id, step_keys).await?)
}
