//! What no run may be. Nothing is written here.

use instance_core::error::InstanceError;
use instance_core::run::DagsterRunStatus;
use instance_core::serdes::FrozenSet;

use crate::create::CreateRun;

/// Refuses what no run may be, however it comes about.
pub(crate) fn validate(request: &CreateRun) -> Result<(), InstanceError> {
    if request.job_name.is_empty() {
        return invalid("job name", "", "a run needs the name of its job");
    }
    if request.root_run_id.is_some() != request.parent_run_id.is_some() {
        let given = request.root_run_id.as_ref().or(request.parent_run_id.as_ref());
        let given = given.map(ToString::to_string).unwrap_or_default();
        let reason = "a re-execution names both its root run and its parent run";
        return invalid("root or parent run", &given, reason);
    }
    if request.execution_plan_snapshot.is_some() && request.job_snapshot.is_none() {
        let reason = "it needs a job snapshot beside it";
        return invalid("execution plan snapshot", &request.job_name, reason);
    }
    if request.status == DagsterRunStatus::Queued && request.remote_job_origin.is_none() {
        // The store refuses it as well; here nothing of the run is stored yet.
        let reason = "a queued run has to say where its job is: give its remote job origin";
        return invalid("status", request.status.as_str(), reason);
    }
    Ok(())
}

/// Refuses what no run may be that is created here, beside what [`validate`] refuses.
pub(crate) fn validate_new(request: &CreateRun) -> Result<(), InstanceError> {
    if let Some(run_id) = request.run_id.as_ref().filter(|run_id| !run_id.is_uuid()) {
        return invalid("run id", run_id.as_str(), "it has to be a UUID");
    }
    if request.parent_job_snapshot.is_some() && request.job_snapshot.is_none() {
        let reason = "it needs a job snapshot beside it";
        return invalid("parent job snapshot", &request.job_name, reason);
    }
    let selects_assets = request.asset_selection.is_some()
        || request.asset_check_selection.as_ref().is_some_and(|checks| !checks.is_empty());
    if selects_assets && (request.op_selection.is_some() || request.resolved_op_selection.is_some())
    {
        let resolved = request.resolved_op_selection.as_ref().map(FrozenSet::as_slice);
        let ops = request.op_selection.as_deref().or(resolved);
        let ops = ops.map(|ops| ops.join(", ")).unwrap_or_default();
        return invalid("op selection", &ops, "a run selects either ops, or assets and checks");
    }
    if request.asset_graph.as_ref().is_some_and(|graph| graph.is_remote())
        && request.remote_job_origin.is_none()
    {
        let reason = "it is one of code locations, so the run has to say where its job is: give its \
                      remote job origin";
        return invalid("asset graph", &request.job_name, reason);
    }
    Ok(())
}

fn invalid(what: &'static str, value: &str, reason: &str) -> Result<(), InstanceError> {
    Err(InstanceError::invalid(what, value, reason))
}
