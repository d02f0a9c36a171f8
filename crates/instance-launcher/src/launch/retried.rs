//! The job of a run that is to be executed again, as its code is now.

use instance_core::code_location::RemoteJob;
use instance_core::error::InstanceError;
use instance_core::ops::LauncherOps;
use instance_core::run::DagsterRun;
use instance_core::serdes::FrozenSet;

use super::prepare::{of, part_of};
use crate::code::{GrpcCodeLocation, JobPart, job_origin};

/// Asks a code location for the job of a run as it is there now: the part with the assets and checks that the run selects, or
/// else the whole job. Nothing is stored.
///
/// A selection of ops makes no part, as in Dagster's UI: the run selects them for the worker.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if the run does not say where its code is. [`InstanceError::CodeLocation`] if the location
/// does not answer, or does not have the repository, the job or what is selected any more. [`InstanceError::Storage`] if the
/// storage fails.
// facade: skip
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %run.run_id))]
pub async fn job_of_run(
    ops: &dyn LauncherOps,
    location: &GrpcCodeLocation,
    run: &DagsterRun,
) -> Result<RemoteJob, InstanceError> {
    let Some(origin) = &run.remote_job_origin else {
        let reason = "it does not say where its code is";
        return Err(InstanceError::invalid("run", run.run_id.as_str(), reason));
    };
    let repository = &origin.repository_origin.repository_name;
    let selected = run.asset_selection.as_ref().filter(|assets| !assets.is_empty());
    let checks = run.asset_check_selection.as_ref();
    if selected.is_none() && checks.is_none_or(FrozenSet::is_empty) {
        return location.whole_job(repository, &run.job_name).await.map_err(of("tell the job"));
    }
    let repository_origin =
        location.repository_origin(repository).map_err(of("find the repository"))?;
    let part = JobPart {
        ops: None,
        assets: selected.map(|assets| assets.as_slice().to_vec()),
        checks: checks.map(|checks| checks.as_slice().to_vec()),
    };
    part_of(ops, location, &job_origin(repository_origin, &run.job_name), part).await
}
